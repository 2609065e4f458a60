"""How close reconstructions come to images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae_export.images import check_images

__all__ = ["hole_error", "psnr", "ssim"]


def psnr(images: ArrayLike, reconstructions: ArrayLike) -> float:
    """Peak signal-to-noise ratio of a set of images in dB, pooled.

    `-10 log10(MSE)` for a peak of 1, where the mean squared error is taken once over all pixels
    of all images. The mean of each image's own PSNR is another, larger number (Jensen), which
    the easiest images decide: one that is equal makes it infinite.

    Args:
        images: (n, height, width, channels), floating point in [0, 1] or uint8 from 0 to 255.
        reconstructions: The same shape; finite values, or uint8 from 0 to 255.

    Returns:
        The ratio in dB; infinity if the images are equal.

    Raises:
        ValueError: If the shapes differ or are not those of images, or a value breaks its rule.

    Example:
        >>> import numpy as np
        >>> images = np.zeros((2, 8, 8, 1))
        >>> round(psnr(images, images + 0.1), 6)
        20.0
    """
    a, b = _image_pair(images, reconstructions)
    error = float(np.square(np.subtract(a, b, dtype=float)).mean())
    return -10 * math.log10(error) if error else math.inf


def ssim(images: ArrayLike, reconstructions: ArrayLike) -> float:
    """Structural similarity (Wang, Bovik, Sheikh & Simoncelli 2004), the mean over images.

    By scikit-image, with a uniform window of 7 x 7 pixels, or the largest odd window that fits
    into a smaller image, and the mean over channels.

    Args:
        images: As for `psnr`, of at least 3 x 3 pixels.
        reconstructions: As for `psnr`.

    Returns:
        The mean similarity, at most 1, which equal images have.

    Raises:
        ValueError: If the shapes differ or are not those of images of 3 x 3 pixels or more, or
            a value breaks its rule.

    Example:
        >>> import numpy as np
        >>> images = np.random.default_rng(0).random((2, 8, 8, 1))
        >>> ssim(images, images)
        1.0
    """
    from skimage.metrics import structural_similarity

    a, b = _image_pair(images, reconstructions)
    if min(a.shape[1:3]) < 3:
        raise ValueError(
            f"`images` must have at least 3 x 3 pixels. Received: shape {tuple(a.shape)}"
        )
    window = min(7, *((side - 1) // 2 * 2 + 1 for side in a.shape[1:3]))
    values = [
        structural_similarity(x, y, win_size=window, channel_axis=-1, data_range=1.0)
        for x, y in zip(a, b, strict=True)
    ]
    return float(np.mean(values))


def hole_error(images: ArrayLike, reconstructions: ArrayLike, masks: ArrayLike) -> float:
    """Mean squared error inside holes, pooled: over the missing pixels of all images.

    Args:
        images: As for `psnr`.
        reconstructions: As for `psnr`.
        masks: Booleans, True in holes: (n, height, width), or (height, width) for all images.

    Returns:
        The error, per value of a pixel.

    Raises:
        ValueError: If shapes or types are others, or there is no hole.

    Example:
        >>> import numpy as np
        >>> images, mask = np.zeros((2, 4, 4, 1)), np.zeros((4, 4), bool)
        >>> mask[1, 2] = True
        >>> hole_error(images, images + 0.5, mask)
        0.25
    """
    a, b = _image_pair(images, reconstructions)
    holes = _arguments.array("masks", masks)
    if holes.dtype != np.bool_ or holes.shape not in (a.shape[:3], a.shape[1:3]) or not holes.any():
        raise ValueError(
            f"`masks` must be booleans of the shape {a.shape[:3]}, or {a.shape[1:3]} for all "
            f"images, with a hole. Received: {holes.dtype} of the shape {holes.shape}"
        )
    squares = np.square(np.subtract(a, b, dtype=float))
    return float(squares[np.broadcast_to(holes, a.shape[:3])].mean())


def _image_pair(images: ArrayLike, reconstructions: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    shapes = (
        _arguments.array("images", images).shape,
        _arguments.array("reconstructions", reconstructions).shape,
    )
    if shapes[0] != shapes[1]:
        raise ValueError(
            "`images` and `reconstructions` must have one shape (n, height, width, channels). "
            f"Received: shapes {shapes[0]} and {shapes[1]}"
        )
    return (
        _values("images", images, unit="a measure whose peak is 1"),
        _values("reconstructions", reconstructions),
    )


def _values(argument: str, images: ArrayLike, unit: str | None = None) -> NDArray[Any]:
    """Checked values, in the precision in which they came."""
    checked, given = check_images(argument, images, unit=unit), np.asarray(images)
    return given if given.dtype == np.float64 else checked
