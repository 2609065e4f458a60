"""Losses of images beside mean errors: structure, robust errors, frequencies, features, sums."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from skimage.data import astronaut
from skimage.metrics import structural_similarity

import kerasae
from kerasae import losses
from kerasae.losses.mixed import NAMED, named_loss
from kerasae_export.evaluation.quality import mean_ms_ssim


def numpy(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Photographs and noisy copies of different quality."""
    rng = np.random.default_rng(0)
    whole = astronaut().astype(np.float32) / 255
    images = np.stack([whole[:179, :187], whole[100:279, 200:387]])
    noise = rng.normal(0, [[[[0.02]]], [[[0.2]]]], images.shape)
    return images, np.clip(images + noise, 0, 1).astype(np.float32)


@pytest.mark.parametrize("window", [11, 7])
def test_ssim_is_that_of_scikit_image(pair, window):
    """Whose window reaches 3.5 standard deviations, and whose mean leaves out the border."""
    x, y = (z[:, :40, :53] for z in pair)
    sigma = (window // 2) / 3.5
    how = {"gaussian_weights": True, "sigma": sigma, "use_sample_covariance": False}
    expected = [
        structural_similarity(a, b, channel_axis=-1, data_range=1.0, **how)
        for a, b in zip(x.astype(float), y.astype(float), strict=True)
    ]
    found = numpy(losses.ssim(x, y, window=window, sigma=sigma))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert found[0] > 0.8 > 0.5 > found[1]


def test_ms_ssim_is_that_of_the_evaluation_and_of_tensorflow(pair):
    x, y = (z[:, :176, :176] for z in pair)
    found = numpy(losses.ms_ssim(x, y))
    expected = [mean_ms_ssim(a[None], b[None]) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        np.testing.assert_allclose(found, tf.image.ssim_multiscale(x, y, 1.0), rtol=1e-4)


def test_few_scales_have_powers_of_sum_one(pair):
    x, y = (z[:, :30, :64] for z in pair)
    auto, two, one = (numpy(losses.ms_ssim(x, y, scales=n)) for n in (None, 2, 1))
    np.testing.assert_array_equal(auto, two)  # 30 pixels have room for 11 twice
    np.testing.assert_allclose(one, numpy(losses.ssim(x, y)), rtol=1e-4)
    assert numpy(losses.ms_ssim(x, x, scales=2)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("side", [1, 2, 3, 8, 10])
def test_a_window_fits_into_small_images(side):
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 2, side, side + 5, 3)).astype(np.float32)
    for similarity in (losses.ssim, losses.ms_ssim):
        assert numpy(similarity(x, x)) == pytest.approx(1, abs=1e-5)
        assert (numpy(similarity(x, y)) < 0.9).all()


def test_similarities_refuse_in_one_sentence():
    images = np.zeros((1, 30, 20, 1), np.float32)
    with pytest.raises(ValueError, match=r"`window` must fit.*window=21 for 30 x 20"):
        losses.ssim(images, images, window=21)
    with pytest.raises(ValueError, match=r"`window` must fit.*window=11 for 15 x 10"):
        losses.ms_ssim(images, images, window=11, scales=2)
    with pytest.raises(ValueError, match=r"`images` must be .*similarity.*\(30, 20, 1\)"):
        losses.ssim(images[0], images[0])
    with pytest.raises(ValueError, match=r"`images` must be .*frequency loss.*\(30, 20, 1\)"):
        losses.focal_frequency(images[0], images[0])
    for wrong, rule in [
        ({"window": 4}, "`window` must be an odd number"),
        ({"window": 0}, "`window` must be a positive integer"),
        ({"sigma": 0}, "`sigma` must be a number above 0"),
    ]:
        for make in (losses.SSIM, losses.MultiScaleSSIM):
            with pytest.raises(ValueError, match=rule):
                make(**wrong)
    with pytest.raises(ValueError, match="`scales` must be 1 to 5. Received: scales=6"):
        losses.MultiScaleSSIM(scales=6)
    with pytest.raises(ValueError, match="`epsilon` must be a number above 0"):
        losses.Charbonnier(epsilon=0)
    with pytest.raises(ValueError, match="`alpha` must be a number at least 0"):
        losses.FocalFrequency(alpha=-1)


def test_charbonnier_is_its_formula():
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 3, 4, 5, 2)).astype(np.float32)
    expected = np.sqrt((x.astype(float) - y) ** 2 + 0.25).mean(-1)
    np.testing.assert_allclose(numpy(losses.charbonnier(x, y, epsilon=0.5)), expected, rtol=1e-5)
    half = np.zeros((2, 3), np.float16)
    np.testing.assert_allclose(numpy(losses.charbonnier(half, half)), 1e-3, rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_focal_frequency_is_its_formula(pair, alpha):
    x, y = (z[:, :31, :24] for z in pair)
    size = np.abs(np.fft.fft2(x.astype(float) - y, axes=(1, 2), norm="ortho"))
    weight = (size / size.max(axis=(1, 2), keepdims=True)) ** alpha
    expected = (weight * size**2).mean(axis=(1, 2, 3))
    found = numpy(losses.focal_frequency(x, y, alpha=alpha))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert (numpy(losses.focal_frequency(x, x, alpha=alpha)) == 0).all()


def test_focal_frequency_without_weights_is_the_squared_error(pair):
    """Parseval's theorem."""
    x, y = (z[:, :31, :24] for z in pair)
    expected = ((x - y) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(numpy(losses.focal_frequency(x, y, alpha=0)), expected, rtol=1e-4)


def layer(x: np.ndarray, **options) -> keras.Model:
    """A model that gives `x` whatever comes, by its only weights."""
    image = keras.Input((1,))
    flat = keras.layers.Dense(x[0].size, use_bias=False, kernel_initializer="zeros")(image)
    model = keras.Model(image, keras.layers.Reshape(x.shape[1:])(flat))
    model.layers[1].set_weights([x.reshape(1, -1)])
    model.compile(**options)
    return model


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("start", ["equal", "black", "noise"])
def test_descent_lowers_each_loss_and_no_gradient_is_lost(name, start):
    """From equal images, on which roots and powers have no gradient, and from black ones."""
    rng = np.random.default_rng(0)
    truth = rng.random((1, 24, 24, 1)).astype(np.float32)
    begin = {"equal": truth, "black": 0 * truth, "noise": rng.random(truth.shape)}[start]
    model = layer(np.float32(begin), loss=NAMED[name](), optimizer=keras.optimizers.Adam(0.01))
    one = np.ones((1, 1), np.float32)
    before = float(model.evaluate(one, truth, verbose=0))
    model.fit(np.repeat(one, 30, 0), np.repeat(truth, 30, 0), batch_size=1, verbose=0)
    after = float(model.evaluate(one, truth, verbose=0))
    assert np.isfinite(model.layers[1].get_weights()[0]).all()
    assert after <= max(0.97 * before, 0.02)


def test_a_sum_is_that_of_its_parts(pair):
    x, y = (z[:, :24, :24] for z in pair)
    mse = ((x - y) ** 2).mean(axis=(1, 2, 3))
    expected = 2 * mse + 0.5 * (1 - numpy(losses.ssim(x, y)))
    for loss in (
        losses.WeightedSum({"mse": 2, "ssim": 0.5}),
        losses.WeightedSum([(keras.losses.MeanSquaredError(), 2), (losses.SSIM(), 0.5)]),
        named_loss("2*mse+0.5*ssim"),
        named_loss("2 * mse + .5 * ssim"),
        losses.WeightedSum.from_config(losses.WeightedSum({"mse": 2, "ssim": 0.5}).get_config()),
    ):
        np.testing.assert_allclose(numpy(loss.call(x, y)), expected, rtol=1e-4)
    pixels = losses.WeightedSum({"mse": 1, "mae": 1})
    assert pixels.call(x, y).shape == x.shape[:3]
    assert pixels.unit_range is None


def test_a_sum_wants_what_its_parts_want():
    class OfProbabilities(keras.losses.MeanSquaredError):
        unit_range = "a likelihood"

    for sum_, words in [
        ([("mse", 1), (OfProbabilities(), 1)], "a likelihood"),
        ([("ssim", 1), ("ms_ssim", 1)], "structural"),
        ([("ssim", 1), (OfProbabilities(), 1)], "a likelihood"),
    ]:
        assert words in losses.WeightedSum(sum_).unit_range
    assert losses.WeightedSum({"ssim": 1, "mse": 1}).unit_range is None
    how = {"input_shape": (8, 8, 1), "code_size": 4, "hidden": ()}
    for loss, end in [
        ("binary_crossentropy + 0.1*ssim", "sigmoid"),
        ("ssim + ms_ssim", "sigmoid"),
        ("mae + ms_ssim", "linear"),
    ]:
        model = kerasae.build_undercomplete(**how, loss=loss)
        ends = [x for x in model.get_layer("decoder").layers if hasattr(x, "activation")]
        assert ends[-1].activation.__name__ == end


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({}, "must be a mapping"),
        ("mse", "must be a mapping"),
        ([("mse",)], "must be a mapping"),
        ({"mse": 0}, "`losses` must be a number above 0"),
        ({"mse": float("nan")}, "`losses` must be a number above 0"),
        ({"nothing": 1}, "must hold names of losses.*nothing"),
        ({3: 1}, "must hold names of losses.*3"),
    ],
)
def test_a_sum_refuses_in_one_sentence(wrong, rule):
    with pytest.raises(ValueError, match=rule):
        losses.WeightedSum(wrong)


@pytest.mark.parametrize("loss", [*NAMED, "mse + 0.1*ssim", "charbonnier+0.5*focal_frequency"])
def test_builders_take_names_and_saved_models_have_them_again(loss, digits, tmp_path, eager):
    model = kerasae.build_convolutional(
        input_shape=(8, 8, 1), code_size=4, hidden=(8,), code="spatial", loss=loss
    )
    model.fit(digits.train[:64], digits.train[:64], verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    assert again.loss.get_config() == model.loss.get_config()
    found = [
        float(m.evaluate(digits.test[:32], digits.test[:32], verbose=0)) for m in (model, again)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert model.get_layer("decoder").layers[-1].activation.__name__ == (
        "sigmoid" if loss in ("ssim", "ms_ssim") else "linear"
    )


def test_a_loss_of_whole_images_weighs_no_holes():
    how = {"input_shape": (8, 8, 1), "code_size": 4, "hidden": (8,)}
    with pytest.raises(ValueError, match="`loss` must give a value for each pixel.*SSIM"):
        kerasae.build_masked(**how, loss="ssim")
    assert kerasae.build_masked(**how, loss="mse + 0.5*charbonnier").loss is not None
    with pytest.raises(ValueError, match="`loss` must be the name of a loss.*'mse \\+ nothing'"):
        kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4, loss="mse + nothing")
    flat = kerasae.build_segmentation(input_shape=(8, 8, 1), classes=2, hidden=(4,), loss="ssim")
    assert isinstance(flat.loss.kind, losses.SSIM)


def features(width: int = 4) -> keras.Model:
    image = keras.Input((8, 8, 1))
    first = keras.layers.Conv2D(width, 3, activation="relu")(image)
    return keras.Model(image, [first, keras.layers.Conv2D(2, 3)(first)])


def test_perceptual_errors_are_those_of_features(digits, tmp_path):
    x, y = digits.test[:5], digits.test[5:10]
    model = features()
    seen = [[numpy(z) for z in model(w)] for w in (x, y)]
    expected = sum(
        weight * ((a - b) ** 2).mean(axis=(1, 2, 3))
        for weight, a, b in zip((2, 0.5), *seen, strict=True)
    )
    model.save(tmp_path / "features.keras")
    config = losses.Perceptual(model, weights=(2, 0.5)).get_config()
    for loss in (
        losses.Perceptual(model, weights=(2, 0.5)),
        losses.Perceptual(tmp_path / "features.keras", weights=(2, 0.5)),
        losses.Perceptual.from_config(config),
    ):
        np.testing.assert_allclose(numpy(loss.call(x, y)), expected, rtol=1e-5)
    assert losses.Perceptual(tmp_path / "features.keras").get_config()["features"] == str(
        tmp_path / "features.keras"
    )


def test_a_model_of_a_perceptual_loss_is_trained_and_saved_and_its_features_stay(
    digits, tmp_path, eager
):
    seen = features()
    before = [w.copy() for w in seen.get_weights()]
    loss = losses.WeightedSum([("mse", 1.0), (losses.Perceptual(seen), 0.1)])
    model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4, hidden=(), loss=loss)
    model.fit(digits.train[:64], digits.train[:64], verbose=0)
    for old, new in zip(before, seen.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    found = [
        float(m.evaluate(digits.test[:32], digits.test[:32], verbose=0)) for m in (model, again)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_a_perceptual_loss_refuses_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="`features` must be a file that exists.*none.keras"):
        losses.Perceptual(tmp_path / "none.keras")
    with pytest.raises(ValueError, match="`features` must be a Keras model with one input.*int"):
        losses.Perceptual(3)
    with pytest.raises(ValueError, match="`weights` must have one for each of the 2 outputs"):
        losses.Perceptual(features(), weights=[1.0])
    with pytest.raises(ValueError, match="`weights` must be a number above 0"):
        losses.Perceptual(features(), weights=[1.0, -1.0])
    code = keras.Input((2100,))
    large = keras.Model(code, keras.layers.Dense(2100)(code))
    with pytest.raises(ValueError, match="must be the path of a `.keras` file where its weights"):
        losses.Perceptual(large).get_config()
