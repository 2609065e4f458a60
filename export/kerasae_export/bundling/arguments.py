"""The arguments of an export, checked before anything is converted."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae_export import images as images_
from kerasae_export.bundling.golden import FROM_CALIBRATION
from kerasae_export.conversion.split import codebook_size
from kerasae_export.conversion.split import decoder as decoder_of
from kerasae_export.conversion.split import encoder as encoder_of
from kerasae_export.format.numbers import plain
from kerasae_export.format.spec import MAX_QUALITIES, MAX_SIDE

__all__ = [
    "check_facts",
    "check_images",
    "check_losses",
    "check_model",
    "check_sample",
    "check_tile",
    "codebook_of",
]


def check_model(model: keras.Model) -> None:
    """Refuse a model that does not rebuild its images from its code alone."""
    if len(encoder_of(model).outputs) > 1 or model.output_shape != model.input_shape:
        raise ValueError(
            "`model` must rebuild its images from a code, or there is nothing to send: export "
            "others with `convert(inference_model(model), path)`. "
            f"Received: model={model.name!r}"
        )


def codebook_of(model: keras.Model) -> int:
    """The number of indices that a code is made of; 0 for a code of values."""
    if keras.backend.is_float_dtype(decoder_of(model).inputs[0].dtype):
        return 0
    size = codebook_size(model)
    if not size:
        raise ValueError(
            "`model` must have a layer with a `codebook_size` where its code is one of indices. "
            f"Received: model={model.name!r}"
        )
    return size


def check_images(
    model: keras.Model, calibration: ArrayLike | images_.Sampled | None
) -> NDArray[np.float32]:
    """The calibration images, float32 (n, height, width, channels)."""
    shape = tuple(encoder_of(model).input_shape[1:])
    rule = "`calibration` must hold real images of shape (n, height, width, channels) in [0, 1]"
    if len(shape) != 3 or None in shape or shape[2] not in (1, 3):
        raise ValueError(
            "`model` must encode images of a fixed shape (height, width, 1 or 3). "
            f"Received: input shape {shape}"
        )
    if calibration is None:
        raise ValueError(
            f"{rule}, from which the ranges and entropy tables are taken. "
            "Received: calibration=None"
        )
    return images_.check_images("calibration", calibration, shape=shape, unit="a codec of pixels")


def check_losses(step_loss: float | Sequence[float], codebook: int) -> tuple[float, ...]:
    """The losses in dB that the step sizes may cost, one for each quality, the best first."""
    step_loss = plain(step_loss)
    several = not isinstance(step_loss, (int, float))
    losses = tuple(step_loss) if isinstance(step_loss, Sequence) else (step_loss,)
    numbers = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in losses)
    rising = numbers and all(a < b for a, b in itertools.pairwise(losses))
    if not (1 <= len(losses) <= MAX_QUALITIES and rising and 1e-9 <= losses[0] <= losses[-1] <= 20):
        raise ValueError(
            "`step_loss` must be above 0 dB and at most 20, or an increasing list of up to "
            f"{MAX_QUALITIES} such losses. Received: step_loss={step_loss!r}"
        )
    if several and codebook:
        raise ValueError(
            "`step_loss` must be one number for a code of indices, which is not rounded. "
            f"Received: step_loss={step_loss!r}"
        )
    return losses


def check_tile(tile: int | tuple[int, int], size: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of the tiles, no less than `size`, the model's own."""
    tile = plain(tile)
    sides = tuple(tile) if isinstance(tile, Sequence) else (tile, tile)
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    if not whole or len(sides) != 2 or sides[0] < size[0] or sides[1] < size[1]:
        raise ValueError(
            f"`tile` must be a side or (height, width) in pixels, at least {size[0]} x {size[1]} "
            f"as the model's images. Received: tile={tile!r}"
        )
    if max(sides) > MAX_SIDE:
        raise ValueError(f"`tile` must be at most {MAX_SIDE}. Received: tile={tile!r}")
    return sides


def check_sample(
    sample: NDArray[np.uint8] | str | None, channels: int
) -> NDArray[np.uint8] | str | None:
    """The picture of the golden sample, or what `choose_sample` takes in its place."""
    if sample is None or (isinstance(sample, str) and sample == FROM_CALIBRATION):
        return sample
    if isinstance(sample, str):
        raise ValueError(
            f"`sample` must be a picture or {FROM_CALIBRATION!r}. Received: sample={sample!r}"
        )
    picture = images_.check_picture("sample", sample, channels=channels)
    if not picture.size:
        raise ValueError(f"`sample` must have pixels. Received: shape {picture.shape}")
    return picture


def check_facts(facts: Mapping[str, Any] | None) -> dict[str, Any]:
    """The facts, which must be what JSON can hold, or NumPy's numbers."""
    if facts is not None and not isinstance(facts, Mapping):
        raise ValueError(f"`facts` must be a dict. Received: facts={facts!r}")
    known: dict[str, Any] = plain(dict(facts or {}))
    try:
        json.dumps(known, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`facts` must be what JSON can hold. Received: {error}") from None
    return known
