"""The losses of priors: bits of indices, nats of a density, the error of a denoiser."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kerasae.layers.objective import LossLayer

__all__ = ["ExampleLoss", "IndexLikelihood"]


@keras.saving.register_keras_serializable("kerasae")
class IndexLikelihood(LossLayer):
    """Add the bits that indices cost under predicted probabilities to the loss.

    `-sum_i log2 p(k_i)` over the indices of an example, averaged over the batch: what an ideal
    entropy coder would spend on it.
    """

    def call(self, logits: Any, indices: Any) -> Any:
        """Logits (batch, ..., codebook_size) of integers (batch, ...); gives the logits."""
        indices = ops.cast(indices, "int32")
        logits = ops.cast(logits, self.compute_dtype)
        nats = ops.sparse_categorical_crossentropy(indices, logits, from_logits=True)
        axes = tuple(range(1, len(nats.shape)))
        bits = ops.sum(nats, axis=axes) / math.log(2)  # (B,)
        self.add_objective(lambda average: (average(bits), {}))
        return logits

    def compute_output_shape(self, logits_shape: Any, indices_shape: Any) -> Any:
        """The shape of the logits."""
        return logits_shape

    def get_config(self) -> dict[str, Any]:
        """Nothing of its own; Keras keeps the name only where this is defined."""
        return {**super().get_config()}


@keras.saving.register_keras_serializable("kerasae")
class ExampleLoss(LossLayer):
    """Add what each example costs, averaged over the batch, to the loss; and pass it on."""

    def call(self, losses: Any) -> Any:
        """Losses (batch,) to the same."""
        losses = ops.cast(losses, self.compute_dtype)
        self.add_objective(lambda average: (average(losses), {}))
        return losses

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Nothing of its own; Keras keeps the name only where this is defined."""
        return {**super().get_config()}
