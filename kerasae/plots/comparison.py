"""What codecs make of the same images: the pictures, and bytes as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasae.plots._style import BLUE, INK, PALE, Figure, show_image

__all__ = ["plot_comparison"]


def plot_comparison(files: Sequence[Any], together: Sequence[Any], *, link: float) -> Figure:
    """Plot what codecs make of the same images: the pictures, and bytes as bars.

    A single picture is shown whole and, below, its middle ninth enlarged. Bars of the same length
    are the same number of bytes, in both panels.

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
    values = [entry.bytes / entry.images for _, entries in panels for entry in entries]
    limits = (min(values) / 4, max(values) * 30)
    for i, (name, entries) in enumerate(panels):
        _bars(figure.add_subplot(bars[i]), name, entries, link, limits)
    return figure


def _bars(
    axes: Any, name: str, entries: Sequence[Any], link: float, limits: tuple[float, float]
) -> None:
    """Bytes an image of each codec as horizontal bars, with seconds and quality in words."""
    values = [entry.bytes / entry.images for entry in entries]
    colours = [BLUE if entry.codec == "kerasae" else PALE for entry in entries]
    bars = axes.barh([entry.codec for entry in entries], values, color=colours)
    labels = []
    for entry, value in zip(entries, values, strict=True):
        quality = "lossless" if np.isinf(entry.psnr) else f"{entry.psnr:.1f} dB"
        labels.append(f" {_short(value)} B, {_seconds(8 * value / link)} s, {quality}")
    axes.bar_label(bars, labels, color=INK, fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(limits)
    axes.set_xlabel(f"bytes an image (log scale), seconds at {link:,.0f} bit/s")
    axes.set_title(name, fontsize=10, color=INK, loc="left")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)


def _short(value: float) -> str:
    """A number with about three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _seconds(value: float) -> str:
    """Seconds, below 1 with two digits: nobody tells thousandths of them apart."""
    return f"{value:.2g}" if value < 0.995 else _short(value)
