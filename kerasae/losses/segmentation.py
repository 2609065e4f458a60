"""What is minimised over the classes of pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasae import _arguments
from kerasae.losses.reloading import known_loss

__all__ = [
    "SEGMENTATION_LOSSES",
    "SegmentationLoss",
    "class_weights_of",
    "pixel_cross_entropy",
    "soft_dice",
]

SEGMENTATION_LOSSES = ("cross_entropy", "dice", "cross_entropy+dice")


def pixel_cross_entropy(
    labels: Any,
    logits: Any,
    *,
    class_weights: Sequence[float] | None = None,
    ignored_class: int | None = None,
) -> Any:
    """Cross-entropy in nats of the class of each pixel, the mean over the pixels of each image.

    `sum_p w[y_p] (-log softmax(logits_p)[y_p]) / n` over the `n` pixels whose class is not
    ignored. It is divided by their number and not by the sum of their weights, so that an
    image of rare classes counts for more (Badrinarayanan, Kendall & Cipolla 2017, SegNet).

    Args:
        labels: Tensor (batch, height, width) of whole numbers below `classes`, or `ignored_class`.
        logits: Tensor (batch, height, width, classes).
        class_weights: The weight `w` of each class; None weighs them alike.
        ignored_class: Label of the pixels that do not count.

    Returns:
        A tensor (batch,); 0 for an image without a pixel that counts.

    Example:
        >>> round(float(pixel_cross_entropy([[[1]]], [[[[0.0, 0.0]]]])[0]), 4)
        0.6931
    """
    logits = ops.convert_to_tensor(logits)
    truth, counted = _counted(labels, logits, ignored_class)
    surprise = -ops.sum(truth * ops.log_softmax(logits, axis=-1), axis=-1)
    if class_weights is not None:
        weights = _weights_for(class_weights, logits)
        surprise = surprise * ops.sum(truth * weights, axis=-1)
    places = tuple(range(1, len(counted.shape)))
    return ops.sum(surprise, axis=places) / ops.maximum(ops.sum(counted, axis=places), 1.0)


def soft_dice(
    labels: Any, logits: Any, *, ignored_class: int | None = None, smoothing: float = 1.0
) -> Any:
    """One minus the soft Dice coefficient of each image, the mean over the classes.

    `1 - (2 sum_p t_p q_p + s) / (sum_p t_p^2 + sum_p q_p^2 + s)` for each class, with `t` its
    truth, 0 or 1, `q` its softmax, and `s` the smoothing (Milletari, Navab & Ahmadi 2016, V-Net).
    It weighs a small class like a large one; one that an image lacks costs what the model sees
    of it.

    Args:
        labels: Tensor (batch, height, width) of whole numbers below `classes`, or `ignored_class`.
        logits: Tensor (batch, height, width, classes).
        ignored_class: Label of the pixels that do not count.
        smoothing: See above, in pixels, above 0.

    Returns:
        A tensor (batch,) in [0, 1).

    Example:
        >>> certain = [[[[-50.0, 50.0]]]]
        >>> float(soft_dice([[[1]]], certain)[0])
        0.0
    """
    logits = ops.convert_to_tensor(logits)
    truth, counted = _counted(labels, logits, ignored_class)
    found = ops.softmax(logits, axis=-1) * ops.expand_dims(counted, -1)
    places = tuple(range(1, len(counted.shape)))
    overlap = 2 * ops.sum(truth * found, axis=places)  # (B, classes)
    size = ops.sum(truth + ops.square(found), axis=places)
    return ops.mean(1 - (overlap + smoothing) / (size + smoothing), axis=-1)


def _counted(labels: Any, logits: Any, ignored_class: int | None) -> tuple[Any, Any]:
    """The classes as one-hot vectors, all 0 where ignored, and 1 for each pixel that counts."""
    labels = ops.cast(labels, "int32")
    counted = ops.ones_like(labels, dtype=logits.dtype)
    if ignored_class is not None:
        counted = ops.cast(ops.not_equal(labels, ignored_class), logits.dtype)
    truth = ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    return truth * ops.expand_dims(counted, -1), counted


@keras.saving.register_keras_serializable("kerasae")
class SegmentationLoss(keras.losses.Loss):
    """What a segmentation model minimises: `pixel_cross_entropy`, `soft_dice`, or another loss.

    Labels are whole numbers (batch, height, width), of any dtype; outputs are logits
    (batch, height, width, classes). The value is a mean over the images of the batch.

    Args:
        kind: `"cross_entropy"`, `"dice"` or `"cross_entropy+dice"`; or a loss of Keras, or a
            registered one, which compares the classes of the pixels, one-hot, with the softmax
            of the logits.
        class_weights: Of the cross-entropy, see `pixel_cross_entropy`, or likewise of the values
            that the other loss gives for each pixel.
        ignored_class: Label of the pixels that do not count.
        name: Name of the loss.
        **options: What a Keras loss takes: `reduction` and `dtype`.

    Raises:
        ValueError: If there is no such kind, or a weight or the label is no such number.

    Example:
        >>> loss = SegmentationLoss(ignored_class=2)
        >>> round(float(loss([[[1, 2]]], [[[[0.0, 0.0], [9.0, 0.0]]]])), 4)
        0.6931
    """

    target = "labels"  # `kerasae.train` gives it the labels of the images, not the images

    def __init__(
        self,
        kind: str | Callable[[Any, Any], Any] = "cross_entropy",
        *,
        class_weights: Sequence[float] | None = None,
        ignored_class: int | None = None,
        name: str = "segmentation_loss",
        **options: Any,
    ) -> None:
        super().__init__(name=name, **options)
        if not _is_loss(kind):
            raise ValueError(
                "`kind` must be 'cross_entropy', 'dice' or 'cross_entropy+dice', or a loss of "
                "Keras or under `@keras.saving.register_keras_serializable()`, so that a saved "
                f"model has it again. Received: kind={kind!r}"
            )
        self.kind = kind
        self.ignored_class = (
            None
            if ignored_class is None
            else _arguments.non_negative_int("ignored_class", ignored_class)
        )
        self.class_weights = None if class_weights is None else class_weights_of(class_weights)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image of a batch."""
        logits, value = ops.convert_to_tensor(y_pred), 0.0
        if not isinstance(self.kind, str) or self.kind not in SEGMENTATION_LOSSES:
            return self._compare(y_true, logits)
        if "cross_entropy" in self.kind:
            value = value + pixel_cross_entropy(
                y_true, logits, class_weights=self.class_weights, ignored_class=self.ignored_class
            )
        if "dice" in self.kind:
            value = value + soft_dice(y_true, logits, ignored_class=self.ignored_class)
        return value

    def _compare(self, labels: Any, logits: Any) -> Any:
        other = keras.losses.get(self.kind)
        truth, counted = _counted(labels, logits, self.ignored_class)
        values = (other.call if isinstance(other, keras.losses.Loss) else other)(
            truth, ops.softmax(logits, axis=-1)
        )
        if self.class_weights is not None:
            weights = _weights_for(self.class_weights, logits)
            values = values * ops.sum(truth * weights, axis=-1)
        if len(values.shape) != len(counted.shape):
            return values  # of an image, or of all
        places = tuple(range(1, len(counted.shape)))
        pixels = ops.maximum(ops.sum(counted, axis=places), 1.0)
        return ops.sum(values * counted, axis=places) / pixels

    def get_config(self) -> dict[str, Any]:
        """What a reload needs."""
        return {
            **super().get_config(),
            "kind": self.kind if isinstance(self.kind, str) else keras.losses.serialize(self.kind),
            "class_weights": self.class_weights,
            "ignored_class": self.ignored_class,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SegmentationLoss:
        """Make the loss of a configuration, in which `kind` may be one of its own."""
        kind = config["kind"]
        return cls(
            **{**config, "kind": keras.losses.deserialize(kind) if isinstance(kind, dict) else kind}
        )


def class_weights_of(values: Any) -> list[float]:
    """Return the weights of classes as numbers.

    Raises:
        ValueError: If they are no sequence of finite numbers of at least 0.
    """
    given = values if isinstance(values, (list, tuple, np.ndarray)) and np.size(values) else None
    if given is None or not np.ndim(values):
        raise ValueError(
            "`class_weights` must be a sequence of a number for each class. "
            f"Received: class_weights={values!r}"
        )
    return [_arguments.number("class_weights", w, low=0.0, closed=True) for w in given]


def _weights_for(values: Sequence[float], logits: Any) -> Any:
    """The weights of classes as a tensor (classes,) of the dtype of the logits."""
    weights = ops.convert_to_tensor(values, dtype=logits.dtype)
    if tuple(weights.shape) != (logits.shape[-1],):
        raise ValueError(
            f"`class_weights` must hold a weight for each of the {logits.shape[-1]} classes. "
            f"Received: class_weights={values!r}"
        )
    return weights


def _is_loss(kind: Any) -> bool:
    if isinstance(kind, str) and kind in SEGMENTATION_LOSSES:
        return True
    return known_loss(kind) is not None
