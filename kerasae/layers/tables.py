"""Rows of a table: scaling in front of a network and behind it, and the objectives between."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from kerasae import _arguments
from kerasae.layers.objective import LossLayer, full_precision
from kerasae.layers.variational import VariationalBound
from kerasae.losses.likelihoods import gaussian_log_likelihood
from kerasae.losses.tables import Layout, column_losses, row_losses, scaled_numbers

__all__ = ["TableBound", "TableLoss", "raw_rows", "scaling_stem"]


def scaling_stem(layout: Layout, *, marks: bool = False) -> keras.Model:
    """Raw rows to what a network sees of them, in stock layers.

    Numbers less their mean and divided by their deviation, 0 where missing; 1 at the place of the
    category that a row has.

    Args:
        layout: Of the columns.
        marks: Whether a value for each column follows, 1 where it is missing.

    Returns:
        A model, float32 (batch, columns) to (batch, `layout.size`), named `stem`.
    """
    row = keras.Input((len(layout.columns),), name="row")
    parts = []
    if layout.numbers:
        numbers = ops.take(row, layout.numbers, axis=-1)
        known = ops.equal(numbers, numbers)  # NaN is not
        means = ops.zeros_like(numbers) + ops.convert_to_tensor(layout.means, dtype=row.dtype)
        whole = ops.where(known, numbers, means)
        parts.append(_normalization(layout, name="scale")(whole))
    if layout.categories:
        owners, indices = layout.places
        wanted = [float(k) for k in indices]
        found = ops.take(row, owners, axis=-1)
        parts.append(ops.cast(ops.equal(found, wanted), full_precision()))
    if marks:
        parts.append(ops.cast(ops.not_equal(row, row), full_precision()))
    seen = layers.Concatenate(name="seen", dtype=full_precision())(parts) if parts[1:] else parts[0]
    return keras.Model(row, seen, name="stem")


def raw_rows(outputs: Any, layout: Layout) -> Any:
    """Rows in their own units of what a network gives, in stock layers: the inverse of the stem.

    Args:
        outputs: Tensor (batch, `layout.size`), scaled numbers and logits.
        layout: Of the columns.

    Returns:
        A tensor (batch, columns) of numbers, and of the index of the likeliest category.
    """
    parts = []
    if layout.numbers:
        inverse = _normalization(layout, name="unscale", invert=True)
        parts.append(inverse(outputs[:, : len(layout.numbers)]))
    for first, last in layout.slices:
        best = ops.top_k(outputs[:, first:last], 1)[1]  # TF Lite has no argmax that Keras's becomes
        parts.append(ops.cast(best, full_precision()))
    apart = layers.Concatenate(name="columns", dtype=full_precision())(parts) if parts[1:] else None
    return ops.take(parts[0] if apart is None else apart, layout.order, axis=-1)


def _normalization(layout: Layout, **options: Any) -> keras.layers.Layer:
    """Keras's layer with the statistics of the columns of numbers in its configuration."""
    variances = [deviation**2 for deviation in layout.deviations]
    return layers.Normalization(
        mean=layout.means, variance=variances, dtype=full_precision(), **options
    )


class _OfColumns:
    """What layers of tables share: the columns, in the configuration as dicts."""

    layout: Layout
    takes_missing = True

    @property
    def columns(self) -> Any:
        """The columns of a row."""
        return self.layout.columns

    def _columns_config(self) -> list[dict[str, Any]]:
        return [column.as_dict() for column in self.layout.columns]


@keras.saving.register_keras_serializable("kerasae")
class TableLoss(_OfColumns, LossLayer):
    """Add the loss of rows, and pass their reconstruction on.

    The mean over the values that a row has, and over the rows, of `column_losses`: squared errors
    of scaled numbers, and cross-entropies of categories in nats, times `category_weight`. What is
    missing has no loss. The history has the means over both kinds as `numbers` and `categories`.

    Args:
        columns: Of the table, or their dicts.
        category_weight: Factor of the cross-entropies.
        hole_weight: Weight of the values that a row has and the network did not see.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(
        self,
        columns: Any,
        *,
        category_weight: float = 1.0,
        hole_weight: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.layout = Layout.of(columns)
        self.category_weight = _arguments.number("category_weight", category_weight, low=0.0)
        self.hole_weight = _arguments.number("hole_weight", hole_weight, low=0.0)
        kinds = {"numbers": self.layout.numbers, "categories": self.layout.categories}
        self.part_names = tuple(name for name, indices in kinds.items() if indices)

    def call(self, row: Any, rebuilt: Any, outputs: Any, seen: Any = None) -> Any:
        """Compare rows with what a network made of them.

        Args:
            row: (batch, columns).
            rebuilt: The same in the units of the table, which is passed on.
            outputs: (batch, size) scaled numbers and logits.
            seen: (batch, columns) rows from which more is missing, if the network saw those.
        """
        losses = column_losses(row, outputs, self.layout)
        weights = self._weights(row, seen, losses)
        each = row_losses(row, losses, weights)
        parts = {
            name: row_losses(ops.take(row, indices, axis=-1), ops.take(losses, indices, axis=-1))
            for name, indices in (
                ("numbers", self.layout.numbers),
                ("categories", self.layout.categories),
            )
            if indices
        }

        def objective(average: Any) -> Any:
            return average(each), {name: average(values) for name, values in parts.items()}

        self.add_objective(objective)
        return rebuilt

    def _weights(self, row: Any, seen: Any, losses: Any) -> Any:
        """Of each value."""
        of_columns = [
            self.category_weight if column.categories else 1.0 for column in self.layout.columns
        ]
        weights = ops.zeros_like(losses) + ops.convert_to_tensor(of_columns, dtype=losses.dtype)
        if seen is None or self.hole_weight == 1:
            return weights
        return ops.where(ops.isnan(seen), self.hole_weight * weights, weights)

    def compute_output_shape(self, row_shape: Any, *others: Any, **named: Any) -> Any:
        """The shape stays."""
        return row_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {
            **super().get_config(),
            "columns": self._columns_config(),
            "category_weight": self.category_weight,
            "hole_weight": self.hole_weight,
        }


@keras.saving.register_keras_serializable("kerasae")
class TableBound(_OfColumns, VariationalBound):
    """The bound of a variational model of rows, as `VariationalBound` has it of images.

    `log p(x | z)` is the sum over the values that a row has: of scaled numbers the Gaussian log
    density, in the units of their deviation; of categories the log probability. What is missing
    says nothing (Nazabal, Olmos, Ghahramani & Valera 2020, Handling Incomplete Heterogeneous Data
    using VAEs, have the same bound).

    Args:
        likelihood: Of the numbers: `"gaussian"` of fixed `sigma`, or `"gaussian_learned"`.
        columns: Of the table, or their dicts.
        **options: As of `VariationalBound`.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(
        self, likelihood: str = "gaussian_learned", *, columns: Any, **options: Any
    ) -> None:
        _arguments.one_of("likelihood", likelihood, ("gaussian", "gaussian_learned"))
        super().__init__(likelihood, **options)
        self.layout = Layout.of(columns)

    def _log_likelihood(self, images: Any, parameters: Any, samples: int = 1) -> Any:
        """(B, samples) from rows (B, columns) and outputs (B * samples, size)."""
        layout, numbers = self.layout, len(self.layout.numbers)
        rows = ops.repeat(images, samples, axis=0) if samples > 1 else images
        each = -column_losses(rows, parameters, layout)
        if numbers:
            log_sigma = float(ops.log(self.sigma)) if self.log_sigma is None else self.log_sigma
            scaled = scaled_numbers(rows, layout)
            density = gaussian_log_likelihood(scaled, parameters[:, :numbers], log_sigma)
            density = ops.where(
                ops.isnan(ops.take(rows, layout.numbers, axis=-1)), ops.zeros_like(density), density
            )
            nats = ops.sum(density, axis=-1)
            if layout.categories:
                nats = nats + ops.sum(ops.take(each, layout.categories, axis=-1), axis=-1)
        else:
            nats = ops.sum(each, axis=-1)
        return ops.reshape(nats, (-1, samples))

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {**super().get_config(), "columns": self._columns_config()}
