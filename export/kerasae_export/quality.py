"""How far a reconstruction is from its original: PSNR and SSIM, as reports use them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_ssim", "pooled_psnr"]


def pooled_psnr(images: NDArray[Any], reconstructions: NDArray[Any]) -> float:
    """PSNR in dB of values in [0, 1], from the squared error over all pixels of all images.

    Equal images give 120 dB, so that a report need not print infinity.
    """
    error = np.square(np.subtract(images, reconstructions, dtype=float)).mean()
    return float(-10 * np.log10(max(error, 1e-12)))


def mean_ssim(images: NDArray[Any], reconstructions: NDArray[Any]) -> float:
    """Mean SSIM over images, values in [0, 1] (Wang et al. 2004; scikit-image).

    The window is uniform, 7 x 7, which images of 8 x 8 still hold; a smaller image takes the
    largest odd window that fits.

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
