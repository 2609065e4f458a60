"""Entropy coding of integer symbols: frequency tables, and the coder that uses them.

Symbols come in rows, one symbol for each channel of the code. FORMAT.md specifies the
bytes; `format.rans` does the arithmetic, `bundling.fitting` makes the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import CorruptBitstreamError
from kerasae_export.format import rans
from kerasae_export.format.limits import Limits
from kerasae_export.format.rans import TABLE_BITS, TOTAL, Slots
from kerasae_export.format.varint import read_varint, varint

__all__ = [
    "COST_UNIT",
    "MAX_ENTRIES",
    "TABLE_BITS",
    "TOTAL",
    "Table",
    "Tables",
    "cheapest_class",
    "pack_bits",
    "unpack_bits",
]

MAX_ENTRIES = 2049
"""Most entries of a table, its escape included."""

COST_UNIT = 256
"""`Tables.costs` counts in this fraction of a bit."""

_DEFAULT = Limits()
_INT32 = (-(2**31), 2**31 - 1)
_ROWS = 1 << 14  # that are worked on at once
_WINDOW = 2 * MAX_ENTRIES  # symbols of a channel whose costs are looked up


@dataclass(frozen=True)
class Table:
    """The frequencies of one channel's symbols.

    Attributes:
        offset: The symbol of the first entry.
        frequencies: A positive integer for each symbol `offset`, `offset + 1`, ..., and last
            one for the escape, which announces any other symbol; their sum is 4096.
    """

    offset: int
    frequencies: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.frequencies) <= MAX_ENTRIES:
            raise ValueError(
                f"`frequencies` must have 2 to {MAX_ENTRIES} entries. "
                f"Received: {len(self.frequencies)}"
            )
        if min(self.frequencies) < 1 or sum(self.frequencies) != TOTAL:
            raise ValueError(
                f"`frequencies` must be positive and sum to {TOTAL}. "
                f"Received: sum {sum(self.frequencies)}, smallest {min(self.frequencies)}"
            )
        if not -(2**30) <= self.offset <= 2**30:
            raise ValueError(f"`offset` must be within +-2**30. Received: {self.offset}")


class Tables:
    """The tables of all channels, one set for each class of content, and the coder.

    Symbols come in rows, one symbol for each channel. A row is coded with the tables of its
    class, so that smooth and busy parts of an image need not share one set.

    Args:
        tables: For each class, for each channel, its table.
        channels: Number of channels; by default all tables are of one class.
    """

    def __init__(self, tables: Sequence[Table], channels: int | None = None) -> None:
        self.channels = len(tables) if channels is None else channels
        if not tables or len(tables) % self.channels:
            raise ValueError(
                f"`tables` must hold one or more for each of {self.channels} channels. "
                f"Received: {len(tables)}"
            )
        self.tables = tuple(tables)
        self.classes = len(tables) // self.channels
        sizes = np.array([len(t.frequencies) for t in self.tables])
        self._offset = np.array([t.offset for t in self.tables], np.int64)
        self._escape = sizes - 1  # index of the escape within its table
        self._base = np.cumsum(sizes) - sizes
        frequency = np.concatenate([t.frequencies for t in self.tables]).astype(np.int64)
        local = np.arange(sizes.sum()) - np.repeat(self._base, sizes)
        start = np.cumsum(frequency) - frequency & TOTAL - 1
        self._interval = (frequency << TABLE_BITS | start).astype(np.uint32)
        self._bits = TABLE_BITS - np.log2(frequency)
        self._cost = np.floor(COST_UNIT * self._bits + 0.5).astype(np.int64)
        self.slots = Slots(frequency, local)

    def bits(self, symbols: NDArray[Any], classes: NDArray[Any] | None = None) -> NDArray[Any]:
        """Information content of each row of symbols under the tables of its class, in bits.

        Args:
            symbols: Integers of shape (rows, channels).
            classes: The class of each row; by default 0.
        """
        symbols = np.asarray(symbols, np.int64)
        tables = self._tables_of(classes, 0, len(symbols))
        entries, escaped, values = self._entries(symbols.ravel(), tables)
        bits = self._bits[entries]
        bits[escaped] += 8.0 * _varint_bytes(values)
        return bits.reshape(symbols.shape).sum(axis=1)

    def costs(self, symbols: NDArray[Any]) -> NDArray[np.int64]:
        """The cost of each row under each class, in 256ths of a bit, rounded for each symbol.

        The costs are integers, so that every implementation finds the same class the cheapest.

        Args:
            symbols: Integers of shape (rows, channels).

        Returns:
            int64 of shape (rows, classes).
        """
        result = np.zeros((len(symbols), self.classes), np.int64)
        for first in range(0, len(symbols), _ROWS):
            piece = np.asarray(symbols[first : first + _ROWS], np.int64)
            total = result[first : first + _ROWS]
            for channel, (low, costs) in enumerate(self._windows):
                column = piece[:, channel] - low
                inside = (column >= 0) & (column < len(costs))
                if inside.all():
                    total += np.take(costs, column, axis=0)
                else:
                    total[inside] += costs[column[inside]]
                    total[~inside] += self._costs_of(channel, piece[~inside, channel])
        return result

    @cached_property
    def _windows(self) -> list[tuple[int, NDArray[np.int64]]]:
        """For each channel the lowest symbol looked up, and the costs from there on."""
        windows = []
        for channel in range(self.channels):
            own = self.tables[channel :: self.channels]
            low = min(t.offset for t in own) - 1
            high = max(t.offset + len(t.frequencies) - 1 for t in own)
            symbols = np.arange(low, min(high + 1, low + _WINDOW))
            windows.append((low, self._costs_of(channel, symbols)))
        return windows

    def _costs_of(self, channel: int, symbols: NDArray[np.int64]) -> NDArray[np.int64]:
        """The cost of each symbol of a channel under each class: (symbols, classes)."""
        tables = np.repeat(np.arange(self.classes) * self.channels + channel, len(symbols))
        entries, escaped, values = self._entries(np.tile(symbols, self.classes), tables)
        cost = self._cost[entries]
        cost[escaped] += 8 * COST_UNIT * _varint_bytes(values)
        return np.ascontiguousarray(cost.reshape(self.classes, -1).T)

    def encode(self, symbols: NDArray[Any], classes: NDArray[Any] | None = None) -> bytes:
        """Encode integers of shape (rows, channels); shape and classes are not stored.

        Args:
            symbols: The integers, each of at most 32 bits.
            classes: The class of each row; by default 0.

        Raises:
            ValueError: If the last axis is not the channels or a symbol exceeds 32 bits.
        """
        symbols = np.asarray(symbols)
        if symbols.ndim != 2 or symbols.shape[1] != self.channels:
            raise ValueError(
                f"`symbols` must be rows of {self.channels} channels. "
                f"Received: shape {symbols.shape}"
            )
        if symbols.size and not (_INT32[0] <= symbols.min() and symbols.max() <= _INT32[1]):
            raise ValueError(
                f"`symbols` must fit in 32 bits. Received: {symbols.min()} to {symbols.max()}"
            )
        intervals = np.empty(symbols.size, np.uint32)
        tail = bytearray()
        step = max(1, _ROWS // self.channels)
        for first in range(0, len(symbols), step):
            piece = symbols[first : first + step].astype(np.int64).ravel()
            tables = self._tables_of(classes, first, first + piece.size // self.channels)
            entries, _, values = self._entries(piece, tables)
            at = first * self.channels
            np.take(self._interval, entries, out=intervals[at : at + piece.size], mode="clip")
            for value in values.tolist():
                tail += varint(value)
        return rans.encode(intervals, bytes(tail))

    def decode(
        self,
        data: bytes,
        rows: int,
        classes: NDArray[Any] | None = None,
        *,
        limits: Limits = _DEFAULT,
    ) -> NDArray[np.int32]:
        """Decode rows of symbols.

        Args:
            data: What `encode` gave.
            rows: Number of rows.
            classes: The class of each row, as given to `encode`.
            limits: How many symbols may be escaped.

        Returns:
            int32 of shape (rows, channels).

        Raises:
            CorruptBitstreamError: If the bytes are not exactly those that `encode` gives.
            BitstreamLimitError: If more symbols are escaped than are allowed.
        """
        decoder = rans.Decoder(data, rows * self.channels)
        done = 0
        pieces: list[NDArray[np.int32]] = []
        escapes: list[NDArray[np.int32]] = []  # where in each piece; their tables follow from that

        def tables_at(start: int, stop: int) -> NDArray[np.int64]:
            first = start // self.channels
            tables = self._tables_of(classes, first, -(-stop // self.channels))
            skipped = start - first * self.channels
            return tables[skipped : skipped + stop - start]

        for entries in decoder.symbols(self.slots, tables_at):
            tables = tables_at(done, done + entries.size)
            found, escaped = self.symbols_of(entries, tables)
            escapes.append(escaped.astype(np.int32))
            pieces.append(found.astype(np.int32))
            done += entries.size
        number = sum(places.size for places in escapes)
        limits.check_escapes(number)
        decoder.expect_bytes(number)
        done = 0
        for piece, places in zip(pieces, escapes, strict=True):
            if places.size:
                tables = tables_at(done, done + piece.size)[places]
                piece[places] = self._read_escaped(decoder, tables)
            done += piece.size
        decoder.finish()
        symbols = np.concatenate(pieces) if pieces else np.empty(0, np.int32)
        return symbols.reshape(rows, self.channels)

    def _read_escaped(self, decoder: rans.Decoder, tables: NDArray[np.int64]) -> NDArray[np.int64]:
        """The next escaped symbols, given their tables."""
        values = np.empty(tables.size, np.int64)
        for i, table in enumerate(tables):
            values[i] = self.escaped_symbol(int(table), read_varint(decoder.byte))
        if values.min() < _INT32[0] or values.max() > _INT32[1]:
            raise CorruptBitstreamError("The entropy-coded data holds a symbol over 32 bits.")
        return values

    def intervals(
        self, symbols: NDArray[np.int64], tables: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
        """What the coder takes for symbols: intervals, which are escaped, and values for these.

        Args:
            symbols: Integers of shape (n,).
            tables: The table of each.
        """
        entries, escaped, values = self._entries(symbols, tables)
        return np.take(self._interval, entries, mode="clip"), escaped, values

    def symbols_of(
        self, entries: NDArray[np.int64], tables: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The symbols of entries within their tables, and which of them are escapes."""
        (escaped,) = (entries == self._escape[tables]).nonzero()
        return entries + self._offset[tables], escaped

    def escaped_symbol(self, table: int, value: int) -> int:
        """The symbol outside of a table that a value behind the escape stands for."""
        low = int(self._offset[table])
        high = low + int(self._escape[table]) - 1
        return low - 1 - (value >> 1) if value & 1 else high + 1 + (value >> 1)

    def _tables_of(self, classes: NDArray[Any] | None, first: int, stop: int) -> NDArray[np.int64]:
        """The index of the table of each symbol in some rows."""
        channels = np.arange(self.channels)
        if classes is None:
            return np.tile(channels, stop - first)
        return (classes[first:stop].astype(np.int64)[:, None] * self.channels + channels).ravel()

    def _entries(
        self, symbols: NDArray[np.int64], tables: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The entry of each symbol among all, which are escaped, and the values of these."""
        relative = symbols - self._offset[tables]
        escape = self._escape[tables]
        (escaped,) = ((relative < 0) | (relative >= escape)).nonzero()
        outside, limit = relative[escaped], escape[escaped]
        values = np.where(outside < 0, 2 * (-1 - outside) + 1, 2 * (outside - limit))
        relative[escaped] = limit
        return relative + self._base[tables], escaped, values


def cheapest_class(
    tables: Tables, symbols: NDArray[Any], group: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each group of rows, the first class of tables that codes it at the least cost.

    Args:
        tables: The tables of all classes.
        symbols: Integers of shape (rows, channels).
        group: For each row the index of its group, from 0 on, without gaps.
    """
    return np.argmin([np.bincount(group, cost) for cost in tables.costs(symbols).T], axis=0)


def _varint_bytes(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The length of each varint in bytes."""
    return 1 + np.searchsorted([1 << 7 * i for i in range(1, 5)], values, "right")


def pack_bits(values: NDArray[Any], width: int) -> bytes:
    """Pack integers of `width` bits each, one after the other, low bits first.

    Example:
        >>> import numpy as np
        >>> pack_bits(np.array([1, 2, 7]), 3).hex()
        'd101'
    """
    bits = np.asarray(values)[:, None] >> np.arange(width) & 1
    return np.packbits(bits.ravel().astype(np.uint8), bitorder="little").tobytes()


def unpack_bits(data: bytes, count: int, width: int) -> tuple[NDArray[np.int64], bytes]:
    """Unpack `count` integers from the front of `data`; returns them and the rest."""
    size = (count * width + 7) // 8
    if len(data) < size:
        raise CorruptBitstreamError("The payload is too short for its classes.")
    bits = np.unpackbits(np.frombuffer(data, np.uint8, size), bitorder="little")
    if bits[count * width :].any():
        raise CorruptBitstreamError("The payload has bits set behind its classes.")
    values = bits[: count * width].reshape(count, width) @ (1 << np.arange(width))
    return values.astype(np.int64), data[size:]
