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
    """Turn errors that have a sentence for people into that sentence and an exit status."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        from kerasae.data import DataError
        from kerasae_export.errors import BitstreamError, BundleError, ConversionError

        try:
            return function(*args, **kwargs)
        except (BundleError, BitstreamError, ConversionError, DataError, FloatingPointError) as e:
            _fail(str(e), 1)
        except (ValueError, TypeError) as error:
            if os.environ.get("KERASAE_DEBUG"):
                raise
            _fail(_as_options(str(error)), 2)
        except OSError as error:
            where = "" if error.filename is None else f"{error.filename}: "
            _fail(f"{where}{error.strerror or error}", 1)
        except KeyboardInterrupt:
            _fail("interrupted; a run can be continued with --resume.", 130)

    return click.command()(guarded)


def _as_options(message: str) -> str:
    """Call arguments by the names that they have on the command line."""
    names = {p.name: max(p.opts, key=len) for p in click.get_current_context().command.params}
    names["source"] = "--data"
    return re.sub(r"`(\w+)`", lambda found: f"`{names.get(found[1], found[1])}`", message)


def _fail(message: str, status: int) -> None:
    from kerasae_export.console import printable

    click.echo(f"kerasae: {printable(message)}", err=True)
    sys.exit(status)
