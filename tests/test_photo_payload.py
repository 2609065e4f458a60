"""The payload of version 2: its bounds, and what of it the small family does not tell apart."""

from __future__ import annotations

import re

import numpy as np
import pytest
from photo import small_family

from kerasae_export.errors import CorruptBitstreamError
from kerasae_export.format import photo
from kerasae_export.format.family import CHANNELS
from kerasae_export.format.photo import pack, predict_lowest, unpack
from kerasae_export.format.photo_file import Head, family_id, read_photo, write_photo

# Each class table is another, so that each must be found.
ROWS = np.array([[1000 + 90 * i, 1096, 2000 - 90 * i] for i in range(18)])
FAMILY = small_family(class_frequencies=ROWS)


def drawn(cells, classes=None):
    """Classes of cells, and symbols of the channels that these code."""
    generator = np.random.default_rng(cells)
    chosen = generator.integers(0, 3, cells) if classes is None else np.full(cells, classes)
    symbols = np.rint(generator.laplace(0, 1.5, (CHANNELS, cells))).astype(np.int16)
    return symbols * (FAMILY.classes.T[:, chosen] > 0), chosen.astype(np.uint8)


def refused(sentence, *payload):
    with pytest.raises(CorruptBitstreamError, match=f"^{re.escape(sentence)}$"):
        unpack(FAMILY, *payload)


@pytest.mark.parametrize("band", [0, 1])
def test_a_class_is_coded_by_its_neighbours_and_the_band(band):
    symbols, classes = drawn(12)
    payload = pack(FAMILY, symbols, classes, 4, band)
    found = unpack(FAMILY, payload, 3, 4, band)
    np.testing.assert_array_equal(found.classes, classes)
    np.testing.assert_array_equal(found.symbols, symbols)
    assert (found.symbols.dtype, found.classes.dtype) == (np.int16, np.uint8)


def test_few_symbols_have_one_lane_and_as_many_as_there_may_be_have_all(monkeypatch):
    symbols, classes = drawn(4, classes=2)
    assert pack(FAMILY, symbols, classes, 2, 0)[0] == 0
    monkeypatch.setattr(photo, "_SYMBOLS_PER_LANE", 1)
    monkeypatch.setattr(photo, "_MOST_PER_LANE", 0)  # which all lanes may exceed
    payload = pack(FAMILY, symbols, classes, 2, 0)
    assert payload[0] == 10
    np.testing.assert_array_equal(unpack(FAMILY, payload, 2, 2, 0).symbols, symbols)
    refused("The payload names an impossible number of lanes.", b"\x0b" + payload[1:], 2, 2, 0)


def test_lanes_are_as_many_as_the_symbols_need(monkeypatch):
    """A cell of the class that codes every channel has 768 of them."""
    payload = pack(FAMILY, *drawn(1, classes=2), 1, 0)
    monkeypatch.setattr(photo, "_MOST_PER_LANE", 768)
    unpack(FAMILY, payload, 1, 1, 0)
    monkeypatch.setattr(photo, "_MOST_PER_LANE", 767)
    refused("The payload has fewer lanes than its symbols need.", payload, 1, 1, 0)


@pytest.mark.parametrize(("last", "symbol"), [(2**16 - 41, -(2**15)), (2**16 - 44, 2**15 - 1)])
def test_no_symbol_has_more_than_16_bits(last, symbol, monkeypatch):
    """Written as an encoder would that has larger ones; of a table from -20 to 20."""
    symbols, classes = drawn(1, classes=0)
    symbols[:] = 0
    symbols[0, 0] = 1000
    varint = photo.varint
    for number in (last, last + 2):
        monkeypatch.setattr(photo, "varint", lambda _, n=number: varint(n))
        payload = pack(FAMILY, symbols, classes, 1, 0)
        if number == last:
            assert unpack(FAMILY, payload, 1, 1, 0).symbols[0, 0] == symbol
        else:
            refused("The bitstream holds a symbol over 16 bits.", payload, 1, 1, 0)


@pytest.mark.parametrize("symbol", [-(2**15), -(2**15) + 1, 2**15 - 1])
def test_differences_fill_16_bits(symbol):
    symbols = np.zeros((CHANNELS, 2), np.int16)
    symbols[256] = [np.clip(-symbol, -(2**14), 2**14), 0]
    symbols[256, 1] = symbol + symbols[256, 0]
    predict_lowest(symbols, 1, 2)
    assert symbols[256, 1] == symbol


def test_only_the_head_of_version_2_names_a_family():
    data = write_photo(Head(40, 1, 1), b"", FAMILY.digest)
    assert len(data) > 10
    assert family_id(data[:10]) == FAMILY.digest[:2]
    assert family_id(data[:9]) is None
    assert family_id(data[:2] + b"\x01" + data[3:]) is None
    assert family_id(b"PK" + data[2:]) is None


def test_a_reader_may_check_the_claims():
    data = write_photo(Head(40, 3, 5), b"payload", FAMILY.digest)
    claims = []
    read_photo(
        data, FAMILY.digest, max_pixels=15, check=lambda block, size: claims.append((block, size))
    )
    ((block, size),) = claims
    assert (block.count, block.height, block.width, size) == (1, 3, 5, 7)
