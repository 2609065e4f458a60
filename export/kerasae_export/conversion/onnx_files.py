"""Keras models to ONNX files, in float32, for batches of any size.

`missing` is asked before a conversion begins; the rest runs in the converter's process, with the
exporter of Keras. It needs the extra `onnx`: tf2onnx, onnx and onnxruntime.
"""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

__all__ = ["missing", "write_onnx"]

_PACKAGES = ("onnx", "onnxruntime", "tf2onnx")
_LOSS = 1e-3  # of an output's range: as the tolerance of float32 in a verification
_MOVED = 0.02  # of the indices: two entries of a codebook may be about as near
_BATCHES = (1, 3)
_SIDE = 2  # times the least that the model takes, where height and width are free


def missing() -> str:
    """What an export to ONNX lacks, and how to install it; empty where nothing is missing."""
    lacking = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if not lacking:
        return ""
    return (
        f"ONNX files need {', '.join(lacking)}: `pip install kerasae-export[onnx]`, or "
        "`pip install -e './export[onnx]'` in a checkout"
    )


def write_onnx(model: keras.Model, names: Sequence[str], path: Path) -> None:
    """Write a model as an ONNX file, and run it with ONNX Runtime in batches of two sizes.

    Args:
        model: A functional model of stock layers.
        names: The names of its inputs in the file. Outputs are `output_0`, `output_1` and so on.
        path: The file.

    Raises:
        ValueError: If the file has operators of another domain than ONNX's own, or does not compute
            what Keras does.
    """
    import onnx

    specs = [
        keras.InputSpec(shape=(None, *entry.shape[1:]), dtype=entry.dtype, name=name)
        for name, entry in zip(names, model.inputs, strict=True)
    ]
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of NumPy, about what tf2onnx looks for
        keras.Model(model.inputs, model.outputs).export(
            path,
            format="onnx",
            verbose=False,
            input_signature=specs if len(specs) == 1 else [specs],
        )
    found = onnx.load(path)
    foreign = {node.op_type for node in found.graph.node if node.domain not in ("", "ai.onnx")}
    if foreign:
        raise ValueError(f"ONNX has no operator for {', '.join(sorted(foreign))}")
    _rename(found.graph, list(names), len(model.outputs))
    onnx.checker.check_model(found)
    content = found.SerializeToString()
    _check(content, model, names)
    path.write_bytes(content)


def _rename(graph: Any, inputs: list[str], outputs: int) -> None:
    """Names that do not depend on the converter: of inputs, outputs, and the axis of the batch."""
    if len(graph.input) != len(inputs) or len(graph.output) != outputs:
        raise ValueError(
            f"the file has {len(graph.input)} inputs and {len(graph.output)} outputs, not "
            f"{len(inputs)} and {outputs}"
        )
    new = {entry.name: f"output_{i}" for i, entry in enumerate(graph.output)}
    old = {entry.name.partition(":")[0]: entry.name for entry in graph.input}
    if sorted(old) != sorted(inputs):
        raise ValueError(f"the file's inputs are {', '.join(old)}, not {', '.join(inputs)}")
    new |= {name: short for short, name in old.items()}
    for node in graph.node:
        node.input[:] = [new.get(name, name) for name in node.input]
        node.output[:] = [new.get(name, name) for name in node.output]
    for entry in (*graph.input, *graph.output):
        entry.name = new[entry.name]
        axes = entry.type.tensor_type.shape.dim
        for name, axis in zip(("batch", "height", "width"), axes, strict=False):
            if not axis.HasField("dim_value"):
                axis.dim_param = name
    del graph.value_info[:]  # shapes in between, by their former names
    graph.name = "kerasae"


def _check(content: bytes, model: keras.Model, names: Sequence[str]) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    for batch in _BATCHES:
        given = [_values(entry, batch, random) for entry in model.inputs]
        expected = keras.tree.flatten(model.predict_on_batch(given if len(given) > 1 else given[0]))
        results = session.run(
            [f"output_{i}" for i in range(len(expected))], dict(zip(names, given, strict=True))
        )
        for ours, theirs in zip(results, expected, strict=True):
            _compare(np.asarray(ours), np.asarray(theirs), batch)


def _compare(ours: NDArray[Any], theirs: NDArray[Any], batch: int) -> None:
    if ours.shape != theirs.shape:
        raise ValueError(
            f"ONNX Runtime gives {ours.shape} for a batch of {batch}, Keras {theirs.shape}"
        )
    if theirs.dtype.kind in "iub":
        share = float((ours != theirs).mean())
        if share > _MOVED:
            raise ValueError(f"{share:.0%} of ONNX Runtime's indices are not Keras's")
        return
    span = max(float(theirs.max() - theirs.min()), 1e-6)
    worst = float(np.abs(ours.astype(float) - theirs).max()) / span
    if not worst <= _LOSS:
        raise ValueError(
            f"ONNX Runtime differs from Keras by {worst:.2g} of the range, where {_LOSS:g} may be"
        )


def _values(entry: Any, batch: int, random: np.random.Generator) -> NDArray[Any]:
    shape = (batch, *(32 * _SIDE if side is None else side for side in entry.shape[1:]))
    if keras.backend.is_float_dtype(entry.dtype):
        return random.random(shape).astype(entry.dtype)
    return random.integers(0, 2, shape).astype(entry.dtype)  # of a codebook of two at least
