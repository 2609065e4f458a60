"""The loss of rows of a table: squared errors of scaled numbers, cross-entropies of categories."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from kerasae._columns import Column, columns_of

__all__ = ["Layout", "column_losses", "row_losses"]


@dataclass(frozen=True)
class Layout:
    """Where the columns of a table lie in what a network sees and gives.

    That is a vector of the numbers, scaled, and then a place for each category: 1 for the one that
    a row has and 0 for the others in what is seen, logits in what is given.

    Attributes:
        columns: The columns, in the order of a row.
    """

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, columns: Any) -> Layout:
        """The layout of columns, or of their dicts."""
        return cls(columns_of(columns))

    @functools.cached_property
    def numbers(self) -> list[int]:
        """Indices of the columns of numbers."""
        return [i for i, column in enumerate(self.columns) if not column.categories]

    @functools.cached_property
    def categories(self) -> list[int]:
        """Indices of the columns of categories."""
        return [i for i, column in enumerate(self.columns) if column.categories]

    @functools.cached_property
    def counts(self) -> list[int]:
        """How many categories each of these has."""
        return [len(self.columns[i].categories) for i in self.categories]

    @property
    def size(self) -> int:
        """Values that a network sees of a row."""
        return len(self.numbers) + sum(self.counts)

    @property
    def means(self) -> list[float]:
        """Of each column of numbers."""
        return [self.columns[i].mean for i in self.numbers]

    @property
    def deviations(self) -> list[float]:
        """Of each column of numbers."""
        return [self.columns[i].deviation for i in self.numbers]

    @property
    def order(self) -> list[int]:
        """Where each column of a row is, in numbers followed by categories."""
        apart = [*self.numbers, *self.categories]
        return [apart.index(i) for i in range(len(apart))]

    @property
    def places(self) -> tuple[list[int], list[int]]:
        """For the place of each category: its column, and its index there."""
        pairs = [
            (i, k) for i, n in zip(self.categories, self.counts, strict=True) for k in range(n)
        ]
        return [i for i, _ in pairs], [k for _, k in pairs]

    @property
    def slices(self) -> list[tuple[int, int]]:
        """First place, and the one after the last, of each column of categories."""
        ends = list(itertools.accumulate([len(self.numbers), *self.counts]))
        return list(itertools.pairwise(ends))

    def one_hot(self, rows: Any) -> Any:
        """1 at the place of the category that each row (B, columns) has, 0 where it has none."""
        owners, indices = self.places
        wanted = ops.convert_to_tensor([float(k) for k in indices], dtype=rows.dtype)
        return ops.cast(ops.equal(ops.take(rows, owners, axis=-1), wanted), rows.dtype)


def column_losses(rows: Any, outputs: Any, layout: Layout) -> Any:
    """What each value of each row costs, given what a network made of the row.

    Of a number `((x - mean) / deviation - y)^2`, of a category its cross-entropy in nats,
    `-log softmax(logits)[x]`; 0 for what is missing.

    Args:
        rows: Tensor (batch, columns), NaN where a value is missing.
        outputs: Tensor (batch, `layout.size`), scaled numbers and logits.
        layout: Of the columns.

    Returns:
        A tensor (batch, columns).

    Example:
        >>> layout = Layout.of([
        ...     {"name": "weight", "mean": 50.0, "deviation": 10.0},
        ...     {"name": "colour", "categories": ["red", "blue"]},
        ... ])
        >>> losses = column_losses([[70.0, 1.0]], [[1.0, 0.0, 0.0]], layout)
        >>> [round(float(x), 4) for x in losses[0]]
        [1.0, 0.6931]
    """
    outputs = ops.convert_to_tensor(outputs)
    rows = ops.cast(ops.convert_to_tensor(rows), outputs.dtype)
    numbers, parts = len(layout.numbers), []
    if numbers:
        parts.append(ops.square(scaled_numbers(rows, layout) - outputs[:, :numbers]))
    if layout.categories:
        truth = layout.one_hot(rows)
        for first, last in layout.slices:
            logits = outputs[:, first:last]
            chosen = truth[:, first - numbers : last - numbers] * logits
            surprise = ops.logsumexp(logits, axis=-1) - ops.sum(chosen, axis=-1)
            parts.append(ops.expand_dims(surprise, -1))
    losses = ops.take(ops.concatenate(parts, axis=-1), layout.order, axis=-1)
    return ops.where(ops.isnan(rows), ops.zeros_like(losses), losses)


def row_losses(rows: Any, losses: Any, weights: Any = None) -> Any:
    """The mean of `column_losses` over the values that a row has; 0 where it has none.

    Args:
        rows: Tensor (batch, columns), NaN where a value is missing.
        losses: Tensor (batch, columns).
        weights: How much each value counts, (batch, columns), if not all alike; the sum is still
            divided by the number of values.

    Returns:
        A tensor (batch,).
    """
    known = ops.cast(ops.logical_not(ops.isnan(ops.convert_to_tensor(rows))), losses.dtype)
    weighted = losses if weights is None else losses * weights
    return ops.sum(weighted * known, axis=-1) / ops.maximum(ops.sum(known, axis=-1), 1.0)


def scaled_numbers(rows: Any, layout: Layout) -> Any:
    """The numbers of rows, less their mean and divided by their deviation; 0 where missing."""
    found = ops.take(rows, layout.numbers, axis=-1)
    means = _constant(layout.means, found)
    scaled = (found - means) / _constant(layout.deviations, found)
    return ops.where(ops.isnan(found), ops.zeros_like(scaled), scaled)


def _constant(values: Sequence[float], like: Any) -> Any:
    return ops.convert_to_tensor(list(values), dtype=keras.backend.standardize_dtype(like.dtype))
