"""The arithmetic of the entropy coder: interleaved rANS over intervals of 4096 slots.

An asymmetric numeral system (Duda 2013, arXiv:1311.2540) in its range variant, with
32-bit states, 16-bit words and 12-bit frequencies, in as many interleaved lanes (Giesen
2014, arXiv:1402.3392) as there are symbols to fill them. Everything is integer
arithmetic, so every implementation produces the same bytes; FORMAT.md specifies them.

Few lanes run in a plain loop and many lanes as NumPy vectors. Both give the same bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import CorruptBitstreamError

__all__ = ["TABLE_BITS", "TOTAL", "Decoder", "Encoder", "Slots", "encode", "lane_count"]

TABLE_BITS = 12
TOTAL = 1 << TABLE_BITS

_LOW = 1 << 16  # a state in use lies in [_LOW, 2**32)
_MASK = TOTAL - 1
_BYTE_BITS = TABLE_BITS - 8  # a plain byte is coded as one of 256 equal intervals
_SYMBOLS_PER_LANE = 4096
_MAX_LANES = 1024
_VECTOR_LANES = 32  # from here on NumPy is faster than the plain loop
_CHUNK = 1 << 16  # symbols that are prepared at once: they stay in the processor's cache
_MOST_LOOKED_UP = 1 << 21  # slots with a lookup table of their own, 16 MB; beyond, search

TablesAt = Callable[[int, int], NDArray[np.int64]]


def lane_count(symbols: int) -> int:
    """Number of lanes for a number of symbols: one for each 4096, at least 1, at most 1024.

    Each lane costs four bytes, which 4096 symbols make negligible.

    Example:
        >>> [lane_count(n) for n in (0, 32, 8192, 10**5, 10**8)]
        [1, 1, 2, 24, 1024]
    """
    return max(1, min(_MAX_LANES, symbols // _SYMBOLS_PER_LANE))


def encode(intervals: NDArray[np.uint32], tail: bytes) -> bytes:
    """Code symbols, and behind them plain bytes in lane 0.

    Args:
        intervals: For each symbol its frequency * 4096 + start.
        tail: The bytes.
    """
    encoder = Encoder(lane_count(intervals.size))
    encoder.plain(tail)
    encoder.batch(intervals)
    return encoder.finish()


class Encoder:
    """Writes what `Decoder` reads; everything is given in the reverse order of decoding.

    Args:
        lanes: Number of lanes.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._states = [0] if lanes == 1 else [_LOW] * lanes
        self._words: list[NDArray[np.uint16]] = []  # in the reverse order of decoding

    def plain(self, tail: bytes) -> None:
        """Code plain bytes in lane 0."""
        words: list[int] = []
        for byte in reversed(tail):
            self._states[0] = _push(self._states[0], 1 << _BYTE_BITS, byte << _BYTE_BITS, words)
        self._keep(words)

    def chain(self, intervals: NDArray[np.uint32]) -> None:
        """Code symbols in lane 0; see `Decoder.chain`."""
        words: list[int] = []
        for value in intervals[::-1].tolist():
            self._states[0] = _push(self._states[0], value >> TABLE_BITS, value & _MASK, words)
        self._keep(words)

    def batch(self, intervals: NDArray[np.uint32]) -> None:
        """Code symbols in all lanes, the first of them in lane 0."""
        lanes = self._lanes
        if lanes >= _VECTOR_LANES:
            self._states, chunks = _encode_vectors(intervals, self._states)
            self._words.extend(chunk[::-1] for chunk in chunks)
            return
        words: list[int] = []
        values = intervals.tolist()
        for i in range(len(values) - 1, -1, -1):
            frequency, start = values[i] >> TABLE_BITS, values[i] & _MASK
            self._states[i % lanes] = _push(self._states[i % lanes], frequency, start, words)
        self._keep(words)

    def finish(self) -> bytes:
        """All that was coded."""
        stream = np.concatenate([np.empty(0, np.uint16), *self._words])[::-1]
        lanes = self._lanes
        front = np.array(self._states, "<u4").tobytes() if lanes > 1 else _minimal(self._states[0])
        return front + stream.astype("<u2").tobytes()

    def _keep(self, words: list[int]) -> None:
        self._words.append(np.array(words, np.uint16))


def _push(x: int, frequency: int, start: int, words: list[int]) -> int:
    if x >= frequency << (32 - TABLE_BITS):
        words.append(x & 0xFFFF)
        x >>= 16
    quotient, rest = divmod(x, frequency)
    return (quotient << TABLE_BITS) + rest + start


def _encode_vectors(
    intervals: NDArray[np.uint32], states: list[int]
) -> tuple[list[int], list[NDArray[np.uint16]]]:
    """One step for all lanes at once; the words come in the reverse order of chunks.

    States are doubles: below 2**44 they are exact, and so is the floor of a quotient of a
    32-bit by a 12-bit integer, which is far from the next integer or on it. Division of
    doubles is several times as fast as that of integers.
    """
    lanes = len(states)
    x, q = np.array(states, float), np.empty(lanes)
    chunks = []
    length = max(1, _CHUNK // lanes) * lanes
    for first in range((intervals.size - 1) // length * length, -1, -length):
        piece = intervals[first : first + length]
        frequency, start = (piece >> TABLE_BITS).astype(float), (piece & _MASK).astype(float)
        limit, gap = frequency * 2.0 ** (32 - TABLE_BITS), TOTAL - frequency
        full_states = []
        for at in range((piece.size - 1) // lanes * lanes, -1, -lanes):
            step = slice(at, at + lanes)
            x_, q_ = x[: frequency[step].size], q[: frequency[step].size]  # the last may be short
            (full,) = (x_ >= limit[step]).nonzero()
            if full.size:
                above = x_[full]
                full_states.append(above)
                x_[full] = np.floor(above * 2.0**-16)
            # 4096 * (x // f) + x % f + start = x + start + (4096 - f) * (x // f)
            np.divide(x_, frequency[step], out=q_)
            np.floor(q_, out=q_)
            np.multiply(q_, gap[step], out=q_)
            np.add(x_, q_, out=x_)
            np.add(x_, start[step], out=x_)
        if full_states:
            chunks.append(np.concatenate(full_states[::-1]).astype(np.uint32).astype(np.uint16))
    return x.astype(np.int64).tolist(), chunks


class Slots:
    """Which entry owns which of the 4096 slots of each table.

    Args:
        frequencies: Of all entries of all tables, table after table.
        local: For each of them its index within its table.
    """

    def __init__(self, frequencies: NDArray[np.int64], local: NDArray[np.int64]) -> None:
        self._first = np.cumsum(frequencies) - frequencies  # table * 4096 + start
        self._entry = local << 2 * TABLE_BITS | frequencies << TABLE_BITS
        self._frequencies, self._local = frequencies, local

    @cached_property
    def _lookup(self) -> NDArray[np.int64] | None:
        """For each slot of each table: entry, frequency, and the slot's place in its entry."""
        count = int(self._frequencies.sum())
        if count > _MOST_LOOKED_UP:
            return None
        place = np.arange(count) - np.repeat(self._first, self._frequencies)
        return np.repeat(self._entry, self._frequencies) + place

    @cached_property
    def lists(self) -> tuple[list[int], list[int], list[int]]:
        """First slots, frequencies and indices of all entries, which a loop reads faster."""
        return self._first.tolist(), self._frequencies.tolist(), self._local.tolist()

    def look_up(self, slots: NDArray[np.int64], out: NDArray[np.int64]) -> None:
        """Entry << 24 | frequency << 12 | place in the entry, for each table * 4096 + slot."""
        if self._lookup is not None:
            np.take(self._lookup, slots, out=out, mode="clip")
            return
        found = np.searchsorted(self._first, slots, "right") - 1
        np.add(self._entry[found], slots - self._first[found], out=out)


class Decoder:
    """Reads what `encode` wrote: all symbols first, then the plain bytes, then `finish`.

    Args:
        data: The bytes.
        count: Number of symbols, which tells the number of lanes; or
        lanes: The number of lanes.

    Raises:
        CorruptBitstreamError: If the bytes cannot hold as many lanes.
    """

    def __init__(self, data: bytes, count: int, *, lanes: int | None = None) -> None:
        self._count, self._lanes = count, lane_count(count) if lanes is None else lanes
        self._position = 0
        if self._lanes > 1:
            size = 4 * self._lanes
            if len(data) < size or len(data) % 2:
                raise CorruptBitstreamError("The entropy-coded data is too short for its symbols.")
            self._states = np.frombuffer(data, "<u4", self._lanes).tolist()
            if min(self._states) < _LOW:
                raise CorruptBitstreamError("The entropy-coded data starts with a state too small.")
        else:
            # A state below 2**16 has no words behind it, so the length tells where it ends.
            size = len(data) if len(data) <= 4 else 4 - len(data) % 2
            self._states = [int.from_bytes(data[:size], "little")]
            if _minimal(self._states[0]) != data[:size]:
                raise CorruptBitstreamError("The entropy-coded data starts with an overlong state.")
        self._words: NDArray[Any] = np.frombuffer(data, "<u2", offset=size)

    def symbols(self, slots: Slots, tables_at: TablesAt) -> Iterator[NDArray[np.int64]]:
        """Yield the index of each symbol's entry within its table, chunk by chunk.

        Args:
            slots: The entries of all tables.
            tables_at: The tables of the symbols from one position to another.
        """
        length = self._count
        if self._lanes >= _VECTOR_LANES:
            length = _CHUNK // self._lanes * self._lanes
        for first in range(0, self._count, max(1, length)):
            yield self.batch(slots, tables_at(first, min(first + length, self._count)))

    def batch(self, slots: Slots, tables: NDArray[np.int64]) -> NDArray[np.int64]:
        """The next symbols in all lanes, the first of them in lane 0: their entries' indices.

        Args:
            slots: The entries of all tables.
            tables: The table of each symbol.
        """
        if self._lanes < _VECTOR_LANES:
            return self._loop(slots, tables)
        return self._vectors(slots, tables)

    def chain(self, slots: Slots, table_after: Callable[[list[int]], int], count: int) -> list[int]:
        """The next symbols in lane 0, where the table of each depends on those before it.

        Args:
            slots: The entries of all tables.
            table_after: The table of a symbol, given the entries of all before it.
            count: Number of symbols.
        """
        first, frequency, local = slots.lists
        entries: list[int] = []
        x = self._states[0]
        for _ in range(count):
            slot = (table_after(entries) << TABLE_BITS) + (x & _MASK)
            at = bisect_right(first, slot) - 1
            x = self._refill(frequency[at] * (x >> TABLE_BITS) + slot - first[at])
            entries.append(local[at])
        self._states[0] = x
        return entries

    def byte(self) -> int:
        """The next plain byte."""
        x = self._states[0]
        slot = x & _MASK
        self._states[0] = self._refill(
            ((x >> TABLE_BITS) << _BYTE_BITS) + (slot & ((1 << _BYTE_BITS) - 1))
        )
        return slot >> _BYTE_BITS

    def expect_bytes(self, number: int) -> None:
        """Check that so many plain bytes, or more, can follow: with several lanes they take words.

        Raises:
            CorruptBitstreamError: If they cannot.
        """
        if self._lanes > 1 and number > 2 * (self._words.size - self._position) + 4:
            raise CorruptBitstreamError(_ENDS_EARLY)

    def finish(self) -> None:
        """Check that the data ends here, as `encode` would have ended it."""
        start = 0 if self._lanes == 1 else _LOW
        if self._position != self._words.size or any(x != start for x in self._states):
            raise CorruptBitstreamError("The entropy-coded data does not end where it should.")

    def _refill(self, x: int) -> int:
        if x < _LOW:
            if self._position < self._words.size:
                x = x << 16 | int(self._words[self._position])
                self._position += 1
            elif self._lanes > 1:
                raise CorruptBitstreamError(_ENDS_EARLY)
        return x

    @cached_property
    def _word_list(self) -> list[int]:
        return self._words.tolist()

    def _loop(self, slots: Slots, tables: NDArray[np.int64]) -> NDArray[np.int64]:
        first, frequency, local = slots.lists
        words, available, position = self._word_list, self._words.size, self._position
        states, lanes, entries = self._states, self._lanes, []
        for i, base in enumerate((tables << TABLE_BITS).tolist()):
            x = states[i % lanes]
            slot = base + (x & _MASK)
            at = bisect_right(first, slot) - 1
            x = frequency[at] * (x >> TABLE_BITS) + slot - first[at]
            if x < _LOW:
                if position < available:
                    x = x << 16 | words[position]
                    position += 1
                elif lanes > 1:
                    raise CorruptBitstreamError(_ENDS_EARLY)
            states[i % lanes] = x
            entries.append(local[at])
        self._position = position
        return np.array(entries, np.int64)

    def _vectors(self, slots: Slots, tables: NDArray[np.int64]) -> NDArray[np.int64]:
        lanes, words = self._lanes, self._words
        x, spare = np.array(self._states, np.int64), np.empty(lanes, np.int64)
        index = tables << TABLE_BITS
        found = np.empty(index.size, np.int64)
        for at in range(0, index.size, lanes):
            step = slice(at, at + lanes)
            slot, packed = index[step], found[step]
            x_, spare_ = x[: slot.size], spare[: slot.size]  # the last step may be short
            np.bitwise_and(x_, _MASK, out=spare_)
            np.add(slot, spare_, out=slot)
            slots.look_up(slot, packed)
            np.right_shift(x_, TABLE_BITS, out=x_)
            np.right_shift(packed, TABLE_BITS, out=spare_)
            np.bitwise_and(spare_, _MASK, out=spare_)  # the frequency
            np.multiply(x_, spare_, out=x_)
            np.bitwise_and(packed, _MASK, out=spare_)  # slot - start
            np.add(x_, spare_, out=x_)
            (empty,) = (x_ < _LOW).nonzero()
            if empty.size:
                end = self._position + empty.size
                if end > words.size:
                    raise CorruptBitstreamError(_ENDS_EARLY)
                x_[empty] = x_[empty] << 16 | words[self._position : end]
                self._position = end
        self._states = x.tolist()
        return found >> 2 * TABLE_BITS


_ENDS_EARLY = "The entropy-coded data ends before its symbols do."


def _minimal(state: int) -> bytes:
    return state.to_bytes((state.bit_length() + 7) // 8, "little")
