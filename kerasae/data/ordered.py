"""Work of a pool in the order in which it was given, a bounded number of pieces ahead."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future
from typing import Any

__all__ = ["in_order", "leave_with_parent"]


def in_order(
    pool: Executor, work: Callable[..., Any], pieces: Iterable[tuple[Any, ...]], ahead: int
) -> Generator[Any, None, None]:
    """What `work` makes of each piece, in order; the pool ends with the iterator.

    Args:
        pool: Of threads or processes, which this takes over.
        work: A function, for processes one that can be pickled.
        pieces: Its arguments, piece by piece.
        ahead: Pieces that are made before they are asked for, which bounds the memory.

    Raises:
        BrokenExecutor: If a process of the pool has died.
    """
    waiting: deque[Future[Any]] = deque()
    try:
        for piece in pieces:
            waiting.append(pool.submit(work, *piece))
            if len(waiting) > max(1, ahead):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def leave_with_parent() -> None:
    """Let a worker process end with the one that started it, however that ends."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
