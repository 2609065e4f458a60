"""Which operators a bundle's model may have, and how much it may compute.

A bundle is a program, and LiteRT believes what it is told. These checks are made before LiteRT
sees a model: the operators and their versions, the tensors and who writes them, the shape that each
operator gives, and the work and memory that follow from these.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from kerasae_export.errors import BundleError
from kerasae_export.runtime.calls import Call
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.operand_rules import check_operands
from kerasae_export.runtime.scale_rules import check_scales
from kerasae_export.runtime.shape_rules import check_shapes
from kerasae_export.runtime.structure import calls, check_counts, check_graph, check_signatures

__all__ = ["ALLOWED", "MAX_COPIED_BYTES", "MAX_MACS", "MAX_WORKING_BYTES", "check_program"]

MAX_MACS = 2**36
"""Most multiply-accumulates of a run, or values touched: about a minute on a slow core."""

MAX_WORKING_BYTES = 2**29
"""Most bytes of activations that are alive at once."""

MAX_COPIED_BYTES = 2**30
"""Most bytes into which kernels may copy: all weights, and the windows of one convolution."""

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
SHAPE 1 SIGN 2 SIN 1 SLICE 6 SOFTMAX 3 SPACE_TO_BATCH_ND 4 SPACE_TO_DEPTH 2 SPLIT 4 SPLIT_V 2 SQRT 2
SQUARE 1 SQUARED_DIFFERENCE 2 SQUEEZE 2 STRIDED_SLICE 8 SUB 5 SUM 2 TANH 3 TILE 3 TOPK_V2 3
TRANSPOSE 7 TRANSPOSE_CONV 5 UNPACK 4 ZEROS_LIKE 1
"""
_VERSIONS = _TEXT.split()
ALLOWED = dict(zip(_VERSIONS[::2], map(int, _VERSIONS[1::2]), strict=True))
"""The newest version of each operator that may occur."""

_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
_POINTER = 8
_NOT_WELL_FORMED = (
    AttributeError,
    IndexError,
    OverflowError,
    TypeError,
    UnicodeDecodeError,
    ValueError,
    struct.error,
)


def check_program(content: bytes) -> None:
    """Refuse a model that a codec has no use for, before LiteRT sees it.

    Args:
        content: A TF Lite file.

    Raises:
        BundleError: If it is damaged, an operator or its version is not allowed, a tensor is
            impossible or read before it is written, an operator does not give the shape that the
            file states, or there is too much work or memory in a graph.
    """
    try:
        names = _operators(schema.Model.GetRootAsModel(content, 0))
        check_counts(content)
        # As it stands: the other reader of these tools mends files, LiteRT does not.
        model = flatbuffer_utils.convert_bytearray_to_object(content)
        check_signatures(model)
        for chosen, graph in enumerate(model.subgraphs):
            check_graph(model, graph)
            found = list(calls(model, graph, names))
            for call in found:
                check_operands(call)
                check_shapes(call)
                check_scales(call)
            _check_budget(Graph.of(model, chosen), found)
    except BundleError:
        raise
    except _NOT_WELL_FORMED as error:
        raise BundleError(f"A model is no well-formed flatbuffer: {error}.") from None


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


def _check_budget(graph: Graph, found: list[Call]) -> None:
    work = sum(
        max(operator.macs or 0, _values(call))
        for operator, call in zip(graph.operators, found, strict=True)
    )
    working = graph.working_bytes + graph.folded_bytes
    copied = sum(map(_constant_bytes, found)) + max(map(_windows, found), default=0)
    if work > MAX_MACS or working > MAX_WORKING_BYTES or copied > MAX_COPIED_BYTES:
        raise BundleError(
            f"A model must take at most {MAX_MACS} multiply-accumulates, {MAX_WORKING_BYTES} bytes "
            f"for its activations and {MAX_COPIED_BYTES} for copies of weights and windows. "
            f"Received: {work}, {working} and {copied}"
        )


def _values(call: Call) -> int:
    """How many values an operator touches."""
    shapes = [operand.shape for operand in call.operands if operand is not None]
    touched = sum(math.prod(shape) for shape in (*shapes, *call.stated))
    if call.name in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        touched += math.prod(call.stated[0]) * call.table.filterHeight * call.table.filterWidth
    return touched


def _constant_bytes(call: Call) -> int:
    return sum(len(o.content) for o in call.operands if o is not None and o.content is not None)


def _windows(call: Call) -> int:
    """Bytes that a kernel may need to put the windows of an operator side by side."""
    shapes = [() if operand is None else operand.shape for operand in call.operands]
    if call.name in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        window = call.table.filterHeight * call.table.filterWidth
        return math.prod(call.stated[0][1:3]) * window * _POINTER
    if call.name == "DEPTHWISE_CONV_2D":
        return math.prod(call.stated[0][1:3]) * math.prod(shapes[1][1:3]) * _POINTER
    size = np.dtype(call.operand(0).dtype).itemsize if call.operands else 0
    if call.name == "CONV_2D" and shapes[1][1:3] != (1, 1):
        values = size * shapes[1][3]
        places = math.prod(call.stated[0][:3])
        return places * math.prod(shapes[1][1:3]) * max(values, _POINTER)
    if call.name == "CONV_3D":
        return math.prod(call.stated[0][:4]) * math.prod(shapes[1][:4]) * size
    if call.name in ("TRANSPOSE_CONV", "CONV_3D_TRANSPOSE"):
        windows = math.prod(shapes[1]) // shapes[2][-1]
        return math.prod(shapes[2][:-1]) * windows * 4
    return 0
