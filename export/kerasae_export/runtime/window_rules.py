"""The output shapes of operators that slide a window, multiply matrices or resize."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from kerasae_export.runtime.calls import Call, Shape

__all__ = ["RULES", "broadcast"]

Rule = Callable[[Call], list[Shape]]

_MOST = 2**13  # of a stride, and of a window with its holes: the side of a tile
_SAME, _VALID = 0, 1


def broadcast(call: Call, *shapes: Shape) -> Shape:
    """The shape of which all shapes are a part, axes counted from behind."""
    rank = max(map(len, shapes))
    full = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    sizes = tuple(max(axis) for axis in zip(*full, strict=True))
    if any(n not in (1, most) for shape in full for n, most in zip(shape, sizes, strict=True)):
        raise call.fails("have inputs of fitting shapes", shapes)
    return sizes


def _window(call: Call, side: int, window: int, stride: int, dilation: int, padding: int) -> int:
    """How many places a window has along an axis."""
    call.between("strides", stride, 1, _MOST)
    call.between("dilations", dilation, 1, _MOST)
    reach = call.between("a window with sides", (window - 1) * dilation + 1, 1, _MOST)
    if padding not in (_SAME, _VALID):
        raise call.fails("have a padding", padding)
    places = -(-(side if padding == _SAME else side - reach + 1) // stride)
    if places < 1:
        raise call.fails("have a window that fits its input", f"{reach} in {side}")
    return places


def _bias(call: Call, place: int, outputs: int) -> None:
    if call.has(place) and call.shape(place) != (outputs,):
        raise call.fails(
            "have a bias for each of its outputs", f"{outputs} outputs, {call.shape(place)} biases"
        )


def _conv_2d(call: Call) -> list[Shape]:
    batch, height, width, channels = call.shape(0, 4)
    outputs, *sides, depth = call.shape(1, 4)
    groups, rest = divmod(channels, depth)
    if rest or outputs % groups:
        raise call.fails("have filters for its channels", f"{call.shape(1)} for {channels}")
    _bias(call, 2, outputs)
    o = call.options("Conv2D")
    high = _window(call, height, sides[0], o.strideH, o.dilationHFactor, o.padding)
    wide = _window(call, width, sides[1], o.strideW, o.dilationWFactor, o.padding)
    return [(batch, high, wide, outputs)]


def _depthwise(call: Call) -> list[Shape]:
    batch, height, width, channels = call.shape(0, 4)
    one, *sides, outputs = call.shape(1, 4)
    o = call.options("DepthwiseConv2D")
    if one != 1 or outputs != channels * o.depthMultiplier:
        raise call.fails("have filters for its channels", f"{call.shape(1)} for {channels}")
    _bias(call, 2, outputs)
    high = _window(call, height, sides[0], o.strideH, o.dilationHFactor, o.padding)
    wide = _window(call, width, sides[1], o.strideW, o.dilationWFactor, o.padding)
    return [(batch, high, wide, outputs)]


def _transpose_conv(call: Call) -> list[Shape]:
    result = tuple(call.integers(0, 4))
    outputs, *sides, depth = call.shape(1, 4)
    given, o = call.shape(2, 4), call.options("TransposeConv")
    strides = (o.strideH, o.strideW)
    return _transposed(call, result, outputs, sides, depth, given, strides, (1, 1))


def _conv_3d(call: Call) -> list[Shape]:
    batch, *given, channels = call.shape(0, 5)
    *sides, depth, outputs = call.shape(1, 5)
    if depth != channels:
        raise call.fails("have filters for its channels", f"{call.shape(1)} for {channels}")
    _bias(call, 2, outputs)
    o = call.options("Conv3D")
    strides = (o.strideD, o.strideH, o.strideW)
    holes = (o.dilationDFactor, o.dilationHFactor, o.dilationWFactor)
    places = [
        _window(call, *axis, o.padding) for axis in zip(given, sides, strides, holes, strict=True)
    ]
    return [(batch, *places, outputs)]


def _conv_3d_transpose(call: Call) -> list[Shape]:
    result = tuple(call.integers(0, 5))
    *sides, outputs, depth = call.shape(1, 5)
    given = call.shape(2, 5)
    o = call.options("Conv3D")
    strides = (o.strideD, o.strideH, o.strideW)
    holes = (o.dilationDFactor, o.dilationHFactor, o.dilationWFactor)
    return _transposed(call, result, outputs, sides, depth, given, strides, holes)


def _transposed(
    call: Call,
    result: Shape,
    outputs: int,
    sides: list[int],
    depth: int,
    given: Shape,
    strides: Shape,
    holes: Shape,
) -> list[Shape]:
    """What a convolution would turn into the input, of the size that a constant says."""
    if depth != given[-1]:
        raise call.fails("have filters for its channels", f"{call.shape(1)} for {given[-1]}")
    _bias(call, 3, outputs)
    padding = call.table.padding
    places = [
        _window(call, *axis, padding)
        for axis in zip(result[1:-1], sides, strides, holes, strict=True)
    ]
    if (result[0], *places, result[-1]) != (given[0], *given[1:-1], outputs):
        raise call.fails("give a size that its input has room for", f"{result} from {given}")
    return [result]


def _pool(call: Call) -> list[Shape]:
    batch, height, width, channels = call.shape(0, 4)
    o = call.options("Pool2D")
    high = _window(call, height, o.filterHeight, o.strideH, 1, o.padding)
    wide = _window(call, width, o.filterWidth, o.strideW, 1, o.padding)
    return [(batch, high, wide, channels)]


def _fully_connected(call: Call) -> list[Shape]:
    given, (outputs, depth) = call.shape(0), call.shape(1, 2)
    o = call.options("FullyConnected")
    call.between("plain weights, which is a format", o.weightsFormat, 0, 0)
    _bias(call, 2, outputs)
    if o.keepNumDims and given[-1:] == (depth,):
        return [(*given[:-1], outputs)]
    rows, rest = divmod(math.prod(given), depth)
    if rest or o.keepNumDims:
        raise call.fails("have weights for its inputs", f"{call.shape(1)} for {given}")
    return [(rows, outputs)]


def _matmul(call: Call) -> list[Shape]:
    left, right = call.shape(0), call.shape(1)
    o = call.options("BatchMatMul")
    if min(len(left), len(right)) < 2:
        raise call.fails("have two matrices", f"{left} and {right}")
    (rows, inner), (same, columns) = left[-2:], right[-2:]
    rows, inner = (inner, rows) if o.adjX else (rows, inner)
    same, columns = (columns, same) if o.adjY else (same, columns)
    if inner != same:
        raise call.fails("have matrices that fit", f"{left} and {right}")
    return [(*broadcast(call, left[:-2], right[:-2]), rows, columns)]


def _resize(call: Call) -> list[Shape]:
    batch, _, _, channels = call.shape(0, 4)
    return [(batch, *call.integers(1, 2), channels)]


def _blocks(into_depth: bool) -> Rule:
    def rule(call: Call) -> list[Shape]:
        batch, height, width, channels = call.shape(0, 4)
        size = call.options("SpaceToDepth" if into_depth else "DepthToSpace").blockSize
        call.between("a block", size, 1, _MOST)
        if into_depth and not (height % size or width % size):
            return [(batch, height // size, width // size, channels * size**2)]
        if not into_depth and not channels % size**2:
            return [(batch, height * size, width * size, channels // size**2)]
        raise call.fails("have blocks that fit its input", f"{size} in {call.shape(0)}")

    return rule


def _to_batch(call: Call) -> list[Shape]:
    given, blocks, paddings = _batched(call)
    sides = []
    for side, block, (before, after) in zip(given[1:], blocks, paddings, strict=False):
        padded = side + before + after
        if padded % block:
            raise call.fails("have blocks that fit its input", f"{block} in {padded}")
        sides.append(padded // block)
    return [(given[0] * math.prod(blocks), *sides, *given[1 + len(sides) :])]


def _from_batch(call: Call) -> list[Shape]:
    given, blocks, crops = _batched(call)
    batch, rest = divmod(given[0], math.prod(blocks))
    sides = [
        side * block - before - after
        for side, block, (before, after) in zip(given[1:], blocks, crops, strict=False)
    ]
    if rest or min(sides) < 1:
        raise call.fails("have blocks that fit its input", f"{blocks} in {given}")
    return [(batch, *sides, *given[1 + len(sides) :])]


def _batched(call: Call) -> tuple[Shape, list[int], list[Any]]:
    given, blocks = call.shape(0), call.integers(1)
    if not 3 <= len(given) <= 4 or not 1 <= len(blocks) <= len(given) - 2:
        raise call.fails("have a block along each axis of space", f"{blocks} in {given}")
    edges = call.integers(2, 2 * len(blocks))
    for block in blocks:
        call.between("blocks", block, 1, _MOST)
    for edge in edges:
        call.between("edges", edge, 0, _MOST)
    return given, blocks, list(pairwise(edges))[::2]


RULES: dict[str, Rule] = {
    "AVERAGE_POOL_2D": _pool,
    "BATCH_MATMUL": _matmul,
    "BATCH_TO_SPACE_ND": _from_batch,
    "CONV_2D": _conv_2d,
    "CONV_3D": _conv_3d,
    "CONV_3D_TRANSPOSE": _conv_3d_transpose,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEPTH_TO_SPACE": _blocks(into_depth=False),
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _pool,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "SPACE_TO_BATCH_ND": _to_batch,
    "SPACE_TO_DEPTH": _blocks(into_depth=True),
    "TRANSPOSE_CONV": _transpose_conv,
}
"""What gives the shapes of an operator's outputs, and refuses what it cannot be."""
