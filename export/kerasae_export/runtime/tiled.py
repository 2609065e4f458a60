"""The models of a bundle, which take images of one size, on images of any size."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.manifest import Manifest
from kerasae_export.format.tiling import Layout, Span
from kerasae_export.format.values import dequantise, pixels_of, quantise, symbols_of
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
    """

    def __init__(self, manifest: Manifest, layout: Layout, encoder: Model, decoder: Model) -> None:
        self.encoder = encoder
        self.decoder = decoder
        self._manifest = manifest
        self._layout = layout

    def encode(self, image: Image, quality: int) -> NDArray[np.int64]:
        """The symbols of an image: (positions, channels of the code).

        Raises:
            ValueError: If the encoder gives a code that is not finite.
        """
        layout, spec = self._layout, self._manifest.codec
        levels = quantise(np.arange(256) / 255, self._manifest.encoder.input)
        rows, columns = layout.spans(*image.shape[:2])
        height, width = spec.tile
        padded = self._padded(image, rows[-1], columns[-1])
        cells = layout.cells(*image.shape[:2])
        symbols = np.empty((*cells, *layout.cell_shape), np.int64)
        for row in rows:
            for column in columns:
                top, left = row.origin * layout.pitch[0], column.origin * layout.pitch[1]
                tile = padded[top : top + height, left : left + width]
                code = self._symbols(self.encoder(levels[tile][None]), quality)
                piece = _inside(row, column)
                symbols[row.start : row.stop, column.start : column.stop] = code[piece]
        return symbols.reshape(-1, spec.code_shape[-1])

    def decode(self, symbols: NDArray[Any], height: int, width: int, quality: int) -> Image:
        """The image of symbols: uint8 of shape (height, width, channels)."""
        layout, spec = self._layout, self._manifest.codec
        edge = self._manifest.decoder
        steps = spec.qualities[quality - 1].steps
        rows, columns = layout.spans(height, width)
        cells = layout.cells(height, width)
        grid = symbols.reshape(*cells, *layout.cell_shape)
        if spec.layout == "grid":  # a code smaller than a tile is continued by its last cells
            lack = [(0, max(0, t - n)) for t, n in zip(spec.code_shape, cells, strict=False)]
            grid = np.pad(grid, [*lack, (0, 0)], mode="edge")
        pitch_y, pitch_x = layout.pitch
        image = np.empty((cells[0] * pitch_y, cells[1] * pitch_x, spec.channels), np.uint8)
        for row in rows:
            for column in columns:
                code = grid[row.origin :, column.origin :]
                code = code[: layout.tile_cells[0], : layout.tile_cells[1]]
                values = quantise(code * steps, edge.input).reshape(spec.code_edge)
                tile = pixels_of(self.decoder(values)[0], edge.output)
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
