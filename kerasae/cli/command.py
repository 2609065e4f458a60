"""A command whose errors are sentences for people, with an exit status."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import click

__all__ = ["command"]


def command(function: Callable[..., Any]) -> click.Command:
    """Turn errors that have a sentence for people into that sentence and an exit status.

    An interruption may have a sentence, too: what became of the work, and how to go on with it.
    """

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        from kerasae.data import DataError
        from kerasae_export.errors import BitstreamError, BundleError, ConversionError

        try:
            return function(*args, **kwargs)
        except (BundleError, BitstreamError, ConversionError, DataError, FloatingPointError) as e:
            _fail(_as_options(str(e)), 1)
        except RuntimeError as error:
            if type(error).__name__ != "HostsError":
                raise
            _fail(_as_options(str(error)), 1, at_once=True)
        except (ValueError, TypeError) as error:
            if os.environ.get("KERASAE_DEBUG"):
                raise
            _fail(_as_options(str(error)), 2)
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            _fail(f"{error.filename}: {reason}" if error.filename else f"{reason}.", 1)
        except MemoryError:
            _fail("the memory does not suffice.", 1)
        except KeyboardInterrupt as interruption:
            _fail(str(interruption) or "interrupted; no file is half-written.", 130)

    return click.command()(guarded)


def _as_options(message: str) -> str:
    """Call arguments by the names that they have on the command line."""
    given = click.get_current_context().command.params
    names = {
        p.name: p.make_metavar(click.get_current_context()).removesuffix("...")
        if isinstance(p, click.Argument)
        else max(p.opts, key=len)
        for p in given
    }
    names["source"] = "--data"
    names["folder"] = names.get("bundle") or names.get("bundles") or names.get("out", "folder")
    message = message.replace(" source=", " data=")
    return re.sub(r"`(\w+)`", lambda found: f"`{names.get(found[1], found[1])}`", message)


def _fail(message: str, status: int, *, at_once: bool = False) -> None:
    """Say it and exit; at once, if JAX would wait for a process that has died."""
    from kerasae_export.console import printable

    click.echo(f"kerasae: {printable(message)}", err=True)
    if at_once:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
