"""Sets of TensorFlow Datasets: prepared ones, and what is said when there is none."""

from __future__ import annotations

import errno
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from image_sets import SPLITS, TFDS, check, equal, scene, striped, stripes_agree

from kerasae.data import DataError, load_images, tfds


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


def raising(error: Exception) -> Callable[..., None]:
    def function(*_: object, **__: object) -> None:
        raise error

    return function


def test_a_damaged_set_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make_set(tmp_path, "scraps", [(20, 30)] * 20)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    (record,) = tmp_path.rglob("*.tfrecord*")
    record.write_bytes(record.read_bytes()[:200])
    with pytest.raises(DataError, match=r"'scraps' is prepared in .* but cannot be read .*remove"):
        load_images("scraps")


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
    with monkeypatch.context() as patch:
        full = OSError(errno.ENOSPC, "No space left on device")
        patch.setattr(tfds, "_check_reachable", raising(full))
        with pytest.raises(DataError, match=r"could not be written.*No space.*: free some space"):
            load_images("fashion_mnist")
    start = time.monotonic()
    with pytest.raises(DataError, match=r"'fashion_mnist'.*no route to host.*TFDS_DATA_DIR"):
        load_images("fashion_mnist")
    assert time.monotonic() - start < 5
    assert not list(tmp_path.iterdir()), "a failed download leaves nothing behind"
