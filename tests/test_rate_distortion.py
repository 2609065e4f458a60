"""The rate-distortion autoencoder: rounding, bits against entropy, and the codec behind it."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit
from scipy.stats import entropy

import kerasae
from kerasae.layers import Distortion, EntropyBottleneck
from kerasae.models import Autoencoder
from kerasae_export import Codec, export_bundle


def built(channels: int, **options) -> EntropyBottleneck:
    layer = EntropyBottleneck(**{"step": 1.0, "seed": 0, **options})
    layer(np.zeros((1, channels), np.float32))
    return layer


def test_training_adds_noise_and_inference_rounds(rng):
    layer = built(3)
    values = rng.normal(scale=5, size=(2000, 3)).astype(np.float32)
    noise = ops.convert_to_numpy(layer(values, training=True)) - values
    assert -0.5001 < noise.min() < -0.49
    assert 0.49 < noise.max() < 0.5001
    assert noise.std() == pytest.approx(12**-0.5, rel=0.02)
    np.testing.assert_array_equal(layer(values, training=False), np.floor(values + 0.5))
    halves = np.float32([[-1.5, 0.5, 2.5]])
    np.testing.assert_array_equal(layer(halves, training=False), [[-1, 1, 3]])  # as the codec does


def test_a_finer_step_is_the_same_on_its_scale(rng):
    values = rng.normal(scale=5, size=(50, 3)).astype(np.float32)
    coarse, fine = built(3), built(3, step=0.25)
    fine.set_weights(coarse.get_weights())
    codes = ops.convert_to_numpy(coarse(values, training=False))
    np.testing.assert_array_equal(fine(values / 4, training=False), codes / 4)
    np.testing.assert_allclose(fine.bits(codes / 4), coarse.bits(codes), rtol=1e-6)
    np.testing.assert_array_equal(fine.encoder_tail()(values / 4), codes / 4)


def test_the_probabilities_of_all_integers_sum_to_one():
    layer = built(2)
    integers = np.arange(-4000, 4001, dtype=np.float32)
    edges = np.stack([np.append(integers - 0.5, integers[-1] + 0.5)] * 2)[:, None]
    cumulative = expit(ops.convert_to_numpy(layer.cumulative(edges)).astype(float))[:, 0]
    assert (np.diff(cumulative) >= 0).all()
    bits = ops.convert_to_numpy(layer.bits(np.repeat(integers[:, None], 2, axis=1)))
    middle = np.abs(integers) < 20
    each = -np.log2(np.diff(cumulative)[:, middle]).sum(axis=0)
    np.testing.assert_allclose(bits[middle], each, rtol=1e-3)
    total = cumulative[:, -1] - cumulative[:, 0]
    np.testing.assert_allclose(total, 1, atol=1e-3)


def test_bits_are_summed_over_positions_and_channels(rng):
    layer = built(4)
    grid = np.floor(rng.normal(scale=3, size=(5, 2, 3, 4))).astype(np.float32)
    each = ops.convert_to_numpy(layer.bits(grid.reshape(-1, 4))).reshape(5, 6).sum(axis=1)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.bits(grid)), each, rtol=1e-5)
    layer(grid, training=False)
    assert float(layer.losses[-1]) == pytest.approx(each.mean(), rel=1e-5)


@pytest.mark.slow
def test_the_density_learns_the_entropy_of_its_source(rng):
    """Two channels, a skewed and a two-peaked one: bits fall to what scipy says is least."""
    first = np.floor(rng.gamma(2.0, 2.0, size=4000))
    second = np.floor(rng.normal(size=4000) + rng.choice([-6, 6], size=4000) + 0.5)
    codes = np.stack([first, second], axis=1).astype(np.float32)
    least = sum(entropy(np.unique(c, return_counts=True)[1], base=2) for c in codes.T)
    keras.utils.set_random_seed(0)
    code = keras.Input((2,))
    model = Autoencoder(code, EntropyBottleneck(1.0, seed=0)(code))
    model.compile(optimizer=keras.optimizers.Adam(2e-2), steps_per_execution=20)
    model.fit(codes, batch_size=200, epochs=25, verbose=0)
    bits = model.evaluate(codes, verbose=0, return_dict=True)["rate"]
    assert least < bits < 1.03 * least


def test_the_distortion_is_on_the_scale_of_pixels(rng):
    image, reconstruction = rng.random((2, 3, 4, 5, 3)).astype(np.float32)
    layer = Distortion(0.02)
    np.testing.assert_array_equal(layer(image, reconstruction), reconstruction)
    mse = np.square(255 * (image - reconstruction)).mean()  # no pixel is quite black or white
    assert float(layer.losses[0]) == pytest.approx(0.02 * 20 * mse, rel=1e-5)


def test_what_a_viewer_clips_is_no_error():
    """Beyond black where the pixel is black, and beyond white where it is white; nothing else."""
    image = np.float32([0, 0, 1, 1, 0.25, 0.25]).reshape(1, 1, 6, 1)
    pixels = np.float32([-0.5, 0.1, 1.5, 0.8, -0.25, 1.25]).reshape(1, 1, 6, 1)
    layer = Distortion(1.0)
    layer(image, pixels)
    errors = np.array([0, 0.1, 0, -0.2, -0.5, 1])
    assert float(layer.losses[0]) == pytest.approx(255**2 * np.square(errors).sum(), rel=1e-5)
    # Of a pixel between black and white an excess counts in full, so that its gradient lives.
    shown = np.clip(pixels, 0, 1) - image
    assert float(layer.losses[0]) > 255**2 * np.square(shown).sum()


def build(lmbda: float) -> keras.Model:
    keras.utils.set_random_seed(0)
    return kerasae.build_rate_distortion(
        input_shape=(8, 8, 1),
        code_size=16,
        hidden=(48,),
        network="dense",
        lmbda=lmbda,
        learning_rate=1e-2,
    )


@pytest.mark.slow
def test_lmbda_trades_bits_for_quality_and_the_codec_pays_what_the_model_says(digits, tmp_path):
    rates, errors = [], []
    for lmbda in (0.001, 0.03):
        model = build(lmbda)
        model.fit(digits.train, digits.train, batch_size=64, epochs=30, verbose=0)
        result = model.evaluate(digits.test, digits.test, verbose=0, return_dict=True)
        expected = result["rate"] + lmbda * result["distortion"]
        assert result["loss"] == pytest.approx(expected, rel=1e-4)
        rates.append(result["rate"])
        errors.append(result["distortion"])
    assert rates[0] < 0.8 * rates[1]
    assert errors[0] > 1.2 * errors[1]

    images = np.round(255 * digits.test).astype(np.uint8)
    sent = (images / 255).astype(np.float32)
    symbols = 8 * kerasae.encoder(model).predict(sent, verbose=0)
    np.testing.assert_array_equal(symbols, np.round(symbols))
    folder = export_bundle(model, tmp_path / "b", scheme="float32", calibration=digits.train)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["facts"]["step_loss_db"] is None
    codec = Codec.load(folder)
    assert set(codec.manifest.codec.best.steps) == {0.125}
    np.testing.assert_array_equal(codec.encode(images[0]).ravel(), symbols[0])
    stream = codec.compress_many(list(images))
    decoded = np.stack(codec.decompress_many(stream)) / 255
    shown = np.clip(model.predict(sent, verbose=0), 0, 1)
    same = (np.abs(decoded - shown) < 1.1 / 255).all(axis=(1, 2, 3))
    assert same.mean() > 0.98  # kernels may differ where a value is just between two symbols
    # The tables of the bundle are counted, the model's density is smooth: about the same bits.
    assert 8 * len(stream) / len(images) == pytest.approx(rates[1], rel=0.15)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="`lmbda` must be a number above 0"):
        kerasae.build_rate_distortion(lmbda=0)
    with pytest.raises(ValueError, match="`code` must be one of 'dense', 'spatial'"):
        kerasae.build_rate_distortion(code="round")
    with pytest.raises(ValueError, match="`network` must be one of 'dense', 'convolutional'"):
        kerasae.build_rate_distortion(network="deep")
    with pytest.raises(TypeError, match="must be among kernel_size, .* Received: stride"):
        kerasae.build_rate_distortion(stride=3)
