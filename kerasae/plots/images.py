"""Images in rows and columns: reconstructions, samples, traversals and the code's plane."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from kerasae import _arguments
from kerasae.plots import _style
from kerasae.plots._style import BLUE, INK, Figure, show_image

__all__ = [
    "plot_inpaintings",
    "plot_manifold",
    "plot_reconstructions",
    "plot_samples",
    "plot_traversals",
]

_WIDTH = 9.0  # inches of a picture of many images


def plot_reconstructions(
    originals: NDArray[Any],
    reconstructions: NDArray[Any],
    *,
    count: int = 10,
    gain: float = 4.0,
) -> Figure:
    """Plot originals, their reconstructions, and the differences, one column an image.

    Args:
        originals: (n, height, width, 1 or 3), values in [0, 1].
        reconstructions: The same shape.
        count: Number of images to show, the first ones.
        gain: Factor by which differences are enlarged around mid-grey.

    Returns:
        A figure with three rows of axes.

    Raises:
        ValueError: If the arrays are not images, or differ in shape.

    Example:
        >>> import numpy as np
        >>> images = np.zeros((4, 8, 8, 1))
        >>> [axes.get_ylabel() for axes in plot_reconstructions(images, images, count=1).axes]
        ['original', 'reconstruction', 'difference x4']
    """
    originals, reconstructions = _same_shape(originals, "reconstructions", reconstructions)
    count, gain = _arguments.positive_int("count", count), _arguments.number("gain", gain, low=0.0)
    rows = {"original": originals[:count], "reconstruction": reconstructions[:count]}
    return _rows({**rows, **_differences(originals[:count], reconstructions[:count], gain)})


def plot_inpaintings(
    originals: NDArray[Any],
    masks: NDArray[Any],
    inpainted: NDArray[Any],
    *,
    count: int = 10,
    gain: float = 1.0,
) -> Figure:
    """Plot originals, what was left of them, how it was filled, and the differences.

    Args:
        originals: (n, height, width, 1 or 3), values in [0, 1].
        masks: Booleans, True where a pixel is missing: (n, height, width), or (height, width)
            for all images. Such pixels are drawn in blue.
        inpainted: The shape of `originals`, such as `kerasae.inpaint` gives.
        count: Number of images to show, the first ones.
        gain: Factor by which differences are enlarged around mid-grey.

    Returns:
        A figure with four rows of axes.

    Raises:
        ValueError: If the arrays are not images, or do not fit each other.

    Example:
        >>> import numpy as np
        >>> images, mask = np.zeros((4, 8, 8, 1)), np.eye(8, dtype=bool)
        >>> [axes.get_ylabel() for axes in plot_inpaintings(images, mask, images, count=1).axes]
        ['original', 'with hole', 'inpainted', 'difference']
    """
    originals, inpainted = _same_shape(originals, "inpainted", inpainted)
    count, gain = _arguments.positive_int("count", count), _arguments.number("gain", gain, low=0.0)
    holes = _arguments.array("masks", masks)
    shape = originals.shape[:3]
    if holes.dtype != np.bool_ or holes.shape not in (shape, shape[1:]):
        raise ValueError(
            f"`masks` must be booleans of the shape {shape}, or {shape[1:]} for all images. "
            f"Received: {holes.dtype} of the shape {holes.shape}"
        )
    holes = np.broadcast_to(holes, shape)[:count, ..., None]
    coloured = np.repeat(originals[:count], 3 // originals.shape[-1], axis=-1)
    rows = {
        "original": originals[:count],
        "with hole": np.where(holes, to_rgb(BLUE), coloured),
        "inpainted": inpainted[:count],
    }
    return _rows({**rows, **_differences(originals[:count], inpainted[:count], gain)})


def plot_samples(
    images: NDArray[Any], *, columns: int = 10, labels: Sequence[str] | None = None
) -> Figure:
    """Plot images in a neat grid: samples row after row, or one interpolation a row.

    Args:
        images: (n, height, width, 1 or 3), values in [0, 1], or with rows of their own,
            (rows, columns, height, width, 1 or 3), as interpolations are.
        columns: Images in a row, where the array has no rows of its own.
        labels: A name for each row.

    Returns:
        A figure with one picture that holds all images.

    Raises:
        ValueError: If the array holds no images, or the labels are not as many as the rows.

    Example:
        >>> import numpy as np
        >>> figure = plot_samples(np.zeros((7, 8, 8, 1)), columns=5)
        >>> figure.axes[0].images[0].get_array().shape  # 2 rows, 5 columns, a pixel between
        (17, 44)
    """
    if _arguments.array("images", images).ndim == 5:
        grid = _style.pictures("images", images, axes="rows, columns")
    else:
        images = _style.pictures("images", images, axes="n")
        columns = min(_arguments.positive_int("columns", columns), len(images))
        rows = math.ceil(len(images) / columns)
        blank = np.ones((rows * columns - len(images), *images.shape[1:]))
        grid = np.concatenate([images, blank]).reshape(rows, columns, *images.shape[1:])
    names = _style.named("labels", labels, len(grid), "rows")
    figure, axes = _style.sheet(grid, gap=_gap(grid), width=_WIDTH, margin=_style.wide(names))
    if names:
        axes.set_yticks(axes.get_yticks(), names)
    return figure


def plot_traversals(
    grid: NDArray[Any],
    *,
    labels: Sequence[str | float] | None = None,
    values: Sequence[str | float] | None = None,
    xlabel: str = "value of the dimension",
) -> Figure:
    """Plot what each dimension of a code changes: a row for a dimension, a column for a value.

    Args:
        grid: (dimensions, steps, height, width, 1 or 3), values in [0, 1]: decoded codes in which
            one dimension takes one value after the other.
        labels: A name for each row, such as "z3, KL 2.1"; by default the number of the dimension.
        values: What the dimension was set to in each column, in the code's units.
        xlabel: What `values` are, if they are something else, such as how far it was moved.

    Returns:
        A figure with one picture that holds all images.

    Raises:
        ValueError: If the array holds no images, or labels or values are not as many as the rows
            or columns.

    Example:
        >>> import numpy as np
        >>> figure = plot_traversals(np.zeros((2, 5, 8, 8, 1)), values=[-2, -1, 0, 1, 2])
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['dimension 0', 'dimension 1']
    """
    grid = _style.pictures("grid", grid, axes="dimensions, steps")
    names = _style.named("labels", labels, len(grid), "rows") or [
        f"dimension {i}" for i in range(len(grid))
    ]
    settings = _style.named("values", values, grid.shape[1], "columns")
    figure, axes = _style.sheet(
        grid,
        gap=_gap(grid),
        width=_WIDTH - 1,
        margin=_style.wide(names),
        room=0.5 if settings else 0.0,
    )
    axes.set_yticks(axes.get_yticks(), names)
    if settings:
        kept = _style.thinned(len(settings), _room(axes.figure, settings))
        axes.set_xticks([axes.get_xticks()[i] for i in kept], [settings[i] for i in kept])
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.set_xlabel(xlabel, color=INK, fontsize=9)
        axes.xaxis.set_label_position("top")
    return figure


def plot_manifold(
    grid: NDArray[Any],
    *,
    rows: Sequence[str | float] | None = None,
    columns: Sequence[str | float] | None = None,
    labels: tuple[str, str] = ("second code value", "first code value"),
) -> Figure:
    """Plot the images of a grid of codes as one seamless picture.

    Args:
        grid: (rows, columns, height, width, 1 or 3), values in [0, 1]: the decoder's images where
            one value of the code goes down and the other along. The first row is drawn on top.
        rows: The code's value in each row.
        columns: The code's value in each column.
        labels: What is written at the vertical and the horizontal axis, where values are given.

    Returns:
        A figure with one picture that holds all images.

    Raises:
        ValueError: If the array holds no images, or there are more or fewer values than rows or
            columns.

    Example:
        >>> import numpy as np
        >>> figure = plot_manifold(np.zeros((2, 3, 8, 8, 1)), rows=[1, -1], columns=[-1, 0, 1])
        >>> figure.axes[0].images[0].get_array().shape
        (16, 24)
    """
    grid = _style.pictures("grid", grid, axes="rows, columns")
    down = _style.named("rows", rows, len(grid), "rows")
    along = _style.named("columns", columns, grid.shape[1], "columns")
    width = min(6.5, 7.0 * grid.shape[1] * grid.shape[3] / (len(grid) * grid.shape[2]))
    figure, axes = _style.sheet(
        grid,
        gap=0,
        width=width,
        margin=_style.wide(down) + 0.25 if down else 0.0,
        room=0.45 if along else 0.0,
    )
    axes.tick_params(length=3)
    axes.set_xticks(axes.get_xticks() if along else [], along)
    axes.set_yticks(axes.get_yticks() if down else [], down)
    if along:
        kept = _style.thinned(len(along), min(9, _room(figure, along)))
        axes.set_xticks([axes.get_xticks()[i] for i in kept], [along[i] for i in kept])
        axes.set_xlabel(labels[1], color=INK)
    if down:
        kept = _style.thinned(len(down), 9)
        axes.set_yticks([axes.get_yticks()[i] for i in kept], [down[i] for i in kept])
        axes.set_ylabel(labels[0], color=INK)
    return figure


def _same_shape(
    originals: NDArray[Any], name: str, others: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    originals = _style.pictures("originals", originals, axes="n")
    others = _style.pictures(name, others, axes="n")
    if originals.shape != others.shape:
        raise ValueError(
            f"`{name}` must have the shape of `originals`, {originals.shape}. "
            f"Received: shape={others.shape}"
        )
    return originals, others


def _differences(
    originals: NDArray[Any], others: NDArray[Any], gain: float
) -> dict[str, NDArray[Any]]:
    """A row of differences, with how much they are enlarged as its name."""
    name = "difference" if gain == 1 else f"difference x{gain:g}"
    return {name: np.clip(0.5 + gain * (others - originals), 0, 1)}


def _rows(rows: Mapping[str, NDArray[Any]]) -> Figure:
    """A figure with a row of axes for each array of images, its name in front."""
    count, height, width = next(iter(rows.values())).shape[:3]
    inches = min(1.1, 9.6 / count)
    figure = Figure(
        figsize=(inches * count + 1.2, len(rows) * inches * height / width + 0.2),
        layout="constrained",
    )
    grid = figure.subplots(len(rows), count, squeeze=False)
    for (name, row), axes_row in zip(rows.items(), grid, strict=True):
        for axes, picture in zip(axes_row, row, strict=True):
            show_image(axes, picture)
        axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center", color=INK)
    return figure


def _gap(grid: NDArray[Any]) -> int:
    """Pixels between images: about a sixteenth of their width."""
    return max(1, round(grid.shape[3] / 16))


def _room(figure: Figure, names: Sequence[str]) -> int:
    """How many of the texts fit side by side in the width of a figure."""
    return max(1, int(figure.get_figwidth() / (_style.wide(names) + 0.05)))
