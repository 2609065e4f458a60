"""Measures against closed forms: a linear Gaussian model, scikit-image, SciPy, quadrature."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import scipy.stats
from keras import ops
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import kerasae
from kerasae import evaluation

SHAPE = (4, 3, 1)
SIGMA = 0.5


@keras.saving.register_keras_serializable("tests")
class Bound(keras.layers.Layer):
    """A Gaussian likelihood of fixed width, or a Bernoulli one of logits; passes the mean on."""

    def __init__(self, likelihood="gaussian", **options):
        super().__init__(**options)
        self.likelihood = likelihood

    def call(self, inputs):
        return inputs[0]

    def log_likelihood(self, images, decoder_outputs):
        if self.likelihood == "bernoulli":
            reconstruction, logits = decoder_outputs
            assert reconstruction.shape == logits.shape
            return ops.sum(images * logits - ops.softplus(logits), axis=(1, 2, 3))
        error = ops.sum(ops.square((images - decoder_outputs) / SIGMA), axis=(1, 2, 3))
        return -0.5 * error - math.prod(SHAPE) * math.log(SIGMA * math.sqrt(2 * math.pi))

    def get_config(self):
        return {**super().get_config(), "likelihood": self.likelihood}


def variational(size, likelihood="gaussian"):
    """A linear model after the interface of `build_variational`, with weights still to be set."""
    image = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(image)
    outputs = [keras.layers.Dense(size, name=n)(flat) for n in ("mean", "log_variance")]
    encoder = keras.Model(image, outputs, name="encoder")
    code = keras.Input((size,))
    pixels = keras.layers.Dense(math.prod(SHAPE), name="pixels")(code)
    logits = keras.layers.Reshape(SHAPE)(pixels)
    probabilities = keras.layers.Activation("sigmoid")(logits)
    outputs = [probabilities, logits] if likelihood == "bernoulli" else logits
    decoder = keras.Model(code, outputs, name="decoder")
    image = keras.Input(SHAPE)
    return keras.Model(image, decoder(Bound(likelihood, name="bound")(encoder(image))), name="vae")


class FactorModel:
    """Probabilistic PCA with uncorrelated factors: posterior, bound and likelihood in closed form.

    `mismatch` moves the encoder's Gaussian away from the posterior and widens it.
    """

    def __init__(self, rng, count, mismatch=0.0):
        pixels = math.prod(SHAPE)
        axes = np.linalg.qr(rng.normal(size=(pixels, 2)))[0] * [1.5, 0.8]  # columns of W
        offset = rng.normal(size=pixels)
        precision = np.square(axes).sum(axis=0) / SIGMA**2 + 1
        gain = axes / SIGMA**2 / precision
        self.variance = (1 + mismatch) / precision
        codes, noise = rng.normal(size=(count, 2)), rng.normal(size=(count, pixels))
        x = codes @ axes.T + offset + SIGMA * noise
        self.images = x.reshape(-1, *SHAPE).astype(np.float32)
        self.mean = (x - offset) @ gain + 0.3 * mismatch
        cloud = scipy.stats.multivariate_normal(offset, axes @ axes.T + SIGMA**2 * np.eye(pixels))
        self.log_evidence = cloud.logpdf(x)

        self.model = variational(2)
        encoder, decoder = self.model.get_layer("encoder"), self.model.get_layer("decoder")
        encoder.get_layer("mean").set_weights([gain, 0.3 * mismatch - offset @ gain])
        widths = np.log(self.variance)
        encoder.get_layer("log_variance").set_weights([np.zeros_like(gain), widths])
        decoder.get_layer("pixels").set_weights([axes.T, offset])
        spread = (np.square(axes) * self.variance).sum()
        error = np.square(x - offset - self.mean @ axes.T).sum(axis=1) + spread
        constant = pixels * math.log(SIGMA * math.sqrt(2 * math.pi))
        self.log_likelihood = (-0.5 * error / SIGMA**2 - constant).mean()


@pytest.mark.parametrize(
    ("count", "samples", "batch_size"),
    [
        (5, 10, 3),  # an image at a time, its last round with one code of three
        (7, 10, 40),  # four images at a time, the last time three
        (3, 1, None),
        (3, 1, 1),
    ],
)
def test_with_the_exact_posterior_every_sample_gives_the_likelihood(
    rng, count, samples, batch_size
):
    factor = FactorModel(rng, count)
    measured = evaluation.negative_log_likelihood(
        factor.model, factor.images, samples=samples, batch_size=batch_size, per_image=True
    )
    assert measured.dtype == np.float64
    np.testing.assert_allclose(measured, -factor.log_evidence, atol=2e-4)


def test_importance_sampling_agrees_with_the_closed_form_within_its_error(rng):
    factor = FactorModel(rng, 40, mismatch=1.0)
    repeated = np.tile(factor.images, (6, 1, 1, 1))  # six independent estimates of each
    runs = evaluation.negative_log_likelihood(
        factor.model, repeated, samples=1500, batch_size=6000, per_image=True
    ).reshape(6, 40)
    assert (runs[0] != runs[1]).all()
    difference = runs.mean(axis=0) + factor.log_evidence
    error = np.sqrt(runs.var(axis=0, ddof=1).mean() / 6)
    assert 0 < error < 0.05
    np.testing.assert_allclose(difference, 0, atol=5 * error)
    assert abs(difference.mean()) < 4 * error / math.sqrt(40)
    # With one sample it is the negative bound in expectation, far from the likelihood here.
    bound = evaluation.elbo(factor.model, repeated, samples=100).elbo
    single = evaluation.negative_log_likelihood(factor.model, repeated, samples=1)
    assert bound < -runs.mean() - 0.3
    assert single == pytest.approx(-bound, abs=0.3)


@pytest.mark.parametrize("mismatch", [0.0, 0.7])
def test_the_bound_and_its_parts(rng, mismatch):
    factor = FactorModel(rng, 50, mismatch)
    measured = evaluation.elbo(factor.model, factor.images, samples=2000, seed=3)
    assert measured.log_likelihood == pytest.approx(factor.log_likelihood, abs=0.05)
    mean, variance = factor.mean, factor.variance
    kl = 0.5 * (mean**2 + variance - 1 - np.log(variance)).mean(axis=0)
    np.testing.assert_allclose(measured.kl_per_dimension, kl, rtol=1e-5)
    assert measured.kl == pytest.approx(kl.sum(), rel=1e-5)
    assert measured.elbo == measured.log_likelihood - measured.kl
    gap = factor.log_evidence.mean() - measured.elbo
    if mismatch:
        assert gap > 0.1
    else:
        assert gap == pytest.approx(0, abs=0.05)  # q is the posterior: the bound is tight


def test_kl_per_dimension_is_the_integral(rng):
    factor = FactorModel(rng, 1, mismatch=0.5)
    grid = np.linspace(-12, 12, 20001)[:, None]
    q = scipy.stats.norm(factor.mean, np.sqrt(factor.variance))
    integrand = q.pdf(grid) * (q.logpdf(grid) - scipy.stats.norm.logpdf(grid))
    expected = np.trapezoid(integrand, grid, axis=0)
    measured = evaluation.elbo(factor.model, factor.images).kl_per_dimension
    np.testing.assert_allclose(measured, expected, rtol=1e-4)


def test_a_bernoulli_likelihood_agrees_with_quadrature(rng):
    model = variational(1, "bernoulli")
    weights = rng.normal(size=(1, 12)), rng.normal(size=12)
    model.get_layer("decoder").get_layer("pixels").set_weights(weights)
    for name in ("mean", "log_variance"):  # q is the prior
        layer = model.get_layer("encoder").get_layer(name)
        layer.set_weights([np.zeros((12, 1)), np.zeros(1)])
    images = rng.integers(0, 2, (6, *SHAPE)).astype(np.float32)
    nodes, mass = np.polynomial.hermite_e.hermegauss(60)
    logits = nodes[:, None] * weights[0] + weights[1]
    p = 1 / (1 + np.exp(-logits))
    flat = images.reshape(6, 1, 12)
    probability = np.where(flat, p, 1 - p).prod(axis=-1) @ (mass / math.sqrt(2 * math.pi))
    measured = evaluation.negative_log_likelihood(model, images, samples=20000, per_image=True)
    np.testing.assert_allclose(measured, -np.log(probability), atol=0.05)


def test_one_seed_gives_one_result(rng):
    factor = FactorModel(rng, 6, mismatch=1.0)
    measured = [
        evaluation.negative_log_likelihood(
            factor.model, factor.images, samples=20, seed=seed, per_image=True
        )
        for seed in (2**32 - 1, 2**32 - 1, 1)
    ]
    np.testing.assert_array_equal(measured[0], measured[1])
    assert (measured[0] != measured[2]).all()
    bounds = [evaluation.elbo(factor.model, factor.images, seed=seed).elbo for seed in (4, 4)]
    assert bounds[0] == bounds[1]


def test_extreme_likelihoods_do_not_overflow(rng):
    factor = FactorModel(rng, 3)
    far = factor.images + 60.0  # log p(x) below -10,000
    measured = evaluation.negative_log_likelihood(factor.model, far, samples=50)
    assert 1e4 < measured < 1e6


def test_the_progress_bar_is_shown_on_request(rng, capsys):
    factor = FactorModel(rng, 2)
    for progress in (False, True):
        evaluation.negative_log_likelihood(
            factor.model, factor.images, samples=4, batch_size=2, progress=progress
        )
        assert ("sampling" in capsys.readouterr().out) is progress


def test_a_model_that_was_trained_on_is_measured_anew(rng):
    """What was compiled is kept, and must follow the weights and the number of images."""
    factor = FactorModel(rng, 8)
    options = {"samples": 20, "batch_size": 100, "per_image": True}
    measured = evaluation.negative_log_likelihood(factor.model, factor.images, **options)
    fewer = evaluation.negative_log_likelihood(factor.model, factor.images[:3], **options)
    np.testing.assert_allclose(fewer, measured[:3], atol=2e-4)
    layer = factor.model.get_layer("decoder").get_layer("pixels")
    kernel, offset = layer.get_weights()
    layer.set_weights([0 * kernel, offset])
    log_variance = factor.model.get_layer("encoder").get_layer("log_variance")
    log_variance.set_weights([w * 0 for w in log_variance.get_weights()])
    mean = factor.model.get_layer("encoder").get_layer("mean")
    mean.set_weights([w * 0 for w in mean.get_weights()])  # now x and z are independent
    noise = scipy.stats.multivariate_normal(offset, SIGMA**2 * np.eye(12))
    measured = evaluation.negative_log_likelihood(factor.model, factor.images, **options)
    np.testing.assert_allclose(measured, -noise.logpdf(factor.images.reshape(8, 12)), rtol=1e-5)


@pytest.mark.parametrize("variant", kerasae.BUILDERS["variational"].variants)
def test_models_of_the_builder_are_measured(variant, rng):
    """With hardly any variance the parts are those that the model reports with z = mean."""
    keras.utils.set_random_seed(0)
    model = kerasae.build_variational(**{**variant, "capacity": None})
    images = rng.integers(0, 2, (16, *variant["input_shape"])).astype(np.float32)
    layer = model.get_layer("encoder").get_layer("log_variance")
    layer.set_weights([w * 0 for w in layer.get_weights()])
    q_is_wide = evaluation.elbo(model, images, samples=30).elbo
    assert -evaluation.negative_log_likelihood(model, images, samples=200) > q_is_wide
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias - 20.0])
    reported = model.evaluate(images, images, verbose=0, return_dict=True)
    measured = evaluation.elbo(model, images, samples=5, batch_size=4)  # rounds of 3 and 2
    assert measured.log_likelihood == pytest.approx(-reported["reconstruction"], rel=1e-3)
    assert measured.kl == pytest.approx(reported["kl"], rel=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "`samples` must be a positive integer. Received: samples=0"),
        ({"seed": -1}, "`seed` must be an integer from 0 to"),
        ({"batch_size": 0}, "`batch_size` must be a positive integer"),
        ({"images": np.zeros((2, 4, 4, 1))}, r"\(n, 4, 3, 1\).* Received: shape \(2, 4, 4, 1\)"),
        ({"images": np.zeros((0, 4, 3, 1))}, "at least one image"),
        ({"model": "plain"}, "layer named 'bound' .* Received: model='undercomplete'"),
        ({"model": "spatial"}, r"mean and log-variance, .* Received: outputs \[\(None, 4\)\]"),
    ],
)
@pytest.mark.parametrize("measure", [evaluation.elbo, evaluation.negative_log_likelihood])
def test_likelihoods_check_their_arguments(measure, options, message, rng):
    arguments = {"model": variational(2), "images": np.zeros((2, *SHAPE)), **options}
    plain = kerasae.build_undercomplete(input_shape=SHAPE, code_size=4, hidden=())
    if arguments["model"] == "plain":
        arguments["model"] = plain
    elif arguments["model"] == "spatial":
        image = keras.Input(SHAPE)
        code = Bound(name="bound")([plain.get_layer("encoder")(image)])
        arguments["model"] = keras.Model(image, plain.get_layer("decoder")(code))
    with pytest.raises(ValueError, match=message):
        measure(arguments.pop("model"), arguments.pop("images"), **arguments)


def test_active_units_name_the_argument_that_is_no_such_model():
    entry = keras.Input((8, 8, 1))
    other = keras.Model(entry, keras.layers.Flatten()(entry))
    with pytest.raises(ValueError, match="`model_or_means` must hold a nested model"):
        evaluation.active_units(other, np.zeros((2, 8, 8, 1)))


def test_active_units_of_constructed_means(rng):
    deviations = np.array([1.0, 0.2, 0.11, 0.09, 0.0])
    noise = rng.normal(size=(200, 5))
    means = noise / noise.std(axis=0) * deviations + [0, 5, 0, 5, 5]
    assert evaluation.active_units(means) == 3
    assert evaluation.active_units(means, threshold=0.5) == 1
    assert evaluation.active_units(means.astype(np.float32), threshold=0.0001) == 4


def test_active_units_of_a_model_are_those_of_its_means(rng):
    factor = FactorModel(rng, 100)
    layer = factor.model.get_layer("encoder").get_layer("mean")
    assert evaluation.active_units(factor.model, factor.images) == 2
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel * [1, 1e-3], bias])
    assert evaluation.active_units(factor.model, factor.images) == 1


def test_active_units_check_their_arguments(rng):
    with pytest.raises(ValueError, match="`images` must be given with a model, and only then"):
        evaluation.active_units(variational(2))
    with pytest.raises(ValueError, match="`images` must be given with a model, and only then"):
        evaluation.active_units(np.zeros((4, 2)), np.zeros((4, *SHAPE)))
    with pytest.raises(ValueError, match=r"\(n, code_size\). Received: codes of shape \(2, 3, 4\)"):
        evaluation.active_units(np.zeros((2, 3, 4)))


def test_psnr_is_pooled(rng):
    images = rng.random((3, 8, 6, 2))
    rebuilt = np.clip(
        images + rng.normal(size=images.shape) * [[[[0.01]]], [[[0.1]]], [[[0.3]]]], 0, 1
    )
    pooled = evaluation.psnr(images, rebuilt)
    assert pooled == pytest.approx(peak_signal_noise_ratio(images, rebuilt, data_range=1.0))
    each = [
        peak_signal_noise_ratio(a, b, data_range=1.0) for a, b in zip(images, rebuilt, strict=True)
    ]
    assert pooled < np.mean(each) - 1
    assert evaluation.psnr(images, images) == math.inf


@pytest.mark.parametrize(("side", "window"), [(12, 7), (7, 7), (6, 5), (4, 3), (3, 3)])
def test_ssim_is_that_of_scikit_image(rng, side, window):
    images = rng.random((3, side, 12, 2)).astype(np.float32)
    rebuilt = np.clip(images + 0.1 * rng.normal(size=images.shape), 0, 1).astype(np.float32)
    options = {"win_size": window, "channel_axis": -1, "data_range": 1.0}
    each = [structural_similarity(a, b, **options) for a, b in zip(images, rebuilt, strict=True)]
    assert evaluation.ssim(images, rebuilt) == pytest.approx(np.mean(each))


@pytest.mark.parametrize("measure", [evaluation.psnr, evaluation.ssim])
def test_measures_of_images_check_their_arguments(measure):
    good = np.zeros((2, 8, 8, 1))
    with pytest.raises(ValueError, match=r"one shape .* \(2, 8, 8, 1\) and \(1, 8, 8, 1\)"):
        measure(good, good[:1])
    with pytest.raises(ValueError, match=r"`images` must have the shape .*`images\[None\]`"):
        measure(good[0], good[0])


def test_ssim_needs_three_pixels():
    with pytest.raises(ValueError, match="at least 3 x 3 pixels. Received: shape"):
        evaluation.ssim(np.zeros((1, 2, 8, 1)), np.zeros((1, 2, 8, 1)))


def test_the_code_rate_is_the_entropy_of_the_symbols(rng):
    codes = rng.normal(size=(300, 4, 5, 3)) * [0.5, 2.0, 30.0]
    for step in (1.0, np.array([0.5, 1.0, 8.0])):
        expected = 0.0
        for channel in range(3):
            width = np.broadcast_to(step, 3)[channel]
            symbols = np.floor(codes[..., channel] / width + 0.5)
            counts = np.unique(symbols, return_counts=True)[1]
            expected += 4 * 5 * scipy.stats.entropy(counts, base=2)
        assert evaluation.code_rate(codes, step) == pytest.approx(expected)
    uniform = np.repeat(np.arange(8.0), 10)[:, None]
    assert evaluation.code_rate(uniform) == pytest.approx(3.0)
    assert evaluation.code_rate(uniform, 4.0) == pytest.approx(1.5)  # 2, 4 and 2 of 8
    assert evaluation.code_rate(np.full((9, 2), 0.3)) == 0
    with pytest.raises(ValueError, match="`step` must be large enough"):
        evaluation.code_rate(uniform, 5e-324)


@pytest.mark.parametrize(
    ("codes", "step", "message"),
    [
        (np.zeros(4), 1.0, "`codes` must be finite values"),
        (np.array([[np.nan]]), 1.0, "`codes` must be finite values"),
        (np.zeros((4, 2)), 0.0, "`step` must be positive"),
        (np.zeros((4, 2)), [1.0, 1.0, 1.0], "one or one for each of 2 channels"),
    ],
)
def test_the_code_rate_checks_its_arguments(codes, step, message):
    with pytest.raises(ValueError, match=message):
        evaluation.code_rate(codes, step)


def clusters(rng, count, scale=1.0):
    """Three classes that a line separates, in coordinates of very different scale."""
    labels = rng.integers(0, 3, count)
    centres = np.array([[0, 0], [8, 0], [0, 8]])
    codes = (centres[labels] + rng.normal(size=(count, 2))) * [1e-4, 1e4] * scale
    return codes.reshape(count, 2, 1), labels


def test_the_probe_separates_what_a_line_separates(rng):
    train, test = clusters(rng, 200), clusters(rng, 100)
    assert evaluation.linear_probe(*train, *test) == 0
    wrong = test[1].copy()
    wrong[:25] = (wrong[:25] + 1) % 3
    assert evaluation.linear_probe(*train, test[0], wrong) == 0.25


def test_the_probe_fails_on_what_no_line_separates(rng):
    codes = rng.normal(size=(400, 2))
    labels = np.sign(codes[:, 0] * codes[:, 1])  # exclusive or
    error = evaluation.linear_probe(codes[:200], labels[:200], codes[200:], labels[200:])
    assert 0.35 < error < 0.65


def test_the_probe_chooses_its_penalty_on_validation_codes(rng):
    """Sixty coordinates, noisy labels and few examples: a penalty helps, a huge one harms."""
    codes = rng.normal(size=(2000, 60))
    labels = codes[:, :5].sum(axis=1) + 2 * rng.normal(size=2000) > 0.5
    train, validation, test = ((codes[s], labels[s]) for s in np.s_[:80, 80:1000, 1000:])
    weights = (1e-6, 0.3, 1e3)
    each = [evaluation.linear_probe(*train, *test, l2=weight) for weight in weights]
    held_out = [evaluation.linear_probe(*train, *validation, l2=weight) for weight in weights]
    assert len(set(held_out)) == 3
    chosen = evaluation.linear_probe(
        *train, *test, validation_codes=validation[0], validation_labels=validation[1], l2=weights
    )
    assert chosen == each[int(np.argmin(held_out))]
    assert np.argmin(held_out) == 1  # neither the first nor the last


def test_the_probe_checks_its_arguments(rng):
    codes, labels = clusters(rng, 30)
    with pytest.raises(ValueError, match=r"`test_labels` \(n,\). Received: shapes"):
        evaluation.linear_probe(codes, labels, codes, labels[:-1])
    with pytest.raises(ValueError, match="size of `train_codes`, 2 values. Received: 1"):
        evaluation.linear_probe(codes, labels, codes[:, :1], labels)
    with pytest.raises(ValueError, match=r"`l2` must be one weight, or several"):
        evaluation.linear_probe(codes, labels, codes, labels, l2=(0.1, 1.0))
    with pytest.raises(ValueError, match="must be given together"):
        evaluation.linear_probe(codes, labels, codes, labels, validation_codes=codes)
    with pytest.raises(ValueError, match="`train_labels` must hold at least two classes"):
        evaluation.linear_probe(codes, np.zeros(30), codes, labels)


@keras.saving.register_keras_serializable("tests")
class Rounding(keras.layers.Layer):
    """Rounds the code; symbols have the probabilities of a geometric distribution on integers."""

    def call(self, inputs):
        return ops.round(inputs)

    def encoder_tail(self):
        code = keras.Input((2,))
        return keras.Model(code, ops.round(code))

    def bits(self, codes):
        return ops.sum(ops.abs(codes) + 1, axis=-1)


def test_rate_and_distortion_of_rounded_codes():
    pixels = math.prod(SHAPE)
    image = keras.Input(SHAPE)
    dense = keras.layers.Dense(2, kernel_initializer="zeros", name="code")
    encoder = keras.Model(image, dense(keras.layers.Flatten()(image)), name="encoder")
    code = keras.Input((2,))
    spread = keras.layers.Dense(pixels, name="pixels")(code)
    decoder = keras.Model(code, keras.layers.Reshape(SHAPE)(spread), name="decoder")
    image = keras.Input(SHAPE)
    model = keras.Model(image, decoder(Rounding(name="bottleneck")(encoder(image))))
    kernel = np.zeros((pixels, 2))
    kernel[0, 0] = 4.0  # the first pixel decides the first unit
    dense.set_weights([kernel, np.array([0.2, -2.7])])
    decoder.get_layer("pixels").set_weights(
        [np.r_[[np.full(pixels, 0.25)], np.zeros((1, pixels))], np.zeros(pixels)]
    )

    images = np.zeros((2, *SHAPE))
    images[1, 0, 0] = 0.55  # codes (0.2, -2.7) and (2.4, -2.7): rounded (0, -3) and (2, -3)
    measured = evaluation.rate_distortion(model, images)
    assert measured.bits_per_image == pytest.approx((1 + 4 + 3 + 4) / 2)
    assert measured.bits_per_pixel == pytest.approx(6 / 12)
    rebuilt = np.stack([np.zeros(SHAPE), np.full(SHAPE, 0.5)])
    assert measured.mse == pytest.approx(np.square(images - rebuilt).mean(), rel=1e-5)
    assert measured.psnr == pytest.approx(evaluation.psnr(images, rebuilt), rel=1e-5)


@pytest.mark.parametrize("variant", kerasae.BUILDERS["rate_distortion"].variants)
def test_rates_of_the_builder_s_models_are_those_it_reports(variant, rng):
    model = kerasae.build_rate_distortion(**variant)
    images = rng.random((20, *variant["input_shape"])).astype(np.float32)
    measured = evaluation.rate_distortion(model, images)
    reported = model.evaluate(images, images, verbose=0, return_dict=True)
    assert measured.bits_per_image == pytest.approx(reported["rate"], rel=1e-4)
    rebuilt = kerasae.decoder(model)(ops.convert_to_numpy(kerasae.encoder(model)(images)))
    rebuilt = np.clip(ops.convert_to_numpy(rebuilt), 0, 1)
    assert measured.psnr == pytest.approx(evaluation.psnr(images, rebuilt), abs=1e-3)


def test_rate_and_distortion_check_their_arguments():
    model = kerasae.build_undercomplete(input_shape=SHAPE, code_size=2, hidden=())
    with pytest.raises(ValueError, match="'bottleneck' .* Received: model='undercomplete'"):
        evaluation.rate_distortion(model, np.zeros((1, *SHAPE)))
