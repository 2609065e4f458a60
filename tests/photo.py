"""A small family, and a reader and a rule of version 2 that were written from FORMAT.md alone."""

import base64
import hashlib
import json
import zlib

import numpy as np
from scipy.fft import dct

from kerasae_export.format.entropy import Table
from kerasae_export.format.family import CHANNELS, Family

BLOCK = dct(np.eye(16), axis=0, norm="ortho").T


def small_family(**changes):
    """Three classes, two levels, three tables, of which the narrow ones escape soon."""
    classes = np.zeros((3, CHANNELS), np.uint8)
    classes[:, ::256] = 2
    classes[1, [1, 16, 17, 257, 513, 514]] = 1
    classes[2] = 1
    levels = np.zeros((3, 10), np.uint8)
    levels[1] = [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]
    levels[2] = 2
    overlap = np.eye(16)
    overlap[7:9, 7:9] = [[0.9, 0.1], [0.1, 0.9]]
    arguments = {
        "colour": np.eye(3),
        "block": BLOCK,
        "overlap": overlap,
        "steps": np.linspace(120, 2, 100),
        "classes": classes,
        "levels": levels,
        "costs": np.array([[0, 2048, 8191, 8191, 8191, 8191, 8191, 8191]] * 3)
        // np.array([[1], [4], [8]]),
        "tables": [
            Table(-1, (40, 4000, 40, 16)),
            Table(-2, (96, 600, 2600, 600, 100, 100)),
            Table(-20, (*[40] * 20, 2400, *[40] * 20, 96)),
        ],
        "rebuild": np.array([[-0.1, 0.0], [0.0, 0.05], [0.0, 0.0]]),
        "groups": np.array([0, 0, 1]),
        "neighbours": 2,
        "bands": 2,
        "class_frequencies": np.tile([[1000, 1096, 2000], [3000, 96, 1000]], (9, 1)),
    }
    return Family.from_json(Family.to_json(**(arguments | changes)))


def read_by_the_book(data, content):  # noqa: C901, PLR0912, PLR0915 - in the order of FORMAT.md
    """Quality, height, width, symbols with coefficients in place of differences, and tables.

    One symbol after the other, in plain integers.
    """
    family = json.loads(content)
    body = data[:-4]
    assert data[:3] == b"\xae\x6b\x02"
    assert zlib.crc32(body, zlib.crc32(hash_of(content))) == int.from_bytes(data[-4:], "little")
    quality, at = data[5], 6
    height, at = varint_at(data, at)
    width, at = varint_at(data, at)
    payload = body[at:]
    rows, columns = -(-height // 16), -(-width // 16)
    lanes = 1 << payload[0]
    coder = Lanes(payload[1:], lanes)
    groups, edge = family["groups"], family["neighbours"]
    count = len(groups)
    frequencies = np.frombuffer(base64.b64decode(family["class_frequencies"]), "<u2")
    frequencies = frequencies.reshape(-1, count).tolist()
    band = (quality - 1) * family["bands"] // 100
    classes = []
    for cell in range(rows * columns):
        g = groups[classes[-1]] if cell % columns else edge
        t = groups[classes[cell - columns]] if cell >= columns else edge
        classes.append(coder.entry(0, frequencies[(band * (edge + 1) + g) * (edge + 1) + t]))
    level_of = np.frombuffer(base64.b64decode(family["classes"]), np.uint8).reshape(-1, 768)
    table_of = np.frombuffer(base64.b64decode(family["levels"]), np.uint8).reshape(-1, 10)
    symbols = [[0] * 768 for _ in classes]
    sizes = [[0] * 768 for _ in classes]
    used = [[0] * 768 for _ in classes]
    escaped = []
    for d in range(31):
        for p in range(3):
            i = 0
            for v in range(16):
                u = d - v
                if not 0 <= u < 16:
                    continue
                channel = (p * 16 + v) * 16 + u
                for cell, k in enumerate(classes):
                    if not level_of[k, channel]:
                        continue

                    def a(p, v, u, own=sizes[cell], d=d):
                        if min(p, v, u) < 0 or (u == v == 0 and d):
                            return 0
                        return own[(p * 16 + v) * 16 + u]

                    total = a(p, v - 1, u) + a(p, v, u - 1) + a(p - 1, v, u)
                    total += a(0, v, u) if p == 2 else 0
                    total = 2 * total + a(p, v - 2, u) + a(p, v, u - 2)
                    context = sum(bound < total for bound in (0, 1, 2, 3, 5, 8, 12, 18, 28))
                    name = int(table_of[level_of[k, channel], context])
                    table = family["tables"][name]
                    entry = coder.entry(i % lanes, table["frequencies"])
                    i += 1
                    used[cell][channel] = name
                    if entry == len(table["frequencies"]) - 1:
                        sizes[cell][channel] = 15
                        escaped.append(
                            (cell, channel, table["offset"], table["offset"] + entry - 1)
                        )
                    else:
                        symbols[cell][channel] = table["offset"] + entry
                        sizes[cell][channel] = min(15, abs(symbols[cell][channel]))
    for cell, channel, low, high in escaped:
        value = shift = 0
        while True:
            byte = coder.entry(0, [16] * 256)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        symbols[cell][channel] = low - 1 - value // 2 if value % 2 else high + 1 + value // 2
    coder.finish()
    for channel in (0, 256, 512):
        for cell in range(rows * columns):
            x, y = cell % columns, cell // columns
            left = symbols[cell - 1][channel] if x else 0
            top = symbols[cell - columns][channel] if y else 0
            if x and y:
                corner = symbols[cell - columns - 1][channel]
                symbols[cell][channel] += (3 * (left + top) - 2 * corner + 2) // 4
            else:
                symbols[cell][channel] += left + top
    return quality, height, width, np.array(symbols), np.array(used), classes


def decisions_by_the_book(content, image, quality):
    """Symbols with coefficients in place of differences, (cells, 768), and classes of effort 0.

    In whole numbers only.
    """
    family = json.loads(content)
    colour, block, overlap = (
        np.floor(2**16 * np.linalg.inv(np.reshape(family[name], (n, n)) / 2**14) + 0.5).astype(int)
        for name, n in (("colour", 3), ("block", 16), ("overlap", 16))
    )
    rows, columns = (-(-n // 16) for n in image.shape[:2])
    more = (0, rows * 16 - image.shape[0]), (0, columns * 16 - image.shape[1]), (0, 0)
    pixels = np.pad(image, more, mode="edge").astype(int) - 128
    planes = np.moveaxis((pixels @ colour.T + 8) // 16, -1, 0)
    for _ in range(2):  # along columns, then along rows
        for y in range(8, planes.shape[1] - 16, 16):
            planes[:, y : y + 16] = (overlap @ planes[:, y : y + 16] + 2**15) // 2**16
        for y in range(0, planes.shape[1], 16):
            planes[:, y : y + 16] = (block @ planes[:, y : y + 16] + 2**15) // 2**16
        planes = planes.swapaxes(1, 2)
    cells = planes.reshape(3, rows, 16, columns, 16).transpose(1, 3, 0, 2, 4).reshape(-1, 768)
    step = family["steps"][quality - 1]
    symbols = np.sign(cells) * ((np.abs(cells) + 21 * step) // (64 * step))
    symbols[:, ::256] = (cells[:, ::256] + 32 * step) // (64 * step)
    costs = np.reshape(family["costs"], (-1, 8))
    level_of = np.frombuffer(base64.b64decode(family["classes"]), np.uint8).reshape(-1, 768)
    classes = []
    for cell, own in enumerate(symbols):
        magnitudes = np.abs(own)
        for channel in (0, 256, 512):
            x, y = cell % columns, cell // columns
            left = int(symbols[cell - 1, channel]) if x else 0
            top = int(symbols[cell - columns, channel]) if y else 0
            guess = left + top
            if x and y:
                guess = (3 * guess - 2 * int(symbols[cell - columns - 1, channel]) + 2) // 4
            magnitudes[channel] = abs(own[channel] - guess)
        buckets = sum(magnitudes > bound for bound in (0, 1, 2, 4, 8, 16, 32))
        totals = costs[level_of, buckets].sum(1).tolist()
        classes.append(totals.index(min(totals)))
    return np.where(level_of[classes] > 0, symbols, 0), classes


def pixels_by_the_book(content, quality, height, width, symbols, used):
    """The image, in double precision, one cell after the other."""
    family = json.loads(content)
    colour, block, overlap = (
        np.reshape(family[name], (n, n)) / 2**14
        for name, n in (("colour", 3), ("block", 16), ("overlap", 16))
    )
    rebuild = np.array([table["rebuild"] for table in family["tables"]]) / 256
    magnitude = np.abs(symbols)
    shift = np.where(magnitude == 1, rebuild[used, 0], rebuild[used, 1]) * (magnitude > 0)
    shift[:, ::256] = 0
    values = (symbols + np.sign(symbols) * shift) * family["steps"][quality - 1] / 64
    rows, columns = -(-height // 16), -(-width // 16)
    planes = np.zeros((3, rows * 16, columns * 16))
    for cell, own in enumerate(values.reshape(-1, 3, 16, 16)):
        y, x = cell // columns * 16, cell % columns * 16
        for plane in range(3):
            planes[plane, y : y + 16, x : x + 16] = block @ own[plane] @ block.T
    for x in range(8, columns * 16 - 16, 16):
        planes[:, :, x : x + 16] = planes[:, :, x : x + 16] @ overlap.T
    for y in range(8, rows * 16 - 16, 16):
        planes[:, y : y + 16] = overlap @ planes[:, y : y + 16]
    pixels = np.moveaxis(planes, 0, -1) @ colour.T
    return np.clip(np.floor(128 + pixels + 0.5), 0, 255).astype(np.uint8)[:height, :width]


class Lanes:
    """Section 4.3: the states, and the words that they share."""

    def __init__(self, data, lanes):
        if lanes > 1:
            size = 4 * lanes
            self.states = [int.from_bytes(data[i : i + 4], "little") for i in range(0, size, 4)]
        else:
            size = len(data) if len(data) <= 4 else 4 - len(data) % 2
            self.states = [int.from_bytes(data[:size], "little")]
        self.words = [int.from_bytes(data[i : i + 2], "little") for i in range(size, len(data), 2)]
        self.end = 0 if lanes == 1 else 65536

    def entry(self, lane, frequencies):
        slot, start, entry = self.states[lane] % 4096, 0, 0
        while start + frequencies[entry] <= slot:
            start += frequencies[entry]
            entry += 1
        state = frequencies[entry] * (self.states[lane] // 4096) + slot - start
        if state < 65536 and self.words:
            state = 65536 * state + self.words.pop(0)
        self.states[lane] = state
        return entry

    def finish(self):
        assert not self.words
        assert set(self.states) == {self.end}


def varint_at(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def hash_of(content):
    return hashlib.sha256(content).digest()
