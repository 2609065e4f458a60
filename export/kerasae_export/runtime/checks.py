"""What the codec refuses: other images than the bundle's, unknown qualities, too much work."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BitstreamLimitError
from kerasae_export.format.arguments import check_bytes, check_count, check_quality
from kerasae_export.format.tiling import Layout
from kerasae_export.images import check_picture

__all__ = ["check_bytes", "check_count", "check_image", "check_quality", "check_work"]


def check_image(image: NDArray[Any], layout: Layout, max_pixels: int) -> NDArray[np.uint8]:
    """An image to encode, as uint8 of shape (height, width, channels).

    Raises:
        ValueError: If it is of another shape or dtype, or has more than `max_pixels` pixels.
        BitstreamLimitError: If it takes far more work than its pixels.
    """
    array = check_picture("image", image, channels=layout.spec.channels)
    if not 1 <= array.shape[0] * array.shape[1] <= max_pixels:
        raise ValueError(
            f"`image` must have 1 to {max_pixels} pixels. Received: shape {array.shape}"
        )
    check_work(layout, 1, array.shape[0], array.shape[1], max_pixels)
    return array


def check_work(
    layout: Layout, count: int, height: int, width: int, max_pixels: int, before: int = 0
) -> int:
    """Refuse images that take far more memory or time than their pixels.

    Args:
        layout: The layout of the bundle.
        count: Number of images.
        height: Of each, in pixels.
        width: Of each, in pixels.
        max_pixels: Most pixels of an image.
        before: Pixels of the tiles of the images before them.

    Returns:
        The pixels of the tiles of these images.

    Raises:
        BitstreamLimitError: If they do.
    """
    work = count * layout.work(height, width)
    symbols = count * layout.count(height, width)
    if not layout.allows(symbols, before + work, max_pixels):
        raise BitstreamLimitError(
            f"{count} x {height} x {width} pixels take {symbols} symbols and {work} pixels of "
            f"tiles, more than is allowed with `max_pixels` of {max_pixels}."
        )
    return work
