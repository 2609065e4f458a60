"""What the codec refuses: other images than the bundle's, unknown qualities, too much work."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BitstreamLimitError, CorruptBitstreamError
from kerasae_export.format.tiling import Layout
from kerasae_export.images import check_picture

__all__ = ["check_bytes", "check_count", "check_image", "check_quality", "check_work"]


def check_count(name: str, value: int) -> None:
    """Refuse an argument that is not a positive integer.

    Raises:
        ValueError: If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")


def check_quality(quality: int | None, qualities: int) -> int:
    """The number of a quality, by default the best.

    Raises:
        ValueError: If the bundle has no such quality.
    """
    if quality is None:
        return qualities
    whole = isinstance(quality, Integral) and not isinstance(quality, bool)
    if not whole or not 1 <= quality <= qualities:
        raise ValueError(
            f"`quality` must be an integer from 1 to {qualities}, as many as the bundle "
            f"has. Received: quality={quality!r}"
        )
    return int(quality)


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


def check_bytes(data: bytes) -> bytes:
    """The bytes of a bitstream.

    Raises:
        CorruptBitstreamError: If `data` is not bytes-like.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise CorruptBitstreamError(f"`data` must be bytes. Received: {type(data).__name__}")
    return bytes(data)
