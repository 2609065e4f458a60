"""Inpainting: a trained model fills holes in images, NumPy in and out."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments, _inference
from kerasae.layers.masking import HOLE

__all__ = ["inpaint"]


def inpaint(model: keras.Model, images: ArrayLike, masks: ArrayLike) -> NDArray[np.float32]:
    """Fill holes of images; every known pixel stays what it is.

    `where(mask, g(f(x with -1 in its hole)), x)`: the model never sees what lay in the hole.

    Args:
        model: A model of the kind `"masked"`, such as `build_masked` makes.
        images: (n, height, width, channels), values in [0, 1].
        masks: Booleans, True where a pixel is missing: (n, height, width), or (height, width)
            for all images.

    Returns:
        float32 (n, height, width, channels), values in [0, 1].

    Raises:
        ValueError: If the model is of another kind, or an array breaks its rule.

    Example:
        >>> import kerasae
        >>> from kerasae.masks import draw_masks
        >>> images = kerasae.load_images("digits").test[:5]
        >>> model = kerasae.build_masked(input_shape=(8, 8, 1), code_size=16)
        >>> masks = draw_masks("centre", (8, 8), 5)
        >>> filled = inpaint(model, images, masks)
        >>> bool((filled[~masks] == images[~masks]).all())
        True
    """
    if _inference.takes_missing(model):
        raise ValueError(
            "`model` must be one of images; `kerasae.impute` fills in what is NaN in rows and "
            f"signals. Received: model={model.name!r}"
        )
    if not any(hasattr(layer, "cut_holes") for layer in getattr(model, "layers", ())):
        raise ValueError(
            "`model` must be of the kind 'masked', which knows holes, such as `build_masked` "
            f"makes. Received: model={getattr(model, 'name', model)!r}"
        )
    values = _inference.check_images(model, images)
    holes = _holes(masks, values)
    (filled,) = _inference.run([model], np.where(holes, np.float32(HOLE), values))
    return np.where(holes, np.clip(filled, 0, 1), values)


def _holes(masks: ArrayLike, images: NDArray[Any]) -> NDArray[np.bool_]:
    """The masks as (n or 1, height, width, 1)."""
    array = _arguments.array("masks", masks)
    shape = images.shape[:3]
    if array.dtype != np.bool_ or array.shape not in (shape, shape[1:]):
        raise ValueError(
            f"`masks` must be booleans of the shape {shape}, or {shape[1:]} for all images. "
            f"Received: {array.dtype} of the shape {array.shape}"
        )
    return array.reshape(-1, *shape[1:], 1)
