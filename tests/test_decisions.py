"""What the encoder of photographs decides, against what its files cost."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from kerasae_export.format.family import CHANNELS
from kerasae_export.format.photo import Unpacked, pack, unpack
from kerasae_export.photo.codec import MULTIPLIER, TRIES, PhotoCodec
from kerasae_export.photo.decisions import Decisions, Tradeoff, decide, lowest, round_symbols
from kerasae_export.photo.shipped import shipped_families
from kerasae_export.photo.transform import COEFFICIENT_UNIT, Transform

FAMILY = shipped_families()[0]
TRADEOFF = Tradeoff(FAMILY, MULTIPLIER)
ROWS, COLUMNS = 5, 7
LOWEST = np.arange(CHANNELS) % 256 == 0


def scaled(quality: int) -> np.ndarray:
    photograph = skimage.data.coffee()[40 : 40 + 16 * ROWS, 200 : 200 + 16 * COLUMNS]
    transform = Transform(FAMILY.colour, FAMILY.block, FAMILY.overlap)
    step = COEFFICIENT_UNIT * FAMILY.steps[quality - 1]
    return (transform.forward(photograph) / step).astype(np.float32)


def decoded(decisions: Decisions, band: int) -> Unpacked:
    payload = pack(FAMILY, decisions.symbols, decisions.classes, COLUMNS, band)
    return unpack(FAMILY, payload, ROWS, COLUMNS, band)


def costs_of(values: np.ndarray, unpacked: Unpacked) -> np.ndarray:
    """Squared error and bits of each cell, by what its decoder knows, less those of zeros."""
    result = np.zeros(values.shape[1])
    for channel, cell in np.argwhere(FAMILY.classes[unpacked.classes].T > 0):
        table = FAMILY.tables[unpacked.tables[channel, cell]]
        symbol = int(unpacked.symbols[channel, cell])
        place = symbol - table.offset
        inside = 0 <= place < len(table.frequencies) - 1
        bits = 12 - np.log2(table.frequencies[place if inside else -1]) + (0 if inside else 8)
        result[cell] += MULTIPLIER * bits
        if not LOWEST[channel]:
            one, more = FAMILY.rebuild[unpacked.tables[channel, cell]]
            shift = one if abs(symbol) == 1 else more if symbol else 0
            rebuilt = np.sign(symbol) * (abs(symbol) + shift)
            value = float(values[channel, cell])
            result[cell] += (value - rebuilt) ** 2 - value**2
    return result


def class_bits(classes: np.ndarray, band: int) -> float:
    """What the classes cost, each after its left and its upper neighbour."""
    groups = np.full((ROWS + 1, COLUMNS + 1), FAMILY.neighbours)
    groups[1:, 1:] = FAMILY.groups[classes].reshape(ROWS, COLUMNS)
    edge = FAMILY.neighbours + 1
    row = (band * edge + groups[1:, :-1]) * edge + groups[:-1, 1:]
    return float((12 - np.log2(FAMILY.class_frequencies[row.ravel(), classes])).sum())


@pytest.mark.parametrize("quality", [20, 75])
def test_rounding_knows_what_its_symbols_cost(quality):
    values, band = scaled(quality), FAMILY.band(quality)
    classes = decide(FAMILY, values, ROWS, COLUMNS, band, TRADEOFF).classes
    symbols = lowest(values, ROWS, COLUMNS)
    found = round_symbols(FAMILY, values, symbols, classes, TRADEOFF)
    expected = costs_of(values, decoded(Decisions(symbols, classes), band))
    # Magnitudes above 63 are taken to cost as much as that.
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=0.02)


@pytest.mark.parametrize("quality", [20, 75])
def test_classes_that_are_tried_cost_less_than_those_that_are_estimated(quality):
    values, band = scaled(quality), FAMILY.band(quality)
    total = {}
    for tries in (1, TRIES, len(FAMILY.classes), 1000):
        decisions = decide(FAMILY, values, ROWS, COLUMNS, band, TRADEOFF, tries)
        symbols = costs_of(values, decoded(decisions, band)).sum()
        total[tries] = symbols + MULTIPLIER * class_bits(decisions.classes, band)
    assert total[TRIES] < total[1]
    assert total[64] == total[1000] < total[1]


def test_effort_1_takes_the_tries(monkeypatch):
    photograph = skimage.data.coffee()[40:140, 200:340]
    codec = PhotoCodec.load()
    data = codec.compress(photograph, quality=50)
    monkeypatch.setattr("kerasae_export.photo.codec.TRIES", 1)
    estimated = codec.compress(photograph, quality=50)
    step = FAMILY.steps[49]

    def cost(data):
        error = np.square(codec.decompress(data).astype(float) - photograph).sum()
        return error / step**2 + MULTIPLIER * 8 * len(data)

    assert cost(data) < 0.99 * cost(estimated)
