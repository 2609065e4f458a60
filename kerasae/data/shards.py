"""Where the images of a stream lie: files of a folder, members of tar archives, records of TFDS.

An index of numbers says it for each image, in about 20 bytes, so that any of them can be read at
any time, by any process.
"""

from __future__ import annotations

import dataclasses
import os
import struct
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["EXTENSIONS", "Index", "index_folder", "index_records", "index_shards", "read_bytes"]

EXTENSIONS = frozenset(
    ".png .jpg .jpeg .webp .bmp .gif .tif .tiff .ppm .pgm .avif".split(),  # noqa: SIM905
)
_RECORD = struct.Struct("<Q4x")  # of a TFRecord: its length, and a checksum of that


@dataclasses.dataclass(frozen=True)
class Index:
    """Where each image is.

    Attributes:
        root: The folder of the files.
        files: Files relative to it: one for each image, or shards that hold many.
        file: int32 (images,): the file of each.
        offset: int64 (images,): where its bytes begin.
        size: int64 (images,): how many they are; -1 for all of the file.
        feature: Of a record of TFDS the feature that holds the image; else empty.
        names: Of members of shards; else empty, since files have names.
    """

    root: str
    files: tuple[str, ...]
    file: NDArray[np.int32]
    offset: NDArray[np.int64]
    size: NDArray[np.int64]
    feature: str = ""

    def __len__(self) -> int:
        return len(self.file)

    def name(self, image: int) -> str:
        """What an image is called in messages."""
        file = self.files[self.file[image]]
        return file if self.size[image] < 0 else f"{file} at byte {self.offset[image]}"


def index_folder(folder: Path) -> Index:
    """The visible image files below a folder, in sorted order."""
    found: list[str] = []
    for base, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = os.path.relpath(base, folder)
        prefix = "" if inside == "." else inside.replace(os.sep, "/") + "/"
        found += [prefix + name for name in files if _is_image(name)]
    count = len(found)
    return Index(
        os.fspath(folder),
        tuple(sorted(found, key=lambda name: name.split("/"))),
        np.arange(count, dtype=np.int32),
        np.zeros(count, np.int64),
        np.full(count, -1, np.int64),
    )


def _is_image(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in EXTENSIONS  # noqa: PTH122


def index_shards(folder: Path, shards: Sequence[str]) -> Index:
    """The images in tar archives, as WebDataset writes them; what else they hold is passed over.

    Raises:
        ValueError: If an archive is damaged or cut short.
    """
    places: list[tuple[int, int, int]] = []
    for number, shard in enumerate(shards):
        try:
            with tarfile.open(folder / shard, "r:") as archive:
                for member in archive:
                    if member.isfile() and _is_image(member.name.rpartition("/")[2]):
                        places.append((number, member.offset_data, member.size))
                    archive.members.clear()  # type: ignore[attr-defined]  # which it would keep
        except (tarfile.TarError, EOFError) as error:
            raise ValueError(
                f"`source` must hold whole tar files without compression. "
                f"Received: {shard}: {error}"
            ) from None
    return _of_places(folder, shards, places)


def index_records(folder: Path, files: Sequence[str], feature: str) -> Index:
    """The records of a set of TFDS in TFRecord files."""
    places: list[tuple[int, int, int]] = []
    for number, name in enumerate(files):
        with (folder / name).open("rb") as file:
            while head := file.read(_RECORD.size):
                (length,) = _RECORD.unpack(head)
                places.append((number, file.tell(), length))
                file.seek(length + 4, os.SEEK_CUR)
    return dataclasses.replace(_of_places(folder, files, places), feature=feature)


def _of_places(folder: Path, files: Sequence[str], places: list[tuple[int, int, int]]) -> Index:
    columns = np.array(places, np.int64).reshape(-1, 3)
    return Index(
        os.fspath(folder),
        tuple(files),
        columns[:, 0].astype(np.int32),
        columns[:, 1],
        columns[:, 2],
    )


def read_bytes(index: Index, image: int) -> bytes:
    """The bytes of an image's file.

    Raises:
        OSError: If they cannot be read.
        ValueError: If a record holds no image.
    """
    size = int(index.size[image])
    with open(os.path.join(index.root, index.files[index.file[image]]), "rb") as file:  # noqa: PTH118, PTH123
        if size < 0:
            return file.read()
        file.seek(int(index.offset[image]))
        content = file.read(size)
    return _image_of(content, index.feature) if index.feature else content


def _image_of(record: bytes, feature: str) -> bytes:
    """The bytes of a feature in a tf.train.Example, a message of Protocol Buffers."""
    wanted = feature.encode()
    for features in _fields(record, 1):
        for entry in _fields(features, 1):
            if next(_fields(entry, 1), b"") == wanted:
                for value in _fields(entry, 2):
                    for values in _fields(value, 1):
                        return next(_fields(values, 1), b"")
    raise ValueError(f"the record has no feature {feature!r}")


def _fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """The fields of a number whose values are bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 2:
            length, at = _varint(message, at)
            if key >> 3 == wanted:
                yield message[at : at + length]
            at += length
        elif kind == 0:
            _, at = _varint(message, at)
        else:
            at += {1: 8, 5: 4}[kind]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
