"""What a model is trained on: images or sequences whose values its loss can take."""

from __future__ import annotations

from typing import Any

import keras

from kerasae import _inference
from kerasae.data import Images
from kerasae.data.arrays import is_array, split_array
from kerasae.data.sequences import Sequences
from kerasae.training.configuration import TrainConfig
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


def check_inputs(model: keras.Model, images: Any, config: TrainConfig) -> Images | Sequences:
    """The data to train on; an array is split by the seed of the configuration.

    Called before a run folder is touched.

    Raises:
        ValueError: If an argument is of another type, a split is empty, the shape is not the
            model's, or a value is not finite or, where the loss needs that, not in [0, 1].
    """
    if not isinstance(config, TrainConfig):
        raise ValueError(
            "`config` must be a `TrainConfig`, such as `TrainConfig(epochs=10)`. "
            f"Received: {type(config).__name__}"
        )
    shape = tuple(model.input_shape[1:])
    unit = why_unit_range(model)
    options = [option for words, option in _WAYS_OUT.items() if words in (unit or "")]
    advice = f", or a model with `{options[0]}` takes them as they are" if options else ""
    if is_array(images):
        values = check_images("images", images, shape=shape, unit=unit, advice=advice)
        train, validation = split_array(values, config.seed)
        kind = Sequences if len(shape) == 2 else Images
        return kind(values[train], values[validation])
    if not isinstance(images, (Images, Sequences)):
        raise ValueError(
            "`images` must be one array, or `Images` or `Sequences`, such as "
            "`Images(train=x[100:], validation=x[:100])` of an array `x`. "
            f"Received: {type(images).__name__}"
        )
    if not fits(images.train.shape[1:], shape):
        raise ValueError(
            f"`images` must have the model's input shape {shape}. "
            f"Received: images of shape {images.train.shape[1:]}"
        )
    for split in ("train", "validation"):
        values = getattr(images, split)
        if not len(values):
            kind_of_images = "training" if split == "train" else split
            way = "" if split == "train" else "; `train(model, x)` splits an array `x` by itself"
            raise ValueError(f"`images` must have {kind_of_images} images{way}. Received: none")
        check_images(f"images.{split}", values, shape=shape, unit=unit, advice=advice)
    return images
