"""The quantisation error of each layer: the stored model against the same in float32."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from kerasae_export.runtime.graph import Graph, Operator
from kerasae_export.runtime.litemodel import dequantise, quantise
from kerasae_export.runtime.twins import match, working
from kerasae_export.verification.parts import Side

__all__ = ["EXACT", "LayerError", "compare_layers", "worst_layer"]

EXACT = 120.0
"""The signal-to-noise ratio in dB at which a report stops counting."""


@dataclass(frozen=True)
class LayerError:
    """How far the output of a layer is from what float32 gives.

    Attributes:
        layer: Its name in Keras, as far as names tell, or `"input"`.
        operator: Its operator in the stored file.
        own: Signal-to-noise ratio in dB of its output against that of its float32 twin on the same
            inputs: the error of this layer alone. None if the twin takes other inputs.
        total: Signal-to-noise ratio in dB against the float32 model run from its input: the error
            of all layers so far.
    """

    layer: str
    operator: str
    own: float | None
    total: float


def compare_layers(
    side: Side, float_file: bytes, values: NDArray[Any]
) -> tuple[list[LayerError], int]:
    """Compare the tensors of a stored model with those of its float32 twin.

    Operators are matched as `kerasae_export.runtime.twins` does.

    Args:
        side: The model as it is stored.
        float_file: The same model, converted with the scheme float32.
        values: Inputs as real numbers, or indices, (n, *input).

    Returns:
        The matched layers in order of execution, the input first if it is quantised; and how
        many layers have no match.
    """
    twin = Graph(float_file)
    pairs = match(side.graph, twin)
    stored, exact = _Tensors(side.graph.alone()), _Tensors(twin.alone())
    alone = [_Alone(twin, theirs) for _, theirs in pairs]
    entry, (stored_in,), (exact_in,) = side.part.input, side.graph.inputs, twin.inputs
    noise_in, own, total = _Noise(), [_Noise() for _ in pairs], [_Noise() for _ in pairs]
    for value in values:
        real = np.asarray(value, "int32" if entry.dtype == "int32" else "float32")[None]
        levels = quantise(real, entry)
        noise_in.add(dequantise(levels, entry), real)
        stored.run({stored_in: levels})
        exact.run({exact_in: real})
        for i, (ours, theirs) in enumerate(pairs):
            got = stored.real(ours.outputs[0])
            total[i].add(got, exact.real(theirs.outputs[0]))
            if alone[i].fits(side.graph, ours):
                own[i].add(got, alone[i].run(ours, stored))
    layers = [
        LayerError(ours.layer, ours.name, own[i].ratio, total[i].ratio or 0.0)
        for i, (ours, _) in enumerate(pairs)
    ]
    if entry.dtype == "uint8":
        ratio = noise_in.ratio or 0.0
        layers.insert(0, LayerError("input", "QUANTIZE", ratio, ratio))
    return layers, len(working(side.graph)) - len(pairs)


def worst_layer(layers: Iterable[LayerError]) -> LayerError | None:
    """The layer with the largest error of its own."""
    known = [layer for layer in layers if layer.own is not None]
    return min(known, key=lambda layer: layer.own or 0.0, default=None)


class _Tensors:
    """A model that keeps every tensor of a run."""

    def __init__(self, content: bytes) -> None:
        self._interpreter = Interpreter(
            model_content=content,
            # A delegate would swallow the tensors between its operators.
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        self._interpreter.allocate_tensors()
        self._scales = {
            details["index"]: details["quantization"]
            for details in self._interpreter.get_tensor_details()
        }

    def run(self, inputs: dict[int, NDArray[Any]]) -> None:
        for tensor, value in inputs.items():
            self._interpreter.set_tensor(tensor, value)
        self._interpreter.invoke()

    def real(self, tensor: int) -> NDArray[np.float64]:
        """The real numbers that a tensor stands for."""
        value = self._interpreter.get_tensor(tensor).astype(float)
        scale, zero_point = self._scales[tensor]
        return (value - zero_point) * scale if scale else value


class _Alone:
    """The float twin of one operator, as a model of its own."""

    def __init__(self, graph: Graph, operator: Operator) -> None:
        content, self._inputs = graph.one_operator(operator)
        self._places = [operator.inputs.index(tensor) for tensor in self._inputs]
        self._output = operator.outputs[0]
        self._model = _Tensors(content)
        self._shapes = [graph.shape(tensor) for tensor in self._inputs]

    def fits(self, stored: Graph, operator: Operator) -> bool:
        """Whether the stored operator has activations where its twin has."""
        tensors = [operator.inputs[p] if p < len(operator.inputs) else -1 for p in self._places]
        return all(
            t >= 0 and not stored.is_constant(t) and stored.shape(t) == shape
            for t, shape in zip(tensors, self._shapes, strict=True)
        )

    def run(self, operator: Operator, stored: _Tensors) -> NDArray[np.float64]:
        """What float32 makes of the inputs that the stored operator had."""
        self._model.run(
            {
                tensor: stored.real(operator.inputs[place]).astype(np.float32)
                for tensor, place in zip(self._inputs, self._places, strict=True)
            }
        )
        return self._model.real(self._output)


class _Noise:
    """Sums of squares of a signal and of the error in it."""

    def __init__(self) -> None:
        self._signal = self._error = 0.0
        self._count = 0

    def add(self, got: NDArray[Any], expected: NDArray[Any]) -> None:
        self._signal += float(np.square(expected, dtype=float).sum())
        self._error += float(np.square(got - expected, dtype=float).sum())
        self._count += 1

    @property
    def ratio(self) -> float | None:
        """Signal-to-noise ratio in dB, at most `EXACT`; None if nothing was added."""
        if not self._count:
            return None
        if self._error <= self._signal * 10 ** (-EXACT / 10):
            return EXACT
        return 10 * math.log10(max(self._signal, 1e-30) / self._error)
