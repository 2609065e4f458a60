"""How an image of any size is cut into pieces that a model of fixed size can take.

Two layouts. In a `"grid"` every cell of the code describes one square of `stride` pixels
and depends on nothing farther away than `margin` cells, so the codes of overlapping tiles
are joined into one grid as large as the image, and no seam arises. In `"blocks"` each
tile is a picture of its own. FORMAT.md specifies both.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

__all__ = ["Span", "spans"]


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
        margin: How far the surroundings of a tile reach into it.

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
