"""The golden sample: an image, its symbols, its bitstream and what that decodes to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerasae_export.files.pictures import png_bytes
from kerasae_export.format.manifest import GOLDEN
from kerasae_export.runtime.codec import Codec

__all__ = ["sample_image", "write_golden"]


def sample_image(height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Draw a test pattern: a gradient, a disc, a frame and stripes.

    Returns:
        uint8 of shape (height, width, channels).
    """
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    picture = np.stack([x, y, 1 - (x + y) / 2][:channels], axis=-1)
    disc = (y - 0.35) ** 2 + (x - 0.4) ** 2 < 0.06
    picture[disc] = 1 - picture[disc]
    stripes = (np.floor(x * 16) % 2 == 0) & (y > 0.7)
    picture[stripes] *= 0.4
    edge = np.ones((height, width), bool)
    edge[1:-1, 1:-1] = False
    picture[edge] = 0
    return np.floor(picture * 255 + 0.5).astype(np.uint8)


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
