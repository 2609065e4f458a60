"""The scheme int8 means every operator, or an error that names the layers."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras import layers, ops

import kerasae
from kerasae_export import ConversionError
from kerasae_export.conversion.float_layers import float_layers
from kerasae_export.conversion.integers import in_integers
from kerasae_export.conversion.split import predict, predict_all
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.litemodel import LiteModel


def volumes() -> keras.Model:
    image = keras.Input((4, 4, 4, 1))
    x = layers.Conv3D(2, 3, 2, "same", activation="relu", name="down")(image)
    return keras.Model(image, layers.Conv3DTranspose(1, 3, 2, "same", name="up")(x), name="m")


def two_ends() -> keras.Model:
    """A layer of the model's own name, and one of which the converter keeps no name."""
    image = keras.Input((4, 4, 1))
    x = layers.Conv2D(2, 3, activation="elu", name="m")(image)
    fine = layers.Conv2D(2, 1, name="fine")(x)
    return keras.Model(image, [fine, layers.ELU(name="last")(fine)], name="m")


def halves() -> keras.Model:
    model = kerasae.build_convolutional(
        input_shape=(8, 8, 1), hidden=(4,), code_size=4, activation="elu"
    )
    return keras.Model(model.input, kerasae.inference_model(model)(model.input), name="m")


def bare() -> keras.Model:
    image = keras.Input((4, 4, 1))
    x = layers.LayerNormalization(name="even")(layers.Conv2D(2, 3, name="conv")(image))
    return keras.Model(image, layers.Dense(3)(ops.square(x)), name="m")


@pytest.mark.parametrize(
    ("make", "named"),
    [
        pytest.param(
            volumes, "'down' (CONV_3D) and 'up' (CONV_3D_TRANSPOSE) stay", marks=pytest.mark.slow
        ),
        (two_ends, "'m' (ELU) and 'last' (ELU) stay"),
        pytest.param(halves, "'encode_1' (ELU) and 'decode_1' (ELU) stay", marks=pytest.mark.slow),
        (bare, "'even' (NEG) and an operation outside of layers (SQUARE) stay"),
    ],
)
def test_layers_that_stay_in_float32_are_refused_by_name(make, named, converter, tmp_path):
    keras.utils.set_random_seed(0)
    model = make()
    values = np.random.default_rng(0).random((20, *model.input_shape[1:]), np.float32)
    target = tmp_path / "m.tflite"
    with pytest.raises(ConversionError) as caught:
        converter.convert(model, target, calibration=values)
    message = str(caught.value)
    assert f"'int8' does not fit model 'm', because {named} in float32: use" in message
    assert "`allow_float=True`" in message
    assert not list(tmp_path.iterdir())
    converter.convert(model, target, calibration=values, allow_float=True)
    found = float_layers(target.read_bytes(), "serving_default", model)
    assert " and ".join(found) == named.removesuffix(" stay")
    (expected, *_) = predict_all(model, [values])
    runner = Interpreter(str(target)).get_signature_runner("serving_default")
    scale, zero_point = runner.get_output_details()["output_0"]["quantization"]
    levels = np.floor(values * 255 + 0.5).astype(np.uint8)
    got = [runner(input=level[None])["output_0"].astype(float) for level in levels]
    difference = (np.concatenate(got) - zero_point) * scale - expected
    assert np.abs(difference).mean() < 0.05 * np.ptp(expected)


@pytest.mark.slow
def test_a_pair_names_the_half_that_stays(converter, tmp_path):
    images = np.random.default_rng(0).random((9, 8, 8, 1), np.float32)
    elu, relu = (
        kerasae.build_undercomplete(
            input_shape=(8, 8, 1), hidden=(8,), code_size=4, activation=activation
        )
        for activation in ("elu", "relu")
    )
    encoder, decoder = kerasae.encoder(relu), kerasae.decoder(elu)
    with pytest.raises(ConversionError, match=r"model 'decoder', because 'decode_1' \(ELU\) stays"):
        converter.convert_both(encoder, decoder, tmp_path / "m.tflite", calibration=images)
    converter.convert_both(
        encoder, decoder, tmp_path / "m.tflite", calibration=images, allow_float=True
    )


def test_rounding_is_a_table_in_integers(converter, tmp_path):
    """All inputs that there are, on a step that is none of the quantisation."""
    value = keras.Input((4, 4, 1))
    same = layers.Conv2D(1, 1, kernel_initializer="ones", name="same")(value)
    model = keras.Model(value, ops.floor(same / 0.3 + 0.5) * 0.3)
    pixels = np.arange(256).reshape(16, 4, 4, 1) / 255 * 5 - 2.5
    path = converter.convert(model, tmp_path / "m.tflite", calibration=pixels)
    graph, lite = Graph(path.read_bytes()), LiteModel(path.read_bytes())
    assert {"CAST", "ADD", "GATHER"} < {operator.name for operator in graph.operators}
    assert no_floats(path.read_bytes())
    steps = lite.run(pixels) / 0.3
    assert np.abs(steps - np.floor(steps + 0.5)).max() < 0.05  # but for the output's own scale
    assert np.abs(steps - predict(model, pixels) / 0.3).mean() < 0.05
    assert in_integers(path.read_bytes()) == path.read_bytes()


@pytest.mark.slow
def test_an_output_that_nobody_reads_keeps_no_operator_in_float32(converter, tmp_path):
    keras.utils.set_random_seed(0)
    value = keras.Input((6, 5))
    left, _, right = ops.split(layers.Dense(12, name="dense")(value), 3, axis=-1)
    best = ops.top_k(ops.tanh(left) + right, 2)[1]
    model = keras.Model(value, best)
    values = np.random.default_rng(0).normal(size=(50, 6, 5)).astype(np.float32)
    path = converter.convert(model, tmp_path / "m.tflite", calibration=values)
    assert {"SPLIT", "TOPK_V2"} < {o.name for o in Graph(path.read_bytes()).operators}
    assert no_floats(path.read_bytes())
    assert (LiteModel(path.read_bytes()).run(values) == predict(model, values)).mean() > 0.95


def no_floats(content: bytes) -> bool:
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    return not [t for t in interpreter.get_tensor_details() if t["dtype"] == np.float32]
