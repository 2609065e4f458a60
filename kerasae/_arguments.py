"""Checks of arguments that every room shares.

Each check names the argument, the rule and what was received, and returns the value in
its canonical type.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.images import check_numbers

LARGEST = 1e100


def positive_int(name: str, value: Any) -> int:
    """Return `value` as a positive `int`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return int(value)


def non_negative_int(name: str, value: Any) -> int:
    """Return `value` as an `int` of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise ValueError(f"`{name}` must be an integer of 0 or more. Received: {name}={value!r}")
    return int(value)


def seed(value: Any) -> int:
    """Return `seed` if NumPy and Keras both take it."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not 0 <= int(value) < 2**32:
        raise ValueError(f"`seed` must be an integer from 0 to 2**32 - 1. Received: seed={value!r}")
    return int(value)


def seed_or_none(value: Any) -> int | None:
    """Return the seed of a random layer, None for one that Keras draws."""
    return None if value is None else non_negative_int("seed", value)


def positive_ints(name: str, values: Any, *, length: int | None = None) -> tuple[int, ...]:
    """Return `values` as a tuple of positive `int`, of the given length if one is given."""
    rule = "positive integers" if length is None else f"{length} positive integers"
    try:
        sequence = tuple(values)
        if length not in (None, len(sequence)):
            raise ValueError
        return tuple(positive_int(name, value) for value in sequence)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must hold {rule}. Received: {name}={values!r}") from None


def array(name: str, values: Any) -> NDArray[Any]:
    """Return `values` as an array of whatever type."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"`{name}` must be an array, or a list that makes one. "
            f"Received: {type(values).__name__}"
        ) from None


def vectors(name: str, values: Any, *, least: int = 1) -> NDArray[np.float64]:
    """Return codes (n, ...) as finite vectors (n, size), of which there must be some."""
    numbers = check_numbers(name, values)
    ranked = numbers.ndim >= 2 and numbers.size > 0 and len(numbers) >= least
    if not ranked or not moderate(numbers):
        shape = "(n, ...)" if least < 2 else f"(n, ...), n at least {least}"
        raise ValueError(
            f"`{name}` must be finite values of the shape {shape}. Received: shape {numbers.shape}"
        )
    return numbers.reshape(len(numbers), -1)


def moderate(numbers: NDArray[np.float64]) -> bool:
    """Whether the numbers are finite, and so are sums of their squares."""
    return bool((np.abs(numbers) < LARGEST).all())


def scores(name: str, values: Any) -> NDArray[np.float64]:
    """Return `values` as finite numbers (n,), of which there must be some."""
    numbers = check_numbers(name, values)
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise ValueError(
            f"`{name}` must be finite values of the shape (n,), n at least 1. "
            f"Received: shape {numbers.shape}"
        )
    return numbers


def labels(name: str, values: Any) -> NDArray[Any]:
    """Return classes (n,), as numbers or texts, as an array."""
    classes = array(name, values)
    sound = classes.dtype.kind in "biufU" and classes.ndim == 1
    if not sound or (classes.dtype.kind == "f" and not np.isfinite(classes).all()):
        raise ValueError(
            f"`{name}` must be finite numbers or texts of the shape (n,). "
            f"Received: {classes.dtype} of shape {classes.shape}"
        )
    return classes


_SHAPES = {
    1: "(values,)",
    2: "(length, features)",
    3: "(height, width, channels)",
    4: "(depth, height, width, channels)",
}
"""What an input of so many dimensions is: a row, a signal, an image, a volume."""


def input_shape(value: Any, ranks: Iterable[int] = tuple(_SHAPES)) -> tuple[int, ...]:
    """Return `input_shape`, which has one of these numbers of dimensions."""
    allowed = tuple(ranks)
    with contextlib.suppress(ValueError):
        shape = positive_ints("input_shape", value)
        if len(shape) in allowed:
            return shape
    *others, last = (_SHAPES[rank] for rank in allowed)
    rule = f"{', '.join(others)} or {last}" if others else last
    raise ValueError(
        f"`input_shape` must be {rule}, positive integers. Received: input_shape={value!r}"
    )


def image_shape(value: Any) -> tuple[int, int, int]:
    """Return `input_shape` as (height, width, channels)."""
    height, width, channels = input_shape(value, (3,))
    return height, width, channels


def one_of(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the choices."""
    choices = tuple(choices)
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"`{name}` must be one of {listed}. Received: {name}={value!r}")
    return str(value)


def activation(name: str, value: Any) -> Any:
    """Return `value` if it is an activation that a saved model has again."""
    from keras import activations

    again = None
    if isinstance(value, (str, dict)) or callable(value):
        with contextlib.suppress(ValueError, TypeError, AttributeError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras's, of a lambda
            again = activations.deserialize(activations.serialize(activations.get(value)))
    if not callable(again):
        raise ValueError(
            f"`{name}` must be the name of an activation of Keras, such as 'relu', or a function "
            "under `@keras.saving.register_keras_serializable()`, so that a saved model has it "
            f"again. Received: {name}={getattr(value, '__name__', value)!r}"
        )
    return value


def text(name: str, value: Any) -> str:
    """Return `value` if it is a text."""
    if not isinstance(value, str):
        raise ValueError(f"`{name}` must be a name. Received: {name}={value!r}")
    return value


def mapping(name: str, value: Any) -> Mapping[Any, Any]:
    """Return `value` if it is a dict or another mapping."""
    if not isinstance(value, Mapping):
        raise ValueError(f"`{name}` must be a dict. Received: {type(value).__name__}")
    return value


def boolean(name: str, value: Any) -> bool:
    """Return `value` as a `bool` if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return bool(value)


def dimensions(name: str, values: Any, size: int, *, most: int | None = None) -> list[int]:
    """Return the chosen dimensions of a code of that size; None chooses the first ones."""
    try:
        chosen = list(range(size)[:most] if values is None else values)
    except TypeError:
        chosen = []
    whole = all(isinstance(d, Integral) and not isinstance(d, bool) for d in chosen)
    if not chosen or not whole or not all(0 <= d < size for d in chosen):
        raise ValueError(
            f"`{name}` must be integers from 0 to {size - 1}. Received: {name}={values!r}"
        )
    return [int(d) for d in chosen]


def number(
    name: str, value: Any, *, low: float, high: float = math.inf, closed: bool = False
) -> float:
    """Return `value` as a `float` above `low`, or at least that if `closed`, and below `high`."""
    rule = f"at least {low:g}" if closed else f"above {low:g}"
    if high != math.inf:
        rule += f" and below {high:g}"
    converted = _as_float(value)
    if not (low < converted < high or (closed and converted == low)):
        raise ValueError(f"`{name}` must be a number {rule}. Received: {name}={value!r}")
    return converted


def finite(name: str, value: Any) -> float:
    """Return `value` as a `float` that is neither NaN nor infinite."""
    if not math.isfinite(converted := _as_float(value)):
        raise ValueError(f"`{name}` must be a finite number. Received: {name}={value!r}")
    return converted


def _as_float(value: Any) -> float:
    """NaN for what is no number, or an integer beyond what a float holds."""
    if isinstance(value, Real) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            return float(value)
    return math.nan
