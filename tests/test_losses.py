"""Pure functions against scipy."""

from __future__ import annotations

import json
import warnings
from functools import partial

import keras
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, huber, log_expit, logsumexp, rel_entr, softmax
from scipy.stats import bernoulli, entropy, norm

from kerasae import losses
from kerasae.losses.reloading import known_loss


def numpy(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("rho", [0.05, 0.5, 0.9])
def test_bernoulli_kl_is_that_of_scipy(rho):
    q = np.linspace(0.01, 0.99, 37, dtype=np.float32)
    expected = rel_entr(rho, q) + rel_entr(1 - rho, 1 - q)
    np.testing.assert_allclose(losses.bernoulli_kl(rho, q), expected, rtol=1e-4, atol=1e-6)


def test_bernoulli_kl_is_finite_at_the_ends():
    assert np.isfinite(numpy(losses.bernoulli_kl(0.05, [0.0, 1.0]))).all()


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (1.5, 0.2), (-0.3, 4.0)])
def test_gaussian_kl_is_the_integral(mean, variance):
    q = norm(mean, variance**0.5)
    expected, _ = quad(lambda z: q.pdf(z) * (q.logpdf(z) - norm.logpdf(z)), -30, 30, limit=200)
    given = numpy(losses.gaussian_kl(np.float32(mean), np.float32(np.log(variance))))
    assert given == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_bernoulli_log_likelihood_is_that_of_scipy():
    logits = np.float32([-30, -2, 0, 3, 30])
    for x in (0.0, 1.0):
        expected = log_expit(logits.astype(float) * (1 if x else -1))
        given = numpy(losses.bernoulli_log_likelihood(np.float32(x), logits))
        np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-12)
    p = expit(logits.astype(float))
    mixed = 0.3 * bernoulli.logpmf(1, p) + 0.7 * bernoulli.logpmf(0, p)
    given = numpy(losses.bernoulli_log_likelihood(np.float32(0.3), logits))
    np.testing.assert_allclose(given[1:4], mixed[1:4], rtol=1e-5)


def test_gaussian_log_likelihood_is_that_of_scipy(rng):
    x, mean = rng.normal(size=(2, 50)).astype(np.float32)
    sigma = np.exp(rng.normal(size=50)).astype(np.float32)
    given = numpy(losses.gaussian_log_likelihood(x, mean, np.log(sigma)))
    np.testing.assert_allclose(given, norm.logpdf(x, mean, sigma), rtol=1e-4)


def test_the_importance_weighted_bound_is_the_log_of_the_mean(rng):
    weights = 50 * rng.normal(size=(7, 12)).astype(np.float32) - 500
    expected = logsumexp(weights, axis=1) - np.log(12)
    given = numpy(losses.importance_weighted_bound(weights))
    np.testing.assert_allclose(given, expected, rtol=1e-6)


def test_the_probability_of_an_interval_is_exact_in_the_tails():
    lower = np.float32([-1, 0, 20, -300, 5])
    upper = np.float32([1, 0.5, 21, -299, 50])
    low, high = lower.astype(float), upper.astype(float)
    # The mass between two points of the same tail, seen from the side where it is small.
    mirrored = np.where(low + high > 0, -1, 1)
    a, b = np.minimum(mirrored * low, mirrored * high), np.maximum(mirrored * low, mirrored * high)
    expected = log_expit(b) + np.log1p(-np.exp(log_expit(a) - log_expit(b)))
    given = numpy(losses.interval_log_probability(lower, upper))
    np.testing.assert_allclose(given, expected, rtol=1e-5)


def test_a_schedule_rises_and_stays():
    values = [float(losses.scheduled(4.0, seen, 10)) for seen in (0, 2.5, 10, 100)]
    np.testing.assert_allclose(values, [0, 1, 4, 4])
    assert float(losses.scheduled(4.0, 0.0, 0)) == 4.0


@pytest.mark.parametrize("delta", [None, "3", np.nan, 0, -1.0, True, np.array([1j, 2j])])
def test_a_loss_of_huber_needs_a_positive_delta(delta):
    with pytest.raises(ValueError, match="`delta` must be a number above 0"):
        losses.Huber(delta=delta)


def test_a_loss_of_huber_is_like_another_of_huber_only():
    rule = r"^`like` must be a `keras\.losses\.Huber`\. Received: like="
    with pytest.raises(ValueError, match=f"{rule}'mean_squared_error'$"):
        losses.Huber(keras.losses.MeanSquaredError())
    with pytest.raises(ValueError, match=f"{rule}3$"):
        losses.Huber(3)


@pytest.mark.parametrize(
    "weights",
    ["abc", 3, [np.nan], [1.0, -1.0], {1: 2.0}, [[1.0]], [True], np.array(2.0), (), []],
)
def test_weights_of_classes_are_numbers(weights):
    with pytest.raises(ValueError, match="^`class_weights` must be a"):
        losses.SegmentationLoss(class_weights=weights)


@pytest.mark.parametrize("kind", ["cross_entropy", "mse"])
@pytest.mark.parametrize("weights", [[1.0], [1.0, 2.0, 3.0]])
def test_each_class_has_a_weight(kind, weights):
    labels, logits = np.zeros((2, 3, 3)), np.zeros((2, 3, 3, 2), np.float32)
    loss = losses.SegmentationLoss(kind, class_weights=weights)
    with pytest.raises(ValueError, match="^`class_weights` must hold a weight for each of the 2"):
        loss(labels, logits)


@pytest.mark.parametrize("label", ["x", 1.5, -1, True, [1]])
def test_an_ignored_class_is_a_label(label):
    with pytest.raises(ValueError, match="`ignored_class` must be an integer of 0 or more"):
        losses.SegmentationLoss(ignored_class=label)


@pytest.mark.parametrize(
    "kind", [None, 3, "x", ["dice"], np.array([1, 2]), len, print, lambda t, q: t - q]
)
def test_a_loss_of_segmentation_knows_its_kinds(kind):
    with pytest.raises(
        ValueError, match=r"^`kind` must be 'cross_entropy', .* of Keras or .* Received: kind="
    ):
        losses.SegmentationLoss(kind)


def test_the_contractive_norm_is_that_of_the_jacobian(rng):
    kernel, bias = rng.normal(size=(5, 3)), rng.normal(size=3)
    images = rng.normal(size=(4, 5))

    def encoder(x):
        return expit(x @ kernel + bias)

    step = 1e-6 * np.eye(5)
    jacobians = [(encoder(x + step) - encoder(x - step)) / 2e-6 for x in images]
    expected = [np.square(jacobian).sum() for jacobian in jacobians]
    code = encoder(images).astype(np.float32)
    given = numpy(losses.contractive_norm(kernel.astype(np.float32), code))
    np.testing.assert_allclose(given, expected, rtol=1e-4)


@pytest.mark.parametrize("sigma", [0.1, 3.0])
def test_sensitivity_is_the_squared_change_for_a_step(rng, sigma):
    code, moved = rng.normal(size=(2, 4, 2, 3)).astype(np.float32)
    expected = np.square(moved - code).sum(axis=(1, 2)) / sigma**2
    np.testing.assert_allclose(losses.sensitivity(code, moved, sigma), expected, rtol=1e-5)


@pytest.mark.parametrize("counts", [[1.0, 2.0, 5.0], [7.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
def test_perplexity_is_the_exponential_of_the_entropy(counts):
    given = float(losses.perplexity(np.float32(counts)))
    assert given == pytest.approx(np.exp(entropy(counts)), rel=1e-5)


@pytest.mark.parametrize("delta", [0.25, 2.0])
def test_a_loss_of_huber_is_that_of_scipy_and_keeps_its_delta(rng, delta):
    truth, found = rng.normal(size=(2, 6, 4)).astype(np.float32)
    expected = huber(delta, truth - found).mean()
    loss = losses.Huber(delta=delta, name="mine", reduction="sum_over_batch_size")
    again = losses.Huber.from_config(loss.get_config())
    alike = losses.Huber(keras.losses.Huber(delta=delta, name="mine"))
    for one in (loss, again, alike):
        assert float(one(truth, found)) == pytest.approx(expected, rel=1e-5)
        assert (one.delta, one.name, one.reduction) == (delta, "mine", "sum_over_batch_size")
    named = losses.Huber(alike, name="other", reduction="sum")
    assert (named.delta, named.name, named.reduction) == (delta, "other", "sum")
    assert losses.Huber().delta == keras.losses.Huber()._fn_kwargs["delta"]


def test_formulas_keep_or_widen_the_precision():
    half, double = np.float16, np.float64
    assert numpy(losses.bernoulli_kl(0.5, half([0.0, 0.25]))).dtype == np.float32
    assert np.isfinite(numpy(losses.bernoulli_kl(0.5, half([0.0, 1.0])))).all()
    if keras.backend.backend() == "tensorflow":  # JAX has no double precision by default
        assert numpy(losses.bernoulli_kl(0.5, double([0.25]))).dtype == double
    density = losses.gaussian_log_likelihood(half(0.5), half(0.0), np.float32(-1.0))
    assert numpy(density).dtype == half
    assert numpy(losses.scheduled(4.0, np.int64(3), 10)).dtype == np.float32
    labels, logits = np.uint8([[[0, 1, 9]]]), half([[[[1, 0], [0, 1], [0, 0]]]])
    for loss in (losses.pixel_cross_entropy, losses.soft_dice):
        assert numpy(loss(labels, logits, ignored_class=9)).dtype == half


def test_a_bound_and_a_loss_of_pixels_take_more_axes_than_one(rng):
    weights = rng.normal(size=(2, 3, 5)).astype(np.float32)
    expected = logsumexp(weights, axis=2) - np.log(5)
    np.testing.assert_allclose(losses.importance_weighted_bound(weights), expected, rtol=1e-5)


def test_a_segmentation_loss_is_that_of_numpy(rng):
    """Every image has several pixels and more than two classes, none of them with an equal part."""
    logits = rng.normal(size=(3, 4, 5, 3)).astype(np.float32)
    labels = rng.integers(0, 4, (3, 4, 5))
    labels[0] = 3
    labels[0, 1, 2] = 1  # one pixel that counts
    weights = np.array([1.0, 2.0, 0.0])
    shares = softmax(logits.astype(float), axis=-1)
    counted = labels != 3
    truth = np.eye(4)[labels][..., :3] * counted[..., None]
    surprise = -(truth * np.log(shares)).sum(-1)
    n = counted.sum((1, 2))
    entropies = surprise.sum((1, 2)) / n
    weighed = (surprise * (truth @ weights)).sum((1, 2)) / n
    seen = shares * counted[..., None]
    overlap, size = 2 * (truth * seen).sum((1, 2)), (truth + seen**2).sum((1, 2))

    def dice(smoothing):
        return (1 - (overlap + smoothing) / (size + smoothing)).mean(-1)

    given = {"ignored_class": 3}
    close = partial(np.testing.assert_allclose, rtol=1e-5)
    close(losses.pixel_cross_entropy(labels, logits, **given), entropies)
    close(losses.pixel_cross_entropy(labels, logits, class_weights=weights, **given), weighed)
    close(losses.soft_dice(labels, logits, **given), dice(1.0))
    close(losses.soft_dice(labels, logits, smoothing=0.25, **given), dice(0.25))
    loss = losses.SegmentationLoss
    assert loss().name == "segmentation_loss"
    assert loss("dice", name="mine", reduction="sum").name == "mine"
    close(float(loss(**given)(labels, logits)), entropies.mean())
    close(float(loss(class_weights=weights, **given)(labels, logits)), weighed.mean())
    close(float(loss("dice", **given)(labels, logits)), dice(1.0).mean())
    close(float(loss("dice", reduction="sum", **given)(labels, logits)), dice(1.0).sum())
    both = loss("cross_entropy+dice", class_weights=weights, **given)
    close(float(both(labels, logits)), (weighed + dice(1.0)).mean())
    again = loss.from_config(json.loads(json.dumps(both.get_config())))
    close(float(again(labels, logits)), (weighed + dice(1.0)).mean())


@pytest.mark.parametrize("other", ["mse", keras.losses.MeanSquaredError()])
def test_another_loss_compares_the_shares_of_the_classes(rng, other):
    logits = rng.normal(size=(4, 3, 4, 3)).astype(np.float32)
    labels = rng.integers(0, 4, (4, 3, 4))
    labels[:2] = 3  # no pixel counts
    labels[1, 0, 0] = 2  # but this one
    counted, weights = labels != 3, np.array([1.0, 2.0, 0.5])
    truth = np.eye(4)[labels][..., :3] * counted[..., None]
    errors = np.square(truth - softmax(logits.astype(float), axis=-1)).mean(-1)
    n = np.maximum(counted.sum((1, 2)), 1)
    plain = losses.SegmentationLoss(other, ignored_class=3)
    weighed = losses.SegmentationLoss(other, ignored_class=3, class_weights=list(weights))
    for loss, wanted in ((plain, errors), (weighed, errors * (truth @ weights))):
        expected = ((wanted * counted).sum((1, 2)) / n).mean()
        again = losses.SegmentationLoss.from_config(json.loads(json.dumps(loss.get_config())))
        assert isinstance(again.kind, type(other))
        assert numpy(loss.call(labels, logits.astype(np.float16))).dtype == np.float16
        assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-5)
        assert float(again(labels, logits)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("floatx", ["float16", "float64"])
def test_the_default_type_of_keras_changes_no_formula(floatx, monkeypatch):
    monkeypatch.setattr("keras.src.backend.config._FLOATX", floatx)
    half = keras.ops.convert_to_tensor(np.array([0.0, 0.25], np.float16))
    assert numpy(losses.bernoulli_kl(0.5, half)).dtype == np.float32
    assert numpy(losses.scheduled(4.0, np.int64(3), 10)).dtype == np.float32


def test_a_loss_of_keras_that_a_reload_would_have_is_known():
    assert known_loss("mse") is keras.losses.mean_squared_error
    huber = known_loss(keras.losses.Huber(delta=0.3))
    assert (type(huber), huber.delta) == (losses.Huber, 0.3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert known_loss(lambda truth, found: truth - found) is None
    assert not caught
