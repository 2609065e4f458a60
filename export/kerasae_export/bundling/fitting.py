"""Entropy tables from observed symbols, which an export makes and a receiver never does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.entropy import MAX_ENTRIES, TOTAL, Table, Tables, cheapest_class

__all__ = ["fit_classes", "fit_tables"]

_MOST_ENTRIES = 1024  # of a table of values; each entry costs the others a slot
_GROUPS_PER_CLASS = 32


def fit_classes(
    groups: NDArray[Any], classes: int, *, codebook: int = 0, rounds: int = 8
) -> Tables:
    """Fit one set of tables for each of several classes of content to observed symbols.

    Groups of rows are sorted into classes by the spread of their symbols. Then, as in k-means,
    two steps alternate: fitting the tables of each class, and moving each group to the class that
    codes it in the fewest bits.

    Args:
        groups: Integers of shape (groups, rows, channels).
        classes: Most classes to make; each gets at least a few groups, so there may be fewer.
        codebook: See `fit_tables`.
        rounds: Number of iterations.
    """
    channels = groups.shape[-1]
    spread = np.abs(groups - np.median(groups, axis=(0, 1))).sum(axis=(1, 2))
    rank = np.argsort(np.argsort(spread, kind="stable"), kind="stable")
    classes = max(1, min(classes, len(groups) // _GROUPS_PER_CLASS))
    owner = rank * classes // len(groups)
    for _ in range(rounds if classes > 1 else 1):
        members = [groups[owner == k].reshape(-1, channels) for k in range(classes)]
        sets = [fit_tables(rows, codebook=codebook) for rows in members if len(rows)]
        fitted = Tables([table for one in sets for table in one.tables], channels)
        owner = cheapest_class(fitted, groups.reshape(-1, channels), _index(groups))
        classes = fitted.classes
    return fitted


def _index(groups: NDArray[Any]) -> NDArray[np.int64]:
    return np.repeat(np.arange(groups.shape[0]), groups.shape[1])


def fit_tables(symbols: NDArray[Any], *, codebook: int = 0) -> Tables:
    """Fit the tables of all channels to observed symbols.

    Every value between the smallest and the largest observed one, and one beyond on each
    side, gets half a count more than it was seen (the Krichevsky-Trofimov estimate); the
    escape gets half a count. Where that would make more than `_MOST_ENTRIES` entries, the
    middle of the observed values is kept and the rest is escaped.

    Args:
        symbols: Integers of shape (..., channels), one class.
        codebook: If the symbols are indices, the size of the codebook. Every index then has an
            entry, as far as the table has room.
    """
    observed = np.asarray(symbols, np.int64)
    observed = observed.reshape(-1, observed.shape[-1])
    if not observed.size:
        raise ValueError(f"`symbols` must not be empty. Received: shape {np.shape(symbols)}")
    if codebook:
        entries = min(codebook, MAX_ENTRIES - 1)
        return Tables([_counted(column, 0, entries) for column in observed.T])
    return Tables([_fit_table(column) for column in observed.T])


def _fit_table(column: NDArray[np.int64]) -> Table:
    low, high = int(column.min()) - 1, int(column.max()) + 1
    if high - low + 2 > _MOST_ENTRIES:
        middle = int(np.median(column))
        low, high = middle - _MOST_ENTRIES // 2, middle + _MOST_ENTRIES // 2 - 2
    return _counted(column, low, high - low + 1)


def _counted(column: NDArray[np.int64], low: int, entries: int) -> Table:
    inside = column[(column >= low) & (column < low + entries)]
    counts = np.append(np.bincount(inside - low, minlength=entries), column.size - inside.size)
    return Table(low, _normalised(counts + 0.5))


def _normalised(weights: NDArray[np.float64]) -> tuple[int, ...]:
    """Positive integers that sum to 4096 and follow the weights (largest remainders)."""
    share = weights / weights.sum() * (TOTAL - weights.size)
    result = np.floor(share).astype(int) + 1
    largest = np.argsort(result - 1 - share, kind="stable")[: TOTAL - result.sum()]
    result[largest] += 1
    return tuple(result.tolist())
