"""Symbols that are decided anew, against the error in pixels and what files cost."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from kerasae_export.format.family import CELL, CHANNELS
from kerasae_export.format.photo import pack, unpack, unpredict_lowest
from kerasae_export.photo.codec import MULTIPLIER, PhotoCodec
from kerasae_export.photo.decisions import Tradeoff, decide
from kerasae_export.photo.refinement import rebuild, refine
from kerasae_export.photo.shipped import shipped_families
from kerasae_export.photo.transform import COEFFICIENT_UNIT, Transform

FAMILY = shipped_families()[0]
TRANSFORM = Transform(FAMILY.colour, FAMILY.block, FAMILY.overlap)
TRADEOFF = Tradeoff(FAMILY, MULTIPLIER)
SIZES = [(1, 1), (16, 16), (9, 70), (70, 9), (150, 37)]  # the last of more than a strip


def scaled(photograph: np.ndarray, quality: int) -> np.ndarray:
    step = COEFFICIENT_UNIT * FAMILY.steps[quality - 1]
    return (TRANSFORM.forward(photograph) / step).astype(np.float32)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 4), (3, 2)])
def test_projection_is_the_transpose_of_synthesis(rows, columns, rng):
    cells = rng.normal(size=(CHANNELS, rows, columns)).astype(np.float32)
    planes = rng.normal(size=(3, CELL * rows, CELL * columns)).astype(np.float32)
    expected = np.vdot(TRANSFORM.synthesise(cells), planes)
    assert np.vdot(cells, TRANSFORM.project(planes.copy())) == pytest.approx(expected, rel=1e-3)


def test_basis_functions_have_the_length_that_rounding_takes_them_to_have():
    for channel in (0, 1, 17, 255, 256 + 40, 767):
        cells = np.zeros((CHANNELS, 3, 3), np.float32)
        cells[channel, 1, 1] = 1
        assert np.square(TRANSFORM.synthesise(cells)).sum() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quality", [15, 60])
def test_what_is_known_of_the_symbols_is_what_a_decoder_finds(size, quality):
    photograph = skimage.data.coffee()[40 : 40 + size[0], 200 : 200 + size[1]]
    rows, columns = (-(-n // CELL) for n in size)
    values, band = scaled(photograph, quality), FAMILY.band(quality)
    decisions = decide(FAMILY, values, rows, columns, band, TRADEOFF)
    wanted = values.copy()
    refine(FAMILY, TRANSFORM, values, decisions, size, TRADEOFF, wanted)
    payload = pack(FAMILY, decisions.symbols, decisions.classes, columns, band)
    symbols, _, tables = unpack(FAMILY, payload, rows, columns, band)
    np.testing.assert_array_equal(symbols, decisions.symbols)
    np.testing.assert_array_equal(tables, decisions.tables)
    unpredict_lowest(symbols, rows, columns)
    # What a symbol was rounded from lies near what it stands for.
    coded = symbols != 0
    assert np.abs(rebuild(FAMILY, symbols, tables) - wanted)[coded].max() < 1.5


@pytest.mark.parametrize(("family", "most"), [(0, 0.998), (-1, 0.99)])
@pytest.mark.parametrize("quality", [10, 40, 75, 95])
def test_pictures_cost_less(quality, family, most, monkeypatch):
    """In squared steps, as the trade-off weighs bytes and errors; most where bases overlap most."""
    photograph = skimage.data.coffee()[40:240, 200:420]
    codec = PhotoCodec([shipped_families()[family]])
    step = codec.families[0].steps[quality - 1]

    def cost():
        data = codec.compress(photograph, quality=quality)
        error = np.square(codec.decompress(data).astype(float) - photograph).sum()
        return error / step**2 + MULTIPLIER * 8 * len(data)

    refined = cost()
    monkeypatch.setattr("kerasae_export.photo.codec.refine", lambda *_, **__: None)
    assert refined < most * cost()


@pytest.mark.parametrize("size", [(20, 30), (300, 50)])
def test_threads_write_the_same_file(size):
    photograph = skimage.data.coffee()[40 : 40 + size[0], 200 : 200 + size[1]]
    files = {PhotoCodec.load(threads=n).compress(photograph) for n in (1, 2, 5)}
    assert len(files) == 1
