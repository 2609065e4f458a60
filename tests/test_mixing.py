"""Files of which some layers are in int8 and the others exactly in float32."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from kerasae_export import ConversionError, convert, convert_both
from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.float_layers import SINGLE
from kerasae_export.conversion.mixing import Mixer
from kerasae_export.format.manifest import ALL_SCHEMES, LATER_SCHEMES, SCHEMES
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.litemodel import LiteModel
from kerasae_export.runtime.operators import check_program


def residual(features, name: str):
    """A sum of features and what a nested model makes of them."""
    inner = keras.Input(features.shape[1:])
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name=f"{name}_in")(inner)
    x = layers.Conv2D(features.shape[-1], 3, padding="same", name=f"{name}_out")(x)
    return layers.Add(name=f"{name}_sum")([features, keras.Model(inner, x, name=name)(features)])


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A linear path, whose values are a hundred times as large as those of the residual."""
    keras.utils.set_random_seed(3)
    image = keras.Input((8, 8, 3))
    code = layers.Conv2D(5, 4, strides=4, name="analysis")(image)
    code = residual(code, "refine")
    code = layers.Reshape((4, 5), name="flat")(code)
    model = keras.Model(image, layers.Dense(7, name="last")(code), name="net")
    model.get_layer("analysis").kernel.assign(100 * model.get_layer("analysis").kernel)
    small = model.get_layer("refine").get_layer("refine_out").kernel
    small.assign(1e-4 * small)
    return model


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    return np.random.default_rng(0).random((40, 8, 8, 3), np.float32)


@pytest.fixture(scope="module")
def mixer(model, values) -> Mixer:
    with Converter() as converter:
        return converter.mixer({SINGLE: (model, values)})


def names(content: bytes) -> list[str]:
    return [operator.name for operator in Graph(content).operators]


def test_layers_are_named_in_order_with_the_nested_models_around_them(mixer):
    assert mixer.layers(SINGLE) == ["analysis", "refine_in", "refine_out", "refine_sum", "last"]
    assert mixer.known(SINGLE) == {*mixer.layers(SINGLE), "refine"}


def test_with_all_layers_it_is_the_float_file_and_with_none_that_of_int8(mixer, model, values):
    expected = model.predict(values, verbose=0)
    exact = mixer.mixed({SINGLE: mixer.layers(SINGLE)})
    np.testing.assert_allclose(LiteModel(exact).run(values), expected, atol=1e-5 * np.ptp(expected))
    assert not {"QUANTIZE", "DEQUANTIZE"} & set(names(exact))
    stored = mixer.mixed({SINGLE: []})
    ours, theirs = LiteModel(stored), LiteModel(mixer._stored)
    np.testing.assert_array_equal(ours.run(values), theirs.run(values))
    assert names(stored) == names(mixer._stored)
    assert len(stored) < len(exact) < len(mixer._exact) + 500


def test_values_are_rounded_only_between_the_two_kinds(mixer):
    """What is in float32 is one run: a QUANTIZE before each part in int8, a DEQUANTIZE after it."""
    mixed = mixer.mixed({SINGLE: ["analysis", "refine_sum", "last"]})
    found = [name for name in names(mixed) if name != "RESHAPE"]
    assert found == [
        "CONV_2D", "QUANTIZE", "CONV_2D", "CONV_2D", "DEQUANTIZE", "ADD", "FULLY_CONNECTED",
    ]  # fmt: skip
    graph = Graph(mixed)
    kinds = [graph.kind(o.inputs[1]) for o in graph.operators if o.name == "CONV_2D"]
    assert kinds == ["FLOAT32", "INT8", "INT8"]


def test_a_nested_model_stands_for_its_layers(mixer):
    assert mixer.mixed({SINGLE: ["refine"]}) == mixer.mixed({SINGLE: ["refine_in", "refine_out"]})


@pytest.mark.parametrize("layer", ["analysis", "refine_in", "refine_out", "refine_sum", "last"])
def test_a_layer_in_int8_computes_what_it_does_in_the_int8_file(layer, mixer, values):
    """Alone in int8, with its own inputs from floats: within a step of the float layer's output."""
    others = [name for name in mixer.layers(SINGLE) if name != layer]
    mixed = mixer.mixed({SINGLE: others})
    check_program(mixed)
    graph = Graph(mixed)
    stored = [o for o in graph.operators if o.name != "QUANTIZE" and o not in graph.float_operators]
    assert [o.name for o in stored if o.name not in ("DEQUANTIZE", "RESHAPE")] == [
        {"refine_sum": "ADD", "last": "FULLY_CONNECTED"}.get(layer, "CONV_2D")
    ]
    exact = LiteModel(mixer._exact).run(values)
    error = np.abs(LiteModel(mixed).run(values) - exact).max()
    assert 0 < error < 0.05 * np.ptp(exact)


def test_the_exact_path_keeps_what_int8_loses(mixer, values):
    exact = LiteModel(mixer._exact).run(values)

    def error(chosen):
        return np.square(LiteModel(mixer.mixed({SINGLE: chosen})).run(values) - exact).mean()

    assert error(["analysis", "refine_sum", "last"]) < error([]) / 100


def test_a_file_of_the_scheme_is_what_the_mixer_makes(mixer, model, values, converter, tmp_path):
    path = converter.convert(
        model,
        tmp_path / "m.tflite",
        scheme="mixed",
        calibration=values,
        float_layers=("analysis", "refine_sum"),
    )
    assert names(path.read_bytes()) == names(mixer.mixed({SINGLE: ["analysis", "refine_sum"]}))
    model_of = LiteModel(path.read_bytes())
    assert (model_of.input.dtype, model_of.output.dtype) == ("float32", "float32")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"float_layers": ["refine", "alpha"]},
            r"`float_layers` must name layers, or nested models, .* analysis, last, .*'alpha'",
        ),
        ({"float_layers": None}, "`float_layers` must be a list of names .*float_layers=None"),
        ({"float_layers": "last"}, "`float_layers` must be a list of names .*='last'"),
        ({"float_layers": [3]}, r"`float_layers` must be a list of names .*=\[3\]"),
        ({"scheme": "int8", "float_layers": ["last"]}, "must be left out with the scheme 'int8'"),
        ({"float_layers": [], "edges": "uint8"}, "`edges` must be float32 with the scheme 'mixed'"),
        ({"float_layers": [], "dynamic_batch": True}, "`dynamic_batch` must be False with"),
        ({"float_layers": [], "calibration": None}, "`calibration` must hold real inputs"),
    ],
)
def test_bad_arguments_give_one_sentence(options, message, model, values, tmp_path):
    with pytest.raises(ValueError, match=message):
        convert(
            model,
            tmp_path / "m.tflite",
            **{"scheme": "mixed", "calibration": values, "float_layers": [], **options},
        )
    assert not list(tmp_path.iterdir())


def test_two_models_in_one_file_are_mixed_by_an_export_of_a_bundle(model, tmp_path):
    with pytest.raises(ValueError, match="`scheme` must be another than 'mixed' for two models"):
        convert_both(model, model, tmp_path / "m.tflite", scheme="mixed")


def test_loops_are_refused_as_in_int8(tmp_path, rng):
    steps = keras.Input((5, 2))
    model = keras.Model(steps, layers.LSTM(3, name="loop")(steps))
    with pytest.raises(ConversionError, match="'mixed' does not fit .* crashes on the loop"):
        convert(
            model,
            tmp_path / "m.tflite",
            scheme="mixed",
            calibration=rng.random((9, 5, 2)),
            float_layers=["loop"],
        )


def test_each_version_of_the_format_has_its_schemes():
    assert not set(SCHEMES) & set(LATER_SCHEMES)
    assert [*ALL_SCHEMES] == [*SCHEMES, *LATER_SCHEMES]
