"""A learned codebook: each vector of a code becomes its nearest entry."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kerasae import _arguments
from kerasae.layers.codebooks.entries import (
    GRADIENTS,
    Quantised,
    lookup,
    nearest,
    nearest_entries,
    pass_gradient,
    unit_length,
)
from kerasae.layers.objective import LossLayer
from kerasae.losses.penalties import perplexity

__all__ = ["SIMILARITIES", "VectorQuantizer"]

SIMILARITIES = ("euclidean", "cosine")
"""What the nearest entry is nearest by."""

_LEAST_COUNT = 1e-6  # of an entry that its mean can be computed from


class CodebookLayer(LossLayer):
    """What layers of learned codebooks have in common: the loss, and the parts of it.

    A subclass has `quantise`, `learn`, `encoder_tail` and `decoder_head`, and `commitment`.

    Attributes:
        codebooks: Number of indices at each position. With more than one they have a last axis.
    """

    part_names = ("commitment", "perplexity")
    codebooks = 1
    commitment: float
    codebook_size: int

    def quantise(self, inputs: Any, training: bool) -> Quantised:
        """The entries of a code (batch, ..., channels); learns from it if `training`."""
        raise NotImplementedError

    def learn(self, weights: Any = None) -> None:
        """Learn from the last call, in which images count as often as `weights` (batch,) say."""
        raise NotImplementedError

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Quantise a code (batch, ..., channels), and learn from it if `training`."""
        found = self.quantise(inputs, training)

        def objective(average: Any) -> Any:
            distance = average(found.commitment)
            used = [perplexity(uses) for uses in found.uses]
            parts = {"commitment": distance, "perplexity": sum(used[1:], used[0]) / len(used)}
            return self.commitment * distance, parts

        self.add_objective(objective)
        return found.code

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape


@keras.saving.register_keras_serializable("kerasae")
class VectorQuantizer(CodebookLayer):
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
        similarity: `"euclidean"`, or `"cosine"`: vectors and entries have the length 1, so that
            the angle alone decides (Yu et al. 2022, Vector-quantized Image Modeling with Improved
            VQGAN). The entries are then the means of above, divided by their length.
        gradient: `"straight_through"`, or `"rotation"`, see `pass_gradient`.
        seed: Seed of the restarts; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(
        self,
        codebook_size: int = 512,
        commitment: float = 0.25,
        decay: float = 0.99,
        restart: float = 0.1,
        *,
        similarity: str = "euclidean",
        gradient: str = "straight_through",
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.codebook_size = _arguments.positive_int("codebook_size", codebook_size)
        self.commitment = _arguments.number("commitment", commitment, low=0.0, closed=True)
        self.decay = _arguments.number("decay", decay, low=0.0, high=1.0, closed=True)
        self.restart = _arguments.number("restart", restart, low=0.0, high=1.0, closed=True)
        self.similarity = _arguments.one_of("similarity", similarity, SIMILARITIES)
        self.gradient = _arguments.one_of("gradient", gradient, GRADIENTS)
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

    def quantise(self, inputs: Any, training: bool) -> Quantised:
        """The entries of a code (batch, ..., channels); learns from it if `training`."""
        codebook = ops.convert_to_tensor(self.codebook)
        if self._of_angles:
            inputs, codebook = unit_length(inputs), unit_length(codebook)
        vectors = ops.reshape(inputs, (-1, inputs.shape[-1]))  # (batch * positions, channels)
        if training:
            chance = keras.random.uniform(
                (self.codebook_size,), dtype=vectors.dtype, seed=self.seed_generator
            )
            # Before the first batch there is no codebook: a second level would see chance alone.
            number = ops.shape(vectors)[0]
            drawn = ops.cast(ops.floor(chance * ops.cast(number, chance.dtype)), "int32")
            begun = ops.take(vectors, ops.minimum(drawn, number - 1), axis=0)
            unused = ops.equal(ops.sum(self.counts), 0.0)
            codebook = ops.where(unused, ops.stop_gradient(begun), codebook)
        indices = nearest_entries(vectors, codebook)
        entries = ops.take(codebook, indices, axis=0)
        code = ops.stop_gradient(ops.reshape(entries, ops.shape(inputs)))
        uses = ops.segment_sum(
            ops.ones_like(vectors[:, 0]), indices, num_segments=self.codebook_size
        )
        distance = ops.mean(ops.square(inputs - code), axis=tuple(range(1, len(inputs.shape))))
        if training:
            before = tuple(map(ops.copy, (self.codebook, self.counts, self.totals)))
            self._last.batch = before, ops.stop_gradient(vectors), indices, chance
            self.learn()
            code = pass_gradient(inputs, code, self.gradient)
        return Quantised(code, distance, [uses])

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
        if self._of_angles:
            mean = unit_length(mean)
        known = ops.expand_dims(new_counts > _LEAST_COUNT, 1)
        some = number > 0  # nothing is learned from images that all have the weight 0
        self.codebook.assign(ops.where(ops.logical_and(known, some), mean, codebook))
        self.counts.assign(ops.where(some, new_counts, counts))
        self.totals.assign(ops.where(some, new_totals, totals))

    def encoder_tail(self, name: str = "nearest") -> keras.Model:
        """Code (batch, ..., channels) to int32 indices (batch, ...), as a stock model."""
        return nearest(self._entries(), self._code_shape, name=name, biased=not self._of_angles)

    def decoder_head(self, name: str = "lookup") -> keras.Model:
        """Indices (batch, ...) to code (batch, ..., channels), as a stock model."""
        return lookup(self._entries(), self._code_shape[:-1], name=name)

    @property
    def _of_angles(self) -> bool:
        return self.similarity == "cosine"

    def _entries(self) -> Any:
        codebook = ops.convert_to_tensor(self.codebook)
        return ops.convert_to_numpy(unit_length(codebook) if self._of_angles else codebook)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = (
            "codebook_size",
            "commitment",
            "decay",
            "restart",
            "similarity",
            "gradient",
            "seed",
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
