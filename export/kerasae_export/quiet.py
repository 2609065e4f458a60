"""Silence for native libraries that write to standard error behind Python's back.

A notebook is quiet by itself: `import kerasae`, or `import kerasae_export`, in Jupyter or IPython
hides what TensorFlow and LiteRT write natively when they start (`quiet_notebook`). It hides
moments only: the import of a library that is known to chatter, and the making of an interpreter.
In a script or a server nothing changes; commands call `silence_native`.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

__all__ = ["native_notes_hidden", "quiet_notebook", "silence_native"]

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_CHATTERING = frozenset({"ai_edge_litert", "keras", "tensorflow"})
_ADVICE = "triggered tf.function retracing"  # about speed only, and not about the reader's code


def silence_native() -> None:
    """Discard what native code writes to file descriptor 2, for the rest of the process.

    Importing TensorFlow and creating the first LiteRT interpreter print messages that no
    environment variable turns off. Python's own `sys.stderr` keeps working, so warnings still
    show: a stream on that descriptor gets a copy of it, and a notebook's stream, which does not
    use it, is left alone. For commands only, since a native library's last words are lost, too;
    a notebook is quiet without it. `KERASAE_DEBUG=1` keeps everything.
    """
    if os.environ.get("KERASAE_DEBUG"):
        return
    sys.stderr.flush()
    if _descriptor(sys.stderr) == 2:
        sys.stderr = _copy_of_standard_error()
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    os.close(sink)


def quiet_notebook() -> None:
    """Hide what TensorFlow and LiteRT write natively when they start, in Jupyter and IPython.

    `import kerasae` and `import kerasae_export` call this, so a notebook that begins with one of
    them shows results only. If TensorFlow is imported before, its notes have been written.

    - `TF_CPP_MIN_LOG_LEVEL` becomes 3, if the user has not set it: TensorFlow's native notes and
      warnings are off. What goes wrong still arrives, as a Python exception, and so do fatal
      messages.
    - What the libraries write before they read that variable is held back while they are imported.
      If the import fails, all of it is shown.
    - TensorFlow's advice on retracing, which is about speed, is dropped. Its other warnings stay,
      and so do all warnings of Python.

    With `TF_CPP_MIN_LOG_LEVEL=0` or `KERASAE_DEBUG=1` set before the import, nothing is hidden.
    Outside of IPython nothing is hidden either: whether this is a notebook is asked when a library
    is imported.
    """
    if any(isinstance(finder, _QuietImports) for finder in sys.meta_path):
        return
    logging.getLogger("tensorflow").addFilter(_is_wanted)
    sys.meta_path.insert(0, _QuietImports())


@contextlib.contextmanager
def native_notes_hidden() -> Iterator[None]:
    """Hold back what native code writes to standard error meanwhile, in a notebook.

    If the block raises an error, what was held back is written after all. Outside of IPython, and
    where the user asked for messages, this does nothing.
    """
    if not _to_be_quiet():
        yield
        return
    sys.stderr.flush()
    stream, kept = sys.stderr, os.dup(2)
    if _descriptor(stream) == 2:
        sys.stderr = _copy_of_standard_error()
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            sys.stderr = stream


class _QuietImports(importlib.abc.MetaPathFinder):
    """Hides the notes of the libraries that chatter while they are imported."""

    _asking = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in _CHATTERING or self._asking or not _to_be_quiet():
            return None
        os.environ.setdefault(_LEVEL, "3")
        self._asking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_quietly(module: Any) -> None:
                with native_notes_hidden():
                    execute(module)

            spec.loader.exec_module = execute_quietly  # type: ignore[method-assign]
        return spec


def _to_be_quiet() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    asked = os.environ.get("KERASAE_DEBUG") or os.environ.get(_LEVEL) == "0"
    return shell is not None and not asked


def _is_wanted(record: logging.LogRecord) -> bool:
    return _ADVICE not in str(record.msg) or not _to_be_quiet()


def _copy_of_standard_error() -> Any:
    return os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")


def _descriptor(stream: Any) -> int | None:
    try:
        number: int = stream.fileno()
    except (AttributeError, OSError, ValueError):  # a stream without one
        return None
    return number
