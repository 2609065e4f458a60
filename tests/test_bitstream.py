"""The container: every change is noticed, by the error that says what it was."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from kerasae_export.errors import (
    BitstreamBundleError,
    BitstreamError,
    BitstreamLimitError,
    BitstreamVersionError,
    CorruptBitstreamError,
)
from kerasae_export.format.bitstream import (
    VERSION,
    Block,
    read_image,
    read_stream,
    write_image,
    write_stream,
)
from kerasae_export.format.varint import read_varint, varint

HASH = hashlib.sha256(b"bundle").digest()
LIMIT = 2**26


def expected_error(original: bytes, damaged: bytes) -> type[BitstreamError]:
    """Which error FORMAT.md asks for, from the bytes that differ alone."""
    if len(damaged) < 10 or original[:2] != damaged[:2]:
        return CorruptBitstreamError
    if original[2] != damaged[2]:
        return BitstreamVersionError
    if original[3:5] != damaged[3:5]:
        return BitstreamBundleError
    return CorruptBitstreamError


def test_the_container_of_a_digit_is_eleven_bytes():
    data = write_image(Block(1, 28, 28, b"payload"), HASH)
    assert len(data) == 11 + len(b"payload")
    assert data[:3] == b"\xaek" + bytes([VERSION])
    assert data[3:5] == HASH[:2]
    assert read_image(data, HASH, max_pixels=LIMIT) == Block(1, 28, 28, b"payload")


@pytest.mark.parametrize("size", [(1, 1), (127, 128), (300, 451), (2**13, 2**13)])
def test_sizes_round_trip(size):
    block = Block(1, *size, b"")
    assert read_image(write_image(block, HASH), HASH, max_pixels=LIMIT) == block


def test_a_thousand_corruptions_are_refused_with_the_right_error(rng):
    data = write_image(Block(1, 300, 451, rng.bytes(200)), HASH)
    seen = set()
    for i in range(1000):
        damaged = bytearray(data)
        kind = i % 4
        if kind == 0:
            damaged[rng.integers(len(data))] ^= 1 << rng.integers(8)
        elif kind == 1:
            del damaged[rng.integers(len(data)) :]
        elif kind == 2:
            damaged[int(rng.integers(12))] = int(rng.integers(256))
        else:
            at = int(rng.integers(len(data)))
            damaged[at:at] = rng.bytes(int(rng.integers(1, 5)))
        if bytes(damaged) == data:
            continue
        error = expected_error(data, bytes(damaged))
        seen.add(error)
        with pytest.raises(BitstreamError) as caught:
            read_image(bytes(damaged), HASH, max_pixels=LIMIT)
        # A foreign magic may happen to be that of a stream, which gets its own sentence.
        assert type(caught.value) in (error, BitstreamError), (bytes(damaged[:6]), caught.value)
    assert seen == {CorruptBitstreamError, BitstreamVersionError, BitstreamBundleError}


def test_a_bundle_that_shares_the_id_is_still_refused():
    other = HASH[:2] + bytes(30)
    data = write_image(Block(1, 28, 28, b"abc"), HASH)
    with pytest.raises(CorruptBitstreamError):
        read_image(data, other, max_pixels=LIMIT)


def test_limits_are_checked_before_anything_is_allocated():
    data = write_image(Block(1, 2**20, 2**20, b""), HASH)
    with pytest.raises(BitstreamLimitError, match="raise `max_pixels`"):
        read_image(data, HASH, max_pixels=LIMIT)
    with pytest.raises(CorruptBitstreamError, match="impossible size"):
        read_image(write_image(Block(1, 0, 5, b""), HASH), HASH, max_pixels=LIMIT)


def test_numbers_have_one_encoding():
    for value in (0, 1, 127, 128, 300, 2**35 - 1):
        assert read_varint(iter(varint(value)).__next__) == value
    for overlong in (b"\x80\x00", b"\xff\xff\xff\xff\xff\x01"):
        with pytest.raises(CorruptBitstreamError):
            read_varint(iter(overlong).__next__)


def blocks(rng: np.random.Generator) -> list[Block]:
    return [Block(256, 28, 28, rng.bytes(50)), Block(3, 28, 28, b""), Block(1, 5, 9, rng.bytes(9))]


def read_all(data: bytes) -> list[Block]:
    return list(read_stream(data, HASH, max_pixels=LIMIT))


def test_streams_round_trip(rng):
    assert read_all(write_stream(blocks(rng), HASH)) == blocks(np.random.default_rng(0))
    assert read_all(write_stream([], HASH)) == []


def test_every_damaged_byte_and_every_truncation_of_a_stream_is_noticed(rng):
    data = write_stream(blocks(rng), HASH)
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x11
        with pytest.raises(BitstreamError):
            read_all(bytes(damaged))
        with pytest.raises(BitstreamError):
            read_all(data[:at])
    with pytest.raises(CorruptBitstreamError):
        read_all(data + b"\0")


def test_lost_and_moved_blocks_are_noticed(rng):
    head = 5
    a, b = Block(1, 4, 4, b"aaaa"), Block(1, 4, 4, b"bbbb")
    one = write_stream([a], HASH)[head:-6]  # without the end: count, total, CRC
    both = write_stream([a, b], HASH)
    second = both[head + len(one) : -6]
    with pytest.raises(CorruptBitstreamError):
        read_all(both[:head] + second + one + both[-6:])
    with pytest.raises(CorruptBitstreamError):
        read_all(both[:head] + second + both[-6:])
    with pytest.raises(CorruptBitstreamError):
        read_all(both[:head] + one + both[-6:])


def test_files_and_streams_are_told_apart(rng):
    with pytest.raises(BitstreamError, match="a stream of many images"):
        read_image(write_stream(blocks(rng), HASH), HASH, max_pixels=LIMIT)
    with pytest.raises(BitstreamError, match="a single image"):
        read_all(write_image(Block(1, 1, 1, b""), HASH))
