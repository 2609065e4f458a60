"""Sets that need no download: their sizes, labels and splits."""

from __future__ import annotations

import numpy as np
import pytest
from image_sets import SPLITS, check, equal

from kerasae.data import EMBEDDED, PHOTOGRAPHS, load_images, photograph
from kerasae.data.embedded import picture_to_publish


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_sets_hold_the_promises_and_repeat(name: str) -> None:
    images = load_images(name)
    check(images)
    assert images.name == name
    few = load_images(name, limit=30)
    assert equal(few, load_images(name, limit=30))
    assert not equal(few, load_images(name, limit=30, seed=1))


def test_streets_have_labels_of_their_pixels() -> None:
    images = load_images("streets")
    assert images.image_shape == (64, 96, 3)
    assert (images.classes, images.ignored_class) == (8, 8)
    shares = np.bincount(images.train_labels.ravel(), minlength=9) / images.train_labels.size
    assert (shares > 0.005).all()
    assert shares[8] < 0.05
    large = load_images("streets", image_size=(128, 192), limit=6)
    small = load_images("streets", limit=6)
    same = large.test_labels[:, ::2, ::2] == small.test_labels
    assert same.mean() > 0.9  # the same scenes, finer
    assert load_images("streets", limit=6, channels=1).image_shape == (64, 96, 1)


def test_digits_are_the_digits() -> None:
    from sklearn.datasets import load_digits

    images, digits = load_images("digits"), load_digits()
    assert images.label_names == tuple("0123456789")
    assert [len(getattr(images, s)) for s in SPLITS] == [1294, 144, 359]
    for split in SPLITS:
        chosen = images.sources[split]
        np.testing.assert_array_equal(getattr(images, split)[..., 0] * 16, digits.images[chosen])
        np.testing.assert_array_equal(getattr(images, f"{split}_labels"), digits.target[chosen])


def test_validation_fraction_leaves_the_test_set_alone() -> None:
    small, large = (load_images("digits", validation_fraction=f) for f in (0.0001, 0.5))
    assert np.array_equal(small.test, large.test)
    assert len(small.validation) == 1
    assert len(large.validation) == len(large.train) == 719


def test_faces_and_nonfaces_are_the_two_halves() -> None:
    import skimage.data

    faces, subset = load_images("faces"), skimage.data.lfw_subset()
    assert faces.image_shape == (25, 25, 1)
    np.testing.assert_allclose(faces.test[..., 0], subset[faces.sources["test"]], atol=1e-7)
    nonfaces = load_images("nonfaces")
    np.testing.assert_allclose(
        nonfaces.test[..., 0], subset[100 + nonfaces.sources["test"]], atol=1e-7
    )


def crops_found_in(photo: np.ndarray, crops: np.ndarray) -> int:
    """How many crops occur, pixel by pixel, in a photograph; found by their first row."""
    width = crops.shape[2]
    windows = np.lib.stride_tricks.sliding_window_view(photo, width, axis=1)
    places = {
        windows[y, x].tobytes(): (y, x)
        for y in range(windows.shape[0])
        for x in range(windows.shape[1])
    }
    found = 0
    for crop in np.round(crops * 255).astype(np.uint8):
        place = places.get(np.moveaxis(crop[0], 0, -1).tobytes())
        if place:
            y, x = place
            found += np.array_equal(photo[y : y + crop.shape[0], x : x + width], crop)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_photos_never_train_on_the_cat(seed: int) -> None:
    images = load_images("photos", seed=seed, limit=120)
    cat = photograph("chelsea")
    assert crops_found_in(cat, images.test) == len(images.test) == 28
    assert crops_found_in(cat, images.train) == crops_found_in(cat, images.validation) == 0
    assert {images.source_names[i] for i in images.sources["test"]} == {"chelsea"}
    (held_out,) = {images.source_names[i] for i in images.sources["validation"]}
    assert crops_found_in(photograph(held_out), images.validation) == len(images.validation)
    assert {images.source_names[i] for i in images.sources["train"]} == (
        set(PHOTOGRAPHS) - {"chelsea", held_out}
    )


def test_photos_sizes_counts_and_channels() -> None:
    images = load_images("photos")
    assert images.image_shape == (64, 64, 3)
    assert (len(images.train), len(images.validation)) == (5 * 192, 192)
    half = load_images("photos", validation_fraction=0.5, limit=60)
    assert len(set(half.sources["train"])) == len(set(half.sources["validation"])) == 3
    grey = load_images("photos", image_size=(200, 300), channels=1, limit=10)
    assert grey.image_shape == (200, 300, 1)
    assert len(grey.test) == 1
    with pytest.raises(ValueError, match=r"`image_size` .*Received: image_size=\(301, 64\)"):
        load_images("photos", image_size=(301, 64))


def test_textures_are_disjoint_photographs() -> None:
    images = load_images("textures", limit=100)
    check(images)
    assert images.image_shape == (64, 64, 1)
    gravel = photograph("gravel")
    assert crops_found_in(gravel, images.test) == len(images.test) == 64
    assert crops_found_in(gravel, images.train) == 0


@pytest.mark.parametrize("name", [*PHOTOGRAPHS, "brick", "grass", "gravel"])
def test_photographs_are_whole(name: str) -> None:
    picture = photograph(name)
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert min(picture.shape[:2]) >= 300
    assert picture.shape[2] == (1 if name in ("brick", "grass", "gravel") else 3)


def test_resizing_and_channels_of_embedded_sets() -> None:
    plain, images = (load_images("digits", limit=20, **k) for k in ({}, {"channels": 3}))
    assert images.image_shape == (8, 8, 3)
    assert np.array_equal(images.train, np.repeat(plain.train, 3, axis=-1))
    large = load_images("digits", limit=20, image_size=16)
    check(large)
    assert large.image_shape == (16, 16, 1)
    np.testing.assert_allclose(large.train.mean(), plain.train.mean(), atol=0.02)


@pytest.mark.parametrize("name", EMBEDDED)
def test_limit(name: str) -> None:
    images = load_images(name, limit=20)
    check(images)
    assert len(images.train) + len(images.validation) == 20
    assert len(images.test) == 20
    assert len(images.validation) == 2


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("photos", {"limit": 8}, (144, 192, 3)),
        ("photos", {"limit": 8, "channels": 1}, (144, 192, 1)),
        ("textures", {"limit": 8}, (144, 192, 1)),
        ("textures", {"limit": 8, "channels": 3}, (144, 192, 3)),
        ("digits", {}, (16, 16, 1)),
        ("digits", {"limit": 2, "image_size": 12, "channels": 3}, None),
        ("streets", {"limit": 8, "image_size": 16}, (16, 16, 3)),
        ("faces", {}, None),
        ("nonfaces", {}, None),
    ],
)
def test_what_may_be_published_is_of_free_licence(name, options, shape):
    images = load_images(name, **options)
    picture = picture_to_publish(name, images)
    assert (None if picture is None else picture.shape) == shape
    if name == "digits" and shape:
        np.testing.assert_array_equal(picture[:8, 8:], np.floor(images.test[1] * 255 + 0.5))
    assert picture_to_publish("/home/someone/photos", images) is None


@pytest.mark.parametrize("name", [None, ["chelsea"], np.zeros((2, 0)), "mona_lisa"])
def test_a_photograph_has_one_of_the_names(name):
    with pytest.raises(ValueError, match="`name` must be one of 'astronaut', .*. Received: name="):
        photograph(name)
