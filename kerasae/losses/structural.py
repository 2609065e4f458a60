"""Structural similarity as a loss: what differs in luminance, contrast and structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasae import _arguments

__all__ = ["SSIM", "MultiScaleSSIM", "ms_ssim", "ssim"]

_K1, _K2 = 0.01, 0.03  # Wang, Bovik, Sheikh & Simoncelli 2004, section III.B
_WINDOW = 11
_EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang, Simoncelli & Bovik 2003, section 3.2
_LEAST = 1e-4  # the gradient of a power is infinite at 0


def ssim(
    images: Any, reconstructions: Any, *, window: int | None = None, sigma: float = 1.5
) -> Any:
    """Structural similarity of each image, the mean over windows and channels.

    `(2 m_x m_y + c1) (2 s_xy + c2) / ((m_x^2 + m_y^2 + c1) (s_x^2 + s_y^2 + c2))` with means,
    variances and covariance under a Gaussian window that lies within the image, `c1` = .01^2 and
    `c2` = .03^2 (Wang, Bovik, Sheikh & Simoncelli 2004, Image Quality Assessment).

    Args:
        images: Tensor (batch, height, width, channels), of which [0, 1] is black to white.
        reconstructions: The same shape.
        window: Side of the window in pixels, odd; None takes 11, or the largest odd number that
            fits into a smaller image.
        sigma: Standard deviation of the window in pixels.

    Returns:
        A tensor (batch,), at most 1, which equal images have; float32, or wider for wider images.

    Raises:
        ValueError: If they are no images, or the window does not fit into them.

    Example:
        >>> import numpy as np
        >>> images = np.random.default_rng(0).random((2, 16, 16, 1))
        >>> [round(float(value), 6) for value in ssim(images, images)]
        [1.0, 1.0]
    """
    x, y = _pair(images, reconstructions)
    luminance, contrast = _terms(x, y, _window(x.shape, window), sigma)
    return ops.mean(luminance * contrast, axis=(1, 2, 3))


def ms_ssim(
    images: Any,
    reconstructions: Any,
    *,
    scales: int | None = None,
    window: int | None = None,
    sigma: float = 1.5,
) -> Any:
    """Multi-scale structural similarity of each image, the mean over channels.

    The product over the scales, each half the size of the one before, of the mean of contrast and
    structure, and at the last scale of luminance, too, to powers that were found by experiment
    (Wang, Simoncelli & Bovik 2003). Of fewer scales than five the powers are divided by their sum.

    Args:
        images: Tensor (batch, height, width, channels), of which [0, 1] is black to white.
        reconstructions: The same shape.
        scales: 1 to 5; None takes as many as have room for the window.
        window: As of `ssim`.
        sigma: As of `ssim`.

    Returns:
        A tensor (batch,), at most 1; float32, or wider for wider images. A factor below .0001
        counts as .0001 and has no gradient.

    Raises:
        ValueError: If they are no images, or the window does not fit into the smallest of them.

    Example:
        >>> import numpy as np
        >>> images = np.random.default_rng(0).random((2, 64, 64, 3))
        >>> [round(float(value), 6) for value in ms_ssim(images, images)]
        [1.0, 1.0]
    """
    x, y = _pair(images, reconstructions)
    if scales is None:
        side = _WINDOW if window is None else window
        scales = max(
            n for n in range(1, 6) if n == 1 or _least_side(x.shape) >= side * 2 ** (n - 1)
        )
    scales = _scales(scales)
    powers = np.array(_EXPONENTS[:scales]) / sum(_EXPONENTS[:scales])
    product = 1.0
    for n, power in enumerate(powers, 1):
        luminance, contrast = _terms(x, y, _window(x.shape, window), sigma)
        value = luminance * contrast if n == scales else contrast
        mean = ops.maximum(ops.mean(value, axis=(1, 2)), _LEAST)
        product = product * ops.power(mean, ops.cast(power, mean.dtype))
        if n < scales:
            x, y = (
                ops.average_pool(z, 2, strides=2, padding="valid", data_format="channels_last")
                for z in (x, y)
            )
    return ops.mean(product, axis=-1)


class _Similarity(keras.losses.Loss):
    # Alone it leaves the brightness open, so that outputs without bounds drift.
    unit_range = "the structural similarity, which knows black and white by 0 and 1"

    def __init__(
        self, *, window: int | None = None, sigma: float = 1.5, name: str, **options: Any
    ) -> None:
        super().__init__(name=name, **options)
        self.window = None if window is None else _odd(window)
        self.sigma = _arguments.number("sigma", sigma, low=0.0)

    def get_config(self) -> dict[str, Any]:
        """What a reload needs."""
        return {**super().get_config(), "window": self.window, "sigma": self.sigma}


@keras.saving.register_keras_serializable("kerasae")
class SSIM(_Similarity):
    """One minus the structural similarity of each image, see `ssim`; `loss="ssim"`.

    Args:
        window: Side of the window, odd; None takes 11, or the largest odd number that fits.
        sigma: Standard deviation of the window in pixels, above 0.
        name: Name of the loss.
        **options: What a Keras loss takes: `reduction` and `dtype`.

    Raises:
        ValueError: If one of them is no such number.

    Example:
        >>> import numpy as np
        >>> images = np.random.default_rng(0).random((2, 16, 16, 1)).astype(np.float32)
        >>> float(SSIM()(images, images))
        0.0
    """

    def __init__(
        self,
        *,
        window: int | None = None,
        sigma: float = 1.5,
        name: str = "ssim",
        **options: Any,
    ) -> None:
        super().__init__(window=window, sigma=sigma, name=name, **options)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One minus the similarity, (batch,)."""
        return 1 - ssim(y_true, y_pred, window=self.window, sigma=self.sigma)


@keras.saving.register_keras_serializable("kerasae")
class MultiScaleSSIM(_Similarity):
    """One minus the multi-scale similarity of each image, see `ms_ssim`; `loss="ms_ssim"`.

    Args:
        scales: 1 to 5; None takes as many as have room for the window.
        window: Side of the window, odd; None takes 11, or the largest odd number that fits.
        sigma: Standard deviation of the window in pixels, above 0.
        name: Name of the loss.
        **options: What a Keras loss takes: `reduction` and `dtype`.

    Raises:
        ValueError: If one of them is no such number.

    Example:
        >>> MultiScaleSSIM(scales=3).get_config()["scales"]
        3
    """

    def __init__(
        self,
        *,
        scales: int | None = None,
        window: int | None = None,
        sigma: float = 1.5,
        name: str = "ms_ssim",
        **options: Any,
    ) -> None:
        super().__init__(window=window, sigma=sigma, name=name, **options)
        self.scales = None if scales is None else _scales(scales)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One minus the similarity, (batch,)."""
        return 1 - ms_ssim(y_true, y_pred, scales=self.scales, window=self.window, sigma=self.sigma)

    def get_config(self) -> dict[str, Any]:
        """What a reload needs."""
        return {**super().get_config(), "scales": self.scales}


def _pair(images: Any, reconstructions: Any) -> tuple[Any, Any]:
    """Two tensors of images, of float32 or wider."""
    x, y = ops.convert_to_tensor(images), ops.convert_to_tensor(reconstructions)
    if len(x.shape) != 4 or len(y.shape) != 4:
        raise ValueError(
            "`images` must be (batch, height, width, channels) for the structural similarity. "
            f"Received: shapes {tuple(x.shape)} and {tuple(y.shape)}"
        )
    wide = keras.backend.result_type(x.dtype, y.dtype, "float32")
    return ops.cast(x, wide), ops.cast(y, wide)


def _terms(x: Any, y: Any, window: int, sigma: float) -> tuple[Any, Any]:
    """Luminance, and contrast with structure, for each window and channel."""
    offsets = np.arange(window) - window // 2
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    weights /= weights.sum()
    planes = ops.concatenate([x, y, x * x, y * y, x * y], axis=-1)
    for shape in ((window, 1), (1, window)):
        kernel = np.tile(weights.reshape(*shape, 1, 1), (1, 1, planes.shape[-1], 1))
        kernel = ops.convert_to_tensor(kernel, dtype=planes.dtype)
        planes = ops.depthwise_conv(planes, kernel, padding="valid", data_format="channels_last")
    mean_x, mean_y, square_x, square_y, product = ops.split(planes, 5, axis=-1)
    both = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    c1, c2 = _K1**2, _K2**2
    luminance = (2 * both + c1) / (squares + c1)
    contrast = (2 * (product - both) + c2) / (square_x + square_y - squares + c2)
    return luminance, contrast


def _least_side(shape: Sequence[int | None]) -> int:
    """The smaller side of images, of which those of any size count as large."""
    return min(2**20 if side is None else side for side in shape[1:3])


def _window(shape: Sequence[int | None], window: int | None) -> int:
    least = _least_side(shape)
    if window is None:
        return min(_WINDOW, (least - 1) // 2 * 2 + 1)
    if _odd(window) > least:
        raise ValueError(
            "`window` must fit into the images, at the coarsest scale, too. "
            f"Received: window={window} for {shape[1]} x {shape[2]} pixels"
        )
    return window


def _odd(window: Any) -> int:
    window = _arguments.positive_int("window", window)
    if window % 2 == 0:
        raise ValueError(f"`window` must be an odd number of pixels. Received: window={window}")
    return window


def _scales(scales: Any) -> int:
    scales = _arguments.positive_int("scales", scales)
    if scales > len(_EXPONENTS):
        raise ValueError(f"`scales` must be 1 to {len(_EXPONENTS)}. Received: scales={scales}")
    return scales
