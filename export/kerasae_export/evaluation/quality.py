"""Quality of reconstructions: PSNR, SSIM and MS-SSIM, as reports use them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MS_SSIM_SIDE", "mean_ms_ssim", "mean_ssim", "pooled_psnr"]


def pooled_psnr(images: NDArray[Any], reconstructions: NDArray[Any]) -> float:
    """PSNR in dB of values in [0, 1], from the squared error over all pixels of all images.

    Equal images give 120 dB, so that a report need not print infinity.
    """
    error = np.square(np.subtract(images, reconstructions, dtype=float)).mean()
    return float(-10 * np.log10(max(error, 1e-12)))


def mean_ssim(images: NDArray[Any], reconstructions: NDArray[Any]) -> float:
    """Mean SSIM over images, values in [0, 1] (Wang et al. 2004; scikit-image).

    The window is uniform, 7 x 7, which fits into images of 8 x 8; smaller images use the largest
    odd window that fits.

    Args:
        images: (n, height, width, channels).
        reconstructions: The same shape.
    """
    from skimage.metrics import structural_similarity

    window = min(7, *((side - 1) // 2 * 2 + 1 for side in images.shape[1:3]))
    values = [
        structural_similarity(a, b, win_size=window, channel_axis=-1, data_range=1.0)
        for a, b in zip(images, reconstructions, strict=True)
    ]
    return float(np.mean(values))


_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang, Simoncelli & Bovik 2003, section 3.2
_WINDOW, _SIGMA = 11, 1.5
MS_SSIM_SIDE = _WINDOW * 2 ** (len(_SCALES) - 1)
"""Least side of an image for `mean_ms_ssim`: at the coarsest of five scales it is 11."""


def mean_ms_ssim(images: NDArray[Any], reconstructions: NDArray[Any]) -> float:
    """Mean multi-scale SSIM over images, values in [0, 1].

    The product over five scales, each half the size of the one before, of the contrast and
    structure terms, and of the luminance term at the last scale, with the published exponents
    (Wang, Simoncelli & Bovik 2003, Multi-Scale Structural Similarity for Image Quality
    Assessment); the mean over channels. Negative terms count as 0.

    Args:
        images: (n, height, width, channels), sides of `MS_SSIM_SIDE` or more.
        reconstructions: The same shape.

    Raises:
        ValueError: If the shapes differ or the images are too small.
    """
    a, b = np.asarray(images, float), np.asarray(reconstructions, float)
    if a.shape != b.shape or a.ndim != 4 or min(a.shape[1:3]) < MS_SSIM_SIDE:
        raise ValueError(
            f"`images` and `reconstructions` must be of one shape (n, height, width, channels), "
            f"sides of {MS_SSIM_SIDE} or more. Received: shapes {a.shape} and {b.shape}"
        )
    product = np.ones((len(a), a.shape[3]))
    for scale, exponent in enumerate(_SCALES):
        if scale:
            a, b = _halved(a), _halved(b)
        luminance, structure = _terms(a, b)
        last = scale == len(_SCALES) - 1
        term = (luminance * structure if last else structure).mean(axis=(1, 2))
        product *= np.maximum(term, 0) ** exponent
    return float(product.mean())


def _terms(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Luminance, and contrast times structure, of each window that lies within the images."""
    mean_a, mean_b = _smooth(a), _smooth(b)
    variance = _smooth(a * a) + _smooth(b * b) - mean_a**2 - mean_b**2
    covariance = _smooth(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance, (2 * covariance + c2) / (variance + c2)


def _smooth(x: NDArray[Any]) -> NDArray[Any]:
    """Gaussian means of (n, height, width, channels), of whole windows only."""
    from scipy.ndimage import correlate1d

    offsets = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-np.square(offsets) / (2 * _SIGMA**2))
    weights /= weights.sum()
    edge = _WINDOW // 2
    y = correlate1d(correlate1d(x, weights, axis=1), weights, axis=2)
    return y[:, edge:-edge, edge:-edge]


def _halved(x: NDArray[Any]) -> NDArray[Any]:
    """Means of squares of 2 x 2 pixels; an odd last row or column is repeated."""
    odd = [(0, n % 2) for n in x.shape[1:3]]
    x = np.pad(x, [(0, 0), *odd, (0, 0)], mode="symmetric")
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
