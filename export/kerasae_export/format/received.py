"""Bytes that are read when they are needed, so that a long file costs what it is worth."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import overload

__all__ = ["Data", "Received", "crc_of"]

_PIECE = 2**20


class Received:
    """Bytes that lie elsewhere, such as in a file; slices are read when they are taken.

    Args:
        read: Gives the bytes from one position to another.
        size: Number of bytes.
    """

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read, self._size = read, size

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, key: int) -> int: ...

    @overload
    def __getitem__(self, key: slice) -> bytes: ...

    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, slice):
            start, stop, _ = key.indices(self._size)
            return self._read(start, stop) if start < stop else b""
        return self._read(key, key + 1)[0]


Data = bytes | Received


def crc_of(data: Data, first: int, stop: int, value: int) -> int:
    """Continue a CRC-32 over a part of the bytes, of which few are held at a time."""
    for start in range(first, stop, _PIECE):
        value = zlib.crc32(data[start : min(start + _PIECE, stop)], value)
    return value
