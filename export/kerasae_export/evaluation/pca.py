"""PCA as a codec: the linear autoencoder, with the same entropy coder and container."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae_export.bundling.fitting import fit_tables
from kerasae_export.evaluation.coders import Coder, Picture, Pictures, Shape
from kerasae_export.format import bitstream
from kerasae_export.images import check_images

__all__ = ["PcaCoder", "PrincipalAxes"]

_TILE = 16  # sides of the squares that images larger than `_WHOLE` are cut into
_WHOLE = 32
_SAMPLES = 20_000  # squares or images that the axes and the tables are taken from
_MAX_PIXELS = 2**26


class PrincipalAxes:
    """The mean and the principal axes of small images, or of squares cut from larger ones.

    Args:
        images: (n, height, width, channels), values in [0, 1] or uint8, to learn them from.

    Attributes:
        tile: Height and width of the square that is coded at a time.
        axes: float64 (values, values), the axes in rows, the one of largest variance first.
    """

    def __init__(self, images: ArrayLike) -> None:
        pixels = check_images("images", images, unit="a codec of pixels")
        if len(pixels) < 2:
            raise ValueError(
                "`images` must be two or more of shape (n, height, width, channels). "
                f"Received: shape {pixels.shape}"
            )
        height, width = pixels.shape[1:3]
        whole = max(height, width) <= _WHOLE
        self.tile = (height, width) if whole else (_TILE, _TILE)
        every = max(1, len(pixels) * math.prod(_counts((height, width), self.tile)) // _SAMPLES)
        self.samples = np.concatenate([cut(image, self.tile) for image in pixels[::every]])
        self.mean = self.samples.mean(axis=0)
        variances, axes = np.linalg.eigh(np.cov(self.samples, rowvar=False))
        self.variances = np.maximum(variances[::-1], 0)
        self.axes = np.ascontiguousarray(axes.T[::-1])

    @functools.cached_property
    def coordinates(self) -> NDArray[np.float64]:
        """The samples along all axes."""
        return (self.samples - self.mean) @ self.axes.T


class PcaCoder(Coder):
    """The projection onto the first axes, quantised with one step size and entropy coded.

    Container and entropy coder are those of a bundle, so only the transform differs: PCA instead
    of a network.

    Args:
        axes: Fitted to training images.
        code_size: Number of axes to keep.
        step: Quantisation step size of the code; pixels are in [0, 1].
    """

    name, together = "PCA", "one stream"

    def __init__(self, axes: PrincipalAxes, code_size: int, step: float) -> None:
        self._axes, self._step = axes, step
        self.code_size = min(code_size, len(axes.axes))
        self.setting = f"{self.code_size} axes, step {step:g}"
        self._tables = fit_tables(_round(axes.coordinates[:, : self.code_size] / step))
        model = f"{self.setting}{axes.tile}".encode() + axes.axes.tobytes()
        self._hash = hashlib.sha256(model).digest()

    @classmethod
    def grid(
        cls,
        axes: PrincipalAxes,
        *,
        code_sizes: Sequence[int] = (8, 16, 32, 64, 256),
        steps: Sequence[float] = (4.0, 2.0, 1.0, 0.5, 0.25, 0.125),
    ) -> list[PcaCoder]:
        """Coders of several code sizes and steps, to keep the best at each rate."""
        sizes = sorted({min(size, len(axes.axes)) for size in code_sizes})
        return [cls(axes, size, step) for size in sizes for step in steps]

    def encode(self, image: Picture) -> bytes:
        """See `Coder`."""
        return bitstream.write_image(self._block([image]), self._hash)

    def decode(self, data: bytes, shape: Shape) -> Picture:
        """See `Coder`."""
        block = bitstream.read_image(data, self._hash, max_pixels=_MAX_PIXELS)
        return self._images(block, shape[2])[0]

    def encode_many(self, images: Pictures) -> bytes:
        """See `Coder`."""
        size = bitstream.MAX_BLOCK_IMAGES
        blocks = [self._block(images[i : i + size]) for i in range(0, len(images), size)]
        return bitstream.write_stream(blocks, self._hash)

    def decode_many(self, data: bytes, count: int, shape: Shape) -> list[Picture]:
        """See `Coder`."""
        blocks = bitstream.read_stream(data, self._hash, max_pixels=_MAX_PIXELS)
        return [image for block in blocks for image in self._images(block, shape[2])]

    def _block(self, images: Pictures) -> bitstream.Block:
        values = np.concatenate([cut(image / 255, self._axes.tile) for image in images])
        code = (values - self._axes.mean) @ self._axes.axes[: self.code_size].T
        payload = self._tables.encode(_round(code / self._step))
        height, width = images[0].shape[:2]
        return bitstream.Block(len(images), height, width, payload)

    def _images(self, block: bitstream.Block, channels: int) -> list[Picture]:
        rows, columns = _counts((block.height, block.width), self._axes.tile)
        symbols = self._tables.decode(block.payload, block.count * rows * columns)
        values = symbols * self._step @ self._axes.axes[: self.code_size] + self._axes.mean
        levels = np.clip(np.floor(values * 255 + 0.5), 0, 255).astype(np.uint8)
        height, width = self._axes.tile
        grid = levels.reshape(block.count, rows, columns, height, width, channels)
        sheets = grid.swapaxes(2, 3).reshape(block.count, rows * height, columns * width, channels)
        return list(sheets[:, : block.height, : block.width])


def cut(image: NDArray[np.floating], tile: tuple[int, int]) -> NDArray[np.floating]:
    """The squares of an image as rows of values; at the edges its last pixels are repeated."""
    rows, columns = _counts(image.shape[:2], tile)
    lack = (rows * tile[0] - image.shape[0], columns * tile[1] - image.shape[1])
    padded = np.pad(image, ((0, lack[0]), (0, lack[1]), (0, 0)), mode="edge")
    grid = padded.reshape(rows, tile[0], columns, tile[1], -1).swapaxes(1, 2)
    return grid.reshape(rows * columns, -1)


def _counts(size: tuple[int, ...], tile: tuple[int, int]) -> tuple[int, int]:
    return math.ceil(size[0] / tile[0]), math.ceil(size[1] / tile[1])


def _round(values: NDArray[np.floating]) -> NDArray[np.int64]:
    return np.floor(values + 0.5).astype(np.int64)
