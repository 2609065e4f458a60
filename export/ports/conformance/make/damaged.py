"""Files and streams that every reader refuses: with the word and the section of FORMAT.md."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator

import numpy as np
from bundles import BY_NAME, Bundle
from case import Case, image, stream
from good import BLANK, RUNS

from kerasae_export.format.rans import Encoder
from kerasae_export.format.varint import varint

CORRUPT, VERSION, BUNDLE, LIMIT, OTHER = "corrupt", "version", "bundle", "limit", "other"


def damaged_files() -> Iterator[Case]:
    """All of them."""
    yield from _heads()
    yield from _files()
    yield from _payloads()
    yield from _several_lanes()
    yield from _classes()
    yield from _streams()
    yield from _limits()


def _refused(
    name: str, bundle: str, data: bytes, section: str, error: str = CORRUPT, **rest: object
) -> Case:
    stream = bool(rest.pop("stream", False))
    return Case(name, bundle, data, stream, error=error, section=section, **rest)  # type: ignore[arg-type]


def sealed(bundle: Bundle, body: bytes) -> bytes:
    """A file with a CRC that fits."""
    return body + zlib.crc32(body, zlib.crc32(bundle.key)).to_bytes(4, "little")


def _file(
    name: str,
    middle: bytes,
    section: str,
    error: str = CORRUPT,
    *,
    bundle: str = "blocks",
    **rest: object,
) -> Case:
    """A file with a head and a CRC that fit: quality, height, width and payload are given."""
    home = BY_NAME[bundle]
    data = sealed(home, b"\xaek\x01" + home.key[:2] + middle)
    return _refused(name, bundle, data, section, error, **rest)


def _heads() -> Iterator[Case]:
    """Section 7, 1 to 3."""
    good = image("", "blocks", (9, 7)).data
    many = stream("", "blocks", [(2, 9, 7, 1)]).data
    for kind, data, other in (("file", good, many), ("stream", many, good)):
        is_stream = {"stream": kind == "stream"}
        for size in (0, 1, 2, 5, 9):
            yield _refused(f"{kind}-of-{size}-bytes", "blocks", data[:size], "7, 1", **is_stream)
        for i, byte in ((0, 0xAF), (1, 0x6C)):
            changed = data[:i] + bytes([byte]) + data[i + 1 :]
            yield _refused(f"{kind}-magic-{i}", "blocks", changed, "7, 1", **is_stream)
        yield _refused(f"{kind}-of-the-other-kind", "blocks", other, "7, 1", OTHER, **is_stream)
        for version in (0, 2, 255):
            changed = data[:2] + bytes([version]) + data[3:]
            yield _refused(
                f"{kind}-version-{version}", "blocks", changed, "7, 2", VERSION, **is_stream
            )
        for i in (3, 4):
            changed = data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]
            yield _refused(f"{kind}-bundle-{i}", "blocks", changed, "7, 3", BUNDLE, **is_stream)
        both = data[:2] + b"\x07" + bytes([data[3] ^ 1]) + data[4:]
        yield _refused(
            f"{kind}-version-before-bundle", "blocks", both, "7, 2", VERSION, **is_stream
        )
        bundle = data[:3] + bytes([data[3] ^ 1]) + data[4:-1] + bytes([data[-1] ^ 1])
        yield _refused(f"{kind}-bundle-before-crc", "blocks", bundle, "7, 3", BUNDLE, **is_stream)


def _files() -> Iterator[Case]:
    """Section 7, 4 and 5, of a file."""
    good = image("", "classes", (9, 7), 2).data
    for i in range(5, len(good), 3):
        changed = good[:i] + bytes([good[i] ^ 0x10]) + good[i + 1 :]
        yield _refused(f"file-bit-{i}", "classes", changed, "7, 4")
    yield _refused("file-truncated", "classes", good[:-1], "7, 4")
    yield _refused("file-with-more", "classes", good + b"\0", "7, 4")
    body = good[:-4]
    plain = zlib.crc32(body).to_bytes(4, "little")
    yield _refused("file-crc-without-hash", "classes", body + plain, "5")
    big = zlib.crc32(body, zlib.crc32(BY_NAME["classes"].key)).to_bytes(4, "big")
    yield _refused("file-crc-big-endian", "classes", body + big, "5")
    for quality in (0, 5, 128, 255):
        yield _file(f"quality-{quality}", bytes([quality, 9, 7]), "7, 4", bundle="classes")
    yield _file("height-overlong", b"\x89\0\x07", "7, 4")
    yield _file("width-overlong", b"\x09\x87\0", "7, 4")
    yield _file("height-of-six-bytes", b"\x80\x80\x80\x80\x80\x01\x07", "7, 4")
    yield _file("height-cut", b"\x89\x80", "7, 4")
    yield _file("width-missing", b"\x89\x01", "7, 4")
    for name, size in (("height-0", (0, 7)), ("width-0", (9, 0)), ("both-0", (0, 0))):
        yield _file(name, varint(size[0]) + varint(size[1]), "7, 5")
    for name, size in (("height", (2**31, 1)), ("width", (1, 2**35 - 1))):
        yield _file(f"{name}-over-31-bits", varint(size[0]) + varint(size[1]), "7, 5")
    # 9 x 7 pixels are 4 tiles of 6 symbols: at most 4 + 12 x 24 bytes.
    yield _file("payload-longer-than-possible", b"\x09\x07" + b"\x01" * 293, "7, 5")
    good = image("", "blocks", (9, 7)).data
    yield _refused(
        "limit-under-a-wrong-crc", "blocks", good[:5] + varint(2**20) * 2 + bytes(5), "7, 4"
    )


def _coded(rest: bytes, size: bytes = b"\x07\x05") -> bytes:
    return size + rest


def _escaped(number: int, tail: bytes) -> bytes:
    """The code of `number` escapes of the table of `lanes`, and bytes behind them."""
    encoder = Encoder(1)
    encoder.plain(tail)
    encoder.batch(np.full(number, 10 << 12 | 4086, np.uint32))
    return encoder.finish()


def _payloads() -> Iterator[Case]:
    """Sections 4.2 and 4.3, in one lane; a tile of `blocks` has six symbols."""
    good = image("", "blocks", (7, 5), symbols=[3, -4, 90, 0, 1, -5000]).data[7:-4]
    yield _file("words-left", _coded(good + b"\0\0"), "4.3")
    yield _file("word-missing", _coded(good[:-2]), "4.3")
    yield _file("byte-missing", _coded(good[:-1]), "4.3")
    for i in (0, 1, 2):  # of others some make another valid payload
        changed = bytearray(good)
        changed[i] ^= 0x41
        yield _file(f"payload-byte-{i}", _coded(bytes(changed)), "4.3")
    yield _file("end-in-another-state", _coded(b"\x01"), "4.3")
    for size in (1, 2, 3, 4):
        overlong = bytes(size)
        yield _file(f"state-0-in-{size}-bytes", b"\x08\x08" + overlong, "4.3", bundle="blank")
    yield _file("state-overlong", b"\x08\x08" + b"\x05\x06\x07\0" + bytes(2), "4.3", bundle="blank")
    low, high = 2**31 - 1 - 1, 2**31 - 2  # from the ends of `lanes`, -1 to 1, to those of 32 bits
    zeros = varint(0)
    for name, value in (("above", 2 * high), ("below", 2 * low + 1)):
        tail = varint(value + 2) + zeros * 15
        yield _file(
            f"symbol-{name}-32-bits", b"\x08\x08" + _escaped(16, tail), "4.2", bundle="lanes"
        )
    largest = varint(2**35 - 1) + zeros * 15
    yield _file("symbol-of-35-bits", b"\x08\x08" + _escaped(16, largest), "4.2", bundle="lanes")
    for name, tail in (("overlong", b"\x81\0"), ("of-six-bytes", b"\x81\x81\x81\x81\x81\x01")):
        whole = _escaped(16, tail + zeros * 15)
        yield _file(f"escape-{name}", b"\x08\x08" + whole, "4.2", bundle="lanes")
    yield _file(
        "escape-left-over",
        b"\x08\x08" + _escaped(16, zeros * 16 + varint(1)),
        "4.2",
        bundle="lanes",
    )
    for bundle in ("indices", "dense-indices"):
        home = BY_NAME[bundle]
        table = home.spec.best.tables[0]
        end = table.offset + len(table.frequencies) - 1
        count = home.layout.count(1, 1)
        for name, value in (("beyond", 2 * (home.spec.codebook - end)), ("negative", 1)):
            encoder = Encoder(1)
            encoder.plain(varint(value) + zeros * 0)
            start = 4096 - table.frequencies[-1]
            rest = np.full(count - 1, table.frequencies[0] << 12, np.uint32)
            escape = np.array([table.frequencies[-1] << 12 | start], np.uint32)
            encoder.batch(np.concatenate([rest, escape]))
            coded = b"\x01\x01" + encoder.finish()
            yield _file(f"{bundle}-{name}", coded, "2", bundle=bundle)


def _several_lanes() -> Iterator[Case]:
    """Section 4.3, in two lanes and in 1,024."""
    pattern = np.zeros(1499, np.int64)
    pattern[::200], pattern[7::300] = 1, -1
    for lanes, size in ((2, (8, 8 * 512)), (33, (8 * 66, 8 * 128))):
        whole = image("", "lanes", size, symbols=pattern).data
        first = 5 + len(varint(size[0])) + len(varint(size[1]))
        front, good = whole[5:first], whole[first:-4]
        states = 4 * lanes
        changes = {
            "state-too-small": b"\xff\xff\0\0" + good[4:],
            "state-changed": bytes([good[0] ^ 1]) + good[1:],
            "states-cut": good[: states - 1],
            "no-words": good[:states],
            "odd": good[:-1],
            "word-missing": good[:-2],
            "word-left": good + b"\0\0",
            "words-swapped": good[:states]
            + good[states + 2 : states + 4]
            + good[states : states + 2]
            + good[states + 4 :],
            "nothing": b"",
        }
        for name, payload in changes.items():
            yield _file(
                f"lanes-{lanes}-{name}",
                front + payload,
                "4.3",
                bundle="lanes",
                limits={"max_expansion": 4},  # what is empty may have as many runs
            )


def _classes() -> Iterator[Case]:
    """Section 4.1: quality 2 has three classes, of two bits each; 9 x 7 pixels three times two."""
    good = image("", "classes", (9, 7), 2).data[8:-4]
    front = b"\x02\x09\x07"
    yield _file("class-unknown", front + bytes([good[0] | 3]) + good[1:], "4.1", bundle="classes")
    yield _file(
        "class-bits-left", front + good[:1] + bytes([good[1] | 0x80]) + good[2:], "4.1",
        bundle="classes",
    )  # fmt: skip
    yield _file("classes-cut", front + good[:1], "4.1", bundle="classes")
    yield _file("classes-missing", front, "4.1", bundle="classes")


def _chain(bundle: Bundle, pieces: list[bytes], end: bytes) -> bytes:
    """A stream of blocks with CRCs that fit; the pieces lack theirs."""
    head = b"\xaes\x01" + bundle.key[:2]
    out, previous = head, head
    for piece in [*pieces, end]:
        value = zlib.crc32(piece, zlib.crc32(previous, zlib.crc32(bundle.key)))
        previous = value.to_bytes(4, "little")
        out += piece + previous
    return out


def _streams() -> Iterator[Case]:
    """Section 6."""
    home = BY_NAME["blocks"]
    groups = [(1, 7, 5, 1), (2, 9, 7, 1), (1, 7, 6, 1)]
    payloads = [image("", "blocks", (7, 5)).data[7:-4] for _ in groups]
    blank = bytes([1, 7, 5])
    first = blank + varint(len(payloads[0])) + payloads[0]

    def case(name: str, data: bytes, section: str = "6") -> Case:
        return _refused(f"stream-{name}", "blocks", data, section, stream=True)

    good = _chain(home, [first, first], b"\0\x02")
    size = len(first) + 4
    yield case("truncated", good[:-1])
    yield case("with-more", good + b"\0")
    yield case("without-end", good[:-6])
    yield case("cut-between-blocks", good[: 5 + size])
    yield case("block-removed", good[:5] + good[5 + size :])
    yield case("block-repeated", good[: 5 + size] + good[5:])
    yield case("crc-of-block", good[: 5 + size - 1] + b"\x55" + good[5 + size :])
    yield case("crc-of-end", good[:-1] + bytes([good[-1] ^ 1]))
    for total in (1, 3):
        yield case(f"total-{total}", _chain(home, [first, first], bytes([0, total])))
    yield case("total-overlong", _chain(home, [first, first], b"\0\x82\0"))
    yield case("end-twice", _chain(home, [first, b"\0\x01"], b"\0\x01"))
    yield case("data-behind-the-end", _chain(home, [b"\0\0"], first))
    yield case("count-257", _chain(home, [varint(257) + b"\1\1\0"], b"\0" + varint(257)), "7, 4")
    yield case("count-overlong", _chain(home, [b"\x81\0" + first[1:]], b"\0\1"), "7, 4")
    yield case("height-0", _chain(home, [b"\1\0\5\0"], b"\0\1"), "7, 5")
    yield case("payload-beyond-the-end", _chain(home, [blank + b"\x7f" + payloads[0]], b"\0\1"))
    yield case("payload-of-35-bits", good[:8] + varint(2**35 - 1) + good[9:], "7, 5")
    over = blank + varint(4 + 72 + 1) + bytes(4 + 72 + 1)
    yield case("payload-longer-than-possible", _chain(home, [over], b"\0\1"), "7, 5")
    yield case("payload-damaged", _chain(home, [first, first[:-1] + b"\x99"], b"\0\2"), "7, 6")
    classes = BY_NAME["classes"]
    for quality in (0, 5):
        data = _chain(classes, [bytes([1, quality, 1, 1, 0])], b"\0\1")
        yield _refused(f"stream-quality-{quality}", "classes", data, "7, 4", stream=True)


def _limits() -> Iterator[Case]:
    """Section 7.1, each just over the limit: what is just below is among the good files."""

    def over(case: Case) -> Case:
        changed = vars(case) | {"groups": (), "symbols": None, "error": LIMIT, "section": "7.1"}
        return Case(**changed)

    blank = {"symbols": [0]}
    yield over(image("over-max-pixels", "lanes", (8, 17), **blank, limits={"max_pixels": 135}))
    yield over(stream("over-max-images", "blocks", [(3, 7, 5, 1)] * 2, limits={"max_images": 5}))
    yield over(
        stream("over-max-pixels-of-all", "blocks", [(3, 7, 5, 1)] * 2, limits={"max_pixels": 209})
    )
    yield over(image("over-pixels", "blank", (4097, BLANK), **blank))
    yield over(
        image("over-pixels-twice", "blank", (8193, BLANK), **blank, limits={"max_expansion": 2})
    )
    yield over(image("over-runs", "small-tile", (64, RUNS // 64 + 1), **blank))
    yield over(stream("over-images", "blank", [*[(256, 1, 1, 1)] * 6, (81, 1, 1, 1)], blank=True))
    yield over(image("over-symbols", "heavy", (3, 3), **blank, limits={"max_pixels": 2**16}))
    yield over(image("over-pixels-of-tiles", "large-tile", (1, 1), **blank))
    yield over(
        image("over-pixels-of-tiles-at-all", "large-tile", (1, 1), **blank,
              limits={"max_pixels": 2**22 - 1, "max_expansion": 2**10})
    )  # fmt: skip
    yield over(
        image("over-escapes", "lanes", (8, 8 * 513), symbols=[5], limits={"max_pixels": 2**18})
    )
    # Data that end among the symbols, after more escaped ones than are allowed: these are counted
    # when all symbols are there. In the table, 10 of 4,096 are the escape's.
    whole = image("", "lanes", (8, 8 * 767), symbols=[5], limits={"max_pixels": 2**18}).data
    words = int(16 * 767 * math.log2(4096 / 10) / 16)
    end = 5 + len(varint(8)) + len(varint(8 * 767)) + 4 * 2 + 2 * (words * 3 // 4)
    yield _refused(
        "lanes-2-end-before-limit", "lanes", sealed(BY_NAME["lanes"], whole[:end]), "4.3",
        limits={"max_pixels": 2**18},
    )  # fmt: skip
    # A payload so long that more symbols than are allowed are escaped, of whatever bytes.
    home = BY_NAME["lanes"]
    size = varint(8) + varint(8 * 513)
    symbols = 16 * 513
    length = 4 * 2 + 2 * symbols + 10 * 2**13 + 1
    body = b"\xaek\x01" + home.key[:2] + size + b"\x01" * length
    yield _refused(
        "over-escapes-by-length", "lanes", sealed(home, body), "7.1", LIMIT,
        limits={"max_pixels": 2**18},
    )  # fmt: skip
    head = b"\xaek\x01" + home.key[:2]
    huge = varint(2**31 - 1) * 2
    yield _refused("over-everything", "lanes", sealed(home, head + huge), "7.1", LIMIT)
