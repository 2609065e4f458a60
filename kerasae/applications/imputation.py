"""What is missing, from what is known: values of rows, gaps of signals, and how they go on."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _inference
from kerasae_export.images import check_numbers

__all__ = ["forecast", "impute"]

Values = NDArray[np.float32]


def impute(model: keras.Model, rows: ArrayLike) -> Values:
    """Fill in what is NaN; every known value stays what it is.

    `where(isnan(x), g(f(x)), x)`. A model that was trained to fill in, `build_masked` or
    `build_tabular(base="masked")`, does it best; any other of `build_tabular` takes a missing
    number for the mean of its column, and no category where that is missing.

    Args:
        model: A model for which NaN stands for what is missing.
        rows: (n, values), or signals (n, length, features), NaN where a value is missing; in a
            signal a step counts as missing where any of its features is, and the others are kept.

    Returns:
        float32 of the same shape, without NaN.

    Raises:
        ValueError: If the model is of another kind, or the values do not fit it.

    Example:
        >>> import kerasae, numpy as np
        >>> table = kerasae.load_table("machines", limit=100)
        >>> model = kerasae.build_tabular(columns=table.columns, base="masked", hidden=(16,))
        >>> filled = impute(model, table.test)
        >>> bool(np.isnan(table.test).any()), bool(np.isnan(filled).any())
        (True, False)
    """
    _check(model)
    values = _inference.check_images(model, rows, "rows")
    (filled,) = _inference.run([model], values)
    return np.where(np.isnan(values), filled, values)


def forecast(model: keras.Model, prefixes: ArrayLike) -> Any:
    """The rest of signals of which the first steps are known.

    The model is one of `build_masked(mask="suffix")`, which learned what follows from what came
    before; of another mask it does what it can.

    Args:
        model: A model of signals (length, features).
        prefixes: (n, steps, features), fewer steps than the model's length; or a list of arrays
            (steps, features), of several lengths.

    Returns:
        float32 (n, length - steps, features), the steps that follow; of a list, a list of arrays.

    Raises:
        ValueError: If the model is of another kind, or a prefix is none.

    Example:
        >>> import kerasae
        >>> series = kerasae.load_sequences("series", limit=20)
        >>> model = kerasae.build_masked(
        ...     input_shape=(128, 1), code_size=8, hidden=(8, 8), loss="mse", mask="suffix"
        ... )
        >>> forecast(model, series.test[:3, :100]).shape
        (3, 28, 1)
    """
    _check(model)
    shape = tuple(_inference.prepared(model).input_shape[1:])
    if len(shape) != 2:
        raise ValueError(
            "`model` must take signals (length, features). "
            f"Received: model={model.name!r}, which takes {shape}"
        )
    length, features = shape
    alike = not isinstance(prefixes, (list, tuple))
    given = check_numbers("prefixes", prefixes) if alike else prefixes
    if not np.iterable(given) or not len(given):
        raise ValueError(f"`prefixes` must hold at least one signal. Received: {prefixes!r:.60}")
    each = [check_numbers("prefixes", signal) for signal in given]
    whole = np.full((len(each), length, features), np.nan, np.float32)
    for i, prefix in enumerate(each):
        fits = prefix.ndim == 2 and prefix.shape[1] == features and 0 < len(prefix) < length
        if not fits or not np.isfinite(prefix).all():
            raise ValueError(
                f"`prefixes` must be finite signals of 1 to {length - 1} steps of {features} "
                f"features. Received: prefixes[{i}] of shape {prefix.shape}"
            )
        whole[i, : len(prefix)] = prefix
    filled = impute(model, whole)
    rests = [signal[len(prefix) :] for signal, prefix in zip(filled, each, strict=True)]
    return np.stack(rests) if alike else rests


def _check(model: keras.Model) -> None:
    """Refuse a model that takes no NaN."""
    if not isinstance(model, keras.Model) or not _inference.takes_missing(model):
        raise ValueError(
            "`model` must take NaN for what is missing, as those of `build_tabular` do, and of "
            "`build_masked` for rows and signals. "
            f"Received: model={getattr(model, 'name', model)!r}"
        )
