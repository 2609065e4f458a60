"""Random crops, scales, mirroring and colours of training images."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerasae import _arguments
from kerasae.data.pixels import fit_image

__all__ = ["Augment", "as_augment"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601, as Pillow makes grey


@dataclasses.dataclass(frozen=True)
class Augment:
    """How training images are changed at random; by default they are not.

    Attributes:
        crop: Cut the window out at a random place, in place of the centre, where an image is larger
            than it or of another aspect.
        scale: The least side of the window, as a share of the largest that fits, above 0 and up to
            1: each image draws its own between this and 1, and the window is scaled to the size of
            the stream.
        flip: Mirror half of the images left to right.
        brightness: The most that is added to the values or taken from them, in [0, 1).
        contrast: The most by which distances from the mean grow or shrink, as a share in [0, 1).
        saturation: The same of distances from grey.

    Raises:
        ValueError: If a value breaks its rule.

    Example:
        >>> Augment(scale=0.5, flip=True).describe()
        'scale=0.5 flip=True'
    """

    crop: bool = False
    scale: float = 1.0
    flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0

    def __post_init__(self) -> None:
        for name in ("crop", "flip"):
            object.__setattr__(self, name, _arguments.boolean(name, getattr(self, name)))
        for name in ("scale", "brightness", "contrast", "saturation"):
            value = getattr(self, name)
            number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if not number or not (0 < value <= 1 if name == "scale" else 0 <= value < 1):
                rule = "above 0 and up to 1" if name == "scale" else "in [0, 1)"
                raise ValueError(f"`{name}` must be a number {rule}. Received: {name}={value!r}")
            object.__setattr__(self, name, float(value))

    def describe(self) -> str:
        """What differs from the defaults."""
        changed = [
            f"{field.name}={getattr(self, field.name)}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        ]
        return " ".join(changed)

    def window(
        self, picture: Image.Image, size: tuple[int, int], channels: int, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """A grey or RGB image as uint8 (height, width, channels), cropped, scaled, mirrored."""
        width, height = picture.size
        fits = min(width / size[1], height / size[0])
        drawn, left, top, mirrored = rng.random(4)
        share = self.scale + (1 - self.scale) * drawn
        if self.crop or self.scale < 1:
            w, h = fits * size[1] * share, fits * size[0] * share
            x, y = (width - w) * left, (height - h) * top
            box = (x, y, min(x + w, width), min(y + h, height))
            picture = picture.resize((size[1], size[0]), Image.Resampling.LANCZOS, box=box)
        pixels = fit_image(picture, size, channels)
        return pixels[:, ::-1] if self.flip and mirrored < 0.5 else pixels

    def colours(self, pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Other brightness, contrast and saturation of uint8 (n, height, width, channels)."""
        if not (self.brightness or self.contrast or self.saturation):
            return pixels
        draws = rng.uniform(-1, 1, (3, len(pixels), 1, 1, 1)).astype(np.float32)
        values = pixels.astype(np.float32)
        if self.saturation and pixels.shape[3] == 3:
            grey = (values @ _LUMA)[..., None]
            values = grey + (1 + self.saturation * draws[0]) * (values - grey)
        if self.contrast:
            mean = values.mean(axis=(1, 2, 3), keepdims=True)
            values = mean + (1 + self.contrast * draws[1]) * (values - mean)
        values += 255 * self.brightness * draws[2]
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def as_augment(augment: Any) -> Augment:
    """The changes of an argument that may be a mapping of them, or None.

    Raises:
        ValueError: If it is something else.
    """
    if isinstance(augment, Augment):
        return augment
    if augment is None:
        return Augment()
    known = [field.name for field in dataclasses.fields(Augment)]
    if not isinstance(augment, Mapping) or set(augment) - set(known):
        found = sorted(augment) if isinstance(augment, Mapping) else augment
        raise ValueError(
            f"`augment` must be an `Augment`, a mapping of {', '.join(known)}, or None. "
            f"Received: augment={found!r}"
        )
    return Augment(**augment)
