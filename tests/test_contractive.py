"""The contractive penalty, exact and estimated, against numerical Jacobians."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit

import kerasae
from kerasae import evaluation, losses
from kerasae.layers import ExactContraction, Perturbation

SHAPE = (4, 3, 1)


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def jacobians(function, points: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """(n, outputs, inputs) by central differences in float64."""
    moves = step * np.eye(points.shape[1])
    return np.stack(
        [(function(x + moves) - function(x - moves)).T / (2 * step) for x in points.astype(float)]
    )


def make(**options) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = kerasae.build_contractive(**{"input_shape": SHAPE, "code_size": 7, **options})
    if keras.backend.backend() == "tensorflow":
        model.jit_compile = False
    for layer in model.get_layer("encoder").layers:  # weights that leave no unit in its middle
        if layer.get_weights():
            layer.set_weights([3 * w + 0.3 for w in layer.get_weights()])
    return model


def test_the_closed_form_is_the_norm_of_the_numerical_jacobian(rng):
    kernel, bias = rng.normal(size=(12, 7)), rng.normal(size=7)

    def encode(points):
        return expit(points @ kernel + bias)

    points = rng.normal(size=(5, 12))
    expected = np.square(jacobians(encode, points)).sum(axis=(1, 2))
    found = losses.contractive_norm(kernel.astype("float32"), encode(points).astype("float32"))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_estimate_has_the_norm_as_its_mean(rng):
    kernel = rng.normal(size=(12, 7))
    points = np.repeat(rng.normal(size=(1, 12)), 20000, axis=0)
    expected = np.square(jacobians(lambda x: np.tanh(x @ kernel), points[:1])).sum()
    moved = points + 0.01 * rng.normal(size=points.shape)
    codes = [np.tanh(x @ kernel).astype("float32") for x in (points, moved)]
    estimates = numpy(losses.sensitivity(*codes, 0.01))
    assert estimates.shape == (20000,)
    error = estimates.std() / np.sqrt(len(estimates))
    assert abs(estimates.mean() - expected) < 4 * error + 1e-3 * expected


@pytest.mark.parametrize("tied", [True, False])
def test_the_loss_is_the_reconstruction_and_the_exact_penalty(tied, rng):
    model = make(weight=0.01, tied=tied)
    images = rng.random((30, *SHAPE)).astype(np.float32)
    kernel, bias = (w.astype(float) for w in model.get_layer("encoder").get_weights())
    norms = np.square(jacobians(lambda x: expit(x @ kernel + bias), images.reshape(30, 12))).sum(
        axis=(1, 2)
    )
    p = numpy(model(images, training=False)).astype(float)
    entropy = -(images * np.log(p) + (1 - images) * np.log(1 - p)).mean()
    found = model.evaluate(images, images, batch_size=30, verbose=0, return_dict=True)
    assert found["jacobian"] == pytest.approx(norms.mean(), rel=1e-3)
    assert found["loss"] == pytest.approx(entropy + 0.01 * norms.mean(), rel=1e-3)
    exact = np.sqrt(norms).mean()
    assert evaluation.jacobian_norm(model, images) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": (9,), "activation": "tanh"},
        {
            "hidden": (4,),
            "activation": "tanh",
            "network": "convolutional",
            "tied": False,
            "input_shape": (6, 5, 2),
        },
    ],
    ids=["dense", "convolutional"],
)
def test_the_estimate_follows_any_encoder(options, rng):
    model = make(penalty="stochastic", weight=1e-3, loss="mse", **options)
    images = rng.random((2, *model.input_shape[1:])).astype(np.float32)
    exact = evaluation.jacobian_norm(model, images[:1])
    many = np.repeat(images[:1], 4000, axis=0)
    found = model.evaluate(many, many, batch_size=4000, verbose=0, return_dict=True)
    assert np.sqrt(found["jacobian"]) == pytest.approx(exact, rel=0.05)
    error = np.square(numpy(model(many[:1], training=False)) - many[:1]).mean()
    assert found["loss"] == pytest.approx(error + 1e-3 * found["jacobian"], rel=1e-3)
    again = model.evaluate(many, many, batch_size=4000, verbose=0, return_dict=True)
    assert again["jacobian"] == pytest.approx(found["jacobian"], rel=1e-4)  # one fixed noise


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"weight": 0.03},
        pytest.param(
            {"weight": 0.03, "hidden": (16,), "penalty": "stochastic"}, marks=pytest.mark.slow
        ),
    ],
    ids=["exact", "stochastic"],
)
def test_training_contracts_and_a_reloaded_model_goes_on(options, digits, tmp_path):
    images = digits.train[:256]
    norms = []
    for weight in (0.0, options["weight"]):
        keras.utils.set_random_seed(0)
        model = kerasae.build_contractive(
            input_shape=digits.image_shape,
            code_size=16,
            learning_rate=1e-2,
            **{**options, "weight": weight},
        )
        if keras.backend.backend() == "tensorflow":
            model.jit_compile = False
        model.fit(images, images, epochs=6, verbose=0)
        norms.append(evaluation.jacobian_norm(model, images[:10]))
    assert norms[1] < 0.6 * norms[0]
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    first, second = (
        m.evaluate(images, images, verbose=0, return_dict=True) for m in (model, again)
    )
    assert first == pytest.approx(second, rel=1e-5)
    before = again.get_layer("encoder").get_layer("code").get_weights()[0]
    history = again.fit(images, images, epochs=4, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    # The penalty sees the weights that training moves.
    kernel, _ = again.get_layer("encoder").get_layer("code").get_weights()
    assert np.abs(kernel - before).max() > 1e-3
    if "penalty" not in options:
        code = numpy(again.get_layer("encoder")(images))
        expected = float(ops.mean(losses.contractive_norm(kernel, code)))
        found = again.evaluate(images, images, verbose=0, return_dict=True)["jacobian"]
        assert found == pytest.approx(expected, rel=1e-4)


def test_the_jacobian_of_a_linear_code_is_its_kernel(rng):
    model = kerasae.build_undercomplete(input_shape=SHAPE, code_size=5, hidden=())
    kernel, _ = model.get_layer("encoder").get_weights()
    images = rng.random((3, *SHAPE))
    for step in (0.01, 0.1):
        found = evaluation.jacobian_norm(model, images, step=step)
        assert found == pytest.approx(np.linalg.norm(kernel), rel=1e-4)
    with pytest.raises(ValueError, match="`step` must be a number above 0"):
        evaluation.jacobian_norm(model, images, step=0)


def test_the_perturbation_is_fixed_at_inference_only():
    layer = Perturbation(0.1, seed=3)
    images = np.zeros((200, *SHAPE), np.float32)
    still = [numpy(layer(images, training=False)) for _ in range(2)]
    np.testing.assert_array_equal(*still)
    drawn = [numpy(layer(images, training=True)) for _ in range(2)]
    assert np.abs(drawn[0] - drawn[1]).max() > 0.1
    for noise in (*still, *drawn):
        assert noise.std() == pytest.approx(0.1, rel=0.1)


def test_a_penalty_alone_says_what_it_lacks():
    with pytest.raises(ValueError, match="must be tied to the layer 'code' of an encoder"):
        ExactContraction(0.1)(np.zeros((1, 4), np.float32))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"hidden": (8,)}, ValueError, "`penalty` must be 'stochastic' for an encoder of more"),
        ({"network": "convolutional"}, ValueError, "`penalty` must be 'stochastic'"),
        ({"penalty": "dense"}, ValueError, "`penalty` must be one of 'exact', 'stochastic'"),
        (
            {"network": "convolutional", "hidden": (4,), "penalty": "stochastic"},
            ValueError,
            "`tied` must be False for a convolutional network",
        ),
        ({"weight": -1}, ValueError, "`weight` must be a number at least 0"),
        ({"sigma": 0}, ValueError, "`sigma` must be a number above 0"),
        ({"residual": 1}, TypeError, "`network_options` of a dense network must be empty"),
        (
            {
                "network": "convolutional",
                "hidden": (4,),
                "penalty": "stochastic",
                "tied": False,
                "normalization": "batch",
            },
            TypeError,
            "must be among kernel_size, upsampling, residual. Received: normalization",
        ),
    ],
)
def test_bad_hyperparameters_give_one_sentence(options, error, message):
    with pytest.raises(error, match=message):
        kerasae.build_contractive(input_shape=SHAPE, code_size=4, **options)


def test_corruption_goes_with_the_exact_penalty_only():
    model = kerasae.build_denoising(base="contractive", input_shape=SHAPE, code_size=4, level=0.1)
    assert [x.name for x in model.layers][1:3] == ["corruption", "encoder"]
    with pytest.raises(ValueError, match="`base` must encode an image once"):
        kerasae.build_denoising(
            base="contractive", input_shape=SHAPE, hidden=(8,), penalty="stochastic"
        )
