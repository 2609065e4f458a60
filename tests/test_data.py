"""The arguments of load_images, its examples, and what its import costs."""

from __future__ import annotations

import doctest
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from image_sets import SPLITS, check, equal
from PIL import Image

from kerasae.data import load_images, loading


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("image_size", value) for value in (0, -3, 2.5, True, (8,), (8, 0), (8, 8, 1), "8")),
        *(("channels", value) for value in (0, 2, 4, "rgb")),
        *(("validation_fraction", value) for value in (0, 1, -0.1, 1.5, float("nan"), "half")),
        *(("limit", value) for value in (0, 1, -5, 2.5, True)),
        *(("seed", value) for value in (-1, 0.5, None)),
    ],
)
def test_bad_arguments_are_named(argument: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^`{argument}` must be .*Received: {argument}="):
        load_images("digits", **{argument: value})


@pytest.mark.parametrize("source", ["", 3, None, b"digits", (np.zeros(3), np.zeros(3)), iter([])])
def test_bad_sources(source: Any) -> None:
    with pytest.raises(ValueError, match=r"`source` must be .*Received: source=.{1,20}$"):
        load_images(source)


def test_an_array_is_split_by_the_seed(rng: np.random.Generator) -> None:
    array = rng.random((40, 6, 5, 3)).astype(np.float32)
    images = load_images(array, seed=3)
    check(images)
    assert [len(getattr(images, split)) for split in SPLITS] == [29, 3, 8]
    for split in SPLITS:
        np.testing.assert_array_equal(getattr(images, split), array[images.sources[split]])
    assert equal(images, load_images(list(array), seed=3))
    assert not equal(images, load_images(array, seed=4))
    assert len(load_images(array, limit=10, validation_fraction=0.5).validation) == 5


def test_arrays_of_pixels_and_pictures_are_images(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (10, 6, 5, 3), np.uint8)
    images = load_images(pixels)
    np.testing.assert_array_equal(images.test, pixels[images.sources["test"]] / np.float32(255))
    assert equal(images, load_images([Image.fromarray(each) for each in pixels]))
    small = load_images(pixels, image_size=(4, 3), channels=1)
    check(small)
    assert small.image_shape == (4, 3, 1)
    wide = load_images(pixels[..., :1], channels=3)
    np.testing.assert_array_equal(wide.test[..., 0], wide.test[..., 2])
    assert load_images(rng.normal(size=(9, 4, 4, 5))).image_shape == (4, 4, 5)


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (np.zeros((2, 4, 4, 1)), {}, "at least 3 different images"),
        (np.zeros((0, 4, 4, 1)), {}, "at least one image"),
        (np.zeros((9, 4, 4)), {}, r"`source\[..., None\]` mends it"),
        (np.full((9, 4, 4, 1), np.nan), {}, "`source` must be finite"),
        (np.full((9, 4, 4, 1), 2.0), {"image_size": 2}, r"in \[0, 1\]. Received: .* from 2 to 2"),
        (np.zeros((9, 4, 4, 2)), {"channels": 3}, "grey or RGB"),
    ],
)
def test_arrays_that_are_no_images(array: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_images(array, **options)


def test_doctests() -> None:
    result = doctest.testmod(loading)
    assert result.attempted >= 5
    assert result.failed == 0


def test_import_is_light() -> None:
    code = (
        "import sys, kerasae.data; "
        "print(*({'keras', 'tensorflow', 'tensorflow_datasets', 'sklearn', 'skimage', 'scipy'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
