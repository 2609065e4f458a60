"""A normalising flow over continuous codes: their exact density, and draws from it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops

from kerasae import _arguments
from kerasae.layers import AffineCoupling, ExampleLoss
from kerasae.priors import _assembly, _scaling

__all__ = ["build_flow"]


def build_flow(
    *,
    code_shape: Sequence[int] = (16,),
    classes: int | None = None,
    attributes: int | None = None,
    label_dropout: float = 0.1,
    mean: float | Sequence[float] = 0.0,
    deviation: float | Sequence[float] = 1.0,
    couplings: int = 8,
    hidden: Sequence[int] = (128, 128),
    learning_rate: float = 1e-3,
) -> keras.Model:
    """Build a flow of affine couplings over codes of values, such as those of an autoencoder.

    An invertible map f takes codes to a standard normal variable, and training minimises the exact
    negative log-likelihood in nats a code,

        -log p(z) = -log N(f(z); 0, I) - log |det df/dz|

    (Dinh, Sohl-Dickstein & Bengio 2017, Density Estimation Using Real NVP).

    Args:
        code_shape: Shape of a code, of at least two values in all.
        classes: Number of classes of a label; None for none.
        attributes: Number of values of a label that is no class; None for none.
        label_dropout: Chance that a label is left out in training, from 0 to below 1.
        mean: Mean of the codes, one number or one for each entry of their last dimension.
        deviation: Their standard deviation, in the same way, above 0.
        couplings: Number of couplings, each of which moves half of the values.
        hidden: Units of the hidden layers of the net of each.
        learning_rate: Step size of Adam.

    Returns:
        A compiled model, float32 (batch, *code_shape), and with labels a second input (batch,
        classes), to `-log p` in nats, (batch,).

    Raises:
        ValueError: If a hyperparameter breaks its rule.

    Example:
        >>> build_flow(code_shape=(4,), couplings=2, hidden=(8,)).output_shape
        (None,)
    """
    shape = _arguments.positive_ints("code_shape", code_shape)
    size = math.prod(shape)
    if not shape or size < 2:
        raise ValueError(
            f"`code_shape` must be that of at least 2 values. Received: code_shape={code_shape!r}"
        )
    couplings = _arguments.positive_int("couplings", couplings)
    hidden = _arguments.positive_ints("hidden", hidden)
    condition = _assembly.condition(classes, attributes, label_dropout)
    scaling = _scaling.layer(shape, mean, deviation)

    code, given = _assembly.inputs(shape, condition)
    labels = _assembly.told(condition, given)[1:]
    x = layers.Reshape((size,), name="vector")(scaling(code))
    logs = []
    for i in range(1, couplings + 1):
        x, log = AffineCoupling(hidden, seed=i, name=f"coupling_{i}")(x, *labels)
        logs.append(log)
    volume = logs[0] if len(logs) == 1 else layers.Add(name="log_determinant")(logs)
    # The density of the codes themselves, not of the scaled ones.
    scales = np.broadcast_to(np.log(np.asarray(_scaling.deviations(scaling))), shape).sum()
    constant = 0.5 * size * math.log(2 * math.pi) + float(scales)
    nats = 0.5 * ops.sum(ops.square(x), axis=-1) - volume + constant
    return _assembly.compiled("flow", given, ExampleLoss(name="likelihood")(nats), learning_rate)
