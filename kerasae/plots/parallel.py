"""Parallel coordinates: each run of a search as a line through its settings to its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Normalize
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots._style import INK, MUTED, PALE, Figure

__all__ = ["plot_parallel"]

_LOG = 20  # a ratio from which positive values get a logarithmic axis
_TICKS = 6
_CLOSE = 0.06  # of an axis' height: marks nearer than this would run into each other
_BEST, _OTHER = 3.0, 1.2  # widths of lines


def plot_parallel(
    settings: Sequence[Mapping[str, Any]],
    values: ArrayLike,
    *,
    measure: str = "val_loss",
    lower_is_better: bool = True,
) -> Figure:
    """Plot runs as lines through their settings to what they reached, the best one bold.

    Numbers have a scale, logarithmic where they span a factor of 20; anything else has its values
    one above the other.

    Args:
        settings: For each run its settings, by the same names.
        values: (runs,), what each reached.
        measure: What that is.
        lower_is_better: Whether the lowest value is the best.

    Returns:
        A figure with one axes.

    Raises:
        ValueError: If there are no runs, or the lengths or names differ.

    Example:
        >>> figure = plot_parallel([{"code_size": 2}, {"code_size": 8}], [0.2, 0.1])
        >>> len(figure.axes[0].lines)  # two runs, two axes
        4
    """
    reached = _arguments.scores("values", values)
    lower_is_better = _arguments.boolean("lower_is_better", lower_is_better)
    given = settings if isinstance(settings, (list, tuple)) else [settings]
    rows = [dict(_arguments.mapping("settings", row)) for row in given]
    names = list(rows[0]) if rows else []
    if len(rows) != len(reached) or not names or any(list(row) != names for row in rows):
        raise ValueError(
            f"`settings` must hold the same names for each of the {len(reached)} `values`. "
            f"Received: {len(rows)} settings"
        )
    scales = [_Scale(str(name), [row[name] for row in rows]) for name in names]
    scales.append(_Scale(_arguments.text("measure", measure), reached.tolist()))

    figure = Figure(figsize=(max(5.0, 1.8 * len(scales) + 0.6), 3.9), layout="constrained")
    axes = figure.add_subplot()
    goodness = -reached if lower_is_better else reached
    order = np.argsort(goodness)
    low = float(np.quantile(goodness, 0.1))  # one very bad run does not make the others alike
    high = max(float(goodness.max()), low + 1e-12)
    shade, colours = Normalize(low, high, clip=True), mpl.colormaps["viridis"]
    for i in order:
        best = i == order[-1]
        axes.plot(
            range(len(scales)),
            [scale.places[i] for scale in scales],
            "o-",
            color=colours(0.05 + 0.75 * float(shade(goodness[i]))),
            lw=_BEST if best else _OTHER,
            ms=6 if best else 3.5,
            alpha=1.0 if best else 0.8,
            zorder=4 if best else 2,
        )
    for x, scale in enumerate(scales):
        axes.plot([x, x], [-0.03, 1.03], color=PALE, lw=1.2, zorder=1)
        for place, text in scale.marks:
            axes.text(x + 0.03, place + 0.012, text, fontsize=8, color=MUTED, zorder=5)
        axes.text(x, 1.09, scale.name, ha="center", fontsize=10, color=INK)
    axes.set(xlim=(-0.4, len(scales) - 0.5), ylim=(-0.06, 1.17))
    axes.axis("off")
    return figure


class _Scale:
    """Where the values of a setting are between 0 and 1, and what is written beside them."""

    def __init__(self, name: str, values: list[Any]) -> None:
        self.name = name.replace("_", " ") if name != "val_loss" else name
        self.places: NDArray[np.float64]
        self.marks: list[tuple[float, str]]
        numeric = all(isinstance(v, Real) and not isinstance(v, bool) for v in values)
        if numeric and len(set(values)) > 1:
            self._numbers(np.array(values, float))
        else:
            self._kinds([_text(value) for value in values])

    def _numbers(self, numbers: NDArray[np.float64]) -> None:
        log = numbers.min() > 0 and numbers.max() >= _LOG * numbers.min()
        scaled = np.log(numbers) if log else numbers
        low, high = scaled.min(), scaled.max()
        self.places = (scaled - low) / (high - low)
        marks = np.unique(numbers)
        if len(marks) > _TICKS:
            marks = np.exp(np.linspace(low, high, 5)) if log else np.linspace(low, high, 5)
        places = ((np.log(marks) if log else marks) - low) / (high - low)
        self.marks = []
        for place, mark in zip(places.tolist(), marks, strict=True):
            if not self.marks or place - self.marks[-1][0] >= _CLOSE:
                self.marks.append((place, f"{mark:.3g}"))

    def _kinds(self, texts: list[str]) -> None:
        kinds = list(dict.fromkeys(texts))
        at = {kind: i / (len(kinds) - 1) if len(kinds) > 1 else 0.5 for i, kind in enumerate(kinds)}
        self.places = np.array([at[text] for text in texts])
        self.marks = [(place, kind) for kind, place in at.items()]


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return str(value)
