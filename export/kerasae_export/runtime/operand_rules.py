"""How many inputs an operator has, and of which types: kernels die of what they did not foresee."""

from __future__ import annotations

from kerasae_export.runtime.calls import Call

__all__ = ["check_operands"]

_WHOLE = frozenset({"int32", "int64"})
_REAL = frozenset({"float32", "int8", "uint8"})
_WIDE = frozenset({"int16"})
_ANY = _REAL | _WHOLE | {"bool"}

# Operators of which the converter makes such with activations of 16 bits and weights of 8.
_SIXTEEN = frozenset(
    [
        "ADD",
        "AVERAGE_POOL_2D",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "DEQUANTIZE",
        "EXPAND_DIMS",
        "FULLY_CONNECTED",
        "GELU",
        "LEAKY_RELU",
        "LOGISTIC",
        "MAX_POOL_2D",
        "MEAN",
        "MUL",
        "PAD",
        "QUANTIZE",
        "RELU",
        "RELU6",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "SOFTMAX",
        "SPLIT",
        "SQUEEZE",
        "STRIDED_SLICE",
        "SUB",
        "TANH",
        "TILE",
        "TRANSPOSE",
        "TRANSPOSE_CONV",
    ]
)

# Operators that only move values, and those that compute with whole numbers, too.
_MOVING = frozenset(
    [
        "BROADCAST_TO",
        "CAST",
        "CONCATENATION",
        "EXPAND_DIMS",
        "GATHER",
        "GATHER_ND",
        "MIRROR_PAD",
        "PACK",
        "PAD",
        "PADV2",
        "RESHAPE",
        "REVERSE_V2",
        "SELECT",
        "SELECT_V2",
        "SLICE",
        "SPLIT",
        "SPLIT_V",
        "SQUEEZE",
        "STRIDED_SLICE",
        "TILE",
        "TRANSPOSE",
        "UNPACK",
        "ZEROS_LIKE",
    ]
)
_COUNTING = frozenset(
    [
        "ABS",
        "ADD",
        "ADD_N",
        "ARG_MAX",
        "ARG_MIN",
        "CUMSUM",
        "DIV",
        "FLOOR_DIV",
        "FLOOR_MOD",
        "MAXIMUM",
        "MEAN",
        "MINIMUM",
        "MUL",
        "NEG",
        "POW",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "REDUCE_PROD",
        "SIGN",
        "SQUARED_DIFFERENCE",
        "SUB",
        "SUM",
        "TOPK_V2",
    ]
)
_COMPARING = frozenset(["EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"])
_LOGICAL = frozenset(["LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "REDUCE_ALL", "REDUCE_ANY"])
_CHANGING = frozenset({"ARG_MAX", "ARG_MIN", "CAST", "DEQUANTIZE", "ONE_HOT", "QUANTIZE", "SHAPE"})

_BIASED = {"CONV_2D": 2, "CONV_3D": 2, "CONV_3D_TRANSPOSE": 3, "FULLY_CONNECTED": 2}
_BIASED["TRANSPOSE_CONV"] = 3
_COUNTS = {
    **dict.fromkeys(_COMPARING | {"LOGICAL_AND", "LOGICAL_OR"}, 2),
    **dict.fromkeys(
        ["ADD", "DIV", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM", "MUL", "POW", "SUB"], 2
    ),
    **dict.fromkeys(
        ["ARG_MAX", "ARG_MIN", "BATCH_MATMUL", "BROADCAST_TO", "CUMSUM", "EXPAND_DIMS"], 2
    ),
    **dict.fromkeys(
        ["GATHER", "GATHER_ND", "MEAN", "MIRROR_PAD", "PAD", "PRELU", "REDUCE_ALL", "REDUCE_ANY"], 2
    ),
    **dict.fromkeys(
        ["REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "RESIZE_BILINEAR", "REVERSE_V2"], 2
    ),
    **dict.fromkeys(["RESIZE_NEAREST_NEIGHBOR", "SPLIT", "SQUARED_DIFFERENCE", "SUM", "TILE"], 2),
    **dict.fromkeys(["TOPK_V2", "TRANSPOSE"], 2),
    **dict.fromkeys(["BATCH_TO_SPACE_ND", "DEPTHWISE_CONV_2D", "PADV2", "SELECT", "SELECT_V2"], 3),
    **dict.fromkeys(["SLICE", "SPACE_TO_BATCH_ND", "SPLIT_V"], 3),
    **dict.fromkeys(["ONE_HOT", "STRIDED_SLICE"], 4),
}
_FIRST = {"CONV_3D_TRANSPOSE": 2, "ONE_HOT": 2, "SELECT": 1, "SELECT_V2": 1, "SPLIT": 1}
_FIRST["TRANSPOSE_CONV"] = 2
_ALIKE = _COMPARING | (_MOVING & {"CONCATENATION", "PACK"}) | (_COUNTING - {"CUMSUM", "TOPK_V2"})
_ALIKE -= frozenset(
    ["ARG_MAX", "ARG_MIN", "MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM"]
)


def check_operands(call: Call) -> None:
    """Refuse another number of inputs than an operator has, and types that it does not compute.

    Raises:
        BundleError: If there are too few or too many, or one is of another type.
    """
    count, bias = len(call.operands), _BIASED.get(call.name)
    if call.name not in ("ADD_N", "CONCATENATION", "PACK", "RESHAPE"):
        right = _COUNTS.get(call.name, 1)
        if count not in ((right,) if bias is None else (bias, bias + 1)):
            raise call.fails(f"have {right if bias is None else bias + 1} inputs", count)
    for place in range(count):
        if place != bias and not call.has(place):
            raise call.fails("have all of its inputs", f"none in place {place}")
    _check_types(call)


def _check_types(call: Call) -> None:
    own = call.operand(_FIRST.get(call.name, 0)).dtype
    if own not in _allowed(call.name):
        raise call.fails(f"compute with {', '.join(sorted(_allowed(call.name)))}", own)
    types = {operand.dtype for operand in call.operands if operand is not None}
    if call.name in _ALIKE and types != {own}:
        raise call.fails("have inputs of one type", sorted(types))
    if call.name.startswith("SELECT") and types != {"bool", own}:
        raise call.fails("choose between two of one type", sorted(types))
    given = call.results[0].dtype if call.results else own
    expected = frozenset({"bool"} if call.name in _COMPARING else {own})
    if call.name in _CHANGING:
        expected = _WHOLE if call.name in ("ARG_MAX", "ARG_MIN", "SHAPE") else frozenset({given})
    if given not in expected:
        raise call.fails(f"give {' or '.join(sorted(expected))}", given)


def _allowed(name: str) -> frozenset[str]:
    return _narrow(name) | (_WIDE if name in _SIXTEEN else frozenset())


def _narrow(name: str) -> frozenset[str]:
    """The types of an operator whose activations have another width than 16 bits."""
    if name in _MOVING | _COMPARING or name in ("ONE_HOT", "SHAPE"):
        return _ANY
    if name in _LOGICAL:
        return frozenset({"bool"})
    if name in _COUNTING:
        return _REAL | _WHOLE
    return frozenset({"int8", "uint8", "float16"}) if name == "DEQUANTIZE" else _REAL
