"""What codes hold: labels that a line can tell apart, and bits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae_export.images import check_numbers

__all__ = ["code_rate", "codebook_perplexity", "linear_probe"]


def linear_probe(
    train_codes: ArrayLike,
    train_labels: ArrayLike,
    test_codes: ArrayLike,
    test_labels: ArrayLike,
    *,
    validation_codes: ArrayLike | None = None,
    validation_labels: ArrayLike | None = None,
    l2: float | Sequence[float] = 1e-4,
) -> float:
    """Test error of a linear classifier on codes: how plainly they hold the labels.

    A multinomial logistic regression by scikit-learn on codes that are standardised with the
    mean and standard deviation of the training codes. It minimises the mean cross-entropy in
    nats plus `l2 / 2` times the sum of squared weights, a convex problem, so no seed matters.

    Args:
        train_codes: (n, ...), flattened to vectors.
        train_labels: Classes, (n,).
        test_codes: (m, ...).
        test_labels: (m,).
        validation_codes: (k, ...), on which one of several `l2` is chosen.
        validation_labels: (k,).
        l2: Weight of the penalty, or several, of which the one with the least validation error
            is taken, the larger one of equals.

    Returns:
        The share of test codes with a wrong class, from 0 to 1.

    Raises:
        ValueError: If codes and labels do not match, or several `l2` are given without
            validation codes.

    Example:
        >>> codes = [[-2.0], [-1.0], [1.0], [2.0]]
        >>> linear_probe(codes, [0, 0, 1, 1], codes, [0, 0, 1, 0])
        0.25
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train = _labelled("train", train_codes, train_labels)
    test = _labelled("test", test_codes, test_labels, like=train[0])
    if len(np.unique(train[1])) < 2:
        raise ValueError("`train_labels` must hold at least two classes. Received: one")
    given = [l2] if not isinstance(l2, Iterable) else sorted(l2, reverse=True)
    weights = [_arguments.number("l2", weight, low=0.0) for weight in given]
    if (validation_codes is None) != (validation_labels is None):
        raise ValueError(
            "`validation_codes` and `validation_labels` must be given together. Received: one"
        )
    if not weights or (len(weights) > 1 and validation_codes is None):
        raise ValueError(
            "`l2` must be one weight, or several to choose from by `validation_codes`. "
            f"Received: l2={l2!r}"
        )

    def fit(weight: float) -> Any:
        # scikit-learn's C multiplies the summed loss against half the squared weights.
        regression = LogisticRegression(C=1 / (weight * len(train[0])), max_iter=2000)
        return make_pipeline(StandardScaler(), regression).fit(*train)

    probes = [fit(weight) for weight in weights]
    best = probes[0]
    if validation_codes is not None and validation_labels is not None:
        held_out = _labelled("validation", validation_codes, validation_labels, like=train[0])
        best = max(probes, key=lambda probe: probe.score(*held_out))
    return float(np.mean(best.predict(test[0]) != test[1]))


def code_rate(codes: ArrayLike, step: ArrayLike = 1.0) -> float:
    """Bits per image of codes that are rounded to a step, by their empirical entropy.

    A symbol is `floor(code / step + 0.5)`. The entropy `-sum_s p(s) log2 p(s)` of each channel's
    symbols, over all images and positions, is summed over channels and positions. It is the
    length of an ideal code with one fixed table for each channel, measured on the very codes it
    was made from: tables themselves, files' headers and the gap to other images come on top, and
    what neighbours or channels tell of each other is not used.

    Args:
        codes: (n, ..., channels): n images, with or without positions.
        step: Positive width of a symbol in units of the code: one, or one for each channel.

    Returns:
        Bits per image.

    Raises:
        ValueError: If the codes are no such array of finite values, or a step is not positive, or
            too small to count in.

    Example:
        >>> code_rate([[0.0, 3.0], [1.0, 3.0], [2.0, 3.0], [3.0, 3.0]])
        2.0
    """
    values = check_numbers("codes", codes)
    if values.ndim < 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(
            "`codes` must be finite values of the shape (n, ..., channels). "
            f"Received: shape {values.shape}"
        )
    steps = check_numbers("step", step)
    if steps.shape not in ((), values.shape[-1:]) or not ((steps > 0) & np.isfinite(steps)).all():
        raise ValueError(
            f"`step` must be positive, one or one for each of {values.shape[-1]} channels. "
            f"Received: step={step!r}"
        )
    with np.errstate(over="ignore"):
        symbols = np.floor(values / steps + 0.5).reshape(-1, values.shape[-1])
    if not np.isfinite(symbols).all():
        raise ValueError(
            "`step` must be large enough that a code is a finite number of steps. "
            f"Received: step={step!r}"
        )
    per_symbol = sum(_entropy(channel) for channel in symbols.T)
    return per_symbol * len(symbols) / len(values)


def codebook_perplexity(indices: ArrayLike, size: int) -> float:
    """Number of entries of a codebook that are in use, as the perplexity of its indices.

    `exp(-sum_k p_k log p_k)` with `p_k` the share of entry `k` over all images and positions (van
    den Oord, Vinyals & Kavukcuoglu 2017, Neural Discrete Representation Learning): the size of the
    codebook if all entries are used alike, 1 if only one is. Few indices cannot use many entries:
    compare sets that hold several times as many indices as there are entries.

    Args:
        indices: Integers of any shape, from 0 to size - 1, as `kerasae.encoder` gives them.
        size: Number of entries.

    Returns:
        A number from 1 to `size`.

    Raises:
        ValueError: If the indices are not such integers.

    Example:
        >>> round(codebook_perplexity([[0, 1], [2, 3]], 512), 6)
        4.0
    """
    size, values = _arguments.positive_int("size", size), _arguments.array("indices", indices)
    if values.dtype.kind not in "iu" or not values.size:
        raise ValueError(
            f"`indices` must be integers. Received: {values.dtype} of shape {values.shape}"
        )
    if values.min() < 0 or values.max() >= size:
        raise ValueError(
            f"`indices` must be from 0 to {size - 1}. Received: {values.min()} to {values.max()}"
        )
    return float(2 ** _entropy(values.ravel()))


def _labelled(
    name: str, codes: ArrayLike, labels: ArrayLike, *, like: NDArray[Any] | None = None
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Codes as vectors, and as many labels."""
    x, y = _arguments.vectors(f"{name}_codes", codes), _arguments.labels(f"{name}_labels", labels)
    if y.shape != x.shape[:1]:
        raise ValueError(
            f"`{name}_codes` must have the shape (n, ...) and `{name}_labels` (n,). "
            f"Received: shapes {x.shape} and {y.shape}"
        )
    if like is not None and x.shape[1] != like.shape[1]:
        raise ValueError(
            f"`{name}_codes` must have the size of `train_codes`, {like.shape[1]} values. "
            f"Received: {x.shape[1]}"
        )
    return x, y


def _entropy(symbols: NDArray[Any]) -> float:
    """Empirical entropy in bits per symbol."""
    frequencies = np.unique(symbols, return_counts=True)[1] / len(symbols)
    return float(-(frequencies * np.log2(frequencies)).sum())
