"""The linear transform: of most coding gain in theory, then fitted to photographs, and colours."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

CORRELATION = 0.95
STEPS = (8.0, 16.0, 32.0, 64.0, 128.0)
PATCHES = 9000
TURNS = 150
_AROUND = 3  # cells along each side of a patch, whose middle one is coded


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
    identity, butterfly = np.eye(half), _butterfly(half)
    zero = np.zeros((half, half))
    return butterfly @ np.block([[identity, zero], [zero, free]]) @ butterfly


def _butterfly(half: int) -> NDArray[np.float64]:
    identity, flip = np.eye(half), np.eye(half)[::-1]
    return np.block([[identity, flip], [flip, -identity]]) / np.sqrt(2)


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


def fitted(
    block: NDArray[np.float64],
    overlap: NDArray[np.float64],
    colour: NDArray[np.float64],
    photographs: list[NDArray[np.uint8]],
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The matrices for which coefficients of photographs cost least, by quasi-Newton steps.

    The cost of a coefficient c is that of a Cauchy distribution as wide as half a step s,
    `log2(1 + (2 c / s)^2)`, the mean over `STEPS`, with c in units of the length of its basis
    function. The overlap keeps the symmetry of a filter across a boundary. An even area needs the
    lowest coefficients only: the first column of the block stays even, and so does what is even
    across a boundary, or rounding would show as a pattern in the sky.

    Args:
        block: Where to start.
        overlap: Where to start.
        colour: Of the planes.
        photographs: What to draw patches from.
        seed: Of the patches.

    Returns:
        The block matrix with columns of unit length where they act, and the overlap matrix.
    """
    size = len(block)
    half = size // 2
    patches = _patches(colour, photographs, _AROUND * size, np.random.default_rng(seed))
    butterfly = _butterfly(half)
    odd = (butterfly @ overlap @ butterfly)[half:, half:]
    even = jnp.full((size, 1), float(block[:, 0].mean()))
    start = np.concatenate([block[:, 1:].ravel(), odd.ravel()])

    def matrices(values):
        columns, odd = values[: -half * half], values[-half * half :].reshape(half, half)
        zero = jnp.zeros((half, half))
        symmetric = jnp.block([[jnp.eye(half), zero], [zero, odd]])
        whole = jnp.hstack([even, columns.reshape(size, size - 1)])
        return whole, butterfly @ symmetric @ butterfly

    def cost(values):
        block, overlap = matrices(values)
        before = jnp.eye(_AROUND * size)
        inverse = jnp.linalg.inv(overlap)
        for at in range(half, (_AROUND - 1) * size, size):
            before = before.at[at : at + size, at : at + size].set(inverse)
        analysis = jnp.linalg.inv(block) @ before[size : 2 * size]
        analysis *= _lengths(block, overlap)[:, None]
        coefficients = jnp.einsum("ij,njk,lk->nil", analysis, patches, analysis)
        return sum(jnp.log2(1 + (2 * coefficients / step) ** 2).mean() for step in STEPS)

    with jax.enable_x64(True):
        gradient = jax.jit(jax.value_and_grad(cost))
        best = minimize(
            lambda values: tuple(np.asarray(found) for found in gradient(values)),
            start,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": TURNS},
        )
        block, overlap = (np.asarray(matrix) for matrix in matrices(best.x))
        print(f"cost of a coefficient {cost(start) / 10:.4f} -> {best.fun / 10:.4f} bits")
        return block / np.asarray(_lengths(block, overlap)), overlap


def _patches(
    colour: NDArray[np.float64],
    photographs: list[NDArray[np.uint8]],
    side: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Squares of planes, (n, side, side), the first plane more often than the others."""
    result, each = [], -(-PATCHES // len(photographs))
    for photograph in photographs:
        height, width = photograph.shape[:2]
        for _ in range(each):
            y, x = rng.integers(height - side + 1), rng.integers(width - side + 1)
            square = photograph[y : y + side, x : x + side] - 128.0
            plane = rng.choice(len(colour), p=[0.6, 0.2, 0.2])
            result.append(square @ np.linalg.inv(colour)[plane])
    return np.stack(result)


def _lengths(block, overlap):
    """The lengths of the basis functions along one axis."""
    size = len(block)
    half = size // 2
    inside = jnp.zeros((3 * size, size)).at[size : 2 * size].set(block)
    for at in (half, size + half):
        inside = inside.at[at : at + size].set(overlap @ inside[at : at + size])
    return jnp.sqrt((inside**2).sum(0))


def colours(photographs: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Grey, and the principal axes of what differs from it, of neighbouring pixels, as columns.

    So that a picture without colour has nothing but zeros in two planes, and comes back grey.
    """
    covariance = np.zeros((3, 3))
    for photograph in photographs:
        steps = np.diff(photograph.astype(float), axis=1).reshape(-1, 3)
        covariance += steps.T @ steps / len(steps)
    grey = np.full((3, 1), 1 / np.sqrt(3))
    rest = np.eye(3) - grey @ grey.T
    axes = np.linalg.eigh(rest @ covariance @ rest)[1][:, :0:-1]
    axes *= np.sign(axes[np.abs(axes).argmax(0), range(2)])
    return np.hstack([grey, axes])


def _synthesis(
    size: int, block: NDArray[np.float64], overlap: NDArray[np.float64], blocks: int = 6
) -> NDArray[np.float64]:
    half = size // 2
    first = np.kron(np.eye(blocks), block)
    second = np.eye(size * blocks)
    for at in range(half, size * blocks - size, size):
        second[at : at + size, at : at + size] = overlap
    return second @ first
