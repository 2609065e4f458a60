"""Version 2 of the format: the family, the payload and the file."""

import json

import numpy as np
import pytest
from photo import decisions_by_the_book, pixels_by_the_book, read_by_the_book, small_family

from kerasae_export.errors import (
    BitstreamBundleError,
    BitstreamLimitError,
    BitstreamVersionError,
    BundleError,
    CorruptBitstreamError,
)
from kerasae_export.format.bitstream import read_image
from kerasae_export.format.family import CHANNELS, Family
from kerasae_export.format.photo import (
    pack,
    predict_lowest,
    stages,
    unpack,
    unpredict_lowest,
)
from kerasae_export.format.photo_file import Head, read_head, read_photo, write_photo
from kerasae_export.photo.codec import PhotoCodec

FAMILY = small_family()


def some_symbols(cells, classes, seed=0, spread=1.5):
    generator = np.random.default_rng(seed)
    symbols = np.rint(generator.laplace(0, spread, (CHANNELS, cells))).astype(np.int16)
    symbols *= np.ascontiguousarray(FAMILY.classes.T)[:, classes] > 0
    return symbols


def some_photograph(height, width, seed=0):
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [120 + 80 * np.sin(x / a + y / b) for a, b in ((9, 20), (15, 11), (30, 7))]
    image = np.stack(waves, -1) + generator.normal(0, 12, (height, width, 3))
    return np.clip(image, 0, 255).astype(np.uint8)


def test_every_channel_has_its_place_among_the_stages():
    channels = np.concatenate([channels for channels, _ in stages()])
    assert len(stages()) == 93
    assert sorted(channels.tolist()) == list(range(CHANNELS))
    seen = {CHANNELS}
    for channels, around in stages():
        assert {int(c) for other in around for c in other} <= seen
        seen |= set(channels.tolist())


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 4), (20, 11)])
def test_a_payload_gives_back_its_symbols(rows, columns):
    cells = rows * columns
    classes = np.random.default_rng(1).integers(0, 3, cells).astype(np.uint8)
    symbols = some_symbols(cells, classes)
    symbols[0, 0], symbols[256, cells - 1] = 2**15 - 1, -(2**15)
    payload = pack(FAMILY, symbols, classes, columns, 1)
    found = unpack(FAMILY, payload, rows, columns, 1)
    np.testing.assert_array_equal(found.symbols, symbols)
    np.testing.assert_array_equal(found.classes, classes)


def test_many_lanes_give_back_their_symbols():
    classes = np.full(900, 2, np.uint8)
    symbols = some_symbols(900, classes)
    payload = pack(FAMILY, symbols, classes, 30, 0)
    assert payload[0] > 5  # vectors
    np.testing.assert_array_equal(unpack(FAMILY, payload, 30, 30, 0).symbols, symbols)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (5, 1), (4, 7)])
def test_lowest_coefficients_survive_their_prediction(rows, columns):
    symbols = np.random.default_rng(2).integers(-900, 900, (CHANNELS, rows * columns))
    symbols = symbols.astype(np.int16)
    changed = symbols.copy()
    predict_lowest(changed, rows, columns)
    assert rows * columns == 1 or (changed[0] != symbols[0]).any()
    unpredict_lowest(changed, rows, columns)
    np.testing.assert_array_equal(changed, symbols)


def test_lowest_coefficients_beyond_16_bits_are_damage():
    symbols = np.zeros((CHANNELS, 2), np.int16)
    symbols[0] = 30000
    with pytest.raises(CorruptBitstreamError, match="16 bits"):
        unpredict_lowest(symbols, 1, 2)


@pytest.mark.parametrize("effort", [0, 1])
@pytest.mark.parametrize(("height", "width", "quality"), [(1, 1, 100), (33, 50, 60), (16, 70, 99)])
def test_a_reader_written_from_the_text_agrees(height, width, quality, effort):
    codec = PhotoCodec([FAMILY])
    image = some_photograph(height, width)
    data = codec.compress(image, quality=quality, effort=effort)
    assert read_head(data) == (quality, height, width)
    *head, symbols, used, _ = read_by_the_book(data, FAMILY.content)
    assert head == [quality, height, width]
    expected = pixels_by_the_book(FAMILY.content, quality, height, width, symbols, used)
    assert np.abs(codec.decompress(data).astype(int) - expected).max() <= 1


@pytest.mark.parametrize(("height", "width", "quality"), [(48, 32, 60), (1, 1, 1), (35, 50, 100)])
def test_effort_0_is_the_rule_of_the_text(height, width, quality):
    image = some_photograph(height, width)
    data = PhotoCodec([FAMILY]).compress(image, quality=quality, effort=0)
    *_, symbols, _, classes = read_by_the_book(data, FAMILY.content)
    expected, chosen = decisions_by_the_book(FAMILY.content, image, quality)
    assert classes == chosen
    np.testing.assert_array_equal(symbols, expected)


def test_a_reader_of_version_1_refuses_version_2():
    data = write_photo(Head(50, 16, 16), b"\0", FAMILY.digest)
    with pytest.raises(BitstreamVersionError, match="of version 2"):
        read_image(data, FAMILY.digest, max_pixels=2**20)


def test_another_way_to_name_tables_is_refused_as_a_version():
    data = write_photo(Head(0x80 | 50, 16, 16), b"\0", FAMILY.digest)
    with pytest.raises(BitstreamVersionError, match="names its tables"):
        read_photo(data, FAMILY.digest, max_pixels=2**20)


@pytest.mark.parametrize(
    ("head", "error", "match"),
    [
        (Head(0, 16, 16), CorruptBitstreamError, "quality 0"),
        (Head(101, 16, 16), CorruptBitstreamError, "quality 101"),
        (Head(5, 0, 16), CorruptBitstreamError, "impossible size"),
        (Head(5, 2**20, 2**20), BitstreamLimitError, "max_pixels"),
        (Head(5, 16, 16), CorruptBitstreamError, "lanes"),
    ],
)
def test_heads_that_lie_are_refused(head, error, match):
    data = write_photo(head, b"\x0b", FAMILY.digest)
    with pytest.raises(error, match=match):
        PhotoCodec([FAMILY]).decompress(data)


def test_every_damaged_byte_is_noticed():
    codec = PhotoCodec([FAMILY])
    data = codec.compress(some_photograph(20, 20), quality=40)
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x55
        with pytest.raises((CorruptBitstreamError, BitstreamVersionError, BitstreamBundleError)):
            codec.decompress(bytes(damaged))
    for size in range(len(data)):
        with pytest.raises(CorruptBitstreamError):
            codec.decompress(data[:size])


def test_damage_behind_a_repaired_checksum_is_refused_or_a_picture():
    codec = PhotoCodec([FAMILY])
    data = codec.compress(some_photograph(40, 60), quality=70)
    head, payload = read_photo(data, FAMILY.digest, max_pixels=10**6)
    generator, refused = np.random.default_rng(0), 0
    for _ in range(150):
        damaged = bytearray(payload)
        damaged[generator.integers(len(damaged))] ^= 1 << generator.integers(8)
        try:
            image = codec.decompress(write_photo(head, bytes(damaged), FAMILY.digest))
            assert image.shape == (40, 60, 3)
        except CorruptBitstreamError:
            refused += 1
    assert refused > 100  # the states at the end tell most damage


def test_a_family_survives_its_file():
    again = Family.from_json(FAMILY.content)
    assert again.digest == FAMILY.digest
    np.testing.assert_array_equal(again.class_frequencies, FAMILY.class_frequencies)
    assert again.tables == FAMILY.tables


@pytest.mark.parametrize(
    ("field", "value", "match"),
    [
        ("format_version", 3, "format_version"),
        ("steps", [3] * 100, "falling"),
        ("classes", "AAAA", "classes"),
        ("levels", "not base64", "levels"),
        ("tables", [], "tables"),
        (
            "tables",
            [{"offset": 2**15 - 9, "frequencies": [372] * 11 + [4], "rebuild": [0, 0]}] * 3,
            "fit",
        ),
        (
            "tables",
            [{"offset": -(2**15), "frequencies": [2**11] * 2, "rebuild": [0, 0]}] * 3,
            "offset",
        ),
        ("groups", [0, 0, 5], "groups"),
        ("bands", 3, "class_frequencies"),
        ("colour", [0] * 8, "colour"),
        ("colour", [0] * 9, "invertible"),
        ("block", [1] * 256, "invertible"),
        ("overlap", [2**14 * (i % 17 == 0) // 64 for i in range(256)], "invertible"),  # gain
        ("colour", [2**14, 1, 0, 0, 2**17, 0, 0, 0, 2**14], "invertible"),  # -1/2 in 2**-16
        ("more", 1, "not a known field"),
    ],
)
def test_a_family_that_is_off_is_refused(field, value, match):
    content = json.loads(FAMILY.content) | {field: value}
    with pytest.raises(BundleError, match=match):
        Family.from_json(json.dumps(content).encode())


def test_a_family_that_is_no_json_is_refused():
    with pytest.raises(BundleError, match="JSON"):
        Family.from_json(b"{")
