"""How well each pixel was given its class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments

__all__ = [
    "SegmentationScores",
    "confusion_matrix",
    "median_frequency_weights",
    "segmentation_scores",
]


@dataclass(frozen=True)
class SegmentationScores:
    """The usual measures of a segmentation, each from 0 to 1, pooled over all pixels of a set.

    A class that occurs neither in the labels nor in the predictions has no measure: its `iou` is
    NaN, and no mean counts it. One that is predicted only has an `iou` of 0 and an `accuracy` of
    NaN, since none of its pixels could be found.

    Attributes:
        global_accuracy: Share of the pixels in the right class.
        class_average: Mean over classes of the share of their pixels that was found (recall).
        mean_iou: Mean over classes of `iou`.
        iou: Of each class, intersection over union: the pixels that are both labelled and
            predicted so, of those that are either (the Jaccard index).
        accuracy: Of each class, the share of its pixels that was found.
    """

    global_accuracy: float
    class_average: float
    mean_iou: float
    iou: tuple[float, ...]
    accuracy: tuple[float, ...]


def confusion_matrix(
    labels: ArrayLike, predictions: ArrayLike, classes: int, ignored_class: int | None = None
) -> NDArray[np.int64]:
    """Count the pixels of each class by what they were taken for.

    Args:
        labels: Integers below `classes`, or `ignored_class`, of any shape.
        predictions: Integers below `classes`, of the same shape.
        classes: Number of classes.
        ignored_class: Pixels with this label are not counted, whatever is predicted for them.

    Returns:
        int64 (classes, classes), the label in rows and the prediction in columns. Those of parts
        of a set add up to that of the set.

    Raises:
        ValueError: If the shapes differ, or a value is no class.

    Example:
        >>> confusion_matrix([[0, 1], [1, 2]], [[0, 1], [0, 0]], classes=2, ignored_class=2)
        array([[1, 0],
               [1, 1]])
    """
    classes = _arguments.positive_int("classes", classes)
    if ignored_class is not None:
        ignored_class = _arguments.non_negative_int("ignored_class", ignored_class)
    truth, found = _labels("labels", labels), _labels("predictions", predictions)
    if truth.shape != found.shape:
        raise ValueError(
            "`labels` and `predictions` must have one shape. "
            f"Received: {truth.shape} and {found.shape}"
        )
    if ignored_class is not None:
        counted = truth != ignored_class
        truth, found = truth[counted], found[counted]
    for name, values in (("labels", truth), ("predictions", found)):
        wrong = np.unique(values[(values < 0) | (values >= classes)])
        if len(wrong):
            rule = "" if ignored_class is None or name != "labels" else f" or be {ignored_class}"
            raise ValueError(
                f"`{name}` must be from 0 to {classes - 1}{rule}. Received: {wrong.tolist()}"
            )
    pairs = truth.astype(np.int64).ravel() * classes + found.astype(np.int64).ravel()
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def segmentation_scores(
    labels: ArrayLike, predictions: ArrayLike, classes: int, ignored_class: int | None = None
) -> SegmentationScores:
    """Global accuracy, class average and intersection over union of a set of label maps.

    Pooled over the pixels of all images, as segmentation benchmarks count (Everingham et al. 2015,
    The PASCAL Visual Object Classes Challenge; Badrinarayanan, Kendall & Cipolla 2017, SegNet).

    Args:
        labels: See `confusion_matrix`.
        predictions: Classes, such as `logits.argmax(-1)`.
        classes: Number of classes.
        ignored_class: See `confusion_matrix`.

    Returns:
        The scores; see `SegmentationScores` for classes that are absent.

    Raises:
        ValueError: If the shapes differ, a value is no class, or no pixel counts.

    Example:
        >>> scores = segmentation_scores([0, 0, 1, 1], [0, 0, 1, 0], classes=3)
        >>> scores.global_accuracy, [round(iou, 3) for iou in scores.iou]
        (0.75, [0.667, 0.5, nan])
    """
    matrix = confusion_matrix(labels, predictions, classes, ignored_class)
    if not matrix.sum():
        raise ValueError("`labels` must hold pixels that count. Received: none")
    right, labelled, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    iou = _ratios(right, labelled + predicted - right)
    accuracy = _ratios(right, labelled)
    return SegmentationScores(
        global_accuracy=float(right.sum() / matrix.sum()),
        class_average=float(np.nanmean(accuracy)),
        mean_iou=float(np.nanmean(iou)),
        iou=tuple(iou.tolist()),
        accuracy=tuple(accuracy.tolist()),
    )


def median_frequency_weights(
    labels: ArrayLike, classes: int, ignored_class: int | None = None
) -> tuple[float, ...]:
    """Weights of classes that make up for their sizes: `median(f) / f_c`.

    `f_c` is the number of pixels of a class divided by the number of pixels, ignored ones
    excepted, of the images in which it occurs (Eigen & Fergus 2015; Badrinarayanan, Kendall &
    Cipolla 2017, SegNet). The median is over the classes that occur.

    Args:
        labels: Integers (n, height, width) below `classes`, or `ignored_class`: those of the
            training images.
        classes: Number of classes.
        ignored_class: Label of the pixels that do not count.

    Returns:
        A weight for each class, 1 for the class of median frequency, and 0 for one that does not
        occur.

    Raises:
        ValueError: If `labels` has another shape, holds a value that is no class, or no pixel
            counts.

    Example:
        >>> median_frequency_weights([[[0, 0], [0, 1]], [[2, 2], [0, 0]]], classes=3)
        (0.8, 2.0, 1.0)
    """
    classes = _arguments.positive_int("classes", classes)
    values = _labels("labels", labels)
    if values.ndim != 3 or not values.size:
        raise ValueError(
            f"`labels` must have the shape (n, height, width). Received: {values.shape}"
        )
    counts = np.stack(
        [
            np.diag(confusion_matrix(v, np.where(v == ignored_class, 0, v), classes, ignored_class))
            for v in values
        ]
    )  # (n, classes)
    pixels = counts.sum(axis=1, keepdims=True)
    frequencies = _ratios(counts.sum(axis=0), ((counts > 0) * pixels).sum(axis=0))
    if np.isnan(frequencies).all():
        raise ValueError("`labels` must hold pixels that count. Received: none")
    weights = np.nanmedian(frequencies) / frequencies
    return tuple(0.0 if math.isnan(weight) else float(weight) for weight in weights)


def _labels(name: str, values: ArrayLike) -> NDArray[Any]:
    array = _arguments.array(name, values)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"`{name}` must be integers. Received: {array.dtype}")
    return array


def _ratios(above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.float64]:
    """NaN where there is nothing to divide by."""
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
