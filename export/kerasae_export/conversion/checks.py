"""What is known about a conversion before the converter runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae_export.errors import ConversionError

__all__ = ["Calibration", "check_model", "check_samples", "file_names"]

Calibration = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike] | None
"""Real inputs: an array, or for several inputs a list in their order, or a dict by name."""

_ATTENTION = (
    keras.layers.AdditiveAttention,
    keras.layers.Attention,
    keras.layers.GroupQueryAttention,
    keras.layers.MultiHeadAttention,
)


def check_model(argument: str, model: keras.Model, scheme: str) -> None:
    """Refuse, with the reason, what is known to fail or to crash the converter."""
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"`{argument}` must be a functional or a built sequential Keras model. "
            f"Received: {argument}={getattr(model, 'name', model)!r}"
        )
    for entry in model.inputs:
        if None in entry.shape[1:]:
            raise ValueError(
                f"`{argument}` must have inputs of fixed shape. "
                f"Received: {entry.name!r} of shape {entry.shape} in {model.name!r}"
            )
    names = file_names(model)
    if len(set(names)) < len(names):
        raise ValueError(
            f"`{argument}` must have inputs whose names differ in letters and digits. "
            f"Received: {', '.join(names)}"
        )
    if scheme == "int8":
        for layer in model._flatten_layers():
            reason, way_out = _why_not_int8(layer)
            if reason:
                raise ConversionError(
                    f"The scheme 'int8' does not fit model {model.name!r}, because {reason}: "
                    f'{way_out}use `scheme="dynamic"`, which quantises the weights only.'
                )


def _why_not_int8(layer: keras.Layer) -> tuple[str, str]:
    """Why a model with this layer cannot be static int8, and what to do; empty if it can."""
    if isinstance(layer, keras.layers.RNN) and not layer.unroll:
        return (
            f"the converter crashes on the loop of the recurrent layer {layer.name!r}",
            "build that with `unroll=True`, or ",
        )
    if isinstance(layer, _ATTENTION):
        # A patch transformer on digits lost 1.5 dB, another a third of its range.
        return f"activations around the attention {layer.name!r} lose too much in 8 bits", ""
    return "", ""


def file_names(model: keras.Model) -> list[str]:
    """The names of the inputs in the file, which must be identifiers there."""
    if len(model.inputs) == 1:
        return ["input"]
    names = [re.sub(r"[^A-Za-z0-9]", "_", entry.name) for entry in model.inputs]
    return [name if name[0].isalpha() else f"input_{name}" for name in names]


def check_samples(
    model: keras.Model, calibration: Calibration, argument: str = "calibration"
) -> list[NDArray[Any]]:
    """The samples of each input, in the order of the model's inputs."""
    names = [entry.name for entry in model.inputs]
    values: list[Any] = [calibration]
    if isinstance(calibration, Mapping):
        if sorted(calibration) != sorted(names):
            raise ValueError(
                f"`{argument}` must have a key for each input: {', '.join(names)}. "
                f"Received: {', '.join(map(str, calibration))}"
            )
        values = [calibration[name] for name in names]
    elif len(names) > 1:
        if not isinstance(calibration, (list, tuple)) or len(calibration) != len(names):
            kind = type(calibration).__name__
            raise ValueError(
                f"`{argument}` must hold an array for each input, {', '.join(names)}, in a list "
                f"or a dict. Received: {kind}"
                + (f" of {len(calibration)}" if isinstance(calibration, (list, tuple)) else "")
            )
        values = [*calibration]
    samples = [
        _check_array(entry, value, argument)
        for entry, value in zip(model.inputs, values, strict=True)
    ]
    if len({len(array) for array in samples}) > 1:
        raise ValueError(
            f"`{argument}` must hold as many samples of each input. "
            f"Received: {', '.join(str(len(array)) for array in samples)}"
        )
    return samples


def _check_array(entry: Any, values: ArrayLike | None, argument: str) -> NDArray[Any]:
    shape = tuple(entry.shape[1:])
    rule = f"`{argument}` must hold real inputs of shape (n, {', '.join(map(str, shape))})"
    if values is None:
        raise ValueError(f"{rule} for the scheme int8. Received: {argument}=None")
    samples = np.asarray(values, entry.dtype)
    if samples.ndim != len(shape) + 1 or not len(samples) or samples.shape[1:] != shape:
        raise ValueError(f"{rule}. Received: shape {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError(f"{rule} that are finite. Received: NaN or infinity")
    return samples
