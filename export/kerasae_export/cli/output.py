"""What `kae` prints: a line of progress, a line for each file, a summary."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kerasae_export.cli.options import LIMITS
from kerasae_export.console import printable

if TYPE_CHECKING:
    from kerasae_export.files.batch import Outcome

__all__ = ["FetchingLine", "ProgressLine", "report"]


def report(program: str, outcomes: Iterable[Outcome], line: ProgressLine) -> int:
    """Print what became of each file and a summary; returns the exit status."""
    done = failed = before = after = 0
    for outcome in outcomes:
        line.hide()
        if outcome.error is not None:
            failed += 1
            error = outcome.error
            for name in ("force", *LIMITS):
                error = error.replace(f"`{name}`", f"`--{name.replace('_', '-')}`")
            print(f"{program}: {printable(outcome.source)}: {printable(error)}.", file=sys.stderr)
        else:
            done, before, after = done + 1, before + outcome.before, after + outcome.after
            print(_sentence(outcome))
        line.show()
    line.hide()
    if not done and not failed:
        print(f"{program}: no files to work on were found.", file=sys.stderr)
        return 1
    if done:
        print(f"{done} file{'s' if done > 1 else ''}, {before:,} -> {after:,} bytes")
    if failed:
        print(f"{program}: {failed} of {done + failed} failed.", file=sys.stderr)
    return 1 if failed else 0


def _sentence(outcome: Outcome) -> str:
    height, width = outcome.size
    size = f"{width}x{height}" if outcome.images == 1 else f"{outcome.images} images"
    return (
        f"{printable(outcome.source)} -> {printable(outcome.target)}  {size}  "
        f"{outcome.before:,} -> {outcome.after:,} bytes"
    )


class ProgressLine:
    """A line of progress at the bottom of a terminal, above which results are printed."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal
        self._done = self._total = 0

    def set(self, done: int, total: int) -> None:
        """Take how many files are done; the line is drawn at the beginning."""
        self._done, self._total = done, total
        if not done:
            self.show()

    def show(self) -> None:
        """Draw the line, if this is a terminal and not all is done."""
        if self._terminal and self._done < self._total > 1:
            width = max(10, min(40, shutil.get_terminal_size().columns - 30))
            bar = "#" * (width * self._done // self._total)
            text = f"\r[{bar:<{width}}] {self._done} of {self._total}"
            print(text, end="", file=sys.stderr, flush=True)

    def hide(self) -> None:
        """Erase the line, before something is printed."""
        if self._terminal and self._total > 1:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # erases the line


class FetchingLine:
    """A bar for the download of LiteRT.js; without a terminal, one line."""

    def __init__(self, terminal: bool) -> None:
        self._terminal, self._shown = terminal, False

    def set(self, done: int, total: int) -> None:
        """Draw how many bytes have come."""
        text = f"fetching LiteRT.js with npm, once, {total / 1e6:.0f} MB"
        if not self._terminal:
            if not self._shown:
                print(text, file=sys.stderr, flush=True)
        else:
            width = max(10, min(40, shutil.get_terminal_size().columns - len(text) - 4))
            bar = "#" * (width * done // total)
            print(f"\r[{bar:<{width}}] {text}", end="", file=sys.stderr, flush=True)
        self._shown = True

    def hide(self) -> None:
        """Erase the bar."""
        if self._terminal and self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
