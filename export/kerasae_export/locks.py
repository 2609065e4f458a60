"""Locks that the system gives back when a process ends, however it ends."""

from __future__ import annotations

from typing import IO, Any

__all__ = ["lock"]


def lock(file: IO[Any], *, wait: bool = False) -> bool:
    """Lock an open file for this process; whether it has the lock now.

    Args:
        file: The file, open for writing.
        wait: Whether to wait for another process that holds the lock.
    """
    return _lock(file, wait)


try:
    import fcntl
except ImportError:  # Windows

    def _lock(file: IO[Any], wait: bool) -> bool:
        import msvcrt

        mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK  # type: ignore[attr-defined]
        try:
            msvcrt.locking(file.fileno(), mode, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True

else:

    def _lock(file: IO[Any], wait: bool) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
