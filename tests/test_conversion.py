"""Conversion: of any single model, in a process that may die without harm."""

from __future__ import annotations

import os
import signal

import keras
import numpy as np
import pytest

from kerasae_export import ConversionError, convert
from kerasae_export.conversion import Converter
from kerasae_export.runtime import LiteModel


@pytest.fixture
def classifier() -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(10, activation="softmax")(x), name="classifier")


def test_any_single_model_converts(classifier, digits, tmp_path):
    path = convert(classifier, tmp_path / "c.tflite", calibration=digits.train[:100])
    assert path == tmp_path / "c.tflite"
    lite = LiteModel(path.read_bytes())
    expected = classifier.predict(digits.test[:50], verbose=0)
    assert np.abs(lite.run(digits.test[:50]) - expected).max() < 0.02
    assert [p.name for p in tmp_path.iterdir()] == ["c.tflite"]


def test_calibration_decides_the_input_range(classifier, digits, converter, tmp_path):
    path = converter.convert(classifier, tmp_path / "c.tflite", calibration=digits.train[:50] / 2)
    assert LiteModel(path.read_bytes()).input.scale == pytest.approx(0.5 / 255, rel=1e-3)


def test_a_crash_of_the_converter_is_an_error_message(classifier, digits, tmp_path):
    with Converter() as converter:
        os.kill(converter._process.pid, signal.SIGKILL)
        with pytest.raises(ConversionError, match="died on model 'classifier' with signal 9"):
            converter.convert(classifier, tmp_path / "c.tflite", calibration=digits.train[:9])
    assert not list(tmp_path.iterdir())


def test_custom_layers_are_refused_with_their_name(digits, converter, tmp_path):
    @keras.saving.register_keras_serializable("tests")
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    image = keras.Input((8, 8, 1))
    model = keras.Model(image, Twice()(image), name="custom")
    target = tmp_path / "c.tflite"
    target.write_text("the old file")
    with pytest.raises(ConversionError, match=r"'custom' cannot be converted.*Twice"):
        converter.convert(model, target, scheme="float32")
    assert target.read_text() == "the old file"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "`calibration` must hold real inputs of shape \\(n, 8, 8, 1\\).*calibration=None"),
        ({"calibration": np.zeros((4, 8, 8))}, "Received: shape \\(4, 8, 8\\)"),
        ({"calibration": np.zeros((0, 8, 8, 1))}, "Received: shape \\(0, 8, 8, 1\\)"),
        ({"calibration": np.full((2, 8, 8, 1), np.inf)}, "NaN or infinity"),
        ({"scheme": "int4"}, "`scheme` must be one of"),
    ],
)
def test_bad_arguments_give_one_sentence(classifier, converter, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        converter.convert(classifier, tmp_path / "c.tflite", **options)
    with pytest.raises(ValueError, match=r"`path` must end in \.tflite"):
        converter.convert(classifier, tmp_path / "c.bin", scheme="float32")
    with pytest.raises(ValueError, match="`path` must lie in an existing folder"):
        converter.convert(classifier, tmp_path / "no" / "c.tflite", scheme="float32")


def test_models_of_several_inputs_are_refused(converter, tmp_path):
    a, b = keras.Input((2,)), keras.Input((2,))
    model = keras.Model([a, b], keras.layers.Add()([a, b]))
    with pytest.raises(ValueError, match="`model` must have one input. Received: 2"):
        converter.convert(model, tmp_path / "c.tflite", scheme="float32")
