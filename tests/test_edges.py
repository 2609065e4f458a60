"""The edges of a converted file: their types in int8, and sizes that are free."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras import layers

from kerasae_export.conversion.split import predict
from kerasae_export.runtime.graph import Graph


def small(shape=(8, 8, 1)) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input(shape, name="image")
    x = layers.Conv2D(4, 3, 2, padding="same", activation="relu")(image)
    x = layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")(x)
    return keras.Model(image, x, name="small")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).random((30, 8, 8, 1)).astype(np.float32)


def run(path, values):
    """The first output of any batch, with quantised edges read and written by their scales."""
    runner = Interpreter(str(path)).get_signature_runner("serving_default")
    (details,), (out,) = runner.get_input_details().values(), runner.get_output_details().values()
    scale, zero = details["quantization"]
    if scale:
        bounds = np.iinfo(details["dtype"])
        values = np.clip(np.round(values / scale + zero), bounds.min, bounds.max)
    found = runner(input=values.astype(details["dtype"]))["output_0"]
    scale, zero = out["quantization"]
    return (found.astype(float) - zero) * scale if scale else found


@pytest.mark.parametrize("edges", ["uint8", "int8", "float32"])
def test_edges_of_int8_are_of_the_type_that_is_asked_for(edges, images, converter, tmp_path):
    model = small()
    path = tmp_path / "m.tflite"
    converter.convert(model, path, calibration=images, edges=edges)
    runner = Interpreter(str(path)).get_signature_runner("serving_default")
    for details in (runner.get_input_details(), runner.get_output_details()):
        assert [np.dtype(x["dtype"]).name for x in details.values()] == [edges]
    assert np.abs(run(path, images[:1]) - predict(model, images[:1])).max() < 0.03
    kinds = [x.name for x in Graph(path.read_bytes(), "serving_default").operators]
    inner = {"CONV_2D": 1, "TRANSPOSE_CONV": 1, "LOGISTIC": 1}
    assert {kind: kinds.count(kind) for kind in inner} == inner
    assert len(kinds) - 3 == {"uint8": 2, "int8": 0, "float32": 2}[edges]


@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_a_batch_of_any_size_is_computed(scheme, images, converter, tmp_path):
    model = small()
    path = tmp_path / "m.tflite"
    converter.convert(model, path, scheme=scheme, calibration=images, dynamic_batch=True)
    for count in (1, 5):
        found = run(path, images[:count])
        expected = predict(model, images[:count])
        np.testing.assert_allclose(found, expected, atol=1e-5 if scheme == "float32" else 0.03)


def test_height_and_width_are_free_where_they_are_in_the_model(converter, tmp_path):
    model, path = small((None, None, 1)), tmp_path / "m.tflite"
    converter.convert(model, path, scheme="float32", dynamic_batch=True)
    rng = np.random.default_rng(0)
    for shape in ((1, 8, 8, 1), (2, 12, 20, 1)):
        values = rng.random(shape).astype(np.float32)
        np.testing.assert_allclose(run(path, values), predict(model, values), atol=1e-5)


def test_bad_edges_give_one_sentence(images, converter, tmp_path):
    model, path = small(), tmp_path / "m.tflite"
    for options, message in (
        ({"edges": "int4"}, "`edges` must be one of uint8, int8, float32. Received: edges='int4'"),
        ({"edges": "int8", "scheme": "dynamic"}, "`edges` must be float32 with the scheme 'dyna"),
        ({"dynamic_batch": 1}, "`dynamic_batch` must be True or False. Received: dynamic_batch=1"),
    ):
        with pytest.raises(ValueError, match=message):
            converter.convert(model, path, calibration=images, **options)
    assert not path.exists()
