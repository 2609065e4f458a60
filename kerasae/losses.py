"""Losses and penalties as pure functions of tensors, on any backend."""

from __future__ import annotations

from typing import Any

from keras import ops

__all__ = ["bernoulli_kl"]


def bernoulli_kl(rho: float, observed: Any, *, epsilon: float = 1e-7) -> Any:
    """KL divergence in nats of Bernoulli(observed) from Bernoulli(rho), elementwise.

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
    q = ops.clip(ops.convert_to_tensor(observed, "float32"), epsilon, 1 - epsilon)
    return rho * ops.log(rho / q) + (1 - rho) * ops.log((1 - rho) / (1 - q))
