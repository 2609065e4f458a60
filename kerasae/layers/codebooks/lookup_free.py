"""Lookup-free quantisation: the signs of the channels are the index."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasae import _arguments
from kerasae.layers.codebooks.entries import lookup, pass_gradient
from kerasae.layers.objective import LossLayer
from kerasae.losses.penalties import perplexity

__all__ = ["LookupFreeQuantizer", "bit_entropy", "joint_shares"]

MOST_BITS = 18  # as many as in the paper
_LEAST = 1e-9  # of a probability whose logarithm is taken


@keras.saving.register_keras_serializable("kerasae")
class LookupFreeQuantizer(LossLayer):
    """Replace each channel of a code by its sign, so that `n` channels are an index of `n` bits.

    The codebook is all vectors of -1 and 1; nothing in it is learned, and nothing looked up (Yu et
    al. 2024, Language Model Beats Diffusion: Tokenizer is Key to Visual Generation, ICLR). The
    gradient passes straight through. With `p(c | x) = softmax(-|x - c|^2)` over the codebook, the
    loss adds `entropy_weight * (mean of H(p(. | x)) - H(mean of p(. | x)))`, their equation 5: each
    vector decides, and all of them use all indices. As the channels are independent, the first
    entropy is the sum of those of the bits, and the mean that the second needs is a product of two
    matrices; neither lists all distances. The commitment is as in `VectorQuantizer`.

    Args:
        bits: Number of channels; there are `2**bits` indices.
        commitment: Factor of the mean of `|x - sign(x)|^2`.
        entropy_weight: See above.

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> import numpy as np
        >>> from kerasae.layers import LookupFreeQuantizer
        >>> layer = LookupFreeQuantizer(2)
        >>> np.array(layer(np.array([[0.3, -2.0]], np.float32))).tolist()
        [[1.0, -1.0]]
    """

    part_names = ("commitment", "entropy", "perplexity")

    def __init__(
        self,
        bits: int = 9,
        commitment: float = 0.25,
        entropy_weight: float = 0.1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.bits_per_index = _arguments.positive_int("bits", bits)
        if self.bits_per_index > MOST_BITS:
            raise ValueError(f"`bits` must be at most {MOST_BITS}. Received: bits={bits}")
        self.commitment = _arguments.number("commitment", commitment, low=0.0, closed=True)
        self.entropy_weight = _arguments.number(
            "entropy_weight", entropy_weight, low=0.0, closed=True
        )
        self.codebook_size = 2**self.bits_per_index
        self.restart = 1.0  # no entry can die: none is ever at another place

    def build(self, input_shape: Any) -> None:
        """Check the channels."""
        self._code_shape = tuple(input_shape[1:])
        if self._code_shape[-1] != self.bits_per_index:
            raise ValueError(
                f"`bits` must be the number of channels, here {self._code_shape[-1]}. "
                f"Received: bits={self.bits_per_index}"
            )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Quantise a code (batch, ..., bits)."""
        positive = ops.cast(inputs >= 0, inputs.dtype)
        code = ops.stop_gradient(2.0 * positive - 1.0)
        basis = 2 ** np.arange(self.bits_per_index)
        flat = ops.reshape(ops.cast(positive, "int32"), (-1, self.bits_per_index))
        indices = ops.sum(flat * basis.astype("int32"), axis=-1)
        uses = ops.segment_sum(
            ops.ones_like(indices, inputs.dtype), indices, num_segments=self.codebook_size
        )
        distances = ops.square(inputs - code)
        # |x - c|^2 of c = 1 and of c = -1 differ by 4 x.
        positions = math.prod(self._code_shape[:-1])
        chance = ops.sigmoid(4.0 * ops.reshape(inputs, (-1, positions, self.bits_per_index)))
        sure, shares = ops.sum(bit_entropy(chance), axis=-1), joint_shares(chance)

        def objective(average: Any) -> Any:
            distance = ops.mean(average(distances))
            joint = average(shares)
            # Of no images at all the shares are 0, and so are both entropies.
            spread = -ops.sum(joint * ops.log(ops.maximum(joint, _LEAST)))
            entropy = ops.mean(average(sure)) - spread
            parts = {"commitment": distance, "entropy": entropy, "perplexity": perplexity(uses)}
            return self.commitment * distance + self.entropy_weight * entropy, parts

        self.add_objective(objective)
        return pass_gradient(inputs, code) if training else code

    def encoder_tail(self) -> keras.Model:
        """Code (batch, ..., bits) to int32 indices (batch, ...), as a stock model."""
        code = keras.Input(self._code_shape, name="code")
        positive = ops.cast(code >= 0, "int32")
        # In integers: int8 has too few values for an index.
        basis = (2 ** np.arange(self.bits_per_index)).astype("int32")
        return keras.Model(code, ops.sum(positive * basis, axis=-1), name="signs")

    def decoder_head(self) -> keras.Model:
        """Indices (batch, ...) to code (batch, ..., bits), as a stock model."""
        indices = np.arange(self.codebook_size)[:, None]
        table = (2.0 * (indices >> np.arange(self.bits_per_index) & 1) - 1.0).astype(np.float32)
        return lookup(table, self._code_shape[:-1])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {
            **super().get_config(),
            "bits": self.bits_per_index,
            "commitment": self.commitment,
            "entropy_weight": self.entropy_weight,
        }


def bit_entropy(chance: Any) -> Any:
    """Entropy in nats of bits that are 1 with these probabilities.

    Example:
        >>> round(float(bit_entropy(0.5)), 4)
        0.6931
    """
    chance = ops.convert_to_tensor(chance)
    other = 1.0 - chance
    return -(
        chance * ops.log(ops.maximum(chance, _LEAST)) + other * ops.log(ops.maximum(other, _LEAST))
    )


def joint_shares(chance: Any) -> Any:
    """How likely each index is in each image, as the mean over its positions.

    The probabilities of all combinations of the first half of the bits, and of all of the second,
    are two matrices; the mean of their outer products is one product of them.

    Args:
        chance: Of each bit to be 1, (batch, positions, bits).

    Returns:
        (batch, m, n) with `m n = 2**bits`, of which the sum is 1.
    """
    half = chance.shape[-1] // 2
    first, second = _combinations(chance[..., :half]), _combinations(chance[..., half:])
    positions = chance.shape[1]
    return ops.matmul(ops.swapaxes(first, 1, 2), second) / positions


def _combinations(chance: Any) -> Any:
    """The probability of each combination of independent bits: (..., 2**bits)."""
    joint = ops.ones_like(chance[..., :1])
    if not chance.shape[-1]:
        joint = ops.ones((*ops.shape(chance)[:-1], 1), dtype=chance.dtype)
    for i in range(chance.shape[-1]):
        bit = chance[..., i : i + 1]
        joint = ops.concatenate([joint * (1.0 - bit), joint * bit], axis=-1)
    return joint
