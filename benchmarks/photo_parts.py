"""What each part of the codec of photographs brings.

    python benchmarks/photo_parts.py PHOTOGRAPHS

PHOTOGRAPHS is the folder of the test part of BSDS500, of which every 25th by name is taken. Prints
the BD-rate by PSNR of each part against what is there before it, and against all that is there at
the beginning, with CPU seconds for writing and reading. Writes results/photo_parts.json.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
from photo_codec import curve, photographs, saving

from kerasae_export.photo import codec as photo
from kerasae_export.photo.shipped import shipped_families

RESULT = Path(__file__).parent / "results" / "photo_parts.json"
QUALITIES = (10, 25, 40, 55, 70, 82, 90)


class Part(NamedTuple):
    """How to write from this part on."""

    title: str
    family: int = -1  # of those that ship, the newest first
    effort: int = 1
    tries: int = 1
    refined: bool = False


PARTS = (
    Part("photo-1, by the rule in integers (effort 0)", effort=0),
    Part("classes and rounding by rate and distortion"),
    Part("four classes tried for each cell", tries=4),
    Part("rounding against the error in pixels", tries=4, refined=True),
    Part("photo-2: transform fitted to photographs, tables anew", family=0, tries=4, refined=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    images = list(photographs("bsds", parser.parse_args().photographs, None))[::25]
    curves, rows = [], []
    for part in PARTS:
        start = time.process_time()
        curves.append(curve({title: measured(part, image) for title, image in images}))
        seconds = round(time.process_time() - start, 1)
        steps = [saving(curves[at], curves[-1], 1) for at in (0, max(0, len(curves) - 2))]
        whole, own = (round(step, 2) for step in steps)
        rows.append({"part": part.title, "own": own, "whole": whole, "cpu_seconds": seconds})
        print(f"{part.title}: {own:+.2f} %, together {whole:+.2f} %, {seconds} s", flush=True)
    RESULT.write_text(json.dumps({"photographs": len(images), "parts": rows}, indent=1) + "\n")


def measured(part: Part, image: np.ndarray) -> list[list[float]]:
    """Bytes and squared error of a photograph at some qualities, as `curve` takes them."""
    codec, rows = photo.PhotoCodec([shipped_families()[part.family]]), []
    with (
        mock.patch.object(photo, "TRIES", part.tries),
        mock.patch.object(photo, "refine", photo.refine if part.refined else lambda *_, **__: None),
    ):
        for quality in QUALITIES:
            data = codec.compress(image, quality=quality, effort=part.effort)
            error = np.square(codec.decompress(data).astype(float) - image).mean()
            rows.append([image.size / 3, quality, len(data), error, 0, 0, 0])
    return rows


if __name__ == "__main__":
    main()
