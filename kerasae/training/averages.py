"""The running mean of the weights that an optimizer of Keras keeps with `use_ema`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

__all__ = ["averaged", "averages_in_validation", "settle"]


@contextlib.contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Let the model have the mean of its weights; afterwards it has its own again, bit by bit.

    Where the optimizer keeps no mean, nothing happens.
    """
    pairs = _pairs(model)
    before = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable, _ in pairs]
    _take(pairs)
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, before, strict=True):
            variable.assign(value)


def settle(model: keras.Model) -> None:
    """Leave the model with the mean of its weights, where the optimizer keeps one."""
    _take(_pairs(model))


@contextlib.contextmanager
def averages_in_validation() -> Iterator[keras.callbacks.Callback]:
    """A callback for `fit` that validates the mean of the weights, which is what will be kept."""
    callback = _Averages()
    try:
        yield callback
    finally:  # also where a validation was broken off
        callback.on_test_end()


class _Averages(keras.callbacks.Callback):
    """Lets the model have the mean of its weights between the beginning and the end of a test."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Take the mean."""
        self._stack.enter_context(averaged(self.model))

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Give it back."""
        self._stack.close()


def _take(pairs: list[tuple[Any, Any]]) -> None:
    for variable, average in pairs:
        variable.assign(keras.ops.convert_to_numpy(average.value))


def _pairs(model: keras.Model) -> list[tuple[Any, Any]]:
    """Each weight with its mean."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not getattr(optimizer, "use_ema", False) or not optimizer.built:
        return []
    if int(keras.ops.convert_to_numpy(optimizer._iterations.value)) == 0:
        return []  # the mean of nothing, for which Keras has zeros
    means = optimizer._model_variables_moving_average
    return [(v, m) for v, m in zip(model.trainable_variables, means, strict=True) if m is not None]
