"""The overcomplete autoencoder: a code at least as large as the input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

from kerasae import _arguments
from kerasae.builders import _dense, sparse
from kerasae.builders._losses import Loss

__all__ = ["build_overcomplete"]


def build_overcomplete(
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    code_size: int = 1024,
    hidden: Sequence[int] = (),
    activation: str = "relu",
    loss: Loss = "binary_crossentropy",
    regularizer: str | None = "unspecified",
    learning_rate: float = 1e-3,
    code_activation: str | None = None,
    tied: bool = False,
    **strengths: Any,
) -> keras.Model:
    """Build a dense autoencoder whose code has at least as many values as its input.

    Such a model can copy its input and learn nothing (Goodfellow, Bengio & Courville 2016,
    section 14.2), so that a regulariser must be named, one of the penalties of
    `build_sparse`. To show the copying, say `regularizer=None`.

    Args:
        input_shape: (height, width, channels) of an image, (length, features) of a signal,
            (values,) of a row, or (depth, height, width, channels) of a volume.
        code_size: Number of values in the code, at least the number in the image.
        hidden: Units of each hidden layer of the encoder; the decoder mirrors it.
        activation: Activation of the hidden layers.
        loss: `"binary_crossentropy"`, with a sigmoid output, for pixels in [0, 1], or
            `"mse"`, with a linear output. Both are means over pixels and batch.
            Any other loss of Keras does, by name, object or function; a function or class of your
            own must be registered with Keras. Its output is a sigmoid if it takes probabilities or
            has an attribute `unit_range`, else linear.
        regularizer: `"l1"`, `"kl"`, `"topk"` or `"dropout"`, as in `build_sparse`, or None; the
            default is refused.
        learning_rate: Step size of Adam.
        code_activation: Activation of the code, such as `"sigmoid"` for a layer of a stacked
            denoising autoencoder. By default that of the regulariser, as in `build_sparse`, and
            none where no regulariser is named.
        tied: Whether each kernel of the decoder is the transpose of its mirror in the encoder
            (Vincent et al. 2010); biases are never shared.
        **strengths: `weight`, `rho`, `beta`, `k` or `rate`, as in `build_sparse`.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape, with
        nested models `encoder` and `decoder`; a code is (batch, code_size).

    Raises:
        ValueError: If a hyperparameter breaks its rule, or no regulariser is named.
        TypeError: If a strength is unknown.

    Example:
        >>> model = build_overcomplete(input_shape=(8, 8, 1), code_size=64, regularizer="l1")
        >>> model.get_layer("encoder").output_shape
        (None, 64)
    """
    shape = _arguments.input_shape(input_shape)
    code_size = _arguments.positive_int("code_size", code_size)
    if code_size < math.prod(shape):
        raise ValueError(
            f"`code_size` must be at least the {math.prod(shape)} values of an input of shape "
            f"{shape}. Received: code_size={code_size}"
        )
    shared: dict[str, Any] = {
        "input_shape": shape,
        "code_size": code_size,
        "hidden": hidden,
        "activation": activation,
        "loss": loss,
        "learning_rate": learning_rate,
        "tied": tied,
    }
    known = {"weight": 1e-4, "rho": 0.05, "beta": 1e-4, "k": 25, "rate": 0.5}
    unknown = sorted(set(strengths) - set(known))
    if unknown:
        raise TypeError(f"`strengths` may be {', '.join(known)}. Received: {', '.join(unknown)}")
    if regularizer is None:
        return _dense.autoencoder(
            "overcomplete",
            **shared,
            code_activation="linear" if code_activation is None else code_activation,
        )
    if not isinstance(regularizer, str) or regularizer not in sparse.PENALTIES:
        raise ValueError(
            f"`regularizer` must be one of {', '.join(map(repr, sparse.PENALTIES))}, or None to "
            f"see the model copy its input. Received: regularizer={regularizer!r}"
        )
    return sparse.build(
        "overcomplete",
        regularizer,
        {**known, **strengths},
        code_activation=code_activation,
        **shared,
    )
