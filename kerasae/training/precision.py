"""Mixed precision for the time of a training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras

from kerasae.layers import LossLayer, RandomHoles, RandomLayer
from kerasae.training.compilation import all_layers
from kerasae.training.configuration import TrainConfig

__all__ = ["mixed_precision"]


@contextlib.contextmanager
def mixed_precision(model: keras.Model, config: TrainConfig) -> Iterator[None]:
    """Let the layers of a model compute in half precision, if the configuration says so.

    Weights stay float32, and so do losses, random layers, and what makes the outputs of the last
    weights. The model has to be compiled inside, for its loss to be scaled where float16 needs it.
    """
    if config.mixed_precision is None:
        yield
        return
    chosen = [model, *_layers_in_half(model)]
    before = [layer.dtype_policy for layer in chosen]
    for layer in chosen:
        layer.dtype_policy = f"mixed_{config.mixed_precision}"
    try:
        yield
    finally:
        for layer, policy in zip(chosen, before, strict=True):
            layer.dtype_policy = policy
        if isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
            model.optimizer = model.optimizer.inner_optimizer
        model.train_function = model.test_function = model.predict_function = None


_FULL = (keras.Model, keras.layers.InputLayer, LossLayer, RandomHoles, RandomLayer)


def _layers_in_half(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers before those that make the output, and the layers inside them."""
    chosen = [layer for layer in all_layers(model) if not isinstance(layer, _FULL)]
    while chosen and not chosen[-1].weights:  # such as the shape and the sigmoid of the output
        chosen.pop()
    return [part for layer in chosen[:-1] for part in layer._flatten_layers()]
