"""Calls of what reads images as they are needed, and of what measures in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np

import kerasae
from kerasae import evaluation
from random_calls.arguments import Drawing
from random_calls.registry import Call, target
from random_calls.training import _folder, folder_of_images

_PLAIN = ("undercomplete", "variational learned")


@target("kerasae.Augment")
def _(draw: Drawing) -> Call:
    options = draw.some(
        crop=draw.flag,
        flip=draw.flag,
        scale=lambda: draw.number(0.1, 1.0),
        brightness=lambda: draw.number(0.01, 0.9),
        contrast=lambda: draw.number(0.01, 0.9),
        saturation=lambda: draw.number(0.01, 0.9),
    )
    return Call(kerasae.Augment, (), options, lambda augment: len(augment.describe()))


@target("kerasae.stream_images", batch=4, strict=False)
def _(draw: Drawing) -> Call:
    options: dict[str, Any] = draw.some(
        channels=lambda: draw([None, 1, 3, np.int64(1)]),
        augment=lambda: draw([None, {"flip": True}, kerasae.Augment(crop=True, scale=0.5)]),
        validation_fraction=lambda: draw.number(0.1, 0.5),
        limit=lambda: draw([None, 50, np.int64(60)]),
        seed=draw.seed,
        workers=lambda: draw([None, 1, np.int64(2)]),
        shuffle_buffer=draw.whole,
    )
    options["image_size"] = draw([8, (5, 6), np.int64(7), [4, 4]])
    return Call(kerasae.stream_images, (folder_of_images(draw),), options, _facts)


def _facts(stream: kerasae.ImageStream) -> Any:
    stream.summary()
    return [len(split) for split in (stream.train, stream.validation, stream.test)]


@target("kerasae.ImageStream", batch=4)
def _(draw: Drawing) -> Call:
    splits = kerasae.stream_images(_folder("grey"), image_size=6)
    return Call(
        kerasae.ImageStream,
        (splits.train, splits.validation, splits.test),
        {"name": draw.sure(["a", "faces"])},
        _facts,
    )


@target("kerasae.evaluation.reconstruction_quality", infinite=True)
def _(draw: Drawing) -> Call:
    options = draw.some(batch_size=draw.whole)
    return Call(
        evaluation.reconstruction_quality, (draw.model(*_PLAIN), draw.images((2, 5))), options
    )


@target("kerasae.evaluation.Reconstruction")
def _(draw: Drawing) -> Call:
    values = (draw.sure([1, 5]), draw.sure([20.0, 31.5]), draw.sure([0.5, 1.0]))
    return Call(evaluation.Reconstruction, values)
