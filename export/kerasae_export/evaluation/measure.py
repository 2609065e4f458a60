"""Measure codecs on the same images: bytes of real files, quality of the decoded images, time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kerasae_export.evaluation.coders import Coder, Pictures
from kerasae_export.evaluation.quality import MS_SSIM_SIDE, mean_ms_ssim, mean_ssim, pooled_psnr
from kerasae_export.images import check_pictures

__all__ = ["ARRANGEMENTS", "Point", "measure"]

ARRANGEMENTS: dict[str, str] = {
    "files": "one file for each image",
    "together": "all images at once",
}
"""How images are handed to a codec.

`"files"`, one file for each image, or `"together"`, all images at once.
"""

_SSIM_IMAGES = 500  # enough for two digits, and SSIM is slow
_PICTURES = 12  # reconstructions that are kept to be shown


@dataclass(frozen=True)
class Point:
    """The measurements of a codec at one setting on a set of images.

    Attributes:
        arrangement: A key of `ARRANGEMENTS`.
        codec: Name of the codec.
        setting: Its setting.
        lossless: Whether every pixel is exact.
        images: Number of images.
        bytes: Bytes of all of them, containers counted.
        bytes_per_image: The mean.
        bits_per_pixel: Bits over all pixels, whatever the number of channels.
        psnr: In dB, from the squared error over all values; None where there is none.
        ssim: Mean over at most 500 images.
        ms_ssim: The same of the multi-scale SSIM; None where images are too small for it.
        encode_ms: Milliseconds to encode an image, on one core or as many as the codec uses.
        decode_ms: Milliseconds to decode it.
        pictures: The first reconstructions, at most 12, each uint8 (height, width, channels).
    """

    arrangement: str
    codec: str
    setting: str
    lossless: bool
    images: int
    bytes: int
    bytes_per_image: float
    bits_per_pixel: float
    psnr: float | None
    ssim: float
    ms_ssim: float | None
    encode_ms: float
    decode_ms: float
    pictures: tuple[NDArray[np.uint8], ...]


def measure(
    coders: Iterable[Coder],
    images: Pictures,
    arrangement: str,
    *,
    done: Callable[[Coder], None] = lambda coder: None,
) -> list[Point]:
    """Run each coder on all images and measure bytes, quality and time.

    Args:
        coders: Codecs, each at one setting.
        images: uint8 (height, width, channels); of one size if `arrangement` is "together".
        arrangement: A key of `ARRANGEMENTS`.
        done: Called after each coder.

    Returns:
        A point for each coder, in their order.

    Raises:
        ValueError: If there are no images, or those to be sent together differ in size.
        RuntimeError: If a codec that calls itself lossless is not.
    """
    images = check_pictures("images", images)
    shapes = {image.shape for image in images}
    if not isinstance(arrangement, str) or arrangement not in ARRANGEMENTS:
        raise ValueError(
            f"`arrangement` must be one of {', '.join(ARRANGEMENTS)}. Received: {arrangement!r}"
        )
    if not images or (arrangement == "together" and len(shapes) > 1):
        raise ValueError(
            "`images` must be one or more, and of one size to be sent together. "
            f"Received: {len(images)} of {len(shapes)} sizes"
        )
    run = _files if arrangement == "files" else _together
    points = []
    for coder in coders:
        points.append(_point(coder, images, arrangement, *run(coder, images)))
        done(coder)
    return points


def _files(coder: Coder, images: Pictures) -> tuple[int, Pictures, float, float]:
    start = time.perf_counter()
    files = [coder.encode(image) for image in images]
    middle = time.perf_counter()
    decoded = [coder.decode(f, i.shape) for f, i in zip(files, images, strict=True)]
    return sum(map(len, files)), decoded, middle - start, time.perf_counter() - middle


def _together(coder: Coder, images: Pictures) -> tuple[int, Pictures, float, float]:
    start = time.perf_counter()
    data = coder.encode_many(images)
    middle = time.perf_counter()
    decoded = coder.decode_many(data, len(images), images[0].shape)
    return len(data), decoded, middle - start, time.perf_counter() - middle


def _point(
    coder: Coder,
    images: Pictures,
    arrangement: str,
    size: int,
    decoded: Pictures,
    encoding: float,
    decoding: float,
) -> Point:
    same = all(np.array_equal(a, b) for a, b in zip(images, decoded, strict=True))
    if coder.lossless and not same:
        raise RuntimeError(f"{coder.name} was to be lossless and was not.")
    pairs = list(zip(images, decoded, strict=True))[:_SSIM_IMAGES]
    large = min(min(image.shape[:2]) for image in images) >= MS_SSIM_SIDE
    return Point(
        arrangement=arrangement,
        codec=coder.name,
        setting=coder.setting,
        lossless=same,
        images=len(images),
        bytes=size,
        bytes_per_image=size / len(images),
        bits_per_pixel=8 * size / sum(i.shape[0] * i.shape[1] for i in images),
        psnr=None if same else _psnr(images, decoded),
        ssim=_mean(mean_ssim, pairs),
        ms_ssim=_mean(mean_ms_ssim, pairs) if large else None,
        encode_ms=1000 * encoding / len(images),
        decode_ms=1000 * decoding / len(images),
        pictures=tuple(decoded[:_PICTURES]),
    )


def _psnr(images: Pictures, decoded: Pictures) -> float:
    a, b = (np.concatenate([p.ravel() for p in x]) / 255 for x in (images, decoded))
    return pooled_psnr(a, b)


def _mean(
    measure: Callable[[NDArray[np.float64], NDArray[np.float64]], float],
    pairs: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]],
) -> float:
    return float(np.mean([measure(a[None] / 255, b[None] / 255) for a, b in pairs]))
