"""Whether the models for several tiles at once give what those for one give, on this machine."""

from __future__ import annotations

import numpy as np

from kerasae_export.runtime.codec import Codec
from kerasae_export.verification.checks import Golden, moved, of_indices
from kerasae_export.verification.outcome import Check, tolerance

__all__ = ["check_batch"]


def check_batch(codec: Codec, golden: Golden) -> list[Check]:
    """The golden image and its symbols, as many times as a batch has places; none without a batch.

    The export has seen equal values. Other kernels may round differently, within their limits.
    """
    batch = codec.manifest.batch
    if batch is None:
        return []
    single = codec.encode(golden.image), codec.decode(golden.symbols, *golden.size)
    symbols, pixels = codec.at_once([golden.image] * batch.size, golden.symbols)
    found = [moved(each, single[0]) for each in symbols]
    share, largest = max(s for s, _ in found), max(d for _, d in found)
    worst = max(int(np.abs(each.astype(int) - single[1]).max()) for each in pixels)
    limit = codec.manifest.pixel_tolerance
    near = of_indices(codec.manifest) or largest <= tolerance("symbol_distance")
    passed = share <= tolerance("symbols_moved") and near and worst <= limit
    detail = (
        f"{batch.size} tiles at once move {share:.2%} of the symbols and pixels by up to {worst}; "
        f"{tolerance('symbols_moved'):.0%} and {limit} levels may be."
    )
    return [Check("batch", passed, detail)]
