"""The models of a bundle, which take images of one size, on images of any size."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.manifest import Manifest
from kerasae_export.format.tiling import Layout, Span
from kerasae_export.format.values import dequantise, pixels_of, quantise, symbols_of
from kerasae_export.runtime.batches import BatchModel, Runner
from kerasae_export.runtime.engines import Model

__all__ = ["TiledModels"]

Image = NDArray[np.uint8]


class TiledModels:
    """Runs an encoder and a decoder tile by tile; arguments are not checked.

    Args:
        manifest: The manifest of the bundle.
        layout: The layout of its codec part.
        encoder: Runs the encoder on one tile.
        decoder: Runs the decoder on the code of one tile.
        batches: Both for several tiles at once, where the bundle has them.
    """

    def __init__(
        self,
        manifest: Manifest,
        layout: Layout,
        encoder: Model,
        decoder: Model,
        batches: tuple[BatchModel, BatchModel] | None = None,
    ) -> None:
        self.encoder = encoder
        self.decoder = decoder
        self._manifest = manifest
        self._layout = layout
        several = batches or (None, None)
        self._run_encoder = Runner(encoder, several[0])
        self._run_decoder = Runner(decoder, several[1])
        self.batch = 1 if batches is None else batches[0].size

    def encode(self, image: Image, quality: int) -> NDArray[np.int64]:
        """The symbols of an image: (positions, channels of the code).

        Raises:
            ValueError: If the encoder gives a code that is not finite.
        """
        return next(self.encode_many([image], quality))

    def encode_many(self, images: Sequence[Image], quality: int) -> Iterator[NDArray[np.int64]]:
        """The symbols of each image, as `encode` gives them; tiles of several may run at once."""
        codes = self._run_encoder(tile for image in images for tile in self._tiles(image))
        for image in images:
            cells = self._layout.cells(*image.shape[:2])
            symbols = np.empty((*cells, *self._layout.cell_shape), np.int64)
            for (row, column), code in zip(self._places(image.shape), codes, strict=False):
                piece = _inside(row, column)
                symbols[row.start : row.stop, column.start : column.stop] = self._symbols(
                    code, quality
                )[piece]
            yield symbols.reshape(-1, self._manifest.codec.code_shape[-1])

    def decode(self, symbols: NDArray[Any], height: int, width: int, quality: int) -> Image:
        """The image of symbols: uint8 of shape (height, width, channels)."""
        return next(self.decode_many([(symbols, height, width, quality)]))

    def decode_many(self, coded: Sequence[tuple[NDArray[Any], int, int, int]]) -> Iterator[Image]:
        """The image of each of symbols, height, width, quality; tiles may run several at once."""
        outputs = self._run_decoder(code for one in coded for code in self._codes(*one))
        (pitch_y, pitch_x), edge = self._layout.pitch, self._manifest.decoder.output
        for _, height, width, _ in coded:
            cells = self._layout.cells(height, width)
            channels = self._manifest.codec.channels
            image = np.empty((cells[0] * pitch_y, cells[1] * pitch_x, channels), np.uint8)
            for (row, column), output in zip(self._places((height, width)), outputs, strict=False):
                tile = pixels_of(output, edge)
                top, left = row.origin * pitch_y, column.origin * pitch_x
                piece = np.s_[
                    row.start * pitch_y : row.stop * pitch_y,
                    column.start * pitch_x : column.stop * pitch_x,
                ]
                image[piece] = tile[
                    piece[0].start - top : piece[0].stop - top,
                    piece[1].start - left : piece[1].stop - left,
                ]
            yield np.ascontiguousarray(image[:height, :width])

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Take the models for several tiles, whichever are faster."""
        runners = self._run_encoder, self._run_decoder
        before = [runner.faster for runner in runners]
        try:
            for runner in runners:
                runner.faster = True
            yield
        finally:
            for runner, faster in zip(runners, before, strict=True):
                runner.faster = faster

    def _places(self, shape: Sequence[int]) -> list[tuple[Span, Span]]:
        """The tiles of an image, row by row."""
        return list(itertools.product(*self._layout.spans(shape[0], shape[1])))

    def _tiles(self, image: Image) -> Iterator[NDArray[Any]]:
        """What the encoder takes for each tile of an image."""
        places, (height, width) = self._places(image.shape), self._manifest.codec.tile
        padded = self._padded(image, *places[-1])
        for row, column in places:
            top, left = row.origin * self._layout.pitch[0], column.origin * self._layout.pitch[1]
            yield self._levels[padded[top : top + height, left : left + width]]

    def _codes(
        self, symbols: NDArray[Any], height: int, width: int, quality: int
    ) -> Iterator[NDArray[Any]]:
        """What the decoder takes for each tile of an image."""
        layout, spec = self._layout, self._manifest.codec
        edge, steps = self._manifest.decoder.input, spec.qualities[quality - 1].steps
        cells = layout.cells(height, width)
        grid = symbols.reshape(*cells, *layout.cell_shape)
        if spec.layout == "grid":  # a code smaller than a tile is continued by its last cells
            lack = [(0, max(0, t - n)) for t, n in zip(spec.code_shape, cells, strict=False)]
            grid = np.pad(grid, [*lack, (0, 0)], mode="edge")
        for row, column in self._places((height, width)):
            code = grid[row.origin :, column.origin :]
            code = code[: layout.tile_cells[0], : layout.tile_cells[1]]
            yield quantise(code * steps, edge).reshape(spec.code_edge[1:])

    @cached_property
    def _levels(self) -> NDArray[Any]:
        """What the encoder takes for each of the 256 levels of a pixel."""
        return quantise(np.arange(256) / 255, self._manifest.encoder.input)

    @cached_property
    def _symbol_levels(self) -> list[NDArray[np.int64]]:
        """For each quality, for each channel, the symbol of each of the 256 output levels."""
        codes = dequantise(np.arange(256), self._manifest.encoder.output)
        return [symbols_of(codes, q.steps[:, None]) for q in self._manifest.codec.qualities]

    def _symbols(self, code: NDArray[Any], quality: int) -> NDArray[np.int64]:
        """The symbols of the encoder's output: (rows of cells, columns, code of a cell)."""
        spec, layout = self._manifest.codec, self._layout
        if spec.codebook:
            symbols = code.astype(np.int64)
        elif code.dtype == np.uint8:
            levels = self._symbol_levels[quality - 1]
            symbols = levels[np.arange(spec.code_shape[-1]), code]
        else:
            if not np.isfinite(code).all():
                raise ValueError("`image` made the encoder give a code that is not finite.")
            symbols = symbols_of(code.astype(float), spec.qualities[quality - 1].steps)
        return symbols.reshape(*layout.tile_cells, *layout.cell_shape)

    def _padded(self, image: Image, last_row: Span, last_column: Span) -> Image:
        """The image with its last row and column repeated until the last tile is full."""
        pitch, tile = self._layout.pitch, self._manifest.codec.tile
        bottom = last_row.origin * pitch[0] + tile[0]
        right = last_column.origin * pitch[1] + tile[1]
        lack = ((0, bottom - image.shape[0]), (0, right - image.shape[1]), (0, 0))
        return np.pad(image, lack, mode="edge")


def _inside(row: Span, column: Span) -> tuple[slice, slice]:
    """Where a span's cells lie within its own tile."""
    return np.s_[
        row.start - row.origin : row.stop - row.origin,
        column.start - column.origin : column.stop - column.origin,
    ]
