"""TF Lite models of a batch of one as such of a batch of several, with the same weights and scales.

The converter would choose scales anew and store the weights twice. So the graph is copied: what is
computed gets a longer first axis, and constants that state a shape state the new one. The rules of
`kerasae_export.runtime.shape_rules` tell whether each operator then gives what it should.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from kerasae_export.errors import BundleError, ConversionError
from kerasae_export.runtime.calls import Shape
from kerasae_export.runtime.shape_rules import RULES
from kerasae_export.runtime.structure import calls

__all__ = ["at_batch", "with_batch"]

_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
# Which input states the shape of the output, or the size of what is taken.
_STATED = {"BROADCAST_TO": 1, "CONV_3D_TRANSPOSE": 0, "RESHAPE": 1, "SLICE": 2, "TRANSPOSE_CONV": 0}


def at_batch(content: bytes, size: int) -> bytes:
    """A file of one model, for `size` inputs at once.

    Args:
        content: The bytes of a TF Lite file with one signature and a batch of 1.
        size: How many.

    Raises:
        ConversionError: If an operator does not work on several inputs alike.
    """
    model = _unpacked(content)
    _Batched(model, model.subgraphs[0], size).widen()
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def with_batch(content: bytes, size: int, names: dict[str, str]) -> bytes:
    """A file with further signatures, for `size` inputs at once, which share the weights.

    Args:
        content: The bytes of a TF Lite file of a batch of 1.
        size: How many.
        names: The new signature of each old one.

    Raises:
        ConversionError: If an operator does not work on several inputs alike.
    """
    model = _unpacked(content)
    for definition in list(model.signatureDefs):
        name = names.get(definition.signatureKey.decode())
        if name is None:
            continue
        graph = copy.deepcopy(model.subgraphs[definition.subgraphIndex])
        _Batched(model, graph, size).widen()
        graph.name = name.encode()
        twin = copy.deepcopy(definition)
        twin.signatureKey, twin.subgraphIndex = name.encode(), len(model.subgraphs)
        model.subgraphs.append(graph)
        model.signatureDefs.append(twin)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _unpacked(content: bytes) -> Any:
    return flatbuffer_utils.convert_bytearray_to_object(bytearray(content))


class _Batched:
    """One graph of a file, made longer along the first axis of all that depends on its inputs."""

    def __init__(self, model: Any, graph: Any, size: int) -> None:
        self._model, self._graph, self._size = model, graph, size
        self._kinds = [
            _NAMES.get(max(code.builtinCode, code.deprecatedBuiltinCode), "?")
            for code in model.operatorCodes
        ]

    def widen(self) -> None:
        """Change its tensors, and the constants that state their shapes."""
        graph = self._graph
        varying = {int(t) for t in graph.inputs}
        for tensor in varying:
            self._lengthen(tensor)
        for operator in graph.operators:
            inputs = {int(t) for t in operator.inputs}
            if not inputs & varying:
                continue
            outputs = [int(t) for t in operator.outputs]
            for tensor in outputs:
                self._lengthen(tensor)
            varying.update(outputs)
            self._state(operator)
        self._check()

    def _lengthen(self, tensor: int) -> None:
        shape = self._shape(tensor)
        if not shape:
            self._refuse("an operator that gives a single number")
        self._graph.tensors[tensor].shape = np.array([self._size * shape[0], *shape[1:]], np.int32)
        self._graph.tensors[tensor].shapeSignature = None

    def _state(self, operator: Any) -> None:
        """Let the constants of an operator state the new shape."""
        name = self._kinds[operator.opcodeIndex]
        new = self._shape(int(operator.outputs[0]))
        options = operator.builtinOptions
        if name == "RESHAPE" and getattr(options, "newShape", None) is not None:
            options.newShape = np.array(new, np.int32)
        place = _STATED.get(name)
        if place is not None and place < len(operator.inputs):
            operator.inputs[place] = self._constant(int(operator.inputs[place]), new)
        elif name == "STRIDED_SLICE" and not (options.endMask | options.newAxisMask) & 1:
            ends = self._integers(int(operator.inputs[2]))
            ends[0] = new[0]
            operator.inputs[2] = self._constant(int(operator.inputs[2]), tuple(ends))
        elif name == "CONCATENATION":
            operator.inputs = [self._repeated(int(tensor)) for tensor in operator.inputs]

    def _repeated(self, tensor: int) -> int:
        """What stands beside one input, such as a label that is missing, for each of several."""
        old = self._graph.tensors[tensor]
        data, shape = self._model.buffers[old.buffer].data, self._shape(tensor)
        if shape[:1] != (1,) or data is None or not len(data):
            return tensor
        new = self._added(tensor, np.tile(np.asarray(data, np.uint8), self._size).tobytes())
        self._lengthen(new)
        return new

    def _constant(self, tensor: int, values: Shape) -> int:
        """A new constant in place of another one of integers."""
        kind = np.int64 if self._graph.tensors[tensor].type == schema.TensorType.INT64 else np.int32
        return self._added(tensor, np.array(values, kind).tobytes())

    def _added(self, tensor: int, content: bytes) -> int:
        """A tensor like another one, with another content."""
        old = self._graph.tensors[tensor]
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(content, np.uint8)
        self._model.buffers.append(buffer)
        new = copy.deepcopy(old)
        new.buffer = len(self._model.buffers) - 1
        new.name = b"%s_batch" % (old.name or b"")
        self._graph.tensors.append(new)
        return len(self._graph.tensors) - 1

    def _integers(self, tensor: int) -> list[int]:
        found = self._graph.tensors[tensor]
        kind = np.int64 if found.type == schema.TensorType.INT64 else np.int32
        data = self._model.buffers[found.buffer].data
        return [int(n) for n in np.frombuffer(np.asarray(data, np.uint8).tobytes(), kind)]

    def _check(self) -> None:
        try:
            for call in calls(self._model, self._graph, self._kinds):
                if RULES[call.name](call) != call.stated:
                    self._refuse(f"its operator {call.name}")
        except (BundleError, KeyError) as error:
            self._refuse(f"one of its operators ({error})")

    def _refuse(self, what: str) -> None:
        raise ConversionError(
            f"A model cannot take a batch of {self._size}, because {what} does not work on "
            "several images alike: export without `batch`."
        )

    def _shape(self, tensor: int) -> Shape:
        sizes = self._graph.tensors[tensor].shape
        return () if sizes is None or not math.prod(np.shape(sizes)) else tuple(map(int, sizes))
