"""Tiles cover an axis once, and only with cells that their surroundings do not reach."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasae_export.format.limits import Claims
from kerasae_export.format.spec import CodecSpec
from kerasae_export.format.tiling import Layout, Span, spans

# Tiles of 6 by 5 cells of 4 pixels, of which the outermost cells are not trusted.
GRID = Layout(CodecSpec(3, (24, 20), "grid", 4, 1, (6, 5, 7), 0, 2, ()))
BLOCKS = Layout(CodecSpec(1, (8, 6), "blocks", 1, 0, (5, 2), 0, 1, ()))


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 8))
def test_every_cell_is_taken_once_from_a_tile_that_can_be_trusted(cells, tile, margin):
    if tile <= 2 * margin:
        with pytest.raises(ValueError, match="more than twice `margin`"):
            spans(cells, tile, margin)
        return
    tiles = spans(cells, tile, margin)
    taken = [cell for span in tiles for cell in range(span.start, span.stop)]
    assert taken == list(range(cells))
    for span in tiles:
        assert span.origin + tile <= max(cells, tile)
        for cell in range(span.start, span.stop):
            low, high = cell - span.origin, span.origin + tile - 1 - cell
            assert low >= 0
            assert high >= 0
            assert low >= margin or span.origin == 0
            assert high >= margin or span.origin + tile >= cells


def test_neighbours_meet_in_the_middle_of_their_overlap():
    assert spans(9, 5, 1) == [Span(0, 0, 4), Span(3, 4, 6), Span(4, 6, 9)]
    assert spans(5, 5, 2) == [Span(0, 0, 5)]
    assert spans(3, 5, 2) == [Span(0, 0, 3)]
    assert spans(6, 5, 2) == [Span(0, 0, 3), Span(1, 3, 6)]
    with pytest.raises(ValueError, match=r"Received: tile=4, margin=2$"):
        spans(9, 4, 2)


def test_a_grid_has_cells_of_its_stride():
    assert (GRID.tile_cells, GRID.pitch, GRID.cell_shape) == ((6, 5), (4, 4), (7,))
    assert GRID.cells(1, 1) == (1, 1)
    assert GRID.cells(24, 25) == (6, 7)
    assert GRID.count(24, 25) == 6 * 7 * 7
    rows, columns = GRID.spans(24, 25)
    assert rows == [Span(0, 0, 6)]
    assert columns == spans(7, 5, 1)


def test_a_block_is_a_cell_of_its_own():
    assert (BLOCKS.tile_cells, BLOCKS.pitch, BLOCKS.cell_shape) == ((1, 1), (8, 6), (5, 2))
    assert BLOCKS.cells(9, 12) == (2, 2)
    assert BLOCKS.count(9, 12) == 4 * 10
    assert BLOCKS.spans(9, 12) == ([Span(0, 0, 1), Span(1, 1, 2)],) * 2
    assert BLOCKS.groups(2, 9, 12).tolist() == list(range(8))


@pytest.mark.parametrize("layout", [GRID, BLOCKS], ids=["grid", "blocks"])
@pytest.mark.parametrize("size", [(1, 1), (24, 20), (25, 21), (33, 33), (100, 7)])
def test_claims_are_those_of_the_tiles(layout, size):
    rows, columns = layout.spans(*size)
    runs = 3 * len(rows) * len(columns)
    pixels = 24 * 20 if layout is GRID else 8 * 6
    assert layout.claims(3, *size) == Claims(3, 3 * size[0] * size[1], runs, runs * pixels)


def test_groups_are_squares_of_cells_and_each_image_has_its_own():
    """Of 3 by 5 cells, which are 2 by 3 groups of 2 by 2 cells or less."""
    assert GRID.group_count(12, 20) == 6
    one = np.array([[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [3, 3, 4, 4, 5]]).ravel()
    assert GRID.groups(2, 12, 20).tolist() == [*one.tolist(), *(one + 6).tolist()]
