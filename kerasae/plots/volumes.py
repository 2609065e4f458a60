"""Pictures of volumes: slices along one axis, each row a volume."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots._style import CLASSES, Figure
from kerasae_export.images import check_images

__all__ = ["plot_slices"]

_AXES = ("depth", "height", "width")


def plot_slices(
    volumes: ArrayLike,
    reconstructions: ArrayLike | None = None,
    *,
    axis: str = "depth",
    count: int = 6,
) -> Figure:
    """Plot slices of volumes, evenly spaced along an axis, a row for each volume.

    With reconstructions a row of these follows each volume, on the same scale of grey. Classes of
    voxels, integers (n, depth, height, width), are drawn in colours.

    Args:
        volumes: (n, depth, height, width, channels) of 1 or 3 channels, or integer classes
            (n, depth, height, width).
        reconstructions: The same shape, or None.
        axis: `"depth"`, `"height"` or `"width"`, along which to cut.
        count: Slices of each volume.

    Returns:
        A figure.

    Raises:
        ValueError: If a shape is another, or an argument out of range.

    Example:
        >>> from kerasae.data import load_volumes
        >>> figure = plot_slices(load_volumes("bodies", size=16, limit=4).test[:2], count=4)
        >>> len(figure.axes)
        8
    """
    along = _AXES.index(_arguments.one_of("axis", axis, _AXES))
    count = _arguments.positive_int("count", count)
    rows = [_checked("volumes", volumes)]
    if reconstructions is not None:
        rows.append(_checked("reconstructions", reconstructions))
        if rows[1].shape != rows[0].shape:
            raise ValueError(
                f"`reconstructions` must have the shape of `volumes`, {rows[0].shape}. "
                f"Received: {rows[1].shape}"
            )
    low, high = min(0.0, float(rows[0].min())), max(1.0, float(rows[0].max()))
    shown = [values for group in zip(*rows, strict=True) for values in group]
    places = _places(shown[0].shape[along], count)
    figure = Figure(figsize=(1.2 * len(places), 1.2 * len(shown) + 0.3), layout="constrained")
    grid = figure.subplots(len(shown), len(places), squeeze=False)
    for axes, values in zip(grid, shown, strict=True):
        for one, place in zip(axes, places, strict=True):
            cut = np.take(values, place, axis=along)
            scaled = np.clip((cut - low) / max(high - low, 1e-12), 0, 1)
            one.imshow(
                scaled[..., 0] if cut.shape[-1] == 1 else scaled, cmap="gray", vmin=0, vmax=1
            )
            one.set_axis_off()
    for one, place in zip(grid[0], places, strict=True):
        one.set_title(f"{axis} {place}", fontsize=8)
    return figure


def _places(length: int, count: int) -> list[int]:
    """Slices that are evenly spaced, each in the middle of its share."""
    count = min(count, length)
    return [int((i + 0.5) * length / count) for i in range(count)]


def _checked(name: str, values: Any) -> NDArray[np.float32]:
    """Volumes of 1 or 3 channels; classes as colours."""
    array = _arguments.array(name, values)
    if array.dtype.kind in "iu" and array.ndim == 4 and array.size:
        from matplotlib.colors import to_rgb

        colours = np.array([to_rgb(colour) for colour in ("white", *CLASSES)], np.float32)
        return colours[array.astype(int) % len(colours)]
    if array.ndim != 5 or array.shape[-1] not in (1, 3) or not array.size:
        raise ValueError(
            f"`{name}` must be volumes (n, depth, height, width, channels) of 1 or 3 channels, or "
            f"integer classes (n, depth, height, width). Received: {array.dtype} of shape "
            f"{array.shape}"
        )
    if array.dtype == np.uint8:
        array = array / np.float32(255 if array.max() > 1 else 1)
    return check_images(name, array, shape=array.shape[1:])
