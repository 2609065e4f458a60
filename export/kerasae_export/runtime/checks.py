"""What the codec refuses: other images than the bundle's, unknown qualities, too much work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.arguments import check_bytes, check_count, check_quality
from kerasae_export.format.bitstream import Block
from kerasae_export.format.limits import Claims, Limits
from kerasae_export.format.payload import check_block
from kerasae_export.format.tiling import Layout
from kerasae_export.images import check_numbers, check_picture

__all__ = [
    "Budget",
    "check_bytes",
    "check_count",
    "check_image",
    "check_one_by_one",
    "check_quality",
    "check_symbols",
]


def check_image(
    image: NDArray[Any], layout: Layout, limits: Limits, argument: str = "image"
) -> NDArray[np.uint8]:
    """An image to encode, as uint8 of shape (height, width, channels).

    Raises:
        ValueError: If it is of another shape or dtype, or has more than `max_pixels` pixels.
        BitstreamLimitError: If it takes far more work than its pixels.
    """
    array = check_picture(argument, image, channels=layout.spec.channels)
    height, width = array.shape[:2]
    if not 1 <= height * width <= limits.max_pixels:
        raise ValueError(
            f"`{argument}` must have 1 to {limits.max_pixels} pixels. Received: shape {array.shape}"
        )
    tile_pixels = layout.claims(1, height, width).tile_pixels
    limits.check_work(layout.count(height, width), tile_pixels, f"1 x {height} x {width}")
    return array


def check_one_by_one(images: Iterable[NDArray[Any]], layout: Layout) -> Iterable[NDArray[Any]]:
    """Several images, each of which `check_image` looks at.

    Raises:
        ValueError: If it is a single image, whose rows would be taken for images, or cannot be
            gone through.
    """
    if isinstance(images, np.ndarray) and images.ndim in (2, 3):
        grey = images.ndim == 2 and layout.spec.channels == 1
        if grey or images.shape[-1] == layout.spec.channels:
            raise ValueError(
                "`images` must be several images; `[images]` holds one. "
                f"Received: {images.dtype} of shape {images.shape}"
            )
    if isinstance(images, (str, bytes)) or not isinstance(images, Iterable):
        raise ValueError(f"`images` must be a list of images. Received: {type(images).__name__}")
    return images


def check_symbols(
    symbols: Any, layout: Layout, height: int, width: int
) -> tuple[NDArray[Any], int, int]:
    """The symbols of an image of this height and width, and these as Python's integers.

    Raises:
        ValueError: If they are not as many integers as such an image has.
    """
    height, width = check_count("height", height), check_count("width", width)
    count = layout.count(height, width)
    if not isinstance(symbols, np.ndarray):
        check_numbers("symbols", symbols)
    array = np.asarray(symbols)
    if array.dtype.kind not in "iu" or array.size != count:
        raise ValueError(
            f"`symbols` must be the {count} integers of a {height} x {width} image. "
            f"Received: {array.dtype} of shape {array.shape}"
        )
    return array, height, width


class Budget:
    """What the bytes of a file or a stream may ask for, block by block.

    Args:
        layout: The layout of the bundle.
        limits: What is allowed.
        received: How many bytes there are; where more arrive, the attribute of this name grows.
    """

    def __init__(self, layout: Layout, limits: Limits, received: int) -> None:
        self._layout, self._limits = layout, limits
        self._claims = Claims()
        self.received = received

    def __call__(self, block: Block, size: int) -> None:
        """Count a block, whose payload of `size` bytes is not read yet.

        Raises:
            CorruptBitstreamError: If the payload is longer than its symbols can make it.
            BitstreamLimitError: If the blocks so far ask for more than is allowed.
        """
        layout, limits = self._layout, self._limits
        check_block(layout, block, size, limits)
        shape = (block.height, block.width)
        self._claims += layout.claims(block.count, *shape)
        symbols = block.count * layout.count(*shape)
        what = f"{block.count} x {block.height} x {block.width}"
        limits.check_work(symbols, self._claims.tile_pixels, what)
        limits.check(self._claims, self.received)

    def needs(self, block: Block) -> int:
        """How many bytes must have been received for this block to be allowed as well."""
        claims = self._layout.claims(block.count, block.height, block.width)
        return self._limits.needs(self._claims + claims)
