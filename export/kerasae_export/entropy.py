"""Entropy coding of integer symbols: frequency tables and interleaved rANS.

An asymmetric numeral system (Duda 2013, arXiv:1311.2540) in its range variant, with
32-bit states, 16-bit words and 12-bit frequencies, in as many interleaved lanes (Giesen
2014, arXiv:1402.3392) as there are symbols to fill them. Everything is integer
arithmetic, so every implementation produces the same bytes; FORMAT.md specifies them.

Few lanes run in a plain loop and many lanes as NumPy vectors. Both give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import CorruptBitstreamError
from kerasae_export.varint import read_varint, varint

__all__ = [
    "MAX_ENTRIES",
    "TABLE_BITS",
    "Table",
    "Tables",
    "cheapest_class",
    "fit_classes",
    "fit_tables",
    "lane_count",
    "pack_bits",
    "unpack_bits",
]

TABLE_BITS = 12
TOTAL = 1 << TABLE_BITS
MAX_ENTRIES = 1024
"""Most entries of a table, its escape included."""

_LOW = 1 << 16  # a state in use lies in [_LOW, 2**32)
_MASK = TOTAL - 1
_BYTE_BITS = TABLE_BITS - 8  # an escape's bytes are uniform: each has 2**_BYTE_BITS of TOTAL
_SYMBOLS_PER_LANE = 4096
_MAX_LANES = 1024
_GROUPS_PER_CLASS = 32
_VECTOR_LANES = 32  # from here on NumPy is faster than the plain loop
_INT32 = (-(2**31), 2**31 - 1)


def lane_count(symbols: int) -> int:
    """Number of lanes for a number of symbols: the largest power of two up to symbols / 4096.

    Each lane costs four bytes, which 4096 symbols make negligible.

    Example:
        >>> [lane_count(n) for n in (0, 32, 8192, 10**5, 10**8)]
        [1, 1, 2, 16, 1024]
    """
    lanes = max(1, min(_MAX_LANES, symbols // _SYMBOLS_PER_LANE))
    return 1 << (lanes.bit_length() - 1)


@dataclass(frozen=True)
class Table:
    """The frequencies of one channel's symbols.

    Attributes:
        offset: The symbol of the first entry.
        frequencies: A positive integer for each symbol `offset`, `offset + 1`, ..., and last
            one for the escape, which announces a symbol outside; their sum is 4096.
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
    """The tables of all channels, one set for each class of content, and the coder with them.

    Symbols come as rows, one symbol for each channel. A row is coded with the tables of its
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
        self._base = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self._frequency = np.concatenate([t.frequencies for t in self.tables]).astype(np.uint64)
        starts = [np.concatenate([[0], np.cumsum(t.frequencies)[:-1]]) for t in self.tables]
        self._start = np.concatenate(starts).astype(np.uint64)

    @cached_property
    def _slots(self) -> NDArray[np.uint16]:
        """For each table and each of 4096 slots, the index of the entry that owns it."""
        slots = np.empty((len(self.tables), TOTAL), np.uint16)
        for row, table in zip(slots, self.tables, strict=True):
            row[:] = np.repeat(np.arange(len(table.frequencies)), table.frequencies)
        return slots

    @cached_property
    def _lists(self) -> tuple[list[int], list[int], list[int]]:
        """Frequencies, starts and bases as lists, which a plain loop reads much faster."""
        return (
            self._frequency.astype(int).tolist(),
            self._start.astype(int).tolist(),
            self._base.tolist(),
        )

    def bits(self, symbols: NDArray[Any], classes: NDArray[Any] | None = None) -> NDArray[Any]:
        """Information content of each row of symbols under the tables of its class, in bits.

        Args:
            symbols: Integers of shape (rows, channels).
            classes: The class of each row; by default 0.
        """
        symbols = np.asarray(symbols, np.int64)
        entries, escaped, values = self._entries(symbols, self._tables_of(len(symbols), classes))
        cost = (TABLE_BITS - np.log2(self._frequency.astype(float)))[entries]
        cost[escaped] += [8.0 * len(varint(value)) for value in values]
        return cost.reshape(symbols.shape).sum(axis=1)

    def encode(self, symbols: NDArray[Any], classes: NDArray[Any] | None = None) -> bytes:
        """Encode integers of shape (rows, channels); shape and classes are not stored.

        Raises:
            ValueError: If the last axis is not the channels or a symbol exceeds 32 bits.
        """
        symbols = np.asarray(symbols)
        if symbols.ndim != 2 or symbols.shape[1] != self.channels:
            raise ValueError(
                f"`symbols` must be rows of {self.channels} channels. "
                f"Received: shape {symbols.shape}"
            )
        symbols = symbols.astype(np.int64)
        if symbols.size and not (_INT32[0] <= symbols.min() and symbols.max() <= _INT32[1]):
            raise ValueError(
                f"`symbols` must fit in 32 bits. Received: {symbols.min()} to {symbols.max()}"
            )
        entries, _, values = self._entries(symbols, self._tables_of(len(symbols), classes))
        lanes = lane_count(entries.size)
        states = [0] if lanes == 1 else [_LOW] * lanes
        words: list[int] = []  # in the order of encoding, the reverse of that of decoding
        for byte in reversed([byte for value in values for byte in varint(value)]):
            states[0] = _push(states[0], 1 << _BYTE_BITS, byte << _BYTE_BITS, words)
        if lanes < _VECTOR_LANES:
            self._encode_loop(entries, states, words)
            reverse = np.array(words[::-1], "<u2")
        else:
            states, chunks = self._encode_vector(entries, states)
            reverse = np.concatenate([*chunks[::-1], np.array(words[::-1], np.uint16)])
        if lanes > 1:
            return np.array(states, "<u4").tobytes() + reverse.astype("<u2").tobytes()
        return _minimal(states[0]) + reverse.tobytes()

    def decode(
        self, data: bytes, rows: int, classes: NDArray[Any] | None = None
    ) -> NDArray[np.int32]:
        """Decode rows of symbols.

        Args:
            data: What `encode` gave.
            rows: Number of rows.
            classes: The class of each row, as given to `encode`.

        Returns:
            int32 of shape (rows, channels).

        Raises:
            CorruptBitstreamError: If the bytes are not exactly those that `encode` gives.
        """
        lanes = lane_count(rows * self.channels)
        states, words = _split(data, lanes)
        tables = self._tables_of(rows, classes)
        if lanes < _VECTOR_LANES:
            entries, position = self._decode_loop(tables, states, words)
        else:
            entries, position = self._decode_vector(tables, states, words)
        symbols = entries + self._offset[tables]
        escaped = np.flatnonzero(entries == self._escape[tables])
        if escaped.size:
            low = self._offset[tables[escaped]]
            high = low + self._escape[tables[escaped]] - 1
            reader = _EscapeReader(states, words, position)
            for i, lowest, highest in zip(escaped, low.tolist(), high.tolist(), strict=True):
                value = reader.read()
                symbols[i] = lowest - 1 - (value >> 1) if value & 1 else highest + 1 + (value >> 1)
            position = reader.position
            if symbols.min() < _INT32[0] or symbols.max() > _INT32[1]:
                raise CorruptBitstreamError("The entropy-coded data holds a symbol over 32 bits.")
        if position != len(words) or any(s != (0 if lanes == 1 else _LOW) for s in states):
            raise CorruptBitstreamError("The entropy-coded data does not end where it should.")
        return symbols.astype(np.int32).reshape(rows, self.channels)

    def _tables_of(self, rows: int, classes: NDArray[Any] | None) -> NDArray[np.int64]:
        """The index of each symbol's table."""
        channels = np.arange(self.channels)
        first = np.zeros(rows, np.int64) if classes is None else np.asarray(classes)
        return (first[:, None] * self.channels + channels).ravel()

    def _entries(
        self, symbols: NDArray[np.int64], tables: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int]]:
        """Each symbol's entry among all; which are escaped; and the values that say to what."""
        relative = symbols.ravel() - self._offset[tables]
        escape = self._escape[tables]
        outside = (relative < 0) | (relative >= escape)
        entries = np.where(outside, escape, relative) + self._base[tables]
        below, above = -1 - relative[outside], (relative - escape)[outside]
        values = np.where(below >= 0, 2 * below + 1, 2 * above)
        return entries, np.flatnonzero(outside), values.tolist()

    def _encode_loop(self, entries: NDArray[np.int64], states: list[int], words: list[int]) -> None:
        lanes = len(states)
        frequency = self._frequency[entries].astype(int).tolist()
        start = self._start[entries].astype(int).tolist()
        for i in range(len(frequency) - 1, -1, -1):
            states[i % lanes] = _push(states[i % lanes], frequency[i], start[i], words)

    def _encode_vector(
        self, entries: NDArray[np.int64], states: list[int]
    ) -> tuple[list[int], list[NDArray[np.uint16]]]:
        lanes = len(states)
        x = np.array(states, np.uint64)
        chunks = []  # each holds the words of one step, in lane order
        for first in range((entries.size - 1) // lanes * lanes, -1, -lanes):
            step = entries[first : first + lanes]
            frequency, start = self._frequency[step], self._start[step]
            state = x[: step.size]
            full = state >= frequency << np.uint64(32 - TABLE_BITS)
            chunks.append(state[full].astype(np.uint16))
            state = np.where(full, state >> np.uint64(16), state)
            quotient, rest = np.divmod(state, frequency)
            x[: step.size] = (quotient << np.uint64(TABLE_BITS)) + rest + start
        return x.tolist(), chunks

    def _decode_loop(
        self, tables: NDArray[np.int64], states: list[int], words: list[int]
    ) -> tuple[NDArray[np.int64], int]:
        frequency, start, base = self._lists
        slots = self._slots.ravel().data
        lanes, available = len(states), len(words)
        entries, position = [0] * tables.size, 0
        for i, table in enumerate(tables.tolist()):
            x = states[i % lanes]
            slot = x & _MASK
            entry = slots[table * TOTAL + slot]
            at = base[table] + entry
            x = frequency[at] * (x >> TABLE_BITS) + slot - start[at]
            if x < _LOW and position < available:
                x = x << 16 | words[position]
                position += 1
            states[i % lanes] = x
            entries[i] = entry
        return np.array(entries, np.int64), position

    def _decode_vector(
        self, tables: NDArray[np.int64], states: list[int], words: list[int]
    ) -> tuple[NDArray[np.int64], int]:
        lanes = len(states)
        x = np.array(states, np.uint64)
        stream = np.array(words, np.uint64)
        slots = self._slots.ravel()
        entries, position = np.empty(tables.size, np.int64), 0
        for first in range(0, tables.size, lanes):
            table = tables[first : first + lanes]
            state = x[: table.size]
            slot = state & np.uint64(_MASK)
            entry = slots[table * TOTAL + slot.astype(np.int64)]
            index = self._base[table] + entry
            state = self._frequency[index] * (state >> np.uint64(TABLE_BITS)) + slot
            state -= self._start[index]
            empty = np.flatnonzero(state < _LOW)[: stream.size - position]
            fresh = stream[position : position + empty.size]
            state[empty] = state[empty] << np.uint64(16) | fresh
            position += empty.size
            x[: table.size] = state
            entries[first : first + lanes] = entry
        states[:] = x.tolist()
        return entries, position


def fit_classes(groups: NDArray[Any], classes: int, *, rounds: int = 8) -> Tables:
    """Fit one set of tables for each of several classes of content to observed symbols.

    Groups of rows are sorted into classes by how far their symbols spread, then refitting
    the tables and moving each group to the class that codes it in the fewest bits take turns,
    as in k-means.

    Args:
        groups: Integers of shape (groups, rows, channels).
        classes: Most classes to make; each gets at least a few groups, so there may be fewer.
        rounds: Number of turns.
    """
    channels = groups.shape[-1]
    spread = np.abs(groups - np.median(groups, axis=(0, 1))).sum(axis=(1, 2))
    rank = np.argsort(np.argsort(spread, kind="stable"), kind="stable")
    classes = max(1, min(classes, len(groups) // _GROUPS_PER_CLASS))
    owner = rank * classes // len(groups)
    for _ in range(rounds if classes > 1 else 1):
        members = [groups[owner == k].reshape(-1, channels) for k in range(classes)]
        tables = [table for rows in members if len(rows) for table in fit_tables(rows).tables]
        fitted = Tables(tables, channels)
        owner = cheapest_class(fitted, groups.reshape(-1, channels), _index(groups))
        classes = fitted.classes
    return fitted


def cheapest_class(
    tables: Tables, symbols: NDArray[Any], group: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each group of rows, the class of tables that codes it in the fewest bits.

    Args:
        tables: The tables of all classes.
        symbols: Integers of shape (rows, channels).
        group: For each row the index of its group, from 0 on, without gaps.
    """
    rows = len(symbols)
    costs = [
        np.bincount(group, tables.bits(symbols, np.full(rows, k))) for k in range(tables.classes)
    ]
    return np.argmin(costs, axis=0)


def _index(groups: NDArray[Any]) -> NDArray[np.int64]:
    return np.repeat(np.arange(groups.shape[0]), groups.shape[1])


def pack_bits(values: NDArray[Any], width: int) -> bytes:
    """Integers of `width` bits each, one after the other, low bits first.

    Example:
        >>> pack_bits(np.array([1, 2, 7]), 3).hex()
        'd101'
    """
    bits = np.asarray(values)[:, None] >> np.arange(width) & 1
    return np.packbits(bits.ravel().astype(np.uint8), bitorder="little").tobytes()


def unpack_bits(data: bytes, count: int, width: int) -> tuple[NDArray[np.int64], bytes]:
    """`count` integers from the front of `data`, and the rest of it."""
    size = (count * width + 7) // 8
    if len(data) < size:
        raise CorruptBitstreamError("The payload is too short for its classes.")
    bits = np.unpackbits(np.frombuffer(data, np.uint8, size), bitorder="little")
    if bits[count * width :].any():
        raise CorruptBitstreamError("The payload has bits set behind its classes.")
    values = bits[: count * width].reshape(count, width) @ (1 << np.arange(width))
    return values.astype(np.int64), data[size:]


def fit_tables(symbols: NDArray[Any]) -> Tables:
    """Fit the tables of all channels to observed symbols.

    Every value between the smallest and the largest observed one, and one beyond on each
    side, gets half a count more than it was seen (the Krichevsky-Trofimov estimate); the
    escape gets half a count. Where that would make more than `MAX_ENTRIES` entries, the
    middle of the observed values is kept and the rest is escaped.

    Args:
        symbols: Integers of shape (..., channels), one class.
    """
    observed = np.asarray(symbols, np.int64)
    observed = observed.reshape(-1, observed.shape[-1])
    if not observed.size:
        raise ValueError(f"`symbols` must not be empty. Received: shape {np.shape(symbols)}")
    return Tables([_fit_table(column) for column in observed.T])


def _fit_table(column: NDArray[np.int64]) -> Table:
    low, high = int(column.min()) - 1, int(column.max()) + 1
    if high - low + 2 > MAX_ENTRIES:
        middle = int(np.median(column))
        low, high = middle - MAX_ENTRIES // 2, middle + MAX_ENTRIES // 2 - 2
    inside = column[(column >= low) & (column <= high)]
    counts = np.append(
        np.bincount(inside - low, minlength=high - low + 1), column.size - inside.size
    )
    return Table(low, _normalised(counts + 0.5))


def _normalised(weights: NDArray[np.float64]) -> tuple[int, ...]:
    """Positive integers that sum to 4096 and follow the weights (largest remainders)."""
    share = weights / weights.sum() * (TOTAL - weights.size)
    result = np.floor(share).astype(int) + 1
    largest = np.argsort(result - 1 - share, kind="stable")[: TOTAL - result.sum()]
    result[largest] += 1
    return tuple(result.tolist())


def _push(x: int, frequency: int, start: int, words: list[int]) -> int:
    if x >= frequency << (32 - TABLE_BITS):
        words.append(x & 0xFFFF)
        x >>= 16
    quotient, rest = divmod(x, frequency)
    return (quotient << TABLE_BITS) + rest + start


def _minimal(state: int) -> bytes:
    return state.to_bytes((state.bit_length() + 7) // 8, "little")


def _split(data: bytes, lanes: int) -> tuple[list[int], list[int]]:
    """The lanes' states and the words behind them."""
    if lanes > 1:
        size = 4 * lanes
        if len(data) < size or len(data) % 2:
            raise CorruptBitstreamError("The entropy-coded data is too short for its symbols.")
        states = np.frombuffer(data, "<u4", lanes).tolist()
        if min(states) < _LOW:
            raise CorruptBitstreamError("The entropy-coded data starts with a state too small.")
    else:
        # A state below 2**16 has no words behind it, so the length tells where it ends.
        size = len(data) if len(data) <= 4 else 4 - len(data) % 2
        states = [int.from_bytes(data[:size], "little")]
        if _minimal(states[0]) != data[:size]:
            raise CorruptBitstreamError("The entropy-coded data starts with an overlong state.")
    return states, np.frombuffer(data, "<u2", offset=size).tolist()


class _EscapeReader:
    """Reads the escaped values, which follow the symbols in lane 0."""

    def __init__(self, states: list[int], words: list[int], position: int) -> None:
        self.states, self.words, self.position = states, words, position

    def read(self) -> int:
        return read_varint(self._byte)

    def _byte(self) -> int:
        x = self.states[0]
        slot = x & _MASK
        x = ((x >> TABLE_BITS) << _BYTE_BITS) + (slot & ((1 << _BYTE_BITS) - 1))
        if x < _LOW and self.position < len(self.words):
            x = x << 16 | self.words[self.position]
            self.position += 1
        self.states[0] = x
        return slot >> _BYTE_BITS
