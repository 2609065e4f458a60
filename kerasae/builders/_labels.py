"""How a label enters the halves of a conditional model: beside the image, and beside the code."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

from kerasae._conditions import BESIDE_IMAGE, BESIDE_VALUES, CHANNEL, LABEL, PLANE


def with_image(image: Any, size: int) -> tuple[Any, Any]:
    """The inputs of an encoder, and what its first layer sees.

    A label of `size` values is one more channel, a plane that is learned for each value, or further
    values of a row. Without one it is the image alone.
    """
    if not size:
        return image, image
    label = keras.Input((size,), name=LABEL)
    if len(image.shape) == 2:
        return [image, label], layers.Concatenate(name=BESIDE_VALUES)([image, label])
    sides = tuple(image.shape[1:-1])
    plane = layers.Dense(math.prod(sides), name=PLANE)(label)
    plane = layers.Reshape((*sides, 1), name=CHANNEL)(plane)
    return [image, label], layers.Concatenate(name=BESIDE_IMAGE)([image, plane])


def with_code(code: Any, size: int) -> tuple[Any, Any]:
    """The inputs of a decoder, and what its first layer sees: the code, and the label behind it."""
    if not size:
        return code, code
    label = keras.Input((size,), name=LABEL)
    return [code, label], layers.Concatenate(name=BESIDE_VALUES)([code, label])
