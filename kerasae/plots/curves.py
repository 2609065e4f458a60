"""A measure over a hyperparameter: what a sweep found."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from matplotlib.ticker import NullLocator
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots import _style
from kerasae.plots._style import BLUE, GREEN, INK, MUTED, ORANGE, RED, Figure
from kerasae_export.images import check_numbers

__all__ = ["plot_curves"]

_COLOURS = (BLUE, ORANGE, GREEN, RED, "#832db6", "#a96b59")
_TICKS = 9  # settings that each have a tick of their own
_LINE = 0.072  # height of a name in parts of the axes
_CLOSE = 0.045  # of the axes' width: ticks nearer than this would run into each other


def plot_curves(
    curves: Mapping[str, Mapping[float, ArrayLike] | float],
    *,
    xlabel: str,
    ylabel: str,
    log_x: bool = False,
    log_y: bool = False,
    mark: Mapping[str, float] | None = None,
) -> Figure:
    """Plot measures over a hyperparameter, a line for each series, named at its right end.

    Where a setting was measured several times, with other seeds or other samples, the line goes
    through the mean, and a band reaches from the lowest to the highest value. A series that is a
    single number is a level to compare with: a dashed line across.

    Args:
        curves: For each series its name, and for each setting of the hyperparameter the value, or
            the values, that it gave; or one number for all settings.
        xlabel: Name of the hyperparameter, with its unit if it has one.
        ylabel: Name of the measure, with its unit.
        log_x: Whether equal distances along the axis are equal ratios; "(log scale)" is said.
        log_y: The same for the measure.
        mark: The setting to circle in each of these series, such as the chosen one.

    Returns:
        A figure with one pair of axes.

    Raises:
        ValueError: If there is no series with settings, a number is not finite, or not above 0
            along a logarithmic axis, or a marked setting is not in its series.

    Example:
        >>> figure = plot_curves(
        ...     {"training": {2: 0.5, 4: 0.3}, "validation": {2: 0.6, 4: [0.4, 0.5]}, "PCA": 0.55},
        ...     xlabel="code size",
        ...     ylabel="loss",
        ...     log_x=True,
        ...     mark={"validation": 4},
        ... )
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['training', 'validation', 'PCA']
        >>> figure.axes[0].lines[1].get_ydata().tolist()
        [0.6, 0.45]
    """
    log_x, log_y = _arguments.boolean("log_x", log_x), _arguments.boolean("log_y", log_y)
    mark = {} if mark is None else dict(_arguments.mapping("mark", mark))
    series, levels = _checked(curves, log_x, log_y)
    for name, setting in mark.items():
        if not isinstance(setting, Real) or setting not in series.get(name, ()):
            raise ValueError(
                "`mark` must name a series of `curves` and one of its settings. "
                f"Received: {name!r} and {setting!r}"
            )

    room = _style.wide(list(curves), 10)
    figure = Figure(figsize=(6.0 + min(room, 2.6), 3.5), layout="constrained")
    axes = figure.add_subplot()
    ends: list[tuple[str, float, str]] = []
    colours = itertools.cycle(_COLOURS)
    for name, points in series.items():
        colour, settings = next(colours), sorted(points)
        means = [float(points[x].mean()) for x in settings]
        axes.plot(settings, means, "o-", color=colour, ms=4, zorder=3)
        if any(len(points[x]) > 1 for x in settings):
            least = [float(points[x].min()) for x in settings]
            most = [float(points[x].max()) for x in settings]
            axes.fill_between(settings, least, most, color=colour, alpha=0.18, lw=0)
        if name in mark:
            y = float(points[mark[name]].mean())
            axes.plot(mark[name], y, "o", mfc="none", mec=INK, ms=11, zorder=4)
        ends.append((name, means[-1], colour))
    for name, level in levels.items():
        axes.axhline(level, color=MUTED, ls="--", lw=1.3, zorder=2)
        ends.append((name, level, MUTED))

    axes.set(
        xscale="log" if log_x else "linear",
        yscale="log" if log_y else "linear",
        xlabel=f"{xlabel} (log scale)" if log_x else xlabel,
        ylabel=f"{ylabel} (log scale)" if log_y else ylabel,
    )
    axes.margins(y=0.08)
    _ticks(axes, sorted({x for points in series.values() for x in points}), log_x)
    if log_y:
        low, high = axes.get_ylim()
        shown = "123456789" if high < 5 * low else "125" if high < 100 * low else "1"
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
        axes.yaxis.set_minor_formatter(
            lambda value, _: f"{value:,.6g}" if f"{value:e}"[0] in shown else ""
        )
    axes.tick_params(colors=INK, labelsize=9, which="both")
    axes.grid(color="#e7eaee", lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    _names(axes, ends)
    return figure


def _checked(
    curves: Mapping[str, Mapping[float, ArrayLike] | float], log_x: bool, log_y: bool
) -> tuple[dict[str, dict[float, NDArray[np.float64]]], dict[str, float]]:
    """The series, with all values of a setting as a vector, and the levels."""
    series: dict[str, dict[float, NDArray[np.float64]]] = {}
    levels: dict[str, float] = {}
    for name, given in _arguments.mapping("curves", curves).items():
        if isinstance(given, Mapping):
            series[name] = {x: np.atleast_1d(check_numbers("curves", y)) for x, y in given.items()}
            xs, ys = list(series[name]), list(series[name].values())
        else:
            levels[name] = _arguments.finite("curves", given)
            xs, ys = [1.0], [np.array([levels[name]])]
        together = np.concatenate([y.ravel() for y in ys]) if ys else np.zeros(0)
        right = all(isinstance(x, Real) and math.isfinite(x) for x in xs)
        right = right and all(y.ndim == 1 and y.size for y in ys) and together.size > 0
        if not right or not np.isfinite(together).all():
            raise ValueError(
                "`curves` must map each name to one finite number, or settings to finite values, "
                f"at least one. Received: {name!r}: {given!r}"
            )
        if (log_x and min(xs) <= 0) or (log_y and together.min() <= 0):
            raise ValueError(
                "`curves` must hold numbers above 0 along a logarithmic axis. "
                f"Received: {name!r}: {given!r}"
            )
    if not series:
        raise ValueError(
            f"`curves` must hold a series with settings. Received: {list(curves) or 'nothing'}"
        )
    return series, levels


def _ticks(axes: Any, settings: Sequence[float], log_x: bool) -> None:
    """A tick at each setting, if they are few, and none that would run into the one before."""
    if len(settings) > _TICKS and not log_x:
        return
    places = np.log(settings) if log_x else np.asarray(settings, float)
    width = (places[-1] - places[0]) or 1.0
    kept: list[int] = []
    for i, place in enumerate(places):
        if not kept or (place - places[kept[-1]]) / width > _CLOSE:
            kept.append(i)
    axes.set_xticks([settings[i] for i in kept], [f"{settings[i]:,.6g}" for i in kept])
    axes.xaxis.set_minor_locator(NullLocator())


def _names(axes: Any, ends: Sequence[tuple[str, float, str]]) -> None:
    """Write the names to the right of the axes, each at its end, none over another."""
    to_axes = axes.transData + axes.transAxes.inverted()
    x = axes.get_xlim()[1]
    order = sorted(range(len(ends)), key=lambda i: ends[i][1])
    wanted = [float(to_axes.transform((x, ends[i][1]))[1]) for i in order]
    placed = list(wanted)
    for _ in range(200):  # push overlapping neighbours apart, half each
        for i, (below, above) in enumerate(itertools.pairwise(placed)):
            push = (_LINE - (above - below)) / 2
            if push > 1e-4:
                placed[i], placed[i + 1] = below - push, above + push
    heights = dict(zip(order, placed, strict=True))
    for i, (name, _, colour) in enumerate(ends):
        axes.text(
            1.015,
            heights[i],
            name,
            transform=axes.transAxes,
            color=colour,
            fontsize=10,
            va="center",
            ha="left",
        )
