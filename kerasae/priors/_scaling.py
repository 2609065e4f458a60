"""Codes brought to mean 0 and deviation 1, and back, by a stock layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae import _arguments

NAME = "standardization"


def layer(
    shape: tuple[int, ...], mean: float | Sequence[float], deviation: float | Sequence[float]
) -> keras.layers.Normalization:
    """The layer for codes of this shape.

    Raises:
        ValueError: If mean or deviation are others than one or a number for each channel.
    """
    channels = shape[-1]
    means, deviations = _each("mean", mean, channels), _each("deviation", deviation, channels)
    if min(deviations) <= 0:
        raise ValueError(f"`deviation` must be above 0. Received: deviation={deviation!r:.80}")
    variances = [value**2 for value in deviations]
    return keras.layers.Normalization(mean=means, variance=variances, name=NAME)


def _each(name: str, value: Any, channels: int) -> list[float]:
    given = list(np.ravel(_arguments.array(name, value)))
    numbers = [_arguments.finite(name, float(x)) if _is_number(x) else np.nan for x in given]
    if len(numbers) not in (1, channels) or not np.isfinite(numbers).all():
        raise ValueError(
            f"`{name}` must be a finite number, or {channels} of them, one for each entry of the "
            f"last dimension of a code. Received: {name}={value!r:.80}"
        )
    return numbers * (channels if len(numbers) == 1 else 1)


def _is_number(value: Any) -> bool:
    kind = np.asarray(value).dtype.kind
    return kind in "iuf" and bool(np.isfinite(value))


def deviations(scaling: keras.layers.Normalization) -> NDArray[np.float64]:
    """Of each channel."""
    return np.sqrt(np.asarray(keras.ops.convert_to_numpy(scaling.input_variance), float)).ravel()


def unscaled(model: keras.Model, codes: NDArray[Any]) -> NDArray[np.float32]:
    """Codes of a prior as the autoencoder has them."""
    scaling = model.get_layer(NAME)
    mean = np.asarray(keras.ops.convert_to_numpy(scaling.input_mean), float).ravel()
    return (codes * deviations(scaling) + mean).astype(np.float32)
