"""Layers that compute with the weights of another layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kerasae import _arguments

__all__ = ["TransposedDense"]


@keras.saving.register_keras_serializable("kerasae")
class TransposedDense(keras.layers.Layer):
    """`activation(x W^T + b)`, with the kernel `W` of a Dense layer elsewhere in the model.

    The layer owns the bias only: `W` is counted, trained, and saved once, where it belongs. A
    configuration cannot refer to a layer of another nested model, so that it holds the name
    of the layer, and a model that knows both calls `tie` (`kerasae.models.TiedAutoencoder`).

    Args:
        units: Number of outputs, which is the number of inputs of the Dense layer.
        source: Name of the Dense layer.
        activation: Activation of the outputs.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(self, units: int, source: str, *, activation: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.units = _arguments.positive_int("units", units)
        self.source = _arguments.text("source", source)
        if activation is not None:
            _arguments.activation("activation", activation)
        self.activation = keras.activations.get(activation)
        self._kernel: Callable[[], Any] | None = None

    def build(self, input_shape: Any) -> None:
        """Make the bias."""
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def tie(self, dense: keras.layers.Layer) -> None:
        """Take the kernel of `dense`, which is (units, inputs of this layer), from now on."""
        # In a function, since Keras would list, and save, an attribute as a weight of this layer.
        self._kernel = lambda: dense.kernel

    def call(self, inputs: Any) -> Any:
        """Map (batch, inputs) to (batch, units)."""
        return self.activation(ops.matmul(inputs, ops.transpose(self._shared())) + self.bias)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The last axis becomes `units`; known before the layer is tied."""
        return (*input_shape[:-1], self.units)

    def to_stock(self) -> keras.layers.Layer:
        """A Dense layer that holds a copy of the transposed kernel and of the bias."""
        kernel = ops.convert_to_numpy(self._shared()).T
        dense = keras.layers.Dense(
            self.units, activation=self.activation, name=self.name, dtype=self.dtype_policy
        )
        dense.build((None, len(kernel)))
        dense.set_weights([kernel, ops.convert_to_numpy(self.bias)])
        return dense

    def get_config(self) -> dict[str, Any]:
        """Units, name of the source, and activation."""
        return {
            **super().get_config(),
            "units": self.units,
            "source": self.source,
            "activation": keras.activations.serialize(self.activation),
        }

    def _shared(self) -> Any:
        if self._kernel is None:
            raise ValueError(
                f"`{self.name}` must be tied to the layer {self.source!r} of an encoder, as it is "
                "inside the whole model; `kerasae.decoder(model)` works alone. Received: no kernel"
            )
        return self._kernel()
