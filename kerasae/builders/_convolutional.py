"""The convolutional encoder and decoder behind several builders, and their shared options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kerasae import _arguments
from kerasae.builders import _dense, _labels
from kerasae.layers import full_precision

_MOMENTUM = 0.9  # Keras's .99 needs hundreds of steps, more than a small data set may have


def check(
    hidden: Any,
    *,
    code: str = "dense",
    kernel_size: int = 3,
    upsampling: str = "transposed",
    residual: int = 0,
    normalization: str | None = None,
) -> tuple[tuple[int, ...], dict[str, Any], dict[str, Any]]:
    """Return `hidden` and the options of `encoder` and of `decoder`, all in canonical types."""
    hidden = _arguments.positive_ints("hidden", hidden)
    if not hidden:
        raise ValueError(
            "`hidden` must name the filters of at least one layer. Received: hidden=()"
        )
    if normalization is not None and not (
        isinstance(normalization, str) and normalization == "batch"
    ):
        raise ValueError(
            f"`normalization` must be 'batch' or None. Received: normalization={normalization!r}"
        )
    options: dict[str, Any] = {
        "code": _arguments.one_of("code", code, ("dense", "spatial")),
        "kernel_size": _arguments.positive_int("kernel_size", kernel_size),
        "residual": _arguments.non_negative_int("residual", residual),
        "normalization": normalization,
    }
    upsampling = _arguments.one_of("upsampling", upsampling, ("transposed", "resize"))
    return hidden, options, {**options, "upsampling": upsampling}


def encoder(
    shape: tuple[int, ...],
    code_size: int,
    hidden: Sequence[int],
    activation: str,
    *,
    code: str = "dense",
    kernel_size: int = 3,
    residual: int = 0,
    normalization: str | None = None,
    heads: Sequence[str] = ("code",),
    code_activation: str = "linear",
    label: int = 0,
) -> keras.Model:
    """Image to code; each of the `heads` is an output of the size of a code.

    With a label of so many values there is a second input.
    """
    activation = _arguments.activation("activation", activation)
    image = keras.Input(shape, name="image")
    inputs, x = _labels.with_image(image, label)
    for i, filters in enumerate(hidden, start=1):
        name = f"encode_{i}"
        x = _convolve(x, filters, kernel_size, activation, normalization, name, strides=2)
        x = _residual_blocks(x, residual, kernel_size, activation, normalization, name)
    if code == "dense":
        x = layers.Flatten(name="flatten")(x)
        outputs = [  # (B, code_size)
            layers.Dense(code_size, **_dense.head(name, code_activation))(x) for name in heads
        ]
    else:  # (B, rows, columns, code_size)
        outputs = [
            _layer("Conv", image)(code_size, 1, **_dense.head(name, code_activation))(x)
            for name in heads
        ]
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0], name="encoder")


def decoder(
    shape: tuple[int, ...],
    code_size: int,
    hidden: Sequence[int],
    activation: str,
    output_activation: str,
    *,
    code: str = "dense",
    kernel_size: int = 3,
    upsampling: str = "transposed",
    residual: int = 0,
    normalization: str | None = None,
    logits: bool = False,
    label: int = 0,
) -> keras.Model:
    """Code to image; the mirror of `encoder`, with a label beside a dense code if it has one.

    With `logits` the last layer is linear, whatever `output_activation`; the outputs are the
    sigmoid of what it gives, `reconstruction`, and that itself.
    """
    *sides, channels = shape
    stride = 2 ** len(hidden)
    grid = tuple(math.ceil(side / stride) for side in sides)
    dense = code == "dense"
    entry = keras.Input((code_size,) if dense else (*grid, code_size), name="code")
    inputs: Any = entry
    if dense:
        units = math.prod(grid) * hidden[-1]
        inputs, x = _labels.with_code(entry, label)
        x = layers.Dense(units, activation=activation, name="decode_1")(x)
        x = layers.Reshape((*grid, hidden[-1]), name="grid")(x)
    else:
        x = _convolve(entry, hidden[-1], 1, activation, normalization, "decode_1")
    x = _residual_blocks(x, residual, kernel_size, activation, normalization, "decode_1")
    for i, filters in enumerate(reversed(hidden[:-1]), start=2):
        name = f"decode_{i}"
        x = _enlarge(x, filters, kernel_size, activation, normalization, name, upsampling)
        x = _residual_blocks(x, residual, kernel_size, activation, normalization, name)
    last, full = "linear" if logits else output_activation, full_precision()
    x = _enlarge(x, channels, kernel_size, last, None, "pixels", upsampling, dtype=full)
    # (B, rows * stride, columns * stride, C) -> (B, H, W, C)
    x = crop(x, sides, "crop", dtype=full)
    if not logits:
        return keras.Model(inputs, x, name="decoder")
    pixels = layers.Activation("sigmoid", name="reconstruction", dtype=full)(x)
    return keras.Model(inputs, [pixels, x], name="decoder")


def _convolve(
    x: Any,
    filters: int,
    kernel_size: int,
    activation: str,
    normalization: str | None,
    name: str,
    *,
    strides: int = 1,
    transposed: bool = False,
    dtype: str | None = None,
) -> Any:
    """A convolution, its normalisation and its activation."""
    kind = _layer("Conv", x, "Transpose" if transposed else "")
    options = {"strides": strides, "padding": "same", "name": name, "dtype": dtype}
    if normalization is None:
        return kind(filters, kernel_size, activation=activation, **options)(x)
    x = kind(filters, kernel_size, use_bias=False, **options)(x)  # the normalisation has a bias
    x = layers.BatchNormalization(momentum=_MOMENTUM, name=f"{name}_normalization")(x)
    if activation == "linear":
        return x
    return layers.Activation(activation, name=f"{name}_activation")(x)


def _enlarge(
    x: Any,
    filters: int,
    kernel_size: int,
    activation: str,
    normalization: str | None,
    name: str,
    upsampling: str,
    *,
    dtype: str | None = None,
) -> Any:
    """A convolution that doubles each side."""
    transposed = upsampling == "transposed"
    if not transposed:  # repeats each value
        x = _layer("UpSampling", x)(2, name=f"{name}_resize")(x)
    return _convolve(
        x,
        filters,
        kernel_size,
        activation,
        normalization,
        name,
        strides=2 if transposed else 1,
        transposed=transposed,
        dtype=dtype,
    )


def crop(x: Any, sides: Sequence[int], name: str, *, dtype: str | None = None) -> Any:
    """The first positions of each side, so many as are wanted."""
    surplus = [now - wanted for now, wanted in zip(x.shape[1:-1], sides, strict=True)]
    if not any(surplus):
        return x
    margins = tuple((0, extra) for extra in surplus)
    cropping = _layer("Cropping", x)(
        margins if len(margins) > 1 else margins[0], name=name, dtype=dtype
    )
    return cropping(x)


def _layer(name: str, x: Any, suffix: str = "") -> type[keras.layers.Layer]:
    """The kind of layer, such as `Conv2D`, for the signals, images or volumes (B, ..., C)."""
    kind: type[keras.layers.Layer] = getattr(layers, f"{name}{len(x.shape) - 2}D{suffix}")
    return kind


def _residual_blocks(
    x: Any, count: int, kernel_size: int, activation: str, normalization: str | None, name: str
) -> Any:
    """Blocks `x + convolution(activation(convolution(x)))`, with nothing on the way of `x`."""
    filters = x.shape[-1]
    for j in range(1, count + 1):
        block = f"{name}_block_{j}"
        y = _convolve(x, filters, kernel_size, activation, normalization, f"{block}_inner")
        y = _convolve(y, filters, kernel_size, "linear", normalization, f"{block}_outer")
        x = layers.Add(name=block)([x, y])
    return x
