"""The convolutional autoencoder: strided convolutions around a dense or a spatial code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import keras
from keras import layers

from kerasae.builders import _arguments, _dense

__all__ = ["build_convolutional"]


def build_convolutional(
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    code_size: int = 32,
    hidden: Sequence[int] = (32, 64),
    activation: str = "relu",
    loss: str = "binary_crossentropy",
    code: Literal["dense", "spatial"] = "dense",
    kernel_size: int = 3,
    learning_rate: float = 1e-3,
) -> keras.Model:
    """Build a convolutional autoencoder for images of any size.

    Each layer of the encoder is a convolution of stride 2, each layer of the decoder its
    transpose, so that `n` layers change the side of an image by `2**n` (Masci et al. 2011;
    strides in place of pooling after Springenberg et al. 2015). A side that `2**n` does not
    divide is rounded up inside and cropped at the end.

    Args:
        input_shape: (height, width, channels) of an image.
        code_size: Number of values in a dense code, or of channels at each position of a
            spatial code.
        hidden: Filters of each layer of the encoder, at least one; the decoder mirrors it.
        activation: Activation of the hidden layers; the code itself is linear.
        loss: `"binary_crossentropy"`, with a sigmoid output, for pixels in [0, 1], or
            `"mse"`, with a linear output. Both are means over pixels and batch.
        code: `"dense"` flattens the last feature map into one vector, `"spatial"` keeps a
            map of `ceil(side / 2**n)` positions. A model with a spatial code treats every
            part of an image alike, so that a codec can run it tile by tile.
        kernel_size: Side of every kernel.
        learning_rate: Step size of Adam.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape. Its
        nested models are `encoder`, image to code, and `decoder`, code to image; a code is
        (batch, code_size) or (batch, rows, columns, code_size).

    Raises:
        ValueError: If a hyperparameter breaks its rule.

    Example:
        >>> model = build_convolutional(input_shape=(30, 21, 3), code_size=4, code="spatial")
        >>> model.get_layer("encoder").output_shape
        (None, 8, 6, 4)
        >>> model.output_shape
        (None, 30, 21, 3)
    """
    height, width, channels = _arguments.image_shape(input_shape)
    code_size = _arguments.positive_int("code_size", code_size)
    hidden = _arguments.positive_ints("hidden", hidden)
    kernel_size = _arguments.positive_int("kernel_size", kernel_size)
    output_activation = _arguments.LOSSES[_arguments.one_of("loss", loss, _arguments.LOSSES)]
    _arguments.one_of("code", code, ("dense", "spatial"))
    if not hidden:
        raise ValueError(
            "`hidden` must name the filters of at least one layer. Received: hidden=()"
        )
    stride = 2 ** len(hidden)
    grid = (math.ceil(height / stride), math.ceil(width / stride))

    image = keras.Input((height, width, channels), name="image")
    x = image
    for i, filters in enumerate(hidden, start=1):
        x = layers.Conv2D(
            filters, kernel_size, 2, padding="same", activation=activation, name=f"encode_{i}"
        )(x)
    if code == "dense":
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(code_size, name="code")(x)  # (B, code_size)
    else:
        x = layers.Conv2D(code_size, 1, name="code")(x)  # (B, rows, columns, code_size)
    encoder = keras.Model(image, x, name="encoder")

    code_input = keras.Input(encoder.output_shape[1:], name="code")
    if code == "dense":
        x = layers.Dense(math.prod(grid) * hidden[-1], activation=activation, name="decode_1")(
            code_input
        )
        x = layers.Reshape((*grid, hidden[-1]), name="grid")(x)
    else:
        x = layers.Conv2D(hidden[-1], 1, activation=activation, name="decode_1")(code_input)
    for i, filters in enumerate(reversed(hidden[:-1]), start=2):
        x = layers.Conv2DTranspose(
            filters, kernel_size, 2, padding="same", activation=activation, name=f"decode_{i}"
        )(x)
    x = layers.Conv2DTranspose(
        channels, kernel_size, 2, padding="same", activation=output_activation, name="pixels"
    )(x)  # (B, rows * stride, columns * stride, C)
    surplus = (grid[0] * stride - height, grid[1] * stride - width)
    if any(surplus):
        x = layers.Cropping2D(((0, surplus[0]), (0, surplus[1])), name="crop")(x)
    decoder = keras.Model(code_input, x, name="decoder")

    return _dense.assemble(
        "convolutional", encoder, decoder, loss=loss, learning_rate=learning_rate
    )
