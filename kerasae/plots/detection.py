"""Scores of normal and anomalous images, and what a threshold makes of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots._style import BLUE, INK, ORANGE, Figure

__all__ = ["plot_scores"]

_FEWEST, _MOST = 10, 40  # bins


def plot_scores(
    normal: ArrayLike,
    anomalous: ArrayLike | None = None,
    *,
    threshold: float | None = None,
    label: str = "score",
) -> Figure:
    """Plot histograms of scores, and say what share of each sort a threshold flags.

    Each histogram is of shares, whatever the numbers of images. The axis is logarithmic where all
    scores are positive and the largest is more than 20 times the smallest.

    Args:
        normal: Scores of normal images, (n,).
        anomalous: Scores of anomalies, (m,), if there are any to show.
        threshold: The score above which an image is flagged.
        label: What the axis is called.

    Returns:
        A figure with one pair of axes.

    Raises:
        ValueError: If scores are not finite values of the shape (n,), or the threshold is not
            finite.

    Example:
        >>> figure = plot_scores([1.0, 2.0, 3.0, 4.0], [3.0, 5.0], threshold=3.0)
        >>> for text in figure.legends[0].get_texts():
        ...     print(text.get_text())
        normal: 1 of 4 flagged (25.0 %)
        anomalous: 1 of 2 flagged (50.0 %)
    """
    groups = [("normal", _arguments.scores("normal", normal), BLUE)]
    if anomalous is not None:
        groups.append(("anomalous", _arguments.scores("anomalous", anomalous), ORANGE))
    if threshold is not None:
        threshold = _arguments.finite("threshold", threshold)
    together = np.concatenate([values for _, values, _ in groups])
    low, high = float(together.min()), float(together.max())
    logarithmic = low > 0 and high > 20 * low
    if high == low:
        low, high = low - 0.5, high + 0.5
    smallest = min(len(values) for _, values, _ in groups)
    bins = min(max(_FEWEST, round(2 * math.sqrt(smallest))), _MOST)
    edges = (np.geomspace if logarithmic else np.linspace)(low, high, bins + 1)
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)  # rounding must drop no score

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for name, values, colour in groups:
        axes.hist(
            values,
            edges.tolist(),
            weights=np.full(len(values), 100 / len(values)),
            color=colour,
            alpha=0.55,
            label=_caption(name, values, threshold),
        )
    if threshold is not None:
        axes.axvline(threshold, color=INK, lw=1.5)
        right = threshold > (math.sqrt(low * high) if logarithmic else (low + high) / 2)
        axes.annotate(
            f"threshold {threshold:.3g}".replace("-", "\N{MINUS SIGN}"),
            (threshold, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-5 if right else 5, -4),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            color=INK,
        )
    axes.set(
        xlabel=f"{label} (log scale)" if logarithmic else label,
        ylabel="% of the images",
        xscale="log" if logarithmic else "linear",
    )
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), frameon=False, loc="outside upper left")
    return figure


def _caption(name: str, values: NDArray[np.float64], threshold: float | None) -> str:
    """How many there are, and how many of them lie above the threshold."""
    if threshold is None:
        return f"{name}: {len(values):,}"
    flagged = int((values > threshold).sum())
    return f"{name}: {flagged:,} of {len(values):,} flagged ({100 * flagged / len(values):.1f} %)"
