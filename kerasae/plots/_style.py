"""What all figures share: the figure itself, colours, checks, and pictures in axes."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from matplotlib import figure as matplotlib_figure
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae_export.images import check_images

INK, MUTED, PALE = "#1f2933", "#7b8794", "#c3cad3"
BLUE, ORANGE, GREEN, RED = "#2f6fde", "#e8710a", "#1e8e5a", "#c5221f"
CLASSES = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
"""Ten colours that are told apart with any colour vision (Petroff 2021, arXiv:2107.02270)."""

_CRISP = 2.0  # enlargement from which the pixels of a picture are drawn as squares


class Figure(matplotlib_figure.Figure):
    """A figure that shows itself at the end of a notebook cell, with or without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()


def show_image(axes: Any, picture: NDArray[Any]) -> None:
    """Draw an image in axes without ticks, a small one with its pixels as squares.

    Args:
        axes: Matplotlib's axes to draw in.
        picture: (height, width, 1 or 3), values in [0, 1]; what lies outside is clipped.

    Example:
        >>> import numpy as np
        >>> figure = Figure()
        >>> show_image(figure.add_subplot(), np.zeros((8, 8, 1)))
        >>> figure.axes[0].images[0].get_array().shape
        (8, 8)
    """
    tiny = max(picture.shape[:2]) <= 64
    axes.imshow(
        np.clip(picture, 0, 1).squeeze(),
        cmap="gray",
        vmin=0,
        vmax=1,
        interpolation="nearest" if tiny else "auto",
    )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def pictures(name: str, values: ArrayLike, *, axes: str) -> NDArray[Any]:
    """Return `values` as an array of images, `axes` naming what comes before height.

    Raises:
        ValueError: If the number of axes or of channels is another, an axis is empty, or the
            values are neither finite numbers nor uint8 from 0 to 255.
    """
    array = _arguments.array(name, values)
    if array.ndim != 3 + len(axes.split(", ")) or array.shape[-1] not in (1, 3) or not array.size:
        raise ValueError(
            f"`{name}` must hold images, an array ({axes}, height, width, 1 or 3). "
            f"Received: shape={array.shape}"
        )
    flat = array.reshape(-1, *array.shape[-3:])
    checked = check_images(name, flat, shape=array.shape[-3:]).reshape(array.shape)
    return array if array.dtype == np.float64 else checked


def texts(name: str, values: Any) -> list[str]:
    """Return `values` as a list of texts.

    Raises:
        ValueError: If it is no sequence of them.
    """
    given: list[Any] = list(values) if isinstance(values, (Sequence, np.ndarray)) else [None]
    if isinstance(values, str) or not all(isinstance(value, str) for value in given):
        raise ValueError(f"`{name}` must hold texts. Received: {name}={values!r}")
    return given


def named(name: str, names: Sequence[Any] | None, count: int, of: str) -> list[str]:
    """Return one text for each of `count` things, or no texts; numbers are shortened.

    Raises:
        ValueError: If there are more or fewer.
    """
    if names is None:
        return []
    try:
        given = list(names)
    except TypeError:
        given = []
    if len(given) != count:
        found = len(given) if hasattr(names, "__len__") else repr(names)
        raise ValueError(
            f"`{name}` must hold one value for each of the {count} {of}. Received: {found}"
        )
    return [value if isinstance(value, str) else _number(name, value) for value in given]


def mosaic(grid: NDArray[Any], gap: int) -> NDArray[Any]:
    """Join (rows, columns, height, width, channels) into one picture, white in the gaps."""
    rows, columns, height, width, channels = grid.shape
    sheet = np.ones((rows, height + gap, columns, width + gap, channels))
    sheet[:, :height, :, :width] = np.clip(grid.transpose(0, 2, 1, 3, 4), 0, 1)
    whole = sheet.reshape(rows * (height + gap), columns * (width + gap), channels)
    return whole[: len(whole) - gap, : whole.shape[1] - gap] if gap else whole


def sheet(
    grid: NDArray[Any], *, gap: int, width: float, margin: float = 0.0, room: float = 0.0
) -> tuple[Figure, Any]:
    """A figure with a mosaic, each image at its centre's tick position.

    Args:
        grid: (rows, columns, height, width, channels).
        gap: Pixels between neighbours.
        width: Inches of the mosaic at most; a column is never wider than 1.1.
        margin: Inches beside it, for the names of rows.
        room: Inches above or below it, for the names of columns.
    """
    rows, columns, height, pixels = grid.shape[:4]
    whole = mosaic(grid, gap)
    inches = min(width, 1.1 * columns)
    figure = Figure(
        figsize=(inches + margin + 0.1, inches * len(whole) / whole.shape[1] + room + 0.1),
        layout="constrained",
    )
    axes = figure.add_subplot()
    show_image(axes, whole)
    axes.set_anchor("E")  # what room is left belongs to the names of the rows
    enlarged = 100 * inches / whole.shape[1]
    axes.images[0].set_interpolation("nearest" if enlarged >= _CRISP else "auto")
    axes.set_xticks([(pixels - 1) / 2 + i * (pixels + gap) for i in range(columns)], [""] * columns)
    axes.set_yticks([(height - 1) / 2 + i * (height + gap) for i in range(rows)], [""] * rows)
    axes.tick_params(length=0, colors=INK, labelsize=9)
    return figure, axes


def wide(names: Sequence[str], size: float = 9) -> float:
    """About how many inches the longest of the texts takes."""
    longest = max((len(line) for name in names for line in name.split("\n")), default=0)
    return 0.2 + longest * size * 0.6 / 72 if longest else 0.0


def thinned(count: int, most: int) -> range:
    """At most `most` evenly spaced positions out of `count`, both ends among them if they fit."""
    step = math.ceil((count - 1) / max(1, most - 1)) if count > 1 else 1
    return range((count - 1) % step // 2, count, step)


def _number(name: str, value: Any) -> str:
    """About three digits, with the minus sign that Matplotlib writes."""
    scalar = getattr(value, "ndim", None) == 0 and value is not np.ma.masked
    number = np.asarray(value).item() if scalar else value
    if not isinstance(number, Real):
        kind = type(value).__name__
        raise ValueError(f"`{name}` must hold texts or numbers. Received: {kind}")
    return f"{number:.3g}".replace("-", "\N{MINUS SIGN}")
