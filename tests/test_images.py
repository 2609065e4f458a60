"""The type of a set of images: what it says of itself, and some of its classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_sets import SPLITS, check, equal, save, scene

from kerasae.data import Images, load_images


def test_repr_and_summary() -> None:
    images = load_images("digits", limit=50)
    assert repr(images) == (
        "Images('digits', train=45, validation=5, test=50, image_shape=(8, 8, 1))"
    )
    assert images.summary() == "digits: 8x8x1, 45 train, 5 validation, 50 test images, 10 labels"
    ones = load_images("digits").of_classes(["1"])
    assert ones.summary().endswith("test images, 1 label")


def test_some_classes_keep_their_images_sources_and_order() -> None:
    images = load_images("digits")
    pair = images.of_classes(["7", 2])
    check(pair)
    assert pair.label_names == ("7", "2")
    assert pair.name == "digits (7, 2)"
    for split in SPLITS:
        labels = getattr(images, f"{split}_labels")
        kept = (labels == 7) | (labels == 2)
        np.testing.assert_array_equal(getattr(pair, split), getattr(images, split)[kept])
        np.testing.assert_array_equal(pair.sources[split], images.sources[split][kept])
        np.testing.assert_array_equal(getattr(pair, f"{split}_labels"), labels[kept] == 2)
    everything = images.of_classes(range(10))
    assert equal(everything, images)
    assert everything.label_names == images.label_names


def test_classes_of_a_folder_keep_the_names_of_their_files(tmp_path: Path) -> None:
    for split in SPLITS:
        for number, name in enumerate(("cat", "dog", "owl")):
            save(scene(10 * number + len(split)), tmp_path / split / name / "0.png")
    images = load_images(tmp_path).of_classes(["owl", "cat"])
    check(images)
    names = [images.source_names[i] for i in images.sources["test"]]
    assert names == ["test/cat/0.png", "test/owl/0.png"]
    assert images.test_labels is not None
    assert images.test_labels.tolist() == [1, 0]
    assert not any("dog" in name for name in images.source_names.values())


@pytest.mark.parametrize(
    ("source", "classes", "message"),
    [
        ("faces", ["0"], "need one label for each. Received: none"),
        ("streets", ["road"], "need one label for each. Received: labels of pixels"),
        ("digits", ["cat"], r"must be different ones of 0, 1, 2.*Received: classes=\['cat'\]"),
        ("digits", ["1", 1], "must be different ones"),
        ("digits", [-1], "must be different ones"),
        ("digits", [], "must be different ones"),
    ],
)
def test_classes_that_are_none(source: str, classes: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_images(source, limit=30).of_classes(classes)


def test_splits_may_be_left_out() -> None:
    x = np.full((4, 6, 5, 1), 0.5, np.float32)
    for images in (Images(x, x), Images(x, [], []), Images(train=x), Images([], x, x[:0])):
        for split in SPLITS:
            assert getattr(images, split).shape[1:] == (6, 5, 1)
            assert getattr(images, split).dtype == np.float32
    assert Images(x).summary() == "images: 6x5x1, 4 train, 0 validation, 0 test images"
    with pytest.raises(ValueError, match="`train` must have the shape"):
        Images([], [], [])
    with pytest.raises(ValueError, match="`validation` must hold images of one shape"):
        Images(x, [x[0], x[0, :4]])
    with pytest.raises(ValueError, match="`test` must be an array of numbers. Received: NoneType"):
        Images(x, x, None)


def test_a_split_without_the_class_is_named() -> None:
    images = load_images("digits", limit=30)
    label = next(i for i in range(10) if i not in images.validation_labels)
    with pytest.raises(ValueError, match="`classes` must occur in each split.*validation holds no"):
        images.of_classes([label])
