"""Work on many items on all cores: one process each, results in the order of the items."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["cores", "spread"]

A = TypeVar("A")
B = TypeVar("B")

_ALONE = 0.5  # seconds; what takes no longer is done before other processes have started


def cores() -> int:
    """Number of cores that this process may use.

    Example:
        >>> cores() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(
    work: Callable[[A], B], items: Sequence[A], *, jobs: int, alone: float = _ALONE
) -> Generator[B | None, None, None]:
    """Yield `work(item)` for each item, in order, from `jobs` processes.

    This process works alone at first; the others start if items are left after `alone`
    seconds. When the iterator is closed, as by Ctrl-C, the items in progress are finished and no
    others are started.

    Args:
        work: The function; each process gets one pickled copy. It must not raise.
        items: Its arguments; pickled.
        jobs: Number of processes; 1 stays in this one.
        alone: Seconds before other processes start.

    Returns:
        The results; None for an item whose process died.

    Example:
        >>> list(spread(abs, [-1, 2], jobs=1))
        [1, 2]
    """
    start, done = time.monotonic(), 0
    while done < len(items) and (jobs == 1 or time.monotonic() - start < alone):
        yield work(items[done])
        done += 1
    if done < len(items):
        yield from _spread(work, items[done:], min(jobs, len(items) - done))


def _spread(
    work: Callable[[A], B], items: Sequence[A], jobs: int
) -> Generator[B | None, None, None]:
    from multiprocessing.connection import wait  # slow to import, and one file needs none of it

    waiting = iter(enumerate(items))
    results: dict[int, B | None] = {}
    workers: dict[Any, _Worker[A, B]] = {}  # by their connection

    def hire() -> None:
        task = next(waiting, None)
        if task is not None:
            worker = _Worker(work)
            workers[worker.connection] = worker
            worker.give(*task)

    try:
        for _ in range(jobs):
            hire()
        for position in range(len(items)):
            while position not in results:
                for connection in wait(list(workers)):
                    worker = workers[connection]
                    alive, results[worker.position] = worker.take()
                    task = next(waiting, None) if alive else None
                    if task is not None:
                        worker.give(*task)
                        continue
                    del workers[connection]
                    worker.dismiss()
                    if not alive:
                        hire()
            yield results.pop(position)
    finally:
        for worker in workers.values():
            worker.dismiss()


class _Worker(Generic[A, B]):
    """A process that works on one item at a time, and ends when its connection does."""

    def __init__(self, work: Callable[[A], B]) -> None:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, work))
        self._process.start()
        other.close()
        self.position = -1

    def give(self, position: int, item: A) -> None:
        self.position = position
        with contextlib.suppress(OSError):  # it died: `take` will tell
            self.connection.send(item)

    def take(self) -> tuple[bool, B | None]:
        """Whether the process is alive, and its result."""
        try:
            return True, self.connection.recv()
        except (EOFError, OSError):
            return False, None

    def dismiss(self) -> None:
        self.connection.close()
        self._process.join()


def _serve(connection: Connection, work: Callable[[Any], Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever hired
    with contextlib.suppress(EOFError, OSError):  # ... and has gone
        while True:
            connection.send(work(connection.recv()))
