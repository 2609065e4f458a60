"""Read image files of any kind as the pixels that a codec takes."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = ["IMAGE_SUFFIXES", "UNREAD_SUFFIXES", "image_of", "png_bytes", "read_image"]

_SUFFIXES = ".avif .bmp .gif .jpeg .jpg .pgm .png .pnm .ppm .tif .tiff .webp"
IMAGE_SUFFIXES = frozenset(_SUFFIXES.split())
_UNREAD = ".arw .cr2 .cr3 .dng .heic .heif .jp2 .jxl .nef .orf .raf"
UNREAD_SUFFIXES = frozenset(_UNREAD.split())
"""Of photographs that cannot be read, which must not be passed over in a folder."""

_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is read; others that Pillow knows start programs (EPS) or draw (WMF)."""

_HEAD = 4096  # bytes in which a file tells its depth
_BITS_PER_SAMPLE = 258  # a tag of TIFF


def read_image(path: Path, channels: int, *, max_pixels: int = 2**26) -> NDArray[np.uint8]:
    """Read an image file as uint8 (height, width, channels).

    The EXIF orientation is applied, transparency is composited over white, and colour is converted
    to grey (ITU-R 601 luma) or grey to colour as `channels` requires. Of an animation or several
    pages, the first is used.

    Args:
        path: An AVIF, BMP, GIF, JPEG, PNG, PNM, TIFF or WebP file.
        channels: 1 for grey, 3 for colour.
        max_pixels: Most pixels that the image may have.

    Returns:
        uint8 (height, width, channels).

    Raises:
        ValueError: If the file is not such an image, is damaged, or has more than 8 bits per
            channel or more than `max_pixels` pixels.
    """
    with path.open("rb") as file:
        return _image(file, channels, max_pixels)


def image_of(content: bytes, channels: int, *, max_pixels: int = 2**26) -> NDArray[np.uint8]:
    """The image in the bytes of a file, as `read_image` reads it, which says more."""
    return _image(io.BytesIO(content), channels, max_pixels)


def png_bytes(image: NDArray[np.uint8]) -> bytes:
    """An image, uint8 (height, width, 1 or 3), as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


class _RefusedError(ValueError):
    """The image is intact but not supported."""


def _image(file: BinaryIO, channels: int, max_pixels: int) -> NDArray[np.uint8]:
    if not file.seek(0, io.SEEK_END):
        raise ValueError("it is empty")
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about large images and odd metadata
            array = _read(file, channels, max_pixels)
    except _RefusedError:
        raise
    except Image.DecompressionBombError:
        raise ValueError(f"it has more pixels than the {max_pixels} that are allowed") from None
    except UnidentifiedImageError:
        raise ValueError(f"it cannot be read as an image ({', '.join(_FORMATS)})") from None
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file makes Pillow raise anything
        raise ValueError(f"it cannot be read as an image: {error}") from None
    return array[..., None] if array.ndim == 2 else array


def _read(file: BinaryIO, channels: int, max_pixels: int) -> NDArray[np.uint8]:
    with Image.open(file, formats=_FORMATS) as picture:
        width, height = picture.size
        if width * height > max_pixels:
            raise _RefusedError(
                f"it has {width} x {height} pixels, over the {max_pixels} that are allowed"
            )
        file.seek(0)
        depth = _depth(picture, file.read(_HEAD))
        if depth > 8:
            raise _RefusedError(f"it has more than 8 bits a channel ({depth})")
        upright = ImageOps.exif_transpose(picture)
        if upright.has_transparency_data:
            paper = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(paper, upright.convert("RGBA"))
        if upright.mode not in ("1", "L"):
            upright = upright.convert("RGB")  # LAB has no other way to grey
        return np.asarray(upright.convert("L" if channels == 1 else "RGB"))


def _depth(picture: Image.Image, head: bytes) -> int:
    """Bits per channel in the file, which Pillow often reduces to 8 without a warning."""
    if picture.format == "PNG":
        return head[24]
    if picture.format == "TIFF":
        bits = picture.tag_v2.get(_BITS_PER_SAMPLE, (1,))  # type: ignore[attr-defined]
        return max(bits if isinstance(bits, tuple) else (bits,))
    if picture.format == "PPM" and (found := _PNM.match(head)):
        return int(found[1]).bit_length()
    if picture.format == "AVIF":
        # The third byte of each av1C box has two flags: more than 8 bits, and then 12.
        flags = [found[1][0] for found in _AV1C.finditer(head)]
        return max((12 if f & 0x20 else 10 if f & 0x40 else 8 for f in flags), default=8)
    return 16 if picture.mode[0] in "IF" else 8


_SPACE = rb"(?:#[^\n\r]*[\n\r]|\s)+"
_PNM = re.compile(rb"P[2356]" + (_SPACE + rb"\d+") * 2 + _SPACE + rb"(\d+)")
_AV1C = re.compile(rb"av1C..(.)", re.DOTALL)
