"""Pixels of any file or array as 8-bit grey or RGB of one size, and as float32 in [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from kerasae.data.images import LabelMaps, Pixels

__all__ = ["fit_image", "fit_labels", "image_from_array", "to_eight_bits", "to_unit_range"]


def to_eight_bits(picture: Image.Image) -> Image.Image:
    """Any image as 8-bit mode "L" or "RGB"."""
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        # 16-bit grey; 65535 / 257 = 255. Pillow itself would clip instead of scale.
        wide = np.asarray(picture).astype(np.float64)
        return Image.fromarray(np.clip(np.round(wide / 257), 0, 255).astype(np.uint8))
    if picture.mode == "F":
        raise ValueError("floating-point pixels have no agreed range")
    grey = picture.mode in ("1", "L", "LA", "La")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("L" if grey else "RGB")


def fit_image(
    picture: Image.Image, size: tuple[int, int], channels: int | None
) -> NDArray[np.uint8]:
    """An "L" or "RGB" image scaled to cover `size`, cropped, as a uint8 array (H, W, C)."""
    if picture.size != size[::-1]:
        picture = ImageOps.fit(picture, size[::-1], Image.Resampling.LANCZOS)
    if channels is not None:
        picture = picture.convert("L" if channels == 1 else "RGB")
    return np.atleast_3d(np.asarray(picture))


def fit_labels(labels: LabelMaps, size: tuple[int, int]) -> LabelMaps:
    """A label map (H, W), scaled by nearest neighbours and cropped as `fit_image` does."""
    if labels.shape == size:
        return labels
    picture = Image.fromarray(labels)
    return np.asarray(ImageOps.fit(picture, size[::-1], Image.Resampling.NEAREST))


def image_from_array(pixels: NDArray[Any]) -> Image.Image:
    """A uint8 or uint16 array (H, W, C) as an 8-bit image."""
    return to_eight_bits(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))


def to_unit_range(pixels: NDArray[Any], top: float = 255) -> Pixels:
    """Values from 0 to `top` as float32 in [0, 1]."""
    return np.divide(pixels, np.float32(top), dtype=np.float32)
