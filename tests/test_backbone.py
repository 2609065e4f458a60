"""A model of the user's as the encoder of a convolutional autoencoder."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasae
from kerasae_export.conversion.convert import Converter
from kerasae_export.runtime.litemodel import LiteModel

SHAPE = (16, 12, 3)


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def halving(times=2, shape=SHAPE, *, pooled=False, name="theirs") -> keras.Model:
    """A net of somebody else's, with a normalisation, as those of `keras.applications` have."""
    image = keras.Input(shape, name="picture")
    x = image
    for i in range(times):
        x = layers.Conv2D(6, 3, strides=2, padding="same", name=f"down_{i}")(x)
        x = layers.BatchNormalization(name=f"scale_{i}")(x)
        x = layers.ReLU(name=f"bend_{i}")(x)
    if pooled:
        x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, x, name=name)


def images(count=16, shape=SHAPE) -> np.ndarray:
    return np.random.default_rng(0).random((count, *shape)).astype(np.float32)


def build(backbone, **options):
    shape = options.pop("input_shape", SHAPE)
    return kerasae.build_convolutional(
        **{"input_shape": shape, "code_size": 5, "hidden": (8, 8), "backbone": backbone, **options}
    )


def inside(model: keras.Model, name: str) -> keras.Model:
    return model.get_layer("encoder").get_layer(name)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, (5,)),
        ({"code": "spatial"}, (4, 3, 5)),
        ({"code": "spatial", "hidden": (8,)}, (4, 3, 5)),
    ],
)
def test_the_decoder_fits_what_the_backbone_gives(options, code):
    model = build(halving(), **options)
    x = images()
    assert kerasae.encoder(model).output_shape == (None, *code)
    assert model.output_shape == (None, *SHAPE)
    rebuilt = kerasae.decoder(model)(kerasae.encoder(model)(x))
    np.testing.assert_allclose(numpy(rebuilt), numpy(model(x, training=False)), atol=1e-6)


def test_a_vector_becomes_a_dense_code():
    model = build(halving(pooled=True))
    assert kerasae.encoder(model).output_shape == (None, 5)


@pytest.mark.parametrize("trainable", [True, False])
def test_it_learns_as_the_user_says(trainable, tmp_path):
    backbone, x = halving(), images()
    backbone.trainable = trainable
    before = [numpy(w) for w in backbone.weights]
    model = build(backbone, code="spatial", loss="mse", learning_rate=1e-2)
    model.fit(x, x, epochs=2, verbose=0)
    assert inside(model, "theirs") is backbone
    changed = [
        not np.array_equal(a, numpy(b)) for a, b in zip(before, backbone.weights, strict=True)
    ]
    assert any(changed) == trainable  # running means, too, stay as they are if it is frozen
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_array_equal(numpy(again(x, training=False)), numpy(model(x, training=False)))
    assert inside(again, "theirs").trainable == trainable
    assert len(again.trainable_weights) == len(model.trainable_weights)
    again.fit(x, x, verbose=0)


def test_what_pixels_need_is_a_layer_in_front():
    net = keras.Sequential([keras.Input(SHAPE), layers.Rescaling(2.0, -1.0), halving()], name="own")
    model, x = build(net), images(4)
    expected = halving_output(net, 2 * x - 1)
    np.testing.assert_allclose(numpy(inside(model, "own")(x, training=False)), expected, atol=1e-5)


def halving_output(net: keras.Sequential, values: np.ndarray) -> np.ndarray:
    return numpy(net.layers[-1](values, training=False))


def test_free_sides_are_those_of_the_images():
    model = build(halving(shape=(None, None, 3)), code="spatial")
    assert kerasae.encoder(model).output_shape == (None, 4, 3, 5)


@pytest.mark.slow
def test_a_net_of_keras_applications_trains_reloads_and_converts(tmp_path):
    """Its weights are drawn: those of ImageNet would have to be fetched."""
    keras.utils.set_random_seed(0)
    backbone = keras.applications.MobileNet(
        input_shape=(32, 32, 3), alpha=0.25, include_top=False, weights=None
    )
    x = images(32, (32, 32, 3))
    model = build(backbone, input_shape=(32, 32, 3), loss="mse", code="spatial", hidden=(8,))
    history = model.fit(x, x, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_array_equal(numpy(again(x, training=False)), numpy(model(x, training=False)))
    with Converter() as converter:
        path = converter.convert(kerasae.encoder(again), tmp_path / "e.tflite", scheme="float32")
    lite = LiteModel(path.read_bytes())
    code = numpy(kerasae.encoder(again)(x))
    assert np.abs(lite.run(x) - code).max() < 1e-4 * max(1.0, np.abs(code).max())


def two_outputs() -> keras.Model:
    image = keras.Input(SHAPE)
    return keras.Model(image, [image, image], name="two")


@pytest.mark.parametrize(
    ("backbone", "options", "message"),
    [
        ("resnet", {}, "`backbone` must be a built Keras model of one input and one output"),
        (keras.Sequential(name="unbuilt"), {}, "`backbone` must be a built Keras model .*=unbuilt"),
        (two_outputs(), {}, "`backbone` must be a built .* 1 inputs and 2 outputs of 'two'"),
        (
            halving(shape=(16, 16, 3)),
            {},
            r"`backbone` must take images of `input_shape`, here \(16, 1",
        ),
        (
            halving(pooled=True),
            {"code": "spatial"},
            r"must give a map \(rows, columns, channels\) of",
        ),
        (halving(0), {"code": "spatial"}, "`backbone` must halve the sides of an image"),
        (
            halving(1),
            {"code": "spatial"},
            r"`hidden` must hold at most 1 numbers of filters, since 'theirs' .*hidden=\(8, 8\)",
        ),
    ],
)
def test_what_cannot_be_an_encoder_is_refused(backbone, options, message):
    with pytest.raises(ValueError, match=message):
        build(backbone, **options)
