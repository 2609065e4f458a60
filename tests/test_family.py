"""The rules of `family.json`, each to its last value (FORMAT.md, section 9)."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest
from photo import BLOCK, small_family

from kerasae_export import BundleError
from kerasae_export.format.family import CHANNELS, Family, bucket

CONTENT = json.loads(small_family().content)
FALLING = list(range(100, 0, -1))


def made(**changes):
    return Family.from_json(json.dumps(CONTENT | changes).encode())


def packed(values, dtype="u1"):
    return base64.b64encode(np.ascontiguousarray(values, dtype).tobytes()).decode()


def table(**changes):
    return [*CONTENT["tables"][:2], CONTENT["tables"][2] | changes]


def classes(count):
    """So many classes, all in one group, and what else has a row for each."""
    values = np.zeros((count, CHANNELS), np.uint8)
    values[:, ::256] = 1
    frequencies = np.full((18, count), 4096 // count)
    frequencies[:, 0] += 4096 - frequencies.sum(1)
    return {
        "classes": packed(values),
        "groups": [0] * count,
        "class_frequencies": packed(frequencies, "<u2"),
    }


def levels(count):
    """So many rows of levels, of which classes use the first three."""
    values = np.zeros((count, 10), np.uint8)
    return {"levels": packed(values), "costs": [0] * (8 * count)}


def contexts(neighbours, bands):
    rows = bands * (neighbours + 1) ** 2
    frequencies = np.tile([1, 1, 4094], (rows, 1))
    return {
        "neighbours": neighbours,
        "bands": bands,
        "class_frequencies": packed(frequencies, "<u2"),
    }


GOOD = {
    "the smallest and the largest step": {"steps": [2**20, *FALLING[1:]]},
    "the largest cost": {"costs": [2**13] * 24},
    "one class": classes(1),
    "64 classes": classes(64),
    "65 rows of levels": levels(65),
    "two rows of levels": {**levels(2), **classes(3)},
    "groups up to the neighbours": {"groups": [0, 1, 1]},
    "class tables with a frequency of 1, 16,384 of them": contexts(31, 16),
    "numbers up to 2^17 in matrices": {
        "block": (131072 * np.eye(16, dtype=int)).ravel().tolist(),
        "colour": (-131072 * np.eye(3, dtype=int)).ravel().tolist(),
    },
    "symbols up to 2^15 - 1": {"tables": table(offset=2**15 - 41)},
    "symbols from 1 - 2^15": {"tables": table(offset=1 - 2**15)},
    "rebuilt a step away": {"tables": table(rebuild=[-256, 256])},
}
BAD = {
    "a step of 0": ({"steps": [*FALLING[:-1], 0]}, "steps"),
    "a step above 2^20": ({"steps": [2**20 + 1, *FALLING[1:]]}, "steps"),
    "two equal steps": ({"steps": [101, *FALLING[:1], *FALLING[2:], 1]}, "steps"),
    "99 steps": ({"steps": FALLING[:-1]}, "steps"),
    "a cost above 2^13": ({"costs": [2**13 + 1, *[0] * 23]}, "costs"),
    "a negative cost": ({"costs": [-1, *[0] * 23]}, "costs"),
    "a cost too many": ({"costs": [0] * 25}, "costs"),
    "65 classes": (classes(65), "classes"),
    "66 rows of levels": (levels(66), "levels"),
    "one row of levels": ({**levels(1), **classes(3)}, "classes"),
    "a table that is not there": (
        {"levels": packed(np.full((3, 10), 3))},
        "levels",
    ),
    "a group that is not there": ({"groups": [0, 1, 2]}, "groups"),
    "a group too few": ({"groups": [0, 1]}, "groups"),
    "more than 16,384 class tables": (contexts(31, 17), "bands"),
    "a row of class tables too few": (
        {"class_frequencies": packed(np.tile([1, 1, 4094], (17, 1)), "<u2")},
        "class_frequencies",
    ),
    "a class frequency of 0": (
        {"class_frequencies": packed(np.tile([0, 1, 4095], (18, 1)), "<u2")},
        "class_frequencies",
    ),
    "class frequencies of another sum": (
        {"class_frequencies": packed(np.tile([1, 1, 4093], (18, 1)), "<u2")},
        "class_frequencies",
    ),
    "what is no base64": ({"classes": CONTENT["classes"][:-4] + "!!==" + "AAAA"}, "classes"),
    "base64 with other characters between": ({"levels": "*" + CONTENT["levels"]}, "levels"),
    "a row that is not whole": ({"levels": packed(np.zeros(31))}, "levels"),
    "a number above 2^17 in a matrix": (
        {"block": (131073 * np.eye(16, dtype=int)).ravel().tolist()},
        "block",
    ),
    "a number below -2^17 in a matrix": (
        {"colour": (-131073 * np.eye(3, dtype=int)).ravel().tolist()},
        "colour",
    ),
    "a matrix that has no inverse": ({"overlap": [0] * 256}, "block"),
    "symbols above 2^15 - 1": ({"tables": table(offset=2**15 - 40)}, r"tables\[2\].offset"),
    "rebuilt farther than a step": ({"tables": table(rebuild=[-257, 0])}, r"tables\[2\].rebuild"),
    "another version": ({"format_version": 3}, "format_version"),
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD)
def test_the_last_values_are_good(changes):
    assert made(**changes).classes.shape[1] == CHANNELS


@pytest.mark.parametrize(("changes", "named"), BAD.values(), ids=BAD)
def test_what_is_beyond_is_refused_by_name(changes, named):
    with pytest.raises(BundleError, match=rf"^family\.json: `{named}` must "):
        made(**changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"overlap": [0] * 256}, "`block` must be invertible, as are `colour` and `overlap`."),
        (
            {"tables": table(offset=2**15 - 40)},
            "`tables[2].offset` must be such that symbols fit in 16 bits. Received: 32728",
        ),
        ({"steps": [3] * 100}, "`steps` must be falling. Received: (3, 3, 3, 3, 3, 3, ...)"),
        (
            {**classes(2), "class_frequencies": "!"},
            "`class_frequencies` must be base64 of rows of 4 bytes. Received: '!'",
        ),
    ],
)
def test_refusals_are_sentences(changes, sentence):
    end = "" if "Received" in sentence else " Received: 'other'"
    with pytest.raises(BundleError, match=f"^{re.escape(f'family.json: {sentence}{end}')}$"):
        made(**changes)


@pytest.mark.parametrize(
    ("colour", "block", "overlap", "good"),
    [
        (1, 45, 1, True),
        (1, 46, 1, False),
        (1, 45, 0.5, True),
        (1, 32, 1.42, False),
        (8, 16, 1, True),
        (8, 16.1, 1, False),
        (2048, 1, 1, True),
        (2400, 1, 1, False),
    ],
)
def test_coefficients_fit_in_32_bits(colour, block, overlap, good):
    """The gains of an encoder: of colour once, of block and overlap along both axes."""
    unit = 1 << 14
    sides = {"colour": (3, colour), "block": (16, block), "overlap": (16, overlap)}
    changes = {
        name: np.round(unit / gain * np.eye(size)).astype(int).ravel().tolist()
        for name, (size, gain) in sides.items()
    }
    if good:
        made(**changes)
    else:
        with pytest.raises(BundleError, match="`block` must be invertible"):
            made(**changes)


def test_magnitudes_fall_into_buckets_by_their_edges():
    found = bucket(np.array([0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 32, 33, 2**15])).tolist()
    assert found == [0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]


def test_other_classes_are_taken_in_place_of_its_own():
    family = made()
    other = np.ones_like(family.classes)
    changed = family.with_classes(other)
    np.testing.assert_array_equal(changed.classes, other)
    assert changed.tables is family.tables
    assert not np.array_equal(family.classes, other)


def test_a_family_comes_back_from_its_json():
    family = small_family(block=BLOCK)
    assert Family.from_json(family.content).content == family.content
    assert family.costs.shape == (3, 8)
    kinds = {"classes": np.uint8, "levels": np.uint8, "costs": np.int64, "groups": np.int64}
    kinds |= {"class_frequencies": np.int64, "rebuild": np.float64, "colour": np.float64}
    assert {name: getattr(family, name).dtype for name in kinds} == kinds


def test_the_file_does_not_depend_on_the_types_of_what_is_written():
    family = small_family()
    wide = {name: getattr(family, name).astype(np.int64) for name in ("classes", "levels")}
    narrow = {"class_frequencies": family.class_frequencies.astype(np.uint16)}
    assert small_family(**wide, **narrow).content == family.content


def test_every_table_has_its_offsets():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        small_family(rebuild=np.zeros((2, 2)))
