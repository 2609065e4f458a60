"""Tables to learn from: rows of numbers and categories, from files, frames and arrays.

    >>> table = load_table("machines", limit=200)
    >>> table
    Table('machines', train=180, validation=20, test=200, columns=8)
    >>> [column.name for column in table.columns][:3], table.columns[0].categories
    (['maker', 'cooling', 'load'], ('Arno', 'Brenta', 'Cecina'))

A row is float32: a number as it is in the table, the index of a category in its column's
`categories`, NaN for what is missing. The statistics of the columns, which a model scales by, are
those of the training rows.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae._columns import Column, check_rows, columns_of
from kerasae.data.images import SPLITS, Integers, no_values
from kerasae.data.machines import ODD, machines
from kerasae.data.options import Options, draw_splits
from kerasae.data.table_columns import (
    MOST_CATEGORIES,
    as_texts,
    encoded,
    fitted,
    listed,
    number_column,
    sorted_texts,
)
from kerasae.data.table_reading import TABLE_FILES, Raw, read_columns
from kerasae_export.images import check_images

__all__ = ["TABLES", "TABLE_FILES", "Column", "Table", "load_table"]

TABLES: dict[str, str] = {
    "breast_cancer": "569 biopsies of breast tissue, 30 measures of the cells' nuclei, benign or "
    "malignant (Wolberg, Street & Mangasarian 1993; UCI, CC BY 4.0; in scikit-learn).",
    "machines": "procedural machines, six numbers and two categories, some missing; every other "
    "test row has one odd column, which its label names.",
    "wine": "178 wines of three growers, 13 measures of their chemistry (Aeberhard & Forina 1991; "
    "UCI, CC BY 4.0; in scikit-learn).",
}
"""Name and one-sentence description of the embedded tables of `load_table`."""

_MACHINES = 4000, 1000  # rows to train and validate on, and to test on

Rows = NDArray[np.float32]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Rows of a table in three splits, and what its columns are.

    Attributes:
        train: float32 array of shape (rows, columns); see the top of this module.
        validation: The same, for choosing hyperparameters and stopping early.
        test: The same, for the final number only.
        columns: The columns in the order of a row; by default numbers `x0`, `x1` and so on, with
            the statistics of `train`.
        train_labels: int64 array of shape (rows,), or None where there are no labels.
        validation_labels: The same for `validation`.
        test_labels: The same for `test`.
        label_names: The name of each label; empty where there are none.
        name: Name of the table.

    Raises:
        ValueError: If a split holds other columns, an infinity, or a category unknown; or a column
            has no value, or one only, in `train`.
    """

    train: Rows
    validation: Rows = dataclasses.field(default_factory=no_values)
    test: Rows = dataclasses.field(default_factory=no_values)
    columns: tuple[Column, ...] = ()
    train_labels: Integers | None = None
    validation_labels: Integers | None = None
    test_labels: Integers | None = None
    label_names: tuple[str, ...] = ()
    name: str = "table"

    def __post_init__(self) -> None:
        train = check_images("train", self.train, shape=(None,), missing=True)
        columns = self.columns
        if not columns:
            columns = tuple(
                number_column(f"x{i}", train[:, i].astype(float), "train")
                for i in range(train.shape[1])
            )
        object.__setattr__(self, "columns", columns_of(columns))
        for split in SPLITS:
            given = getattr(self, split)
            empty = _arguments.array(split, given).shape == (0,)
            rows = np.empty((0, train.shape[1]), np.float32) if empty else given
            checked = check_rows(split, rows, self.columns, allow_empty=split != "train")
            object.__setattr__(self, split, checked)

    @property
    def input_shape(self) -> tuple[int]:
        """(columns,), the shape of a row."""
        return (len(self.columns),)

    def encode(self, source: Any, *, unseen: Literal["error", "missing"] = "error") -> Rows:
        """Rows of new data with the same columns, as a model of this table takes them.

        Args:
            source: As of `load_table`, without names of embedded tables. Columns are found by
                their names, and others are passed over; of an array (n, columns) by their place.
            unseen: What becomes of a category that the training rows have not: an error, or a value
                that is missing.

        Returns:
            float32 (n, columns).

        Raises:
            ValueError: If a column is missing, holds something else than in the table, an
                infinity, or an unseen category.

        Example:
            >>> import numpy as np
            >>> table = load_table("machines", limit=200)
            >>> row = table.decode(table.test[:1])
            >>> bool(np.array_equal(table.encode(row), table.test[:1], equal_nan=True))
            True
        """
        _arguments.one_of("unseen", unseen, ("error", "missing"))
        return encoded(read_columns(source), self.columns, unseen, "source")

    def decode(self, rows: ArrayLike) -> dict[str, list[Any]]:
        """Columns of rows by their names: numbers, and categories as texts; None where missing.

        Args:
            rows: (n, columns), such as a model of this table gives.

        Returns:
            A dict such as frames are made of, by `pandas.DataFrame(table.decode(rows))`.

        Raises:
            ValueError: If the rows do not fit the columns.
        """
        values = check_rows("rows", rows, self.columns)
        found: dict[str, list[Any]] = {}
        for i, column in enumerate(self.columns):
            each = values[:, i].tolist()
            found[column.name] = [
                None if x != x else column.categories[int(x)] if column.categories else x
                for x in each
            ]
        return found

    def summary(self) -> str:
        """Return the facts of the table in one line."""
        counts = ", ".join(f"{len(getattr(self, split)):,} {split}" for split in SPLITS)
        categories = sum(bool(column.categories) for column in self.columns)
        numbers = len(self.columns) - categories
        kinds = f"{numbers} number{'s' if numbers != 1 else ''}"
        if categories:
            kinds += f" and {categories} categor{'ies' if categories != 1 else 'y'}"
        text = f"{self.name}: {kinds}, {counts} rows"
        missing = float(np.isnan(self.train).mean())
        text += f", {missing:.1%} missing" if missing else ""
        return f"{text}, {len(self.label_names)} labels" if self.label_names else text

    def __repr__(self) -> str:
        counts = ", ".join(f"{split}={len(getattr(self, split))}" for split in SPLITS)
        return f"Table({self.name!r}, {counts}, columns={len(self.columns)})"


def load_table(
    source: str | os.PathLike[str] | Any,
    *,
    label: str | None = None,
    normal: str | None = None,
    categorical: Sequence[str] = (),
    drop: Sequence[str] = (),
    header: bool = True,
    unseen: Literal["error", "missing"] = "error",
    validation_fraction: float = 0.1,
    limit: int | None = None,
    seed: int = 0,
) -> Table:
    """Load a table as float32 rows, split into train, validation and test.

    The same arguments give the same rows. Texts, truth values and the columns that `categorical`
    names are categories, all else numbers. Means, deviations and categories are those of the
    training rows alone. A fifth of the rows, chosen by `seed`, is the test set.

    Args:
        source: A file: CSV (also with tabs, semicolons or bars, or ending in `.csv.gz`), Parquet,
            or NumPy's `.npy` and `.npz`; the name of an embedded table, of `TABLES`; a frame of
            pandas or polars, or another with Arrow's interface; a mapping of names to columns; an
            array (n, columns) or a structured one; or a list of rows. Missing are NaN, None and, in
            CSV, nothing, `NA`, `NaN`, `null`, `None` and `?`.
        label: The column that is no input but the label of a row.
        normal: A label, with which alone rows are trained and validated on, for anomalies: all
            other rows are in the test set.
        categorical: Columns of numbers that are categories.
        drop: Columns to leave out.
        header: Whether the first line of a CSV file has the names of the columns.
        unseen: What becomes of a category of a validation or test row that no training row has: an
            error, or a value that is missing.
        validation_fraction: Fraction, in (0, 1), of the rows outside the test set that are the
            validation set; at least one.
        limit: At most this many rows in train and validation together, and at most this many in
            test.
        seed: Seed of the split, and of an embedded table that is drawn.

    Returns:
        The rows, as a `Table`.

    Raises:
        ValueError: If an argument breaks its rule; if a column holds dates, infinities, nothing,
            one value only, or more than 100 categories; if a row is too short.
        DataError: If a file cannot be read.

    Example:
        >>> table = load_table({"age": [31, 45, None, 62, 50, 38], "smokes": list("nynyny")})
        >>> table.train.shape, table.columns[1].categories
        ((4, 2), ('n', 'y'))
    """
    options = Options(None, None, validation_fraction, limit, seed)
    _arguments.one_of("unseen", unseen, ("error", "missing"))
    categorical, drop = _names("categorical", categorical), _names("drop", drop)
    header = _arguments.boolean("header", header)
    name, raw, label, fixed = _read(source, label, options, header, drop)
    _check_names(raw, [*categorical, *([] if label is None else [label])])
    labels, label_names = (None, ()) if label is None else _labels(label, raw[label])
    raw = {k: v for k, v in raw.items() if k != label}
    if not raw:
        raise ValueError(f"`drop` must leave a column. Received: drop={drop!r}")
    texts = {k: as_texts(k, v) if k in categorical else v for k, v in raw.items()}
    count = len(next(iter(texts.values())))
    parts = draw_splits(count, {}, options, "rows") if fixed is None else fixed
    if normal is not None:
        parts = _of_normal(parts, labels, label_names, normal)
    columns = tuple(fitted(k, v, parts["train"]) for k, v in texts.items())
    splits: dict[str, Any] = {
        split: encoded({k: v[parts[split]] for k, v in texts.items()}, columns, unseen, "source")
        for split in SPLITS
    }
    if labels is not None:
        splits |= {f"{split}_labels": labels[parts[split]] for split in SPLITS}
    return Table(**splits, columns=columns, label_names=label_names, name=name)


def _read(
    source: Any, label: str | None, options: Options, header: bool, drop: tuple[str, ...]
) -> tuple[str, dict[str, Raw], str | None, dict[str, Integers] | None]:
    """Name and columns of a source, its label, and its splits if it has its own."""
    if isinstance(source, str) and source in TABLES:
        drawn = source == "machines"
        raw, own, fixed = _machines(options) if drawn else (*_of_sklearn(source), None)
        left = read_columns(raw, drop=drop, argument="source")
        return source, left, label or (own if own in left else None), fixed
    if isinstance(source, str) and not source.lower().endswith(TABLE_FILES):
        raise ValueError(
            f"`source` must be one of {', '.join(TABLES)}, or a file that ends in "
            f"{', '.join(TABLE_FILES)}. Received: source={source!r}"
        )
    named = isinstance(source, (str, os.PathLike))
    raw = read_columns(source, header=header, drop=drop)
    return Path(source).name if named else "table", raw, label, None


def _machines(options: Options) -> tuple[dict[str, Raw], str, dict[str, Integers]]:
    pool, test = (n if options.limit is None else min(n, options.limit) for n in _MACHINES)
    odd = np.zeros(pool + test, np.int64)
    strange = np.arange(pool + 1, pool + test, 2)
    odd[strange] = 1 + np.arange(len(strange)) % len(ODD)
    raw: dict[str, Raw] = dict(machines(pool + test, odd, options.seed))
    raw["odd"] = np.array(("normal", *ODD), object)[odd]
    validation = min(max(1, round(options.validation_fraction * pool)), pool - 1)
    order = np.arange(pool + test)
    parts = {
        "train": order[validation:pool],
        "validation": order[:validation],
        "test": order[pool:],
    }
    return raw, "odd", parts


def _of_sklearn(source: str) -> tuple[dict[str, Raw], str]:
    from sklearn import datasets

    found = getattr(datasets, f"load_{source}")()
    names = [str(name) for name in found.feature_names]
    raw: dict[str, Raw] = {name: found.data[:, i].astype(float) for i, name in enumerate(names)}
    own = "diagnosis" if source == "breast_cancer" else "grower"
    raw[own] = np.array([str(name) for name in found.target_names], object)[found.target]
    return raw, own


def _names(argument: str, values: Any) -> tuple[str, ...]:
    """Names of columns, of which one may stand alone."""
    given = (values,) if isinstance(values, str) else values
    names = tuple(given) if isinstance(given, Iterable) else (None,)
    if not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"`{argument}` must hold names of columns. Received: {argument}={values!r}"
        )
    return names


def _check_names(raw: dict[str, Raw], names: Iterable[str]) -> None:
    for name in names:
        if name not in raw:
            raise ValueError(
                f"`source` must have the columns that are named. Received: {name!r}, which is none "
                f"of {listed(raw)}"
            )


def _labels(name: str, values: Raw) -> tuple[Integers, tuple[str, ...]]:
    texts = as_texts(name, values)
    if any(text is None for text in texts):
        raise ValueError(
            f"`label` must be a column without missing values. Received: {name!r}, of which "
            f"{sum(text is None for text in texts)} are missing"
        )
    names = sorted_texts(texts)
    if len(names) > MOST_CATEGORIES:
        raise ValueError(
            f"`label` must have at most {MOST_CATEGORIES} values. "
            f"Received: {name!r}, which has {len(names)}"
        )
    index = {text: i for i, text in enumerate(names)}
    named = tuple(text for text in names)
    return np.array([index[text] for text in texts], np.int64), named


def _of_normal(
    parts: dict[str, Integers], labels: Integers | None, names: tuple[str, ...], normal: Any
) -> dict[str, Integers]:
    """Splits of which only the test set has rows of other labels, and all of them."""
    if labels is None or normal not in names:
        rule = f"a label, one of {listed(names)}" if names else "one of the labels of `label`"
        raise ValueError(f"`normal` must be {rule}. Received: normal={normal!r}")
    usual = labels == names.index(normal)
    kept = {split: parts[split][usual[parts[split]]] for split in ("train", "validation")}
    for split, rows in kept.items():
        if not len(rows):
            raise ValueError(
                f"`normal` must be the label of rows to train and validate on. "
                f"Received: normal={normal!r}, of which {split} holds none"
            )
    others = [parts[s][~usual[parts[s]]] for s in ("train", "validation")]
    return {**kept, "test": np.sort(np.concatenate([parts["test"], *others]))}
