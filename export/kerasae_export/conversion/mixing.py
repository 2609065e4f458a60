"""One file in which some layers compute in int8 and the others, exactly, in float32.

The converter quantises a whole model. So a model is converted twice, to int8 and to float32, and
layers that are to stay exact are taken from the second file: their operators, weights and
activations. Between the two kinds stand QUANTIZE and DEQUANTIZE, and only there.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

import keras
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from kerasae_export.conversion.float_layers import scopes
from kerasae_export.runtime.graph import Graph, Operator
from kerasae_export.runtime.twins import match

__all__ = ["Mixer"]

_FLOAT32 = schema.TensorType.FLOAT32
_Op = schema.BuiltinOperator
_VIEWS = (_Op.RESHAPE, _Op.EXPAND_DIMS, _Op.SQUEEZE)  # no weights, no rounding


class Mixer:
    """The int8 file and the float32 file of one model, or of several as signatures of one file.

    Args:
        stored: The bytes of the int8 file, with edges in float32 or uint8.
        exact: The bytes of the float32 file.
        models: The model of each signature.
        twins: The signatures in the float32 file, where they are others.
    """

    def __init__(
        self,
        stored: bytes,
        exact: bytes,
        models: Mapping[str, keras.Model],
        *,
        twins: Mapping[str, str] | None = None,
    ) -> None:
        self._stored, self._exact = stored, exact
        self._twins = {key: key for key in models} | dict(twins or {})
        self._pairs: dict[str, list[tuple[Operator, Operator]]] = {}
        self._layers: dict[str, list[str]] = {}
        self._scopes: dict[str, list[list[str]]] = {}
        for key, model in models.items():
            graph, twin = Graph(stored, key), Graph(exact, self._twins[key])
            self._pairs[key] = match(graph, twin)
            self._scopes[key] = [scopes(twin, theirs, model) for _, theirs in self._pairs[key]]
            self._layers[key] = [
                names[0] if names else f"{theirs.name}_{theirs.index}"
                for names, (_, theirs) in zip(self._scopes[key], self._pairs[key], strict=True)
            ]

    def layers(self, key: str) -> list[str]:
        """The layers of a signature that can be in either kind, in order of execution.

        What is in no layer, such as a sum by `+`, has a name like `"ADD_7"`.
        """
        return list(dict.fromkeys(self._layers[key]))

    def known(self, key: str) -> set[str]:
        """All names by which layers can be chosen: those of nested models, too."""
        return {name for names in self._scopes[key] for name in names} | {*self._layers[key]}

    def check(self, names: Collection[str], key: str | None = None) -> list[str]:
        """The names of `float_layers`, if all of them are known.

        Args:
            names: What was given.
            key: The signature whose names are to be returned; by default all.

        Raises:
            ValueError: If one is not the name of a layer that computes something in the file.
        """
        every = {name for each in self._layers for name in self.known(each)}
        unknown = [name for name in names if name not in every]
        if unknown:
            raise ValueError(
                "`float_layers` must name layers, or nested models, that compute something in the "
                f"file: {', '.join(sorted(every))}. Received: {', '.join(map(repr, unknown))}"
            )
        return [name for name in names if key is None or name in self.known(key)]

    def mixed(self, chosen: Mapping[str, Collection[str]]) -> bytes:
        """The bytes of the file in which the chosen layers are in float32.

        Args:
            chosen: For each signature, names of layers, or of nested models with all their layers.
        """
        model = flatbuffer_utils.read_model_from_bytearray(bytearray(self._stored))
        source = flatbuffer_utils.read_model_from_bytearray(bytearray(self._exact))
        for key, names in chosen.items():
            wanted = set(names)
            places = {
                ours.index: theirs.index
                for (ours, theirs), all_names, layer in zip(
                    self._pairs[key], self._scopes[key], self._layers[key], strict=True
                )
                if wanted & {*all_names, layer}
            }
            twin = source.subgraphs[_signature(source, self._twins[key]).subgraphIndex]
            _Splice(model, source, key, twin, places).make()
        _compact(model)
        return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


class _Splice:
    """One graph of an int8 file, some of whose operators give way to those of the float32 file."""

    def __init__(
        self, model: Any, source: Any, key: str, twin: Any, places: Mapping[int, int]
    ) -> None:
        self._model, self._source, self._twin, self._places = model, source, twin, places
        self._signature = _signature(model, key)
        self._graph = model.subgraphs[self._signature.subgraphIndex]
        self._made: list[Any] = []
        # The float tensor with the value of a tensor of integers; the second kind has it exactly,
        # and its integers are only made where one reads them.
        self._real: dict[int, int] = {}
        self._unmade: set[int] = set()
        self._aliases: dict[int, int] = {}  # a float tensor that another one stands for

    def make(self) -> None:
        """Rewrite the graph."""
        for index, operator in enumerate(self._graph.operators):
            if index in self._places:
                self._exact(operator, self._twin.operators[self._places[index]])
            else:
                self._kept(operator)
        outputs = [int(t) for t in self._graph.outputs]
        for tensor in outputs:
            self._integers(tensor)
        ends = {t: self._aliases.get(t, t) for t in outputs}
        self._graph.outputs = [ends[t] for t in outputs]
        for entry in self._signature.outputs:
            entry.tensorIndex = ends.get(int(entry.tensorIndex), entry.tensorIndex)
        self._graph.operators = self._made

    def _kept(self, operator: Any) -> None:
        kind, first, out = self._kind(operator), int(operator.inputs[0]), int(operator.outputs[0])
        if kind == _Op.QUANTIZE:
            value = self._value(first)
            if value is not None:
                self._real[out] = value
                self._unmade.add(out)
                return
        if kind == _Op.DEQUANTIZE and first in self._unmade:
            self._aliases[out] = self._real[first]
            return
        if kind in _VIEWS and first in self._unmade:
            view = copy.deepcopy(operator)
            view.inputs = [self._real[first], *operator.inputs[1:]]
            view.outputs = [self._new_real(out, self._graph.tensors[out].name)]
            self._made.append(view)
            return
        operator.inputs = [self._integers(int(t)) for t in operator.inputs]
        self._made.append(operator)

    def _exact(self, operator: Any, twin: Any) -> None:
        """The float operator in place of one in integers."""
        made = copy.deepcopy(twin)
        made.opcodeIndex = self._code(self._source.operatorCodes[twin.opcodeIndex])
        flowing = [int(t) for t in operator.inputs if t >= 0 and not self._constant(t)]
        made.inputs = []
        for tensor in map(int, twin.inputs):
            if tensor < 0:
                made.inputs.append(tensor)
            elif _is_constant(self._source, self._twin, tensor):
                made.inputs.append(self._copied(tensor))
            else:
                made.inputs.append(self._floats(flowing.pop(0)))
        made.outputs = []
        for ours, theirs in zip(operator.outputs, twin.outputs, strict=True):
            if self._twin.tensors[theirs].type == _FLOAT32:
                made.outputs.append(self._new_real(int(ours), self._twin.tensors[theirs].name))
            else:
                made.outputs.append(int(ours))
        self._made.append(made)

    def _value(self, tensor: int) -> int | None:
        """The float tensor that has the value of one exactly; None if it is integers already."""
        if self._graph.tensors[tensor].type == _FLOAT32:
            return self._aliases.get(tensor, tensor)
        return self._real[tensor] if tensor in self._unmade else None

    def _floats(self, tensor: int) -> int:
        """A float tensor for what is a float or an integer one."""
        if self._graph.tensors[tensor].type == _FLOAT32:
            return self._aliases.get(tensor, tensor)
        details = self._graph.tensors[tensor].quantization
        if details is None or details.scale is None or not len(details.scale):
            return tensor  # indices and the like
        if tensor not in self._real:
            unmade = set(self._unmade)
            new = self._new_real(tensor, self._graph.tensors[tensor].name + b"_real")
            self._unmade = unmade  # it has integers already
            self._made.append(self._recoding(_Op.DEQUANTIZE, tensor, new))
        return self._real[tensor]

    def _integers(self, tensor: int) -> int:
        """The tensor of integers itself, made now if only its value was there."""
        if tensor in self._unmade:
            self._unmade.discard(tensor)
            self._made.append(self._recoding(_Op.QUANTIZE, self._real[tensor], tensor))
        return self._aliases.get(tensor, tensor)

    def _new_real(self, tensor: int, name: bytes) -> int:
        new = schema.TensorT()
        new.shape = self._graph.tensors[tensor].shape
        new.type, new.name, new.buffer = _FLOAT32, name, 0
        self._graph.tensors.append(new)
        index = len(self._graph.tensors) - 1
        if self._graph.tensors[tensor].type == _FLOAT32:
            self._aliases[tensor] = index  # a layer that was a float before
        else:
            self._real[tensor] = index
            self._unmade.add(tensor)
        return index

    def _copied(self, tensor: int) -> int:
        """A constant of the float32 file."""
        new = copy.deepcopy(self._twin.tensors[tensor])
        self._model.buffers.append(copy.deepcopy(self._source.buffers[new.buffer]))
        new.buffer = len(self._model.buffers) - 1
        self._graph.tensors.append(new)
        return len(self._graph.tensors) - 1

    def _recoding(self, kind: int, source: int, target: int) -> Any:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = kind
        # QUANTIZE and DEQUANTIZE of int8 are of version 2; of uint8, 1.
        integers = target if kind == _Op.QUANTIZE else source
        whole = self._graph.tensors[integers].type == schema.TensorType.INT8
        code.version = 2 if kind == _Op.DEQUANTIZE and whole else 1
        made = schema.OperatorT()
        made.opcodeIndex = self._code(code)
        made.inputs, made.outputs = [source], [target]
        made.builtinOptionsType = schema.BuiltinOptions.NONE
        return made

    def _code(self, wanted: Any) -> int:
        """The number of a kind of operator in the file, which may be new there."""

        def told(code: Any) -> tuple[int, int, Any]:
            number = max(code.builtinCode, code.deprecatedBuiltinCode)
            return int(number), int(code.version), code.customCode

        for i, known in enumerate(self._model.operatorCodes):
            if told(known) == told(wanted):
                return i
        self._model.operatorCodes.append(copy.deepcopy(wanted))
        return len(self._model.operatorCodes) - 1

    def _kind(self, operator: Any) -> int:
        code = self._model.operatorCodes[operator.opcodeIndex]
        return int(max(code.builtinCode, code.deprecatedBuiltinCode))

    def _constant(self, tensor: int) -> bool:
        return _is_constant(self._model, self._graph, tensor)


def _signature(model: Any, key: str) -> Any:
    return next(d for d in model.signatureDefs if d.signatureKey == key.encode())


def _is_constant(model: Any, graph: Any, tensor: int) -> bool:
    data = model.buffers[graph.tensors[tensor].buffer].data
    return data is not None and len(data) > 0


def _compact(model: Any) -> None:
    """Drop operators of no use, tensors that none reads or writes, and what only they hold."""
    for graph in model.subgraphs:
        _drop_unread(graph)
        used = {int(t) for o in graph.operators for t in (*o.inputs, *o.outputs) if t >= 0}
        kept = sorted(used | {int(t) for t in (*graph.inputs, *graph.outputs)})
        places = {old: new for new, old in enumerate(kept)} | {-1: -1}
        graph.tensors = [graph.tensors[t] for t in kept]
        for part in (graph, *graph.operators):
            part.inputs = [places[int(t)] for t in part.inputs]
            part.outputs = [places[int(t)] for t in part.outputs]
        for signature in model.signatureDefs:
            if model.subgraphs[signature.subgraphIndex] is graph:
                for entry in (*signature.inputs, *signature.outputs):
                    entry.tensorIndex = places[int(entry.tensorIndex)]
    tensors = [t for graph in model.subgraphs for t in graph.tensors]
    kept = sorted({0, *(t.buffer for t in tensors), *(m.buffer for m in model.metadata or ())})
    numbers = {old: new for new, old in enumerate(kept)}
    model.buffers = [model.buffers[i] for i in kept]
    for part in (*tensors, *(model.metadata or ())):
        part.buffer = numbers[part.buffer]
    codes = sorted({o.opcodeIndex for graph in model.subgraphs for o in graph.operators})
    model.operatorCodes = [model.operatorCodes[i] for i in codes]
    for graph in model.subgraphs:
        for operator in graph.operators:
            operator.opcodeIndex = codes.index(operator.opcodeIndex)


def _drop_unread(graph: Any) -> None:
    """Drop operators whose results nothing reads, the last ones first."""
    read = {int(t) for t in graph.outputs}
    kept = []
    for operator in reversed(graph.operators):
        if any(int(t) in read for t in operator.outputs):
            read.update(int(t) for t in operator.inputs)
            kept.append(operator)
    graph.operators = kept[::-1]
