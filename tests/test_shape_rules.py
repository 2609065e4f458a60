"""The shapes that operators give, each by its definition, and what each of them refuses."""

from __future__ import annotations

import numpy as np
import pytest
from operator_calls import call, options, refused

from kerasae_export.runtime.calls import Operand
from kerasae_export.runtime.shape_rules import check_shapes

COLUMN = options("Concatenation", axis=-1)
ROWS = options("Split", numSplits=3)
PARTS = options("SplitV", numSplits=3)
ALL = options("Reducer", keepDims=True)
FEW = options("Reducer", keepDims=False)


def strided(**masks):
    return options("StridedSlice", **masks)


def gather(axis, batch=0):
    return options("Gather", axis=axis, batchDims=batch)


GIVES = [
    ("TANH", [(2, 3)], None, [(2, 3)]),
    ("ADD", [(2, 1, 3), (4, 1)], None, [(2, 4, 3)]),
    ("ADD", [(), (2, 3)], None, [(2, 3)]),
    ("SELECT_V2", [(2, 1), (1, 3), ()], None, [(2, 3)]),
    ("SELECT_V2", [(4, 1, 1), (2, 1), (3,)], None, [(4, 2, 3)]),
    ("ADD_N", [(2, 3)] * 3, None, [(2, 3)]),
    ("PRELU", [(1, 4, 5, 2), (4, 1, 2)], None, [(1, 4, 5, 2)]),
    ("SELECT", [(2, 3), (2, 3), (2, 3)], None, [(2, 3)]),
    ("SELECT", [(2,), (2, 3), (2, 3)], None, [(2, 3)]),
    ("SELECT", [(), (2, 3), (2, 3)], None, [(2, 3)]),
    ("CUMSUM", [(2, 3), -1], None, [(2, 3)]),
    ("REVERSE_V2", [(2, 3), [0, 1]], None, [(2, 3)]),
    ("MEAN", [(2, 3, 4), [1, -1]], ALL, [(2, 1, 1)]),
    ("SUM", [(2, 3, 4), [1, -1]], FEW, [(2,)]),
    ("ARG_MAX", [(2, 3, 4), 1], None, [(2, 4)]),
    ("ARG_MIN", [(2, 3, 4), -1], None, [(2, 3)]),
    ("RESHAPE", [(2, 6), [3, -1]], None, [(3, 4)]),
    ("RESHAPE", [(2, 6), [-1]], None, [(12,)]),
    ("RESHAPE", [(2, 6), [4, 3, 1]], None, [(4, 3, 1)]),
    ("RESHAPE", [(1, 1), []], None, [()]),
    ("RESHAPE", [(2, 6)], options("Reshape", newShape=np.array([4, 3])), [(4, 3)]),
    ("RESHAPE", [(1,)], options("Reshape"), [()]),
    ("EXPAND_DIMS", [(2, 3), 1], None, [(2, 1, 3)]),
    ("EXPAND_DIMS", [(2, 3), -1], None, [(2, 3, 1)]),
    ("SQUEEZE", [(1, 2, 1)], None, [(2,)]),
    ("SQUEEZE", [(1, 2, 1)], options("Squeeze"), [(2,)]),
    ("SQUEEZE", [(1, 2, 1)], options("Squeeze", squeezeDims=[-1]), [(1, 2)]),
    ("TRANSPOSE", [(2, 3, 4), [2, 0, 1]], None, [(4, 2, 3)]),
    ("PAD", [(2, 3), [[1, 0], [2, 9]]], None, [(3, 14)]),
    ("PADV2", [(2, 3), [[0, 1], [0, 0]], ()], None, [(3, 3)]),
    ("MIRROR_PAD", [(3, 2), [[2, 2], [0, 1]]], options("MirrorPad", mode=0), [(7, 3)]),
    ("MIRROR_PAD", [(3, 2), [[3, 1], [0, 2]]], options("MirrorPad", mode=1), [(7, 4)]),
    ("TILE", [(2, 3), [4, 1]], None, [(8, 3)]),
    ("BROADCAST_TO", [(3, 1), [2, 3, 4]], None, [(2, 3, 4)]),
    ("ONE_HOT", [(2, 3), 5, (), ()], options("OneHot", axis=-1), [(2, 3, 5)]),
    ("ONE_HOT", [(2, 3), 5, (), ()], options("OneHot", axis=0), [(5, 2, 3)]),
    ("ONE_HOT", [(2, 3), 5, (), ()], options("OneHot", axis=2), [(2, 3, 5)]),
    ("TOPK_V2", [(2, 5), 5], None, [(2, 5)] * 2),
    ("TOPK_V2", [(2, 5), 1], None, [(2, 1)] * 2),
    ("CONCATENATION", [(2, 3), (2, 5), (2, 1)], COLUMN, [(2, 9)]),
    ("CONCATENATION", [(2, 3), (4, 3)], options("Concatenation", axis=0), [(6, 3)]),
    ("PACK", [(2, 3)] * 4, options("Pack", axis=1, valuesCount=4), [(2, 4, 3)]),
    ("PACK", [(2, 3)], options("Pack", axis=-1, valuesCount=1), [(2, 3, 1)]),
    ("UNPACK", [(2, 3, 4)], options("Unpack", axis=1, num=3), [(2, 4)] * 3),
    ("UNPACK", [(2, 3, 4)], options("Unpack", axis=-3, num=2), [(3, 4)] * 2),
    ("SPLIT", [1, (2, 6, 5)], ROWS, [(2, 2, 5)] * 3),
    ("SPLIT", [-2, (2, 3, 5)], ROWS, [(2, 1, 5)] * 3),
    ("SPLIT_V", [(2, 6, 5), [1, 2, 3], 1], PARTS, [(2, 1, 5), (2, 2, 5), (2, 3, 5)]),
    ("SPLIT_V", [(2, 6), [1, -1, 2], -1], PARTS, [(2, 1), (2, 3), (2, 2)]),
    ("GATHER", [(5, 3), (2, 4)], gather(0), [(2, 4, 3)]),
    ("GATHER", [(5, 3, 7), ()], gather(-2), [(5, 7)]),
    ("GATHER", [(5, 3, 7), (5, 2)], gather(1, 1), [(5, 2, 7)]),
    ("GATHER", [(5, 3, 7), (5, 3, 2)], gather(2, 2), [(5, 3, 2)]),
    ("GATHER_ND", [(5, 3, 7), (4, 2)], None, [(4, 7)]),
    ("GATHER_ND", [(5, 3, 7), (4, 6, 3)], None, [(4, 6)]),
    ("GATHER_ND", [(5, 3), (1,)], None, [(3,)]),
    ("SLICE", [(5, 3), [1, 0], [2, -1]], None, [(2, 3)]),
    ("SLICE", [(5, 3), [4, 2], [1, 1]], None, [(1, 1)]),
    ("STRIDED_SLICE", [(5, 6), [1, 0], [4, 6], [2, 3]], strided(), [(2, 2)]),
    ("STRIDED_SLICE", [(5, 6, 7), [1], [-1], [1]], strided(), [(3, 6, 7)]),
    ("STRIDED_SLICE", [(5,), [4], [0], [-2]], strided(), [(2,)]),
    ("STRIDED_SLICE", [(5, 6), [3, 1], [4, 2], [1, 1]], strided(beginMask=1), [(4, 1)]),
    ("STRIDED_SLICE", [(5, 6), [3, 1], [4, 2], [1, 1]], strided(endMask=2), [(1, 5)]),
    ("STRIDED_SLICE", [(5, 6), [-5], [9], [1]], strided(shrinkAxisMask=1), [(6,)]),
    ("STRIDED_SLICE", [(5, 6), [1, 5], [3, 9], [1, 1]], strided(shrinkAxisMask=2), [(2,)]),
    (
        "STRIDED_SLICE",
        [(2, 3, 4, 5), [0, 1], [0, 3], [1, 1]],
        strided(ellipsisMask=1),
        [(2, 3, 4, 2)],
    ),
    (
        "STRIDED_SLICE",
        [(2, 3, 4, 5), [0, 0, 0], [1, 0, 2], [1, 1, 1]],
        strided(ellipsisMask=2),
        [(1, 3, 4, 2)],
    ),
    ("STRIDED_SLICE", [(4,), [1, 0], [3, 0], [1, 1]], strided(ellipsisMask=2), [(2,)]),
    ("STRIDED_SLICE", [(4, 5), [0, 0], [0, 2], [1, 1]], strided(newAxisMask=1), [(1, 2, 5)]),
    (
        "STRIDED_SLICE",
        [(4, 5), [0, 0, 1], [0, 0, 3], [1, 1, 1]],
        strided(newAxisMask=1, ellipsisMask=2),
        [(1, 4, 2)],
    ),
    ("SHAPE", [(2, 3, 4)], None, [(3,)]),
]


@pytest.mark.parametrize("case", GIVES, ids=lambda case: f"{case[0]}-{case[3]}")
def test_an_operator_gives_the_shapes_of_its_definition_and_no_others(case):
    name, operands, table, stated = case
    check_shapes(call(*case))
    for i, shape in enumerate(stated):
        others = [*stated[:i], (*shape[:-1], shape[-1] + 1) if shape else (1,), *stated[i + 1 :]]
        rule = f"give the shape that the file states, {others}"
        refused(check_shapes, call(name, operands, table, others), rule, stated)


REFUSES = [
    ("ADD", [(2, 3), (2,)], None, "have inputs of fitting shapes", "((2, 3), (2,))"),
    ("ADD", [(2, 3)], None, "have an input in place 1", "1 inputs"),
    ("ADD_N", [(3, 2), (2, 3)], None, "have inputs of one shape", "[(2, 3), (3, 2)]"),
    ("PRELU", [(1, 2), (3, 2)], None, "have slopes that fit its input", "(3, 2) for (1, 2)"),
    (
        *("SELECT", [(3,), (2, 3), (2, 3)], None),
        *("have inputs of one shape", "(3,), (2, 3), (2, 3)"),
    ),
    (
        *("SELECT", [(2,), (2, 3), (3, 2)], None),
        *("have inputs of one shape", "(2,), (2, 3), (3, 2)"),
    ),
    ("REVERSE_V2", [(2, 3), [0, 2]], None, "name one of 2 axes", "2"),
    ("CUMSUM", [(2, 3), -3], None, "name one of 2 axes", "-3"),
    ("MEAN", [(2, 3), 2], FEW, "name one of 2 axes", "2"),
    ("MEAN", [(2, 3), 1], None, "have its options", "NoneType"),
    ("MEAN", [(2, 3), 1], COLUMN, "have its options", "ConcatenationOptionsT"),
    ("MEAN", [(2, 3), (1,)], FEW, "have a constant size of its output", "a computed input 1"),
    ("ARG_MAX", [(2, 3), [0, 1]], None, "have 1 integers as input 1", "[0, 1]"),
    ("ARG_MAX", [(2, 3), -3], None, "name one of 2 axes", "-3"),
    *(
        (
            *("RESHAPE", [(2, 6), wanted], None),
            *("have as many values as its input", f"{received} from (2, 6)"),
        )
        for wanted, received in (
            ([5], [5]),
            ([-1, 0], [-1, 0]),
            ([-1, 5], [2, 5]),
            ([-1, -1], [-1, -1]),
            ([-3, -4], [-3, -4]),
            ([0], [0]),
        )
    ),
    ("EXPAND_DIMS", [(2, 3), 3], None, "name one of 3 axes", "3"),
    (
        *("SQUEEZE", [(1, 2)], options("Squeeze", squeezeDims=[1])),
        *("drop axes of size 1 only", "[1] of (1, 2)"),
    ),
    ("SQUEEZE", [(1, 2)], options("Squeeze", squeezeDims=[2]), "name one of 2 axes", "2"),
    ("TRANSPOSE", [(2, 3), [0, 0]], None, "name each axis once", "[0, 0]"),
    ("TRANSPOSE", [(2, 3), [0]], None, "have 2 integers as input 1", "[0]"),
    *(
        (
            *(name, [(2, 3), edges], table),
            *("have paddings that its input can give", f"{received} for (2, 3)"),
        )
        for name, edges, table, received in (
            ("PAD", [[0, -1], [0, 0]], None, "[(0, -1), (0, 0)]"),
            ("MIRROR_PAD", [[0, 0], [3, 0]], options("MirrorPad", mode=0), "[(0, 0), (3, 0)]"),
            ("MIRROR_PAD", [[0, 3], [0, 0]], options("MirrorPad", mode=1), "[(0, 3), (0, 0)]"),
        )
    ),
    ("PAD", [(2, 3), [[0, 0]]], None, "have 4 integers as input 1", "[0, 0]"),
    ("TILE", [(2, 3), [2]], None, "have 2 integers as input 1", "[2]"),
    ("BROADCAST_TO", [(3, 2), [2]], None, "have an input that fits", "(3, 2) for (2,)"),
    ("ONE_HOT", [(2,), 5, (), ()], options("OneHot", axis=2), "name one of 2 axes", "2"),
    *(
        (
            *("TOPK_V2", [given, count], None),
            *("choose of the values that there are", f"{count} of {given}"),
        )
        for given, count in (((2, 5), 6), ((2, 5), 0), ((), 1))
    ),
    ("CONCATENATION", [(2, 3), (4, 5)], COLUMN, "have inputs that fit", "[(2, 3), (4, 5)]"),
    (
        *("PACK", [(2, 3)] * 2, options("Pack", axis=0, valuesCount=3)),
        *("have a count of its inputs from 2 to 2", "3"),
    ),
    (
        *("UNPACK", [(2, 3)], options("Unpack", axis=0, num=3)),
        *("have a count of its outputs from 2 to 2", "3"),
    ),
    ("UNPACK", [(2, 3)], options("Unpack", axis=2, num=3), "name one of 2 axes", "2"),
    ("SPLIT", [0, (3, 3)], ROWS, "have a count of its outputs from 1 to 1", "3"),
    ("SPLIT", [2, (3, 3)], options("Split", numSplits=1), "name one of 2 axes", "2"),
    (
        *("SPLIT_V", [(2, 6), [6], 1], PARTS),
        *("have a count of its outputs from 1 to 1", "3"),
    ),
    *(
        (
            *("SPLIT_V", [(2, 6), [size], 1], options("SplitV", numSplits=1)),
            *("split all of its input", f"6 in [{size}]"),
        )
        for size in (5, 7, 0, -2)
    ),
    ("SPLIT_V", [(2, 6), [6], [1, 1]], PARTS, "have 1 integers as input 2", "[1, 1]"),
    ("SPLIT_V", [(2, 6), [3, 3], 1], PARTS, "have 1 integers as input 1", "[3, 3]"),
    ("GATHER", [(5, 3), (2,)], gather(0, 1), "have places for its input", "(2,) in (5, 3)"),
    ("GATHER", [(5, 3), (5,)], gather(0, 1), "have places for its input", "(5,) in (5, 3)"),
    ("GATHER", [(5, 3), (4, 2)], gather(1, 1), "have places for its input", "(4, 2) in (5, 3)"),
    ("GATHER", [(5, 3), ()], gather(1, 1), "have places for its input", "() in (5, 3)"),
    ("GATHER", [(5, 3), (5,)], gather(1, 5), "have batch axes from 0 to 4", "5"),
    ("GATHER_ND", [(5, 3), (4, 3)], None, "have places for its input", "(4, 3) in (5, 3)"),
    ("GATHER_ND", [(5, 3), ()], None, "have places for its input", "() in (5, 3)"),
    ("GATHER_ND", [(5, 3), (4, 0)], None, "have places for its input", "(4, 0) in (5, 3)"),
    *(
        (
            *("SLICE", [(5,), [start], [size]], None),
            *("take a part of its input", f"[{start}], [{size}] of (5,)"),
        )
        for start, size in ((-1, 2), (0, 0), (0, -2), (2, 4), (5, -1))
    ),
    *(
        (
            *("STRIDED_SLICE", [(5,), [0], [5], [1]], table),
            *("have one ellipsis at most and no offsets", received),
        )
        for table, received in ((strided(offset=True), "0"), (strided(ellipsisMask=3), "3"))
    ),
    (
        *("STRIDED_SLICE", [(5,), [0, 0], [1, 1], [1, 1]], strided()),
        *("have an axis for each of its parts", "2 of (5,)"),
    ),
    (
        *("STRIDED_SLICE", [(5,), [0] * 3, [1] * 3, [1] * 3], strided(ellipsisMask=1)),
        *("have an axis for each of its parts", "3 of (5,)"),
    ),
    *(
        (
            *("STRIDED_SLICE", [(5,), [start], [9], [1]], strided(shrinkAxisMask=1)),
            *("take a part of its input", f"{start} of 5"),
        )
        for start in (5, -6)
    ),
    *(
        (
            *("STRIDED_SLICE", [(5,), [start], [end], [stride]], strided()),
            *("take a part of its input", f"slice({start}, {end}, {stride}) of 5"),
        )
        for start, end, stride in ((3, 3, 1), (0, 5, 0))
    ),
]


@pytest.mark.parametrize("case", REFUSES, ids=lambda case: f"{case[0]}-{case[4]}")
def test_an_operator_refuses_what_it_cannot_take(case):
    name, operands, table, rule, received = case
    refused(check_shapes, call(name, operands, table, [(1,)]), rule, received)


def test_an_uneven_split_is_refused():
    which = call("SPLIT", [1, (2, 7)], ROWS, [(2, 2)] * 3)
    refused(check_shapes, which, "split evenly", "7 in 3")


def test_sizes_are_a_few_integers():
    def reshape(kind, count):
        sizes = Operand((count,), kind, (), np.ones(count, kind).view(np.uint8))
        return call("RESHAPE", [(1,), sizes], None, [(1,) * count])

    check_shapes(reshape("int64", 1024))
    for kind, count in (("int64", 1025), ("float32", 2), ("int16", 2)):
        rule = "have a few integers where it is told sizes"
        refused(check_shapes, reshape(kind, count), rule, f"{kind}, {(count,)}")


def test_what_is_received_is_shortened():
    which = call("ADD_N", [(n,) * 6 for n in range(10, 20)], None, [(1,)])
    text = str([(n,) * 6 for n in range(10, 20)])[:77]
    refused(check_shapes, which, "have inputs of one shape", f"{text}...")
