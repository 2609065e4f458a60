"""The container around the entropy-coded symbols: `.kae` files and streams.

A file holds one image, a stream many. Both name their version and their bundle, and a
CRC-32 covers them together with the full hash of the bundle, so neither damage nor another
bundle can give a wrong image. FORMAT.md specifies the bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from kerasae_export.errors import (
    BitstreamBundleError,
    BitstreamError,
    BitstreamLimitError,
    BitstreamVersionError,
    CorruptBitstreamError,
)
from kerasae_export.format.received import Data, crc_of
from kerasae_export.format.varint import read_varint, varint

__all__ = [
    "MAX_BLOCK_IMAGES",
    "VERSION",
    "Block",
    "is_stream",
    "read_image",
    "read_stream",
    "write_image",
    "write_stream",
]

VERSION = 1
"""Version byte."""

_READ_BY = {
    1: " That of its bundle reads it.",
    2: " It is a photograph, which the codec without a bundle reads.",
}
"""What a reader of another version says of the codec that reads this one."""

IMAGE_MAGIC = b"\xaek"
STREAM_MAGIC = b"\xaes"
MAX_BLOCK_IMAGES = 256

HEAD = 5  # magic, version, bundle id
CRC = 4
_MAX_SIDE = 2**31 - 1
_READ_ANYWAY = 2**20  # bytes up to which the CRC is checked even where the claims are impossible


@dataclass(frozen=True)
class Block:
    """Images of one size that share an entropy-coded payload.

    Attributes:
        count: Number of images, 1 to `MAX_BLOCK_IMAGES`.
        height: Height of each in pixels.
        width: Width of each in pixels.
        payload: The entropy-coded symbols of all of them, in order.
        quality: The bundle's quality that they are coded with, from 1 on.
    """

    count: int
    height: int
    width: int
    payload: bytes
    quality: int = 1


def write_image(block: Block, bundle_hash: bytes, *, qualities: int = 1) -> bytes:
    """Return the `.kae` file of a block of one image.

    Args:
        block: The block.
        bundle_hash: The 32 bytes of the bundle's hash.
        qualities: How many the bundle has.
    """
    body = IMAGE_MAGIC + bytes([VERSION]) + bundle_hash[:2] + _quality(block, qualities)
    body += varint(block.height) + varint(block.width) + block.payload
    return body + crc(bundle_hash, body)


Check = Callable[[Block, int], None]
"""Called with a block whose payload is not read yet, and the bytes of that payload.

It raises a `CorruptBitstreamError` or a `BitstreamLimitError`; the second one is raised after the
CRC, since bytes that are damaged claim anything.
"""


def read_image(
    data: Data,
    bundle_hash: bytes,
    *,
    max_pixels: int,
    qualities: int = 1,
    check: Check | None = None,
) -> Block:
    """Check a `.kae` file and return its block of one image.

    Args:
        data: The file.
        bundle_hash: The 32 bytes of the bundle's hash.
        max_pixels: Most pixels that the image may have.
        qualities: How many the bundle has.
        check: What else is checked of its claims.

    Raises:
        CorruptBitstreamError: If the bytes are damaged, truncated or not a `.kae` file.
        BitstreamVersionError: If they are of another version.
        BitstreamBundleError: If they were made with another bundle.
        BitstreamLimitError: If the image has more than `max_pixels` pixels.
    """
    check_head(data, IMAGE_MAGIC, bundle_hash)
    return read_body(data, bundle_hash, lambda r: r.quality(qualities), max_pixels, check)


def read_body(
    data: Data,
    name: bytes,
    read_quality: Callable[[Reader], int],
    max_pixels: int,
    check: Check | None,
) -> Block:
    """What follows the head of a file of any version: quality, size, payload, CRC.

    Args:
        data: The file, whose head has been checked.
        name: The 32 bytes that its CRC covers.
        read_quality: Reads the quality.
        max_pixels: As for `read_image`.
        check: As for `read_image`.
    """
    end = len(data) - CRC
    reader = Reader(data, HEAD, end)
    refusal: BitstreamError | None = None
    try:
        quality = read_quality(reader)
        height, width = reader.varint(), reader.varint()
        block = Block(1, height, width, b"", quality)
        check_claims(block, end - reader.position, max_pixels, check)
    except BitstreamError as error:
        refusal = error
    if isinstance(refusal, CorruptBitstreamError) and len(data) > _READ_ANYWAY:
        raise refusal  # and the rest is not read
    if crc_of(data, 0, end, zlib.crc32(name)).to_bytes(CRC, "little") != data[end:]:
        raise CorruptBitstreamError(DAMAGED)
    if refusal is not None:
        raise refusal
    return replace(block, payload=reader.rest())


def write_stream(blocks: Iterable[Block], bundle_hash: bytes, *, qualities: int = 1) -> bytes:
    """Return the stream of blocks, in order."""
    head = STREAM_MAGIC + bytes([VERSION]) + bundle_hash[:2]
    out, previous, total = [head], head, 0
    for block in blocks:
        body = varint(block.count) + _quality(block, qualities)
        body += varint(block.height) + varint(block.width)
        body += varint(len(block.payload)) + block.payload
        previous = crc(bundle_hash, previous + body)
        out += [body, previous]
        total += block.count
    end = varint(0) + varint(total)
    return b"".join([*out, end, crc(bundle_hash, previous + end)])


def read_stream(
    data: Data,
    bundle_hash: bytes,
    *,
    max_pixels: int,
    qualities: int = 1,
    check: Check | None = None,
) -> Iterator[Block]:
    """Check a stream and yield its blocks, each checked before it is yielded.

    Each CRC also covers the one before it, so that a lost or moved block is noticed.

    Raises:
        BitstreamError: As `read_image`; `max_pixels` holds for all images together.
    """
    check_head(data, STREAM_MAGIC, bundle_hash)
    reader, previous, total, left = Reader(data, HEAD), data[:HEAD], 0, max_pixels
    while True:
        first = reader.position
        count = reader.varint()
        if count == 0:
            declared = reader.varint()
            reader.check(bundle_hash, previous, first)
            if declared != total or reader.left:
                raise CorruptBitstreamError(DAMAGED)
            return
        quality = reader.quality(qualities)
        height, width = reader.varint(), reader.varint()
        size = reader.varint()
        if size > reader.left:
            raise CorruptBitstreamError("The bitstream is truncated.")
        block = Block(count, height, width, b"", quality)
        refusal = None
        try:
            check_claims(block, size, left, check)
        except BitstreamLimitError as error:
            refusal = error
        payload = b"" if refusal else reader.take(size)
        if refusal:
            reader.position += size
        previous = reader.check(bundle_hash, previous, first)
        if refusal:
            raise refusal
        total += count
        left -= count * height * width
        yield replace(block, payload=payload)


def check_claims(block: Block, size: int, max_pixels: int, check: Check | None) -> None:
    """Refuse what a block of `size` bytes claims, where it is impossible or not allowed."""
    if block.count > MAX_BLOCK_IMAGES:
        raise CorruptBitstreamError(
            f"A block claims {block.count} images, over {MAX_BLOCK_IMAGES}."
        )
    check_size(block, max_pixels)
    if check is not None:
        check(block, size)


def is_stream(data: Data) -> bool:
    """Whether the bytes begin as a stream of many images does."""
    return data[:2] == STREAM_MAGIC


DAMAGED = "The bitstream is damaged or truncated: its checksum does not match."


def check_head(data: Data, magic: bytes, bundle_hash: bytes, version: int = VERSION) -> None:
    """Check the magic, the version and the bundle id."""
    if data[:2] != magic and data[:2] in (IMAGE_MAGIC, STREAM_MAGIC):
        kind = "a stream of many images" if magic == IMAGE_MAGIC else "a single image"
        raise BitstreamError(f"The bitstream holds {kind}: read it as such.")
    if len(data) < HEAD + 1 + CRC or data[:2] != magic:
        raise CorruptBitstreamError(
            f"The data is not a kerasae bitstream: it has {len(data)} bytes and starts with "
            f"{data[:2].hex(' ') or 'nothing'}, not {magic.hex(' ')}."
        )
    if data[2] != version:
        raise BitstreamVersionError(
            f"The bitstream is of version {data[2]}; this codec reads version {version}."
            + _READ_BY.get(data[2], "")
        )
    if data[3:5] != bundle_hash[:2]:
        raise BitstreamBundleError(
            f"The bitstream was made with bundle {data[3:5].hex()}, "
            f"not with this one, {bundle_hash[:2].hex()}."
        )


def _quality(block: Block, qualities: int) -> bytes:
    """The byte of the quality; empty where the bundle has only one."""
    return bytes([block.quality]) if qualities > 1 else b""


def check_quality(quality: int, qualities: int) -> int:
    """A quality that the bundle has."""
    if not 1 <= quality <= qualities:
        raise CorruptBitstreamError(
            f"The bitstream names quality {quality}, and the bundle has {qualities}."
        )
    return quality


def check_size(block: Block, max_pixels: int) -> None:
    """Check the size that a block claims."""
    if not (1 <= block.height <= _MAX_SIDE and 1 <= block.width <= _MAX_SIDE):
        raise CorruptBitstreamError(
            f"The bitstream claims an impossible size of {block.height} x {block.width} pixels."
        )
    if block.count * block.height * block.width > max_pixels:
        raise BitstreamLimitError(
            f"The bitstream claims {block.count} x {block.height} x {block.width} pixels, "
            f"over the {max_pixels} that are allowed; raise `max_pixels` if you trust it."
        )


def crc(bundle_hash: bytes, body: bytes) -> bytes:
    """The CRC-32 over the hash and some bytes, as four bytes."""
    return zlib.crc32(body, zlib.crc32(bundle_hash)).to_bytes(CRC, "little")


class Reader:
    """Reads varints and bytes in order; running out of data is corruption."""

    def __init__(self, data: Data, position: int, end: int | None = None) -> None:
        self.data, self.position = data, position
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        return self.end - self.position

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise CorruptBitstreamError("The bitstream is truncated.")
        piece = self.data[self.position : self.position + size]
        self.position += size
        return piece

    def varint(self) -> int:
        return read_varint(lambda: self.take(1)[0])

    def quality(self, qualities: int) -> int:
        return check_quality(self.take(1)[0] if qualities > 1 else 1, qualities)

    def rest(self) -> bytes:
        return self.take(self.left)

    def check(self, bundle_hash: bytes, previous: bytes, first: int) -> bytes:
        """Compare the next CRC with that of `previous` and the bytes since `first`."""
        value = crc_of(
            self.data, first, self.position, zlib.crc32(previous, zlib.crc32(bundle_hash))
        )
        expected = value.to_bytes(CRC, "little")
        if self.take(CRC) != expected:
            raise CorruptBitstreamError(DAMAGED)
        return expected
