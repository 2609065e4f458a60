"""The convolutional parts: options, several heads, logits, and what an export makes of them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import kerasae
from kerasae.builders import _convolutional, _dense
from kerasae.losses import bounded_log_variance
from kerasae_export.bundling.layout import find_layout

EVERYTHING = {"upsampling": "resize", "residual": 1, "normalization": "batch"}


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(1, 1, 1), (5, 9, 3), (17, 31, 1), (6, 4, 4)]
)
@pytest.mark.parametrize("code", ["dense", "spatial"])
@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_any_size_reconstructs_at_its_size_with_every_option(
    height, width, channels, code, upsampling
):
    options = {**EVERYTHING, "upsampling": upsampling}
    model = kerasae.build_convolutional(
        input_shape=(height, width, channels), code_size=2, hidden=(4, 4), code=code, **options
    )
    images = np.zeros((2, height, width, channels), np.float32)
    assert model(images).shape == images.shape


def test_a_residual_block_adds_to_its_input(rng):
    hidden, options, _ = _convolutional.check((3,), code="spatial", residual=2)
    encoder = _convolutional.encoder((8, 8, 1), 2, hidden, "tanh", **options)
    before = keras.Model(encoder.input, encoder.get_layer("encode_1").output)
    after = keras.Model(encoder.input, encoder.get_layer("encode_1_block_2").output)
    images = rng.random((2, 8, 8, 1)).astype(np.float32)
    assert np.abs(np.subtract(after(images), before(images))).max() > 1e-3
    for j in (1, 2):
        outer = encoder.get_layer(f"encode_1_block_{j}_outer")
        assert outer.activation is keras.activations.linear
        outer.set_weights([np.zeros_like(w) for w in outer.get_weights()])
    np.testing.assert_array_equal(after(images), before(images))


def test_blocks_and_normalisations_are_mirrored():
    model = kerasae.build_convolutional(
        input_shape=(16, 16, 1), hidden=(4, 6), code="spatial", residual=2, normalization="batch"
    )
    counts = {
        part: [
            sum(isinstance(layer, kind) for layer in model.get_layer(part).layers)
            for kind in (keras.layers.Add, keras.layers.BatchNormalization)
        ]
        for part in ("encoder", "decoder")
    }
    # A normalisation after each of the two strided layers (or the code's and one transposed
    # layer), and after the two convolutions of each of the four blocks.
    assert counts == {"encoder": [4, 10], "decoder": [4, 10]}
    filters = [
        layer.filters
        for layer in model.get_layer("decoder").layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose)
    ]
    assert filters == [6, 6, 6, 6, 6, 4, 4, 4, 4, 4, 1]


def test_resizing_repeats_each_pixel_before_the_convolution():
    _, _, options = _convolutional.check((4,), code="spatial", upsampling="resize")
    decoder = _convolutional.decoder((6, 6, 1), 2, (4,), "relu", "linear", **options)
    assert not any(isinstance(x, keras.layers.Conv2DTranspose) for x in decoder.layers)
    before = keras.Model(decoder.input, decoder.get_layer("decode_1").output)
    after = keras.Model(decoder.input, decoder.get_layer("pixels_resize").output)
    code = np.random.default_rng(0).normal(size=(1, 3, 3, 2)).astype(np.float32)
    repeated = np.repeat(np.repeat(before(code), 2, axis=1), 2, axis=2)
    np.testing.assert_array_equal(after(code), repeated)


@pytest.mark.parametrize("code", ["dense", "spatial"])
def test_several_heads_and_logits_of_a_convolutional_net(code, rng):
    hidden, for_encoder, for_decoder = _convolutional.check((4, 4), code=code)
    shape = (7, 10, 1)
    heads = ("mean", "log_variance")
    encoder = _convolutional.encoder(shape, 3, hidden, "relu", **for_encoder, heads=heads)
    decoder = _convolutional.decoder(
        shape, 3, hidden, "relu", "sigmoid", **for_decoder, logits=True
    )
    check_heads_and_logits(encoder, decoder, rng.random((2, *shape)).astype(np.float32))


def test_several_heads_and_logits_of_a_dense_net(rng):
    shape = (7, 10, 1)
    encoder = _dense.encoder(shape, 3, (8,), "relu", heads=("mean", "log_variance"))
    decoder = _dense.decoder(shape, 3, (8,), "relu", "sigmoid", logits=True)
    check_heads_and_logits(encoder, decoder, rng.random((2, *shape)).astype(np.float32))


def check_heads_and_logits(encoder, decoder, images):
    mean, log_variance = encoder(images)
    assert tuple(mean.shape) == tuple(log_variance.shape) == (2, *decoder.input_shape[1:])
    for head, values in (("mean", mean), ("log_variance", log_variance)):
        layer = encoder.get_layer(head)
        bounded = head == "log_variance"
        assert layer.activation is (bounded_log_variance if bounded else keras.activations.linear)
        np.testing.assert_array_equal(
            keras.Model(encoder.input, layer.output)(images), keras.ops.convert_to_numpy(values)
        )
    assert np.abs(np.subtract(mean, log_variance)).max() > 1e-3  # weights of their own
    reconstruction, logits = map(keras.ops.convert_to_numpy, decoder(mean))
    assert reconstruction.shape == images.shape
    np.testing.assert_allclose(reconstruction, 1 / (1 + np.exp(-logits)), rtol=1e-5)
    assert logits.min() < 0  # no sigmoid went before
    np.testing.assert_array_equal(
        keras.Model(decoder.input, decoder.get_layer("reconstruction").output)(mean),
        reconstruction,
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"upsampling": "nearest"}, "`upsampling` must be one of 'transposed', 'resize'"),
        ({"residual": -1}, "`residual` must be an integer of 0 or more. Received: residual=-1"),
        ({"residual": True}, "`residual` must be an integer of 0 or more"),
        ({"normalization": "layer"}, "`normalization` must be 'batch' or None. Received"),
        ({"normalization": ["batch"]}, "`normalization` must be 'batch' or None. Received"),
    ],
)
def test_bad_options_give_one_sentence(wrong, message):
    with pytest.raises(ValueError, match=message):
        kerasae.build_convolutional(**wrong)


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_a_spatial_code_with_every_option_is_a_grid(upsampling, rng):
    model = kerasae.build_convolutional(
        input_shape=(48, 48, 1),
        code_size=3,
        hidden=(4, 4),
        code="spatial",
        **{**EVERYTHING, "upsampling": upsampling},
    )
    randomise_normalisations(model, rng)
    layout, stride, margin = find_layout(kerasae.encoder(model), kerasae.decoder(model))
    assert (layout, stride) == ("grid", 4)
    assert 0 < margin < 6


def randomise_normalisations(model: keras.Model, rng: np.random.Generator) -> None:
    """As after a training: fresh ones do nothing, and would be folded into anything."""
    for part in ("encoder", "decoder"):
        for layer in model.get_layer(part).layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])


@pytest.mark.slow
@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_an_export_folds_the_normalisation(upsampling, converter, rng, tmp_path):
    options = {**EVERYTHING, "upsampling": upsampling}
    model = kerasae.build_convolutional(
        input_shape=(8, 8, 1), code_size=2, hidden=(4, 4), code="spatial", **options
    )
    randomise_normalisations(model, rng)
    left = {
        getattr(schema.BuiltinOperator, name)
        for name in ("MUL", "SUB", "RSQRT", "MEAN", "SQUARED_DIFFERENCE")
    }
    for net in (kerasae.encoder(model), kerasae.decoder(model)):
        path = converter.convert(net, tmp_path / "part.tflite", scheme="float32")
        content = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
        assert not left & {code.builtinCode for code in content.operatorCodes}


@pytest.mark.slow
def test_moving_statistics_resume_bit_by_bit(tmp_path):
    """A killed run ends with the statistics, too, of one that was not killed."""
    config = kerasae.TrainConfig(epochs=2, schedule="constant")
    few = kerasae.load_images("digits", limit=256)

    def make():
        keras.utils.set_random_seed(0)
        return kerasae.build_convolutional(
            input_shape=few.image_shape, code_size=4, hidden=(4,), **EVERYTHING
        )

    whole = make()
    kerasae.train(whole, few, config, progress=False)
    first = kerasae.TrainConfig(epochs=1, schedule="constant")
    kerasae.train(make(), few, first, out=tmp_path / "run", progress=False)
    resumed = make()
    kerasae.train(resumed, few, config, out=tmp_path / "run", resume=True, progress=False)
    for one, other in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    again = keras.saving.load_model(tmp_path / "run" / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(
        again.predict(few.test, verbose=0), resumed.predict(few.test, verbose=0)
    )
