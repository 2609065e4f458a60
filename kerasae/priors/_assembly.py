"""What the builders of priors share: inputs, labels, and the model around a network."""

from __future__ import annotations

from typing import Any

import keras

from kerasae import _arguments
from kerasae._conditions import CONDITION, LABEL
from kerasae.layers import Condition, IndexLikelihood
from kerasae.models import Autoencoder

NETWORK = "network"


def condition(classes: int | None, attributes: int | None, dropout: float) -> Condition | None:
    """The layer for labels, or None for a prior without.

    Raises:
        ValueError: If there are both classes and attributes, or an argument breaks its rule.
    """
    dropout = _arguments.number("label_dropout", dropout, low=0.0, high=1.0, closed=True)
    if classes is not None:
        classes = _arguments.positive_int("classes", classes)
    if attributes is not None:
        attributes = _arguments.positive_int("attributes", attributes)
    if classes is None and attributes is None:
        return None
    if classes is not None and attributes is not None:
        raise ValueError(
            "`attributes` must be None where there are classes. "
            f"Received: attributes={attributes}, classes={classes}"
        )
    return Condition(classes, attributes, dropout=dropout, name=CONDITION)


def inputs(
    shape: tuple[int, ...], known: Condition | None, *, dtype: str | None = None
) -> tuple[Any, list[Any]]:
    """The code, and all inputs: the code, and a label if there is a condition."""
    code = keras.Input(shape, dtype=dtype, name="code")
    return code, [code] if known is None else [code, keras.Input((known.size,), name=LABEL)]


def one_or_all(values: list[Any]) -> Any:
    """What a functional model takes: a single input is no list."""
    return values if len(values) > 1 else values[0]


def told(known: Condition | None, given: list[Any]) -> list[Any]:
    """The inputs with the label as training leaves it."""
    return given if known is None else [given[0], known(given[1])]


def index_prior(
    name: str,
    network: keras.Model,
    shape: tuple[int, ...],
    known: Condition | None,
    learning_rate: float,
) -> keras.Model:
    """The model around a network from indices to logits, which minimises bits."""
    code, given = inputs(shape, known, dtype="int32")
    logits = network(one_or_all(told(known, given)))
    outputs = IndexLikelihood(name="likelihood")(logits, code)
    return compiled(name, given, outputs, learning_rate)


def compiled(name: str, given: list[Any], outputs: Any, learning_rate: float) -> keras.Model:
    """The model, with Adam for what its layers add to the loss."""
    model = Autoencoder(one_or_all(given), outputs, name=name)
    rate = _arguments.number("learning_rate", learning_rate, low=0.0)
    model.compile(optimizer=keras.optimizers.Adam(rate))
    return model
