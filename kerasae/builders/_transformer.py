"""The parts of a transformer over patches of an image, in stock layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from kerasae.layers import full_precision

_EPSILON = 1e-6  # of the normalisation, as in the papers
_LONGEST = 10_000.0  # wavelength of the slowest position, in patches over 2 pi


def stem(shape: tuple[int, ...], patch_size: int, size: int) -> keras.Model:
    """Image to tokens: a linear layer on each patch, with a bias for each place.

    The biases are learned, and start as the sines and cosines of the place.
    """
    image = keras.Input(shape, name="image")
    rows, columns = (side // patch_size for side in shape[:2])
    x = layers.Reshape((rows, patch_size, columns, patch_size * shape[2]), name="rows_apart")(image)
    x = layers.Permute((1, 3, 2, 4), name="patches_first")(x)
    x = layers.Reshape((rows * columns, patch_size**2 * shape[2]), name="patches")(x)
    placed = placing(rows * columns, size, "tokens")
    tokens = placed(x)  # (B, N, D)
    set_places(placed, (rows, columns))
    return keras.Model(image, tokens, name="stem")


def placing(count: int, size: int, name: str) -> keras.layers.Layer:
    """A linear layer on each token, with a bias for each place."""
    return layers.EinsumDense("bnc,cd->bnd", (count, size), bias_axes="nd", name=name)


def set_places(layer: Any, grid: tuple[int, int]) -> None:
    """Let the biases start as sines and cosines of row and column."""
    layer.bias.assign(places(grid, layer.bias.shape[-1]))


def places(grid: tuple[int, int], size: int) -> NDArray[np.float32]:
    """Sines and cosines of row and column: (places, size), as in He et al. 2022, in two halves.

    The half of an axis holds `sin(p / w_i)` and `cos(p / w_i)` of the place `p` on it, with
    wavelengths `w_i` from 1 to 10,000 in a geometric series (Vaswani et al. 2017). What a size that
    4 does not divide leaves over is 0.
    """
    quarter = size // 4
    table = np.zeros((*grid, size), np.float32)
    speed = _LONGEST ** (-np.arange(quarter) / max(quarter, 1))
    for half, axis in enumerate(np.indices(grid)):
        angles = axis[..., None] * speed
        first = 2 * half * quarter
        table[..., first : first + quarter] = np.sin(angles)
        table[..., first + quarter : first + 2 * quarter] = np.cos(angles)
    return table.reshape(-1, size)


def blocks(x: Any, hidden: Sequence[int], activation: str, heads: int, prefix: str) -> Any:
    """Blocks of attention and of two dense layers, each behind a normalisation, with skips."""
    size = x.shape[-1]
    for i, units in enumerate(hidden, start=1):
        y = layers.LayerNormalization(epsilon=_EPSILON, name=f"{prefix}_attend_{i}_scale")(x)
        attend = layers.MultiHeadAttention(heads, size // heads, name=f"{prefix}_attend_{i}")
        x = layers.Add(name=f"{prefix}_attended_{i}")([x, attend(y, y)])
        y = layers.LayerNormalization(epsilon=_EPSILON, name=f"{prefix}_{i}_scale")(x)
        y = layers.Dense(units, activation=activation, name=f"{prefix}_{i}")(y)
        y = layers.Dense(size, name=f"{prefix}_{i}_back")(y)
        x = layers.Add(name=f"{prefix}_{i}_sum")([x, y])
    return layers.LayerNormalization(epsilon=_EPSILON, name=f"{prefix}_scale")(x)


def encoder(size: int, hidden: Sequence[int], activation: str, heads: int) -> keras.Model:
    """Any number of tokens to as many codes."""
    tokens = keras.Input((None, size), name="tokens")
    codes = blocks(tokens, hidden, activation, heads, "encode")
    return keras.Model(tokens, codes, name="encoder")


def decoder(
    shape: tuple[int, ...],
    patch_size: int,
    code_size: int,
    size: int,
    hidden: Sequence[int],
    activation: str,
    heads: int,
    output_activation: str,
) -> keras.Model:
    """The codes of all patches to the image."""
    rows, columns = (side // patch_size for side in shape[:2])
    code = keras.Input((rows * columns, code_size), name="code")
    placed = placing(rows * columns, size, "decode_tokens")
    x = placed(code)  # (B, N, decoder_size)
    set_places(placed, (rows, columns))
    x = blocks(x, hidden, activation, heads, "decode")
    full = full_precision()
    x = layers.Dense(
        patch_size**2 * shape[2], activation=output_activation, name="pixels", dtype=full
    )(x)
    x = layers.Reshape(
        (rows, columns, patch_size, patch_size * shape[2]), name="patches", dtype=full
    )(x)
    x = layers.Permute((1, 3, 2, 4), name="rows_first", dtype=full)(x)
    x = layers.Reshape(shape, name="reconstruction", dtype=full)(x)
    return keras.Model(code, x, name="decoder")
