"""What is added to a loss to shape the code, how it grows, and what it is read from."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["bernoulli_kl", "contractive_norm", "perplexity", "scheduled", "sensitivity"]


def bernoulli_kl(rho: float, observed: Any, *, epsilon: float = 1e-7) -> Any:
    """KL divergence in nats of Bernoulli(rho) from Bernoulli(observed), elementwise.

    `rho log(rho / observed) + (1 - rho) log((1 - rho) / (1 - observed))`, the sparsity term of
    Ng (2011), CS294A Lecture Notes: Sparse Autoencoder, section 3.

    Args:
        rho: Wanted mean, in (0, 1).
        observed: Tensor of means in [0, 1]; clipped to [epsilon, 1 - epsilon].
        epsilon: See `observed`.

    Returns:
        A tensor of the shape of `observed`, zero where it equals `rho`.

    Example:
        >>> round(float(bernoulli_kl(0.5, [0.25])[0]), 4)
        0.1438
    """
    observed = ops.convert_to_tensor(observed)
    wide = keras.backend.result_type(observed.dtype, "float32")  # float16 has no such epsilon
    q = ops.clip(ops.cast(observed, wide), epsilon, 1 - epsilon)
    return rho * ops.log(rho / q) + (1 - rho) * ops.log((1 - rho) / (1 - q))


def contractive_norm(kernel: Any, code: Any) -> Any:
    """Squared Frobenius norm of the Jacobian of a layer `code = sigmoid(x W + b)`, in closed form.

    `sum_j (h_j (1 - h_j))^2 sum_i W_ij^2` (Rifai, Vincent, Muller, Glorot & Bengio 2011,
    Contractive Auto-Encoders, section 4).

    Args:
        kernel: W, (inputs, code_size).
        code: h, (batch, code_size), the outputs of the layer.

    Returns:
        A tensor (batch,).

    Example:
        >>> float(contractive_norm([[4.0]], [[0.5]])[0])
        1.0
    """
    slopes = ops.square(code * (1.0 - ops.convert_to_tensor(code)))
    return ops.matmul(slopes, ops.sum(ops.square(ops.convert_to_tensor(kernel)), axis=0))


def sensitivity(code: Any, moved: Any, sigma: float) -> Any:
    """Estimate of the squared Frobenius norm of an encoder's Jacobian, from one perturbation.

    `|f(x + sigma e) - f(x)|^2 / sigma^2` with e from the standard normal, whose expectation is
    `|J|_F^2` up to terms in sigma^2 (Rifai et al. 2011, Higher Order Contractive Auto-Encoder,
    use such differences for the next order).

    Args:
        code: f(x), (batch, ...).
        moved: f(x + sigma e), of the same shape.
        sigma: See above.

    Returns:
        A tensor (batch,).

    Example:
        >>> round(float(sensitivity([[1.0, 2.0]], [[1.1, 2.0]], 0.1)[0]), 4)
        1.0
    """
    difference = (ops.convert_to_tensor(moved) - code) / sigma
    return ops.sum(ops.square(difference), axis=tuple(range(1, len(difference.shape))))


def scheduled(final: float, epochs_seen: Any, epochs: float) -> Any:
    """A value that grows linearly from 0 to `final` over `epochs`, and stays there.

    Args:
        final: Where it ends.
        epochs_seen: Scalar tensor, epochs of training so far, fractions included.
        epochs: How long it takes; 0 begins at `final`.

    Returns:
        A scalar tensor, float32.

    Example:
        >>> float(scheduled(4.0, 2.5, 10))
        1.0
    """
    seen = ops.cast(epochs_seen, "float32")
    return final * (ops.clip(seen / epochs, 0.0, 1.0) if epochs else ops.ones_like(seen))


def perplexity(counts: Any) -> Any:
    """Exponential of the entropy of a distribution given by counts.

    `exp(-sum_k p_k log p_k)`: the number of values that, used evenly, would be as hard to guess.

    Args:
        counts: Tensor (values,), none negative, their sum above 0.

    Returns:
        A scalar tensor, from 1 to the number of values.

    Example:
        >>> round(float(perplexity([3.0, 3.0, 0.0])), 4)
        2.0
    """
    counts = ops.convert_to_tensor(counts)
    shares = counts / ops.sum(counts)
    return ops.exp(-ops.sum(shares * ops.log(ops.maximum(shares, 1e-12))))
