"""A look at what a model does: reconstructions, samples, and its codes in the plane."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, TypeAlias

import keras
import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from kerasae import _conditions, _inference
from kerasae._padding import PADDING
from kerasae.data import DataSet
from kerasae.plots._style import CLASSES

__all__ = ["Look", "look_at", "take"]

_SHOWN = 8  # originals, and as many reconstructions and samples a row
_CODES = 400
_MEASURED = 512
_CLASSES = 30  # that colours tell apart
_VALUES = 2**22  # pixel values in all, which bounds the time on large images
_CURVES = 4  # features up to which a sequence is drawn as curves, else as a map
_HEIGHT = 32  # pixels of such curves

Array = NDArray[Any]
Scale: TypeAlias = tuple[Any, Any]
"""The smallest value and the span of what is drawn, or of each column of rows."""


@dataclasses.dataclass(frozen=True)
class Look:
    """Pictures with values in [0, 1], and points.

    Attributes:
        originals: (n, height, width, 1 or 3).
        rebuilt: The same shape; for a segmentation the classes in colours.
        samples: Images that the decoder makes of codes that no image has, or None.
        points: (m, 2), the codes of images in their principal plane, or None.
        labels: (m,), the classes of these images, or None.
        psnr: Of the reconstructions of `measured` validation images, in dB; None where the outputs
            are no images.
        measured: How many these are.
    """

    originals: Array
    rebuilt: Array
    samples: Array | None = None
    points: Array | None = None
    labels: Array | None = None
    psnr: float | None = None
    measured: int = 0


def take(images: DataSet, most: int) -> tuple[Array, Array | None]:
    """Evenly spaced ones of the validation set, as many as say something, and their labels."""
    values = images.validation
    labels = getattr(images, "validation_labels", None)
    most = max(_SHOWN, min(most, _VALUES // math.prod(values.shape[1:])))
    every = math.ceil(len(values) / most)
    if labels is None or labels.ndim != 1 or len(np.unique(labels)) > _CLASSES:
        return values[::every], None
    return values[::every], labels[::every]


def look_at(model: keras.Model, images: DataSet, *, seed: int = 0, measure: bool = False) -> Look:
    """Look at a model, which stays as it is.

    Args:
        model: Any compiled model of one input, or of one and a label; or a prior over codes.
        images: Of which the validation set is looked at.
        seed: Of the samples, and of the holes of a model that fills holes.
        measure: Whether to measure the reconstructions, too.
    """
    values, labels = take(images, _MEASURED if measure else _CODES)
    if _is_prior(model):
        return _at_codes(values, labels)
    inputs, told = values, _told(model, images, len(values))
    for layer in model.layers:
        if hasattr(layer, "cut_holes"):
            inputs = layer.cut_holes(values, seed=seed)
    seen = inputs
    few = inputs if measure else inputs[:_SHOWN]
    outputs = _run(model, few, told)
    psnr = None
    comparable = _inference.columns_of(model) is None and np.isfinite(values).all()
    if _inference.takes_padding(model):
        outputs, values, inputs = (np.where(v == PADDING, 0, v) for v in (outputs, values, inputs))
    if (
        measure
        and comparable
        and outputs.shape == values.shape
        and not _inference.learns_labels(model)
    ):
        error = np.square(np.clip(outputs, values.min(), values.max()) - values, dtype=float).mean()
        span = 1.0 if values.min() >= 0 and values.max() <= 1 else float(np.ptp(values))
        psnr = 10 * math.log10(span**2 / max(float(error), 1e-12)) if span else None
    scale = _scale(values)
    codes = _codes(model, seen[:_CODES], told)
    return Look(
        _pictures(inputs[:_SHOWN], scale),
        _pictures(outputs[:_SHOWN], scale, _inference.learns_labels(model)),
        _samples(model, codes, scale, seed, told),
        None if codes is None else _plane(codes, np.nan_to_num(_unit(inputs[:_CODES], scale))),
        None if labels is None else labels[:_CODES],
        psnr,
        len(values) if measure else 0,
    )


def _is_prior(model: keras.Model) -> bool:
    """Whether a model is one of codes, and makes no images."""
    names = {layer.name for layer in model.layers}
    return "likelihood" in names and "encoder" not in names


def _at_codes(values: Array, labels: Array | None) -> Look:
    """The codes that a prior learns, as pictures; what it draws, only an autoencoder can show."""
    maps = values[..., None] if values.ndim == 3 else values
    shown = _pictures(maps[:_SHOWN], (float(maps.min()), max(float(np.ptp(maps)), 1e-12)))
    few = None if labels is None else labels[:_CODES]
    plane = None if len(maps) < 3 else _plane(maps[:_CODES], maps[:_CODES])
    return Look(shown, shown, points=plane, labels=few)


def _told(model: keras.Model, images: DataSet, count: int) -> Array | None:
    """The labels of what is looked at, for a model that is told them."""
    condition = _conditions.condition_of(model)
    if condition is None:
        return None
    labels = getattr(images, "validation_labels", None)
    vectors = _conditions.label_vectors("labels", labels, condition, len(images.validation))
    return vectors[:: math.ceil(len(vectors) / count)][:count]


def _run(model: keras.Model, values: Array, told: Array | None) -> Array:
    """The first output."""
    if told is None:
        return _inference.run([model], values)[0]
    outputs = keras.tree.flatten(model([values, told[: len(values)]], training=False))
    return np.asarray(keras.ops.convert_to_numpy(outputs[0]))


def _scale(values: Array) -> Scale:
    """The smallest value and the span, of rows those of each column."""
    if values.ndim == 2:
        known = np.where(np.isnan(values).all(axis=0), 0, values)
        low, high = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
    elif values.ndim == 3 and values.shape[-1] > 0:
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
    else:
        low, high = min(0.0, float(values.min())), max(1.0, float(values.max()))
    return low, np.maximum(high - low, 1e-12)


def _unit(values: Array, scale: Scale) -> Array:
    return np.clip((values - scale[0]) / scale[1], 0, 1)


def _pictures(values: Array, scale: Scale, scores: bool = False) -> Array:
    """Images, sequences or scores of classes as images in [0, 1]."""
    if scores:
        if values.ndim == 5:
            values = values[:, values.shape[1] // 2]
        colours = np.array([to_rgb(colour) for colour in CLASSES])
        return colours[values.argmax(-1) % len(colours)]
    values = np.nan_to_num(_unit(values, scale))
    if values.ndim == 5:  # the slice in the middle of a volume
        values = values[:, values.shape[1] // 2]
    if values.ndim == 4:
        return values if values.shape[-1] in (1, 3) else values.mean(axis=-1, keepdims=True)
    if values.ndim == 2:
        return values[:, None, :, None]
    if values.shape[-1] > _CURVES:
        return values.transpose(0, 2, 1)[:, ::-1, :, None]
    rows = np.round((1 - values) * (_HEIGHT - 1)).astype(int)  # (n, length, features)
    before = np.concatenate([rows[:, :1], rows[:, :-1]], axis=1)
    low, high = np.minimum(rows, before), np.maximum(rows, before)
    heights = np.arange(_HEIGHT)[None, :, None, None]
    drawn = (heights >= low[:, None]) & (heights <= high[:, None])
    return drawn.any(axis=-1)[..., None].astype(float)


def _codes(model: keras.Model, inputs: Array, told: Array | None = None) -> Array | None:
    """What the nested encoder makes; None for a model of another maker."""
    if told is not None:
        return _run(model.get_layer("encoder"), inputs, told)
    try:
        encoder = _inference.nested(model, "encoder")
    except ValueError:
        return None
    stems = [layer for layer in model.layers if layer.name == "stem"]
    codes = _inference.run([*stems, encoder], inputs)[0]
    return codes if codes.dtype.kind == "f" and np.isfinite(codes).all() else None


def _samples(
    model: keras.Model, codes: Array | None, scale: Scale, seed: int, told: Array | None = None
) -> Array | None:
    """Of the prior, or for a code without one, of the normal distribution that fits the codes."""
    if codes is None or codes.ndim != 2 or len(codes) < 2:
        return None
    rng, count = np.random.default_rng(seed), 2 * _SHOWN
    if _inference.bound(model) is not None:
        drawn = rng.standard_normal((count, codes.shape[1]))
    else:
        centred = codes - codes.mean(axis=0, dtype=float)
        mixing = rng.standard_normal((count, len(codes))) / math.sqrt(len(codes))
        drawn = codes.mean(axis=0, dtype=float) + mixing @ centred
    if told is not None:
        few = drawn[: len(told)].astype(np.float32)
        return _pictures(_run(model.get_layer("decoder"), few, told), scale)
    quantisers = [layer for layer in model.layers if hasattr(layer, "encoder_tail")]
    try:
        decoder = _inference.nested(model, "decoder")
        if len(decoder.inputs) != 1 or _inference.learns_labels(model):
            return None
        made = _inference.run([*quantisers, decoder], drawn.astype(np.float32))[0]
    except ValueError:
        return None
    return _pictures(made, scale)


def _plane(codes: Array, inputs: Array) -> Array | None:
    """Codes of two values as they are, others in the plane of their principal components.

    That plane is turned to lie like the one of the images themselves, so that the pictures of a
    training can follow each other.
    """
    vectors = codes.reshape(len(codes), -1).astype(float)
    if len(vectors) < 3 or vectors.shape[1] < 2:
        return None
    if vectors.shape[1] == 2:
        return vectors
    points, fixed = _principal(vectors), _principal(inputs.reshape(len(inputs), -1).astype(float))
    left, _, right = np.linalg.svd(points.T @ fixed)
    return points @ left @ right


def _principal(vectors: Array) -> Array:
    """Scores on the first two principal components, by way of the inner products."""
    centred = vectors - vectors.mean(axis=0)
    values, directions = np.linalg.eigh(centred @ centred.T)
    return directions[:, :-3:-1] * np.sqrt(np.maximum(values[:-3:-1], 0))
