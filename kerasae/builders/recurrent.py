"""The sequence autoencoder: a whole sequence through one code of fixed size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import layers, ops

from kerasae import _arguments
from kerasae._padding import PADDING
from kerasae.builders import _losses
from kerasae.builders._losses import Loss
from kerasae.layers import GRU, LSTM, full_precision
from kerasae.losses.padding import PaddedLoss, padded_accuracy
from kerasae.models import Autoencoder

__all__ = ["build_recurrent", "fixed_length"]

CELLS = ("lstm", "gru", "conv1d")
_KERNEL = 5  # steps that a convolution sees


def build_recurrent(
    *,
    input_shape: Sequence[int | None] = (32, 27),
    code_size: int = 32,
    hidden: Sequence[int] = (128,),
    activation: str | None = None,
    loss: Loss = "mse",
    cell: Literal["lstm", "gru", "conv1d"] = "lstm",
    learning_rate: float = 1e-3,
) -> keras.Model:
    """Build an autoencoder of sequences, with one code for the whole sequence.

    The encoder `h_t = cell(x_t, h_(t+1))` reads the sequence from its end to its beginning, and
    the code is a linear map of the last state, `c = W h_1 + b`. The decoder gets the code at
    each step and nothing else, `s_t = cell(c, s_(t-1))`, and each step of the reconstruction
    is a map of its state. It is never fed true values of the steps before (no teacher
    forcing), in training as at inference, so all that it knows is in the code (Srivastava,
    Mansimov & Salakhutdinov 2015, Unsupervised Learning of Video Representations using LSTMs,
    the unconditioned decoder; they too reverse one side, so that the decoder begins with what
    the encoder saw last). With `cell="conv1d"` convolutions of stride 2 take the place of the
    cells: they are quicker to train and to run, and cannot count steps across a long gap.

    **Several lengths**: with `input_shape=(None, features)` the model takes sequences of any
    length, those of a batch padded behind their end with `kerasae.PADDING` in all features, which
    `keras.layers.Masking` knows. `train` pads by itself: it takes a list of arrays. Cells step over
    padding, the decoder makes as many steps as the encoder saw, and padding comes out as padding.
    The loss is that of each sequence alone, the mean over its own steps, and of a batch the mean
    over its sequences: neither the padding nor the other sequences change it, or its gradient.
    `fixed_length` makes a model of one length with the same weights, which exports.

    Args:
        input_shape: (length, features) of a sequence; a length of None for any.
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
        are `encoder`, sequence to code (batch, code_size), and `decoder`, code to sequence. With a
        length of None a second output of the encoder, and input of the decoder, is 1 at each step
        of the sequence and 0 at padding, (batch, length). `kerasae.encoder` and `kerasae.decoder`
        give them with the recurrent layers unrolled, as int8 needs them.

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
    if shape[0] is None and convolutional:
        raise ValueError(
            "`cell` must be 'lstm' or 'gru' for sequences of several lengths; convolutions make a "
            f"code of a fixed length. Received: cell='conv1d', input_shape={shape}"
        )
    if activation is None:
        activation = "relu" if convolutional else "tanh"
    activation = _arguments.activation("activation", activation)
    learning_rate = _arguments.number("learning_rate", learning_rate, low=0.0)

    # Dense maps each step by itself, with far fewer operations than TimeDistributed.
    final = layers.Dense(shape[1], activation=output, name="steps", dtype=full_precision())
    metrics: list[Any] | None = ["accuracy"] if output == "softmax" else None
    sequence = keras.Input(shape, name="sequence")
    code = keras.Input((code_size,), name="code")
    if shape[0] is None:
        encoder = _encoder_of_any(sequence, code_size, hidden, activation, cell)
        decoder = _decoder_of_any(code, hidden, activation, cell, final)
        entry = keras.Input(shape, name="sequence")
        model = Autoencoder(entry, decoder(encoder(entry)), name="recurrent")
        if metrics is not None:
            metrics = [keras.metrics.MeanMetricWrapper(padded_accuracy, name="accuracy")]
        model.compile(keras.optimizers.Adam(learning_rate), loss=PaddedLoss(loss), metrics=metrics)
        return model
    if convolutional:
        state = _convolutions(sequence, hidden, activation)
        states = _transposed(code, shape[0], hidden, activation)
    else:
        state = _recurrent(sequence, hidden, activation, cell)
        states = layers.RepeatVector(shape[0], name="repeat")(code)  # (B, length, code_size)
        for i, units in enumerate(reversed(hidden), start=1):
            states = _cell(cell, units, activation, f"decode_{i}", return_sequences=True)(states)
    encoder = keras.Model(sequence, layers.Dense(code_size, name="code")(state), name="encoder")
    decoder = keras.Model(code, final(states), name="decoder")

    entry = keras.Input(shape, name="sequence")
    model = Autoencoder(entry, decoder(encoder(entry)), name="recurrent")
    model.compile(keras.optimizers.Adam(learning_rate), loss=loss, metrics=metrics)
    return model


def fixed_length(model: keras.Model, length: int) -> keras.Model:
    """Make a model of sequences of one length of one that takes any, with the same weights.

    It gives what the other gives for sequences of that length, its code is the only output of its
    encoder, and it converts to TF Lite, in int8 up to 64 steps. For several lengths convert one for
    each bucket: a shorter sequence, padded, has another code there, since it does not know padding.

    Args:
        model: Of `build_recurrent(input_shape=(None, features))`.
        length: Steps of a sequence.

    Returns:
        A compiled model, as of `build_recurrent(input_shape=(length, features))`, with weights of
        its own.

    Raises:
        ValueError: If the model is of another kind.

    Example:
        >>> model = build_recurrent(input_shape=(None, 3), code_size=4, hidden=(8,))
        >>> fixed_length(model, 20).output_shape
        (None, 20, 3)
    """
    length = _arguments.positive_int("length", length)
    loss = getattr(model, "loss", None)
    if not isinstance(loss, PaddedLoss) or model.input_shape[1:-1] != (None,):
        raise ValueError(
            "`model` must be one of `build_recurrent(input_shape=(None, features))`, compiled. "
            f"Received: model={getattr(model, 'name', model)!r}"
        )
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    cells = [layer for layer in encoder.layers if layer.name.startswith("encode_")]
    fixed = build_recurrent(
        input_shape=(length, model.input_shape[-1]),
        code_size=encoder.get_layer("code").units,
        hidden=[layer.units for layer in cells],
        activation=cells[0].activation,
        loss=loss.loss,
        cell="lstm" if isinstance(cells[0], LSTM) else "gru",
    )
    fixed.get_layer("encoder").set_weights(encoder.get_weights())
    fixed.get_layer("decoder").set_weights(decoder.get_weights())
    return fixed


def _encoder_of_any(
    sequence: Any, code_size: int, hidden: Sequence[int], activation: Any, cell: str
) -> keras.Model:
    """Padded sequences to their code, and 1 for each of their steps."""
    real = ops.any(ops.not_equal(sequence, PADDING), axis=-1)  # (B, length)
    x = layers.Masking(PADDING, name="masking")(sequence)
    for i, units in enumerate(hidden, start=1):
        several = i < len(hidden)
        name = f"encode_{i}"
        layer = _cell(cell, units, activation, name, return_sequences=several, go_backwards=True)
        x = layer(x, mask=real)
        if several:
            x = ops.flip(x, axis=1)  # back to the order of the mask
    code = layers.Dense(code_size, name="code")(x)
    return keras.Model(sequence, [code, ops.cast(real, full_precision())], name="encoder")


def _decoder_of_any(
    code: Any, hidden: Sequence[int], activation: Any, cell: str, final: keras.layers.Layer
) -> keras.Model:
    """A code and 1 for each step to a sequence with as much padding as was seen."""
    count = keras.Input((None,), dtype=full_precision(), name="steps_seen")
    x = ops.expand_dims(code, 1) * ops.cast(ops.expand_dims(count, -1), code.dtype)
    for i, units in enumerate(reversed(hidden), start=1):
        x = _cell(cell, units, activation, f"decode_{i}", return_sequences=True)(x)
    real = ops.expand_dims(count, -1) > 0.5
    return keras.Model([code, count], ops.where(real, final(x), PADDING), name="decoder")


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


def _shape(value: Any) -> tuple[int | None, int]:
    """Return `input_shape` as (length, features), the length None where any will do."""
    try:
        if isinstance(value, (list, tuple)) and len(value) == 2 and value[0] is None:
            (features,) = _arguments.positive_ints("input_shape", value[1:], length=1)
            return None, features
        length, features = _arguments.positive_ints("input_shape", value, length=2)
    except ValueError:
        raise ValueError(
            "`input_shape` must be (length, features), two positive integers, or None for a "
            f"length. Received: input_shape={value!r}"
        ) from None
    return length, features
