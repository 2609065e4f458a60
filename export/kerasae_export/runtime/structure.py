"""The parts of a TF Lite file: how many there are, what its tensors are, and who writes them.

All of it is read from the file, before LiteRT sees it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from kerasae_export.errors import BundleError
from kerasae_export.runtime.calls import Call, Operand, Shape
from kerasae_export.runtime.model_validation import check_tensors

__all__ = ["MAX_OPERATORS", "calls", "check_counts", "check_graph", "check_signatures"]

MAX_OPERATORS = 2**13

_MAX_GRAPHS = 16
_MAX_TENSORS = 2**15
_MAX_BUFFERS = _MAX_OPERANDS = 2**16
_MAX_AXES = 6  # kernels have room for no more

# Those that LiteRT computes with; integers of 4 bits, text and resources are none of them.
_TYPES = {
    getattr(schema.TensorType, name.upper()): name
    for name in [
        "bool",
        "float16",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint32",
    ]
}


def check_counts(content: bytes) -> None:
    """Refuse a file of too many parts before they are unpacked: a few bytes can be many parts.

    Raises:
        BundleError: If there are too many, or one is not in the file itself.
    """
    model = schema.Model.GetRootAsModel(content, 0)
    graphs = [model.Subgraphs(i) for i in range(_few("graphs", model.SubgraphsLength(), least=1))]
    for what, count in (
        ("signatures", model.SignatureDefsLength()),
        ("notes", model.MetadataLength()),
        ("notes", model.MetadataBufferLength()),
    ):
        _few(what, count)
    for i in range(model.SignatureDefsLength()):
        _few("inputs", model.SignatureDefs(i).InputsLength())
        _few("outputs", model.SignatureDefs(i).OutputsLength())
    _few("kinds of operators", model.OperatorCodesLength(), most=MAX_OPERATORS)
    buffers = map(model.Buffers, range(_few("buffers", model.BuffersLength(), most=_MAX_BUFFERS)))
    outside = model.ExternalBuffersLength() or model.ExternalBufferGroupsLength()
    if outside or any(buffer.Offset() or buffer.Size() for buffer in buffers):
        raise BundleError("A model must hold its weights in its flatbuffer.")
    _few("operators", sum(g.OperatorsLength() for g in graphs), most=MAX_OPERATORS)
    _few("tensors", sum(g.TensorsLength() for g in graphs), most=_MAX_TENSORS)
    operands, letters = 0, 0
    for graph in graphs:
        for operator in map(graph.Operators, range(graph.OperatorsLength())):
            operands += operator.InputsLength() + operator.OutputsLength()
        for tensor in map(graph.Tensors, range(graph.TensorsLength())):
            letters += len(tensor.Name() or b"")
            if tensor.Sparsity() is not None or tensor.IsVariable():
                raise BundleError("A model's tensors must be neither sparse nor variable.")
            if tensor.VariantTensorsLength() or tensor.ExternalBuffer():
                raise BundleError("A model's tensors must be plain.")
            _few("axes", tensor.ShapeLength(), most=_MAX_AXES)
    _few("operands", operands, most=_MAX_OPERANDS)
    _few("letters", letters, most=len(content))


def _few(what: str, count: int, *, least: int = 0, most: int = _MAX_GRAPHS) -> int:
    if not least <= count <= most:
        raise BundleError(f"A model must have {least} to {most} {what}. Received: {count}")
    return count


def check_signatures(model: Any) -> None:
    """Refuse signatures that name what their graph has not as an input or an output.

    Args:
        model: An unpacked file.

    Raises:
        BundleError: If a graph or a tensor is not there.
    """
    for signature in model.signatureDefs or ():
        if not 0 <= signature.subgraphIndex < len(model.subgraphs):
            raise BundleError(
                f"A model's signature must name one of {len(model.subgraphs)} graphs. "
                f"Received: {signature.subgraphIndex}"
            )
        graph = model.subgraphs[signature.subgraphIndex]
        for entries, tensors in (
            (signature.inputs, graph.inputs),
            (signature.outputs, graph.outputs),
        ):
            for entry in entries or ():
                if entry.name is None or entry.tensorIndex not in _list(tensors):
                    raise BundleError(
                        "A model's signature must name inputs and outputs of its graph. "
                        f"Received: tensor {entry.tensorIndex}"
                    )


def check_graph(model: Any, graph: Any) -> None:
    """Refuse a graph with impossible tensors, or one that reads what nothing has written.

    Args:
        model: An unpacked file.
        graph: One of its graphs.

    Raises:
        BundleError: If there is such a tensor.
    """
    for tensor in graph.tensors or ():
        _check_tensor(model, tensor)
    check_tensors(map(_details, graph.tensors or ()))
    known = {i for i, t in enumerate(graph.tensors or ()) if _content(model, t) is not None}
    for tensor in _list(graph.inputs):
        if _exists(graph, tensor) in known or not _shape(graph.tensors[tensor]):
            raise BundleError(f"A model's inputs must be tensors of a shape. Received: {tensor}")
        known.add(tensor)
    for operator in graph.operators or ():
        for tensor in _list(operator.inputs):
            if tensor != -1:
                _check_known(graph, tensor, known, "operators must read what was")
        for tensor in _list(operator.outputs):
            if _exists(graph, tensor) in known:
                raise BundleError(f"A model's tensor must be written once. Received: {tensor}")
            known.add(tensor)
    for tensor in _list(graph.outputs):
        _check_known(graph, tensor, known, "outputs must be")


def _check_known(graph: Any, tensor: int, known: set[int], rule: str) -> None:
    if _exists(graph, tensor) not in known:
        raise BundleError(f"A model's {rule} written before. Received: tensor {tensor}")


def calls(model: Any, graph: Any, names: list[str]) -> Iterator[Call]:
    """The operators of a graph in order, as the rules of shapes look at them.

    Args:
        model: An unpacked file.
        graph: One of its graphs, which `check_graph` has found sound.
        names: The name of each of the file's kinds of operators.
    """
    for operator in graph.operators or ():
        operands = [None if t == -1 else _operand(model, graph, t) for t in _list(operator.inputs)]
        results = [_operand(model, graph, t) for t in _list(operator.outputs)]
        if operator.builtinOptions2Type or operator.customOptions is not None:
            raise BundleError("A model's operators must have plain options.")
        yield Call(
            names[operator.opcodeIndex], tuple(operands), tuple(results), operator.builtinOptions
        )


def _operand(model: Any, graph: Any, tensor: int) -> Operand:
    found = graph.tensors[tensor]
    details = found.quantization
    scales = () if details is None else tuple(_list(details.scale))
    return Operand(_shape(found), _TYPES[found.type], scales, _content(model, found))


def _exists(graph: Any, tensor: int) -> int:
    count = len(graph.tensors or ())
    if not 0 <= tensor < count:
        raise BundleError(
            f"A model's operator names tensor {tensor}, which does not exist: there are {count}."
        )
    return tensor


def _check_tensor(model: Any, tensor: Any) -> None:
    shape = _shape(tensor)
    if tensor.type not in _TYPES:
        raise BundleError(f"A model's tensors must be numbers. Received: type {tensor.type}")
    if tensor.quantization is not None and tensor.quantization.detailsType:
        raise BundleError("A model's tensors must have a scale each or for each channel.")
    if not 0 <= tensor.buffer < len(model.buffers):
        raise BundleError(f"A model's tensor names buffer {tensor.buffer}, which does not exist.")
    buffer = model.buffers[tensor.buffer]
    if tensor.buffer == 0 and _data(buffer) is not None:  # LiteRT takes 0 as no buffer
        raise BundleError("A model must hold its weights in buffers from 1 on.")
    if min(shape, default=1) < 1 and shape != (0,):
        raise BundleError(f"A model's tensors must have sizes from 1 on. Received: {shape}")
    content, size = _content(model, tensor), np.dtype(_TYPES[tensor.type]).itemsize
    if content is not None and len(content) != size * math.prod(shape):
        raise BundleError(
            f"A model's constant of shape {shape} must have {size * math.prod(shape)} bytes. "
            f"Received: {len(content)}"
        )


def _details(tensor: Any) -> dict[str, Any]:
    """A tensor as LiteRT would describe it."""
    quantisation = tensor.quantization or schema.QuantizationParametersT()
    return {
        "shape": _shape(tensor),
        "dtype": _TYPES[tensor.type],
        "quantization_parameters": {
            "scales": np.array(_list(quantisation.scale), float),
            "zero_points": np.array(_list(quantisation.zeroPoint), int),
            "quantized_dimension": quantisation.quantizedDimension,
        },
    }


def _content(model: Any, tensor: Any) -> Any:
    """The bytes of a constant, or None; a tensor without values is one."""
    data = _data(model.buffers[tensor.buffer])
    return np.zeros(0, np.uint8) if data is None and _shape(tensor) == (0,) else data


def _data(buffer: Any) -> Any:
    return None if buffer.data is None or len(buffer.data) == 0 else buffer.data


def _shape(tensor: Any) -> Shape:
    return tuple(_list(tensor.shape))


def _list(numbers: Any) -> list[Any]:
    return [] if numbers is None else np.asarray(numbers).tolist()
