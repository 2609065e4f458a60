"""A trained model as a small folder: weights in float16 or int8, configuration, card."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae import _arguments, _inference
from kerasae.data import Images
from kerasae.evaluation import psnr
from kerasae.pretrained.cards import CARD, MODELS, card_text, checked_card, read_card
from kerasae_export.atomic import replacing_folder
from kerasae_export.format.numbers import plain

__all__ = ["load_pretrained", "save_pretrained"]

MODEL, WEIGHTS, README = "model.json", "weights.npz", "README.md"
PRECISIONS = ("float16", "int8")
_LARGEST = 65504.0  # of float16
_FEW = 4096  # weights whose bytes are not worth a rounding to 255 steps
_SCALE = ".scale"

Array = NDArray[Any]


def load_pretrained(name: str | os.PathLike[str]) -> keras.Model:
    """Load a trained model by its name, or from a folder that `save_pretrained` wrote.

    Args:
        name: One of `pretrained_cards()`, which `kerasae list` shows, or a folder.

    Returns:
        A compiled Keras model, which trains on, exports and saves like any other. Its weights are
        float32 with values of float16, or of int8 times a scale.

    Raises:
        ValueError: If there is no such model, or its files are damaged.

    Example:
        >>> import kerasae
        >>> model = load_pretrained("digits-convolutional")
        >>> kerasae.encoder(model).output_shape
        (None, 8)
    """
    if not isinstance(name, (str, os.PathLike)) or "\0" in os.fspath(name):
        raise ValueError(f"`name` must be a name or a folder. Received: name={name!r}")
    names = sorted(file.parent.name for file in MODELS.glob(f"*/{CARD}"))
    folder = MODELS / name if isinstance(name, str) and name in names else Path(name)
    if not (folder / CARD).is_file():
        raise ValueError(
            f"`name` must be one of {', '.join(names)}, or a folder that `save_pretrained` wrote. "
            f"Received: name={os.fspath(name)!r}"
        )
    return _load(folder)


def save_pretrained(
    model: keras.Model,
    folder: str | os.PathLike[str],
    *,
    card: Mapping[str, Any] | None = None,
    images: Images | None = None,
    measure: Callable[[keras.Model], Mapping[str, float]] | None = None,
    precision: str = "float16",
) -> dict[str, Any]:
    """Store a trained model in a folder: half the bytes of its weights or a quarter, and a card.

    Weights that train are stored as float16, everything else, such as the statistics of batch
    normalisation, as it is. What is measured is measured on the model as it is loaded again.

    Args:
        model: A compiled model, such as `train` leaves it, or a prior of `kerasae.priors`.
        folder: Folder to write; one that `save_pretrained` wrote before is replaced.
        card: What to say of it: any of `summary`, `data`, `data_licence`, `licence`,
            `architecture`, `hyperparameters`, `training`; of a prior also `autoencoder`, the name
            of the model whose codes it knows.
        images: Of whose test set the PSNR of the reconstructions goes onto the card.
        measure: Called with the stored model; its figures go onto the card, each by its name.
        precision: "float16", or "int8": kernels of 4,096 weights and more as whole numbers from
            -127 to 127 with a float32 scale for each output, half as large again.

    Returns:
        The card, with `figures`, `parameters`, `bytes` and the `sha256` of the weights.

    Raises:
        ValueError: If the model cannot be stored, `folder` holds something else, or an argument
            breaks its rule.

    Example:
        >>> import tempfile, kerasae
        >>> images = kerasae.load_images("digits", limit=64)
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=8)
        >>> card = save_pretrained(model, tempfile.mkdtemp() + "/mine", images=images)
        >>> list(card["figures"])
        ['PSNR, 64 test images, dB']
    """
    _inference.check_model(model, conditional=True)
    content = checked_card(card)
    if measure is not None and not callable(measure):
        raise ValueError(f"`measure` must be a function. Received: {type(measure).__name__}")
    if images is not None and not isinstance(images, Images):
        raise ValueError(f"`images` must be `Images`. Received: {type(images).__name__}")
    _arguments.one_of("precision", precision, PRECISIONS)
    place = Path(folder)
    if (
        place.exists()
        and not (place / CARD).is_file()
        and (place.is_file() or any(place.iterdir()))
    ):
        raise ValueError(
            "`folder` must not exist, be empty, or hold a model that is replaced. "
            f"Received: folder={os.fspath(folder)!r}"
        )
    configuration, weights = _configuration(model), _packed(model, precision)
    content |= {
        "parameters": model.count_params(),
        "precision": precision,
        "bytes": len(weights),
        "sha256": hashlib.sha256(weights).hexdigest(),
        "keras": keras.__version__,
    }
    with replacing_folder(place) as new:
        (new / MODEL).write_text(configuration, encoding="utf-8")
        (new / WEIGHTS).write_bytes(weights)
        (new / CARD).write_text(json.dumps(content), encoding="utf-8")
        content["figures"] = {
            **content.get("figures", {}),
            **_measured(_load(new), images, measure),
        }
        (new / CARD).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        (new / README).write_text(card_text(place.name, content), encoding="utf-8")
    return content


def _configuration(model: keras.Model) -> str:
    """The model without its weights, as Keras serialises it."""
    try:
        return json.dumps(keras.saving.serialize_keras_object(model)) + "\n"
    except (TypeError, ValueError, NotImplementedError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            "`model` must be one that Keras can serialise, of registered classes. "
            f"Received: model={model.name!r}: {reason}"
        ) from None


def _packed(model: keras.Model, precision: str) -> bytes:
    """The weights as `.npz`, in the order of `model.variables`; a scale beside those in int8."""
    buffer = io.BytesIO()
    arrays = {}
    for i, variable in enumerate(model.variables):
        value = keras.ops.convert_to_numpy(variable.value)
        half = variable.trainable and value.dtype == np.float32
        if half and not np.abs(value).max(initial=0.0) <= _LARGEST:
            raise ValueError(
                f"`model` must have weights below {_LARGEST:g}, the largest of float16. "
                f"Received: {variable.path} of model={model.name!r}"
            )
        name = f"{i:04d}"
        if half and precision == "int8" and value.ndim > 1 and value.size >= _FEW:
            largest = np.abs(value).max(axis=tuple(range(value.ndim - 1)))
            scale = np.where(largest > 0, largest, 1).astype(np.float32) / np.float32(127)
            arrays[name] = np.rint(value / scale).astype(np.int8)
            arrays[name + _SCALE] = scale
        else:
            arrays[name] = value.astype(np.float16) if half else value
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _load(folder: Path) -> keras.Model:
    """The model of a folder.

    Raises:
        ValueError: If its files are damaged.
    """
    card = read_card(folder)
    try:
        weights = (folder / WEIGHTS).read_bytes()
        if hashlib.sha256(weights).hexdigest() != card["sha256"]:
            raise ValueError(f"{WEIGHTS} is not what the card says")
        configuration = json.loads((folder / MODEL).read_text(encoding="utf-8"))
        model: keras.Model = keras.saving.deserialize_keras_object(configuration)
        with np.load(io.BytesIO(weights)) as data:
            arrays = [_unpacked(data, n) for n in sorted(data.files) if not n.endswith(_SCALE)]
        for variable, array in zip(model.variables, arrays, strict=True):
            variable.assign(array.astype(keras.backend.standardize_dtype(variable.dtype)))
    except (OSError, TypeError, ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"`name` must name a model whose files are sound. Received: {folder}: {reason}"
        ) from None
    return model


def _unpacked(data: Mapping[str, Array], name: str) -> Array:
    """The weights of a name of the archive, times their scale if they have one."""
    scale = data.get(name + _SCALE)
    return data[name] if scale is None else data[name] * scale


def _measured(
    model: keras.Model,
    images: Images | None,
    measure: Callable[[keras.Model], Mapping[str, float]] | None,
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if images is not None:
        rebuilt = _inference.run([model], images.test)[0].clip(0, 1)
        figures[f"PSNR, {len(images.test):,} test images, dB"] = psnr(images.test, rebuilt)
    if measure is not None:
        figures |= _arguments.mapping("measure(model)", measure(model))
    return plain({name: float(value) for name, value in figures.items()})
