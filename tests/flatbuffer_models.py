"""TF Lite files made from a sound one by a change, for the tests of what a bundle may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

GOLDEN = Path(__file__).parent / "golden"
ENCODER = (GOLDEN / "blocks" / "bundle" / "encoder.tflite").read_bytes()
DECODER = (GOLDEN / "blocks" / "bundle" / "decoder.tflite").read_bytes()


def changed(change: Callable[[Any], object], content: bytes) -> bytes:
    """A file after a change of its unpacked model."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    change(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def of(model: Any, name: str) -> Any:
    """The first operator of a name."""
    number = getattr(schema.BuiltinOperator, name)
    for operator in model.subgraphs[0].operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if max(code.builtinCode, code.deprecatedBuiltinCode) == number:
            return operator
    raise AssertionError(name)


def read_by(model: Any, name: str, place: int) -> Any:
    """The tensor in a place of the inputs of the first operator of a name."""
    return model.subgraphs[0].tensors[of(model, name).inputs[place]]


def given_by(model: Any, name: str) -> Any:
    """The tensor that the first operator of a name writes."""
    return model.subgraphs[0].tensors[of(model, name).outputs[0]]


def put(model: Any, tensor: Any, values: Sequence[int]) -> None:
    """Other values of a constant of int32."""
    model.buffers[tensor.buffer].data = np.array(values, "<i4").view(np.uint8)
    tensor.shape = np.array([len(values)], np.int32)


def tensor(model: Any, shape: Sequence[int], kind: str = "FLOAT32", values: Any = None) -> int:
    """The number of a new tensor of the first graph, a constant of int32 if it has values."""
    new = schema.TensorT()
    new.name, new.shape = b"new", np.array(shape, np.int32)
    new.type, new.buffer = getattr(schema.TensorType, kind), 0
    if values is not None:
        model.buffers.append(schema.BufferT())
        new.type, new.buffer = schema.TensorType.INT32, len(model.buffers) - 1
        model.buffers[-1].data = np.array(values, "<i4").view(np.uint8)
    model.subgraphs[0].tensors.append(new)
    return len(model.subgraphs[0].tensors) - 1


def append(
    model: Any,
    name: str,
    inputs: Sequence[int],
    shape: Sequence[int],
    options: Any = None,
    kind: str = "FLOAT32",
) -> int:
    """One more operator at the end of the first graph, whose output is the graph's."""
    graph, code = model.subgraphs[0], schema.OperatorCodeT()
    code.builtinCode, code.version = getattr(schema.BuiltinOperator, name), 1
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs = list(inputs)
    operator.outputs = [tensor(model, shape, kind)]
    if options is not None:
        operator.builtinOptions = options
        label = type(options).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, label)
    graph.operators.append(operator)
    graph.outputs = list(operator.outputs)
    for signature in model.signatureDefs or ():
        if signature.subgraphIndex == 0:
            signature.outputs[0].tensorIndex = operator.outputs[0]
    return operator.outputs[0]


def one_operator(name, options, shapes, inputs, output, weights=()):
    """A file of one operator; tensors in `weights` are constant."""
    model, graph, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    full, graph.tensors = schema.BufferT(), []
    full.data = np.zeros(4, np.uint8)
    for i, shape in enumerate(shapes):
        tensor = schema.TensorT()
        tensor.shape, tensor.buffer = list(shape), 1 if i in weights else 0
        tensor.name, tensor.type = f"t{i}".encode(), schema.TensorType.FLOAT32
        graph.tensors.append(tensor)
    node = schema.OperatorT()
    node.opcodeIndex, node.inputs, node.outputs = 0, list(inputs), [output]
    node.builtinOptions, node.builtinOptionsType = options
    graph.operators, graph.inputs, graph.outputs = [node], [inputs[0]], [output]
    model.version, model.operatorCodes = 3, [code]
    model.buffers, model.subgraphs = [schema.BufferT(), full], [graph]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
