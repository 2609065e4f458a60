"""Rate-distortion curves: the rate for a given quality, and the Bjontegaard delta rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae_export.images import check_numbers

__all__ = ["bd_rate", "front", "rate_at"]


def bd_rate(
    anchor_rates: ArrayLike, anchor_quality: ArrayLike, rates: ArrayLike, quality: ArrayLike
) -> float | None:
    """Mean difference in rate at equal quality, in per cent; negative if the second curve is lower.

    The Bjontegaard delta rate (Bjontegaard 2001, ITU-T VCEG-M33), with the logarithm of the
    rate interpolated over quality by monotone cubics, as the video standards do today. Only the
    range of qualities that both curves cover counts, and only the points on each curve's Pareto
    front.

    Args:
        anchor_rates: Rates of the curve to compare with, above 0, in any unit.
        anchor_quality: Its qualities, such as PSNR in dB.
        rates: Rates of the other curve, in the same unit.
        quality: Its qualities, of the same measure.

    Returns:
        The difference in per cent, or None where a curve has fewer than two such points or
        the two cover no common range.

    Raises:
        ValueError: If rates and qualities differ in number, or a rate is not above 0.

    Example:
        >>> round(bd_rate([10, 20, 40], [30, 33, 36], [8, 16, 32], [30, 33, 36]), 6)
        -20.0
    """
    first, second = front(anchor_rates, anchor_quality), front(rates, quality)
    if min(len(first), len(second)) < 2:
        return None
    low = max(first[0, 1], second[0, 1])
    high = min(first[-1, 1], second[-1, 1])
    if high <= low:
        return None
    means = [
        float(_log_rate(curve).integrate(low, high)) / (high - low) for curve in (first, second)
    ]
    return float(100 * np.expm1(means[1] - means[0]))


def rate_at(rates: Sequence[float], quality: Sequence[float], wanted: float) -> float | None:
    """The rate at which a curve reaches a quality, or None where it never does.

    Between the points, the rate is interpolated as for `bd_rate`. Below the worst point it is the
    rate of that point: a codec cannot be cheaper than its lowest setting.

    Args:
        rates: Rates of the curve, above 0, in any unit.
        quality: Its qualities, one for each rate.
        wanted: The quality.

    Returns:
        The rate, in the unit of `rates`, or None.

    Raises:
        ValueError: If rates and qualities differ in number, a rate is not above 0, or `wanted` is
            no number.

    Example:
        >>> rate_at([10, 40], [30, 36], 33), rate_at([10, 40], [30, 36], 20)
        (20.0, 10.0)
    """
    if isinstance(wanted, bool) or not isinstance(wanted, Real) or math.isnan(wanted):
        raise ValueError(f"`wanted` must be a number. Received: wanted={wanted!r}")
    curve = front(rates, quality)
    if not len(curve) or wanted > curve[-1, 1]:
        return None
    if wanted <= curve[0, 1] or len(curve) == 1:
        return float(curve[0, 0])
    return round(float(np.exp(_log_rate(curve)(wanted))), 9)


def front(rates: ArrayLike, quality: ArrayLike) -> NDArray[np.float64]:
    """The Pareto front: the points that no other equals or beats in both rate and quality.

    Args:
        rates: Rates above 0, in any unit.
        quality: As many qualities.

    Returns:
        float64 (points, 2), rate and quality, both strictly increasing.

    Raises:
        ValueError: If rates and qualities differ in number, or a rate is not above 0.

    Example:
        >>> front([10, 20, 30], [30, 29, 33]).tolist()
        [[10.0, 30.0], [30.0, 33.0]]
    """
    x, y = check_numbers("rates", rates).ravel(), check_numbers("quality", quality).ravel()
    points = np.stack([x, y], axis=1) if x.size == y.size else None
    if points is None or not (np.isfinite(points).all() and (points[:, 0] > 0).all()):
        raise ValueError(
            "`rates` and `quality` must be as many finite numbers, rates above 0. "
            f"Received: {x.size} and {y.size}"
        )
    kept: list[NDArray[np.float64]] = []
    for point in points[np.lexsort((-points[:, 1], points[:, 0]))]:
        if not kept or point[1] > kept[-1][1]:
            kept.append(point)
    return np.array(kept).reshape(-1, 2)


def _log_rate(curve: NDArray[np.float64]) -> Any:
    """The logarithm of the rate as a function of quality."""
    from scipy.interpolate import PchipInterpolator

    return PchipInterpolator(curve[:, 1], np.log(curve[:, 0]))
