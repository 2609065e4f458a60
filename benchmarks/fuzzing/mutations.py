"""Seeded damage to bytes and to JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

__all__ = ["extreme_integer", "mutate_bytes", "mutate_json", "mutate_text"]

_EDGES = [0, 1, 2, 3, 127, 128, 255, 256, 4095, 4096, 4097, 65535, 65536]
_NUMBERS = [*_EDGES, *(2**n + d for n in (24, 26, 30, 31, 32, 35, 63, 64) for d in (-1, 0, 1))]
_FOREIGN = [b"\xae\x6b", b"\xae\x73", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"TFL3", b"PK\x03\x04"]
_STRINGS = [
    "", ".", "..", "/", "../../etc/passwd", "/etc/passwd", "golden/../../x", "a/b/c", "a\\b",
    "C:\\x", ".hidden", "NUL", "encoder.tflite", "decoder.tflite", "manifest.json", "\0", "\ud800",
    "é", "\u202e", "😀" * 50, "a" * 500, "0" * 64, "int8", "float32", "uint8", "grid", "blocks",
]  # fmt: skip


def extreme_integer(rng: Random) -> int:
    """A number at which something may change, or any, sometimes negative or huge."""
    kind = rng.randrange(8)
    if kind == 0:
        return rng.getrandbits(rng.choice([8, 16, 33]))
    if kind == 1:
        return 10 ** rng.choice([20, 400])
    value = rng.choice(_NUMBERS)
    return -value if kind == 2 else value


def mutate_bytes(rng: Random, data: bytes, other: bytes = b"") -> bytes:
    """One to three changes: bits, bytes, cuts, copies, splices with `other`, inflated numbers."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(out) + 1)
        rng.choice(_DAMAGES)(rng, out, at, other)
    return bytes(out)


def _flip_bit(rng: Random, out: bytearray, at: int, other: bytes) -> None:
    if out:
        out[at % len(out)] ^= 1 << rng.randrange(8)


def _set_byte(rng: Random, out: bytearray, at: int, other: bytes) -> None:
    if out:
        out[at % len(out)] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])


def _cut_tail(rng: Random, out: bytearray, at: int, other: bytes) -> None:
    del out[at:]


def _cut_piece(rng: Random, out: bytearray, at: int, other: bytes) -> None:
    del out[at : at + rng.randrange(1, 9)]


def _insert(rng: Random, out: bytearray, at: int, other: bytes) -> None:
    out[at:at] = rng.randbytes(rng.randrange(1, 9))


def _repeat(rng: Random, out: bytearray, at: int, other: bytes) -> None:
    out[at:at] = out[at : at + rng.randrange(1, 64)]


def _move(rng: Random, out: bytearray, at: int, other: bytes) -> None:
    piece = out[at : at + rng.randrange(1, 32)]
    del out[at : at + len(piece)]
    to = rng.randrange(len(out) + 1)
    out[to:to] = piece


def _splice(rng: Random, out: bytearray, at: int, other: bytes) -> None:
    out[at:] = other[rng.randrange(len(other) + 1) :]


def _endless_varint(rng: Random, out: bytearray, at: int, other: bytes) -> None:
    out[at : at + 1] = rng.choice([b"\x80", b"\xff"]) * rng.randrange(1, 7) + b"\x01"


def _extreme_word(rng: Random, out: bytearray, at: int, other: bytes) -> None:
    out[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4)])


def _foreign_magic(rng: Random, out: bytearray, at: int, other: bytes) -> None:
    magic = rng.choice(_FOREIGN)
    out[: len(magic)] = magic


_DAMAGES: list[Callable[[Random, bytearray, int, bytes], None]] = [
    _flip_bit, _set_byte, _cut_tail, _cut_piece, _insert, _repeat, _move, _splice,
    _endless_varint, _extreme_word, _foreign_magic,
]  # fmt: skip


def mutate_json(rng: Random, content: Any) -> None:
    """Change one to three places of a JSON object."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        parent, key = _place(rng, content)
        kind = rng.randrange(10)
        if kind < 4:
            parent[key] = _value(rng, parent[key])
        elif kind == 4:
            del parent[key]
        elif kind == 5:
            _double(rng, parent, key)
        elif kind == 6:  # what stands elsewhere
            other, name = _place(rng, content)
            parent[key] = json.loads(json.dumps(other[name]))
        elif isinstance(parent[key], int):
            _shift(rng, parent, key, keep_sum=kind == 7 and isinstance(parent, list))
        if not content:
            return


def _double(rng: Random, parent: Any, key: Any) -> None:
    if isinstance(parent, dict):
        parent[rng.choice(_STRINGS)] = parent[key]
    else:
        parent.insert(key, parent[key])


def _shift(rng: Random, parent: Any, key: Any, *, keep_sum: bool) -> None:
    """Change an integer by one; with `keep_sum`, as of frequencies, another one the other way."""
    if not keep_sum:
        parent[key] += rng.choice([-1, 1])
        return
    other = rng.randrange(len(parent))
    if isinstance(parent[other], int):
        parent[key] += 1
        parent[other] -= 1


def mutate_text(rng: Random, text: bytes) -> bytes:
    """Damage to JSON as text: bytes, encodings, names twice, numbers that are none."""
    kind = rng.randrange(8)
    if kind == 0:
        return text.decode("utf-8").encode(rng.choice(["utf-16", "utf-32", "utf-8-sig"]))
    if kind == 1:
        return text.replace(b'": ', rng.choice([b'": NaN, "', b'": -Infinity, "']), 1)
    if kind == 2:  # the first name once more
        return text.replace(b"{", b'{"format": "kerasae-bundle",', 1)
    if kind == 3:
        depth = rng.choice([50, 500, 5000, 100_000])
        return text.replace(b": {", b": " + b"[" * depth, 1)
    if kind == 4:
        number = rng.choice([b"1e999", b"-0", b"1.0", b"1" * 5000, b"0x10", b"01", b"1e2"])
        at = text.find(b": ", rng.randrange(len(text))) + 2
        return text[:at] + number + text[text.find(b",", at) :]
    return mutate_bytes(rng, text, text)


def _place(rng: Random, content: Any) -> tuple[Any, Any]:
    """A random place, all levels alike; long lists are entered less often than their length."""
    parent, key = content, rng.choice(list(content))
    while isinstance(parent[key], (dict, list)) and parent[key] and rng.random() < 0.8:
        parent = parent[key]
        key = rng.choice(list(parent)) if isinstance(parent, dict) else rng.randrange(len(parent))
    return parent, key


def _value(rng: Random, old: Any) -> Any:
    kind = rng.randrange(7)
    if kind < 3:
        return extreme_integer(rng)
    if kind == 3:
        return rng.choice(_STRINGS)
    if kind == 4:
        return rng.choice([None, True, False, {}, [], [[]], [1], {"a": 1}])
    if kind == 5:
        return rng.choice([0.5, 1.0, -1.5, 1e-40, 1e40, float("nan"), float("inf"), -0.0])
    nested = old
    for _ in range(rng.choice([1, 5, 100, 400])):
        nested = [nested]
    return nested
