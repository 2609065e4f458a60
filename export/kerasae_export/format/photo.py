"""The payload of version 2: classes of cells, and symbols whose tables follow from them.

FORMAT.md, section 10, specifies it. Everything is integer arithmetic.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import CorruptBitstreamError
from kerasae_export.format import rans
from kerasae_export.format.family import CELL, CHANNELS, CONTEXTS, PLANES, Family
from kerasae_export.format.limits import Limits
from kerasae_export.format.varint import read_varint, varint

__all__ = [
    "LARGE",
    "MAX_LANES_LOG2",
    "Unpacked",
    "pack",
    "predict_lowest",
    "stage_contexts",
    "stage_tables",
    "stages",
    "unpack",
    "unpredict_lowest",
]

Symbols = NDArray[np.int16]

_DEFAULT = Limits()
_INT16 = (-(2**15), 2**15 - 1)
MAX_LANES_LOG2 = 10
_SYMBOLS_PER_LANE = 4096
_MOST_PER_LANE = 2**14


class Unpacked(NamedTuple):
    """What a payload holds.

    Attributes:
        symbols: int16 (768, cells), lowest coefficients as differences.
        classes: uint8 (cells,).
        tables: uint8 (768, cells); the table of each symbol, 0 where none is coded.
    """

    symbols: NDArray[np.int16]
    classes: NDArray[np.uint8]
    tables: NDArray[np.uint8]


LARGE = 15
"""Larger magnitudes, and escaped ones, count as this in contexts."""

_NONE = CHANNELS  # the row of a neighbour that does not exist
_BOUNDS = np.array([0, 1, 2, 3, 5, 8, 12, 18, 28])  # sums up to each are a context
_CONTEXT_OF = np.searchsorted(_BOUNDS, np.arange(256), "left").astype(np.uint8)
assert _CONTEXT_OF[-1] == CONTEXTS - 1


@cache
def stages() -> tuple[tuple[NDArray[np.int64], tuple[NDArray[np.int64], ...]], ...]:
    """The channels in the order of coding, in stages, and the channels that give contexts.

    Returns:
        For each stage its channels, and for each of their six neighbours, of which the first
        four count twice, as many channels; 768 where there is none.
    """
    result = []
    for diagonal in range(2 * CELL - 1):
        for plane in range(PLANES):
            rows = np.arange(max(0, diagonal - CELL + 1), min(diagonal, CELL - 1) + 1)
            columns = diagonal - rows
            around = (
                (plane, rows - 1, columns),
                (plane, rows, columns - 1),
                (plane - 1, rows, columns),
                (0 if plane == 2 else -1, rows, columns),
                (plane, rows - 2, columns),
                (plane, rows, columns - 2),
            )
            neighbours = [_channels(*other) for other in around]
            if diagonal:
                neighbours = [np.where(c % (CELL * CELL) == 0, _NONE, c) for c in neighbours]
            result.append((_channels(plane, rows, columns), tuple(neighbours)))
    return tuple(result)


def _channels(plane: int, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    absent = (rows < 0) | (columns < 0) | (plane < 0)
    return np.where(absent, _NONE, (plane * CELL + rows) * CELL + columns)


def predict_lowest(symbols: Symbols, rows: int, columns: int) -> None:
    """Replace the lowest coefficient of each plane by its difference from its prediction.

    Args:
        symbols: int16 (768, rows * columns), changed in place.
        rows: Of cells.
        columns: Of cells.

    Raises:
        ValueError: If a difference exceeds 16 bits.
    """
    for channel in range(0, CHANNELS, CELL * CELL):
        values = symbols[channel].astype(np.int64).reshape(rows, columns)
        left, top, corner = np.zeros_like(values), np.zeros_like(values), np.zeros_like(values)
        left[:, 1:], top[1:], corner[1:, 1:] = values[:, :-1], values[:-1], values[:-1, :-1]
        guess = (3 * (left + top) - 2 * corner + 2) >> 2
        guess[0], guess[:, 0] = left[0], top[:, 0]
        difference = values - guess
        if difference.size and max(-difference.min() - 1, difference.max()) > _INT16[1]:
            raise ValueError("`symbols` must be such that differences fit in 16 bits.")
        symbols[channel] = difference.ravel()


def unpredict_lowest(symbols: Symbols, rows: int, columns: int) -> None:
    """Undo `predict_lowest`, in place.

    Raises:
        CorruptBitstreamError: If a coefficient exceeds 16 bits.
    """
    for channel in range(0, CHANNELS, CELL * CELL):
        # Cells of a diagonal depend on earlier diagonals only: all of them at once. The array
        # is sheared, so that a diagonal is a column of it.
        values = np.zeros((rows + 1, columns + 1), np.int64)
        difference = symbols[channel].astype(np.int64).reshape(rows, columns)
        values[1, 1:] = np.cumsum(difference[0])
        values[1:, 1] = np.cumsum(difference[:, 0])
        for diagonal in range(2, rows + columns - 1):
            y = np.arange(max(1, diagonal - columns + 1), min(diagonal - 1, rows - 1) + 1)
            x = diagonal - y
            around = values[y + 1, x] + values[y, x + 1]
            values[y + 1, x + 1] = difference[y, x] + ((3 * around - 2 * values[y, x] + 2) >> 2)
        values = values[1:, 1:]
        if values.min() < _INT16[0] or values.max() > _INT16[1]:
            raise CorruptBitstreamError("The bitstream holds a coefficient over 16 bits.")
        symbols[channel] = values.ravel()


def pack(
    family: Family, symbols: Symbols, classes: NDArray[np.uint8], columns: int, band: int
) -> bytes:
    """Code the symbols of an image.

    Args:
        family: The family.
        symbols: int16 (768, cells), lowest coefficients as differences, 0 where the class of
            the cell does not code the channel.
        classes: uint8 (cells,); the class of each cell, row by row.
        columns: Number of cells in a row.
        band: The range of qualities.
    """
    coder = family.coder
    sizes = np.zeros((CHANNELS + 1, symbols.shape[1]), np.uint8)
    batches, tail = [], bytearray()
    for channels, around in stages():
        live, tables = stage_tables(family, classes, channels, around, sizes)
        values = symbols[channels]
        intervals, escaped, rest = coder.intervals(values[live].astype(np.int64), tables)
        magnitudes = np.minimum(np.abs(values.astype(np.int32)), LARGE).astype(np.uint8)
        if escaped.size:
            positions = tuple(axis[escaped] for axis in live.nonzero())
            magnitudes[positions] = LARGE
            for value in rest.tolist():
                tail += varint(value)
        sizes[channels] = magnitudes
        batches.append(intervals)
    count = sum(batch.size for batch in batches)
    log2 = max(0, min(MAX_LANES_LOG2, round(math.log2(max(1, count / _SYMBOLS_PER_LANE)))))
    encoder = rans.Encoder(1 << log2)
    encoder.plain(bytes(tail))
    for batch in batches[::-1]:
        encoder.batch(batch)
    tables = _class_tables(family, classes, columns, band)
    encoder.chain(family.class_intervals[tables, classes])
    return bytes([log2]) + encoder.finish()


def unpack(
    family: Family,
    payload: bytes,
    rows: int,
    columns: int,
    band: int,
    limits: Limits = _DEFAULT,
) -> Unpacked:
    """Decode what `pack` gave.

    Raises:
        CorruptBitstreamError: If the payload is not exactly one that `pack` gives.
        BitstreamLimitError: If more symbols are escaped than are allowed.
    """
    if not payload or payload[0] > MAX_LANES_LOG2:
        raise CorruptBitstreamError("The payload names an impossible number of lanes.")
    decoder = rans.Decoder(payload[1:], 0, lanes=1 << payload[0])
    cells = rows * columns
    classes = _read_classes(family, decoder, cells, columns, band)
    coded = int((family.classes > 0).sum(1)[classes].sum())
    if coded > _MOST_PER_LANE << payload[0] and payload[0] < MAX_LANES_LOG2:
        raise CorruptBitstreamError("The payload has fewer lanes than its symbols need.")
    coder = family.coder
    symbols = np.zeros((CHANNELS, cells), np.int16)
    sizes = np.zeros((CHANNELS + 1, cells), np.uint8)
    used = np.zeros((CHANNELS, cells), np.uint8)
    escapes: list[tuple[NDArray[Any], ...]] = []
    for channels, around in stages():
        live, tables = stage_tables(family, classes, channels, around, sizes)
        values, escaped = coder.symbols_of(decoder.batch(coder.slots, tables), tables)
        stage = np.zeros(live.shape, np.int16)
        stage[live] = values
        names = np.zeros(live.shape, np.uint8)
        names[live] = tables
        used[channels] = names
        magnitudes = np.minimum(np.abs(stage), LARGE).astype(np.uint8)
        if escaped.size:
            row, cell = (axis[escaped] for axis in live.nonzero())
            magnitudes[row, cell] = LARGE
            where = channels[row].astype(np.int16), cell.astype(np.int32)
            escapes.append((*where, names[row, cell]))
        symbols[channels], sizes[channels] = stage, magnitudes
    number = sum(cell.size for _, cell, _ in escapes)
    limits.check_escapes(number)
    decoder.expect_bytes(number)
    for places in escapes:
        for channel, cell, table in zip(*(axis.tolist() for axis in places), strict=True):
            symbol = coder.escaped_symbol(table, read_varint(decoder.byte))
            if not _INT16[0] <= symbol <= _INT16[1]:
                raise CorruptBitstreamError("The bitstream holds a symbol over 16 bits.")
            symbols[channel, cell] = symbol
    decoder.finish()
    return Unpacked(symbols, classes, used)


def stage_tables(
    family: Family,
    classes: NDArray[np.uint8],
    channels: NDArray[np.int64],
    around: tuple[NDArray[np.int64], ...],
    sizes: NDArray[np.uint8],
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which symbols of a stage are coded, (channels, cells), and the table of each of these."""
    levels = np.ascontiguousarray(family.classes[:, channels].T)[:, classes]
    live = levels > 0
    contexts = stage_contexts(around, sizes)
    return live, family.levels[levels[live], contexts[live]].astype(np.int64)


def stage_contexts(
    around: tuple[NDArray[np.int64], ...], sizes: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The context of each symbol of a stage, (channels, cells), by the sizes around it."""
    sums = sizes[around[0]]
    for other in around[1:4]:
        sums += sizes[other]
    sums += sums
    for other in around[4:]:
        sums += sizes[other]
    return _CONTEXT_OF[sums]


def _class_tables(
    family: Family, classes: NDArray[np.uint8], columns: int, band: int
) -> NDArray[np.int64]:
    """The table of each class: by its left and its upper neighbour."""
    edge = family.neighbours
    grid = family.groups[classes].reshape(-1, columns)
    left, top = np.full_like(grid, edge), np.full_like(grid, edge)
    left[:, 1:], top[1:] = grid[:, :-1], grid[:-1]
    return ((band * (edge + 1) + left) * (edge + 1) + top).ravel()


def _read_classes(
    family: Family, decoder: rans.Decoder, cells: int, columns: int, band: int
) -> NDArray[np.uint8]:
    edge, groups = family.neighbours, family.groups.tolist()

    def table_after(before: list[int]) -> int:
        at = len(before)
        left = groups[before[-1]] if at % columns else edge
        top = groups[before[at - columns]] if at >= columns else edge
        return (band * (edge + 1) + left) * (edge + 1) + top

    return np.array(decoder.chain(family.class_slots, table_after, cells), np.uint8)
