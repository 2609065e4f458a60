"""Version 2 of the format: the family, the payload and the file."""

import base64
import json
import re

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
from kerasae_export.format.photo_file import (
    Head,
    family_id,
    read_head,
    read_photo,
    write_photo,
)
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


def test_a_payload_of_many_symbols_has_lanes_for_them():
    """With one lane and a state of 0 a few bytes would be a second of work."""
    nothing = bytes([0])  # class 0 and its symbols -2 and -1 cost nothing
    first = unpack(FAMILY, nothing, 8, 8, 0)
    assert (first.classes == 0).all()
    with pytest.raises(CorruptBitstreamError, match="fewer lanes"):
        unpack(FAMILY, nothing, 100, 100, 0)


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


def packed(values):
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def of_zeros(rows, width, kind=np.uint8):
    return packed(np.zeros((rows, width), kind))


TABLE = json.loads(FAMILY.content)["tables"][0]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("format", "zip", "`format` must be one of kerasae-family. Received: 'zip'"),
        ("format_version", 1, "`format_version` must be an integer from 2 to 2. Received: 1"),
        ("neighbours", 0, "`neighbours` must be an integer from 1 to 64. Received: 0"),
        ("neighbours", 65, "`neighbours` must be an integer from 1 to 64. Received: 65"),
        ("bands", 0, "`bands` must be an integer from 1 to 100. Received: 0"),
        ("bands", 101, "`bands` must be an integer from 1 to 100. Received: 101"),
        ("tables", [], "`tables` must be a list of 1 to 64. Received: []"),
        ("tables", [1], "`tables[0]` must be an object. Received: 1"),
        ("tables", [TABLE | {"x": 1}], "`tables[0].'x'` is not a known field."),
        (
            "tables",
            [TABLE | {"offset": 2**15}],
            "`tables[0].offset` must be an integer from -32767 to 32767. Received: 32768",
        ),
        (
            "tables",
            [TABLE | {"offset": -(2**15)}],
            "`tables[0].offset` must be an integer from -32767 to 32767. Received: -32768",
        ),
        (
            "tables",
            [TABLE | {"rebuild": [257, 0]}],
            "`tables[0].rebuild` must be 2 integers from -256 to 256. Received: [257, 0]",
        ),
        (
            "tables",
            [TABLE | {"rebuild": [-257, 0]}],
            "`tables[0].rebuild` must be 2 integers from -256 to 256. Received: [-257, 0]",
        ),
        (
            "tables",
            [TABLE | {"rebuild": [0]}],
            "`tables[0].rebuild` must be 2 integers from -256 to 256. Received: [0]",
        ),
        (
            "tables",
            [TABLE | {"frequencies": [0, 4096]}],
            "`tables[0].frequencies` must be integers from 1 to 4096. Received: [0, 4096]",
        ),
        (
            "classes",
            "AAAA",
            "`classes` must be base64 of rows of 768 bytes. Received: 'AAAA'",
        ),
        ("classes", "", "`classes` must be base64 of rows of 768 bytes. Received: ''"),
        ("levels", "é", "`levels` must be base64 of rows of 10 bytes. Received: 'é'"),
        ("levels", "A A=", "`levels` must be base64 of rows of 10 bytes. Received: 'A A='"),
        (
            "classes",
            of_zeros(1, 768),
            "`classes` must be 1 to 64 rows of levels, not 0 for lowest coefficients. "
            "Received: (1, 768)",
        ),
        (
            "classes",
            packed(np.full((3, 768), 3, np.uint8)),
            "`classes` must be 1 to 64 rows of levels, not 0 for lowest coefficients. "
            "Received: (3, 768)",
        ),
        (
            "classes",
            packed(np.full((65, 768), 2, np.uint8)),
            "`classes` must be 1 to 64 rows of levels, not 0 for lowest coefficients. "
            "Received: (65, 768)",
        ),
        (
            "levels",
            packed(np.full((3, 10), 3, np.uint8)),
            "`levels` must be 2 to 65 rows of tables. Received: (3, 10)",
        ),
        (
            "class_frequencies",
            of_zeros(18, 3, "<u2"),
            "`class_frequencies` must be 18 rows of positive numbers of sum 4096. "
            "Received: 'other'",
        ),
        (
            "class_frequencies",
            packed(np.full((18, 3), 1365, "<u2")),
            "`class_frequencies` must be 18 rows of positive numbers of sum 4096. "
            "Received: 'other'",
        ),
        (
            "class_frequencies",
            packed(np.tile(np.array([1000, 96, 3000], "<u2"), (17, 1))),
            "`class_frequencies` must be 18 rows of positive numbers of sum 4096. "
            "Received: 'other'",
        ),
        (
            "class_frequencies",
            packed(np.tile(np.array([0, 96, 4000], "<u2"), (18, 1))),
            "`class_frequencies` must be 18 rows of positive numbers of sum 4096. "
            "Received: 'other'",
        ),
        ("more", 1, "`'more'` is not a known field."),
    ],
)
def test_a_family_that_is_off_is_refused_in_a_sentence(field, value, sentence):
    content = json.loads(FAMILY.content) | {field: value}
    with pytest.raises(BundleError, match=f"^family.json: {re.escape(sentence)}$"):
        Family.from_json(json.dumps(content).encode())


def test_other_refusals_of_a_family_are_sentences(monkeypatch):
    content = json.loads(FAMILY.content)

    def refused(changes, sentence):
        with pytest.raises(BundleError, match=f"^{re.escape(sentence)}$"):
            Family.from_json(json.dumps(content | changes).encode())

    refused(
        {"tables": [TABLE, TABLE | {"frequencies": [4095, 2]}]},
        "family.json: `tables[1]` is off: `frequencies` must be positive and sum to 4096. "
        "Received: sum 4097, smallest 2",
    )
    refused(
        {"bands": 100, "neighbours": 12},
        "family.json: `bands` must be at most 16384 class tables in all. Received: 16900",
    )
    for steps in (content["steps"][::-1], [*content["steps"][:-1], content["steps"][-2]]):
        with pytest.raises(BundleError, match="`steps` must be falling. Received: "):
            Family.from_json(json.dumps(content | {"steps": steps}).encode())
    with pytest.raises(BundleError, match=r"^family\.json is not JSON as it must be: "):
        Family.from_json(b"[" * 10**5)
    monkeypatch.setattr("kerasae_export.format.family.MAX_FAMILY_BYTES", len(FAMILY.content))
    assert Family.from_json(FAMILY.content).digest == FAMILY.digest
    with pytest.raises(BundleError, match=r"^family\.json is larger than the \d+ bytes allowed\.$"):
        Family.from_json(FAMILY.content + b" ")


@pytest.mark.parametrize("name", sorted(json.loads(FAMILY.content)))
def test_every_field_of_a_family_is_needed(name):
    content = json.loads(FAMILY.content)
    del content[name]
    with pytest.raises(BundleError, match=f"^family.json: `{name}` is missing\\.$"):
        Family.from_json(json.dumps(content).encode())


def test_a_family_is_written_in_fixed_point_and_read_back():
    family = small_family(colour=np.eye(3) * 0.50001, steps=np.linspace(120, 2, 100))
    content = json.loads(family.content)
    assert family.content.endswith(b"}\n")
    assert b" " not in family.content
    assert content["format"] == "kerasae-family"
    assert content["format_version"] == 2
    assert content["colour"] == [8192, 0, 0, 0, 8192, 0, 0, 0, 8192]
    assert content["steps"][:2] == [7680, int(np.floor(64 * (120 - 118 / 99) + 0.5))]
    assert content["tables"][0]["rebuild"] == [-26, 0]
    assert content["costs"] == np.ravel(FAMILY.costs).tolist()
    np.testing.assert_array_equal(family.colour, np.eye(3) / 2)
    assert family.steps[0] == 120.0
    np.testing.assert_array_equal(family.rebuild, np.array([[-26, 0], [0, 13], [0, 0]]) / 256)
    assert family.block.shape == family.overlap.shape == (16, 16)
    assert family.costs.shape == (3, 8)
    assert family.groups.tolist() == [0, 0, 1]
    assert (family.neighbours, family.bands) == (2, 2)
    assert family.class_frequencies.shape == (18, 3)
    assert [family.band(q) for q in (1, 50, 51, 100)] == [0, 0, 1, 1]
    np.testing.assert_array_equal(family.classes, FAMILY.classes)
    np.testing.assert_array_equal(family.levels, FAMILY.levels)


def test_the_head_of_a_file_is_told_before_its_family_is_known():
    data = write_photo(Head(40, 300, 2), b"payload", FAMILY.digest)
    assert data[:5] == b"\xaek\x02" + FAMILY.digest[:2]
    assert family_id(data) == FAMILY.digest[:2]
    assert family_id(b"\xaek\x01ab") is None
    assert family_id(b"PK\x02ab") is None
    assert read_head(data) == Head(40, 300, 2)
    assert read_photo(data, FAMILY.digest, max_pixels=600) == (Head(40, 300, 2), b"payload")
    with pytest.raises(BitstreamLimitError, match="over the 599 that are allowed"):
        read_photo(data, FAMILY.digest, max_pixels=599)
    damaged = data[:-1] + bytes([data[-1] ^ 1])
    sentence = "The bitstream is damaged or truncated: its checksum does not match."
    with pytest.raises(CorruptBitstreamError, match=f"^{re.escape(sentence)}$"):
        read_photo(damaged, FAMILY.digest, max_pixels=600)
    for quality in (0, 101):
        wrong = write_photo(Head(quality, 1, 1), b"", FAMILY.digest)
        sentence = f"The bitstream names quality {quality}, and there are 100."
        with pytest.raises(CorruptBitstreamError, match=f"^{re.escape(sentence)}$"):
            read_head(wrong)
    for quality in (1, 100):
        assert read_head(write_photo(Head(quality, 1, 1), b"", FAMILY.digest)).quality == quality
    other = write_photo(Head(0x80 | 50, 16, 16), b"", FAMILY.digest)
    sentence = "The bitstream names its tables in a way that this code does not know."
    with pytest.raises(BitstreamVersionError, match=f"^{re.escape(sentence)}$"):
        read_head(other)


def test_differences_and_coefficients_have_16_bits():
    symbols = np.zeros((CHANNELS, 2), np.int16)
    symbols[0] = [-(2**14), 2**14 - 1]
    predict_lowest(symbols, 1, 2)
    assert symbols[0].tolist() == [-(2**14), 2**15 - 1]
    for values in ([-(2**14), 2**14], [2**14, -(2**14) - 1]):
        symbols[0] = values
        sentence = "`symbols` must be such that differences fit in 16 bits."
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            predict_lowest(symbols, 1, 2)
    for values in ([2**15 - 1, 0], [-(2**15), 0]):
        symbols[0] = values
        unpredict_lowest(symbols, 1, 2)
        symbols[0] = [values[0], np.sign(values[0])]
        sentence = "The bitstream holds a coefficient over 16 bits."
        with pytest.raises(CorruptBitstreamError, match=f"^{re.escape(sentence)}$"):
            unpredict_lowest(symbols, 1, 2)


@pytest.mark.parametrize("payload", [b"", bytes([11]), bytes([255, 0])])
def test_impossible_lanes_are_refused(payload):
    sentence = "The payload names an impossible number of lanes."
    with pytest.raises(CorruptBitstreamError, match=f"^{re.escape(sentence)}$"):
        unpack(FAMILY, payload, 1, 1, 0)
