"""The coder's arithmetic against the rule of FORMAT.md, step by step, in few lanes and in many."""

from __future__ import annotations

import numpy as np
import pytest

from kerasae_export.errors import CorruptBitstreamError
from kerasae_export.format import rans
from kerasae_export.format.rans import Decoder, Encoder, Slots, encode, lane_count

# In two of them one symbol is nearly all, and the other nearly none.
TABLES = [[1, 4095], [4095, 1], [1000, 96, 2000, 1000]]
FREQUENCIES = np.array([f for table in TABLES for f in table], np.int64)
LOCAL = np.array([i for table in TABLES for i in range(len(table))], np.int64)
FIRST = np.array([0, 2, 4])  # the first entry of each table among all
START = np.array([sum(table[:i]) for table in TABLES for i in range(len(table))])


def by_the_book(intervals, tail, lanes):
    states, words = [0 if lanes == 1 else 1 << 16] * lanes, []
    steps = [(i % lanes, value >> 12, value & 4095) for i, value in enumerate(intervals)]
    for lane, frequency, start in reversed([*steps, *((0, 16, byte << 4) for byte in tail)]):
        x = states[lane]
        if x >= frequency << 20:
            words.append(x & 0xFFFF)
            x >>= 16
        states[lane] = (x // frequency << 12) + x % frequency + start
    size = (states[0].bit_length() + 7) // 8 if lanes == 1 else 4
    front = b"".join(state.to_bytes(size, "little") for state in states)
    return front + b"".join(word.to_bytes(2, "little") for word in reversed(words))


def drawn(count, seed=0):
    """Tables, entries within them and intervals of symbols."""
    rng = np.random.default_rng(seed)
    tables = rng.integers(0, 3, count)
    entries = np.array([rng.integers(0, len(TABLES[t])) for t in tables], np.int64)
    at = FIRST[tables] + entries
    return tables, entries, (FREQUENCIES[at] << 12 | START[at]).astype(np.uint32)


def slots():
    return Slots(FREQUENCIES, LOCAL)


@pytest.fixture(params=["vectors", "loop"])
def way(request, monkeypatch):
    monkeypatch.setattr(rans, "_VECTOR_LANES", 1 if request.param == "vectors" else 10**9)
    monkeypatch.setattr(rans, "_CHUNK", 48)


# A lane alone is never a vector: its words may end before its symbols do.
@pytest.mark.parametrize(
    ("lanes", "way"),
    [(1, "loop"), (2, "loop"), (5, "loop"), (2, "vectors"), (5, "vectors"), (40, "vectors")],
    indirect=["way"],
)
@pytest.mark.parametrize("count", [0, 1, 5, 47, 48, 49, 500])
def test_bytes_are_those_of_the_book_and_come_back(way, lanes, count):
    tables, entries, intervals = drawn(count, seed=lanes)
    tail = bytes([255, 0, 7, 128])
    encoder = Encoder(lanes)
    encoder.plain(tail)
    encoder.batch(intervals)
    data = encoder.finish()
    assert data == by_the_book(intervals.tolist(), tail, lanes)
    decoder = Decoder(data, count, lanes=lanes)
    np.testing.assert_array_equal(decoder.batch(slots(), tables), entries)
    assert bytes(decoder.byte() for _ in tail) == tail
    decoder.finish()


@pytest.mark.parametrize("lanes", [2, 5])
def test_batches_follow_one_another_and_begin_in_lane_0(way, lanes):
    parts = [drawn(count, seed=count) for count in (7, 1, 11)]
    encoder = Encoder(lanes)
    for _, _, intervals in parts[::-1]:
        encoder.batch(intervals)
    decoder = Decoder(encoder.finish(), 0, lanes=lanes)
    for tables, entries, _ in parts:
        np.testing.assert_array_equal(decoder.batch(slots(), tables), entries)
    decoder.finish()


@pytest.mark.parametrize("lanes", [1, 3, 40])
def test_a_chain_is_coded_in_lane_0_and_each_table_follows_from_what_was_before(lanes):
    _, _, first = drawn(30)
    entries = [int(value) for value in np.random.default_rng(1).integers(0, 2, 40)]
    tables = [0, *entries[:-1]]  # the table is the entry before
    at = FIRST[tables] + entries
    encoder = Encoder(lanes)
    encoder.batch(first)
    encoder.chain((FREQUENCIES[at] << 12 | START[at]).astype(np.uint32))
    data = encoder.finish()
    decoder = Decoder(data, 0, lanes=lanes)
    seen = []

    def table_after(before):
        seen.append(list(before))
        return before[-1] if before else 0

    assert decoder.chain(slots(), table_after, 40) == entries
    assert seen == [entries[:i] for i in range(40)]
    np.testing.assert_array_equal(decoder.batch(slots(), drawn(30)[0]), drawn(30)[1])
    decoder.finish()
    if lanes == 1:
        both = [*(FREQUENCIES[at] << 12 | START[at]).tolist(), *first.tolist()]
        assert data == by_the_book(both, b"", 1)


def test_the_number_of_symbols_tells_the_number_of_lanes():
    tables, entries, intervals = drawn(2 * 4096)
    data = encode(intervals, b"end")
    assert data == by_the_book(intervals.tolist(), b"end", 2)
    decoder = Decoder(data, 8192)
    found = list(decoder.symbols(slots(), lambda start, stop: tables[start:stop]))
    assert len(found) == 1  # few lanes are read at once
    np.testing.assert_array_equal(found[0], entries)
    assert [lane_count(n) for n in (4095, 4096, 8191, 8192, 1024 * 4096 - 1, 10**8)] == [
        *(1, 1, 1, 2, 1023, 1024)
    ]


def test_many_lanes_are_read_in_chunks_of_whole_steps(monkeypatch):
    monkeypatch.setattr(rans, "_VECTOR_LANES", 2)
    monkeypatch.setattr(rans, "_CHUNK", 4001)
    tables, entries, intervals = drawn(8193)
    asked = []

    def tables_at(start, stop):
        asked.append((start, stop))
        return tables[start:stop]

    decoder = Decoder(encode(intervals, b""), 8193)
    found = list(decoder.symbols(slots(), tables_at))
    assert asked == [(0, 4000), (4000, 8000), (8000, 8193)]
    np.testing.assert_array_equal(np.concatenate(found), entries)
    decoder.finish()


@pytest.mark.parametrize("most", [0, 3 * 4096 - 1, 3 * 4096])
def test_slots_are_looked_up_or_searched(monkeypatch, most):
    monkeypatch.setattr(rans, "_MOST_LOOKED_UP", most)
    every = np.arange(3 * 4096)
    out = np.empty(every.size, np.int64)
    table = slots()
    assert (table._lookup is None) == (most < 3 * 4096)
    table.look_up(every, out)
    entry = np.repeat(np.arange(8), FREQUENCIES)
    place = np.concatenate([np.arange(f) for f in FREQUENCIES])
    np.testing.assert_array_equal(out, LOCAL[entry] << 24 | FREQUENCIES[entry] << 12 | place)
    assert table.lists == (
        (np.cumsum(FREQUENCIES) - FREQUENCIES).tolist(),
        FREQUENCIES.tolist(),
        LOCAL.tolist(),
    )


def refused(sentence, call, *arguments, **options):
    with pytest.raises(CorruptBitstreamError, match=f"^The entropy-coded data {sentence}\\.$"):
        call(*arguments, **options)


def test_data_that_cannot_begin_is_refused():
    low = (1 << 16).to_bytes(4, "little")
    Decoder(low + low, 0, lanes=2).finish()
    for data in (b"", low, (low + low)[:-1], low + low + b"\0"):
        refused("is too short for its symbols", Decoder, data, 0, lanes=2)
    small = (0xFFFF).to_bytes(4, "little")
    for data in (small + low, low + small):
        refused("starts with a state too small", Decoder, data, 0, lanes=2)


@pytest.mark.parametrize(
    "data", [b"\0", b"\1\0", b"\1\0\0", b"\1\2\0\0", b"\1\2\0\3\4", b"\1\2\3\0\4\5"]
)
def test_one_lane_has_no_bytes_to_spare(data):
    refused("starts with an overlong state", Decoder, data, 0)


@pytest.mark.parametrize(
    ("data", "state", "words"),
    [
        (b"", 0, []),
        (b"\1", 1, []),
        (b"\1\2\3\4", 0x04030201, []),
        (b"\1\2\3\4\5", 0x030201, [0x0504]),
        (b"\1\2\3\4\5\6", 0x04030201, [0x0605]),
        (b"\1\2\3\4\5\6\7", 0x030201, [0x0504, 0x0706]),
    ],
)
def test_the_length_of_the_data_tells_where_the_state_of_one_lane_ends(data, state, words):
    decoder = Decoder(data, 0)
    assert decoder._states == [state]
    assert decoder._words.tolist() == words


def test_data_that_ends_early_is_refused(way):
    tables, _, intervals = drawn(300)
    for lanes in (2, 40):
        encoder = Encoder(lanes)
        encoder.batch(intervals)
        data = encoder.finish()
        decoder = Decoder(data[:-2], 0, lanes=lanes)
        refused("ends before its symbols do", decoder.batch, slots(), tables)
    decoder = Decoder((1 << 16).to_bytes(4, "little") * 2, 0, lanes=2)
    refused("ends before its symbols do", decoder.byte)


def test_data_must_end_where_its_symbols_do():
    for lanes in (1, 2):
        encoder = Encoder(lanes)
        encoder.plain(b"abcdefgh")
        data = encoder.finish()
        decoder = Decoder(data, 0, lanes=lanes)
        refused("does not end where it should", decoder.finish)
        for _ in range(8):
            decoder.byte()
        decoder.finish()
    low, other = (1 << 16).to_bytes(4, "little"), (1 << 16 | 1).to_bytes(4, "little")
    refused("does not end where it should", Decoder(low + other, 0, lanes=2).finish)
    refused("does not end where it should", Decoder(low + low + b"\0\0", 0, lanes=2).finish)
    refused("does not end where it should", Decoder(b"\1", 0).finish)


def test_a_word_leaves_exactly_where_the_state_would_overflow():
    for frequency in (1, 16, 4095):
        words = []
        assert rans._push((frequency << 20) - 1, frequency, 1, words) < 1 << 32
        assert words == []
        rans._push(frequency << 20, frequency, 1, words)
        assert words == [frequency << 20 & 0xFFFF]
