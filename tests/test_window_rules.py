"""The shapes of windows, products and resizes, each by its definition, and what is refused."""

from __future__ import annotations

import pytest
from operator_calls import call, options, refused

from kerasae_export.runtime.shape_rules import check_shapes

SAME, VALID = 0, 1
HOLES = {"dilationHFactor": 1, "dilationWFactor": 2}
FLAT = {"strideH": 2, "strideW": 1}
DEEP = {"strideD": 1, "strideH": 2, "strideW": 3, "dilationDFactor": 1, **HOLES}
POOL = {"filterHeight": 3, "filterWidth": 2, "strideH": 2, "strideW": 3}


def conv(**changes):
    return options("Conv2D", **{**FLAT, **HOLES, "padding": VALID, **changes})


def depthwise(**changes):
    return options("DepthwiseConv2D", **{**FLAT, **HOLES, "depthMultiplier": 2, **changes})


def deep(**changes):
    return options("Conv3D", **{**DEEP, "padding": VALID, **changes})


def transposed(**changes):
    return options("TransposeConv", **{"strideH": 2, "strideW": 3, "padding": VALID, **changes})


def pool(**changes):
    return options("Pool2D", **{**POOL, "padding": VALID, **changes})


def dense(**changes):
    return options("FullyConnected", **changes)


def product(**changes):
    return options("BatchMatMul", **changes)


IMAGE, FILTERS = (1, 8, 8, 4), (6, 3, 3, 2)  # two groups
CUBE, DEEP_FILTERS = (1, 4, 6, 8, 2), (1, 2, 3, 2, 5)
GIVES = [
    ("CONV_2D", [IMAGE, FILTERS, (6,)], conv(), (1, 3, 4, 6)),
    ("CONV_2D", [IMAGE, FILTERS, None], conv(padding=SAME), (1, 4, 8, 6)),
    ("CONV_2D", [IMAGE, (5, 8, 1, 4)], conv(), (1, 1, 8, 5)),
    ("DEPTHWISE_CONV_2D", [IMAGE, (1, 3, 2, 8), (8,)], depthwise(padding=VALID), (1, 3, 6, 8)),
    ("DEPTHWISE_CONV_2D", [IMAGE, (1, 3, 2, 8), (8,)], depthwise(padding=SAME), (1, 4, 8, 8)),
    (
        "TRANSPOSE_CONV",
        [[1, 9, 11, 5], (5, 3, 2, 4), (1, 4, 4, 4), (5,)],
        transposed(),
        (1, 9, 11, 5),
    ),
    (
        "TRANSPOSE_CONV",
        [[1, 8, 12, 5], (5, 3, 2, 4), (1, 4, 4, 4)],
        transposed(padding=SAME),
        (1, 8, 12, 5),
    ),
    ("CONV_3D", [CUBE, DEEP_FILTERS, (5,)], deep(), (1, 4, 3, 2, 5)),
    ("CONV_3D", [CUBE, DEEP_FILTERS], deep(padding=SAME, strideD=3), (1, 2, 3, 3, 5)),
    (
        "CONV_3D_TRANSPOSE",
        [[1, 4, 6, 8, 5], (1, 2, 3, 5, 2), (1, 4, 3, 2, 2), (5,)],
        deep(),
        (1, 4, 6, 8, 5),
    ),
    ("AVERAGE_POOL_2D", [(1, 8, 6, 3)], pool(), (1, 3, 2, 3)),
    ("MAX_POOL_2D", [(1, 8, 5, 3)], pool(padding=SAME, strideW=2), (1, 4, 3, 3)),
    ("FULLY_CONNECTED", [(2, 3, 4), (5, 4), (5,)], dense(keepNumDims=True), (2, 3, 5)),
    ("FULLY_CONNECTED", [(2, 3, 4), (5, 4), (5,)], dense(), (6, 5)),
    ("FULLY_CONNECTED", [(2, 6), (5, 4), None], dense(), (3, 5)),
    ("BATCH_MATMUL", [(2, 1, 3, 4), (5, 4, 6)], product(), (2, 5, 3, 6)),
    ("BATCH_MATMUL", [(7, 4, 3), (4, 6)], product(adjX=True), (7, 3, 6)),
    ("BATCH_MATMUL", [(3, 4), (7, 6, 4)], product(adjY=True), (7, 3, 6)),
    ("RESIZE_BILINEAR", [(1, 8, 6, 3), [4, 5]], None, (1, 4, 5, 3)),
    ("RESIZE_NEAREST_NEIGHBOR", [(2, 8, 6, 3), [9, 1]], None, (2, 9, 1, 3)),
    ("DEPTH_TO_SPACE", [(1, 2, 3, 27)], options("DepthToSpace", blockSize=3), (1, 6, 9, 3)),
    ("SPACE_TO_DEPTH", [(1, 6, 9, 3)], options("SpaceToDepth", blockSize=3), (1, 2, 3, 27)),
    ("SPACE_TO_BATCH_ND", [(1, 4, 6, 3), [2, 3], [[1, 1], [0, 3]]], None, (6, 3, 3, 3)),
    ("SPACE_TO_BATCH_ND", [(2, 4, 5), [2], [[0, 2]]], None, (4, 3, 5)),
    ("SPACE_TO_BATCH_ND", [(1, 4, 6, 3), [2], [[1, 3]]], None, (2, 4, 6, 3)),
    ("BATCH_TO_SPACE_ND", [(6, 3, 3, 3), [2, 3], [[1, 1], [0, 3]]], None, (1, 4, 6, 3)),
    ("BATCH_TO_SPACE_ND", [(4, 3, 5), [2], [[0, 5]]], None, (2, 1, 5)),
]


@pytest.mark.parametrize("case", GIVES, ids=lambda case: f"{case[0]}-{case[3]}")
def test_an_operator_gives_the_shape_of_its_definition_and_no_other(case):
    name, operands, table, stated = case
    check_shapes(call(name, operands, table, [stated]))
    for axis, size in enumerate(stated):
        other = (*stated[:axis], size + 1, *stated[axis + 1 :])
        rule = f"give the shape that the file states, {[other]}"
        refused(check_shapes, call(name, operands, table, [other]), rule, [stated])


REFUSES = [
    ("CONV_2D", [(8, 8, 4), FILTERS], conv(), "have an input 0 of 4 axes", "shape (8, 8, 4)"),
    ("CONV_2D", [IMAGE, (3, 3, 2)], conv(), "have an input 1 of 4 axes", "shape (3, 3, 2)"),
    (
        "CONV_2D",
        [IMAGE, (6, 3, 3, 3)],
        conv(),
        "have filters for its channels",
        "(6, 3, 3, 3) for 4",
    ),
    (
        "CONV_2D",
        [IMAGE, (5, 3, 3, 2)],
        conv(),
        "have filters for its channels",
        "(5, 3, 3, 2) for 4",
    ),
    (
        *("CONV_2D", [IMAGE, FILTERS, (5,)], conv()),
        *("have a bias for each of its outputs", "6 outputs, (5,) biases"),
    ),
    ("CONV_2D", [IMAGE, FILTERS], None, "have its options", "NoneType"),
    *(
        ("CONV_2D", [IMAGE, FILTERS], conv(**change), rule, received)
        for change, rule, received in (
            ({"strideH": 0}, "have strides from 1 to 8192", "0"),
            ({"strideW": 8193}, "have strides from 1 to 8192", "8193"),
            ({"dilationHFactor": 0}, "have dilations from 1 to 8192", "0"),
            ({"dilationWFactor": 8193}, "have dilations from 1 to 8192", "8193"),
            ({"dilationWFactor": 4096}, "have a window with sides from 1 to 8192", "8193"),
            ({"padding": 2}, "have a padding", "2"),
            ({"padding": -1}, "have a padding", "-1"),
            ({"dilationHFactor": 4}, "have a window that fits its input", "9 in 8"),
        )
    ),
    *(
        (
            *("DEPTHWISE_CONV_2D", [IMAGE, filters, (8,)], depthwise()),
            *("have filters for its channels", f"{filters} for 4"),
        )
        for filters in ((2, 3, 2, 8), (1, 3, 2, 4))
    ),
    (
        *("DEPTHWISE_CONV_2D", [IMAGE, (1, 3, 2, 8), (4,)], depthwise()),
        *("have a bias for each of its outputs", "8 outputs, (4,) biases"),
    ),
    (
        *("TRANSPOSE_CONV", [[1, 9, 11, 5], (5, 3, 2, 3), (1, 4, 4, 4)], transposed()),
        *("have filters for its channels", "(5, 3, 2, 3) for 4"),
    ),
    (
        *("TRANSPOSE_CONV", [[1, 9, 11, 5], (5, 3, 2, 4), (1, 4, 4, 4), (4,)], transposed()),
        *("have a bias for each of its outputs", "5 outputs, (4,) biases"),
    ),
    *(
        (
            *("TRANSPOSE_CONV", [result, (5, 3, 2, 4), (1, 4, 4, 4)], transposed()),
            *("give a size that its input has room for", f"{tuple(result)} from (1, 4, 4, 4)"),
        )
        for result in ([1, 11, 11, 5], [1, 9, 14, 5], [2, 9, 11, 5], [1, 9, 11, 4])
    ),
    (
        *("CONV_3D", [CUBE, (1, 2, 3, 1, 5)], deep()),
        *("have filters for its channels", "(1, 2, 3, 1, 5) for 2"),
    ),
    (
        *("CONV_3D", [CUBE, DEEP_FILTERS, (2,)], deep()),
        *("have a bias for each of its outputs", "5 outputs, (2,) biases"),
    ),
    (
        *("CONV_3D_TRANSPOSE", [[1, 4, 6, 8, 5], (1, 2, 3, 5, 1), (1, 4, 3, 2, 2)], deep()),
        *("have filters for its channels", "(1, 2, 3, 5, 1) for 2"),
    ),
    ("MAX_POOL_2D", [(1, 2, 6, 3)], pool(), "have a window that fits its input", "3 in 2"),
    ("MAX_POOL_2D", [(1, 8, 1, 3)], pool(), "have a window that fits its input", "2 in 1"),
    ("MAX_POOL_2D", [(1, 8, 6, 3)], conv(), "have its options", "Conv2DOptionsT"),
    (
        *("FULLY_CONNECTED", [(2, 4), (5, 4)], dense(weightsFormat=1)),
        *("have plain weights, which is a format from 0 to 0", "1"),
    ),
    *(
        (
            *("FULLY_CONNECTED", [given, (5, 4)], dense(keepNumDims=keep)),
            *("have weights for its inputs", f"(5, 4) for {given}"),
        )
        for given, keep in (((2, 3), False), ((4, 2), True))
    ),
    (
        *("FULLY_CONNECTED", [(2, 4), (5, 4), (4,)], dense()),
        *("have a bias for each of its outputs", "5 outputs, (4,) biases"),
    ),
    ("BATCH_MATMUL", [(4,), (4, 6)], product(), "have two matrices", "(4,) and (4, 6)"),
    ("BATCH_MATMUL", [(3, 4), (4,)], product(), "have two matrices", "(3, 4) and (4,)"),
    ("BATCH_MATMUL", [(3, 4), (3, 4)], product(), "have matrices that fit", "(3, 4) and (3, 4)"),
    (
        *("BATCH_MATMUL", [(2, 3, 4), (3, 4, 6)], product()),
        *("have inputs of fitting shapes", "((2,), (3,))"),
    ),
    ("RESIZE_BILINEAR", [(1, 8, 6, 3), [4]], None, "have 2 integers as input 1", "[4]"),
    *(
        (
            *(name, [given], options(kind, blockSize=size)),
            *("have blocks that fit its input", f"{size} in {given}"),
        )
        for name, kind, given, size in (
            ("DEPTH_TO_SPACE", "DepthToSpace", (1, 2, 3, 6), 2),
            ("SPACE_TO_DEPTH", "SpaceToDepth", (1, 4, 3, 2), 2),
            ("SPACE_TO_DEPTH", "SpaceToDepth", (1, 3, 4, 2), 2),
        )
    ),
    (
        *("DEPTH_TO_SPACE", [(1, 2, 3, 8)], options("DepthToSpace", blockSize=0)),
        *("have a block from 1 to 8192", "0"),
    ),
    (
        *("SPACE_TO_BATCH_ND", [(1, 4, 6, 3), [2, 3], [[0, 1], [0, 3]]], None),
        *("have blocks that fit its input", "2 in 5"),
    ),
    *(
        (
            *("BATCH_TO_SPACE_ND", [given, [2, 3], [[1, 1], [0, edge]]], None),
            *("have blocks that fit its input", f"[2, 3] in {given}"),
        )
        for given, edge in (((5, 3, 3, 3), 3), ((6, 3, 3, 3), 9))
    ),
    *(
        (
            *("SPACE_TO_BATCH_ND", [given, blocks, [0, 0] * len(blocks)], None),
            *("have a block along each axis of space", f"{blocks} in {given}"),
        )
        for given, blocks in (
            ((4, 4), [2]),
            ((1, 4, 4, 4, 2), [2]),
            ((1, 4, 4), [2, 2]),
            ((1, 4, 4, 1), [2, 2, 1]),
            ((1, 4, 4), []),
        )
    ),
    (
        *("SPACE_TO_BATCH_ND", [(1, 4, 4), [0], [[0, 0]]], None),
        *("have blocks from 1 to 8192", "0"),
    ),
    (
        *("SPACE_TO_BATCH_ND", [(1, 4, 4), [2], [[0, -2]]], None),
        *("have edges from 0 to 8192", "-2"),
    ),
    (
        *("SPACE_TO_BATCH_ND", [(1, 4, 4), [2], [0]], None),
        *("have 2 integers as input 2", "[0]"),
    ),
]


@pytest.mark.parametrize("case", REFUSES, ids=lambda case: f"{case[0]}-{case[4]}")
def test_an_operator_refuses_what_it_cannot_take(case):
    name, operands, table, rule, received = case
    refused(check_shapes, call(name, operands, table, [(1,)]), rule, received)
