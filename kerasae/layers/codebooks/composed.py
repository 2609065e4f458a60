"""Several codebooks for one code: one after another, side by side, or on two grids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import ops

from kerasae.layers.codebooks.entries import Quantised, pass_gradient
from kerasae.layers.codebooks.vector import CodebookLayer
from kerasae.layers.objective import full_precision

__all__ = ["GroupedVectorQuantizer", "ResidualVectorQuantizer", "TwoLevelQuantizer"]

_CELLS = 4  # of the lower grid to a cell of the upper one


class ComposedQuantizer(CodebookLayer):
    """A layer that quantises with others.

    Args:
        quantizers: The others, all with codebooks of one size.

    Raises:
        ValueError: If there are none, they are no quantisers, or their codebooks differ in size.
    """

    def __init__(self, quantizers: Sequence[Any], **options: Any) -> None:
        super().__init__(**options)
        self.quantizers = [
            keras.saving.deserialize_keras_object(q) if isinstance(q, dict) else q
            for q in quantizers
        ]
        sizes = {getattr(q, "codebook_size", None) for q in self.quantizers}
        if len(sizes) != 1 or not all(isinstance(q, CodebookLayer) for q in self.quantizers):
            raise ValueError(
                "`quantizers` must be quantisers with codebooks of one size, such as two of "
                f"`VectorQuantizer(64)`. Received: quantizers={self.quantizers}"
            )
        first = self.quantizers[0]
        self.codebook_size = first.codebook_size
        self.commitment = first.commitment
        self.restart = first.restart
        self.codebooks = sum(q.codebooks for q in self.quantizers)

    def learn(self, weights: Any = None) -> None:
        """Each of the quantisers learns, see `VectorQuantizer.learn`."""
        for quantizer in self.quantizers:
            quantizer.learn(weights)

    def encoder_tail(self, name: str = "nearest") -> keras.Model:
        """Code (batch, ..., channels) to int32 indices (batch, ..., codebooks), in stock layers."""
        code = keras.Input(self._code_shape, name="code")
        parts = [self._with_axis(x) for x in self._find(code)]
        return keras.Model(code, ops.concatenate(parts, axis=-1), name=name)

    def decoder_head(self, name: str = "lookup") -> keras.Model:
        """Indices (batch, ..., codebooks) to code (batch, ..., channels), in stock layers."""
        shape = (*self._code_shape[:-1], self.codebooks)
        indices = keras.Input(shape, dtype="int32", name="indices")
        return keras.Model(indices, self._look_up(indices), name=name)

    def _find(self, code: Any) -> Iterator[Any]:
        """The indices of each quantiser, of a symbolic code."""
        raise NotImplementedError

    def _look_up(self, indices: Any) -> Any:
        """The code of symbolic indices (batch, ..., codebooks)."""
        raise NotImplementedError

    def _with_axis(self, indices: Any) -> Any:
        """Indices with a last axis for the codebooks."""
        missing = len(indices.shape) < len(self._code_shape) + 1
        return ops.expand_dims(indices, -1) if missing else indices

    def _each(self, indices: Any) -> Iterator[tuple[int, Any, Any]]:
        """Number, quantiser and indices of each."""
        first = 0
        for i, quantizer in enumerate(self.quantizers):
            own = indices[..., first : first + quantizer.codebooks]
            first += quantizer.codebooks
            yield i, quantizer, ops.squeeze(own, axis=-1) if quantizer.codebooks == 1 else own

    def get_config(self) -> dict[str, Any]:
        """The quantisers."""
        parts = [keras.saving.serialize_keras_object(q) for q in self.quantizers]
        return {**super().get_config(), "quantizers": parts}


@keras.saving.register_keras_serializable("kerasae")
class ResidualVectorQuantizer(ComposedQuantizer):
    """Quantise what the quantiser before has left over, level after level.

    With `r_0 = x`, level `d` takes the entry `q_d` of its own codebook that is nearest to
    `r_{d-1}`, and leaves `r_d = r_{d-1} - q_d`; the code is the sum of the entries (Zeghidour,
    Luebs, Omran, Skoglund & Tagliasacchi 2021, SoundStream; Lee, Kim, Kim, Cho & Han 2022,
    Autoregressive Image Generation using Residual Quantization). `D` levels of `K` entries tell
    `K^D` codes apart with `D K` entries to learn. The commitment is `sum_d mean |r_d|^2`, which
    keeps the sum of each number of first levels near (Lee et al., equation 8).

    Args:
        quantizers: A `VectorQuantizer` for each level, of euclidean similarity.

    Raises:
        ValueError: If they are not.

    Example:
        >>> import numpy as np
        >>> from keras import ops
        >>> from kerasae.layers import ResidualVectorQuantizer, VectorQuantizer
        >>> layer = ResidualVectorQuantizer([VectorQuantizer(8) for _ in range(3)])
        >>> ops.shape(layer(np.zeros((1, 4, 4, 6), np.float32)))
        (1, 4, 4, 6)
        >>> layer.encoder_tail().output_shape
        (None, 4, 4, 3)
    """

    def __init__(self, quantizers: Sequence[Any], **options: Any) -> None:
        super().__init__(quantizers, **options)
        if any(getattr(q, "similarity", "euclidean") == "cosine" for q in self.quantizers):
            raise ValueError(
                "`quantizers` must be of euclidean similarity, since what is left over has no "
                "length of 1. Received: similarity='cosine'"
            )

    def build(self, input_shape: Any) -> None:
        """Build each level."""
        self._code_shape = tuple(input_shape[1:])
        for quantizer in self.quantizers:
            _build(quantizer, input_shape)

    def quantise(self, inputs: Any, training: bool) -> Quantised:
        """The sum of the entries of all levels."""
        left, code, commitment = inputs, ops.zeros_like(inputs), 0.0
        uses: list[Any] = []
        for quantizer in self.quantizers:
            found = quantizer.quantise(left, training)
            entries = ops.stop_gradient(found.code)
            left, code = left - entries, code + entries
            commitment, uses = commitment + found.commitment, uses + found.uses
        if training:
            code = pass_gradient(inputs, code, getattr(self.quantizers[0], "gradient", ""))
        return Quantised(code, commitment, uses)

    def _find(self, code: Any) -> Iterator[Any]:
        left = code
        for i, quantizer in enumerate(self.quantizers, start=1):
            found = quantizer.encoder_tail(f"nearest_{i}")(left)
            if i < len(self.quantizers):
                left = left - quantizer.decoder_head(f"entries_{i}")(found)
            yield found

    def _look_up(self, indices: Any) -> Any:
        code: Any = None
        for i, quantizer, own in self._each(indices):
            entries = quantizer.decoder_head(f"lookup_{i + 1}")(own)
            code = entries if code is None else code + entries
        return code


@keras.saving.register_keras_serializable("kerasae")
class GroupedVectorQuantizer(ComposedQuantizer):
    """Quantise parts of the channels side by side, each with a codebook of its own.

    `G` groups of `K` entries tell `K^G` codes apart: product quantisation (Jegou, Douze & Schmid
    2011, Product Quantization for Nearest Neighbor Search; Baevski, Zhou, Mohamed & Auli 2020,
    wav2vec 2.0). The commitment is the mean over all channels.

    Args:
        quantizers: A quantiser for each group, a `VectorQuantizer` or a residual one.

    Raises:
        ValueError: If there are none, or the channels do not divide evenly.

    Example:
        >>> import numpy as np
        >>> from kerasae.layers import GroupedVectorQuantizer, VectorQuantizer
        >>> layer = GroupedVectorQuantizer([VectorQuantizer(8), VectorQuantizer(8)])
        >>> _ = layer(np.zeros((1, 4, 4, 6), np.float32))
        >>> layer.encoder_tail().output_shape
        (None, 4, 4, 2)
    """

    def build(self, input_shape: Any) -> None:
        """Build each group on its share of the channels."""
        self._code_shape = tuple(input_shape[1:])
        channels, groups = self._code_shape[-1], len(self.quantizers)
        if channels % groups:
            raise ValueError(
                f"The channels of the code must divide evenly among {groups} groups. "
                f"Received: {channels} channels"
            )
        self._share = channels // groups
        for quantizer in self.quantizers:
            _build(quantizer, (*input_shape[:-1], self._share))

    def quantise(self, inputs: Any, training: bool) -> Quantised:
        """The entries of all groups, side by side."""
        found = [
            quantizer.quantise(self._part(inputs, i), training)
            for i, quantizer in enumerate(self.quantizers)
        ]
        commitment = sum(f.commitment for f in found) / len(found)
        code = ops.concatenate([f.code for f in found], axis=-1)
        return Quantised(code, commitment, [uses for f in found for uses in f.uses])

    def _part(self, code: Any, i: int) -> Any:
        return code[..., i * self._share : (i + 1) * self._share]

    def _find(self, code: Any) -> Iterator[Any]:
        for i, quantizer in enumerate(self.quantizers):
            yield quantizer.encoder_tail(f"nearest_{i + 1}")(self._part(code, i))

    def _look_up(self, indices: Any) -> Any:
        parts = [q.decoder_head(f"lookup_{i + 1}")(own) for i, q, own in self._each(indices)]
        return ops.concatenate(parts, axis=-1)


@keras.saving.register_keras_serializable("kerasae")
class TwoLevelQuantizer(ComposedQuantizer):
    """Quantise a coarse map of an image first, and then a fine one, given the coarse.

    The code of each cell (batch, rows, columns, 5 channels) holds the vector of the upper map
    there, and then those of the four cells of the lower map that it covers, row by row. With
    entries `e` of the upper codebook, the lower vectors `h` are quantised as `h + W e`, where W,
    (channels, 4 channels), is learned: the linear layer over both maps of the paper (Razavi, van
    den Oord & Vinyals 2019, Generating Diverse High-Fidelity Images with VQ-VAE-2). The commitment
    is the sum of both.

    Args:
        quantizers: The upper and the lower one.

    Raises:
        ValueError: If there are not two, or the channels are no multiple of 5.

    Example:
        >>> import numpy as np
        >>> from kerasae.layers import TwoLevelQuantizer, VectorQuantizer
        >>> layer = TwoLevelQuantizer([VectorQuantizer(8), VectorQuantizer(8)])
        >>> _ = layer(np.zeros((1, 4, 4, 30), np.float32))
        >>> layer.encoder_tail().output_shape
        (None, 4, 4, 5)
    """

    def __init__(self, quantizers: Sequence[Any], **options: Any) -> None:
        super().__init__(quantizers, **options)
        if len(self.quantizers) != 2:
            raise ValueError(
                "`quantizers` must be two, the upper and the lower. "
                f"Received: {len(self.quantizers)}"
            )
        upper, lower = self.quantizers
        self.codebooks = upper.codebooks + _CELLS * lower.codebooks

    def build(self, input_shape: Any) -> None:
        """Build both, and what leads from one to the other."""
        self._code_shape = tuple(input_shape[1:])
        channels = self._code_shape[-1]
        if channels % (_CELLS + 1):
            raise ValueError(
                "The channels of the code must be a multiple of 5, for one upper and four lower "
                f"vectors. Received: {channels} channels"
            )
        self._channels = channels // (_CELLS + 1)
        upper, lower = self.quantizers
        _build(upper, (*input_shape[:-1], self._channels))
        _build(lower, (*input_shape[:-1], _CELLS, self._channels))
        self.condition = keras.layers.Dense(
            _CELLS * self._channels, name="condition", dtype=full_precision()
        )
        self.condition.build((*input_shape[:-1], self._channels))

    def quantise(self, inputs: Any, training: bool) -> Quantised:
        """The upper entry of each cell and the four lower ones."""
        upper, lower = self.quantizers
        above = upper.quantise(inputs[..., : self._channels], training)
        below = inputs[..., self._channels :] + self.condition(above.code)
        below = lower.quantise(self._apart(below), training)
        code = ops.concatenate([above.code, self._together(below.code)], axis=-1)
        commitment = above.commitment + below.commitment
        return Quantised(code, commitment, above.uses + below.uses)

    def _apart(self, below: Any) -> Any:
        """(batch, ..., 4 channels) to (batch, ..., 4, channels)."""
        return ops.reshape(below, (-1, *self._code_shape[:-1], _CELLS, self._channels))

    def _together(self, below: Any) -> Any:
        return ops.reshape(below, (-1, *self._code_shape[:-1], _CELLS * self._channels))

    def _find(self, code: Any) -> Iterator[Any]:
        upper, lower = self.quantizers
        above = upper.encoder_tail("nearest_above")(code[..., : self._channels])
        yield above
        condition = keras.layers.Dense(
            _CELLS * self._channels, name="condition", dtype=full_precision()
        )
        entries = upper.decoder_head("entries_above")(above)
        below = code[..., self._channels :] + condition(entries)
        condition.set_weights(self.condition.get_weights())
        found = lower.encoder_tail("nearest_below")(self._apart(below))
        yield ops.reshape(found, (-1, *self._code_shape[:-1], _CELLS * lower.codebooks))

    def _look_up(self, indices: Any) -> Any:
        upper, lower = self.quantizers
        above, below = indices[..., : upper.codebooks], indices[..., upper.codebooks :]
        if upper.codebooks == 1:
            above = ops.squeeze(above, axis=-1)
        last = () if lower.codebooks == 1 else (lower.codebooks,)
        below = ops.reshape(below, (-1, *self._code_shape[:-1], _CELLS, *last))
        found = lower.decoder_head("lookup_below")(below)
        parts = [upper.decoder_head("lookup_above")(above), self._together(found)]
        return ops.concatenate(parts, axis=-1)


def _build(quantizer: Any, shape: Any) -> None:
    """Build a quantiser, unless a reload has built it from its own configuration."""
    if not quantizer.built:
        quantizer.build(shape)
