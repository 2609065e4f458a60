"""The codec part of a manifest: every rule between its fields, at the bounds."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from kerasae_export.errors import BundleError
from kerasae_export.format.entropy import Table
from kerasae_export.format.spec import MAX_SIDE, CodecSpec, Quality, read_spec, steps_of
from kerasae_export.format.validation import Fields

GOLDEN = Path(__file__).parent / "golden"
TABLE = {"frequencies": [4000, 96], "offset": 0}


def part(**changes):
    """A grid of 2 by 3 cells of 4 pixels, whose code has one channel; and what is changed."""
    content = {
        "channels": 1,
        "code_shape": [2, 3, 1],
        "codebook": 0,
        "group": 1,
        "layout": "grid",
        "margin": 0,
        "qualities": [quality()],
        "stride": 4,
        "table_bits": 12,
        "tile": [8, 12],
    }
    return content | changes


def quality(classes=1, channels=1, **changes):
    content = {
        "classes": classes,
        "step": {"exponent": 0, "mantissas": [1] * channels},
        "tables": [TABLE] * classes * channels,
    }
    return content | changes


def blocks(**changes):
    return part(**{"layout": "blocks", "stride": 1, "code_shape": [1], **changes})


def read(content):
    return read_spec(Fields(content, "codec."))


def refused(content, sentence):
    with pytest.raises(BundleError, match=f"^manifest.json: {re.escape(sentence)}$"):
        read(content)


@pytest.mark.parametrize("name", ["grid", "blocks", "indices"])
def test_what_is_read_is_written(name):
    content = json.loads((GOLDEN / name / "bundle" / "manifest.json").read_text())["codec"]
    assert read(copy.deepcopy(content)).to_dict() == content


@pytest.mark.parametrize(
    "content",
    [
        part(),
        part(channels=3),
        part(tile=[8, 12], margin=0, group=MAX_SIDE),
        part(code_shape=[3, 3, 1], tile=[3 * 2730, 3 * 2730], stride=2730, margin=1),
        part(qualities=[quality()] * 64),
        part(qualities=[quality(classes=64)]),
        blocks(),
        blocks(tile=[1, MAX_SIDE], code_shape=[4, 4, 4, 1]),
        blocks(codebook=2**24),
        blocks(code_shape=[3, 2], codebook=4, qualities=[quality(channels=2)]),
        part(qualities=[quality(step={"exponent": -149, "mantissas": [2**24 - 1]})]),
        part(qualities=[quality(step={"exponent": 104, "mantissas": [1]})]),
        part(qualities=[quality(tables=[{"frequencies": [4000, 96], "offset": 2**30}])]),
        part(qualities=[quality(tables=[{"frequencies": [4000, 96], "offset": -(2**30)}])]),
        part(qualities=[quality(tables=[{"frequencies": [1, 4095], "offset": 0}])]),
    ],
)
def test_what_is_at_the_bounds_is_read(content):
    assert read(content).to_dict() == content


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (part(channels=0), "`codec.channels` must be an integer from 1 to 3. Received: 0"),
        (part(channels=4), "`codec.channels` must be an integer from 1 to 3. Received: 4"),
        (part(channels=2), "`codec.channels` must be 1 or 3. Received: 2"),
        (part(table_bits=11), "`codec.table_bits` must be 12. Received: 11"),
        (part(stride=0), "`codec.stride` must be an integer from 1 to 8192. Received: 0"),
        (part(stride=8193), "`codec.stride` must be an integer from 1 to 8192. Received: 8193"),
        (part(margin=-1), "`codec.margin` must be an integer from 0 to 8192. Received: -1"),
        (part(margin=8193), "`codec.margin` must be an integer from 0 to 8192. Received: 8193"),
        (part(group=0), "`codec.group` must be an integer from 1 to 8192. Received: 0"),
        (part(group=8193), "`codec.group` must be an integer from 1 to 8192. Received: 8193"),
        (
            part(codebook=2**24 + 1),
            "`codec.codebook` must be an integer from 0 to 16777216. Received: 16777217",
        ),
        (
            blocks(code_shape=[2], codebook=1, qualities=[quality(channels=2, tables=[TABLE])]),
            f"`codec.qualities[0].tables` must be a list of 2. Received: {[TABLE]}",
        ),
        (part(layout="line"), "`codec.layout` must be one of grid, blocks. Received: 'line'"),
        (part(qualities=[]), "`codec.qualities` must be a list of 1 to 64. Received: []"),
        (part(qualities=[1]), "`codec.qualities[0]` must be an object. Received: 1"),
        (
            blocks(codebook=4, qualities=[quality()] * 2),
            "`codec.qualities` must be a list of 1 where there is a codebook. Received: 2",
        ),
    ],
)
def test_a_field_that_is_off_is_refused_in_a_sentence(content, sentence):
    refused(content, sentence)


@pytest.mark.parametrize(
    "changes",
    [
        {"code_shape": [6, 1]},
        {"code_shape": [1, 2, 3, 1]},
        {"tile": [8, 13]},
        {"tile": [7, 12]},
        {"tile": [12, 8]},
        {"stride": 3},
        {"margin": 1},
    ],
)
def test_the_fields_of_a_grid_agree(changes):
    refused(
        part(**changes),
        "`codec.layout` must be `grid` only where `tile`, `code_shape`, `stride` and `margin` "
        "agree. Received: 'grid'",
    )


@pytest.mark.parametrize("changes", [{"stride": 2}, {"margin": 1}, {"group": 2}])
def test_blocks_have_no_grid(changes):
    refused(
        blocks(**changes),
        "`codec.layout` must be `blocks` only with a `margin` of 0 and a `stride` and `group` "
        "of 1. Received: 'blocks'",
    )


@pytest.mark.parametrize(
    "step", [{"exponent": 1, "mantissas": [1]}, {"exponent": 0, "mantissas": [2]}]
)
def test_a_codebook_has_a_step_of_one(step):
    content = blocks(codebook=4, qualities=[quality(step=step)])
    with pytest.raises(
        BundleError, match="`codec.qualities` must be of a step of 1 where there is a codebook. Rec"
    ):
        read(content)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"classes": 0}, "classes` must be an integer from 1 to 64. Received: 0"),
        ({"classes": 65}, "classes` must be an integer from 1 to 64. Received: 65"),
        ({"step": 1}, "step` must be an object. Received: 1"),
        ({"step": {"exponent": 0}}, "step.mantissas` is missing."),
        (
            {"step": {"exponent": 0, "mantissas": [0]}},
            "step.mantissas` must be 1 integers from 1 to 16777215. Received: [0]",
        ),
        (
            {"step": {"exponent": 0, "mantissas": [2**24]}},
            "step.mantissas` must be 1 integers from 1 to 16777215. Received: [16777216]",
        ),
        (
            {"step": {"exponent": 0, "mantissas": [1, 1]}},
            "step.mantissas` must be 1 integers from 1 to 16777215. Received: [1, 1]",
        ),
        (
            {"step": {"exponent": -150, "mantissas": [1]}},
            "step.exponent` must be an integer from -149 to 104. Received: -150",
        ),
        (
            {"step": {"exponent": 105, "mantissas": [1]}},
            "step.exponent` must be an integer from -149 to 104. Received: 105",
        ),
        (
            {"step": {"exponent": 0, "mantissas": [1], "x": 1}},
            "step.'x'` is not a known field.",
        ),
        ({"tables": []}, "tables` must be a list of 1. Received: []"),
        ({"tables": [3]}, "tables[0]` must be an object. Received: 3"),
        ({"tables": [{**TABLE, "x": 1}]}, "tables[0].'x'` is not a known field."),
        ({"tables": [{"offset": 0}]}, "tables[0].frequencies` is missing."),
        ({"tables": [{"frequencies": [4000, 96]}]}, "tables[0].offset` is missing."),
        (
            {"tables": [{**TABLE, "offset": 2**30 + 1}]},
            "tables[0].offset` must be an integer from -1073741824 to 1073741824. "
            "Received: 1073741825",
        ),
        (
            {"tables": [{**TABLE, "offset": -(2**30) - 1}]},
            "tables[0].offset` must be an integer from -1073741824 to 1073741824. "
            "Received: -1073741825",
        ),
        (
            {"tables": [{**TABLE, "frequencies": [0, 4096]}]},
            "tables[0].frequencies` must be integers from 1 to 4096. Received: [0, 4096]",
        ),
        (
            {"tables": [{**TABLE, "frequencies": [4097]}]},
            "tables[0].frequencies` must be integers from 1 to 4096. Received: [4097]",
        ),
        (
            {"tables": [{**TABLE, "frequencies": [4096]}]},
            "tables[0]` is off: `frequencies` must have 2 to 2049 entries. Received: 1",
        ),
        ({"x": 1}, "'x'` is not a known field."),
    ],
)
def test_a_quality_that_is_off_is_refused_in_a_sentence(changes, sentence):
    refused(part(qualities=[quality(), quality(**changes)]), f"`codec.qualities[1].{sentence}")


def test_blocks_have_one_class():
    refused(
        blocks(qualities=[quality(classes=2)]),
        "`codec.qualities[0].classes` must be an integer from 1 to 1. Received: 2",
    )


def test_tables_are_limited_in_number(monkeypatch):
    sentence = "`codec.qualities[0].classes` must be such that there are at most 65536 tables."
    refused(
        part(code_shape=[2, 3, 1025], qualities=[quality(classes=64)]), f"{sentence} Received: 64"
    )
    monkeypatch.setattr("kerasae_export.format.spec._MAX_TABLES", 4)
    most = part(code_shape=[2, 3, 2], qualities=[quality(2, 2)])
    assert len(read(most).qualities[0].tables) == 4
    over = most | {"qualities": [quality(2, 2), quality(1, 2)]}
    refused(over, "`codec.qualities` must be of at most 4 tables. Received: 2")


def test_a_hash_is_that_of_the_decoder_and_the_canonical_json():
    content = part()
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    expected = hashlib.sha256(hashlib.sha256(b"decoder").digest() + text.encode()).digest()
    assert read(content).hash(b"decoder") == expected


def test_the_code_at_the_edges_of_the_models():
    assert read(part()).code_edge == (1, 2, 3, 1)
    assert read(blocks(code_shape=[5, 1], codebook=8)).code_edge == (1, 5)


def test_the_best_quality_is_the_last_and_codes_by_its_tables():
    first = Quality((3, 2), -1, 1, (Table(0, (4000, 96)), Table(-1, (96, 4000))))
    last = dataclasses.replace(first, step_mantissas=(1, 5), step_exponent=2)
    spec = CodecSpec(1, (8, 8), "blocks", 1, 0, (2,), 0, 1, (first, last))
    assert spec.best is last
    np.testing.assert_array_equal(first.steps, [1.5, 1.0])
    np.testing.assert_array_equal(last.steps, [4.0, 20.0])
    assert last.coder.channels == 2
    assert last.coder.tables == last.tables


@pytest.mark.parametrize(
    ("values", "mantissas", "exponent"),
    [
        ([1.0], (2**23,), -23),
        ([0.5, 0.25], (2**23, 2**22), -24),
        ([3.0, 2.0**-30], (3 * 2**22, 1), -22),
        ([1.0, 1.99 * 2.0**-23], (2**23, 1), -23),
        ([2.0**24 - 1], (2**24 - 1,), 0),
    ],
)
def test_steps_have_one_exponent(values, mantissas, exponent):
    assert steps_of(np.array(values)) == (mantissas, exponent)
    assert steps_of(values) == (mantissas, exponent)


@pytest.mark.parametrize("shape", [[], [1, 1, 1, 1, 1], [2**12, 2**12, 2], [2**24, 2]])
def test_codes_are_limited_in_size(shape):
    sentence = f"`codec.code_shape` must be 1 to 4 sizes of at most 2**24 values. Received: {shape}"
    refused(blocks(code_shape=shape), sentence)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"tile": [0, 12]}, "tile` must be 2 integers from 1 to 8192. Received: [0, 12]"),
        ({"tile": [8193, 12]}, "tile` must be 2 integers from 1 to 8192. Received: [8193, 12]"),
        ({"tile": [8]}, "tile` must be 2 integers from 1 to 8192. Received: [8]"),
        ({"code_shape": [0]}, "code_shape` must be integers from 1 to 16777216. Received: [0]"),
        (
            {"code_shape": [2**24 + 1]},
            "code_shape` must be integers from 1 to 16777216. Received: [16777217]",
        ),
        ({"table_bits": -1}, "table_bits` must be an integer from 0 to 32. Received: -1"),
        ({"table_bits": 33}, "table_bits` must be an integer from 0 to 32. Received: 33"),
        ({"more": 1}, "'more'` is not a known field."),
    ],
)
def test_sizes_have_bounds(changes, rule):
    refused(blocks(**changes), f"`codec.{rule}")


@pytest.mark.parametrize("name", sorted(part()))
def test_every_field_is_needed(name):
    content = part()
    del content[name]
    refused(content, f"`codec.{name}` is missing.")
