"""The encoder and the decoder of a model, as models of their own that can be deployed.

A kerasae model nests models named `encoder` and `decoder`, and may have layers around and
between them. Those that matter at inference say so by duck typing, so that this module
needs no kerasae:

- a nested model named `stem` in front of the encoder belongs to the encoder;
- a layer between the two that is not the identity at inference gives the stock models of
  its two halves as `encoder_tail()` and `decoder_head()`, or one of them; if it rounds the
  code, `code_step` is the distance between two values; if it makes indices of it,
  `codebook_size` is how many there are, and if it makes several at each position, on a last axis,
  `codebooks` is how many it makes;
- a custom layer inside a nested model gives a stock layer that does the same at inference
  as `to_stock()`, or a functional model of stock layers;
- the first output of each nested model is the code or the reconstruction; what else it has,
  such as a variance, serves training and is left out, unless the decoder takes it;
- an input named `label` of both is what a conditional model is told beside the image, or the code.

Every other layer is the identity at inference and is left out.

Any other model will do whose encoder and decoder can be told: `kerasae_export.functional` says how.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae_export.functional import AnyModel, autoencoder, stock_model

__all__ = [
    "LABEL",
    "code_step",
    "codebook_size",
    "codebooks",
    "decoder",
    "encoder",
    "evenly",
    "inference_model",
    "predict",
    "predict_all",
    "takes_label",
    "without_label",
]

LABEL = "label"
"""Name of the input of a conditional model that is no image and no code."""


def encoder(model: AnyModel, *, tail: bool = True) -> keras.Model:
    """Return `[stem] -> encoder -> [tail]`: images to codes, in stock layers only.

    Args:
        model: A model with nested models named `encoder` and `decoder`, or with attributes of
            these names, `Sequential` or subclassed ones too; or the pair of them.
        tail: Whether to include the tail, which rounds the code or makes indices of it.

    Returns:
        A model that shares its weights with `model`. Its output is the code, or where the
        decoder takes all outputs of the encoder, the first of them is. Of a conditional model it
        has a second input, the label.

    Raises:
        ValueError: If `model` has no nested model named `encoder`, or is not what its layers say,
            or `tail` is neither True nor False.

    Example:
        >>> import kerasae
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
        >>> encoder(model).output_shape
        (None, 4)
    """
    if not isinstance(tail, (bool, np.bool_)):
        raise ValueError(f"`tail` must be True or False. Received: tail={tail!r}")
    model = autoencoder(model)
    nested = _nested(model, "encoder")
    tails = [
        layer.encoder_tail() for layer in model.layers if tail and hasattr(layer, "encoder_tail")
    ]
    stems = [layer for layer in model.layers if layer.name == "stem"]
    if len(_codes(_nested(model, "decoder"))) == 1:
        nested = _first_output(nested)
    return _chain([*stems, nested, *tails], "encoder")


def decoder(model: AnyModel) -> keras.Model:
    """Return `[head] -> decoder`: codes to reconstructions, in stock layers only.

    Args:
        model: As of `encoder`.

    Returns:
        A model that shares its weights with `model`, except tied ones, of which it holds a copy.
        Its output is the reconstruction.

    Raises:
        ValueError: If `model` has no nested model named `decoder`.

    Example:
        >>> import kerasae
        >>> model = kerasae.build_variational(input_shape=(8, 8, 1), code_size=4)
        >>> decoder(model).output_shape
        (None, 8, 8, 1)
    """
    model = autoencoder(model)
    nested = _first_output(_nested(model, "decoder"))
    heads = [layer.decoder_head() for layer in model.layers if hasattr(layer, "decoder_head")]
    return _chain([*heads, nested], "decoder")


def inference_model(model: AnyModel) -> keras.Model:
    """Return `encoder(model) -> decoder(model)` as one model, in stock layers only.

    This is the model to convert where encoder and decoder are of no use alone: for a decoder with
    skip connections, or a device that only needs the result.

    Args:
        model: As of `encoder`.

    Returns:
        A model that shares its weights with `model`, except tied ones, and gives the same
        outputs at inference.

    Raises:
        ValueError: If `model` has no nested models of these names.

    Example:
        >>> import kerasae
        >>> model = kerasae.build_denoising(input_shape=(8, 8, 1), code_size=4)
        >>> [layer.name for layer in inference_model(model).layers]
        ['image', 'encoder', 'decoder']
    """
    model = autoencoder(model)
    encode, decode = encoder(model), decoder(model)
    if len(_codes(decode)) == len(decode.inputs):
        return _chain([encode, decode], model.name)
    inputs = [keras.Input(batch_shape=t.shape, dtype=t.dtype, name=t.name) for t in encode.inputs]
    label = inputs[-1]
    return keras.Model(inputs, decode([encode(inputs), label]), name=model.name)


def takes_label(model: keras.Model) -> bool:
    """Whether the encoder of a functional model has an input named `label`."""
    return any(entry.name == LABEL for entry in encoder(model).inputs)


def without_label(model: keras.Model) -> keras.Model:
    """A conditional model whose label is always missing, which zeros stand for.

    Args:
        model: A functional model with nested models `encoder` and `decoder`.

    Returns:
        A model of the image alone, which shares its weights with `model`; or one that takes no
        label, as it is.
    """
    if not takes_label(model):
        return model
    joined = autoencoder((_unlabelled(encoder(model)), _unlabelled(decoder(model))))
    return keras.Model(joined.input, joined.output, name=model.name)


def code_step(model: keras.Model) -> float | None:
    """The distance between two values of a code that the model itself rounds, else None."""
    steps = [layer.code_step for layer in model.layers if hasattr(layer, "code_step")]
    return float(steps[0]) if steps else None


def codebook_size(model: keras.Model) -> int:
    """The size of the codebook that the code of a model indexes; 0 for a code of values."""
    sizes = [layer.codebook_size for layer in model.layers if hasattr(layer, "codebook_size")]
    return int(sizes[0]) if sizes else 0


def codebooks(model: keras.Model) -> int:
    """How many indices a position of the code has; if more than one, they have a last axis."""
    counts = [getattr(x, "codebooks", 1) for x in model.layers if hasattr(x, "codebook_size")]
    return int(counts[0]) if counts else 1


def evenly(values: Any, count: int) -> Any:
    """At most `count` of the values, evenly spaced: sets are often sorted by class.

    Of a stream, which has a method `sample`, as many that a fixed seed chooses.
    """
    if hasattr(values, "sample"):
        return values.sample(count)
    if len(values) <= count:
        return values
    return values[np.linspace(0, len(values) - 1, count).astype(int)]


def predict(model: keras.Model, values: NDArray[Any], *, batch_size: int = 64) -> NDArray[Any]:
    """The first output of a model of one input at inference, batch by batch, on any backend."""
    return predict_all(model, [values], batch_size=batch_size)[0]


def predict_all(
    model: keras.Model, inputs: Sequence[NDArray[Any]], *, batch_size: int = 64
) -> list[NDArray[Any]]:
    """All outputs of a model at inference, from an array for each of its inputs.

    `Model.predict` would trace a function for each of the many models that an export
    makes, and TensorFlow would warn about it.
    """
    batches = []
    for first in range(0, len(inputs[0]), batch_size):
        batch = [
            np.asarray(values[first : first + batch_size], entry.dtype)
            for values, entry in zip(inputs, model.inputs, strict=True)
        ]
        # Models may take a dictionary, whose values Keras keeps in the order of `inputs`.
        outputs = model(keras.tree.pack_sequence_as(model.input, batch), training=False)
        batches.append([keras.ops.convert_to_numpy(x) for x in keras.tree.flatten(outputs)])
    return [np.concatenate(pieces) for pieces in zip(*batches, strict=True)]


def _nested(model: keras.Model, name: str) -> keras.Model:
    for layer in getattr(model, "layers", ()):
        if layer.name == name and isinstance(layer, keras.Model):
            return stock_model(layer)
    raise ValueError(
        f"`model` must hold a nested model named {name!r}, as every kerasae model does, or be a "
        f"pair (encoder, decoder). Received: model={getattr(model, 'name', model)!r}"
    )


def _codes(decoder: keras.Model) -> list[Any]:
    """The inputs of a decoder without the label of a conditional one."""
    return [entry for entry in decoder.inputs if entry.name != LABEL]


def _unlabelled(half: keras.Model) -> keras.Model:
    (label,) = (entry for entry in half.inputs if entry.name == LABEL)
    (other,) = (entry for entry in half.inputs if entry.name != LABEL)
    first = keras.Input(other.shape[1:], dtype=other.dtype, name=other.name)
    # A row of the batch gives the label its number of rows; its value goes away.
    row = keras.ops.reshape(keras.ops.zeros_like(first), (-1, math.prod(other.shape[1:])))[:, :1]
    missing = row + np.zeros((1, label.shape[1]), np.float32)
    given = [missing if entry is label else first for entry in half.inputs]
    value = half(keras.tree.pack_sequence_as(half.input, given))
    return keras.Model(first, value, name=half.name)


def _first_output(nested: keras.Model) -> keras.Model:
    """The model without the layers that only its other outputs need."""
    if len(nested.outputs) == 1:
        return nested
    return keras.Model(nested.input, nested.outputs[0], name=nested.name)


def _chain(models: list[keras.Model], name: str) -> keras.Model:
    if len(models) == 1:
        return models[0]
    inputs = [
        keras.Input(batch_shape=t.shape, dtype=t.dtype, name=t.name) for t in models[0].inputs
    ]
    first = inputs if len(inputs) > 1 else inputs[0]
    value = first
    for part in models:
        value = part(value)
    return keras.Model(first, value, name=name)
