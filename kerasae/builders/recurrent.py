"""The sequence autoencoder: a whole sequence through one code of fixed size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import layers

from kerasae import _arguments
from kerasae.builders import _losses
from kerasae.builders._losses import Loss
from kerasae.layers import GRU, LSTM, full_precision
from kerasae.models import Autoencoder

__all__ = ["build_recurrent"]

CELLS = ("lstm", "gru", "conv1d")
_KERNEL = 5  # steps that a convolution sees


def build_recurrent(
    *,
    input_shape: Sequence[int] = (32, 27),
    code_size: int = 32,
    hidden: Sequence[int] = (128,),
    activation: str | None = None,
    loss: Loss = "mse",
    cell: Literal["lstm", "gru", "conv1d"] = "lstm",
    learning_rate: float = 1e-3,
) -> keras.Model:
    """Build an autoencoder of sequences of a fixed length, with one code for the whole sequence.

    The encoder `h_t = cell(x_t, h_(t+1))` reads the sequence from its end to its beginning, and
    the code is a linear map of the last state, `c = W h_1 + b`. The decoder gets the code at
    each step and nothing else, `s_t = cell(c, s_(t-1))`, and each step of the reconstruction
    is a map of its state. It is never fed true values of the steps before (no teacher
    forcing), in training as at inference, so all that it knows is in the code (Srivastava,
    Mansimov & Salakhutdinov 2015, Unsupervised Learning of Video Representations using LSTMs,
    the unconditioned decoder; they too reverse one side, so that the decoder begins with what
    the encoder saw last). With `cell="conv1d"` convolutions of stride 2 take the place of the
    cells: they are quicker to train and to run, and cannot count steps across a long gap.

    Args:
        input_shape: (length, features) of a sequence.
        code_size: Number of values in the code.
        hidden: Units of each recurrent layer, or filters of each convolution, of the encoder; the
            decoder mirrors it.
        activation: Activation of the layers; None is `"tanh"` for cells and `"relu"` for
            convolutions. The code is linear.
        loss: `"mse"`, with linear outputs, for series; `"binary_crossentropy"`, with sigmoid
            outputs, for piano rolls, where several features may be 1 at a step; or
            `"categorical_crossentropy"`, with a softmax over features, for symbols that are
            one-hot at each step. The first two are means over steps and features, the last is
            the mean over steps of nats per step.
            Any other loss of Keras does, by name, object or function; a function or class of your
            own must be registered with Keras. Its outputs are a softmax if it
            takes classes, a sigmoid if it takes probabilities or
            has an attribute `unit_range`, else linear.
        cell: `"lstm"` (Hochreiter & Schmidhuber 1997), `"gru"` (Cho et al. 2014) or `"conv1d"`.
        learning_rate: Step size of Adam.

    Returns:
        A compiled model, float32 (batch, length, features) to the same shape. Its nested models
        are `encoder`, sequence to code (batch, code_size), and `decoder`, code to sequence.
        `kerasae.encoder` and `kerasae.decoder` give them with the recurrent layers unrolled, as
        int8 needs them.

    Raises:
        ValueError: If a hyperparameter breaks its rule.

    Example:
        >>> model = build_recurrent(input_shape=(16, 3), code_size=8, hidden=(24,), cell="gru")
        >>> model.get_layer("encoder").output_shape
        (None, 8)
    """
    shape = _shape(input_shape)
    code_size = _arguments.positive_int("code_size", code_size)
    hidden = _arguments.positive_ints("hidden", hidden)
    if not hidden:
        raise ValueError("`hidden` must name the units of at least one layer. Received: hidden=()")
    loss = _losses.check_loss(loss)
    output = _losses.output_activation(loss)
    convolutional = _arguments.one_of("cell", cell, CELLS) == "conv1d"
    if activation is None:
        activation = "relu" if convolutional else "tanh"
    activation = _arguments.activation("activation", activation)
    learning_rate = _arguments.number("learning_rate", learning_rate, low=0.0)

    sequence = keras.Input(shape, name="sequence")
    code = keras.Input((code_size,), name="code")
    if convolutional:
        state = _convolutions(sequence, hidden, activation)
        states = _transposed(code, shape[0], hidden, activation)
    else:
        state = _recurrent(sequence, hidden, activation, cell)
        states = layers.RepeatVector(shape[0], name="repeat")(code)  # (B, length, code_size)
        for i, units in enumerate(reversed(hidden), start=1):
            states = _cell(cell, units, activation, f"decode_{i}", return_sequences=True)(states)
    encoder = keras.Model(sequence, layers.Dense(code_size, name="code")(state), name="encoder")
    # Dense maps each step by itself, with far fewer operations than TimeDistributed.
    final = layers.Dense(shape[1], activation=output, name="steps", dtype=full_precision())
    decoder = keras.Model(code, final(states), name="decoder")

    entry = keras.Input(shape, name="sequence")
    model = Autoencoder(entry, decoder(encoder(entry)), name="recurrent")
    metrics = ["accuracy"] if output == "softmax" else None
    model.compile(keras.optimizers.Adam(learning_rate), loss=loss, metrics=metrics)
    return model


def _recurrent(x: Any, hidden: Sequence[int], activation: str, cell: str) -> Any:
    """The last state, (B, units), of cells on top of each other."""
    for i, units in enumerate(hidden, start=1):
        x = _cell(
            cell,
            units,
            activation,
            f"encode_{i}",
            return_sequences=i < len(hidden),
            go_backwards=i == 1,  # its outputs are reversed already, for the layers above
        )(x)
    return x


def _cell(cell: str, units: int, activation: str, name: str, **options: Any) -> keras.layers.Layer:
    kind = {"lstm": LSTM, "gru": GRU}[cell]
    return kind(units, activation=activation, name=name, **options)


def _convolutions(x: Any, hidden: Sequence[int], activation: str) -> Any:
    """All positions of the last of some convolutions of stride 2, as one vector."""
    for i, filters in enumerate(hidden, start=1):
        x = layers.Conv1D(
            filters, _KERNEL, 2, padding="same", activation=activation, name=f"encode_{i}"
        )(x)
    return layers.Flatten(name="flatten")(x)


def _transposed(code: Any, length: int, hidden: Sequence[int], activation: str) -> Any:
    """The mirror of `_convolutions`, (B, length, filters)."""
    positions = math.ceil(length / 2 ** len(hidden))
    x = layers.Dense(positions * hidden[-1], activation=activation, name="decode_1")(code)
    x = layers.Reshape((positions, hidden[-1]), name="positions")(x)
    for i, filters in enumerate([*reversed(hidden[:-1]), hidden[0]], start=2):
        x = layers.Conv1DTranspose(
            filters, _KERNEL, 2, padding="same", activation=activation, name=f"decode_{i}"
        )(x)
    surplus = x.shape[1] - length
    return layers.Cropping1D((0, surplus), name="crop")(x) if surplus else x


def _shape(value: Any) -> tuple[int, int]:
    """Return `input_shape` as (length, features)."""
    try:
        length, features = _arguments.positive_ints("input_shape", value, length=2)
    except ValueError:
        raise ValueError(
            "`input_shape` must be (length, features), two positive integers. "
            f"Received: input_shape={value!r}"
        ) from None
    return length, features
