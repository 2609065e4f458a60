"""Silence for native libraries that write to standard error behind Python's back."""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["silence_native"]


def silence_native() -> None:
    """Discard what native code writes to file descriptor 2, for the rest of the process.

    Importing TensorFlow and creating the first LiteRT interpreter print messages that no
    environment variable turns off. Python's own `sys.stderr` keeps working, so warnings still
    show: a stream on that descriptor gets a copy of it, and a notebook's stream, which does not
    use it, is left alone. For commands and notebooks only; `KERASAE_DEBUG=1` keeps
    everything.
    """
    if os.environ.get("KERASAE_DEBUG"):
        return
    sys.stderr.flush()
    if _descriptor(sys.stderr) == 2:
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    os.close(sink)


def _descriptor(stream: Any) -> int | None:
    try:
        number: int = stream.fileno()
    except (AttributeError, OSError, ValueError):  # a stream without one
        return None
    return number
