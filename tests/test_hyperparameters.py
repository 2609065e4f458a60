"""What hyperparameters shape, and the sentence that a wrong one gives."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kerasae
from kerasae.builders import build


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(1, 1, 1), (5, 9, 3), (17, 31, 1), (64, 48, 3)]
)
@pytest.mark.parametrize("code", ["dense", "spatial"])
def test_any_size_reconstructs_at_its_size(height, width, channels, code):
    model = kerasae.build_convolutional(
        input_shape=(height, width, channels), code_size=2, hidden=(4, 4, 4), code=code
    )
    assert model.output_shape == (None, height, width, channels)
    images = np.zeros((2, height, width, channels), np.float32)
    assert model(images).shape == images.shape


def test_the_hyperparameters_shape_the_network():
    model = kerasae.build_undercomplete(
        input_shape=(8, 8, 1), code_size=5, hidden=(40, 20), activation="tanh", loss="mse"
    )
    units = [
        layer.units
        for part in ("encoder", "decoder")
        for layer in model.get_layer(part).layers
        if isinstance(layer, keras.layers.Dense)
    ]
    assert units == [40, 20, 5, 20, 40, 64]
    assert model.get_layer("encoder").get_layer("encode_1").activation is keras.activations.tanh
    assert model.get_layer("decoder").get_layer("pixels").activation is keras.activations.linear
    bce = kerasae.build_undercomplete()
    assert bce.get_layer("decoder").get_layer("pixels").activation is keras.activations.sigmoid


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("undercomplete", {"code_size": 0}, "`code_size` must be a positive integer. Received"),
        ("undercomplete", {"code_size": 784}, "`code_size` must be smaller than the 784 values"),
        ("undercomplete", {"code_size": True}, "`code_size` must be a positive integer"),
        ("undercomplete", {"hidden": (8, -1)}, "`hidden` must hold positive integers"),
        ("undercomplete", {"hidden": 8}, "`hidden` must hold positive integers"),
        ("undercomplete", {"input_shape": (28, -28, 1)}, "`input_shape` must be"),
        ("undercomplete", {"loss": "none"}, "`loss` must be the name of a loss of Keras"),
        ("convolutional", {"hidden": ()}, "`hidden` must name the filters of at least one"),
        ("convolutional", {"code": "round"}, "`code` must be one of"),
        ("convolutional", {"kernel_size": 1.5}, "`kernel_size` must be a positive integer"),
    ],
)
def test_bad_hyperparameters_give_one_sentence(name, wrong, message):
    with pytest.raises(ValueError, match=message):
        build(name, **wrong)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="`name` must be one of undercomplete"):
        build("transformer")
    with pytest.raises(TypeError, match="takes the hyperparameters input_shape.*Received: depth"):
        build("undercomplete", depth=3)
