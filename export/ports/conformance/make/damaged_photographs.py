"""Version 2: files that every reader refuses, and families with one thing changed."""

from __future__ import annotations

import base64
import copy
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from photographs import (
    BLANK,
    Photograph,
    blank,
    draw,
    escapes,
    families,
    of_image,
    pack_as,
    wrapped,
)

from kerasae_export.format.photo_file import Head, write_photo
from kerasae_export.format.varint import varint

CORRUPT, VERSION, BUNDLE, LIMIT, OTHER = "corrupt", "version", "bundle", "limit", "other"
Content = dict[str, Any]


def damaged_photographs() -> Iterator[Photograph]:
    """All of them."""
    yield from _heads()
    yield from _claims()
    yield from _payloads()
    yield from _limits()


def _refused(name: str, data: bytes, section: str, error: str = CORRUPT, **rest: Any) -> Photograph:
    family = rest.pop("family", "small")
    return Photograph(name, family, data, error=error, section=section, **rest)


def _sealed(body: bytes) -> bytes:
    """A file with a CRC that fits."""
    key = families()["small"].digest
    return body + zlib.crc32(body, zlib.crc32(key)).to_bytes(4, "little")


def _file(name: str, middle: bytes, section: str, error: str = CORRUPT, **rest: Any) -> Photograph:
    """A file whose head and CRC fit: quality, height, width and payload are given."""
    key = families()["small"].digest
    return _refused(name, _sealed(b"\xaek\x02" + key[:2] + middle), section, error, **rest)


def _heads() -> Iterator[Photograph]:
    """What is read without the family."""
    good = of_image("small", 15, 33, 50).data
    for size in (0, 1, 2, 5, 9):
        yield _refused(f"photo-of-{size}-bytes", good[:size], "7, 1")
    for i, byte in ((0, 0xAF), (1, 0x6C)):
        yield _refused(f"photo-magic-{i}", good[:i] + bytes([byte]) + good[i + 1 :], "7, 1")
    yield _refused("photo-as-stream", b"\xaes" + good[2:], "7, 1", OTHER)
    for version in (0, 1, 3, 255):
        changed = good[:2] + bytes([version]) + good[3:]
        yield _refused(f"photo-version-{version}", changed, "7, 2", VERSION)
    for i in (3, 4):
        changed = good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :]
        yield _refused(f"photo-family-{i}", changed, "7, 3", BUNDLE)
    both = good[:2] + b"\x03" + bytes([good[3] ^ 1]) + good[4:]
    yield _refused("photo-version-before-family", both, "7, 2", VERSION)
    both = good[:3] + bytes([good[3] ^ 1]) + good[4:-1] + bytes([good[-1] ^ 1])
    yield _refused("photo-family-before-crc", both, "7, 3", BUNDLE)
    for i in range(6, len(good), len(good) // 12):
        changed = good[:i] + bytes([good[i] ^ 0x10]) + good[i + 1 :]
        yield _refused(f"photo-bit-{i}", changed, "7, 4")
    yield _refused("photo-truncated", good[:-1], "7, 4")
    yield _refused("photo-with-more", good + b"\0", "7, 4")
    plain = zlib.crc32(good[:-4]).to_bytes(4, "little")
    yield _refused("photo-crc-without-hash", good[:-4] + plain, "10")
    naming = good[:5] + bytes([good[5] | 0x80]) + good[6:]
    yield _refused("photo-naming-after-crc", naming, "7, 4")
    yield _refused("photo-naming", _sealed(naming[:-4]), "10", VERSION)


def _claims() -> Iterator[Photograph]:
    """Quality, height and width."""
    for quality in (0, 101, 127):
        yield _file(f"photo-quality-{quality}", bytes([quality, 9, 7, 0]), "7, 4")
    for quality in (128, 228, 255):
        yield _file(f"photo-quality-{quality}", bytes([quality, 9, 7, 0]), "10", VERSION)
    yield _file("photo-height-missing", b"\x32", "7, 4")
    yield _file("photo-width-missing", b"\x32\x09", "7, 4")
    yield _file("photo-height-cut", b"\x32\x89\x80", "7, 4")
    yield _file("photo-height-overlong", b"\x32\x89\0\x07\0", "7, 4")
    yield _file("photo-width-overlong", b"\x32\x09\x87\0\0", "7, 4")
    yield _file("photo-height-of-six-bytes", b"\x32\x80\x80\x80\x80\x80\x01\x07", "7, 4")
    for name, size in (("height-0", (0, 7)), ("width-0", (9, 0))):
        yield _file(f"photo-{name}", b"\x32" + varint(size[0]) + varint(size[1]) + b"\0", "7, 5")
    for name, size in (("height", (2**31, 1)), ("width", (1, 2**35 - 1))):
        claims = varint(size[0]) + varint(size[1])
        yield _file(f"photo-{name}-over-31-bits", b"\x32" + claims + b"\0", "7, 5")
    longest = 1 + 4 * 2**10 + 12 * 769
    yield _file("photo-payload-too-long", b"\x32\x09\x07" + b"\1" * (longest + 1), "7, 5")


def _payloads() -> Iterator[Photograph]:
    """Sections 10.3 and 10.4, and the rules of 4.3."""
    yield _file("photo-no-payload", b"\x32\x09\x07", "10.3")
    for lanes in (11, 128, 255):
        yield _file(f"photo-lanes-{lanes}", b"\x32\x09\x07" + bytes([lanes]) + bytes(99), "10.3")
    symbols, classes = draw("small", 6, 11, 0.05)
    for log2 in (0, 1, 4):
        good = pack_as("small", symbols, classes, 3, 50, log2)
        name = f"photo-{1 << log2}-lanes"
        size = 1 + (4 << log2)

        def made(payload: bytes) -> bytes:
            return wrapped("small", payload, 2, 3)

        yield _refused(f"{name}-words-left", made(good + b"\0\0"), "4.3")
        yield _refused(f"{name}-word-missing", made(good[:-2]), "4.3")
        yield _refused(f"{name}-byte-missing", made(good[:-1]), "4.3")
        yield _refused(f"{name}-only-states", made(good[:size]), "4.3")
        yield _refused(
            f"{name}-half-the-words", made(good[: size + (len(good) - size) // 4 * 2]), "4.3"
        )
        if log2:
            small = good[:1] + (65535).to_bytes(4, "little") + good[5:]
            yield _refused(f"{name}-state-too-small", made(small), "4.3")
            yield _refused(f"{name}-states-missing", made(good[: size - 4]), "4.3")
    yield _refused("photo-state-overlong", wrapped("small", b"\0\x05\x06\0", 1, 1), "4.3")
    yield _refused(
        "photo-end-in-another-state", wrapped("free", b"\0\1", 1, 1), "4.3", family="free"
    )
    symbols, classes = draw("small", 22, 6, 0, classes=2)
    fewer = pack_as("small", symbols, classes, 11, 50, 0)
    yield _refused("photo-fewer-lanes-than-needed", wrapped("small", fewer, 2, 11), "10.3")
    for name, value in (("above", 2 * (32768 - 2)), ("below", 2 * (32768 - 1) + 1)):
        yield _refused(f"photo-symbol-{name}-16-bits", _escaped(varint(value)), "10.1")
    yield _refused("photo-escape-overlong", _escaped(b"\x85\0"), "4.2")
    yield _refused("photo-escape-of-six-bytes", _escaped(b"\x80\x80\x80\x80\x80\1"), "4.2")
    for name, sign in (("above", 1), ("below", -1)):
        symbols, classes = np.zeros((768, 2), np.int16), np.zeros(2, np.uint8)
        symbols[256] = 20000 * sign
        payload = pack_as("small", symbols, classes, 2, 50, 0)
        yield _refused(f"photo-lowest-{name}-16-bits", wrapped("small", payload, 1, 2), "10.4")


def _escaped(tail: bytes) -> bytes:
    """A file whose one escaped symbol, beside a table from -1 to 1, has these bytes."""
    symbols, classes = np.zeros((768, 1), np.int16), np.ones(1, np.uint8)
    symbols[1] = 300
    return wrapped("small", pack_as("small", symbols, classes, 1, 50, 0, tail), 1, 1)


def _limits() -> Iterator[Photograph]:
    """Section 7.1."""
    over = {"error": LIMIT, "section": "7.1"}
    key = families()["small"].digest
    small = write_photo(Head(50, 9, 16), b"\0", key)
    yield _refused("photo-over-max-pixels", small, "7.1", LIMIT, limits={"max_pixels": 143})
    yield blank("photo-over-pixels", 4097, BLANK, **over)
    yield blank("photo-over-pixels-twice", 8193, BLANK, **over, limits={"max_expansion": 2})
    yield escapes("photo-over-escapes", 2**13 + 1, **over, limits={"max_pixels": 2**18})
    huge = varint(2**31 - 1) * 2
    yield _file("photo-over-everything", b"\x32" + huge + b"\0", "7.1", LIMIT)
    # The symbols end before they are all there, after more escaped ones than are allowed.
    number = 2**13 + 900  # each with two bytes at the end
    ends = escapes("", number).data
    yield _refused(
        "photo-ends-before-limit", _sealed(ends[: -2 * number - 200]), "4.3",
        limits={"max_pixels": 2**18},
    )  # fmt: skip
    length = 1 + 4 * 2**10 + 2 * 769 * 12 + 10 * 2**13
    body = b"\x32" + varint(48) + varint(64) + b"\0" + b"\1" * length
    yield _file("photo-over-escapes-by-length", body, "7.1", LIMIT, limits={"max_pixels": 2**18})


def changed_families() -> Iterator[tuple[str, bytes, str | None]]:
    """Name, text, and the section that refuses it, or None."""
    text = families()["free"].content.decode()
    base = json.loads(text)
    for name, broken in {
        "not-json": "{",
        "a-list": "[]",
        "byte-order-mark": "\ufeff" + text,
        "name-twice": text.replace('"bands":1', '"bands":1,"bands":1'),
        "fraction": text.replace('"bands":1', '"bands":1.0'),
        "base64-of-other-letters": text.replace('"levels":"', '"levels":"-_', 1),
        "base64-with-a-line": text.replace('"levels":"', '"levels":"\\n', 1),
    }.items():
        yield f"family-{name}", broken.encode(), "9"
    yield "family-good-spaces", json.dumps(base, indent=1).encode(), None
    for name, change in _good().items():
        yield f"family-good-{name}", _changed(base, change), None
    for name, change in _bad().items():
        yield f"family-{name}", _changed(base, change), "9"


def _changed(content: Content, change: Callable[[Content], object]) -> bytes:
    changed = copy.deepcopy(content)
    change(changed)
    return json.dumps(changed, separators=(",", ":")).encode()


def _set(name: str, value: Any) -> Callable[[Content], object]:
    return lambda c: c.update({name: value})


def _item(name: str, i: int, value: Any) -> Callable[[Content], object]:
    return lambda c: c[name].__setitem__(i, value)


def _byte(name: str, i: int, value: int) -> Callable[[Content], object]:
    def change(content: Content) -> None:
        raw = bytearray(base64.b64decode(content[name]))
        raw[i] = value
        content[name] = base64.b64encode(raw).decode()

    return change


def _table(field: str, value: Any) -> Callable[[Content], object]:
    return lambda c: c["tables"][0].update({field: value})


def _good() -> dict[str, Callable[[Content], object]]:
    return {
        "overlap-of-none": _set("overlap", [2**14 * (i % 17 == 0) for i in range(256)]),
        "rebuild-ends": _table("rebuild", [-256, 256]),
        "offset-least": _table("offset", 1 - 2**15),
        "offset-most": lambda c: c["tables"][0].update(
            {"offset": 2**15 - 1, "frequencies": [1, 4095]}
        ),
        "costs-most": _item("costs", 0, 2**13),
    }


def _bad() -> dict[str, Callable[[Content], object]]:
    names = (
        "format format_version colour block overlap steps classes levels costs tables groups "
        "neighbours bands class_frequencies"
    )
    changes: dict[str, Callable[[Content], object]] = {
        f"without-{name}": (lambda c, name=name: c.pop(name))  # type: ignore[misc]
        for name in names.split()
    }
    half = [2**14 * (i % 17 == 0) for i in range(256)]
    uncertain = list(half)
    uncertain[1], uncertain[18] = 1, 2048  # of the inverse, one entry is 2^-17
    return changes | {
        "with-more": _set("more", 1),
        "another-format": _set("format", "kerasae-bundle"),
        "version-1": _set("format_version", 1),
        "version-as-string": _set("format_version", "2"),
        "colour-singular": _set("colour", [0] * 9),
        "colour-of-8": lambda c: c["colour"].pop(),
        "colour-too-large": _item("colour", 0, 2**17 + 1),
        "block-singular": _set("block", [1] * 256),
        "block-gains-too-much": _set("block", [value // 64 for value in half]),
        "overlap-uncertain": _set("overlap", uncertain),
        "steps-not-falling": lambda c: c["steps"].__setitem__(5, c["steps"][4]),
        "steps-0": _item("steps", 99, 0),
        "steps-too-large": _item("steps", 0, 2**20 + 1),
        "steps-of-99": lambda c: c["steps"].pop(),
        "classes-empty": _set("classes", ""),
        "classes-of-767-bytes": _set("classes", base64.b64encode(b"\1" * 767).decode()),
        "classes-unknown-level": _byte("classes", 5, 2),
        "classes-lowest-not-coded": _byte("classes", 256, 0),
        "levels-one": _set("levels", base64.b64encode(bytes(10)).decode()),
        "levels-66": _set("levels", base64.b64encode(bytes(660)).decode()),
        "levels-unknown-table": _byte("levels", 12, 1),
        "levels-without-padding": _set("levels", base64.b64encode(bytes(20)).decode().rstrip("=")),
        "costs-of-15": lambda c: c["costs"].pop(),
        "costs-too-large": _item("costs", 0, 2**13 + 1),
        "costs-negative": _item("costs", 0, -1),
        "tables-none": _set("tables", []),
        "tables-65": lambda c: c.update(tables=c["tables"][:1] * 65),
        "table-with-more": _table("more", 1),
        "table-offset-too-small": _table("offset", -(2**15)),
        "table-offset-too-large": _table("offset", 2**15),
        "table-symbols-over-16-bits": lambda c: c["tables"][0].update(
            {"offset": 2**15 - 2, "frequencies": [1, 1, 1, 4093]}
        ),
        "table-of-one-entry": _table("frequencies", [4096]),
        "table-of-2050-entries": _table("frequencies", [1] * 2049 + [2047]),
        "table-with-0": _table("frequencies", [0, 4096]),
        "table-sum-4095": _table("frequencies", [4000, 95]),
        "table-sum-4097": _table("frequencies", [4096, 1]),
        "table-rebuild-of-one": _table("rebuild", [0]),
        "table-rebuild-too-large": _table("rebuild", [0, 257]),
        "groups-of-none": lambda c: c["groups"].pop(),
        "groups-unknown": _item("groups", 0, 1),
        "neighbours-0": _set("neighbours", 0),
        "neighbours-65": _set("neighbours", 65),
        "bands-0": _set("bands", 0),
        "bands-101": _set("bands", 101),
        "bands-other": _set("bands", 2),
        "too-many-class-tables": lambda c: c.update(bands=4, neighbours=64),
        "class-frequency-0": _byte("class_frequencies", 1, 0),
        "class-frequencies-short": _set("class_frequencies", "AAAA"),
    }
