"""Rate-distortion curves: what each codec's bytes buy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from kerasae.plots._style import BLUE, INK, MUTED, ORANGE, Figure

if TYPE_CHECKING:
    from kerasae_export.evaluation import Evaluation

__all__ = ["plot_rate_distortion"]

_OURS, _LINEAR = "kerasae", "PCA"
_TITLES = {"files": "one file for each image", "together": "all images at once"}
_MEASURES = {
    "psnr": "PSNR in dB",
    "ssim": "SSIM (log scale of 1 - SSIM)",
    "ms_ssim": "MS-SSIM (log scale of 1 - MS-SSIM)",
}
_OTHERS = (("#30363f", "-"), ("#5a6572", "--"), ("#5a6572", "-."), ("#87919d", ":"))
_ROOM = 12.0  # dB above our best point that are shown; what general codecs do beyond is known


def plot_rate_distortion(evaluation: Evaluation) -> Figure:
    """Plot quality over rate, a curve for each codec, the bundle's in colour.

    The rate is on a logarithmic axis, so that equal distances are equal ratios. What lossless
    codecs take stands in a corner. SSIM, and MS-SSIM where the images are large enough, are drawn
    below as the distance from 1, on a logarithmic axis too.

    Args:
        evaluation: What `kerasae_export.evaluation.evaluate` gives.

    Returns:
        A figure with a column for each arrangement and a row for each measure.

    Raises:
        ValueError: If there is no point.

    Example:
        >>> from kerasae_export import Codec
        >>> from kerasae_export.evaluation import evaluate
        >>> codecs = {"bundle": Codec.load("bundle")}                       # doctest: +SKIP
        >>> evaluation = evaluate(codecs, images, data="digits")            # doctest: +SKIP
        >>> plot_rate_distortion(evaluation).savefig("rates.png")           # doctest: +SKIP
    """
    arrangements = [a for a in _TITLES if evaluation.of(a)]
    if not arrangements:
        raise ValueError("`evaluation` must have a point or more. Received: none")
    structural = "ms_ssim" if evaluation.points[0].ms_ssim is not None else "ssim"
    measures = ("psnr", structural)
    figure = Figure(figsize=(6.2 * len(arrangements), 8.4), layout="constrained")
    grid = figure.subplots(len(measures), len(arrangements), sharex="col", squeeze=False)
    for column, arrangement in enumerate(arrangements):
        for row, measure in enumerate(measures):
            _curves(grid[row, column], evaluation, arrangement, measure)
        left, right = grid[0, column].get_xlim()
        grid[0, column].set_xlim(left, right * (right / left) ** 0.16)  # for the names
        grid[0, column].set_title(
            f"{_TITLES[arrangement]} ({evaluation.of(arrangement)[0].images:,})",
            fontsize=10,
            color=INK,
            loc="left",
        )
    height, width = evaluation.shape[:2]
    figure.suptitle(
        f"{evaluation.data}, {height} x {width}: bytes and what they buy",
        fontsize=12,
        color=INK,
        x=0.01,
        ha="left",
    )
    return figure


def _curves(axes: Any, evaluation: Any, arrangement: str, measure: str) -> None:
    psnr = measure == "psnr"
    codecs = [
        c
        for c in evaluation.codecs(arrangement)
        if any(p.psnr is not None for p in evaluation.of(arrangement, c))
    ]
    curves = {c: _points(evaluation, arrangement, c, measure) for c in codecs}
    ours = curves.get(_OURS, np.zeros((0, 2)))
    everything = np.concatenate([c for c in curves.values() if len(c)])
    top = float((ours if len(ours) else everything)[:, 1].max())
    bottom = float((ours if len(ours) else everything)[:, 1].min())
    top, bottom = (top + _ROOM, bottom - 4) if psnr else (top + 1.0, bottom - 0.3)
    others = itertools.cycle(_OTHERS)
    ends: list[tuple[float, float, str, str]] = []
    for codec, curve in curves.items():
        known = {_OURS: (BLUE, "-"), _LINEAR: (ORANGE, "-")}
        colour, dashes = known[codec] if codec in known else next(others)
        seen = _clipped(curve, bottom, top)
        if not len(seen):
            continue
        mark = "o" if codec == _OURS else "."
        inside = curve[(curve[:, 1] >= bottom) & (curve[:, 1] <= top)]
        width = 2.4 if codec == _OURS else 1.4
        axes.plot(*seen.T, color=colour, lw=width, ls=dashes, zorder=3)
        axes.plot(*inside.T, mark, color=colour, ms=6 if codec == _OURS else 5, zorder=4)
        ends.append((*seen[-1], codec, colour))
    axes.set_xscale("log")
    axes.set_ylim(bottom, top)
    best = ours[-1] if len(ours) else (0.0, math.inf)
    crowded = any(
        len(c) and c[-1, 1] > best[1] and np.interp(best[1], c[:, 1], c[:, 0]) < best[0]
        for c in curves.values()
    )
    _label(axes, ends, crowded)
    if psnr:
        _lossless(axes, evaluation, arrangement)
    else:
        ticks = [1 - v for v in (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)]
        kept = [t for t in ticks if bottom <= -math.log10(t) <= top]
        axes.set_yticks([-math.log10(t) for t in kept], [f"{1 - t:.3g}" for t in kept])
        axes.set_xlabel("bytes an image, container included (log scale)", color=INK)
    axes.set_ylabel(_MEASURES[measure], color=INK)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(colors=MUTED, which="both")
    axes.grid(color="#e7eaee", lw=0.7, which="major")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)


def _points(evaluation: Any, arrangement: str, codec: str, measure: str) -> Any:
    """Bytes an image and quality of a codec's best points; of SSIM, how many nines it has."""
    points = [p for p in evaluation.best(arrangement, codec, measure) if p.psnr is not None]
    values = [(p.bytes_per_image, getattr(p, measure)) for p in points]
    if measure != "psnr":
        values = [(rate, -math.log10(max(1 - value, 1e-6))) for rate, value in values]
    return np.array(values).reshape(-1, 2)


def _clipped(curve: Any, bottom: float, top: float) -> Any:
    """The part of a curve between two qualities, cut on its straight lines."""
    if not len(curve) or curve[0, 1] > top or curve[-1, 1] < bottom:
        return curve[:0]
    rate = np.log(curve[:, 0])
    heights = np.unique(np.clip(np.append(curve[:, 1], (bottom, top)), *curve[[0, -1], 1]))
    heights = heights[(heights >= bottom) & (heights <= top)]
    return np.stack([np.exp(np.interp(heights, curve[:, 1], rate)), heights], axis=1)


def _label(axes: Any, ends: Sequence[tuple[float, float, str, str]], crowded: bool) -> None:
    """Name the curves at their ends, one below the other where they would overlap.

    Ours is named on its left, unless it is `crowded` by a curve or by the edge there.
    """
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    near = 0.16 * math.log10(right / left)  # about a name's width
    gap, taken = 0.05 * (high - low), list[tuple[float, float]]()
    for x, y, codec, colour in sorted(ends, key=lambda end: (-end[1], end[0])):
        free = not crowded and math.log10(x / left) > near
        if codec == _OURS and free:  # on the other side, where there is nothing
            place, height, side = x / 1.08, min(y + gap / 2, high - gap), "right"
        else:
            place, height, side = x * 1.06, min(y, high - gap), "left"
            while any(abs(height - h) < gap and abs(math.log10(x / w)) < near for w, h in taken):
                height -= gap
            taken.append((x, height))
        axes.annotate(
            codec,
            (x, y),
            (place, height),
            color=colour,
            fontsize=9.5,
            fontweight="bold" if codec == _OURS else None,
            ha=side,
            va="center",
            zorder=5,
            bbox={"boxstyle": "square,pad=0.05", "fc": "white", "ec": "none"},
        )


def _lossless(axes: Any, evaluation: Any, arrangement: str) -> None:
    """Bytes of the codecs that give back every pixel, in a corner where no curve is."""
    points = [p for p in evaluation.of(arrangement) if p.lossless]
    if not points:
        return
    points = sorted(points, key=lambda p: p.bytes)
    lines = [f"{p.codec}  {p.bytes_per_image:,.0f}" for p in points]
    axes.text(
        0.985,
        0.03,
        "\n".join(["lossless, bytes an image", *lines]),
        transform=axes.transAxes,
        fontsize=8.5,
        color=MUTED,
        ha="right",
        va="bottom",
        zorder=6,
        bbox={"boxstyle": "square,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.85},
    )
