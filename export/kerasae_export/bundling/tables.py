"""The codec part of the manifest: step sizes and entropy tables, fitted to an encoder's codes."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae_export.bundling.fitting import fit_classes, fit_tables
from kerasae_export.bundling.models import DeployedModels
from kerasae_export.bundling.step_sizes import choose_multiples, choose_steps
from kerasae_export.conversion.split import code_step
from kerasae_export.format.spec import CodecSpec, Quality, steps_of
from kerasae_export.runtime.litemodel import LiteModel

__all__ = ["fit_spec", "fit_steps", "rounded"]

_STEP_IMAGES = 64  # images on which the step sizes are chosen
_GROUP = 4  # cells along each side of a square that has its own class of tables
_CLASSES = 8


def fit_steps(
    model: keras.Model,
    models: DeployedModels,
    lite_encoder: LiteModel,
    images: NDArray[np.float32],
    losses: Sequence[float],
) -> list[NDArray[np.float64]]:
    """The step sizes of each quality, from the coarsest to the finest, all different.

    Args:
        model: The autoencoder; it may round its code itself.
        models: Its deployed models.
        lite_encoder: The exported encoder.
        images: Calibration images.
        losses: PSNR in dB that rounding may cost, for each quality, the best first.

    Returns:
        For each quality, the step size of each channel of the code; ones for indices.
    """
    if models.codebook:
        return [np.ones(models.codebooks)]
    own_step = code_step(model)
    channels = models.encoder.output_shape[-1]
    if own_step is not None and len(losses) == 1:
        found = [np.full(channels, own_step)]
    else:
        few = models.few(images, _STEP_IMAGES)
        codes = lite_encoder.run(few)
        if own_step is not None:
            found = choose_multiples(models.decoder, codes, few, losses, own_step)
        else:
            floor = lite_encoder.output.scale if lite_encoder.output.dtype == "uint8" else 0.0
            found = choose_steps(models.decoder, codes, few, losses, floor)
    exact = dict.fromkeys(steps_of(steps) for steps in reversed(found))
    return [np.ldexp(np.array(mantissas, float), exponent) for mantissas, exponent in exact]


def rounded(codes: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the decoder is given for these codes."""
    return np.floor(codes / steps + 0.5) * steps


def fit_spec(
    models: DeployedModels,
    lite_encoder: LiteModel,
    images: NDArray[np.float32],
    all_steps: Sequence[NDArray[np.float64]],
    more: NDArray[np.float64] | None = None,
) -> CodecSpec:
    """Fit entropy tables to the symbols of the exported encoder.

    Args:
        models: The deployed models.
        lite_encoder: The exported encoder.
        images: All calibration images, of the model's own size.
        all_steps: The step sizes of each quality, from `fit_steps`.
        more: Further codes that are to be coded well, such as those of another encoder.

    Returns:
        The codec part of the manifest.
    """
    encoder = models.encoder
    code_shape = tuple(int(n) for n in encoder.output_shape[1:])
    codes = _codes_of(models, lite_encoder, images)
    if more is not None:
        codes = np.concatenate([codes, more])
    group = min(_GROUP, *code_shape[:2]) if models.layout == "grid" else 1
    return CodecSpec(
        channels=int(encoder.input_shape[-1]),
        tile=(int(encoder.input_shape[1]), int(encoder.input_shape[2])),
        layout=models.layout,
        stride=models.stride,
        margin=models.margin,
        code_shape=(*code_shape, 1) if models.codebooks == 1 else code_shape,
        codebook=models.codebook,
        group=group,
        qualities=tuple(_fit_quality(models, codes, steps, group) for steps in all_steps),
    )


def _codes_of(
    models: DeployedModels, lite_encoder: LiteModel, images: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The codes of the images, without those of their continuation: (n, ..., channels)."""
    codes = [lite_encoder.run(models.framed(image[None])) for image in images]
    if models.layout == "grid":
        rows, columns = (n // models.stride for n in images.shape[1:3])
        down, right = models.before
        codes = [code[:, down : down + rows, right : right + columns] for code in codes]
    joined = np.concatenate(codes)
    return joined[..., None] if models.codebooks == 1 else joined


def _fit_quality(
    models: DeployedModels, codes: NDArray[np.float64], steps: NDArray[np.float64], group: int
) -> Quality:
    symbols = np.floor(codes / steps + 0.5)
    if models.layout == "grid":
        side = min(group, *symbols.shape[1:3])
        squares = _squares(symbols, side)
        tables = fit_classes(squares, _CLASSES, codebook=models.codebook)
    else:
        flat = symbols.reshape(-1, symbols.shape[-1])
        tables = fit_tables(flat, codebook=models.codebook)
    ones = (1,) * models.codebooks
    mantissas, exponent = (ones, 0) if models.codebook else steps_of(steps)
    return Quality(mantissas, exponent, tables.classes, tables.tables)


def _squares(symbols: NDArray[np.float64], side: int) -> NDArray[np.int64]:
    """The symbols of grids, cut into squares of cells: (squares, cells, channels)."""
    rows, columns = (n // side for n in symbols.shape[1:3])
    whole = symbols[:, : rows * side, : columns * side].astype(np.int64)
    cut = whole.reshape(len(symbols), rows, side, columns, side, -1).swapaxes(2, 3)
    return cut.reshape(-1, side * side, symbols.shape[-1])
