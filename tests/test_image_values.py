"""What an array of images is, at every entry that takes one: accepted and meant, or refused."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import kerasae
from kerasae import evaluation, samplers
from kerasae.applications import anomaly
from kerasae.training import TrainConfig, train
from kerasae_export import Codec, export_bundle, verify_bundle
from kerasae_export.conversion.checks import check_samples
from kerasae_export.conversion.split import decoder, encoder, inference_model
from kerasae_export.evaluation import comparison, measure, pca
from kerasae_export.images import check_images, check_picture, why_unit_range

SIDE = 8
SHAPE = (SIDE, SIDE, 1)
BUNDLE = Path(__file__).parent / "golden" / "blocks" / "bundle"


@functools.cache
def model(kind: str = "undercomplete", **options) -> keras.Model:
    keras.utils.set_random_seed(0)
    given = {"input_shape": SHAPE, "code_size": 3, "hidden": (4,), **options}
    return kerasae.build(kind, **given)


@functools.cache
def scorer() -> keras.Model:
    return anomaly.scorer(model())


@functools.cache
def codec() -> Codec:
    return Codec.load(BUNDLE)


def masks() -> np.ndarray:
    holes = np.zeros((SIDE, SIDE), bool)
    holes[2:5, 2:5] = True
    return holes


def fitted(x):
    keras.utils.set_random_seed(0)
    fresh = kerasae.build_undercomplete(input_shape=SHAPE, code_size=3, hidden=(4,))
    once = TrainConfig(epochs=1, jit_compile=False, steps_per_execution=1)
    return train(fresh, kerasae.Images(x, x, x[:0]), once, progress=False).history["loss"]


def pretrained(x):
    once = TrainConfig(epochs=1, jit_compile=False, steps_per_execution=1)
    images = kerasae.Images(x, x, x[:0])
    keras.utils.set_random_seed(0)
    fresh = kerasae.build_undercomplete(input_shape=SHAPE, code_size=3, hidden=())
    return kerasae.pretrain_layerwise(fresh, images, once, progress=False)[0].history["loss"]


def decorrelated(x):
    keras.utils.set_random_seed(0)
    fresh = kerasae.build_undercomplete(input_shape=SHAPE, code_size=2, hidden=())
    return kerasae.decorrelate_code(fresh, x)


# What takes a set of images, and what it makes of it. All need values in [0, 1].
SETS = {
    "train": fitted,
    "pretrain_layerwise": pretrained,
    "decorrelate_code": decorrelated,
    "elbo": lambda x: evaluation.elbo(model("variational", likelihood="bernoulli"), x).elbo,
    "negative_log_likelihood": lambda x: evaluation.negative_log_likelihood(
        model("variational", likelihood="bernoulli"), x, samples=2
    ),
    "active_units": lambda x: evaluation.active_units(
        model("variational", likelihood="bernoulli"), x
    ),
    "rate_distortion": lambda x: (
        evaluation.rate_distortion(model("rate_distortion", network="dense"), x).mse
    ),
    "jacobian_norm": lambda x: evaluation.jacobian_norm(model(), x),
    "psnr": lambda x: evaluation.psnr(x, np.zeros(np.shape(x), np.float32)),
    "ssim": lambda x: evaluation.ssim(x, np.zeros(np.shape(x), np.float32)),
    "hole_error": lambda x: evaluation.hole_error(x, np.zeros(np.shape(x), np.float32), masks()),
    "reconstruction_scores": lambda x: anomaly.reconstruction_scores(model(), x),
    "scorer": lambda x: anomaly.scores(anomaly.scorer(model(), "likelihood", images=x), x),
    "scores": lambda x: anomaly.scores(scorer(), x),
    "inpaint": lambda x: kerasae.inpaint(model("masked", network="dense"), x, masks()),
    "convert": lambda x: check_samples(inference_model(model()), x)[0],
    "convert_both": lambda x: check_samples(encoder(model()), x, followed_by=decoder(model()))[0],
    "PrincipalAxes": lambda x: pca.PrincipalAxes(x).mean,
}
# These run longer than a check where the images are sound, or need more than that.
CHECKED = {
    "export_bundle": lambda x: export_bundle(model(), "unused", calibration=x),
    "verify_bundle": lambda x: verify_bundle(BUNDLE, model=model(), images=x),
}


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, *SHAPE), dtype=np.uint8)


def spoilt(value: float) -> np.ndarray:
    images = (pixels() / 255).astype(np.float32)
    images[2, 3, 4, 0] = value
    return images


BAD = {
    "levels": (pixels().astype(np.float32), r"in \[0, 1\] .*/ 255`.* from 0 to 25"),
    "symmetric": (pixels() / 127.5 - 1, r"\+ 1\) / 2` brings them .* from -1 to "),
    "standardised": (pixels() / 64 - 2.0, r"\.min\(\)\) / .* from -2 to 1\.9"),
    "resampled": (pixels() / 255 * 1.2 - 0.1, r"np\.clip\(.*from -0\.1 to 1\.1"),
    "digits": (pixels() // 16 / 1.0, "/ 15` brings them there"),
    "NaN": (spoilt(np.nan), r"must be finite; .* in 1 of 6"),
    "infinity": (spoilt(-np.inf), r"must be finite; .* in 1 of 6"),
    "float64 beyond float32": (pixels() * 1e300, r"must be finite; .* in 6 of 6"),
    "binary uint8": (np.uint8(pixels() > 99), r'/ 255` for pixels .*"float32"\)` for 0 and 1'),
    "int64": (pixels().astype(int), r"floating point, or uint8 .*/ 255` .* from \d+ to 2"),
    "uint16": (pixels() * np.uint16(257), "/ 65535` .* uint16 values from"),
    "binary int64": (1 * (pixels() > 99), r"floating point, .*`\w+\.astype\(\"float32\"\)`"),
    "int8": (pixels().view(np.int8), r"floating point.* int8 values from -12"),
    "no channels": (pixels()[..., 0], r"\[\.\.\., None\]` mends it"),
    "channels first": (np.moveaxis(pixels(), -1, 1), r"np\.moveaxis\(\w+, 1, -1\)` mends it"),
    "one image": (pixels()[0], r"\[None\]` mends it"),
    "empty": (pixels()[:0], "at least one|training images"),
    "masked": (np.ma.masked_less(pixels(), 9), r"\.filled\(0\)` fills the gaps"),
    "objects": (np.array([*pixels(), None], object), "must be an array of numbers"),
    "words": (np.full((2, *SHAPE), "a"), "must be an array of numbers"),
    "complex": (pixels() * 1j, "must be an array of numbers"),
}
_PAIRED = ("psnr", "ssim", "hole_error")


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("entry", {**SETS, **CHECKED})
def test_images_that_are_none_are_refused_everywhere(entry, kind):
    images, message = BAD[kind]
    if kind == "one image" and entry in ("train", "pretrain_layerwise", *_PAIRED, "PrincipalAxes"):
        message = "mends it"  # without a model, (8, 8, 1) may be grey images that lack channels
    with pytest.raises(ValueError, match=message):
        {**SETS, **CHECKED}[entry](images)


@pytest.mark.parametrize("entry", SETS)
def test_uint8_is_what_it_is_divided_by_255(entry):
    scaled = SETS[entry]((pixels() / 255).astype(np.float32))
    np.testing.assert_allclose(SETS[entry](pixels()), scaled, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_every_floating_type_will_do(dtype):
    images = (pixels() / 255).astype(dtype)
    checked = check_images("images", images, shape=SHAPE, unit="a test")
    assert checked.dtype == np.float32
    np.testing.assert_allclose(checked, images.astype(np.float32))


def test_sound_images_are_not_copied():
    images = spoilt(0.5)
    assert check_images("images", images, unit="a test") is images
    with_gaps = images[:, ::2]
    np.testing.assert_array_equal(check_images("images", with_gaps, unit="a test"), with_gaps)
    images[0, 0, 0, 0] = -0.0
    assert check_images("images", images, unit="a test") is images


def test_rounding_beyond_the_range_is_cut_off():
    found = check_images("images", spoilt(1 + 1e-6), unit="a test")
    assert found.max() == 1
    assert check_images("images", spoilt(-1e-6), unit="a test").min() == 0


def test_booleans_are_0_and_1_and_all_black_is_black():
    drawing = pixels() > 99
    np.testing.assert_array_equal(check_images("images", drawing), drawing.astype(np.float32))
    assert not check_images("images", np.zeros((2, *SHAPE), np.uint8)).any()


def test_lists_and_pictures_are_images():
    pictures = [Image.fromarray(image[..., 0]).convert("RGB") for image in pixels()]
    np.testing.assert_allclose(check_images("images", pictures)[..., :1], pixels() / 255, rtol=1e-6)
    np.testing.assert_allclose(check_images("images", [*pixels()]), pixels() / 255, rtol=1e-6)
    palette = [picture.convert("P") for picture in pictures]
    with pytest.raises(ValueError, match=r'convert\("RGB"\).* an image of mode \'P\''):
        check_images("images", palette)
    with pytest.raises(ValueError, match=r"one shape. .* \(4, 8, 1\) and \(8, 8, 1\)"):
        check_images("images", [pixels()[0], pixels()[1, :4]])
    images = kerasae.Images(pixels(), pixels(), pixels())
    with pytest.raises(ValueError, match="`images.test` is one of its splits"):
        evaluation.elbo(model("variational", likelihood="bernoulli"), images)


@pytest.mark.parametrize("take", [samplers.interpolate, samplers.traverse])
@pytest.mark.parametrize("kind", ["levels", "symmetric", "NaN", "binary uint8", "int64", "uint16"])
def test_samplers_look_at_their_images(take, kind):
    def run(image):
        return take(model(), *([image] * (2 if take is samplers.interpolate else 1)), steps=3)

    images, message = BAD[kind]
    with pytest.raises(ValueError, match="must"):
        run(images[2])
    if kind != "NaN":
        with pytest.raises(ValueError, match=message.partition(".* from")[0]):
            run(images[2])
    np.testing.assert_allclose(run(pixels()[0]), run(np.float32(pixels()[0] / 255)), atol=1e-6)


@pytest.mark.parametrize("kind", ["NaN", "infinity", "binary uint8", "int64", "no channels"])
def test_a_set_of_images_looks_at_its_arrays(kind):
    bad, message = BAD[kind]
    good = spoilt(0.5)
    for position, split in enumerate(("train", "validation", "test")):
        arrays = [good] * 3
        arrays[position] = bad
        with pytest.raises(ValueError, match=f"`{split}` must.*{message.rpartition('.*')[2]}"):
            kerasae.Images(*arrays)
    with pytest.raises(ValueError, match=r"`validation` must hold images of the shape of `train`"):
        kerasae.Images(good, good[:, :4], good)


def test_a_set_keeps_float32():
    images = kerasae.Images(pixels(), [*pixels()], pixels() / 255)
    for split in (images.train, images.validation, images.test):
        assert split.dtype == np.float32
        np.testing.assert_allclose(split, pixels() / 255, rtol=1e-6)


ANY_RANGE = [
    ("undercomplete", {"loss": "mse"}),
    ("variational", {"likelihood": "gaussian"}),
    ("variational", {"likelihood": "gaussian_learned"}),
    ("denoising", {"base": "undercomplete", "loss": "mse", "corruption": "masking"}),
    ("contractive", {"loss": "mse", "penalty": "stochastic"}),
]
UNIT_RANGE = [
    ("undercomplete", {}),
    ("convolutional", {}),
    ("sparse", {"code_size": 80}),
    ("variational", {"likelihood": "bernoulli"}),
    ("denoising", {"base": "undercomplete", "loss": "mse"}),
    ("denoising", {"base": "undercomplete", "loss": "mse", "corruption": "salt_and_pepper"}),
    ("masked", {"loss": "mse", "network": "dense"}),
    ("rate_distortion", {"network": "dense"}),
    ("recurrent", {"input_shape": (8, 2), "loss": "binary_crossentropy", "cell": "conv1d"}),
]


@pytest.mark.parametrize(("kind", "options"), ANY_RANGE)
def test_squared_errors_take_any_finite_range(kind, options):
    network = model(kind, **options)
    assert why_unit_range(network) is None
    values = np.float32(pixels() / 64 - 2)
    np.testing.assert_array_equal(check_images("images", values), values)


def test_the_squared_error_trains_on_any_finite_range():
    network = kerasae.build_undercomplete(input_shape=SHAPE, code_size=2, hidden=(), loss="mse")
    values = pixels() / 64 - 2
    once = TrainConfig(epochs=1, jit_compile=False, steps_per_execution=1)
    history = train(network, kerasae.Images(values, values, values), once, progress=False)
    assert np.isfinite(history.history["val_loss"]).all()


@pytest.mark.parametrize(("kind", "options"), UNIT_RANGE)
def test_models_say_why_they_need_the_unit_range(kind, options):
    assert why_unit_range(model(kind, **options))


@pytest.mark.parametrize(
    "loss",
    [
        "bce",
        "binary_crossentropy",
        "BinaryCrossentropy",
        keras.losses.BinaryCrossentropy(name="mine"),
        keras.losses.BinaryFocalCrossentropy(),
        keras.losses.binary_crossentropy,
        ["mse", "binary_crossentropy"],
        {"a": keras.losses.BinaryCrossentropy()},
    ],
)
def test_cross_entropies_are_known_by_any_name(loss):
    class Compiled:
        def __init__(self, loss):
            self.loss = loss

    assert why_unit_range(Compiled(loss)) == "the binary cross-entropy"
    assert why_unit_range(Compiled(keras.losses.MeanSquaredError())) is None
    assert why_unit_range(Compiled(lambda a, b: a - b)) is None


def test_sequences_keep_their_own_rules():
    ones = np.eye(3, dtype=np.uint8)[np.zeros((4, 8), int)]
    found = check_images("x", ones, shape=(8, 3), unit="the categorical cross-entropy")
    np.testing.assert_array_equal(found, ones.astype(np.float32))
    series = np.float32(np.random.default_rng(0).normal(size=(4, 8, 3)))
    np.testing.assert_array_equal(check_images("x", series, shape=(8, 3)), series)
    with pytest.raises(ValueError, match=r'"float32"\)` for numbers'):
        check_images("x", ones * np.uint8(200), shape=(8, 3))


def test_a_model_that_rescales_takes_pixels_as_they_are():
    layers = [keras.Input(SHAPE), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
    network = keras.Sequential(layers)
    np.testing.assert_array_equal(check_samples(network, pixels())[0], pixels())
    other = keras.Sequential([layers[0], keras.layers.Rescaling(2.0, -1.0)])
    np.testing.assert_allclose(check_samples(other, pixels())[0], pixels() / 255, rtol=1e-6)


def test_calibration_that_looks_like_pixels_is_not_taken_without_a_word():
    with pytest.warns(UserWarning, match=r"`calibration / 255` is what it needs"):
        check_samples(encoder(model(loss="mse")), pixels().astype(np.float32))


def test_codes_calibrate_a_decoder_in_any_range():
    codes = np.float32(np.random.default_rng(0).normal(size=(4, 3)) * 9)
    np.testing.assert_array_equal(check_samples(decoder(model()), codes)[0], codes)


def test_inputs_of_whole_numbers_refuse_fractions():
    entry = keras.Input((4,), dtype="int32")
    tokens = keras.Model(entry, keras.layers.Embedding(9, 2)(entry))
    assert check_samples(tokens, np.ones((2, 4)))[0].dtype == np.int32
    with pytest.raises(ValueError, match="that are whole numbers"):
        check_samples(tokens, np.full((2, 4), 0.5))


PICTURES = {
    "unit range": (pixels()[0] / 255, r"np\.uint8\(np\.round\(.* \* 255\)\)` mends it"),
    "symmetric": (pixels()[0] / 127.5 - 1, r"\+ 1\) \* 127\.5\)\)` mends it"),
    "float levels": (pixels()[0] / 1.0, r"np\.uint8\(np\.round\("),
    "int64": (pixels()[0].astype(int), r"np\.uint8\(np\.round\(.*int64 of shape"),
    "bool": (pixels()[0] > 99, r"np\.uint8\(.*\) \* 255` mends it"),
    "uint16": (pixels()[0] * np.uint16(257), r"// 257\)` mends it"),
    "NaN": (spoilt(np.nan)[2], "from nan to nan"),
    "colour": (np.zeros((8, 8, 3), np.uint8), "Received: uint8 of shape"),
    "objects": (np.full((8, 8, 1), None), "must be an array of numbers"),
}
CODEC = {
    "compress": lambda x: codec().compress(x),
    "encode": lambda x: codec().encode(x),
    "compress_many": lambda x: codec().compress_many([x]),
    "compare_files": lambda x: comparison.compare_files([x], codec()),
    "compare_together": lambda x: comparison.compare_together([x], codec()),
    "measure": lambda x: measure([], [x], "files"),
    "export_bundle": lambda x: export_bundle(model(), "unused", calibration=pixels(), sample=x),
}


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("entry", CODEC)
def test_codecs_take_pixels_only(entry, kind):
    image, message = PICTURES[kind]
    if entry == "measure" and kind == "colour":
        return  # it has no codec yet that could be for grey images
    with pytest.raises(ValueError, match=message):
        CODEC[entry](image)


def test_to_a_codec_1_is_nearly_black():
    dark = np.uint8(pixels()[0] > 99)
    assert codec().decompress(codec().compress(dark)).max() < 128
    np.testing.assert_array_equal(check_picture("image", dark[..., 0], channels=1), dark)
    with pytest.raises(ValueError, match=r"np\.moveaxis\(image, 0, -1\)` mends it"):
        check_picture("image", np.zeros((3, 8, 8), np.uint8), channels=3)
    with pytest.raises(ValueError, match=r"several images; `images\[None\]` holds one"):
        comparison.compare_files(pixels()[0], codec())


@pytest.mark.parametrize(
    ("model", "way_out"),
    [
        (kerasae.build_undercomplete(input_shape=SHAPE, hidden=()), 'a model with `loss="mse"`'),
        (
            kerasae.build_variational(input_shape=SHAPE, hidden=(), likelihood="bernoulli"),
            'a model with `likelihood="gaussian_learned"`',
        ),
        (
            kerasae.build_denoising(input_shape=SHAPE, base="undercomplete", loss="mse"),
            "a model with `clip=False`",
        ),
    ],
    ids=["cross-entropy", "likelihood", "noise"],
)
def test_the_way_out_is_one_that_the_builder_has(model, way_out):
    values = np.linspace(-1, 1, 2 * 64).reshape(2, *SHAPE)
    with pytest.raises(ValueError, match=re.escape(f", or {way_out} takes them as they are")):
        kerasae.train(model, kerasae.Images(values, values, values))


@pytest.mark.parametrize("shape", [(3, 0, 8, 1), (3, 8, 0, 1), (3, 8, 8, 0)])
def test_images_without_pixels_are_refused(shape):
    with pytest.raises(ValueError, match="`images` must hold pixels"):
        check_images("images", np.zeros(shape))
