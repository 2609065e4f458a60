"""What the codec of a bundle refuses before it computes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kerasae_export.errors import BitstreamLimitError, CorruptBitstreamError
from kerasae_export.format.bitstream import Block
from kerasae_export.format.entropy import Table
from kerasae_export.format.limits import Limits
from kerasae_export.format.spec import CodecSpec, Quality
from kerasae_export.format.tiling import Layout
from kerasae_export.runtime.checks import Budget, check_image, check_one_by_one, check_symbols


def layout(channels: int = 1) -> Layout:
    """Blocks of 8 by 8 pixels, each with a code of two values."""
    quality = Quality((1, 1), 0, 1, (Table(0, (4000, 96)),) * 2)
    return Layout(CodecSpec(channels, (8, 8), "blocks", 1, 0, (2,), 0, 1, (quality,)))


def refused(sentence, call, *arguments, error=ValueError):
    with pytest.raises(error, match=f"^{re.escape(sentence)}"):
        call(*arguments)


@pytest.mark.parametrize(
    ("channels", "shape", "one"),
    [
        (1, (8, 8), True),
        (1, (5, 8, 1), True),
        (1, (5, 8, 8), False),
        (1, (5, 8, 8, 1), False),
        (3, (8, 8, 3), True),
        (3, (5, 8, 8), False),
        (3, (8, 8), False),
    ],
)
def test_a_single_image_is_not_several(channels, shape, one):
    images = np.zeros(shape, np.uint8)
    if one:
        sentence = "`images` must be several images; `[images]` holds one. "
        sentence += f"Received: uint8 of shape {shape}"
        refused(sentence, check_one_by_one, images, layout(channels))
    else:
        assert check_one_by_one(images, layout(channels)) is images


@pytest.mark.parametrize("images", ["folder", b"bytes", 3, None])
def test_images_can_be_gone_through(images):
    sentence = f"`images` must be a list of images. Received: {type(images).__name__}"
    refused(sentence, check_one_by_one, images, layout())


def test_an_image_has_as_many_pixels_as_are_allowed():
    image = np.zeros((4, 5, 1), np.uint8)
    np.testing.assert_array_equal(check_image(image, layout(), Limits(max_pixels=20)), image)
    sentence = "`image` must have 1 to 19 pixels. Received: shape (4, 5, 1)"
    refused(sentence, check_image, image, layout(), Limits(max_pixels=19))
    sentence = "`x` must have 1 to 19 pixels. Received: shape (4, 5, 1)"
    refused(sentence, check_image, image, layout(), Limits(max_pixels=19), "x")


def test_an_image_takes_no_more_work_than_its_pixels_allow():
    """A line of 17 pixels is three tiles of 64."""
    line = np.zeros((1, 17), np.uint8)
    assert check_image(line, layout(), Limits(max_pixels=17)).shape == (1, 17, 1)
    sentence = "1 x 1 x 1 pixels take 2 symbols and 64 pixels of tiles, more than is allowed with "
    refused(
        f"{sentence}`max_pixels` of 1.",
        *(check_image, line[:, :1], layout(), Limits(max_pixels=1)),
        error=BitstreamLimitError,
    )


def test_symbols_are_as_many_integers_as_the_image_has():
    symbols = np.arange(12)
    array, height, width = check_symbols(symbols, layout(), np.int64(9), 17)
    assert array is symbols
    assert (type(height), height, width) == (int, 9, 17)
    for wrong in (np.arange(11), np.arange(12.0)):
        sentence = "`symbols` must be the 12 integers of a 9 x 17 image. "
        sentence += f"Received: {wrong.dtype} of shape {wrong.shape}"
        refused(sentence, check_symbols, wrong, layout(), 9, 17)
    for name, sizes in (("height", (0, 17)), ("width", (9, 1.5))):
        refused(f"`{name}` must be a positive integer.", check_symbols, symbols, layout(), *sizes)


def test_the_blocks_of_a_stream_have_one_budget():
    """Their claims add up: tiles beyond 16 times the pixels that are allowed are refused."""
    budget = Budget(layout(), Limits(max_pixels=12), received=100)
    block = Block(1, 8, 1, b"")
    for _ in range(3):
        budget(block, 4)
    sentence = "1 x 8 x 1 pixels take 2 symbols and 256 pixels of tiles, more than is allowed"
    refused(sentence, budget, block, 4, error=BitstreamLimitError)
    longer = Budget(layout(), Limits(), received=100)
    refused("The bitstream is longer", longer, block, 29, error=CorruptBitstreamError)
    longer(block, 28)
