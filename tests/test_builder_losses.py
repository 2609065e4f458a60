"""The losses of the builders: any of Keras, which a reload keeps."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

import kerasae
from kerasae.builders._losses import check_loss, output_activation
from kerasae.losses import SegmentationLoss

SMALL = {"input_shape": (8, 8, 1), "code_size": 4, "hidden": (8,)}
BUILDERS = {
    "undercomplete": SMALL,
    "overcomplete": {**SMALL, "code_size": 64, "regularizer": "l1"},
    "sparse": SMALL,
    "denoising": {**SMALL, "base": "undercomplete"},
    "convolutional": SMALL,
    "contractive": {**SMALL, "penalty": "stochastic"},
    "masked": SMALL,
    "recurrent": {"input_shape": (6, 3), "code_size": 4, "hidden": (8,), "cell": "conv1d"},
    "segmentation": {"input_shape": (8, 8, 1), "classes": 3, "hidden": (4,)},
}


@keras.saving.register_keras_serializable("tests")
def fourth_power(y_true, y_pred):
    return ops.mean(ops.power(y_true - y_pred, 4), axis=-1)


@keras.saving.register_keras_serializable("tests")
class Weighted(keras.losses.Loss):
    """Of values in [0, 1], as it says; with an argument that a reload must bring back."""

    unit_range = "a loss of the tests"

    def __init__(self, factor=1.0, name="weighted", **options):
        super().__init__(name=name, **options)
        self.factor = factor

    def call(self, y_true, y_pred):
        return self.factor * ops.mean(ops.abs(y_true - y_pred), axis=-1)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def unregistered(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


LOSSES = {
    "name": "log_cosh",
    "object": keras.losses.Huber(delta=0.05),
    "function": fourth_power,
    "class": Weighted(3.0),
}


def batch(name):
    rng = np.random.default_rng(0)
    shape = BUILDERS[name]["input_shape"]
    x = rng.random((4, *shape)).astype(np.float32)
    if name == "segmentation":
        return x, rng.integers(0, 3, (4, 8, 8))
    return x, x


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *(("undercomplete", form) for form in LOSSES),
        *((name, "object") for name in [*BUILDERS][1:5]),
        *((name, "class") for name in [*BUILDERS][5:]),
    ],
)
def test_a_reload_keeps_any_loss(name, form, eager, tmp_path):
    model = kerasae.build(name, loss=LOSSES[form], **BUILDERS[name])
    x, y = batch(name)
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    outputs = again(x, training=False)
    by_model, by_reload = (keras.losses.get(m.loss)(y, outputs) for m in (model, again))
    np.testing.assert_allclose(by_model, by_reload, rtol=1e-6)
    if name != "segmentation":
        expected = keras.losses.get(LOSSES[form])(y, outputs)
        np.testing.assert_allclose(ops.mean(by_model), ops.mean(expected), rtol=1e-5)
    assert np.isfinite(again.train_on_batch(x, y)).all()


def test_the_loss_decides_the_output():
    for loss, activation in (
        ("mse", "linear"),
        ("mean_squared_error", "linear"),
        (keras.losses.MeanAbsoluteError(), "linear"),
        ("bce", "sigmoid"),
        (keras.losses.BinaryFocalCrossentropy(), "sigmoid"),
        (keras.losses.Poisson(), "sigmoid"),
        ("dice", "sigmoid"),
        (keras.losses.CategoricalCrossentropy(), "softmax"),
        (fourth_power, "linear"),
        (Weighted(), "sigmoid"),
    ):
        assert output_activation(check_loss(loss)) == activation, loss
    model = kerasae.build_undercomplete(loss=Weighted(), **SMALL)
    assert model.get_layer("decoder").layers[-2].activation is keras.activations.sigmoid


def test_what_a_reload_would_lose_is_refused():
    for loss, shown in (
        (unregistered, "'unregistered'"),
        (lambda a, b: a - b, "'<lambda>'"),
        ("nonsense", "'nonsense'"),
        (None, "NoneType"),
        (3, "int"),
    ):
        with pytest.raises(ValueError, match=f"`loss` must be the name.*Received: loss={shown}"):
            kerasae.build_undercomplete(loss=loss, **SMALL)
    with pytest.raises(ValueError, match="`loss` must have `from_logits=False`"):
        kerasae.build_convolutional(loss=keras.losses.BinaryCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match="a value for each pixel, as 'mse' does.*'dice'"):
        kerasae.build_masked(loss="dice", **SMALL)


@pytest.mark.parametrize("loss", [fourth_power, keras.losses.Huber(), "dice"])
def test_weights_of_images_weigh_any_loss(loss, eager):
    model = kerasae.build_undercomplete(loss=loss, **SMALL)
    x, _ = batch("undercomplete")
    weights = np.array([1, 0, 0, 0], np.float32)
    found = model.evaluate(x, x, sample_weight=weights, verbose=0)
    one = model.evaluate(x[:1], x[:1], verbose=0)
    if loss != "dice":  # of all images together, which knows no single one
        assert found == pytest.approx(one / 4, rel=1e-4)
    assert np.isfinite(found)


def test_another_loss_of_classes_ignores_and_weighs_pixels():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (2, 3, 5))
    labels[:, 0, 0] = 3
    logits = rng.normal(size=(2, 3, 5, 3)).astype(np.float32)
    options = {"class_weights": [1.0, 2.0, 0.5], "ignored_class": 3}
    own = SegmentationLoss("cross_entropy", **options)(labels, logits)
    other = SegmentationLoss("categorical_crossentropy", **options)(labels, logits)
    np.testing.assert_allclose(own, other, rtol=1e-5)
