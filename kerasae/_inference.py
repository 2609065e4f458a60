"""Models at inference, NumPy in and out: what measures and samplers share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments, _conditions, _padding
from kerasae._columns import Column, check_rows
from kerasae_export import images as images_
from kerasae_export.functional import AnyModel, autoencoder, in_unit_range
from kerasae_export.images import fits as fits

Floats = NDArray[np.float32]

LARGEST_CODE = 1e9  # far beyond any code of a trained model; what layers make of it is finite

_BATCH = 128
_RANK_OF_SIGNALS = 3  # (batch, length, features)


def check_model(model: Any, argument: str = "model", *, conditional: bool = False) -> None:
    """Refuse what is no Keras model of one input; or, if it may, of one and a label."""
    entries = len(getattr(model, "inputs", None) or ())
    if conditional and _conditions.condition_of(model) is not None:
        entries -= 1
    if not isinstance(model, keras.Model) or entries != 1:
        raise _no_model(model, argument)


def prepared(model: AnyModel, argument: str = "model") -> keras.Model:
    """Return any model, or a pair, as a functional one of images in [0, 1]; one that is, itself."""
    if not isinstance(model, (keras.Model, list, tuple)):
        raise _no_model(model, argument)
    ready = in_unit_range(autoencoder(model, argument), argument)
    if len(ready.inputs) != 1:
        raise _no_model(model, argument)
    return ready


def _no_model(model: Any, argument: str) -> ValueError:
    if isinstance(model, keras.Model) and _conditions.condition_of(model) is not None:
        return ValueError(
            f"`{argument}` must be a model of one input; `kerasae.at_label(model, label)` fixes "
            f"the label of a conditional one. Received: {argument}={model.name!r}, of an image and "
            "a label"
        )
    return ValueError(
        f"`{argument}` must be a Keras model of one input whose shape is known. "
        f"Received: {argument}={getattr(model, 'name', model)!r}"
    )


def check_images(
    model: keras.Model,
    images: ArrayLike | images_.Sampled,
    argument: str = "images",
    *,
    named: str = "model",
) -> Floats:
    """Return `images` as float32 (n, height, width, channels) that the model, so named, takes."""
    ready = prepared(model, named)
    unit = images_.why_unit_range(model) or images_.why_unit_range(ready)
    return check_inputs(argument, images, ready, unit)


def check_inputs(
    argument: str, values: Any, model: keras.Model, unit: str | None, *, advice: str = ""
) -> Floats:
    """Return what a functional model takes: images, rows of a table, sequences of any length."""
    columns, shape = columns_of(model), tuple(model.inputs[0].shape[1:])
    if columns is not None:
        return check_rows(argument, values, columns)
    if takes_padding(model):
        return _padding.padded(argument, values, features=shape[1], unit=unit, advice=advice)
    return images_.check_images(
        argument, values, shape=shape, unit=unit, advice=advice, missing=takes_missing(model)
    )


def columns_of(model: keras.Model) -> tuple[Column, ...] | None:
    """The columns of the table whose rows a model takes, if it does."""
    for layer in getattr(model, "layers", ()):
        if hasattr(layer, "layout") and hasattr(layer, "columns"):
            return tuple(layer.columns)
    return None


def takes_missing(model: keras.Model) -> bool:
    """Whether NaN stands for what is missing in the inputs of a model; its stem knows it then."""
    return any(
        getattr(layer, "takes_missing", False)
        or (layer.name == "stem" and len(layer.input_shape) <= _RANK_OF_SIGNALS)
        or (isinstance(layer, keras.Model) and takes_missing(layer))
        for layer in getattr(model, "layers", ())
    )


def takes_padding(model: keras.Model) -> bool:
    """Whether a model takes sequences of several lengths, padded behind their end."""
    for layer in getattr(model, "layers", ()):
        if isinstance(layer, keras.Model) and takes_padding(layer):
            return True
        if isinstance(layer, keras.layers.Masking) and layer.mask_value == _padding.PADDING:
            return True
    return False


def check_image(model: keras.Model, image: ArrayLike, argument: str) -> Floats:
    """Return one image as float32 (height, width, channels) that the model takes."""
    wanted = tuple(prepared(model).input_shape[1:])
    given = _arguments.array(argument, image)
    if not fits(given.shape, wanted):
        raise ValueError(f"`{argument}` must be an image {wanted}. Received: shape {given.shape}")
    return check_images(model, given[None], argument)[0]


def nested(model: keras.Model, name: str, argument: str = "model") -> keras.Model:
    """Return the nested model of that name."""
    model = prepared(model, argument)
    for layer in getattr(model, "layers", ()):
        if layer.name == name and isinstance(layer, keras.Model):
            return layer
    raise ValueError(
        f"`{argument}` must hold a nested model named {name!r}, as every kerasae model does. "
        f"Received: {argument}={getattr(model, 'name', model)!r}"
    )


def bound(model: keras.Model) -> Any | None:
    """The layer of a variational model that knows its likelihood; None if it is not variational."""
    for layer in getattr(model, "layers", ()):
        if layer.name == "bound" and hasattr(layer, "log_likelihood"):
            return layer
    return None


def learns_labels(model: keras.Model) -> bool:
    """Whether the outputs are scores of classes, which may have the shape of an image."""
    return getattr(getattr(model, "loss", None), "target", "images") == "labels"


def code_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Shape of one code, the first output of the encoder."""
    return tuple(nested(model, "encoder").outputs[0].shape[1:])


def in_batches(images: Any) -> Iterator[Any]:
    """The batches of a stream in one pass; anything else as it is."""
    if hasattr(images, "batches"):
        yield from images.batches(_BATCH)
    else:
        yield images


def encode(model: keras.Model, images: ArrayLike, argument: str = "model") -> Floats:
    """The deterministic codes of images, (n, *code_shape), before a quantiser."""
    return encode_values(model, check_images(model, images, named=argument), argument)


def encode_values(model: keras.Model, values: Floats, argument: str = "model") -> Floats:
    """The codes of what has been checked, or lies beyond the range of images on purpose."""
    model = prepared(model, argument)
    stems = [layer for layer in model.layers if layer.name == "stem"]
    return run([*stems, nested(model, "encoder", argument)], values)[0]


def decode(model: keras.Model, codes: ArrayLike, named: str = "`model`") -> Floats:
    """Images of codes, clipped to [0, 1]; layers that quantise the code do so here too.

    `named` are the arguments that the codes come of.
    """
    numbers, shape = np.asarray(codes, np.float64), code_shape(model)
    if not (np.abs(numbers) <= LARGEST_CODE).all():
        raise ValueError(
            f"{named} must give codes of finite values, of {LARGEST_CODE:g} at most. "
            f"Received: codes from {numbers.min():g} to {numbers.max():g}"
        )
    values = numbers.astype(np.float32)
    if not fits(values.shape, (None, *shape)):
        raise ValueError(
            f"codes must have the shape (n, *{shape}) that `model` makes. "
            f"Received: shape {values.shape}"
        )
    model = prepared(model)
    decoder = image_decoder(model)
    quantisers = [layer for layer in model.layers if hasattr(layer, "encoder_tail")]
    return np.clip(run([*quantisers, decoder], values)[0], 0, 1)


def image_decoder(model: keras.Model) -> keras.Model:
    """Return the nested decoder, if it makes images of codes alone."""
    model = prepared(model)
    decoder = nested(model, "decoder")
    if len(decoder.inputs) != 1:
        raise ValueError(
            "`model` must decode an image from its code alone. "
            f"Received: a decoder with {len(decoder.inputs)} inputs"
        )
    made, wanted = tuple(decoder.outputs[0].shape[1:]), tuple(model.input_shape[1:])
    if made != wanted or learns_labels(model):
        given = "scores of classes" if learns_labels(model) else made
        raise ValueError(
            f"`model` must decode to images of its input shape {wanted}. "
            f"Received: model={model.name!r}, which gives {given}"
        )
    return decoder


def run(chain: Sequence[Any], values: Floats, *, batch_size: int = _BATCH) -> list[Floats]:
    """All outputs of the last of the models or layers, each fed the first output of the one before.

    Calls, unlike `Model.predict`, trace nothing, which is quicker for a few thousand images.
    """
    batches = []
    for first in range(0, len(values), batch_size):
        outputs: Any = [values[first : first + batch_size]]
        for step in chain:
            outputs = step(outputs[0], training=False)
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        batches.append([keras.ops.convert_to_numpy(output) for output in outputs])
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]
