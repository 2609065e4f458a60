"""Where training begins: the analytic lapped transform, and principal colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

CORRELATION = 0.95


def dct(size: int) -> NDArray[np.float64]:
    """The orthonormal DCT-II."""
    k, n = np.mgrid[:size, :size]
    matrix = np.sqrt(2 / size) * np.cos(np.pi * (n + 0.5) * k / size)
    matrix[0] /= np.sqrt(2)
    return matrix


def lapped(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The synthesis of the lapped transform of most coding gain for a source of AR(1).

    A filter across each boundary in front of a DCT of each block (Tran, Liang and Tu 2003), whose
    free part is found by quasi-Newton steps from the identity.

    Returns:
        The block matrix with columns of unit length where they act, and the overlap matrix.
    """
    half = size // 2
    start = np.eye(half)
    best = minimize(
        lambda v: -coding_gain(size, v.reshape(half, half)),
        start.ravel(),
        method="L-BFGS-B",
        options={"maxiter": 150},
    )
    analysis, overlap = np.linalg.inv(dct(size)), overlap_filter(best.x.reshape(half, half))
    inverse = np.linalg.inv(overlap)
    norm = np.sqrt((_synthesis(size, analysis, inverse)[:, 3 * size : 4 * size] ** 2).sum(0))
    return analysis / norm, inverse


def overlap_filter(free: NDArray[np.float64]) -> NDArray[np.float64]:
    """The filter of the analysis across a boundary, of its free part."""
    half = len(free)
    identity, flip = np.eye(half), np.eye(half)[::-1]
    butterfly = np.block([[identity, flip], [flip, -identity]]) / np.sqrt(2)
    zero = np.zeros((half, half))
    return butterfly @ np.block([[identity, zero], [zero, free]]) @ butterfly


def coding_gain(size: int, free: NDArray[np.float64]) -> float:
    """Of a biorthogonal transform, in decibels, for a source with correlation .95."""
    blocks = 6
    filtered = overlap_filter(free)
    synthesis = _synthesis(size, dct(size).T, np.linalg.inv(filtered))
    analysis = np.linalg.inv(synthesis)
    at = np.arange(size * blocks)
    covariance = CORRELATION ** np.abs(at[:, None] - at[None])
    middle = slice(3 * size, 4 * size)
    variance = np.einsum("ij,jk,ik->i", analysis[middle], covariance, analysis[middle])
    return float(-10 * np.mean(np.log10(variance * (synthesis[:, middle] ** 2).sum(0))))


def principal_colours(photographs: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """The principal axes of differences of neighbouring pixels, as columns."""
    covariance = np.zeros((3, 3))
    for photograph in photographs:
        steps = np.diff(photograph.astype(float), axis=1).reshape(-1, 3)
        covariance += steps.T @ steps / len(steps)
    axes = np.linalg.eigh(covariance)[1][:, ::-1]
    return axes * np.sign(axes[np.abs(axes).argmax(0), range(3)])


def _synthesis(
    size: int, block: NDArray[np.float64], overlap: NDArray[np.float64], blocks: int = 6
) -> NDArray[np.float64]:
    half = size // 2
    first = np.kron(np.eye(blocks), block)
    second = np.eye(size * blocks)
    for at in range(half, size * blocks - size, size):
        second[at : at + size, at : at + size] = overlap
    return second @ first
