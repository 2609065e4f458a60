"""Compress and decompress files and folders, as `kae` and `kerasae` do."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from kerasae_export.atomic import replacing_folder, write_file
from kerasae_export.files.bundles import Bundles
from kerasae_export.files.pictures import IMAGE_SUFFIXES, UNREAD_SUFFIXES, png_bytes, read_image
from kerasae_export.files.pool import spread
from kerasae_export.format.bitstream import is_stream
from kerasae_export.format.received import Received
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.runtime.codec import Codec

__all__ = [
    "IMAGE_SUFFIXES",
    "Outcome",
    "compress_files",
    "decompress_files",
    "png_bytes",
    "read_image",
    "write_bytes",
    "write_png",
]

KAE_SUFFIX, PNG_SUFFIX = ".kae", ".png"
_MAX_FILE = 2**31

Progress = Callable[[int, int], None]
AnyCodec = Codec | PhotoCodec


@dataclass(frozen=True)
class Outcome:
    """The result for one file.

    Attributes:
        source: The file that was read.
        target: The file that was written; None if there was an error.
        before: Bytes of the file that was read.
        after: Bytes of the file that was written.
        size: Height and width of the image, or of the first image of a stream.
        images: Number of images; more than 1 only for streams.
        error: One sentence, or None.
    """

    source: Path
    target: Path | None = None
    before: int = 0
    after: int = 0
    size: tuple[int, int] = (0, 0)
    images: int = 1
    error: str | None = None


def compress_files(
    paths: Sequence[Path],
    codec: AnyCodec,
    out: Path,
    *,
    force: bool = False,
    quality: int | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
    **options: Any,
) -> Generator[Outcome, None, None]:
    """Compress image files, and those in folders, to `.kae` files in `out`.

    A file that fails is reported and does not stop the others. Nothing is overwritten unless
    `force` is given. Files are written whole or not at all.

    Args:
        paths: Files and folders; in a folder, all files with the suffix of an image that are not
            hidden, those of kinds that cannot be read included, which fail.
        codec: The codec; with several `jobs`, each process gets a copy.
        out: Folder to write to, created if it is missing.
        force: Overwrite files.
        quality: As for `Codec.compress`.
        jobs: Processes to use.
        progress: Called with the number of files that are done and their total.
        **options: Other arguments of `Codec.compress`, or of `PhotoCodec.compress` if the codec is
            one.

    Yields:
        The result for each file, in the order of `paths` and of names.

    Example:
        >>> codec = Codec.load("bundle")                                     # doctest: +SKIP
        >>> for outcome in compress_files([Path("photos")], codec, Path("sent")):
        ...     print(outcome.source, outcome.error or outcome.after)       # doctest: +SKIP
    """
    work = _Compress(force, codec, {"quality": quality, **options})
    suffixes = IMAGE_SUFFIXES | UNREAD_SUFFIXES
    return _each(paths, out, suffixes, KAE_SUFFIX, work, jobs, progress)


def decompress_files(
    paths: Sequence[Path],
    codec: AnyCodec | Bundles,
    out: Path,
    *,
    force: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
    label: str | int | None = None,
) -> Generator[Outcome, None, None]:
    """Rebuild `.kae` files, and those in folders, as PNG files in `out`; see `compress_files`.

    A stream becomes a folder of its name with the images 00000.png, 00001.png and so on.

    Args:
        paths: Files and folders; in a folder, all files ending in `.kae` that are not hidden.
        codec: The codec of the bundle that the files were made with, or several bundles of which
            each file's own is taken.
        out: Folder to write to, created if it is missing.
        force: Overwrite files, and the images in a stream's folder.
        jobs: Processes to use.
        progress: Called with the number of files that are done and their total.
        label: As for `Codec.decompress`, for bundles with classes; the same for all files.

    Yields:
        The result for each file, in the order of `paths` and of names.
    """
    told = {} if label is None else {"label": label}
    work = _Decompress(force, codec, told)
    return _each(paths, out, frozenset([KAE_SUFFIX]), PNG_SUFFIX, work, jobs, progress)


def write_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an image as a PNG file, whole or not at all.

    Args:
        path: The file; one that exists is replaced.
        image: uint8 (height, width, channels), of 1 channel or 3.
    """
    write_bytes(path, png_bytes(image))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Args:
        path: The file; one that exists is replaced.
        content: Its bytes.
    """
    write_file(path, content, durable=False)


Task = tuple[Path, Path, str | None]  # source, target, and what already is wrong with them


def _taken(target: object) -> str:
    return f"{target} exists and would be overwritten, which `force` allows"


@dataclass(frozen=True)
class _Work:
    """The work on one file; each worker process gets a copy."""

    force: bool

    def __call__(self, task: Task) -> Outcome:
        source, target, problem = task
        try:
            if problem is not None:
                raise ValueError(problem)
            before = _size(source)
            if target.exists() and not self.force:
                raise ValueError(_taken(target))
            return replace(self.convert(source, target), before=before)
        except FileExistsError as error:
            return Outcome(source, error=_taken(error.filename))
        except OSError as error:
            return Outcome(source, error=f"{error.filename or target}: {error.strerror or error}")
        except MemoryError:
            return Outcome(source, error="there is not enough memory for it")
        except ValueError as error:
            return Outcome(source, error=str(error).rstrip("."))

    def convert(self, source: Path, target: Path) -> Outcome:
        raise NotImplementedError

    def save(self, target: Path, content: bytes) -> int:
        """Write a file; without `force` none that another process has just written is lost."""
        target.parent.mkdir(parents=True, exist_ok=True)
        write_file(target, content, replace=self.force, durable=False)
        return len(content)


@dataclass(frozen=True)
class _Compress(_Work):
    codec: AnyCodec
    options: dict[str, Any]

    def convert(self, source: Path, target: Path) -> Outcome:
        codec = self.codec
        channels = 3 if isinstance(codec, PhotoCodec) else codec.manifest.codec.channels
        image = read_image(source, channels, max_pixels=codec.max_pixels)
        after = self.save(target, codec.compress(image, **self.options))
        return Outcome(source, target, after=after, size=(image.shape[0], image.shape[1]))


@dataclass(frozen=True)
class _Decompress(_Work):
    codec: AnyCodec | Bundles
    told: dict[str, Any]

    def convert(self, source: Path, target: Path) -> Outcome:
        with source.open("rb") as file:
            data = received(file)
            codec = self.codec.codec_for(data) if isinstance(self.codec, Bundles) else self.codec
            if self.told and isinstance(codec, PhotoCodec):
                raise ValueError("it is a photograph, which takes no label")
            if is_stream(data):
                file.seek(0)
                folder = target.with_name(target.name.removesuffix(PNG_SUFFIX))
                return self._stream(source, folder, file, codec)
            image = codec.decompress(data, **self.told)
        after = self.save(target, png_bytes(image))
        return Outcome(source, target, after=after, size=(image.shape[0], image.shape[1]))

    def _stream(self, source: Path, folder: Path, file: BinaryIO, codec: AnyCodec) -> Outcome:
        if folder.exists() and not self.force:
            raise ValueError(_taken(folder))
        if isinstance(codec, PhotoCodec):
            raise ValueError("it is a stream of many images, which only its bundle decodes")
        for _ in codec.iter_unpack(file):
            pass  # what is damaged is found before anything is written
        file.seek(0)
        images = codec.iter_decompress(file, **self.told)
        after = count = 0
        size = (0, 0)
        with replacing_folder(folder, replace=self.force, durable=False) as new:
            for image in images:
                size = size if count else (image.shape[0], image.shape[1])
                content = png_bytes(image)
                (new / f"{count:05d}.png").write_bytes(content)
                after, count = after + len(content), count + 1
            if self.force and folder.is_dir():
                _take_along(folder, new)
        return Outcome(source, folder, after=after, size=size, images=count)


def _each(
    paths: Sequence[Path],
    out: Path,
    suffixes: frozenset[str],
    suffix: str,
    work: _Work,
    jobs: int,
    progress: Progress | None,
) -> Generator[Outcome, None, None]:
    tasks = _tasks(paths, out, suffixes, suffix)
    tell = progress or (lambda done, total: None)
    tell(0, len(tasks))
    for i, outcome in enumerate(spread(work, tasks, jobs=jobs)):
        tell(i + 1, len(tasks))
        if outcome is None:
            yield Outcome(tasks[i][0], error="the process that worked on it died")
        else:
            yield outcome


def _tasks(paths: Sequence[Path], out: Path, suffixes: frozenset[str], suffix: str) -> list[Task]:
    sources = list(_sources(paths, suffixes))
    stems = Counter(relative.with_name(_stem(relative.name)) for _, relative in sources)
    owner: dict[Path, Path] = {}
    tasks: list[Task] = []
    for source, relative in sources:
        stem = relative.with_name(_stem(relative.name))
        # Two sources that differ in their suffix only keep it in their targets' names.
        name = f"{relative.name if stems[stem] > 1 else stem.name}{suffix}"
        target = out / relative.parent / name
        problem = None
        if owner.setdefault(target, source) != source:
            problem = f"{target} is already written for {owner[target]}"
        tasks.append((source, target, problem))
    return tasks


def _sources(paths: Sequence[Path], suffixes: frozenset[str]) -> Iterator[tuple[Path, Path]]:
    """Each file with its path relative to the folder that was named."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                visible = not any(part[0] == "." for part in file.relative_to(path).parts)
                if visible and file.suffix.lower() in suffixes and file.is_file():
                    yield file, file.relative_to(path)
        else:
            yield path, Path(path.name)


def _size(source: Path) -> int:
    """Bytes of a regular file: a pipe would block, and a device would never end."""
    if not source.exists():
        raise ValueError("it does not exist")
    status = source.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a file")
    if status.st_size > _MAX_FILE:
        raise ValueError(f"it has more than {_MAX_FILE} bytes")
    return status.st_size


def received(file: BinaryIO) -> Received:
    """The bytes of an open file, of which no more are read than a reader asks for."""

    def read(start: int, stop: int) -> bytes:
        file.seek(start)
        return file.read(stop - start)

    return Received(read, os.fstat(file.fileno()).st_size)


def _take_along(folder: Path, new: Path) -> None:
    """Copy what is no image of an older stream, so that other files in the folder stay."""
    for path in folder.iterdir():
        if re.fullmatch(r"\d{5,}\.png", path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, new / path.name, symlinks=True)
        else:
            shutil.copy2(path, new / path.name, follow_symlinks=False)


def _stem(name: str) -> str:
    """A name without its suffix, unless only dots would be left, which name other folders."""
    stem = Path(name).stem
    return name if set(stem) <= {"."} else stem
