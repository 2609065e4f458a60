"""Figures: loss curves and reconstructions, as chapters and reports show them.

Each function returns a Matplotlib figure that belongs to no window, so that plotting works
without a display and leaks nothing; notebooks show the returned figure.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import figure as matplotlib_figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

__all__ = ["plot_history", "plot_reconstructions"]


class Figure(matplotlib_figure.Figure):
    """A figure that shows itself at the end of a notebook cell, with or without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()


INK, MUTED = "#1f2933", "#7b8794"
BLUE, ORANGE, GREEN, RED = "#2f6fde", "#e8710a", "#1e8e5a", "#c5221f"


def plot_history(history: Mapping[str, Sequence[float]]) -> Figure:
    """Plot the loss of each epoch, training and validation, and mark the best epoch.

    Args:
        history: Column name to values, as in `keras.callbacks.History.history`.
    """
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    epochs = np.arange(1, len(history["loss"]) + 1)
    marker = "o" if len(epochs) < 30 else None
    for name, label, colour in (("loss", "training", BLUE), ("val_loss", "validation", ORANGE)):
        if name in history:
            axes.plot(epochs, history[name], color=colour, label=label, marker=marker, ms=3)
    if "val_loss" in history:
        best = int(np.argmin(history["val_loss"]))
        axes.plot(epochs[best], history["val_loss"][best], "o", mfc="none", mec=INK, ms=10)
        axes.annotate(
            f"best: {history['val_loss'][best]:.4g}",
            (epochs[best], history["val_loss"][best]),
            xytext=(4, 12),
            textcoords="offset points",
            ha="right",
            color=INK,
        )
    axes.set(xlabel="epoch", ylabel="loss")
    values = np.concatenate([history[n] for n in ("loss", "val_loss") if n in history])
    if values.min() > 0 and values.max() > 8 * values.min():
        axes.set(yscale="log", ylabel="loss (log scale)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def plot_reconstructions(
    originals: NDArray[Any],
    reconstructions: NDArray[Any],
    *,
    count: int = 10,
    gain: float = 4.0,
) -> Figure:
    """Plot originals, their reconstructions, and the differences, one column an image.

    Args:
        originals: (n, height, width, channels), values in [0, 1].
        reconstructions: The same shape.
        count: Number of images to show, the first ones.
        gain: Factor by which differences are enlarged around mid-grey.
    """
    count = min(count, len(originals))
    difference = np.clip(0.5 + gain * (reconstructions[:count] - originals[:count]), 0, 1)
    rows = {
        "original": originals[:count],
        "reconstruction": reconstructions[:count],
        f"difference x{gain:g}": difference,
    }
    aspect = originals.shape[1] / originals.shape[2]
    figure = Figure(figsize=(1.1 * count + 1.2, 3 * 1.1 * aspect + 0.2), layout="constrained")
    grid = figure.subplots(len(rows), count, squeeze=False)
    for (name, row), axes_row in zip(rows.items(), grid, strict=True):
        for axes, picture in zip(axes_row, row, strict=True):
            show_image(axes, picture)
        axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center", color=INK)
    return figure


def show_image(axes: Any, picture: NDArray[Any]) -> None:
    """Draw an image of shape (height, width, 1 or 3) in axes without ticks."""
    axes.imshow(np.clip(picture, 0, 1).squeeze(), cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def plot_comparison(files: Sequence[Any], together: Sequence[Any], *, link: float) -> Figure:
    """Plot what codecs make of the same images: the pictures, and bytes as bars.

    A single picture is shown whole and, below, its middle ninth enlarged.

    Args:
        files: `kerasae_export.comparison.Entry` of each codec, one file for each image.
        together: The same with all images at once, or empty.
        link: Bits a second of the link for the seconds beside the bars.
    """
    shown = [entry for entry in files if entry.codec != "PNG"]
    one = len(files[0].pictures) == 1
    panels = [("one file for each image", files)] + (
        [("all images at once", together)] if together else []
    )
    figure = Figure(figsize=(11, 6.7 if one else 6), layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=(2.1, 1) if one else (1.4, 1), hspace=0.08)
    pictures = grid[0].subgridspec(2, len(shown)) if one else grid[0].subgridspec(len(shown), 1)
    for i, entry in enumerate(shown):
        title = "original" if entry.codec == "raw" else entry.codec
        quality = "" if np.isinf(entry.psnr) else f", {entry.psnr:.1f} dB"
        caption = f"{title}\n{entry.bytes / entry.images:,.0f} bytes{quality}"
        if one:
            axes = figure.add_subplot(pictures[0, i])
            show_image(axes, entry.pictures[0] / 255)
            axes.set_title(caption, fontsize=10, color=INK)
            height, width = entry.pictures[0].shape[:2]
            middle = np.s_[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]
            show_image(figure.add_subplot(pictures[1, i]), entry.pictures[0][middle] / 255)
        else:
            axes = figure.add_subplot(pictures[i])
            gap = ((0, 0), (0, 1), (0, 0))
            row = [np.pad(p, gap, constant_values=255) for p in entry.pictures[:14]]
            show_image(axes, np.concatenate(row, axis=1) / 255)
            axes.set_ylabel(caption, rotation=0, ha="right", va="center", fontsize=9, color=INK)
    bars = grid[1].subgridspec(1, len(panels))
    for i, (name, entries) in enumerate(panels):
        _bars(figure.add_subplot(bars[i]), name, entries, link)
    return figure


def _bars(axes: Any, name: str, entries: Sequence[Any], link: float) -> None:
    """Bytes an image of each codec as horizontal bars, with seconds and quality in words."""
    values = [entry.bytes / entry.images for entry in entries]
    colours = [BLUE if entry.codec == "kerasae" else "#c3cad3" for entry in entries]
    bars = axes.barh([entry.codec for entry in entries], values, color=colours)
    labels = []
    for entry, value in zip(entries, values, strict=True):
        quality = "lossless" if np.isinf(entry.psnr) else f"{entry.psnr:.1f} dB"
        seconds = _short(8 * value / link)
        labels.append(f" {_short(value)} B, {seconds} s, {quality}")
    axes.bar_label(bars, labels, color=INK, fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(min(values) / 4, max(values) * 30)
    axes.set_xlabel(f"bytes an image (log scale), seconds at {link:,.0f} bit/s")
    axes.set_title(name, fontsize=10, color=INK, loc="left")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)


def _short(value: float) -> str:
    """A number with about three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
