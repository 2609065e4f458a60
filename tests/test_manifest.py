"""The manifest is untrusted input: what is not right is refused by name."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from kerasae_export.errors import BundleError
from kerasae_export.format import manifest as module
from kerasae_export.format.manifest import Manifest
from kerasae_export.format.spec import steps_of

GOLDEN = Path(__file__).parent / "golden"
QUALITY = ["codec", "qualities", 0]


@pytest.fixture
def content(digit_bundle):
    return json.loads((digit_bundle / "manifest.json").read_text())


def test_json_round_trips(digit_bundle):
    text = (digit_bundle / "manifest.json").read_text()
    assert Manifest.from_json(text).to_json() == text


def test_the_codec_part_holds_integers_and_strings_only(content):
    """So that its canonical JSON, which is hashed, is the same in every language."""

    def check(value):
        if isinstance(value, dict):
            assert all(isinstance(key, str) for key in value)
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                check(item)
        else:
            assert isinstance(value, (int, str))
            assert not isinstance(value, bool)

    check(content["codec"])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["format"], "zip", "`format` must be"),
        (["format_version"], 3, "format version 3"),
        (["scheme"], "int3", "`scheme` must be one of"),
        (["scheme"], [], "`scheme` must be one of"),
        (["bundle_hash"], "ab", "`bundle_hash` must be 64"),
        (["pixel_tolerance"], -1, "`pixel_tolerance` must be an integer"),
        (["codec"], [], "`codec` must be an object"),
        (["codec", "channels"], 2, "`codec.channels` must be 1 or 3"),
        (["codec", "channels"], True, "`codec.channels` must be an integer"),
        (["codec", "tile"], [28], "`codec.tile` must be 2 integers"),
        (["codec", "tile"], [10**9, 10**9], "`codec.tile` must be 2 integers"),
        (["codec", "layout"], "spiral", "`codec.layout` must be one of"),
        (["codec", "layout"], "grid", "`codec.layout` must be `grid` only where"),
        (["codec", "margin"], 1, "`codec.layout` must be `blocks` only with"),
        (["codec", "stride"], 3, "`codec.layout` must be `blocks` only with"),
        (["codec", "colour"], 1, "`codec.'colour'` is not a known field"),
        (["codec", "qualities", 0, "x"], 1, "is not a known field"),
        (["codec", "qualities", 0, "tables", 0, "x"], 1, "is not a known field"),
        (["codec", "qualities"], [], "`codec.qualities` must be a list of 1 to 64"),
        (["codec", "qualities", 0], 7, "`codec.qualities\\[0\\]` must be an object"),
        (["codec", "qualities", 0, "classes"], 2, "classes` must be an integer from 1 to 1"),
        (["codec", "codebook"], 32, "of a step of 1 where there is a codebook"),
        (["decoder", "input", "dtype"], "int32", "`decoder.input.dtype` must be float32 or uint8"),
        (["codec", "code_shape"], [], "`codec.code_shape` must be 1 to 4"),
        (["codec", "code_shape"], [2**20, 2**20], "`codec.code_shape` must be 1 to 4"),
        (["codec", "table_bits"], 16, "`codec.table_bits` must be 12"),
        ([*QUALITY, "step", "mantissas"], [1], "step.mantissas` must be 8 integers"),
        ([*QUALITY, "step", "exponent"], 10**400, "is not a finite number"),
        ([*QUALITY, "tables"], [], "`codec.qualities\\[0\\].tables` must be a list of 8"),
        ([*QUALITY, "tables", 0, "frequencies"], [4095, 2], "tables\\[0\\]` is off"),
        ([*QUALITY, "tables", 0, "offset"], "0", "tables\\[0\\].offset` must be an integer"),
        (["encoder", "file"], "../encoder.tflite", "must name files inside the bundle"),
        (["encoder", "file"], "/etc/passwd", "must name files inside the bundle"),
        (["encoder", "file"], "gone.tflite", "`files` must list"),
        (["encoder", "file"], "decoder.tflite", "must name a `signature` each if they are of one"),
        (["encoder", "signature"], "encode", "must name a `signature` each if they are of one"),
        (["encoder", "signature"], "decode", "`encoder.signature` must be one of encode"),
        (["decoder", "signature"], None, "`decoder.signature` must be one of decode"),
        (["encoder", "input", "dtype"], "int8", "`encoder.input.dtype` must be one of"),
        (["encoder", "input", "scale"], 0, "`encoder.input.scale` must be a positive number"),
        (["encoder", "input", "shape"], [1, 8, 9, 1], "`encoder.input.shape` must be"),
        (["files", "a/../b"], {"sha256": "0" * 64, "bytes": 1}, "must name files inside"),
        (["files", "encoder.tflite", "bytes"], -1, "bytes` must be an integer"),
    ],
)
def test_a_wrong_field_is_named(content, path, value, message):
    broken = copy.deepcopy(content)
    parent = broken
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    with pytest.raises(BundleError, match=message):
        Manifest.from_json(json.dumps(broken))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["codebook"], 0, "`encoder.output.shape` must be"),
        (["codebook"], -1, "`codec.codebook` must be an integer"),
        (["qualities", 0, "step", "exponent"], 1, "of a step of 1 where there is a codebook"),
        (["qualities", 0, "step", "mantissas"], [2], "of a step of 1 where there is a codebook"),
    ],
)
def test_indices_have_a_codebook_and_a_step_of_one(path, value, message):
    text = (GOLDEN / "indices" / "bundle" / "manifest.json").read_text()
    broken = json.loads(text)
    parent = broken["codec"]
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    with pytest.raises(BundleError, match=message):
        Manifest.from_json(json.dumps(broken))
    twice = json.loads(text)
    twice["codec"]["qualities"] *= 2
    with pytest.raises(BundleError, match="`codec.qualities` must be a list of 1 where"):
        Manifest.from_json(json.dumps(twice))


def test_lists_of_numbers_are_lines_and_nothing_else_is_touched(content):
    facts = {"note": "a [\n 1,   2] b", "names": ["x"], "list": [1, [2, 3]]}
    manifest = Manifest.from_json(json.dumps({**content, "facts": facts}))
    text = manifest.to_json()
    assert json.loads(text)["facts"] == facts
    height, width = content["codec"]["tile"]
    assert f'"tile": [{height}, {width}]' in text


def test_every_missing_field_is_named(content):
    def paths(value, path=()):
        if isinstance(value, dict) and path[:1] not in (("facts",), ("files",)):
            for key, item in value.items():
                yield (*path, key)
                yield from paths(item, (*path, key))

    for path in paths(content):
        broken = copy.deepcopy(content)
        parent = broken
        for key in path[:-1]:
            parent = parent[key]
        del parent[path[-1]]
        with pytest.raises(BundleError, match=str(path[-1])):
            Manifest.from_json(json.dumps(broken))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"format": NaN}', "[" * 10**5])
def test_what_is_no_manifest_is_refused(text):
    with pytest.raises(BundleError):
        Manifest.from_json(text)


def changed(content, path, value):
    broken = copy.deepcopy(content)
    parent = broken
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return json.dumps(broken)


def refused(text, sentence):
    with pytest.raises(BundleError, match=f"^manifest\\.json{re.escape(sentence)}$"):
        Manifest.from_json(text)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (["format"], "zip", ": `format` must be 'kerasae-bundle'. Received: 'zip'"),
        (["format_version"], 0, " is of format version 0; this code reads 1 and 2."),
        (
            ["format_version"],
            2**31,
            " is of format version 2147483648; this code reads 1 and 2.",
        ),
        (
            ["format_version"],
            2**31 + 1,
            ": `format_version` must be an integer from 0 to 2147483648. Received: 2147483649",
        ),
        (
            ["pixel_tolerance"],
            256,
            ": `pixel_tolerance` must be an integer from 0 to 255. Received: 256",
        ),
        (
            ["decoder", "input", "zero_point"],
            256,
            ": `decoder.input.zero_point` must be an integer from 0 to 255. Received: 256",
        ),
        (
            ["decoder", "output", "shape"],
            [1, 8, 8],
            ": `decoder.output.shape` must be [1, 8, 8, 1], as `codec` says. Received: [1, 8, 8]",
        ),
        (
            ["encoder", "output", "dtype"],
            "int32",
            ": `encoder.output.dtype` must be float32 or uint8, as `codec` says. Received: 'int32'",
        ),
        (
            ["files", "decoder.tflite", "bytes"],
            2**30 + 1,
            ": `files.decoder.tflite.bytes` must be an integer from 0 to 1073741824. "
            "Received: 1073741825",
        ),
    ],
)
def test_a_wrong_field_is_said_in_a_sentence(content, path, value, sentence):
    refused(changed(content, path, value), sentence)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["pixel_tolerance"], 0),
        (["pixel_tolerance"], 255),
        (["decoder", "input", "zero_point"], 255),
        (["files", "decoder.tflite", "bytes"], 0),
    ],
)
def test_the_last_values_are_good(content, path, value):
    assert Manifest.from_json(changed(content, path, value)).scheme == content["scheme"]


def test_indices_are_int32_where_there_is_a_codebook():
    """Even of one entry."""
    content = json.loads((GOLDEN / "indices" / "bundle" / "manifest.json").read_text())
    content["codec"]["codebook"] = 1
    assert Manifest.from_json(json.dumps(content)).codec.codebook == 1
    for part, side in (("encoder", "output"), ("decoder", "input")):
        sentence = f": `{part}.{side}.dtype` must be int32, as `codec` says. Received: 'float32'"
        refused(changed(content, [part, side, "dtype"], "float32"), sentence)


def test_files_have_limits_in_number_and_size(content):
    entry = {"sha256": "0" * 64, "bytes": 0}
    files = {**content["files"], **{f"f{i}": entry for i in range(64 - len(content["files"]))}}
    assert len(Manifest.from_json(json.dumps({**content, "files": files})).files) == 64
    files["more"] = entry
    refused(
        json.dumps({**content, "files": files}),
        ": `files` must list at most 64 files. Received: 65",
    )
    left = 2**30 - sum(file["bytes"] for file in content["files"].values())
    for more, good in ((left, True), (left + 1, False)):
        text = changed(content, ["files", "more"], {**entry, "bytes": more})
        if good:
            assert Manifest.from_json(text).files["more"] == ("0" * 64, left)
        else:
            sentence = ": `files` must have at most 1073741824 bytes in all. Received: 1073741825"
            refused(text, sentence)


def test_a_manifest_has_a_size(digit_bundle, monkeypatch):
    text = (digit_bundle / "manifest.json").read_text()
    monkeypatch.setattr(module, "MAX_MANIFEST_BYTES", len(text))
    Manifest.from_json(text)
    sentence = f" must have at most {len(text)} bytes. Received: {len(text) + 1}"
    refused(f"{text} ", sentence)


def test_facts_are_finite_numbers(digit_bundle):
    """Others are no JSON, and no reader would take the file."""
    manifest = Manifest.from_json((digit_bundle / "manifest.json").read_text())
    with pytest.raises(ValueError, match="not JSON compliant"):
        dataclasses.replace(manifest, facts={"loss": math.nan}).to_json()


def test_steps_are_exact_in_float32():
    values = np.array([3.0, 1e-3, 0.7, 1e-12])
    mantissas, exponent = steps_of(values)
    steps = np.ldexp(np.array(mantissas, float), exponent)
    np.testing.assert_array_equal(steps, steps.astype(np.float32))
    np.testing.assert_allclose(steps[:3], values[:3], rtol=1e-3)
    assert steps[3] > 0
