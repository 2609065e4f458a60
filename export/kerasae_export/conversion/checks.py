"""What is known about a conversion before the converter runs."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae_export.conversion.custom_layers import check_stock
from kerasae_export.errors import ConversionError
from kerasae_export.functional import stock_model, takes_levels
from kerasae_export.images import Sampled, check_images, limits, why_unit_range

__all__ = [
    "STATIC",
    "Calibration",
    "check_float_layers",
    "check_model",
    "check_samples",
    "file_names",
]

STATIC = ("int8", "int16x8", "mixed")
"""The schemes that quantise activations, by ranges that are taken from real inputs."""

Calibration = ArrayLike | Sampled | Sequence[ArrayLike] | Mapping[str, ArrayLike] | None
"""Real inputs: an array, or for several inputs a list in their order, or a dict by name."""

_MOST_UNROLLED = 64  # steps; an LSTM of 140 became 2,098 operators and 1.1 MB after 25 s

_ATTENTION = (
    keras.layers.AdditiveAttention,
    keras.layers.Attention,
    keras.layers.GroupQueryAttention,
    keras.layers.MultiHeadAttention,
)


def check_model(
    argument: str, model: keras.Model, scheme: str, *, free_sides: bool = False
) -> keras.Model:
    """The model as a functional one of stock layers.

    What is known to fail or to crash the converter is refused, with the reason.
    """
    model = stock_model(model, argument)
    check_stock(model)
    for entry in model.inputs:
        sides = entry.shape[1:3] if free_sides and len(entry.shape) == 4 else ()
        if None in entry.shape[1 + len(sides) :]:
            raise ValueError(
                f"`{argument}` must have inputs of fixed shape"
                f"{', but for height and width' if sides else ''}. "
                f"Received: {entry.name!r} of shape {entry.shape} in {model.name!r}"
            )
    names = file_names(model)
    if len(set(names)) < len(names):
        raise ValueError(
            f"`{argument}` must have inputs whose names differ in letters and digits. "
            f"Received: {', '.join(names)}"
        )
    if scheme in STATIC:
        for layer in model._flatten_layers():
            reason, way_out = _why_not_int8(layer)
            if reason and not (scheme != "int8" and isinstance(layer, _ATTENTION)):
                raise ConversionError(
                    f"The scheme {scheme!r} does not fit model {model.name!r}, because {reason}: "
                    f'{way_out}use `scheme="dynamic"`, which quantises the weights only.'
                )
    return model


def check_float_layers(names: Any, scheme: str, *, needed: bool) -> list[str] | None:
    """The names of layers to keep in float32; None if none were given.

    Args:
        names: What was given.
        scheme: The scheme, of which only `"mixed"` keeps some.
        needed: Whether that scheme needs them.
    """
    if scheme != "mixed":
        if names is not None:
            raise ValueError(
                f"`float_layers` must be left out with the scheme {scheme!r}: only 'mixed' keeps "
                f"some layers in float32. Received: float_layers={names!r}"
            )
        return None
    if names is None and not needed:
        return None
    several = isinstance(names, Sequence) and not isinstance(names, (str, bytes))
    if not several or not all(isinstance(name, str) for name in names):
        raise ValueError(
            "`float_layers` must be a list of names of layers or nested models, which stay in "
            f"float32. Received: float_layers={names!r}"
        )
    return list(names)


def _why_not_int8(layer: keras.Layer) -> tuple[str, str]:
    """Why a model with this layer cannot be static int8, and what to do; empty if it can."""
    if isinstance(layer, keras.layers.RNN):
        steps = _steps(layer)
        if steps is None or steps > _MOST_UNROLLED:
            return (
                f"the recurrent layer {layer.name!r} would have to be unrolled, and each of its "
                f"{steps or 'unknown number of'} steps makes some 15 operators",
                'take 1-D convolutions, such as `build_recurrent(cell="conv1d")`, or a loop '
                "(`unroll=False`) and ",
            )
        if not layer.unroll:
            return (
                f"the converter crashes on the loop of the recurrent layer {layer.name!r}",
                "build that with `unroll=True`, or ",
            )
    if isinstance(layer, keras.layers.Normalization) and _of_columns(layer):
        # One scale for all of them: of a column that spans less than a step nothing is left.
        return (
            f"the columns that {layer.name!r} scales have ranges that differ, and one scale of 8 "
            "bits for all would destroy the smallest",
            "",
        )
    if isinstance(layer, _ATTENTION):
        # A patch transformer on digits lost 1.5 dB, another a third of its range.
        return f"activations around the attention {layer.name!r} lose too much in 8 bits", ""
    return "", ""


def _of_columns(layer: keras.layers.Normalization) -> bool:
    """Whether the values that a layer scales, or unscales, differ in mean or deviation."""
    statistics = (layer.mean, layer.variance)
    values = [keras.ops.convert_to_numpy(each) for each in statistics if each is not None]
    return any(value.size > 1 and np.ptp(value) > 0 for value in values)


def _steps(layer: keras.layers.RNN) -> int | None:
    """The steps of the sequences that a layer was built for, where they are known."""
    built = layer.get_build_config() or {}
    shape = built.get("input_shape") or built.get("shapes_dict", {}).get("sequences_shape")
    return shape[1] if shape else None


def file_names(model: keras.Model) -> list[str]:
    """The names of the inputs in the file, which must be identifiers there."""
    if len(model.inputs) == 1:
        return ["input"]
    names = [re.sub(r"[^A-Za-z0-9]", "_", entry.name) for entry in model.inputs]
    return [name if name[0].isalpha() else f"input_{name}" for name in names]


def check_samples(
    model: keras.Model,
    calibration: Calibration,
    argument: str = "calibration",
    *,
    followed_by: keras.Model | None = None,
    scheme: str = "int8",
) -> list[NDArray[Any]]:
    """The samples of each input, in the order of the model's inputs.

    Args:
        model: The model that takes them.
        calibration: What was given.
        argument: Its name.
        followed_by: The decoder, if the model is an encoder, which tells the range of the images.
        scheme: What needs them.
    """
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
    unit = why_unit_range(model, decoder=followed_by)
    levels = takes_levels(model)
    samples = [
        _check_array(entry, value, argument, unit, levels, scheme)
        for entry, value in zip(model.inputs, values, strict=True)
    ]
    if len({len(array) for array in samples}) > 1:
        raise ValueError(
            f"`{argument}` must hold as many samples of each input. "
            f"Received: {', '.join(str(len(array)) for array in samples)}"
        )
    return samples


def _check_array(
    entry: Any,
    values: ArrayLike | None,
    argument: str,
    unit: str | None,
    levels: bool,
    scheme: str,
) -> NDArray[Any]:
    shape = tuple(entry.shape[1:])
    rule = f"`{argument}` must hold real inputs of shape (n, {', '.join(map(str, shape))})"
    if values is None:
        raise ValueError(f"{rule} for the scheme {scheme}. Received: {argument}=None")
    if not keras.backend.is_float_dtype(entry.dtype):
        return _whole_numbers(entry, np.asarray(values), rule)
    if levels and len(shape) == 3 and np.asarray(values).dtype == np.uint8:
        values = np.asarray(values, np.float32)  # the model divides them itself
    samples = check_images(argument, values, shape=shape, unit=None if levels else unit)
    if not levels and unit is None and len(shape) == 3 and shape[2] in (1, 3):
        _warn_of_levels(argument, samples)
    return samples


def _whole_numbers(entry: Any, values: NDArray[Any], rule: str) -> NDArray[Any]:
    """The samples of an input of integers, such as indices into a codebook or tokens."""
    shape = tuple(entry.shape[1:])
    if values.shape[1:] != shape or values.ndim != len(shape) + 1 or not len(values):
        raise ValueError(f"{rule}. Received: shape {values.shape}")
    if values.dtype.kind not in "biuf" or not (np.floor(values) == values).all():
        raise ValueError(f"{rule} that are whole numbers. Received: {values.dtype}")
    return values.astype(entry.dtype)


def _warn_of_levels(argument: str, samples: NDArray[np.float32]) -> None:
    """Say that values look like pixels which nobody divided; the model's loss is not known here."""
    low, high = limits(samples)
    if low >= 0 and 16 < high <= 255:
        warnings.warn(
            f"`{argument}` has values from {low:g} to {high:g}. If the model was trained on images "
            f"in [0, 1], `{argument} / 255` is what it needs; the file would be of no use.",
            stacklevel=5,
        )
