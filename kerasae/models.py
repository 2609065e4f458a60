"""The few functional models that do more than their layers: report, count, and tie."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from kerasae.layers import ExactContraction, TransposedDense

__all__ = ["Autoencoder", "InpaintingAutoencoder", "TiedAutoencoder"]


@keras.saving.register_keras_serializable("kerasae")
class Autoencoder(keras.Model):
    """A functional model that reports what its layers say about their losses.

    A layer with `part_names` has, after each call, scalars of those names in `parts`; their
    means over an epoch appear in the history beside the loss, for validation too. A layer with
    a weight `steps_per_epoch`, for a schedule in epochs, is told it by `fit`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # exactly so, or no file revives it
        super().__init__(*args, **kwargs)
        self._reporting = [layer for layer in self.layers if hasattr(layer, "part_names")]
        self._trackers = {
            name: keras.metrics.Mean(name=name)
            for layer in self._reporting
            for name in layer.part_names
        }

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss of the layers, and a look at its parts."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training=training)
        count = ops.shape(keras.tree.flatten(x)[0])[0]
        for layer in self._reporting:
            for name in layer.part_names:
                self._trackers[name].update_state(layer.parts[name], sample_weight=count)
        return loss

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        **options: Any,
    ) -> keras.callbacks.History:
        """Fit as Keras does, with epochs counted for the schedules of the layers."""
        counter = _CountSteps()
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(counter)
        else:
            given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
            callbacks = [counter, *(callback for callback in given if callback is not None)]
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, **options)


@keras.saving.register_keras_serializable("kerasae")
class TiedAutoencoder(Autoencoder):
    """A functional model of which some layers compute with the kernels of its encoder.

    Whenever it is made, by a builder, a reload, or `keras.models.clone_model`, it ties each
    `TransposedDense` of its nested model `decoder`, and an `ExactContraction` of its own, to the
    layer of `encoder` that is named there.
    """

    # Keras revives a functional subclass only if its arguments have these very names.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        encoder = self.get_layer("encoder")
        for layer in (*self.get_layer("decoder").layers, *self.layers):
            if isinstance(layer, (ExactContraction, TransposedDense)):
                layer.tie(encoder.get_layer(layer.source))


class _CountSteps(keras.callbacks.Callback):
    """Tells the layers how many steps make an epoch; of a generator, when the first one ends."""

    def on_train_begin(self, logs: Any = None) -> None:
        if self.params.get("steps"):
            for layer in self._scheduled():
                layer.steps_per_epoch.assign(float(self.params["steps"]))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        for layer in self._scheduled():
            if not np.isfinite(float(layer.steps_per_epoch.value)):
                layer.steps_per_epoch.assign(layer.steps.value + 0.0)

    def _scheduled(self) -> list[Any]:
        return [layer for layer in self.model.layers if hasattr(layer, "steps_per_epoch")]


@keras.saving.register_keras_serializable("kerasae")
class InpaintingAutoencoder(keras.Model):
    """A functional model whose loss weighs the pixels that its layer `mask` says are missing.

    The layer has `holes`, (batch, height, width), 1 at the missing pixels, and `hole_weight`, the
    weight of their loss; that of the others is 1.
    """

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The mean over pixels of the weighted loss."""
        mask = self.get_layer("mask")
        weights = 1.0 + (mask.hole_weight - 1.0) * mask.holes
        if sample_weight is not None:
            weights = weights * ops.reshape(ops.cast(sample_weight, weights.dtype), (-1, 1, 1))
        return super().compute_loss(x, y, y_pred, weights, training=training)
