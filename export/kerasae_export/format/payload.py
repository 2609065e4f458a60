"""The payload of a block: the classes of its groups of cells, then its symbols (FORMAT.md, 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import CorruptBitstreamError
from kerasae_export.format.bitstream import Block
from kerasae_export.format.entropy import cheapest_class, pack_bits, unpack_bits
from kerasae_export.format.limits import Limits, check_length
from kerasae_export.format.spec import CodecSpec, Quality
from kerasae_export.format.tiling import Layout

__all__ = ["check_block", "check_indices", "pack_block", "unpack_block"]

_DEFAULT = Limits()


def pack_block(
    layout: Layout, images: Sequence[NDArray[Any]], height: int, width: int, number: int
) -> Block:
    """Code the symbols of images of one size as a block.

    Args:
        layout: The layout of the bundle.
        images: For each image its symbols, integers of shape (positions, channels of the code).
        height: Of each image, in pixels.
        width: Of each image, in pixels.
        number: The quality, from 1 on.

    Raises:
        ValueError: If symbols are not indices into the codebook, where there is one.
    """
    spec = layout.spec
    quality = spec.qualities[number - 1]
    symbols = np.concatenate(images).reshape(-1, spec.code_shape[-1])
    check_indices(spec, symbols, ValueError)
    if quality.classes == 1:
        payload = quality.coder.encode(symbols)
    else:
        group = layout.groups(len(images), height, width)
        classes = cheapest_class(quality.coder, symbols, group)
        payload = pack_bits(classes, _class_bits(quality))
        payload += quality.coder.encode(symbols, classes[group])
    return Block(len(images), height, width, payload, number)


def check_block(layout: Layout, block: Block, size: int, limits: Limits) -> None:
    """Refuse a payload that is longer than the symbols of its block can make it.

    Args:
        layout: The layout of the bundle.
        block: The block; its payload is not read.
        size: Bytes of the payload.
        limits: What is allowed.

    Raises:
        CorruptBitstreamError: If it is.
        BitstreamLimitError: If only more escaped symbols than are allowed can make it so long.
    """
    groups = block.count * layout.group_count(block.height, block.width)
    classes = -(-groups * _class_bits(layout.spec.qualities[block.quality - 1]) // 8)
    symbols = block.count * layout.count(block.height, block.width)
    check_length(size, symbols, limits, before=classes)


def unpack_block(layout: Layout, block: Block, limits: Limits = _DEFAULT) -> NDArray[np.int32]:
    """Decode the symbols of a block.

    Args:
        layout: The layout of the bundle.
        block: The block.
        limits: What is allowed.

    Returns:
        int32 of shape (images, positions, channels of the code).

    Raises:
        CorruptBitstreamError: If the payload is not exactly what `pack_block` gives.
        BitstreamLimitError: If more symbols are escaped than are allowed.
    """
    spec = layout.spec
    quality = spec.qualities[block.quality - 1]
    count, size, data = block.count, (block.height, block.width), block.payload
    rows = count * layout.count(*size) // spec.code_shape[-1]
    if quality.classes == 1:
        symbols = quality.coder.decode(data, rows, limits=limits)
    else:
        number = count * layout.group_count(*size)
        classes, data = unpack_bits(data, number, _class_bits(quality))
        if classes.max() >= quality.classes:
            raise CorruptBitstreamError("The payload names a class that does not exist.")
        group = layout.groups(count, *size)
        symbols = quality.coder.decode(data, rows, classes[group], limits=limits)
    check_indices(spec, symbols, CorruptBitstreamError)
    return symbols.reshape(count, -1, spec.code_shape[-1])


def check_indices(spec: CodecSpec, symbols: NDArray[Any], error: type[ValueError]) -> None:
    """Refuse symbols outside the codebook, for which a decoder's behaviour is undefined.

    Raises:
        ValueError: As `error`, if there is a codebook and a symbol is not an index into it.
    """
    most = spec.codebook
    if most and symbols.size and not (symbols.min() >= 0 and symbols.max() < most):
        raise error(
            f"`symbols` must be indices from 0 to {most - 1}. "
            f"Received: {symbols.min()} to {symbols.max()}"
        )


def _class_bits(quality: Quality) -> int:
    return (quality.classes - 1).bit_length()
