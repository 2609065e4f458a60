"""A small transformer over the indices of a code, which are drawn one after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import layers

from kerasae import _arguments
from kerasae.layers import CausalBlock, LearnedPositions
from kerasae.priors import _assembly

__all__ = ["build_transformer"]


def build_transformer(
    *,
    code_shape: Sequence[int] = (7, 7),
    codebook_size: int = 128,
    classes: int | None = None,
    attributes: int | None = None,
    label_dropout: float = 0.1,
    width: int = 96,
    blocks: int = 4,
    heads: int = 4,
    dropout: float = 0.1,
    learning_rate: float = 1e-3,
) -> keras.Model:
    """Build a transformer over codes of indices, such as those of a vector-quantised model.

    It factorises the probability of a code in reading order and minimises, in bits a code,

        -sum_i log2 p(k_i | k_1, ..., k_(i-1), label)

    Each index is predicted from all before it by attention that looks back only (Vaswani et al.
    2017, Attention Is All You Need; over the indices of an image: Esser, Rombach & Ommer 2021,
    Taming Transformers for High-Resolution Image Synthesis). `priors.sample` keeps keys and values
    of what it has drawn, so that a step costs as much as one position.

    Args:
        code_shape: Shape of a code, of any number of dimensions, read in the order of NumPy.
        codebook_size: Number of indices.
        classes: Number of classes of a label; None for none.
        attributes: Number of values of a label that is no class; None for none.
        label_dropout: Chance that a label is left out in training, from 0 to below 1.
        width: Values of each position between the layers, a multiple of `heads`.
        blocks: Number of blocks, each of attention and two dense layers.
        heads: Heads of the attention.
        dropout: Share of the values that training drops.
        learning_rate: Step size of Adam.

    Returns:
        A compiled model, int32 (batch, *code_shape), and with labels a second input (batch,
        classes), to logits (batch, *code_shape, codebook_size).

    Raises:
        ValueError: If a hyperparameter breaks its rule.

    Example:
        >>> prior = build_transformer(code_shape=(4, 4), codebook_size=16, width=8, blocks=1)
        >>> prior.output_shape
        (None, 4, 4, 16)
    """
    shape = _arguments.positive_ints("code_shape", code_shape)
    size = _arguments.positive_int("codebook_size", codebook_size)
    width = _arguments.positive_int("width", width)
    heads = _arguments.positive_int("heads", heads)
    blocks = _arguments.positive_int("blocks", blocks)
    dropout = _arguments.number("dropout", dropout, low=0.0, high=1.0, closed=True)
    if not shape:
        raise ValueError(f"`code_shape` must hold positive integers. Received: {code_shape!r}")
    if width % heads:
        raise ValueError(f"`heads` must divide the width {width}. Received: heads={heads}")
    condition = _assembly.condition(classes, attributes, label_dropout)

    length = math.prod(shape)
    codes, inputs = _assembly.inputs(shape, condition, dtype="int32")
    x = layers.Reshape((length,), name="sequence", dtype="int32")(codes)
    x = layers.Embedding(size, width, name="embedding")(x)  # (B, T, width)
    x = layers.ZeroPadding1D((1, 0), name="begin")(x)  # an index is predicted from those before
    x = layers.Cropping1D((0, 1), name="without_the_last")(x)
    x = LearnedPositions(name="positions")(x)
    for label in inputs[1:]:
        told = layers.Dense(width, use_bias=False, name="label_embedding")(label)
        x = layers.Add(name="with_label")([x, layers.Reshape((1, width), name="told")(told)])
    x = layers.Dropout(dropout, name="dropout")(x)
    for i in range(1, blocks + 1):
        x = CausalBlock(heads, dropout=dropout, name=f"block_{i}")(x)
    x = layers.LayerNormalization(name="norm")(x)
    x = layers.Dense(size, name="scores")(x)
    logits = layers.Reshape((*shape, size), name="logits")(x)
    network = keras.Model(_assembly.one_or_all(inputs), logits, name=_assembly.NETWORK)
    return _assembly.index_prior("transformer", network, shape, condition, learning_rate)
