"""Which operators of a TF Lite file the delegates for GPU, NNAPI and Core ML take.

From what they say of themselves, no device was asked:

- GPU: "GPU delegates for LiteRT", section "GPU ML operations support", LiteRT's documentation as
  of July 2025; TRANSPOSE_CONV up to version 3, as the delegate's own check has it. The page states
  versions for float models only; others are taken by name.
- NNAPI: `NNAPIDelegateKernel::Validate` of TensorFlow Lite (nnapi_delegate.cc, commit 002e5f4), for
  Android 11 and later; every version below was compared with it. Of its other conditions those are
  here that files of this converter meet: the bias of CONV_2D and the scales of MEAN. NNAPI is
  deprecated since Android 15.
- Core ML: "Core ML delegate", section "Supported ops", of the TensorFlow Lite documentation (commit
  021bfd4); float models only, Core ML 3.

A driver may still refuse what a list has, and a delegate may leave small parts to the CPU.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import Any

from kerasae_export.format.arguments import check_path
from kerasae_export.runtime.graph import Graph, Operator

__all__ = ["DELEGATES", "Coverage", "delegate_coverage"]

DELEGATES = ("GPU", "NNAPI", "Core ML")
"""Whose lists are known."""

_ANY = 99


def _table(text: str) -> dict[str, int]:
    """The newest version of each operator, where one is stated."""
    found: dict[str, int] = {}
    name = ""
    for word in text.split():
        if word.isdigit():
            found[name] = int(word)
        else:
            found[name := word] = _ANY
    return found


_GPU = _table(
    "ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D 2 EXP FULLY_CONNECTED LOGICAL_AND"
    " LOGISTIC LSTM 2 MAX_POOL_2D MAXIMUM MINIMUM MUL PAD PRELU RELU RELU6 RESHAPE"
    " RESIZE_BILINEAR 3 SOFTMAX STRIDED_SLICE SUB TRANSPOSE_CONV 3"
)
_CORE_ML = _table(
    "ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED HARD_SWISH"
    " LOGISTIC MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESIZE_BILINEAR SOFTMAX TANH TRANSPOSE_CONV"
)
_NNAPI = _table(
    "ABS 1 ADD 2 ARG_MAX 2 ARG_MIN 2 AVERAGE_POOL_2D 2 BATCH_TO_SPACE_ND 2 CAST 1 CONCATENATION 2"
    " CONV_2D 3 DEPTHWISE_CONV_2D 3 DEPTH_TO_SPACE DEQUANTIZE 2 DIV 1 ELU 1 EQUAL 2 EXP 1"
    " EXPAND_DIMS 1 FLOOR 1 FULLY_CONNECTED 5 GATHER 2 GREATER 2 GREATER_EQUAL 2 HARD_SWISH"
    " L2_NORMALIZATION 2 LEAKY_RELU 1 LESS 2 LESS_EQUAL 2 LOG 1 LOGICAL_AND 1 LOGICAL_NOT 1"
    " LOGICAL_OR 1 LOGISTIC 2 LOG_SOFTMAX 1 MAXIMUM 3 MAX_POOL_2D 2 MEAN 2 MINIMUM 3 MUL 2 NEG 2"
    " NOT_EQUAL 2 PACK 2 PAD 2 PADV2 2 POW 1 PRELU 1 QUANTIZE 2 REDUCE_ANY 2 REDUCE_MAX 2"
    " REDUCE_MIN 2 REDUCE_PROD 1 RELU 2 RELU6 2 RELU_N1_TO_1 2 RESHAPE 1 RESIZE_BILINEAR 3"
    " RESIZE_NEAREST_NEIGHBOR 3 RSQRT 1 SELECT 2 SIN 1 SLICE 2 SOFTMAX 2 SPACE_TO_BATCH_ND 2"
    " SPACE_TO_DEPTH 2 SPLIT 3 SQRT 1 SQUEEZE 1 STRIDED_SLICE 2 SUB 3 SUM 1 TANH 2 TILE 1 TOPK_V2 2"
    " TRANSPOSE 2 TRANSPOSE_CONV 3"
)
_NNAPI_FLOAT = frozenset(
    _table("ABS DIV ELU EXP LOG LOG_SOFTMAX NEG POW REDUCE_PROD RSQRT SIN SQRT SUM")
)


@dataclass(frozen=True)
class Coverage:
    """What a delegate takes of a model, as far as its documentation tells.

    Attributes:
        operators: How many the model has; those that only unpack weights do not count.
        taken: How many of them it takes.
        macs: The share of the multiply-accumulates in those, from 0 to 1; None where the model has
            none, or they cannot be counted.
        refused: For each operator that it does not take, as `"PAD"`, why, and how often it occurs.
    """

    operators: int
    taken: int
    macs: float | None
    refused: dict[str, tuple[str, int]]

    @property
    def whole(self) -> bool:
        """Whether it takes all of the model, so that nothing is copied to the CPU and back."""
        return self.taken == self.operators


def delegate_coverage(
    model: bytes | str | os.PathLike[str], *, signature: str | None = None
) -> dict[str, Coverage]:
    """What GPU, NNAPI and Core ML delegates take of a TF Lite file, by their documented lists.

    Args:
        model: The `.tflite` file, or its bytes.
        signature: The signature to look at, where the file has several; by default the first
            graph.

    Returns:
        A `Coverage` for each of `DELEGATES`.

    Raises:
        BundleError: If it is not a TF Lite file or lacks the signature.
        OSError: If the file cannot be read.
        ValueError: If `model` is neither bytes nor a path.

    Example:
        >>> found = delegate_coverage("bundle/encoder.tflite")              # doctest: +SKIP
        >>> found["GPU"].whole, found["GPU"].refused                        # doctest: +SKIP
        (True, {})
    """
    if not isinstance(model, (bytes, bytearray)):
        model = check_path("model", model).read_bytes()
    graph = Graph(bytes(model), signature)
    operators = [o for o in graph.operators if not _folded(graph, o)]
    return {
        "GPU": _coverage(graph, operators, _gpu),
        "NNAPI": _coverage(graph, operators, _nnapi),
        "Core ML": _coverage(graph, operators, _core_ml),
    }


def _folded(graph: Graph, operator: Operator) -> bool:
    """Whether an operator only computes with weights, such as to unpack those of float16."""
    return all(t < 0 or graph.is_constant(t) for t in operator.inputs)


def _coverage(graph: Graph, operators: list[Operator], rule: Any) -> Coverage:
    counts: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    taken = 0
    for operator in operators:
        why = rule(graph, operator)
        if why:
            counts[operator.name] += 1
            reasons[operator.name] = why
        else:
            taken += operator.macs or 0
    total = graph.macs
    return Coverage(
        operators=len(operators),
        taken=len(operators) - sum(counts.values()),
        macs=taken / total if total else None,
        refused={name: (reasons[name], count) for name, count in sorted(counts.items())},
    )


def _known(
    table: dict[str, int], graph: Graph, operator: Operator, *, versions: bool = True
) -> str:
    if operator.name not in table:
        return "not in its list"
    version = graph.version(operator)
    if versions and version > table[operator.name]:
        return f"version {version}, of which it takes {table[operator.name]}"
    return ""


def _gpu(graph: Graph, operator: Operator) -> str:
    quantised = not _floats(graph, operator)
    if _wide(graph, operator):
        return "in 16 bits, of which it takes 8"
    if quantised and operator.name in ("QUANTIZE", "DEQUANTIZE"):
        return "" if operator.index in (0, len(graph.operators) - 1) else "between operators"
    stated = not quantised or operator.name == "TRANSPOSE_CONV"
    return _known(_GPU, graph, operator, versions=stated)


def _nnapi(graph: Graph, operator: Operator) -> str:
    if operator.name in _NNAPI_FLOAT and not _floats(graph, operator):
        return "in integers, of which it takes floats"
    if _wide(graph, operator):
        return "in 16 bits, of which it takes 8"
    if operator.name == "CONV_2D" and len(operator.inputs) != 3:
        return "without a bias"
    if operator.name == "MEAN" and graph.scale(operator.inputs[0]) != graph.scale(
        operator.outputs[0]
    ):
        return "with another scale than its input has"
    return _known(_NNAPI, graph, operator)


def _core_ml(graph: Graph, operator: Operator) -> str:
    if operator.name == "RESHAPE":
        return "not with Core ML 3"
    why = _known(_CORE_ML, graph, operator)
    if not why and not _floats(graph, operator):
        return "in integers, of which it takes floats"
    if not why and operator.name == "FULLY_CONNECTED":
        shape = graph.shape(operator.inputs[0])
        if any(n != 1 for n in shape[:-1]):
            return "several rows at once"
    return why


def _wide(graph: Graph, operator: Operator) -> bool:
    """Whether an operator takes or gives activations in 16 bits."""
    return any(t >= 0 and graph.kind(t) == "INT16" for t in (*operator.inputs, *operator.outputs))


def _floats(graph: Graph, operator: Operator) -> bool:
    """Whether what an operator computes with, weights as well, is floats."""
    tensors = [t for t in (*operator.inputs, *operator.outputs) if t >= 0 and graph.is_real(t)]
    return not any(graph.is_quantised(t) for t in tensors)
