"""The payload of a block: a class for each group of cells, then the symbols (FORMAT.md, 4)."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kerasae_export.errors import BitstreamLimitError, CorruptBitstreamError
from kerasae_export.format.bitstream import Block
from kerasae_export.format.entropy import Table, pack_bits
from kerasae_export.format.limits import Limits
from kerasae_export.format.payload import check_block, check_indices, pack_block, unpack_block
from kerasae_export.format.spec import CodecSpec, Quality
from kerasae_export.format.tiling import Layout

FREQUENCIES = (1000, 2000, 1000, 96)


def layout(classes: int, codebook: int = 0) -> Layout:
    """A grid of cells of 4 pixels, whose second quality has classes, one for each 2 by 2 cells.

    The code has two channels. Class k has tables for the symbols from 10 * k to 10 * k + 2.
    """
    tables = tuple(Table(10 * k, FREQUENCIES) for k in range(classes) for _ in range(2))
    one, more = Quality((1, 1), 0, 1, tables[:2]), Quality((1, 1), 0, classes, tables)
    return Layout(CodecSpec(1, (8, 8), "grid", 4, 0, (2, 2, 2), codebook, 2, (one, more)))


@pytest.mark.parametrize(("classes", "bits"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_a_payload_names_a_class_for_each_group(rng, classes, bits):
    """Of two images of 5 by 7 cells, which are 3 by 4 groups."""
    own = layout(classes)
    chosen = np.arange(24) % classes
    group = own.groups(2, 20, 28)
    symbols = rng.integers(0, 3, (70, 2)) + 10 * chosen[group][:, None]
    block = pack_block(own, [symbols[:35], symbols[35:]], 20, 28, 2)
    assert (block.count, block.height, block.width, block.quality) == (2, 20, 28, 2)
    front = pack_bits(chosen, bits) if bits else b""
    coder = own.spec.qualities[1].coder
    assert block.payload == front + coder.encode(symbols, chosen[group])
    found = unpack_block(own, block)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, symbols.reshape(2, 35, 2))


def test_a_quality_of_one_class_names_none(rng):
    own = layout(3)
    symbols = rng.integers(0, 3, (35, 2))
    block = pack_block(own, [symbols], 20, 28, 1)
    assert block.payload == own.spec.qualities[0].coder.encode(symbols)
    np.testing.assert_array_equal(unpack_block(own, block), symbols[None])


def test_a_class_that_is_not_there_is_refused():
    own = layout(3)
    payload = pack_bits(np.array([0, 1, 2, 3]), 2)
    payload += own.spec.qualities[1].coder.encode(np.zeros((16, 2), int))
    sentence = "The payload names a class that does not exist."
    with pytest.raises(CorruptBitstreamError, match=f"^{re.escape(sentence)}$"):
        unpack_block(own, Block(1, 16, 16, payload, 2))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("classes", "quality", "bits"), [(2, 2, 1), (3, 2, 2), (3, 1, 0)])
def test_a_payload_is_as_long_as_classes_and_symbols_make_it(classes, quality, bits, count):
    """Of a row of 17 cells, which are 9 groups: a word for the lane, twelve bytes a symbol."""
    own = layout(classes)
    most = (9 * count * bits + 7) // 8 + 4 + 12 * 34 * count
    block = Block(count, 4, 68, b"", quality)
    check_block(own, block, most, Limits())
    with pytest.raises(CorruptBitstreamError, match="longer than its symbols can make it"):
        check_block(own, block, most + 1, Limits())


@pytest.mark.parametrize("quality", [1, 2])
def test_escapes_are_limited(quality):
    own = layout(2)
    symbols = np.full((4097, 2), 99)
    block = pack_block(own, [symbols], 4, 4 * 4097, quality)
    np.testing.assert_array_equal(unpack_block(own, block)[0], symbols)
    with pytest.raises(BitstreamLimitError, match="holds 8194 symbols outside of its tables"):
        unpack_block(own, block, Limits(max_pixels=1))


def test_symbols_are_indices_where_there_is_a_codebook():
    check_indices(layout(1).spec, np.array([-5, 99]), ValueError)
    spec = layout(1, codebook=3).spec
    check_indices(spec, np.array([0, 2]), ValueError)
    check_indices(spec, np.zeros(0, int), ValueError)
    for wrong in ([0, 3], [-1, 2]):
        sentence = f"`symbols` must be indices from 0 to 2. Received: {wrong[0]} to {wrong[1]}"
        for error in (ValueError, CorruptBitstreamError):
            with pytest.raises(error, match=f"^{sentence}$"):
                check_indices(spec, np.array(wrong), error)
