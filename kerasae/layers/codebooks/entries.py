"""What all codebooks share: the nearest entry, the way back, and how a gradient passes."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

__all__ = [
    "GRADIENTS",
    "Quantised",
    "lookup",
    "nearest",
    "nearest_entries",
    "pass_gradient",
    "unit_length",
]

GRADIENTS = ("straight_through", "rotation")
"""How the gradient of a code passes to what was quantised."""

_EPSILON = 1e-6  # a length below which a vector has no direction


class Quantised(NamedTuple):
    """What became of a code.

    Attributes:
        code: What takes its place; in training with a gradient.
        commitment: For each image, the mean squared distance of the two over positions and
            channels, (batch,); of several codebooks the sum or the mean, see there.
        uses: For each codebook, how often each entry was taken, (entries,).
    """

    code: Any
    commitment: Any
    uses: list[Any]


def nearest_entries(vectors: Any, codebook: Any) -> Any:
    """Index of the entry at the least Euclidean distance from each vector.

    It is the one with the largest `2 x c - |c|^2`, of equals the first.

    Args:
        vectors: (n, channels).
        codebook: (entries, channels).

    Returns:
        int32 (n,).

    Example:
        >>> int(nearest_entries([[0.2, 0.1]], [[1.0, 1.0], [0.0, 0.0]])[0])
        1
    """
    codebook = ops.convert_to_tensor(codebook)
    scores = ops.matmul(vectors, 2.0 * ops.transpose(codebook))
    return ops.cast(ops.argmax(scores - ops.sum(ops.square(codebook), axis=1), axis=1), "int32")


def unit_length(vectors: Any) -> Any:
    """The vectors (..., channels), each divided by its length; one of no length stays.

    Example:
        >>> [round(float(value), 4) for value in unit_length([[3.0, 4.0]])[0]]
        [0.6, 0.8]
    """
    vectors = ops.convert_to_tensor(vectors)
    squares = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * ops.rsqrt(ops.maximum(squares, _EPSILON**2))


def pass_gradient(inputs: Any, code: Any, gradient: str = "straight_through") -> Any:
    """The code, with a gradient that reaches the inputs.

    `"straight_through"`: that of the code, as it is (van den Oord et al. 2017). `"rotation"`: the
    code is seen as `|q| / |x| R x`, with the rotation R in the plane of both that turns x to q;
    R and the lengths count as constants, so that the gradient keeps its angle to the code on its
    way to the input (Fifty, Junkins, Duan, Iyengar, Liu, Amid, Thrun & Re 2024, Restructuring
    Vector Quantization with the Rotation Trick). With `r = (x/|x| + q/|q|) / |x/|x| + q/|q||`,

        R = I - 2 r r^T + 2 (q/|q|) (x/|x|)^T

    Args:
        inputs: x, (..., channels).
        code: q, the same shape; it gets no gradient.
        gradient: One of `GRADIENTS`.

    Returns:
        The values of the code.

    Example:
        >>> pass_gradient([[2.0, 0.0]], [[0.0, 1.0]], "rotation").shape == (1, 2)
        True
    """
    inputs = ops.convert_to_tensor(inputs)
    code = ops.stop_gradient(ops.convert_to_tensor(code))
    if gradient == "straight_through":
        return inputs + ops.stop_gradient(code - inputs)
    fixed = ops.stop_gradient(inputs)
    length, aim = (ops.norm(v, axis=-1, keepdims=True) for v in (fixed, code))
    x, q = unit_length(fixed), unit_length(code)
    r = unit_length(x + q)
    turned = (
        inputs
        - 2.0 * r * ops.sum(r * inputs, axis=-1, keepdims=True)
        + 2.0 * q * ops.sum(x * inputs, axis=-1, keepdims=True)
    )
    turned = turned * (aim / ops.maximum(length, _EPSILON))
    return turned + ops.stop_gradient(code - turned)  # the very code, whatever was rounded


def nearest(
    codebook: NDArray[np.float32], shape: tuple[int | None, ...], *, name: str, biased: bool = True
) -> keras.Model:
    """A code of the shape (batch, *shape) to int32 indices (batch, ...), as a stock model.

    Without the bias `-|c|^2` the angle decides, if all entries have the same length.
    """
    code = keras.Input(shape, name="code")
    scores = keras.layers.Dense(len(codebook), use_bias=biased, dtype="float32", name="scores")
    best = ops.top_k(scores(code), 1)[1]  # TF Lite has no argmax that Keras's would become
    model = keras.Model(code, ops.squeeze(best, axis=-1), name=name)
    bias = [-np.square(codebook).sum(axis=1)] if biased else []
    scores.set_weights([2 * codebook.T, *bias])
    return model


def lookup(
    table: NDArray[np.float32], positions: tuple[int | None, ...], *, name: str = "lookup"
) -> keras.Model:
    """Indices of the shape (batch, *positions) to the rows of a table, as a stock model."""
    indices = keras.Input(positions, dtype="int32", name="indices")
    entries = keras.layers.Embedding(*table.shape, dtype="float32", name="entries")
    model = keras.Model(indices, entries(indices), name=name)
    entries.set_weights([table])
    return model
