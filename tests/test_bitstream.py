"""The container: every change is noticed, by the error that says what it was."""

from __future__ import annotations

import hashlib
import re
import zlib

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
    MAX_BLOCK_IMAGES,
    VERSION,
    Block,
    Reader,
    crc,
    is_stream,
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


def refused(error, sentence, call, *arguments, **options):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$") as caught:
        call(*arguments, **options)
    assert type(caught.value) is error


DAMAGED = "The bitstream is damaged or truncated: its checksum does not match."


def test_each_refusal_is_a_sentence():
    other = bytes([HASH[0] ^ 1]) + HASH[1:]
    image, stream = write_image(Block(1, 4, 5, b"abc"), HASH), write_stream([], HASH)

    def read(data, digest=HASH, limit=20):
        return read_image(data, digest, max_pixels=limit)

    assert read(image) == Block(1, 4, 5, b"abc")
    start = f"starts with {image[:2].hex(' ')}"
    refused(
        CorruptBitstreamError,
        f"The data is not a kerasae bitstream: it has 9 bytes and {start}, not ae 6b.",
        *(read, image[:9]),
    )
    refused(
        CorruptBitstreamError,
        "The data is not a kerasae bitstream: it has 0 bytes and starts with nothing, not ae 6b.",
        *(read, b""),
    )
    refused(
        CorruptBitstreamError,
        f"The data is not a kerasae bitstream: it has {len(image)} bytes and starts with 50 4b, "
        "not ae 6b.",
        *(read, b"PK" + image[2:]),
    )
    refused(
        BitstreamVersionError,
        "The bitstream is of version 7; this codec reads version 1.",
        *(read, image[:2] + bytes([7]) + image[3:]),
    )
    refused(
        BitstreamVersionError,
        "The bitstream is of version 2; this codec reads version 1. It is a photograph, which the "
        "codec without a bundle reads.",
        *(read, image[:2] + bytes([2]) + image[3:]),
    )
    refused(
        BitstreamBundleError,
        f"The bitstream was made with bundle {HASH[:2].hex()}, not with this one, "
        f"{other[:2].hex()}.",
        *(read, image, other),
    )
    refused(
        BitstreamLimitError,
        "The bitstream claims 1 x 4 x 5 pixels, over the 19 that are allowed; raise "
        "`max_pixels` if you trust it.",
        *(read, image, HASH, 19),
    )
    refused(CorruptBitstreamError, DAMAGED, read, image[:-1] + bytes([image[-1] ^ 1]))
    refused(
        BitstreamError,
        "The bitstream holds a stream of many images: read it as such.",
        read,
        stream,
    )
    refused(BitstreamError, "The bitstream holds a single image: read it as such.", read_all, image)
    assert is_stream(stream)
    assert not is_stream(image)


def signed(body):
    return body + crc(HASH, body)


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (2**31, 1), (1, 2**31)])
def test_impossible_sizes_are_refused(size):
    sentence = f"The bitstream claims an impossible size of {size[0]} x {size[1]} pixels."
    data = write_image(Block(1, *size, b""), HASH)
    refused(CorruptBitstreamError, sentence, read_image, data, HASH, max_pixels=2**62)
    most = write_image(Block(1, 2**31 - 1, 2**31 - 1, b""), HASH)
    assert read_image(most, HASH, max_pixels=2**62).height == 2**31 - 1


def test_the_byte_of_a_quality_is_there_where_there_are_several():
    block = Block(1, 4, 5, b"abc", 3)
    data = write_image(block, HASH, qualities=3)
    assert data[5] == 3
    assert read_image(data, HASH, max_pixels=20, qualities=3) == block
    for wrong in (0, 4):
        data = write_image(Block(1, 4, 5, b"abc", wrong), HASH, qualities=3)
        sentence = f"The bitstream names quality {wrong}, and the bundle has 3."
        refused(
            CorruptBitstreamError,
            sentence,
            *(read_image, data, HASH),
            max_pixels=20,
            qualities=3,
        )
    stream = write_stream([block, Block(2, 1, 1, b"", 1)], HASH, qualities=3)
    found = list(read_stream(stream, HASH, max_pixels=22, qualities=3))
    assert found == [block, Block(2, 1, 1, b"", 1)]


def test_the_bytes_of_a_stream():
    blocks = [Block(2, 300, 1, b"xyz", 2), Block(1, 1, 1, b"", 1)]
    head = b"\xaes\x01" + HASH[:2]
    first = bytes([2, 2]) + varint(300) + bytes([1, 3]) + b"xyz"
    sum1 = crc(HASH, head + first)
    second = bytes([1, 1, 1, 1, 0])
    sum2 = crc(HASH, sum1 + second)
    end = bytes([0, 3])
    expected = head + first + sum1 + second + sum2 + end + crc(HASH, sum2 + end)
    assert write_stream(blocks, HASH, qualities=2) == expected
    assert crc(HASH, b"ab") == zlib.crc32(HASH + b"ab").to_bytes(4, "little")


def test_the_limit_holds_for_all_images_of_a_stream_together():
    stream = write_stream([Block(2, 2, 3, b""), Block(1, 4, 5, b"")], HASH)
    assert len(list(read_stream(stream, HASH, max_pixels=32))) == 2
    blocks = read_stream(stream, HASH, max_pixels=31)
    assert next(blocks).count == 2
    sentence = (
        "The bitstream claims 1 x 4 x 5 pixels, over the 19 that are allowed; raise "
        "`max_pixels` if you trust it."
    )
    refused(BitstreamLimitError, sentence, next, blocks)


def test_blocks_are_limited_in_number():
    most = write_stream([Block(MAX_BLOCK_IMAGES, 1, 1, b"")], HASH)
    assert read_all(most) == [Block(256, 1, 1, b"")]
    sentence = "A block claims 257 images, over 256."
    refused(CorruptBitstreamError, sentence, read_all, write_stream([Block(257, 1, 1, b"")], HASH))


def test_a_stream_ends_with_the_number_of_its_images():
    head = b"\xaes\x01" + HASH[:2]
    end = bytes([0, 1])
    refused(CorruptBitstreamError, DAMAGED, read_all, head + end + crc(HASH, head + end))
    empty = write_stream([], HASH)
    refused(CorruptBitstreamError, DAMAGED, read_all, empty + b"\0")
    wrong = empty[:-1] + bytes([empty[-1] ^ 1])
    refused(CorruptBitstreamError, DAMAGED, read_all, wrong)
    truncated = "The bitstream is truncated."
    refused(CorruptBitstreamError, truncated, read_all, empty[:-1])


def test_a_reader_stops_where_the_data_ends():
    reader = Reader(b"abc", 1)
    assert reader.take(1) == b"b"
    refused(CorruptBitstreamError, "The bitstream is truncated.", reader.take, 2)
    assert reader.position == 2
    assert reader.rest() == b"c"
    assert reader.rest() == b""
    assert Reader(b"\xac\x02", 0).varint() == 300


@pytest.mark.parametrize("size", [5, 6])
def test_a_file_has_a_size(size):
    body = (b"\xaek\x01" + HASH[:2] + b"\x01")[:size]
    with pytest.raises(CorruptBitstreamError):
        read_image(signed(body), HASH, max_pixels=2**20)


def test_a_check_sees_the_claims_and_the_size_of_the_payload():
    seen = []
    block = Block(1, 4, 5, b"payload", 2)

    def note(claims, size):
        seen.append((claims, size))

    data = write_image(block, HASH, qualities=2)
    assert read_image(data, HASH, max_pixels=20, qualities=2, check=note) == block
    stream = write_stream([block, Block(2, 1, 3, b"", 1)], HASH, qualities=2)
    list(read_stream(stream, HASH, max_pixels=26, qualities=2, check=note))
    one = Block(1, 4, 5, b"", 2), 7
    assert seen == [one, one, (Block(2, 1, 3, b"", 1), 0)]


@pytest.mark.parametrize("error", [CorruptBitstreamError, BitstreamLimitError])
def test_what_a_check_refuses_counts_where_the_bytes_are_sound(error):
    block = Block(1, 4, 5, b"payload")

    def refuse(claims, size):
        raise error("No.")

    file, stream = write_image(block, HASH), write_stream([block], HASH)
    damaged = bytearray(file)
    damaged[-1] ^= 1
    given = {"max_pixels": 20, "check": refuse}
    refused(error, "No.", read_image, file, HASH, **given)
    refused(CorruptBitstreamError, DAMAGED, read_image, bytes(damaged), HASH, **given)
    refused(error, "No.", next, read_stream(stream, HASH, **given))
    damaged = bytearray(stream)
    damaged[-7] ^= 1  # of the checksum of the block
    first = "No." if error is CorruptBitstreamError else DAMAGED
    refused(CorruptBitstreamError, first, next, read_stream(bytes(damaged), HASH, **given))


def test_a_long_file_that_claims_what_cannot_be_is_not_read_to_its_end():
    """Up to a mebibyte the checksum tells first whether the claims were ever written."""
    for size, sentence in ((2**20, DAMAGED), (2**20 + 1, "an impossible size of 0 x 5 pixels.")):
        data = bytearray(write_image(Block(1, 0, 5, bytes(size - 11)), HASH))
        assert len(data) == size
        data[-1] ^= 1
        with pytest.raises(CorruptBitstreamError, match=f"{re.escape(sentence)}$"):
            read_image(bytes(data), HASH, max_pixels=20)
        data = bytearray(write_image(Block(1, 9, 9, bytes(size - 11)), HASH))
        data[-1] ^= 1  # what is over a limit is told of sound bytes only
        refused(CorruptBitstreamError, DAMAGED, read_image, bytes(data), HASH, max_pixels=80)


def test_a_payload_that_is_longer_than_the_stream_is_truncated():
    stream = write_stream([Block(1, 4, 5, bytes(50))], HASH)
    truncated = "The bitstream is truncated."
    refused(CorruptBitstreamError, truncated, read_all, stream[:20])
    # Told before the limit, whose refusal would pass over the payload.
    short = read_stream(stream[:20], HASH, max_pixels=1)
    refused(CorruptBitstreamError, truncated, next, short)


def test_two_qualities_have_a_byte():
    data = write_image(Block(1, 4, 5, b"abc", 2), HASH, qualities=2)
    assert data[5] == 2
    assert read_image(data, HASH, max_pixels=20, qualities=2).quality == 2
