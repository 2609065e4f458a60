"""What codecs take beside images: counts, qualities, bytes."""

from __future__ import annotations

import os
from numbers import Integral
from pathlib import Path

from kerasae_export.errors import CorruptBitstreamError
from kerasae_export.format.received import Data, Received

__all__ = ["check_bytes", "check_count", "check_path", "check_quality"]


def check_count(name: str, value: int) -> int:
    """A positive integer, as Python's own.

    Raises:
        ValueError: If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return int(value)


def check_path(name: str, value: str | os.PathLike[str]) -> Path:
    """The path of a file or folder.

    Raises:
        ValueError: If it is none.
    """
    if not isinstance(value, (str, os.PathLike)) or "\0" in (path := os.fsdecode(value)):
        raise ValueError(f"`{name}` must be a path. Received: {name}={value!r}")
    return Path(path)


def check_quality(quality: int | None, qualities: int) -> int:
    """The number of a quality, by default the best.

    Raises:
        ValueError: If the bundle has no such quality.
    """
    if quality is None:
        return qualities
    whole = isinstance(quality, Integral) and not isinstance(quality, bool)
    if not whole or not 1 <= quality <= qualities:
        raise ValueError(
            f"`quality` must be an integer from 1 to {qualities}, as many as the bundle "
            f"has. Received: quality={quality!r}"
        )
    return int(quality)


def check_bytes(data: Data) -> Data:
    """The bytes of a bitstream; those of a `Received` stay where they are.

    Raises:
        CorruptBitstreamError: If `data` is not bytes-like.
    """
    if isinstance(data, Received):
        return data
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise CorruptBitstreamError(f"`data` must be bytes. Received: {type(data).__name__}")
    return bytes(data)
