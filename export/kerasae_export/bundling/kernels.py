"""What a bundle promises about the pixels of other devices, from every set of kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kerasae_export.conversion.split import evenly
from kerasae_export.errors import BundleError
from kerasae_export.format.spec import CodecSpec
from kerasae_export.runtime.engines import Model
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.kernel_differences import (
    KernelDifferences,
    affordable,
    compare_decoders,
    drawn_codes,
)
from kerasae_export.runtime.litemodel import KERNELS, LiteModel

__all__ = ["differences_of", "pixel_tolerance"]

_LEAST = 2  # in levels of 255: values halfway between two of them go either way on any device
_MACS = 2 * 10**8  # multiply-accumulates of the decoder: some 1.5 s of the reference kernels
_MOST = 1000  # codes of each kind: of fewer the worst is not seen
_SEED = 0


def differences_of(
    content: bytes,
    signature: str | None,
    spec: CodecSpec,
    codes: Sequence[NDArray[np.float64]],
    others: Sequence[Model] = (),
) -> KernelDifferences:
    """Decode real and drawn codes, as many of each, with every set of kernels.

    Args:
        content: The decoder's file.
        signature: The decoder's signature, where the file has two.
        spec: The codec part of the manifest.
        codes: For each quality, real codes, rounded to its steps.
        others: The same decoder in other engines, to compare as well.
    """
    decoders: list[Model] = [
        LiteModel(content, signature=signature, kernels=kernels) for kernels in KERNELS
    ]
    decoders += others
    try:
        macs = Graph(content, signature).macs
    except BundleError:
        macs = None
    count = affordable(macs, _MACS // 2, _MOST)
    each = -(-count // len(codes))
    drawn = [drawn_codes(spec, quality, each, _SEED) for quality in spec.qualities]
    return compare_decoders(
        decoders, [code for kind in (*codes, *drawn) for code in evenly(kind, each)]
    )


def pixel_tolerance(differences: KernelDifferences) -> int:
    """By how many levels two correct decoders may differ: the largest seen, and one more."""
    return min(255, max(_LEAST, differences.largest + 1))
