"""The ONNX files of a bundle: written beside those of TF Lite, and what they promise."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.bundling.kernels import differences_of, pixel_tolerance
from kerasae_export.bundling.models import DeployedModels
from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.onnx_files import missing
from kerasae_export.errors import ConversionError
from kerasae_export.format.manifest import Manifest
from kerasae_export.format.variants import Onnx
from kerasae_export.runtime.onnxmodel import OnnxModel

__all__ = ["ALSO", "check_also", "with_onnx", "write_onnx_pair"]

ALSO = ("onnx",)
"""What a bundle may hold beside TF Lite."""

_FILES = ("encoder.onnx", "decoder.onnx")


def check_also(also: Any) -> None:
    """Refuse anything but None and one of `ALSO`, and what cannot be written here.

    Raises:
        ValueError: If it is anything else.
        ConversionError: If a package is missing.
    """
    if also is None:
        return
    if not isinstance(also, str) or also not in ALSO:
        raise ValueError(f"`also` must be None or {', '.join(ALSO)}. Received: also={also!r}")
    lacking = missing()
    if lacking:
        raise ConversionError(f"{lacking}.")


def write_onnx_pair(models: DeployedModels, target: Path, converter: Converter) -> None:
    """Convert encoder and decoder, as they were deployed, to ONNX files in a bundle's folder."""
    for half, name in zip((models.encoder, models.decoder), _FILES, strict=True):
        converter.convert(half, target / name, format="onnx")


def with_onnx(manifest: Manifest, target: Path, codes: Sequence[NDArray[np.float64]]) -> Manifest:
    """The manifest with the ONNX files and their promise, measured beside all kernels of LiteRT.

    Args:
        manifest: The manifest without them.
        target: The folder that holds all models.
        codes: For each quality, real codes, rounded to its steps.
    """
    decoder = OnnxModel((target / _FILES[1]).read_bytes())
    part = manifest.decoder
    content = (target / part.file).read_bytes()
    found = differences_of(content, part.signature, manifest.codec, codes, [decoder])
    return dataclasses.replace(
        manifest,
        onnx=Onnx(*_FILES, pixel_tolerance(found)),
        facts={**manifest.facts, "onnx_pixel_differences": found.to_dict()},
    )
