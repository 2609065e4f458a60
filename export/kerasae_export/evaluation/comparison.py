"""A bundle's codec beside PNG, JPEG and WebP: bytes at equal quality, containers included."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kerasae_export.evaluation.coders import PillowCoder, mosaic, tiles
from kerasae_export.evaluation.quality import mean_ssim, pooled_psnr
from kerasae_export.images import check_pictures
from kerasae_export.runtime.codec import Codec

__all__ = ["Entry", "compare_files", "compare_together", "mosaic"]

_LOWEST = {"JPEG": 1, "WebP": 0}
_PICTURES = 16  # reconstructions that are kept to be shown
_SSIM_IMAGES = 1000  # enough for two digits, and SSIM is slow

Pictures = Sequence[NDArray[np.uint8]]


@dataclass(frozen=True)
class Entry:
    """The result of one codec on a set of images.

    Attributes:
        codec: Its name.
        bytes: Bytes of all images, containers counted.
        images: Number of images.
        psnr: PSNR in dB, pooled over all images; infinite where the codec is lossless.
        ssim: Mean SSIM.
        setting: The setting with which the codec reaches the quality.
        pictures: The first reconstructions, at most 16, each uint8 (height, width, channels).
    """

    codec: str
    bytes: int
    images: int
    psnr: float
    ssim: float
    setting: str
    pictures: tuple[NDArray[np.uint8], ...]


def compare_files(images: Pictures, codec: Codec) -> list[Entry]:
    """One file for each image: raw, PNG, JPEG, WebP and `.kae`.

    JPEG and WebP get the lowest quality setting, the same for all images, whose PSNR is at least
    that of the `.kae` files, or their best setting if none reaches it.

    Args:
        images: uint8 (height, width, channels) each.
        codec: The bundle's.

    Returns:
        An entry for each codec, in that order.
    """
    images = check_pictures("images", images, channels=codec.manifest.codec.channels)
    files = [codec.compress(image) for image in images]
    ours = _entry("kerasae", files, images, [codec.decompress(f) for f in files], "one .kae each")
    others = [_lossless("PNG", images)]
    others += [_matching(name, images, ours.psnr) for name in _LOWEST]
    return [_raw(images), *others, ours]


def compare_together(images: Pictures, codec: Codec) -> list[Entry]:
    """All images at once: general codecs get one mosaic of them, kerasae makes one stream.

    For tiny images this is fairer to the general codecs than one file each, which would be mostly
    container.

    Args:
        images: uint8 (height, width, channels), all of one size.
        codec: The bundle's.

    Returns:
        An entry for each codec, in the order of `compare_files`.
    """
    images = check_pictures("images", images, channels=codec.manifest.codec.channels)
    stream = codec.compress_many(images)
    ours = _entry("kerasae", [stream], images, codec.decompress_many(stream), "one stream")
    sheet = mosaic(images)

    def cut(sheets: Pictures) -> list[NDArray[np.uint8]]:
        return tiles(sheets[0], images[0].shape[0], images[0].shape[1])[: len(images)]

    others = [_lossless("PNG", [sheet], images)]
    others += [_matching(name, [sheet], ours.psnr, images, cut) for name in _LOWEST]
    return [_raw(images), *others, ours]


def _raw(images: Pictures) -> Entry:
    count = sum(image.size for image in images)
    return Entry(
        "raw", count, len(images), math.inf, 1.0, "8 bits a value", tuple(images[:_PICTURES])
    )


def _lossless(name: str, pictures: Pictures, images: Pictures | None = None) -> Entry:
    count = sum(len(PillowCoder(name).encode(p)) for p in pictures)
    images = pictures if images is None else images
    return Entry(name, count, len(images), math.inf, 1.0, "lossless", tuple(images[:_PICTURES]))


def _matching(
    name: str,
    pictures: Pictures,
    psnr: float,
    images: Pictures | None = None,
    cut: Callable[[Pictures], Pictures] = lambda pictures: pictures,
) -> Entry:
    """The entry of the lowest quality setting that reaches `psnr`; both grow together."""
    images = pictures if images is None else images
    reader = PillowCoder(name, 0)

    def attempt(quality: int) -> tuple[list[bytes], Pictures]:
        files = [PillowCoder(name, quality).encode(p) for p in pictures]
        return files, cut([reader.decode(f, p.shape) for f, p in zip(files, pictures, strict=True)])

    low, high = _LOWEST[name], 100
    while low < high:
        middle = (low + high) // 2
        if _psnr(images, attempt(middle)[1]) >= psnr:
            high = middle
        else:
            low = middle + 1
    files, decoded = attempt(low)
    return _entry(name, files, images, decoded, f"quality {low}")


def _psnr(images: Pictures, decoded: Pictures) -> float:
    return pooled_psnr(*(np.concatenate([p.ravel() for p in x]) / 255 for x in (images, decoded)))


def _entry(
    name: str, files: Sequence[bytes], images: Pictures, decoded: Pictures, setting: str
) -> Entry:
    pairs = list(zip(images, decoded, strict=True))[:_SSIM_IMAGES]
    return Entry(
        codec=name,
        bytes=sum(map(len, files)),
        images=len(images),
        psnr=_psnr(images, decoded),
        ssim=float(np.mean([mean_ssim(a[None] / 255, b[None] / 255) for a, b in pairs])),
        setting=setting,
        pictures=tuple(decoded[:_PICTURES]),
    )
