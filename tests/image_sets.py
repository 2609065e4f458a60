"""What the tests of every source of images share: pictures, and what holds for all sets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kerasae.data import Images, load_images

SPLITS = ("train", "validation", "test")
TFDS = Path(
    os.environ.get("TFDS_DATA_DIR")
    or Path(__file__).resolve().parents[1] / ".." / "shared" / "data" / "tfds"
)


def check(images: Images) -> None:
    """What holds for every set."""
    seen: set[int] = set()
    for split in SPLITS:
        pixels = getattr(images, split)
        assert pixels.dtype == np.float32
        assert pixels.ndim == 4
        assert len(pixels) > 0
        assert pixels.shape[1:] == images.image_shape
        assert pixels.min() >= 0
        assert pixels.max() <= 1
        ids = images.sources[split]
        assert ids.shape == (len(pixels),)
        assert ids.dtype == np.int64
        assert not seen & set(ids.tolist()), "two splits share a source"
        seen |= set(ids.tolist())
        labels = getattr(images, f"{split}_labels")
        if images.label_names and labels.ndim == 3:
            assert labels.dtype == np.uint8
            assert labels.shape == pixels.shape[:3]
            assert labels.max() < len(images.label_names)
        elif images.label_names:
            assert labels.dtype == np.int64
            assert labels.shape == (len(pixels),)
            assert 0 <= labels.min() <= labels.max() < len(images.label_names)
        else:
            assert labels is None


def equal(one: Images, other: Images) -> bool:
    return all(np.array_equal(getattr(one, split), getattr(other, split)) for split in SPLITS)


def scene(index: int, height: int = 12, width: int = 16, channels: int = 3) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(index).integers(0, 256, shape).astype(np.uint8)


def save(array: np.ndarray, path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def fill(folder: Path, count: int = 10, **options: Any) -> Path:
    for index in range(count):
        save(scene(index, **options), folder / f"{index}.png")
    return folder


def one(folder: Path, file: str, **options: Any) -> np.ndarray:
    """The pixels of one file, whatever split it went to, as integers."""
    images = load_images(folder, **options)
    ids = {name: index for index, name in images.source_names.items()}
    for split in SPLITS:
        for pixels, index in zip(getattr(images, split), images.sources[split], strict=True):
            if index == ids[file]:
                return np.round(pixels * 255).astype(int)
    raise AssertionError(f"{file} is in no split")


def striped(index: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """An image whose stripes are as bright as their label, 0 to 2, says, and the labels."""
    y, x = np.mgrid[:height, :width]
    labels = (((x + y + 7 * index) // 10) % 3).astype(np.uint8)
    return np.repeat(100 * labels[..., None], 3, axis=-1), labels


def stripes_agree(images: Images) -> None:
    """Each label map lies where its image does: they differ at the borders of stripes only."""
    for split in SPLITS:
        shown = np.round(getattr(images, split)[..., 0] * 255 / 100)
        assert (shown == getattr(images, f"{split}_labels")).mean() > 0.8
        assert len(np.unique(shown)) == 3
