"""By how much correct decoders differ: one model with every set of kernels that LiteRT has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.spec import CodecSpec, Quality
from kerasae_export.format.values import pixels_of, quantise
from kerasae_export.runtime.engines import Model

__all__ = ["KernelDifferences", "affordable", "compare_decoders", "drawn_codes"]

_FEWEST = 32  # codes, however large a decoder is


@dataclass(frozen=True)
class KernelDifferences:
    """How far the pixels of one code are apart, at most, between any two sets of kernels.

    Attributes:
        codes: Codes that were decoded.
        pixels: For each difference in levels of 255 that occurs, the number of pixels with it.
        worst: For each difference that is the largest of a code, the number of such codes.
    """

    codes: int
    pixels: dict[int, int]
    worst: dict[int, int]

    @property
    def largest(self) -> int:
        """The largest difference, in levels of 255."""
        return max(self.worst)

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; the names of numbers are strings there."""
        return {
            "codes": self.codes,
            "largest": self.largest,
            "pixels": {str(level): count for level, count in self.pixels.items()},
            "worst": {str(level): count for level, count in self.worst.items()},
        }


def compare_decoders(decoders: Sequence[Model], codes: Sequence[NDArray[Any]]) -> KernelDifferences:
    """Decode codes with each of the decoders.

    Args:
        decoders: The same decoder with several sets of kernels, or in several engines.
        codes: Codes of one tile each, as real values or indices, of the decoder's input shape
            without the batch.

    Raises:
        BundleError: If a decoder cannot run.
    """
    pixels, worst = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for code in codes:
        tiles = [
            pixels_of(decoder(quantise(code[None], decoder.input)), decoder.output)
            for decoder in decoders
        ]
        difference = np.max(tiles, axis=0) - np.min(tiles, axis=0)
        pixels += np.bincount(difference.ravel(), minlength=256)
        worst[difference.max()] += 1
    return KernelDifferences(len(codes), _counts(pixels), _counts(worst))


def drawn_codes(spec: CodecSpec, quality: Quality, count: int, seed: int) -> NDArray[Any]:
    """Codes of one tile, each symbol drawn by itself from the entropy tables of one class.

    They stand in for images that are not at hand. Real codes are not independent; on digits both
    kinds differ by as much.

    Args:
        spec: The codec part of the manifest.
        quality: One of its qualities.
        count: How many.
        seed: Of the draws.

    Returns:
        Shape (count, ...), each the decoder's input without the batch.
    """
    rng = np.random.default_rng(seed)
    shape, channels = spec.code_shape, spec.code_shape[-1]
    symbols = np.empty((count, *shape), np.int64)
    for code in symbols:
        first = int(rng.integers(quality.classes)) * channels
        for channel, table in enumerate(quality.tables[first : first + channels]):
            known = np.array(table.frequencies[:-1], float)  # the last one announces an escape
            drawn = rng.choice(len(known), size=shape[:-1], p=known / known.sum())
            code[..., channel] = drawn + table.offset
    if spec.codebook:
        indices = np.clip(symbols, 0, spec.codebook - 1)
        return indices.reshape(count, *spec.code_edge[1:])
    return symbols * quality.steps


def affordable(macs: int | None, budget: int, most: int) -> int:
    """How many codes may be decoded: for so many multiply-accumulates in all, `most` at most."""
    return max(_FEWEST, min(most, budget // max(macs, 1))) if macs is not None else _FEWEST


def _counts(histogram: NDArray[np.int64]) -> dict[int, int]:
    return {int(level): int(histogram[level]) for level in np.nonzero(histogram)[0]}
