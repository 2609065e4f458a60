"""Streams while they arrive: the images of the whole stream, the same errors, little memory."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import tracemalloc
from pathlib import Path
from random import Random

import numpy as np
import pytest

from kerasae_export import BitstreamError, Codec, CorruptBitstreamError
from kerasae_export.format.arriving import Arriving, arriving_blocks
from kerasae_export.format.bitstream import Block, read_stream, write_stream
from kerasae_export.format.manifest import Manifest
from kerasae_export.format.varint import varint
from kerasae_export.runtime.checks import Budget

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from fuzzing.mutations import mutate_bytes

PORTS = Path(__file__).parents[1] / "export" / "ports"
GOLDEN = Path(__file__).parent / "golden"
INDEX = json.loads((PORTS / "conformance" / "index.json").read_text())
STREAMS = [case for case in INDEX["files"] if case["kind"] == "stream"]


class Trickle(io.RawIOBase):
    """Gives fewer bytes than it is asked for, as a socket does."""

    def __init__(self, data: bytes) -> None:
        self._data, self.given = data, 0

    def read(self, size: int = -1) -> bytes:
        piece = self._data[self.given : self.given + min(size, 7)]
        self.given += len(piece)
        return piece


@pytest.fixture(scope="module")
def codecs() -> dict[str, Codec]:
    def codec(name: str) -> Codec:
        text = (PORTS / "conformance" / "bundles" / name / "manifest.json").read_bytes()
        return Codec(Manifest.from_json(text), None, None, max_pixels=2**16)  # type: ignore[arg-type]

    return {bundle["name"]: codec(bundle["name"]) for bundle in INDEX["bundles"]}


def whole(codec: Codec, data: bytes) -> list[Block] | type:
    try:
        return [*read_stream(data, codec._hash, **codec._allowed(data))]
    except BitstreamError as error:
        return type(error)


def piecewise(codec: Codec, data: bytes) -> list[Block] | type:
    budget = Budget(codec.layout, codec._limits, 0)
    options = {"max_pixels": codec.max_pixels, "qualities": codec.qualities}
    try:
        return [*arriving_blocks(Arriving(Trickle(data)), codec._hash, budget, **options)]
    except BitstreamError as error:
        return type(error)


@pytest.mark.parametrize("case", STREAMS, ids=lambda case: case["file"])
def test_every_stream_of_the_conformance_set_is_read_alike(codecs, case):
    data = (PORTS / "conformance" / case["file"]).read_bytes()
    codec = codecs[case["bundle"]]
    assert piecewise(codec, data) == whole(codec, data)


def test_damaged_streams_raise_the_same_errors(codecs):
    rng, found = Random(0), set()
    for _ in range(1500):
        case = rng.choice(STREAMS)
        codec = codecs[case["bundle"]]
        data = mutate_bytes(rng, (PORTS / "conformance" / case["file"]).read_bytes(), b"\xae")
        expected = whole(codec, data)
        assert piecewise(codec, data) == expected, data.hex()
        found.add(expected if isinstance(expected, type) else list)
    assert {list, CorruptBitstreamError} < found


def test_an_image_is_there_before_the_stream_ends():
    bundle = GOLDEN / "blocks" / "bundle"
    codec = Codec.load(bundle)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (8 + i, 9, 1), np.uint8) for i in range(3)]
    data = codec.compress_many(images)
    expected = codec.decompress_many(data)
    blocks = [*read_stream(data, codec._hash, **codec._allowed(data))]
    first = len(write_stream(blocks[:1], codec._hash, qualities=codec.qualities)) - 6
    reading, writing = os.pipe()
    more = threading.Event()

    def send() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            pipe.write(data[:first])
            more.wait(60)
            pipe.write(data[first:])

    thread = threading.Thread(target=send)
    thread.start()
    with os.fdopen(reading, "rb") as pipe:
        found = codec.iter_decompress(pipe)
        np.testing.assert_array_equal(next(found), expected[0])
        more.set()
        for image, other in zip(found, expected[1:], strict=True):
            np.testing.assert_array_equal(image, other)
    thread.join()


def test_a_file_of_one_image_gives_that_and_other_sources_are_refused():
    codec = Codec.load(GOLDEN / "grid" / "bundle")
    data = (GOLDEN / "grid" / "bundle" / "golden" / "image.kae").read_bytes()
    for source in (data, bytearray(data), Trickle(data)):
        (image,) = codec.iter_decompress(source)
        np.testing.assert_array_equal(image, codec.decompress(data))
    with pytest.raises(ValueError, match="`source` must be bytes, or a file that is open"):
        next(codec.iter_decompress("many.kae"))  # type: ignore[arg-type]
    with pytest.raises(CorruptBitstreamError, match="not a kerasae bitstream"):
        next(codec.iter_decompress(b""))


def test_memory_is_taken_for_what_came_and_not_for_what_is_claimed(codecs):
    """A payload of 30 GB is claimed; and blocks that were read are not kept."""
    codec = codecs["blocks"]
    height, width = codec.manifest.codec.tile
    head = b"\xaes\x01" + codec._hash[:2]
    quality = b"\x01" if codec.qualities > 1 else b""
    claim = varint(1) + quality + varint(height) + varint(width) + varint(2**35 - 1)
    tracemalloc.start()
    assert piecewise(codec, head + claim + bytes(1000)) is CorruptBitstreamError
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
