"""Pixels, values and levels at their edges, and the small pieces of the format."""

from __future__ import annotations

import re
import zlib
from types import MappingProxyType

import numpy as np
import pytest

from kerasae_export.errors import CorruptBitstreamError
from kerasae_export.format.arguments import check_bytes, check_count, check_quality
from kerasae_export.format.manifest import Edge
from kerasae_export.format.numbers import plain
from kerasae_export.format.received import Received, crc_of
from kerasae_export.format.values import dequantise, pixels_of, quantise, symbols_of
from kerasae_export.format.varint import read_varint, varint

FLOAT = Edge((1, 2), "float32")
UINT8 = Edge((1, 2), "uint8", 0.5, 10)


def test_a_float_edge_takes_values_as_they_are():
    found = quantise([0.1, 300.0], FLOAT)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.float32([0.1, 300]))


def test_levels_are_rounded_half_up_and_clipped():
    values = [-6.0, -5.0, -0.26, -0.25, 0.0, 0.24, 0.25, 0.75, 122.0, 122.5, 122.75, 999.0]
    found = quantise(values, UINT8)
    assert found.dtype == np.uint8
    assert found.tolist() == [0, 0, 9, 10, 10, 10, 11, 12, 254, 255, 255, 255]


def test_levels_stand_for_values():
    found = dequantise(np.array([0, 10, 255], np.uint8), UINT8)
    assert found.dtype == np.float64
    assert found.tolist() == [-5.0, 0.0, 122.5]


def test_symbols_are_the_nearest_multiples_in_32_bits():
    steps = np.array([0.5, 2.0])
    found = symbols_of(np.array([[0.25, 1.0], [-0.25, -1.0], [0.24, -1.01], [1e30, -1e30]]), steps)
    assert found.dtype == np.int64
    assert found.tolist() == [[1, 1], [0, 0], [0, -1], [2**31 - 1, -(2**31)]]


def test_pixels_of_floats_are_rounded_half_up_clipped_and_never_nan():
    values = np.float32([-1, 0, 0.5 / 255 - 1e-6, 0.5 / 255 + 1e-6, 1, 2, np.nan, np.inf, -np.inf])
    found = pixels_of(values, FLOAT)
    assert found.dtype == np.uint8
    assert found.tolist() == [0, 0, 0, 1, 255, 255, 0, 255, 0]


@pytest.mark.parametrize(
    ("scale", "zero", "levels"),
    [
        (1 / 255, 0, list(range(256))),
        (1 / 256, 0, list(range(256))),  # a sigmoid's fixed scale
        (1 / 256, 1, [np.clip(np.floor((q - 1) / 256 * 255 + 0.5), 0, 255) for q in range(256)]),
        (1 / 128, 0, [min(255, int(q * 255 / 128 + 0.5)) for q in range(256)]),
        (1 / 255, 5, [max(0, q - 5) for q in range(256)]),
    ],
)
def test_each_level_of_a_uint8_edge_has_its_pixel(scale, zero, levels):
    output = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = pixels_of(output, Edge((1, 16, 16), "uint8", scale, zero))
    assert found.dtype == np.uint8
    assert found.ravel().tolist() == levels


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (16383, "ff7f"),
        (2**35 - 1, "ffffffff7f"),
    ],
)
def test_a_number_has_one_encoding(value, data):
    assert varint(value).hex() == data
    assert read_varint(iter(bytes.fromhex(data)).__next__) == value


@pytest.mark.parametrize("data", ["8000", "ff00", "808000", "ffffffffff01", "8080808080"])
def test_other_encodings_are_malformed(data):
    with pytest.raises(CorruptBitstreamError, match=r"^The bitstream holds a malformed number\.$"):
        read_varint(iter(bytes.fromhex(data)).__next__)


@pytest.mark.parametrize("value", [0, -1, True, 1.0, "1", None, np.float64(2)])
def test_a_count_is_a_positive_integer(value):
    sentence = f"`tile` must be a positive integer. Received: tile={value!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        check_count("tile", value)
    for good in (1, np.int64(3)):
        check_count("tile", good)


@pytest.mark.parametrize("value", [0, 4, True, 1.0, "1"])
def test_a_quality_is_one_of_the_bundles(value):
    sentence = (
        "`quality` must be an integer from 1 to 3, as many as the bundle has. "
        f"Received: quality={value!r}"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        check_quality(value, 3)
    assert [check_quality(good, 3) for good in (None, 1, np.int64(3))] == [3, 1, 3]
    assert type(check_quality(np.int64(2), 3)) is int


@pytest.mark.parametrize("value", ["text", None, [1]])
def test_a_bitstream_is_bytes(value):
    sentence = f"`data` must be bytes. Received: {type(value).__name__}"
    with pytest.raises(CorruptBitstreamError, match=f"^{re.escape(sentence)}$"):
        check_bytes(value)
    for good in (b"ab", bytearray(b"ab"), memoryview(b"ab")):
        assert check_bytes(good) == b"ab"
        assert type(check_bytes(good)) is bytes


def test_what_is_of_numpy_becomes_pythons_own():
    value = {
        np.int64(1): np.float32(0.5),
        "tuple": (np.bool_(True), [np.uint8(2)]),
        "map": MappingProxyType({"array": np.arange(2)}),
        "rest": "text",
    }
    assert plain(value) == {
        1: 0.5,
        "tuple": (True, [2]),
        "map": {"array": [0, 1]},
        "rest": "text",
    }
    assert type(plain(np.float32(0.5))) is float
    assert type(next(iter(plain(value)))) is int


def test_received_bytes_are_read_when_they_are_taken():
    content, taken = bytes(range(100)), []

    def read(start, stop):
        taken.append((start, stop))
        return content[start:stop]

    data = Received(read, 100)
    assert len(data) == 100
    assert taken == []
    assert (data[5], data[:2], data[90:200], data[-3:]) == (5, content[:2], content[90:], b"abc")
    assert taken == [(5, 6), (0, 2), (90, 100), (97, 100)]
    assert (data[5:5], data[200:]) == (b"", b"")
    assert len(taken) == 4
    assert check_bytes(data) is data


@pytest.mark.parametrize("pieces", [1, 7, 100])
def test_a_crc_is_that_of_all_pieces(pieces, monkeypatch):
    monkeypatch.setattr("kerasae_export.format.received._PIECE", pieces)
    content = bytes(range(256))
    sizes = []
    data = Received(lambda start, stop: (sizes.append(stop - start), content[start:stop])[1], 256)
    for given in (content, data):
        assert crc_of(given, 3, 250, 77) == zlib.crc32(content[3:250], 77)
        assert crc_of(given, 3, 3, 77) == 77
    assert max(sizes) == pieces
    assert sum(sizes) == 247
