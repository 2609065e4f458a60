"""The codec: a bundle's TF Lite models, tiling and entropy coder in one object.

Needs numpy and ai-edge-litert only; neither Keras nor TensorFlow.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BitstreamLimitError, BundleError, CorruptBitstreamError
from kerasae_export.format import bitstream
from kerasae_export.format.entropy import cheapest_class, pack_bits, unpack_bits
from kerasae_export.format.manifest import MANIFEST, Edge, Manifest
from kerasae_export.format.spec import CodecSpec, Quality
from kerasae_export.format.tiling import spans
from kerasae_export.images import check_picture
from kerasae_export.runtime.bundle_files import check_part, open_models, read_files
from kerasae_export.runtime.litemodel import LiteModel, dequantise, quantise

__all__ = ["Codec", "Coded"]

_TILE_WORK = 16  # pixels that models may compute for each of `max_pixels`
_BLOCK_PIXELS = 2**22  # a stream's writer starts a new block beyond this many pixels

Image = NDArray[np.uint8]


class Coded(NamedTuple):
    """What a `.kae` file holds, in this order.

    Attributes:
        symbols: int32 of shape (positions, channels of the code).
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        quality: From 1 on.
    """

    symbols: NDArray[np.int32]
    height: int
    width: int
    quality: int


class Codec:
    """Compresses images to bytes and back with the models of a bundle.

    A bundle may offer several qualities, from 1, the smallest files, to `qualities`, the best
    images and the default. Threads may share a codec: each run of a model waits for the one
    before it, so more cores need more codecs.

    `Codec.load` makes one.

    Attributes:
        manifest: The bundle's, the content of its `manifest.json`.
        max_pixels: Most pixels of an image.

    Example:
        >>> from kerasae_export import Codec
        >>> codec = Codec.load("bundle")            # doctest: +SKIP
        >>> data = codec.compress(image)            # doctest: +SKIP
        >>> image = codec.decompress(data)          # doctest: +SKIP
    """

    def __init__(
        self, manifest: Manifest, encoder: LiteModel, decoder: LiteModel, *, max_pixels: int = 2**26
    ) -> None:
        self.manifest: Manifest = manifest
        self.max_pixels: int = max_pixels
        self._encoder = encoder
        self._decoder = decoder
        self._hash = bytes.fromhex(manifest.bundle_hash)

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], *, threads: int = 1, max_pixels: int = 2**26
    ) -> Codec:
        """Load a bundle; every hash is checked before a model is loaded.

        Args:
            folder: The folder that `export_bundle` wrote.
            threads: Threads that the models may use.
            max_pixels: Most pixels of an image to compress or decompress.

        Returns:
            The codec.

        Raises:
            BundleError: If the bundle is incomplete, damaged or inconsistent.
            ValueError: If `threads` or `max_pixels` is not a positive integer.

        Example:
            >>> from kerasae_export import Codec
            >>> codec = Codec.load("bundle", threads=2)                     # doctest: +SKIP
        """
        for name, value in (("threads", threads), ("max_pixels", max_pixels)):
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
                raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
        manifest, files = read_files(folder)
        decoder_bytes = files[manifest.decoder.file]
        if manifest.codec.hash(decoder_bytes).hex() != manifest.bundle_hash:
            raise BundleError(
                f"{MANIFEST}: `bundle_hash` does not match the decoder and the codec part."
            )
        encoder, decoder = open_models(manifest, files, threads=threads)
        for name, part, model in (
            ("encoder", manifest.encoder, encoder),
            ("decoder", manifest.decoder, decoder),
        ):
            check_part(name, part, model)
        return cls(manifest, encoder, decoder, max_pixels=max_pixels)

    @property
    def qualities(self) -> int:
        """How many qualities the bundle offers."""
        return len(self.manifest.codec.qualities)

    def compress(self, image: NDArray[Any], *, quality: int | None = None) -> bytes:
        """Compress one image to a `.kae` file.

        Args:
            image: uint8 of shape (height, width, channels) with the channels of the bundle;
                (height, width) will do for a grey one.
            quality: 1 (the smallest file) to `qualities` (the best image), which is the default.

        Returns:
            The bytes of the file.

        Raises:
            ValueError: If the image is of another shape or dtype or over `max_pixels`, or there
                is no such quality.
        """
        image = self._check_image(image)
        symbols = self.encode(image, quality=quality)
        return self.pack(symbols, image.shape[0], image.shape[1], quality=quality)

    def decompress(self, data: bytes) -> Image:
        """Rebuild the image of a `.kae` file.

        Args:
            data: The bytes of the file, made with the same bundle.

        Returns:
            uint8 of shape (height, width, channels).

        Raises:
            BitstreamError: If the bytes are damaged, foreign, of another version, or claim
                more than `max_pixels`; see its subclasses.
        """
        return self.decode(*self.unpack(data))

    def compress_many(self, images: Iterable[NDArray[Any]], *, quality: int | None = None) -> bytes:
        """Compress images to one stream, which costs far less per small image than files do.

        Args:
            images: As `compress` takes them, each of a size of its own if need be.
            quality: As `compress` takes it; one for all images.

        Returns:
            The bytes of the stream.

        Raises:
            ValueError: As `compress`.
        """
        blocks = self._encode_blocks(images, self._check_quality(quality))
        return bitstream.write_stream(blocks, self._hash, qualities=self.qualities)

    def decompress_many(self, data: bytes) -> list[Image]:
        """Rebuild the images of a stream, in order.

        Args:
            data: The bytes of the stream, made with the same bundle.

        Returns:
            For each image uint8 of shape (height, width, channels).

        Raises:
            BitstreamError: As `decompress`; `max_pixels` holds for all images together.
        """
        images: list[Image] = []
        blocks = bitstream.read_stream(
            _as_bytes(data), self._hash, max_pixels=self.max_pixels, qualities=self.qualities
        )
        work = 0
        for block in blocks:
            work += self._check_work(block.count, block.height, block.width, work)
            symbols = self._unpack_block(block)
            images.extend(
                self.decode(piece, block.height, block.width, block.quality) for piece in symbols
            )
        return images

    def pack(
        self, symbols: NDArray[Any], height: int, width: int, *, quality: int | None = None
    ) -> bytes:
        """Write the `.kae` file of the symbols of an image.

        Args:
            symbols: Integers of shape (positions, channels of the code), as `encode` gives them.
            height: Of the image, in pixels.
            width: Of the image, in pixels.
            quality: That of `encode`, whose steps and tables the symbols need.

        Returns:
            The bytes of the file.

        Raises:
            ValueError: If there are more or fewer symbols than such an image has, they are no
                indices into the codebook, or there is no such quality.
        """
        count = self._count(height, width) if min(height, width) > 0 else 0
        if symbols.dtype.kind not in "iu" or symbols.size != count or not count:
            raise ValueError(
                f"`symbols` must be the {count} integers of a {height} x {width} image. "
                f"Received: {symbols.dtype} of shape {symbols.shape}"
            )
        block = self._pack_block([symbols], height, width, self._check_quality(quality))
        return bitstream.write_image(block, self._hash, qualities=self.qualities)

    def unpack(self, data: bytes) -> Coded:
        """Read the symbols of a `.kae` file, without running a model.

        Args:
            data: The bytes of the file, made with the same bundle.

        Returns:
            The symbols, int32 of shape (positions, channels of the code), the height and the
            width of the image, and the quality.

        Raises:
            BitstreamError: As `decompress`.
        """
        block = bitstream.read_image(
            _as_bytes(data), self._hash, max_pixels=self.max_pixels, qualities=self.qualities
        )
        self._check_work(block.count, block.height, block.width)
        return Coded(self._unpack_block(block)[0], block.height, block.width, block.quality)

    def encode(self, image: Image, *, quality: int | None = None) -> NDArray[np.int64]:
        """Give the symbols of an image, by running the encoder tile by tile.

        Args:
            image: uint8 of shape (height, width, channels) with the channels of the bundle.
            quality: As `compress` takes it: its steps round the code.

        Returns:
            int64 of shape (positions, channels of the code). A symbol is a value of the code in
            steps, or an index into the codebook; positions go row by row.

        Raises:
            ValueError: If the image is of another shape or dtype, or there is no such quality.
        """
        spec, edge = self.manifest.codec, self.manifest.encoder.input
        image = check_picture("image", image, channels=spec.channels)
        quality = self._check_quality(quality)
        levels = quantise(np.arange(256) / 255, edge)
        rows, columns = self._spans(*image.shape[:2])
        height, width = spec.tile
        padded = _pad_to(image, rows[-1].origin, columns[-1].origin, spec)
        cells = self._cells(*image.shape[:2])
        symbols = np.empty((*cells, *self._cell_shape), np.int64)
        for row in rows:
            for column in columns:
                top, left = row.origin * self._pitch[0], column.origin * self._pitch[1]
                tile = padded[top : top + height, left : left + width]
                code = self._symbols(self._encoder(levels[tile][None]), quality)
                piece = _inside(row, column)
                symbols[row.start : row.stop, column.start : column.stop] = code[piece]
        return symbols.reshape(-1, spec.code_shape[-1])

    def decode(
        self, symbols: NDArray[Any], height: int, width: int, quality: int | None = None
    ) -> Image:
        """Rebuild an image from its symbols, by running the decoder tile by tile.

        Args:
            symbols: Integers of shape (positions, channels of the code), as `encode` gave them for
                an image of this size.
            height: Of the image, in pixels.
            width: Of the image, in pixels.
            quality: That of `encode`.

        Returns:
            uint8 of shape (height, width, channels).

        Raises:
            ValueError: If the symbols are not those of such an image, are no indices into the
                codebook, or there is no such quality.
        """
        spec, edge = self.manifest.codec, self.manifest.decoder.input
        steps = spec.qualities[self._check_quality(quality) - 1].steps
        self._check_indices(symbols, ValueError)
        rows, columns = self._spans(height, width)
        cells = self._cells(height, width)
        grid = symbols.reshape(*cells, *self._cell_shape)
        if spec.layout == "grid":  # a code smaller than a tile is continued by its last cells
            lack = [(0, max(0, t - n)) for t, n in zip(spec.code_shape, cells, strict=False)]
            grid = np.pad(grid, [*lack, (0, 0)], mode="edge")
        pitch_y, pitch_x = self._pitch
        image = np.empty((cells[0] * pitch_y, cells[1] * pitch_x, spec.channels), np.uint8)
        for row in rows:
            for column in columns:
                code = grid[row.origin :, column.origin :]
                code = code[: self._tile_cells[0], : self._tile_cells[1]]
                values = quantise(code * steps, edge).reshape(spec.code_edge)
                tile = self._pixels(self._decoder(values))
                top, left = row.origin * pitch_y, column.origin * pitch_x
                piece = np.s_[
                    row.start * pitch_y : row.stop * pitch_y,
                    column.start * pitch_x : column.stop * pitch_x,
                ]
                image[piece] = tile[
                    piece[0].start - top : piece[0].stop - top,
                    piece[1].start - left : piece[1].stop - left,
                ]
        return np.ascontiguousarray(image[:height, :width])

    @cached_property
    def _tile_cells(self) -> tuple[int, int]:
        """Cells of a tile along each axis; one cell is the whole tile in blocks."""
        spec = self.manifest.codec
        return (spec.code_shape[0], spec.code_shape[1]) if spec.layout == "grid" else (1, 1)

    @cached_property
    def _pitch(self) -> tuple[int, int]:
        """Pixels of a cell along each axis."""
        spec = self.manifest.codec
        return (spec.stride, spec.stride) if spec.layout == "grid" else spec.tile

    @cached_property
    def _cell_shape(self) -> tuple[int, ...]:
        """Shape of the code of one cell."""
        spec = self.manifest.codec
        return spec.code_shape[2:] if spec.layout == "grid" else spec.code_shape

    @cached_property
    def _symbol_levels(self) -> list[NDArray[np.int64]]:
        """For each quality, for each channel, the symbol of each of the 256 output levels."""
        codes = dequantise(np.arange(256), self.manifest.encoder.output)
        return [_round(codes / q.steps[:, None]) for q in self.manifest.codec.qualities]

    def _cells(self, height: int, width: int) -> tuple[int, int]:
        return math.ceil(height / self._pitch[0]), math.ceil(width / self._pitch[1])

    def _count(self, height: int, width: int) -> int:
        """Number of symbols of an image."""
        return math.prod(self._cells(height, width)) * math.prod(self._cell_shape)

    def _check_work(self, count: int, height: int, width: int, before: int = 0) -> int:
        """Refuse what takes far more memory or time than its pixels; returns the tiles' pixels.

        Images far smaller than a tile, or a code far larger than its image, do.
        """
        spec = self.manifest.codec
        tiles = [
            math.ceil(max(0, n - t) / (t - 2 * spec.margin)) + 1
            for n, t in zip(self._cells(height, width), self._tile_cells, strict=True)
        ]
        work = count * math.prod(tiles) * math.prod(spec.tile)
        symbols = count * self._count(height, width)
        if symbols > self.max_pixels or before + work > _TILE_WORK * self.max_pixels:
            raise BitstreamLimitError(
                f"{count} x {height} x {width} pixels take {symbols} symbols and {work} pixels of "
                f"tiles, more than is allowed with `max_pixels` of {self.max_pixels}."
            )
        return work

    def _spans(self, height: int, width: int) -> tuple[Sequence[Any], Sequence[Any]]:
        margin = self.manifest.codec.margin
        rows, columns = self._cells(height, width)
        tile_rows, tile_columns = self._tile_cells
        return spans(rows, tile_rows, margin), spans(columns, tile_columns, margin)

    def _symbols(self, code: NDArray[Any], quality: int) -> NDArray[np.int64]:
        spec = self.manifest.codec
        if spec.codebook:
            symbols = code.astype(np.int64)
        elif code.dtype == np.uint8:
            levels = self._symbol_levels[quality - 1]
            symbols = levels[np.arange(spec.code_shape[-1]), code]
        else:
            if not np.isfinite(code).all():
                raise ValueError("`image` made the encoder give a code that is not finite.")
            symbols = _round(code.astype(float) / spec.qualities[quality - 1].steps)
        return symbols.reshape(*self._tile_cells, *self._cell_shape)

    def _check_quality(self, quality: int | None) -> int:
        if quality is None:
            return self.qualities
        whole = isinstance(quality, Integral) and not isinstance(quality, bool)
        if not whole or not 1 <= quality <= self.qualities:
            raise ValueError(
                f"`quality` must be an integer from 1 to {self.qualities}, as many as the bundle "
                f"has. Received: quality={quality!r}"
            )
        return int(quality)

    def _check_indices(self, symbols: NDArray[Any], error: type[ValueError]) -> None:
        """Refuse symbols outside the codebook, on which a decoder may do anything."""
        most = self.manifest.codec.codebook
        if most and symbols.size and not (symbols.min() >= 0 and symbols.max() < most):
            raise error(
                f"`symbols` must be indices from 0 to {most - 1}. "
                f"Received: {symbols.min()} to {symbols.max()}"
            )

    def _pixels(self, output: NDArray[Any]) -> Image:
        edge = self.manifest.decoder.output
        if output.dtype == np.uint8:
            return _pixel_levels(edge)[output[0]]
        values = np.nan_to_num(output[0].astype(float))
        return np.clip(np.floor(values * 255 + 0.5), 0, 255).astype(np.uint8)

    def _encode_blocks(
        self, images: Iterable[NDArray[Any]], quality: int
    ) -> Iterator[bitstream.Block]:
        size: tuple[int, int] | None = None
        batch: list[NDArray[np.int64]] = []

        def close() -> bitstream.Block:
            assert size is not None
            return self._pack_block(batch, *size, quality)

        for item in images:
            image = self._check_image(item)
            shape = (image.shape[0], image.shape[1])
            full = len(batch) == bitstream.MAX_BLOCK_IMAGES or (
                (len(batch) + 1) * math.prod(shape) > _BLOCK_PIXELS
            )
            if batch and (shape != size or full):
                yield close()
                batch = []
            size = shape
            batch.append(self.encode(image, quality=quality))
        if batch:
            yield close()

    def _pack_block(
        self, images: Sequence[NDArray[Any]], height: int, width: int, number: int
    ) -> bitstream.Block:
        """The block of the symbols of images: the class of each group, then the symbols."""
        spec = self.manifest.codec
        quality = spec.qualities[number - 1]
        symbols = np.concatenate(images).reshape(-1, spec.code_shape[-1])
        self._check_indices(symbols, ValueError)
        if quality.classes == 1:
            payload = quality.coder.encode(symbols)
        else:
            group = self._groups(len(images), height, width)
            classes = cheapest_class(quality.coder, symbols, group)
            payload = pack_bits(classes, _class_bits(quality))
            payload += quality.coder.encode(symbols, classes[group])
        return bitstream.Block(len(images), height, width, payload, number)

    def _unpack_block(self, block: bitstream.Block) -> NDArray[np.int32]:
        """The symbols of a block: (images, positions, channels of the code)."""
        spec = self.manifest.codec
        quality = spec.qualities[block.quality - 1]
        count, size, data = block.count, (block.height, block.width), block.payload
        rows = count * self._count(*size) // spec.code_shape[-1]
        if quality.classes == 1:
            symbols = quality.coder.decode(data, rows)
        else:
            number = count * self._group_count(*size)
            classes, data = unpack_bits(data, number, _class_bits(quality))
            if classes.max() >= quality.classes:
                raise CorruptBitstreamError("The payload names a class that does not exist.")
            symbols = quality.coder.decode(data, rows, classes[self._groups(count, *size)])
        self._check_indices(symbols, CorruptBitstreamError)
        return symbols.reshape(count, -1, spec.code_shape[-1])

    def _group_count(self, height: int, width: int) -> int:
        """Number of groups of cells in an image."""
        return math.prod(
            math.ceil(n / self.manifest.codec.group) for n in self._cells(height, width)
        )

    def _groups(self, count: int, height: int, width: int) -> NDArray[np.int64]:
        """For each cell of `count` images the index of its group."""
        rows, columns = self._cells(height, width)
        side = self.manifest.codec.group
        down, right = np.arange(rows) // side, np.arange(columns) // side
        group = (down[:, None] * math.ceil(columns / side) + right).ravel()
        first = np.arange(count) * self._group_count(height, width)
        return (first[:, None] + group).ravel()

    def _check_image(self, image: NDArray[Any]) -> Image:
        channels = self.manifest.codec.channels
        array = check_picture("image", image, channels=channels)
        if not 1 <= array.shape[0] * array.shape[1] <= self.max_pixels:
            raise ValueError(
                f"`image` must have 1 to {self.max_pixels} pixels. Received: shape {array.shape}"
            )
        self._check_work(1, array.shape[0], array.shape[1])
        return array


def _round(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The nearest symbols, in 32 bits."""
    return np.clip(np.floor(values + 0.5), -(2**31), 2**31 - 1).astype(np.int64)


def _pixel_levels(edge: Edge) -> Image:
    """The pixel of each of the 256 output levels."""
    # A sigmoid's output has the fixed scale 1/256, with which no level would mean white.
    scale = 1 / 255 if edge.scale == 1 / 256 and edge.zero_point == 0 else edge.scale
    values = (np.arange(256) - edge.zero_point) * scale
    return np.clip(np.floor(values * 255 + 0.5), 0, 255).astype(np.uint8)


def _class_bits(quality: Quality) -> int:
    return (quality.classes - 1).bit_length()


def _pad_to(image: Image, last_row: int, last_column: int, spec: CodecSpec) -> Image:
    """Repeat the last row and column until the last tile is full."""
    pitch = spec.stride if spec.layout == "grid" else None
    bottom = last_row * (pitch or spec.tile[0]) + spec.tile[0]
    right = last_column * (pitch or spec.tile[1]) + spec.tile[1]
    lack = ((0, bottom - image.shape[0]), (0, right - image.shape[1]), (0, 0))
    return np.pad(image, lack, mode="edge")


def _inside(row: Any, column: Any) -> tuple[slice, slice]:
    """Where a span's cells lie within its own tile."""
    return np.s_[
        row.start - row.origin : row.stop - row.origin,
        column.start - column.origin : column.stop - column.origin,
    ]


def _as_bytes(data: bytes) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise CorruptBitstreamError(f"`data` must be bytes. Received: {type(data).__name__}")
    return bytes(data)
