"""Whether the fast kernels (XNNPACK) and the reference kernels agree on a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.evaluation.quality import pooled_psnr
from kerasae_export.runtime.codec import Codec
from kerasae_export.verification.checks import check_symbols, moved
from kerasae_export.verification.outcome import Check, tolerance

__all__ = ["check_kernels", "compare_kernels"]


def compare_kernels(
    fast: Codec, reference: Codec, images: Sequence[NDArray[np.uint8]]
) -> dict[str, Any]:
    """Encode and decode images with both kernels, in all combinations.

    Args:
        fast: The codec with the kernels that phones use.
        reference: The codec with the plain reference kernels.
        images: uint8 (height, width, channels) each.

    Returns:
        `symbols`, how many there are; `moved`, the share that differs, and `largest`, by how
        much at most; `counts`, how many differ by how much; `pixels_largest`, in levels of 255,
        for the same symbols; `psnr`, pooled, of encoder and decoder with these kernels.
    """
    symbols = {name: [codec.encode(i) for i in images] for name, codec in _pair(fast, reference)}
    rebuilt = {
        f"{writer} to {reader}": [
            codec.decode(s, i.shape[0], i.shape[1])
            for s, i in zip(symbols[writer], images, strict=True)
        ]
        for writer in symbols
        for reader, codec in _pair(fast, reference)
    }
    first, second = (np.concatenate(symbols[n]) for n in ("fast", "reference"))
    share, largest = moved(second, first)
    values, counts = np.unique(second - first, return_counts=True)
    normal, other = rebuilt["fast to fast"], rebuilt["fast to reference"]
    originals = _flat(images)
    return {
        "images": len(images),
        "symbols": int(first.size),
        "moved": share,
        "largest": largest,
        "counts": {str(v): int(n) for v, n in zip(values, counts, strict=True)},
        "pixels_largest": int(np.abs(255 * (_flat(normal) - _flat(other))).max().round()),
        "psnr": {way: pooled_psnr(originals, _flat(p)) for way, p in rebuilt.items()},
    }


def check_kernels(name: str, compared: dict[str, Any], *, indices: bool = False) -> list[Check]:
    """Judge what `compare_kernels` found on the images of that name."""
    psnr, limit = compared["psnr"], tolerance("cross_kernel_loss")
    losses = {
        way: psnr["fast to fast"] - value for way, value in psnr.items() if way != "fast to fast"
    }
    way = max(losses, key=lambda w: losses[w])
    detail = (
        f"{psnr['fast to fast']:.2f} dB with the fast kernels on both sides, {way} loses "
        f"{round(losses[way], 3) + 0.0:.3f} dB; {limit:g} dB may be lost."
    )
    return [
        check_symbols(
            f"kernels' symbols, {name}", compared["moved"], compared["largest"], indices=indices
        ),
        Check(f"kernels mixed, {name}", losses[way] <= limit, detail),
    ]


def _pair(fast: Codec, reference: Codec) -> tuple[tuple[str, Codec], tuple[str, Codec]]:
    return ("fast", fast), ("reference", reference)


def _flat(images: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    return np.concatenate([i.ravel() for i in images]) / 255
