"""An encoder from a model that somebody else has made, and perhaps trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kerasae.builders import _dense

_IMAGE = 4  # axes of a batch of images, and of one of feature maps
_VECTOR = 2


def check(backbone: Any, shape: tuple[int, ...], code: str) -> keras.Model:
    """The model, if it can be an encoder for such images.

    Raises:
        ValueError: If it cannot.
    """
    rule = "`backbone` must be a built Keras model of one input and one output of floats, or None"
    inputs = getattr(backbone, "inputs", None)
    if not isinstance(backbone, keras.Model) or not inputs:
        shown = getattr(backbone, "name", None) or repr(backbone)[:60]
        raise ValueError(f"{rule}. Received: backbone={shown}")
    outputs = backbone.outputs
    floats = all(keras.backend.is_float_dtype(x.dtype) for x in (*inputs, *outputs))
    if len(inputs) != 1 or len(outputs) != 1 or not floats:
        raise ValueError(
            f"{rule}. Received: {len(inputs)} inputs and {len(outputs)} outputs of "
            f"{backbone.name!r}"
        )
    wanted = tuple(inputs[0].shape[1:])
    fits = len(wanted) == len(shape) == _IMAGE - 1 and all(
        side in (None, given) for side, given in zip(wanted, shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"`backbone` must take images of `input_shape`, here {shape}. "
            f"Received: {backbone.name!r}, which takes {wanted}"
        )
    found = tuple(backbone.compute_output_shape((None, *shape))[1:])
    ranks = (_VECTOR - 1, _IMAGE - 1) if code == "dense" else (_IMAGE - 1,)
    if len(found) not in ranks or None in found:
        what = "a map (rows, columns, channels)" + (" or a vector" if code == "dense" else "")
        raise ValueError(
            f"`backbone` must give {what} of each image where code={code!r}. "
            f"Received: {backbone.name!r}, which gives {found}"
        )
    return backbone


def encoder(
    backbone: keras.Model, shape: tuple[int, ...], code_size: int, code: str
) -> keras.Model:
    """Image to code: the backbone, and a linear layer on what it gives."""
    image = keras.Input(shape, name="image")
    x = backbone(image)
    if code == "spatial":
        x = layers.Conv2D(code_size, 1, **_dense.head("code"))(x)
    else:
        if len(x.shape) > _VECTOR:
            x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(code_size, **_dense.head("code"))(x)
    return keras.Model(image, x, name="encoder")


def stages(backbone: keras.Model, shape: tuple[int, ...], hidden: Sequence[int]) -> tuple[int, ...]:
    """The filters of a decoder that makes images of the map: one number each time it is doubled.

    The first of `hidden` are those next to the image; if there are too few, the last is repeated.

    Raises:
        ValueError: If doubling leads from the map to no image of this size, or there are too many.
    """
    grid = backbone.compute_output_shape((None, *shape))[1:3]
    count = round(math.log2(shape[0] / grid[0]))
    doubled = tuple(math.ceil(side / 2**count) for side in shape[:2]) if count > 0 else ()
    if doubled != tuple(grid):
        raise ValueError(
            "`backbone` must halve the sides of an image, once or more, where code='spatial'; "
            f"code='dense' takes any. Received: {backbone.name!r}, a map {grid[0]}x{grid[1]} of "
            f"images {shape[0]}x{shape[1]}"
        )
    if len(hidden) > count:
        raise ValueError(
            f"`hidden` must hold at most {count} numbers of filters, since {backbone.name!r} "
            f"halves the sides {count} times. Received: hidden={tuple(hidden)}"
        )
    return (*hidden, *[hidden[-1]] * (count - len(hidden)))
