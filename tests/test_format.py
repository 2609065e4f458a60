"""FORMAT.md suffices: a second implementation, written from its text alone, meets the reference.

The first half is that implementation, in plain Python; sections and names are those of FORMAT.md.
Only the part that runs the networks uses numpy.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain, groupby, pairwise
from math import floor, log2, prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from kerasae_export import (
    BitstreamBundleError,
    BitstreamError,
    BitstreamLimitError,
    BitstreamVersionError,
    Codec,
    CorruptBitstreamError,
)

VERSION = 0x01
FILE, STREAM = b"\xae\x6b", b"\xae\x73"
LARGEST_SIDE = 2**31 - 1
Coded = tuple[list[int], int, int, int]  # the symbols of an image, its height, width, quality


class RefusedError(ValueError):
    """A bitstream is not valid; `kind` is the word of section 7."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def demand(condition: bool, kind: str = "corrupt") -> None:
    if not condition:
        raise RefusedError(kind)


# Conventions


def varint(value: int) -> bytes:
    data = bytearray()
    while value > 127:
        data.append(value % 128 + 128)
        value //= 128
    return bytes([*data, value])


def read_varint(next_byte: Callable[[], int]) -> int:
    value = 0
    for i in range(5):
        byte = next_byte()
        value += byte % 128 << 7 * i
        if byte < 128:
            demand(byte > 0 or i == 0)
            return value
    raise RefusedError("corrupt")


class Reader:
    """Takes bytes off the front."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        demand(count <= len(self.data) - self.at)
        self.at += count
        return self.data[self.at - count : self.at]

    def varint(self) -> int:
        return read_varint(lambda: self.take(1)[0])


# 4. Entropy coding


class Table:
    """Entries are (what it stands for, frequency, start); the escape stands for None."""

    def __init__(self, offset: int, frequencies: Sequence[int]) -> None:
        starts = [0, *accumulate(frequencies)]
        assert 2 <= len(frequencies) <= 2049
        assert min(frequencies) > 0
        assert starts[-1] == 4096
        values: list[int | None] = [*range(offset, offset + len(frequencies) - 1), None]
        entries = list(zip(values, frequencies, starts, strict=False))
        self.offset, self.high = offset, offset + len(frequencies) - 2
        self.of_symbol = {entry[0]: entry for entry in entries}
        self.of_slot = [entry for entry in entries for _ in range(entry[1])]

    def escaped(self, s: int) -> bytes:
        above = s > self.high
        return varint(2 * (s - self.high - 1) if above else 2 * (self.offset - 1 - s) + 1)

    def unescaped(self, u: int) -> int:
        s = self.offset - 1 - u // 2 if u % 2 else self.high + 1 + u // 2
        demand(-(2**31) <= s < 2**31)
        return s


BYTES = [(slot // 16, 16, slot // 16 * 16) for slot in range(4096)]


def lanes_of(n: int) -> int:
    return max(1, min(1024, n // 4096))


def encode(tables: Sequence[Table], symbols: Sequence[int]) -> bytes:
    """`tables` holds one for each symbol."""
    lanes = lanes_of(len(symbols))
    coded, escapes = [], b""
    for i, symbol in enumerate(symbols):
        table = tables[i]
        entry = table.of_symbol.get(symbol)
        if entry is None:
            entry = table.of_symbol[None]
            escapes += table.escaped(symbol)
        coded.append((i % lanes, entry))
    coded += [(0, BYTES[16 * byte]) for byte in escapes]

    states = [0 if lanes == 1 else 65536] * lanes
    words = []
    for lane, (_, frequency, start) in reversed(coded):
        x = states[lane]
        if x >= frequency << 20:
            words.append(x % 65536)
            x //= 65536
        states[lane] = 4096 * (x // frequency) + x % frequency + start
    size = (states[0].bit_length() + 7) // 8 if lanes == 1 else 4
    return b"".join(
        [x.to_bytes(size, "little") for x in states]
        + [word.to_bytes(2, "little") for word in reversed(words)]
    )


def decode(tables: Sequence[Table], payload: bytes, n: int, most_escaped: int) -> list[int]:
    lanes = lanes_of(n)
    size = 4 if lanes > 1 else len(payload) if len(payload) <= 4 else 4 - len(payload) % 2
    data = Reader(payload)
    states = [int.from_bytes(data.take(size), "little") for _ in range(lanes)]
    if lanes > 1:
        demand(min(states) >= 65536)
    else:
        demand(size == 0 or payload[size - 1] > 0)
    rest = data.data[data.at :]
    demand(len(rest) % 2 == 0)
    words = list(struct.unpack(f"<{len(rest) // 2}H", rest))[::-1]

    def value(lane: int, entries: list[Any]) -> Any:
        x = states[lane]
        result, frequency, start = entries[x % 4096]
        x = frequency * (x // 4096) + x % 4096 - start
        if x < 65536 and words:
            x = 65536 * x + words.pop()
        demand(lanes == 1 or x >= 65536)
        states[lane] = x
        return result

    symbols = [value(i % lanes, tables[i].of_slot) for i in range(n)]
    demand(symbols.count(None) <= most_escaped, "limit")
    for i, symbol in enumerate(symbols):
        if symbol is None:
            symbols[i] = tables[i].unescaped(read_varint(lambda: value(0, BYTES)))
    demand(not words)
    demand(set(states) == {0 if lanes == 1 else 65536})
    return symbols


# 1, 3, 5, 6, 7. The bundle, sizes, the file and the stream


class Quality:
    def __init__(self, number: int, fields: dict[str, Any], channels: int) -> None:
        self.number, self.channels, self.classes = number, channels, fields["classes"]
        self.tables = [Table(t["offset"], t["frequencies"]) for t in fields["tables"]]
        assert len(self.tables) == self.classes * channels
        self.step = np.array(fields["step"]["mantissas"]) * 2.0 ** fields["step"]["exponent"]
        self.width = (self.classes - 1).bit_length()


class Bundle:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        assert self.manifest["format"] == "kerasae-bundle"
        assert self.manifest["format_version"] == 1
        self.codec = self.manifest["codec"]
        self.channels, self.group = self.codec["code_shape"][-1], self.codec["group"]
        self.qualities = [
            Quality(i, fields, self.channels)
            for i, fields in enumerate(self.codec["qualities"], start=1)
        ]
        self.best = self.qualities[-1]
        assert self.codec["table_bits"] == 12
        canonical = json.dumps(self.codec, sort_keys=True, separators=(",", ":")).encode("ascii")
        model = hashlib.sha256(self.file(self.manifest["decoder"]["file"])).digest()
        self.hash = hashlib.sha256(model + canonical).digest()

    def file(self, name: str) -> bytes:
        data = (self.folder / name).read_bytes()
        listed = self.manifest["files"][name]
        assert len(data) == listed["bytes"]
        assert hashlib.sha256(data).hexdigest() == listed["sha256"]
        return data

    def count(self, height: int, width: int) -> int:
        """How many symbols an image has."""
        if self.codec["layout"] == "grid":
            stride = self.codec["stride"]
            return -(-height // stride) * -(-width // stride) * self.channels
        h, w = self.codec["tile"]
        return -(-height // h) * -(-width // w) * prod(self.codec["code_shape"])

    def runs(self, height: int, width: int) -> int:
        """How many tiles an image has."""
        if self.codec["layout"] == "blocks":
            h, w = self.codec["tile"]
            return -(-height // h) * -(-width // w)
        stride, margin = self.codec["stride"], self.codec["margin"]
        counts = []
        for side, tile in zip((height, width), self.codec["code_shape"], strict=False):
            last = max(0, -(-side // stride) - tile)
            counts.append(len(range(0, last, tile - 2 * margin)) + 1)
        return prod(counts)

    def square_count(self, height: int, width: int) -> int:
        if self.codec["layout"] == "blocks":
            return 0
        side = self.codec["stride"] * self.group
        return -(-height // side) * -(-width // side)

    def squares(self, height: int, width: int) -> list[int]:
        """For each cell of a grid its square."""
        rows, columns = (-(-side // self.codec["stride"]) for side in (height, width))
        across = -(-columns // self.group)
        return [
            row // self.group * across + column // self.group
            for row in range(rows)
            for column in range(columns)
        ]

    def tables_of(
        self, q: Quality, classes: Sequence[int], count: int, size: tuple[int, int]
    ) -> list[Table]:
        """The table of each symbol of `count` images."""
        if q.classes == 1:
            return q.tables * (count * self.count(*size) // self.channels)
        squares = self.squares(*size)
        number = max(squares) + 1
        return [
            q.tables[classes[i * number + square] * self.channels + channel]
            for i in range(count)
            for square in squares
            for channel in range(self.channels)
        ]

    def split(
        self, q: Quality, payload: bytes, count: int, size: tuple[int, int]
    ) -> tuple[list[int], bytes]:
        """The classes, and the entropy-coded symbols behind them."""
        if q.classes == 1:
            return [], payload
        number = count * (max(self.squares(*size)) + 1)
        front = Reader(payload).take(-(-number * q.width // 8))
        bits = int.from_bytes(front, "little")
        classes = [bits >> i * q.width & (1 << q.width) - 1 for i in range(number)]
        demand(bits >> number * q.width == 0)
        demand(max(classes) < q.classes)
        return classes, payload[len(front) :]

    def payload(
        self, q: Quality, symbols: Sequence[int], count: int, size: tuple[int, int]
    ) -> bytes:
        classes = self.cheapest(q, symbols, count, size)
        bits = sum(k << i * q.width for i, k in enumerate(classes))
        front = bits.to_bytes(-(-len(classes) * q.width // 8), "little")
        return front + encode(self.tables_of(q, classes, count, size), symbols)

    def crc(self, *parts: bytes) -> bytes:
        return zlib.crc32(b"".join([self.hash, *parts])).to_bytes(4, "little")

    def head(self, magic: bytes) -> bytes:
        return magic + bytes([VERSION]) + self.hash[:2]

    def checked(self, data: bytes, magic: bytes) -> Reader:
        """Points 1 to 3 of section 7; stands after the head."""
        demand(len(data) >= 10 and data[:2] == magic)
        demand(data[2] == VERSION, "version")
        demand(data[3:5] == self.hash[:2], "bundle")
        reader = Reader(data)
        reader.take(5)
        return reader

    def named(self, q: Quality) -> bytes:
        return bytes([q.number]) if len(self.qualities) > 1 else b""

    def quality(self, reader: Reader) -> Quality:
        number = reader.take(1)[0] if len(self.qualities) > 1 else 1
        demand(1 <= number <= len(self.qualities))
        return self.qualities[number - 1]

    def images(
        self,
        q: Quality,
        payload: bytes,
        count: int,
        height: int,
        width: int,
        limit: int,
        claims: list[int],
    ) -> list[Coded]:
        """Points 5 and 6 of section 7; `claims` are the bytes received, images, pixels, runs."""
        demand(1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE)
        demand(claims[2] + count * height * width <= limit, "limit")
        n = self.count(height, width)
        squares = count * self.square_count(height, width)
        length = -(-squares * q.width // 8) if q.classes > 1 else 0
        length += 4 * lanes_of(count * n) + 2 * count * n
        most_escaped = max(2**13, limit // 2**5)
        demand(len(payload) <= length + 10 * count * n)
        demand(len(payload) <= length + 10 * most_escaped, "limit")
        more = count, count * height * width, count * self.runs(height, width)
        claims[1:] = [a + b for a, b in zip(claims[1:], more, strict=True)]
        received, images, pixels, runs = claims
        tiles = runs * prod(self.codec["tile"])
        demand(count * n <= limit and tiles <= 16 * limit and images <= 2**17, "limit")
        demand(images <= 2**10 + 2**3 * received, "limit")
        demand(pixels <= 2**20 + 2**12 * received, "limit")
        demand(runs <= 2**12 + 2**7 * received, "limit")
        demand(tiles <= 16 * (2**20 + 2**12 * received), "limit")
        classes, data = self.split(q, payload, count, (height, width))
        tables = self.tables_of(q, classes, count, (height, width))
        symbols = decode(tables, data, count * n, most_escaped)
        if self.codec["codebook"]:
            demand(min(symbols) >= 0 and max(symbols) < self.codec["codebook"])
        return [(symbols[i * n : (i + 1) * n], height, width, q.number) for i in range(count)]

    def read_file(self, data: bytes, limit: int = 1 << 26) -> Coded:
        self.checked(data, FILE)
        demand(self.crc(data[:-4]) == data[-4:])
        reader = self.checked(data, FILE)
        reader.data = data[:-4]
        q = self.quality(reader)
        height, width = reader.varint(), reader.varint()
        payload = reader.data[reader.at :]
        return self.images(q, payload, 1, height, width, limit, [len(data), 0, 0, 0])[0]

    def write_file(
        self, symbols: Sequence[int], height: int, width: int, number: int | None = None
    ) -> bytes:
        q = self.best if number is None else self.qualities[number - 1]
        head = self.head(FILE) + self.named(q) + varint(height) + varint(width)
        data = head + self.payload(q, symbols, 1, (height, width))
        return data + self.crc(data)

    def cheapest(
        self, q: Quality, symbols: Sequence[int], count: int, size: tuple[int, int]
    ) -> list[int]:
        """The classes that the reference chooses; any others are valid too."""
        if q.classes == 1:
            return []
        squares = self.squares(*size)
        number = max(squares) + 1
        costs = [[0] * q.classes for _ in range(count * number)]
        for i, symbol in enumerate(symbols):
            cell, channel = divmod(i, self.channels)
            image, position = divmod(cell, len(squares))
            for k, table in enumerate(q.tables[channel :: self.channels]):
                entry = table.of_symbol.get(symbol)
                cost = floor(256 * (12 - log2((entry or table.of_symbol[None])[1])) + 0.5)
                cost += 0 if entry else 2048 * len(table.escaped(symbol))
                costs[image * number + squares[position]][k] += cost
        return [cost.index(min(cost)) for cost in costs]

    def read_stream(self, data: bytes, limit: int = 1 << 26) -> list[Coded]:
        reader = self.checked(data, STREAM)
        before = data[:5]
        images: list[Coded] = []
        claims = [len(data), 0, 0, 0]
        while True:
            begin = reader.at
            count = reader.varint()
            if count == 0:
                break
            q = self.quality(reader)
            height, width = reader.varint(), reader.varint()
            payload = reader.take(reader.varint())
            block, crc = data[begin : reader.at], reader.take(4)
            demand(count <= 256 and crc == self.crc(before, block))
            images += self.images(q, payload, count, height, width, limit, claims)
            before = crc
        total = reader.varint()
        end, crc = data[begin : reader.at], reader.take(4)
        demand(crc == self.crc(before, end) and total == len(images) and reader.at == len(data))
        return images

    def write_stream(self, images: Iterable[Coded]) -> bytes:
        """As few blocks as possible, as the reference up to 2^22 pixels; a writer may make more."""
        data = before = self.head(STREAM)
        total = 0
        for (height, width, number), group in groupby(images, lambda image: image[1:]):
            q = self.qualities[number - 1]
            alike = [image[0] for image in group]
            total += len(alike)
            for some in (alike[i : i + 256] for i in range(0, len(alike), 256)):
                symbols = [*chain.from_iterable(some)]
                payload = self.payload(q, symbols, len(some), (height, width))
                block = varint(len(some)) + self.named(q)
                block += b"".join(map(varint, (height, width, len(payload)))) + payload
                before = self.crc(before, block)
                data += block + before
        end = varint(0) + varint(total)
        return data + end + self.crc(before, end)


# 2, 3. Pixels and tiles


def place(n: int, t: int, m: int) -> list[tuple[int, int, int]]:
    """The origin of each tile, and from which cell up to which it is used."""
    last = max(0, n - t)
    origins = [*range(0, last, t - 2 * m), last]
    joints = [(a + b + t) // 2 for a, b in pairwise(origins)]
    return list(zip(origins, [0, *joints], [*joints, n], strict=True))


class Network:
    def __init__(self, bundle: Bundle, part: str) -> None:
        edges = bundle.manifest[part]
        self.input, self.output = edges["input"], edges["output"]
        self.interpreter = Interpreter(model_content=bundle.file(edges["file"]), num_threads=1)
        # A file of one model has one signature, whatever its name.
        (first, *_) = self.interpreter.get_signature_list()
        self.runner = self.interpreter.get_signature_runner(edges.get("signature", first))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Takes values, gives what the network gives, both without the axis of the batch."""
        if self.input["dtype"] == "uint8":
            q = np.floor(values / self.input["scale"] + 0.5) + self.input["zero_point"]
            values = np.clip(q, 0, 255)
        (source,) = self.runner.get_input_details()
        (output,) = self.runner(**{source: values[None].astype(self.input["dtype"])}).values()
        return output[0]

    def values(self, output: np.ndarray) -> np.ndarray:
        return self.output["scale"] * (output.astype(float) - self.output["zero_point"])


class Pixels:
    def __init__(self, bundle: Bundle, q: Quality) -> None:
        codec = bundle.codec
        self.grid = codec["layout"] == "grid"
        self.stride, self.margin, self.tile = codec["stride"], codec["margin"], codec["tile"]
        self.code_shape, self.codebook = codec["code_shape"], codec["codebook"]
        self.step = q.step
        self.encoder, self.decoder = Network(bundle, "encoder"), Network(bundle, "decoder")

    def code(self, tile: np.ndarray) -> np.ndarray:
        q = self.encoder(tile / 255).reshape(self.code_shape)
        v = q if self.codebook else self.encoder.values(q)
        return np.floor(v / self.step + 0.5).astype(int)

    def pixels(self, symbols: np.ndarray) -> np.ndarray:
        code = symbols * self.step
        q = self.decoder(code[..., 0] if self.codebook else code)
        output = self.decoder.output
        if output["dtype"] == "uint8" and output["scale"] == 1 / 256 and output["zero_point"] == 0:
            return q
        return np.clip(np.floor(255 * self.decoder.values(q) + 0.5), 0, 255).astype(np.uint8)

    def cells(self, height: int, width: int) -> tuple[int, int]:
        return -(-height // self.stride), -(-width // self.stride)

    def placed(self, cells: tuple[int, int]) -> list[Any]:
        """Rows of tiles and columns of tiles."""
        return [
            place(n, t // self.stride, self.margin) for n, t in zip(cells, self.tile, strict=True)
        ]

    def symbols(self, image: np.ndarray) -> list[int]:
        height, width = image.shape[:2]
        h, w = self.tile
        image = np.pad(image, ((0, h), (0, w), (0, 0)), mode="edge")
        if not self.grid:
            corners = [(y, x) for y in range(0, height, h) for x in range(0, width, w)]
            codes = [self.code(image[y : y + h, x : x + w]) for y, x in corners]
            return np.concatenate([code.ravel() for code in codes]).tolist()
        s = self.stride
        cells = self.cells(height, width)
        array = np.zeros((*cells, self.code_shape[-1]), int)
        rows, columns = self.placed(cells)
        for a, y0, y1 in rows:
            for b, x0, x1 in columns:
                code = self.code(image[a * s : a * s + h, b * s : b * s + w])
                array[y0:y1, x0:x1] = code[y0 - a : y1 - a, x0 - b : x1 - b]
        return array.ravel().tolist()

    def image(self, symbols: list[int], height: int, width: int) -> np.ndarray:
        h, w = self.tile
        image = np.zeros((height + h, width + w, self.decoder.output["shape"][-1]), np.uint8)
        if not self.grid:
            codes = iter(np.reshape(symbols, (-1, *self.code_shape)))
            for y in range(0, height, h):
                for x in range(0, width, w):
                    image[y : y + h, x : x + w] = self.pixels(next(codes))
            return image[:height, :width]
        s = self.stride
        cells = self.cells(height, width)
        rows, columns = self.placed(cells)
        t, u = h // s, w // s
        array = np.reshape(symbols, (*cells, self.code_shape[-1]))
        array = np.pad(array, ((0, t), (0, u), (0, 0)), mode="edge")
        for a, y0, y1 in rows:
            for b, x0, x1 in columns:
                tile = self.pixels(array[a : a + t, b : b + u])
                part = tile[(y0 - a) * s : (y1 - a) * s, (x0 - b) * s : (x1 - b) * s]
                image[y0 * s : y1 * s, x0 * s : x1 * s] = part
        return image[:height, :width]


# Tests

GOLDEN = Path(__file__).parent / "golden"

KINDS = {
    CorruptBitstreamError: "corrupt",
    BitstreamVersionError: "version",
    BitstreamBundleError: "bundle",
    BitstreamLimitError: "limit",
    BitstreamError: "corrupt",  # the other magic, in a sentence of its own
}
SIZES = [(1, 1), (3, 5), (8, 8), (9, 8), (32, 32), (31, 33), (50, 41), (150, 301)]


@pytest.fixture(scope="module", params=["grid", "blocks", "indices", "photo_bundle"])
def pair(request: pytest.FixtureRequest) -> tuple[Bundle, Codec]:
    """The golden bundles, and one that is exported by the code as it is."""
    if request.param == "photo_bundle":
        folder = request.getfixturevalue("photo_bundle")
    else:
        folder = GOLDEN / request.param / "bundle"
    return Bundle(folder), Codec.load(folder)


@pytest.fixture
def ours(pair: tuple[Bundle, Codec]) -> Bundle:
    return pair[0]


@pytest.fixture
def reference(pair: tuple[Bundle, Codec]) -> Codec:
    return pair[1]


def draw(
    rng: np.random.Generator,
    bundle: Bundle,
    size: tuple[int, int],
    escapes: float,
    q: Quality | None = None,
) -> Any:
    """Symbols as frequent as the tables say, and that share of others, small to huge."""
    q = q or bundle.best
    n = bundle.count(*size)
    columns = []
    middle = q.classes // 2 * bundle.channels
    for table in q.tables[middle : middle + bundle.channels]:
        entries = list(table.of_symbol.values())[:-1]
        values, frequencies, _ = (np.array(part) for part in zip(*entries, strict=True))
        columns.append(rng.choice(values, n // bundle.channels, p=frequencies / frequencies.sum()))
    symbols = np.stack(columns, axis=1).astype(np.int64)
    others = rng.integers(-(2**31), 2**31, symbols.shape) >> rng.integers(0, 31, symbols.shape)
    if bundle.codec["codebook"]:
        others %= bundle.codec["codebook"]
    return np.where(rng.random(symbols.shape) < escapes, others, symbols).astype(np.int32)


def row(bundle: Bundle, n: int) -> tuple[int, int]:
    """The size of an image in a single row of tiles or cells that has n symbols."""
    unit = bundle.codec["stride"] if bundle.codec["layout"] == "grid" else bundle.codec["tile"][1]
    return 1, n // bundle.count(1, 1) * unit


def noise(rng: np.random.Generator, bundle: Bundle, size: tuple[int, int]) -> np.ndarray:
    """A smooth image with some noise."""
    channels = bundle.codec["channels"]
    y, x = np.indices(size)[..., None] / 20
    wave = 128 + 90 * np.sin(y + np.arange(channels)) * np.cos(2 * x + 1)
    return np.clip(wave + rng.normal(0, 20, wave.shape), 0, 255).astype(np.uint8)


def flat(unpacked: tuple[np.ndarray, int, int, int]) -> Coded:
    symbols, *rest = unpacked
    return symbols.ravel().tolist(), *rest


def verdict(read: Callable[[bytes], Any], data: bytes) -> Any:
    """The symbols of a file, the number of images of a stream, or why it was refused."""
    try:
        result = read(data)
        if isinstance(result, list):
            return len(result)
        return flat(result) if isinstance(result[0], np.ndarray) else result
    except RefusedError as error:
        return error.kind
    except BitstreamError as error:
        return KINDS[type(error)]


def test_bundle_hash(ours: Bundle) -> None:
    assert ours.hash.hex() == ours.manifest["bundle_hash"]
    for name in ours.manifest["files"]:
        ours.file(name)


def test_golden(ours: Bundle) -> None:
    data = ours.file("golden/image.kae")
    golden = json.loads(ours.file("golden/symbols.json"))
    coded = tuple(golden[key] for key in ("symbols", "height", "width", "quality"))
    assert ours.read_file(data) == coded
    assert ours.write_file(*coded) == data
    assert len(golden["symbols"]) == prod(golden["shape"]) == ours.count(*coded[1:3])


def test_golden_pixels(ours: Bundle) -> None:
    check_golden_pixels(ours)


def test_one_file_with_two_signatures(joint_bundle: Path) -> None:
    ours = Bundle(joint_bundle)
    assert ours.hash.hex() == ours.manifest["bundle_hash"]
    assert {path.name for path in joint_bundle.glob("*.tflite")} == {"model.tflite"}
    check_golden_pixels(ours)


def check_golden_pixels(ours: Bundle) -> None:
    with Image.open(ours.folder / "golden/image.png") as image:
        pixels = np.asarray(image).reshape(image.height, image.width, -1)
    with Image.open(ours.folder / "golden/reconstruction.png") as image:
        expected = np.asarray(image).reshape(pixels.shape)
    coded = ours.read_file(ours.file("golden/image.kae"))
    networks = Pixels(ours, ours.best)
    difference = networks.image(*coded[:3]).astype(int) - expected
    assert abs(difference).max() <= ours.manifest["pixel_tolerance"]
    moved = np.subtract(networks.symbols(pixels), coded[0])
    assert np.mean(moved != 0) < 0.02
    if not ours.codec["codebook"]:
        assert abs(moved).max() <= 1


@pytest.mark.parametrize("size", SIZES)
def test_networks_and_tiles(
    ours: Bundle, reference: Codec, rng: np.random.Generator, size: tuple[int, int]
) -> None:
    image = noise(rng, ours, size)
    for q in ours.qualities:
        networks = Pixels(ours, q)
        data = reference.compress(image, quality=q.number)
        symbols, *read = ours.read_file(data)
        assert tuple(read) == (*size, q.number)
        assert (symbols, *read) == flat(reference.unpack(data))
        assert networks.symbols(image) == symbols
        assert np.array_equal(networks.image(symbols, *size), reference.decompress(data))


@pytest.mark.parametrize("escapes", [0, 0.05, 1])
@pytest.mark.parametrize("size", SIZES)
def test_files(
    ours: Bundle,
    reference: Codec,
    rng: np.random.Generator,
    size: tuple[int, int],
    escapes: float,
) -> None:
    for q in ours.qualities:
        symbols = draw(rng, ours, size, escapes, q)
        coded = symbols.ravel().tolist(), *size, q.number
        data = ours.write_file(*coded)
        assert data == reference.pack(symbols, *size, quality=q.number)
        assert ours.read_file(data) == flat(reference.unpack(data)) == coded


@pytest.mark.parametrize(
    ("n", "lanes"), [(8184, 1), (8208, 2), (12264, 2), (12288, 3), (60000, 14)]
)
def test_lanes(
    ours: Bundle, reference: Codec, rng: np.random.Generator, n: int, lanes: int
) -> None:
    size = row(ours, n)
    assert ours.count(*size) == n
    assert lanes_of(n) == lanes
    symbols = draw(rng, ours, size, 0.003)
    coded = symbols.ravel().tolist(), *size, ours.best.number
    data = reference.pack(symbols, *size)
    assert data == ours.write_file(*coded)
    assert ours.read_file(data) == flat(reference.unpack(data)) == coded


def test_extreme_symbols(ours: Bundle, reference: Codec) -> None:
    size = tuple(ours.codec["tile"])
    n = ours.count(*size)
    edges = [
        value
        for table in ours.best.tables
        for value in (table.offset - 1, table.offset, table.high, table.high + 1)
    ]
    symbols = ([-(2**31), 2**31 - 1, *edges] * n)[:n]
    if ours.codec["codebook"]:
        symbols = [abs(value) % ours.codec["codebook"] for value in symbols]
    data = ours.write_file(symbols, *size)
    shaped = np.reshape(symbols, (-1, ours.channels)).astype(np.int32)
    assert data == reference.pack(shaped, *size)
    coded = symbols, *size, ours.best.number
    assert ours.read_file(data) == flat(reference.unpack(data)) == coded


def test_no_index_but_those_of_the_codebook(rng: np.random.Generator) -> None:
    """Its table cannot say so: 32 follows as an escape."""
    ours = Bundle(GOLDEN / "indices" / "bundle")
    reference = Codec.load(ours.folder)
    size = 8, 12
    symbols = draw(rng, ours, size, 0).ravel().tolist()
    assert verdict(reference.unpack, ours.write_file(symbols, *size)) == (symbols, *size, 1)
    for wrong in (-1, ours.codec["codebook"]):
        data = ours.write_file([*symbols[:-1], wrong], *size)
        assert verdict(ours.read_file, data) == verdict(reference.unpack, data) == "corrupt"
        array = np.array([*symbols[:-1], wrong])
        for refuse in (reference.pack, reference.decode):
            with pytest.raises(ValueError, match="`symbols` must be indices from 0 to 31"):
                refuse(array, *size)


def test_streams(ours: Bundle, reference: Codec, rng: np.random.Generator) -> None:
    sizes = [(8, 8)] * 300 + [(16, 9), (5, 5), (5, 5), (16, 9), (33, 40)]
    images = [noise(rng, ours, size) for size in sizes]
    data = reference.compress_many(images)
    coded = ours.read_stream(data)
    assert coded == [flat(reference.unpack(reference.compress(image))) for image in images]
    assert ours.write_stream(coded) == data


def test_stream_with_lanes(ours: Bundle, reference: Codec, rng: np.random.Generator) -> None:
    size = (24, 24)
    image = noise(rng, ours, size)
    data = reference.compress_many([image] * 256)
    coded = ours.read_stream(data)
    assert coded == [flat(reference.unpack(reference.compress(image)))] * 256
    assert lanes_of(256 * ours.count(*size)) > 1
    assert ours.write_stream(coded) == data


def test_streams_of_ours(ours: Bundle, reference: Codec, rng: np.random.Generator) -> None:
    assert ours.read_stream(reference.compress_many([])) == []
    assert reference.compress_many([]) == ours.write_stream([])
    assert reference.decompress_many(ours.write_stream([])) == []
    sizes = [(8, 8), (3, 11), (3, 11), (40, 33)]
    coded = [
        (draw(rng, ours, size, 0.02, q).ravel().tolist(), *size, q.number)
        for size, q in zip(sizes, itertools.cycle(ours.qualities), strict=False)
    ]
    images = reference.decompress_many(ours.write_stream(coded))
    assert len(images) == len(coded)
    for image, one in zip(images, coded, strict=True):
        assert np.array_equal(image, reference.decompress(ours.write_file(*one)))


def test_refused_files(ours: Bundle, rng: np.random.Generator) -> None:
    """Bytes changed, lost or added, most of them under a CRC that fits: the same verdict."""
    limit = 1 << 14  # a changed size must not take long
    reference = Codec.load(ours.folder, max_pixels=limit)
    size = tuple(ours.codec["tile"])
    body = ours.write_file(draw(rng, ours, size, 0.1).ravel().tolist(), *size)[:-4]
    seen = set()
    for i in range(400):
        changed = bytearray(body)
        for _ in range(rng.integers(0, 3)):
            changed[rng.integers(7 if i % 2 else len(changed))] = rng.integers(256)
        changed = bytes(changed)[: len(changed) - int(rng.integers(0, 3))]
        changed += rng.bytes(int(rng.integers(0, 3)))
        data = changed + (ours.crc(changed) if i % 4 else rng.bytes(4))
        result = verdict(lambda d: ours.read_file(d, limit), data)
        assert result == verdict(reference.unpack, data), data.hex()
        seen.add(result if isinstance(result, str) else "fine")
    assert seen >= {"corrupt", "version", "bundle", "fine"}


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (varint(0) + varint(1), "corrupt"),
        (varint(2**31) + varint(1), "corrupt"),
        (varint(2**31 - 1) * 2, "limit"),
        (varint(2**31 - 1) + varint(2**31), "corrupt"),
        (b"\x81\x00\x01", "corrupt"),
        (b"\x81\x80\x80\x80\x80\x00\x01", "corrupt"),
        (b"\x81", "corrupt"),
        (b"", "corrupt"),
    ],
)
def test_refused_sizes(ours: Bundle, reference: Codec, numbers: bytes, expected: str) -> None:
    data = ours.head(FILE) + ours.named(ours.best) + numbers
    data += ours.crc(data)
    assert verdict(ours.read_file, data) == expected
    assert verdict(reference.unpack, data) == expected


def test_refused_streams(ours: Bundle, reference: Codec, rng: np.random.Generator) -> None:
    sizes = [(8, 8), (3, 4), (3, 4)]
    good = ours.write_stream([(draw(rng, ours, s, 0.1).ravel().tolist(), *s, 1) for s in sizes])
    for i in range(300):
        a, b = sorted(rng.integers(0, len(good), 2))
        data = bytearray(good)
        if i % 3:
            del data[a : b + i % 3]
        else:
            data[a] ^= 1 << i % 8
        result = verdict(ours.read_stream, bytes(data))
        assert result == verdict(reference.decompress_many, bytes(data)), data.hex()
        assert isinstance(result, str)


@pytest.mark.parametrize(
    ("numbers", "total", "expected"),
    [
        ((1, 8, 8), 1, 1),
        ((2, 8, 8), 2, 2),
        ((1, 8, 8), 2, "corrupt"),
        ((257, 8, 8), 257, "corrupt"),
        ((2**34, 8, 8), 2**34, "corrupt"),
        ((1, 0, 8), 1, "corrupt"),
        ((1, 8, 2**31), 1, "corrupt"),
        ((256, 2**20, 1), 256, "limit"),
        ((1, 2**31 - 1, 2**31 - 1), 1, "limit"),
    ],
)
def test_refused_blocks(
    ours: Bundle, reference: Codec, numbers: tuple[int, int, int], total: int, expected: int | str
) -> None:
    """No bytes behind the classes, as for the symbols of the first entries."""
    head = ours.head(STREAM)
    q = ours.best
    number = numbers[0] * (max(ours.squares(8, 8)) + 1) if q.classes > 1 else 0
    payload = bytes(min(3, -(-number * q.width // 8)))
    block = varint(numbers[0]) + ours.named(q)
    block += b"".join(map(varint, (*numbers[1:], len(payload)))) + payload
    crc = ours.crc(head, block)
    end = varint(0) + varint(total)
    data = head + block + crc + end + ours.crc(crc, end)
    assert verdict(ours.read_stream, data) == expected
    assert verdict(reference.decompress_many, data) == expected


@pytest.mark.parametrize("number", [0, 4, 255])
def test_no_quality_but_those_of_the_bundle(rng: np.random.Generator, number: int) -> None:
    ours = Bundle(GOLDEN / "grid" / "bundle")
    reference = Codec.load(ours.folder)
    coded = draw(rng, ours, (8, 8), 0).ravel().tolist(), 8, 8, 3
    data = bytearray(ours.write_file(*coded)[:-4])
    assert data[5] == 3
    data[5] = number
    data = bytes(data) + ours.crc(bytes(data))
    assert verdict(ours.read_file, data) == verdict(reference.unpack, data) == "corrupt"
    with pytest.raises(ValueError, match="`quality` must be an integer from 1 to 3"):
        reference.compress(noise(rng, ours, (8, 8)), quality=number)


def test_the_other_magic(ours: Bundle, reference: Codec) -> None:
    stream, file = ours.write_stream([]), ours.file("golden/image.kae")
    assert verdict(ours.read_file, stream) == verdict(reference.unpack, stream) == "corrupt"
    assert verdict(ours.read_stream, file) == verdict(reference.decompress_many, file) == "corrupt"


def test_limits(ours: Bundle, rng: np.random.Generator) -> None:
    reference = Codec.load(ours.folder, max_pixels=128)
    for width, expected in ((16, "fine"), (17, "limit")):
        coded = draw(rng, ours, (8, width), 0).ravel().tolist(), 8, width, ours.best.number
        data = ours.write_file(*coded)
        result = coded if expected == "fine" else expected
        assert verdict(lambda d: ours.read_file(d, 128), data) == result
        assert verdict(reference.unpack, data) == result
    small, thin = (
        (draw(rng, ours, size, 0).ravel().tolist(), *size, ours.best.number)
        for size in ((8, 8), (1, 1))
    )
    for sizes, expected in (([small] * 2, 2), ([small, small, thin], "limit")):
        data = ours.write_stream(sizes)
        assert verdict(lambda d: ours.read_stream(d, 128), data) == expected
        assert verdict(reference.decompress_many, data) == expected


def test_a_state_too_small(ours: Bundle, reference: Codec, rng: np.random.Generator) -> None:
    """A word that the encoder had no reason to write: the symbols are the same, the bytes not."""
    size = row(ours, 65536)
    symbols = draw(rng, ours, size, 0).ravel().tolist()
    data = ours.write_file(symbols, *size)[:-4]
    q = ours.best
    head = len(ours.head(FILE) + ours.named(q) + varint(size[0]) + varint(size[1]))
    classes, rest = ours.split(q, data[head:], 1, size)
    head = len(data) - len(rest)
    tables = ours.tables_of(q, classes, 1, size)
    lanes = lanes_of(len(symbols))
    states = list(struct.unpack_from(f"<{lanes}L", data, head))
    words = data[head + 4 * lanes :]
    for i, x in enumerate(states):
        _, frequency, start = tables[i].of_symbol[symbols[i]]
        after = frequency * (x // 4096) + x % 4096 - start
        if after >= 65536:  # no word was read here
            less, word = divmod(after, 65536)
            states[i] = 4096 * (less // frequency) + less % frequency + start
            words = words[: 2 * i] + word.to_bytes(2, "little") + words[2 * i :]
            break
    twin = data[:head] + struct.pack(f"<{lanes}L", *states) + words
    twin += ours.crc(twin)
    assert verdict(reference.unpack, twin) == "corrupt"
    assert verdict(ours.read_file, twin) == "corrupt"
