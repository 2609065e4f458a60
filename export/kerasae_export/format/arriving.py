"""The blocks of a stream while it arrives: from a pipe, a socket, or a file of any size."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Protocol

from kerasae_export.errors import BitstreamLimitError, CorruptBitstreamError
from kerasae_export.format.bitstream import (
    CRC,
    DAMAGED,
    HEAD,
    STREAM_MAGIC,
    Block,
    check_claims,
    check_head,
    check_quality,
)
from kerasae_export.format.varint import read_varint

__all__ = ["Arriving", "Budgeted", "arriving", "arriving_blocks"]

_PIECE = 2**16
_MAX_IMAGE = 2**31


class Budgeted(Protocol):
    """What bytes may ask for; `kerasae_export.runtime.checks.Budget` is one."""

    received: int

    def needs(self, block: Block) -> int:
        """How many bytes must have been received for a block to be allowed."""

    def __call__(self, block: Block, size: int) -> None:
        """Count a block, whose payload of `size` bytes is not read yet."""


class Arriving:
    """Bytes that can be read once, in order, with a running CRC over them.

    Args:
        file: Gives bytes when `read(n)` is called, none at its end, or fewer than `n` before.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._ahead, self.received = file, bytearray(), 0
        self.crc = 0

    def look(self, size: int) -> bytes:
        """The next bytes, or fewer where there are no more; they stay where they are."""
        while len(self._ahead) < size and (piece := self._file.read(size - len(self._ahead))):
            self._ahead += piece
            self.received += len(piece)
        return bytes(self._ahead[:size])

    def wait_for(self, received: int) -> None:
        """Read on until so many bytes have come, or there are no more."""
        self.look(len(self._ahead) + max(0, received - self.received))

    def take(self, size: int) -> bytes:
        """The next bytes; memory is taken as they come, not as they are claimed.

        Raises:
            CorruptBitstreamError: If there are fewer.
        """
        taken = bytearray()
        while len(taken) < size:
            piece = self.look(min(size - len(taken), _PIECE))
            if not piece:
                raise CorruptBitstreamError("The bitstream is truncated.")
            del self._ahead[: len(piece)]
            self.crc = zlib.crc32(piece, self.crc)
            taken += piece
        return bytes(taken)

    def skip(self, size: int) -> None:
        """Pass over bytes, none of which are kept."""
        for start in range(0, size, _PIECE):
            self.take(min(_PIECE, size - start))

    def rest(self) -> bytes:
        """All that follows.

        Raises:
            CorruptBitstreamError: If it is more than a single image can have.
        """
        taken = bytearray()
        while piece := self.look(_PIECE):
            if len(taken) > _MAX_IMAGE:
                raise CorruptBitstreamError(f"A single image has at most {_MAX_IMAGE} bytes.")
            del self._ahead[: len(piece)]
            taken += piece
        return bytes(taken)

    def varint(self) -> int:
        """The next number."""
        return read_varint(lambda: self.take(1)[0])

    def check(self, name: bytes) -> None:
        """Compare the CRC that follows with that of all since the last one, and this one.

        Raises:
            CorruptBitstreamError: If they differ.
        """
        expected = self.crc.to_bytes(CRC, "little")
        if self.take(CRC) != expected:
            raise CorruptBitstreamError(DAMAGED)
        self.crc = zlib.crc32(expected, zlib.crc32(name))


def arriving(source: bytes | BinaryIO) -> Arriving:
    """What is read in order from bytes or from a file.

    Raises:
        ValueError: If `source` is neither.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return Arriving(io.BytesIO(source))
    if not callable(getattr(source, "read", None)):
        raise ValueError(
            "`source` must be bytes, or a file that is open for reading bytes. "
            f"Received: {type(source).__name__}"
        )
    return Arriving(source)


def arriving_blocks(
    data: Arriving, bundle_hash: bytes, budget: Budgeted, *, max_pixels: int, qualities: int
) -> Iterator[Block]:
    """Check a stream and yield each block as soon as it is complete; see `read_stream`.

    Where a block asks for more than so few bytes may, more are awaited before it is refused.

    Args:
        data: The stream from its beginning.
        bundle_hash: The 32 bytes of the bundle's hash.
        budget: What the bytes may ask for.
        max_pixels: Most pixels of all images together.
        qualities: How many the bundle has.

    Raises:
        BitstreamError: As `read_stream`, for the same bytes.
    """
    check_head(data.look(HEAD + 1 + CRC), STREAM_MAGIC, bundle_hash)
    data.crc = zlib.crc32(bundle_hash)
    data.skip(HEAD)
    total, left = 0, max_pixels
    while (count := data.varint()) != 0:
        quality = check_quality(data.take(1)[0] if qualities > 1 else 1, qualities)
        height, width, size = data.varint(), data.varint(), data.varint()
        block = Block(count, height, width, b"", quality)
        refusal, payload = None, b""
        data.wait_for(budget.needs(block))
        budget.received = data.received
        try:
            check_claims(block, size, left, budget)
        except BitstreamLimitError as error:
            refusal = error
            data.skip(size)
        else:
            payload = data.take(size)
        data.check(bundle_hash)
        if refusal:
            raise refusal
        total += count
        left -= count * height * width
        yield replace(block, payload=payload)
    declared = data.varint()
    data.check(bundle_hash)
    if declared != total or data.look(1):
        raise CorruptBitstreamError(DAMAGED)
