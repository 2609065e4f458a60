"""What codecs make of the same images: the pictures, and bytes as bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasae import _arguments
from kerasae.plots._style import BLUE, INK, MUTED, PALE, Figure, show_image

if TYPE_CHECKING:
    from kerasae_export.evaluation.comparison import Entry

__all__ = ["plot_comparison"]

_DECADES = 200  # largest over smallest, from where on powers of ten are ticks enough


def plot_comparison(files: Sequence[Entry], together: Sequence[Entry], *, link: float) -> Figure:
    """Plot what codecs make of the same images: the pictures, and bytes as bars.

    A single picture is shown whole and, below, its middle ninth enlarged. Bars of the same length
    are the same number of bytes, in both panels.

    Args:
        files: What `kerasae_export.comparison.compare_files` gives: an `Entry` for each codec, one
            or more, with one file for each image.
        together: What `compare_together` gives, with all images at once, or empty.
        link: Bits a second of the link for the seconds beside the bars, above 0.

    Returns:
        A figure with the pictures of each codec but PNG above, and below one axes with bars, or
        two with `together`.

    Raises:
        ValueError: If there is no entry, or `link` is not above 0.

    Example:
        >>> import numpy as np
        >>> from kerasae_export.evaluation.comparison import Entry
        >>> black = np.zeros((8, 8, 1), np.uint8)
        >>> files = [
        ...     Entry("raw", 64, 1, float("inf"), 1.0, "8 bits a value", (black,)),
        ...     Entry("kerasae", 9, 1, 30.0, 0.9, "one .kae each", (black,)),
        ... ]
        >>> figure = plot_comparison(files, [], link=9600)
        >>> [label.get_text() for label in figure.axes[-1].get_yticklabels()]
        ['raw', 'kerasae']
    """
    link = _arguments.number("link", link, low=0.0)
    if not files:
        raise ValueError("`files` must hold an entry or more. Received: none")
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
            axes = figure.add_subplot(pictures[1, i])
            show_image(axes, entry.pictures[0][middle] / 255)
            if i == 0:
                axes.set_title("the middle, enlarged", fontsize=9, color=MUTED, loc="left")
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
    _end_at(axes, max(values))


def _end_at(axes: Any, high: float) -> None:
    """End the scale where the data end: beyond is room for words."""
    low = axes.get_xlim()[0]
    axes.spines["bottom"].set_bounds(low, high)
    steps = (1,) if high / low > _DECADES else (1, 2, 5)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    axes.set_xticks([tick for tick in ticks if low <= tick <= high])
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")


def _short(value: float) -> str:
    """A number with about three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _seconds(value: float) -> str:
    """Seconds, below 1 with two digits: nobody tells thousandths of them apart."""
    return f"{value:.2g}" if value < 0.995 else _short(value)
