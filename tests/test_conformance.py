"""The conformance set of the ports: made by one command, run by Python and JavaScript."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerasae_export import (
    BitstreamBundleError,
    BitstreamError,
    BitstreamLimitError,
    BitstreamVersionError,
    BundleError,
    Codec,
    CorruptBitstreamError,
)
from kerasae_export.format.bitstream import read_image, read_stream, write_image, write_stream
from kerasae_export.format.family import Family
from kerasae_export.format.manifest import Edge, Manifest
from kerasae_export.format.payload import pack_block, unpack_block
from kerasae_export.format.photo import pack, unpack, unpredict_lowest
from kerasae_export.format.photo_file import read_photo
from kerasae_export.format.tiling import spans
from kerasae_export.format.values import dequantise, pixels_of, quantise, symbols_of
from kerasae_export.photo.codec import PhotoCodec

SET = Path(__file__).parents[1] / "export" / "ports" / "conformance"
FORMAT = Path(__file__).parents[1] / "export" / "FORMAT.md"
INDEX = json.loads((SET / "index.json").read_text())
WORDS = {
    CorruptBitstreamError: "corrupt",
    BitstreamVersionError: "version",
    BitstreamBundleError: "bundle",
    BitstreamLimitError: "limit",
    BitstreamError: "other",
}


@functools.cache
def manifest_of(name: str) -> Manifest:
    return Manifest.from_json((SET / "bundles" / name / "manifest.json").read_bytes())


@functools.cache
def family_of(name: str) -> Family:
    return Family.from_json((SET / "families" / f"{name}.json").read_bytes())


def codec_of(case: dict[str, Any]) -> Codec:
    return Codec(manifest_of(case["bundle"]), None, None, **case.get("limits", {}))  # type: ignore[arg-type]


def read(case: dict[str, Any]) -> tuple[list[dict[str, int]], np.ndarray] | str:
    """What a file holds, block by block, and all symbols; or the word for its refusal."""
    codec, data = codec_of(case), (SET / case["file"]).read_bytes()
    try:
        if case["kind"] == "image":
            blocks = [read_image(data, codec._hash, **codec._allowed(data))]
        else:
            blocks = list(read_stream(data, codec._hash, **codec._allowed(data)))
        found = [unpack_block(codec.layout, block, codec._limits).ravel() for block in blocks]
    except BitstreamError as error:
        return WORDS[type(error)]
    groups = [{k: getattr(b, k) for k in ("count", "height", "width", "quality")} for b in blocks]
    return groups, np.concatenate([np.empty(0, np.int32), *found])


def write(case: dict[str, Any], symbols: np.ndarray) -> bytes:
    codec, blocks, at = codec_of(case), [], 0
    for image in case["images"]:
        size = image["height"], image["width"]
        each = codec.layout.count(*size)
        rows = symbols[at : at + image["count"] * each].reshape(image["count"], -1)
        rows = rows.reshape(image["count"], -1, codec.manifest.codec.code_shape[-1])
        blocks.append(pack_block(codec.layout, list(rows), *size, image["quality"]))
        at += image["count"] * each
    if case["kind"] == "stream":
        return write_stream(blocks, codec._hash, qualities=codec.qualities)
    return write_image(blocks[0], codec._hash, qualities=codec.qualities)


def test_the_set_is_what_its_command_makes(tmp_path: Path) -> None:
    shutil.copy(SET / "README.md", tmp_path)
    command = [sys.executable, str(SET / "make"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=100)
    made = {p.relative_to(tmp_path): p for p in tmp_path.rglob("*") if p.is_file()}
    kept = {p.relative_to(SET): p for p in SET.rglob("*") if p.is_file()}
    kept = {name: path for name, path in kept.items() if name.parts[0] != "make"}
    assert made.keys() == kept.keys()
    for name, path in made.items():
        assert path.read_bytes() == kept[name].read_bytes(), name
    assert sum(path.stat().st_size for path in kept.values()) < 2 * 10**6


def test_bundles_are_those_of_their_hashes() -> None:
    schemes, layouts = set(), set()
    for bundle in INDEX["bundles"]:
        folder = SET / bundle["folder"]
        manifest = manifest_of(bundle["name"])
        decoder = (folder / manifest.decoder.file).read_bytes()
        assert manifest.codec.hash(decoder).hex() == bundle["bundle_hash"] == manifest.bundle_hash
        schemes.add(manifest.scheme)
        layouts.add((manifest.codec.layout, manifest.codec.codebook > 0))
    assert schemes == {"float32", "float16", "dynamic", "int8", "int16x8", "mixed"}
    assert layouts == set(itertools.product(("grid", "blocks"), (False, True)))


def test_manifests_are_good_or_refused() -> None:
    for case in INDEX["manifests"]:
        try:
            Manifest.from_json((SET / case["file"]).read_bytes())
        except BundleError:
            assert "section" in case, case["name"]
        else:
            assert "section" not in case, case["name"]


def test_files_are_read_and_written_or_refused() -> None:
    found = {"good": 0}
    for case in INDEX["files"]:
        verdict = read(case)
        if "error" in case:
            assert verdict == case["error"], case["name"]
            found[case["error"]] = found.get(case["error"], 0) + 1
            continue
        assert not isinstance(verdict, str), (case["name"], verdict)
        groups, symbols = verdict
        kept = np.fromfile(SET / case["symbols"], "<i4")
        assert groups == case["images"], case["name"]
        np.testing.assert_array_equal(symbols, np.resize(kept, symbols.size), case["name"])
        assert write(case, symbols) == (SET / case["file"]).read_bytes(), case["name"]
        found["good"] += 1
    assert found.keys() == {"good", "corrupt", "version", "bundle", "limit", "other"}
    assert min(found.values()) >= 2
    assert found["good"] > 70
    assert found["corrupt"] > 100


def test_families_are_good_or_refused() -> None:
    for case in INDEX["families"]:
        content = (SET / case["file"]).read_bytes()
        try:
            family = Family.from_json(content)
        except BundleError:
            assert "section" in case, case["name"]
        else:
            assert "section" not in case, case["name"]
            assert family.digest.hex() == case.get("family_hash", family.digest.hex())


def raw(name: str, *shape: int, dtype: str = "u1") -> np.ndarray:
    return np.fromfile(SET / name, dtype).reshape(shape)


def test_photographs_are_read_and_written_or_refused() -> None:
    found = {"good": 0}
    for case in INDEX["photographs"]:
        name, data = case["name"], (SET / case["file"]).read_bytes()
        family = family_of(case["family"])
        codec = PhotoCodec([family], **case.get("limits", {}))
        try:
            rebuilt = codec.decompress(data)
        except BitstreamError as error:
            word = WORDS[type(error)]
            assert word == case.get("error"), name
            found[word] = found.get(word, 0) + 1
            continue
        assert "error" not in case, name
        found["good"] += 1
        size = case["height"], case["width"]
        assert rebuilt.shape == (*size, 3)
        head, payload = read_photo(data, family.digest, max_pixels=2**26)
        assert head == (case["quality"], *size)
        rows, columns = (-(-n // 16) for n in size)
        coded = unpack(family, payload, rows, columns, family.band(head.quality))
        again = pack(family, coded.symbols, coded.classes, columns, family.band(head.quality))
        assert (again == payload) == case["written"], name
        unpredict_lowest(coded.symbols, rows, columns)
        assert hash_of(coded.symbols.astype("<i2")) == case["symbols"], name
        assert hash_of(coded.classes) == case["classes"], name
        if "image" in case:
            image = raw(case["image"], *size, 3)
            assert codec.compress(image, quality=head.quality, effort=0) == data, name
            expected = raw(case["pixels"], *size, 3)
            assert np.abs(rebuilt.astype(int) - expected).max() <= 1, name
    assert found.keys() == {"good", "corrupt", "version", "bundle", "limit", "other"}
    assert found["good"] > 30
    assert found["corrupt"] > 60


def hash_of(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def test_sections_exist() -> None:
    text = FORMAT.read_text()
    lists = ("files", "manifests", "photographs", "families")
    for case in itertools.chain(*(INDEX[name] for name in lists)):
        chapter, _, point = case.get("section", "1").partition(", ")
        assert re.search(rf"^##+ {re.escape(chapter)}\.? ", text, re.MULTILINE), case
        assert f"\n{point}. " in text or not point, case


def test_values_are_rounded_so() -> None:
    for case in INDEX["values"]:
        edge = Edge((1,), case["dtype"], case["scale"], case["zero_point"])
        outputs = np.array(case["outputs"], case["dtype"])
        np.testing.assert_array_equal(quantise(np.arange(256) / 255, edge), case["inputs"])
        np.testing.assert_array_equal(pixels_of(outputs, edge), case["pixels"])
        for step in case["steps"]:
            size = math.ldexp(step["mantissa"], step["exponent"])
            found = symbols_of(dequantise(outputs, edge), np.array(size))
            np.testing.assert_array_equal(found, step["symbols"])
            inputs = quantise(np.array(step["sample"]) * size, edge)
            np.testing.assert_array_equal(inputs, step["sample_inputs"])


def test_axes_are_covered_so() -> None:
    for case in INDEX["spans"]:
        found = spans(case["cells"], case["tile"], case["margin"])
        assert [[s.origin, s.start, s.stop] for s in found] == case["spans"]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_javascript_says_the_same() -> None:
    runner = Path(__file__).parent / "web" / "conformance.test.mjs"
    command = ["node", "--test", "--test-reporter=tap", str(runner)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    for name in ("manifests", "files", "values", "spans", "families", "photographs"):
        assert f"{name}: {len(INDEX[name])}" in done.stdout
