"""From a trained model to a bundle: its TF Lite files, and all that a codec needs."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae_export.bundling import card
from kerasae_export.bundling.arguments import (
    check_facts,
    check_images,
    check_losses,
    check_model,
    check_sample,
    codebook_of,
)
from kerasae_export.bundling.batches import add_batch, check_batch, with_batch_parts
from kerasae_export.bundling.drawing import sample_image
from kerasae_export.bundling.glance import at_a_glance
from kerasae_export.bundling.golden import choose_sample, write_golden
from kerasae_export.bundling.kernels import differences_of, pixel_tolerance
from kerasae_export.bundling.labels import (
    Labelled,
    check_as_many,
    check_told,
    convert_labelled,
    told_at_a_glance,
    with_labels,
)
from kerasae_export.bundling.metadata import add_metadata
from kerasae_export.bundling.model_files import ModelFiles, convert_mixed, convert_models
from kerasae_export.bundling.models import DeployedModels, deployed_models
from kerasae_export.bundling.onnx import check_also, with_onnx, write_onnx_pair
from kerasae_export.bundling.quantisation_loss import psnr_of, psnr_of_stored, warn_of_loss
from kerasae_export.bundling.summary import AT_A_GLANCE
from kerasae_export.bundling.tables import fit_spec
from kerasae_export.bundling.writing import replacing, write_manifest
from kerasae_export.conversion.checks import check_float_layers
from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.float_layers import float_facts
from kerasae_export.conversion.split import code_step, without_label
from kerasae_export.format.arguments import check_path
from kerasae_export.format.manifest import ALL_SCHEMES, Manifest, Part
from kerasae_export.functional import AnyModel, autoencoder, in_unit_range
from kerasae_export.images import Sampled
from kerasae_export.runtime.codec import Codec

__all__ = ["SIGNATURES", "export_bundle", "sample_image"]

SIGNATURES = ("separate", "both")
"""Two files, or one with two signatures."""

_SHOWN = 24  # images of which the card tells quality and bytes
_LOSS_IMAGES = 64  # images on which quantised models are compared with Keras


def export_bundle(
    model: AnyModel,
    folder: str | os.PathLike[str],
    *,
    scheme: str = "int8",
    calibration: ArrayLike | Sampled | None = None,
    signatures: str = "separate",
    step_loss: float | Sequence[float] = 0.2,
    sample: NDArray[np.uint8] | Literal["calibration"] | None = None,
    facts: Mapping[str, Any] | None = None,
    tile: int | tuple[int, int] | None = None,
    allow_float: bool = False,
    also: str | None = None,
    batch: int | None = None,
    float_layers: Sequence[str] | None = None,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
) -> Path:
    """Export a trained autoencoder of images as a bundle: the models and a codec around them.

    Writes `encoder.tflite` and `decoder.tflite`, or `model.tflite` with both, `manifest.json`,
    `README.md` and a golden sample. The code is quantised with a step size per channel, chosen so
    that the error of each channel adds equally to that of the image and all of them together cost
    `step_loss`. The entropy tables come from the exported encoder's own symbols. A code of
    indices into a codebook, such as that of `build_vector_quantized`, is not rounded.

    Args:
        model: A model with nested models or attributes `encoder` and `decoder`, functional,
            `Sequential` or subclassed; or the pair `(encoder, decoder)`. Its images are in [0, 1],
            or from 0 to 255 if its first layer is a `Rescaling` or `Normalization` of these.
        folder: Folder to write; it must not exist, be empty, or hold a bundle, which is
            replaced as a whole.
        scheme: One of `kerasae_export.format.manifest.ALL_SCHEMES`; see `convert`. With `"int16x8"`
            and `"mixed"` the manifest is of format version 2, which older readers refuse.
        calibration: Real images, float32 (n, height, width, channels) in [0, 1], or uint8 from 0
            to 255, preferably 300 or more; none of them is stored, unless `sample` says so.
        signatures: `"separate"`: one file for each side; `"both"`: one file with the signatures
            `encode` and `decode`.
        step_loss: PSNR in dB that rounding the code may cost on the calibration images; on images
            that the model reconstructs better, the same rounding costs more. An increasing list
            of losses gives the bundle one quality for each, the first loss the best; losses that
            lead to the same step sizes count once. A model that rounds its code itself, such as
            that of `build_rate_distortion`, keeps its own step size if a number is given, and
            uses multiples of it for a list. A model whose code is indices accepts no list, and a
            number has no effect.
        sample: uint8 (height, width, channels), a picture for the golden sample that may be
            published, of the kind that the model knows: it is the first that the bundle's page
            shows. `"calibration"` takes four of the calibration images, which then travel with
            the bundle. By default one is drawn: digits for a model of light or dark strokes,
            faces for images that have a face in common, a landscape for others.
        facts: Facts for the manifest and the model card, such as the data and the training;
            anything that JSON can hold. The texts `author` and `license`, of the weights, are in
            the metadata of the models as well, where app builders and viewers show them; the card
            shows `data_license`, of the data, beside them.
        tile: Side in pixels, or height and width, of the tiles that the bundle's models take; by
            default the size of the model's own images. With larger tiles, less of a large image
            is computed twice where tiles overlap. The model must be fully convolutional, and the
            sides multiples of its stride and no smaller than those of its images.
        allow_float: As of `convert`: whether `"int8"` may leave layers in float32. The manifest
            and the model card name them.
        also: `"onnx"` adds `encoder.onnx` and `decoder.onnx`, the models in float32 whatever the
            scheme is, for `Codec.load(folder, engine="onnx")` and for ONNX Runtime in other
            languages. They read and write the same files, and other readers ignore them. It needs
            the extra `onnx`.
        batch: From 2 to 64, such as 8: models for so many tiles at once as well, which `Codec` uses
            for streams and large images where they are faster. With `signatures="both"` they are
            further signatures of `model.tflite` and share its weights, otherwise
            `encoder_batch.tflite` and `decoder_batch.tflite`. Results, and the bytes of files, are
            the same, as the export makes sure; other readers ignore them.
        float_layers: For `"mixed"`, names of layers to keep in float32, or of nested models with
            all their layers; `"encoder"` and `"decoder"` stand for a whole side. By default they
            are found: layer by layer, what it costs in dB to quantise it alone is measured on up
            to 64 of the calibration images, and those that cost most stay in float32 until encoder
            and decoder lose at most 0.05 dB each.
        labels: For a model of classes such as that of `build_conditional`, the class of each
            calibration image, integers (n,). The bundle then has `encoder_label.tflite` and
            `decoder_label.tflite` as well, which are told a class, for `Codec.compress(image,
            label=...)`, the page and readers in other languages that want them. The encoder and the
            decoder of all readers are the same models without a label, and all of them read and
            write the same files. Not with the scheme `"mixed"`, a `tile`, or attributes.
        class_names: Names of these classes; by default `"0"`, `"1"` and so on.

    Returns:
        The folder.

    Raises:
        ValueError: If an argument breaks its rule.
        ConversionError: If a model cannot be converted, or a package is missing that `also` needs.
        BundleError: If `folder` holds something else.

    Warns:
        UserWarning: If quantisation costs more than 0.3 dB of PSNR on up to 64 of the
            calibration images, with the scheme to take instead. The bundle is written all the
            same.

    Example:
        >>> import kerasae, kerasae_export
        >>> images = kerasae.load_images("digits")
        >>> model = kerasae.build_convolutional(input_shape=images.image_shape, code_size=8)
        >>> folder = kerasae_export.export_bundle(                          # doctest: +SKIP
        ...     model, "bundle", calibration=images.train
        ... )
        >>> sorted(path.name for path in folder.glob("*.tflite"))           # doctest: +SKIP
        ['decoder.tflite', 'encoder.tflite']
    """
    target_folder = check_path("folder", folder)
    model = in_unit_range(autoencoder(model))
    conditional, model = model, without_label(model)
    told = check_told(conditional, labels, class_names, scheme, tile)
    images = check_images(model, calibration)
    check_as_many(told, calibration, images)
    check_model(model)
    for name, value, choices in (
        ("scheme", scheme, tuple(ALL_SCHEMES)),
        ("signatures", signatures, SIGNATURES),
    ):
        if not isinstance(value, str) or value not in choices:
            raise ValueError(
                f"`{name}` must be one of {', '.join(choices)}. Received: {name}={value!r}"
            )
    check_also(also)
    float_layers = check_float_layers(float_layers, scheme, needed=False)
    batch = check_batch(batch)
    codebook = codebook_of(model)
    losses = check_losses(step_loss, codebook)
    picture = check_sample(sample, images.shape[3])
    facts = check_facts(facts)
    models = deployed_models(model, codebook, tile, whole=told is not None)
    with replacing(target_folder) as target:
        with Converter() as converter:
            together = signatures == "both"
            given = (model, models, images, losses)
            if scheme == "mixed":
                files = convert_mixed(*given, together, target, converter, float_layers)
            else:
                files = convert_models(*given, scheme, together, target, converter, allow_float)
            if also is not None:
                write_onnx_pair(models, target, converter)
            labelled = convert_labelled(
                conditional, told, images, files, scheme, target, converter, allow_float
            )
        own_step = code_step(model) is not None or codebook > 0
        if batch is not None:
            add_batch(target, files.paths, batch)
        facts = {
            "model": model.name,
            "parameters": {
                "encoder": int(models.encoder.count_params()),
                "decoder": int(models.decoder.count_params()),
            },
            "calibration_images": len(images),
            "step_loss_db": _loss_fact(losses, own_step),
            **facts,
            **files.facts,
            **_floats(target, models, scheme),
        }
        parts = files.parts()
        add_metadata(target, *parts, scheme, facts)
        manifest = _manifest(files, parts, models, images, scheme, facts, labelled)
        few = models.few(images, _LOSS_IMAGES)
        manifest = _with_others(manifest, target, files, few, batch, also, labelled)
        glance = at_a_glance(target, manifest, (files.encoder, files.decoder), few[:_SHOWN])
        shown = few[: glance["images"]]
        glance["psnr_keras"] = psnr_of(models.encoder, models.decoder, shown)
        glance["psnr_models"] = psnr_of_stored(files.encoder, files.decoder, shown)
        glance |= told_at_a_glance(manifest, files, target, shown, told, _LOSS_IMAGES)
        manifest = dataclasses.replace(manifest, facts={**manifest.facts, AT_A_GLANCE: glance})
        codec = Codec(manifest, files.encoder, files.decoder)
        write_golden(target, codec, choose_sample(picture, images, codec))
        (target / "README.md").write_text(card.model_card(manifest), encoding="utf-8")
        write_manifest(target, manifest)
    warn_of_loss(target_folder, models.encoder, models.decoder, few, stacklevel=3)
    return target_folder


def _floats(target: Path, models: DeployedModels, scheme: str) -> dict[str, Any]:
    """What the manifest says of layers in float32, for schemes of integers."""
    if scheme not in ("int8", "mixed"):
        return {}
    return float_facts(target, models.encoder, models.decoder)


def _manifest(
    files: ModelFiles,
    parts: tuple[Part, Part],
    models: DeployedModels,
    images: NDArray[np.float32],
    scheme: str,
    facts: Mapping[str, Any],
    labelled: Labelled | None,
) -> Manifest:
    """The manifest, without the hashes of the bundle's files."""
    more = None if labelled is None else labelled.codes
    spec = fit_spec(models, files.encoder, images, files.steps, more)
    decoder_bytes = files.decoder_path.read_bytes()
    differences = differences_of(decoder_bytes, parts[1].signature, spec, files.codes)
    return Manifest(
        scheme=scheme,
        codec=spec,
        encoder=parts[0],
        decoder=parts[1],
        bundle_hash=spec.hash(decoder_bytes).hex(),
        pixel_tolerance=pixel_tolerance(differences),
        files={},
        facts={**facts, "pixel_differences": differences.to_dict()},
    )


def _with_others(
    manifest: Manifest,
    target: Path,
    files: ModelFiles,
    few: NDArray[np.float32],
    batch: int | None,
    also: str | None,
    labelled: Labelled | None,
) -> Manifest:
    """The manifest with the further models that were asked for."""
    if batch is not None:
        manifest = with_batch_parts(manifest, target, batch, few, files.codes[-1])
    if also is not None:
        manifest = with_onnx(manifest, target, files.codes)
    return with_labels(manifest, target, labelled, files.codes)


def _loss_fact(losses: Sequence[float], own_step: bool) -> Any:
    """The loss in PSNR that was allowed; None where the model has its own step size."""
    if len(losses) > 1:
        return list(losses)
    return None if own_step else losses[0]
