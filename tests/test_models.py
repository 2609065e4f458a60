"""Tied weights: one kernel for two layers, through training, saving, cloning and splitting."""

from __future__ import annotations

import h5py
import keras
import numpy as np
import pytest

import kerasae
from kerasae.layers import GaussianCorruption, TransposedDense
from kerasae.models import TiedAutoencoder

SHAPE = (6, 5, 1)


def make(**options) -> keras.Model:
    keras.utils.set_random_seed(0)
    defaults = {
        "input_shape": SHAPE,
        "code_size": 4,
        "hidden": (12, 8),
        "activation": "tanh",
        "loss": "mse",
        "tied": True,
    }
    return kerasae.build_undercomplete(**{**defaults, **options})


@pytest.fixture
def images(rng) -> np.ndarray:
    return rng.random((64, *SHAPE)).astype(np.float32)


def kernels(model: keras.Model) -> list[np.ndarray]:
    layers = [layer for layer in model.get_layer("encoder").layers if layer.weights]
    return [keras.ops.convert_to_numpy(layer.kernel) for layer in layers]


def biases(model: keras.Model) -> list[np.ndarray]:
    layers = [layer for layer in model.get_layer("decoder").layers if layer.weights]
    return [keras.ops.convert_to_numpy(layer.bias) for layer in layers]


def check_tie(model: keras.Model, images: np.ndarray) -> None:
    """The reconstruction is the one that the encoder's kernels and the decoder's biases give."""
    x = keras.ops.convert_to_numpy(model.get_layer("encoder")(images))
    for i, (kernel, bias) in enumerate(zip(kernels(model)[::-1], biases(model), strict=True)):
        x = x @ kernel.T + bias
        x = np.tanh(x) if i < 2 else x
    x = x.reshape(images.shape)
    np.testing.assert_allclose(model(images, training=False), x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        kerasae.decoder(model)(model.get_layer("encoder")(images)), x, rtol=1e-4, atol=1e-5
    )


def test_the_decoder_computes_with_the_encoders_kernels(images):
    model = make()
    check_tie(model, images)
    for bias in ("decode_1", "decode_2", "pixels"):
        layer = model.get_layer("decoder").get_layer(bias)
        layer.bias.assign(np.linspace(-1, 1, layer.units))
    check_tie(model, images)
    model.fit(images, images, epochs=3, verbose=0)
    check_tie(model, images)


def test_a_kernel_is_counted_and_saved_once(images, tmp_path):
    tied, free = make(), make(tied=False)
    shared = 30 * 12 + 12 * 8 + 8 * 4
    assert tied.count_params() == free.count_params() - shared
    assert len(tied.trainable_variables) == 9
    assert kerasae.decoder(tied).count_params() == kerasae.decoder(free).count_params()
    tied.save_weights(tmp_path / "w.weights.h5")
    sizes = {}
    with h5py.File(tmp_path / "w.weights.h5") as file:
        file.visititems(lambda name, x: sizes.update({name: getattr(x, "size", 0)}))
    saved = sum(size for name, size in sizes.items() if not name.startswith("optimizer"))
    assert saved == tied.count_params()


@pytest.mark.usefixtures("eager")
def test_the_gradient_is_the_sum_of_that_of_both_layers(images):
    """One step of gradient descent, against the same net with two kernels of equal value."""
    tied, free = make(hidden=()), make(hidden=(), tied=False)
    (start,) = kernels(tied)
    free.get_layer("encoder").set_weights(tied.get_layer("encoder").get_weights())
    free.get_layer("decoder").set_weights([start.T, np.zeros(30)])
    for model in (tied, free):
        model.compile(keras.optimizers.SGD(1.0), loss="mse")
        model.fit(images, images, batch_size=64, epochs=1, verbose=0)
    encoded = kernels(free)[0] - start
    decoded = free.get_layer("decoder").get_weights()[0].T - start
    assert min(np.abs(encoded).max(), np.abs(decoded).max()) > 1e-3
    np.testing.assert_allclose(kernels(tied)[0] - start, encoded + decoded, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "build",
    [
        make,
        lambda: kerasae.build_sparse(
            input_shape=SHAPE, code_size=40, penalty="topk", k=5, loss="mse", tied=True
        ),
        lambda: kerasae.build_denoising(
            base="undercomplete", level=0.1, input_shape=SHAPE, code_size=8, tied=True
        ),
    ],
    ids=["undercomplete", "sparse", "denoising"],
)
@pytest.mark.usefixtures("eager")
def test_a_reloaded_model_trains_on_as_the_first(build, images, tmp_path):
    model = build()
    model.fit(images, images, epochs=2, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    assert isinstance(again, TiedAutoencoder)
    before = kernels(model)
    for one in (model, again):
        for layer in one.layers:  # the same noise for both
            if hasattr(layer, "seed_generator"):
                layer.seed_generator.state.assign([0, 0])
        one.fit(images, images, epochs=2, shuffle=False, verbose=0)
        assert all(np.abs(a - b).max() > 1e-4 for a, b in zip(kernels(one), before, strict=True))
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    code = model.get_layer("encoder")(images)
    np.testing.assert_allclose(
        again(images, training=False), kerasae.decoder(again)(code), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.usefixtures("eager")
def test_a_clone_with_a_layer_in_front_is_tied(fresh, images, tmp_path):
    """How one builder wraps the model of another."""
    model = make()
    noise = GaussianCorruption(0.1, seed=0, name="corruption")

    def call(layer, *args, **options):
        return layer(noise(*args) if layer.name == "encoder" else args[0], **options)

    def keep(layer):
        return layer

    clone = keras.models.clone_model(
        model, call_function=call, clone_function=None if fresh else keep
    )
    assert [layer.name for layer in clone.layers] == ["image", "corruption", "encoder", "decoder"]
    clone.fit(images, images, epochs=2, verbose=0)
    check_tie(clone, images)
    assert np.array_equal(kernels(model)[0], kernels(clone)[0]) != fresh
    clone.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    check_tie(again, images)
    np.testing.assert_array_equal(
        again.predict(images, verbose=0), clone.predict(images, verbose=0)
    )


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_killed_run_of_a_tied_model_ends_with_the_same_bits(tmp_path):
    few = kerasae.load_images("digits", limit=256)
    options = {"input_shape": few.image_shape, "code_size": 8}
    speed = {"schedule": "constant", "jit_compile": keras.backend.backend() == "jax"}
    longer = kerasae.TrainConfig(epochs=2, **speed)
    whole, resumed = make(**options), make(**options)
    kerasae.train(whole, few, longer, progress=False)
    shorter = kerasae.TrainConfig(epochs=1, **speed)
    kerasae.train(make(**options), few, shorter, out=tmp_path / "run", progress=False)
    kerasae.train(resumed, few, longer, out=tmp_path / "run", resume=True, progress=False)
    for one, other in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    check_tie(resumed, few.test)


@pytest.mark.usefixtures("eager")
def test_the_deployable_decoder_is_a_copy(images):
    model = make()
    decoder, code = kerasae.decoder(model), model.get_layer("encoder")(images)
    before = keras.ops.convert_to_numpy(decoder(code))
    model.fit(images, images, verbose=0)
    np.testing.assert_array_equal(decoder(code), before)
    assert not any(isinstance(layer, TransposedDense) for layer in decoder.layers)


def test_a_decoder_without_its_encoder_says_so(images, tmp_path):
    model = make()
    model.get_layer("decoder").save(tmp_path / "d.keras")
    alone = keras.saving.load_model(tmp_path / "d.keras", safe_mode=True)
    with pytest.raises(ValueError, match="`decode_1` must be tied to the layer 'code'"):
        alone(np.zeros((1, 4), np.float32))


@pytest.mark.parametrize("hidden", [(), (12,)])
def test_the_axes_of_a_tied_code_cannot_be_turned(hidden, images):
    """New axes on both sides would need two kernels."""
    model = make(hidden=hidden)
    with pytest.raises(ValueError, match="`model` must have its code between two Dense.*Transpos"):
        kerasae.decorrelate_code(model, images)


def test_tied_must_be_a_truth_value():
    for build in (kerasae.build_undercomplete, kerasae.build_sparse):
        with pytest.raises(ValueError, match="`tied` must be True or False. Received: tied=1"):
            build(input_shape=SHAPE, code_size=8, tied=1)
