"""Small trained models and bundles that many tests share, made once a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

import kerasae
from kerasae.training import TrainConfig, train
from kerasae_export import Codec, export_bundle
from kerasae_export.conversion.convert import Converter

pytest_plugins = ["browser"]  # the fixtures of the page's tests

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def digits() -> kerasae.Images:
    return kerasae.load_images("digits")


@pytest.fixture(scope="session")
def photos() -> kerasae.Images:
    return kerasae.load_images("photos", image_size=32, limit=240)


@pytest.fixture(scope="session")
def digit_model(digits: kerasae.Images) -> keras.Model:
    """A dense code, coded in blocks."""
    keras.utils.set_random_seed(0)
    model = kerasae.build_convolutional(
        input_shape=digits.image_shape, code_size=8, hidden=(16, 32), loss="mse"
    )
    train(model, digits, TrainConfig(epochs=30, learning_rate=3e-3), progress=False)
    return model


@pytest.fixture(scope="session")
def photo_model(photos: kerasae.Images) -> keras.Model:
    """A spatial code, coded as a grid."""
    keras.utils.set_random_seed(0)
    model = kerasae.build_convolutional(
        input_shape=photos.image_shape,
        code_size=4,
        hidden=(16, 16),
        loss="mse",
        code="spatial",
    )
    train(model, photos, TrainConfig(epochs=30, batch_size=16, learning_rate=3e-3), progress=False)
    return model


@pytest.fixture(scope="session")
def converter() -> Iterator[Converter]:
    """One TensorFlow process for all conversions of the session."""
    with Converter() as converter:
        yield converter


@pytest.fixture(scope="session")
def digit_bundle(
    digit_model: keras.Model, digits: kerasae.Images, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("digits") / "bundle"
    return export_bundle(digit_model, folder, calibration=digits.train)


@pytest.fixture(scope="session")
def joint_bundle(
    digit_model: keras.Model, digits: kerasae.Images, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """As `digit_bundle`, with both models in one file."""
    folder = tmp_path_factory.mktemp("joint") / "bundle"
    return export_bundle(digit_model, folder, signatures="both", calibration=digits.train)


@pytest.fixture(scope="session")
def photo_bundle(
    photo_model: keras.Model, photos: kerasae.Images, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("photos") / "bundle"
    return export_bundle(photo_model, folder, calibration=photos.train)


@pytest.fixture(scope="session")
def digit_codec(digit_bundle: Path) -> Codec:
    return Codec.load(digit_bundle)


@pytest.fixture(scope="session")
def photo_codec(photo_bundle: Path) -> Codec:
    return Codec.load(photo_bundle)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def tfds_folder() -> Path:
    """The folder of prepared TensorFlow Datasets, where there is one."""
    beside = REPOSITORY.parent / "shared" / "data" / "tfds"
    folder = Path(os.environ.get("TFDS_DATA_DIR", beside))
    if not (folder / "mnist").is_dir():
        pytest.skip("no prepared MNIST: set TFDS_DATA_DIR to a folder that holds it")
    return folder
