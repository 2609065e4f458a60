"""A bundle whose quantisation harms its model is exported with a warning."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
from keras import layers

from kerasae_export import export_bundle
from kerasae_export.bundling.quantisation_loss import LIMIT
from kerasae_export.verification.outcome import tolerance


def images(count: int = 40) -> np.ndarray:
    """Of which the first pixel is black."""
    values = np.random.default_rng(0).random((count, 4, 8, 1), np.float32)
    values[:, 0, 0] = 0
    return values


def linear(encode: np.ndarray, decode: np.ndarray) -> keras.Model:
    """An autoencoder of two matrices."""
    image, code = keras.Input((4, 8, 1), name="image"), keras.Input((32,), name="code")
    inner = layers.Dense(32, name="dense")
    encoder = keras.Model(image, inner(layers.Flatten(name="flat")(image)), name="encoder")
    pixels = layers.Dense(32, name="pixels")
    decoder = keras.Model(code, layers.Reshape((4, 8, 1))(pixels(code)), name="decoder")
    inner.set_weights([encode, np.zeros(32)])
    pixels.set_weights([decode, np.zeros(32)])
    return keras.Model(image, decoder(encoder(image)), name="linear")


@pytest.fixture
def sound() -> keras.Model:
    return linear(np.eye(32), 0.8 * np.eye(32))


@pytest.fixture
def wide() -> keras.Model:
    """A code of which one value is fifty times as large as the others."""
    scales = np.array([1.0, 50.0, *[1.0] * 30])
    return linear(np.diag(scales), np.diag(0.8 / scales))


@pytest.fixture
def heavy() -> keras.Model:
    """Weights that are a thousand times as large as the others, and that only see black."""
    kernel = np.eye(32)
    kernel[0] = 1000
    return linear(kernel, np.eye(32))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scheme", "better"),
    [
        ("wide", "int8", "dynamic"),
        ("heavy", "int8", "float16"),
        ("heavy", "dynamic", "float16"),
    ],
)
def test_a_loss_is_warned_of_with_the_scheme_to_take(name, scheme, better, request, tmp_path):
    model, folder = request.getfixturevalue(name), tmp_path / "b"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        export_bundle(model, folder, scheme=scheme, calibration=images())
    (warning,) = caught
    assert warning.filename == __file__
    message = str(warning.message)
    assert f"The scheme '{scheme}' loses" in message
    assert f'Take `scheme="{better}"`, which loses' in message
    lost, rebuilt, stored = (
        float(message.split(before)[1].split()[0].rstrip(","))
        for before in ("' loses ", "PSNR of ", "the bundle with ")
    )
    assert lost == pytest.approx(rebuilt - stored, abs=0.02)
    assert lost > 0.3
    export_bundle(model, folder, scheme=better, calibration=images())  # warnings are errors


@pytest.mark.parametrize("scheme", ["int8", pytest.param("dynamic", marks=pytest.mark.slow)])
def test_a_sound_model_gives_no_warning(sound, scheme, tmp_path):
    folder = export_bundle(sound, tmp_path / "b", scheme=scheme, calibration=images())
    assert (folder / "manifest.json").is_file()


def test_the_limit_is_that_of_a_verification():
    assert tolerance("psnr_loss", "int8") == tolerance("psnr_loss", "dynamic") == LIMIT
