"""Whether the kernels that phones use first, XNNPACK, and LiteRT's others agree on a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.evaluation.quality import pooled_psnr
from kerasae_export.format.spec import CodecSpec
from kerasae_export.runtime.codec import Codec
from kerasae_export.runtime.kernel_differences import (
    KernelDifferences,
    affordable,
    compare_decoders,
    drawn_codes,
)
from kerasae_export.runtime.litemodel import KERNELS
from kerasae_export.verification.checks import check_symbols, moved
from kerasae_export.verification.outcome import Check, tolerance
from kerasae_export.verification.parts import Side

__all__ = ["check_differences", "check_kernels", "compare_kernels", "decoder_differences"]

_MACS, _MOST = 4 * 10**9, 10_000  # of the codes that a thorough verification decodes
_QUICK = 20  # times fewer in a quick one
_SEED = 1  # not that of the export: its promise must hold for other codes


def compare_kernels(
    fast: Codec, other: Codec, images: Sequence[NDArray[np.uint8]]
) -> dict[str, Any]:
    """Encode and decode images with two sets of kernels, in all combinations.

    Args:
        fast: The codec with XNNPACK.
        other: The codec with other kernels.
        images: uint8 (height, width, channels) each.

    Returns:
        `symbols`, how many there are; `moved`, the share that differs, and `largest`, by how
        much at most; `counts`, how many differ by how much; `pixels_largest`, in levels of 255,
        for the same symbols; `psnr`, pooled, of encoder and decoder with these kernels.
    """
    symbols = {name: [codec.encode(i) for i in images] for name, codec in _pair(fast, other)}
    rebuilt = {
        f"{writer} to {reader}": [
            codec.decode(s, i.shape[0], i.shape[1])
            for s, i in zip(symbols[writer], images, strict=True)
        ]
        for writer in symbols
        for reader, codec in _pair(fast, other)
    }
    first, second = (np.concatenate(symbols[n]) for n in ("XNNPACK", "other"))
    share, largest = moved(second, first)
    values, counts = np.unique(second - first, return_counts=True)
    normal, unlike = rebuilt["XNNPACK to XNNPACK"], rebuilt["XNNPACK to other"]
    originals = _flat(images)
    return {
        "images": len(images),
        "symbols": int(first.size),
        "moved": share,
        "largest": largest,
        "counts": {str(v): int(n) for v, n in zip(values, counts, strict=True)},
        "pixels_largest": int(np.abs(255 * (_flat(normal) - _flat(unlike))).max().round()),
        "psnr": {way: pooled_psnr(originals, _flat(p)) for way, p in rebuilt.items()},
    }


def decoder_differences(
    both: tuple[Side, Side],
    spec: CodecSpec,
    images: NDArray[np.float32] | None,
    thorough: bool,
) -> KernelDifferences:
    """Decode real and drawn codes with every set of kernels; without images, drawn ones only.

    Args:
        both: Encoder and decoder.
        spec: The codec part of the manifest.
        images: (n, height, width, channels) in [0, 1], of the size of a tile.
        thorough: Whether to decode 10,000 codes, fewer where the decoder is large.
    """
    encoder, decoder = both
    share = 1 if thorough else _QUICK
    count = affordable(decoder.graph.macs, _MACS // share, _MOST // share)
    codes: list[NDArray[Any]] = []
    if images is not None:
        real = encoder.load().run(images[: count // 2])
        steps = spec.best.steps
        codes.extend(real if spec.codebook else np.floor(real / steps + 0.5) * steps)
    each = -(-(count - len(codes)) // len(spec.qualities))
    for quality in spec.qualities:
        codes.extend(drawn_codes(spec, quality, each, _SEED))
    return compare_decoders([decoder.load(kernels=name) for name in KERNELS], codes)


def check_differences(differences: KernelDifferences, limit: int) -> Check:
    """Check that the manifest's promise holds for these codes."""
    detail = (
        f"{differences.codes:,} codes decode to pixels that differ by up to {differences.largest} "
        f"between XNNPACK, optimised and reference kernels; {limit} levels may."
    )
    if differences.largest > limit:
        detail += " Exporting the model again measures what the bundle can promise."
    return Check("pixels of all kernels", differences.largest <= limit, detail)


def check_kernels(name: str, compared: dict[str, Any], *, indices: bool = False) -> list[Check]:
    """Judge what `compare_kernels` found, of that name."""
    psnr, limit = compared["psnr"], tolerance("cross_kernel_loss")
    alone = psnr["XNNPACK to XNNPACK"]
    losses = {way: alone - value for way, value in psnr.items() if "other" in way}
    way = max(losses, key=lambda w: losses[w])
    detail = (
        f"{alone:.2f} dB with XNNPACK on both sides, {way} loses "
        f"{round(losses[way], 3) + 0.0:.3f} dB; {limit:g} dB may be lost."
    )
    return [
        check_symbols(
            f"kernels' symbols, {name}", compared["moved"], compared["largest"], indices=indices
        ),
        Check(f"kernels mixed, {name}", losses[way] <= limit, detail),
    ]


def _pair(fast: Codec, other: Codec) -> tuple[tuple[str, Codec], tuple[str, Codec]]:
    return ("XNNPACK", fast), ("other", other)


def _flat(images: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    return np.concatenate([i.ravel() for i in images]) / 255
