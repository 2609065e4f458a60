"""Version 1 is frozen: the committed bundles and bitstreams are read, and written, for ever."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerasae_export import Codec
from kerasae_export.format.manifest import Manifest

GOLDEN = Path(__file__).parent / "golden"
SCHEMES = sorted(path.name for path in (GOLDEN / "bundles").iterdir())
NAMES = ["grid", "blocks", "indices", *(f"bundles/{name}" for name in SCHEMES)]


class Golden:
    def __init__(self, name: str) -> None:
        self.folder = GOLDEN / name
        self.codec = Codec.load(self.folder / "bundle")
        self.vectors = json.loads((self.folder / "vectors.json").read_text())

    def data(self, name: str) -> bytes:
        return (self.folder / f"{name}.kae").read_bytes()

    def pixels(self, name: str) -> np.ndarray:
        with Image.open(self.folder / f"{name}.png") as picture:
            return np.asarray(picture).reshape(picture.height, picture.width, -1)


@pytest.fixture(scope="module", params=NAMES)
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.param)


def symbols_of(case: dict) -> tuple[np.ndarray, int, int, int]:
    size = case["height"], case["width"], case["quality"]
    return np.array(case["symbols"]), *size


@lru_cache
def generated(seed: int, count: int, codebook: int) -> np.ndarray:
    """As tests/golden/README.md says."""
    return np.fromiter(generator(seed, codebook), np.int64, count)


def generator(seed: int, codebook: int) -> Iterator[int]:
    x = seed
    while True:
        x = (1103515245 * x + 12345) % 2**31
        high = x >> 16
        if codebook:
            yield high % codebook
        elif high % 997 == 0:
            yield x - 2**30
        else:
            yield high % 9 - 4


def test_files_give_their_symbols_and_symbols_their_files(golden):
    assert len(golden.vectors["images"]) >= 2 * golden.codec.qualities
    for case in golden.vectors["images"]:
        symbols, *size, quality = symbols_of(case)
        data = golden.data(case["name"])
        read = golden.codec.unpack(data)
        np.testing.assert_array_equal(read.symbols.ravel(), symbols)
        assert [read.height, read.width, read.quality] == [*size, quality]
        assert golden.codec.pack(symbols, *size, quality=quality) == data


def test_files_give_their_pixels(golden):
    for case in golden.vectors["images"]:
        rebuilt = golden.codec.decompress(golden.data(case["name"]))
        difference = np.abs(rebuilt.astype(int) - golden.pixels(case["name"])).max()
        assert difference <= golden.codec.manifest.pixel_tolerance


def test_the_stream_gives_its_images(golden):
    images = golden.codec.decompress_many(golden.data("stream"))
    cases = golden.vectors["stream"]
    assert len(images) == len(cases)
    for image, case in zip(images, cases, strict=True):
        expected = golden.codec.decode(*symbols_of(case))
        np.testing.assert_array_equal(image, expected)


def test_generated_symbols_give_their_bytes(golden):
    """In one lane, in two, in three and in many."""
    codebook = golden.codec.manifest.codec.codebook
    for case in golden.vectors["generated"]:
        symbols = generated(case["seed"], case["symbols"], codebook)
        data = golden.codec.pack(symbols, case["height"], case["width"], quality=case["quality"])
        assert hashlib.sha256(data).hexdigest() == case["sha256"]
        np.testing.assert_array_equal(golden.codec.unpack(data).symbols.ravel(), symbols)


def test_the_manifest_is_written_as_it_was(golden):
    text = (golden.folder / "bundle" / "manifest.json").read_text()
    again = Manifest.from_json(text).to_json()
    assert json.loads(again)["codec"] == json.loads(text)["codec"]
    assert golden.codec.manifest.bundle_hash == json.loads(text)["bundle_hash"]


def test_the_bundles_cover_every_scheme_and_layout():
    found = set()
    for name in NAMES:
        manifest = Golden(name).codec.manifest
        layout = "indices" if manifest.codec.codebook else manifest.codec.layout
        found.add((layout, manifest.scheme, manifest.encoder.signature is not None))
    expected = {
        (layout, scheme, False)
        for layout in ("grid", "blocks", "indices")
        for scheme in ("float32", "float16", "dynamic", "int8")
    }
    expected |= {("grid", scheme, True) for scheme in ("float32", "float16", "dynamic")}
    expected |= {(layout, "int8", True) for layout in ("grid", "blocks", "indices")}
    expected |= {("grid", "mixed", False), ("blocks", "mixed", True), ("indices", "mixed", False)}
    expected.add(("blocks", "int16x8", False))
    assert found == expected
    assert len(NAMES) == len(expected) == 22


def test_nothing_is_added_for_a_single_quality():
    """A digit of 28 x 28 pixels has 11 bytes around its payload; several qualities add one."""
    blocks, grid = Golden("blocks"), Golden("grid")
    case = next(c for c in blocks.vectors["images"] if (c["height"], c["width"]) == (28, 28))
    symbols, *_ = symbols_of(case)
    rows = symbols.reshape(-1, blocks.codec.manifest.codec.code_shape[-1])
    payload = blocks.codec.manifest.codec.best.coder.encode(rows)
    data = blocks.data(case["name"])
    assert len(data) == len(payload) + 11
    assert data[5:7] == bytes([28, 28])
    assert [grid.data(f"image-0-quality-{q}")[5] for q in (1, 2, 3)] == [1, 2, 3]
