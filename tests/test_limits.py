"""What a reader does for the bytes that it received (FORMAT.md, section 7.1)."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from kerasae_export import BitstreamLimitError, Codec, CorruptBitstreamError
from kerasae_export.files.batch import decompress_files
from kerasae_export.format import rans
from kerasae_export.format.bitstream import Block, write_image, write_stream
from kerasae_export.format.entropy import Table, Tables
from kerasae_export.format.limits import IMAGES, PIXELS, RUNS, Claims, Limits, check_length
from kerasae_export.format.photo_file import Head, write_photo
from kerasae_export.photo.codec import PhotoCodec

GOLDEN = Path(__file__).parent / "golden"
DIGITS = GOLDEN / "bundles" / "blocks-int8-both" / "bundle"
PHOTOS = GOLDEN / "grid" / "bundle"
STREAM_LIMITS = [
    ("images", 0, IMAGES, 1),
    ("pixels", 1, PIXELS, 1),
    ("runs of the decoder", 2, RUNS, 1),
    ("pixels of tiles", 3, PIXELS, 16),
]


@pytest.mark.parametrize(
    ("symbols", "lanes", "words"), [(5, None, 1), (5, 3, 3), (70_000, None, 17)]
)
def test_a_payload_is_no_longer_than_its_symbols_can_make_it(symbols, lanes, words):
    """A word for each lane, two bytes for each symbol, and ten more for each that is escaped."""
    limits, front = Limits(max_pixels=2**10), 7 + 4 * words + 2 * symbols
    how = {"limits": limits, "before": 7, "lanes": lanes}
    escapes = min(symbols, limits.escapes)
    check_length(front + 10 * escapes, symbols, **how)
    if symbols <= limits.escapes:
        with pytest.raises(CorruptBitstreamError, match=r"^The bitstream is longer than its symb"):
            check_length(front + 10 * symbols + 1, symbols, **how)
        return
    with pytest.raises(
        BitstreamLimitError, match=f"^The bitstream holds {escapes + 1} symbols out"
    ):
        check_length(front + 10 * escapes + 1, symbols, **how)
    with pytest.raises(
        BitstreamLimitError, match=f"^The bitstream holds {escapes + 2} symbols out"
    ):
        check_length(front + 10 * escapes + 11, symbols, **how)
    check_length(front + 10 * escapes, symbols, **how)
    with pytest.raises(CorruptBitstreamError):
        check_length(front + 10 * symbols + 1, symbols, **how)


def test_claims_add_up_one_by_one():
    assert Claims(1, 2, 3, 4) + Claims(10, 20, 30, 40) == Claims(11, 22, 33, 44)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        Claims(1, 2, 3, 4).__add__((1, 2))


@pytest.mark.parametrize(("what", "place", "allowance", "factor"), STREAM_LIMITS)
def test_claims_are_bounded_by_the_bytes_received(what, place, allowance, factor):
    for received, expansion in ((0, 1), (100, 1), (100, 7)):
        limits = Limits(max_expansion=expansion)
        most = factor * expansion * (allowance.base + allowance.each * received)
        claims = [0, 0, 0, 0]
        claims[place] = most
        limits.check(Claims(*claims), received)
        claims[place] += 1
        with pytest.raises(BitstreamLimitError, match=f"{most + 1} {what}.*raise `max_expansion`"):
            limits.check(Claims(*claims), received)


def refused(sentence, call, *arguments, **options):
    with pytest.raises(BitstreamLimitError, match=f"^{re.escape(sentence)}$"):
        call(*arguments, **options)


def test_images_have_a_limit_of_their_own():
    limits = Limits(max_images=3, max_expansion=2**20)
    limits.check(Claims(3), 10)
    sentence = "The bitstream claims 4 images, over the 3 that are allowed; raise `max_images` if "
    refused(f"{sentence}you trust it.", limits.check, Claims(4), 10)


def test_work_is_bounded_by_the_pixels_that_are_allowed():
    """As many symbols as pixels, and sixteen times as many pixels of tiles."""
    limits = Limits(max_pixels=100)
    limits.check_work(100, 1600, "1 x 10 x 10")
    for symbols, tiles in ((101, 0), (0, 1601)):
        refused(
            f"1 x 10 x 10 pixels take {symbols} symbols and {tiles} pixels of tiles, more than is "
            "allowed with `max_pixels` of 100.",
            *(limits.check_work, symbols, tiles, "1 x 10 x 10"),
        )


def test_each_refusal_is_a_sentence():
    limits = Limits(max_pixels=2**19)
    limits.check_escapes(2**14)
    refused(
        "The bitstream holds 16385 symbols outside of its tables, more than the 16384 that are "
        "allowed with `max_pixels` of 524288.",
        *(limits.check_escapes, 2**14 + 1),
    )
    refused(
        "The bitstream of 1 bytes claims 1033 images, over the 1032 that so few are allowed; raise "
        "`max_expansion` if you trust it.",
        *(limits.check, Claims(1033), 1),
    )


@pytest.mark.parametrize("name", ["max_pixels", "max_images", "max_expansion"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, None])
def test_a_limit_is_a_positive_integer(name, value):
    for load in (Limits, lambda **limit: Codec.load(DIGITS, **limit)):
        with pytest.raises(ValueError, match=f"`{name}` must be a positive integer. Received"):
            load(**{name: value})


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec.load(DIGITS)


def blank(codec: Codec, blocks: int) -> bytes:
    """256 images to a block, all of whose symbols are entries that cost nothing."""
    height, width = codec.manifest.codec.tile
    assert rans.lane_count(256 * codec.layout.count(height, width)) == 1
    return write_stream([Block(256, height, width, b"")] * blocks, codec._hash)


def test_a_stream_of_few_bytes_is_not_thousands_of_images(codec, monkeypatch):
    data = blank(codec, 60)
    assert len(data) < 700
    tracemalloc.start()
    with pytest.raises(BitstreamLimitError, match=r"images.*raise `max_expansion`"):
        for _ in codec.decompress_many(data):
            pass
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
    monkeypatch.setattr(Codec, "decode", lambda self, symbols, *size, label: np.zeros(size[:2]))
    data = blank(codec, 7)
    with pytest.raises(BitstreamLimitError, match=r"1792 images.*raise `max_expansion`"):
        codec.decompress_many(data)
    assert len(Codec.load(DIGITS, max_expansion=2).decompress_many(data)) == 7 * 256


def test_real_streams_stay_readable(codec, rng):
    """256 blank images in a block; and 10,000 at the rate of images that differ."""
    assert len(codec.decompress_many(blank(codec, 1))) == 256
    images = list(rng.integers(0, 256, (100, 16, 16, codec.manifest.codec.channels), np.uint8))
    bytes_each = len(codec.compress_many(images)) / len(images)
    number, pixels = 10_000, 16 * 16 * 10_000
    Limits().check(Claims(number, pixels, number, pixels), int(bytes_each * number))


@pytest.mark.parametrize(("side", "value"), [(1, 0), (300, 128), (700, 255)])
def test_what_the_encoder_writes_for_blank_images_is_read(codec, side, value):
    for each in (codec, Codec.load(PHOTOS)):
        channels = each.manifest.codec.channels
        image = np.full((side, side, channels), value, np.uint8)
        assert each.decompress(each.compress(image)).shape == image.shape


def test_a_photograph_of_few_bytes_has_few_pixels():
    codec = PhotoCodec.load()
    digest = codec.families[0].digest
    data = write_photo(Head(75, 2**13, 2**13), b"\0", digest)
    with pytest.raises(BitstreamLimitError, match="pixels.*raise `max_expansion`"):
        codec.decompress(data)
    image = np.full((200, 100, 3), 255, np.uint8)
    data = codec.compress(image)
    assert image.size // 3 < PIXELS.each * len(data) // 2  # blank ones have room at any size
    assert codec.decompress(data).shape == image.shape
    with pytest.raises(BitstreamLimitError, match="raise `max_pixels`"):
        PhotoCodec.load(max_pixels=10**4).decompress(data)


def escaping(symbols: int) -> tuple[Tables, bytes]:
    """Tables whose only symbol is 0, and as many ones."""
    tables = Tables([Table(0, (1, 4095))])
    return tables, tables.encode(np.ones((symbols, 1), np.int64))


def test_escaped_symbols_are_counted_before_they_are_read():
    few, many = escaping(2**13), escaping(2**13 + 1)
    limits = Limits(max_pixels=2**16)
    assert limits.escapes == 2**13
    assert few[0].decode(few[1], 2**13, limits=limits).all()
    with pytest.raises(BitstreamLimitError, match="8193 symbols outside of its tables"):
        many[0].decode(many[1], 2**13 + 1, limits=limits)
    assert many[0].decode(many[1], 2**13 + 1, limits=Limits(max_pixels=2**19)).all()


def test_escapes_without_bytes_cost_little():
    """Each took 135 bytes before the damage was found; now little more than a symbol."""
    number = 2**17
    tables, data = escaping(number)
    lanes = rans.lane_count(number)
    cut = data[: 4 * lanes + 2 * ((len(data) - 4 * lanes) // 4)]
    tables.decode(data[:0], 0)
    tracemalloc.start()
    with pytest.raises(CorruptBitstreamError, match="ends before its symbols"):
        tables.decode(cut, number)
    assert tracemalloc.get_traced_memory()[1] < 40 * number
    tracemalloc.stop()


@pytest.mark.parametrize("version", [1, 2])
def test_a_payload_longer_than_its_symbols_is_refused(codec, version):
    if version == 1:
        data = write_image(Block(1, 8, 8, bytes(200)), codec._hash)
    else:
        codec = PhotoCodec.load()
        data = write_photo(Head(75, 16, 16), bytes(2**14), codec.families[0].digest)
    with pytest.raises(CorruptBitstreamError, match="longer than its symbols can make it"):
        codec.decompress(data)


SPARSE = """
    import os, resource, sys
    from pathlib import Path
    from kerasae_export import Codec
    from kerasae_export.files.batch import decompress_files
    files, out = [Path(name) for name in sys.argv[2:]], Path(sys.argv[1])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for outcome in decompress_files(files[1:], Codec.load(files[0]), out):
        assert outcome.error, outcome
    for outcome in decompress_files(files[1:], Codec.load(), out):
        assert outcome.error, outcome
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, "kB more")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
"""


def test_a_received_file_is_read_head_first(codec, tmp_path):
    """Sparse files of 2 GiB, whose heads are those of an image, a stream, a photograph."""
    photo = PhotoCodec.load()
    heads = {
        "image": write_image(Block(1, 8, 8, b""), codec._hash)[:-4],
        "stream": write_stream([Block(1, 8, 8, b"")], codec._hash)[:9],
        "end": write_stream([], codec._hash),
        "photo": write_photo(Head(75, 64, 64), b"\0", photo.families[0].digest)[:-4],
        "other": b"\xff\xd8\xff\xe0",
    }
    paths = []
    for name, head in heads.items():
        paths.append(tmp_path / f"{name}.kae")
        paths[-1].write_bytes(head)
        with paths[-1].open("r+b") as file:
            file.truncate(2**31)
    arguments = [tmp_path / "out", DIGITS, *paths]
    code = textwrap.dedent(SPARSE)
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_file_that_is_read_in_pieces_gives_what_its_bytes_give(codec, rng, tmp_path):
    image = rng.integers(0, 256, (64, 56, codec.manifest.codec.channels), np.uint8)
    stream = codec.compress_many([image[:8, :8], image, image])
    (tmp_path / "one.kae").write_bytes(codec.compress(image))
    (tmp_path / "many.kae").write_bytes(stream)
    found = list(decompress_files([tmp_path], codec, tmp_path / "out"))
    assert [outcome.error for outcome in found] == [None, None]
    assert [outcome.images for outcome in found] == [3, 1]
    assert [outcome.before for outcome in found] == [
        len(stream),
        (tmp_path / "one.kae").stat().st_size,
    ]


def test_the_crc_decides_before_a_limit(codec):
    data = bytearray(write_image(Block(1, 2**20, 2**20, b""), codec._hash))
    with pytest.raises(BitstreamLimitError):
        codec.decompress(bytes(data))
    data[-1] ^= 1
    assert zlib.crc32(data)
    with pytest.raises(CorruptBitstreamError, match="checksum"):
        codec.decompress(bytes(data))
