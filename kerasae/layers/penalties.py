"""Penalties on a code: layers that pass it on and add one scalar to the loss."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerasae.losses import bernoulli_kl

__all__ = ["KLSparsity", "L1Sparsity"]


@keras.saving.register_keras_serializable("kerasae")
class L1Sparsity(keras.layers.Layer):
    """Add `weight * sum |code|`, summed over the units and averaged over the batch.

    Args:
        weight: Factor of the penalty.
    """

    def __init__(self, weight: float = 1e-4, **options: Any) -> None:
        super().__init__(**options)
        self.weight = float(weight)

    def call(self, inputs: Any) -> Any:
        """Pass the code (batch, ...) on."""
        per_code = ops.sum(ops.abs(inputs), axis=tuple(range(1, len(inputs.shape))))
        self.add_loss(self.weight * ops.mean(per_code))
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The weight."""
        return {**super().get_config(), "weight": self.weight}


@keras.saving.register_keras_serializable("kerasae")
class KLSparsity(keras.layers.Layer):
    """Add `beta * sum_j KL(rho, mean activation of unit j over the batch)` (Ng 2011).

    Args:
        rho: Wanted mean activation of a unit, in (0, 1).
        beta: Factor of the penalty.
    """

    def __init__(self, rho: float = 0.05, beta: float = 1e-2, **options: Any) -> None:
        super().__init__(**options)
        self.rho, self.beta = float(rho), float(beta)

    def call(self, inputs: Any) -> Any:
        """Pass the code (batch, units), values in [0, 1], on."""
        observed = ops.mean(inputs, axis=tuple(range(len(inputs.shape) - 1)))
        self.add_loss(self.beta * ops.sum(bernoulli_kl(self.rho, observed)))
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Rho and beta."""
        return {**super().get_config(), "rho": self.rho, "beta": self.beta}
