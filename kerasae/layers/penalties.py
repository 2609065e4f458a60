"""Penalties on a code: layers that pass it on and add one scalar to the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kerasae import _arguments
from kerasae.layers.objective import LossLayer
from kerasae.losses.penalties import bernoulli_kl, contractive_norm, sensitivity

__all__ = ["ExactContraction", "KLSparsity", "L1Sparsity", "StochasticContraction"]


@keras.saving.register_keras_serializable("kerasae")
class L1Sparsity(LossLayer):
    """Add `weight * sum |code|`, summed over the units and averaged over the batch.

    Args:
        weight: Factor of the penalty.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(self, weight: float = 1e-4, **options: Any) -> None:
        super().__init__(**options)
        self.weight = _arguments.number("weight", weight, low=0.0, closed=True)

    def call(self, inputs: Any) -> Any:
        """Pass the code (batch, ...) on."""
        per_code = ops.sum(ops.abs(inputs), axis=tuple(range(1, len(inputs.shape))))
        self.add_objective(lambda average: (self.weight * average(per_code), {}))
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The weight."""
        return {**super().get_config(), "weight": self.weight}


@keras.saving.register_keras_serializable("kerasae")
class KLSparsity(LossLayer):
    """Add `beta * sum_j KL(rho, mean activation of unit j over the batch)` (Ng 2011).

    Args:
        rho: Wanted mean activation of a unit, in (0, 1).
        beta: Factor of the penalty.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(self, rho: float = 0.05, beta: float = 1e-2, **options: Any) -> None:
        super().__init__(**options)
        self.rho = _arguments.number("rho", rho, low=0.0, high=1.0)
        self.beta = _arguments.number("beta", beta, low=0.0, closed=True)

    def call(self, inputs: Any) -> Any:
        """Pass the code (batch, units), values in [0, 1], on."""

        def objective(average: Any) -> Any:
            observed = average(inputs)
            observed = ops.mean(observed, axis=tuple(range(len(observed.shape) - 1)))
            return self.beta * ops.sum(bernoulli_kl(self.rho, observed)), {}

        self.add_objective(objective)
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Rho and beta."""
        return {**super().get_config(), "rho": self.rho, "beta": self.beta}


class _Contraction(LossLayer):
    """What both contractions add to the loss: `weight` times the norms of the codes."""

    part_names = ("jacobian",)
    weight: float

    def _penalise(self, norms: Any) -> None:
        def objective(average: Any) -> Any:
            norm = average(norms)
            return self.weight * norm, {"jacobian": norm}

        self.add_objective(objective)


@keras.saving.register_keras_serializable("kerasae")
class ExactContraction(_Contraction):
    """Add `weight * |J|_F^2` of a sigmoid layer, averaged over the batch (Rifai et al. 2011).

    J is the Jacobian of the code with respect to the image. Its closed form needs the kernel of
    the layer that makes the code, which belongs to another model: as with `TransposedDense`, a
    model that knows both calls `tie` (`kerasae.models.TiedAutoencoder`).

    Args:
        weight: Factor of the penalty.
        source: Name of the Dense layer that makes the code.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(self, weight: float = 1e-3, source: str = "code", **options: Any) -> None:
        super().__init__(**options)
        self.weight = _arguments.number("weight", weight, low=0.0, closed=True)
        self.source = _arguments.text("source", source)
        self._kernel: Callable[[], Any] | None = None

    def tie(self, dense: keras.layers.Layer) -> None:
        """Take the kernel of `dense` from now on."""
        # In a function, since Keras would list, and save, an attribute as a weight of this layer.
        self._kernel = lambda: dense.kernel

    def call(self, inputs: Any) -> Any:
        """Pass the code (batch, code_size), the outputs of a sigmoid, on."""
        if self._kernel is None:
            raise ValueError(
                f"`{self.name}` must be tied to the layer {self.source!r} of an encoder, as it is "
                "inside the whole model. Received: no kernel"
            )
        self._penalise(contractive_norm(self._kernel(), inputs))
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays; known before the layer is tied."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Weight, and name of the source."""
        return {**super().get_config(), "weight": self.weight, "source": self.source}


@keras.saving.register_keras_serializable("kerasae")
class StochasticContraction(_Contraction):
    """Add an estimate of `weight * |J|_F^2` of any encoder, averaged over the batch.

    It compares the code of an image with that of the image plus noise: see
    `kerasae.losses.sensitivity`.

    Args:
        weight: Factor of the penalty.
        sigma: Standard deviation of the noise.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(self, weight: float = 1e-3, sigma: float = 0.01, **options: Any) -> None:
        super().__init__(**options)
        self.weight = _arguments.number("weight", weight, low=0.0, closed=True)
        self.sigma = _arguments.number("sigma", sigma, low=0.0)

    def call(self, code: Any, moved: Any) -> Any:
        """Pass the first of two codes (batch, ...) on, where the second is that with noise."""
        self._penalise(sensitivity(code, moved, self.sigma))
        return code

    def get_config(self) -> dict[str, Any]:
        """Weight and sigma."""
        return {**super().get_config(), "weight": self.weight, "sigma": self.sigma}
