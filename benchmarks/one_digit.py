"""The picture of the website's front page: a digit, its file, and what the file gives back.

    python benchmarks/one_digit.py

Takes the int8 bundle "26 dB" that `benchmarks/mnist_codec.py` leaves, compresses the first 500
test digits of MNIST one by one, and of those whose file has the median size shows the one whose
error is closest to the error of all. Writes two small PNGs for `website/`, and
`results/one_digit.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from rows import RUNS

import kerasae
from kerasae_export import Codec
from kerasae_export.evaluation.quality import pooled_psnr
from kerasae_export.files.batch import png_bytes

RESULT = Path(__file__).parent / "results" / "one_digit.json"
PICTURES = Path(__file__).parents[1] / "website" / "pages" / "assets"
BUNDLE = RUNS / "mnist_codec" / "26 dB" / "int8"
COUNT = 500


def main() -> None:
    images = kerasae.load_images("mnist")
    digits = np.floor(images.test[:COUNT] * 255 + 0.5).astype(np.uint8)
    codec = Codec.load(BUNDLE)
    files = [codec.compress(digit) for digit in digits]
    rebuilt = np.stack([codec.decompress(file) for file in files])
    sizes = np.array([len(file) for file in files])
    psnr = pooled_psnr(digits / 255, rebuilt / 255)
    own = np.array([pooled_psnr(a / 255, b / 255) for a, b in zip(digits, rebuilt, strict=True)])
    median = sizes == np.sort(sizes)[COUNT // 2]
    chosen = int(np.argmin(np.where(median, np.abs(own - psnr), np.inf)))
    for name, image in (("digit", digits[chosen]), ("digit-rebuilt", rebuilt[chosen])):
        (PICTURES / f"{name}.png").write_bytes(png_bytes(image))
    result = {
        "bundle": "mnist_codec, 26 dB, int8",
        "images": COUNT,
        "mean_bytes": float(sizes.mean()),
        "psnr_of_all": psnr,
        "index": chosen,
        "label": int(images.test_labels[chosen]),
        "pixels": digits[chosen].size,
        "png_bytes": len(png_bytes(digits[chosen])),
        "file": files[chosen].hex(),
        "psnr": float(own[chosen]),
        "model_bytes": {
            name: (BUNDLE / f"{name}.tflite").stat().st_size for name in ("encoder", "decoder")
        },
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
