"""The weights of a layer that sees or makes pixels, drawn as pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots import _style
from kerasae.plots._style import INK, Figure
from kerasae_export.images import check_numbers

if TYPE_CHECKING:
    import keras

__all__ = ["plot_filters"]


def plot_filters(
    model_or_kernel: keras.Model | ArrayLike,
    *,
    layer: str | None = None,
    count: int = 64,
    image_shape: Sequence[int] | None = None,
    sort: bool = False,
    columns: int = 16,
) -> Figure:
    """Plot what each unit of a layer looks for in the pixels, or paints with, as a picture.

    Zero is mid-grey, and each picture is scaled by its own largest weight `m`: a weight `w` is
    drawn as `(1 + w / m) / 2`. A dense unit's weights take the shape of the image, a filter of a
    convolution is a small patch; three channels are drawn in colour.

    Args:
        model_or_kernel: A model with nested models `encoder` and `decoder`, a model of its own, or
            a kernel: (pixels, units) of a dense layer, or (height, width, 1 or 3, filters) of a
            convolution.
        layer: Name of a layer of the model, in the encoder, else in the decoder; by default the
            first layer of the encoder that has a kernel.
        count: How many to show, the first ones.
        image_shape: (height, width, channels) of an image, where a dense kernel is given alone.
        sort: Show those with the largest norm first, which are the strong ones where a penalty
            lets the others decay; units that never learned keep the norm they began with.
        columns: Pictures in a row.

    Returns:
        A figure with one picture that holds all of them.

    Raises:
        ValueError: If there is no such layer, or its kernel does not meet the pixels.

    Example:
        >>> import kerasae
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4, hidden=(20,))
        >>> figure = plot_filters(model, columns=10)
        >>> figure.axes[0].images[0].get_array().shape  # 2 rows of 10, a pixel between
        (17, 89)
    """
    count, columns = (
        _arguments.positive_int(name, value)
        for name, value in (("count", count), ("columns", columns))
    )
    sort = _arguments.boolean("sort", sort)
    if hasattr(model_or_kernel, "layers"):
        name, filters = _of_model(model_or_kernel, layer)
    else:
        name, filters = (
            "",
            _of_kernel(check_numbers("model_or_kernel", model_or_kernel), image_shape),
        )
    total = len(filters)
    norms = np.sqrt(np.square(filters).sum(axis=(1, 2, 3)))
    if sort:
        filters = filters[np.argsort(-norms, kind="stable")]
    filters = filters[:count]
    largest = np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    tones = 0.5 + 0.5 * filters / np.where(largest > 0, largest, 1.0)

    columns = min(columns, len(tones))
    rows = math.ceil(len(tones) / columns)
    blank = np.ones((rows * columns - len(tones), *tones.shape[1:]))
    grid = np.concatenate([tones, blank]).reshape(rows, columns, *tones.shape[1:])
    of = f"{len(tones)} of {total}" if len(tones) < total else f"{total}"
    order = ", largest norm first" if sort else ""
    where = f" of the layer {name!r}" if name else ""
    title = f"{of} filters{where}{order}"
    figure, axes = _style.sheet(
        grid,
        gap=max(1, tones.shape[2] // 16),
        width=9.0,
        margin=max(0.0, _style.wide([title], 10) - 1.1 * columns),  # of few columns
        room=0.3,
    )
    axes.set(xticks=[], yticks=[], anchor="W")
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    return figure


def _of_model(model: Any, name: str | None) -> tuple[str, NDArray[np.float64]]:
    """The name of the layer and its filters (n, height, width, channels)."""
    nested = {layer.name: layer for layer in model.layers}
    parts = [nested[part] for part in ("encoder", "decoder") if part in nested] or [model]
    layers = [(part, layer) for part in parts for layer in part.layers]
    if name is None:
        found = [pair for pair in layers if hasattr(pair[1], "kernel")]
        if not found:
            raise ValueError(
                f"`model_or_kernel` must have a layer with a kernel. Received: {model.name!r}"
            )
    else:
        found = [pair for pair in layers if pair[1].name == name]
        if not found or not hasattr(found[0][1], "kernel"):
            have = ", ".join(layer.name for _, layer in layers if hasattr(layer, "kernel"))
            raise ValueError(
                f"`layer` must name a layer with a kernel, one of {have}. Received: layer={name!r}"
            )
    part, layer = found[0]
    # What the optimiser holds may lie on another device: the layer's own copy does as well.
    kernel = np.asarray(layer.get_weights()[0], float)
    makes_pixels = part is not parts[0]
    shape = part.output_shape[1:] if makes_pixels else part.input_shape[1:]
    transposed = "Transpose" in type(layer).__name__
    if makes_pixels and kernel.ndim == 2:
        kernel = kernel.T  # (pixels, units): what a unit paints
    elif makes_pixels and not transposed:  # a convolution whose outputs are pixels
        kernel = kernel.swapaxes(2, 3)
    try:
        return layer.name, _of_kernel(kernel, shape)
    except ValueError:
        side = "outputs" if makes_pixels else "inputs"
        raise ValueError(
            f"`layer` must name a layer whose {side} are the pixels of images {tuple(shape)}. "
            f"Received: {layer.name!r} with a kernel of shape {tuple(layer.kernel.shape)}"
        ) from None


def _of_kernel(kernel: NDArray[np.float64], shape: Sequence[int] | None) -> NDArray[np.float64]:
    """The filters (n, height, width, channels) of a kernel that meets the pixels."""
    if kernel.ndim == 4 and kernel.shape[2] in (1, 3):
        return kernel.transpose(3, 0, 1, 2)
    if kernel.ndim == 2 and shape is None:
        raise ValueError("`image_shape` must be given for a dense kernel. Received: None")
    picture = shape is not None and len(shape) == 3 and shape[2] in (1, 3)
    if shape is not None and picture and kernel.ndim == 2 and len(kernel) == math.prod(shape):
        return kernel.T.reshape(-1, *shape)
    raise ValueError(
        "`model_or_kernel` must be a kernel (pixels, units) for images of `image_shape`, or "
        f"(height, width, 1 or 3, filters). Received: shape={kernel.shape}, "
        f"image_shape={shape if shape is None else tuple(shape)}"
    )
