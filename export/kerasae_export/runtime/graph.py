"""A TF Lite file as a graph: its operators, their multiply-accumulates and their memory."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from kerasae_export.errors import BundleError

__all__ = ["PLUMBING", "Graph", "Operator"]

PLUMBING = frozenset({"QUANTIZE", "DEQUANTIZE", "RESHAPE", "EXPAND_DIMS", "SQUEEZE", "CAST"})
"""Operators that move or recode values without computing with them."""

_EDGES = frozenset({"QUANTIZE", "DEQUANTIZE"})
_VIEWS = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"})
_UNCOUNTED = frozenset({"CUSTOM", "DELEGATE", "WHILE", "IF", "CALL", "CALL_ONCE"})
_RECURRENT = re.compile(r"(LSTM|RNN)$")

_UNREADABLE = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)

_OPERATORS = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
_TYPES = {v: k for k, v in vars(schema.TensorType).items() if isinstance(v, int)}


@dataclass(frozen=True)
class Operator:
    """One operator of a graph.

    Attributes:
        index: Its place in the order of execution.
        name: Such as `"CONV_2D"`.
        layer: The Keras layer that it came from, as far as names tell.
        activation: Number of the activation that is fused into it, 0 for none.
        inputs: Tensors, -1 for an optional one that is absent.
        outputs: Tensors.
        shape: Shape of the first output, batch first.
        macs: Multiply-accumulates of one run, or None where they cannot be known.
    """

    index: int
    name: str
    layer: str
    activation: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shape: tuple[int, ...]
    macs: int | None


class Graph:
    """The operators and tensors of a TF Lite file, or of one of its signatures.

    Args:
        content: The bytes of the `.tflite` file.
        signature: Name of the signature; by default the first subgraph.

    Raises:
        BundleError: If the bytes are not a TF Lite file or lack the signature.
    """

    def __init__(self, content: bytes, signature: str | None = None) -> None:
        try:
            self._key = None if signature is None else signature.encode()
            self._model = flatbuffer_utils.read_model_from_bytearray(content)
            self._choose(0 if signature is None else self._subgraph(signature))
        except _UNREADABLE as e:
            raise BundleError(f"The file has no readable graph: {e}.") from None

    @classmethod
    def of(cls, model: Any, chosen: int) -> Graph:
        """One of the graphs of an unpacked file, whose tensors and operators must be sound."""
        graph = cls.__new__(cls)
        graph._key, graph._model = None, model
        graph._choose(chosen)
        return graph

    def _choose(self, chosen: int) -> None:
        self._graph = self._model.subgraphs[chosen]
        self.operators = [self._operator(i) for i in range(len(self._graph.operators or ()))]

    def _subgraph(self, signature: str) -> int:
        found = {d.signatureKey.decode(): d.subgraphIndex for d in self._model.signatureDefs or ()}
        if signature not in found:
            raise ValueError(f"signature {signature!r} is missing, there are {sorted(found)}")
        return int(found[signature])

    @property
    def inputs(self) -> tuple[int, ...]:
        """The tensors that go in."""
        return tuple(self._graph.inputs)

    @property
    def outputs(self) -> tuple[int, ...]:
        """The tensors that come out."""
        return tuple(self._graph.outputs)

    @property
    def named_outputs(self) -> dict[str, int]:
        """The tensors that come out, by their names in the signature; empty without one."""
        found = [d for d in self._model.signatureDefs or () if d.signatureKey == self._key]
        return {entry.name.decode(): int(entry.tensorIndex) for d in found for entry in d.outputs}

    @property
    def foreign(self) -> list[str]:
        """Operators in the whole file that are not built into LiteRT."""
        found = set()
        for code in self._model.operatorCodes:
            number = max(code.builtinCode, code.deprecatedBuiltinCode)
            name = _OPERATORS.get(number, f"number {number}")
            if name in ("CUSTOM", "DELEGATE") or number not in _OPERATORS:
                own = (code.customCode or b"").decode(errors="replace")
                found.add(f"{name} ({own})" if own else name)
        return sorted(found)

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of one run, or None if an operator hides some."""
        counts = [operator.macs for operator in self.operators]
        return None if None in counts else sum(n for n in counts if n is not None)

    @property
    def float_operators(self) -> list[Operator]:
        """Operators that take or give floats; those between floats and integers do not count."""
        return [
            operator
            for operator in self.operators
            if operator.name not in _EDGES
            and any(self._is_float(t) for t in (*operator.inputs, *operator.outputs) if t >= 0)
        ]

    @property
    def working_bytes(self) -> int:
        """Most bytes of activations that are alive at once: about the size of an arena.

        Reshaping is free; any other operator writes its outputs beside its inputs.
        """
        owner: dict[int, int] = {}
        for operator in self.operators:
            if operator.name in _VIEWS:
                source = operator.inputs[0]
                owner[operator.outputs[0]] = owner.get(source, source)
        born: dict[int, int] = dict.fromkeys(self.inputs, 0)
        died: dict[int, int] = dict.fromkeys(self.inputs, 0)
        for operator in self.operators:
            for tensor in (*operator.inputs, *operator.outputs):
                held = owner.get(tensor, tensor)
                born.setdefault(held, operator.index)
                died[held] = operator.index
        died.update({owner.get(t, t): len(self.operators) for t in self.outputs})
        change = [0] * (len(self.operators) + 2)
        for tensor, start in born.items():
            change[start] += self._bytes(tensor)
            change[died[tensor] + 1] -= self._bytes(tensor)
        return max(accumulate(change))

    @property
    def folded_bytes(self) -> int:
        """Bytes of what is computed from weights alone: LiteRT keeps it between two runs."""
        known: set[int] = set()
        total = 0
        for operator in self.operators:
            if all(t < 0 or t in known or self.is_constant(t) for t in operator.inputs):
                known.update(operator.outputs)
                total += sum(map(self._bytes, operator.outputs))
        return total

    def is_constant(self, tensor: int) -> bool:
        """Whether a tensor holds weights, not activations."""
        data = self._model.buffers[self._graph.tensors[tensor].buffer].data
        return data is not None and len(data) > 0

    def is_real(self, tensor: int) -> bool:
        """Whether a tensor stands for real numbers: floats, or integers with a scale."""
        details = self._graph.tensors[tensor].quantization
        quantised = details is not None and details.scale is not None and len(details.scale) > 0
        return self._is_float(tensor) or quantised

    def is_quantised(self, tensor: int) -> bool:
        """Whether a tensor holds integers with a scale."""
        return self.is_real(tensor) and not self._is_float(tensor)

    def scale(self, tensor: int) -> tuple[float, int] | None:
        """Scale and zero point of a tensor that has one of each; None for others."""
        details = self._graph.tensors[tensor].quantization
        if not self.is_quantised(tensor) or len(details.scale) != 1:
            return None
        return float(details.scale[0]), int(details.zeroPoint[0])

    def kind(self, tensor: int) -> str:
        """The type of a tensor, such as `"INT8"`."""
        return _TYPES[self._graph.tensors[tensor].type]

    def version(self, operator: Operator) -> int:
        """The version of an operator."""
        node = self._graph.operators[operator.index]
        return int(self._model.operatorCodes[node.opcodeIndex].version)

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Shape of a tensor."""
        sizes = self._graph.tensors[tensor].shape
        return () if sizes is None else tuple(int(n) for n in sizes)

    def alone(self) -> bytes:
        """A file of this graph only, without signatures."""
        return self._file(self._graph.operators, self.inputs, self.outputs)

    def one_operator(self, operator: Operator) -> tuple[bytes, tuple[int, ...]]:
        """A file of one operator with its weights, and the tensors that it takes."""
        inputs = tuple(dict.fromkeys(t for t in operator.inputs if self._flows(t)))
        node = self._graph.operators[operator.index]
        return self._file([node], inputs, operator.outputs), inputs

    def _is_float(self, tensor: int) -> bool:
        return _TYPES[self._graph.tensors[tensor].type] in ("FLOAT16", "FLOAT32", "FLOAT64")

    def _flows(self, tensor: int) -> bool:
        return tensor >= 0 and not self.is_constant(tensor)

    def _file(self, operators: list[Any], inputs: Iterable[int], outputs: Iterable[int]) -> bytes:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._graph.tensors, operators
        graph.inputs, graph.outputs = list(inputs), list(outputs)
        model = schema.ModelT()
        model.version, model.operatorCodes = self._model.version, self._model.operatorCodes
        model.buffers, model.subgraphs = self._buffers(operators), [graph]
        return bytes(flatbuffer_utils.convert_object_to_bytearray(model))

    def _buffers(self, operators: list[Any]) -> list[Any]:
        """All buffers in their places; those that no operator needs are empty."""
        tensors = {t for node in operators for t in (*node.inputs, *node.outputs) if t >= 0}
        needed = {self._graph.tensors[t].buffer for t in tensors}
        buffers = self._model.buffers
        return [b if i in needed else schema.BufferT() for i, b in enumerate(buffers)]

    def _bytes(self, tensor: int) -> int:
        if tensor < 0 or self.is_constant(tensor):
            return 0
        kind = _TYPES[self._graph.tensors[tensor].type].lower()
        size = np.dtype(kind).itemsize if kind in np.sctypeDict else 1
        return size * math.prod(self.shape(tensor))

    def _operator(self, index: int) -> Operator:
        node = self._graph.operators[index]
        code = self._model.operatorCodes[node.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        name = _OPERATORS.get(number, f"number {number}")
        inputs, outputs = tuple(node.inputs), tuple(node.outputs)
        return Operator(
            index=index,
            name=name,
            layer=self._layer(name, inputs, outputs),
            activation=int(getattr(node.builtinOptions, "fusedActivationFunction", 0) or 0),
            inputs=inputs,
            outputs=outputs,
            shape=self.shape(outputs[0]) if outputs else (),
            macs=self._macs(name, node),
        )

    def _layer(self, name: str, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> str:
        """The name scope of the output or, if the converter renamed that, of the weights."""
        if name in _EDGES:
            return ""
        for path in self._paths(inputs, outputs):
            parts = path.split("/")
            if len(parts) > 2:
                # One suffix marks all layers of a trace, as in encoder_1/conv_1_1/conv/Relu.
                trace = re.search(r"_\d+$|$", parts[0])
                suffix = trace[0] if trace else ""
                scopes = [part for part in parts[1:-1] if part.endswith(suffix)] or parts[-2:-1]
                return scopes[-1].removesuffix(suffix)
        return ""

    def paths(self, operator: Operator, *, fused: bool = False) -> list[str]:
        """The scopes that the names of its outputs, then of its weights, begin with.

        Args:
            operator: One of this graph.
            fused: Whether to give the scopes of all that the converter fused into it.
        """
        names = self._names(operator.inputs, operator.outputs)
        return [part for name in names for part in name.split(";")[: None if fused else 1]]

    def _paths(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> list[str]:
        return [name.split(";")[0] for name in self._names(inputs, outputs)]

    def _names(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> list[str]:
        weights = [t for t in inputs if t >= 0 and self.is_constant(t)]
        return [self._graph.tensors[t].name.decode(errors="replace") for t in (*outputs, *weights)]

    def _macs(self, name: str, node: Any) -> int | None:
        """Multiply-accumulates by the definition of the operator, those with padding included."""
        if name in _UNCOUNTED:
            return None
        if name == "CONV_2D":  # weights (out, height, width, in), also of groups
            return self._size(node.outputs[0]) * math.prod(self.shape(node.inputs[1])[1:])
        if name == "DEPTHWISE_CONV_2D":  # weights (1, height, width, out)
            return self._size(node.outputs[0]) * math.prod(self.shape(node.inputs[1])[1:3])
        if name == "TRANSPOSE_CONV":  # weights (out, height, width, in)
            return self._size(node.inputs[2]) * math.prod(self.shape(node.inputs[1])[:3])
        if name == "CONV_3D":  # weights (depth, height, width, in, out)
            return self._size(node.outputs[0]) * math.prod(self.shape(node.inputs[1])[:4])
        if name == "CONV_3D_TRANSPOSE":  # weights (depth, height, width, out, in)
            return self._size(node.inputs[2]) * math.prod(self.shape(node.inputs[1])[:4])
        if name == "FULLY_CONNECTED":  # weights (out, in)
            return self._size(node.outputs[0]) * self.shape(node.inputs[1])[-1]
        if name == "BATCH_MATMUL":
            summed = self.shape(node.inputs[0])[-2 if node.builtinOptions.adjX else -1]
            return self._size(node.outputs[0]) * summed
        if _RECURRENT.search(name):  # every matrix once for each example and step
            matrices = [t for t in node.inputs[1:] if t >= 0 and self.is_constant(t)]
            weights = sum(self._size(t) for t in matrices if len(self.shape(t)) == 2)
            return math.prod(self.shape(node.inputs[0])[:-1]) * weights
        return 0

    def _size(self, tensor: int) -> int:
        return math.prod(self.shape(tensor))
