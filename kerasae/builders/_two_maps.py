"""The convolutional network around two maps of codes, a coarse one over a fine one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers

from kerasae.builders import _convolutional, _networks

_IMAGE = 3  # axes of an image, (height, width, channels)


def halves(
    shape: tuple[int, ...], code_size: int, hidden: Any, activation: str, options: Mapping[str, Any]
) -> tuple[keras.Model, keras.Model]:
    """Encoder to, and decoder from, the vectors of a cell: the coarse one, then its four fine ones.

    Raises:
        ValueError: If the image cannot have two such maps.
    """
    if len(shape) != _IMAGE:
        raise ValueError(
            "`hierarchical` must be False but for images (height, width, channels). "
            f"Received: hierarchical=True, input_shape={shape}"
        )
    # The fine map is that of the plain network, whose decoder also sees the coarse one.
    plain, _ = _networks.halves(
        "convolutional", shape, code_size, hidden, activation, options, code="spatial"
    )
    features = plain.get_layer("code").input  # (B, R, C, F)
    rows, columns, filters = features.shape[1:]
    if rows % 2 or columns % 2:
        raise ValueError(
            "`hierarchical` must be False where the map of `hidden` has odd sides, since the map "
            f"above has half of them. Received: hierarchical=True with a map {rows}x{columns}"
        )
    _, _, decoding = _convolutional.check(hidden, code="spatial", **options)
    kernel, function = decoding["kernel_size"], activation
    normalization, upsampling = decoding["normalization"], decoding["upsampling"]
    cells = (rows // 2, columns // 2)

    x = _convolutional._convolve(
        features, filters, kernel, function, normalization, "encode_above", strides=2
    )
    above = layers.Conv2D(code_size, 1, name="code_above")(x)  # (B, R/2, C/2, D)
    y = layers.Reshape((cells[0], 2, cells[1], 2 * code_size), name="rows_apart")(plain.output)
    y = layers.Permute((1, 3, 2, 4), name="cells_first")(y)
    y = layers.Reshape((*cells, 4 * code_size), name="cells")(y)
    packed = layers.Concatenate(name="both_maps")([above, y])  # (B, R/2, C/2, 5 D)
    encoder = keras.Model(plain.input, packed, name="encoder")

    entry = keras.Input((*cells, 5 * code_size), name="code")
    above, y = entry[..., :code_size], entry[..., code_size:]
    y = layers.Reshape((*cells, 2, 2 * code_size), name="code_cells")(y)
    y = layers.Permute((1, 3, 2, 4), name="code_rows_first")(y)
    below = layers.Reshape((rows, columns, code_size), name="code_below")(y)
    x = _convolutional._enlarge(
        above, filters, kernel, function, normalization, "decode_above", upsampling
    )
    joined = layers.Concatenate(name="code_of_both")([x, below])  # (B, R, C, F + D)
    _, network = _networks.halves(
        "convolutional", shape, filters + code_size, hidden, activation, options, code="spatial"
    )
    inner = keras.Model(network.input, network.output, name="decode")
    return encoder, keras.Model(entry, inner(joined), name="decoder")
