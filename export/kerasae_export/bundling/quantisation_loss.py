"""What quantisation costs on the images at hand, and the scheme to take where that is much."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.split import predict
from kerasae_export.format.manifest import DECODE, ENCODE, MANIFEST, Manifest
from kerasae_export.runtime.litemodel import LiteModel

__all__ = ["LIMIT", "psnr_of", "psnr_of_stored", "warn_of_loss"]

LIMIT = 0.3
"""PSNR in dB that quantisation may cost, as `psnr_loss` of `verify_bundle`."""

_UNSEEN = 1 / 255**2 / 12
"""The mean squared error of pixels that are rounded to their 256 levels: less makes no picture."""

_SMALLER = {
    "int8": ("dynamic", "float16"),
    "dynamic": ("float16",),
    "int16x8": ("dynamic", "float16"),
    "mixed": ("dynamic", "float16"),
}
"""The schemes that keep more, the smallest files first."""


def warn_of_loss(
    folder: Path,
    encoder: keras.Model,
    decoder: keras.Model,
    images: NDArray[np.float32],
    *,
    stacklevel: int = 2,
) -> None:
    """Warn if the quantised models of a bundle rebuild images worse than those they came from.

    The loss is that of the pooled PSNR, the code not rounded. The other schemes are tried only
    where it exceeds `LIMIT`.

    Args:
        folder: The bundle.
        encoder: The encoder that was exported.
        decoder: The decoder that was exported.
        images: Images of the encoder's shape, in [0, 1]; some 64 are enough.
        stacklevel: Of `warnings.warn`: 2 for the caller, 3 for the caller's own, and so on.
    """
    manifest = Manifest.from_json((folder / MANIFEST).read_bytes())
    scheme = manifest.scheme
    if scheme not in _SMALLER:
        return
    full = _pooled(predict(decoder, predict(encoder, images)), images)
    encode, decode = (
        LiteModel((folder / part.file).read_bytes(), signature=part.signature)
        for part in (manifest.encoder, manifest.decoder)
    )
    stored = _psnr(encode, decode, images)
    if full - stored <= LIMIT:
        return
    better, lost = _better(scheme, encoder, decoder, images, full)
    warnings.warn(
        f"The scheme {scheme!r} loses {full - stored:.2f} dB on {len(images)} of the calibration "
        f"images: Keras rebuilds them with a PSNR of {full:.2f} dB, the bundle with {stored:.2f}, "
        f'and at most {LIMIT:g} should be lost. Take `scheme="{better}"`, which loses {lost:.2f}.',
        UserWarning,
        stacklevel=stacklevel,
    )


def psnr_of(encoder: keras.Model, decoder: keras.Model, images: NDArray[np.float32]) -> float:
    """Pooled PSNR in dB of images in [0, 1] that Keras rebuilds, the code not rounded."""
    return round(_pooled(predict(decoder, predict(encoder, images)), images), 2)


def psnr_of_stored(encode: LiteModel, decode: LiteModel, images: NDArray[np.float32]) -> float:
    """Pooled PSNR in dB of images in [0, 1] that stored models rebuild, the code not rounded."""
    return round(_psnr(encode, decode, images), 2)


def _better(
    scheme: str,
    encoder: keras.Model,
    decoder: keras.Model,
    images: NDArray[np.float32],
    full: float,
) -> tuple[str, float]:
    """The scheme of the smallest files that keeps what this one should, and the dB it loses."""
    with tempfile.TemporaryDirectory() as scratch, Converter() as converter:
        for other in _SMALLER[scheme]:
            path = Path(scratch) / "model.tflite"
            converter.convert_both(encoder, decoder, path, scheme=other)
            encode = LiteModel(path.read_bytes(), signature=ENCODE)
            lost = full - _psnr(encode, encode.sibling(DECODE), images)
            if lost <= LIMIT:
                return other, max(lost, 0.0)
    return "float32", 0.0


def _psnr(encode: LiteModel, decode: LiteModel, images: NDArray[np.float32]) -> float:
    return _pooled(decode.run(encode.run(images)), images)


def _pooled(pixels: NDArray[Any], images: NDArray[np.float32]) -> float:
    error = np.square(np.subtract(images, np.clip(pixels, 0, 1), dtype=float)).mean()
    return float(-10 * np.log10(max(error, _UNSEEN)))
