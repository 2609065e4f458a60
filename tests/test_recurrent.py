"""The sequence autoencoder, against recurrences written out in NumPy."""

from __future__ import annotations

import time

import keras
import numpy as np
import pytest

import kerasae
from kerasae.training import TrainConfig, train
from kerasae_export import ConversionError
from kerasae_export.runtime.litemodel import LiteModel


def make(**hyperparameters) -> keras.Model:
    keras.utils.set_random_seed(0)
    return kerasae.build_recurrent(**hyperparameters)


@pytest.mark.slow
def test_long_sequences_stay_a_loop_which_int8_refuses_at_once(converter, tmp_path):
    model = make(input_shape=(140, 1), code_size=16, hidden=(32,))
    encoder = kerasae.encoder(model)
    path = tmp_path / "e.tflite"
    x = np.random.default_rng(0).standard_normal((8, 140, 1)).astype(np.float32)
    began = time.monotonic()
    with pytest.raises(ConversionError, match=r"'encode_1' would .* its 140 steps.*conv1d"):
        converter.convert(encoder, path, calibration=x)
    assert time.monotonic() - began < 20
    converter.convert(encoder, path, scheme="dynamic")
    assert path.stat().st_size < 40_000
    found = LiteModel(path.read_bytes()).run(x)
    np.testing.assert_allclose(found, encoder(x), atol=2e-3)
    short = kerasae.encoder(make(input_shape=(64, 1), code_size=2, hidden=(4,)))
    assert short.get_layer("encode_1").unroll


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """All states of (B, T, F): `c = f c + i tanh(.)`, `h = o tanh(c)`."""
    kernel, recurrent, bias = weights
    h = c = np.zeros((len(x), len(recurrent)))
    states = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)


def gru(x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """All states of (B, T, F): `h = z h + (1 - z) tanh(x W + r (h U + b))`."""
    kernel, recurrent, (bias, recurrent_bias) = weights
    h = np.zeros((len(x), len(recurrent)))
    states = []
    for t in range(x.shape[1]):
        xz, xr, xh = np.split(x[:, t] @ kernel + bias, 3, axis=-1)
        hz, hr, hh = np.split(h @ recurrent + recurrent_bias, 3, axis=-1)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        h = z * h + (1 - z) * np.tanh(xh + r * hh)
        states.append(h)
    return np.stack(states, axis=1)


@pytest.mark.parametrize(
    ("cell", "states"), [("lstm", lstm), pytest.param("gru", gru, marks=pytest.mark.slow)]
)
def test_the_encoder_reads_backwards_and_the_decoder_has_only_the_code(cell, states, rng):
    model = make(input_shape=(5, 2), code_size=3, hidden=(6, 4), cell=cell)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    weights = {
        layer.name: layer.get_weights()
        for part in ("encoder", "decoder")
        for layer in model.get_layer(part).layers
        if layer.weights
    }
    x = rng.normal(size=(7, 5, 2))
    first = states(x[:, ::-1], weights["encode_1"])
    last = states(first, weights["encode_2"])[:, -1]
    kernel, bias = weights["code"]
    code = last @ kernel + bias
    np.testing.assert_allclose(
        kerasae.encoder(model).predict(x, verbose=0), code, rtol=1e-4, atol=1e-5
    )
    repeated = np.repeat(code[:, None], 5, axis=1)
    outward = states(states(repeated, weights["decode_1"]), weights["decode_2"])
    kernel, bias = weights["steps"]
    expected = outward @ kernel + bias
    for net, value in ((model, x), (kerasae.inference_model(model), x)):
        np.testing.assert_allclose(net.predict(value, verbose=0), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", pytest.param("gru", marks=pytest.mark.slow)])
def test_the_deployable_halves_are_unrolled_stock_layers_with_the_same_weights(cell, rng):
    model = make(input_shape=(4, 1), code_size=2, hidden=(3,), cell=cell)
    encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
    inner = [*encoder.layers, *decoder.layers]
    assert all(type(layer).__module__.startswith("keras.") for layer in inner)
    cells = [layer for layer in inner if isinstance(layer, keras.layers.RNN)]
    assert [layer.unroll for layer in cells] == [True, True]
    assert not model.get_layer("encoder").get_layer("encode_1").unroll
    x = rng.random((16, 4, 1)).astype(np.float32)
    before = encoder.predict(x, verbose=0)
    model.set_weights([w + 0.1 for w in model.get_weights()])
    after = encoder.predict(x, verbose=0)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(
        model.predict(x, verbose=0), decoder.predict(after, verbose=0), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param("mse", marks=pytest.mark.slow),
        pytest.param("binary_crossentropy", marks=pytest.mark.slow),
        "categorical_crossentropy",
    ],
)
def test_the_loss_is_on_the_scale_that_is_documented(loss, rng):
    model = make(input_shape=(6, 5), code_size=3, hidden=(8,), cell="conv1d", loss=loss)
    x = np.eye(5, dtype=np.float32)[rng.integers(5, size=(9, 6))]
    y = model.predict(x, verbose=0).astype(float)
    expected = {
        "mse": lambda: np.square(x - y).mean(),
        "binary_crossentropy": lambda: -np.mean(np.log(np.where(x == 1, y, 1 - y))),
        "categorical_crossentropy": lambda: -np.log((x * y).sum(-1)).mean(),
    }[loss]()
    found = model.evaluate(x, x, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(expected, rel=1e-4)
    if loss == "categorical_crossentropy":
        np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-5)
        assert found["accuracy"] == pytest.approx((x.argmax(-1) == y.argmax(-1)).mean())


@pytest.mark.parametrize("length", [1, 7, 16])
def test_convolutions_take_any_length(length):
    model = make(input_shape=(length, 3), code_size=2, hidden=(4, 5, 6), cell="conv1d")
    assert model.output_shape == (None, length, 3)
    x = np.zeros((2, length, 3), np.float32)
    assert model(x).shape == x.shape


def test_sequences_are_trained_in_a_run_folder_and_reload(tmp_path):
    series = kerasae.load_sequences("series", length=32, limit=64)
    model = make(input_shape=series.sequence_shape, code_size=4, hidden=(8,), cell="conv1d")
    history = train(model, series, TrainConfig(epochs=2), out=tmp_path / "run", progress=False)
    assert history.history["val_loss"][1] < history.history["val_loss"][0]
    again = keras.saving.load_model(tmp_path / "run" / "model.keras")
    np.testing.assert_array_equal(
        again.predict(series.test, verbose=0), model.predict(series.test, verbose=0)
    )


@pytest.mark.slow
def test_it_learns_melodies():
    """Far better than the symbol that is most frequent at each step."""
    melodies = kerasae.load_sequences("melodies", limit=6000)
    model = make(
        input_shape=melodies.sequence_shape,
        code_size=64,
        hidden=(64, 128),
        cell="conv1d",
        loss=melodies.loss,
    )
    train(model, melodies, TrainConfig(epochs=8, batch_size=64, learning_rate=3e-3), progress=False)
    mode = np.eye(27)[melodies.train.mean(axis=0).argmax(-1)]
    baseline = (melodies.test * mode).sum(-1).mean()
    found = model.evaluate(melodies.test, melodies.test, verbose=0, return_dict=True)
    assert found["accuracy"] > baseline + 0.15


@pytest.mark.slow
def test_the_error_of_a_reconstruction_finds_anomalies():
    from sklearn.metrics import roc_auc_score

    series = kerasae.load_sequences("series")
    model = make(
        input_shape=series.sequence_shape, code_size=12, hidden=(16, 32, 32), cell="conv1d"
    )
    train(model, series, TrainConfig(epochs=15, batch_size=32, learning_rate=3e-3), progress=False)
    errors = np.square(model.predict(series.test, verbose=0) - series.test).mean(axis=(1, 2))
    assert roc_auc_score(series.test_labels > 0, errors) > 0.9


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"input_shape": (8, 8, 1)}, "`input_shape` must be \\(length, features\\)"),
        ({"cell": "rnn"}, "`cell` must be one of 'lstm', 'gru', 'conv1d'"),
        ({"loss": "none"}, "`loss` must be the name of a loss of Keras"),
        ({"hidden": ()}, "`hidden` must name the units of at least one layer"),
        ({"code_size": 0}, "`code_size` must be a positive integer"),
        ({"learning_rate": 0}, "`learning_rate` must be a number above 0"),
    ],
)
def test_bad_hyperparameters_give_one_sentence(wrong, message):
    with pytest.raises(ValueError, match=message):
        kerasae.build_recurrent(**wrong)
