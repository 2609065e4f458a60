"""The files of an archive's shards on any store that Beam knows.

An index is replaced last, and names the file that its offsets are of. So a run that is killed
leaves the archive as it was, and several attempts at one shard, as some runners make them, write
the same.
"""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from kerasae_export.files.archive import FORMAT, KINDS, Entry, Index, stem_of, write_records

__all__ = ["Made", "Picture", "Shards", "Summary"]


@dataclass(frozen=True)
class Picture:
    """A source file.

    Attributes:
        name: In the archive.
        path: Where Beam reads it.
        stamp: Its size in bytes, and when it last changed, in seconds since 1970.
    """

    name: str
    path: str
    stamp: tuple[int, float]


@dataclass(frozen=True)
class Made:
    """What became of a picture.

    Attributes:
        picture: The source.
        content: The bytes of the record; empty if it failed.
        size: Height and width in pixels.
        error: One sentence, or None.
    """

    picture: Picture
    content: bytes = b""
    size: tuple[int, int] = (0, 0)
    error: str | None = None


@dataclass(frozen=True)
class Summary:
    """What a run did to a shard.

    Attributes:
        shard: Its number.
        pictures: How many it holds now.
        made: How many of them are of this run.
        failed: How many could not be read or compressed.
        bytes: Of its records, together.
    """

    shard: int
    pictures: int = 0
    made: int = 0
    failed: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Shards:
    """The shards of an archive, and of one kind.

    Attributes:
        out: The folder.
        kind: `"pictures"` or `"codes"`.
        count: How many shards there are.
    """

    out: str
    kind: str
    count: int
    _suffix: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_suffix", KINDS[self.kind])

    def prepare(self, settings: dict[str, Any]) -> None:
        """Write what all shards have in common, or find that it is the same.

        Raises:
            ValueError: If the folder's archive has other settings or another number of shards.
        """
        wanted = {"format": FORMAT, "settings": settings, "shards": self.count}
        found = self._read(f"{self.kind}.json")
        if found is None:
            self._write(f"{self.kind}.json", (json.dumps(wanted, indent=1) + "\n").encode())
            return
        before = json.loads(found)
        told = {"shards": before["shards"], **before["settings"]}
        asked = {"shards": self.count, **settings}
        differing = [name for name in asked if told.get(name) != asked[name]]
        if differing or before["format"] != FORMAT:
            had = ", ".join(f"{name}={told.get(name)!r}" for name in differing)
            got = ", ".join(f"{name}={asked[name]!r}" for name in differing)
            raise ValueError(
                f"`out` holds an archive with {had}: choose the same, or another folder. "
                f"Received: {got}"
            )

    def index(self, shard: int) -> Index:
        """The index of a shard; without entries if there is none yet.

        Raises:
            ValueError: If the file is damaged.
        """
        name = f"{self._stem(shard)}.jsonl"
        content = self._read(name)
        if content is None:
            return Index("", ())
        try:
            return Index.from_bytes(content)
        except ValueError as error:
            raise ValueError(f"{self.out}/{name}: {error}") from None

    def write(self, shard: int, made: list[Made]) -> Summary:
        """Add pictures to a shard; what it holds of others stays."""
        before = self.index(shard)
        new = {one.picture.name: one for one in made if one.error is None}
        failed = {one.picture.name: one.error for one in made if one.error is not None}
        kept = {e.name: e for e in before.entries if e.name not in new}
        names = sorted([*new, *kept])
        if new:
            self._replace(shard, before, names, new, kept)
        self._write_failed(shard, failed)
        entries = self.index(shard).entries if new else before.entries
        return Summary(shard, len(names), len(new), len(failed), sum(e.size for e in entries))

    def _replace(
        self,
        shard: int,
        before: Index,
        names: list[str],
        new: dict[str, Made],
        kept: dict[str, Entry],
    ) -> None:
        def records() -> Iterator[tuple[str, bytes]]:
            with closing(self._open(before.file) if kept else io.BytesIO()) as old:
                for name in names:
                    if name in new:
                        yield name, new[name].content
                    else:
                        old.seek(kept[name].offset)
                        yield name, old.read(kept[name].size)

        stem = self._stem(shard)
        scratch = f"{stem}.part-{uuid.uuid4().hex}"
        with closing(self._create(scratch)) as file:
            written = _Hashed(file)
            offsets = list(write_records(written, self.kind, records(), len(names)))
        target = f"{stem}-{written.digest.hexdigest()[:8]}{self._suffix}"
        FileSystems.rename([self._path(scratch)], [self._path(target)])
        entries = []
        for name, offset in zip(names, offsets, strict=True):
            if name in kept:
                one = kept[name]
                entries.append(Entry(name, offset, one.size, one.height, one.width, one.source))
            else:
                made = new[name]
                entries.append(
                    Entry(name, offset, len(made.content), *made.size, made.picture.stamp)
                )
        self._write(f"{stem}.jsonl", Index(target, tuple(entries)).to_bytes())
        self._clean(shard, target)

    def _write_failed(self, shard: int, failed: Mapping[str, str | None]) -> None:
        name = f"{stem_of(self._failed, shard, self.count)}.jsonl"
        lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in sorted(failed.items())]
        content = "".join(lines).encode()
        if content != (self._read(name) or b""):
            if content:
                self._write(name, content)
            else:
                FileSystems.delete([self._path(name)])

    @property
    def _failed(self) -> str:
        return "failed" if self.kind == "pictures" else f"{self.kind}-failed"

    def _clean(self, shard: int, current: str) -> None:
        """Remove what earlier runs, and those that were killed, have left of a shard."""
        stem = self._stem(shard)
        patterns = [self._path(f"{stem}-*{self._suffix}"), self._path(f"{stem}.part-*")]
        found = [
            metadata.path
            for matched in FileSystems.match(patterns)
            for metadata in matched.metadata_list
            if metadata.path.rpartition("/")[2] != current
        ]
        if found:
            FileSystems.delete(found)

    def _write(self, name: str, content: bytes) -> None:
        """Write a small file whole or not at all."""
        scratch = f"{name}.part-{uuid.uuid4().hex}"
        with closing(self._create(scratch)) as file:
            file.write(content)
        FileSystems.rename([self._path(scratch)], [self._path(name)])

    def _read(self, name: str) -> bytes | None:
        if not FileSystems.exists(self._path(name)):
            return None
        with closing(self._open(name)) as file:
            return file.read()

    def _open(self, name: str) -> BinaryIO:
        return FileSystems.open(self._path(name), compression_type=CompressionTypes.UNCOMPRESSED)

    def _create(self, name: str) -> BinaryIO:
        return FileSystems.create(self._path(name), compression_type=CompressionTypes.UNCOMPRESSED)

    def _path(self, name: str) -> str:
        return FileSystems.join(self.out, name)

    def _stem(self, shard: int) -> str:
        return stem_of(self.kind, shard, self.count)


class _Hashed:
    """A file that only grows, and the hash of what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        self._file.write(content)
        return len(content)
