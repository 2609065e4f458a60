"""The models to deploy, and how images are cut for them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae_export.bundling.arguments import check_tile
from kerasae_export.bundling.layout import find_layout, mirrored, resized
from kerasae_export.conversion.split import codebooks, evenly
from kerasae_export.conversion.split import decoder as decoder_of
from kerasae_export.conversion.split import encoder as encoder_of

__all__ = ["CALIBRATION", "DeployedModels", "deployed_models", "full_range"]

CALIBRATION = 300  # images that quantisation sees; the entropy tables see all that are given
_FEWEST = 24  # images, however large a tile is


@dataclass(frozen=True)
class DeployedModels:
    """The models to deploy, and how images are cut for them.

    Attributes:
        encoder: Image to code or indices.
        decoder: Code or indices to image.
        codebook: Size of the codebook, or of each; 0 for a code of values.
        layout: `"grid"` or `"blocks"`.
        stride: Pixels of a cell.
        margin: Cells at the edge of a tile that depend on what surrounds it.
        before: Cells added in front of a calibration image to make it as large as a tile.
        codebooks: Indices at each position, which have a last axis if there are several; 0 for a
            code of values.
    """

    encoder: keras.Model
    decoder: keras.Model
    codebook: int
    layout: str
    stride: int
    margin: int
    before: tuple[int, int] = (0, 0)
    codebooks: int = 0

    def framed(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The images, continued to the size of a tile."""
        size = self.encoder.input_shape[1:3]
        if images.shape[1:3] == size:
            return images
        before = (self.before[0] * self.stride, self.before[1] * self.stride)
        return mirrored(images, before, size)

    def few(self, images: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        """Some of the images at the size of a tile, fewer where tiles are larger than images."""
        share = math.prod(images.shape[1:3]) / math.prod(self.encoder.input_shape[1:3])
        return self.framed(evenly(images, max(min(count, _FEWEST), round(count * share))))


def deployed_models(
    model: keras.Model,
    codebook: int,
    tile: int | tuple[int, int] | None,
    *,
    whole: bool = False,
) -> DeployedModels:
    """Split a model into its encoder and decoder, on tiles of another size if that is asked for.

    Args:
        model: The model.
        codebook: Size of its codebook; 0 for a code of values.
        tile: As of `export_bundle`.
        whole: Whether a code is that of a whole image, as that of a model that is told a label.

    Raises:
        ValueError: If the model cannot take tiles of that size.
    """
    bare, encoder, decoder = encoder_of(model, tail=False), encoder_of(model), decoder_of(model)
    several = codebooks(model) if codebook else 0
    if tile is None:
        found = ("blocks", 1, 0) if whole else find_layout(bare, decoder, codebook)
        return DeployedModels(encoder, decoder, codebook, *found, codebooks=several)

    size = check_tile(tile, encoder.input_shape[1:3])
    rule = "`tile` must be None but for models that treat every place of an image alike"
    old = tuple(int(n) for n in bare.output_shape[1:3])
    if len(bare.output_shape) != 4 or encoder.input_shape[1] % old[0]:
        raise ValueError(f"{rule}. Received: tile={tile!r} for model={model.name!r}")
    stride = encoder.input_shape[1] // old[0]
    if size[0] % stride or size[1] % stride:
        raise ValueError(
            f"`tile` must be a multiple of the model's stride of {stride}. Received: tile={tile!r}"
        )
    cells = (size[0] // stride, size[1] // stride)
    try:
        bare, encoder = resized(bare, size), resized(encoder, size)
        decoder = resized(decoder, cells)
        found = find_layout(bare, decoder, codebook)
    except ValueError as error:
        raise ValueError(f"{rule}. Received: model={model.name!r}, {error}") from None
    if found[0] != "grid" or decoder.output_shape[1:3] != size:
        raise ValueError(f"{rule}. Received: tile={tile!r} for model={model.name!r}")
    before = ((cells[0] - old[0]) // 2, (cells[1] - old[1]) // 2)
    return DeployedModels(encoder, decoder, codebook, *found, before, several)


def full_range(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images to calibrate the encoder with, one of them stretched from black to white.

    The range of the input is then [0, 1], so that no pixel is ever clipped.
    """
    few = evenly(images, CALIBRATION)
    low, high = few.min(axis=(1, 2, 3)), few.max(axis=(1, 2, 3))
    widest = int(np.argmax(high - low))
    span = max(float(high[widest] - low[widest]), 1e-6)
    stretched = np.clip((few[widest] - low[widest]) / span, 0, 1)
    stretched.flat[0], stretched.flat[-1] = 0.0, 1.0  # even where all images are constant
    return np.concatenate([few, stretched[None]])
