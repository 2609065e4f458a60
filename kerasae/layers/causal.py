"""A transformer that looks back only, with what it has seen kept for the next step."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers, ops

from kerasae import _arguments

__all__ = ["CausalBlock", "LearnedPositions"]

_MASKED = -1e9


@keras.saving.register_keras_serializable("kerasae")
class LearnedPositions(keras.layers.Layer):
    """Add a learned vector for each position, (batch, *positions, width)."""

    def build(self, input_shape: Any) -> None:
        """Make the vectors."""
        self.vectors = self.add_weight(
            shape=tuple(input_shape[1:]),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
            name="vectors",
        )

    def call(self, values: Any) -> Any:
        """Add them."""
        return values + ops.cast(self.vectors, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Nothing of its own; Keras keeps the name only where this is defined."""
        return {**super().get_config()}


@keras.saving.register_keras_serializable("kerasae")
class CausalBlock(keras.layers.Layer):
    """Attention to a position and those before it, and two dense layers, each with a way past it.

    The layer norm comes first in both (Vaswani et al. 2017, Attention Is All You Need; Radford et
    al. 2019). `step` computes one position from keys and values that were kept of those before, so
    that a sequence is drawn without computing any of it twice.

    Args:
        heads: Heads of the attention; the width must be a multiple.
        dropout: Share of the values that training drops on both ways.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(self, heads: int = 4, *, dropout: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.heads = _arguments.positive_int("heads", heads)
        self.dropout = _arguments.number("dropout", dropout, low=0.0, high=1.0, closed=True)
        self.drop = layers.Dropout(self.dropout, dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        """Make the layers for sequences (batch, positions, width).

        Raises:
            ValueError: If the width is no multiple of the heads.
        """
        width = input_shape[-1]
        if width % self.heads:
            raise ValueError(f"`heads` must divide the width {width}. Received: heads={self.heads}")
        for name, units, activation, inputs in (
            ("projection", 3 * width, None, width),
            ("attended", width, None, width),
            ("inner", 4 * width, "gelu", width),
            ("outer", width, None, 4 * width),
        ):
            layer = layers.Dense(units, activation=activation, name=name, dtype=self.dtype_policy)
            layer.build((None, None, inputs))
            setattr(self, name, layer)
        for name in ("norm_1", "norm_2"):
            norm = layers.LayerNormalization(name=name, dtype=self.dtype_policy)
            norm.build((None, None, width))
            setattr(self, name, norm)

    def call(self, values: Any, training: bool = False) -> Any:
        """Sequences (batch, positions, width) to the same."""
        query, key, value = self._projected(values)
        length = values.shape[1]
        seen = ops.tril(ops.ones((length, length), "bool"))
        values = values + self.drop(self._attend(query, key, value, seen), training=training)
        return values + self.drop(self._dense(values), training=training)

    def step(self, values: Any, keys: Any, kept: Any, position: Any) -> tuple[Any, Any, Any]:
        """Compute one position.

        Args:
            values: (batch, 1, width).
            keys: Of all positions, (batch, heads, positions, width / heads); those from this one on
                are not looked at.
            kept: The values to them, of the same shape.
            position: Which it is, from 0.

        Returns:
            The outcome (batch, 1, width), and keys and values with those of this position.
        """
        query, key, value = self._projected(values)
        start = (0, 0, position, 0)
        keys, kept = ops.slice_update(keys, start, key), ops.slice_update(kept, start, value)
        seen = ops.arange(keys.shape[2]) <= position  # (T,)
        values = values + self._attend(query, keys, kept, seen)
        return values + self._dense(values), keys, kept

    def _projected(self, values: Any) -> tuple[Any, Any, Any]:
        """Queries, keys and values, each (batch, heads, positions, width / heads)."""
        width = values.shape[-1]
        shape = (-1, values.shape[1], 3, self.heads, width // self.heads)
        parts = ops.reshape(self.projection(self.norm_1(values)), shape)
        parts = ops.transpose(parts, (2, 0, 3, 1, 4))
        return parts[0], parts[1], parts[2]

    def _attend(self, query: Any, key: Any, value: Any, seen: Any) -> Any:
        size = query.shape[-1]
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) / math.sqrt(size)
        scores = ops.where(seen, ops.cast(scores, "float32"), _MASKED)
        weights = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True))
        weights = weights / ops.sum(weights, axis=-1, keepdims=True)
        chosen = ops.matmul(ops.cast(weights, value.dtype), value)  # (B, heads, T, d)
        merged = ops.transpose(chosen, (0, 2, 1, 3))
        merged = ops.reshape(merged, (-1, query.shape[2], self.heads * size))
        return self.attended(merged)

    def _dense(self, values: Any) -> Any:
        return self.outer(self.inner(self.norm_2(values)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {**super().get_config(), "heads": self.heads, "dropout": self.dropout}
