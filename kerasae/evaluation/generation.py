"""How much generated images are like real ones, measured on features of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments

__all__ = ["SampleScores", "frechet_distance", "sample_scores"]

_ROWS = 1000  # distances from so many vectors to all others are in memory at a time


@dataclass(frozen=True)
class SampleScores:
    """Quality and diversity of samples apart, each from 0 to 1.

    Attributes:
        precision: Share of the samples that lie among the real images: quality.
        recall: Share of the real images that lie among the samples: diversity.
    """

    precision: float
    recall: float


def frechet_distance(real: ArrayLike, generated: ArrayLike) -> float:
    """Distance of two sets of features, as if each were normally distributed.

    `|m - n|^2 + trace(S + T - 2 (S T)^(1/2))` with the means `m`, `n` and covariances `S`, `T`
    (Heusel, Ramsauer, Unterthiner, Nessler & Hochreiter 2017, GANs Trained by a Two Time-Scale
    Update Rule: the FID, there of features of an Inception net). The number depends on the
    features and, upwards, on how few vectors there are: compare sets of one size by one net only.

    Args:
        real: Features (n, ...) of real images, flattened to vectors, n at least 2.
        generated: Features (m, ...) of generated images by the same network.

    Returns:
        The squared distance, 0 or more.

    Raises:
        ValueError: If the features are no such arrays, or differ in size.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(500, 3))
        >>> round(frechet_distance(x, x + 2.0), 6)  # three means, each moved by 2
        12.0
    """
    a, b = _features(real, generated)
    mean, other = a.mean(axis=0), b.mean(axis=0)
    s, t = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    # The trace of (S T)^(1/2) is that of (S^(1/2) T S^(1/2))^(1/2), which is symmetric.
    values, vectors = np.linalg.eigh(s)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ t @ root), 0)).sum()
    distance = np.square(mean - other).sum() + np.trace(s) + np.trace(t) - 2 * overlap
    return max(0.0, float(distance))


def sample_scores(real: ArrayLike, generated: ArrayLike, *, n_neighbors: int = 3) -> SampleScores:
    """Precision and recall of generated images, by the neighbourhoods of their features.

    A vector lies among a set if it is within the distance of one of the set's members to that
    member's `n_neighbors`-th nearest neighbour in the set (Kynkäänniemi, Karras, Laine, Lehtinen
    & Aila 2019, Improved Precision and Recall Metric for Assessing Generative Models, where it is
    3). Both numbers depend on the sizes of the sets; take equal ones, and put real images that
    were held back beside the samples to see what a perfect model would have.

    Args:
        real: Features (n, ...) of real images, flattened to vectors.
        generated: Features (m, ...) of generated images by the same network.
        n_neighbors: See above; at least 1 and below n and m.

    Returns:
        The two scores.

    Raises:
        ValueError: If the features are no such arrays, or too few.

    Example:
        >>> real = [[0.0], [1.0], [2.0], [3.0]]
        >>> scores = sample_scores(real, [[0.4], [0.5], [9.0]], n_neighbors=1)
        >>> round(scores.precision, 2), scores.recall
        (0.67, 0.75)
    """
    a, b = _features(real, generated)
    k = _arguments.positive_int("n_neighbors", n_neighbors)
    if k >= min(len(a), len(b)):
        raise ValueError(
            f"`n_neighbors` must be below the numbers of features, {len(a)} and {len(b)}. "
            f"Received: n_neighbors={k}"
        )
    return SampleScores(precision=_covered_fraction(a, b, k), recall=_covered_fraction(b, a, k))


def _covered_fraction(members: NDArray[Any], others: NDArray[Any], k: int) -> float:
    """The fraction of the others that lie within the neighbourhood of a member."""
    from sklearn.metrics import euclidean_distances
    from sklearn.neighbors import NearestNeighbors

    radii = NearestNeighbors(n_neighbors=k).fit(members).kneighbors()[0][:, -1]
    found = [
        (euclidean_distances(others[i : i + _ROWS], members) <= radii).any(axis=1)
        for i in range(0, len(others), _ROWS)
    ]
    return float(np.concatenate(found).mean())


def _features(real: ArrayLike, generated: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    sets = []
    for name, given in (("real", real), ("generated", generated)):
        sets.append(_arguments.vectors(name, given, least=2))
    if sets[0].shape[1] != sets[1].shape[1]:
        raise ValueError(
            f"`generated` must have the size of `real`, {sets[0].shape[1]} values. "
            f"Received: {sets[1].shape[1]}"
        )
    return sets[0], sets[1]
