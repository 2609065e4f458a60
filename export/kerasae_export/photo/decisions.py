"""What the encoder of photographs decides: symbols, and the class of each cell.

With effort 0 by the integer rule of FORMAT.md, so that every implementation writes the same
file; with more by rate and distortion together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.family import BUCKETS, CELL, CHANNELS, Family, bucket
from kerasae_export.format.photo import LARGE, predict_lowest, stage_tables, stages
from kerasae_export.photo.transform import COEFFICIENT_UNIT

__all__ = ["Decisions", "Tradeoff", "decide", "decide_by_rule"]

_ROUNDING = 21 / 64
_PIECE = 1 << 11  # cells that are worked on at once
_LOWEST = list(range(0, CHANNELS, CELL * CELL))
_EDGES = np.array([0.4, 0.55, 0.7, 0.85, 1.0, 1.2, 1.5, 2, 3, 5, 9, 17, 33])
_INSIDE = np.array([0.2, 0.47, 0.62, 0.77, 0.92, 1.1, 1.35, 1.75, 2.5, 4, 7, 13, 25, 50])
BIGGEST = 2**15 - 1

Each = Callable[[Callable[[Any], None], Iterable[Any]], Iterable[None]]
MAGNITUDES = 64
"""Those whose cost is known; larger ones cost as the largest of them."""


class Decisions(NamedTuple):
    """What the payload says.

    Attributes:
        symbols: int16 (768, cells), lowest coefficients as differences.
        classes: uint8 (cells,).
        tables: uint8 (768, cells), the table of each symbol, 0 where none is coded; None where it
            was not asked for.
    """

    symbols: NDArray[np.int16]
    classes: NDArray[np.uint8]
    tables: NDArray[np.uint8] | None = None


class Tradeoff:
    """Where to round, and what classes cost, for a family and a Lagrangian multiplier.

    Args:
        family: The family.
        multiplier: What a bit may cost in squared steps.

    Attributes:
        multiplier: As given.
        high: int64 (tables,), the largest magnitude that is not escaped.
        rate: float32 (tables, 64), the cost of the bits of each magnitude.
        rebuilt: float32 (tables, 64), what each magnitude becomes, in steps.
        to_one: float32 (tables,), from where a value becomes 1.
        to_two: float32 (tables,), from where it becomes 2 or more.
        beyond: float32 (tables,), what is then taken off before it is rounded down.
        of_context: float32 (contexts, classes), the cost of each class after its neighbours.
    """

    def __init__(self, family: Family, multiplier: float) -> None:
        self.multiplier = multiplier
        self.high = np.array([t.offset + len(t.frequencies) - 2 for t in family.tables])
        bits = np.stack([_bits(family, table) for table in range(len(family.tables))])
        one, more = family.rebuild[:, :1], family.rebuild[:, 1:]
        magnitudes = np.arange(MAGNITUDES)
        shift = np.where(magnitudes > 1, more, np.where(magnitudes == 1, one, 0))
        self.rate = (multiplier * bits).astype(np.float32)
        self.rebuilt = (magnitudes + shift).astype(np.float32)
        first, other = 1 + family.rebuild[:, 0], family.rebuild[:, 1]
        second = 2 + other
        gain = multiplier * np.diff(bits, axis=1)
        self.to_one = ((first**2 + gain[:, 0]) / (2 * first)).astype(np.float32)
        span = np.maximum(second - first, 0.1)
        self.to_two = ((second**2 - first**2 + gain[:, 1]) / (2 * span)).astype(np.float32)
        self.to_two = np.maximum(self.to_two, self.to_one)
        self.beyond = (other - 0.5 + gain[:, 2:6].mean(1) / 2).astype(np.float32)
        self._class_costs = self._of_classes(family)
        self.of_context = multiplier * (
            12 - np.log2(family.class_frequencies).astype(np.float32)
        )  # (contexts, classes)

    def _of_classes(self, family: Family) -> NDArray[np.float32]:
        """Cost of a magnitude in each bin, without a coefficient's: (bins, classes, 768)."""
        typical = family.levels[:, :5].mean(1)  # tables are sorted by spread
        table = np.floor(typical + 0.5).astype(int)
        error = (_INSIDE[:, None, None] - self.rebuilt[table]) ** 2 + self.rate[table]
        cost = error.min(2)  # (bins, levels)
        cost[:, 0] = _INSIDE**2
        return cost[:, family.classes].astype(np.float32)

    def costs(self, scaled: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cost of each cell under each class, but for a constant of the cell.

        Args:
            scaled: float32 (768, cells), magnitudes of coefficients in steps.

        Returns:
            float32 (classes, cells).
        """
        table = self._class_costs
        result = np.repeat(table[0].sum(1, keepdims=True), scaled.shape[1], axis=1)
        for edge, below, above in zip(_EDGES, table[:-1], table[1:], strict=True):
            over = scaled >= np.float32(edge)
            used = np.flatnonzero(over.any(1))
            if not used.size:
                break
            result += (above - below)[:, used] @ over[used].astype(np.float32)
        return result


def _bits(family: Family, table: int) -> NDArray[np.float64]:
    """Information content of magnitudes, their sign included."""
    entry = family.tables[table]
    symbols = np.arange(MAGNITUDES)
    place = symbols - entry.offset
    frequency = np.array(entry.frequencies)
    inside = place < len(frequency) - 1
    bits = 12 - np.log2(frequency[np.where(inside, place, -1)])
    return bits + np.where(inside, 0, 8)


def decide_by_rule(
    family: Family, coefficients: NDArray[np.int32], rows: int, columns: int, quality: int
) -> Decisions:
    """The integer rule of effort 0.

    Args:
        family: The family.
        coefficients: int32 (768, cells), in `COEFFICIENT_UNIT`ths of a level.
        rows: Of cells.
        columns: Of cells.
        quality: 1 to 100.

    Raises:
        ValueError: If lowest coefficients are too far apart for 16 bits.
    """
    step = COEFFICIENT_UNIT * family.steps[quality - 1]  # a whole number below 2**27
    symbols = np.empty(coefficients.shape, np.int16)
    for first in range(0, coefficients.shape[1], _PIECE):
        # Doubles hold the numerators, and the floor of the quotient is that of integers.
        piece = coefficients[:, first : first + _PIECE].astype(float)
        rounded = np.copysign(np.floor((np.abs(piece) + _ROUNDING * step) / step), piece)
        rounded[_LOWEST] = np.floor((piece[_LOWEST] + step / 2) / step)
        symbols[:, first : first + _PIECE] = np.clip(rounded, -BIGGEST, BIGGEST)
    predict_lowest(symbols, rows, columns)
    # Sums of integers below 2**24 are exact in single precision, in any order.
    table = family.costs[family.classes].astype(np.float32)  # (classes, 768, buckets)
    classes = np.empty(coefficients.shape[1], np.uint8)
    for first in range(0, coefficients.shape[1], _PIECE):
        found = bucket(np.abs(symbols[:, first : first + _PIECE].astype(np.int32)))
        total = sum(
            table[:, :, which] @ (found == which).astype(np.float32) for which in range(BUCKETS)
        )
        classes[first : first + _PIECE] = np.argmin(total, axis=0)
    return Decisions(_without_dead(family, symbols, classes), classes)


def decide(
    family: Family,
    scaled: NDArray[np.float32],
    rows: int,
    columns: int,
    band: int,
    tradeoff: Tradeoff,
    tries: int = 1,
    each: Each = map,
) -> Decisions:
    """Choose by rate and distortion: classes with their contexts, then symbols by stages.

    Args:
        family: The family.
        scaled: float32 (768, cells), coefficients in steps.
        rows: Of cells.
        columns: Of cells.
        band: The range of qualities.
        tradeoff: Of the family.
        tries: How many classes of each cell are tried: those that an estimate from the magnitudes
            alone finds cheapest are coded, and what that costs decides. 1 takes the estimate.
        each: How to call a function for each piece of the image: `map`, or that of a pool of
            threads.
    """
    symbols = lowest(scaled, rows, columns)
    costs = np.empty((rows * columns, len(family.classes)), np.float32)
    tries = min(tries, costs.shape[1])
    pieces = [slice(first, first + _PIECE) for first in range(0, len(costs), _PIECE)]

    def estimate(cells: slice) -> None:
        piece = np.abs(scaled[:, cells])
        piece[_LOWEST] = np.abs(symbols[_LOWEST, cells])
        costs[cells] = tradeoff.costs(piece).T

    def code(cells: slice) -> None:
        near = costs[cells]
        near[np.arange(len(near)), classes[cells]] = -np.inf
        near[:] = _coded_costs(family, scaled[:, cells], symbols[:, cells], near, tries, tradeoff)

    def conclude(cells: slice) -> None:
        own, used = symbols[:, cells].copy(), np.empty_like(tables[:, cells])
        round_symbols(family, scaled[:, cells], own, classes[cells], tradeoff, used)
        symbols[:, cells], tables[:, cells] = own, used

    list(each(estimate, pieces))
    classes = _cheapest(family, costs, rows, columns, band, tradeoff)
    if tries > 1:
        list(each(code, pieces))
        classes = _cheapest(family, costs, rows, columns, band, tradeoff)
    tables = np.empty(symbols.shape, np.uint8)
    list(each(conclude, pieces))
    return Decisions(symbols, classes, tables)


def _coded_costs(
    family: Family,
    scaled: NDArray[np.float32],
    symbols: NDArray[np.int16],
    estimates: NDArray[np.float32],
    tries: int,
    tradeoff: Tradeoff,
) -> NDArray[np.float32]:
    """The cost of cells under their classes of least estimate, infinity else: (cells, classes)."""
    result = np.full_like(estimates, np.inf)
    cells = np.arange(len(estimates))
    for classes in np.argpartition(estimates, tries - 1, axis=1)[:, :tries].T.astype(np.uint8):
        coded = symbols.copy()
        result[cells, classes] = round_symbols(family, scaled, coded, classes, tradeoff)
    return result


def lowest(scaled: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.int16]:
    """Symbols of which only the lowest coefficients are decided, and predicted."""
    symbols = np.zeros(scaled.shape, np.int16)
    rounded = np.floor(scaled[_LOWEST] + np.float32(0.5))
    symbols[_LOWEST] = np.clip(rounded, -BIGGEST, BIGGEST)
    predict_lowest(symbols, rows, columns)
    return symbols


def round_symbols(
    family: Family,
    scaled: NDArray[np.float32],
    symbols: NDArray[np.int16],
    classes: NDArray[np.uint8],
    tradeoff: Tradeoff,
    used: NDArray[np.uint8] | None = None,
) -> NDArray[np.float32]:
    """Decide all symbols but the lowest, stage by stage, under the tables that then hold.

    Args:
        family: The family.
        scaled: float32 (768, cells), coefficients in steps.
        symbols: int16 (768, cells) of `lowest`, changed in place.
        classes: uint8 (cells,).
        tradeoff: Of the family.
        used: uint8 (768, cells), to be filled with the table of each symbol, 0 where none is coded.

    Returns:
        float32 (cells,); the cost of the symbols of each cell, in squared steps, less what it
        would cost to code none of them but the lowest.
    """
    sizes = np.zeros((CHANNELS + 1, symbols.shape[1]), np.uint8)
    costs = np.zeros(symbols.shape[1], np.float32)
    for channels, around in stages():
        live, tables = stage_tables(family, classes, channels, around, sizes)
        if used is not None:
            of_stage = np.zeros(live.shape, np.uint8)
            of_stage[live] = tables
            used[channels] = of_stage
        if channels[0] in _LOWEST:
            chosen = symbols[channels][live].astype(np.int32)
        else:
            values = scaled[channels][live]
            chosen = np.copysign(_rounded(np.abs(values), tables, tradeoff), values)
            chosen = chosen.astype(np.int32)
            stage = np.zeros(live.shape, np.int16)
            stage[live] = chosen
            symbols[channels] = stage
        np.abs(chosen, out=chosen)
        known = np.minimum(chosen, MAGNITUDES - 1)
        place = tables * MAGNITUDES + known
        cost = tradeoff.rate.ravel()[place]
        if channels[0] not in _LOWEST:
            before = np.abs(values)
            off = before - tradeoff.rebuilt.ravel()[place] - (chosen - known)
            cost += off * off - before * before
        stage_costs = np.zeros(live.shape, np.float32)
        stage_costs[live] = cost
        costs += stage_costs.sum(0)
        size = np.zeros(live.shape, np.uint8)
        size[live] = np.where(chosen > tradeoff.high[tables], LARGE, np.minimum(chosen, LARGE))
        sizes[channels] = size
    return costs


def _rounded(
    magnitudes: NDArray[np.float32], tables: NDArray[np.int64], tradeoff: Tradeoff
) -> NDArray[np.float32]:
    """Magnitudes in steps to the integers of least cost under their tables."""
    result = (magnitudes >= tradeoff.to_one[tables]).astype(np.float32)
    (large,) = (magnitudes >= tradeoff.to_two[tables]).nonzero()
    beyond = np.floor(magnitudes[large] - tradeoff.beyond[tables[large]])
    result[large] = np.clip(beyond, 2, BIGGEST)
    return result


def _cheapest(
    family: Family,
    costs: NDArray[np.float32],
    rows: int,
    columns: int,
    band: int,
    tradeoff: Tradeoff,
) -> NDArray[np.uint8]:
    """The class of each cell given those left and above, diagonal by diagonal."""
    edge = family.neighbours
    context = tradeoff.of_context.reshape(family.bands, edge + 1, edge + 1, -1)[band]
    groups = np.full((rows + 1, columns + 1), edge)
    classes = np.empty((rows, columns), np.uint8)
    grid = costs.reshape(rows, columns, -1)
    for diagonal in range(rows + columns - 1):
        y = np.arange(max(0, diagonal - columns + 1), min(diagonal, rows - 1) + 1)
        x = diagonal - y
        total = grid[y, x] + context[groups[y + 1, x], groups[y, x + 1]]
        classes[y, x] = np.argmin(total, axis=1)
        groups[y + 1, x + 1] = family.groups[classes[y, x]]
    return classes.ravel()


def _without_dead(
    family: Family, symbols: NDArray[np.int16], classes: NDArray[np.uint8]
) -> NDArray[np.int16]:
    for channel in range(CHANNELS):
        symbols[channel] *= family.classes[classes, channel] > 0
    return symbols
