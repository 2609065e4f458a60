"""The ONNX files of a bundle: beside its golden sample, and beside Keras."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BundleError
from kerasae_export.evaluation.quality import pooled_psnr
from kerasae_export.format.manifest import Manifest
from kerasae_export.runtime.codec import Codec
from kerasae_export.runtime.engines import Model, open_engine
from kerasae_export.runtime.onnxmodel import check_installed
from kerasae_export.verification.checks import Golden, moved, of_indices
from kerasae_export.verification.outcome import Check, tolerance

if TYPE_CHECKING:
    import keras

__all__ = ["OnnxSide", "check_golden", "compare_with_keras", "why_not_run"]

_MOVED = 0.02  # of the indices: two entries of a codebook may be about as near


def why_not_run(manifest: Manifest) -> str:
    """Why the ONNX files of a bundle cannot be run here; empty if they can, or there are none."""
    if manifest.onnx is None:
        return ""
    try:
        check_installed()
    except BundleError:
        return "ONNX Runtime is not installed: `pip install onnxruntime`"
    return ""


@dataclasses.dataclass(frozen=True)
class OnnxSide:
    """The ONNX models of a bundle, and the codec with them.

    Attributes:
        promise: How far their pixels may be from those of TF Lite, in levels of 255.
        encoder: Image to code.
        decoder: Code to image.
        codec: The codec that runs them.
    """

    promise: int
    encoder: Model
    decoder: Model
    codec: Codec

    @classmethod
    def of(cls, manifest: Manifest, files: Mapping[str, bytes]) -> OnnxSide:
        """The models of a bundle that has them.

        Raises:
            BundleError: If they cannot be loaded.
        """
        assert manifest.onnx is not None
        runs, encoder, decoder = open_engine(manifest, files, "onnx")
        codec = Codec(runs, encoder, decoder)
        return cls(manifest.onnx.pixel_tolerance, encoder, decoder, codec)


def check_golden(side: OnnxSide, golden: Golden) -> tuple[Check, dict[str, Any]]:
    """Whether the golden symbols decode to the golden reconstruction, within the promise.

    Returns:
        The check; and how many symbols of the golden image are others than those of the scheme,
        which is no fault: the float32 encoder is nearer to Keras than a quantised one.
    """
    pixels = side.codec.decode(golden.symbols, *golden.size)
    worst = int(np.abs(pixels.astype(int) - golden.reconstruction).max())
    share, largest = moved(side.codec.encode(golden.image), golden.symbols)
    found = {"golden_symbols_moved": share, "golden_symbols_largest": largest}
    detail = f"pixels differ by up to {worst}; {side.promise} levels may."
    return Check("ONNX reconstruction", worst <= side.promise, detail), found


def compare_with_keras(
    side: OnnxSide,
    halves: tuple[keras.Model, keras.Model],
    images: NDArray[np.float32],
) -> tuple[Check, dict[str, Any]]:
    """Whether ONNX Runtime gives the codes and the pixels of Keras, each from the same inputs."""
    from kerasae_export.conversion import split

    code = np.asarray(split.predict(halves[0], images), float)
    pixels = np.clip(split.predict(halves[1], code), 0, 1)
    ours = side.encoder.run(images)
    rebuilt = np.clip(side.decoder.run(code), 0, 1)
    indices = of_indices(side.codec.manifest)
    if indices:
        of_code, most = float((ours != code).mean()), _MOVED
    else:
        of_code = float(np.abs(ours - code).max()) / max(float(code.max() - code.min()), 1e-12)
        most = tolerance("keras_difference", "float32")
    of_pixels, limit = (
        float(np.abs(rebuilt - pixels).max()),
        tolerance("keras_difference", "float32"),
    )
    what = (
        f"{of_code:.2%} of the indices differ; {most:.0%} may"
        if indices
        else (f"codes differ by up to {of_code:.2g} of their range; {most:g} may be")
    )
    whole = np.clip(side.decoder.run(ours), 0, 1)
    measured = {
        "images": len(images),
        "code_difference_max": of_code,
        "pixel_difference_max": of_pixels,
        "psnr_keras": pooled_psnr(images, pixels),
        "psnr_onnx": pooled_psnr(images, whole),
    }
    detail = f"{what}. Pixels differ by up to {of_pixels:.2g}; {limit:g} may be."
    return Check("ONNX parity with Keras", of_code <= most and of_pixels <= limit, detail), measured
