"""Pictures of sequences: melodies as piano rolls, and time series with their errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots._style import BLUE, INK, MUTED, ORANGE, PALE, RED, Figure, named
from kerasae_export.images import check_numbers

__all__ = ["plot_piano_roll", "plot_series"]

_ACROSS = 2  # sequences side by side


def plot_piano_roll(
    sequences: ArrayLike,
    reconstructions: ArrayLike | None = None,
    *,
    feature_names: Sequence[str] | None = None,
    names: Sequence[Any] | None = None,
) -> Figure:
    """Plot melodies as piano rolls, each above its reconstruction.

    With features named `hold` and `rest`, the largest feature of a step is its symbol: a note is
    a bar from its onset over the holds that follow, and a rest is a short grey line at the
    bottom. Without them every feature above 0.5 sounds. Steps where the two differ are
    shaded in the reconstruction.

    Args:
        sequences: (n, length, features), such as `load_sequences("melodies").test[:4]`.
        reconstructions: The same shape, or None.
        feature_names: The name of each feature, such as `Sequences.feature_names`; pitches in
            ascending order.
        names: A title for each sequence, such as its label.

    Returns:
        A figure, two axes for each sequence, or one without reconstructions.

    Raises:
        ValueError: If a shape or the number of names is another.

    Example:
        >>> import kerasae
        >>> melodies = kerasae.load_sequences("melodies", limit=10)
        >>> names = melodies.feature_names
        >>> figure = plot_piano_roll(melodies.test[:2], feature_names=names)
        >>> len(figure.axes)
        2
    """
    originals, rebuilt = _pair("sequences", sequences, reconstructions)
    n, length, features = originals.shape
    keys = named("feature_names", feature_names, features, "features")
    keys = keys or [str(i) for i in range(features)]
    titles = named("names", names, n, "sequences")
    rolls = [[_roll(values, keys) for values in originals]]
    if rebuilt is not None:
        rolls.append([_roll(values, keys) for values in rebuilt])
    pitches = [i for i, key in enumerate(keys) if key not in ("hold", "rest")]
    used = [int(row) for rows in rolls for roll in rows for row in np.flatnonzero(roll.any(axis=0))]
    low, high = (min(used), max(used)) if used else (0, len(pitches) - 1)

    across = min(n, _ACROSS)
    down = math.ceil(n / across)
    each = len(rolls)
    height = 0.5 + 0.075 * (high - low + 6)
    figure = Figure(
        figsize=(0.9 + across * min(6.0, 1.0 + 0.15 * length), 0.4 + down * each * height),
        layout="constrained",
    )
    grid = figure.subplots(down * each, across, squeeze=False, sharex=True, sharey=True)
    for i in range(across * down):
        for part in range(each):
            axes = grid[i // across * each + part, i % across]
            if i >= n:
                axes.remove()
                continue
            kind = "reconstruction" if part else "original"
            title = kind if not titles else titles[i] if not part else kind
            _draw_roll(axes, rolls[part][i], (BLUE, ORANGE)[part], low)
            axes.set_title(title, loc="left", fontsize=9, color=INK)
            if part:
                _shade(axes, _differ(rolls[0][i], rolls[1][i]))
            ticks = [row for row in range(low, high + 1) if _is_landmark(keys[pitches[row]])]
            axes.set_yticks(ticks or [low, high], [keys[pitches[r]] for r in ticks or [low, high]])
            axes.set(xlim=(0, length), ylim=(low - 2.6, high + 1.2))
            axes.tick_params(labelsize=8, colors=INK, length=2)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 4, 8, 10]))
            if part == each - 1 and i + across >= n:  # the lowest of its column
                axes.tick_params(labelbottom=True)
                axes.set_xlabel("step", fontsize=9)
    return figure


def plot_series(
    series: ArrayLike,
    reconstructions: ArrayLike | None = None,
    *,
    names: Sequence[Any] | None = None,
    step: float = 1.0,
    unit: str = "step",
) -> Figure:
    """Plot time series, their reconstructions, and below each the squared error at each step.

    The errors of all series share one scale, so that an anomaly stands out.

    Args:
        series: (n, length, channels).
        reconstructions: The same shape, or None.
        names: A title for each series, such as its label.
        step: Time between two steps.
        unit: Unit of `step`, the name of the horizontal axis.

    Returns:
        A figure, two axes for each series, or one without reconstructions.

    Raises:
        ValueError: If a shape or the number of names is another.

    Example:
        >>> import kerasae
        >>> series = kerasae.load_sequences("series", limit=10)
        >>> len(plot_series(series.test[:3], 0.9 * series.test[:3]).axes)
        6
    """
    originals, rebuilt = _pair("series", series, reconstructions)
    n, length, _ = originals.shape
    titles = named("names", names, n, "series")
    time = _arguments.number("step", step, low=0.0) * np.arange(length)
    across = min(n, _ACROSS)
    down = math.ceil(n / across)
    heights = [1.6] if rebuilt is None else [1.6, 0.6]
    figure = Figure(figsize=(5.2 * across, 0.6 + down * (0.4 + sum(heights))), layout="constrained")
    grid = figure.subplots(
        down * len(heights), across, squeeze=False, sharex=True, height_ratios=heights * down
    )
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8, colors=INK)
    for i in range(across * down):
        first = i // across * len(heights)
        column = grid[first : first + len(heights), i % across]
        if i >= n:
            for axes in column:
                axes.remove()
            continue
        _draw_lines(column[0], time, originals[i], BLUE, "original")
        column[0].set(xlim=(time[0], time[-1] or 1), ylim=_limits(originals, rebuilt))
        if titles:
            column[0].set_title(titles[i], loc="left", fontsize=10, color=INK)
        if rebuilt is not None:
            _draw_lines(column[0], time, rebuilt[i], ORANGE, "reconstruction")
            errors = np.square(originals - rebuilt).mean(axis=-1)
            column[1].fill_between(time, errors[i], color=RED, alpha=0.5, lw=0)
            column[1].set(ylim=(0, 1.05 * errors.max() or 1.0))
            column[1].yaxis.set_major_locator(MaxNLocator(2))
            if i % across == 0:
                column[1].set_ylabel("squared\nerror", fontsize=8, color=INK)
        if i + across >= n:  # the lowest of its column
            column[-1].tick_params(labelbottom=True)
            column[-1].set_xlabel(unit, fontsize=9)
    if rebuilt is not None:
        lines = grid[0, 0].get_legend_handles_labels()
        figure.legend(*lines, loc="outside upper right", frameon=False, fontsize=8, ncols=2)
    return figure


def _pair(
    argument: str, sequences: ArrayLike, reconstructions: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Both as arrays of one shape."""
    originals = check_numbers(argument, sequences)
    if originals.ndim != 3 or not originals.size:
        raise ValueError(
            f"`{argument}` must be an array (n, length, features), none of them 0. "
            f"Received: shape={originals.shape}"
        )
    if reconstructions is None:
        return originals, None
    rebuilt = check_numbers("reconstructions", reconstructions)
    if rebuilt.shape != originals.shape:
        raise ValueError(
            f"`reconstructions` must have the shape {originals.shape} of the originals. "
            f"Received: shape={rebuilt.shape}"
        )
    return originals, rebuilt


def _roll(values: NDArray[Any], keys: Sequence[str]) -> NDArray[np.int8]:
    """(length, pitches): 1 where a note begins, 2 where it is held, else 0."""
    pitches = [i for i, key in enumerate(keys) if key not in ("hold", "rest")]
    roll = np.zeros((len(values), len(pitches)), np.int8)
    if len(pitches) == len(keys):  # several may sound at a step, for as long as they are on
        on = values > 0.5
        roll[on] = 1
        roll[1:][on[1:] & on[:-1]] = 2
        return roll
    sounding = None
    for t, symbol in enumerate(values.argmax(axis=-1)):
        if keys[symbol] == "rest":
            sounding = None
        elif keys[symbol] != "hold":
            sounding = pitches.index(symbol)
            roll[t, sounding] = 1
        elif sounding is not None:
            roll[t, sounding] = 2
    return roll


def _draw_roll(axes: Any, roll: NDArray[np.int8], colour: str, low: int) -> None:
    """Bars for notes, and a line at the bottom where nothing sounds."""
    for onset, row in np.argwhere(roll == 1):
        after = roll[onset + 1 :, row] != 2
        duration = 1 + (int(after.argmax()) if after.any() else len(after))
        axes.add_patch(
            FancyBboxPatch(
                (onset + 0.08, row - 0.38),
                duration - 0.16,
                0.76,
                boxstyle="round,pad=0,rounding_size=0.2",
                fc=colour,
                ec="none",
            )
        )
    for step in np.flatnonzero(~roll.any(axis=1)):
        axes.plot([step + 0.1, step + 0.9], [low - 1.8] * 2, color=MUTED, lw=2.5)
    axes.grid(axis="y", color=PALE, lw=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _differ(one: NDArray[np.int8], other: NDArray[np.int8]) -> NDArray[np.bool_]:
    """The steps at which something else begins, sounds or is silent."""
    differ: NDArray[np.bool_] = (one != other).any(axis=1)
    return differ


def _shade(axes: Any, steps: NDArray[np.bool_]) -> None:
    for step in np.flatnonzero(steps):
        axes.axvspan(step, step + 1, color=RED, alpha=0.12, lw=0, zorder=0)


def _is_landmark(key: str) -> bool:
    """The names on the axis: two in an octave, or every feature without a note's name."""
    return key[:-1] in ("C", "F") if key[-1:].isdigit() and key[:1].isalpha() else True


def _draw_lines(
    axes: Any, time: NDArray[Any], values: NDArray[Any], colour: str, label: str
) -> None:
    """A line for each channel, of which the first is in the legend."""
    for channel, line in enumerate(values.T):
        axes.plot(time, line, color=colour, lw=1.4, label=None if channel else label)


def _limits(originals: NDArray[Any], rebuilt: NDArray[Any] | None) -> tuple[float, float]:
    both = [a for a in (originals, rebuilt) if a is not None]
    low, high = min(float(a.min()) for a in both), max(float(a.max()) for a in both)
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin
