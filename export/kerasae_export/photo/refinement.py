"""Symbols against the error in pixels, to which those of neighbouring cells add up.

The lapped transform is not orthogonal: what one coefficient lacks its neighbours can give. With the
others as they are, the best value of a coefficient is what it stands for plus the error of the
picture as its own basis function sees it, which has unit length. All coefficients of a cell are
rounded anew to these values, the cells of one colour of a chessboard at once, and then the others:
descent by blocks of coordinates, in which rate and distortion decide as before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.family import CELL, CHANNELS, Family
from kerasae_export.photo.decisions import BIGGEST, Decisions, Each, Tradeoff, round_symbols
from kerasae_export.photo.transform import Transform

__all__ = ["rebuild", "refine"]

_SIDE = CELL * CELL


def rebuild(
    family: Family, symbols: NDArray[np.int16], tables: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """What symbols stand for, in steps.

    Args:
        family: The family.
        symbols: int16 (768, cells), lowest coefficients as such.
        tables: uint8 (768, cells), of each symbol.

    Returns:
        float32 (768, cells).
    """
    one, more = family.rebuild.astype(np.float32).T
    values = symbols.astype(np.float32)
    shift = np.where(np.abs(values) > 1, more[tables], one[tables])
    shift[::_SIDE] = 0
    values += np.sign(values) * shift
    return values


def refine(
    family: Family,
    transform: Transform,
    scaled: NDArray[np.float32],
    decisions: Decisions,
    size: tuple[int, int],
    tradeoff: Tradeoff,
    wanted: NDArray[np.float32] | None = None,
    each: Each = map,
) -> None:
    """Decide the symbols of each cell anew, with those around it known.

    Args:
        family: The family.
        transform: Of the family.
        scaled: float32 (768, cells), coefficients in steps.
        decisions: Of `decide`, changed in place; classes and lowest coefficients stay.
        size: Height and width of the image: what is beyond does not count.
        tradeoff: Of the family.
        wanted: float32 (768, cells), to be filled with the values that symbols were rounded from,
            in steps; lowest coefficients are left as they are.
        each: See `decide`.
    """
    height, width = size
    rows, columns = -(-height // CELL), -(-width // CELL)
    symbols, classes, tables = decisions
    assert tables is not None
    lowest = np.clip(np.floor(scaled[::_SIDE] + np.float32(0.5)), -BIGGEST, BIGGEST)
    y, x = np.divmod(np.arange(rows * columns), columns)
    colour = (y + x) % 2
    strips = transform.strips(rows)

    def work(job: tuple[int, tuple[int, int, int, int]]) -> None:
        turn, (low, first, stop, high) = job
        around = slice(low * columns, high * columns)
        values = rebuild(family, symbols[:, around], tables[:, around])
        values[::_SIDE] = lowest[:, around]
        error = transform.synthesise(_grid(scaled[:, around] - values, columns))
        error[:, height - low * CELL :], error[:, :, width:] = 0, 0
        own = slice((first - low) * columns, (stop - low) * columns)
        seen = transform.project(error).reshape(CHANNELS, -1)[:, own]
        chosen = np.flatnonzero(colour[first * columns : stop * columns] == turn)
        best = values[:, own][:, chosen] + seen[:, chosen]
        cells = chosen + first * columns
        if wanted is not None:
            best[::_SIDE] = wanted[::_SIDE, cells]
            wanted[:, cells] = best
        again, used = symbols[:, cells], tables[:, cells]
        round_symbols(family, best, again, classes[cells], tradeoff, used)
        symbols[:, cells], tables[:, cells] = again, used

    for turn in range(2):
        for parity in range(2):  # strips that are worked on at once do not touch
            list(each(work, [(turn, strip) for strip in strips[parity::2]]))


def _grid(values: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    return values.reshape(CHANNELS, -1, columns)
