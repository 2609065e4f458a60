"""How an image of any size is cut into tiles of the fixed size that a model takes.

Two layouts. In a `"grid"` every cell of the code describes one square of `stride` pixels
and depends on nothing farther away than `margin` cells, so the codes of overlapping tiles
can be joined into one grid as large as the image, without seams. In `"blocks"` each tile is
coded as an image of its own. FORMAT.md specifies both.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.limits import Claims
from kerasae_export.format.spec import CodecSpec

__all__ = ["Layout", "Span", "spans"]


@dataclass(frozen=True)
class Span:
    """A tile along one axis, in cells.

    Attributes:
        origin: Where the tile starts.
        start: First cell that is taken from this tile.
        stop: Cell after the last one that is taken from it.
    """

    origin: int
    start: int
    stop: int


def spans(cells: int, tile: int, margin: int) -> list[Span]:
    """Cover `cells` cells with tiles of `tile` cells, each trusted `margin` cells inside.

    Neighbours overlap by at least `2 * margin` and meet in the middle of their overlap; the
    last tile ends with the axis. An axis shorter than a tile is covered by one.

    Args:
        cells: Length of the axis, at least 1.
        tile: Length of a tile, more than `2 * margin`.
        margin: Cells at the edge of a tile that depend on its surroundings.

    Example:
        >>> spans(10, 6, 1)
        [Span(origin=0, start=0, stop=5), Span(origin=4, start=5, stop=10)]
    """
    if tile <= 2 * margin:
        raise ValueError(
            f"`tile` must be more than twice `margin`. Received: tile={tile}, margin={margin}"
        )
    last = max(0, cells - tile)
    origins = [*range(0, last, tile - 2 * margin), last]
    joints = [(a + b + tile) // 2 for a, b in itertools.pairwise(origins)]
    return [
        Span(origin, start, stop)
        for origin, start, stop in zip(origins, [0, *joints], [*joints, cells], strict=True)
    ]


class Layout:
    """The cells, tiles and groups of an image, as they follow from a bundle's codec part.

    Attributes:
        spec: The codec part.
        tile_cells: Cells of a tile along each axis; in blocks a tile is one cell.
        pitch: Pixels of a cell along each axis.
        cell_shape: Shape of the code of one cell.
    """

    def __init__(self, spec: CodecSpec) -> None:
        grid = spec.layout == "grid"
        self.spec = spec
        self.tile_cells = (spec.code_shape[0], spec.code_shape[1]) if grid else (1, 1)
        self.pitch = (spec.stride, spec.stride) if grid else spec.tile
        self.cell_shape = spec.code_shape[2:] if grid else spec.code_shape

    def cells(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of cells of an image."""
        return math.ceil(height / self.pitch[0]), math.ceil(width / self.pitch[1])

    def count(self, height: int, width: int) -> int:
        """Number of symbols of an image."""
        return math.prod(self.cells(height, width)) * math.prod(self.cell_shape)

    def spans(self, height: int, width: int) -> tuple[Sequence[Span], Sequence[Span]]:
        """Rows of tiles and columns of tiles."""
        margin = self.spec.margin
        rows, columns = self.cells(height, width)
        return (
            spans(rows, self.tile_cells[0], margin),
            spans(columns, self.tile_cells[1], margin),
        )

    def claims(self, count: int, height: int, width: int) -> Claims:
        """What images of one size take to decode, without listing their tiles."""
        runs = count * math.prod(
            math.ceil(max(0, n - t) / (t - 2 * self.spec.margin)) + 1
            for n, t in zip(self.cells(height, width), self.tile_cells, strict=True)
        )
        return Claims(count, count * height * width, runs, runs * math.prod(self.spec.tile))

    def group_count(self, height: int, width: int) -> int:
        """Number of groups of cells in an image, each of which has a class."""
        return math.prod(math.ceil(n / self.spec.group) for n in self.cells(height, width))

    def groups(self, count: int, height: int, width: int) -> NDArray[np.int64]:
        """The index of the group of each cell of `count` images."""
        rows, columns = self.cells(height, width)
        side = self.spec.group
        down, right = np.arange(rows) // side, np.arange(columns) // side
        group = (down[:, None] * math.ceil(columns / side) + right).ravel()
        first = np.arange(count) * self.group_count(height, width)
        return (first[:, None] + group).ravel()
