"""Unsigned integers of variable length (LEB128): seven bits a byte, the low ones first."""

from __future__ import annotations

from collections.abc import Callable

from kerasae_export.errors import CorruptBitstreamError

__all__ = ["read_varint", "varint"]

_MAX_BYTES = 5


def varint(value: int) -> bytes:
    """Return the shortest encoding of `value`, which lies in [0, 2**35).

    Example:
        >>> varint(300).hex()
        'ac02'
    """
    out = bytearray()
    while value > 0x7F:
        out.append(0x80 | value & 0x7F)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(next_byte: Callable[[], int]) -> int:
    """Read one number; only its shortest encoding is accepted."""
    value = 0
    for shift in range(0, 7 * _MAX_BYTES, 7):
        byte = next_byte()
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if shift and not byte:
                break
            return value
    raise CorruptBitstreamError("The bitstream holds a malformed number.")
