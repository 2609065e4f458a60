"""The linear transform of photographs: colour, overlap of blocks, and blocks, in NumPy.

A lapped transform (Malvar and Staelin 1989) as a filter across the boundaries of blocks and a
transform of each block (Tran, Liang and Tu 2003), along columns and then along rows. Each step
is a product with a small matrix, and the inverse is exact.

Coefficients are found in integers (FORMAT.md, section 11), so that all implementations agree:
in doubles, which hold them and all sums of products exactly, in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.family import CELL, CHANNELS, INVERSE_UNIT, PLANES, integer_inverse

__all__ = ["COEFFICIENT_UNIT", "Transform"]

COEFFICIENT_UNIT = 1 << 12
"""Coefficients are integers in this fraction of a level of 255."""

_HALF = CELL // 2
_STRIP = 8  # rows of cells that are worked on at once
_GREY = 128.0


class Transform:
    """Pixels to coefficients and back.

    Args:
        colour: (3, 3); red, green and blue of the three planes.
        block: (16, 16); samples of the coefficients of a block.
        overlap: (16, 16); applied across each boundary of two blocks.
    """

    def __init__(self, colour: NDArray[Any], block: NDArray[Any], overlap: NDArray[Any]) -> None:
        self._to_colour, self._block, self._overlap = (
            matrix.astype(np.float32) for matrix in (colour, block, overlap)
        )
        self._from_colour, self._block_inverse, self._overlap_inverse = (
            integer_inverse(matrix) / INVERSE_UNIT for matrix in (colour, block, overlap)
        )

    def forward(self, image: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Coefficients of an image.

        Args:
            image: uint8 (height, width, 3).

        Returns:
            int32 (768, cells) in `COEFFICIENT_UNIT`ths of a level, row by row; channel
            (plane * 16 + row) * 16 + column.
        """
        height, width = image.shape[:2]
        rows, columns = -(-height // CELL), -(-width // CELL)
        result = np.empty((CHANNELS, rows, columns), np.int32)
        for first in range(0, rows, _STRIP):
            stop = min(rows, first + _STRIP)
            low, high = max(0, first - 1), min(rows, stop + 1)
            strip = image[low * CELL : min(height, high * CELL)]
            lack = ((0, (high - low) * CELL - len(strip)), (0, columns * CELL - width), (0, 0))
            pixels = (np.pad(strip, lack, mode="edge") - _GREY) * COEFFICIENT_UNIT
            colours = _whole(self._from_colour @ pixels.reshape(-1, PLANES).T)
            planes = colours.reshape(PLANES, -1, columns * CELL)
            for plane, samples in enumerate(planes):
                cells = self._analyse(samples)[first - low : stop - low]
                channels = slice(plane * CELL * CELL, (plane + 1) * CELL * CELL)
                result[channels, first:stop] = cells.transpose(1, 3, 0, 2).reshape(
                    CELL * CELL, stop - first, columns
                )
        return result.reshape(CHANNELS, rows * columns)

    def inverse(
        self, strips: Iterator[NDArray[np.float32]], height: int, width: int
    ) -> NDArray[np.uint8]:
        """The image of coefficients.

        Args:
            strips: float32 (768, rows, columns) of a strip and the rows of cells around it,
                for each of `strips(rows)`.
            height: Of the image.
            width: Of the image.

        Returns:
            uint8 (height, width, 3).
        """
        rows = -(-height // CELL)
        image = np.empty((height, width, PLANES), np.uint8)
        for (low, first, stop, _), strip in zip(self.strips(rows), strips, strict=True):
            planes = self.synthesise(strip)
            kept = planes[:, (first - low) * CELL : (stop - low) * CELL, :width]
            kept = kept[:, : height - first * CELL]
            pixels = kept.reshape(PLANES, -1).T @ self._to_colour.T
            pixels += np.float32(_GREY + 0.5)
            np.floor(pixels, out=pixels)
            np.clip(pixels, 0, 255, out=pixels)
            image[first * CELL : stop * CELL] = pixels.reshape(*kept.shape[1:], PLANES)
        return image

    def synthesise(self, strip: NDArray[np.float32]) -> NDArray[np.float32]:
        """The planes of coefficients.

        Args:
            strip: float32 (768, rows, columns).

        Returns:
            float32 (3, rows * 16, columns * 16).
        """
        cells = strip.reshape(PLANES, CELL, CELL, *strip.shape[1:]).transpose(0, 3, 1, 4, 2)
        return np.stack([self._synthesise(np.ascontiguousarray(c)) for c in cells])

    def project(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """The products of planes with each basis function: the transpose of `synthesise`.

        Args:
            planes: float32 (3, rows * 16, columns * 16), changed in place.

        Returns:
            float32 (768, rows, columns).
        """
        rows, columns = planes.shape[1] // CELL, planes.shape[2] // CELL
        result = np.empty((PLANES, CELL, CELL, rows, columns), np.float32)
        for plane, samples in zip(result, planes, strict=True):
            plane[:] = self._project(samples).transpose(1, 3, 0, 2)
        return result.reshape(-1, rows, columns)

    @staticmethod
    def strips(rows: int) -> list[tuple[int, int, int, int]]:
        """For each strip the first row of cells that it needs, its own first and end, and the end.

        Args:
            rows: Of cells.
        """
        return [
            (max(0, first - 1), first, min(rows, first + _STRIP), min(rows, first + _STRIP + 1))
            for first in range(0, rows, _STRIP)
        ]

    def _analyse(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Samples (rows * 16, columns * 16) to coefficients (rows, 16, columns, 16)."""
        height, width = samples.shape
        inner = samples[_HALF:-_HALF].reshape(-1, CELL, width)
        samples[_HALF:-_HALF] = _whole(self._overlap_inverse @ inner).reshape(-1, width)
        blocks = _whole(self._block_inverse @ samples.reshape(-1, CELL, width))
        samples = blocks.reshape(height, width)
        across = samples[:, _HALF:-_HALF].reshape(-1, CELL)
        samples[:, _HALF:-_HALF] = _whole(across @ self._overlap_inverse.T).reshape(height, -1)
        cells = _whole(samples.reshape(-1, CELL) @ self._block_inverse.T)
        return cells.reshape(-1, CELL, width // CELL, CELL)

    def _synthesise(self, cells: NDArray[np.float32]) -> NDArray[np.float32]:
        """Coefficients (rows, 16, columns, 16) to samples (rows * 16, columns * 16)."""
        height, width = cells.shape[0] * CELL, cells.shape[2] * CELL
        samples = (cells.reshape(-1, CELL) @ self._block.T).reshape(height, width)
        across = samples[:, _HALF:-_HALF].reshape(-1, CELL)
        samples[:, _HALF:-_HALF] = (across @ self._overlap.T).reshape(height, -1)
        samples = (self._block @ samples.reshape(-1, CELL, width)).reshape(height, width)
        inner = samples[_HALF:-_HALF].reshape(-1, CELL, width)
        samples[_HALF:-_HALF] = (self._overlap @ inner).reshape(-1, width)
        return samples

    def _project(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples (rows * 16, columns * 16) to products (rows, 16, columns, 16)."""
        height, width = samples.shape
        inner = samples[_HALF:-_HALF].reshape(-1, CELL, width)
        samples[_HALF:-_HALF] = (self._overlap.T @ inner).reshape(-1, width)
        samples = (self._block.T @ samples.reshape(-1, CELL, width)).reshape(height, width)
        across = samples[:, _HALF:-_HALF].reshape(-1, CELL)
        samples[:, _HALF:-_HALF] = (across @ self._overlap).reshape(height, -1)
        cells = samples.reshape(-1, CELL) @ self._block
        return cells.reshape(-1, CELL, width // CELL, CELL)


def _whole(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round in place to whole numbers, halves up."""
    values += 0.5
    return np.floor(values, out=values)
