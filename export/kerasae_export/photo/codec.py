"""The codec of photographs: pixels to a file of version 2 and back, in NumPy.

Its transform is linear: some products with small matrices, for which NumPy needs no model.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BitstreamBundleError
from kerasae_export.format.arguments import check_bytes, check_count, check_quality
from kerasae_export.format.bitstream import Block
from kerasae_export.format.family import CELL, CHANNELS, PLANES, QUALITIES, Family
from kerasae_export.format.limits import MAX_PIXELS, Claims, Limits, check_length
from kerasae_export.format.photo import MAX_LANES_LOG2, Unpacked, pack, unpack, unpredict_lowest
from kerasae_export.format.photo_file import Head, family_id, read_photo, write_photo
from kerasae_export.format.received import Data
from kerasae_export.images import check_picture
from kerasae_export.photo.decisions import Each, Tradeoff, decide, decide_by_rule
from kerasae_export.photo.refinement import rebuild, refine
from kerasae_export.photo.shipped import shipped_families
from kerasae_export.photo.transform import COEFFICIENT_UNIT, Transform

__all__ = ["DEFAULT_QUALITY", "EFFORTS", "MULTIPLIER", "PhotoCodec"]

DEFAULT_QUALITY = 75
EFFORTS = (0, 1)
TRIES = 4
"""Classes of each cell that effort 1 tries."""
MULTIPLIER = 0.12
"""Squared steps that a bit may cost: about the slope of rate and distortion at high rates."""

Image = NDArray[np.uint8]


class PhotoCodec:
    """Compresses photographs to bytes and back.

    Qualities go from 1, the smallest files, to 100; 75 is the default. Threads may share a codec.

    Args:
        families: What encoder and decoder share. The first one writes, and all of them read: a
            file is decoded by the family that it names.
        max_pixels: Most pixels of an image.
        max_expansion: How many times the pixels that FORMAT.md allows for each byte received a
            file may have.
        threads: Threads that an image may be compressed by. The file is the same.

    Attributes:
        families: As given.
        max_pixels: As given.
        max_expansion: As given.

    Example:
        >>> import numpy as np
        >>> from kerasae_export.photo.codec import PhotoCodec
        >>> codec = PhotoCodec.load()
        >>> image = np.full((30, 40, 3), 200, np.uint8)
        >>> data = codec.compress(image)
        >>> np.abs(codec.decompress(data).astype(int) - image).max() < 3
        np.True_
    """

    def __init__(
        self,
        families: Sequence[Family],
        *,
        max_pixels: int = MAX_PIXELS,
        max_expansion: int = 1,
        threads: int = 1,
    ) -> None:
        self._limits = Limits(max_pixels=max_pixels, max_expansion=max_expansion)
        if not families:
            raise ValueError("`families` must hold one or more. Received: none")
        self.families = tuple(families)
        self.max_pixels: int = int(max_pixels)
        self.max_expansion: int = int(max_expansion)
        self._threads = check_count("threads", threads)

    @classmethod
    def load(
        cls, *, max_pixels: int = MAX_PIXELS, max_expansion: int = 1, threads: int = 1
    ) -> PhotoCodec:
        """The codec that ships with the package.

        Args:
            max_pixels: Most pixels of an image to compress or decompress.
            max_expansion: How many times the pixels that FORMAT.md allows for each byte received
                a file may have.
            threads: Threads that an image may be compressed by.

        Returns:
            The codec. It reads what any version of the package has written.

        Raises:
            ValueError: If `max_pixels`, `max_expansion` or `threads` is not a positive integer.
        """
        return cls(
            shipped_families(),
            max_pixels=max_pixels,
            max_expansion=max_expansion,
            threads=threads,
        )

    @property
    def qualities(self) -> int:
        """How many qualities there are."""
        return QUALITIES

    def compress(
        self,
        image: NDArray[Any],
        *,
        quality: int | None = None,
        target_psnr: float | None = None,
        target_bytes: int | None = None,
        effort: int = 1,
    ) -> bytes:
        """Compress a photograph to a `.kae` file of version 2.

        Args:
            image: uint8 of shape (height, width, 3).
            quality: 1 (the smallest file) to 100 (the best image); 75 unless a target is given.
            target_psnr: Decibels; the lowest quality that reaches them is taken, or 100.
            target_bytes: Most bytes of the file; the highest quality within them is taken.
            effort: 0 decides by an integer rule, which is a little faster and the same in every
                implementation; 1 by rate and distortion.

        Returns:
            The bytes of the file.

        Raises:
            ValueError: If the image is of another shape or dtype or over `max_pixels`, an
                argument is out of its bounds or more than one of quality and targets is given,
                or no quality gives a file of at most `target_bytes`.
        """
        image = check_picture("image", image, channels=PLANES)
        if not 1 <= image.shape[0] * image.shape[1] <= self.max_pixels:
            raise ValueError(
                f"`image` must have 1 to {self.max_pixels} pixels. Received: shape {image.shape}"
            )
        given = [v for v in (quality, target_psnr, target_bytes) if v is not None]
        if len(given) > 1:
            raise ValueError(
                "`quality`, `target_psnr` and `target_bytes` exclude each other. Received: "
                f"quality={quality}, target_psnr={target_psnr}, target_bytes={target_bytes}"
            )
        if not isinstance(effort, Integral) or effort not in EFFORTS:
            raise ValueError(f"`effort` must be 0 or 1. Received: effort={effort!r}")
        coefficients = self._transform.forward(image)

        def attempt(quality: int) -> bytes:
            return self._write(coefficients, image.shape[:2], quality, effort)

        if target_psnr is not None:
            return self._reach(attempt, image, target_psnr)
        if target_bytes is not None:
            return _fit(attempt, target_bytes)
        quality = check_quality(DEFAULT_QUALITY if quality is None else quality, QUALITIES)
        return self._write(coefficients, image.shape[:2], quality, effort, last=True)

    def decompress(self, data: Data) -> Image:
        """Rebuild the photograph of a file.

        Args:
            data: The bytes of the file.

        Returns:
            uint8 of shape (height, width, 3).

        Raises:
            BitstreamError: If the bytes are damaged, of an unknown family or version, or claim
                more than `max_pixels`, or too many for so few bytes; see its subclasses.
        """
        data = check_bytes(data)
        name = family_id(data)
        known = {family.digest[:2]: family for family in reversed(self.families)}
        if name is not None and name not in known:
            raise BitstreamBundleError(
                f"The bitstream was made with family {name.hex()}, which this codec does not "
                f"have: {', '.join(sorted(key.hex() for key in known))}."
            )
        family = known.get(name or b"", self.families[0])

        def check(block: Block, size: int) -> None:
            pixels = block.height * block.width
            self._limits.check(Claims(1, pixels), len(data))
            cells = _cells(block.height) * _cells(block.width)
            coded = cells * (CHANNELS + 1)
            check_length(size, coded, self._limits, before=1, lanes=1 << MAX_LANES_LOG2)

        head, payload = read_photo(data, family.digest, max_pixels=self.max_pixels, check=check)
        rows, columns = _cells(head.height), _cells(head.width)
        unpacked = unpack(family, payload, rows, columns, family.band(head.quality), self._limits)
        transform = self._transform if family is self.families[0] else _transform(family)
        rebuilt = _rebuilt(family, unpacked, transform.strips(rows), columns, head.quality)
        return transform.inverse(rebuilt, head.height, head.width)

    @cached_property
    def _transform(self) -> Transform:
        return _transform(self.families[0])

    @cached_property
    def _tradeoff(self) -> Tradeoff:
        return Tradeoff(self.families[0], MULTIPLIER)

    @contextmanager
    def _workers(self) -> Generator[Each, None, None]:
        if self._threads == 1:
            yield map
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                yield pool.map

    def _write(
        self,
        coefficients: NDArray[np.int32],
        size: tuple[int, int],
        quality: int,
        effort: int,
        *,
        last: bool = False,
    ) -> bytes:
        """The file; `coefficients` are given up if this is the `last` one."""
        family, (rows, columns) = self.families[0], map(_cells, size)
        band = family.band(quality)
        if effort:
            scaled = _in_steps(coefficients, family.steps[quality - 1], last)
            tradeoff = self._tradeoff
            with self._workers() as each:
                chosen = decide(family, scaled, rows, columns, band, tradeoff, TRIES, each)
                refine(family, self._transform, scaled, chosen, size, tradeoff, each=each)
            del scaled
        else:
            chosen = decide_by_rule(family, coefficients, rows, columns, quality)
        payload = pack(family, chosen.symbols, chosen.classes, columns, band)
        return write_photo(Head(quality, *size), payload, family.digest)

    def _reach(self, attempt: Callable[[int], bytes], image: Image, target: float) -> bytes:
        """The file of the lowest quality whose PSNR reaches the target; else of the highest."""
        if isinstance(target, bool) or not isinstance(target, Real) or not 0 < target < 1000:
            raise ValueError(
                f"`target_psnr` must be a number of decibels above 0. "
                f"Received: target_psnr={target!r}"
            )
        most = 255**2 / 10 ** (float(target) / 10)

        def good(quality: int) -> bytes | None:
            data = attempt(quality)
            error = np.square(self.decompress(data).astype(np.float32) - image)
            return data if quality == QUALITIES or error.mean(dtype=float) <= most else None

        low, high, found = 1, QUALITIES, b""
        while low <= high:
            middle = (low + high) // 2
            data = good(middle)
            if data is None:
                low = middle + 1
            else:
                high, found = middle - 1, data
        return found


def _transform(family: Family) -> Transform:
    return Transform(family.colour, family.block, family.overlap)


def _in_steps(coefficients: NDArray[np.int32], step: float, last: bool) -> NDArray[np.float32]:
    """Coefficients in steps, in their own memory if this is the last use of them."""
    factor = np.float32(1 / (COEFFICIENT_UNIT * step))
    result = coefficients.view(np.float32) if last else np.empty(coefficients.shape, np.float32)
    for into, channel in zip(result, coefficients, strict=True):
        into[:] = channel.astype(np.float32) * factor
    return result


def _cells(pixels: int) -> int:
    return -(-pixels // CELL)


def _fit(attempt: Callable[[int], bytes], most: int) -> bytes:
    """The file of the highest quality within a number of bytes."""
    check_count("target_bytes", most)
    low, high, found = 1, QUALITIES, b""
    while low <= high:
        middle = (low + high) // 2
        data = attempt(middle)
        if len(data) <= most:
            low, found = middle + 1, data
        else:
            high = middle - 1
    if not found:
        raise ValueError(
            f"`target_bytes` must be at least {len(attempt(1))} for this image. "
            f"Received: target_bytes={most}"
        )
    return found


def _rebuilt(
    family: Family,
    unpacked: Unpacked,
    strips: Sequence[tuple[int, int, int, int]],
    columns: int,
    quality: int,
) -> Iterator[NDArray[np.float32]]:
    """Coefficients of strips, as `Transform.inverse` takes them."""
    symbols, _, tables = unpacked
    step = np.float32(family.steps[quality - 1])
    unpredict_lowest(symbols, symbols.shape[1] // columns, columns)
    for low, _, _, high in strips:
        cells = slice(low * columns, high * columns)
        values = step * rebuild(family, symbols[:, cells], tables[:, cells])
        yield values.reshape(CHANNELS, high - low, columns)
