"""Fitting a family of integer tables to photographs: classes, levels, contexts, tables.

Alternates, as k-means does, between coding the photographs with the family that there is, by
rate and distortion, and fitting a family to what was coded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.entropy import Table
from kerasae_export.format.family import BUCKETS, CELL, CHANNELS, CONTEXTS
from kerasae_export.format.photo import LARGE, stage_contexts, stages

LEVELS = TABLES = 64
COSTLY = 8 * 256
"""What effort 0 reckons for a symbol of magnitude 1 that a class does not code, in 1/256 bit."""

_MOST = 511
_LOWEST = list(range(0, CHANNELS, CELL * CELL))
_COARSE = np.searchsorted(
    np.array([*range(13), 15, 19, 23, 31, 47, 63, 95, 127, 191, 255]), np.arange(_MOST + 1), "left"
)
_COARSE_COUNT = int(_COARSE[-1]) + 1
_TYPICAL = np.array([0, 1, 2, 3, 6, 12, 24, 48])


@dataclass
class Counts:
    """What was seen while photographs were coded.

    Attributes:
        magnitudes: (classes, 768, coarse); how often each magnitude was rounded to, as if all
            channels were coded.
        gain: (classes, 768); squared error in steps that coding the channel saved.
        contexts: (levels + 1, contexts, 512); magnitudes of coded symbols.
        centroids: (levels + 1, contexts, 2, 2); number and sum of what magnitude 1, and larger
            ones, were before rounding, less the magnitude.
        maps: for each coded image its band, and its classes as (rows, columns).
    """

    magnitudes: NDArray[np.float64]
    gain: NDArray[np.float64]
    contexts: NDArray[np.float64]
    centroids: NDArray[np.float64]
    maps: list[tuple[int, NDArray[np.uint8]]]

    @classmethod
    def empty(cls, classes: int) -> Counts:
        """Nothing was seen yet."""
        return cls(
            np.zeros((classes, CHANNELS, _COARSE_COUNT)),
            np.zeros((classes, CHANNELS)),
            np.zeros((LEVELS + 1, CONTEXTS, _MOST + 1)),
            np.zeros((LEVELS + 1, CONTEXTS, 2, 2)),
            [],
        )


def count(
    counts: Counts,
    scaled: NDArray[np.float32],
    symbols: NDArray[np.int16],
    classes: NDArray[np.uint8],
    levels: NDArray[np.uint8],
) -> None:
    """Add the statistics of a coded image.

    Args:
        counts: They are changed.
        scaled: float32 (768, cells), coefficients in steps.
        symbols: int16 (768, cells), as if all channels were coded.
        classes: uint8 (cells,).
        levels: uint8 (classes, 768), 0 where a class does not code a channel.
    """
    cells = symbols.shape[1]
    sizes = np.zeros((CHANNELS + 1, cells), np.uint8)
    magnitudes = np.minimum(np.abs(symbols.astype(np.int32)), _MOST)
    place = classes.astype(np.int64) * CHANNELS + np.arange(CHANNELS)[:, None]
    counts.magnitudes += np.bincount(
        (place * _COARSE_COUNT + _COARSE[magnitudes]).ravel(), minlength=counts.magnitudes.size
    ).reshape(counts.magnitudes.shape)
    before = np.abs(scaled)
    rest = before - magnitudes
    saved = np.where(magnitudes > 0, before**2 - rest**2, 0)
    counts.gain += np.bincount(place.ravel(), saved.ravel(), counts.gain.size).reshape(
        counts.gain.shape
    )
    for channels, around in stages():
        stage = magnitudes[channels]
        level = np.ascontiguousarray(levels[:, channels].T)[:, classes]
        live = level > 0
        key = level.astype(np.int64) * CONTEXTS + stage_contexts(around, sizes)
        counts.contexts += np.bincount(
            key[live] * (_MOST + 1) + stage[live], minlength=counts.contexts.size
        ).reshape(counts.contexts.shape)
        if channels[0] not in _LOWEST:
            for which, chosen in enumerate((live & (stage == 1), live & (stage > 1))):
                for part, weights in enumerate((None, rest[channels][chosen])):
                    counts.centroids[:, :, which, part] += np.bincount(
                        key[chosen], weights, (LEVELS + 1) * CONTEXTS
                    ).reshape(LEVELS + 1, CONTEXTS)
        sizes[channels] = np.where(live, np.minimum(stage, LARGE), 0)


def fit_levels(counts: Counts, multiplier: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The level of each channel in each class, from the least spread to the widest.

    Returns:
        uint8 (classes, 768), 0 where coding the channel costs more than it saves; and the same
        as if it never did.
    """
    rows = counts.magnitudes.reshape(-1, _COARSE_COUNT)
    # A channel that a class hardly ever saw leans on what all classes saw in it.
    everywhere = counts.magnitudes.sum(0) + 1e-3
    everywhere /= everywhere.sum(1, keepdims=True)
    rows = rows + 2 * np.tile(everywhere, (len(counts.magnitudes), 1))
    mean = _spread(rows)
    order = np.argsort(np.argsort(np.log(mean)))
    even = np.floor((np.log(mean) - np.log(mean).min()) / np.ptp(np.log(mean)) * (LEVELS - 1e-6))
    chosen = ((even + order * LEVELS // len(order)) // 2).astype(int)
    for _ in range(12):
        centre = np.zeros((LEVELS, _COARSE_COUNT))
        np.add.at(centre, chosen, rows)
        cost = -np.log2(_smooth(centre))
        chosen = (rows @ cost.T).argmin(1)
    centre = np.zeros((LEVELS, _COARSE_COUNT))
    np.add.at(centre, chosen, rows)
    rank = np.argsort(np.argsort(_spread(_smooth(centre))))
    cost = -np.log2(_smooth(centre))
    bits = (rows * cost[chosen]).sum(1).reshape(counts.gain.shape)
    levels = (rank[chosen] + 1).reshape(counts.gain.shape)
    dead = counts.gain <= multiplier * bits
    dead[:, _LOWEST] = False
    return np.where(dead, 0, levels).astype(np.uint8), levels.astype(np.uint8)


def fit_tables(
    counts: Counts,
) -> tuple[NDArray[np.uint8], list[Table], NDArray[np.float64], NDArray[np.int64]]:
    """The table of each level in each context, the tables, their offsets, and costs of levels."""
    rows = counts.contexts[1:].reshape(-1, _MOST + 1)
    prior = counts.contexts[1:].sum(1, keepdims=True) + 0.02 * counts.contexts.sum((0, 1)) / 1e4
    prior = (prior / np.maximum(prior.sum(2, keepdims=True), 1e-9)).repeat(CONTEXTS, 1)
    rows = rows + 20 * prior.reshape(rows.shape)
    spread = _spread(rows)
    order = np.argsort(np.argsort(np.log(spread)))
    log = np.log(spread)
    even = np.floor((log - log.min()) / np.ptp(log) * (TABLES - 1e-6))
    chosen = ((even + order * TABLES // len(order)) // 2).astype(int)
    for _ in range(15):
        centre = np.zeros((TABLES, _MOST + 1))
        np.add.at(centre, chosen, rows)
        cost = -np.log2(_smooth(centre))
        chosen = (rows @ cost.T).argmin(1)
    rank = np.argsort(np.argsort(_spread(_smooth(centre))))
    chosen = rank[chosen]
    centre = np.zeros((TABLES, _MOST + 1))
    np.add.at(centre, chosen, rows)
    share = _smooth(centre)
    tables = [_table(row) for row in share]
    moments = np.zeros((TABLES, 2, 2))
    np.add.at(moments, chosen, counts.centroids[1:].reshape(-1, 2, 2))
    rebuild = moments[:, :, 1] / (moments[:, :, 0] + 30)
    levels = np.zeros((LEVELS + 1, CONTEXTS), np.uint8)
    levels[1:] = chosen.reshape(LEVELS, CONTEXTS)
    costs = np.zeros((LEVELS + 1, BUCKETS), np.int64)
    all_contexts = _smooth(counts.contexts[1:].sum(1) + 1e-2)
    bits = -np.log2(all_contexts) + (np.arange(_MOST + 1) > 0)
    costs[1:] = np.clip(np.rint(256 * bits[:, _TYPICAL]), 0, 8191)
    costs[0] = np.minimum(COSTLY * _TYPICAL**2, 8191)
    return levels, tables, np.clip(rebuild, -0.4, 0.4), costs


def fit_class_tables(
    maps: list[tuple[int, NDArray[np.uint8]]], classes: int, *, neighbours: int, bands: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What classes tell of their neighbours, and the class tables.

    Returns:
        The group of each class, and the frequencies, (bands * (neighbours + 1)**2, classes).
    """
    after = np.full((classes, classes), 0.05)
    for _, grid in maps:
        np.add.at(after, (grid[:, :-1], grid[:, 1:]), 1)
        np.add.at(after, (grid[:-1], grid[1:]), 1)
    groups = _cluster(after, neighbours)
    edge = neighbours
    single = np.full((bands, classes), 0.1)
    one = np.zeros((2, bands, edge + 1, classes))
    both = np.zeros((bands, edge + 1, edge + 1, classes))
    for band, grid in maps:
        group = groups[grid]
        left, top = np.full_like(group, edge), np.full_like(group, edge)
        left[:, 1:], top[1:] = group[:, :-1], group[:-1]
        np.add.at(single, (band, grid), 1)
        np.add.at(one[0], (band, left, grid), 1)
        np.add.at(one[1], (band, top, grid), 1)
        np.add.at(both, (band, left, top, grid), 1)
    share = (single + 0.5 * single.sum(0) / bands / 50) / 1
    share /= share.sum(1, keepdims=True)
    given = (one + 12 * share[None, :, None]) / (one.sum(3, keepdims=True) + 12)
    product = given[0][:, :, None] * given[1][:, None] / share[:, None, None]
    product = 0.8 * product / product.sum(3, keepdims=True)
    product += 0.1 * given[0][:, :, None] + 0.1 * given[1][:, None]
    joint = (both + 25 * product) / (both.sum(3, keepdims=True) + 25)
    frequencies = np.stack([integers(row) for row in joint.reshape(-1, classes)])
    return groups, frequencies


def integers(share: NDArray[np.float64]) -> NDArray[np.int64]:
    """Shares to positive integers that sum to 4096."""
    result = np.maximum(1, np.floor(share / share.sum() * 4096).astype(np.int64))
    while (rest := 4096 - int(result.sum())) != 0:
        if rest > 0:
            result[np.argsort(result / share)[:rest]] += 1
        else:
            many = np.flatnonzero(result > 1)
            result[many[np.argsort(-(result / share)[many])[:-rest]]] -= 1
    return result


def _cluster(rows: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """K-means of distributions by code length."""
    share = rows / rows.sum(1, keepdims=True)
    centre_of_mass = share @ np.arange(rows.shape[1])
    chosen = np.argsort(np.argsort(centre_of_mass)) * count // len(rows)
    for _ in range(20):
        centre = np.full((count, rows.shape[1]), 1e-3)
        np.add.at(centre, chosen, rows)
        chosen = (rows @ -np.log2(centre / centre.sum(1, keepdims=True)).T).argmin(1)
    return chosen


def _spread(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    if rows.shape[1] == _COARSE_COUNT:
        value = np.bincount(_COARSE, np.arange(_MOST + 1)) / np.bincount(_COARSE)
    else:
        value = np.arange(rows.shape[1])
    return (rows * value).sum(1) / np.maximum(rows.sum(1), 1e-9) + 1e-6


def _smooth(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts of magnitudes to shares, leaning on a geometric tail of the same mean."""
    total = rows.sum(1, keepdims=True)
    fit = np.empty_like(rows)
    mean = _spread(rows)[:, None]
    if rows.shape[1] == _COARSE_COUNT:
        value, width = (
            np.bincount(_COARSE, np.arange(_MOST + 1)) / np.bincount(_COARSE),
            np.bincount(_COARSE),
        )
    else:
        value, width = np.arange(rows.shape[1]), 1
    fit = (mean / (1 + mean)) ** value * width + 1e-12
    fit /= fit.sum(1, keepdims=True)
    fit = 0.995 * fit + 0.005 * width / (1 + value) ** 2.5 / np.sum(width / (1 + value) ** 2.5)
    return (rows + 30 * fit) / (total + 30)


def _table(share: NDArray[np.float64]) -> Table:
    """The integer table of magnitudes' shares: symmetric, and an escape for what is rare."""
    most = int(np.flatnonzero(share * 2048 > 0.7).max(initial=1))
    inside = share[1 : most + 1] / 2
    both = np.concatenate([inside[::-1], share[:1], inside, [share[most + 1 :].sum() + 1e-9]])
    frequencies = integers(both)
    return Table(-most, tuple(frequencies.tolist()))
