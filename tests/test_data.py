"""Images: ranges, splits that share no source, every file format, errors."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kerasae.data import (
    EMBEDDED,
    PHOTOGRAPHS,
    DataError,
    Images,
    folders,
    load_images,
    loading,
    photograph,
    tfds,
)

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


# --- Embedded ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_sets_hold_the_promises_and_repeat(name: str) -> None:
    images = load_images(name)
    check(images)
    assert images.name == name
    assert equal(images, load_images(name))
    assert not equal(images, load_images(name, seed=1))


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


def test_a_split_without_the_class_is_named() -> None:
    images = load_images("digits", limit=30)
    label = next(i for i in range(10) if i not in images.validation_labels)
    with pytest.raises(ValueError, match="`classes` must occur in each split.*validation holds no"):
        images.of_classes([label])


# --- Folders ----------------------------------------------------------------------------------


def test_a_folder_of_one_size_is_loaded_exactly(tmp_path: Path) -> None:
    images = load_images(fill(tmp_path / "holiday"))
    check(images)
    assert images.name == "holiday"
    assert images.image_shape == (12, 16, 3)
    assert [len(getattr(images, s)) for s in SPLITS] == [7, 1, 2]
    for split in SPLITS:
        for pixels, source in zip(getattr(images, split), images.sources[split], strict=True):
            index = int(images.source_names[source].removesuffix(".png"))
            np.testing.assert_array_equal(np.round(pixels * 255), scene(index))
    assert equal(images, load_images(str(tmp_path / "holiday")))
    assert not equal(images, load_images(tmp_path / "holiday", seed=5))


def test_every_extension_is_read_and_nothing_else(tmp_path: Path) -> None:
    extensions = ["png", "jpg", "JPEG", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm", "avif"]
    for index, extension in enumerate(extensions):
        save(scene(index), tmp_path / "deep" / "er" / f"{index}.{extension}")
    save(scene(50), tmp_path / ".hidden.png")
    save(scene(51), tmp_path / ".cache" / "a.png")
    (tmp_path / "notes.txt").write_text("no image")
    images = load_images(tmp_path)
    assert sorted(images.source_names.values()) == sorted(
        f"deep/er/{i}.{e}" for i, e in enumerate(extensions)
    )
    assert images.label_names == ()


def test_sizes_default_and_are_covered_then_cropped(tmp_path: Path) -> None:
    fill(tmp_path, 4)
    save(scene(9, 20, 20), tmp_path / "square.png")
    assert load_images(tmp_path).image_shape == (128, 128, 3)
    large = tmp_path / "large"
    fill(large, 3, height=257, width=10)
    assert load_images(large).image_shape == (128, 128, 3)

    # Left half black, right half white, twice as wide as high: the crop keeps the middle.
    halves = np.zeros((20, 40, 3), np.uint8)
    halves[:, 20:] = 255
    save(halves, tmp_path / "wide.png")
    cropped = one(tmp_path, "wide.png", image_size=10)
    assert cropped.shape == (10, 10, 3)
    assert cropped[:, :3].max() <= 2  # Lanczos rings by a grey level or two
    assert cropped[:, 7:].min() >= 253
    assert one(tmp_path, "wide.png", image_size=(5, 20), channels=1).shape == (5, 20, 1)


def test_grey_folders_have_one_channel(tmp_path: Path) -> None:
    fill(tmp_path, 4, channels=1)
    save(np.repeat(scene(7, channels=1)[..., None], 3, -1), tmp_path / "grey_as_rgb.png")
    assert load_images(tmp_path).image_shape == (12, 16, 1)
    assert load_images(tmp_path, channels=3).image_shape == (12, 16, 3)
    save(scene(8), tmp_path / "colour.png")
    assert load_images(tmp_path).image_shape == (12, 16, 3)
    luma = scene(8) @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(one(tmp_path, "colour.png", channels=1)[..., 0], luma, atol=1)
    np.testing.assert_array_equal(one(tmp_path, "0.png")[..., 2], scene(0, channels=1))


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    fill(tmp_path, 3, height=16, width=12)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    save(scene(5, 12, 16), tmp_path / "turned.png", exif=exif)
    assert load_images(tmp_path).image_shape == (16, 12, 3)
    np.testing.assert_array_equal(one(tmp_path, "turned.png"), np.rot90(scene(5, 12, 16), -1))


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    fill(tmp_path, 3, channels=1)
    wide = np.linspace(0, 65535, 12 * 16).reshape(12, 16)
    for name in ("wide.png", "wide.tif", "wide.pgm"):
        save(wide.astype(np.uint16), tmp_path / name)
        np.testing.assert_allclose(one(tmp_path, name)[..., 0], wide / 257, atol=0.51)


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    rgba = np.zeros((12, 16, 4), np.uint8)
    rgba[..., 0], rgba[:, 8:, 3] = 200, 255  # the left half is clear, the right one is red
    save(rgba, tmp_path / "rgba.png")
    la = np.zeros((12, 16, 2), np.uint8)
    la[:, 8:, 1] = 255
    save(la, tmp_path / "la.png")
    palette = Image.new("P", (16, 12), 0)
    palette.putpalette([0, 0, 255, 200, 0, 0])
    palette.paste(1, (8, 0, 16, 12))
    palette.save(tmp_path / "palette.png", transparency=0)
    palette.save(tmp_path / "bytes.png", transparency=bytes([0, 255]))
    for name, right in {
        "rgba.png": (200, 0, 0),
        "la.png": (0, 0, 0),
        "palette.png": (200, 0, 0),
        "bytes.png": (200, 0, 0),
    }.items():
        pixels = one(tmp_path, name)
        assert (pixels[:, :8] == 255).all(), name
        assert (pixels[:, 8:] == right).all(), name


def test_other_modes(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    red = Image.new("RGB", (16, 12), (255, 0, 0))
    red.convert("CMYK").save(tmp_path / "cmyk.tif")
    red.quantize(4).save(tmp_path / "palette.gif")
    Image.new("1", (16, 12), 1).save(tmp_path / "bit.png")
    assert (one(tmp_path, "cmyk.tif") == (255, 0, 0)).all()
    assert (one(tmp_path, "palette.gif") == (255, 0, 0)).all()
    assert (one(tmp_path, "bit.png") == 255).all()


def test_unreadable_files_are_named_and_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 6)
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("not an image")
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "half.png").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tif")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    save(scene(1, 40, 40), tmp_path / "bomb.png")  # Pillow only warns
    save(scene(1, 80, 80), tmp_path / "bomb2.png")  # Pillow raises
    bad = ("bomb.png", "bomb2.png", "empty.jpg", "float.tif", "sub/half.png", "text.png")
    with pytest.warns(UserWarning, match="6 files in .* were skipped") as caught:
        images = load_images(tmp_path)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert all(name in str(caught[0].message) for name in bad)
    assert images.skipped == bad
    check(images)
    assert sum(len(getattr(images, s)) for s in SPLITS) == 6
    assert "6 files skipped" in images.summary()


def test_copies_stay_in_one_split(tmp_path: Path) -> None:
    for index in range(30):
        save(scene(index % 6), tmp_path / f"{index:02}.png")
    for seed in range(5):
        images = load_images(tmp_path, seed=seed)
        check(images)
        contents = [{image.tobytes() for image in getattr(images, s)} for s in SPLITS]
        assert sum(map(len, contents)) == len(set.union(*contents)) == 6
        assert sum(len(getattr(images, s)) for s in SPLITS) == 30
        limited = load_images(tmp_path, seed=seed, limit=4)
        assert len(limited.train) + len(limited.validation) <= 4
        assert len(limited.test) <= 4
        check(limited)


def test_a_limit_counts_copies_once(tmp_path: Path) -> None:
    for index in range(30):
        save(scene(max(0, index - 25)), tmp_path / f"{index:02}.png")
    for seed in range(5):
        images = load_images(tmp_path, seed=seed, limit=2)
        check(images)
        assert [len(getattr(images, s)) for s in SPLITS] == [1, 1, 1]


def test_class_folders_are_labels(tmp_path: Path) -> None:
    fill(tmp_path / "dog", 6)
    for index in range(20, 26):
        save(scene(index), tmp_path / "cat" / "more" / f"{index}.png")
    images = load_images(tmp_path)
    check(images)
    assert images.label_names == ("cat", "dog")
    for split in SPLITS:
        labels = getattr(images, f"{split}_labels")
        for label, source in zip(labels, images.sources[split], strict=True):
            assert images.source_names[source].startswith(images.label_names[label])
    save(scene(99), tmp_path / "loose.png")  # an image without a class: no labels at all
    assert load_images(tmp_path).label_names == ()


@pytest.mark.parametrize("validation", ["val", "validation"])
def test_split_folders_are_the_splits(tmp_path: Path, validation: str) -> None:
    for index in range(12):
        save(scene(index), tmp_path / "train" / f"{index}.png")
    for index in range(20, 23):
        save(scene(index), tmp_path / validation / f"{index}.png")
    for index in range(30, 34):
        save(scene(index), tmp_path / "test" / f"{index}.png")
    save(scene(30), tmp_path / "train" / "copy_of_test.png")
    save(scene(40), tmp_path / "elsewhere" / "other.png")
    images = load_images(tmp_path)
    check(images)
    assert [len(getattr(images, s)) for s in SPLITS] == [12, 3, 4]
    assert images.label_names == ()
    for split, folder in zip(SPLITS, ("train", validation, "test"), strict=True):
        assert {images.source_names[i].split("/")[0] for i in images.sources[split]} == {folder}
    assert "train/copy_of_test.png" not in images.source_names.values()
    limited = load_images(tmp_path, limit=4)
    assert [len(getattr(limited, s)) for s in SPLITS] == [3, 1, 4]


def test_missing_splits_come_from_train(tmp_path: Path) -> None:
    for label in ("a", "b"):
        for index in range(10):
            save(scene(index + ord(label) * 100), tmp_path / "train" / label / f"{index}.png")
    images = load_images(tmp_path)
    check(images)
    assert images.label_names == ("a", "b")
    assert [len(getattr(images, s)) for s in SPLITS] == [14, 2, 4]
    for index in range(3):
        save(scene(index), tmp_path / "test" / "a" / f"{index}.png")
    images = load_images(tmp_path)
    assert [len(getattr(images, s)) for s in SPLITS] == [18, 2, 3]
    assert images.test_labels is not None
    assert images.test_labels.tolist() == [0, 0, 0]


def test_a_limit_reads_no_more_files_than_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 60)
    read: list[int] = []
    real = folders._read
    monkeypatch.setattr(folders, "_read", lambda *a: read.append(a[2]) or real(*a))
    images = load_images(tmp_path, limit=8)
    assert len(read) == 10
    assert [len(getattr(images, s)) for s in SPLITS] == [7, 1, 2]


def test_folders_that_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be a folder with images. Received: source="):
        load_images(tmp_path)
    fill(tmp_path, 2)
    save(scene(0), tmp_path / "copy.png")
    with pytest.raises(ValueError, match=r"at least 3 different images.*2 readable"):
        load_images(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(b"damaged")
    with (
        pytest.warns(UserWarning, match="3 files"),
        pytest.raises(ValueError, match="0 readable images"),
    ):
        load_images(tmp_path)
    save(scene(0), tmp_path / "fine.png")
    with pytest.raises(ValueError, match="must be an existing folder"):
        load_images(tmp_path / "fine.png")
    with pytest.raises(ValueError, match="must be an existing folder"):
        load_images(tmp_path / "nowhere")


def test_an_embedded_name_wins_over_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "digits", 3)
    monkeypatch.chdir(tmp_path)
    assert load_images("digits").image_shape == (8, 8, 1)
    assert load_images(Path("digits")).image_shape == (12, 16, 3)


def striped_folder(folder: Path) -> Path:
    for split, indices in (("train", range(8)), ("test", range(8, 11))):
        for index in indices:
            pixels, labels = striped(index, 30, 40)
            save(pixels, folder / split / f"{index}.bmp")
            save(labels, folder / f"{split}annot" / f"{index}.png")
    return folder


def test_a_pair_of_folders_has_label_maps(tmp_path: Path) -> None:
    images = load_images(striped_folder(tmp_path))
    check(images)
    stripes_agree(images)
    assert (images.label_names, images.ignored_class) == (("0", "1", "2"), None)
    assert [len(getattr(images, s)) for s in SPLITS] == [7, 1, 3]
    (tmp_path / "classes.txt").write_text("road\nkerb\nUnlabelled\n")
    images = load_images(tmp_path, image_size=(20, 20))
    stripes_agree(images)
    assert (images.label_names[0], images.classes, images.ignored_class) == ("road", 2, 2)
    (tmp_path / "classes.txt").write_text("road\nkerb")
    with pytest.raises(ValueError, match=r"each label in classes.txt.*2 names and the label 2"):
        load_images(tmp_path)


def test_a_missing_label_map_is_named(tmp_path: Path) -> None:
    (striped_folder(tmp_path) / "trainannot" / "5.png").unlink()
    with pytest.raises(ValueError, match=r"label map of each image.*trainannot/5\.png"):
        load_images(tmp_path)
    save(scene(0), tmp_path / "trainannot" / "5.png")
    with pytest.raises(ValueError, match=r"trainannot/5\.png\. Received: mode RGB"):
        load_images(tmp_path)


# --- TensorFlow Datasets ----------------------------------------------------------------------


@pytest.fixture
def tfds_folder(monkeypatch: pytest.MonkeyPatch) -> Path:
    if not (TFDS / "mnist").is_dir():
        pytest.skip("no prepared MNIST: set TFDS_DATA_DIR to a folder that holds it")
    monkeypatch.setenv("TFDS_DATA_DIR", str(TFDS))
    return TFDS


@pytest.mark.slow
def test_full_mnist(tfds_folder: Path) -> None:
    images = load_images("mnist")
    check(images)
    assert [len(getattr(images, s)) for s in SPLITS] == [54000, 6000, 10000]
    everything = np.concatenate([images.train, images.validation])
    assert everything.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
    assert images.test.mean(dtype=np.float64) == pytest.approx(0.1325, abs=5e-5)
    assert np.bincount(images.test_labels)[:3].tolist() == [980, 1135, 1032]


def test_mnist_with_a_limit(tfds_folder: Path) -> None:
    images = load_images("mnist", limit=300, seed=3)
    check(images)
    assert [len(getattr(images, s)) for s in SPLITS] == [270, 30, 300]
    assert images.image_shape == (28, 28, 1)
    assert images.label_names == tuple("0123456789")
    assert images.train.mean() == pytest.approx(0.13, abs=0.01)
    assert equal(images, load_images("mnist", limit=300, seed=3))
    # The strokes of ones fill less than those of zeros: labels belong to their images.
    ink = [images.train[images.train_labels == digit].mean() for digit in (0, 1)]
    assert ink[0] > 1.5 * ink[1]


def test_tfds_conversion(tfds_folder: Path) -> None:
    if not (TFDS / "cifar10").is_dir():
        pytest.skip("no prepared CIFAR-10 in TFDS_DATA_DIR")
    plain = load_images("cifar10", limit=50)
    grey = load_images("cifar10", limit=50, channels=1)
    small = load_images("cifar10", limit=50, image_size=(8, 16), channels=1)
    check(small)
    assert plain.image_shape == (32, 32, 3)
    assert small.image_shape == (8, 16, 1)
    luma = plain.test @ np.array([0.299, 0.587, 0.114], np.float32)
    np.testing.assert_allclose(grey.test[..., 0], luma, atol=1.1 / 255)


def make_set(
    folder: Path,
    name: str,
    shapes: list[tuple[int, int]],
    class_names: tuple[str, ...] = (),
) -> None:
    """Write a prepared set of variable-sized images, or ones with label maps, in one split."""
    import tensorflow_datasets as tfds

    (folder / name / "1.0.0").mkdir(parents=True)
    kinds = {"picture": tfds.features.Image()}
    examples = [{"picture": scene(i, *shape)} for i, shape in enumerate(shapes)]
    if class_names:
        labelled = tfds.features.LabeledImage(labels=list(class_names), shape=(None, None, 1))
        kinds = {"image": tfds.features.Image(), "segmentation_mask": labelled}
        pairs = [striped(i, *shape) for i, shape in enumerate(shapes)]
        examples = [{"image": a, "segmentation_mask": b[..., None]} for a, b in pairs]
    features = tfds.features.FeaturesDict(kinds)
    writer = tfds.core.SequentialWriter(
        tfds.core.DatasetInfo(
            builder=tfds.core.DatasetIdentity(
                name=name,
                version=tfds.core.Version("1.0.0"),
                data_dir=str(folder / name / "1.0.0"),
                module_name="",
            ),
            features=features,
        ),
        max_examples_per_shard=100,
    )
    writer.initialize_splits(["train"])
    writer.add_examples({"train": examples})
    writer.close_all()


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


def test_label_maps_of_tfds_are_scaled_and_cropped_with_their_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make_set(tmp_path, "stripes", [(60 + i, 90) for i in range(10)], ("a", "b", "void"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    images = load_images("stripes", image_size=(40, 44))
    check(images)
    stripes_agree(images)
    assert images.label_names == ("a", "b", "void")
    assert (images.classes, images.ignored_class) == (2, 2)
    assert "2 labels of pixels" in images.summary()


def test_camvid_has_its_splits_and_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (TFDS / "camvid").is_dir():
        pytest.skip("no prepared CamVid in TFDS_DATA_DIR")
    monkeypatch.setenv("TFDS_DATA_DIR", str(TFDS))
    images = load_images("camvid", image_size=(45, 60), limit=20)
    check(images)
    assert (images.classes, images.ignored_class) == (11, 11)
    assert images.label_names[:4] == ("sky", "building", "pole", "road")
    assert [len(getattr(images, s)) for s in SPLITS] == [18, 2, 20]
    sky, road = (np.argwhere(images.train_labels == i)[:, 1].mean() for i in (0, 3))
    assert sky < 15 < 30 < road  # of 45 rows


def test_tfds_without_test_split_and_of_many_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make_set(tmp_path, "scraps", [(20 + i, 30) for i in range(20)])
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    images = load_images("scraps")
    check(images)
    assert images.image_shape == (128, 128, 3)
    assert [len(getattr(images, s)) for s in SPLITS] == [14, 2, 4]
    assert images.train_labels is None
    assert load_images("scraps", limit=5, image_size=8).image_shape == (8, 8, 3)


def test_unknown_and_unavailable_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(
        ValueError, match=r"digits, photos.*folder.*mnist.*Received: source='dgits'"
    ):
        load_images("dgits")
    with pytest.raises(ValueError, match="did you mean fashion_mnist"):
        load_images("fashion_mnits")
    for name in ("./nowhere", "/no/folder", "no/such", "imagenet_resized/9x9"):
        with pytest.raises(ValueError, match=f"existing folder.*Received: source='{name}'"):
            load_images(name)

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(tfds.socket, "create_connection", offline)
    monkeypatch.setattr(tfds.urllib.request, "getproxies", dict)
    start = time.monotonic()
    with pytest.raises(DataError, match=r"'fashion_mnist'.*no route to host.*TFDS_DATA_DIR"):
        load_images("fashion_mnist")
    assert time.monotonic() - start < 5
    assert not list(tmp_path.iterdir()), "a failed download leaves nothing behind"


# --- Arguments and the module -----------------------------------------------------------------


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


@pytest.mark.parametrize("source", ["", 3, None])
def test_bad_sources(source: Any) -> None:
    with pytest.raises(ValueError, match=r"`source` must be .*Received: source="):
        load_images(source)


def test_photograph_names_what_it_knows() -> None:
    with pytest.raises(ValueError, match=r"astronaut, brick.*Received: name='mona_lisa'"):
        photograph("mona_lisa")


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
