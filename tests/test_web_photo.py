"""The JavaScript codec of photographs does what the Python one does, to the byte: under Node."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photo import small_family
from test_golden_photo import VECTORS
from test_web import needs_node, node, places_of

from kerasae_export.errors import BitstreamError, BundleError
from kerasae_export.format.family import Family
from kerasae_export.format.photo import MAX_LANES_LOG2, unpack, unpredict_lowest
from kerasae_export.format.photo_file import Head, read_photo, write_photo
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.photo.shipped import shipped_families

LIMIT = 1 << 14
CERTAIN = 2**16  # levels: beyond, decoders may differ by more than one


@needs_node
def test_node_holds_the_golden_photographs() -> None:
    found = node("photo.test.mjs")
    assert found["pass"] == sum(len(cases) for cases in VECTORS.values()) > 16
    assert (found["fail"], found["skipped"]) == (0, 0)


@needs_node
def test_node_holds_its_steps_and_refusals() -> None:
    found = node("photo-codec.test.mjs")
    assert (found["pass"], found["fail"], found["skipped"]) == (2, 0, 0)


@needs_node
@pytest.mark.parametrize("times", [1, pytest.param(60, marks=pytest.mark.weekly)])
def test_node_agrees_with_python_on_whatever_comes(
    times: int, rng: np.random.Generator, tmp_path: Path
) -> None:
    """Damaged files under a CRC that fits, lies, images of many sizes, and changed families."""
    families = {"small": small_family(), "shipped": shipped_families()[0]}
    images, files = [], []
    for family in families.values():
        own = list(image_cases(rng, family))
        whole = [bytes.fromhex(image["kae"]) for image in own]
        files += [
            *whole,
            *(damaged(rng, family, data) for data in whole * 2 * times),
            *lies(family),
        ]
        images += own
    content = {
        "limit": LIMIT,
        "families": {f.digest[:2].hex(): f.content.decode() for f in families.values()},
        "images": images,
        "files": [described(data, list(families.values())) for data in files],
        "changed": changed_families(rng, families["small"].content.decode()),
    }
    verdicts = [case["verdict"] for case in content["files"]]
    kinds = {v for v in verdicts if isinstance(v, str)}
    assert kinds == {
        f"{k}Error"
        for k in ("CorruptBitstream", "BitstreamVersion", "BitstreamBundle", "BitstreamLimit")
    } | {"BitstreamError"}
    assert sum(isinstance(v, dict) for v in verdicts) > len(images)  # some survive their damage
    goods = [case["good"] for case in content["changed"]]
    assert 3 < sum(goods) < 0.5 * len(goods)
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(content))
    checked = node("photo-cases.test.mjs", KERASAE_CASES=str(file))
    assert (checked["pass"], checked["skipped"]) == (3, 0)
    assert checked["files"] == len(files)
    assert checked["images"] == len(images)
    assert checked["families"] == len(goods)


def image_cases(rng: np.random.Generator, family: Family) -> Iterator[dict[str, Any]]:
    """Noise, ramps and extremes of many sizes, with the file of effort 0 and what it gives."""
    codec = PhotoCodec([family])
    for i, (height, width) in enumerate([(1, 1), (8, 9), (16, 48), (33, 17), (40, 50), (1, 90)]):
        for quality in (1, 40, 100):
            shape = (height, width, 3)
            noise = rng.integers(0, 256, shape)
            ramp = np.broadcast_to(np.linspace(0, 255, width)[None, :, None], shape)
            extreme = rng.integers(0, 2, (1, 1, 3)) * 255 + np.zeros(shape)
            image = [noise, ramp, extreme, (noise + 2 * ramp) / 3][(i + quality) % 4]
            image = np.ascontiguousarray(image.astype(np.uint8))
            data = codec.compress(image, quality=quality, effort=0)
            yield {
                "family": family.digest[:2].hex(),
                "height": height,
                "width": width,
                "quality": quality,
                "pixels": image.tobytes().hex(),
                "kae": data.hex(),
            }


def damaged(rng: np.random.Generator, family: Family, data: bytes) -> bytes:
    """Bytes changed, lost or added, mostly under a CRC that fits."""
    changed = bytearray(data[:-4])
    for _ in range(rng.integers(0, 3)):
        first = 0 if rng.random() < 0.3 else min(8, len(changed) - 1)
        changed[rng.integers(first, len(changed))] = rng.integers(256)
    changed = changed[: len(changed) - int(rng.integers(0, 3))] + rng.bytes(int(rng.integers(0, 3)))
    crc = zlib.crc32(changed, zlib.crc32(family.digest)).to_bytes(4, "little")
    return bytes(changed) + (crc if rng.random() < 0.9 else rng.bytes(4))


def lies(family: Family) -> Iterator[bytes]:
    """Heads and payloads that claim too much, or what cannot be."""
    zeros = [bytes([lanes]) for lanes in (0, MAX_LANES_LOG2 + 1, 255)]
    starts = bytes([1]) + 2 * (2**16).to_bytes(4, "little")
    payloads = [b"", *zeros, starts, starts + b"\0\0", b"\0" + bytes(range(1, 200)), b"\1" * 9]
    for payload in payloads:
        for head in [
            *(Head(50, *size) for size in [(1, 1), (16, 16), (90, 90), (1, 16000)]),
            *(Head(50, *size) for size in [(0, 5), (2**31, 1), (2**20, 2**20), (2**14 + 1, 1)]),
            *(Head(quality, 16, 16) for quality in (0, 101, 127, 128, 178, 255)),
        ]:
            yield write_photo(head, payload, family.digest)
    sound = write_photo(Head(50, 1, 1), b"\0", family.digest)
    yield from (sound[:size] for size in range(len(sound)))
    yield from (b"\xaes" + sound[2:], b"\xaek\1" + sound[3:], b"\xaek\2\0\0" + sound[5:])
    yield write_photo(Head(50, 1, 1), bytes(60000), family.digest)


def described(data: bytes, families: list[Family]) -> dict[str, Any]:
    """A file, and what Python makes of it."""
    codec = PhotoCodec(families, max_pixels=LIMIT)
    try:
        rebuilt = codec.decompress(data)
    except BitstreamError as error:
        return {"data": data.hex(), "verdict": type(error).__name__}
    family = next(f for f in families if f.digest[:2] == data[3:5])
    head, payload = read_photo(data, family.digest, max_pixels=LIMIT)
    rows, columns = (-(-n // 16) for n in (head.height, head.width))
    found = unpack(family, payload, rows, columns, family.band(head.quality))
    unpredict_lowest(found.symbols, rows, columns)
    symbols = np.ascontiguousarray(found.symbols, "<i2")
    largest = (np.abs(symbols.astype(int)).max() + 1) * family.steps[head.quality - 1]
    verdict = {
        "quality": head.quality,
        "height": head.height,
        "width": head.width,
        "symbols": hashlib.sha256(symbols.tobytes()).hexdigest(),
        "classes": found.classes.tolist(),
    }
    if largest < CERTAIN:
        verdict["rebuilt"] = rebuilt.tobytes().hex()
    return {"data": data.hex(), "verdict": verdict}


def changed_families(rng: np.random.Generator, text: str) -> list[dict[str, Any]]:
    """A family with one field changed: good or refused as Python says."""
    content = json.loads(text)
    places = [path for path in places_of(content) if len(path) < 3 or path[0] == "tables"]
    values = [
        None,
        0,
        1,
        -1,
        2,
        3,
        4095,
        4096,
        2**15,
        -(2**15),
        2**31,
        1.5,
        "",
        "AAAA",
        "A",
        [],
        {},
    ]
    picks = [places[i] for i in rng.integers(0, len(places), 150)]
    picks += [path for path in places if len(path) == 1]
    cases = [text, "", "[]", "null", "{", "\ufeff" + text]
    cases += [text.replace('"tables"', f'{more},"tables"', 1) for more in ('"more":1', '"bands":2')]
    cases += [text.replace('"bands":2', f'"bands":{two}', 1) for two in ("2.0", "2e0", "02", " 2")]
    cases += [
        text.replace('"classes":"A', f'"classes":"{c}', 1) for c in ("=", "-", " A", "\u00e9")
    ]
    for path in picks:
        for value in ["missing", *(values[i] for i in rng.integers(0, len(values), 2))]:
            broken = json.loads(text)
            parent = broken
            for key in path[:-1]:
                parent = parent[key]
            if value == "missing":
                del parent[path[-1]]
            elif value == 1 and isinstance(parent[path[-1]], int):
                parent[path[-1]] += 1
            else:
                parent[path[-1]] = value
            cases.append(json.dumps(broken))

    def good(text: str) -> bool:
        try:
            Family.from_json(text.encode())
        except BundleError:
            return False
        return True

    return [{"text": case, "good": good(case)} for case in cases]


@pytest.mark.parametrize("size", range(3, 10))
def test_what_is_too_short_for_a_file_is_damage_whatever_family_it_names(size):
    with pytest.raises(BitstreamError, match="not a kerasae bitstream"):
        PhotoCodec([small_family()]).decompress(b"\xaek\2\0\0\0\0\0\0\0"[:size])
