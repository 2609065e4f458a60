"""Losses that a few large errors do not rule."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerasae import _arguments

__all__ = ["Charbonnier", "charbonnier"]


def charbonnier(images: Any, reconstructions: Any, *, epsilon: float = 1e-3) -> Any:
    """`sqrt((x - y)^2 + epsilon^2)`, the mean over channels: the absolute error, smooth at 0.

    Charbonnier, Blanc-Féraud, Aubert & Barlaud 1994, Two Deterministic Half-Quadratic
    Regularization Algorithms; in use since Lai et al. 2017, LapSRN.

    Args:
        images: Tensor (..., channels).
        reconstructions: The same shape.
        epsilon: Error below which it is nearly a square, above 0, in the units of the values.

    Returns:
        A tensor (...), at least `epsilon`; float32, or wider for wider images.

    Example:
        >>> round(float(charbonnier([[0.0]], [[0.3]], epsilon=0.4)[0]), 6)
        0.5
    """
    x, y = ops.convert_to_tensor(images), ops.convert_to_tensor(reconstructions)
    wide = keras.backend.result_type(x.dtype, y.dtype, "float32")  # the square of epsilon is small
    error = ops.cast(x, wide) - ops.cast(y, wide)
    return ops.mean(ops.sqrt(ops.square(error) + epsilon**2), axis=-1)


@keras.saving.register_keras_serializable("kerasae")
class Charbonnier(keras.losses.Loss):
    """`charbonnier` as a loss that a model is compiled with; `loss="charbonnier"`.

    Args:
        epsilon: Error below which it is nearly a square, above 0.
        name: Name of the loss.
        **options: What a Keras loss takes: `reduction` and `dtype`.

    Raises:
        ValueError: If `epsilon` is no such number.

    Example:
        >>> import numpy as np
        >>> zeros = np.zeros((1, 4, 4, 1), np.float32)
        >>> round(float(Charbonnier(epsilon=0.1)(zeros, zeros)), 6)
        0.1
    """

    def __init__(self, *, epsilon: float = 1e-3, name: str = "charbonnier", **options: Any) -> None:
        super().__init__(name=name, **options)
        self.epsilon = _arguments.number("epsilon", epsilon, low=0.0)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each pixel."""
        return charbonnier(y_true, y_pred, epsilon=self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """What a reload needs."""
        return {**super().get_config(), "epsilon": self.epsilon}
