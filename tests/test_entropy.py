"""The entropy coder: exact, as short as its tables allow, and safe against damage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasae_export.bundling.fitting import fit_classes, fit_tables
from kerasae_export.errors import CorruptBitstreamError
from kerasae_export.format import entropy, rans
from kerasae_export.format.entropy import (
    COST_UNIT,
    MAX_ENTRIES,
    TOTAL,
    Table,
    Tables,
    cheapest_class,
    pack_bits,
    unpack_bits,
)
from kerasae_export.format.limits import Limits
from kerasae_export.format.rans import lane_count
from kerasae_export.format.varint import varint


def laplacian(rng: np.random.Generator, count: int, channels: int) -> np.ndarray:
    return np.round(rng.laplace(size=(count, channels)) * np.linspace(0.2, 6, channels)).astype(int)


@pytest.mark.parametrize(
    ("count", "channels"), [(1, 1), (1, 32), (5, 3), (256, 32), (9000, 7), (40000, 8)]
)
def test_round_trip_is_exact_and_within_one_percent_of_the_ideal(rng, count, channels):
    symbols = laplacian(rng, count, channels)
    tables = fit_tables(symbols)
    data = tables.encode(symbols)
    np.testing.assert_array_equal(tables.decode(data, len(symbols)), symbols)
    ideal = tables.bits(symbols).sum() / 8
    assert ideal <= len(data) + 1
    assert len(data) <= 1.01 * ideal + 2


def test_bits_are_the_cross_entropy_of_the_tables(rng):
    symbols = rng.integers(0, 4, size=(1000, 1))
    table = Table(0, (2048, 1024, 512, 511, 1))
    expected = -np.log2(np.array([2048, 1024, 512, 511])[symbols] / 4096).sum()
    assert Tables([table]).bits(symbols).sum() == pytest.approx(expected)


@pytest.mark.parametrize("lanes_from", [1, 10**9])
def test_loop_and_vectors_give_the_same_bytes(rng, monkeypatch, lanes_from):
    for count in (1, 100, 5000, 30000):
        symbols = laplacian(rng, count, 3)
        symbols[0, 0] = 10**6
        tables = fit_tables(symbols[1:] if count > 1 else symbols * 0)
        expected = tables.encode(symbols)
        monkeypatch.setattr(rans, "_VECTOR_LANES", lanes_from)
        assert tables.encode(symbols) == expected
        np.testing.assert_array_equal(tables.decode(expected, len(symbols)), symbols)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda channels: st.lists(
            st.lists(st.integers(-(2**31), 2**31 - 1), min_size=channels, max_size=channels),
            min_size=0,
            max_size=60,
        ).map(lambda rows: np.array(rows, int).reshape(-1, channels))
    )
)
def test_any_symbols_survive_by_escapes(symbols):
    tables = Tables([Table(-1, (1000, 2000, 1000, 96))] * symbols.shape[1])
    data = tables.encode(symbols)
    np.testing.assert_array_equal(tables.decode(data, len(symbols)), symbols)


def test_a_constant_channel_costs_almost_nothing():
    symbols = np.full((10000, 1), 7)
    assert len(fit_tables(symbols).encode(symbols)) < 10


def test_tables_of_a_wide_channel_are_capped_and_escape_the_rest(rng):
    symbols = rng.integers(-(10**6), 10**6, size=(300, 1))
    tables = fit_tables(symbols)
    assert len(tables.tables[0].frequencies) <= MAX_ENTRIES
    np.testing.assert_array_equal(tables.decode(tables.encode(symbols), 300), symbols)


def test_fitted_frequencies_follow_the_counts(rng):
    symbols = rng.choice([0, 1, 2], p=[0.7, 0.2, 0.1], size=(100_000, 1))
    (table,) = fit_tables(symbols).tables
    assert sum(table.frequencies) == TOTAL
    share = np.array(table.frequencies[1:4]) / TOTAL
    np.testing.assert_allclose(share, [0.7, 0.2, 0.1], atol=0.01)


def test_damage_raises_the_named_error_or_changes_symbols_but_never_crashes(rng):
    """The coder alone cannot notice every flip: that is the checksum's job."""
    symbols = laplacian(rng, 3000, 3)
    tables = fit_tables(symbols)
    data = tables.encode(symbols)
    noticed = 0
    for _ in range(300):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= 1 << rng.integers(8)
        try:
            decoded = tables.decode(bytes(damaged), len(symbols))
        except CorruptBitstreamError:
            noticed += 1
        else:
            assert decoded.shape == symbols.shape
    assert noticed > 200
    for wrong in (b"", b"\0", data[:-1], data[:-2], data + b"\0\0", data[:3]):
        with pytest.raises(CorruptBitstreamError):
            tables.decode(wrong, len(symbols))


def test_lanes_grow_with_the_symbols():
    assert [lane_count(n) for n in (0, 1, 8191, 8192, 16384, 10**9)] == [1, 1, 1, 2, 4, 1024]
    assert lane_count(13000) == 3


@pytest.mark.parametrize(
    ("offset", "frequencies", "message"),
    [
        (0, (4096,), "2 to 2049 entries"),
        (0, (4096, 0), "positive and sum to 4096"),
        (0, (2048, 2047), "positive and sum to 4096"),
        (2**30 + 1, (2048, 2048), "offset"),
        (-(2**30) - 1, (2048, 2048), "offset"),
    ],
)
def test_tables_refuse_what_cannot_code(offset, frequencies, message):
    with pytest.raises(ValueError, match=message):
        Table(offset, frequencies)


def test_tables_are_as_many_for_each_channel():
    table = Table(0, (2048, 2048))
    sentence = r"^`tables` must hold one or more for each of 2 channels\. Received: "
    for wrong in (0, 1, 3):
        with pytest.raises(ValueError, match=f"{sentence}{wrong}$"):
            Tables([table] * wrong, channels=2)


@pytest.mark.parametrize("offset", [-(2**30), 2**30])
def test_tables_lie_anywhere_within_30_bits(offset):
    tables = Tables([Table(offset, (1024, 2048, 1024))])
    symbols = np.array([[0], [1], [-(2**31) + 1 - min(offset, 0)], [1]]) + offset
    np.testing.assert_array_equal(tables.decode(tables.encode(symbols), 4), symbols)


def test_symbols_over_32_bits_and_wrong_channels_are_refused():
    tables = Tables([Table(0, (2048, 2048))])
    with pytest.raises(ValueError, match="fit in 32 bits"):
        tables.encode(np.array([[2**31]]))
    with pytest.raises(ValueError, match="rows of 1 channels"):
        tables.encode(np.array([[1, 2]]))
    with pytest.raises(ValueError, match="must not be empty"):
        fit_tables(np.zeros((0, 3), int))


def test_classes_learn_smooth_and_busy_and_save_bits(rng):
    """Two kinds of groups, Laplacian of scale 1 and 8: two classes beat one set of tables."""
    scale = np.repeat([1.0, 8.0], 200)[:, None, None]
    groups = np.round(rng.laplace(size=(400, 16, 3)) * scale).astype(int)
    tables = fit_classes(groups, 2)
    assert (tables.classes, tables.channels, len(tables.tables)) == (2, 3, 6)
    rows, group = groups.reshape(-1, 3), np.repeat(np.arange(400), 16)
    classes = cheapest_class(tables, rows, group)
    assert (classes[:200] == classes[0]).mean() > 0.98
    assert (classes[200:] != classes[0]).mean() > 0.98
    one = fit_tables(rows).bits(rows).sum()
    two = tables.bits(rows, classes[group]).sum()
    assert two < 0.93 * one
    data = tables.encode(rows, classes[group])
    assert len(data) <= 1.01 * two / 8 + 2
    np.testing.assert_array_equal(tables.decode(data, len(rows), classes[group]), rows)
    costs = np.stack([np.bincount(group, cost) for cost in tables.costs(rows).T])
    np.testing.assert_array_equal(classes, costs.argmin(axis=0))


def test_costs_are_bits_in_integers(rng):
    """Within and outside the tables, whatever the classes' ranges."""
    classes = [laplacian(rng, 500, 3) + shift for shift in (0, -7, 10**6)]
    tables = Tables([t for rows in classes for t in fit_tables(rows).tables], 3)
    extremes = np.array([[-(2**31), 2**31 - 1, 0], [10**6 + 3, -6, 10**5]])
    symbols = np.concatenate([*classes, extremes])
    costs = tables.costs(symbols)
    assert costs.dtype == np.int64
    for k in range(3):
        bits = tables.bits(symbols, np.full(len(symbols), k))
        np.testing.assert_allclose(costs[:, k] / COST_UNIT, bits, atol=3 * 0.5 / COST_UNIT)


@pytest.mark.parametrize("size", [5, 512, 2048, 5000])
def test_tables_of_a_codebook_have_every_index(rng, size):
    """Even indices that were never seen; those beyond what a table holds are escaped."""
    indices = np.minimum(rng.geometric(4 / size, (20_000, 1)), size - 1)
    tables = fit_tables(indices, codebook=size)
    (table,) = tables.tables
    assert (table.offset, len(table.frequencies)) == (0, min(size, MAX_ENTRIES - 1) + 1)
    every = np.arange(size)[:, None]
    np.testing.assert_array_equal(tables.decode(tables.encode(every), size), every)
    share = np.bincount(indices.ravel(), minlength=size) / len(indices)
    entropy = -(share[share > 0] * np.log2(share[share > 0])).sum()
    limit = 1.06 if size < MAX_ENTRIES else 1.15  # where escapes cost more
    assert tables.bits(indices).mean() < limit * entropy + 0.05


def test_many_tables_are_searched_in_place_of_looked_up(rng, monkeypatch):
    symbols = laplacian(rng, 20_000, 5)
    symbols[::1000] = 10**5
    expected = (tables := fit_tables(symbols[1:-1])).encode(symbols)
    monkeypatch.setattr(rans, "_MOST_LOOKED_UP", 0)
    np.testing.assert_array_equal(tables.decode(expected, len(symbols)), symbols)
    assert tables.slots._lookup is None


def test_few_groups_make_few_classes(rng):
    groups = rng.integers(0, 5, size=(40, 16, 2))
    assert fit_classes(groups, 8).classes == 1


@given(st.integers(1, 6), st.lists(st.integers(0, 2**6 - 1), max_size=50))
def test_packed_bits_come_back(width, values):
    values = np.array(values, int) % 2**width
    data = pack_bits(values, width)
    assert len(data) == (len(values) * width + 7) // 8
    back, rest = unpack_bits(data + b"rest", len(values), width)
    np.testing.assert_array_equal(back, values)
    assert rest == b"rest"
    number = sum(int(v) << i * width for i, v in enumerate(values))
    assert data == number.to_bytes(len(data), "little")


def test_packed_bits_have_one_form():
    assert unpack_bits(b"\x07", 1, 3)[0].dtype == np.int64
    with pytest.raises(
        CorruptBitstreamError, match=r"^The payload has bits set behind its classes\.$"
    ):
        unpack_bits(b"\x08", 1, 3)
    with pytest.raises(
        CorruptBitstreamError, match=r"^The payload is too short for its classes\.$"
    ):
        unpack_bits(b"\x00", 3, 3)


@pytest.mark.parametrize("shared", [True, False])
def test_chunks_and_pieces_may_end_within_a_row(rng, monkeypatch, shared):
    """Symbols of rows of three, of two classes, with escapes in all chunks of 1,000."""
    monkeypatch.setattr(entropy, "_ROWS", 100)
    monkeypatch.setattr(rans, "_VECTOR_LANES", 2)
    monkeypatch.setattr(rans, "_CHUNK", 1001)
    half = [Table(shift, (1000, 2000, 1000, 96)) for shift in (-1, 7, -30)]
    tables = Tables(half if shared else [*half, *(Table(9, (1, 4000, 95)) for _ in half)], 3)
    classes = None if shared else rng.integers(0, 2, 2800)
    symbols = rng.integers(-1, 2, (2800, 3)) + np.array([0, 8, -29])
    symbols[::7] *= 100
    data = tables.encode(symbols, classes)
    assert lane_count(symbols.size) == 2
    np.testing.assert_array_equal(tables.decode(data, 2800, classes), symbols)


def test_no_rows_are_no_bytes():
    tables = Tables([Table(0, (2048, 2048))] * 3)
    assert tables.encode(np.zeros((0, 3), int)) == b""
    found = tables.decode(b"", 0)
    assert found.shape == (0, 3)
    assert found.dtype == np.int32


@pytest.mark.parametrize("value", [127, 128, 2**14 - 1, 2**14, 2**21, 2**28 - 1, 2**28])
def test_an_escaped_symbol_takes_the_bytes_of_its_number(value):
    """Even numbers stand for symbols above the table, odd ones for those below."""
    tables = Tables([Table(-3, (1024, 1024, 1024, 1024))])
    symbol = -4 - value // 2 if value % 2 else value // 2
    expected = 2 + 8 * len(varint(value))
    assert tables.bits([[symbol], [-3]]).tolist() == [expected, 2]
    assert tables.costs(np.array([[symbol], [-3]])).ravel().tolist() == [256 * expected, 512]
    assert tables.decode(tables.encode([[symbol]]), 1).tolist() == [[symbol]]


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.uint64])
def test_symbols_may_be_integers_of_any_type(kind):
    tables = Tables([Table(-3, (96, 1000, 1000, 1000, 1000))])
    symbols = np.array([[0], [1], [100]])
    given = symbols.astype(kind)
    assert tables.encode(given) == tables.encode(symbols)
    np.testing.assert_array_equal(tables.bits(given), tables.bits(symbols))
    np.testing.assert_array_equal(tables.costs(given), tables.costs(symbols))


@pytest.mark.parametrize(("last", "symbol"), [(2**32 - 4, 2**31 - 1), (2**32 - 1, -(2**31))])
def test_no_symbol_has_more_than_32_bits(last, symbol):
    tables = Tables([Table(0, (1, 4095))])
    escape = np.array([4095 << 12 | 1], np.uint32)
    assert tables.decode(rans.encode(escape, varint(last)), 1).tolist() == [[symbol]]
    with pytest.raises(
        CorruptBitstreamError, match=r"^The entropy-coded data holds a symbol over 32 bits\.$"
    ):
        tables.decode(rans.encode(escape, varint(last + 2)), 1)


def test_escapes_need_bytes_in_many_lanes():
    tables = Tables([Table(0, (1, 4095))])
    data = tables.encode(np.ones((8192, 1), int))
    limits = Limits(max_pixels=1)
    assert tables.decode(data, 8192, limits=limits).all()
    with pytest.raises(CorruptBitstreamError, match="ends before its symbols do"):
        tables.decode(data[:12], 8192, limits=limits)
