"""Images and bitstreams on disk: what `kae` and `kerasae` do with files and folders."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from kerasae_export.bitstream import is_stream
from kerasae_export.runtime import Codec

__all__ = [
    "IMAGE_SUFFIXES",
    "Outcome",
    "compress_files",
    "decompress_files",
    "read_image",
    "write_bytes",
    "write_png",
]

_SUFFIXES = ".avif .bmp .gif .jpeg .jpg .pgm .png .pnm .ppm .tif .tiff .webp"
IMAGE_SUFFIXES = frozenset(_SUFFIXES.split())
KAE_SUFFIX = ".kae"
_MAX_FILE = 2**31


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        source: The file that was read.
        target: The file that was written; None if there was an error.
        before: Bytes of the file that was read.
        after: Bytes of the file that was written.
        size: Height and width of the image.
        error: One sentence, or None.
    """

    source: Path
    target: Path | None = None
    before: int = 0
    after: int = 0
    size: tuple[int, int] = (0, 0)
    error: str | None = None


def compress_files(
    paths: Sequence[Path],
    codec: Codec,
    out: Path,
    *,
    force: bool = False,
    quality: int | None = None,
) -> Iterator[Outcome]:
    """Compress image files, and those in folders, to `.kae` files in `out`.

    A file that fails is reported and does not stop the others. Nothing is overwritten unless
    `force` is given. `quality` is that of `Codec.compress`.
    """

    def one(source: Path, target: Path) -> tuple[int, tuple[int, int]]:
        image = read_image(source, codec.manifest.codec.channels, max_pixels=codec.max_pixels)
        return _save(target, codec.compress(image, quality=quality)), (
            image.shape[0],
            image.shape[1],
        )

    return _each(paths, out, IMAGE_SUFFIXES, KAE_SUFFIX, one, force)


def decompress_files(
    paths: Sequence[Path], codec: Codec, out: Path, *, force: bool = False
) -> Iterator[Outcome]:
    """Rebuild `.kae` files, and those in folders, as PNG files in `out`; see `compress_files`.

    A stream gets a folder of its name, with its images as 00000.png, 00001.png and so on.
    """

    def one(source: Path, target: Path) -> tuple[int, tuple[int, int]]:
        data = _read(source)
        if not is_stream(data):
            image = codec.decompress(data)
            return _save(target, png_bytes(image)), (image.shape[0], image.shape[1])
        images = codec.decompress_many(data)
        folder = target.with_suffix("")
        if folder.exists() and not force:
            raise ValueError(f"{folder} exists and would be overwritten")
        size = sum(
            _save(folder / f"{i:05d}.png", png_bytes(image)) for i, image in enumerate(images)
        )
        return size, (images[0].shape[0], images[0].shape[1]) if images else (0, 0)

    return _each(paths, out, frozenset([KAE_SUFFIX]), ".png", one, force)


def read_image(path: Path, channels: int, *, max_pixels: int = 2**26) -> NDArray[np.uint8]:
    """Read an image file as uint8 (height, width, channels).

    Its EXIF orientation is applied, transparency is laid over white, and colour is turned to
    grey (ITU-R 601 luma) or grey to colour as `channels` asks.

    Raises:
        ValueError: If it is no image that Pillow reads, has more than 8 bits a channel, or
            more than `max_pixels` pixels.
    """
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise ValueError(f"it has {width} x {height} pixels, over {max_pixels}")
            if picture.mode.startswith("I") or picture.mode == "F":
                raise ValueError(f"it has more than 8 bits a channel (mode {picture.mode})")
            upright = ImageOps.exif_transpose(picture)
            if upright.has_transparency_data:
                paper = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(paper, upright.convert("RGBA"))
            array = np.asarray(upright.convert("L" if channels == 1 else "RGB"))
    except Image.DecompressionBombError as error:
        raise ValueError(f"it is too large: {error}") from None
    except (OSError, SyntaxError, EOFError) as error:
        raise ValueError(f"it cannot be read as an image: {error}") from None
    return array[..., None] if array.ndim == 2 else array


def png_bytes(image: NDArray[np.uint8]) -> bytes:
    """An image as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def write_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an image as a PNG file, whole or not at all."""
    write_bytes(path, png_bytes(image))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_bytes(content)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _each(
    paths: Sequence[Path],
    out: Path,
    suffixes: frozenset[str],
    suffix: str,
    convert: Callable[[Path, Path], tuple[int, tuple[int, int]]],
    force: bool,
) -> Iterator[Outcome]:
    sources = list(_sources(paths, suffixes))
    stems = Counter(relative.with_suffix("") for _, relative in sources)
    written: set[Path] = set()
    for source, relative in sources:
        stem = relative.with_suffix("")
        # Two sources that differ in their suffix only keep it in their targets' names.
        name = f"{relative.name if stems[stem] > 1 else stem.name}{suffix}"
        target = out / relative.parent / name
        try:
            if not source.exists():
                raise ValueError("it does not exist")
            if target.exists() and not force:
                raise ValueError(f"{target} exists and would be overwritten")
            if target in written:
                raise ValueError(f"{target} was just written for another file of that name")
            after, size = convert(source, target)
            written.add(target)
        except OSError as error:
            yield Outcome(source, error=f"{error.filename or target}: {error.strerror or error}")
        except ValueError as error:
            yield Outcome(source, error=str(error).rstrip("."))
        else:
            yield Outcome(source, target, source.stat().st_size, after, size)


def _save(target: Path, content: bytes) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(target, content)
    return len(content)


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


def _read(path: Path) -> bytes:
    if path.stat().st_size > _MAX_FILE:
        raise ValueError(f"it has more than {_MAX_FILE} bytes")
    return path.read_bytes()
