"""What a model is trained on: images or sequences whose values its loss can take."""

from __future__ import annotations

import keras

from kerasae import _inference
from kerasae.data import Images
from kerasae.data.sequences import Sequences
from kerasae_export.images import check_images, fits, why_unit_range

__all__ = ["check_inputs", "check_trainable"]


_WAYS_OUT = {
    "cross-entropy": 'loss="mse"',
    "Bernoulli": 'likelihood="gaussian_learned"',
    "clipped": "clip=False",
}
"""A word of the reason for [0, 1], and the option of the builder that does without."""


def check_trainable(model: keras.Model) -> None:
    """Refuse what is no compiled model of one input.

    Raises:
        ValueError: If it is not.
    """
    _inference.check_model(model)
    if not model.compiled:
        raise ValueError(f"`model` must be compiled. Received: model={model.name!r}")


def check_inputs(model: keras.Model, images: Images | Sequences) -> None:
    """Refuse what the model cannot be trained on, before a run folder is touched.

    Raises:
        ValueError: If it is no `Images` or `Sequences`, a split is empty, the shape is not the
            model's, or a value is not finite or, where the loss needs that, not in [0, 1].
    """
    if not isinstance(images, (Images, Sequences)):
        raise ValueError(
            "`images` must be `Images` or `Sequences`, such as `Images(train=x[100:], "
            "validation=x[:100], test=x[:0])` of an array `x`. "
            f"Received: {type(images).__name__}"
        )
    shape = tuple(model.input_shape[1:])
    if not fits(images.train.shape[1:], shape):
        raise ValueError(
            f"`images` must have the model's input shape {shape}. "
            f"Received: images of shape {images.train.shape[1:]}"
        )
    unit = why_unit_range(model)
    options = [option for words, option in _WAYS_OUT.items() if words in (unit or "")]
    advice = f", or a model with `{options[0]}` takes them as they are" if options else ""
    for split in ("train", "validation"):
        values = getattr(images, split)
        if not len(values):
            kind = "training" if split == "train" else split
            raise ValueError(f"`images` must have {kind} images. Received: none")
        check_images(f"images.{split}", values, shape=shape, unit=unit, advice=advice)
