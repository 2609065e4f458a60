"""What it brings to try several classes for each cell of a photograph.

    python benchmarks/photo_tries.py PHOTOGRAPHS

PHOTOGRAPHS is the folder of the test part of BSDS500, of which every 25th by name is taken. Prints
the BD-rate by PSNR of each number of tries against one, and CPU seconds for writing and reading.
Writes results/photo_tries.json.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from photo_codec import curve, photographs, saving

from kerasae_export.photo import codec as photo

RESULT = Path(__file__).parent / "results" / "photo_tries.json"
TRIES = (1, 2, 4, 8)
QUALITIES = (10, 25, 40, 55, 70, 82, 90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    images = list(photographs("bsds", parser.parse_args().photographs, None))[::25]
    codec, curves, result = photo.PhotoCodec.load(), {}, {}
    for tries in TRIES:
        photo.TRIES = tries
        start, done = time.process_time(), {}
        for title, image in images:
            rows = []
            for quality in QUALITIES:
                data = codec.compress(image, quality=quality)
                error = np.square(codec.decompress(data).astype(float) - image).mean()
                rows.append([image.size / 3, quality, len(data), error, 0, 0, 0])
            done[title] = rows
        seconds = round(time.process_time() - start, 1)
        curves[tries] = curve(done)
        change = round(saving(curves[1], curves[tries], 1), 2)
        result[str(tries)] = {"bd_rate_psnr": change, "cpu_seconds": seconds}
        print(f"{tries} tries: {change:+.2f} %, {seconds} s")
    RESULT.write_text(json.dumps({"photographs": len(images), "tries": result}, indent=1) + "\n")


if __name__ == "__main__":
    main()
