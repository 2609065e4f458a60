"""Validation with the objective that is trained: layers draw, from the same state each time."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops

from kerasae.layers import RandomLayer
from kerasae.training.compilation import all_layers

__all__ = ["drawing_in_validation"]

_APART = 2**20  # draws of a layer before those of the next one


@contextlib.contextmanager
def drawing_in_validation(model: keras.Model, seed: int) -> Iterator[keras.callbacks.Callback]:
    """A callback for `fit` whose validations draw as training does, and leave its draws alone."""
    callback = _Draws([x for x in all_layers(model) if isinstance(x, RandomLayer)], seed)
    try:
        yield callback
    finally:  # also where a validation was broken off
        callback.on_test_end()


class _Draws(keras.callbacks.Callback):
    """Lets layers draw from a state of their own between the beginning and the end of a test."""

    def __init__(self, layers: list[RandomLayer], seed: int) -> None:
        super().__init__()
        self._layers, self._seed = layers, seed
        self._drawing: Any = None  # the compiled step of a validation
        self._before: tuple[Any, list[tuple[keras.random.SeedGenerator, Any]]] | None = None

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Set the layers and the step of the test."""
        if not self._layers:
            return
        generators = [x.seed_generator for x in self._layers if x.seed_generator is not None]
        kept = [(each, ops.convert_to_numpy(each.state + 0)) for each in generators]
        self._before = self.model.test_function, kept
        for layer in self._layers:
            layer.validating = True
        for i, generator in enumerate(generators, start=1):
            generator.state.assign([self._seed, i * _APART])
        if self._drawing is None:
            # JAX keeps what it has traced of a method of a model, unless it sees another function.
            self.model.__dict__["test_step"] = functools.partial(self.model.test_step)
            self.model.make_test_function(force=True)
            del self.model.__dict__["test_step"]
            self._drawing = self.model.test_function
        self.model.test_function = self._drawing

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Put everything back."""
        if self._before is None:
            return
        self.model.test_function, kept = self._before
        self._before = None
        for layer in self._layers:
            layer.validating = False
        for generator, state in kept:
            generator.state.assign(state)
