"""How likely codes are under a prior: nats, bits, and what static tables would spend."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.priors import codes as codes_
from kerasae.priors.drawing import INDEX_PRIORS, kind_of, labels_of, shape_of
from kerasae_export.images import check_numbers

__all__ = ["bits", "log_likelihood", "static_bits"]

_BATCH = 128


def log_likelihood(
    prior: keras.Model, codes: ArrayLike, *, labels: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Exact log-likelihood of codes under a prior, in nats.

    Args:
        prior: A PixelCNN, a transformer or a flow. A diffusion model has no exact one.
        codes: (n, *code_shape).
        labels: As of `sample_codes`; None for the likelihood without a label.

    Returns:
        The log of the probability of indices, or of the density of values, float64 (n,).

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> import numpy as np
        >>> from kerasae.priors import build_flow
        >>> log_likelihood(build_flow(code_shape=(2,)), np.zeros((1, 2))).round(3).tolist()
        [-1.838]
    """
    kind = kind_of(prior)
    if kind == "diffusion":
        raise ValueError(
            "`prior` must be a PixelCNN, a transformer or a flow, since a diffusion model has no "
            f"exact likelihood. Received: prior={prior.name!r}"
        )
    values = check_numbers("codes", codes)
    shape = shape_of(prior)
    if values.shape[1:] != shape or not len(values) or not np.isfinite(values).all():
        raise ValueError(
            f"`codes` must be finite values (n, {', '.join(map(str, shape))}). "
            f"Received: shape {values.shape}"
        )
    vectors = labels_of(prior, labels, len(values))
    if kind in INDEX_PRIORS:
        codes_.check_indices("codes", values, int(prior.output_shape[-1]))
    found = []
    for first in range(0, len(values), _BATCH):
        part = values[first : first + _BATCH]
        given = part.astype(np.int32 if kind in INDEX_PRIORS else np.float32)
        told = None if vectors is None else vectors[first : first + _BATCH]
        outputs = prior(given if told is None else [given, told], training=False)
        numbers = ops.convert_to_numpy(outputs).astype(np.float64)
        found.append(_log_probability(numbers, given) if kind in INDEX_PRIORS else -numbers)
    return np.concatenate(found)


def bits(
    prior: keras.Model, codes: ArrayLike, *, labels: ArrayLike | None = None
) -> NDArray[np.float64]:
    """What an ideal entropy coder would spend on each code of indices, in bits.

    Args:
        prior: A PixelCNN or a transformer.
        codes: Indices (n, *code_shape).
        labels: As of `sample_codes`.

    Returns:
        float64 (n,), `-log2 p`.

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> import numpy as np
        >>> from kerasae.priors import build_pixelcnn
        >>> prior = build_pixelcnn(code_shape=(4, 4), codebook_size=16, filters=8, blocks=1)
        >>> bits(prior, np.zeros((2, 4, 4))).shape
        (2,)
    """
    if kind_of(prior) not in INDEX_PRIORS:
        raise ValueError(
            "`prior` must be one over indices; `log_likelihood` has the density of values. "
            f"Received: prior={prior.name!r}"
        )
    return -log_likelihood(prior, codes, labels=labels) / math.log(2)


def static_bits(
    train: ArrayLike, codes: ArrayLike, codebook_size: int, *, pseudocount: float = 1.0
) -> NDArray[np.float64]:
    """What a table of frequencies for each position spends on codes of indices, in bits.

    The yardstick for priors: the best that a coder can do that knows where an index stands, but not
    what stands beside it.

    Args:
        train: Indices (n, *code_shape) that the tables are counted on.
        codes: Indices (m, *code_shape) to be coded.
        codebook_size: Number of indices.
        pseudocount: Added to each count, above 0, so that no index is impossible.

    Returns:
        float64 (m,).

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> static_bits([[0, 1], [0, 1]], [[0, 1]], 2, pseudocount=1.0).round(3).tolist()
        [0.83]
    """
    size = _arguments.positive_int("codebook_size", codebook_size)
    extra = _arguments.number("pseudocount", pseudocount, low=0.0)
    known, wanted = check_numbers("train", train), check_numbers("codes", codes)
    for name, values in (("train", known), ("codes", wanted)):
        codes_.check_indices(name, values, size)
    if known.ndim < 2 or not len(known) or known.shape[1:] != wanted.shape[1:]:
        raise ValueError(
            "`train` and `codes` must be indices of one shape (n, ...). "
            f"Received: shapes {known.shape} and {wanted.shape}"
        )
    known = known.reshape(len(known), -1).astype(int)
    wanted = wanted.reshape(len(wanted), -1).astype(int)
    spent = np.zeros(len(wanted))
    for position in range(known.shape[1]):
        counts = np.bincount(known[:, position], minlength=size) + extra
        spent -= np.log2(counts / counts.sum())[wanted[:, position]]
    return spent


def _log_probability(logits: NDArray[np.float64], indices: NDArray[Any]) -> NDArray[np.float64]:
    """Of all indices of each example together."""
    largest = logits.max(axis=-1, keepdims=True)
    total = np.log(np.exp(logits - largest).sum(axis=-1)) + largest[..., 0]
    chosen = np.take_along_axis(logits, indices[..., None].astype(int), axis=-1)[..., 0]
    return (chosen - total).reshape(len(logits), -1).sum(axis=-1)
