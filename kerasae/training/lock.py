"""One training at a time in a run folder."""

from __future__ import annotations

import contextlib
import contextvars
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from kerasae_export.locks import lock

__all__ = ["LOCK", "locked"]

LOCK = "run.lock"

_held: contextvars.ContextVar[frozenset[Path]] = contextvars.ContextVar("held", default=frozenset())


@contextlib.contextmanager
def locked(folder: Path | None) -> Iterator[None]:
    """Keep other trainings out of a run folder, which is made if it is missing.

    The system gives the lock back when the process ends, however it ends; the file that carries it
    says which process that is. Whoever holds it may take it again.

    Args:
        folder: The run folder; None for a training without one.

    Raises:
        ValueError: If another training holds it.
    """
    if folder is None or folder.resolve() in _held.get():
        yield
        return
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    file = _take(folder)
    token = _held.set(_held.get() | {folder.resolve()})
    try:
        yield
    finally:
        _held.reset(token)
        with contextlib.suppress(OSError):  # where an open file cannot be removed it stays
            (folder / LOCK).unlink()
        file.close()
        if made:
            with contextlib.suppress(OSError):  # it holds something now
                folder.rmdir()


def _take(folder: Path) -> IO[str]:
    path = folder / LOCK
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        file = os.fdopen(descriptor, "r+", encoding="ascii", errors="replace")
        if not lock(file):
            holder = ""
            with contextlib.suppress(OSError):  # where a locked file cannot be read
                holder = file.read(20).strip()
            file.close()
            who = f", process {holder}," if holder.isdigit() else ""
            raise ValueError(
                f"`out` must not be the folder of another training{who} that is still running. "
                f"Received: out={os.fspath(folder)!r}"
            )
        try:
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                break
        except FileNotFoundError:  # the one before has just ended and removed it
            pass
        file.close()
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
