"""Models of every kind: `Sequential`, subclassed, pairs, with pixels scaled inside."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasae import anomaly, samplers
from kerasae.evaluation import jacobian_norm
from kerasae_export import ConversionError, decoder, encoder, export_bundle, verify_bundle
from kerasae_export.conversion.custom_layers import check_stock
from kerasae_export.functional import (
    autoencoder,
    functional,
    in_unit_range,
    stock_model,
    takes_levels,
)
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.litemodel import LiteModel

SHAPE = (8, 8, 1)


@pytest.fixture
def images(rng):
    return rng.random((6, *SHAPE)).astype(np.float32)


def dense_encoder(**options):
    return keras.Sequential([layers.Flatten(), layers.Dense(3, name="code")], **options)


def dense_decoder(**options):
    return keras.Sequential([layers.Dense(64, "sigmoid"), layers.Reshape(SHAPE)], **options)


class Subclassed(keras.Model):
    """As in tutorials: two models as attributes, and a `call`."""

    def __init__(self):
        super().__init__(name="subclassed")
        self.encoder, self.decoder = dense_encoder(), dense_decoder()
        self.noise = layers.GaussianNoise(1.0)

    def call(self, x, training=False):
        return self.decoder(self.noise(self.encoder(x), training=training))


class Drawing(Subclassed):
    def call(self, x):
        code = self.encoder(x)
        return self.decoder(code + keras.random.normal(ops.shape(code)))


class WithoutCall(keras.Model):
    """As the variational autoencoder of keras.io, which has a `train_step` only."""

    def __init__(self):
        super().__init__()
        image = keras.Input(SHAPE)
        x = layers.Flatten()(image)
        mean, spread = layers.Dense(2, name="mean")(x), layers.Dense(2)(x)
        drawn = Sampling(name="sampling")([mean, spread])
        self.encoder = keras.Model(image, [mean, spread, drawn], name="encoder")
        self.decoder = keras.Sequential([keras.Input((2,)), *dense_decoder().layers])


class Block(keras.Model):
    def __init__(self):
        super().__init__()
        self.convolve, self.normalise = layers.Conv2D(2, 3), layers.BatchNormalization()
        self.scale = self.add_weight(shape=(2,), initializer="ones")

    def call(self, x, training=False):
        return ops.relu(self.normalise(self.convolve(x), training=training)) * self.scale


class Nested(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = Block(), Block()
        self.last = layers.Dense(2)

    def call(self, inputs, **options):
        x = self.second(self.first(inputs["image"]))
        return {"out": self.last(ops.mean(x, axis=(1, 2)))}


class TwoArguments(keras.Model):
    def call(self, a, b):
        return a + b


@keras.saving.register_keras_serializable("tests")
class Sampling(layers.Layer):
    def call(self, inputs):
        mean, spread = inputs
        return mean + ops.exp(spread / 2) * keras.random.normal(ops.shape(mean))


class Stochastic(Sampling):
    """Its `to_stock` is the one that the message shows."""

    def to_stock(self):
        x = [keras.Input((2,)), keras.Input((2,))]
        y = x[0]
        return keras.Model(x, y, name=self.name)


def same(model, opened, values):
    expected, found = model(values, training=False), opened(values, training=False)
    for a, b in zip(keras.tree.flatten(expected), keras.tree.flatten(found), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def called(model, values):
    model(values)
    return model


def test_a_functional_model_stays_as_it_is():
    image = keras.Input(SHAPE)
    model = keras.Model(image, layers.Flatten()(image))
    assert functional(model) is stock_model(model) is autoencoder(model) is model


def test_sequential_models_are_opened_for_any_batch(images):
    model = called(dense_encoder(name="flat"), images[:5])  # its own input has a batch of 5
    opened = functional(model)
    assert opened.input_shape == (None, *SHAPE)
    assert opened.name == "flat"
    same(model, opened, images[:2])
    model.get_layer("code").set_weights([np.ones((64, 3)), np.ones(3)])
    same(model, opened, images)  # the weights are shared


def test_subclassed_models_are_opened_at_inference(images):
    model = called(Subclassed(), images)
    opened = functional(model)
    same(model, opened, images)
    check_stock(stock_model(opened))


def test_a_model_of_mixed_precision_takes_float32(images):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = called(Subclassed(), images)
        opened = functional(model)
    finally:
        keras.config.set_dtype_policy("float32")
    assert opened.inputs[0].dtype == "float32"


def test_subclassed_models_inside_others_are_opened_too(images, tmp_path):
    model = called(Nested(), {"image": images})
    opened = stock_model(model)
    check_stock(opened)
    same(model, opened, {"image": images})
    opened.save(tmp_path / "opened.keras")
    same(model, keras.saving.load_model(tmp_path / "opened.keras"), {"image": images})


@pytest.mark.parametrize("kind", ["subclassed", "pair", "sequential", "without call"])
def test_encoder_and_decoder_are_found(kind, images):
    whole = called(Subclassed(), images)
    made = {
        "subclassed": whole,
        "pair": (whole.encoder, whole.decoder),
        "sequential": keras.Sequential(
            [keras.Input(SHAPE), dense_encoder(name="encoder"), dense_decoder(name="decoder")]
        ),
        "without call": WithoutCall(),
    }[kind]
    first, second = encoder(made), decoder(made)
    assert first.name == "encoder"
    assert second.name == "decoder"
    assert second.output_shape == (None, *SHAPE)
    check_stock(first)
    if kind != "without call":
        expected = whole if kind == "pair" else made
        np.testing.assert_allclose(second(first(images)), expected(images), atol=1e-6)
    assert anomaly.reconstruction_scores(made, images).shape == (6,)
    assert jacobian_norm(made, images[:1]) > 0
    assert samplers.interpolate(made, images[0], images[1], steps=3).shape == (3, *SHAPE)


def test_what_cannot_be_opened_is_refused_in_one_sentence(images):
    whole = called(Subclassed(), images)
    for made, message in (
        (Subclassed(), "must have a known input: begin it with `keras.Input.*'sequential"),
        (called(Drawing(), images), "must give at inference what its layers give.*draw nothing"),
        ((whole.encoder, whole.encoder), r"shape \(3,\) for inputs of \(8, 8, 1\)"),
        ((whole.encoder,), "or a pair of them, .encoder, decoder.*a sequence of 1"),
        (layers.Dense(2), "must be a Keras model. Received: model of type Dense"),
    ):
        with pytest.raises(ValueError, match=f"^`model` .*{message}"):
            encoder(made)
    two = TwoArguments()
    two(images, images)
    with pytest.raises(ValueError, match="must have a `call` of one argument.*missing 1 required"):
        functional(two)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="uses TensorFlow's functions")
def test_functions_of_a_backend_are_named(images):
    class Raw(keras.Model):
        def call(self, x):
            import tensorflow as tf

            return tf.reduce_mean(x, axis=1)

    with pytest.raises(ValueError, match="made of Keras layers and `keras.ops`.*KerasTensor"):
        functional(called(Raw(), images))


def test_a_custom_layer_is_named_with_its_stock_twin(images):
    image = keras.Input(SHAPE)
    x = layers.Flatten()(image)
    for kind in (Sampling, Stochastic):
        mean, spread = layers.Dense(2)(x), layers.Dense(2)(x)
        outputs = [mean, spread, kind(name="draw")([mean, spread])]
        model = stock_model(keras.Model(image, outputs, name="encoder"))
        if kind is Stochastic:  # as the message says
            check_stock(model)
            found = model(images)
            np.testing.assert_array_equal(found[0], found[2])
            continue
        with pytest.raises(ConversionError) as caught:
            check_stock(model)
        message = str(caught.value)
        assert message.startswith("Model 'encoder' cannot be converted, because layer 'draw'")
        assert "give Sampling a method" in message
        assert (
            "    def to_stock(self):\n        x = [keras.Input((2,)), keras.Input((2,))]" in message
        )
        assert "y = x[0]" in message
        assert len(message) < 600


def test_what_else_is_custom_is_named():
    def own(x):
        return ops.relu(x)

    class Rule(keras.regularizers.Regularizer):
        def __call__(self, x):
            return ops.sum(x)

        def get_config(self):
            return {}

    class Doubled(layers.Dense):
        pass

    for layer, message in (
        (layers.Dense(2, activation=own, name="odd"), "layer 'odd' has 'own' as its activation"),
        (
            layers.Dense(2, kernel_regularizer=Rule(), name="odd"),
            "layer 'odd' has 'Rule' as its kernel_regularizer",
        ),
        (layers.Lambda(own, name="odd"), "`Lambda` such as layer 'odd'"),
        (layers.TimeDistributed(Doubled(2), name="odd"), "layer 'odd' has 'Doubled' as its layer"),
        (Doubled(2, name="odd"), "layer 'odd' is of a custom class"),
    ):
        x = keras.Input((4, 3))
        inner = keras.Model(x, layer(x))
        with pytest.raises(ConversionError, match=message):
            check_stock(keras.Model(x, inner(x)))


@pytest.mark.parametrize(
    ("first", "levels"),
    [
        (layers.Rescaling(1 / 255), True),
        (layers.Rescaling(1 / 127.5, offset=-1), True),
        (layers.Rescaling(2.0), False),
        (layers.Normalization(mean=120.0, variance=60.0**2), True),
        (layers.Normalization(mean=0.5, variance=0.1), False),
        (layers.Dense(1), False),
    ],
)
def test_the_first_layer_tells_the_range_of_pixels(first, levels):
    inner = keras.Sequential([keras.Input(SHAPE), layers.Dropout(0.5), first, layers.Flatten()])
    assert takes_levels(functional(inner)) == levels
    image = keras.Input(SHAPE)
    assert takes_levels(keras.Model(image, inner(image))) == levels


@pytest.mark.parametrize("gives", [True, False])
def test_models_of_pixels_to_255_work_on_images_to_1(gives, images):
    first = keras.Sequential([layers.Rescaling(1 / 255), *dense_encoder().layers])
    second = keras.Sequential(dense_decoder().layers)
    if gives:
        second.add(layers.Rescaling(255.0))
    model = autoencoder((called(first, images), called(second, np.zeros((1, 3)))))
    unit = in_unit_range(model)
    expected = model(images * 255) / (255 if gives else 1)
    np.testing.assert_allclose(unit(images), expected, atol=1e-5)
    mse = np.square(expected - images).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(anomaly.reconstruction_scores(model, images), mse, rtol=1e-4)
    levels = (images * 255).astype(np.uint8)  # once divided, not twice
    scores = anomaly.reconstruction_scores(model, levels)
    np.testing.assert_allclose(scores, mse, atol=0.01)


def normalised(kind, shape, *behind):
    """A layer, batch normalisation that does something, and what is behind them."""
    model = keras.Sequential([keras.Input(shape), kind, layers.BatchNormalization(), *behind])
    rng = np.random.default_rng(0)
    found = model.layers[1]
    gamma, beta, mean, variance = (rng.uniform(0.5, 2, w.shape) for w in found.get_weights())
    found.set_weights([gamma, beta + 1, mean / 10, variance])  # so that no ReLU gives zeros only
    return model


@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_batch_normalisation_is_folded(scheme, converter, tmp_path):
    """All in one file: what is left are the layers themselves, no MUL and no ADD."""
    keras.utils.set_random_seed(0)
    image = keras.Input(SHAPE)
    parts = [
        (layers.Conv2D(2, 3, use_bias=False), layers.ReLU()),
        (layers.DepthwiseConv2D(3), layers.ReLU()),
        (layers.Conv2DTranspose(2, 3, strides=2), layers.LeakyReLU()),
        (layers.Flatten(),),
        (layers.Dense(5), layers.ReLU()),
    ]
    x = image
    for kind, *behind in parts:
        if isinstance(kind, layers.Flatten):
            x = kind(x)
            continue
        x = normalised(kind, x.shape[1:], *behind)(x)
    model = keras.Model(image, x, name="folded")
    values = np.random.default_rng(1).random((20, *SHAPE)).astype(np.float32)
    path = converter.convert(model, tmp_path / "f.tflite", scheme=scheme, calibration=values)
    content = path.read_bytes()
    operators = [x.name for x in Graph(content, "serving_default").operators]
    assert [x for x in operators if x not in ("QUANTIZE", "RESHAPE")] == [
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "TRANSPOSE_CONV",
        "LEAKY_RELU",
        "FULLY_CONNECTED",
    ]
    expected = np.asarray(model(values))
    bound = 1e-4 if scheme == "float32" else 0.06
    assert np.abs(LiteModel(content).run(values) - expected).max() < bound * np.ptp(expected)


@pytest.mark.slow
def test_a_pair_of_pixels_to_255_becomes_a_bundle(digits, tmp_path):
    keras.utils.set_random_seed(0)
    scale = layers.Normalization(axis=None)
    scale.adapt(digits.train * 255)
    first = keras.Sequential([keras.Input(SHAPE), scale, *dense_encoder().layers])
    second = keras.Sequential([keras.Input((3,)), *dense_decoder().layers])
    folder = export_bundle((first, second), tmp_path / "bundle", calibration=digits.train[:100])
    images = (digits.test[:16] * 255).astype(np.uint8)
    outcome = verify_bundle(folder, model=(first, second), images=images, report=False)
    rebuilt = np.asarray(second(first(images.astype(np.float32))))
    mse = np.square(rebuilt - images / 255).mean()
    parity = outcome.measurements["parity"]
    assert parity["psnr_keras"] == pytest.approx(-10 * np.log10(mse), abs=1e-3)
    assert outcome.passed
