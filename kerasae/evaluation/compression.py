"""Rate and distortion of a model that was trained for both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from kerasae import _inference
from kerasae.evaluation.images import psnr

__all__ = ["RateDistortion", "rate_distortion"]


@dataclass(frozen=True)
class RateDistortion:
    """A point of a rate-distortion curve.

    Attributes:
        bits_per_image: Mean over images.
        bits_per_pixel: The same over height times width, whatever the number of channels.
        mse: Mean squared error over all values of all images, in [0, 1].
        psnr: The same in dB, see `psnr`.
    """

    bits_per_image: float
    bits_per_pixel: float
    mse: float
    psnr: float


def rate_distortion(model: keras.Model, images: ArrayLike) -> RateDistortion:
    """Rate and distortion of a model that was trained for both, at its rounded codes.

    The rate is `-log2` of the probability of the rounded code under the learned entropy model
    (Ballé, Laparra & Simoncelli 2017), which is the length of an ideal entropy coder that has
    the same tables. Reconstructions are clipped to [0, 1], as a viewer would.

    Args:
        model: A model of `build_rate_distortion`.
        images: (n, height, width, channels), values in [0, 1].

    Returns:
        Both, averaged over the images.

    Raises:
        ValueError: If the model has no entropy model, or the images do not fit it.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=50).train
        >>> model = kerasae.build_rate_distortion(
        ...     input_shape=(8, 8, 1), code_size=4, hidden=(16,), network="dense"
        ... )
        >>> measured = rate_distortion(model, images)
        >>> measured.bits_per_image == 64 * measured.bits_per_pixel
        True
    """
    layers = [layer for layer in getattr(model, "layers", ()) if layer.name == "bottleneck"]
    if not layers or not hasattr(layers[0], "bits"):
        raise ValueError(
            "`model` must have a layer named 'bottleneck' that knows the bits of a code. "
            f"Received: model={getattr(model, 'name', model)!r}"
        )
    pictures = _inference.check_images(model, images)
    codes = _inference.encode_values(model, pictures)
    rounding = [layers[0].encoder_tail()] if hasattr(layers[0], "encoder_tail") else []

    def count_bits(codes: Any, *, training: bool) -> Any:
        return layers[0].bits(ops.convert_to_tensor(codes))

    bits = _inference.run([*rounding, count_bits], codes)[0]
    if bits.shape != (len(pictures),):
        raise ValueError(
            "`model` must have a bottleneck that gives the bits of each image, (batch,). "
            f"Received: shape {bits.shape}"
        )
    rebuilt = _inference.decode(model, codes)
    per_image = float(bits.mean(dtype=float))
    return RateDistortion(
        bits_per_image=per_image,
        bits_per_pixel=per_image / math.prod(pictures.shape[1:3]),
        mse=float(np.square(np.subtract(pictures, rebuilt, dtype=float)).mean()),
        psnr=psnr(pictures, rebuilt),
    )
