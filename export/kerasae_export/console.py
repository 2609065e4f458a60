"""What commands print: names without control characters, on streams that may be closed or full.

Reporting never decides over work: what cannot be shown is lost, and the command goes on.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any

from kerasae_export.quiet import silence_native

__all__ = ["open_streams", "printable"]


def printable(text: object) -> str:
    r"""A text in one line, with an escape for each character that is not to be seen.

    A file name may hold any of them: codes that a terminal obeys, letters that turn the direction
    of a line, bytes that are no letters.

    Example:
        >>> printable("caf\udce9 \x1b[2J")
        'caf\\xe9 \\x1b[2J'
    """
    return "".join(c if c.isprintable() else _escape(c) for c in str(text))


def open_streams() -> None:
    """Prepare standard output and standard error of a command, whatever they are."""
    for number in (0, 1, 2):  # else the next file that is opened would be taken for one of them
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    silence_native()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
            setattr(sys, name, _Stream(stream))


class _Stream:
    """A text stream that loses what it cannot write, and all after that."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            self._lose()
            return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._lose()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _lose(self) -> None:
        """Send what is buffered, and what follows, nowhere: Python would try it again."""
        with contextlib.suppress(OSError, ValueError):
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, self._stream.fileno())
            os.close(sink)
            self._stream.flush()


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that its encoding does not know
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
