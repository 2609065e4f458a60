"""Finite scalar quantisation: each channel of a code is rounded to one of a few levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from kerasae import _arguments
from kerasae.layers.codebooks.entries import lookup
from kerasae.layers.objective import LossLayer
from kerasae.losses.penalties import perplexity

__all__ = ["FiniteScalarQuantizer"]

_MARGIN = 1e-3  # by which the bound lies beyond the outermost level


@keras.saving.register_keras_serializable("kerasae")
class FiniteScalarQuantizer(LossLayer):
    """Round each channel of a code to one of a few levels of its own.

    Channel `i` is bounded by tanh and rounded to one of `L_i` integers around 0, which are divided
    by `floor(L_i / 2)`, so that they lie in [-1, 1]; a value of 0 stays 0. The gradient passes
    straight through the rounding, while tanh keeps its own (Mentzer, Minnen, Agustsson & Tschannen
    2024, Finite Scalar Quantization: VQ-VAE Made Simple, ICLR). There is nothing to learn and
    nothing to restart: the codebook is all combinations, and the index of one is the sum of its
    digits, each times the product of the levels before it.

    `encoder_tail` and `decoder_head` are as those of `VectorQuantizer`.

    Args:
        levels: Number of levels of each channel, `L_i`, at least 3.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    part_names = ("perplexity",)

    def __init__(self, levels: Sequence[int] = (8, 5, 5, 5), **options: Any) -> None:
        super().__init__(**options)
        self.levels = _arguments.positive_ints("levels", levels)
        if not self.levels or min(self.levels) < 3:
            raise ValueError(f"`levels` must hold integers above 2. Received: levels={self.levels}")
        self.codebook_size = math.prod(self.levels)
        count = np.array(self.levels)
        self._zero = count // 2  # the digit of the value 0
        self._offset = np.where(count % 2 == 0, 0.5, 0.0)  # an even number has no middle
        self._half = (count - 1) / 2 * (1 + _MARGIN)
        self._shift = np.arctanh(self._offset / self._half)
        self._basis = np.cumprod([1, *self.levels[:-1]])

    def build(self, input_shape: Any) -> None:
        """Check the channels."""
        self._code_shape = tuple(input_shape[1:])
        if self._code_shape[-1] != len(self.levels):
            raise ValueError(
                f"`levels` must hold one number for each of the {self._code_shape[-1]} channels. "
                f"Received: levels={self.levels}"
            )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Quantise a code (batch, ..., channels)."""
        zero, basis, half, shift, offset = (
            ops.convert_to_tensor(values, dtype=inputs.dtype)
            for values in (self._zero, self._basis, self._half, self._shift, self._offset)
        )
        # A digit counts the thresholds passed, as the exported model does: no rounding between.
        steps = ops.cast(ops.expand_dims(inputs, -1) >= self._thresholds(), inputs.dtype)
        digits = ops.sum(steps, axis=-1)
        code = (digits - zero) / zero
        indices = ops.sum(digits * basis, axis=-1)
        indices = ops.cast(ops.reshape(indices, (-1,)), "int32")
        uses = ops.segment_sum(
            ops.ones_like(indices, inputs.dtype), indices, num_segments=self.codebook_size
        )
        self.add_objective(lambda average: (None, {"perplexity": perplexity(uses)}))
        if not training:
            return code
        bounded = half * ops.tanh(inputs + shift)
        bounded = (bounded - offset) / zero
        return bounded + ops.stop_gradient(code - bounded)

    def encoder_tail(self) -> keras.Model:
        """Code (batch, ..., channels) to int32 indices (batch, ...), as a stock model."""
        thresholds = self._thresholds()
        channel, step = np.nonzero(np.isfinite(thresholds))
        select = np.zeros((len(self.levels), len(channel)), np.float32)
        select[channel, np.arange(len(channel))] = 1
        code = keras.Input(self._code_shape, name="code")
        above = keras.layers.Dense(len(channel), dtype="float32", name="above_thresholds")
        passed = ops.cast(above(code) >= 0, "int32")
        # In integers: int8 has too few values for an index.
        indices = ops.sum(passed * self._basis[channel].astype("int32"), axis=-1)
        model = keras.Model(code, indices, name="digits")
        above.set_weights([select, -thresholds[channel, step]])
        return model

    def decoder_head(self) -> keras.Model:
        """Indices (batch, ...) to code (batch, ..., channels), as a stock model."""
        digits = np.arange(self.codebook_size)[:, None] // self._basis % self.levels
        table = (digits - self._zero).astype(np.float32) / self._zero.astype(np.float32)
        return lookup(table, self._code_shape[:-1])

    def _thresholds(self) -> NDArray[np.float32]:
        """Where the digit of each channel becomes 1, 2, ...: (channels, most levels - 1)."""
        table = np.full((len(self.levels), max(self.levels) - 1), np.inf)
        for row, count in enumerate(self.levels):
            edges = np.arange(1, count) - self._zero[row] - 0.5 + self._offset[row]
            table[row, : count - 1] = np.arctanh(edges / self._half[row]) - self._shift[row]
        return table.astype(np.float32)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The levels."""
        return {**super().get_config(), "levels": self.levels}
