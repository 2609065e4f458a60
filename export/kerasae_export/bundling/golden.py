"""The golden sample: an image, its symbols, its bitstream and what that decodes to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerasae_export.bundling.drawing import draw_digits, sample_image
from kerasae_export.bundling.scenes import draw_faces, draw_landscape
from kerasae_export.conversion.split import evenly
from kerasae_export.files.pictures import png_bytes
from kerasae_export.format.manifest import GOLDEN
from kerasae_export.runtime.codec import Codec

__all__ = ["FROM_CALIBRATION", "choose_sample", "write_golden"]


FROM_CALIBRATION = "calibration"
"""What stands for a picture of the calibration images."""


def choose_sample(
    sample: NDArray[np.uint8] | str | None,
    images: NDArray[np.float32],
    codec: Codec,
) -> NDArray[np.uint8]:
    """The picture of the golden sample.

    Args:
        sample: The picture; or "calibration", for four of the images; or None, for a drawn one:
            of digits for strokes, or a test pattern if the codec rebuilds that better; of faces
            for images that have a face in common; a landscape for all others.
        images: The calibration images, float32 (n, height, width, channels) in [0, 1].
        codec: The codec of the bundle.
    """
    if isinstance(sample, str):
        four = np.floor(evenly(images, 4) * 255 + 0.5).astype(np.uint8)
        if len(four) < 4:
            return four[0]
        return np.concatenate([np.concatenate(pair, axis=1) for pair in (four[:2], four[2:])])
    if sample is not None:
        return sample
    height, width = codec.manifest.codec.tile
    channels = images.shape[3]
    digits = draw_digits(images)
    if digits is not None:
        pattern = sample_image(height * 3 // 2 + 1, width * 3 // 2 + 1, channels)
        return max((pattern, digits), key=lambda picture: _explained(codec, picture))
    faces = draw_faces(images)
    if faces is not None:
        return faces
    return draw_landscape(height * 3 // 2 + 1, width * 2 + 1, channels)


def _explained(codec: Codec, picture: NDArray[np.uint8]) -> float:
    """The share of a picture's variance that the codec rebuilds; negative if it adds some."""
    error = codec.decompress(codec.compress(picture)).astype(float) - picture
    return 1 - float(np.square(error).mean() / max(picture.var(), 1e-9))


def write_golden(target: Path, codec: Codec, sample: NDArray[np.uint8]) -> None:
    """Write the golden sample of a codec into the folder of its bundle."""
    data = codec.compress(sample)
    (target / "golden").mkdir()
    symbols = codec.encode(sample)
    content = {
        "quality": codec.qualities,
        "height": sample.shape[0],
        "width": sample.shape[1],
        "shape": list(symbols.shape),
        "symbols": symbols.ravel().tolist(),
    }
    (target / GOLDEN["symbols"]).write_text(json.dumps(content) + "\n", encoding="utf-8")
    (target / GOLDEN["bitstream"]).write_bytes(data)
    for name, picture in (("image", sample), ("reconstruction", codec.decompress(data))):
        (target / GOLDEN[name]).write_bytes(png_bytes(picture))
