"""The JavaScript codec does what the Python one does, to the byte: run under Node."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerasae_export
from kerasae_export import Codec
from kerasae_export.errors import BitstreamError, BundleError
from kerasae_export.format.bitstream import Block, write_image, write_stream
from kerasae_export.format.entropy import COST_UNIT, TOTAL
from kerasae_export.format.manifest import Edge, Manifest

GOLDEN = Path(__file__).parent / "golden"
EXPORT = Path(__file__).parents[1] / "export"
PORT = EXPORT / "ports" / "js"
FAMILIES = EXPORT / "kerasae_export" / "photo" / "families"
FOLDER = Path(__file__).parent / "web"
LIMIT = 1 << 14
NODE = shutil.which("node")

needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")


def node(file: str, **environment: str) -> dict[str, int]:
    """Run a file of Node tests; the numbers of its report: tests, failures, what was checked."""
    done = subprocess.run(
        [str(NODE), "--test", "--test-reporter=tap", str(FOLDER / file)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    found = re.findall(r"^ *# (\w+):? (\d+)$", done.stdout, flags=re.MULTILINE)
    return {name: int(number) for name, number in found}


class Stub:
    """In place of a network: simple, but different at each place of a tile."""

    def __init__(self, manifest: Manifest, side: str) -> None:
        part = getattr(manifest, side)
        self.input, self.output, self.side = part.input, part.output, side
        spec = manifest.codec
        self.stride = spec.tile[1] // (spec.code_shape[1] if spec.layout == "grid" else 1)
        self.depth, self.channels = spec.code_shape[-1], spec.channels

    def __call__(self, values: np.ndarray) -> np.ndarray:
        values = values.astype(float)
        result = self.encode(values) if self.side == "encoder" else self.decode(values)
        if self.output.dtype == "uint8":
            result = result % 256
        return result.reshape(self.output.shape).astype(self.output.dtype)

    def encode(self, values: np.ndarray) -> np.ndarray:
        tile = values.reshape(self.input.shape)[0]
        s, wide = self.stride, np.repeat(tile, 1, axis=0)
        channel = np.arange(self.depth)
        y, x = np.mgrid[0 : tile.shape[0] // s, 0 : tile.shape[1] // s][..., None]
        picked = wide[y * s, x * s + channel % s, channel % self.channels]
        if self.output.dtype == "uint8":
            return picked + 3 * y + 5 * x
        return picked * 4 - 1.5 + y / 8 + x / 16

    def decode(self, values: np.ndarray) -> np.ndarray:
        height, width = self.output.shape[1:3]
        code = values.reshape(height // self.stride, width // self.stride, self.depth)
        y, x, c = np.mgrid[0:height, 0:width, 0 : self.channels]
        picked = code[y // self.stride, x // self.stride, c % self.depth]
        return picked + 7 * y + x if self.output.dtype == "uint8" else picked / 4 + y / 64


def as_float(manifest: Manifest) -> Manifest:
    """The same bundle with float32 edges."""

    def plain(edge: Edge) -> Edge:
        return Edge(edge.shape, "float32")

    parts = {
        side: dataclasses.replace(part, input=plain(part.input), output=plain(part.output))
        for side, part in (("encoder", manifest.encoder), ("decoder", manifest.decoder))
    }
    return dataclasses.replace(manifest, **parts)


def verdict(codec: Codec, data: bytes, stream: bool) -> Any:
    try:
        if stream:
            return [coded(*image) for image in read_stream(codec, data)]
        return [coded(*codec.unpack(data))]
    except BitstreamError as error:
        return type(error).__name__


def read_stream(codec: Codec, data: bytes) -> list[tuple]:
    """The symbols of a stream: what the decoder is called with."""
    seen: list[tuple] = []
    original = codec.decode
    codec.decode = lambda *image, label: seen.append(image)  # type: ignore[method-assign]
    try:
        codec.decompress_many(data)
    finally:
        codec.decode = original  # type: ignore[method-assign]
    return seen


def coded(symbols: np.ndarray, height: int, width: int, quality: int) -> dict[str, Any]:
    flat = np.asarray(symbols).ravel().tolist()
    return {"height": height, "width": width, "quality": quality, "symbols": flat}


def draw(rng: np.random.Generator, codec: Codec, size: tuple[int, int]) -> np.ndarray:
    count = codec.layout.count(*size)
    if codec.manifest.codec.codebook:
        return rng.integers(0, codec.manifest.codec.codebook, count)
    wild = rng.integers(-(2**31), 2**31, count) >> rng.integers(0, 31, count)
    return np.where(rng.random(count) < 0.05, wild, rng.integers(-4, 5, count))


def damaged(rng: np.random.Generator, codec: Codec, data: bytes, stream: bool) -> bytes:
    """Bytes changed, lost or added, in files mostly under a CRC that fits."""
    changed = bytearray(data if stream else data[:-4])
    for _ in range(rng.integers(0, 3)):
        changed[rng.integers(len(changed))] = rng.integers(256)
    changed = changed[: len(changed) - int(rng.integers(0, 3))] + rng.bytes(int(rng.integers(0, 3)))
    if stream:
        return bytes(changed)
    crc = zlib.crc32(changed, zlib.crc32(codec._hash)).to_bytes(4, "little")
    return bytes(changed) + (crc if rng.random() < 0.8 else rng.bytes(4))


def bundle_cases(rng: np.random.Generator, manifest: Manifest) -> dict[str, Any]:
    stubs = Stub(manifest, "encoder"), Stub(manifest, "decoder")
    codec, careful = Codec(manifest, *stubs), Codec(manifest, *stubs, max_pixels=LIMIT)
    channels = manifest.codec.channels
    files, images = [], []
    sizes = [(1, 1), (8, 8), (33, 31), (50, 90), (1, 16000), (200, 200)]
    for size in sizes:
        for quality in range(1, codec.qualities + 1):
            data = codec.pack(draw(rng, codec, size), *size, quality=quality)
            wrong = [damaged(rng, codec, data, False) for _ in range(8)]
            files += [(d, False) for d in [data, *wrong]]
    for _ in range(20):
        picked = [sizes[i] for i in rng.integers(0, 3, 5)]
        pictures = [rng.integers(0, 256, (*size, channels), np.uint8) for size in picked]
        if manifest.codec.codebook:
            break
        data = codec.compress_many(pictures, quality=1)
        files += [(data, True), (damaged(rng, codec, data, True), True)]
    files += [(data, stream) for data, stream in claims(codec)]
    for size in sizes[:4]:
        picture = rng.integers(0, 256, (*size, channels), np.uint8)
        for quality in range(1, codec.qualities + 1):
            if manifest.codec.codebook:
                break
            kae = codec.compress(picture, quality=quality)
            images.append(
                {
                    "pixels": picture.tobytes().hex(),
                    "height": size[0],
                    "width": size[1],
                    "quality": quality,
                    "kae": kae.hex(),
                    "rebuilt": codec.decompress(kae).tobytes().hex(),
                }
            )
    return {
        "manifest": manifest.to_json(),
        "limit": LIMIT,
        "images": images,
        "files": [
            {"data": data.hex(), "stream": stream, "verdict": verdict(careful, data, stream)}
            for data, stream in files
        ],
    }


def claims(codec: Codec) -> Iterator[tuple[bytes, bool]]:
    """Files and streams that claim much in few bytes, or are longer than they can be."""
    key, qualities = codec._hash, codec.qualities
    for count, size, blocks in [(256, (1, 1), 1), (256, (1, 1), 9), (200, (3, 5), 4)]:
        block = Block(count, *size, b"", qualities)
        yield write_stream([block] * blocks, key, qualities=qualities), True
    for size, length in [((1, 1), 9000), ((50, 90), 2), ((2**20, 2**20), 0), ((1, 2**13), 400)]:
        block = Block(1, *size, bytes(length), qualities)
        yield write_image(block, key, qualities=qualities), False
        yield write_stream([block], key, qualities=qualities), True


def places_of(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """The path of each value of a manifest that a receiver looks at."""
    if path[:1] == ("facts",) or path[:2] == ("files", "golden/image.png"):
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, (dict, list)):
            yield from places_of(item, (*path, key))


def manifest_cases(rng: np.random.Generator, text: str) -> list[dict[str, Any]]:
    """A manifest with one field changed: good or refused as Python says."""
    content = json.loads(text)
    places = list(places_of(content))
    values = [None, 0, 1, -1, 2, 3, 4095, 2**31, 1.5, "", "x", "../x", [], {}, [1], True]
    picks = [places[i] for i in rng.integers(0, len(places), 50)]
    picks += [p for p in places if len(p) < 4 or p[0] in ("encoder", "decoder")]
    cases = []
    for path in picks:
        for value in ["missing", *(values[i] for i in rng.integers(0, len(values), 2))]:
            broken = copy.deepcopy(content)
            parent = broken
            for key in path[:-1]:
                parent = parent[key]
            if value == "missing":
                del parent[path[-1]]
            else:
                parent[path[-1]] = value
            if path == ("scheme",) and isinstance(value, str) and value != "missing":
                continue  # Python refuses schemes that it does not know; decoding needs it not
            cases.append(json.dumps(broken))
    unknown = copy.deepcopy(content)
    unknown["codec"]["more"] = 1
    cases += [json.dumps(unknown), "", "[]", "null", '{"format": 1}', text]

    def good(text: str) -> bool:
        try:
            Manifest.from_json(text)
        except BundleError:
            return False
        return True

    return [{"text": case, "good": good(case)} for case in cases]


@needs_node
def test_node_holds_the_golden_files() -> None:
    expected = 0
    for file in GOLDEN.glob("*/vectors.json"):
        vectors = json.loads(file.read_text())
        # Beside these: the bundle's hashes, its golden sample, and the stream.
        expected += len(vectors["images"]) + len(vectors["generated"]) + 3
    found = node("golden.test.mjs")
    assert found["pass"] == expected > 20
    assert (found["fail"], found["skipped"]) == (0, 0)


@needs_node
def test_node_agrees_with_python_on_whatever_comes(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    """Hashes, changed manifests, damaged files and streams, and images through stub networks."""
    texts = {n: (GOLDEN / n / "bundle" / "manifest.json").read_text() for n in ("grid", "blocks")}
    texts["indices"] = (GOLDEN / "indices" / "bundle" / "manifest.json").read_text()
    manifests = {name: Manifest.from_json(text) for name, text in texts.items()}
    pieces = [rng.bytes(n) for n in (0, 1, 55, 56, 63, 64, 65, 119, 120, 1000)]
    content = {
        "hashes": [
            {
                "data": piece.hex(),
                "crc32": zlib.crc32(piece),
                "sha256": hashlib.sha256(piece).hexdigest(),
            }
            for piece in pieces
        ],
        "manifests": [case for text in texts.values() for case in manifest_cases(rng, text)],
        "bundles": [
            bundle_cases(rng, manifest)
            for manifest in [*manifests.values(), *map(as_float, list(manifests.values())[:2])]
        ],
    }
    verdicts = [f["verdict"] for b in content["bundles"] for f in b["files"]]
    kinds = {v for v in verdicts if isinstance(v, str)}
    assert kinds >= {f"{k}BitstreamError" for k in ("Corrupt",)} | {
        "BitstreamVersionError",
        "BitstreamBundleError",
        "BitstreamLimitError",
    }
    assert sum(isinstance(v, list) for v in verdicts) > 50
    goods = [case["good"] for case in content["manifests"]]
    assert 10 < sum(goods) < 0.6 * len(goods)
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(content))
    checked = node("cases.test.mjs", KERASAE_CASES=str(file))
    assert (checked["pass"], checked["skipped"]) == (3, 0)
    assert checked["hashes"] == len(pieces)
    assert checked["manifests"] == len(goods)
    assert checked["cases"] == len(verdicts) + sum(len(b["images"]) for b in content["bundles"])


def test_the_modules_need_nothing_but_each_other() -> None:
    """No package, no bundler, no address: a page may serve the folder as it is."""
    modules = sorted(PORT.glob("*.js"))
    assert PORT / "index.js" in modules
    for module in modules:
        text = module.read_text()
        for name in re.findall(r'from\s+"([^"]+)"', text):
            assert (PORT / name).is_file()
            assert name.startswith("./")
        assert not re.search(r"require\(|https?://|import\(", text)


def test_the_package_is_complete() -> None:
    """What npm would publish, and that it has the version of the Python packages."""
    package = json.loads((PORT / "package.json").read_text())
    assert (package["name"], package["version"]) == ("kerasae", kerasae_export.__version__)
    assert (package["type"], package["license"]) == ("module", "Apache-2.0")
    modules = [entry for entry in package["exports"].values() if isinstance(entry, dict)]
    assert len(modules) == 4
    for entry in modules:
        assert (PORT / entry["default"]).is_file()
        assert (PORT / entry["types"]).is_file()
    assert package["description"]
    assert "dependencies" not in package


@needs_node
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_packs_the_modules_and_their_licence() -> None:
    command = ["npm", "pack", "--dry-run", "--json", "--offline"]
    done = subprocess.run(
        command, cwd=PORT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    packed = {file["path"] for file in json.loads(done.stdout)[0]["files"]}
    modules = {path.name for ending in ("*.js", "*.d.ts") for path in PORT.glob(ending)}
    families = {f"families/{path.parent.name}.json" for path in FAMILIES.glob("*/family.json")}
    assert packed == modules | families | {"LICENSE", "README.md", "package.json"}


def test_costs_are_far_from_where_logarithms_could_round_differently() -> None:
    """So that every implementation of log2 gives the same integers."""
    frequencies = np.arange(1, TOTAL)
    exact = COST_UNIT * (12 - np.log2(frequencies)) + 0.5
    powers = (frequencies & (frequencies - 1)) == 0
    distance = np.abs(exact - np.round(exact))[~powers]
    assert distance.min() > 1e-6
