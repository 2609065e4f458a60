"""The conditional variational autoencoder: it is told what an image shows."""

from __future__ import annotations

from typing import Any

import keras

from kerasae import _arguments
from kerasae._conditions import CONDITION
from kerasae.builders import BUILDERS, _variational
from kerasae.layers import Condition

__all__ = ["build_conditional"]


def build_conditional(
    *,
    classes: int = 10,
    attributes: int | None = None,
    label_dropout: float = 0.1,
    **variational_hyperparameters: Any,
) -> keras.Model:
    """Build a variational autoencoder whose encoder and decoder are told a label.

    Training minimises, with y the label and z drawn from `q(z | x, y)`,

        -E[log p(x | z, y)] + beta * KL(q(z | x, y), N(0, I))

    the negative bound on log p(x | y) (Sohn, Lee & Yan 2015, Learning Structured Output
    Representation using Deep Conditional Generative Models; Kingma, Rezende, Mohamed & Welling
    2014). The code need not say what the label says: it holds what images of one class differ in,
    such as slant and stroke, and the label may be changed while the code stays.

    A label is a vector: of a class one-hot, `keras.utils.to_categorical(y, classes)`, or the values
    of attributes. Zeros say that it is missing; in training that happens to some labels, so that
    the model can do without. Scale attributes such that 0 says little: to -1 and 1, or to a mean of
    0. `fit` takes `fit((x, labels), x)`. `train` takes images with labels, which may be integers,
    and validates with all labels. `kerasae.at_label` fixes the label, which makes an ordinary
    variational model of it. `samplers.sample_prior` draws images of a label, and
    `samplers.change_label` gives images another one.

    Args:
        classes: Number of classes; without a meaning if there are attributes.
        attributes: Number of values of a label that is no class; None for classes.
        label_dropout: Chance that a label is left out in training, from 0 to below 1.
        **variational_hyperparameters: What `build_variational` takes, such as `input_shape`.

    Returns:
        A compiled model of two inputs, `image` (batch, height, width, channels) and `label`
        (batch, classes), both float32. Its nested models are `encoder`, of the same inputs, and
        `decoder`, which takes a code (batch, code_size) and a label. `kerasae.encoder` and
        `kerasae.decoder` have two inputs, too.

    Raises:
        ValueError: If a hyperparameter breaks its rule.
        TypeError: If there is no such hyperparameter.

    Example:
        >>> model = build_conditional(classes=10, input_shape=(8, 8, 1), code_size=2)
        >>> [entry.name for entry in model.inputs]
        ['image', 'label']
    """
    classes = _arguments.positive_int("classes", classes)
    if attributes is not None:
        attributes = _arguments.positive_int("attributes", attributes)
    label_dropout = _arguments.number("label_dropout", label_dropout, low=0, high=1, closed=True)
    condition = Condition(
        classes if attributes is None else None,
        attributes,
        dropout=label_dropout,
        name=CONDITION,
    )
    defaults = BUILDERS["variational"].hyperparameters
    return _variational.build(
        "conditional", condition=condition, **{**defaults, **variational_hyperparameters}
    )
