"""How far a code is from those of normal images, in the field's standard measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments

__all__ = ["CodeDistance", "Scores"]

_FLOOR = 1e-6  # of the mean variance, added to each: a unit that never moved must not divide by 0

Scores = NDArray[np.float64]
"""A number for each image, the higher, the stranger."""


class CodeDistance:
    """The squared Mahalanobis distance of a code from the codes of normal images.

    `(z - m)^T S^-1 (z - m)` with the mean `m` and the covariance `S` of normal codes: the square of
    how many standard deviations away, all directions counted alike. Of Gaussian codes it is
    chi-squared distributed with as many degrees of freedom as the code has values.

    Args:
        codes: Codes of normal images, (n, ...), flattened to vectors; many more than a vector has
            values.

    Attributes:
        mean: `m`, (size,).
        whitening: `W` with `W W^T = S^-1`, (size, size), so that the distance is the squared
            length of `(z - m) W`.

    Raises:
        ValueError: If the codes are not finite, or too few for their covariance.

    Example:
        >>> import numpy as np
        >>> codes = np.random.default_rng(0).normal(3.0, 2.0, (1000, 4))
        >>> bool(abs(CodeDistance(codes)(codes).mean() - 4) < 0.01)
        True
    """

    def __init__(self, codes: ArrayLike) -> None:
        vectors = _arguments.vectors("codes", codes)
        count, size = vectors.shape
        if count <= size:
            raise ValueError(
                f"`codes` must be more than the {size} values of a code, whose covariance they are "
                f"to tell. Received: {count} codes"
            )
        self.mean: Scores = vectors.mean(axis=0)
        variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(vectors.T, ddof=0)))
        floor = max(_FLOOR * float(variances.mean()), 1e-12)
        self.whitening: Scores = axes / np.sqrt(np.maximum(variances, 0) + floor)

    def __call__(self, codes: ArrayLike) -> Scores:
        """Give the distance of each code.

        Args:
            codes: (n, ...), flattened to vectors.

        Returns:
            float64 (n,).
        """
        vectors = _arguments.vectors("codes", codes)
        if vectors.shape[1] != len(self.mean):
            raise ValueError(
                f"`codes` must have {len(self.mean)} values each, like those of normal images. "
                f"Received: {vectors.shape[1]}"
            )
        return np.square((vectors - self.mean) @ self.whitening).sum(axis=1)
