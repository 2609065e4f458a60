"""Errors of layers: the one that quantisation harms is found, and exact ones are exact."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasae_export import convert
from kerasae_export.format.manifest import Part
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.litemodel import LiteModel
from kerasae_export.verification.layers import EXACT, LayerError, compare_layers, worst_layer
from kerasae_export.verification.parts import Side


def side(path):
    content = path.read_bytes()
    model = LiteModel(content)
    return Side("encoder", Part(path.name, model.input, model.output), content, Graph(content))


@pytest.fixture(scope="module")
def net(rng_module):
    """Four layers, of which `bad` has weights that int8 cannot hold.

    Its first input is always 0, but has a weight so large that the others round to nothing.
    """
    values = keras.Input((12,))
    x = keras.layers.Dense(16, activation="relu", name="first")(values)
    x = keras.layers.Dense(16, activation="relu", name="bad")(x)
    x = keras.layers.Dense(16, activation="relu", name="third")(x)
    model = keras.Model(values, keras.layers.Dense(4, name="last")(x), name="encoder")
    for layer in model.layers[1:]:
        kernel = rng_module.normal(size=layer.kernel.shape).astype(np.float32)
        if layer.name == "first":
            kernel[:, 0] = 0
        if layer.name == "bad":
            kernel[0] = 200
        layer.set_weights([kernel, np.zeros(kernel.shape[1], np.float32)])
    return model


@pytest.fixture(scope="module")
def rng_module():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def files(net, rng_module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    values = rng_module.normal(size=(100, 12)).astype(np.float32)
    return {
        scheme: convert(net, folder / f"{scheme}.tflite", scheme=scheme, calibration=values)
        for scheme in ("float32", "int8")
    }


@pytest.mark.slow
def test_the_layer_that_int8_harms_is_found(files, rng):
    values = rng.normal(size=(8, 12))
    layers, unmatched = compare_layers(side(files["int8"]), files["float32"].read_bytes(), values)
    assert unmatched == 0
    assert [x.layer for x in layers] == ["input", "first", "bad", "third", "last"]
    worst = worst_layer(layers)
    assert worst.layer == "bad"
    assert worst.own < 15
    healthy = [x for x in layers if x.layer != "bad"]
    assert all(30 < x.own < 70 for x in healthy)
    # What follows inherits the error, but is not to blame.
    assert all(x.total < 20 for x in layers[2:])
    assert layers[1].total > 30


def test_float32_against_itself_is_exact(files, rng):
    layers, unmatched = compare_layers(
        side(files["float32"]), files["float32"].read_bytes(), rng.normal(size=(2, 12))
    )
    assert unmatched == 0
    assert [x.layer for x in layers] == ["first", "bad", "third", "last"]
    assert all(x.own == x.total == EXACT for x in layers)


def test_the_ratio_of_a_rounded_input_is_that_of_uniform_noise(files, rng):
    """A step s adds s^2 / 12."""
    stored = side(files["int8"])
    values = np.clip(rng.normal(size=(400, 12)), -2, 2)
    layers, _ = compare_layers(stored, files["float32"].read_bytes(), values)
    expected = 10 * np.log10(np.square(values).mean() / (stored.part.input.scale**2 / 12))
    assert layers[0].own == pytest.approx(expected, abs=0.3)


def test_layers_without_a_twin_are_counted(files, net, converter, rng, tmp_path):
    other = keras.Model(net.input, net.get_layer("third").output)
    path = converter.convert(other, tmp_path / "short.tflite", scheme="float32")
    layers, unmatched = compare_layers(
        side(files["int8"]), path.read_bytes(), rng.normal(size=(2, 12))
    )
    assert unmatched == 1
    assert [x.layer for x in layers] == ["input", "first", "bad", "third"]


def test_no_layers_have_no_worst():
    assert worst_layer([]) is None
    assert worst_layer([LayerError("a", "ADD", None, 3.0)]) is None
