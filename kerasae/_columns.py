"""What a column of a table is, and rows of numbers that fit columns; NumPy only.

A row is float32, a value for each column: a number in its own unit, or the index of a category;
NaN where the value is missing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae import _arguments
from kerasae_export.images import check_images

__all__ = ["Column", "check_rows", "columns_of", "lost_by_float32"]

_FEWEST_CATEGORIES = 2


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table: a number with its scale, or a category of a vocabulary.

    Attributes:
        name: Its name.
        mean: Of the numbers in the training rows.
        deviation: Their standard deviation, above 0.
        categories: The names of the categories, in the order of their indices; empty for numbers.

    Raises:
        ValueError: If the name is none, a number is not finite or the deviation not above 0, or the
            categories are not at least two different names.
    """

    name: str
    mean: float = 0.0
    deviation: float = 1.0
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _arguments.text("name", self.name)
        object.__setattr__(self, "mean", _arguments.finite("mean", self.mean))
        deviation = _arguments.number("deviation", self.deviation, low=0.0)
        object.__setattr__(self, "deviation", _arguments.finite("deviation", deviation))
        given = self.categories
        listed = isinstance(given, Iterable) and not isinstance(given, (str, bytes))
        names = tuple(given) if listed else ()
        distinct = len(set(names)) == len(names) != 1 and all(isinstance(n, str) for n in names)
        if not (listed and distinct):
            raise ValueError(
                f"`categories` must be the names of at least {_FEWEST_CATEGORIES} categories, each "
                f"once, or none for numbers. Received: categories={given!r}"
            )
        object.__setattr__(self, "categories", names)

    def as_dict(self) -> dict[str, Any]:
        """What `json` writes: the name, with mean and deviation, or with categories."""
        if self.categories:
            return {"name": self.name, "categories": list(self.categories)}
        return {"name": self.name, "mean": self.mean, "deviation": self.deviation}


def columns_of(value: Any) -> tuple[Column, ...]:
    """Return columns, given as such or as their dicts, of which there must be some."""
    try:
        columns = tuple(
            each if isinstance(each, Column) else Column(**_arguments.mapping("columns", each))
            for each in value
        )
        if not columns or len({column.name for column in columns}) < len(columns):
            raise ValueError("names that differ")
    except (TypeError, ValueError) as error:
        said = "" if "names that differ" in str(error) else f": {str(error)[:120]}"
        shown = repr(value)
        shown = shown if len(shown) < 80 else f"{shown[:77]}..."
        raise ValueError(
            "`columns` must be the columns of a table, such as `load_table(...).columns`, each of "
            f"its own name. Received: columns={shown}{said}"
        ) from None
    return columns


def check_rows(
    argument: str, rows: Any, columns: tuple[Column, ...], *, allow_empty: bool = False
) -> NDArray[np.float32]:
    """Return rows as float32 (n, columns): finite or NaN, categories whole and known.

    Raises:
        ValueError: If there is another number of columns, an infinity, or a category unknown.
    """
    values = check_images(
        argument, rows, shape=(len(columns),), allow_empty=allow_empty, missing=True
    )
    for i, column in enumerate(columns):
        if not column.categories:
            continue
        known = values[:, i][~np.isnan(values[:, i])]
        bad = known[(known != np.floor(known)) | (known < 0) | (known >= len(column.categories))]
        if len(bad):
            raise ValueError(
                f"`{argument}` must have in column {column.name!r} the index of a category, a "
                f"whole number below {len(column.categories)}, or NaN where it is missing. "
                f"Received: {bad[0]:g}"
            )
    return values


def lost_by_float32(mean: float, deviation: float) -> bool:
    """Whether numbers of such a spread around such a mean are no longer told apart by float32."""
    return math.isfinite(mean) and abs(mean) * float(np.finfo(np.float32).eps) > deviation / 8
