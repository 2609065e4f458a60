"""The part of a bundle's codec that runs no model: symbols to bytes and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, TypedDict

from numpy.typing import NDArray

from kerasae_export.format import bitstream
from kerasae_export.format.arriving import arriving, arriving_blocks
from kerasae_export.format.limits import Limits
from kerasae_export.format.manifest import Manifest
from kerasae_export.format.payload import pack_block, unpack_block
from kerasae_export.format.received import Data
from kerasae_export.format.tiling import Layout
from kerasae_export.runtime.blocks import Coded
from kerasae_export.runtime.checks import Budget, check_bytes, check_quality, check_symbols

__all__ = ["SymbolCodec"]


class SymbolCodec:
    """Writes and reads the files of a bundle, as far as that takes no model.

    Attributes:
        manifest: The content of the bundle's `manifest.json`.
        max_pixels: Most pixels of an image.
        layout: How images are cut into tiles, cells and groups.
    """

    def __init__(
        self, manifest: Manifest, *, max_pixels: int, max_images: int, max_expansion: int
    ) -> None:
        self.manifest: Manifest = manifest
        self._limits = Limits(max_pixels, max_images, max_expansion)
        self.max_pixels: int = self._limits.max_pixels
        self.layout: Layout = Layout(manifest.codec)
        self._hash = bytes.fromhex(manifest.bundle_hash)

    @property
    def qualities(self) -> int:
        """How many qualities the bundle offers."""
        return len(self.manifest.codec.qualities)

    def pack(
        self, symbols: NDArray[Any], height: int, width: int, *, quality: int | None = None
    ) -> bytes:
        """Write the `.kae` file of the symbols of an image.

        Args:
            symbols: Integers of shape (positions, channels of the code), as `encode` gives them.
            height: Of the image, in pixels.
            width: Of the image, in pixels.
            quality: The quality given to `encode`; it selects the step sizes and entropy tables.

        Returns:
            The bytes of the file.

        Raises:
            ValueError: If the number of symbols is not that of such an image, a symbol is not an
                index into the codebook, or there is no such quality.
        """
        quality = check_quality(quality, self.qualities)
        symbols, height, width = check_symbols(symbols, self.layout, height, width)
        block = pack_block(self.layout, [symbols], height, width, quality)
        return bitstream.write_image(block, self._hash, qualities=self.qualities)

    def unpack(self, data: Data) -> Coded:
        """Read the symbols of a `.kae` file, without running a model.

        Args:
            data: The bytes of the file, made with the same bundle.

        Returns:
            The symbols, int32 of shape (positions, channels of the code), the height and the
            width of the image, and the quality.

        Raises:
            BitstreamError: As for `decompress`.
        """
        block = bitstream.read_image(check_bytes(data), self._hash, **self._allowed(data))
        symbols = unpack_block(self.layout, block, self._limits)[0]
        return Coded(symbols, block.height, block.width, block.quality)

    def iter_unpack(self, source: bytes | BinaryIO) -> Iterator[Coded]:
        """Read the symbols of a stream or a file as `iter_decompress`, without running a model.

        Args:
            source: As for `iter_decompress`.

        Yields:
            For each image what `unpack` gives.

        Raises:
            BitstreamError: As for `iter_decompress`.
            ValueError: As for `iter_decompress`.
        """
        data = arriving(source)
        if data.look(2) != bitstream.STREAM_MAGIC:
            yield self.unpack(data.rest())
            return
        budget = Budget(self.layout, self._limits, 0)
        limits = {"max_pixels": self.max_pixels, "qualities": self.qualities}
        for block in arriving_blocks(data, self._hash, budget, **limits):
            yield from self._coded(block)

    def _coded(self, block: bitstream.Block) -> Iterator[Coded]:
        for symbols in unpack_block(self.layout, block, self._limits):
            yield Coded(symbols, block.height, block.width, block.quality)

    def _allowed(self, data: Data) -> _Allowed:
        data = check_bytes(data)
        return {
            "max_pixels": self.max_pixels,
            "qualities": self.qualities,
            "check": Budget(self.layout, self._limits, len(data)),
        }


class _Allowed(TypedDict):
    max_pixels: int
    qualities: int
    check: Budget
