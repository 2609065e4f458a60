"""What a model does at a moment of its training, in one picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots import _style
from kerasae.plots._style import BLUE, CLASSES, INK, MUTED, Figure, show_image

__all__ = ["plot_progress"]


def plot_progress(
    originals: NDArray[Any],
    reconstructions: NDArray[Any],
    *,
    samples: NDArray[Any] | None = None,
    points: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    title: str = "",
) -> Figure:
    """Plot reconstructions, samples and the plane of codes side by side, always of one size.

    Args:
        originals: (n, height, width, 1 or 3), values in [0, 1].
        reconstructions: The same count, (n, height, width, 1 or 3).
        samples: (m, height, width, 1 or 3), or None.
        points: (k, 2), codes in a plane, or None.
        labels: (k,), integers, the classes of the points.
        title: What stands above.

    Returns:
        A figure with axes for the images, then the samples, then the codes.

    Raises:
        ValueError: If the arrays are not images, or points are not (k, 2).

    Example:
        >>> import numpy as np
        >>> figure = plot_progress(np.zeros((4, 8, 8, 1)), np.zeros((4, 8, 8, 1)), title="epoch 1")
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['originals and reconstructions']
    """
    originals = _style.pictures("originals", originals, axes="n")
    rebuilt = _style.pictures("reconstructions", reconstructions, axes="n")
    if len(rebuilt) != len(originals):
        raise ValueError(
            f"`reconstructions` must be as many as `originals`, {len(originals)}. "
            f"Received: {len(rebuilt)}"
        )
    figure = Figure(figsize=(9.6, 4.4) if points is not None else (5.6, 4.4), layout="constrained")
    if _arguments.text("title", title):
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=INK)
    grid = figure.add_gridspec(2 if samples is not None else 1, 1 if points is None else 2)
    pairs = [_style.mosaic(x[None], 1) for x in _alike(originals, rebuilt)]
    gap = np.ones((1, *pairs[0].shape[1:]))
    _panel(
        figure,
        grid[0, 0],
        np.concatenate([pairs[0], gap, pairs[1]]),
        "originals and reconstructions",
    )
    if samples is not None:
        made = _style.pictures("samples", samples, axes="n")
        columns = min(len(originals), len(made))
        made = made[: len(made) // columns * columns]
        rows = made.reshape(-1, columns, *made.shape[1:])
        _panel(figure, grid[1, 0], _style.mosaic(rows, 1), "samples")
    if points is not None:
        _scatter(figure.add_subplot(grid[:, 1]), points, labels)
    return figure


def _alike(*parts: NDArray[Any]) -> list[NDArray[Any]]:
    """Grey images in colour, where others are."""
    channels = max(part.shape[-1] for part in parts)
    return [np.broadcast_to(part, (*part.shape[:-1], channels)) for part in parts]


def _panel(figure: Figure, place: Any, picture: NDArray[Any], name: str) -> None:
    axes = figure.add_subplot(place)
    show_image(axes, picture)
    axes.images[0].set_interpolation("nearest")
    axes.set_title(name, loc="left", fontsize=9, color=MUTED)


def _scatter(axes: Any, points: ArrayLike, labels: ArrayLike | None) -> None:
    plane = _arguments.array("points", points)
    if plane.ndim != 2 or plane.shape[1] != 2:
        raise ValueError(f"`points` must have the shape (k, 2). Received: shape {plane.shape}")
    colours: Any = BLUE
    if labels is not None:
        _, members = np.unique(_arguments.labels("labels", labels), return_inverse=True)
        colours = np.array(CLASSES)[members % len(CLASSES)]
    axes.scatter(plane[:, 0], plane[:, 1], c=colours, s=9, alpha=0.8, linewidths=0)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_title("codes in their plane", loc="left", fontsize=9, color=MUTED)
    axes.tick_params(labelsize=7, colors=MUTED)
    axes.spines[:].set_color("#c3cad3")
