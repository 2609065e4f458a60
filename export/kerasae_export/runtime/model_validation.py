"""Checks of a model's tensors and operators before LiteRT prepares it.

LiteRT verifies that a file is a well-formed flatbuffer, but believes the numbers in it: a zero
point outside its type makes a kernel read outside its tables, a missing input makes it follow a
null pointer, and the process dies. All of this was found by `benchmarks/fuzz.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from kerasae_export.errors import BundleError

__all__ = ["check_graphs", "check_tensors"]

_MAX_TENSOR_BYTES = 2**28
_LEAST_SCALE, _LARGEST_SCALE = (
    1e-30,
    1e30,
)  # kernels die of what is no normal float32, and of its inverse
_ZERO_POINTS = {"int8": (-128, 127), "uint8": (0, 255)}  # other types have none


def check_tensors(details: Iterable[Mapping[str, Any]]) -> None:
    """Refuse tensors whose shape or quantisation is impossible.

    Args:
        details: What `Interpreter.get_tensor_details` gives.

    Raises:
        BundleError: If a shape is negative or huge, a scale is not a positive number, a zero
            point is outside its type, or their number is not that of the channels.
    """
    for tensor in details:
        shape, dtype = [int(n) for n in tensor["shape"]], np.dtype(tensor["dtype"])
        if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > _MAX_TENSOR_BYTES:
            raise BundleError(f"A model's tensors must be smaller. Received: shape {shape}")
        quantisation = tensor["quantization_parameters"]
        scales, zeros = quantisation["scales"], quantisation["zero_points"]
        axis = int(quantisation["quantized_dimension"])
        if not ((scales >= _LEAST_SCALE) & (scales <= _LARGEST_SCALE)).all():
            raise BundleError(
                f"A model's scales must be positive, from {_LEAST_SCALE} to {_LARGEST_SCALE}. "
                f"Received: {scales[:4]}"
            )
        low, high = _ZERO_POINTS.get(dtype.name, (0, 0))
        if len(zeros) and not (low <= zeros.min() and zeros.max() <= high):
            raise BundleError(
                f"A model's zero points of {dtype.name} must be from {low} to {high}. "
                f"Received: {zeros.min()} to {zeros.max()}"
            )
        channels = shape[axis] if 0 <= axis < len(shape) else 1
        if len(zeros) not in (0, len(scales)) or len(scales) not in (0, 1, channels):
            raise BundleError(
                f"A model's tensor must have one scale, or one for each of {channels} channels. "
                f"Received: {len(scales)} scales, {len(zeros)} zero points"
            )


def check_graphs(content: bytes) -> None:
    """Refuse names that are not text, and operators without an input that they need.

    LiteRT gives no details of a tensor with such a name, so it could not be checked. Only the last
    input of an operator, a bias, may be missing, and any input of a recurrent operator.

    Args:
        content: A TF Lite file that LiteRT has found to be a well-formed flatbuffer.

    Raises:
        BundleError: If a name is not UTF-8, or another input is missing.
    """
    model = schema.Model.GetRootAsModel(content, 0)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    for graph in map(model.Subgraphs, range(model.SubgraphsLength())):
        for tensor in map(graph.Tensors, range(graph.TensorsLength())):
            label = tensor.Name() or b""
            try:
                label.decode()
            except UnicodeDecodeError:
                raise BundleError(f"A tensor's name must be UTF-8. Received: {label!r}") from None
        for operator in map(graph.Operators, range(graph.OperatorsLength())):
            inputs = [operator.Inputs(i) for i in range(operator.InputsLength())]
            if min(inputs[:-1], default=0) >= 0:
                continue
            code = codes[operator.OpcodeIndex()]
            number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            name = next((k for k, v in vars(schema.BuiltinOperator).items() if v == number), "?")
            if "LSTM" not in name:
                raise BundleError(f"A model's operator {name} lacks an input. Received: {inputs}")
