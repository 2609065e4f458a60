"""Version 2: the committed files of photographs are read, and written, for ever."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from photo import decisions_by_the_book, pixels_by_the_book, read_by_the_book
from PIL import Image

from kerasae_export.format.family import Family
from kerasae_export.format.photo import unpack, unpredict_lowest
from kerasae_export.format.photo_file import read_photo
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.photo.shipped import shipped_families

FOLDER = Path(__file__).parent / "golden" / "photo"
VECTORS = json.loads((FOLDER / "photographs.json").read_text())
SHIPPED = Path(__file__).parents[1] / "export" / "kerasae_export" / "photo" / "families"

images = pytest.mark.parametrize("case", VECTORS["images"], ids=lambda case: case["name"])


def family_file(name: str) -> bytes:
    path = FOLDER / "small.json" if name == "small" else SHIPPED / name / "family.json"
    return path.read_bytes()


@pytest.fixture(scope="module")
def families() -> dict[str, Family]:
    return {
        case["name"]: Family.from_json(family_file(case["name"])) for case in VECTORS["families"]
    }


def pixels(name: str) -> np.ndarray:
    with Image.open(FOLDER / f"{name}.ppm") as picture:
        return np.asarray(picture)


def hash_of(symbols: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(symbols, "<i2").tobytes()).hexdigest()


def generated(seed: int, height: int, width: int) -> np.ndarray:
    """As tests/golden/README.md says."""
    states, factor, term = np.array([seed], np.uint64), 1103515245, 12345
    while states.size <= height * width * 3:  # twice as many, so many steps ahead
        ahead = (states * np.uint64(factor) + np.uint64(term)) % np.uint64(2**31)
        states = np.concatenate([states, ahead])
        factor, term = factor * factor % 2**31, (factor + 1) * term % 2**31
    noise = states[1 : height * width * 3 + 1].astype(int).reshape(height, width, 3) // 65536 % 17
    y, x, c = np.mgrid[:height, :width, :3]
    ramp = (3 * x + 2 * y + 40 * c + x * y // 64) % 512
    return np.clip(np.minimum(ramp, 511 - ramp) + noise - 8, 0, 255).astype(np.uint8)


def test_the_families_are_those_of_their_hashes(families):
    for case in VECTORS["families"]:
        family = families[case["name"]]
        assert family.digest.hex() == case["sha256"]
        assert case["id"] == case["sha256"][:4]
    shipped = {family.digest for family in shipped_families()}
    assert shipped == {family.digest for name, family in families.items() if name != "small"}


@images
def test_files_give_their_symbols_and_pixels(case, families):
    family = families[case["family"]]
    data = (FOLDER / f"{case['name']}.kae").read_bytes()
    head, payload = read_photo(data, family.digest, max_pixels=2**20)
    assert head == (case["quality"], case["height"], case["width"])
    rows, columns = (-(-n // 16) for n in (head.height, head.width))
    found = unpack(family, payload, rows, columns, family.band(head.quality))
    unpredict_lowest(found.symbols, rows, columns)
    assert found.classes.tolist() == case["classes"]
    assert hash_of(found.symbols) == case["symbols"]
    rebuilt = PhotoCodec([family]).decompress(data).astype(int)
    assert np.abs(rebuilt - pixels(case["name"])).max() <= 1


@images
def test_images_give_their_files(case, families):
    if case["effort"]:  # decided in floating point: any file is right that is read alike
        return
    image = pixels(f"image-{case['height']}x{case['width']}")
    codec = PhotoCodec([families[case["family"]]])
    data = codec.compress(image, quality=case["quality"], effort=0)
    assert data == (FOLDER / f"{case['name']}.kae").read_bytes()


@images
def test_the_reader_written_from_the_text_agrees(case):
    content = family_file(case["family"])
    data = (FOLDER / f"{case['name']}.kae").read_bytes()
    quality, height, width, symbols, used, classes = read_by_the_book(data, content)
    assert (quality, height, width) == (case["quality"], case["height"], case["width"])
    assert classes == case["classes"]
    assert hash_of(symbols.T) == case["symbols"]
    rebuilt = pixels_by_the_book(content, quality, height, width, symbols, used)
    np.testing.assert_array_equal(rebuilt, pixels(case["name"]))
    if case["effort"] == 0:
        image = pixels(f"image-{height}x{width}")
        expected, chosen = decisions_by_the_book(content, image, quality)
        assert chosen == classes
        np.testing.assert_array_equal(expected, symbols)


@pytest.mark.parametrize(
    "case", VECTORS["generated"], ids=lambda case: f"{case['family']}-{case['seed']}"
)
def test_drawn_images_give_their_files(case, families):
    image = generated(case["seed"], case["height"], case["width"])
    codec = PhotoCodec([families[case["family"]]])
    data = codec.compress(image, quality=case["quality"], effort=0)
    assert len(data) == case["bytes"]
    assert hashlib.sha256(data).hexdigest() == case["sha256"]
    assert codec.decompress(data).shape == image.shape
