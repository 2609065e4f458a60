"""The container of version 2: a `.kae` file of one photograph (FORMAT.md, section 9)."""

from __future__ import annotations

from typing import NamedTuple

from kerasae_export.errors import BitstreamVersionError, CorruptBitstreamError
from kerasae_export.format.bitstream import (
    CRC,
    HEAD,
    IMAGE_MAGIC,
    Check,
    Reader,
    check_head,
    crc,
    read_body,
)
from kerasae_export.format.family import QUALITIES
from kerasae_export.format.received import Data
from kerasae_export.format.varint import varint

__all__ = ["PHOTO_VERSION", "Head", "family_id", "read_head", "read_photo", "write_photo"]

PHOTO_VERSION = 2
_OTHER_NAMING = 0x80


class Head(NamedTuple):
    """What a file says without its family.

    Attributes:
        quality: 1 to 100.
        height: Of the photograph, in pixels.
        width: Of the photograph, in pixels.
    """

    quality: int
    height: int
    width: int


def write_photo(head: Head, payload: bytes, digest: bytes) -> bytes:
    """The `.kae` file of a payload."""
    body = IMAGE_MAGIC + bytes([PHOTO_VERSION]) + digest[:2] + bytes([head.quality])
    body += varint(head.height) + varint(head.width) + payload
    return body + crc(digest, body)


def family_id(data: Data) -> bytes | None:
    """The first two bytes of the family's hash, if the bytes may be a file of version 2."""
    known = data[:2] == IMAGE_MAGIC and data[2:3] == bytes([PHOTO_VERSION])
    if known and len(data) >= HEAD + 1 + CRC:
        return bytes(data[3:5])
    return None


def read_head(data: bytes) -> Head:
    """What a file of version 2 says before its CRC is checked, which needs the family.

    Raises:
        CorruptBitstreamError: If the bytes are damaged, truncated or not a `.kae` file.
        BitstreamVersionError: If they are of another version, or name tables in another way.
    """
    check_head(data, IMAGE_MAGIC, data[3:5], PHOTO_VERSION)
    return _head(Reader(data[:-CRC], HEAD))


def read_photo(
    data: Data, digest: bytes, *, max_pixels: int, check: Check | None = None
) -> tuple[Head, bytes]:
    """Check a file and return its head and its payload.

    Args:
        data: The file.
        digest: The 32 bytes of the family's hash.
        max_pixels: Most pixels that it may have.
        check: What else is checked of its claims.

    Raises:
        CorruptBitstreamError: If the bytes are damaged, truncated or not a `.kae` file.
        BitstreamVersionError: If they are of another version, or name tables in another way.
        BitstreamBundleError: If they were made with another family.
        BitstreamLimitError: If the photograph has more than `max_pixels` pixels.
    """
    check_head(data, IMAGE_MAGIC, digest, PHOTO_VERSION)
    block = read_body(data, digest, _quality, max_pixels, check)
    return Head(block.quality, block.height, block.width), block.payload


def _head(reader: Reader) -> Head:
    return Head(_quality(reader), reader.varint(), reader.varint())


def _quality(reader: Reader) -> int:
    (quality,) = reader.take(1)
    if quality & _OTHER_NAMING:
        raise BitstreamVersionError(
            "The bitstream names its tables in a way that this code does not know."
        )
    if not 1 <= quality <= QUALITIES:
        raise CorruptBitstreamError(
            f"The bitstream names quality {quality}, and there are {QUALITIES}."
        )
    return quality
