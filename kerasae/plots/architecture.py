"""A diagram of a model, drawn from the model itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.patches import Polygon, Rectangle

from kerasae.plots._style import BLUE, GREEN, INK, MUTED, ORANGE, Figure

if TYPE_CHECKING:
    import keras

__all__ = ["plot_architecture"]

_COLOURS = {
    "image": MUTED,
    "stem": BLUE,
    "encoder": BLUE,
    "code": ORANGE,
    "decoder": GREEN,
    "between": MUTED,
}
_ROW, _LETTER = 0.31, 0.076  # inches: height of a row, width of a letter of 9 points
_LEFT, _WIDEST, _LANE = 0.95, 2.9, 0.13  # inches: names of parts, widest block, a skip


def plot_architecture(model: keras.Model) -> Figure:
    """Draw a model's layers from top to bottom, with types, output shapes and parameters.

    The width of a block grows with the logarithm of the units or of the positions of a map, its
    height with that of the channels. Encoder, code and decoder have a colour each. Layers around
    and between them that do nothing at inference, and dropout, are dashed and marked as active in
    training only. Consecutive operations that are no layers share a row. A line at the side is a
    connection that skips rows.

    Args:
        model: A model with nested models named `encoder` and `decoder`.

    Returns:
        A figure with one axes; the last line gives the parameters and how many values of the
        image, or of another input, come to one of the code, or to one of all that the decoder
        takes.

    Raises:
        ValueError: If the model has no nested `encoder` and `decoder`.

    Example:
        >>> import kerasae
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4, hidden=(20,))
        >>> plot_architecture(model).axes[0].texts[-1].get_text()
        '2,828 parameters, 64 image values : 4 code values = 16 : 1'
    """
    diagram = _Diagram(model)
    blocks = diagram.blocks
    cells = [[b.name, b.kind, " × ".join(map(_size, b.shape)), _count(b)] for b in blocks]
    header = ["layer", "type", "output", "parameters"]
    widths = [
        _LETTER * max(len(cell) for cell in column) + 0.2
        for column in zip(header, *cells, strict=True)
    ]
    lanes = _lanes(diagram.skips())
    middle = _LEFT + _WIDEST / 2
    table = _LEFT + _WIDEST + 0.25 + _LANE * (1 + max(lanes.values()) if lanes else 0)
    starts = [table + sum(widths[:i]) for i in range(4)]
    width, height = table + sum(widths), 0.85 + _ROW * len(blocks) + 0.4
    rows = [0.85 + _ROW * (i + 0.5) for i in range(len(blocks))]

    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    axes.text(0.15, 0.25, model.name, color=INK, fontsize=12, weight="bold", va="center")
    _write(axes, 0.65, starts, table + sum(widths) - 0.2, header, color=MUTED)
    boxes = _boxes(blocks, middle)
    for i, block in enumerate(blocks):
        for source in block.sources:
            if (source, i) not in lanes:
                _funnel(axes, boxes, rows, blocks, source, i)
    for i, (block, (centre, across, thick)) in enumerate(zip(blocks, boxes, strict=True)):
        colour = _COLOURS[block.role]
        style: dict[str, Any] = {"fc": colour, "ec": "white", "lw": 0.8}
        if block.training_only:
            style = {"fc": "white", "ec": colour, "lw": 1.2, "ls": "--"}
        corner = (centre - across / 2, rows[i] - thick / 2)
        axes.add_patch(Rectangle(corner, across, thick, zorder=2, **style))
        ink = MUTED if block.training_only else INK
        _write(axes, rows[i], starts, table + sum(widths) - 0.2, cells[i], color=ink)
    for (first, last), lane in lanes.items():
        x = _LEFT + _WIDEST + 0.1 + _LANE * lane
        ends = [boxes[i][0] + boxes[i][1] / 2 for i in (first, last)]
        ys = [rows[first], rows[first], rows[last], rows[last]]
        axes.plot([ends[0], x, x, ends[1]], ys, color=MUTED, lw=1, zorder=1)
    for role, first, last in _runs(blocks):
        if role in ("image", "between"):
            continue
        top, bottom = rows[first] - 0.4 * _ROW, rows[last] + 0.4 * _ROW
        axes.plot([0.85, 0.85], [top, bottom], color=_COLOURS[role], lw=2)
        middle_row = (rows[first] + rows[last]) / 2
        axes.text(
            0.77, middle_row, role, color=_COLOURS[role], fontsize=10, ha="right", va="center"
        )
    axes.text(0.15, height - 0.22, diagram.total(), color=INK, fontsize=10, va="center")
    return figure


@dataclass
class _Block:
    """A row of the diagram: a layer, or operations in a row."""

    name: str
    kind: str
    shape: tuple[int | None, ...]
    parameters: int
    role: str
    sources: list[int]
    training_only: bool = False
    operations: int = 0
    place: int = 0  # among the outputs of the encoder that together are the code
    places: int = 1  # and how many these are: drawn side by side, if several


class _Diagram:
    """The rows of a model, and which feeds which."""

    def __init__(self, model: Any) -> None:
        parts = {layer.name: layer for layer in getattr(model, "layers", ())}
        for name in ("encoder", "decoder"):
            if not hasattr(parts.get(name), "layers"):
                raise ValueError(
                    "`model` must hold nested models named 'encoder' and 'decoder', as every "
                    f"kerasae model does. Received: model={getattr(model, 'name', model)!r}"
                )
        self.model, self.encoder, self.decoder = model, parts["encoder"], parts["decoder"]
        self.blocks: list[_Block] = []
        self._tails = [layer for layer in model.layers if hasattr(layer, "encoder_tail")]
        exits: list[list[int]] = []
        for layer in model.layers:
            if hasattr(layer, "layers") and layer.name in ("stem", "encoder", "decoder"):
                exits = self._nested(layer, exits)
                if layer is self.encoder:
                    self._mark_code(exits)
                    if len(self.decoder.inputs) == 1:
                        exits = [sorted({i for rows in exits for i in rows})]
            else:
                exits = [[self._outer(layer, exits)], *exits[1:]]

    def _outer(self, layer: Any, exits: list[list[int]]) -> int:
        """Add a layer in front of, between or after the nested models."""
        import keras

        role = "code" if layer in self._tails else "between"
        if isinstance(layer, keras.layers.InputLayer):
            role = "image"
        self.blocks.append(
            _Block(
                layer.name,
                type(layer).__name__,
                _shape(layer),
                layer.count_params(),
                role,
                list(exits[0]) if exits else [],
                training_only=role == "between",
            )
        )
        return len(self.blocks) - 1

    def _nested(self, net: Any, entries: list[list[int]]) -> list[list[int]]:
        """Add the layers of a nested model; return the rows that make each of its outputs."""
        import keras

        idle = (
            keras.layers.Dropout,
            keras.layers.GaussianDropout,
            keras.layers.AlphaDropout,
            keras.layers.GaussianNoise,
            keras.layers.ActivityRegularization,
        )
        made = {
            id(tensor): entries[min(i, len(entries) - 1)] for i, tensor in enumerate(net.inputs)
        }
        start = len(self.blocks)
        for operation in net.operations:
            if isinstance(operation, keras.layers.InputLayer):
                continue
            inputs = keras.tree.flatten(operation.input)
            sources = sorted({i for tensor in inputs for i in made.get(id(tensor), ())})
            if isinstance(operation, keras.layers.Layer):
                block = _Block(
                    operation.name,
                    type(operation).__name__,
                    _shape(operation),
                    operation.count_params(),
                    net.name,
                    sources,
                    training_only=isinstance(operation, idle),
                )
            else:
                block = _Block(
                    type(operation).__name__,
                    "operation",
                    _shape(operation),
                    0,
                    net.name,
                    sources,
                    operations=1,
                )
            previous = self.blocks[-1]
            home = sources[0] if block.operations and len(sources) == 1 else start - 1
            if start <= home < len(self.blocks) - 1 and self.blocks[home].operations:
                # An output that only the decoder takes comes late; it belongs to its source.
                self.blocks[home].operations += 1
                self.blocks[home].kind = f"{self.blocks[home].operations} operations"
                made.update({id(t): [home] for t in keras.tree.flatten(operation.output)})
                continue
            if block.operations and previous.operations and len(self.blocks) > start:
                this = len(self.blocks) - 1
                block.operations += previous.operations
                block.name = f"{previous.name.split(' … ')[0]} … {block.name}"
                block.kind = f"{block.operations} operations"
                block.sources = sorted({*previous.sources, *sources} - {this})
                self.blocks[-1] = block
            else:
                block.sources = sources or [len(self.blocks) - 1]
                self.blocks.append(block)
            for tensor in keras.tree.flatten(operation.output):
                made[id(tensor)] = [len(self.blocks) - 1]
        return [made.get(id(tensor), [len(self.blocks) - 1]) for tensor in net.outputs]

    def _mark_code(self, exits: list[list[int]]) -> None:
        """Give the colour of the code to what makes it."""
        together = exits if len(self.decoder.inputs) == 1 else exits[:1]
        for place, rows in enumerate(together):
            for i in rows:
                block = self.blocks[i]
                block.role, block.place, block.places = "code", place, len(together)
                if block.training_only:  # dropout of the code: the layer before it makes the code
                    self.blocks[i - 1].role = "code"

    def skips(self) -> list[tuple[int, int]]:
        """Connections that pass over rows, but for rows side by side."""
        return [
            (source, i)
            for i, block in enumerate(self.blocks)
            for source in block.sources
            if not all(b.places > 1 for b in self.blocks[source + 1 : i])
        ]

    def total(self) -> str:
        """Parameters, and the ratio of the input's values to those of the code, in words."""
        taken = [tensor.shape for tensor in self.decoder.inputs]
        if self._tails:
            taken = [self._tails[0].encoder_tail().output_shape]
        image = _product(self.model.inputs[0].shape[1:])
        code = [_product(shape[1:]) for shape in taken]
        text = f"{self.model.count_params():,} parameters"
        if image is None or None in code:
            return text
        values = sum(count for count in code if count is not None)
        ratio = f"{image / values:.3g} : 1" if image >= values else f"1 : {values / image:.3g}"
        of = "code values" if len(code) == 1 else "values of code and skips"
        what = "image" if len(self.model.inputs[0].shape) > 3 else "input"
        return f"{text}, {image:,} {what} values : {values:,} {of} = {ratio}"


def _boxes(blocks: Sequence[_Block], middle: float) -> list[tuple[float, float, float]]:
    """Centre, width and height in inches of each block."""
    spans = [math.log1p(_positions(b.shape)) for b in blocks]
    depths = [math.log1p(_channels(b.shape)) for b in blocks]
    boxes = []
    for block, span, depth in zip(blocks, spans, depths, strict=True):
        across = _WIDEST * (0.04 + 0.96 * span / max(spans))
        if block.places > 1:
            across = min(across, 0.9 * _WIDEST / block.places)
        thick = 0.08 + 0.19 * (depth - math.log(2)) / max(max(depths) - math.log(2), 1.5)
        aside = (block.place - (block.places - 1) / 2) * max(0.35, 1.1 * across)
        boxes.append((middle + aside, across, thick))
    return boxes


def _funnel(
    axes: Any,
    boxes: Sequence[tuple[float, float, float]],
    rows: Sequence[float],
    blocks: Sequence[_Block],
    source: int,
    target: int,
) -> None:
    """A pale area from the lower edge of one block to the upper edge of another.

    Where one of them lies beside others, it takes only its share of the other's edge.
    """
    corners = []
    for this, other, side in ((source, target, 1), (target, source, -1)):
        centre, across, thick = boxes[this]
        share = across / blocks[other].places
        left = centre - across / 2 + share * blocks[other].place
        y = rows[this] + side * thick / 2
        corners += [(left, y), (left + share, y)][::side]
    colour = _COLOURS[blocks[target].role]
    axes.add_patch(Polygon(corners, fc=colour, alpha=0.18, lw=0, zorder=0))


def _write(
    axes: Any, y: float, starts: Sequence[float], end: float, cells: Sequence[str], *, color: str
) -> None:
    """A line of the table; the last cell is flush right."""
    for x, cell in zip(starts[:-1], cells[:-1], strict=True):
        axes.text(x, y, cell, color=color, fontsize=9, va="center")
    axes.text(end, y, cells[-1], color=color, fontsize=9, va="center", ha="right")


def _runs(blocks: Sequence[_Block]) -> Iterator[tuple[str, int, int]]:
    """Each part with its first and its last row."""
    first = 0
    for i, block in enumerate(blocks):
        if i + 1 == len(blocks) or blocks[i + 1].role != block.role:
            yield block.role, first, i
            first = i + 1


def _lanes(skips: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A lane at the side for each connection, such that none run over each other."""
    lanes: dict[tuple[int, int], int] = {}
    for first, last in sorted(set(skips), key=lambda skip: skip[1] - skip[0]):
        taken = {lane for (a, b), lane in lanes.items() if a <= last and first <= b}
        lanes[first, last] = next(i for i in range(len(taken) + 1) if i not in taken)
    return lanes


def _shape(operation: Any) -> tuple[int | None, ...]:
    """The shape of the first output, without the batch."""
    import keras

    return tuple(keras.tree.flatten(operation.output)[0].shape[1:])


def _positions(shape: Sequence[int | None]) -> int:
    """Units of a vector, positions of a map or of a sequence; an open size counts as one."""
    sides = shape[:-1] if len(shape) > 1 else shape
    return math.prod(side or 1 for side in sides)


def _channels(shape: Sequence[int | None]) -> int:
    return (shape[-1] or 1) if len(shape) > 1 else 1


def _product(shape: Sequence[int | None]) -> int | None:
    sides = [side for side in shape if side is not None]
    return math.prod(sides) if len(sides) == len(shape) else None


def _size(side: int | None) -> str:
    return "any" if side is None else f"{side}"


def _count(block: _Block) -> str:
    """The last cell: parameters, and whether the layer works in training only."""
    if not block.training_only:
        return f"{block.parameters:,}" if block.parameters else "–"
    return f"{block.parameters:,}, training only" if block.parameters else "training only"
