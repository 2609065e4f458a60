"""Very many compressed pictures in few files: tar shards of `.kae` files, each with an index.

The folder of an archive holds, for each of its shards,

- `pictures-00003-of-00016-9f86d081.tar`: the `.kae` files; the last part is the file's hash;
- `pictures-00003-of-00016.jsonl`: a line that names the tar file, then one for each picture: its
  name, where its bytes lie, its height and width, and the size and time of its source;
- `failed-00003-of-00016.jsonl`: a line for each picture that could not be compressed, and why;

and once `pictures.json`, the number of shards and the settings, and the bundle in `bundles/`, if
the pictures were not compressed by the codec of photographs that ships. `kerasae_export.beam`
writes it. To read a picture takes neither Beam nor the other pictures.
"""

from __future__ import annotations

import builtins
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.runtime.codec import Codec

__all__ = ["Archive", "Entry", "Index", "read_codes", "shard_of"]

FORMAT = 1
KINDS = {"pictures": ".tar", "codes": ".npy"}
OpenFile = Callable[..., Any]


class Sink(Protocol):
    """What records are written to."""

    def write(self, content: bytes, /) -> int: ...


@dataclass(frozen=True)
class Entry:
    """Where a record lies in the file of its shard.

    Attributes:
        name: Of the picture: its path below the fixed part of the pattern that matched it.
        offset: Of its first byte.
        size: In bytes.
        height: Of the picture, in pixels.
        width: Of the picture, in pixels.
        source: Size of the source in bytes, and when it last changed, in seconds since 1970.
    """

    name: str
    offset: int
    size: int
    height: int
    width: int
    source: tuple[int, float]


@dataclass(frozen=True)
class Index:
    """What an index file says.

    Attributes:
        file: The file that holds the records, in the same folder.
        entries: In the order of their names.
    """

    file: str
    entries: tuple[Entry, ...]

    @classmethod
    def from_bytes(cls, content: bytes) -> Index:
        """Read an index file.

        Raises:
            ValueError: If it is not one, or of a later format.
        """
        try:
            head, *lines = map(json.loads, content.decode().splitlines())
            known = head["format"] == FORMAT
            index = cls(head["file"], tuple(_entry(*line) for line in lines)) if known else None
        except (KeyError, TypeError, ValueError):
            raise ValueError("it is not the index of a shard") from None
        if index is None:
            raise ValueError(f"its format is {head['format']}, and only {FORMAT} is known")
        return index

    def to_bytes(self) -> bytes:
        """Write an index file."""
        lines: list[Any] = [{"format": FORMAT, "file": self.file, "records": len(self.entries)}]
        lines += [[e.name, e.offset, e.size, e.height, e.width, e.source] for e in self.entries]
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def _entry(name: str, offset: int, size: int, height: int, width: int, source: Any) -> Entry:
    return Entry(name, offset, size, height, width, (source[0], source[1]))


def shard_of(name: str, shards: int) -> int:
    """The number of the shard that holds a picture; it depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % shards


def stem_of(kind: str, shard: int, shards: int) -> str:
    """What the names of a shard's files begin with."""
    return f"{kind}-{shard:05d}-of-{shards:05d}"


class Archive:
    """The compressed pictures of an archive, by name.

    To read one picture takes the index of its shard and its own bytes.

    Args:
        folder: The folder, or where `open` finds it.
        open: What opens its files, as `open` does: `fsspec.open`, or `FileSystems.open` of Apache
            Beam, for other stores than folders.

    Raises:
        ValueError: If the folder holds no archive.

    Example:
        >>> from kerasae_export.files import Archive
        >>> archive = Archive("sent")                                        # doctest: +SKIP
        >>> archive.image("2026/beach.jpg").shape                            # doctest: +SKIP
        (1200, 1600, 3)
    """

    def __init__(self, folder: str | os.PathLike[str], *, open: OpenFile = open) -> None:
        self._folder = os.fspath(folder).rstrip("/")
        self._open = open
        self._read_index = lru_cache(maxsize=64)(self._index)
        root = _read_root(self._folder, "pictures", open)
        self.shards: int = root["shards"]
        self.settings: dict[str, Any] = root["settings"]

    def __getitem__(self, name: str) -> bytes:
        """The `.kae` file of a picture.

        Raises:
            KeyError: If the archive has no picture of this name.
        """
        index = self._read_index(shard_of(name, self.shards))
        entry = None if index is None else index[1].get(name)
        if index is None or entry is None:
            raise KeyError(name)
        with self._open(f"{self._folder}/{index[0]}", "rb") as file:
            file.seek(entry.offset)
            return file.read(entry.size)

    def __contains__(self, name: object) -> bool:
        index = self._read_index(shard_of(name, self.shards)) if isinstance(name, str) else None
        return index is not None and name in index[1]

    def __iter__(self) -> Iterator[str]:
        for shard in range(self.shards):
            index = self._read_index(shard)
            yield from () if index is None else index[1]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def image(self, name: str) -> NDArray[np.uint8]:
        """The picture itself, uint8 (height, width, channels).

        Raises:
            KeyError: As for the bytes.
            BitstreamError: If they are damaged.
        """
        return self.codec.decompress(self[name])

    def failed(self) -> dict[str, str]:
        """The names of the pictures that could not be compressed, and why."""
        found: dict[str, str] = {}
        for shard in range(self.shards):
            content = self._content(f"{stem_of('failed', shard, self.shards)}.jsonl")
            found.update(map(json.loads, (content or b"").decode().splitlines()))
        return found

    @cached_property
    def codec(self) -> Codec | PhotoCodec:
        """The codec that the pictures were compressed with; a bundle is read from a folder only."""
        bundle = self.settings["bundle"]
        return Codec.load(f"{self._folder}/bundles/{bundle}" if bundle else None)

    def _index(self, shard: int) -> tuple[str, dict[str, Entry]] | None:
        content = self._content(f"{stem_of('pictures', shard, self.shards)}.jsonl")
        if content is None:
            return None
        index = Index.from_bytes(content)
        return index.file, {entry.name: entry for entry in index.entries}

    def _content(self, name: str) -> bytes | None:
        try:
            with self._open(f"{self._folder}/{name}", "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None


def read_codes(folder: str | os.PathLike[str]) -> tuple[list[str], NDArray[np.float32]]:
    """The codes of all pictures, as `kerasae_export.beam codes` has written them.

    Args:
        folder: The folder of the archive.

    Returns:
        The names, and float32 (pictures, values of a code), in the same order.

    Raises:
        ValueError: If the folder holds no codes.
    """
    place = os.fspath(folder).rstrip("/")
    shards = _read_root(place, "codes", builtins.open)["shards"]
    names: list[str] = []
    parts: list[NDArray[np.float32]] = []
    for shard in range(shards):
        try:
            content = Path(place, f"{stem_of('codes', shard, shards)}.jsonl").read_bytes()
        except FileNotFoundError:
            continue
        index = Index.from_bytes(content)
        if index.entries:
            names += [entry.name for entry in index.entries]
            parts.append(np.load(f"{place}/{index.file}"))
    return names, np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


def write_records(
    file: Sink, kind: str, records: Iterator[tuple[str, bytes]], count: int
) -> Iterator[int]:
    """Write a shard's file, whose bytes depend on the records alone.

    Args:
        file: Where to; it need not be seekable.
        kind: `"pictures"`, which become a tar file, or `"codes"`, float32 which become a `.npy`.
        records: Names and contents.
        count: How many there are.

    Yields:
        The offset of each record's bytes.
    """
    if kind == "pictures":
        with tarfile.open(
            fileobj=cast("BinaryIO", file), mode="w|", format=tarfile.PAX_FORMAT
        ) as tar:
            for name, content in records:
                member = tarfile.TarInfo(f"{name}.kae")
                member.size, member.mode = len(content), 0o644
                tar.addfile(member, io.BytesIO(content))
                yield tar.offset - -(-len(content) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        return
    offset = 0
    for _, content in records:
        offset = offset or _write_head(file, (count, len(content) // 4))
        file.write(content)
        yield offset
        offset += len(content)


def _write_head(file: Sink, shape: tuple[int, int]) -> int:
    head = io.BytesIO()
    told = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, told)
    file.write(head.getvalue())
    return len(head.getvalue())


def _read_root(folder: str, kind: str, open_file: OpenFile) -> dict[str, Any]:
    try:
        with open_file(f"{folder}/{kind}.json", "rb") as file:
            root = json.loads(file.read())
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(
            f"`folder` must be that of an archive, which has {kind}.json. Received: {folder!r}"
        ) from None
    if root["format"] != FORMAT:
        raise ValueError(
            f"`folder` must hold an archive of format {FORMAT}. Received: {root['format']}"
        )
    return root
