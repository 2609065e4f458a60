"""What layers have in common that are part of a model's objective: losses, and draws."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

__all__ = ["LossLayer", "RandomLayer", "full_precision"]

Average = Callable[[Any], Any]
Objective = Callable[[Average], tuple[Any, dict[str, Any]]]


def full_precision() -> str:
    """The dtype of losses, draws and outputs: the global policy's, or float32 if that is less.

    Squares, sums over pixels, and logarithms of what is near 0 leave the range of float16.
    """
    return keras.backend.result_type(keras.config.dtype_policy().compute_dtype, "float32")


class RandomLayer(keras.layers.Layer):
    """A layer whose draws belong to the objective: `train` draws them in validation too.

    Attributes:
        validating: Whether to draw although `training` is False; `train` sets it while it
            validates, with a state of `seed_generator` that is the same each time.
        seed_generator: What it draws from, or None if it only uses what others draw.
    """

    seed_generator: keras.random.SeedGenerator | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"dtype": full_precision(), **options})
        self.validating = False

    def draws(self, training: bool) -> bool:
        """Whether a call with this `training` draws."""
        return bool(training) or self.validating


class LossLayer(keras.layers.Layer):
    """A layer that adds a loss, of which `Autoencoder` can weigh each image.

    Attributes:
        part_names: Names of the scalars in `parts`.
    """

    part_names: tuple[str, ...] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"dtype": full_precision(), **options})
        # With several replicas TensorFlow runs this layer in a thread for each, in turns.
        self._last = threading.local()

    @property
    def parts(self) -> dict[str, Any]:
        """What the loss of the last call was made of, or what describes it."""
        parts: dict[str, Any] = getattr(self._last, "parts", {})
        return parts

    @property
    def added(self) -> Any:
        """The scalar that the last call added to the loss, or None."""
        return getattr(self._last, "loss", None)

    def add_objective(self, objective: Objective) -> None:
        """Add a loss, and keep how to compute it with weights.

        Args:
            objective: Takes a function that averages a tensor (batch, ...) over the batch. Returns
                the loss, a scalar, or None if there is none, and its parts by name.
        """
        loss, parts = objective(lambda values: ops.mean(values, axis=0))
        self._last.objective, self._last.loss, self._last.parts = objective, loss, parts
        if loss is not None:
            self.add_loss(loss)

    def weigh(self, weights: Any) -> tuple[Any, dict[str, Any]]:
        """The loss and the parts of the last call if images count as often as weights (batch,) say.

        The loss is that of the weighted images times the mean of their weights, which for a mean
        over images is `sum_i w_i loss_i / batch`, as Keras has it. The parts are averages over the
        weighted images.
        """
        total = ops.sum(weights)
        shares = weights / ops.where(total > 0, total, ops.ones_like(total))

        def average(values: Any) -> Any:
            shape = (-1, *(1 for _ in values.shape[1:]))
            return ops.sum(ops.reshape(ops.cast(shares, values.dtype), shape) * values, axis=0)

        loss, parts = self._last.objective(average)
        scale = ops.mean(weights)
        return (None if loss is None else loss * ops.cast(scale, loss.dtype)), parts
