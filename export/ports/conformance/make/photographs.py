"""Version 2: families, and files of photographs that every reader accepts, and writes so."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.entropy import Table
from kerasae_export.format.family import CHANNELS, QUALITIES, Family
from kerasae_export.format.photo import (
    LARGE,
    Unpacked,
    pack,
    predict_lowest,
    stage_tables,
    stages,
    unpack,
    unpredict_lowest,
)
from kerasae_export.format.photo_file import Head, read_photo, write_photo
from kerasae_export.format.rans import Encoder
from kerasae_export.format.varint import varint
from kerasae_export.photo.codec import PhotoCodec

LOWEST = slice(None, None, 256)
COUNT = 64  # the most classes, levels and tables


@dataclass(frozen=True)
class Photograph:
    """A file of version 2.

    Attributes:
        name: Name of the case.
        family: The family that it is read with.
        data: The bytes.
        image: uint8 (height, width, 3) that the rule of section 11 makes the file of.
        written: Whether a writer of its symbols gives the file.
        error: The word of section 7 for the refusal, if it is refused.
        section: The section that says so.
        limits: The arguments of the reader that are not the default.
    """

    name: str
    family: str
    data: bytes
    image: NDArray[np.uint8] | None = None
    written: bool = True
    error: str | None = None
    section: str = ""
    limits: dict[str, int] = field(default_factory=dict)

    def entry(self) -> dict[str, Any]:
        """Its line of the index, without the names of its files."""
        content: dict[str, Any] = {"name": self.name, "family": self.family, "file": ""}
        if self.limits:
            content["limits"] = self.limits
        if self.error:
            return content | {"error": self.error, "section": self.section}
        head, found = self._content()
        symbols = np.ascontiguousarray(found.symbols, "<i2").tobytes()
        content |= head._asdict() | {"symbols": hashlib.sha256(symbols).hexdigest()}
        content["classes"] = hashlib.sha256(found.classes.tobytes()).hexdigest()
        return content | {"written": self.written}

    def pixels(self) -> bytes:
        """What it is rebuilt to."""
        return PhotoCodec([families()[self.family]]).decompress(self.data).tobytes()

    def _content(self) -> tuple[Head, Unpacked]:
        family = families()[self.family]
        head, payload = read_photo(self.data, family.digest, max_pixels=2**26)
        rows, columns = (-(-n // 16) for n in (head.height, head.width))
        found = unpack(family, payload, rows, columns, family.band(head.quality))
        unpredict_lowest(found.symbols, rows, columns)
        return head, found


@cache
def families() -> dict[str, Family]:
    """A small one, one of extremes, one with the most classes, and one whose zeros cost nothing."""
    return {"small": _small(), "extreme": _extreme(), "many": _many(), "free": _free()}


def _matrices(mix: float) -> dict[str, NDArray[np.float64]]:
    """A cosine transform, some overlap, and colours."""
    k, n = np.mgrid[:16, :16]
    block = np.cos(np.pi * (2 * n + 1) * k / 32) / 2**1.5
    block[0] /= 2**0.5
    overlap = np.eye(16)
    for i in range(8):  # closer to the boundary, more of the other side
        share = mix * 2.0 ** (i - 7)
        overlap[[i, 15 - i], [i, 15 - i]] = 1 - share
        overlap[[i, 15 - i], [15 - i, i]] = share
    colour = (
        np.array([[1, 0, 1.402], [1, -0.344, -0.714], [1, 1.772, 0]]) if mix > 0.1 else np.eye(3)
    )
    return {"block": block.T, "overlap": overlap, "colour": colour}


def _small() -> Family:
    """Three classes, two levels, three tables, of which the narrow ones escape soon."""
    classes = np.zeros((3, CHANNELS), np.uint8)
    classes[:, LOWEST] = 2
    classes[1, [1, 16, 17, 257, 513, 514]] = 1
    classes[2] = 1
    levels = np.zeros((3, 10), np.uint8)
    levels[1] = [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]
    levels[2] = 2
    content = Family.to_json(
        **_matrices(0.1),
        steps=np.linspace(120, 2, QUALITIES),
        classes=classes,
        levels=levels,
        costs=np.minimum(2048 * np.arange(8), 8191) // np.array([[1], [4], [8]]),
        tables=[
            Table(-1, (40, 4000, 40, 16)),
            Table(-2, (96, 600, 2600, 600, 100, 100)),
            Table(-20, (*[40] * 20, 2400, *[40] * 20, 96)),
        ],
        rebuild=np.array([[-0.1, 0.0], [0.0, 0.05], [0.0, 0.0]]),
        groups=np.array([0, 0, 1]),
        neighbours=2,
        bands=2,
        class_frequencies=np.tile([[1000, 1096, 2000], [3000, 96, 1000]], (9, 1)),
    )
    return Family.from_json(content)


def _extreme() -> Family:
    """Values at both ends of what is allowed."""
    classes = np.full((2, CHANNELS), 1, np.uint8)
    classes[1] = 2
    levels = np.tile(np.arange(10) % 6, (3, 1)).astype(np.uint8)
    content = Family.to_json(
        **_matrices(0.25),
        steps=np.linspace(2**14, 1, QUALITIES),
        classes=classes,
        levels=levels,
        costs=np.array([[0, 8192] * 4, [8192, 0] * 4, [0] * 8]),
        tables=[
            Table(1 - 2**15, (4095, 1)),
            Table(2**15 - 1, (1, 4095)),
            Table(-1024, (*[1] * 1024, 2048, *[1] * 1024)),
            Table(-2, (1, 4000, 1, 1, 93)),
            Table(0, (4095, 1)),
            Table(-1, (2, 1, 4093)),
        ],
        rebuild=np.array([[1, -1], [-1, 1], [1, 1], [-1, -1], [0, 0], [1 / 256, -1 / 256]]),
        groups=np.array([0, 63]),
        neighbours=64,
        bands=1,
        class_frequencies=np.resize([[1, 4095], [4095, 1], [2048, 2048]], (65**2, 2)),
    )
    return Family.from_json(content)


def _many() -> Family:
    """The most classes, levels and tables."""
    k = np.arange(COUNT)
    classes = ((k[:, None] + np.arange(CHANNELS)) % (COUNT + 1)).astype(np.uint8)
    classes[:, LOWEST] = 1 + k[:, None]
    levels = ((np.arange(COUNT + 1)[:, None] + np.arange(10)) % COUNT).astype(np.uint8)
    content = Family.to_json(
        **_matrices(0.2),
        steps=np.linspace(64, 1, QUALITIES),
        classes=classes,
        levels=levels,
        costs=(np.arange(COUNT + 1)[:, None] * 100 + np.arange(8) * 230) % 8193,
        tables=[Table(-(i % 3) - 1, (16 + i, 4000 - i, 32, 32, 16)) for i in range(COUNT)],
        rebuild=np.zeros((COUNT, 2)),
        groups=np.zeros(COUNT, int),
        neighbours=1,
        bands=10,
        class_frequencies=np.full((4 * 10, COUNT), 64),
    )
    return Family.from_json(content)


def _free() -> Family:
    """Zeros, and the one class, cost nothing in a single lane."""
    classes = np.zeros((1, CHANNELS), np.uint8)
    classes[:, LOWEST] = 1
    content = Family.to_json(
        **_matrices(0.1),
        steps=np.linspace(120, 2, QUALITIES),
        classes=classes,
        levels=np.zeros((2, 10), np.uint8),
        costs=np.zeros((2, 8), int),
        tables=[Table(0, (4095, 1))],
        rebuild=np.zeros((1, 2)),
        groups=np.zeros(1, int),
        neighbours=1,
        bands=1,
        class_frequencies=np.full((4, 1), 4096),
    )
    return Family.from_json(content)


def good_photographs() -> Iterator[Photograph]:
    """All good files: of images, of symbols, with several lanes, at the limits."""
    sizes = {"small": [(1, 1), (16, 16), (15, 33), (50, 17)], "extreme": [(17, 31)]}
    sizes["many"] = [(32, 20), (9, 37)]
    for family, own in sizes.items():
        for height, width in own:
            for quality in (1, 50, 100):
                yield of_image(family, height, width, quality)
    yield of_image("small", 1, 300, 75)
    yield of_image("small", 300, 1, 25)
    for family in sizes:
        for quality in (1, 67):
            yield of_symbols(f"{family}-drawn-q{quality}", family, 3, 5, quality, wild=0.02)
    yield of_symbols("small-escapes", "small", 2, 2, 9, wild=1)
    for name, rows, columns in (("2", 2, 4), ("4", 3, 7), ("32", 12, 20)):
        # Of the coded symbols of all cells there are 768 R S.
        yield of_symbols(
            f"small-{name}-lanes", "small", rows, columns, 50, wild=0.001, classes=2, sparse=60
        )
    yield _lowest_extremes()
    yield from _other_lanes()
    yield from _at_the_limits()


def of_image(family: str, height: int, width: int, quality: int) -> Photograph:
    """The file of effort 0 of a drawn image."""
    name = f"{family}-image-{height}x{width}-q{quality}"
    y, x, c = np.mgrid[:height, :width, :3]
    noise = _random(zlib.crc32(name.encode()), height * width * 3).reshape(y.shape) % 33
    ramp = (5 * x + 3 * y + 60 * c + x * y // 16) % 512
    image = np.clip(np.minimum(ramp, 511 - ramp) + noise - 16, 0, 255).astype(np.uint8)
    data = PhotoCodec([families()[family]]).compress(image, quality=quality, effort=0)
    return Photograph(name, family, data, image)


def _random(seed: int, count: int) -> NDArray[np.int64]:
    """Integers of 31 bits."""
    raw = np.random.PCG64(seed).random_raw(count)
    return (raw.astype(np.uint64) >> np.uint64(33)).astype(np.int64)


def draw(
    family: str, cells: int, seed: int, wild: float, *, classes: int | None = None, sparse: int = 4
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Symbols (768, cells), of which some are far outside of the tables, and classes."""
    own = families()[family]
    low = _random(seed, CHANNELS * cells).reshape(CHANNELS, cells)
    names = _random(seed + 1, cells) % len(own.classes) if classes is None else classes
    chosen = np.broadcast_to(np.asarray(names, np.uint8), (cells,)).copy()
    near = (low % 5 + (low >> 4) % 5 - 4) * ((low >> 8) % sparse == 0)
    far = ((low >> 10) % 2**16 - 2**15) >> (low >> 26) % 16
    symbols = np.where((low >> 3) % 1000 < 1000 * wild, far, near)
    symbols[LOWEST] = near[LOWEST]
    symbols[own.classes[chosen].T == 0] = 0
    return symbols.astype(np.int16), chosen


def of_symbols(
    name: str,
    family: str,
    rows: int,
    columns: int,
    quality: int,
    *,
    wild: float,
    classes: int | None = None,
    sparse: int = 4,
) -> Photograph:
    """The file of drawn symbols."""
    symbols, chosen = draw(
        family, rows * columns, zlib.crc32(name.encode()), wild, classes=classes, sparse=sparse
    )
    data = file_of(family, symbols, chosen, columns, quality)
    return Photograph(name, family, data)


def file_of(
    family: str,
    symbols: NDArray[np.int16],
    classes: NDArray[np.uint8],
    columns: int,
    quality: int,
    cut: tuple[int, int] = (3, 7),
) -> bytes:
    """A file of differences; its image is some pixels smaller than its cells."""
    own = families()[family]
    payload = pack(own, symbols, classes, columns, own.band(quality))
    size = 16 * len(classes) // columns - cut[0], 16 * columns - cut[1]
    return write_photo(Head(quality, *size), payload, own.digest)


def _lowest_extremes() -> Photograph:
    """Lowest coefficients at both ends of 16 bits."""
    symbols = np.zeros((CHANNELS, 6), np.int16)
    symbols[0] = [32767, 0, -32768, 0, -32768, -32768]
    symbols[256] = [-32768, -1, 32766, -32768, -32768, 0]
    symbols[512] = [16000, 100, -100, 16383, -16000, 0]
    predict_lowest(symbols, 2, 3)
    data = file_of("small", symbols, np.zeros(6, np.uint8), 3, 100)
    return Photograph("small-lowest-extremes", "small", data)


def pack_as(
    family: str,
    symbols: NDArray[np.int16],
    classes: NDArray[np.uint8],
    columns: int,
    quality: int,
    log2: int,
    tail: bytes | None = None,
) -> bytes:
    """A payload with so many lanes, whatever they should be, and any bytes for escaped symbols."""
    own = families()[family]
    sizes = np.zeros((CHANNELS + 1, len(classes)), np.uint8)
    batches, escaped = [], b""
    for channels, around in stages():
        live, tables = stage_tables(own, classes, channels, around, sizes)
        values = symbols[channels]
        intervals, places, rest = own.coder.intervals(values[live].astype(np.int64), tables)
        own_sizes = np.minimum(np.abs(values.astype(int)), LARGE).astype(np.uint8)
        own_sizes[tuple(axis[places] for axis in live.nonzero())] = LARGE
        sizes[channels] = own_sizes
        escaped += b"".join(varint(int(value)) for value in rest)
        batches.append(intervals)
    encoder = Encoder(1 << log2)
    encoder.plain(escaped if tail is None else tail)
    for batch in batches[::-1]:
        encoder.batch(batch)
    edge, grid = own.neighbours, own.groups[classes].reshape(-1, columns)
    left, top = np.full_like(grid, edge), np.full_like(grid, edge)
    left[:, 1:], top[1:] = grid[:, :-1], grid[:-1]
    rows = ((own.band(quality) * (edge + 1) + left) * (edge + 1) + top).ravel()
    encoder.chain(own.class_intervals[rows, classes])
    return bytes([log2]) + encoder.finish()


def wrapped(family: str, payload: bytes, rows: int, columns: int, quality: int = 50) -> bytes:
    """A file of a payload."""
    head = Head(quality, 16 * rows, 16 * columns)
    return write_photo(head, payload, families()[family].digest)


def _other_lanes() -> Iterator[Photograph]:
    """Few symbols in more lanes than the reference takes, and the most in one lane."""
    symbols, classes = draw("small", 4, 5, 0.05)
    for log2 in (1, 10):
        data = wrapped("small", pack_as("small", symbols, classes, 2, 50, log2), 2, 2)
        yield Photograph(f"small-{1 << log2}-lanes-of-few", "small", data, written=False)
    symbols, classes = draw("small", 21, 6, 0, classes=2)
    data = wrapped("small", pack_as("small", symbols, classes, 7, 50, 0), 3, 7)
    yield Photograph("small-one-lane-of-many", "small", data, written=False)


def _at_the_limits() -> Iterator[Photograph]:
    """As many pixels and escaped symbols as are allowed."""
    symbols, classes = draw("small", 1, 7, 0)
    payload = pack_as("small", symbols, classes, 1, 50, 0)
    key = families()["small"].digest
    data = write_photo(Head(50, 9, 16), payload, key)
    yield Photograph("limit-max-pixels", "small", data, limits={"max_pixels": 144})
    yield blank("limit-pixels", 4096, BLANK)
    yield blank("limit-pixels-twice", 4097, BLANK, limits={"max_expansion": 2})
    yield escapes("limit-escapes", 2**13, limits={"max_pixels": 2**18})


def blank(name: str, height: int, width: int, **rest: Any) -> Photograph:
    """A file of zeros, whose payload is one byte."""
    cells = -(-height // 16) * -(-width // 16)
    zeros = np.zeros((CHANNELS, cells), np.int16)
    payload = pack_as("free", zeros, np.zeros(cells, np.uint8), -(-width // 16), 50, 0)
    data = write_photo(Head(50, height, width), payload, families()["free"].digest)
    return Photograph(name, "free", data, written=False, **rest)


def escapes(name: str, number: int, **rest: Any) -> Photograph:
    """A file with so many escaped symbols."""
    cells = 12
    symbols = np.zeros((CHANNELS, cells), np.int16)
    symbols[LOWEST] = 1
    flat = np.flatnonzero(np.arange(CHANNELS)[:, None] % 256 * np.ones(cells))[:number]
    symbols.ravel()[flat] = 300
    data = file_of("small", symbols, np.full(cells, 2, np.uint8), 4, 50)
    return Photograph(name, "small", data, **rest)


# A blank file of B = 15 bytes may have 2^20 + 2^12 B pixels.
BLANK = 2**8 + 15
