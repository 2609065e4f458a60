"""How well a model rebuilds images, in one pass over any number of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike

from kerasae import _arguments, _inference
from kerasae.evaluation.images import ssim
from kerasae_export.images import Sampled

__all__ = ["Reconstruction", "reconstruction_quality"]


class Reconstruction(NamedTuple):
    """Measures of reconstructions.

    Attributes:
        images: How many were measured.
        psnr: Pooled over all pixels, in dB; see `psnr`.
        ssim: The mean over images; see `ssim`.
    """

    images: int
    psnr: float
    ssim: float


def reconstruction_quality(
    model: keras.Model, images: ArrayLike | Sampled, *, batch_size: int = 128
) -> Reconstruction:
    """Measure a model's reconstructions, clipped to [0, 1], in one pass and a batch at a time.

    Args:
        model: A model from images to images.
        images: (n, height, width, channels), of at least 3 x 3 pixels; or a split of a stream.
        batch_size: Images of an array that are rebuilt at a time.

    Raises:
        ValueError: If the images do not fit the model, or its output is no reconstruction.

    Example:
        >>> import kerasae, numpy as np
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
        >>> reconstruction_quality(model, np.zeros((3, 8, 8, 1))).images
        3
    """
    _inference.check_model(model)
    batch_size = _arguments.positive_int("batch_size", batch_size)
    if model.input_shape != model.output_shape or _inference.learns_labels(model):
        raise ValueError(
            "`model` must reconstruct its input. "
            f"Received: {model.input_shape} to {model.output_shape}"
        )
    count, squares, values, similar = 0, 0.0, 0, 0.0
    for part in _inference.in_batches(images):
        checked = _inference.check_images(model, part)
        for first in range(0, len(checked), batch_size):
            batch = checked[first : first + batch_size]
            rebuilt = np.clip(_inference.run([model], batch)[0], 0, 1)
            squares += float(np.square(np.subtract(batch, rebuilt, dtype=float)).sum())
            values += batch.size
            similar += len(batch) * ssim(batch, rebuilt)
            count += len(batch)
    psnr = -10 * math.log10(squares / values) if squares else math.inf
    return Reconstruction(count, psnr, similar / count)
