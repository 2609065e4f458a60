"""Pictures that the ports compress with models, and what Python makes of them."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

from kerasae import load_images
from kerasae_export import Codec
from kerasae_export.photo.codec import PhotoCodec

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden"
BUNDLE = GOLDEN / "blocks" / "bundle"  # of digits, in int8
LITERT = Path(str(importlib.util.find_spec("ai_edge_litert").origin)).parent / "libLiteRt.so"  # type: ignore[union-attr]
PHOTO_QUALITY = 60


def done(*command: object, **rest: object) -> str:
    """Run a command that must succeed; what it printed."""
    words = [str(word) for word in command]
    found = subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
        **rest,  # type: ignore[call-overload]
    )
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


def write_digits(folder: Path, count: int = 200) -> None:
    """Digits of the test part as PGM."""
    digits = np.round(255 * load_images("digits").test[:count]).astype(np.uint8)
    assert len(digits) == count
    folder.mkdir()
    for i, pixels in enumerate(digits):
        Image.fromarray(pixels[..., 0]).save(folder / f"{i:03}.pgm")


def write_photographs(folder: Path, count: int = 20) -> None:
    """Crops of photographs, of as many sizes, as PPM."""
    pictures = load_images("photos", image_size=64, validation_fraction=0.1).train[:count]
    assert len(pictures) == count
    folder.mkdir()
    for i, pixels in enumerate(np.round(255 * pictures).astype(np.uint8)):
        crop = np.ascontiguousarray(pixels[: 64 - i, : 45 + i])
        Image.fromarray(crop).save(folder / f"{i:03}.ppm")


def check(folder: Path, bundle: Path | None) -> int:
    """The files of a port are those of Python, and its pixels within the tolerance; how many."""
    codec = PhotoCodec.load() if bundle is None else Codec.load(bundle)
    files = sorted([*folder.glob("*.pgm"), *folder.glob("*.ppm")])
    for file in files:
        with Image.open(file) as opened:
            pixels = np.asarray(opened).reshape(opened.height, opened.width, -1)
        data = file.with_suffix(".kae").read_bytes()
        if isinstance(codec, PhotoCodec):
            assert data == codec.compress(pixels, quality=PHOTO_QUALITY, effort=0), file
            tolerance = 1
        else:
            assert data == codec.compress(pixels), file
            tolerance = codec.manifest.pixel_tolerance
        found = np.frombuffer(file.with_suffix(".out").read_bytes(), np.uint8).astype(int)
        difference = np.abs(found.reshape(pixels.shape) - codec.decompress(data))
        assert difference.max() <= tolerance, file
    return len(files)
