"""More models of an attacker: impossible tensors, scales and signatures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffer_models import append, given_by, of, read_by, tensor
from hostile_models import CASES, case, hostile, options

__all__ = ["CASES", "hostile"]


@case("must be smaller|sizes from 1 on")
def negative_dimensions(model):
    given_by(model, "CONV_2D").shape = [1, -4, 4, 8]


@case("sizes from 1 on")
def dimensions_of_0(model):
    given_by(model, "CONV_2D").shape = [1, 0, 4, 8]


@case("give the shape that the file states")
def tensors_without_shape(model):
    given_by(model, "CONV_2D").shape = None


@case("inputs must be tensors of a shape")
def input_without_shape(model):
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape = None


@case("outputs must be written")
def output_that_is_not_written(model):
    model.subgraphs[0].outputs = [tensor(model, [1, 8], "UINT8")]
    model.signatureDefs[0].outputs[0].tensorIndex = model.subgraphs[0].outputs[0]


@case("must read what was written before")
def read_before_written(model):
    model.subgraphs[0].operators.reverse()


@case("must be written once")
def written_twice(model):
    model.subgraphs[0].operators.append(model.subgraphs[0].operators[0])


@case("must be written once")
def weights_written(model):
    of(model, "QUANTIZE").outputs = [of(model, "CONV_2D").inputs[1]]


@case("must name inputs and outputs of its graph")
def signature_of_another_tensor(model):
    model.signatureDefs[0].outputs[0].tensorIndex = 10**6


@case("must name one of 1 graphs")
def signature_of_another_graph(model):
    model.signatureDefs[0].subgraphIndex = 3


@case("which does not exist")
def no_such_tensor(model):
    of(model, "CONV_2D").inputs[2] = 10**6


@case("names buffer .*, which does not exist")
def no_such_buffer(model):
    read_by(model, "CONV_2D", 1).buffer = 10**6


@case("in buffers from 1 on")
def weights_in_the_buffer_for_none(model):
    model.buffers[0].data = np.zeros(8, np.uint8)


@case("in its flatbuffer")
def weights_outside_the_file(model):
    buffer = model.buffers[read_by(model, "CONV_2D", 1).buffer]
    buffer.data, buffer.offset, buffer.size = None, 2**20, 72


@case("must be numbers")
def text(model):
    given_by(model, "CONV_2D").type = schema.TensorType.STRING


@case("must have 0 to 6 axes")
def many_axes(model):
    given_by(model, "CONV_2D").shape = [1] * 100


# --- Quantisation.


@case("one scale, or one for each of 8 channels")
def scales_of_wrong_length(model):
    read_by(model, "CONV_2D", 1).quantization.scale = np.full(3, 0.1, np.float32)


@case("one scale, or one for each of 8 channels")
def zero_points_of_wrong_length(model):
    read_by(model, "CONV_2D", 1).quantization.zeroPoint = np.zeros(5, np.int64)


for number in (0.0, -1.0, 1e-38, math.nan, math.inf):

    @case("scales must be positive")
    def scale(model, number=number):
        given_by(model, "CONV_2D").quantization.scale = np.array([number], np.float32)

    CASES[f"scale {number}"] = CASES.pop("scale")


@case("zero points of int8 must be from")
def zero_point_out_of_range(model):
    given_by(model, "CONV_2D").quantization.zeroPoint = np.array([2**40])


@case("a scale each or for each channel")
def scales_of_blocks(model):
    details = given_by(model, "CONV_2D").quantization
    details.detailsType = schema.QuantizationDetails.CustomQuantization
    details.details = schema.CustomQuantizationT()


@case("scales within 524288 times that of its output")
def sum_beyond_fixed_point(model):
    first, second = (copy_of(model, "FULLY_CONNECTED", 100.0) for _ in range(2))
    total = append(model, "ADD", [first, second], [1, 8], options("Add"), kind="INT8")
    scaled(model, total, 1e-6)


@case("scales within 256 times that of its output")
def product_beyond_fixed_point(model):
    given_by(model, "QUANTIZE").quantization.scale = np.array([1e7], np.float32)


@case("compare integers with scales below 1")
def comparison_beyond_fixed_point(model):
    first, second = (copy_of(model, "FULLY_CONNECTED", 100.0) for _ in range(2))
    append(model, "LESS", [first, second], [1, 8], options("Less"), kind="BOOL")


def copy_of(model: Any, name: str, scale: float) -> int:
    """What an operator gives, with another scale."""
    copied = append(model, "QUANTIZE", [of(model, name).outputs[0]], [1, 8], kind="INT8")
    scaled(model, copied, scale)
    return copied


def scaled(model: Any, place: int, scale: float) -> None:
    details = schema.QuantizationParametersT()
    details.scale, details.zeroPoint = [scale], [0]
    model.subgraphs[0].tensors[place].quantization = details
