"""Discrete codes: each position of a code becomes the index of an entry of a codebook."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from kerasae import _arguments
from kerasae.layers.objective import LossLayer
from kerasae.losses.penalties import perplexity

__all__ = ["FiniteScalarQuantizer", "VectorQuantizer", "nearest_entries"]

_LEAST_COUNT = 1e-6  # of an entry that its mean can be computed from
_MARGIN = 1e-3  # by which the bound lies beyond the outermost level


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


@keras.saving.register_keras_serializable("kerasae")
class VectorQuantizer(LossLayer):
    """Replace each vector of a code by the nearest entry of a learned codebook.

    In training the gradient passes straight through to the encoder, which a commitment loss
    keeps near the entries, `commitment * mean |x - stop_gradient(entry)|^2` over positions and
    channels (van den Oord, Vinyals & Kavukcuoglu 2017, Neural Discrete Representation Learning).
    The codebook has no gradient. Entry k is `totals_k / counts_k`, running means over the steps of
    the sum and of the number of the vectors that it replaced (appendix A.1 there; Razavi, van den
    Oord & Vinyals 2019):

        counts_k <- decay * counts_k + (1 - decay) * n_k
        totals_k <- decay * totals_k + (1 - decay) * sum of the n_k vectors

    The first batch gives the entries, each one of its vectors. Later an entry that is hardly ever
    used starts anew at a vector of the batch (as in Dhariwal et al. 2020, Jukebox).

    The layer is not the identity at inference: `encoder_tail` gives indices, `decoder_head` takes
    them, both as stock models with a copy of the codebook.

    Args:
        codebook_size: Number of entries.
        commitment: Factor of the commitment loss.
        decay: Of the running means, in [0, 1).
        restart: An entry is hardly ever used if its count is below this fraction of the count of
            an even use of all entries; 0 never restarts.
        seed: Seed of the restarts; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    part_names = ("commitment", "perplexity")

    def __init__(
        self,
        codebook_size: int = 512,
        commitment: float = 0.25,
        decay: float = 0.99,
        restart: float = 0.1,
        *,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.codebook_size = _arguments.positive_int("codebook_size", codebook_size)
        self.commitment = _arguments.number("commitment", commitment, low=0.0, closed=True)
        self.decay = _arguments.number("decay", decay, low=0.0, high=1.0, closed=True)
        self.restart = _arguments.number("restart", restart, low=0.0, high=1.0, closed=True)
        self.seed = _arguments.seed_or_none(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def build(self, input_shape: Any) -> None:
        """Make the codebook and what it is computed from; no gradient reaches them."""
        self._code_shape = tuple(input_shape[1:])
        size, channels = self.codebook_size, input_shape[-1]
        normal = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
        # With several replicas: one codebook, from means over all of them.
        self.codebook = self.add_weight(
            shape=(size, channels),
            initializer=normal,
            trainable=False,
            aggregation="only_first_replica",
            name="codebook",
        )
        self.counts = self.add_weight(
            shape=(size,), initializer="zeros", trainable=False, aggregation="mean", name="counts"
        )
        self.totals = self.add_weight(
            shape=(size, channels),
            initializer="zeros",
            trainable=False,
            aggregation="mean",
            name="totals",
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Quantise a code (batch, ..., channels), and learn from it if `training`."""
        vectors = ops.reshape(inputs, (-1, inputs.shape[-1]))  # (batch * positions, channels)
        codebook = ops.convert_to_tensor(self.codebook)
        indices = nearest_entries(vectors, codebook)
        entries = ops.take(codebook, indices, axis=0)
        code = ops.stop_gradient(ops.reshape(entries, ops.shape(inputs)))
        uses = ops.segment_sum(
            ops.ones_like(vectors[:, 0]), indices, num_segments=self.codebook_size
        )
        distances = ops.square(inputs - code)

        def objective(average: Any) -> Any:
            distance = ops.mean(average(distances))
            parts = {"commitment": distance, "perplexity": perplexity(uses)}
            return self.commitment * distance, parts

        self.add_objective(objective)
        if not training:
            return code
        before = tuple(map(ops.copy, (self.codebook, self.counts, self.totals)))
        chance = keras.random.uniform(
            (self.codebook_size,), dtype=vectors.dtype, seed=self.seed_generator
        )
        self._last.batch = before, ops.stop_gradient(vectors), indices, chance
        self.learn()
        return inputs + ops.stop_gradient(code - inputs)

    def learn(self, weights: Any = None) -> None:
        """Move the running means with the vectors of the last call, and take the new entries.

        Args:
            weights: How often each image of the batch counts, (batch,), in place of once each; a
                call of this function with weights replaces what the one before it has learned.
        """
        (codebook, counts, totals), vectors, indices, chance = self._last.batch
        number = ops.cast(ops.shape(vectors)[0], vectors.dtype)
        last, drawn = number - 1, ops.floor(chance * number)
        uses, sums = ops.ones_like(vectors[:, 0]), vectors
        if weights is not None:
            positions = math.prod(self._code_shape[:-1])
            uses = ops.repeat(ops.cast(weights, vectors.dtype), positions)
            sums, number = ops.expand_dims(uses, 1) * vectors, ops.sum(uses)
            reached = ops.searchsorted(ops.cumsum(uses), chance * number, side="right")
            drawn = ops.cast(reached, vectors.dtype)
        size = self.codebook_size
        uses = ops.segment_sum(uses, indices, num_segments=size)
        sums = ops.segment_sum(sums, indices, num_segments=size)
        first = ops.equal(ops.sum(counts), 0.0)
        self.counts.assign(self.decay * counts + (1 - self.decay) * uses)
        self.totals.assign(self.decay * totals + (1 - self.decay) * sums)

        # Assigned and read, so that each replica goes on with what all of them have seen.
        new_counts, new_totals = map(ops.copy, (self.counts, self.totals))
        even = number / size
        dead = ops.logical_or(new_counts < self.restart * even, first)
        drawn = ops.cast(ops.minimum(drawn, last), "int32")
        self.codebook.assign(ops.take(vectors, drawn, axis=0))
        fresh = ops.copy(self.codebook)
        new_counts = ops.where(dead, even, new_counts)  # as if used evenly: time to find its place
        new_totals = ops.where(ops.expand_dims(dead, 1), even * fresh, new_totals)

        mean = new_totals / ops.expand_dims(ops.maximum(new_counts, _LEAST_COUNT), 1)
        known = ops.expand_dims(new_counts > _LEAST_COUNT, 1)
        some = number > 0  # nothing is learned from images that all have the weight 0
        self.codebook.assign(ops.where(ops.logical_and(known, some), mean, codebook))
        self.counts.assign(ops.where(some, new_counts, counts))
        self.totals.assign(ops.where(some, new_totals, totals))

    def encoder_tail(self) -> keras.Model:
        """Code (batch, ..., channels) to int32 indices (batch, ...), as a stock model."""
        codebook = ops.convert_to_numpy(self.codebook)
        code = keras.Input(self._code_shape, name="code")
        scores = keras.layers.Dense(self.codebook_size, dtype="float32", name="scores")
        best = ops.top_k(scores(code), 1)[1]  # TF Lite has no argmax that Keras's would become
        model = keras.Model(code, ops.squeeze(best, axis=-1), name="nearest")
        scores.set_weights([2 * codebook.T, -np.square(codebook).sum(axis=1)])
        return model

    def decoder_head(self) -> keras.Model:
        """Indices (batch, ...) to code (batch, ..., channels), as a stock model."""
        return _lookup(ops.convert_to_numpy(self.codebook), self._code_shape[:-1])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("codebook_size", "commitment", "decay", "restart", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


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
        return _lookup(table, self._code_shape[:-1])

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


def _lookup(table: NDArray[np.float32], positions: tuple[int | None, ...]) -> keras.Model:
    """Indices of the shape (batch, *positions) to the rows of a table."""
    indices = keras.Input(positions, dtype="int32", name="indices")
    entries = keras.layers.Embedding(*table.shape, dtype="float32", name="entries")
    model = keras.Model(indices, entries(indices), name="lookup")
    entries.set_weights([table])
    return model
