"""The output shapes of every operator that a bundle's model may have.

A file states the shape of each tensor, and work and memory are counted from these; so each must be
what the operator makes of its inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from kerasae_export.runtime.calls import Call, Shape
from kerasae_export.runtime.window_rules import RULES as WINDOWS
from kerasae_export.runtime.window_rules import Rule, broadcast

__all__ = ["RULES", "check_shapes"]


def check_shapes(call: Call) -> None:
    """Refuse an operator whose outputs are not of the shapes that its inputs give.

    Raises:
        BundleError: If they are not, or an input or an option is impossible.
    """
    expected = RULES[call.name](call)
    if call.stated != expected:
        raise call.fails(f"give the shape that the file states, {str(call.stated)[:80]}", expected)


def _same(call: Call) -> list[Shape]:
    return [call.shape(0)]


def _broadcast(call: Call) -> list[Shape]:
    return [broadcast(call, *(call.shape(i) for i in range(max(2, len(call.operands)))))]


def _sum_of_all(call: Call) -> list[Shape]:
    shapes = {call.shape(i) for i in range(len(call.operands))}
    if len(shapes) != 1:
        raise call.fails("have inputs of one shape", sorted(shapes))
    return [call.shape(0)]


def _prelu(call: Call) -> list[Shape]:
    result = broadcast(call, call.shape(0), call.shape(1))
    if result != call.shape(0):
        raise call.fails("have slopes that fit its input", f"{call.shape(1)} for {call.shape(0)}")
    return [result]


def _select(call: Call) -> list[Shape]:
    condition, given = call.shape(0), call.shape(1)
    if call.shape(2) != given or condition not in (given, given[:1], ()):
        raise call.fails("have inputs of one shape", f"{condition}, {given}, {call.shape(2)}")
    return [given]


def _along(call: Call) -> list[Shape]:
    """An operator that works along constant axes and keeps the shape."""
    given = call.shape(0)
    for axis in call.integers(1):
        call.axis(axis, len(given))
    return [given]


def _reduce(call: Call) -> list[Shape]:
    given, keep = call.shape(0), call.options("Reducer").keepDims
    axes = {call.axis(axis, len(given)) for axis in call.integers(1)}
    if keep:
        return [tuple(1 if i in axes else n for i, n in enumerate(given))]
    return [tuple(n for i, n in enumerate(given) if i not in axes)]


def _arg(call: Call) -> list[Shape]:
    given, (axis,) = call.shape(0), call.integers(1, 1)
    axis = call.axis(axis, len(given))
    return [given[:axis] + given[axis + 1 :]]


def _reshape(call: Call) -> list[Shape]:
    given = call.shape(0)
    if call.has(1):
        wanted = call.integers(1)
    else:
        stated = call.options("Reshape").newShape
        wanted = [int(n) for n in (() if stated is None else stated)]
    known = math.prod(n for n in wanted if n != -1)
    if wanted.count(-1) == 1 and known > 0:
        wanted = [math.prod(given) // known if n == -1 else n for n in wanted]
    if min(wanted, default=1) < 1 or math.prod(wanted) != math.prod(given):
        raise call.fails("have as many values as its input", f"{wanted} from {given}")
    return [tuple(wanted)]


def _expand(call: Call) -> list[Shape]:
    given, (axis,) = call.shape(0), call.integers(1, 1)
    axis = call.axis(axis, len(given) + 1)
    return [(*given[:axis], 1, *given[axis:])]


def _squeeze(call: Call) -> list[Shape]:
    given = call.shape(0)
    named = () if call.table is None else call.options("Squeeze").squeezeDims
    axes = {call.axis(int(axis), len(given)) for axis in (() if named is None else named)}
    axes = axes or {i for i, n in enumerate(given) if n == 1}
    if any(given[axis] != 1 for axis in axes):
        raise call.fails("drop axes of size 1 only", f"{sorted(axes)} of {given}")
    return [tuple(n for i, n in enumerate(given) if i not in axes)]


def _transpose(call: Call) -> list[Shape]:
    given = call.shape(0)
    order = call.integers(1, len(given))
    if sorted(order) != list(range(len(given))):
        raise call.fails("name each axis once", order)
    return [tuple(given[axis] for axis in order)]


def _pad(call: Call) -> list[Shape]:
    given = call.shape(0)
    edges = call.integers(1, 2 * len(given))
    pairs = list(zip(edges[::2], edges[1::2], strict=True))
    inner = [math.inf] * len(given)
    if call.name == "MIRROR_PAD":  # mode 0 leaves out the edge itself
        inner = [n - (call.options("MirrorPad").mode == 0) for n in given]
    for pair, most in zip(pairs, inner, strict=True):
        if min(pair) < 0 or max(pair) > most:
            raise call.fails("have paddings that its input can give", f"{pairs} for {given}")
    return [tuple(n + sum(pair) for n, pair in zip(given, pairs, strict=True))]


def _tile(call: Call) -> list[Shape]:
    given = call.shape(0)
    return [tuple(n * k for n, k in zip(given, call.integers(1, len(given)), strict=True))]


def _broadcast_to(call: Call) -> list[Shape]:
    wanted = tuple(call.integers(1))
    if broadcast(call, call.shape(0), wanted) != wanted:
        raise call.fails("have an input that fits", f"{call.shape(0)} for {wanted}")
    return [wanted]


def _one_hot(call: Call) -> list[Shape]:
    given, (depth,) = call.shape(0), call.integers(1, 1)
    axis = call.options("OneHot").axis
    axis = len(given) if axis == -1 else call.axis(axis, len(given) + 1)
    return [(*given[:axis], depth, *given[axis:])]


def _top(call: Call) -> list[Shape]:
    given, (count,) = call.shape(0), call.integers(1, 1)
    if not given or not 1 <= count <= given[-1]:
        raise call.fails("choose of the values that there are", f"{count} of {given}")
    return [(*given[:-1], count)] * 2


def _concatenation(call: Call) -> list[Shape]:
    shapes = [call.shape(i) for i in range(len(call.operands))]
    axis = call.axis(call.options("Concatenation").axis, len(call.shape(0)))
    rest = {(*shape[:axis], 0, *shape[axis + 1 :]) for shape in shapes}
    if len(rest) != 1:
        raise call.fails("have inputs that fit", shapes)
    total = sum(shape[axis] for shape in shapes)
    return [(*shapes[0][:axis], total, *shapes[0][axis + 1 :])]


def _pack(call: Call) -> list[Shape]:
    o, (given,) = call.options("Pack"), _sum_of_all(call)
    axis = call.axis(o.axis, len(given) + 1)
    call.between("a count of its inputs", o.valuesCount, len(call.operands), len(call.operands))
    return [(*given[:axis], len(call.operands), *given[axis:])]


def _unpack(call: Call) -> list[Shape]:
    o, given = call.options("Unpack"), call.shape(0)
    axis = call.axis(o.axis, len(given))
    call.between("a count of its outputs", o.num, given[axis], given[axis])
    return [given[:axis] + given[axis + 1 :]] * len(call.stated)


def _split(call: Call) -> list[Shape]:
    (axis,), given, count = call.integers(0, 1), call.shape(1), len(call.stated)
    axis = call.axis(axis, len(given))
    call.between("a count of its outputs", call.options("Split").numSplits, count, count)
    if given[axis] % count:
        raise call.fails("split evenly", f"{given[axis]} in {count}")
    return [(*given[:axis], given[axis] // count, *given[axis + 1 :])] * count


def _split_v(call: Call) -> list[Shape]:
    given, sizes, (axis,) = call.shape(0), call.integers(1, len(call.stated)), call.integers(2, 1)
    axis = call.axis(axis, len(given))
    count = call.options("SplitV").numSplits
    call.between("a count of its outputs", count, len(sizes), len(sizes))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = given[axis] - sum(sizes) - 1
    if min(sizes) < 1 or sum(sizes) != given[axis]:
        raise call.fails("split all of its input", f"{given[axis]} in {sizes}")
    return [(*given[:axis], size, *given[axis + 1 :]) for size in sizes]


def _gather(call: Call) -> list[Shape]:
    given, places, o = call.shape(0), call.shape(1), call.options("Gather")
    axis, batch = call.axis(o.axis, len(given)), call.between("batch axes", o.batchDims, 0, 4)
    if batch > min(axis, len(places)) or given[:batch] != places[:batch]:
        raise call.fails("have places for its input", f"{places} in {given}")
    return [(*given[:axis], *places[batch:], *given[axis + 1 :])]


def _gather_nd(call: Call) -> list[Shape]:
    given, places = call.shape(0), call.shape(1)
    if not places or not 1 <= places[-1] <= len(given):
        raise call.fails("have places for its input", f"{places} in {given}")
    return [(*places[:-1], *given[places[-1] :])]


def _slice(call: Call) -> list[Shape]:
    given = call.shape(0)
    starts, sizes = call.integers(1, len(given)), call.integers(2, len(given))
    result = []
    for n, start, size in zip(given, starts, sizes, strict=True):
        size = n - start if size == -1 else size
        if start < 0 or size < 1 or start + size > n:
            raise call.fails("take a part of its input", f"{starts}, {sizes} of {given}")
        result.append(size)
    return [tuple(result)]


def _strided_slice(call: Call) -> list[Shape]:
    given, starts = call.shape(0), call.integers(1)
    ends, strides = call.integers(2, len(starts)), call.integers(3, len(starts))
    o = call.options("StridedSlice")
    if o.offset or bin(o.ellipsisMask).count("1") > 1:
        raise call.fails("have one ellipsis at most and no offsets", o.ellipsisMask)
    parts = list(enumerate(zip(starts, ends, strides, strict=True)))
    used = sum(not (o.newAxisMask | o.ellipsisMask) >> i & 1 for i, _ in parts)
    left, result = list(given), []
    for i, (start, end, stride) in parts:
        if o.ellipsisMask >> i & 1:
            rest = len(given) - used
            result += left[:rest]
            left = left[max(rest, 0) :]
        elif o.newAxisMask >> i & 1:
            result.append(1)
        elif not left:
            raise call.fails("have an axis for each of its parts", f"{len(starts)} of {given}")
        else:
            size = left.pop(0)
            whole = slice(
                None if o.beginMask >> i & 1 else start, None if o.endMask >> i & 1 else end, stride
            )
            if not o.shrinkAxisMask >> i & 1:
                result.append(_length(call, whole, size))
            elif not -size <= start < size:
                raise call.fails("take a part of its input", f"{start} of {size}")
    return [tuple(result + left)]


def _length(call: Call, part: slice, size: int) -> int:
    found = len(range(size)[part]) if part.step else 0
    if found < 1:
        raise call.fails("take a part of its input", f"{part} of {size}")
    return found


def _shape(call: Call) -> list[Shape]:
    return [(len(call.shape(0)),)]


def _named(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


RULES: dict[str, Callable[[Call], Any]] = {
    **WINDOWS,
    **_named(
        _same,
        "ABS CAST CEIL COS DEQUANTIZE ELU EXP FLOOR GELU HARD_SWISH L2_NORMALIZATION LEAKY_RELU LOG"
        " LOGICAL_NOT LOGISTIC LOG_SOFTMAX NEG QUANTIZE RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 ROUND"
        " RSQRT SIGN SIN SOFTMAX SQRT SQUARE TANH ZEROS_LIKE",
    ),
    **_named(
        _broadcast,
        "ADD DIV EQUAL FLOOR_DIV FLOOR_MOD GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND"
        " LOGICAL_OR MAXIMUM MINIMUM MUL NOT_EQUAL POW SELECT_V2 SQUARED_DIFFERENCE SUB",
    ),
    **_named(_along, "CUMSUM REVERSE_V2"),
    **_named(_arg, "ARG_MAX ARG_MIN"),
    **_named(_pad, "MIRROR_PAD PAD PADV2"),
    **_named(_reduce, "MEAN REDUCE_ALL REDUCE_ANY REDUCE_MAX REDUCE_MIN REDUCE_PROD SUM"),
    "ADD_N": _sum_of_all,
    "BROADCAST_TO": _broadcast_to,
    "CONCATENATION": _concatenation,
    "EXPAND_DIMS": _expand,
    "GATHER": _gather,
    "GATHER_ND": _gather_nd,
    "ONE_HOT": _one_hot,
    "PACK": _pack,
    "PRELU": _prelu,
    "RESHAPE": _reshape,
    "SELECT": _select,
    "SHAPE": _shape,
    "SLICE": _slice,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": _strided_slice,
    "TILE": _tile,
    "TOPK_V2": _top,
    "TRANSPOSE": _transpose,
    "UNPACK": _unpack,
}
"""The rule of each operator of the allowlist."""
