"""The few functional models that do more than their layers: report, count, and tie."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

# From their modules: `import kerasae.layers` imports Keras, upon which this is imported.
from kerasae.layers.objective import LossLayer, full_precision
from kerasae.layers.penalties import ExactContraction
from kerasae.layers.tying import TransposedDense

__all__ = ["Autoencoder", "InpaintingAutoencoder", "TiedAutoencoder"]

_OLDER_FORMAT = (".h5", ".hdf5")
_RANK_OF_LABELS = 2  # (n,) or, one-hot, (n, classes)


class _SavedAsKeras(keras.Model):
    """What the models of this file share: the older format HDF5 would lose their classes."""

    # `keras.saving.save_model` calls of the model only `get_config`, when the old file is gone.
    # That must not refuse: as a part of another model, ours is saved to .h5 and loads again.
    def save(self, filepath: Any, *args: Any, **options: Any) -> None:
        """Save as Keras does.

        Raises:
            ValueError: If the file is to be `.h5`, from which `load_model` alone could not load
                the model. `keras.saving.save_model` does not ask, and writes such a file.
        """
        path = str(filepath)
        if path.endswith(_OLDER_FORMAT):
            better = path.rpartition(".")[0] + ".keras"
            raise ValueError(
                f"`filepath` must end in .keras, such as {better!r}: `load_model` cannot load the "
                f"older format, which does not say of which package the model's class is. "
                f"`save_weights({path.rpartition('.')[0] + '.weights.h5'!r})` saves the weights "
                f"alone. Received: filepath={path!r}"
            )
        super().save(filepath, *args, **options)


@keras.saving.register_keras_serializable("kerasae")
class Autoencoder(_SavedAsKeras):
    """A functional model that reports what its layers say about their losses, and weighs them.

    A `LossLayer` has, after each call, scalars in `parts`; their means over an epoch appear in the
    history beside the loss, for validation too. With `sample_weight`, one weight for each image,
    its loss is that of the weighted images, as is a loss of Keras. A layer with a weight
    `steps_per_epoch`, for a schedule in epochs, is told it by `fit`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # exactly so, or no file revives it
        super().__init__(*args, **kwargs)
        self._reporting = [layer for layer in self.layers if isinstance(layer, LossLayer)]
        self._weights: Any = None
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
        """The loss of the layers, and a look at its parts.

        Raises:
            ValueError: If there is a weight for each pixel, say, where a layer needs one an image.
        """
        count = ops.shape(keras.tree.flatten(x)[0])[0]
        if sample_weight is not None and self._reporting:
            self._weights = _one_each(sample_weight)
            count = ops.sum(self._weights)
        if sample_weight is not None and self.loss is not None:
            sample_weight = _like_values(sample_weight, self.loss, y, y_pred)
        try:
            loss = super().compute_loss(x, y, y_pred, sample_weight, training=training)
            for layer in self._reporting:
                parts = layer.parts if self._weights is None else layer.weigh(self._weights)[1]
                if training and self._weights is not None and hasattr(layer, "learn"):
                    layer.learn(self._weights)
                for name in layer.part_names:
                    self._trackers[name].update_state(parts[name], sample_weight=count)
        finally:
            self._weights = None
        return loss

    @property
    def losses(self) -> list[Any]:
        """The losses of the layers; weighted while `compute_loss` is told of weights."""
        losses = super().losses
        if not losses:
            return losses
        # Of several replicas, TensorFlow adds the losses of all to the same list: take this one's.
        own = [layer for layer in self._reporting if any(layer.added is loss for loss in losses)]
        theirs = {id(loss) for layer in own for loss in (layer.added, *layer.losses)}
        others = [loss for loss in losses if id(loss) not in theirs]
        if self._weights is None:
            return [*(layer.added for layer in own), *others]
        return [*(layer.weigh(self._weights)[0] for layer in own), *others]

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
        """Fit as Keras does, with epochs counted for the schedules of the layers.

        Raises:
            ValueError: If there is a `class_weight` and `y` are images, which have no class.
        """
        _refuse_class_weight(y, options)
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
            # Added to, since one of several replicas' variables is no array.
            if not np.isfinite(ops.convert_to_numpy(layer.steps_per_epoch + 0.0)):
                layer.steps_per_epoch.assign(ops.convert_to_numpy(layer.steps + 0.0))

    def _scheduled(self) -> list[Any]:
        return [layer for layer in self.model.layers if hasattr(layer, "steps_per_epoch")]


@keras.saving.register_keras_serializable("kerasae")
class InpaintingAutoencoder(_SavedAsKeras):
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
        """The mean over pixels of the weighted loss; what is NaN in `y` does not count."""
        mask = self.get_layer("mask")
        weights = 1.0 + (mask.hole_weight - 1.0) * mask.holes  # (B, H, W)
        if getattr(mask, "takes_missing", False):
            return self._loss_of_known(x, y, y_pred, weights, sample_weight, training)
        if sample_weight is not None:
            given = ops.cast(sample_weight, weights.dtype)
            spatial = len(given.shape) == len(weights.shape)  # a weight for each pixel
            weights = weights * (given if spatial else ops.reshape(given, (-1, 1, 1)))
        return super().compute_loss(x, y, y_pred, weights, training=training)

    def _loss_of_known(
        self, x: Any, y: Any, y_pred: Any, weights: Any, sample_weight: Any, training: bool
    ) -> Any:
        """The loss of rows (B, values), each by itself, or of the steps of signals (B, length, C).

        The mean over what is known of each: what is NaN in `y` has no loss and no gradient.
        """
        y = ops.convert_to_tensor(y)
        known = ops.equal(y, y)
        y = ops.where(known, y, ops.zeros_like(y))
        if len(y.shape) == _RANK_OF_LABELS:  # a value has a loss of its own as the only channel
            y, y_pred = ops.expand_dims(y, -1), ops.expand_dims(y_pred, -1)
        else:
            known = ops.all(known, axis=-1)
        counted = ops.cast(known, weights.dtype)  # (B, values)
        share = ops.mean(counted, axis=1, keepdims=True)
        weights = weights * counted / ops.where(share > 0, share, ops.ones_like(share))
        if sample_weight is not None:
            weights = weights * ops.reshape(ops.cast(sample_weight, weights.dtype), (-1, 1))
        return super().compute_loss(x, y, y_pred, weights, training=training)

    def fit(self, x: Any = None, y: Any = None, *args: Any, **options: Any) -> Any:
        """Fit as Keras does.

        Raises:
            ValueError: If there is a `class_weight` and `y` are images, which have no class.
        """
        _refuse_class_weight(y, options)
        return super().fit(x, y, *args, **options)


def _one_each(sample_weight: Any) -> Any:
    """The weight of each image, (batch,)."""
    weights = ops.convert_to_tensor(sample_weight)
    if any(size != 1 for size in weights.shape[1:]):
        raise ValueError(
            "`sample_weight` must hold one number for each image, since a loss of this model is "
            f"that of a whole image. Received: shape {tuple(weights.shape)}"
        )
    return ops.cast(ops.reshape(weights, (-1,)), full_precision())


def _like_values(sample_weight: Any, loss: Any, y: Any, y_pred: Any) -> Any:
    """Weights that broadcast with the values of a loss, such as (batch, height, width).

    Keras multiplies the two as they are: a weight for each image must be (batch, 1, 1).
    """
    weights, known = ops.convert_to_tensor(sample_weight), keras.losses.get(loss)
    if any(size != 1 for size in weights.shape[1:]):
        return weights
    compute = known.call if isinstance(known, keras.losses.Loss) else known
    rank = len(ops.shape(compute(y, y_pred)))
    return ops.reshape(weights, (-1, *(1 for _ in range(rank - 1))))


def _refuse_class_weight(y: Any, options: dict[str, Any]) -> None:
    if options.get("class_weight") is not None and np.ndim(y) > _RANK_OF_LABELS:
        raise ValueError(
            "`class_weight` must be None where the targets are images, which have no class: "
            f"`sample_weight` weighs each image. Received: class_weight={options['class_weight']!r}"
        )
