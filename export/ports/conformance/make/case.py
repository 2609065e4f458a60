"""A file or stream of the set, and what a reader must say of it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from bundles import BY_NAME, Bundle
from numpy.typing import NDArray

from kerasae_export.format.bitstream import Block, write_image, write_stream
from kerasae_export.format.payload import pack_block

Size = tuple[int, int]


@dataclass(frozen=True)
class Group:
    """Images of a stream that share a block, or the one of a file."""

    count: int
    height: int
    width: int
    quality: int


@dataclass(frozen=True)
class Case:
    """A file or a stream.

    Attributes:
        name: Name of the case.
        bundle: The bundle that it is read with.
        data: The bytes.
        stream: Whether it is read as a stream.
        groups: What it holds, if it is good.
        symbols: All symbols, repeated from the front where there are more.
        error: The word of section 7 for the refusal, if it is refused.
        section: The section that says so.
        limits: The arguments of the reader that are not the default.
    """

    name: str
    bundle: str
    data: bytes
    stream: bool
    groups: tuple[Group, ...] = ()
    symbols: NDArray[np.int64] | None = None
    error: str | None = None
    section: str = ""
    limits: dict[str, int] = field(default_factory=dict)

    def entry(self) -> dict[str, Any]:
        """Its line of the index, without the names of its files."""
        content: dict[str, Any] = {"name": self.name, "bundle": self.bundle, "file": ""}
        content["kind"] = "stream" if self.stream else "image"
        if self.limits:
            content["limits"] = self.limits
        if self.error:
            return content | {"error": self.error, "section": self.section}
        content["images"] = [vars(group) for group in self.groups]
        return content


def draw(bundle: Bundle, group: Group, seed: int, wild: float = 0.03) -> NDArray[np.int64]:
    """Symbols for images: mostly within the tables, some far outside."""
    spec = bundle.spec
    count = group.count * bundle.layout.count(group.height, group.width)
    rng = np.random.Generator(np.random.PCG64(seed))
    raw = rng.bit_generator.random_raw(2 * count).astype(np.uint64).reshape(2, count)
    low = (raw[0] >> np.uint64(33)).astype(np.int64)  # 31 bits
    if spec.codebook:
        return low % spec.codebook
    near = np.abs(low % 7 + (low >> 5) % 7) - 6
    far = ((raw[1] & np.uint64(0xFFFFFFFF)).astype(np.int64) - 2**31) >> (low >> 10) % 31
    return np.where((low >> 3) % 1000 < 1000 * wild, far, near)


def payload_of(bundle: Bundle, group: Group, symbols: NDArray[np.int64]) -> Block:
    """The block of images."""
    each = symbols.reshape(group.count, -1, bundle.spec.code_shape[-1])
    return pack_block(bundle.layout, list(each), group.height, group.width, group.quality)


def image(
    name: str, bundle: str, size: Size, quality: int = 1, *, symbols: Any = None, **rest: Any
) -> Case:
    """A good file; `symbols` are drawn, or repeated."""
    home, group = BY_NAME[bundle], Group(1, *size, quality)
    kept = draw(home, group, zlib.crc32(name.encode())) if symbols is None else np.array(symbols)
    whole = np.resize(kept, home.layout.count(*size))
    block = payload_of(home, group, whole)
    data = write_image(block, home.key, qualities=len(home.spec.qualities))
    return Case(name, bundle, data, False, (group,), kept, **rest)


def stream(
    name: str,
    bundle: str,
    groups: Sequence[tuple[int, int, int, int]],
    *,
    blank: bool = False,
    **rest: Any,
) -> Case:
    """A good stream of groups: count, height, width, quality; all symbols are 0 in a blank one."""
    home = BY_NAME[bundle]
    found = tuple(Group(*group) for group in groups)
    seed = zlib.crc32(name.encode())
    pieces = [draw(home, group, seed + i) for i, group in enumerate(found)]
    if blank:
        pieces = [np.zeros_like(piece) for piece in pieces]
    blocks = [payload_of(home, *pair) for pair in zip(found, pieces, strict=True)]
    data = write_stream(blocks, home.key, qualities=len(home.spec.qualities))
    symbols = np.zeros(1, np.int64) if blank else np.concatenate([np.empty(0, np.int64), *pieces])
    return Case(name, bundle, data, True, found, symbols, **rest)
