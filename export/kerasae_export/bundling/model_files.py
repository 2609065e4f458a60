"""The models of a bundle as TF Lite files: encoder, the step sizes of its codes, decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae_export.atomic import write_file
from kerasae_export.bundling.layer_losses import Losses, choose_float
from kerasae_export.bundling.models import CALIBRATION, DeployedModels, full_range
from kerasae_export.bundling.tables import fit_steps, rounded
from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.float_layers import SINGLE
from kerasae_export.conversion.mixing import Mixer
from kerasae_export.format.manifest import DECODE, ENCODE, Part
from kerasae_export.runtime.litemodel import LiteModel
from kerasae_export.runtime.operators import check_program

__all__ = ["ModelFiles", "convert_mixed", "convert_models"]

_TRIED = 64  # images on which layers are compared
_SIDES = ("encoder", "decoder")  # names that stand for all layers of one


@dataclass(frozen=True)
class ModelFiles:
    """The converted models.

    Attributes:
        encoder_path: The encoder's file.
        decoder_path: The decoder's file, the same where one file holds both.
        encoder: The encoder in it.
        decoder: The decoder in it.
        steps: For each quality, the step size of each channel of the code.
        codes: For each quality, codes of calibration images, rounded to its step sizes.
        facts: What the manifest says of how the files came about.
    """

    encoder_path: Path
    decoder_path: Path
    encoder: LiteModel
    decoder: LiteModel
    steps: list[NDArray[np.float64]]
    codes: list[NDArray[np.float64]]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[Path, Path]:
        """The files of the encoder and of the decoder."""
        return self.encoder_path, self.decoder_path

    def parts(self) -> tuple[Part, Part]:
        """The encoder's and the decoder's entry in the manifest."""
        together = self.encoder_path == self.decoder_path
        encode, decode = (ENCODE, DECODE) if together else (None, None)
        return (
            Part(self.encoder_path.name, self.encoder.input, self.encoder.output, encode),
            Part(self.decoder_path.name, self.decoder.input, self.decoder.output, decode),
        )


def convert_models(
    model: keras.Model,
    models: DeployedModels,
    images: NDArray[np.float32],
    losses: Sequence[float],
    scheme: str,
    together: bool,
    target: Path,
    converter: Converter,
    allow_float: bool,
) -> ModelFiles:
    """Convert the encoder, choose the step sizes by its codes, and convert the decoder for them."""
    framed = full_range(models.few(images, CALIBRATION))
    encoder_path = converter.convert(
        models.encoder,
        target / "encoder.tflite",
        scheme=scheme,
        calibration=framed,
        allow_float=allow_float,
    )
    encoder = _opened(encoder_path)
    all_steps = fit_steps(model, models, encoder, images, losses)
    few = models.few(images, CALIBRATION // len(all_steps))
    codes = [rounded(encoder.run(few), steps) for steps in all_steps]
    if not together:
        decoder_path = converter.convert(
            models.decoder,
            target / "decoder.tflite",
            scheme=scheme,
            calibration=np.concatenate(codes),
            allow_float=allow_float,
        )
        decoder = _opened(decoder_path)
        return ModelFiles(encoder_path, decoder_path, encoder, decoder, all_steps, codes)
    encoder_path.unlink()
    path = converter.convert_both(
        models.encoder,
        models.decoder,
        target / "model.tflite",
        scheme=scheme,
        calibration=framed,
        code_calibration=np.concatenate(codes),
        allow_float=allow_float,
    )
    encoder = _opened(path, ENCODE)  # the tables are fitted to this one
    return ModelFiles(path, path, encoder, encoder.sibling(DECODE), all_steps, codes)


def convert_mixed(
    model: keras.Model,
    models: DeployedModels,
    images: NDArray[np.float32],
    losses: Sequence[float],
    together: bool,
    target: Path,
    converter: Converter,
    float_layers: Sequence[str] | None,
) -> ModelFiles:
    """Convert both models with some layers in float32: those that are named, or cost most in int8.

    Where none are named, layers are kept in float32, the one that costs most first, until encoder
    and decoder lose next to nothing.
    """
    framed = full_range(models.few(images, CALIBRATION))
    measured = Losses(models.encoder, models.decoder, models.few(images, _TRIED))
    chosen: dict[str, list[str]] = {}
    alone: dict[str, dict[str, float]] = {}

    def choose(side: str, mixer: Mixer, key: str) -> None:
        if float_layers is None:
            chosen[side], alone[side] = choose_float(mixer, key, measured, side)
        elif side in float_layers:
            chosen[side] = mixer.layers(key)
        else:
            chosen[side] = [name for name in float_layers if name in mixer.known(key)]

    mixer = converter.mixer({SINGLE: (models.encoder, framed)})
    choose("encoder", mixer, SINGLE)
    encoder_path = target / "encoder.tflite"
    write_file(encoder_path, mixer.mixed({SINGLE: chosen["encoder"]}))
    encoder = _opened(encoder_path)
    all_steps = fit_steps(model, models, encoder, images, losses)
    few = models.few(images, CALIBRATION // len(all_steps))
    codes = [rounded(encoder.run(few), steps) for steps in all_steps]
    known = mixer.known(SINGLE)
    decoding = DECODE if together else SINGLE
    parts: dict[str, Any] = {decoding: (models.decoder, np.concatenate(codes))}
    if together:
        parts = {ENCODE: (models.encoder, framed), **parts}
    mixer = converter.mixer(parts)
    _check_names(float_layers, known | mixer.known(decoding))
    choose("decoder", mixer, decoding)
    facts: dict[str, Any] = {"layer_losses_db": alone} if alone else {}
    if not together:
        decoder_path = target / "decoder.tflite"
        write_file(decoder_path, mixer.mixed({SINGLE: chosen["decoder"]}))
        decoder = _opened(decoder_path)
        return ModelFiles(encoder_path, decoder_path, encoder, decoder, all_steps, codes, facts)
    encoder_path.unlink()
    path = target / "model.tflite"
    write_file(path, mixer.mixed({ENCODE: chosen["encoder"], DECODE: chosen["decoder"]}))
    encoder = _opened(path, ENCODE)
    return ModelFiles(path, path, encoder, encoder.sibling(DECODE), all_steps, codes, facts)


def _check_names(names: Sequence[str] | None, known: set[str]) -> None:
    unknown = [name for name in names or () if name not in {*known, *_SIDES}]
    if unknown:
        raise ValueError(
            "`float_layers` must name layers or nested models that compute something in the files, "
            f"or a whole side: {', '.join([*_SIDES, *sorted(known)])}. "
            f"Received: {', '.join(map(repr, unknown))}"
        )


def _opened(path: Path, signature: str | None = None) -> LiteModel:
    """A converted model, if a receiver will open it too.

    Raises:
        BundleError: If it has operators that a bundle may not have, such as a loop.
    """
    content = path.read_bytes()
    check_program(content)
    return LiteModel(content, signature=signature)
