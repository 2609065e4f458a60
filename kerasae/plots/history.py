"""Curves of a training: the loss, and the parts that it is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from kerasae import _arguments
from kerasae.plots._style import BLUE, INK, MUTED, ORANGE, PALE, Figure
from kerasae_export.images import check_numbers

__all__ = ["plot_history"]

_PANELS = 4  # side by side
_OWN = ("loss", "epoch")  # no parts of the loss
_RATE = "learning_rate"


def plot_history(history: Mapping[str, Sequence[float]]) -> Figure:
    """Plot the loss of each epoch, training and validation, and mark the best epoch.

    Whatever else was recorded, such as the reconstruction's and the code's share of the loss, is
    drawn below in small panels, each with its validation twin. A learning rate that moves has a
    thin panel right under the loss, on the same epochs: a curve that is flat where the rate has
    come near 0 says nothing about convergence.

    Args:
        history: Column name to values, as in `keras.callbacks.History.history`. A column with
            fewer values than the loss is taken at every so many epochs, as `validation_freq`
            makes it.

    Returns:
        A figure with the axes of the loss first, then one for each part, then that of the rate.

    Raises:
        ValueError: If `history` has no loss.

    Example:
        >>> figure = plot_history({"loss": [3.0, 2.0], "kl": [0.0, 1.0], "val_kl": [0.1, 0.9]})
        >>> [axes.get_ylabel() or axes.get_title(loc="left") for axes in figure.axes]
        ['loss', 'kl']
    """
    columns = {
        name: check_numbers(f"history[{name!r}]", values)
        for name, values in _arguments.mapping("history", history).items()
    }
    if "loss" not in columns or not all(x.ndim == 1 and x.size for x in columns.values()):
        raise ValueError(
            "`history` must have the loss of at least one epoch, and other columns (epochs,). "
            f"Received: {sorted(map(str, columns))}"
        )
    names = dict.fromkeys(name.removeprefix("val_") for name in columns)
    parts = [name for name in names if name not in (*_OWN, _RATE) and _moves(columns, name)]
    rated = _RATE in columns and len(columns[_RATE]) > 1 and _moves(columns, _RATE)

    rows = math.ceil(len(parts) / _PANELS)
    across = math.ceil(len(parts) / rows) if rows else 1
    heights = [3.6, *[0.9] * rated, *[1.9] * rows]
    figure = Figure(figsize=(max(6, 2.5 * across), sum(heights)), layout="constrained")
    grid = figure.add_gridspec(len(heights), across, height_ratios=heights)
    axes = figure.add_subplot(grid[0, :])
    _curves(axes, "loss", columns)
    if "val_loss" in columns:
        _mark_best(axes, columns)
    values = np.concatenate([columns[n] for n in ("loss", "val_loss") if n in columns])
    axes.set(xlabel="epoch", ylabel="loss")
    if values.min() > 0 and values.max() > 8 * values.min():
        axes.set(yscale="log", ylabel="loss (log scale)")
    axes.legend(frameon=False)
    for i, name in enumerate(parts):
        panel = figure.add_subplot(grid[1 + rated + i // across, i % across])
        _curves(panel, name, columns)
        panel.set_title(name.replace("_", " "), loc="left", fontsize=10, color=INK)
        panel.tick_params(labelsize=8)
        if i + across >= len(parts):  # the lowest of its column
            panel.set_xlabel("epoch", fontsize=9)
    if rated:
        _rate(figure.add_subplot(grid[1, :], sharex=axes), columns)
        axes.tick_params(labelbottom=False)
        axes.set_xlabel("")
    return figure


def _rate(axes: Any, columns: Mapping[str, Any]) -> None:
    """The learning rate as a thin strip."""
    rates = columns[_RATE]
    axes.fill_between(_epochs(rates, columns), rates, color=PALE, linewidth=0)
    axes.plot(_epochs(rates, columns), rates, color=MUTED, linewidth=1.2)
    axes.set_ylim(0, 1.1 * rates.max())
    axes.set_yticks([0, rates.max()], ["0", f"{rates.max():.2g}"])
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlabel("epoch")
    axes.set_ylabel("learning\nrate", fontsize=8, color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins="auto", min_n_ticks=1))
    axes.spines[["top", "right"]].set_visible(False)


def part_figures(history: Mapping[str, Sequence[float]]) -> dict[str, Figure]:
    """A small figure for each measure beside the loss, as a page arranges them by its width."""
    columns = {name: np.asarray(values, float) for name, values in history.items()}
    names = dict.fromkeys(name.removeprefix("val_") for name in columns)
    figures = {}
    for name in names:
        if name in _OWN or not _moves(columns, name):
            continue
        figure = Figure(figsize=(3.4, 2.1), layout="constrained")
        axes = figure.add_subplot()
        _curves(axes, name, columns)
        axes.set_title(name.replace("_", " "), loc="left", fontsize=10, color=INK)
        axes.set_xlabel("epoch", fontsize=9)
        axes.tick_params(labelsize=8)
        figures[name] = figure
    return figures


def _moves(columns: Mapping[str, Any], name: str) -> bool:
    """Whether there is something to see: a factor that stays what it is needs no panel."""
    curves = [columns[key] for key in (name, f"val_{name}") if key in columns]
    return any(len(curve) < 2 or np.ptp(curve) > 0 for curve in curves)


def _epochs(values: Any, columns: Mapping[str, Any]) -> Any:
    """The epochs of the values, evenly spaced if there are fewer of them than of losses."""
    every = max(1, len(columns["loss"]) // max(1, len(values)))
    return every * np.arange(1, len(values) + 1)


def _curves(axes: Any, name: str, columns: Mapping[str, Any]) -> None:
    """Draw a column and its validation twin, where they exist, over the epochs."""
    marker = "o" if len(columns["loss"]) < 30 else None
    for column, label, colour in ((name, "training", BLUE), (f"val_{name}", "validation", ORANGE)):
        if column in columns:
            epochs = _epochs(columns[column], columns)
            axes.plot(epochs, columns[column], color=colour, label=label, marker=marker, ms=3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins="auto", min_n_ticks=1))
    axes.spines[["top", "right"]].set_visible(False)


def _mark_best(axes: Any, columns: Mapping[str, Any]) -> None:
    """Circle the epoch with the lowest validation loss; its value goes into the legend.

    A label beside the circle would be struck through by one of the curves.
    """
    losses = columns["val_loss"]
    epochs, best = _epochs(losses, columns), int(np.argmin(losses))
    label = f"best: {losses[best]:.4g}"
    axes.plot(epochs[best], losses[best], "o", mfc="none", mec=INK, ms=10, label=label)
