"""An array of one's own, split by a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae.data.images import SPLITS, Images, Integers
from kerasae.data.options import Options, draw_splits
from kerasae.data.pixels import fit_image, image_from_array, to_unit_range
from kerasae_export.images import check_images, limits

__all__ = ["is_array", "load_array", "split_array"]

_ALONE = Options(size=None, channels=None, validation_fraction=0.1, limit=None, seed=0)


def is_array(source: Any) -> bool:
    """Whether something is an array, or a list that may be made one."""
    return isinstance(source, list) or hasattr(source, "__array__")


def load_array(source: Any, options: Options) -> Images:
    """Images in an array (n, height, width, channels), or a list of them, in three splits.

    Raises:
        ValueError: If it is no such array, holds fewer than three images, or values outside of
            [0, 1] where the size or the channels are to change.
    """
    pixels = _fitted(check_images("source", source), options)
    parts = draw_splits(len(pixels), {}, options)
    train, validation, test = (pixels[parts[split]] for split in SPLITS)
    return Images(train, validation, test, sources=parts)


def split_array(values: NDArray[np.float32], seed: int) -> tuple[Integers, Integers]:
    """The indices of the values to train on, and those of a tenth, at least one, to validate on.

    Raises:
        ValueError: If there are fewer than two.
    """
    if len(values) < 2:
        raise ValueError(
            "`data` must hold at least 2 images, one to train on and one to validate on. "
            f"Received: {len(values)}"
        )
    options = Options(**{**vars(_ALONE), "seed": seed})
    parts = draw_splits(len(values), {"test": 0}, options)
    return parts["train"], parts["validation"]


def _fitted(pixels: NDArray[np.float32], options: Options) -> NDArray[np.float32]:
    """The images at the size and with the channels that were asked for, by way of 8 bits."""
    size, channels = options.size or pixels.shape[1:3], options.channels or pixels.shape[3]
    if (*size, channels) == pixels.shape[1:]:
        return pixels
    low, high = limits(pixels)
    if low < 0 or high > 1 or pixels.shape[3] not in (1, 3):
        raise ValueError(
            "`image_size` and `channels` need a `source` of grey or RGB images in [0, 1]. "
            f"Received: shape {pixels.shape}, values from {low:g} to {high:g}"
        )
    eight_bits = np.floor(pixels * 255 + 0.5).astype(np.uint8)
    fitted = [fit_image(image_from_array(image), size, channels) for image in eight_bits]
    return to_unit_range(np.stack(fitted))
