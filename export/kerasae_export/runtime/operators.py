"""Which operators a bundle's model may have, and how much it may compute.

A bundle is a program, and LiteRT believes what it is told. These checks are made before LiteRT
prepares a model: the operators and their versions, what operators of control flow could hide, the
sizes of constants against what their operators read, and the work and memory that the model states.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from kerasae_export.errors import BundleError
from kerasae_export.runtime.graph import Graph

__all__ = ["ALLOWED", "MAX_MACS", "MAX_WORKING_BYTES", "check_program"]

MAX_MACS = 2**36
"""Most multiply-accumulates of a run: about a minute on a slow core."""

MAX_WORKING_BYTES = 2**29
"""Most bytes of activations that are alive at once."""

MAX_OPERATORS = 2**13

# What the TF Lite converter makes of stock layers without loops, with the newest version that
# LiteRT 2 has kernels for.
_TEXT = """
ABS 5 ADD 5 ADD_N 1 ARG_MAX 3 ARG_MIN 3 AVERAGE_POOL_2D 3 BATCH_MATMUL 4 BATCH_TO_SPACE_ND 4
BROADCAST_TO 3 CAST 7 CEIL 1 CONCATENATION 5 CONV_2D 8 CONV_3D 1 CONV_3D_TRANSPOSE 1 COS 1 CUMSUM 1
DEPTHWISE_CONV_2D 7 DEPTH_TO_SPACE 2 DEQUANTIZE 6 DIV 2 ELU 1 EQUAL 4 EXP 2 EXPAND_DIMS 1 FLOOR 1
FLOOR_DIV 3 FLOOR_MOD 2 FULLY_CONNECTED 14 GATHER 7 GATHER_ND 5 GELU 2 GREATER 2 GREATER_EQUAL 3
HARD_SWISH 1 L2_NORMALIZATION 2 LEAKY_RELU 2 LESS 3 LESS_EQUAL 2 LOG 2 LOGICAL_AND 1 LOGICAL_NOT 1
LOGICAL_OR 1 LOGISTIC 3 LOG_SOFTMAX 2 MAXIMUM 4 MAX_POOL_2D 3 MEAN 3 MINIMUM 4 MIRROR_PAD 3 MUL 7
NEG 2 NOT_EQUAL 3 ONE_HOT 1 PACK 4 PAD 4 PADV2 4 POW 1 PRELU 1 QUANTIZE 4 REDUCE_ALL 1 REDUCE_ANY 1
REDUCE_MAX 3 REDUCE_MIN 3 REDUCE_PROD 2 RELU 3 RELU6 3 RELU_0_TO_1 1 RELU_N1_TO_1 1 RESHAPE 2
RESIZE_BILINEAR 4 RESIZE_NEAREST_NEIGHBOR 4 REVERSE_V2 3 ROUND 1 RSQRT 3 SELECT 4 SELECT_V2 2
SHAPE 1 SIGN 2 SIN 1 SLICE 6 SOFTMAX 3 SPACE_TO_BATCH_ND 4 SPACE_TO_DEPTH 2 SPLIT 4 SPLIT_V 2 SQRT 1
SQUARE 1 SQUARED_DIFFERENCE 2 SQUEEZE 2 STRIDED_SLICE 8 SUB 5 SUM 2 TANH 3 TILE 3 TOPK_V2 3
TRANSPOSE 7 TRANSPOSE_CONV 5 UNPACK 4 ZEROS_LIKE 1
"""
_VERSIONS = _TEXT.split()
ALLOWED = dict(zip(_VERSIONS[::2], map(int, _VERSIONS[1::2]), strict=True))
"""The newest version of each operator that may occur."""

# Operands that say how large an output is: from a network they could ask for any memory.
_SIZES = {
    "BROADCAST_TO": (1,),
    "MIRROR_PAD": (1,),
    "ONE_HOT": (1,),
    "PAD": (1,),
    "PADV2": (1,),
    "RESIZE_BILINEAR": (1,),
    "RESIZE_NEAREST_NEIGHBOR": (1,),
    "TILE": (1,),
    "TOPK_V2": (1,),
    "TRANSPOSE_CONV": (0,),
}
# Where the weights and the bias of an operator are, and the axis of the weights that gives outputs.
_BIASED = {
    "CONV_2D": (1, 2, 0),
    "CONV_3D": (1, 2, 4),
    "DEPTHWISE_CONV_2D": (1, 2, 3),
    "FULLY_CONNECTED": (1, 2, 0),
    "TRANSPOSE_CONV": (1, 3, 0),
}
_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}


def check_program(content: bytes, signature: str | None = None) -> None:
    """Refuse a model that a codec has no use for, before LiteRT prepares it.

    Args:
        content: A TF Lite file.
        signature: The signature that will be run; by default the first graph.

    Raises:
        BundleError: If it is damaged, an operator or its version is not allowed, an operand that
            sizes an output is not constant, a bias is not as long as the outputs are many, a tensor
            is sparse or of a shape known only at run time, or the model states too much work or
            memory.
    """
    try:
        _check_program(content, signature)
    except (struct.error, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise BundleError(f"A model is no well-formed flatbuffer: {error}.") from None


def _check_program(content: bytes, signature: str | None) -> None:
    model = schema.Model.GetRootAsModel(content, 0)
    names = _operators(model)
    total = 0
    for graph in map(model.Subgraphs, range(model.SubgraphsLength())):
        total += graph.OperatorsLength()
        if total > MAX_OPERATORS:
            raise BundleError(f"A model must have at most {MAX_OPERATORS} operators.")
        for tensor in map(graph.Tensors, range(graph.TensorsLength())):
            if tensor.Sparsity() is not None or tensor.IsVariable():
                raise BundleError("A model's tensors must be neither sparse nor variable.")
        for operator in map(graph.Operators, range(graph.OperatorsLength())):
            _check_operands(model, graph, operator, names[operator.OpcodeIndex()])
    graph = Graph(content, signature)
    macs, working = graph.macs or 0, graph.working_bytes
    if macs > MAX_MACS or working > MAX_WORKING_BYTES:
        raise BundleError(
            f"A model must take at most {MAX_MACS} multiply-accumulates and {MAX_WORKING_BYTES} "
            f"bytes for its activations. Received: {macs} and {working}"
        )


def _operators(model: Any) -> list[str]:
    names = []
    for code in map(model.OperatorCodes, range(model.OperatorCodesLength())):
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        name = _NAMES.get(number, f"number {number}")
        if not 1 <= code.Version() <= ALLOWED.get(name, 0):
            raise BundleError(
                f"A model's operator {name} of version {code.Version()} is not one that a codec "
                "may have."
            )
        names.append(name)
    return names


def _check_operands(model: Any, graph: Any, operator: Any, name: str) -> None:
    inputs = [operator.Inputs(i) for i in range(operator.InputsLength())]
    for place in _SIZES.get(name, ()):
        if place >= len(inputs) or not _constant(model, graph, inputs[place]):
            raise BundleError(f"A model's operator {name} must have a constant size of its output.")
    if name in _SIZES:
        _check_size(model, graph, operator, inputs, name)
    if name in _BIASED:
        weights, bias, axis = _BIASED[name]
        if bias < len(inputs) and inputs[bias] >= 0:
            shape, length = _shape(graph, inputs[weights]), _shape(graph, inputs[bias])
            if axis >= len(shape) or math.prod(length) != shape[axis]:
                raise BundleError(
                    f"A model's operator {name} must have a bias for each of its outputs. "
                    f"Received: weights of shape {shape}, bias of shape {length}"
                )


def _check_size(model: Any, graph: Any, operator: Any, inputs: list[int], name: str) -> None:
    """Compare the constant that sizes an output with the shape that the file states for it."""
    stated = list(_shape(graph, operator.Outputs(0)))
    values = _integers(model, graph, inputs[_SIZES[name][0]])
    given = list(_shape(graph, inputs[0]))
    if name in ("BROADCAST_TO", "TRANSPOSE_CONV"):
        expected = values
    elif name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        expected = [*given[:1], *values, *given[3:]]
    elif name == "TILE":
        expected = [n * times for n, times in zip(given, values, strict=False)]
    elif name == "TOPK_V2":
        expected = [*given[:-1], *values]
    elif name == "ONE_HOT":
        expected = stated if math.prod(stated) == math.prod(given) * math.prod(values) else []
    else:  # paddings before and after along each axis
        expected = [n + sum(values[2 * i : 2 * i + 2]) for i, n in enumerate(given)]
    if expected != stated:
        raise BundleError(
            f"A model's operator {name} must give the shape that the file states, {stated}. "
            f"Received: {expected[:8]}"
        )


def _integers(model: Any, graph: Any, tensor: int) -> list[int]:
    """The values of a constant of integers."""
    entry = graph.Tensors(tensor)
    kinds = {schema.TensorType.INT32: "<i4", schema.TensorType.INT64: "<i8"}
    content = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    kind = kinds.get(entry.Type())
    if kind is None or len(content) % np.dtype(kind).itemsize or len(content) > 1024:
        raise BundleError("A model's sizes must be a few integers.")
    return np.frombuffer(content, kind).astype(np.int64).tolist()


def _constant(model: Any, graph: Any, tensor: int) -> bool:
    if not 0 <= tensor < graph.TensorsLength():
        return False
    buffer = graph.Tensors(tensor).Buffer()
    return buffer < model.BuffersLength() and model.Buffers(buffer).DataLength() > 0


def _shape(graph: Any, tensor: int) -> tuple[int, ...]:
    if not 0 <= tensor < graph.TensorsLength():
        raise BundleError(f"A model's operator names tensor {tensor}, which does not exist.")
    sizes = graph.Tensors(tensor).ShapeAsNumpy()
    return tuple(np.atleast_1d(sizes).tolist()) if not isinstance(sizes, int) else ()
