"""Labels as the vectors that conditional models take, and such models with their label fixed.

A vector is one-hot for a class, or has the values of attributes; zeros say nothing.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae_export.images import check_numbers

__all__ = [
    "BESIDE_IMAGE",
    "BESIDE_VALUES",
    "CHANNEL",
    "CONDITION",
    "LABEL",
    "PLANE",
    "at_label",
    "condition_of",
    "label_vectors",
]

LABEL = "label"
"""Name of the second input of a conditional model, and of its encoder and decoder."""

CONDITION = "condition"
"""Name of the layer behind that input, which knows what labels are."""

PLANE, CHANNEL = "label_plane", "label_channel"
"""Names of the layers that make a channel of an image of it."""

BESIDE_IMAGE, BESIDE_VALUES = "image_and_label", "values_and_label"
"""Names of the layers that put it beside the image, or beside a row or a code."""

_MISSING = -1


def condition_of(model: Any) -> Any | None:
    """The layer of a model that knows its labels; None if the model takes none."""
    for layer in getattr(model, "layers", ()):
        if layer.name == CONDITION and hasattr(layer, "dropout"):
            return layer
    return None


def label_vectors(
    argument: str, labels: ArrayLike | None, condition: Any, count: int
) -> NDArray[np.float32]:
    """Labels as vectors (count, size) for a layer `Condition`.

    Args:
        argument: Name of the labels, for messages.
        labels: Of classes: one integer for all, integers (count,), where -1 stands for a missing
            label, or vectors (count, classes). Of attributes: (attributes,) for all or
            (count, attributes), where NaN is missing. None: all are missing.
        condition: The layer of the model.
        count: How many there must be.

    Raises:
        ValueError: If they are others.
    """
    size = condition.size
    if labels is None:
        return np.zeros((count, size), np.float32)
    given = _arguments.array(argument, labels)
    if condition.classes is not None and given.ndim <= 1:
        return _one_hot(argument, given, size, count)
    values = check_numbers(argument, labels)
    if condition.attributes is not None and values.shape == (size,):
        values = np.repeat(values[None], count, axis=0)
    kind = "attributes" if condition.classes is None else "classes"
    if values.shape != (count, size):
        ways = f"({size},) or ({count}, {size})"
        if condition.classes is not None:
            ways = f"integers below {size}, one or {count} of them, or vectors ({count}, {size})"
        raise ValueError(
            f"`{argument}` must be {ways}, for the {size} {kind} of the model. "
            f"Received: {given.dtype} of shape {given.shape}"
        )
    missing = np.isnan(values)
    if np.isinf(values).any() or (missing.any() and condition.classes is not None):
        raise ValueError(f"`{argument}` must be finite numbers. Received: NaN or infinity")
    return np.where(missing, 0.0, values).astype(np.float32)


def at_label(model: keras.Model, label: ArrayLike | None) -> keras.Model:
    """Fix the label of a conditional autoencoder.

    What is left is a variational autoencoder of one input, of the images of this label, which
    all that takes such a model takes: `evaluation.elbo`, `samplers.interpolate`, `traverse` and
    `manifold`, and `export_bundle`, for a bundle whose senders and receivers agree on the label.

    Args:
        model: A model of `build_conditional`.
        label: A class, a vector (classes,) or (attributes,), or None for a label that is missing.

    Returns:
        A model that shares its weights with `model`, with nested models `encoder` and `decoder`
        of one input. It is for inference, and is not compiled.

    Raises:
        ValueError: If the model is not conditional, or the label does not fit.

    Example:
        >>> import kerasae
        >>> model = kerasae.build_conditional(classes=10, input_shape=(8, 8, 1), code_size=2)
        >>> three = at_label(model, 3)
        >>> kerasae.samplers.manifold(three, size=3).shape
        (3, 3, 8, 8, 1)
    """
    condition = condition_of(model)
    names = {layer.name for layer in getattr(model, "layers", ())}
    if condition is None or not {"encoder", "decoder"} <= names:
        raise ValueError(
            "`model` must be a conditional autoencoder, as `build_conditional` makes. "
            f"Received: model={getattr(model, 'name', type(model).__name__)!r}"
        )
    if condition.classes is not None and isinstance(label, (list, tuple)):
        label = [label]
    elif getattr(label, "ndim", 0) == 1:
        label = label[None]  # type: ignore[index, call-overload]
    vector = label_vectors("label", label, condition, 1)
    encoder = _fixed(model.get_layer("encoder"), vector)
    decoder = _fixed(model.get_layer("decoder"), vector)
    image = keras.Input(encoder.input_shape[1:], name="image")
    mean, log_variance = encoder(image)
    outputs = decoder(model.get_layer("sampling")(mean, log_variance))
    parameters = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    bound = model.get_layer("bound")
    known = [mean, log_variance, model.get_layer("sampling")(mean, log_variance)]
    return keras.Model(image, bound(image, *known, *parameters), name=model.name)


def _one_hot(argument: str, given: NDArray[Any], size: int, count: int) -> NDArray[np.float32]:
    whole = given.dtype.kind in "iu"
    if not whole or given.shape not in ((), (count,)):
        raise ValueError(
            f"`{argument}` must be integers from 0 to {size - 1}, or {_MISSING} where the label is "
            f"missing: one for all, or {count}. Received: {given.dtype} of shape {given.shape}"
        )
    classes = np.broadcast_to(given.astype(np.int64), (count,))
    wrong = classes[(classes < _MISSING) | (classes >= size)]
    if wrong.size:
        raise ValueError(
            f"`{argument}` must be below the {size} classes of the model, or {_MISSING} where the "
            f"label is missing. Received: {np.unique(wrong).tolist()!r:.60}"
        )
    vectors = np.zeros((count, size), np.float32)
    known = classes >= 0
    vectors[known, classes[known]] = 1.0
    return vectors


def _fixed(half: keras.Model, vector: NDArray[Any]) -> keras.Model:
    """An encoder or a decoder that is always told the same label, of the same layers."""

    def call(layer: Any, *args: Any, **options: Any) -> Any:
        if layer.name in (BESIDE_IMAGE, BESIDE_VALUES):
            values = args[0][0]
            # A row of the batch gives the label its number of rows; its value goes away.
            row = ops.reshape(ops.zeros_like(values), (-1, math.prod(values.shape[1:])))[:, :1]
            label = row + vector
            if layer.name == BESIDE_IMAGE:
                label = half.get_layer(CHANNEL)(half.get_layer(PLANE)(label))
            args = ([values, label],)
        return layer(*args, **options)

    copy = keras.models.clone_model(half, clone_function=lambda layer: layer, call_function=call)
    outputs = copy.outputs if len(copy.outputs) > 1 else copy.outputs[0]
    return keras.Model(copy.inputs[0], outputs, name=half.name)
