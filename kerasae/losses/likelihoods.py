"""Log likelihoods, and the divergences and bounds of models with a latent distribution."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

__all__ = [
    "bernoulli_log_likelihood",
    "bounded_log_variance",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "importance_weighted_bound",
    "interval_log_probability",
]

_LOG_2PI = math.log(2 * math.pi)
_LOG_VARIANCES = -10.0, 4.0  # far beyond what a posterior near a standard normal needs


def gaussian_kl(mean: Any, log_variance: Any) -> Any:
    """KL divergence in nats of N(mean, variance) from N(0, 1), elementwise.

    `(variance + mean^2 - 1 - log variance) / 2` (Kingma & Welling 2014, Auto-Encoding
    Variational Bayes, appendix B).

    Args:
        mean: Tensor of any shape.
        log_variance: Tensor of the same shape.

    Returns:
        A tensor of the same shape, never negative.

    Example:
        >>> float(gaussian_kl(1.0, 0.0))
        0.5
    """
    mean, log_variance = ops.convert_to_tensor(mean), ops.convert_to_tensor(log_variance)
    return 0.5 * (ops.exp(log_variance) + ops.square(mean) - 1.0 - log_variance)


@keras.saving.register_keras_serializable("kerasae")  # type: ignore[untyped-decorator]
def bounded_log_variance(values: Any) -> Any:
    """Keep a log variance that a network gives between -10 and 4, softly.

    The identity for values, of any shape, from -9 to 3; beyond, `4 - exp(3 - x)` and
    `-10 + exp(x + 9)` flatten out. Else the exponential of one large value ends a training (Chua
    et al. 2018, Deep Reinforcement Learning in a Handful of Trials, appendix A.1, bound alike).

    Example:
        >>> [round(float(bounded_log_variance(x)), 1) for x in (-100.0, -3.0, 100.0)]
        [-10.0, -3.0, 4.0]
    """
    values = ops.convert_to_tensor(values)
    low, high = _LOG_VARIANCES[0] + 1, _LOG_VARIANCES[1] - 1
    below, above = ops.relu(low - values), ops.relu(values - high)
    return ops.clip(values, low, high) + ops.exp(-below) - ops.exp(-above)


def bernoulli_log_likelihood(x: Any, logits: Any) -> Any:
    """Log probability in nats of x under Bernoulli(sigmoid(logits)), elementwise.

    `x * logits - log(1 + exp(logits))`, minus the binary cross-entropy. For x between 0 and 1 it
    is the mean over all binary images whose pixels are 1 with probability x.

    Args:
        x: Tensor of values in [0, 1].
        logits: Tensor of a shape that broadcasts with it.

    Returns:
        A tensor of the common shape.

    Example:
        >>> round(float(bernoulli_log_likelihood(1.0, 0.0)), 4)
        -0.6931
    """
    logits = ops.convert_to_tensor(logits)
    return x * logits - ops.softplus(logits)


def gaussian_log_likelihood(x: Any, mean: Any, log_sigma: Any) -> Any:
    """Log density in nats of x under N(mean, sigma^2), elementwise.

    `-((x - mean) / sigma)^2 / 2 - log sigma - log(2 pi) / 2`.

    Args:
        x: Tensor.
        mean: Tensor of a shape that broadcasts with it.
        log_sigma: Logarithm of the standard deviation, a tensor that broadcasts too.

    Returns:
        A tensor of the common shape.

    Example:
        >>> round(float(gaussian_log_likelihood(0.0, 0.0, 0.0)), 4)
        -0.9189
    """
    mean = ops.convert_to_tensor(mean)
    log_sigma = ops.cast(ops.convert_to_tensor(log_sigma), mean.dtype)
    return -0.5 * ops.square((x - mean) * ops.exp(-log_sigma)) - log_sigma - 0.5 * _LOG_2PI


def importance_weighted_bound(log_weights: Any) -> Any:
    """The bound `log(1/k sum_i w_i)` on log p(x) in nats, over the last axis.

    With `w_i = p(x, z_i) / q(z_i | x)` and `z_i` drawn from q its expectation grows with k from
    the ELBO to log p(x) (Burda, Grosse & Salakhutdinov 2016, Importance Weighted Autoencoders).

    Args:
        log_weights: Tensor (..., k) of `log w_i`.

    Returns:
        A tensor (...).

    Example:
        >>> round(float(importance_weighted_bound([[0.0, 0.0, 0.0]])[0]), 4)
        0.0
    """
    log_weights = ops.convert_to_tensor(log_weights)
    return ops.logsumexp(log_weights, axis=-1) - math.log(log_weights.shape[-1])


def interval_log_probability(lower: Any, upper: Any) -> Any:
    """Logarithm of `sigmoid(upper) - sigmoid(lower)`, elementwise, exact in the tails.

    The mass between two values of which the logits of the cumulative distribution are given,
    as `log sigmoid(upper) + log sigmoid(-lower) + log(1 - exp(lower - upper))`.

    Args:
        lower: Tensor of logits.
        upper: Tensor of the same shape, larger everywhere.

    Returns:
        A tensor of the same shape, below 0.

    Example:
        >>> round(float(interval_log_probability(-200.0, -199.0)), 3)
        -199.459
    """
    width = ops.maximum(ops.convert_to_tensor(upper) - lower, 1e-6)
    inside = ops.log(-ops.expm1(-width))
    return inside - ops.softplus(-ops.convert_to_tensor(upper)) - ops.softplus(lower)
