"""An invertible step of a normalising flow, whose change of volume is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasae import _arguments

__all__ = ["AffineCoupling"]


@keras.saving.register_keras_serializable("kerasae")
class AffineCoupling(keras.layers.Layer):
    """Scale and shift one half of a vector by what a small net makes of the other half.

    `y_a = x_a` and `y_b = x_b * exp(s(x_a, label)) + t(x_a, label)`, after a fixed permutation of
    the values; the log of the determinant is the sum of `s` (Dinh, Sohl-Dickstein & Bengio 2017,
    Density Estimation Using Real NVP). `s` is bounded by a tangens hyperbolicus, and starts at 0.

    Args:
        hidden: Units of the hidden layers of the net.
        bound: Largest size of `s`.
        seed: Seed of the permutation.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (128, 128),
        *,
        bound: float = 2.0,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.hidden = _arguments.positive_ints("hidden", hidden)
        self.bound = _arguments.number("bound", bound, low=0.0)
        self.seed = _arguments.seed(seed)

    def build(self, code_shape: Any, label_shape: Any = None) -> None:
        """Make the net for codes (batch, size) and labels (batch, label size).

        Raises:
            ValueError: If a code has a single value, which no other could scale.
        """
        size = code_shape[-1]
        if size < 2:
            raise ValueError(f"codes must have at least 2 values. Received: {size}")
        self._order = np.random.default_rng(self.seed).permutation(size)
        self._back = np.argsort(self._order)
        self._kept = size // 2
        inputs = self._kept + (0 if label_shape is None else label_shape[-1])
        self._net = []
        widths = (*self.hidden, 2 * (size - self._kept))
        for i, units in enumerate(widths):
            last = i == len(widths) - 1
            layer = layers.Dense(
                units,
                activation=None if last else "relu",
                kernel_initializer="zeros" if last else "he_normal",
                name="scale_and_shift" if last else f"hidden_{i + 1}",
                dtype=self.dtype_policy,
            )
            layer.build((None, inputs))
            self._net.append(layer)
            inputs = units

    def call(self, code: Any, label: Any = None) -> tuple[Any, Any]:
        """Codes (batch, size) to the same, and the log of the determinant, (batch,)."""
        code = ops.take(code, self._order, axis=-1)
        first, second = code[:, : self._kept], code[:, self._kept :]
        s, t = self._scale_and_shift(first, label)
        moved = ops.concatenate([first, second * ops.exp(s) + t], axis=-1)
        return moved, ops.sum(s, axis=-1)

    def inverse(self, code: Any, label: Any = None) -> Any:
        """What `call` takes, from what it gives."""
        first, second = code[:, : self._kept], code[:, self._kept :]
        s, t = self._scale_and_shift(first, label)
        moved = ops.concatenate([first, (second - t) * ops.exp(-s)], axis=-1)
        return ops.take(moved, self._back, axis=-1)

    def _scale_and_shift(self, known: Any, label: Any) -> tuple[Any, Any]:
        values = known if label is None else ops.concatenate([known, label], axis=-1)
        for layer in self._net:
            values = layer(values)
        s, t = ops.split(values, 2, axis=-1)
        return self.bound * ops.tanh(s / self.bound), t

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        own = {"hidden": list(self.hidden), "bound": self.bound, "seed": self.seed}
        return {**super().get_config(), **own}
