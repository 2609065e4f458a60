"""Generation: what is decoded, from which codes, in which order; the same images for a seed."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import scipy.stats
from keras import ops

import kerasae
from kerasae import _inference, anomaly, samplers

VARIANTS = [
    pytest.param(name, dict(variant), id=f"{name}-{i}")
    for name, builder in kerasae.BUILDERS.items()
    if builder.kind == "image"
    for i, variant in enumerate(builder.variants)
]
PIXELS = (1, 2, 1)


class Bound(keras.layers.Layer):
    """Stands for the layer of a variational model, which then has a prior."""

    def call(self, image):
        return image

    def log_likelihood(self, images, decoder_outputs):
        return ops.zeros(ops.shape(images)[0])


def affine(between=None, *, prior=True):
    """Codes of two values, shown as the two pixels 0.5 + code / 10."""
    image = keras.Input(PIXELS)
    flat = keras.layers.Flatten()(image)
    encoder = keras.Model(image, keras.layers.Rescaling(10.0, -5.0)(flat), name="encoder")
    code = keras.Input((2,))
    pixels = keras.layers.Rescaling(0.1, 0.5)(keras.layers.Reshape(PIXELS)(code))
    decoder = keras.Model(code, pixels, name="decoder")
    image = keras.Input(PIXELS)
    code = encoder(image) if between is None else between(encoder(image))
    output = Bound(name="bound")(decoder(code)) if prior else decoder(code)
    return keras.Model(image, output, name="affine")


def codes_of(images):
    return (np.asarray(images, float)[..., 0, :, 0] - 0.5) * 10


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_every_architecture_generates(name, variant, rng):
    keras.utils.set_random_seed(1)
    model = kerasae.build(name, **variant)
    shape = model.input_shape[1:]
    images = rng.random((6, *shape)).astype(np.float32)
    rebuilt = np.clip(ops.convert_to_numpy(model(images, training=False)), 0, 1)

    if name == "variational":
        drawn = samplers.sample_prior(model, 3, seed=2)
        assert drawn.shape == (3, *shape)
        assert drawn.dtype == np.float32
        assert drawn.min() >= 0
        assert drawn.max() <= 1
    else:
        with pytest.raises(ValueError, match=f"`fit_mixture`.*Received: model='{model.name}'"):
            samplers.sample_prior(model, 3)

    codes = _inference.encode(model, images[:1])  # those of a codebook before they are indices
    for kind in ("linear", "spherical"):
        walk = samplers.interpolate(model, images[0], images[1], steps=3, kind=kind)
        assert walk.shape == (3, *shape)
        np.testing.assert_allclose(walk[[0, -1]], rebuilt[:2], atol=1e-5)

    grid = samplers.traverse(model, images[0], dimensions=[1, 0], steps=3)
    assert grid.shape == (2, 3, *shape)
    np.testing.assert_allclose(grid[:, 1], np.stack([rebuilt[0]] * 2), atol=1e-5)
    np.testing.assert_allclose(
        grid, samplers.traverse(model, codes[0], dimensions=[1, 0], steps=3), atol=1e-5
    )


def test_spatial_codes_take_a_mixture_and_move_by_channels(rng):
    model = kerasae.build_convolutional(
        input_shape=(8, 8, 1), code_size=2, hidden=(4,), code="spatial", loss="mse"
    )
    codes = rng.normal(size=(30, 4, 4, 2))
    mixture = samplers.fit_mixture(codes, 2)
    assert mixture.means_.shape == (2, 32)
    assert samplers.sample_mixture(model, mixture, 4).shape == (4, 8, 8, 1)
    grid = samplers.traverse(model, codes[0], steps=2, span=1.0, deviations=[0.5, 2.0])
    moved = codes[0] + np.array([0, 2.0])
    expected = np.clip(kerasae.decoder(model)(moved[None].astype(np.float32)), 0, 1)[0]
    np.testing.assert_allclose(grid[1, 1], expected, atol=1e-6)
    with pytest.raises(ValueError, match=r"code of two values. Received: codes of shape \(4, 4, 2"):
        samplers.manifold(model)


@pytest.mark.parametrize("which", ["prior", "mixture"])
def test_one_seed_gives_the_same_images(which, rng):
    model = affine()
    mixture = samplers.fit_mixture(rng.normal(size=(100, 2)), 2)
    before = mixture.random_state

    def sample(seed):
        if which == "prior":
            return samplers.sample_prior(model, 20, seed=seed)
        return samplers.sample_mixture(model, mixture, 20, seed=seed)

    first = sample(2**32 - 1)
    sample(0)
    np.testing.assert_array_equal(sample(2**32 - 1), first)
    assert (sample(1) != first).any(axis=(1, 2, 3)).all()
    assert mixture.random_state == before


def test_the_prior_is_the_standard_normal():
    codes = codes_of(samplers.sample_prior(affine(), 4000))
    for column in codes.T:
        assert scipy.stats.kstest(column, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(codes.T)[0, 1]) < 0.06


def test_a_mixture_recovers_the_moments_of_codes(rng):
    """Two clusters with covariances of their own; samples have the moments of the codes."""
    which = rng.random(4000) < 0.25
    left = rng.multivariate_normal([-2, 1], [[0.3, 0.2], [0.2, 0.4]], 4000)
    right = rng.multivariate_normal([2, -1], [[0.1, 0.0], [0.0, 0.05]], 4000)
    codes = np.where(which[:, None], left, right)
    mixture = samplers.fit_mixture(codes, 2)
    order = np.argsort(mixture.means_[:, 0])
    np.testing.assert_allclose(mixture.weights_[order], [0.25, 0.75], atol=0.03)
    np.testing.assert_allclose(mixture.means_[order], [[-2, 1], [2, -1]], atol=0.1)
    np.testing.assert_allclose(mixture.covariances_[order[0]], [[0.3, 0.2], [0.2, 0.4]], atol=0.05)
    drawn = codes_of(samplers.sample_mixture(affine(), mixture, 4000, seed=3))
    np.testing.assert_allclose(drawn.mean(axis=0), codes.mean(axis=0), atol=0.15)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(codes.T), rtol=0.1, atol=0.05)
    # Components come in random order: each half holds both.
    assert np.mean(drawn[:2000, 0] < 0) == pytest.approx(0.25, abs=0.05)


def test_a_mixture_keeps_the_scale_of_small_codes_and_bears_dead_units(rng):
    codes = rng.normal(size=(200, 3)) * [1e-5, 1e-5, 0]
    mixture = samplers.fit_mixture(codes, 1)
    covariance = mixture.covariances_[0]
    np.testing.assert_allclose(np.diag(covariance)[:2], codes[:, :2].var(axis=0), rtol=0.05)
    assert np.isfinite(mixture.sample(5)[0]).all()


def test_interpolation_walks_straight_or_around():
    model = affine()
    first, second = np.full(PIXELS, 0.5), np.full(PIXELS, 0.5)
    first[0, 0], second[0, 1] = 0.8, 0.8  # codes (3, 0) and (0, 3)
    straight = codes_of(samplers.interpolate(model, first, second, steps=4))
    np.testing.assert_allclose(straight, [[3, 0], [2, 1], [1, 2], [0, 3]], atol=1e-5)
    around = codes_of(samplers.interpolate(model, first, second, steps=4, kind="spherical"))
    angles = np.radians([0, 30, 60, 90])
    np.testing.assert_allclose(around, 3 * np.c_[np.cos(angles), np.sin(angles)], atol=1e-5)


def test_slerp_keeps_the_norm_and_the_pace(rng):
    a, b = (v / np.linalg.norm(v) * 7 for v in rng.normal(size=(2, 3, 10)))
    points = np.stack([samplers.slerp(a, b, t) for t in np.linspace(0, 1, 9)])
    np.testing.assert_allclose(np.linalg.norm(points.reshape(9, -1), axis=1), 7)
    np.testing.assert_allclose(points[[0, -1]], [a, b])
    pace = np.linalg.norm(np.diff(points.reshape(9, -1), axis=0), axis=1)
    np.testing.assert_allclose(pace, pace[0])
    assert np.linalg.norm((a + b) / 2) < 6.5  # what a straight line would do


@pytest.mark.parametrize("other", [[2.0, 4.0], [-1.0, -2.0], [0.0, 0.0], [1.0, 2.0 + 1e-9]])
def test_slerp_is_linear_where_there_is_no_great_circle(other):
    a, b = np.array([1.0, 2.0]), np.array(other)
    for t in (0.0, 0.25, 1.0):
        np.testing.assert_allclose(samplers.slerp(a, b, t), (1 - t) * a + t * b, atol=1e-8)


def test_a_traversal_moves_one_dimension_in_deviations():
    code = np.array([1.0, -1.0])
    grid = samplers.traverse(affine(), code, steps=3, span=2.0, deviations=[0.5, 1.0])
    expected = [[[0, -1], [1, -1], [2, -1]], [[1, -3], [1, -1], [1, 1]]]
    np.testing.assert_allclose(codes_of(grid), expected, atol=1e-5)
    grid = samplers.traverse(affine(), code, dimensions=[1])
    np.testing.assert_allclose(codes_of(grid)[0, :, 1], np.arange(-4, 3), atol=1e-5)


def test_a_manifold_has_the_quantiles_of_the_prior_laid_out_like_a_plot():
    grid = codes_of(samplers.manifold(affine(), size=4))
    quantiles = scipy.stats.norm.ppf([0.125, 0.375, 0.625, 0.875])
    for i in range(4):
        np.testing.assert_allclose(grid[i, :, 0], quantiles, atol=1e-5)  # left to right
        np.testing.assert_allclose(grid[:, i, 1], quantiles[::-1], atol=1e-5)  # from the bottom


def test_what_has_no_prior_is_told_which_sampler_draws_from_it():
    model = affine(prior=False)
    with pytest.raises(ValueError, match="variational.*`sample_mixture`. Received: model='affine'"):
        samplers.sample_prior(model, 2)
    with pytest.raises(ValueError, match="variational.*`codes`.* Received: model='affine'"):
        samplers.manifold(model)
    noisy = kerasae.build_denoising(base="variational", input_shape=(8, 8, 1), hidden=(4,))
    assert samplers.sample_prior(noisy, 2).shape == (2, 8, 8, 1)


def test_scores_of_classes_are_no_images(rng):
    """Three classes have the shape of a colour image."""
    model = kerasae.build_segmentation(input_shape=(8, 8, 3), classes=3, hidden=(4,), skips=None)
    images = rng.random((4, 8, 8, 3))
    for call in (
        lambda: samplers.interpolate(model, *images[:2]),
        lambda: anomaly.scorer(model),
        lambda: anomaly.reconstruction_scores(model, images),
    ):
        with pytest.raises(ValueError, match="Received: model='segmentation'.*scores of classes"):
            call()


def test_a_manifold_spans_the_bounding_box_of_codes():
    codes = [[-1.0, 2.0], [3.0, 2.5], [0.0, 4.0]]
    grid = codes_of(samplers.manifold(affine(prior=False), size=3, codes=codes))
    np.testing.assert_allclose(grid[0, :, 0], [-1, 1, 3], atol=1e-5)
    np.testing.assert_allclose(grid[:, 0, 1], [4, 3, 2], atol=1e-5)


@keras.saving.register_keras_serializable("tests")
class Quantizer(keras.layers.Layer):
    """Rounds the code, and says so as the contract asks."""

    def call(self, inputs):
        return ops.round(inputs)

    def encoder_tail(self):
        code = keras.Input((2,))
        return keras.Model(code, ops.round(code))


def test_a_quantiser_between_the_halves_is_applied():
    model = affine(between=Quantizer())
    images = np.array([[[0.61], [0.4]], [[0.87], [0.4]]])[:, None]  # (1.1, -1) and (3.7, -1)
    walk = codes_of(samplers.interpolate(model, *images, steps=3))
    np.testing.assert_allclose(walk, [[1, -1], [2, -1], [4, -1]], atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: samplers.sample_prior(m, 0), "`count` must be a positive integer"),
        (lambda m: samplers.sample_prior(m, 1, seed=-1), "`seed` must be an integer from 0"),
        (lambda m: samplers.fit_mixture(np.zeros((3, 2)), 4), "as many as the 4 components"),
        (lambda m: samplers.fit_mixture(np.zeros(3)), r"shape \(n, ...\). Received: shape \(3,\)"),
        (lambda m: samplers.interpolate(m, np.zeros((1, 2, 1)), np.zeros(2)), "`second` must be"),
        (
            lambda m: samplers.interpolate(m, np.zeros(PIXELS), np.zeros(PIXELS), steps=1),
            "`steps` must be an integer above 1. Received: steps=1",
        ),
        (
            lambda m: samplers.interpolate(m, np.zeros(PIXELS), np.zeros(PIXELS), kind="cubic"),
            "`kind` must be one of 'linear', 'spherical'",
        ),
        (lambda m: samplers.slerp([1.0], [1.0, 2.0], 0.5), r"one shape. Received: \(1,\) and"),
        (lambda m: samplers.traverse(m, np.zeros(3)), r"image \(1, 2, 1\) or a code \(2,\)"),
        (lambda m: samplers.traverse(m, np.zeros(2), dimensions=[2]), "integers from 0 to 1"),
        (lambda m: samplers.traverse(m, np.zeros(2), dimensions=[]), "integers from 0 to 1"),
        (lambda m: samplers.traverse(m, np.zeros(2), deviations=[1.0]), "must be 2 finite values"),
        (lambda m: samplers.traverse(m, np.zeros(2), span=0), "`span` must be a number above 0"),
        (lambda m: samplers.manifold(m, size=1), "`size` must be an integer above 1"),
        (lambda m: samplers.manifold(m, codes=np.zeros((4, 3))), r"shape \(n, 2\). Received"),
        (
            lambda m: samplers.sample_mixture(
                m, samplers.fit_mixture(np.random.default_rng(0).random((9, 3)), 1), 2
            ),
            "codes of 2 values, .* Received: a mixture of 3 values",
        ),
    ],
)
def test_samplers_check_their_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call(affine())


@pytest.mark.parametrize("value", [1e10, 1e50, 1e308, -1e308])
def test_codes_beyond_single_precision_are_refused(value):
    """What overflows in a decoder comes out as NaN."""
    model, codes = affine(), np.array([[0.0, 1.0], [1.0, value]])
    with pytest.raises(ValueError, match=r"`codes` must .* Received"):
        samplers.manifold(model, codes=codes)
    for arguments in (
        {"span": abs(value)},
        {"deviations": [1.0, abs(value)]},
        {"image_or_code": codes[1]},
    ):
        given = {"image_or_code": codes[0], **arguments}
        with pytest.raises(ValueError, match="`image_or_code`, `span` and `deviations` must give"):
            samplers.traverse(model, given.pop("image_or_code"), **given)
    mixture = samplers.fit_mixture(np.zeros((4, 2)), 1)
    mixture.means_ += value
    with pytest.raises(ValueError, match=r"`mixture` must give codes of finite values.*1e\+09"):
        samplers.sample_mixture(model, mixture, 2)


@pytest.mark.parametrize("given", [([1e300], [1.0], 0.5), ([1.0], [2.0], 1e300)])
def test_slerp_does_not_overflow(given):
    with pytest.raises(ValueError, match="`first`, `second` and `fraction` must be finite, below"):
        samplers.slerp(*given)


def test_a_decoder_must_need_the_code_alone():
    image = keras.Input(PIXELS)
    encoder = keras.Model(image, [keras.layers.Flatten()(image), image], name="encoder")
    inputs = keras.Input((2,)), keras.Input(PIXELS)
    decoder = keras.Model(inputs, keras.layers.Identity()(inputs[1]), name="decoder")
    image = keras.Input(PIXELS)
    model = keras.Model(image, decoder(encoder(image)))
    with pytest.raises(ValueError, match="from its code alone. Received: a decoder with 2 inputs"):
        samplers.sample_prior(model, 1)
    with pytest.raises(ValueError, match="`model` must be a Keras model of one input"):
        samplers.sample_prior(decoder, 1)
