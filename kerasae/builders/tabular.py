"""Any dense autoencoder for rows of a table, which takes and gives them in their own units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from kerasae import _arguments
from kerasae._columns import Column
from kerasae.builders import BUILDERS, _networks, build
from kerasae.layers import RandomGaps
from kerasae.layers.tables import TableBound, TableLoss, raw_rows, scaling_stem
from kerasae.losses.tables import Layout
from kerasae.models import Autoencoder

__all__ = ["BASES", "build_tabular"]

BASES = (
    "undercomplete",
    "overcomplete",
    "sparse",
    "denoising",
    "contractive",
    "variational",
    "vector_quantized",
    "masked",
)
"""The architectures that have dense layers, and rows of a table as their inputs."""

_GIVEN = ("input_shape", "loss", "network")


def build_tabular(
    *,
    columns: Sequence[Column | Mapping[str, Any]] = (),
    base: str = "undercomplete",
    category_weight: float = 1.0,
    **base_hyperparameters: Any,
) -> keras.Model:
    """Build an autoencoder of the rows of a table, on the frame of a dense architecture.

    The model takes rows as they are in the table, numbers in their own units beside the indices of
    categories, and NaN for what is missing, and gives such rows. A stem in front scales numbers by
    the mean and the deviation of their column (`keras.layers.Normalization`) and gives each
    category a place of its own; the decoder ends with the inverse. Both are in the saved and in the
    exported model. The network between them sees 0, the mean, where a number is missing, and no
    category where that is.

    Training minimises, over the values that a row has, the mean of

        ((x - mean) / deviation - y)^2               of a number
        category_weight * -log softmax(y)[x]         of a category, in nats

    and what the base adds. A variational base minimises its bound, in nats for each row, with the
    sum over numbers of the Gaussian log density of their scaled values and over categories of their
    log probability.

    Args:
        columns: The columns of the table: those of `kerasae.load_table`, or dicts of `name` with
            `mean` and `deviation` of a number, or with `categories`, their names.
        base: `"undercomplete"`, `"overcomplete"`, `"sparse"`, `"denoising"` (of an undercomplete
            one; its noise is in deviations), `"contractive"`, `"variational"`,
            `"vector_quantized"`, or `"masked"`, which hides values in training and learns to fill
            them in, for `kerasae.impute`.
        category_weight: Factor of the cross-entropies; it has no part in a bound.
        **base_hyperparameters: What the builder of `base` takes, except `input_shape`, `loss` and
            `network`. `code_size` counts for `"overcomplete"` beside the values that the network
            sees, one for each number and one for each category.

    Returns:
        A compiled model, float32 (batch, columns) to the same shape. Its nested models are `stem`,
        rows to what the network sees; `encoder`, that to a code; and `decoder`, a code to rows,
        with scaled numbers and logits as its second output. The loss is a layer, `objective` or
        `bound`.

    Raises:
        ValueError: If a hyperparameter breaks its rule.
        TypeError: If the base knows no such hyperparameter.

    Example:
        >>> columns = [
        ...     {"name": "age", "mean": 40.0, "deviation": 12.0},
        ...     {"name": "income", "mean": 2e4, "deviation": 9e3},
        ...     {"name": "home", "categories": ["owned", "rented"]},
        ... ]
        >>> model = build_tabular(columns=columns, code_size=2, hidden=(8,))
        >>> [layer.name for layer in model.layers]
        ['row', 'stem', 'encoder', 'decoder', 'objective']
    """
    layout = Layout.of(columns)
    _arguments.one_of("base", base, BASES)
    category_weight = _arguments.number("category_weight", category_weight, low=0.0)
    _refuse_of_images(base, base_hyperparameters)
    loss = TableLoss(layout.columns, category_weight=category_weight, name="objective")
    if base == "masked":
        return _masked(layout, category_weight, **base_hyperparameters)
    options = {"input_shape": (layout.size,), **base_hyperparameters}
    if base == "denoising":
        options = {"base": "undercomplete", "clip": False, **options}
    if base == "variational" and not layout.numbers:
        options.setdefault("likelihood", "gaussian")  # of nothing: no width is learned
    if "loss" in BUILDERS[base].hyperparameters or base == "denoising":
        options["loss"] = "mse"
    clean = build(base, **options)
    return _on_rows(clean, layout, loss)


def _on_rows(clean: keras.Model, layout: Layout, loss: keras.layers.Layer) -> keras.Model:
    """A model of scaled values as one of rows; the layers stay the same."""
    row = keras.Input((len(layout.columns),), name="row")
    seen = scaling_stem(layout)(row)
    decoder = _decoder(clean.get_layer("decoder"), layout)
    variational = any(part.name == "bound" for part in clean.layers)
    scaled: list[Any] = []

    def call(part: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        if part.name == "bound":
            config = {**part.get_config(), "columns": layout.columns}
            _, mean, log_variance, code, rebuilt = args
            return TableBound(**config)(row, mean, log_variance, code, rebuilt, scaled[0])
        args = tuple(seen if value is row else value for value in args)
        if part.name != "decoder":
            return part(*args, **kwargs)
        rebuilt, outputs = decoder(*args)
        scaled.append(outputs)
        return rebuilt if variational else loss(row, rebuilt, outputs)

    copy = keras.models.clone_model(
        clean, input_tensors=row, clone_function=lambda part: part, call_function=call
    )
    model = type(clean)(row, copy.output, name="tabular")
    model.compile(optimizer=keras.optimizers.Adam(float(clean.optimizer.learning_rate)))
    return model


def _masked(
    layout: Layout,
    category_weight: float,
    *,
    code_size: int = 32,
    hidden: Sequence[int] = (128, 64),
    activation: str = "relu",
    mask_fraction: float = 0.25,
    hole_weight: float = 6.0,
    learning_rate: float = 1e-3,
    **unknown: Any,
) -> keras.Model:
    """Hide values of raw rows, and learn what they were."""
    if unknown:
        raise TypeError(
            "`masked` of a table takes code_size, hidden, activation, mask_fraction, hole_weight "
            f"and learning_rate. Received: {', '.join(sorted(unknown))}"
        )
    rate = _arguments.number("learning_rate", learning_rate, low=0.0)
    gaps = RandomGaps(
        "values", fraction=_fraction(mask_fraction), hole_weight=hole_weight, name="mask"
    )
    stem = scaling_stem(layout, marks=True)
    encoder, decoder = _networks.halves(
        "dense",
        (layout.size,),
        _arguments.positive_int("code_size", code_size),
        hidden,
        activation,
        {},
        seen=stem.output_shape[1:],
    )
    row = keras.Input((len(layout.columns),), name="row")
    seen = gaps(row)
    rebuilt, outputs = _decoder(decoder, layout)(encoder(stem(seen)))
    loss = TableLoss(
        layout.columns,
        category_weight=category_weight,
        hole_weight=gaps.hole_weight,
        name="objective",
    )
    model = Autoencoder(row, loss(row, rebuilt, outputs, seen), name="tabular")
    model.compile(optimizer=keras.optimizers.Adam(rate))
    return model


def _decoder(decoder: keras.Model, layout: Layout) -> keras.Model:
    """The same layers with the inverse of the scaling behind them: code to rows, and to scaled."""
    outputs = decoder.outputs[0]
    return keras.Model(decoder.input, [raw_rows(outputs, layout), outputs], name="decoder")


def _fraction(value: Any) -> float:
    fraction = _arguments.number("mask_fraction", value, low=0.0)
    if fraction > 0.9:
        raise ValueError(f"`mask_fraction` must be at most 0.9. Received: mask_fraction={value!r}")
    return fraction


def _refuse_of_images(base: str, options: Mapping[str, Any]) -> None:
    given = [name for name in _GIVEN if name in options]
    if given:
        raise ValueError(
            f"`{given[0]}` follows from `columns` and must not be given. "
            f"Received: {given[0]}={options[given[0]]!r}"
        )
    if base == "denoising" and options.get("base", "undercomplete") not in BASES[:3]:
        raise ValueError(
            f"`base` of a denoising model of rows must be dense. Received: base={options['base']!r}"
        )
    if options.get("corruption") == "salt_and_pepper":
        raise ValueError(
            "`corruption` must be 'gaussian' or 'masking' for rows, which have no black and white. "
            "Received: corruption='salt_and_pepper'"
        )
    if options.get("likelihood") == "bernoulli" or options.get("binarize"):
        raise ValueError(
            "`likelihood` must be 'gaussian' or 'gaussian_learned' for numbers, with "
            "`binarize=False`; a column of two categories is a column of categories. "
            f"Received: likelihood={options.get('likelihood')!r}, "
            f"binarize={options.get('binarize', False)!r}"
        )
