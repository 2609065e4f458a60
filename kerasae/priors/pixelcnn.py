"""PixelCNN: the probability of each index of a map, given those above it and to its left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from kerasae import _arguments
from kerasae.layers import LearnedPositions
from kerasae.priors import _assembly

__all__ = ["build_pixelcnn"]


def build_pixelcnn(
    *,
    code_shape: Sequence[int] = (7, 7),
    codebook_size: int = 128,
    classes: int | None = None,
    attributes: int | None = None,
    label_dropout: float = 0.1,
    filters: int = 64,
    blocks: int = 6,
    kernel_size: int = 5,
    dropout: float = 0.1,
    learning_rate: float = 1e-3,
) -> keras.Model:
    """Build a gated PixelCNN over maps of indices, such as those of a vector-quantised model.

    It factorises the probability of a map in reading order and minimises, in bits a map,

        -sum_i log2 p(k_i | k_1, ..., k_(i-1), label)

    Two stacks of convolutions, one of the rows above and one of the row to the left, see each index
    that comes before and none that follows; `tanh(a) * sigmoid(b)` is the activation, into which
    the label goes (van den Oord, Kalchbrenner, Vinyals, Espeholt, Graves & Kavukcuoglu 2016,
    Conditional Image Generation with PixelCNN Decoders).

    Args:
        code_shape: (rows, columns) of a map.
        codebook_size: Number of indices.
        classes: Number of classes of a label; None for none.
        attributes: Number of values of a label that is no class; None for none.
        label_dropout: Chance that a label is left out in training, from 0 to below 1.
        filters: Channels of each layer.
        blocks: Number of gated layers.
        kernel_size: Side of the window, odd, of which half lies ahead and is not seen.
        dropout: Share of the values that training drops before each gated layer.
        learning_rate: Step size of Adam.

    Returns:
        A compiled model, int32 (batch, rows, columns), and with labels a second input (batch,
        classes), to logits (batch, rows, columns, codebook_size).

    Raises:
        ValueError: If a hyperparameter breaks its rule.

    Example:
        >>> build_pixelcnn(code_shape=(4, 4), codebook_size=16, filters=8, blocks=2).output_shape
        (None, 4, 4, 16)
    """
    shape = _arguments.positive_ints("code_shape", code_shape, length=2)
    size = _arguments.positive_int("codebook_size", codebook_size)
    filters = _arguments.positive_int("filters", filters)
    blocks = _arguments.positive_int("blocks", blocks)
    kernel_size = _arguments.positive_int("kernel_size", kernel_size)
    if kernel_size % 2 == 0 or kernel_size == 1:
        raise ValueError(
            f"`kernel_size` must be odd and above 1. Received: kernel_size={kernel_size}"
        )
    dropout = _arguments.number("dropout", dropout, low=0.0, high=1.0, closed=True)
    condition = _assembly.condition(classes, attributes, label_dropout)

    codes, inputs = _assembly.inputs(shape, condition, dtype="int32")
    embedded = layers.Embedding(size, filters, name="embedding")(codes)  # (B, rows, columns, f)
    above, left = embedded, embedded
    for i in range(1, blocks + 1):
        names = _Names(i)
        above, passed = _above(above, inputs[1:], filters, kernel_size, names, dropout)
        left = _left(left, passed, inputs[1:], filters, kernel_size, names, dropout)
        if i == 1:
            left = LearnedPositions(name="positions")(left)
    x = layers.Activation("relu", name="relu")(left)
    x = layers.Conv2D(2 * filters, 1, activation="relu", name="last")(x)
    logits = layers.Conv2D(size, 1, name="logits")(x)
    network = keras.Model(_assembly.one_or_all(inputs), logits, name=_assembly.NETWORK)
    return _assembly.index_prior("pixelcnn", network, shape, condition, learning_rate)


class _Names:
    """Names of the layers of a block."""

    def __init__(self, block: int) -> None:
        self._block = block

    def __getattr__(self, part: str) -> str:
        return f"{part}_{self._block}"

    @property
    def first(self) -> bool:
        """Whether it is the first block, which must not see the index itself."""
        return self._block == 1


def _above(
    x: Any, labels: list[Any], filters: int, size: int, names: _Names, dropout: float
) -> tuple[Any, Any]:
    """What a position knows of its row and those above; and the same of the rows above alone."""
    n = size // 2
    if dropout:
        x = layers.SpatialDropout2D(dropout, name=names.drop_above)(x)
    padded = layers.ZeroPadding2D(((n, 0), (n, n)), name=names.pad_above)(x)
    seen = layers.Conv2D(2 * filters, (n + 1, size), name=names.above)(padded)
    lower = layers.ZeroPadding2D(((1, 0), (0, 0)), name=names.lower)(seen)
    shifted = layers.Cropping2D(((0, 1), (0, 0)), name=names.shifted)(lower)
    passed = layers.Conv2D(2 * filters, 1, name=names.passed)(shifted)
    return _gate(seen, labels, filters, names.label_above), passed


def _left(
    x: Any, passed: Any, labels: list[Any], filters: int, size: int, names: _Names, dropout: float
) -> Any:
    """What a position knows of all that comes before it."""
    n = size // 2
    before = x
    if dropout and not names.first:
        x = layers.SpatialDropout2D(dropout, name=names.drop_left)(x)
    padded = layers.ZeroPadding2D(((0, 0), (n, 0)), name=names.pad_left)(x)
    if names.first:
        seen = layers.Conv2D(2 * filters, (1, n), name=names.left)(padded)
        seen = layers.Cropping2D(((0, 0), (0, 1)), name=names.without_itself)(seen)
    else:
        seen = layers.Conv2D(2 * filters, (1, n + 1), name=names.left)(padded)
    both = layers.Add(name=names.both)([seen, passed])
    gated = _gate(both, labels, filters, names.label_left)
    out = layers.Conv2D(filters, 1, name=names.out)(gated)
    return out if names.first else layers.Add(name=names.way_past)([before, out])


def _gate(x: Any, labels: list[Any], filters: int, name: str) -> Any:
    """`tanh(a) * sigmoid(b)` of the two halves of the channels, moved by the label."""
    for label in labels:
        told = layers.Dense(2 * filters, use_bias=False, name=name)(label)
        x = x + ops.reshape(told, (-1, 1, 1, 2 * filters))
    a, b = ops.split(x, 2, axis=-1)
    return ops.tanh(a) * ops.sigmoid(b)
