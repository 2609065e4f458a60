"""The models of a bundle that are told a class: converted, and what they promise."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae_export.bundling.kernels import pixel_tolerance
from kerasae_export.bundling.model_files import ModelFiles
from kerasae_export.bundling.models import CALIBRATION, full_range
from kerasae_export.bundling.tables import rounded
from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.split import LABEL, evenly, takes_label
from kerasae_export.conversion.split import decoder as decoder_of
from kerasae_export.conversion.split import encoder as encoder_of
from kerasae_export.format.labels import NAMES_RULE, LabelPart, Labels, are_names
from kerasae_export.format.manifest import Manifest
from kerasae_export.format.numbers import plain
from kerasae_export.runtime.codec import Codec
from kerasae_export.runtime.kernel_differences import compare_decoders
from kerasae_export.runtime.labelled import LabelledModel, labelled_models
from kerasae_export.runtime.litemodel import KERNELS

__all__ = [
    "LABELLED_SCHEMES",
    "Labelled",
    "Told",
    "check_as_many",
    "check_told",
    "convert_labelled",
    "told_at_a_glance",
    "with_labels",
]

LABELLED_SCHEMES = ("float32", "float16", "dynamic", "int8", "int16x8")
"""The schemes of bundles whose models may be told a class."""

_FILES = ("encoder_label.tflite", "decoder_label.tflite")
_CLASSES, _EACH = 10, 32  # classes and codes of each on which kernels are compared
_WAY_OUT = "`kerasae.at_label(model, label)` makes a bundle of one label"


@dataclass(frozen=True)
class Told:
    """What a conditional model is told of the calibration images.

    Attributes:
        names: The names of the classes.
        numbers: The class of each image.
    """

    names: tuple[str, ...]
    numbers: NDArray[np.int64]


@dataclass(frozen=True)
class Labelled:
    """The converted models that take a label.

    Attributes:
        told: The classes.
        encoder: The encoder.
        decoder: The decoder.
        codes: Of all calibration images, each told what it shows.
    """

    told: Told
    encoder: LabelledModel
    decoder: LabelledModel
    codes: NDArray[np.float64]


def check_told(
    model: keras.Model,
    labels: ArrayLike | None,
    class_names: Sequence[str] | None,
    scheme: str,
    tile: Any,
) -> Told | None:
    """What the images of a conditional model show; None for a model that takes images alone.

    Raises:
        ValueError: If the labels are not those of such a model, or are missing.
    """
    if not takes_label(model):
        for name, value in (("labels", labels), ("class_names", class_names)):
            if value is not None:
                raise ValueError(
                    f"`{name}` must be left out for a model that takes no label. "
                    f"Received: {name} for model={model.name!r}"
                )
        return None
    layers = [layer for layer in model.layers if hasattr(layer, "attributes")]
    if any(layer.attributes is not None for layer in layers):
        raise ValueError(
            "`model` must take an image alone, or classes beside it, since a bundle has no room "
            f"for attributes: {_WAY_OUT}, and `convert(kerasae.encoder(model), path)` a file that "
            f"takes one, as of the decoder. Received: model={model.name!r}, of attributes"
        )
    if any(getattr(layer, "dropout", None) == 0 for layer in layers):
        raise ValueError(
            "`model` must be trained with a `label_dropout` above 0, since readers of a bundle may "
            f"do without a label: {_WAY_OUT}. Received: model={model.name!r}, with 0"
        )
    for name, given, allowed in (("scheme", scheme, LABELLED_SCHEMES), ("tile", tile, (None,))):
        if given not in allowed:
            raise ValueError(
                f"`{name}` must be one of {', '.join(map(str, allowed))} for a model that takes a "
                f"label. Received: {name}={given!r}"
            )
    (entry,) = (entry for entry in encoder_of(model).inputs if entry.name == LABEL)
    count = int(entry.shape[1])
    return Told(_names(class_names, count), _numbers(labels, count))


def _names(class_names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    names = [str(k) for k in range(count)] if class_names is None else plain(class_names)
    several = isinstance(names, (list, tuple)) and len(names) == count
    if not several or not are_names(names):
        raise ValueError(
            f"`class_names` must be {count} names for the classes of the model, of {NAMES_RULE}. "
            f"Received: class_names={class_names!r:.80}"
        )
    return tuple(names)


def _numbers(labels: ArrayLike | None, count: int) -> NDArray[np.int64]:
    rule = (
        f"`labels` must be the classes of the calibration images, integers from 0 to {count - 1}, "
        "one for each, for a model that takes a label"
    )
    if labels is None:
        raise ValueError(f"{rule}; without them, {_WAY_OUT}. Received: labels=None")
    numbers = np.asarray(labels)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise ValueError(f"{rule}. Received: {numbers.dtype} of shape {numbers.shape}")
    wrong = numbers[(numbers < 0) | (numbers >= count)]
    if wrong.size:
        raise ValueError(f"{rule}. Received: {np.unique(wrong).tolist()!r:.60}")
    return numbers.astype(np.int64)


def check_as_many(told: Told | None, calibration: Any, images: NDArray[np.float32]) -> None:
    """Refuse labels that are not those of the calibration images."""
    if told is None:
        return
    if hasattr(calibration, "sample") or len(told.numbers) != len(images):
        what = "a stream" if hasattr(calibration, "sample") else f"{len(images)} images"
        raise ValueError(
            "`labels` must be as many as the images of `calibration`, an array. "
            f"Received: {len(told.numbers)} labels for {what}"
        )


def convert_labelled(
    model: keras.Model,
    told: Told | None,
    images: NDArray[np.float32],
    files: ModelFiles,
    scheme: str,
    target: Path,
    converter: Converter,
    allow_float: bool,
) -> Labelled | None:
    """Convert both models with their second input, the label; None if nothing is told.

    The ranges of the decoder are those of codes with the label of their image, as for a picture
    that is sent, and with others, as for one that is changed; the encoder was told or not.
    """
    if told is None:
        return None
    encoder, decoder = encoder_of(model), decoder_of(model)
    framed = full_range(evenly(images, CALIBRATION))
    numbers = evenly(told.numbers, CALIBRATION)
    numbers = np.append(numbers, numbers[: len(framed) - len(numbers)])
    vectors = np.eye(len(told.names), dtype=np.float32)
    how: dict[str, Any] = {"scheme": scheme, "allow_float": allow_float}
    path = converter.convert(
        encoder, target / _FILES[0], calibration=_by_name(encoder, framed, vectors[numbers]), **how
    )
    lite_encoder = LabelledModel(path.read_bytes())
    codes = _codes_at(lite_encoder, images, told.numbers)

    few = evenly(codes, CALIBRATION // len(files.steps))
    own = evenly(told.numbers, CALIBRATION // len(files.steps))
    given = np.concatenate([*(rounded(few, steps) for steps in files.steps), *files.codes])
    own = np.resize(own, len(given))
    others = (own + 1 + np.arange(len(own)) % max(len(told.names) - 1, 1)) % len(told.names)
    calibration = _by_name(
        decoder, np.concatenate([given, given]), vectors[np.concatenate([own, others])]
    )
    path = converter.convert(decoder, target / _FILES[1], calibration=calibration, **how)
    return Labelled(told, lite_encoder, LabelledModel(path.read_bytes()), codes)


def with_labels(
    manifest: Manifest,
    target: Path,
    labelled: Labelled | None,
    codes: Sequence[NDArray[np.float64]],
) -> Manifest:
    """The manifest with these models and their promise, measured with all kernels of LiteRT.

    Args:
        manifest: The manifest without them.
        target: The folder that holds all models.
        labelled: The models; without them the manifest stays as it is.
        codes: For each quality, real codes, rounded to its steps.
    """
    if labelled is None:
        return manifest
    parts = [
        LabelPart(file, model.input, model.label, model.output)
        for file, model in zip(_FILES, (labelled.encoder, labelled.decoder), strict=True)
    ]
    content = (target / _FILES[1]).read_bytes()
    decoders = [LabelledModel(content, kernels=kernels) for kernels in KERNELS]
    worst = 0
    for k in evenly(np.arange(len(labelled.told.names)), _CLASSES):
        at = [decoder.at(int(k)) for decoder in decoders]
        for each in codes:
            found = compare_decoders(at, evenly(each, _EACH))
            worst = max(worst, pixel_tolerance(found))
    return dataclasses.replace(
        manifest, labels=Labels(labelled.told.names, worst, parts[0], parts[1])
    )


def told_at_a_glance(
    manifest: Manifest,
    files: ModelFiles,
    target: Path,
    images: NDArray[Any],
    told: Told | None,
    most: int,
) -> dict[str, Any]:
    """PSNR and bytes of images whose class both sides are told, as `at_a_glance` has them without.

    Args:
        manifest: The manifest.
        files: The models that take no label.
        target: The folder that holds all models.
        images: The first of `most` calibration images, evenly spaced, in [0, 1].
        told: The classes of all calibration images; None for none.
        most: See `images`.
    """
    if told is None:
        return {}
    contents = {path.name: path.read_bytes() for path in target.glob("*_label.tflite")}
    labelled = labelled_models(manifest, contents)
    codec = Codec(manifest, files.encoder, files.decoder, labelled=labelled)
    whole = np.floor(images * 255 + 0.5).astype(np.uint8)
    sizes, errors = [], []
    for image, k in zip(whole, evenly(told.numbers, most), strict=False):
        data = codec.compress(image, label=k)
        sizes.append(len(data))
        rebuilt = codec.decompress(data, label=k)
        errors.append(np.square(np.subtract(rebuilt, image, dtype=float)).mean())
    psnr = 10 * np.log10(255**2 / max(float(np.mean(errors)), 1e-9))
    return {"told": {"psnr": round(float(psnr), 2), "bytes": round(float(np.mean(sizes)), 1)}}


def _by_name(
    half: keras.Model, values: NDArray[Any], vectors: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    return {entry.name: vectors if entry.name == LABEL else values for entry in half.inputs}


def _codes_at(
    encoder: LabelledModel, images: NDArray[np.float32], numbers: NDArray[np.int64]
) -> NDArray[np.float64]:
    return np.concatenate(
        [encoder.at(int(k)).run(image[None]) for image, k in zip(images, numbers, strict=True)]
    )
