"""What a Keras model is: any kind of it as a functional model, decided here for both packages.

`functional` opens a `Sequential` or a subclassed model whose input is known; `stock_model` also
replaces custom layers by their stock twins; `autoencoder` finds encoder and decoder in a model,
or joins a pair; `in_unit_range` brings one of pixels from 0 to 255 to images in [0, 1]. Weights
are shared, nothing is copied. Needs Keras, on any backend.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

__all__ = [
    "AnyModel",
    "autoencoder",
    "functional",
    "in_unit_range",
    "operations",
    "stock_model",
    "takes_levels",
]

AnyModel: TypeAlias = keras.Model | Sequence[keras.Model]
"""A model with an encoder and a decoder, or the two of them as a pair."""

_FREE_SIDE = 16  # of an input of free height and width, when two models are compared
_IDENTITIES = (  # at inference
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
)
_LEAST_SCALE = 0.1  # a smaller factor of a first layer is for pixels from 0 to 255
_WHITE = 255.0
_BEYOND_UNIT = 4.0  # no image in [0, 1] is rebuilt with such a value
_SAME = 1e-4  # of the range: how far float32 in another order may differ


def functional(model: keras.Model, argument: str = "model") -> keras.Model:
    """Return a model as a functional one of the same layers.

    A functional model is returned as it is. A `Sequential` must have been built, by a
    `keras.Input` or a first call. A subclassed model must have been called or fitted once, and its
    `call` must be made of Keras layers and `keras.ops`; it is taken as it is at inference.

    Args:
        model: Any Keras model.
        argument: Its name, for messages.

    Raises:
        ValueError: If its input is not known, or it cannot be opened.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)], name="halves")
        >>> [layer.name for layer in functional(model).layers][1:] == [model.layers[0].name]
        True
    """
    if not isinstance(model, keras.Model):
        kind = type(model).__name__
        raise ValueError(f"`{argument}` must be a Keras model. Received: {argument} of type {kind}")
    if isinstance(model, keras.Sequential) and _calls_as_keras(model):
        return _of_sequential(model, argument)
    if isinstance(model, keras.Function) and _calls_as_keras(model):
        if _is_keras(type(model)):
            return model
        return keras.Model(model.input, model.output, name=model.name)
    return _of_subclassed(model, argument)


def stock_model(model: keras.Model, argument: str = "model") -> keras.Model:
    """Return a model as a functional one, its custom layers replaced by what `to_stock()` gives.

    So are those of the models nested in it. A functional model of stock layers is returned as it
    is; a custom layer without `to_stock()` stays.

    Args:
        model: Any Keras model; see `functional`.
        argument: Its name, for messages.

    Raises:
        ValueError: As of `functional`.
    """
    model = functional(model, argument)
    twins = {id(layer): _twin(layer, argument) for layer in model.layers}
    if all(twins[id(layer)] is layer for layer in model.layers):
        return model
    # The layers themselves, not copies, so that the weights stay shared.
    return keras.models.clone_model(model, clone_function=lambda layer: twins.get(id(layer), layer))


def autoencoder(model: AnyModel, argument: str = "model") -> keras.Model:
    """Return a functional model with nested models named `encoder` and `decoder`.

    Args:
        model: A model that nests such models under these names; one with two models as its
            attributes `encoder` and `decoder`, whether it has a `call` or not; or a pair. A
            decoder of one input takes the first output of the encoder.
        argument: Its name, for messages.

    Returns:
        A functional model with such nested models as it is; else a new one. What has no encoder
        and decoder is returned as a functional model.

    Raises:
        ValueError: If a pair does not fit together, or a model with these attributes gives
            something else than its decoder after its encoder. As of `functional`, too.
    """
    if isinstance(model, Sequence):
        if len(model) != 2 or not all(isinstance(half, keras.Model) for half in model):
            kinds = ", ".join(type(half).__name__ for half in model)
            raise ValueError(
                f"`{argument}` must be a Keras model, or a pair of them, (encoder, decoder). "
                f"Received: a sequence of {len(model)}: {kinds}"
            )
        return _joined(*model, name="autoencoder", argument=argument)
    names = {layer.name for layer in getattr(model, "layers", ())}
    halves = [getattr(model, name, None) for name in ("encoder", "decoder")]
    has_attributes = all(isinstance(half, keras.Model) for half in halves)
    is_graph = isinstance(model, (keras.Function, keras.Sequential)) and _calls_as_keras(model)
    if is_graph and ({"encoder", "decoder"} <= names or not has_attributes):
        # A subclass of Functional stays what it is: its class may say more than its graph.
        return model if isinstance(model, keras.Function) else functional(model, argument)
    if not has_attributes:
        return functional(model, argument)
    joined = _joined(*halves, name=model.name, argument=argument)
    if not _is_keras(_definer_of_call(model)) or is_graph:
        _check_same(model, joined, argument)
    return joined


def takes_levels(model: keras.Model) -> bool:
    """Whether a model takes pixels from 0 to 255, as its first layer tells, which scales them."""
    for layer in operations(model):
        if isinstance(layer, (keras.layers.InputLayer, *_IDENTITIES)):
            continue
        if isinstance(layer, keras.layers.Rescaling):
            return float(np.max(layer.scale)) < _LEAST_SCALE
        if isinstance(layer, keras.layers.Normalization) and not layer.invert:
            variance = float(np.max(keras.ops.convert_to_numpy(layer.variance)))
            return variance > 1 / _LEAST_SCALE**2
        break
    return False


def operations(model: keras.Model) -> Iterator[Any]:
    """The layers and operations of a functional model in their order, with those of nested ones."""
    graph = model if isinstance(model, keras.Function) else functional(model)
    for operation in graph.operations:
        if isinstance(operation, keras.Function):
            yield from operations(operation)
        elif isinstance(operation, keras.Model) and operation.built:
            yield from operations(functional(operation))
        else:
            yield operation


def in_unit_range(model: keras.Model, argument: str = "model") -> keras.Model:
    """Return an autoencoder for images in [0, 1], also if it was trained on pixels from 0 to 255.

    That it takes such pixels is seen by its first layer, as `takes_levels` does. Whether it gives
    them too is measured, since no layer needs to say it.

    Args:
        model: What `autoencoder` gave.
        argument: Its name, for messages.

    Returns:
        The model as it is, unless it takes pixels from 0 to 255.

    Raises:
        ValueError: If it takes such pixels, and more than an encoder and a decoder is to be kept.
    """
    if not takes_levels(model):
        return model
    layers = {layer.name: layer for layer in model.layers}
    kept = [x.name for x in model.layers if x.name == "stem" or hasattr(x, "encoder_tail")]
    if kept or not {"encoder", "decoder"} <= set(layers) or len(model.inputs) > 1:
        raise ValueError(
            f"`{argument}` must take images in [0, 1], or be an encoder and a decoder only. "
            f"Received: {argument}={model.name!r}, of pixels from 0 to 255"
            + (f", with a layer {kept[0]!r}" if kept else "")
        )
    encoder, decoder = layers["encoder"], layers["decoder"]
    image = keras.Input(encoder.inputs[0].shape[1:], name="image")
    pixels = keras.layers.Rescaling(_WHITE, name="to_pixels")(image)
    unit_encoder = keras.Model(image, encoder(pixels), name="encoder")
    shape = [2, *(side or _FREE_SIDE for side in image.shape[1:])]
    probe = (_WHITE * np.random.default_rng(0).random(shape)).astype(np.float32)
    rebuilt = keras.ops.convert_to_numpy(keras.tree.flatten(model(probe, training=False))[0])
    if np.abs(rebuilt).max() > _BEYOND_UNIT:
        code = [keras.Input(x.shape[1:], dtype=x.dtype) for x in decoder.inputs]
        given = keras.tree.flatten(decoder(keras.tree.pack_sequence_as(decoder.input, code)))[0]
        divided = keras.layers.Rescaling(1 / _WHITE, name="from_pixels")(given)
        decoder = keras.Model(code if len(code) > 1 else code[0], divided, name="decoder")
    return _joined(unit_encoder, decoder, name=model.name, argument=argument)


def _twin(layer: keras.Layer, argument: str) -> keras.Layer:
    if hasattr(layer, "to_stock"):
        stock = layer.to_stock()
        return stock_model(stock, argument) if isinstance(stock, keras.Model) else stock
    return stock_model(layer, argument) if isinstance(layer, keras.Model) else layer


def _is_keras(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "keras"


def _definer_of_call(model: keras.Model) -> type:
    return next(kind for kind in type(model).__mro__ if "call" in vars(kind))


def _calls_as_keras(model: keras.Model) -> bool:
    return _is_keras(_definer_of_call(model))


def _of_sequential(model: keras.Sequential, argument: str) -> keras.Model:
    try:
        (entry,) = model.inputs
    except (AttributeError, TypeError, ValueError):
        raise _unknown_input(model, argument) from None
    # A new input: that of a model built by its first call has the size of that batch.
    first = keras.Input(entry.shape[1:], dtype=entry.dtype, name=_input_name(entry))
    value = first
    for layer in model.layers:
        value = layer(value)
    return keras.Model(first, value, name=model.name)


def _of_subclassed(model: keras.Model, argument: str) -> keras.Model:
    shapes = (model.get_build_config() or {}).get("input_shape") if model.built else None
    if shapes is None:
        raise _unknown_input(model, argument)
    is_float = keras.backend.is_float_dtype(model.input_dtype)
    dtype = "float32" if is_float else model.input_dtype  # of mixed precision, too
    inputs = _inputs(shapes, dtype)
    parameters = inspect.signature(model.call).parameters.values()
    takes_training = any(p.name == "training" or p.kind is p.VAR_KEYWORD for p in parameters)
    try:
        outputs = model.call(inputs, **({"training": False} if takes_training else {}))
        opened = keras.Model(inputs, outputs, name=model.name)
    except Exception as error:
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise ValueError(
            f"`{argument}` must have a `call` of one argument, made of Keras layers and "
            f"`keras.ops`. Received: {argument}={model.name!r}, whose call says: "
            f"{type(error).__name__}: {said[:200].rstrip('.')}"
        ) from error
    _check_same(model, opened, argument)
    return opened


def _inputs(shapes: Any, dtype: str, name: str | None = None) -> Any:
    """An input for each shape, in the structure that the model takes."""
    if isinstance(shapes, dict):
        return {key: _inputs(shape, dtype, key) for key, shape in shapes.items()}
    if all(side is None or isinstance(side, int) for side in shapes):
        return keras.Input(tuple(shapes)[1:], dtype=dtype, name=name)
    return [_inputs(shape, dtype) for shape in shapes]


def _unknown_input(model: keras.Model, argument: str) -> ValueError:
    return ValueError(
        f"`{argument}` must have a known input: begin it with `keras.Input(shape)`, or call it "
        f"once on a batch. Received: {argument}={model.name!r}, which has not been built"
    )


def _input_name(entry: Any) -> str | None:
    return None if entry.name.startswith("keras_tensor") else entry.name


def _joined(encoder: keras.Model, decoder: keras.Model, *, name: str, argument: str) -> keras.Model:
    encoder, decoder = functional(encoder, argument), functional(decoder, argument)
    encoder, decoder = _named(encoder, "encoder"), _named(decoder, "decoder")
    codes = encoder.outputs[:1] if len(decoder.inputs) == 1 else encoder.outputs
    made = [tuple(code.shape[1:]) for code in codes]
    taken = [tuple(entry.shape[1:]) for entry in decoder.inputs]
    if len(made) != len(taken) or not all(map(_fits, made, taken)):
        raise ValueError(
            f"`{argument}` must hold a decoder that takes the code of its encoder. Received: codes "
            f"of shape {', '.join(map(str, made))} for inputs of {', '.join(map(str, taken))}"
        )
    first = [
        keras.Input(entry.shape[1:], dtype=entry.dtype, name=_input_name(entry))
        for entry in encoder.inputs
    ]
    values = keras.tree.flatten(encoder(keras.tree.pack_sequence_as(encoder.input, first)))
    values = values[: len(taken)]
    outputs = decoder(keras.tree.pack_sequence_as(decoder.input, values))
    return keras.Model(first if len(first) > 1 else first[0], outputs, name=name)


def _named(model: keras.Model, name: str) -> keras.Model:
    return model if model.name == name else keras.Model(model.input, model.output, name=name)


def _fits(made: tuple[int | None, ...], taken: tuple[int | None, ...]) -> bool:
    return len(made) == len(taken) and all(
        a == b or None in (a, b) for a, b in zip(made, taken, strict=True)
    )


def _check_same(model: keras.Model, opened: keras.Model, argument: str) -> None:
    """Refuse a model that computes something else than its layers, one that draws, say."""
    rng = np.random.default_rng(0)
    values = [
        rng.random([2, *(side or _FREE_SIDE for side in entry.shape[1:])]).astype(entry.dtype)
        for entry in opened.inputs
    ]
    given = keras.tree.pack_sequence_as(opened.input, values)
    expected = keras.tree.flatten(model(given, training=False))
    found = keras.tree.flatten(opened(given, training=False))
    for one, other in zip(expected, found, strict=False):
        a, b = (keras.ops.convert_to_numpy(value).astype(float) for value in (one, other))
        if a.shape != b.shape or np.abs(a - b).max() > _SAME * max(np.abs(a).max(), 1.0):
            raise ValueError(
                f"`{argument}` must give at inference what its layers give, its decoder after its "
                "encoder, and draw nothing; give the pair `(encoder, decoder)` of another, each "
                f"with what belongs to it. Received: {argument}={model.name!r}, which gives "
                "something else"
            )
