"""Tiles cover an axis once, and only with cells that their surroundings do not reach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasae_export.format.tiling import spans


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
