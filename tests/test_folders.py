"""Folders of images: every file format, splits and labels by name, damaged files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_sets import SPLITS, check, equal, fill, one, save, scene, striped, stripes_agree
from PIL import Image

from kerasae.data import folders, load_images


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


def test_a_path_to_no_folder_is_refused_at_once(tmp_path: Path, monkeypatch) -> None:
    """And not after TensorFlow Datasets has been asked for a set of this name."""
    (tmp_path / "crops").mkdir()
    monkeypatch.setattr("kerasae.data.loading.load_tfds", None)
    monkeypatch.chdir(tmp_path)
    for source in (tmp_path / "crop", str(tmp_path / "crop"), "./crop"):
        with pytest.raises(
            ValueError, match=r"folder \(did you mean '.*crops'\?\). Received: .*p'$"
        ):
            load_images(source)
    for source in ("../nowhere/at/all", "~/pictures", "C:\\pictures"):
        with pytest.raises(ValueError, match=r"must be an existing folder. Received: source="):
            load_images(source)


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
