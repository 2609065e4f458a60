"""What a file holds of an image, and images of a stream as blocks: runs of one size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.bitstream import MAX_BLOCK_IMAGES, Block
from kerasae_export.format.limits import Limits
from kerasae_export.format.payload import pack_block
from kerasae_export.format.tiling import Layout
from kerasae_export.runtime.checks import check_image

__all__ = ["Coded", "encoded_blocks"]

_BLOCK_PIXELS = 2**22  # beyond so many a new block begins


class Coded(NamedTuple):
    """What a `.kae` file holds, in this order.

    Attributes:
        symbols: int32 of shape (positions, channels of the code).
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        quality: The quality, from 1 on.
    """

    symbols: NDArray[np.int32]
    height: int
    width: int
    quality: int


def encoded_blocks(
    images: Iterable[NDArray[Any]],
    layout: Layout,
    limits: Limits,
    encode: Callable[[Sequence[NDArray[np.uint8]], int], Iterable[NDArray[np.int64]]],
    quality: int,
) -> Iterator[Block]:
    """Check images one by one, and encode and pack each block when it is full.

    Args:
        images: uint8 (height, width, channels) each; their sizes may differ.
        layout: The layout of the bundle.
        limits: What is allowed.
        encode: Gives the symbols of each of several images at a quality.
        quality: The quality, from 1 on.

    Raises:
        ValueError: If an image has another shape or dtype, or too many pixels.
    """
    size: tuple[int, int] | None = None
    batch: list[NDArray[np.uint8]] = []

    def close() -> Block:
        assert size is not None
        return pack_block(layout, [*encode(batch, quality)], *size, quality)

    for number, item in enumerate(images):
        image = check_image(item, layout, limits, f"images[{number}]")
        shape = (image.shape[0], image.shape[1])
        full = len(batch) == MAX_BLOCK_IMAGES or (
            (len(batch) + 1) * math.prod(shape) > _BLOCK_PIXELS
        )
        if batch and (shape != size or full):
            yield close()
            batch = []
        size = shape
        batch.append(image)
    if batch:
        yield close()
