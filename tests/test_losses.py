"""Pure functions against scipy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, log_expit, logsumexp, rel_entr
from scipy.stats import bernoulli, norm

from kerasae import losses


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
    with pytest.raises(ValueError, match=r"`like` must be a `keras\.losses\.Huber`"):
        losses.Huber(keras.losses.MeanSquaredError())


@pytest.mark.parametrize("weights", ["abc", 3, [np.nan], [1.0, -1.0], {1: 2.0}, [[1.0]], [True]])
def test_weights_of_classes_are_numbers(weights):
    with pytest.raises(ValueError, match="`class_weights` must be a"):
        losses.SegmentationLoss(class_weights=weights)


@pytest.mark.parametrize("label", ["x", 1.5, -1, True, [1]])
def test_an_ignored_class_is_a_label(label):
    with pytest.raises(ValueError, match="`ignored_class` must be an integer of 0 or more"):
        losses.SegmentationLoss(ignored_class=label)


@pytest.mark.parametrize("kind", [None, 3, "x", ["dice"], np.array([1, 2])])
def test_a_loss_of_segmentation_knows_its_kinds(kind):
    with pytest.raises(ValueError, match="`kind` must be 'cross_entropy'"):
        losses.SegmentationLoss(kind)
