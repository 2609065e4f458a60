"""The encoder and decoder of networks that label each pixel, and pooling that can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from kerasae import _arguments
from kerasae.builders._convolutional import _convolve, _layer, crop
from kerasae.layers import full_precision


def encoder(
    shape: tuple[int, ...],
    code_size: int | None,
    hidden: Sequence[int],
    activation: str,
    *,
    skips: str | None,
    convolutions: int,
    kernel_size: int,
    normalization: str | None,
) -> keras.Model:
    """Image to [code, *skips], or to the code alone where nothing is skipped."""
    activation = _arguments.activation("activation", activation)
    image = keras.Input(shape, name="image")
    options = (convolutions, kernel_size, activation, normalization)
    x: Any = image
    kept: list[Any] = []
    for i, filters in enumerate(hidden, start=1):
        x = _block(x, filters, *options, f"encode_{i}")
        if skips == "pooling":
            x, places = pool(x)
            kept += places
        else:
            kept += [x] if skips == "concat" else []
            x = _maxima(x, f"pool_{i}")
    if code_size is not None:
        x = _block(x, code_size, *options, "code")
    return keras.Model(image, [x, *kept] if kept else x, name="encoder")


def decoder(
    encoder: keras.Model,
    classes: int,
    hidden: Sequence[int],
    activation: str,
    *,
    skips: str | None,
    convolutions: int,
    kernel_size: int,
    normalization: str | None,
) -> keras.Model:
    """[code, *skips] to logits; the mirror of `encoder`, to the size of its image."""
    options = (convolutions, kernel_size, activation, normalization)
    entries = [
        keras.Input(tensor.shape[1:], dtype=tensor.dtype, name="code" if i == 0 else f"skip_{i}")
        for i, tensor in enumerate(encoder.outputs)
    ]
    x, kept = entries[0], entries[1:]
    sizes = [encoder.input_shape[1:-1]]  # of the maps, from the image to the code
    axes = len(sizes[0])
    for _ in hidden:
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    for i in range(len(hidden), 0, -1):
        size = sizes[i - 1]
        if skips == "pooling":
            x = unpool(x, kept[axes * (i - 1) : axes * i], size)
            # SegNet's last convolution of a stage already has the channels of the next one.
            x = _block(x, hidden[i - 1], *options, f"decode_{i}", last=hidden[max(i - 2, 0)])
            continue
        enlarge = _layer("Conv", x, "Transpose")
        x = enlarge(hidden[i - 1], 2, strides=2, name=f"enlarge_{i}")(x)
        x = crop(x, size, f"crop_{i}")
        if skips == "concat":
            x = layers.Concatenate(name=f"join_{i}")([x, kept[i - 1]])
        x = _block(x, hidden[i - 1], *options, f"decode_{i}")
    # (B, H, W, classes)
    logits = _layer("Conv", x)(classes, 1, dtype=full_precision(), name="logits")(x)
    return keras.Model(entries if kept else entries[0], logits, name="decoder")


def pool(x: Any) -> tuple[Any, list[Any]]:
    """Maxima of 2 x 2 windows, and where they were: in the first column or row of a pair?

    Two poolings of pairs, one after the other; of a volume three, of windows of 2 x 2 x 2. Of equal
    values the first wins, so that each window has one place, also where values are zeros of a ReLU,
    or tie once they are rounded to 8 bits: a comparison of slices of one tensor is exact in
    integers. A mask `x == upsample(max_pool(x))` would have several.

    Args:
        x: (B, H, W, C), of any size, or (B, D, H, W, C).

    Returns:
        The maxima (B, ceil(H / 2), ceil(W / 2), C), and two tensors of truth values, of the pairs
        of columns (B, H, ceil(W / 2), C) and of the pairs of rows, of the shape of the maxima.
    """
    places = []
    for axis in range(len(x.shape) - 2, 0, -1):
        x, first = _pool_pairs(x, axis)
        places.append(first)
    return x, places


def _maxima(x: Any, name: str) -> Any:
    """Maxima of windows of 2 on each side."""
    if len(x.shape) > 4:  # TF Lite has no pooling of volumes, TensorFlow none of all types
        return pool(x)[0]
    return layers.MaxPooling2D(2, padding="same", name=name)(x)


def unpool(x: Any, places: Sequence[Any], size: Sequence[int]) -> Any:
    """Each value at the place that `pool` found, zeros at the others; (B, *size, C)."""
    for axis, (first, side) in enumerate(zip(reversed(places), size, strict=True), start=1):
        x = _unpool_pairs(x, first, axis, side)
    return x


def _pool_pairs(x: Any, axis: int) -> tuple[Any, Any]:
    """The larger of each two neighbours along an axis, and whether it is the first."""
    if x.shape[axis] % 2:  # the last has itself as its neighbour, and wins
        x = ops.pad(x, [(0, int(i == axis)) for i in range(len(x.shape))], mode="symmetric")
    first, second = (x[_every_second(axis, start)] for start in (0, 1))
    return ops.maximum(first, second), ops.greater_equal(first, second)


def _unpool_pairs(x: Any, first: Any, axis: int, size: int) -> Any:
    """The inverse: each value as the first or the second of a pair, the other one 0."""
    pairs = ops.stack([ops.where(first, x, 0.0), ops.where(first, 0.0, x)], axis=axis + 1)
    shape = [-1, *x.shape[1:]]
    shape[axis] *= 2
    x = ops.reshape(pairs, shape)
    return x if shape[axis] == size else x[(slice(None),) * axis + (slice(0, size),)]


def _every_second(axis: int, start: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(start, None, 2),)


def _block(
    x: Any,
    filters: int,
    convolutions: int,
    kernel_size: int,
    activation: str,
    normalization: str | None,
    name: str,
    *,
    last: int | None = None,
) -> Any:
    """Convolutions in a row, with their normalisation and activation."""
    for j in range(1, convolutions + 1):
        width = filters if last is None or j < convolutions else last
        x = _convolve(x, width, kernel_size, activation, normalization, f"{name}_{j}")
    return x
