"""Operators that the converter leaves in float32 though integers do the same."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from numpy.typing import NDArray

__all__ = ["in_integers"]

_INT8 = schema.TensorType.INT8
_INT32 = schema.TensorType.INT32
_FLOAT32 = schema.TensorType.FLOAT32
_Op = schema.BuiltinOperator

# Their outputs are some of the values that went in. The converter does not quantise them where
# one of the outputs is not read, since it has no range for that.
_SELECT = (_Op.SPLIT, _Op.SPLIT_V, _Op.TOPK_V2, _Op.UNPACK)


def in_integers(content: bytes) -> bytes:
    """Replace float operators between two quantised tensors where that changes no result.

    An operator that only selects values works on the integers themselves. FLOOR, with which a
    code is rounded, becomes a table of 256 entries: CAST, ADD and GATHER instead of DEQUANTIZE,
    FLOOR and QUANTIZE. As accelerators have no such tables, no other function is replaced so.

    Args:
        content: The bytes of a file in int8.

    Returns:
        The bytes of the new file, or `content` itself if there is nothing to replace.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    # A list, for all of them are to be looked at.
    changed = [_Rewriting(model, graph).done() for graph in model.subgraphs]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model)) if any(changed) else content


class _Rewriting:
    """The replacements in one subgraph."""

    def __init__(self, model: Any, graph: Any) -> None:
        self._model, self._graph = model, graph

    def done(self) -> bool:
        """Make them; whether there were any."""
        changed = False
        for operator in list(self._graph.operators):
            kind = self._kind(operator)
            if kind in _SELECT:
                changed |= self._select(operator)
            elif kind == _Op.FLOOR:
                changed |= self._floor(operator)
        if changed:
            self._remove_unread()
        return changed

    def _select(self, operator: Any) -> bool:
        place = 1 if self._kind(operator) == _Op.SPLIT else 0
        source = self._dequantised(operator.inputs[place])
        outputs = [t for t in operator.outputs if self._tensor(t).type == _FLOAT32]
        readers = [self._kind(reader) for t in outputs for reader in self._readers(t)]
        open_ends = set(outputs) & set(self._graph.outputs)
        if source is None or open_ends or any(kind != _Op.QUANTIZE for kind in readers):
            return False
        operator.inputs[place] = source
        for tensor in outputs:
            self._tensor(tensor).type = _INT8
            self._tensor(tensor).quantization = copy.deepcopy(self._tensor(source).quantization)
        return True

    def _floor(self, operator: Any) -> bool:
        before = self._writer(operator.inputs[0])
        readers = self._readers(operator.outputs[0])
        source = self._dequantised(operator.inputs[0])
        if (
            source is None
            or len(self._readers(operator.inputs[0])) != 1
            or [self._kind(reader) for reader in readers] != [_Op.QUANTIZE]
            or self._tensor(readers[0].outputs[0]).type != _INT8
        ):
            return False
        (after,) = readers
        levels = np.arange(-128, 128)
        scale, zero_point = self._scale(source)
        target_scale, target_zero = self._scale(after.outputs[0])
        values = np.floor((levels - zero_point) * scale) / target_scale
        # Half away from zero, as QUANTIZE rounds.
        rounded = np.sign(values) * np.floor(np.abs(values) + 0.5) + target_zero
        table = self._constant(
            np.clip(rounded, -128, 127).astype(np.int8),
            self._tensor(after.outputs[0]).quantization,
        )
        first = self._constant(np.array(128, np.int32))
        index, number = operator.inputs[0], operator.outputs[0]
        for tensor in (index, number):
            self._tensor(tensor).type, self._tensor(tensor).quantization = _INT32, None
        self._set(before, _Op.CAST, [source], [index])
        before.builtinOptions = schema.CastOptionsT(inDataType=_INT8, outDataType=_INT32)
        before.builtinOptionsType = schema.BuiltinOptions.CastOptions
        self._set(operator, _Op.ADD, [index, first], [number])
        operator.builtinOptions = schema.AddOptionsT()
        operator.builtinOptionsType = schema.BuiltinOptions.AddOptions
        self._set(after, _Op.GATHER, [table, number], after.outputs, version=2)  # of int8
        after.builtinOptions = schema.GatherOptionsT()
        after.builtinOptionsType = schema.BuiltinOptions.GatherOptions
        return True

    def _dequantised(self, tensor: int) -> int | None:
        """The int8 tensor that a float one was made of, if it was."""
        writer = self._writer(tensor)
        if writer is None or self._kind(writer) != _Op.DEQUANTIZE:
            return None
        source = int(writer.inputs[0])
        return source if self._tensor(source).type == _INT8 else None

    def _remove_unread(self) -> None:
        """Drop what no operator reads any more, and number the tensors anew."""
        graph = self._graph
        graph.operators = [
            operator
            for operator in graph.operators
            if self._kind(operator) != _Op.DEQUANTIZE
            or operator.outputs[0] in graph.outputs
            or self._readers(operator.outputs[0])
        ]
        used = {int(t) for o in graph.operators for t in (*o.inputs, *o.outputs) if t >= 0}
        kept = sorted(used | {int(t) for t in (*graph.inputs, *graph.outputs)})
        places = {old: new for new, old in enumerate(kept)} | {-1: -1}
        graph.tensors = [graph.tensors[t] for t in kept]
        graph.inputs = [places[int(t)] for t in graph.inputs]
        graph.outputs = [places[int(t)] for t in graph.outputs]
        for operator in graph.operators:
            operator.inputs = [places[int(t)] for t in operator.inputs]
            operator.outputs = [places[int(t)] for t in operator.outputs]
        for signature in self._model.signatureDefs or ():
            if self._model.subgraphs[signature.subgraphIndex] is graph:
                for entry in (*signature.inputs, *signature.outputs):
                    entry.tensorIndex = places[entry.tensorIndex]

    def _kind(self, operator: Any) -> int:
        code = self._model.operatorCodes[operator.opcodeIndex]
        return int(max(code.builtinCode, code.deprecatedBuiltinCode))

    def _tensor(self, tensor: int) -> Any:
        return self._graph.tensors[tensor]

    def _writer(self, tensor: int) -> Any:
        return next((o for o in self._graph.operators if tensor in o.outputs), None)

    def _readers(self, tensor: int) -> list[Any]:
        return [o for o in self._graph.operators if tensor in o.inputs]

    def _scale(self, tensor: int) -> tuple[float, int]:
        details = self._tensor(tensor).quantization
        return float(details.scale[0]), int(details.zeroPoint[0])

    def _constant(self, values: NDArray[Any], quantization: Any = None) -> int:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        tensor = schema.TensorT()
        tensor.name = b"floor"
        tensor.shape = list(values.shape)
        tensor.type = _INT32 if values.dtype == np.int32 else _INT8
        tensor.buffer = len(self._model.buffers) - 1
        tensor.quantization = copy.deepcopy(quantization)
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _set(
        self, operator: Any, kind: int, inputs: list[int], outputs: list[int], version: int = 1
    ) -> None:
        """Make another operator of one; each kind of table needs its number in the file."""
        code = schema.OperatorCodeT()
        code.builtinCode, code.version = kind, version
        code.deprecatedBuiltinCode = min(kind, 127)
        same = [
            i
            for i, known in enumerate(self._model.operatorCodes)
            if (known.builtinCode, known.version) == (kind, version)
        ]
        if not same:
            self._model.operatorCodes.append(code)
        operator.opcodeIndex = same[0] if same else len(self._model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, outputs
