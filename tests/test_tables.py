"""Tables: what is read from where, what is refused, and that statistics are of training rows."""

from __future__ import annotations

import numpy as np
import pytest

import kerasae
from kerasae.data import DataError, Table, load_table
from kerasae.data.tables import TABLES


def people(n: int = 40) -> dict[str, object]:
    rng = np.random.default_rng(0)
    return {
        "age": rng.integers(18, 90, n),
        "income": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(10, 0.5, n)),
        "home": rng.choice(["owned", "rented", "other"], n),
    }


def as_csv(path, columns, delimiter=","):
    rows = zip(*columns.values(), strict=True)
    text = [delimiter.join(columns)]
    text += [delimiter.join("" if v != v else str(v) for v in row) for row in rows]
    path.write_text("\n".join(text) + "\n")
    return path


def sources(tmp_path):
    import pyarrow
    from pyarrow import parquet

    columns = people()
    arrow = pyarrow.table({k: pyarrow.array(v, from_pandas=True) for k, v in columns.items()})
    parquet.write_table(arrow, tmp_path / "t.parquet")
    np.savez(tmp_path / "t.npz", **{k: np.asarray(v) for k, v in columns.items()})
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return {
        "mapping": columns,
        "arrow": arrow,
        "rows": rows,
        "parquet": tmp_path / "t.parquet",
        "npz": str(tmp_path / "t.npz"),
        "csv": as_csv(tmp_path / "t.csv", columns),
        "semicolons": as_csv(tmp_path / "semicolons.txt", columns, ";"),
        "tabs": as_csv(tmp_path / "t.tsv", columns, "\t"),
    }


def test_every_source_gives_the_same_rows(tmp_path):
    found = {name: load_table(source) for name, source in sources(tmp_path).items()}
    expected = found.pop("mapping")
    assert expected.columns[2].categories == ("other", "owned", "rented")
    assert np.isnan(expected.train).any()
    for name, table in found.items():
        for split in ("train", "validation", "test"):
            np.testing.assert_allclose(
                getattr(table, split), getattr(expected, split), rtol=1e-6, err_msg=name
            )


def test_frames_of_pandas_and_polars_are_taken_by_their_interface():
    """Neither is installed here: what both offer is Arrow's stream."""
    import pyarrow

    class Frame:
        def __init__(self, table: pyarrow.Table) -> None:
            self._table = table

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return self._table.__arrow_c_stream__(requested_schema)

    arrow = pyarrow.table({k: pyarrow.array(v, from_pandas=True) for k, v in people().items()})
    np.testing.assert_array_equal(load_table(Frame(arrow)).train, load_table(arrow).train)


def test_arrays_and_structured_arrays():
    values = np.random.default_rng(0).random((20, 3))
    values[3, 1] = np.nan
    table = load_table(values)
    assert [column.name for column in table.columns] == ["x0", "x1", "x2"]
    assert (len(table.train), len(table.validation), len(table.test)) == (14, 2, 4)
    named = np.array([(1, 2.5), (2, 3.5), (4, 1.0), (3, 9.0)], [("a", "i2"), ("b", "f4")])
    assert [column.name for column in load_table(named).columns] == ["a", "b"]
    half = load_table(values.astype(np.float16))
    np.testing.assert_allclose(half.train, table.train, atol=1e-3)
    values.setflags(write=False)
    load_table(values)


def test_statistics_and_categories_are_those_of_the_training_rows():
    columns = people(200)
    table = load_table(columns, seed=3)
    age = table.columns[0]
    assert age.mean == pytest.approx(table.train[:, 0].mean(dtype=float))
    assert age.deviation == pytest.approx(table.train[:, 0].std(dtype=float))
    assert age.mean != pytest.approx(np.mean(columns["age"]), rel=1e-6)
    known = table.train[:, 1][~np.isnan(table.train[:, 1])].astype(float)
    assert table.columns[1].mean == pytest.approx(known.mean())


def test_splits_follow_the_seed_and_hold_each_row_once():
    columns = {"id": np.arange(50.0), "other": np.arange(50.0) ** 2}
    one, same, other = (load_table(columns, seed=s) for s in (0, 0, 1))
    ids = [np.concatenate([t.train, t.validation, t.test])[:, 0] for t in (one, same, other)]
    np.testing.assert_array_equal(ids[0], ids[1])
    assert not np.array_equal(ids[0], ids[2])
    assert sorted(ids[2]) == list(range(50))


def test_labels_are_no_inputs_and_normal_rows_alone_are_trained_on():
    table = load_table("breast_cancer", normal="benign")
    assert len(table.columns) == 30
    benign = table.label_names.index("benign")
    assert (table.train_labels == benign).all()
    assert (table.validation_labels == benign).all()
    assert (table.test_labels != benign).sum() == 212  # all that are malignant
    assert len(table.train) + len(table.validation) + len(table.test) == 569


def test_encode_and_decode_are_inverse_and_find_columns_by_name(tmp_path):
    table = load_table(people())
    rows = table.decode(table.test)
    assert set(rows["home"]) <= {"owned", "rented", "other"}
    assert None in table.decode(np.array([[1, np.nan, 0]]))["income"]
    turned = {name: rows[name] for name in reversed(rows)} | {"more": [0] * len(table.test)}
    np.testing.assert_array_equal(table.encode(turned), table.test)
    whole = {k: [np.nan if x is None else x for x in v] for k, v in rows.items()}
    as_csv(tmp_path / "new.csv", whole)
    np.testing.assert_allclose(table.encode(tmp_path / "new.csv"), table.test, rtol=1e-6)


@pytest.mark.parametrize("name", TABLES)
def test_embedded_tables(name):
    table, again = load_table(name, limit=60), load_table(name, limit=60)
    np.testing.assert_array_equal(table.train, again.train)
    assert len(table.train) + len(table.validation) == 60
    assert len(table.label_names) > 1
    assert name in table.summary()


def test_the_odd_column_of_a_machine_is_what_its_label_names():
    table = load_table("machines")
    assert (table.label_names[table.train_labels[0]], len(table.label_names)) == ("normal", 6)
    share = np.isnan(table.train).mean(axis=0)
    assert (share[:2] == 0).all()
    assert ((share[2:] > 0.02) & (share[2:] < 0.04)).all()
    hot = table.test_labels == table.label_names.index("temperature")
    names = [column.name for column in table.columns]
    column = table.columns[names.index("temperature")]
    temperature = table.test[:, names.index("temperature")]
    assert not np.isnan(temperature[hot]).any()
    assert np.abs(temperature[hot] - column.mean).mean() > column.deviation


REFUSED = {
    "dates": (
        {"a": range(9), "when": np.arange("2020-01-01", "2020-01-10", dtype="datetime64[D]")},
        r"turn dates into numbers.*drop=\('when',\).*dates in column 'when'",
    ),
    "dates as texts": (
        {"a": range(9), "when": [f"{i}/12/2020" for i in range(1, 10)]},
        "dates in column 'when'",
    ),
    "times as texts": ({"a": range(9), "at": [f"{i}:30" for i in range(9)]}, "column 'at'"),
    "infinity": ({"a": [1, 2, 3, np.inf, 5, 6]}, "infinity in column 'a'"),
    "all missing": (
        {"a": range(9), "b": [None] * 9},
        r"drop=\('b',\).* column 'b', in which all are missing",
    ),
    "constant": ({"a": range(9), "b": [3] * 9}, "vary.*column 'b', which is 3 in all"),
    "constant text": ({"a": range(9), "b": ["x"] * 9}, "column 'b', which is 'x' in all"),
    "names": (
        {"a": range(300), "b": [f"person {i}" for i in range(300)]},
        r"at most 100 categories; `drop=\('b',\)`",
    ),
    "lists": ({"a": range(4), "b": [[1], [2], [3], [4]]}, "numbers or of texts.*column 'b'"),
    "a long row": ([[1, 2], [2, 3, 4], [1, 1]], "row 1 of 3 values, where row 0 has 2"),
    "lengths": ({"a": [1, 2, 3], "b": [1, 2]}, "one length.*2 values of 'b' and 3 of 'a'"),
    "what float32 loses": (
        {"a": 1.7e9 + np.arange(20), "b": range(20)},
        "subtract what they share.*column 'a' of mean 1.7e",
    ),
    "huge": ({"a": [1e300] * 6 + [0] * 6, "b": range(12)}, "at most 3.4e.38.*1e.300 in column 'a'"),
    "too few": ({"a": [1.0, 2.0]}, "at least 3"),
    "empty": ({}, "0 rows of 0 columns"),
    "no rows": (np.empty((0, 3)), "0 rows of 3 columns"),
    "one dimension": (np.arange(9.0), r"array \(n, columns\).*shape \(9,\)"),
    "a number": (3, "Received: int"),
    "an unknown name": ("nothing", "must be one of breast_cancer, machines, wine"),
    "unseen": (
        {"a": range(12), "b": list("xyzyxyxyxyxy")},
        """categories that training rows have: x, y; `unseen="missing"`.*'z'""",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_table_is_refused_in_a_sentence(what):
    source, words = REFUSED[what]
    with pytest.raises(ValueError, match=words) as refused:
        load_table(source)
    assert "Received: " in str(refused.value)
    assert len(str(refused.value)) < 400


FILES = {
    "short.csv": ("a,b\n1,2\n2\n3,4\n", ValueError, "row 3 of short.csv, with 1 values for 2"),
    "empty.csv": ("", DataError, "cannot be read as a table"),
    "bare.csv": ("a,b\n", ValueError, "0 rows of 2 columns"),
    "headless.csv": ("1,2\n3,4\n5,6\n", ValueError, "`header=False` takes one without"),
    "twice.csv": ("a,a\n1,2\n3,4\n5,6\n", ValueError, "'a' 2 times"),
    "noise.parquet": ("no parquet", DataError, "cannot be read as a table"),
    "noise.npy": ("no array", DataError, "cannot be read as a table"),
    "t.xlsx": ("?", ValueError, "ends in .csv, .tsv"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_hold_no_table(name, tmp_path):
    content, kind, words = FILES[name]
    (tmp_path / name).write_text(content)
    with pytest.raises(kind, match=words):
        load_table(tmp_path / name)
    with pytest.raises(ValueError, match="a file that exists"):
        load_table(tmp_path / "missing.csv")


def test_types_of_a_column_do_not_depend_on_its_first_rows(tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("a,b\n" + "1,2\n" * 300_000 + "1.5,word\n" * 9)
    table = load_table(path, unseen="missing")
    assert not table.columns[0].categories
    assert table.columns[1].categories[-1] == "word" or table.columns[1].categories == ("2", "word")


def test_new_rows_of_other_columns_are_refused():
    table = load_table(people())
    rows = table.decode(table.test)
    for change, words in (
        ({"age": ["old"] * len(table.test)}, "numbers in column 'age'.*'old'"),
        ({"home": ["castle"] * len(table.test)}, "categories that training rows have.*'castle'"),
        ({"income": [np.inf] * len(table.test)}, "infinity in column 'income'"),
    ):
        with pytest.raises(ValueError, match=words):
            table.encode(rows | change)
    with pytest.raises(ValueError, match="without 'income'"):
        table.encode({name: rows[name] for name in ("age", "home")})
    castle = table.encode(rows | {"home": ["castle"] * len(table.test)}, unseen="missing")
    assert np.isnan(castle[:, 2]).all()
    model = kerasae.build_tabular(columns=table.columns, code_size=2, hidden=())
    for bad, words in (
        (table.test[:, :2], r"shape \(n, 3\)"),
        (np.where(np.arange(3) == 2, 7, table.test), "column 'home' the index of a category"),
        (np.where(np.arange(3) == 0, np.inf, table.test), "NaN where a value is missing"),
    ):
        with pytest.raises(ValueError, match=words):
            kerasae.anomaly.reconstruction_scores(model, bad)
    other = load_table({**people(), "home": ["a", "b"] * 20})
    with pytest.raises(ValueError, match="columns of the model. Received: 'home'"):
        kerasae.train(model, other, progress=False)


def test_a_table_of_arrays_has_columns_of_its_own():
    values = np.random.default_rng(0).normal(5, 2, (30, 2)).astype(np.float32)
    table = Table(values[:20], values[20:])
    assert table.columns[1].mean == pytest.approx(values[:20, 1].mean(), rel=1e-5)
    assert table.test.shape == (0, 2)
    with pytest.raises(ValueError, match=r"`validation` must have the shape \(n, 2\)"):
        Table(values[:20], np.zeros((3, 4)))
