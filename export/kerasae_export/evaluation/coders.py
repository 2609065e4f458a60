"""The codecs that a bundle is compared with, each at one setting, behind one interface."""

from __future__ import annotations

import abc
import io
import lzma
import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from kerasae_export.runtime.codec import Codec

__all__ = [
    "ARCHIVES",
    "LOSSLESS",
    "LOSSY",
    "ArchiveCoder",
    "BundleCoder",
    "Coder",
    "PillowCoder",
    "missing",
    "mosaic",
    "tiles",
]

Picture = NDArray[np.uint8]
Pictures = Sequence[Picture]
Shape = tuple[int, ...]


class Coder(abc.ABC):
    """A codec at one setting: an image to bytes and back, and many images of one size at once.

    Attributes:
        name: Name of the codec.
        setting: Its setting, such as a quality.
        lossless: Whether it reconstructs every pixel exactly.
        together: How it codes many images at once.
    """

    name: str
    setting: str
    lossless: bool = False
    together: str = "one mosaic"

    @abc.abstractmethod
    def encode(self, image: Picture) -> bytes:
        """Write the file of an image.

        Args:
            image: uint8 (height, width, channels).

        Returns:
            The bytes of the file.
        """

    @abc.abstractmethod
    def decode(self, data: bytes, shape: Shape) -> Picture:
        """Read the image of a file.

        Args:
            data: What `encode` gave.
            shape: (height, width, channels), for codecs whose files do not hold it.

        Returns:
            uint8 (height, width, channels).
        """

    def encode_many(self, images: Pictures) -> bytes:
        """Write one file of all images; by default, of a mosaic of them.

        Args:
            images: uint8 (height, width, channels), of one size.

        Returns:
            The bytes of the file.
        """
        return self.encode(mosaic(images))

    def decode_many(self, data: bytes, count: int, shape: Shape) -> list[Picture]:
        """Read the images of such a file.

        Args:
            data: What `encode_many` gave.
            count: Number of images.
            shape: (height, width, channels) of each.

        Returns:
            The images, each uint8 (height, width, channels).
        """
        columns = _columns(count)
        sheet = (math.ceil(count / columns) * shape[0], columns * shape[1], shape[2])
        return tiles(self.decode(data, sheet), shape[0], shape[1])[:count]


LOSSY: dict[str, tuple[str, str, Sequence[int], Callable[[int], dict[str, Any]]]] = {
    "JPEG": (
        "JPEG",
        "jpg",
        (1, 5, 10, 20, 35, 50, 70, 85, 95),
        lambda q: {"quality": q, "optimize": True},
    ),
    "WebP": (
        "WebP",
        "webp",
        (0, 5, 15, 30, 50, 70, 85, 95),
        lambda q: {"quality": q, "method": 6},
    ),
    "AVIF": (
        "AVIF",
        "avif",
        (0, 10, 20, 30, 40, 55, 70, 85),
        lambda q: {"quality": q, "speed": 2},
    ),
    "JPEG 2000": (
        "JPEG2000",
        "jpg_2000",
        (16, 20, 23, 26, 29, 32, 36, 40),
        lambda db: (
            {"quality_mode": "dB", "quality_layers": [db], "irreversible": True} | {"no_jp2": True}
        ),  # the bare code stream, 85 bytes shorter
    ),
}
"""Lossy codec -> its format and feature in Pillow, settings from worst to best, and options."""

LOSSLESS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "PNG": ("PNG", "zlib", {"optimize": True}),
    "WebP lossless": ("WebP", "webp", {"lossless": True, "quality": 100, "method": 6}),
}
"""Lossless codec -> its format and feature in Pillow, and options."""

ARCHIVES: tuple[str, ...] = ("zip", "LZMA (7z)")
"""What packs the raw pixels, as the document's programs pack files."""


class PillowCoder(Coder):
    """An image format that Pillow writes.

    Args:
        name: A key of `LOSSY` or of `LOSSLESS`.
        setting: One of its settings, for a lossy one.

    Example:
        >>> import numpy as np
        >>> picture = np.zeros((8, 8, 1), np.uint8)
        >>> coder = PillowCoder("PNG")
        >>> bool((coder.decode(coder.encode(picture), picture.shape) == picture).all())
        True
    """

    def __init__(self, name: str, setting: int | None = None) -> None:
        self.name = name
        if name in LOSSLESS:
            self._format, _, self._options = LOSSLESS[name]
            self.setting, self.lossless = "lossless", True
        else:
            self._format, _, _, options = LOSSY[name]
            assert setting is not None
            self._options = options(setting)
            self.setting = f"{setting} dB" if name == "JPEG 2000" else f"quality {setting}"

    def encode(self, image: Picture) -> bytes:
        """See `Coder`."""
        buffer = io.BytesIO()
        picture = Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image)
        picture.save(buffer, self._format, **self._options)
        return buffer.getvalue()

    def decode(self, data: bytes, shape: Shape) -> Picture:
        """See `Coder`."""
        with Image.open(io.BytesIO(data)) as picture:
            array = np.asarray(picture.convert("L" if shape[2] == 1 else "RGB"))
        return array[..., None] if shape[2] == 1 else array


class ArchiveCoder(Coder):
    """A general-purpose compressor on the raw pixels, without their shape.

    Args:
        name: One of `ARCHIVES`. LZMA, the method of 7z, writes its shortest container.
    """

    setting, lossless, together = "lossless", True, "one archive"

    def __init__(self, name: str) -> None:
        self.name = name
        self._zip = name == "zip"

    def encode(self, image: Picture) -> bytes:
        """See `Coder`."""
        raw = np.ascontiguousarray(image).tobytes()
        if not self._zip:
            return lzma.compress(raw, lzma.FORMAT_ALONE, preset=9 | lzma.PRESET_EXTREME)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            archive.writestr("p", raw)
        return buffer.getvalue()

    def decode(self, data: bytes, shape: Shape) -> Picture:
        """See `Coder`."""
        if self._zip:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                raw = archive.read("p")
        else:
            raw = lzma.decompress(data)
        return np.frombuffer(raw, np.uint8).reshape(shape)

    def encode_many(self, images: Pictures) -> bytes:
        """The pixels of all images, one image after the other."""
        return self.encode(np.stack(images))

    def decode_many(self, data: bytes, count: int, shape: Shape) -> list[Picture]:
        """See `Coder`."""
        return list(self.decode(data, (count, *shape)))


class BundleCoder(Coder):
    """The codec of a bundle, at one of its qualities.

    Args:
        codec: The bundle's.
        setting: What to call it.
        quality: Its quality setting, or None for the codec's own.
    """

    name, together = "kerasae", "one stream"

    def __init__(self, codec: Codec, setting: str, quality: int | None = None) -> None:
        self.setting, self._codec = setting, codec
        self._options: dict[str, Any] = {} if quality is None else {"quality": quality}

    @classmethod
    def all_qualities(cls, codec: Codec, setting: str) -> Iterator[BundleCoder]:
        """One coder for each quality that the bundle offers."""
        count = int(getattr(codec, "qualities", 1))
        if count == 1:
            yield cls(codec, setting)
            return
        for quality in range(1, count + 1):
            yield cls(codec, f"{setting}, quality {quality}", quality)

    def encode(self, image: Picture) -> bytes:
        """See `Coder`."""
        return self._codec.compress(image, **self._options)

    def decode(self, data: bytes, shape: Shape) -> Picture:
        """See `Coder`."""
        return self._codec.decompress(data)

    def encode_many(self, images: Pictures) -> bytes:
        """See `Coder`."""
        return self._codec.compress_many(images, **self._options)

    def decode_many(self, data: bytes, count: int, shape: Shape) -> list[Picture]:
        """See `Coder`."""
        return self._codec.decompress_many(data)


def missing(name: str) -> str | None:
    """Why Pillow cannot write a format here, or None where it can."""
    feature = (LOSSY[name] if name in LOSSY else LOSSLESS[name])[1]
    known = features.check(feature)
    return None if known else f"{name} is left out: this Pillow was built without {feature}."


def mosaic(images: Pictures) -> Picture:
    """Images of one size in a nearly square sheet, row by row, the rest black."""
    height, width, channels = images[0].shape
    columns = _columns(len(images))
    rows = math.ceil(len(images) / columns)
    sheet = np.zeros((rows * columns, height, width, channels), np.uint8)
    sheet[: len(images)] = images
    return (
        sheet.reshape(rows, columns, height, width, channels)
        .swapaxes(1, 2)
        .reshape(rows * height, columns * width, channels)
    )


def tiles(sheet: Picture, height: int, width: int) -> list[Picture]:
    """The images of a mosaic, followed by the black ones that fill it."""
    rows, columns = sheet.shape[0] // height, sheet.shape[1] // width
    cut = sheet.reshape(rows, height, columns, width, -1).swapaxes(1, 2)
    return list(cut.reshape(rows * columns, height, width, -1))


def _columns(count: int) -> int:
    return math.ceil(math.sqrt(count))
