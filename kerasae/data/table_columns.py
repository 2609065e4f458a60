"""Columns of a table by its training rows, and rows of numbers by its columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae._columns import Column, lost_by_float32
from kerasae.data.images import Integers
from kerasae.data.table_reading import Raw

__all__ = [
    "MOST_CATEGORIES",
    "as_texts",
    "encoded",
    "fitted",
    "listed",
    "number_column",
    "sorted_texts",
]

MOST_CATEGORIES = 100
Rows = NDArray[np.float32]


def listed(names: Iterable[str], most: int = 8) -> str:
    """The first names, and how many more there are."""
    shown = [*names]
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest


def as_texts(name: str, values: Raw) -> Raw:
    """Numbers as the names of categories: 3.0 is "3"."""
    if values.dtype.kind != "f":
        return values
    return np.array([None if x != x else f"{x:g}" for x in values.tolist()], object)


def sorted_texts(texts: Iterable[str]) -> list[str]:
    """Different texts, by their numbers where they all are some."""
    distinct = set(texts)
    try:
        return sorted(distinct, key=float)
    except ValueError:
        return sorted(distinct)


def fitted(name: str, values: Raw, train: Integers) -> Column:
    """What a column is, by its training rows."""
    seen = values[train]
    if values.dtype.kind == "f":
        if np.isinf(values).any():
            raise ValueError(
                f"`source` must hold finite numbers, or NaN where one is missing. "
                f"Received: infinity in column {name!r}"
            )
        return number_column(name, seen)
    names = sorted_texts(text for text in seen if text is not None)
    if not names:
        raise _nothing(name)
    if len(names) == 1:
        raise _constant(name, repr(names[0]))
    if len(names) > MOST_CATEGORIES:
        raise ValueError(
            f"`source` must have columns of at most {MOST_CATEGORIES} categories; "
            f"`drop=({name!r},)` leaves this one out. "
            f"Received: {len(names)} different texts in column {name!r}, such as {names[0][:30]!r}"
        )
    return Column(name, categories=tuple(names))


def number_column(name: str, values: NDArray[np.float64], argument: str = "source") -> Column:
    """A column of numbers with their mean and deviation.

    Raises:
        ValueError: If all are missing or the same, or float32 does not tell them apart.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        raise _nothing(name, argument)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(known.mean()), float(known.std())
    if known.min() == known.max():
        raise _constant(name, f"{known[0]:g}", argument)
    single = np.finfo(np.float32)
    if not np.isfinite([mean, deviation]).all() or np.abs(known).max() > float(single.max):
        raise ValueError(
            f"`{argument}` must hold numbers of at most {float(single.max):.2g}, as float32 does; "
            f"their logarithm may do. Received: {np.abs(known).max():.3g} in column {name!r}"
        )
    if lost_by_float32(mean, deviation) or deviation < float(single.tiny) ** 0.5:
        raise ValueError(
            f"`{argument}` must hold numbers that float32 tells apart; subtract what they share, "
            f"or take another unit. Received: column {name!r} of mean {mean:.8g} and deviation "
            f"{deviation:.3g}"
        )
    return Column(name, mean=mean, deviation=deviation)


def encoded(raw: dict[str, Raw], columns: tuple[Column, ...], unseen: str, argument: str) -> Rows:
    """Rows of columns, by name, or where none is named, by place."""
    names = [column.name for column in columns]
    lacking = [name for name in names if name not in raw]
    if lacking and len(raw) == len(names) and all(n == f"x{i}" for i, n in enumerate(raw)):
        raw, lacking = dict(zip(names, raw.values(), strict=True)), []
    if lacking:
        raise ValueError(
            f"`{argument}` must have the columns of the table. Received: columns "
            f"{listed(raw)}, without {listed(map(repr, lacking))}"
        )
    rows = np.empty((len(next(iter(raw.values()))), len(columns)), np.float32)
    for i, column in enumerate(columns):
        rows[:, i] = _values(raw[column.name], column, unseen, argument)
    return rows


def _values(values: Raw, column: Column, unseen: str, argument: str) -> Any:
    """The numbers of a column, or the indices of its categories."""
    if not column.categories:
        if values.dtype.kind != "f" and any(text is not None for text in values):
            text = next(text for text in values if text is not None)
            raise ValueError(
                f"`{argument}` must have numbers in column {column.name!r}, as the table has. "
                f"Received: {text[:40]!r}"
            )
        numbers = values.astype(float)
        if np.isinf(numbers).any():
            raise ValueError(
                f"`{argument}` must hold finite numbers, or NaN where one is missing. "
                f"Received: infinity in column {column.name!r}"
            )
        return numbers
    index: dict[Any, float] = {text: float(i) for i, text in enumerate(column.categories)}
    texts = as_texts(column.name, values)
    new = {text for text in texts if text is not None and text not in index}
    if new and unseen == "error":
        raise ValueError(
            f"`{argument}` must have in column {column.name!r} categories that training rows have: "
            f'{listed(column.categories)}; `unseen="missing"` takes others as missing. '
            f"Received: {sorted(new)[0]!r}"
        )
    return np.array([index.get(text, np.nan) for text in texts], np.float64)


def _nothing(name: str, argument: str = "source") -> ValueError:
    return ValueError(
        f"`{argument}` must have a value in some training row of each column"
        f"{_without(name, argument)}. Received: column {name!r}, in which all are missing"
    )


def _constant(name: str, value: str, argument: str = "source") -> ValueError:
    return ValueError(
        f"`{argument}` must have columns that vary{_without(name, argument)}. "
        f"Received: column {name!r}, which is {value} in all training rows"
    )


def _without(name: str, argument: str) -> str:
    return f"; `drop=({name!r},)` leaves this one out" if argument == "source" else ""
