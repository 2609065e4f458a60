"""Errors weighed in the frequency domain, where nets leave out the fine ones."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerasae import _arguments

__all__ = ["FocalFrequency", "focal_frequency"]


def focal_frequency(images: Any, reconstructions: Any, *, alpha: float = 1.0) -> Any:
    """Focal frequency loss of each image, the mean over frequencies and channels.

    `w(u, v) |F(u, v)|^2` of the orthonormal Fourier transform `F` of the difference, where
    `w = |F|^alpha`, divided by its largest value, has no gradient: the frequencies that are worst
    rebuilt count most (Jiang, Dai, Wu & Loy 2021, Focal Frequency Loss for Image Reconstruction
    and Synthesis).

    Args:
        images: Tensor (batch, height, width, channels).
        reconstructions: The same shape.
        alpha: How much more the worst count, at least 0; with 0 it is the mean squared error.

    Returns:
        A tensor (batch,); float32, or wider for wider images.

    Raises:
        ValueError: If they are no images.

    Example:
        >>> import numpy as np
        >>> images = np.zeros((1, 8, 8, 1), np.float32)
        >>> round(float(focal_frequency(images, images + 0.5, alpha=0.0)[0]), 6)  # as 'mse'
        0.25
    """
    x, y = ops.convert_to_tensor(images), ops.convert_to_tensor(reconstructions)
    if len(x.shape) != 4 or len(y.shape) != 4:
        raise ValueError(
            "`images` must be (batch, height, width, channels) for the focal frequency loss. "
            f"Received: shapes {tuple(x.shape)} and {tuple(y.shape)}"
        )
    # TensorFlow transforms single and double precision only.
    double = "float64" in (keras.backend.standardize_dtype(z.dtype) for z in (x, y))
    wide = "float64" if double else "float32"
    difference = ops.transpose(ops.cast(x, wide) - ops.cast(y, wide), (0, 3, 1, 2))
    real, imaginary = ops.fft2((difference, ops.zeros_like(difference)))
    height, width = ops.shape(difference)[2:]
    pixels = height * width
    scale = 1 / pixels if isinstance(pixels, int) else 1 / ops.cast(pixels, wide)
    power = (ops.square(real) + ops.square(imaginary)) * scale
    weight = ops.power(power, alpha / 2)
    largest = ops.max(weight, axis=(2, 3), keepdims=True)
    weight = ops.stop_gradient(
        ops.where(largest > 0, weight / ops.where(largest > 0, largest, 1), 0)
    )
    return ops.mean(weight * power, axis=(1, 2, 3))


@keras.saving.register_keras_serializable("kerasae")
class FocalFrequency(keras.losses.Loss):
    """`focal_frequency` as a loss that a model is compiled with; `loss="focal_frequency"`.

    Args:
        alpha: How much more the worst frequencies count, at least 0.
        name: Name of the loss.
        **options: What a Keras loss takes: `reduction` and `dtype`.

    Raises:
        ValueError: If `alpha` is no such number.

    Example:
        >>> FocalFrequency(alpha=2).get_config()["alpha"]
        2.0
    """

    def __init__(
        self, *, alpha: float = 1.0, name: str = "focal_frequency", **options: Any
    ) -> None:
        super().__init__(name=name, **options)
        self.alpha = _arguments.number("alpha", alpha, low=0.0, closed=True)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image."""
        return focal_frequency(y_true, y_pred, alpha=self.alpha)

    def get_config(self) -> dict[str, Any]:
        """What a reload needs."""
        return {**super().get_config(), "alpha": self.alpha}
