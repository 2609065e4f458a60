"""Files that take inputs of other sizes than they name, run in some of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from kerasae_export.quiet import native_notes_hidden

__all__ = ["check_resized"]

_SIZES = ((1, 32, 32), (3, 48, 80))  # batch, height and width, where they are free
_MOST_ERROR = 0.05  # of the largest value: more than weights in 8 bits cost


def check_resized(
    content: bytes,
    key: str,
    model: keras.Model,
    names: Sequence[str],
    *,
    dynamic_batch: bool,
    exact: bool,
) -> None:
    """Refuse a file that does not compute in other sizes what Keras does.

    Of a file with activations in integers only the sizes of the results are compared: noise, which
    it is run on, lies beyond the range that it was calibrated for.

    Args:
        content: The bytes of the file.
        key: The signature that is the model.
        model: The model, some of whose sizes are free in the file.
        names: The names of its inputs in the file.
        dynamic_batch: Whether the batch is free; else it is 1.
        exact: Whether its activations are floats.

    Raises:
        ValueError: If the runtime cannot resize the file, or another result comes out.
    """
    with native_notes_hidden():
        runner = Interpreter(model_content=content).get_signature_runner(key)
    details = runner.get_input_details()
    rng = np.random.default_rng(0)
    for batch, *sides in _SIZES:
        inputs, stored = [], {}
        for name, entry in zip(names, model.inputs, strict=True):
            free = iter(sides)
            shape = [batch if dynamic_batch else 1]
            shape += [next(free) if side is None else side for side in entry.shape[1:]]
            real = np.zeros(shape) if "int" in entry.dtype else rng.random(shape)
            stored[name] = _quantised(real, details[name])
            inputs.append(_real(stored[name], details[name]).astype(entry.dtype))
        expected = model(keras.tree.pack_sequence_as(model.input, inputs), training=False)
        size = " x ".join(map(str, inputs[0].shape))
        try:
            found = runner(**stored)
        except (RuntimeError, ValueError) as error:
            said = " ".join(str(error).split())[:200]
            raise ValueError(f"the runtime cannot resize it to {size}: {said}") from None
        outputs = runner.get_output_details()
        for i, one in enumerate(keras.tree.flatten(expected)):
            one = keras.ops.convert_to_numpy(one).astype(float)
            name = f"output_{i}"
            other = _real(found[name], outputs[name])
            fits = other.shape == one.shape
            if fits and exact:
                fits = np.abs(other - one).max() <= _MOST_ERROR * max(np.abs(one).max(), 1e-3)
            if not fits:
                raise ValueError(f"resized to {size}, it gives something else than Keras.")


def _quantised(values: NDArray[Any], details: dict[str, Any]) -> NDArray[Any]:
    scale, zero_point = details["quantization"]
    dtype = details["dtype"]
    if not scale:
        return values.astype(dtype)
    bounds = np.iinfo(dtype)
    return np.clip(np.round(values / scale + zero_point), bounds.min, bounds.max).astype(dtype)


def _real(values: NDArray[Any], details: dict[str, Any]) -> NDArray[np.float64]:
    scale, zero_point = details["quantization"]
    return (values.astype(float) - zero_point) * scale if scale else values.astype(float)
