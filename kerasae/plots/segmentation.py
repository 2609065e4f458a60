"""Images with the classes of their pixels laid over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots import _style
from kerasae.plots._style import INK, MUTED, Figure, show_image

__all__ = ["plot_segmentations"]

_COLOURS = (
    "#7cc7ff", "#8c3b2e", "#5b5f66", "#e8c9a0", "#1e8e3e", "#d81b60", "#ffd500", "#5e35b1",
    "#00b3a4", "#ff8f00", "#1a3fb0", "#b8e06c", "#f5a3d0", "#00451f", "#c9b8ff", "#6b5b00",
)  # fmt: skip
"""Sixteen colours that differ in lightness where a colour-blind eye sees one hue."""

_USUAL = {
    name: place
    for place, names in enumerate(
        ("sky", "building", "road", "pavement sidewalk", "tree vegetation", "car",
         "pedestrian person", "pole", "bicyclist", "fence")
    )
    for name in names.split()
}  # fmt: skip
"""Classes that have the same colour in any set."""

_STRENGTH = 0.62
_HATCH = "////"


def plot_segmentations(
    images: NDArray[Any],
    labels: ArrayLike,
    predictions: ArrayLike,
    *,
    names: Sequence[str],
    ignored_class: int | None = None,
    count: int = 4,
) -> Figure:
    """Plot images, and their true and predicted classes laid over them, one column an image.

    Classes that occur in none of these maps are left out of the legend. Pixels of the ignored
    class are grey and hatched in the truth; in the prediction they have the class that the model
    gives them, paler, since it counts nowhere.

    Args:
        images: (n, height, width, 1 or 3), values in [0, 1].
        labels: Integers (n, height, width) below the number of `names`, or `ignored_class`.
        predictions: Integers of the same shape, such as `logits.argmax(-1)`.
        names: Name of each class, at most 16; that of the ignored one may be among them.
        ignored_class: Label of the pixels that belong to no class.
        count: Number of images to show, the first ones.

    Returns:
        A figure with three rows of axes and a legend.

    Raises:
        ValueError: If the arrays do not fit each other, or a class has no name or no colour.

    Example:
        >>> import numpy as np
        >>> images, labels = np.zeros((1, 8, 8, 3)), np.eye(8, dtype=int)[None]
        >>> figure = plot_segmentations(images, labels, labels, names=("ground", "line"))
        >>> [text.get_text() for text in figure.legends[0].texts]
        ['ground', 'line']
    """
    images = _style.pictures("images", images, axes="n")
    maps = {
        "labels": _arguments.array("labels", labels),
        "predictions": _arguments.array("predictions", predictions),
    }
    for name, values in maps.items():
        if values.shape != images.shape[:3] or not np.issubdtype(values.dtype, np.integer):
            raise ValueError(
                f"`{name}` must hold integers of shape {images.shape[:3]}. "
                f"Received: {values.dtype} of shape {values.shape}"
            )
    count = min(_arguments.positive_int("count", count), len(images))
    if ignored_class is not None:
        ignored_class = _arguments.non_negative_int("ignored_class", ignored_class)
    names = _style.texts("names", names)
    maps = {name: values[:count] for name, values in maps.items()}
    ignored = maps["labels"] == ignored_class  # (count, H, W)
    known = [i for i in range(len(names)) if i != ignored_class]
    shown = sorted({*np.unique(maps["labels"][~ignored]), *np.unique(maps["predictions"])})
    if len(known) > len(_COLOURS) or not set(shown) <= set(known):
        raise ValueError(
            f"`names` must name each class, and at most {len(_COLOURS)}. "
            f"Received: {len(names)} names, and the classes {[int(i) for i in shown]}"
        )

    colours = _colours(names, ignored_class)
    inches = min(2.6, 10.0 / count)
    aspect = images.shape[1] / images.shape[2]
    figure = Figure(figsize=(inches * count + 2.6, 3 * inches * aspect + 0.3), layout="constrained")
    grid = figure.subplots(3, count, squeeze=False)
    for column in range(count):
        picture, unknown = images[column], ignored[column]
        show_image(grid[0, column], picture)
        truth = _laid_over(picture, maps["labels"][column], colours, unknown)
        show_image(grid[1, column], truth)
        if unknown.any():
            _hatch(grid[1, column], unknown)
        found = _laid_over(picture, maps["predictions"][column], colours, unknown, pale=0.45)
        show_image(grid[2, column], found)
    for axes, name in zip(grid[:, 0], ("image", *maps), strict=True):
        axes.set_ylabel(name, rotation=0, ha="right", va="center", color=INK)
    patches = [Patch(fc=colours[i], label=names[i]) for i in shown]
    if ignored.any():
        label = "ignored" if ignored_class is None or ignored_class >= len(names) else None
        label = label or names[int(ignored_class or 0)]
        patches.append(Patch(fc="#b8bec6", ec="white", hatch=_HATCH, label=label))
    legend = figure.legend(handles=patches, loc="outside right center", frameon=False, fontsize=9)
    for text in legend.get_texts():
        text.set_color(INK)
    return figure


def _colours(names: Sequence[str], ignored_class: int | None) -> dict[int, str]:
    """A colour for each class: its usual one, or else the next that is free."""
    places = [None if i == ignored_class else _USUAL.get(n.lower()) for i, n in enumerate(names)]
    free = iter([colour for i, colour in enumerate(_COLOURS) if i not in places])
    taken: set[int] = set()
    colours = {}
    for i, place in enumerate(places):
        if i == ignored_class:
            continue
        usual = place is not None and place not in taken
        colours[i] = _COLOURS[place] if place is not None and usual else next(free)
        taken |= {place} if place is not None else set()
    return colours


def _laid_over(
    picture: NDArray[Any],
    labels: NDArray[Any],
    colours: dict[int, str],
    ignored: NDArray[np.bool_],
    *,
    pale: float | None = None,
) -> NDArray[np.float64]:
    """The picture in grey under the colours of its classes; ignored pixels are grey, or pale."""
    shades = np.full((*labels.shape, 3), _rgb(MUTED))
    for label, colour in colours.items():
        shades[labels == label] = _rgb(colour)
    strength = np.full((*labels.shape, 1), _STRENGTH)
    if pale is not None:
        strength[ignored] *= pale
    grey = np.clip(picture, 0, 1).mean(axis=-1, keepdims=True)
    return (1 - strength) * grey + strength * shades


def _hatch(axes: Any, area: NDArray[np.bool_]) -> None:
    padded = np.pad(area.astype(float), 1)  # or a contour would be open at the border
    y, x = np.arange(-1, area.shape[0] + 1), np.arange(-1, area.shape[1] + 1)
    filled = axes.contourf(x, y, padded, levels=[0.5, 1.5], colors="none", hatches=[_HATCH])
    filled.set_edgecolor("white")
    filled.set_linewidth(0)
    axes.set(xlim=(-0.5, area.shape[1] - 0.5), ylim=(area.shape[0] - 0.5, -0.5))


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
