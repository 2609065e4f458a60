"""Models of an attacker, by name: a change of a sound one, and what must be said of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffer_models import (
    DECODER,
    ENCODER,
    GOLDEN,
    append,
    changed,
    given_by,
    of,
    put,
    read_by,
    tensor,
)

BOTH = (GOLDEN / "bundles" / "indices-int8-both" / "bundle" / "model.tflite").read_bytes()
Change = Callable[[Any], object]
CASES: dict[str, tuple[Change, bytes, str]] = {}


def case(message: str, content: bytes = ENCODER) -> Callable[[Change], Change]:
    def add(change: Change) -> Change:
        CASES[change.__name__] = (change, content, message)
        return change

    return add


def last(model: Any) -> int:
    return int(model.subgraphs[0].outputs[0])


def real(model: Any) -> int:
    """The code in float32."""
    return append(model, "DEQUANTIZE", [of(model, "FULLY_CONNECTED").outputs[0]], [1, 8])


def options(kind: str, **values: Any) -> Any:
    made = getattr(schema, f"{kind}OptionsT")()
    for name, value in values.items():
        setattr(made, name, value)
    return made


# --- Operators that loop, keep state or size things at run time.


@case("UNIDIRECTIONAL_SEQUENCE_LSTM of version 1 is not one")
def lstm(model):
    append(model, "UNIDIRECTIONAL_SEQUENCE_LSTM", [last(model), *[-1] * 23], [1, 8])


@case("SPARSE_TO_DENSE of version 1 is not one")
def sparse_index_out_of_range(model):
    indices = tensor(model, [1], values=[2**31 - 1])
    size = tensor(model, [1], values=[8])
    append(model, "SPARSE_TO_DENSE", [indices, size, last(model), last(model)], [8])


@case("neither sparse nor variable")
def sparse_weights(model):
    sparsity = schema.SparsityParametersT()
    sparsity.traversalOrder = [0, 1, 2, 2**31 - 1]
    read_by(model, "CONV_2D", 1).sparsity = sparsity


@case("IF of version 1 is not one")
def recursion_through_if(model):
    branch = options("If", thenSubgraphIndex=0, elseSubgraphIndex=0)
    append(model, "IF", [tensor(model, [], "BOOL"), last(model)], [1, 8], branch)


@case("WHILE of version 1 is not one")
def while_for_ever(model):
    loop = options("While", condSubgraphIndex=0, bodySubgraphIndex=0)
    append(model, "WHILE", [last(model)], [1, 8], loop)


@case("LOCAL_RESPONSE_NORMALIZATION of version 1 is not one")
def lrn_of_huge_radius(model):
    norm = options("LocalResponseNormalization", radius=2**30, bias=1.0, alpha=1.0, beta=1.0)
    append(model, "LOCAL_RESPONSE_NORMALIZATION", [last(model)], [1, 8], norm)


@case("FILL of version 1 is not one")
def dynamic_fill_of_2_gb(model):
    size = tensor(model, [2], values=[2**15, 2**14])
    append(model, "FILL", [size, last(model)], [1, 1])


@case("a constant size of its output")
def reshape_by_the_network(model):
    code = real(model)
    sizes = append(model, "CAST", [code], [1, 8], options("Cast"), kind="INT32")
    append(model, "RESHAPE", [code, sizes], [8])


@case("must have plain options")
def options_of_another_kind(model):
    of(model, "CONV_2D").builtinOptions2Type = 1
    of(model, "CONV_2D").builtinOptions2 = schema.StablehloConcatenateOptionsT()


# --- Work and memory: what the file states is not what the operator would do.


def conv(model: Any, side: int, stated: list[int]) -> None:
    """A convolution of 64 channels after a resize of the code to a square."""
    square = append(model, "RESHAPE", [real(model), tensor(model, [4], values=[1, 2, 2, 2])],
                    [1, 2, 2, 2])  # fmt: skip
    wide = append(model, "RESIZE_BILINEAR", [square, tensor(model, [2], values=[side, side])],
                  [1, side, side, 2], options("ResizeBilinear"))  # fmt: skip
    weights = tensor(model, [64, 32, 32, 2], values=np.zeros(2**17, np.int32))
    same = options("Conv2D", strideW=1, strideH=1, dilationWFactor=1, dilationHFactor=1)
    append(model, "CONV_2D", [wide, weights, -1], stated, same)


@case("at most .* multiply-accumulates")
def huge_convolution(model):
    conv(model, 1024, [1, 1024, 1024, 64])


@case(r"give the shape that the file states, \[\(1, 2, 2, 64\)\]")
def huge_convolution_stated_small(model):
    conv(model, 1024, [1, 2, 2, 64])


@case(r"give the shape that the file states, \[\(1, 1024, 1024, 64\)\]")
def small_convolution_stated_huge(model):
    conv(model, 2, [1, 1024, 1024, 64])


@case("at most .* multiply-accumulates")
def huge_convolution_in_three_dimensions(model):
    cube = append(model, "RESHAPE", [real(model), tensor(model, [5], values=[1, 2, 2, 2, 1])],
                  [1, 2, 2, 2, 1])  # fmt: skip
    wide = append(model, "TILE", [cube, tensor(model, [5], values=[1, 100, 100, 100, 1])],
                  [1, 200, 200, 200, 1])  # fmt: skip
    weights = tensor(model, [31, 31, 31, 1, 1], values=np.zeros(31**3, np.int32))
    ones = dict.fromkeys(["strideD", "strideH", "strideW"], 1)
    ones |= dict.fromkeys(["dilationDFactor", "dilationHFactor", "dilationWFactor"], 1)
    append(model, "CONV_3D", [wide, weights, -1], [1, 200, 200, 200, 1], options("Conv3D", **ones))


@case("at most .* multiply-accumulates")
def thousands_of_elementwise_operators(model):
    cube = append(model, "RESHAPE", [real(model), tensor(model, [3], values=[1, 1, 8])], [1, 1, 8])
    shape = [1, 1024, 16384]
    value = append(model, "TILE", [cube, tensor(model, [3], values=[1, 1024, 2048])], shape)
    for _ in range(2048):
        value = append(model, "TANH", [value], shape)
        model.operatorCodes.pop()
        model.subgraphs[0].operators[-1].opcodeIndex = len(model.operatorCodes)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TANH
    model.operatorCodes.append(code)


@case("tensors must be smaller")
def tile_of_4_gb(model):
    append(model, "TILE", [real(model), tensor(model, [2], values=[2**17, 2**10])], [2**17, 2**13])


@case("at most .* bytes for its activations")
def many_tiles_kept(model):
    code = real(model)
    size = tensor(model, [2], values=[2**10, 2**13])
    parts = [append(model, "TILE", [code, size], [2**10, 2**16]) for _ in range(4)]
    append(model, "ADD_N", parts, [2**10, 2**16])


@case("copies of weights and windows")
def windows_of_a_pool(model):
    square = append(model, "RESHAPE", [real(model), tensor(model, [4], values=[1, 2, 2, 2])],
                    [1, 2, 2, 2])  # fmt: skip
    wide = append(model, "RESIZE_BILINEAR", [square, tensor(model, [2], values=[1024, 1024])],
                  [1, 1024, 1024, 2], options("ResizeBilinear"))  # fmt: skip
    pool = options("Pool2D", strideW=1, strideH=1, filterWidth=100, filterHeight=100)
    append(model, "AVERAGE_POOL_2D", [wide], [1, 1024, 1024, 2], pool)


@case("at most .* bytes for its activations")
def constants_folded_again_and_again(model):
    weights = tensor(model, [2**12], values=[0] * 2**12)
    size = tensor(model, [1], values=[2**12])
    for _ in range(16):
        append(model, "TILE", [weights, size], [2**24], kind="INT32")


# --- Operands that do not fit their operator.


@case("must have 3 inputs")
def depthwise_without_bias(model):
    operator = of(model, "CONV_2D")
    append(model, "DEPTHWISE_CONV_2D", operator.inputs[:2], [1, 4, 4, 8])


@case("must have all of its inputs")
def no_weights(model):
    of(model, "CONV_2D").inputs[1] = -1


@case("must compute with float32, int16, int8, uint8")
def convolution_of_truths(model):
    read_by(model, "CONV_2D", 0).quantization = None
    read_by(model, "CONV_2D", 0).type = schema.TensorType.BOOL


@case("must give int8. Received: uint8")
def output_of_another_type(model):
    given_by(model, "RESHAPE").quantization = None
    given_by(model, "RESHAPE").type = schema.TensorType.UINT8


@case("have inputs of one type")
def sum_of_two_types(model):
    code = of(model, "FULLY_CONNECTED").outputs[0]
    append(model, "ADD", [code, last(model)], [1, 8], options("Add"), kind="INT8")


@case("a bias for each of its outputs")
def short_bias(model):
    bias = read_by(model, "CONV_2D", 2)
    bias.shape, bias.quantization = [1], None
    model.buffers[bias.buffer].data = np.zeros(4, np.uint8)


@case(r"constant of shape \(8,\) must have 32 bytes. Received: 4")
def short_bias_stated_whole(model):
    model.buffers[read_by(model, "CONV_2D", 2).buffer].data = np.zeros(4, np.uint8)


@case("must have filters for its channels")
def wrong_filter_shape(model):
    weights = read_by(model, "CONV_2D", 1)
    weights.shape = [8, 1, 3, 3]


@case("must have an input 1 of 4 axes")
def filter_of_another_rank(model):
    read_by(model, "CONV_2D", 1).shape = [8, 9]


@case("must have weights for its inputs")
def wrong_matrix_shape(model):
    weights = tensor(model, [4, 3], values=[0] * 12)
    append(model, "FULLY_CONNECTED", [real(model), weights, -1], [2, 4], options("FullyConnected"))


for field in ("strideW", "strideH"):

    @case("must have strides from 1 to")
    def stride_0(model, field=field):
        setattr(of(model, "CONV_2D").builtinOptions, field, 0)

    CASES[f"{field} 0"] = CASES.pop("stride_0")


@case("must have strides from 1 to")
def stride_below_0(model):
    of(model, "CONV_2D").builtinOptions.strideW = -2


@case("must have a window with sides from 1 to")
def huge_dilation(model):
    of(model, "CONV_2D").builtinOptions.dilationWFactor = 8000


@case("must have dilations from 1 to")
def dilation_beyond_integers(model):
    of(model, "CONV_2D").builtinOptions.dilationHFactor = 2**31 - 1


@case("must have dilations from 1 to")
def dilation_0(model):
    of(model, "CONV_2D").builtinOptions.dilationHFactor = 0


@case("must have its options")
def no_options(model):
    of(model, "CONV_2D").builtinOptions = None
    of(model, "CONV_2D").builtinOptionsType = 0


@case("must have a padding")
def unknown_padding(model):
    of(model, "CONV_2D").builtinOptions.padding = 7


@case("give a size that its input has room for", DECODER)
def transposed_size(model):
    put(model, read_by(model, "TRANSPOSE_CONV", 0), [1, 999, 999, 8])
    given_by(model, "TRANSPOSE_CONV").shape = [1, 999, 999, 8]


@case("must have as many values as its input", DECODER)
def reshape_to_more_values(model):
    put(model, read_by(model, "RESHAPE", 1), [1, 2, 2, 2**20])
    given_by(model, "RESHAPE").shape = [1, 2, 2, 2**20]


@case("must have places for its input", BOTH)
def gather_of_many_batches(model):
    of(model, "GATHER").builtinOptions.batchDims = 3


@case("choose of the values that there are")
def top_of_more_than_there_are(model):
    append(model, "TOPK_V2", [real(model), tensor(model, [], values=[9])], [1, 9])


def hostile(name: str) -> bytes:
    change, content, _ = CASES[name]
    return changed(change, content)
