"""Layers against NumPy: what they add to the loss, what they do to images, and when."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.special import rel_entr

import kerasae
from kerasae.builders.sparse import keep_largest
from kerasae.layers import (
    GaussianCorruption,
    KLSparsity,
    L1Sparsity,
    MaskingCorruption,
    SaltAndPepper,
)

LAYERS = [
    GaussianCorruption(0.3, seed=1),
    MaskingCorruption(0.3, seed=1),
    SaltAndPepper(0.3, seed=1),
    L1Sparsity(0.5),
    KLSparsity(0.1, 2.0),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_layers_survive_a_save_and_are_the_identity_at_inference(layer, tmp_path, rng):
    image = keras.Input((6, 5, 2))
    model = keras.Model(image, type(layer).from_config(layer.get_config())(image))
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    assert again.layers[-1].get_config() == model.layers[-1].get_config()
    images = rng.random((3, 6, 5, 2)).astype(np.float32)
    np.testing.assert_array_equal(again(images, training=False), images)
    assert again.output_shape == (None, 6, 5, 2)


def corrupted(layer: keras.layers.Layer, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(layer(images, training=True))


def test_gaussian_corruption_has_its_level_and_its_range():
    images = np.full((50, 40, 40, 1), 0.5, np.float32)
    noise = corrupted(GaussianCorruption(0.1, seed=0), images) - 0.5
    assert abs(noise.mean()) < 1e-3
    assert noise.std() == pytest.approx(0.1, rel=0.01)
    strong = corrupted(GaussianCorruption(2.0, seed=0), images)
    assert strong.min() == 0
    assert strong.max() == 1


def test_masking_hides_whole_pixels_of_the_wanted_share():
    images = np.full((50, 40, 40, 3), 0.5, np.float32)
    hidden = corrupted(MaskingCorruption(0.3, seed=0), images) == 0
    assert hidden.mean() == pytest.approx(0.3, abs=0.01)
    assert (hidden.all(axis=-1) == hidden.any(axis=-1)).all()


def test_salt_and_pepper_are_halves():
    result = corrupted(SaltAndPepper(0.4, seed=0), np.full((50, 40, 40, 1), 0.5, np.float32))
    assert (result == 0).mean() == pytest.approx(0.2, abs=0.01)
    assert (result == 1).mean() == pytest.approx(0.2, abs=0.01)
    assert (result == 0.5).mean() == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("kind", [GaussianCorruption, MaskingCorruption, SaltAndPepper])
def test_noise_is_new_each_time_and_repeats_with_its_seed(kind):
    images = np.full((2, 8, 8, 1), 0.5, np.float32)
    one, two = kind(0.5, seed=3), kind(0.5, seed=3)
    first = corrupted(one, images)
    assert not np.array_equal(first, corrupted(one, images))
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(first, corrupted(two, images))


def test_l1_adds_the_sum_over_units(rng):
    code = rng.normal(size=(4, 7)).astype(np.float32)
    layer = L1Sparsity(0.3)
    layer(code)
    (loss,) = layer.losses
    assert float(loss) == pytest.approx(0.3 * np.abs(code).sum() / 4, rel=1e-5)


def test_kl_adds_the_divergence_of_the_mean_activations(rng):
    code = rng.random((16, 7)).astype(np.float32)
    layer = KLSparsity(0.2, 1.5)
    layer(code)
    q = code.mean(axis=0)
    expected = 1.5 * (rel_entr(0.2, q) + rel_entr(0.8, 1 - q)).sum()
    (loss,) = layer.losses
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_top_k_keeps_the_largest(rng):
    code = rng.normal(size=(20, 30)).astype(np.float32)
    kept = keras.ops.convert_to_numpy(keep_largest(code, 6))
    for row, result in zip(code, kept, strict=True):
        largest = np.sort(row)[-6:]
        np.testing.assert_array_equal(result, np.where(row >= largest[0], row, 0))


@pytest.mark.parametrize(
    ("penalty", "strong", "weak"),
    [("l1", {"weight": 1e-2}, {"weight": 1e-6}), ("kl", {"beta": 0.3}, {"beta": 1e-6})],
)
@pytest.mark.slow
def test_a_stronger_penalty_gives_a_sparser_code(digits, penalty, strong, weak):
    def activity(strength):
        keras.utils.set_random_seed(0)
        model = kerasae.build_sparse(
            input_shape=(8, 8, 1), code_size=100, penalty=penalty, **strength
        )
        model.fit(digits.train, digits.train, epochs=5, verbose=0)
        return float(np.mean(kerasae.encoder(model)(digits.test)))

    assert activity(strong) < 0.5 * activity(weak)


def test_an_overcomplete_code_must_say_what_keeps_it_from_copying(digits):
    with pytest.raises(ValueError, match="or None to see the model copy its input"):
        kerasae.build_overcomplete(input_shape=(8, 8, 1), code_size=64)
    with pytest.raises(ValueError, match="at least the 64 values"):
        kerasae.build_overcomplete(input_shape=(8, 8, 1), code_size=63, regularizer=None)
    with pytest.raises(TypeError, match="`strengths` may be weight, rho"):
        kerasae.build_overcomplete(input_shape=(8, 8, 1), regularizer="l1", lamda=1)


@pytest.mark.parametrize("clip", [True, False])
def test_gaussian_noise_leaves_the_range_of_pixels_only_if_it_may(clip, digits):
    model = kerasae.build_denoising(base="undercomplete", clip=clip, input_shape=(8, 8, 1))
    noisy = np.asarray(model.get_layer("corruption")(digits.test, training=True))
    assert (noisy.min() >= 0 and noisy.max() <= 1) == clip


@pytest.mark.slow
def test_denoising_beats_the_noise(digits):
    """On noisy digits, the model that was trained with noise beats noise and plain model."""
    rng = np.random.default_rng(0)
    noisy = np.clip(digits.test + 0.3 * rng.normal(size=digits.test.shape), 0, 1)
    shared = {"input_shape": (8, 8, 1), "code_size": 24, "hidden": (128,), "loss": "mse"}
    errors = {}
    for name, build in (
        ("plain", lambda: kerasae.build_undercomplete(**shared)),
        ("denoising", lambda: kerasae.build_denoising(base="undercomplete", level=0.3, **shared)),
    ):
        keras.utils.set_random_seed(0)
        model = build()
        model.fit(digits.train, digits.train, epochs=30, verbose=0)
        errors[name] = np.square(model.predict(noisy, verbose=0) - digits.test).mean()
    assert errors["denoising"] < 0.7 * errors["plain"]
    assert errors["denoising"] < 0.5 * np.square(noisy - digits.test).mean()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"base": "denoising"}, "`base` must be one of"),
        ({"clip": "no"}, "`clip` must be True or False. Received: clip='no'"),
        ({"corruption": "blur"}, "`corruption` must be one of"),
        ({"level": 0}, "`level` must be a number above 0"),
        ({"corruption": "masking", "level": 1.5}, "`level` must be a fraction"),
        ({"depth": 3}, "`convolutional` takes the hyperparameters"),
    ],
)
def test_denoising_checks_its_arguments(wrong, message):
    with pytest.raises((ValueError, TypeError), match=message):
        kerasae.build_denoising(**wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"penalty": "l0"}, "`penalty` must be one of 'l1'"),
        ({"penalty": "topk", "k": 2000}, "`k` must be at most `code_size`, 1024"),
        ({"penalty": "kl", "rho": 1.0}, "`rho` must be a number above 0 and below 1"),
        ({"penalty": "dropout", "rate": 0}, "`rate` must be a number above 0"),
        ({"weight": "big"}, "`weight` must be a number above 0"),
    ],
)
def test_sparse_checks_its_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        kerasae.build_sparse(**wrong)
