"""The variational autoencoder against NumPy: its loss, its schedules, its gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import logsumexp
from scipy.stats import bernoulli, multivariate_normal, norm
from skimage.transform import resize

import kerasae
from kerasae.layers import Binarization, Sampling, VariationalBound
from kerasae.layers.variational import LIKELIHOODS

SHAPE = (6, 5, 1)


def arrays(rng, *, samples=1, code_size=3, batch=4):
    """An image, q(z | x), codes and decoder outputs, all at random."""
    image = rng.random((batch, *SHAPE)).astype(np.float32)
    mean = rng.normal(size=(batch, code_size)).astype(np.float32)
    log_variance = rng.normal(size=(batch, code_size)).astype(np.float32)
    code = rng.normal(size=(batch * samples, code_size)).astype(np.float32)
    logits = 3 * rng.normal(size=(batch * samples, *SHAPE)).astype(np.float32)
    return image, mean, log_variance, code, 1 / (1 + np.exp(-logits)), logits


def loss_of(layer: VariationalBound, values, training=True) -> float:
    layer(*values, training=training)
    (loss,) = layer.losses
    return float(loss)


def log_likelihood(image, reconstruction, samples=1):
    p, x = reconstruction.astype(float), np.repeat(image, samples, axis=0).astype(float)
    each = x * np.log(p) + (1 - x) * np.log1p(-p)
    return each.sum(axis=(1, 2, 3)).reshape(-1, samples)


def divergence(mean, log_variance):
    """KL of each dimension from the standard normal, averaged over the batch."""
    return (0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance)).mean(axis=0)


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_the_loss_is_the_negative_elbo_in_nats(rng, beta):
    values = arrays(rng)
    layer = VariationalBound(beta=beta)
    kl = divergence(*values[1:3]).sum()
    expected = -log_likelihood(values[0], values[4]).mean() + beta * kl
    assert loss_of(layer, values) == pytest.approx(expected, rel=1e-5)
    assert float(layer.parts["kl"]) == pytest.approx(kl, rel=1e-5)
    assert float(layer.parts["beta"]) == beta
    assert float(layer.parts["reconstruction"]) == pytest.approx(expected - beta * kl, rel=1e-5)


def test_binary_images_have_the_probability_of_scipy(rng):
    image, *rest = arrays(rng)
    image = (image < 0.5).astype(np.float32)
    expected = bernoulli.logpmf(image, rest[3].astype(float)).sum(axis=(1, 2, 3))
    given = VariationalBound().log_likelihood(image, [rest[3], rest[4]])
    np.testing.assert_allclose(ops.convert_to_numpy(given), expected, rtol=1e-5)


@pytest.mark.parametrize("likelihood", ["gaussian", "gaussian_learned"])
def test_gaussian_pixels_have_the_density_of_scipy(rng, likelihood):
    values = arrays(rng)[:5]
    layer = VariationalBound(likelihood, sigma=0.3)
    expected = norm.logpdf(values[0], values[4], 0.3).sum(axis=(1, 2, 3))
    given = ops.convert_to_numpy(layer.log_likelihood(values[0], values[4]))
    np.testing.assert_allclose(given, expected, rtol=1e-5)
    kl = divergence(*values[1:3]).sum()
    assert loss_of(layer, values) == pytest.approx(kl - expected.mean(), rel=1e-5)


def test_free_bits_are_free(rng):
    values = arrays(rng)
    kl = divergence(*values[1:3])
    free = float(np.sort(kl)[1])  # between the least and the greatest of three
    expected = -log_likelihood(values[0], values[4]).mean() + np.maximum(kl, free).sum()
    assert loss_of(VariationalBound(free_bits=free), values) == pytest.approx(expected, rel=1e-5)


def test_a_capacity_is_what_the_kl_is_held_to(rng):
    values = arrays(rng)
    kl = divergence(*values[1:3]).sum()
    expected = -log_likelihood(values[0], values[4]).mean() + 10 * abs(kl - 25)
    layer = VariationalBound(beta=10.0, capacity=25.0)
    assert loss_of(layer, values) == pytest.approx(expected, rel=1e-5)
    assert float(layer.parts["capacity"]) == 25


def test_several_samples_give_the_importance_weighted_bound(rng):
    samples = 5
    values = arrays(rng, samples=samples)
    image, mean, log_variance, code, reconstruction, _ = values
    z = code.reshape(4, samples, 3)
    log_prior = norm.logpdf(z).sum(axis=-1)
    log_q = norm.logpdf(z, mean[:, None], np.exp(0.5 * log_variance)[:, None]).sum(axis=-1)
    weights = log_likelihood(image, reconstruction, samples) + log_prior - log_q
    expected = -(logsumexp(weights, axis=1) - np.log(samples)).mean()
    layer = VariationalBound(samples=samples)
    assert loss_of(layer, values) == pytest.approx(expected, rel=1e-5)
    shown = layer(*values, training=True)
    np.testing.assert_allclose(ops.convert_to_numpy(shown), reconstruction[::samples])


def test_at_inference_the_loss_has_the_final_beta_and_no_samples(rng):
    values = arrays(rng)
    warm = VariationalBound(beta=2.0, warmup_epochs=10, samples=4)
    assert loss_of(warm, values, training=False) == loss_of(VariationalBound(beta=2.0), values)


def test_sampling_draws_from_the_posterior():
    mean = np.tile(np.float32([[1.0, -2.0]]), (3, 1))
    log_variance = np.tile(np.float32([[0.0, np.log(0.25)]]), (3, 1))
    layer = Sampling(20_000, seed=0)
    codes = ops.convert_to_numpy(layer(mean, log_variance, training=True))
    assert codes.shape == (60_000, 2)
    np.testing.assert_allclose(codes.mean(axis=0), mean[0], atol=0.02)
    np.testing.assert_allclose(codes.std(axis=0), [1.0, 0.5], rtol=0.02)
    np.testing.assert_array_equal(layer(mean, log_variance, training=False), mean)
    again = Sampling(20_000, seed=0)(mean, log_variance, training=True)
    np.testing.assert_array_equal(ops.convert_to_numpy(again), codes)


def test_codes_of_an_image_follow_one_another():
    mean = np.float32([[0.0], [100.0]])
    codes = Sampling(3, seed=0)(mean, np.zeros_like(mean), training=True)
    assert (ops.convert_to_numpy(codes)[:, 0] > 50).tolist() == [False] * 3 + [True] * 3


def test_binarization_draws_each_pixel_with_its_grey_value():
    images = np.full((100, 20, 20, 1), 0.3, np.float32)
    layer = Binarization(seed=0)
    drawn = ops.convert_to_numpy(layer(images, training=True))
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert drawn.mean() == pytest.approx(0.3, abs=0.01)
    assert not np.array_equal(drawn, layer(images, training=True))
    np.testing.assert_array_equal(layer(images, training=False), images)


def build(**options):
    keras.utils.set_random_seed(0)
    return kerasae.build_variational(
        **{
            "input_shape": (8, 8, 1),
            "code_size": 2,
            "hidden": (32,),
            "likelihood": "bernoulli",
            **options,
        }
    )


@pytest.mark.slow
def test_beta_grows_over_the_epochs_of_the_warm_up(digits):
    model = build(beta=3.0, warmup_epochs=4)
    x = digits.train[:640]
    history = model.fit(
        x, x, validation_data=(x[:64], x[:64]), batch_size=64, epochs=6, verbose=0
    ).history
    # Ten steps an epoch; the factor of a step is what came before it.
    expected = [np.mean([min(1, (10 * e + i) / 40) for i in range(10)]) * 3 for e in range(6)]
    np.testing.assert_allclose(history["beta"], expected, rtol=1e-4)
    np.testing.assert_allclose(history["val_beta"], 3.0)


@pytest.mark.slow
def test_a_warm_up_goes_on_after_a_reload(digits, tmp_path):
    x = digits.train[:640]
    model = build(warmup_epochs=4)
    model.fit(x, x, batch_size=64, epochs=2, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    history = again.fit(x, x, batch_size=64, epochs=3, verbose=0).history
    expected = [np.mean([min(1, (10 * e + i) / 40) for i in range(10)]) for e in (2, 3, 4)]
    np.testing.assert_allclose(history["beta"], expected, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:.*ran out of data")
@pytest.mark.slow
def test_a_generator_of_unknown_length_is_counted_in_its_first_epoch(digits):
    def batches():
        for i in range(0, 640, 64):
            yield digits.train[i : i + 64], digits.train[i : i + 64]

    model = build(warmup_epochs=4)
    model.fit(batches(), epochs=1, shuffle=False, verbose=0)
    assert float(model.get_layer("bound").steps_per_epoch.value) == 10
    history = model.fit(
        batches(), epochs=1, shuffle=False, verbose=0, callbacks=keras.callbacks.Callback()
    )
    assert history.history["beta"][0] == pytest.approx(np.mean(np.arange(10, 20) / 40), rel=1e-4)


@pytest.mark.slow
def test_a_capacity_is_reached(digits):
    model = build(beta=50.0, capacity=3.0, warmup_epochs=1, learning_rate=1e-2, code_size=4)
    x = digits.train
    history = model.fit(x, x, batch_size=64, epochs=15, verbose=0).history
    assert history["kl"][-1] == pytest.approx(3.0, abs=0.3)
    assert history["capacity"][-1] == 3.0


@pytest.mark.slow
def test_beta_buys_a_smaller_kl(digits):
    divergences = []
    for beta in (0.1, 1.0, 10.0):
        model = build(beta=beta, learning_rate=1e-2)
        history = model.fit(digits.train, digits.train, batch_size=64, epochs=8, verbose=0)
        divergences.append(history.history["kl"][-1])
    assert divergences[0] > 1.3 * divergences[1] > 1.3**2 * divergences[2]


@pytest.mark.slow
def test_a_learned_sigma_is_the_error_of_the_reconstructions(digits):
    model = build(likelihood="gaussian_learned", sigma=1.0, learning_rate=1e-2)
    history = model.fit(digits.train, digits.train, batch_size=64, epochs=40, verbose=0).history
    draws = kerasae.encoder(model).predict(digits.train, verbose=0)
    error = np.sqrt(np.square(kerasae.decoder(model)(draws) - digits.train).mean())
    assert history["sigma"][-1] == pytest.approx(error, rel=0.15)


@pytest.mark.slow
def test_a_linear_gaussian_model_finds_the_evidence_of_probabilistic_pca():
    """The ELBO of a linear VAE is tight at the optimum, log p(x) of PPCA (Lucas et al. 2019)."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(9, 2)))[0] * [1.5, 0.8]
    x = (rng.normal(size=(4000, 2)) @ axes.T + 0.3 * rng.normal(size=(4000, 9))).astype(np.float32)
    images = x.reshape(-1, 3, 3, 1)
    keras.utils.set_random_seed(0)
    model = kerasae.build_variational(
        input_shape=(3, 3, 1),
        code_size=2,
        hidden=(),
        likelihood="gaussian_learned",
        sigma=1.0,
        learning_rate=1e-2,
    )
    rate = keras.optimizers.schedules.CosineDecay(1e-2, 40 * 40)
    model.compile(optimizer=keras.optimizers.Adam(rate), steps_per_execution=20)
    history = model.fit(images, images, batch_size=100, epochs=40, verbose=0).history
    covariance = axes @ axes.T + 0.09 * np.eye(9)
    evidence = multivariate_normal(np.zeros(9), covariance).logpdf(x).mean()
    assert -history["loss"][-1] == pytest.approx(evidence, abs=0.1)
    assert history["sigma"][-1] == pytest.approx(0.3, rel=0.03)


@pytest.mark.slow
def test_denoising_explains_the_clean_image(digits):
    """The bound of a denoising variational autoencoder is that of the image without noise."""
    keras.utils.set_random_seed(0)
    model = kerasae.build_denoising(
        base="variational",
        likelihood="bernoulli",
        level=0.3,
        beta=0.1,
        input_shape=(8, 8, 1),
        code_size=8,
        hidden=(64,),
        learning_rate=5e-3,
    )
    model.fit(digits.train, digits.train, epochs=30, verbose=0)
    noise = 0.3 * np.random.default_rng(0).normal(size=digits.test.shape)
    noisy = np.clip(digits.test + noise, 0, 1).astype(np.float32)
    cleaned = model.predict(noisy, verbose=0)
    assert np.square(cleaned - digits.test).mean() < 0.8 * np.square(noisy - digits.test).mean()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"likelihood": "poisson"}, "`likelihood` must be one of 'bernoulli'"),
        ({"network": "recurrent"}, "`network` must be one of 'dense'"),
        ({"beta": -1}, "`beta` must be a number at least 0. Received: beta=-1"),
        ({"sigma": 0}, "`sigma` must be a number above 0"),
        ({"warmup_epochs": -2}, "`warmup_epochs` must be a number at least 0"),
        ({"importance_samples": 0}, "`importance_samples` must be a positive integer"),
        ({"binarize": "yes"}, "`binarize` must be True or False"),
        ({"capacity": 3, "free_bits": 1}, "`free_bits` must be 0 where a capacity is given"),
        ({"capacity": 3, "importance_samples": 2}, "`importance_samples` must be 1 where"),
        ({"network": "convolutional", "hidden": ()}, "`hidden` must name the filters"),
        ({"kernel_size": 3}, "of a dense network must be empty. Received: kernel_size"),
        (
            {"network": "convolutional", "code": "spatial"},
            "must be among kernel_size, .* Received: code",
        ),
    ],
)
def test_arguments_are_checked(wrong, message):
    with pytest.raises((ValueError, TypeError), match=message):
        kerasae.build_variational(**wrong)


def photographs(count=24):
    """Smooth colours with edges, 128 x 128, as large as what a folder of photographs gives."""
    rng = np.random.default_rng(0)
    coarse = rng.random((count, 9, 9, 3))
    fine = np.kron(rng.random((count, 32, 32, 3)), np.ones((1, 4, 4, 1)))
    smooth = np.stack([resize(image, (128, 128), order=1) for image in coarse])
    return (0.7 * smooth + 0.3 * fine).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["dense", "convolutional"])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_large_photographs_are_learned_without_a_value_that_is_not_finite(
    likelihood, samples, network
):
    pictures = photographs()
    images = kerasae.Images(train=pictures[:16], validation=pictures[16:20], test=pictures[20:])
    keras.utils.set_random_seed(0)
    model = kerasae.build_variational(
        input_shape=images.image_shape,
        likelihood=likelihood,
        importance_samples=samples,
        network=network,
        hidden=(16, 8),
    )
    config = kerasae.TrainConfig(epochs=3, batch_size=4, learning_rate=1e-2)
    history = kerasae.train(model, images, config, progress=False).history
    assert all(np.isfinite(values).all() for values in history.values())
    measured = kerasae.evaluation.elbo(model, images.test)
    assert np.isfinite([measured.elbo, measured.kl]).all()


@pytest.mark.parametrize("network", ["dense", "convolutional"])
def test_a_log_variance_starts_at_the_prior_and_no_weights_let_it_run_away(network, rng):
    model = kerasae.build_variational(
        input_shape=(8, 8, 1), code_size=2, hidden=(4,), network=network
    )
    encoder = model.get_layer("encoder")
    images = rng.random((4, 8, 8, 1)).astype(np.float32)
    assert np.abs(encoder(images)[1]).max() < 0.02
    layer = encoder.get_layer("log_variance")
    kernel, bias = layer.get_weights()
    for value, limit in ((1e4, 4), (-1e4, -10)):
        layer.set_weights([kernel, np.full_like(bias, value)])
        np.testing.assert_allclose(encoder(images)[1], limit, atol=1e-5)
        assert np.isfinite(kerasae.evaluation.elbo(model, images).elbo)
        assert np.isfinite(kerasae.evaluation.negative_log_likelihood(model, images, samples=5))


@pytest.mark.slow
def test_the_learned_deviation_of_a_perfect_reconstruction_stays_above_a_floor():
    images = np.zeros((160, 8, 8, 1), np.float32)
    model = kerasae.build_variational(
        input_shape=(8, 8, 1),
        code_size=2,
        hidden=(4,),
        likelihood="gaussian_learned",
        learning_rate=0.05,
    )
    log_sigma, reached = model.get_layer("bound").log_sigma, []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: reached.append(float(log_sigma.value))
    )
    model.fit(images, images, batch_size=8, epochs=20, verbose=0, callbacks=[note])
    assert -6.000001 <= min(reached) < -5.5
