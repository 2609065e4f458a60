"""Discrete codes: images above the maps of their indices, and how often each index is used."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import hsv_to_rgb
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots import _style
from kerasae.plots._style import BLUE, INK, MUTED, PALE, Figure, show_image

__all__ = ["plot_code_maps"]

_GOLDEN = 0.618034  # of a turn: the hues of successive entries are far apart


def plot_code_maps(
    images: NDArray[Any],
    indices: ArrayLike,
    *,
    size: int | None = None,
    count: int = 8,
) -> Figure:
    """Plot images above the maps of their indices, and the use of the codebook.

    Each entry of the codebook has a colour of its own, which says nothing about what it stands
    for: where two positions have the same colour, the decoder gets the same vector.

    Args:
        images: (n, height, width, 1 or 3), values in [0, 1].
        indices: Integers (n, rows, columns), as `kerasae.encoder` gives them. All of them are
            counted, also those of images that are not shown.
        size: Number of entries of the codebook: adds a panel with the share of each entry, the most
            frequent first. Without it there are maps only.
        count: Number of images to show, the first ones.

    Returns:
        A figure with two rows of axes, and one axes below them if `size` is given.

    Raises:
        ValueError: If the arrays are no images and as many maps, or an index is outside the
            codebook.

    Example:
        >>> import numpy as np
        >>> figure = plot_code_maps(np.zeros((3, 8, 8, 1)), np.zeros((3, 2, 2), int), size=4)
        >>> len(figure.axes)
        7
    """
    images = _style.pictures("images", images, axes="n")
    maps = _arguments.array("indices", indices)
    if maps.dtype.kind not in "iu" or maps.ndim != 3 or len(maps) != len(images) or not maps.size:
        raise ValueError(
            f"`indices` must be integers (n, rows, columns) of the {len(images)} images. "
            f"Received: {maps.dtype} of shape {maps.shape}"
        )
    entries = int(maps.max()) + 1 if size is None else _arguments.positive_int("size", size)
    if maps.min() < 0 or maps.max() >= entries:
        raise ValueError(
            f"`indices` must be from 0 to {entries - 1}. Received: {maps.min()} to {maps.max()}"
        )
    count = min(_arguments.positive_int("count", count), len(images))
    inches = min(1.3, 9.6 / count)
    aspect = images.shape[1] / images.shape[2]
    figure = Figure(
        figsize=(inches * count + 0.9, 2 * inches * aspect + (2.0 if size else 0.2)),
        layout="constrained",
    )
    ratios = [inches * aspect, inches * aspect] + [1.6] * (size is not None)
    grid = figure.add_gridspec(len(ratios), count, height_ratios=ratios)
    colours = _colours(entries)
    for column in range(count):
        for row, picture in enumerate((images[column], colours[maps[column]])):
            axes = figure.add_subplot(grid[row, column])
            show_image(axes, picture)
            if row:
                axes.set_aspect(aspect * maps.shape[2] / maps.shape[1])
            if not column:
                name = "index" if row else "image"
                axes.set_ylabel(name, rotation=0, ha="right", va="center", color=INK)
    if size is not None:
        _plot_use(figure.add_subplot(grid[2, :]), maps, entries)
    return figure


def _plot_use(axes: Any, maps: NDArray[Any], size: int) -> None:
    """Shares of the entries in falling order, beside that of an even use."""
    shares = np.sort(np.bincount(maps.ravel(), minlength=size))[::-1] / maps.size
    used = shares[shares > 0]
    perplexity = float(np.exp(-(used * np.log(used)).sum()))
    axes.bar(np.arange(size) + 0.5, shares, width=1.0, color=BLUE)
    axes.axhline(1 / size, color=MUTED, lw=1, ls="--")
    axes.text(size, 1 / size, "even use", ha="right", va="bottom", color=MUTED, fontsize=9)
    axes.set(xlim=(0, size), ylim=(0, 1.08 * shares[0]))
    axes.set_xlabel("entries of the codebook, by use", color=INK)
    axes.set_ylabel("share", color=INK)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    axes.set_title(
        f"{len(used)} of {size} entries in use, perplexity {perplexity:.3g}",
        loc="left",
        fontsize=10,
        color=INK,
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(PALE)
    axes.tick_params(colors=INK, labelsize=9)


def _colours(count: int) -> NDArray[np.float64]:
    """As many colours, neighbours in the list unlike: (count, 3)."""
    turn = np.arange(count)
    hue = turn * _GOLDEN % 1
    saturation = np.array([0.75, 0.45, 0.9])[turn % 3]
    value = np.array([0.9, 0.7, 0.5, 0.98])[turn % 4]
    return hsv_to_rgb(np.stack([hue, saturation, value], axis=-1))
