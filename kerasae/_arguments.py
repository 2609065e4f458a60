"""Checks of arguments that every room shares, and the losses that builders share.

Each check names the argument, the rule and what was received, and returns the value in
its canonical type.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

LOSSES = {"binary_crossentropy": "sigmoid", "mse": "linear"}
"""Loss -> activation of the output for which it is the likelihood of a pixel."""


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


def positive_ints(name: str, values: Any, *, length: int | None = None) -> tuple[int, ...]:
    """Return `values` as a tuple of positive `int`, of the given length if one is given."""
    rule = "positive integers" if length is None else f"{length} positive integers"
    sequence = tuple(values) if isinstance(values, Iterable) else None
    try:
        if sequence is None or length not in (None, len(sequence)):
            raise ValueError
        return tuple(positive_int(name, value) for value in sequence)
    except ValueError:
        raise ValueError(f"`{name}` must hold {rule}. Received: {name}={values!r}") from None


def image_shape(value: Any) -> tuple[int, int, int]:
    """Return `input_shape` as (height, width, channels)."""
    try:
        height, width, channels = positive_ints("input_shape", value, length=3)
    except ValueError:
        raise ValueError(
            "`input_shape` must be (height, width, channels), three positive integers. "
            f"Received: input_shape={value!r}"
        ) from None
    return height, width, channels


def one_of(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the choices."""
    choices = tuple(choices)
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"`{name}` must be one of {listed}. Received: {name}={value!r}")
    return str(value)


def boolean(name: str, value: Any) -> bool:
    """Return `value` as a `bool` if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return bool(value)


def number(
    name: str, value: Any, *, low: float, high: float = math.inf, closed: bool = False
) -> float:
    """Return `value` as a `float` above `low`, or at least that if `closed`, and below `high`."""
    rule = f"at least {low:g}" if closed else f"above {low:g}"
    if high != math.inf:
        rule += f" and below {high:g}"
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not (low < value < high or (closed and value == low)):
        raise ValueError(f"`{name}` must be a number {rule}. Received: {name}={value!r}")
    return float(value)
