"""The deployable halves of a model, by duck typing."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasae_export import decoder, encoder


class Quantiser(keras.layers.Layer):
    """Rounds at inference; gives its halves as stock models."""

    def call(self, x, training=False):
        return x if training else keras.ops.round(4 * x) / 4

    def encoder_tail(self):
        code = keras.Input((3,))
        return keras.Model(code, keras.ops.round(4 * code))

    def decoder_head(self):
        code = keras.Input((3,))
        return keras.Model(code, keras.layers.Rescaling(0.25)(code))


class Half(keras.layers.Layer):
    def call(self, x):
        return x / 2

    def to_stock(self):
        return keras.layers.Rescaling(0.5)


def parts(custom=False):
    image = keras.Input((6,))
    x = keras.layers.Dense(3, name="code")(image)
    nested = keras.Model(image, Half()(x) if custom else x, name="encoder")
    code = keras.Input((3,))
    return nested, keras.Model(code, keras.layers.Dense(6)(code), name="decoder")


def check(model, rng):
    images = rng.normal(size=(5, 6)).astype(np.float32)
    code = encoder(model)(images)
    np.testing.assert_allclose(
        decoder(model)(code), model(images, training=False), rtol=1e-5, atol=1e-6
    )
    return keras.ops.convert_to_numpy(code)


def test_plain_models_give_their_nested_models(rng):
    first, second = parts()
    image = keras.Input((6,))
    model = keras.Model(image, second(keras.layers.GaussianNoise(1.0)(first(image))))
    assert encoder(model) is first
    assert decoder(model) is second
    check(model, rng)


def test_a_layer_between_gives_its_halves(rng):
    first, second = parts()
    image = keras.Input((6,))
    model = keras.Model(image, second(Quantiser()(first(image))))
    code = check(model, rng)
    np.testing.assert_array_equal(code, np.round(code))
    for part in (encoder(model), decoder(model)):
        assert all(type(layer).__module__.startswith("keras") for layer in part._flatten_layers())


def test_a_stem_belongs_to_the_encoder(rng):
    first, second = parts()
    inner = keras.Input((6,))
    stem = keras.Model(inner, keras.layers.Rescaling(3.0)(inner), name="stem")
    image = keras.Input((6,))
    model = keras.Model(image, second(first(stem(image))))
    check(model, rng)


def test_custom_layers_inside_are_replaced_and_weights_shared(rng):
    first, second = parts(custom=True)
    image = keras.Input((6,))
    model = keras.Model(image, second(first(image)))
    before = check(model, rng)
    first.get_layer("code").set_weights([np.ones((6, 3)), np.ones(3)])
    after = check(model, rng)
    assert not np.allclose(before, after)
    names = {type(layer).__name__ for layer in encoder(model)._flatten_layers()}
    assert "Half" not in names


def test_other_models_are_refused():
    image = keras.Input((6,))
    model = keras.Model(image, keras.layers.Dense(2)(image), name="plain")
    with pytest.raises(ValueError, match=r"nested model named 'encoder'.*model='plain'"):
        encoder(model)
    with pytest.raises(ValueError, match="nested model named 'decoder'"):
        decoder(model)
