"""Whether neighbours in a code are neighbours in the images, or of one class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments

__all__ = ["neighbourhood_accuracy", "trustworthiness"]

_ROWS = 500  # distances from so many images to all others are in memory at a time


def trustworthiness(images: ArrayLike, codes: ArrayLike, *, n_neighbors: int = 12) -> float:
    """How far the nearest neighbours in the code are neighbours in the images too.

    `T(k) = 1 - 2 / (n k (2 n - 3 k - 1)) * sum_i sum_j max(0, r(i, j) - k)`, where `j` runs over
    the `k` nearest neighbours of `i` by their codes, and `r(i, j)` is the rank of `j` among the
    neighbours of `i` by their images, 1 for the nearest; distances are Euclidean (Venna & Kaski
    2001, Neighborhood Preservation in Nonlinear Projection Methods). An image that is near in the
    code without being near in truth costs by how far it is; the opposite error costs nothing.

    Args:
        images: (n, ...), flattened to vectors.
        codes: (n, ...), flattened to vectors.
        n_neighbors: The `k`, at least 1 and below `n / 2`.

    Returns:
        A number in [0, 1]; 1 if no neighbour is false, about 0.5 for codes without any relation
        to the images.

    Raises:
        ValueError: If there is not one code for each image, or `n_neighbors` breaks its rule.

    Example:
        >>> import numpy as np
        >>> images = np.random.default_rng(0).random((50, 8, 8, 1))
        >>> trustworthiness(images, 2 * images)
        1.0
    """
    from sklearn.metrics import euclidean_distances

    x, z = _arguments.vectors("images", images), _arguments.vectors("codes", codes)
    n, k = len(x), _arguments.positive_int("n_neighbors", n_neighbors)
    if len(z) != n:
        raise ValueError(
            f"`codes` must hold one code for each of the {n} images. Received: {len(z)}"
        )
    if k >= n / 2:
        raise ValueError(
            f"`n_neighbors` must be below half the number of images, {n}. Received: n_neighbors={k}"
        )
    neighbours = _nearest(z, k)
    penalty = 0
    for first in range(0, n, _ROWS):
        rows = np.arange(first, min(first + _ROWS, n))
        distances = euclidean_distances(x[rows], x, squared=True)
        distances[np.arange(len(rows)), rows] = np.inf  # nobody is a neighbour of himself
        near = np.take_along_axis(distances, neighbours[rows], axis=1)
        distances.sort(axis=1)
        ranks = [1 + np.searchsorted(*pair) for pair in zip(distances, near, strict=True)]
        penalty += int(np.maximum(0, np.stack(ranks) - k).sum())
    return 1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1))


def neighbourhood_accuracy(codes: ArrayLike, labels: ArrayLike, *, n_neighbors: int = 1) -> float:
    """Share of codes whose nearest neighbours, itself left out, vote for its label.

    The leave-one-out accuracy of a k-nearest-neighbours classifier with Euclidean distances;
    of labels with equally many votes the smallest wins, as in scikit-learn.

    Args:
        codes: (n, ...), flattened to vectors.
        labels: Classes, (n,).
        n_neighbors: The `k`, at least 1 and below `n`.

    Returns:
        The share, from 0 to 1.

    Raises:
        ValueError: If there is not one label for each code, or `n_neighbors` breaks its rule.

    Example:
        >>> neighbourhood_accuracy([[0.0], [0.1], [1.0], [1.1]], [3, 3, 5, 3])
        0.5
    """
    z, y = _arguments.vectors("codes", codes), _arguments.labels("labels", labels)
    if y.shape != z.shape[:1]:
        raise ValueError(
            f"`labels` must hold one label for each of the {len(z)} codes. "
            f"Received: shape {y.shape}"
        )
    k = _arguments.positive_int("n_neighbors", n_neighbors)
    if k >= len(z):
        raise ValueError(
            f"`n_neighbors` must be below the number of codes, {len(z)}. Received: n_neighbors={k}"
        )
    classes, index = np.unique(y, return_inverse=True)
    votes = np.zeros((len(z), len(classes)), int)
    np.add.at(votes, (np.arange(len(z))[:, None], index[_nearest(z, k)]), 1)
    return float(np.mean(votes.argmax(axis=1) == index))


def _nearest(vectors: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """(n, k): the nearest of the other vectors, in ascending distance."""
    from sklearn.neighbors import NearestNeighbors

    found: NDArray[np.int64] = (
        NearestNeighbors(n_neighbors=k).fit(vectors).kneighbors(return_distance=False)
    )
    return found
