"""What each layer of a model gives for one image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots import _style
from kerasae.plots._style import BLUE, GREEN, INK, MUTED, ORANGE, PALE, Figure

if TYPE_CHECKING:
    import keras

__all__ = ["plot_activations"]

_COLOURS = {"image": MUTED, "stem": BLUE, "encoder": BLUE, "code": ORANGE, "decoder": GREEN}
_BARS = 64  # units up to which a vector is drawn as bars
_NAMES, _PICTURES, _ROW = 2.5, 6.3, 0.95  # inches: the names beside, the pictures, a row
_STRIP = 128  # units side by side in a long vector
_VOLUME = 4  # axes: depth, height, width, channels
_LEAST = 16  # pixels of a map that is drawn, so that the gap of one between two maps is narrow


def plot_activations(
    model: keras.Model,
    image: ArrayLike,
    *,
    layers: Sequence[str] | None = None,
    maps: int = 8,
) -> Figure:
    """Plot what each layer gives for one image, from the image to its reconstruction.

    A row for each layer: name, type, output shape, parameters, and the lowest and highest value.
    A feature map is a picture for each of its first channels, a vector is a bar for each unit,
    or, where it has more than 64, squares in reading order. Where no value is negative, 0 is
    black and the highest value of the layer white; elsewhere 0 is mid-grey. Layers around the
    halves that do nothing at inference, such as noise, are left out.

    Args:
        model: A model with nested models `encoder` and `decoder`.
        image: One image (height, width, channels) that the model takes, values in [0, 1].
        layers: Names of the layers to show, `"image"` for the input; all by default.
        maps: Most channels of a feature map that are shown.

    Returns:
        A figure with an axes for each layer, from input to output.

    Raises:
        ValueError: If the model has no nested `encoder` and `decoder`, the image does not fit,
            or a name is unknown.

    Example:
        >>> import kerasae, numpy as np
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4, hidden=(20,))
        >>> figure = plot_activations(model, np.zeros((8, 8, 1)), layers=("encode_1", "code"))
        >>> [len(axes.patches) for axes in figure.axes]  # a bar for each unit
        [20, 4]
    """
    maps = _arguments.positive_int("maps", maps)
    rows = _trace(model, image)
    if layers is not None:
        names = [row.name for row in rows]
        unknown = [name for name in layers if name not in names]
        if unknown or not layers:
            raise ValueError(
                f"`layers` must be names from {', '.join(names)}. Received: layers={layers!r}"
            )
        rows = [row for row in rows if row.name in layers]

    heights = [_ROW * (1.25 if _kind(row.values) == "bars" else 1.0) for row in rows]
    figure = Figure(figsize=(_NAMES + _PICTURES, sum(heights) + 0.2))
    top = sum(heights) + 0.1
    for row, height in zip(rows, heights, strict=True):
        top -= height
        _draw(figure, row, bottom=top, height=height, maps=maps)
    return figure


@dataclass
class _Row:
    """A layer, and what it gave for the image."""

    name: str
    kind: str
    parameters: int
    part: str
    values: NDArray[np.float64]
    picture: bool = False


def _trace(model: Any, image: ArrayLike) -> list[_Row]:
    """Run the image through the model and keep what each layer gives."""
    from kerasae import _inference

    encoder, decoder = (_inference.nested(model, part) for part in ("encoder", "decoder"))
    given = _inference.check_image(model, image, "image")
    values: list[Any] = [given[None]]
    rows = [_Row("image", "input", 0, "image", given.astype(float), picture=True)]
    for layer in model.layers:
        if layer.name == "stem" or layer is encoder or layer is decoder:
            values = _through(layer, values[: len(layer.inputs)], rows)
        elif hasattr(layer, "encoder_tail"):  # rounds the code; all others rest at inference
            values = [layer(values[0], training=False)]
            code = _numpy(values[0])[0].astype(float)
            rows.append(_Row(layer.name, type(layer).__name__, layer.count_params(), "code", code))
    return rows


def _through(part: Any, values: Sequence[Any], rows: list[_Row]) -> list[Any]:
    """Run a nested model, append a row for each layer, and return its outputs."""
    import keras

    inner = [x for x in part.operations if not isinstance(x, keras.layers.InputLayer)]
    # Operations that are no layers are shown only where one of them makes the output.
    shown = [x for x in inner if isinstance(x, keras.layers.Layer) or _first(x) is part.outputs[0]]
    one = len(part.inputs) == 1
    entry, fed = (part.inputs[0], values[0]) if one else (part.inputs, list(values))
    given = keras.Model(entry, [*map(_first, shown), *part.outputs])(fed, training=False)
    given = list(given) if isinstance(given, (list, tuple)) else [given]
    found = [_numpy(value)[0].astype(float) for value in given[: len(shown)]]
    for operation, value in zip(shown, found, strict=True):
        last = _first(operation) is part.outputs[0]
        rows.append(
            _Row(
                operation.name,
                type(operation).__name__,
                operation.count_params() if hasattr(operation, "count_params") else 0,
                "code" if last and part.name == "encoder" else part.name,
                value,
                picture=last and part.name == "decoder",
            )
        )
    return given[len(shown) :]


def _first(operation: Any) -> Any:
    """What it gives first, in the graph that it is a part of."""
    import keras

    # The output of a model is that of its own graph; where it was called is known by its node.
    model = isinstance(operation, keras.Model)
    output = operation._inbound_nodes[0].outputs if model else operation.output
    return keras.tree.flatten(output)[0]


def _numpy(value: Any) -> NDArray[Any]:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(value))


def _kind(values: NDArray[Any]) -> str:
    if values.ndim == 1:
        return "bars" if len(values) <= _BARS else "strip"
    return "maps"


def _draw(figure: Figure, row: _Row, *, bottom: float, height: float, maps: int) -> None:
    """Name and facts of a layer on the left, its values on the right, in inches."""
    width, total = figure.get_figwidth(), figure.get_figheight()
    colour = _COLOURS[row.part]
    shape = " × ".join(map(str, row.values.shape))
    facts = [f"{row.kind}, {shape}"]
    if row.parameters:
        facts.append(f"{row.parameters:,} parameters")
    low, high = (_style.named("", [x], 1, "")[0] for x in (row.values.min(), row.values.max()))
    facts.append(f"from {low} to {high}")
    middle = (bottom + height / 2) / total
    lines = len(facts) + 1
    figure.text(
        0.12 / width,
        middle + 0.085 * (lines - 1) / total,
        row.name,
        color=colour,
        fontsize=10,
        weight="bold",
        va="center",
    )
    figure.text(
        0.12 / width,
        middle - 0.085 / total,
        "\n".join(facts),
        color=INK,
        fontsize=8,
        va="center",
        linespacing=1.25,
    )
    kind = _kind(row.values)
    edges = (0.42, 0.2) if kind == "bars" else (0.08, 0.08)  # room for the axis; between rows
    left = _NAMES + (0.35 if kind == "bars" else 0.0)
    axes = figure.add_axes(
        (
            left / width,
            (bottom + edges[0]) / total,
            (width - left - 0.15) / width,
            (height - sum(edges)) / total,
        )
    )
    if kind == "bars":
        _bars(axes, row.values, colour)
    elif kind == "strip":
        _strip(axes, row.values)
    else:
        _maps(axes, row, maps)


def _bars(axes: Any, values: NDArray[np.float64], colour: str) -> None:
    axes.bar(np.arange(len(values)), values, color=colour, width=0.8)
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.set_xlim(-0.7, len(values) - 0.3)
    axes.set_xticks(_style.thinned(len(values), 9))
    axes.set_xlabel("unit", fontsize=8, color=INK, labelpad=1)
    axes.tick_params(labelsize=7, colors=INK, length=2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(PALE)


def _strip(axes: Any, values: NDArray[np.float64]) -> None:
    """A long vector as squares in reading order; white where the last line is not full."""
    lines = math.ceil(len(values) / _STRIP)
    columns = min(_STRIP, math.ceil(len(values) / lines))
    blank = np.ones(lines * columns - len(values))
    _show(axes, np.concatenate([_tones(values), blank]).reshape(lines, columns))
    axes.set_aspect("auto")


def _maps(axes: Any, row: _Row, most: int) -> None:
    """The first channels side by side, of a volume those of its middle slice; an image as it is."""
    values = row.values
    if volume := values.ndim == _VOLUME:
        values = values[len(values) // 2]
    if row.picture and values.shape[-1] in (1, 3):
        tones = values[None, None]
    else:
        grey = _tones(values[..., None] if values.ndim == 2 else values)
        larger = math.ceil(_LEAST / grey.shape[1])  # of small maps each value becomes a square
        grey = grey[..., :most].repeat(larger, axis=0).repeat(larger, axis=1)
        tones = np.moveaxis(grey, -1, 0)[None, ..., None]
    gap = max(1, round(tones.shape[3] / 16))
    count = tones.shape[1]
    sheet = _style.mosaic(tones, gap)
    _show(axes, sheet if sheet.shape[-1] == 3 else sheet[..., 0])
    axes.set_anchor("W")
    total = values.shape[-1]
    notes = [f"first {count} of {total} channels"] if not row.picture and count < total else []
    if notes := [*notes, *["middle slice"] * volume]:
        axes.set_xlabel(", ".join(notes), fontsize=7, color=MUTED, labelpad=2)
        axes.xaxis.set_label_coords(0, -0.02)
        axes.xaxis.label.set_horizontalalignment("left")


def _show(axes: Any, picture: NDArray[Any]) -> None:
    """Draw (height, width) or (height, width, 3), also where one of them is 1."""
    axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _tones(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Grey tones: 0 is black where nothing is negative, else mid-grey."""
    largest = float(np.abs(values).max()) or 1.0
    return values / largest if values.min() >= 0 else 0.5 + 0.5 * values / largest
