"""How many inputs an operator takes, of which types, and within which scales."""

from __future__ import annotations

import pytest
from operator_calls import refused

from kerasae_export.runtime.calls import Call, Operand
from kerasae_export.runtime.operand_rules import check_operands
from kerasae_export.runtime.scale_rules import check_scales

COUNTS = {
    1: "ABS CAST DEPTH_TO_SPACE HARD_SWISH LEAKY_RELU LOGISTIC MAX_POOL_2D SOFTMAX SQUEEZE TANH",
    2: "ADD BATCH_MATMUL BROADCAST_TO CUMSUM DIV EXPAND_DIMS FLOOR_DIV FLOOR_MOD GATHER GATHER_ND"
    " MAXIMUM MEAN MINIMUM MIRROR_PAD MUL PAD POW PRELU REDUCE_MAX REDUCE_MIN REDUCE_PROD"
    " RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 SPLIT SQUARED_DIFFERENCE SUB SUM TILE"
    " TOPK_V2 TRANSPOSE",
    3: "BATCH_TO_SPACE_ND DEPTHWISE_CONV_2D PADV2 SLICE SPACE_TO_BATCH_ND SPLIT_V",
    4: "STRIDED_SLICE",
}
WITH_BIAS = {"CONV_2D": 3, "CONV_3D": 3, "CONV_3D_TRANSPOSE": 4, "FULLY_CONNECTED": 3}
WITH_BIAS["TRANSPOSE_CONV"] = 4


def of(dtype, *scales):
    return Operand((2,), dtype, scales, None)


def call(name, *inputs, gives=()):
    """An operator with inputs of some types; None is missing."""
    operands = [None if dtype is None else of(dtype) for dtype in inputs]
    return Call(name, tuple(operands), tuple(map(of, gives)), None)


@pytest.mark.parametrize(
    ("name", "count"), [(name, n) for n, names in COUNTS.items() for name in names.split()]
)
def test_operators_have_as_many_inputs_as_they_read(name, count):
    check_operands(call(name, *["float32"] * count, gives=["float32"]))
    for wrong in {count - 1, count + 1} - {0}:
        which = call(name, *["float32"] * wrong, gives=["float32"])
        refused(check_operands, which, f"have {count} inputs", wrong)
    for place in range(count):
        inputs = [None if i == place else "float32" for i in range(count)]
        rule = "have all of its inputs"
        refused(check_operands, call(name, *inputs), rule, f"none in place {place}")


@pytest.mark.parametrize(("name", "most"), WITH_BIAS.items())
def test_a_bias_may_be_missing(name, most):
    inputs = ["float32"] * (most - 1)
    check_operands(call(name, *inputs, gives=["float32"]))
    check_operands(call(name, *inputs, None, gives=["float32"]))
    check_operands(call(name, *inputs, "float32", gives=["float32"]))
    for wrong in (most - 2, most + 1):
        which = call(name, *["float32"] * wrong, gives=["float32"])
        refused(check_operands, which, f"have {most} inputs", wrong)
    refused(
        check_operands, call(name, None, *inputs[1:]), "have all of its inputs", "none in place 0"
    )


@pytest.mark.parametrize("name", ["ADD_N", "CONCATENATION", "PACK"])
def test_some_take_any_number_of_inputs(name):
    for count in (1, 5):
        check_operands(call(name, *["int32"] * count, gives=["int32"]))


REAL = "float32 int8 uint8"
TYPES = {
    "ELU": REAL,
    "TANH": f"{REAL} int16",
    "CONV_2D": f"{REAL} int16",
    "CONV_3D": REAL,
    "ADD": f"{REAL} int16 int32 int64",
    "MAXIMUM": f"{REAL} int32 int64",
    "TILE": f"{REAL} int16 int32 int64 bool",
    "SHAPE": f"{REAL} int32 int64 bool",
    "LESS": f"{REAL} int32 int64 bool",
    "LOGICAL_NOT": "bool",
    "DEQUANTIZE": "float16 int16 int8 uint8",
}
INPUTS = {"CONV_2D": 2, "CONV_3D": 2, "MAXIMUM": 2, "ADD": 2, "TILE": 2, "LESS": 2}
EVERY = [
    "bool",
    "float16",
    "float32",
    "float64",
    "int16",
    "int32",
    "int64",
    "int8",
    "uint8",
    "uint32",
]


@pytest.mark.parametrize(("name", "types"), TYPES.items())
def test_operators_compute_with_some_types(name, types):
    for dtype in EVERY:
        gives = {"SHAPE": "int32", "LESS": "bool"}.get(name, dtype)
        which = call(name, *[dtype] * INPUTS.get(name, 1), gives=[gives])
        if dtype in types.split():
            check_operands(which)
        else:
            rule = f"compute with {', '.join(sorted(types.split()))}"
            refused(check_operands, which, rule, dtype)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [("CONV_3D_TRANSPOSE", 3), ("TRANSPOSE_CONV", 3), ("ONE_HOT", 4), ("SPLIT", 2)],
)
def test_what_is_computed_with_may_stand_behind_sizes(name, inputs):
    place = 1 if name == "SPLIT" else 2
    types = ["int32"] * inputs
    types[place] = "float32"
    check_operands(call(name, *types, gives=["float32"]))
    types[place] = "float16"
    gives = call(name, *types, gives=["float16"])
    allowed = {
        "CONV_3D_TRANSPOSE": "float32, int8, uint8",
        "TRANSPOSE_CONV": "float32, int16, int8, uint8",
        "ONE_HOT": "bool, float32, int32, int64, int8, uint8",
        "SPLIT": "bool, float32, int16, int32, int64, int8, uint8",
    }[name]
    refused(check_operands, gives, f"compute with {allowed}", "float16")


@pytest.mark.parametrize("name", ["ADD", "MUL", "LESS", "CONCATENATION", "PACK", "MAXIMUM"])
def test_two_inputs_are_of_one_type(name):
    which = call(name, "float32", "int8", gives=["float32"])
    refused(check_operands, which, "have inputs of one type", ["float32", "int8"])


@pytest.mark.parametrize("name", ["SELECT", "SELECT_V2"])
def test_a_choice_is_between_two_of_one_type(name):
    check_operands(call(name, "bool", "int8", "int8", gives=["int8"]))
    check_operands(call(name, "bool", "bool", "bool", gives=["bool"]))
    for types in (["int8", "int8", "int8"], ["bool", "float32", "int8"]):
        which = call(name, *types, gives=types[1:2])
        refused(check_operands, which, "choose between two of one type", sorted(set(types)))


@pytest.mark.parametrize(
    ("name", "inputs", "gives"),
    [
        ("ADD", ["float32", "float32"], "float32"),
        ("TILE", ["int8", "int32"], "int8"),
        ("EQUAL", ["int8", "int8"], "bool"),
        ("ARG_MAX", ["float32", "int32"], "int32 or int64"),
        ("SHAPE", ["float32"], "int32 or int64"),
    ],
)
def test_operators_give_a_type(name, inputs, gives):
    for dtype in gives.split(" or "):
        check_operands(call(name, *inputs, gives=[dtype]))
    which = call(name, *inputs, gives=["uint8"])
    refused(check_operands, which, f"give {gives}", "uint8")


def test_nothing_is_asked_of_a_result_that_is_not_there():
    check_operands(call("ADD", "float32", "float32"))


@pytest.mark.parametrize("name", ["CAST", "QUANTIZE"])
def test_some_give_any_type(name):
    for dtype in EVERY:
        check_operands(call(name, "float32", gives=[dtype]))


def scaled(name, *scales, gives=1.0, dtype="int8"):
    """An operator of integers with these scales, and of a result with another."""
    operands = [of(dtype, *([] if scale is None else [scale])) for scale in scales]
    return Call(name, tuple(operands), (of(dtype, *([] if gives is None else [gives])),), None)


# For each operator scales that are good, and scales that just are not.
REACH = [
    ("CONV_2D", [255.0, 1.0], [256.0, 1.0], 256, 256.0),
    ("FULLY_CONNECTED", [1.0, 255.0, 9.0], [1.0, 256.0, 9.0], 256, 256.0),
    ("DEPTHWISE_CONV_2D", [15.0, 17.0, 1e9], [16.0, 16.0, 1e9], 256, 256.0),
    ("TRANSPOSE_CONV", [None, 2.0, 127.0], [None, 2.0, 128.0], 256, 256.0),
    ("ADD", [2.0**18, 1.0], [2.0**19, 1.0], 524288, [2.0**19, 1.0]),
    ("SUB", [1.0, 2.0**18], [1.0, 2.0**19], 524288, [1.0, 2.0**19]),
    ("SQUARED_DIFFERENCE", [63.0, 1.0], [64.0, 1.0], 4096, [64.0, 1.0]),
]


@pytest.mark.parametrize(("name", "good", "bad", "times", "received"), REACH)
def test_scales_are_within_reach_of_that_of_the_output(name, good, bad, times, received):
    check_scales(scaled(name, *good))
    rule = f"have scales within {times} times that of its output"
    refused(check_scales, scaled(name, *bad), rule, received)
    check_scales(scaled(name, *bad, gives=1.01))
    check_scales(scaled(name, *bad, dtype="float32"))
    check_scales(scaled("MUL", *bad))
    if name not in SUMS:
        check_scales(scaled(name, *bad, gives=None))


SUMS = ("ADD", "SUB", "SQUARED_DIFFERENCE")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("name", SUMS)
def test_a_sum_of_integers_has_a_scale_for_each(name, dtype):
    """A kernel divides by the scale that is missing, and ends the process."""
    check_scales(scaled(name, 1.0, 1.0, dtype=dtype))
    check_scales(scaled(name, None, None, gives=None, dtype="int32"))
    for scales, gives in (([None, 1.0], 1.0), ([1.0, None], 1.0), ([1.0, 1.0], None)):
        which = scaled(name, *scales, gives=gives, dtype=dtype)
        refused(check_scales, which, "have a scale for each of its integers", "one without")


@pytest.mark.parametrize("name", ["ADD", "SUB"])
def test_sums_in_16_bits_reach_less_far(name):
    check_scales(scaled(name, 2.0**13, 1.0, dtype="int16"))
    rule = "have scales within 16384 times that of its output"
    refused(check_scales, scaled(name, 2.0**14, 1.0, dtype="int16"), rule, [2.0**14, 1.0])


@pytest.mark.parametrize(
    "name", ["EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"]
)
def test_integers_are_compared_with_scales_below_1(name):
    check_scales(scaled(name, 0.999, 0.5, gives=None))
    rule = "compare integers with scales below 1"
    for scales in ([1.0, 0.5], [0.5, 2.0]):
        refused(check_scales, scaled(name, *scales, gives=None), rule, scales)
    check_scales(scaled(name, 1.0, 0.5, gives=None, dtype="float32"))
    check_scales(scaled(name, None, None, gives=None))
