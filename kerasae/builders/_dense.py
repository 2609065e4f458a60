"""The dense autoencoder behind several builders, and how encoder and decoder become a model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
from keras import layers

from kerasae import _arguments
from kerasae.builders import _labels, _losses
from kerasae.builders._losses import Loss
from kerasae.layers import TransposedDense, full_precision
from kerasae.losses import bounded_log_variance
from kerasae.models import Autoencoder, TiedAutoencoder

Step = Callable[[Any], Any]


def encoder(
    shape: tuple[int, ...],
    code_size: int,
    hidden: Sequence[int],
    activation: str,
    *,
    code_activation: str = "linear",
    dropout: float = 0.0,
    code_step: Step | None = None,
    heads: Sequence[str] = ("code",),
    positions: int | None = None,
    label: int = 0,
) -> keras.Model:
    """Image, or another array, to code; each of the `heads` is an output of the size of a code.

    `dropout` follows each layer. A single head takes `code_activation`, and `code_step` ends it
    with stock operations; several heads are linear. With `positions` a code is as many vectors,
    (B, positions, code_size). With a label of so many values there is a second input.
    """
    activation = _arguments.activation("activation", activation)
    code_activation = _arguments.activation("code_activation", code_activation)
    image = keras.Input(shape, name="image")
    inputs, x = _labels.with_image(image, label)
    x = x if len(shape) == 1 else layers.Flatten(name="flatten")(x)  # (B, pixels)
    for i, units in enumerate(hidden, start=1):
        x = layers.Dense(units, activation=activation, name=f"encode_{i}")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"dropout_{i}")(x)
    if len(heads) > 1:
        outputs = [layers.Dense(code_size, **head(name))(x) for name in heads]
        return keras.Model(inputs, outputs, name="encoder")
    x = layers.Dense(code_size * (positions or 1), activation=code_activation, name=heads[0])(x)
    if positions is not None:
        x = layers.Reshape((positions, code_size), name="positions")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout_code")(x)
    return keras.Model(inputs, x if code_step is None else code_step(x), name="encoder")


def head(name: str, activation: str = "linear") -> dict[str, Any]:
    """Options of the layer that gives an output of an encoder; a log variance starts at 0."""
    if name == "log_variance":
        return {"name": name, "activation": bounded_log_variance, "kernel_initializer": "zeros"}
    return {"name": name, "activation": activation}


def decoder(
    shape: tuple[int, ...],
    code_size: int,
    hidden: Sequence[int],
    activation: str,
    output_activation: str,
    *,
    logits: bool = False,
    tied: bool = False,
    positions: int | None = None,
    label: int = 0,
) -> keras.Model:
    """Code to image; the mirror of `encoder`.

    If `tied`, its kernels are those of the encoder, transposed, once it is assembled. With
    `logits` the last layer is linear, whatever `output_activation`; the outputs are the
    sigmoid of what it gives, `reconstruction`, and that itself. With a label of so many values
    there is a second input.
    """
    code = keras.Input((code_size,) if positions is None else (positions, code_size), name="code")
    inputs, x = _labels.with_code(code, label)
    x = x if positions is None else layers.Flatten(name="flatten_code")(x)
    last = "linear" if logits else output_activation
    outward = [(f"decode_{i}", n, activation) for i, n in enumerate(reversed(hidden), start=1)]
    outward.append(("pixels", math.prod(shape), last))
    sources = ["code", *(f"encode_{i}" for i in range(len(hidden), 0, -1))]
    full = full_precision()
    for (name, units, function), source in zip(outward, sources, strict=True):
        dtype = full if name == "pixels" else None
        if tied:
            x = TransposedDense(units, source, activation=function, name=name, dtype=dtype)(x)
        else:
            x = layers.Dense(units, activation=function, name=name, dtype=dtype)(x)
    if not logits:
        x = layers.Reshape(shape, name="reconstruction", dtype=full)(x)  # (B, H, W, C)
        return keras.Model(inputs, x, name="decoder")
    x = layers.Reshape(shape, name="logits", dtype=full)(x)
    pixels = layers.Activation("sigmoid", name="reconstruction", dtype=full)(x)
    return keras.Model(inputs, [pixels, x], name="decoder")


def autoencoder(
    name: str,
    *,
    input_shape: Sequence[int],
    code_size: int,
    hidden: Sequence[int],
    activation: str,
    loss: Loss,
    learning_rate: float,
    between: Iterable[keras.layers.Layer] = (),
    tied: bool = False,
    **encoder_options: Any,
) -> keras.Model:
    """Check the shared hyperparameters and build the compiled model."""
    shape = _arguments.input_shape(input_shape)
    code_size = _arguments.positive_int("code_size", code_size)
    hidden = _arguments.positive_ints("hidden", hidden)
    loss = _losses.check_loss(loss)
    output_activation = _losses.output_activation(loss)
    tied = _arguments.boolean("tied", tied)
    return assemble(
        name,
        encoder(shape, code_size, hidden, activation, **encoder_options),
        decoder(shape, code_size, hidden, activation, output_activation, tied=tied),
        between=between,
        tied=tied,
        loss=loss,
        learning_rate=learning_rate,
    )


def assemble(
    name: str,
    encoder: keras.Model,
    decoder: keras.Model,
    *,
    between: Iterable[keras.layers.Layer] = (),
    tied: bool = False,
    loss: Loss,
    learning_rate: float,
) -> keras.Model:
    """Chain encoder, layers between, and decoder, and compile with Adam."""
    learning_rate = _arguments.number("learning_rate", learning_rate, low=0.0)
    image = keras.Input(encoder.input_shape[1:], name="image")
    x = encoder(image)
    for layer in between:
        x = layer(x)
    model = (TiedAutoencoder if tied else Autoencoder)(image, decoder(x), name=name)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=loss)
    return model
