"""The small codec of handwritten digits that the website's front page runs.

    python benchmarks/front_digits.py           # train, export into website/digits, measure
    python benchmarks/front_digits.py --measure # measure the bundle again

A small `build_rate_distortion`, so that it loads fast, trained on digits of which every other one
is moved, turned and scaled: people draw where and as large as they like. It reports on plain test
digits, one file each, and on moved ones, and writes `results/front_digits.json`. MNIST comes
through TensorFlow Datasets (offline: set TFDS_DATA_DIR).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from rows import RUNS
from scipy.ndimage import affine_transform

import kerasae
from kerasae.training import TrainConfig, train
from kerasae_export import Codec, export_bundle
from kerasae_export.conversion.split import evenly
from kerasae_export.evaluation.quality import pooled_psnr

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "website" / "digits"
RESULT = Path(__file__).parent / "results" / "front_digits.json"
RUN = RUNS / "front_digits"
SEED, TEST, CALIBRATION = 0, 500, 10_000
NETWORK: dict[str, Any] = {
    "network": "convolutional",
    "code": "dense",
    "hidden": (16, 32),
    "kernel_size": 5,
    "code_size": 48,
    "activation": "relu",
}
LMBDA = 0.0017
CONFIG = TrainConfig(epochs=8, batch_size=128, learning_rate=2e-3, seed=SEED)
DATA = "MNIST (LeCun, Cortes & Burges, CC BY-SA 3.0), moved, turned and scaled"


def drawn(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each digit as another hand might place it: float32 (n, 28, 28, 1)."""
    result = np.empty_like(digits)
    middle = np.array([13.5, 13.5])
    for out, digit in zip(result, digits, strict=True):
        angle, scale = rng.normal(0, 0.12), np.exp(rng.normal(0, 0.15))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
        offset = middle - turn @ (middle + rng.normal(0, 1.6, 2))
        affine_transform(digit[..., 0], turn, offset, output=out[..., 0], order=1)
    return result.clip(0, 1)


def mixed(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every other digit as it is, the rest as another hand might place it."""
    result = digits.copy()
    result[1::2] = drawn(digits[1::2], rng)
    return result


def make() -> dict[str, Any]:
    images = kerasae.load_images("mnist")
    rng = np.random.default_rng(SEED)
    training, validation = mixed(images.train, rng), mixed(images.validation, rng)
    data = kerasae.Images(train=training, validation=validation, test=images.test)
    keras.utils.set_random_seed(SEED)
    model = kerasae.build_rate_distortion(input_shape=(28, 28, 1), lmbda=LMBDA, **NETWORK)
    wall, cpu = time.perf_counter(), time.process_time()
    train(model, data, CONFIG, out=RUN, resume=True)
    seconds = time.perf_counter() - wall, time.process_time() - cpu
    three = images.test[int(np.flatnonzero(images.test_labels == 3)[0])]
    export_bundle(
        model,
        BUNDLE,
        calibration=evenly(training, CALIBRATION),
        sample=np.uint8(np.floor(three * 255 + 0.5)),
        facts={"data": DATA, "lmbda": LMBDA, "training": {"seed": SEED}},
    )
    return {"wall_seconds": round(seconds[0], 1), "cpu_seconds": round(seconds[1], 1)}


def measure() -> dict[str, Any]:
    images = kerasae.load_images("mnist")
    digits = np.floor(images.test[:TEST] * 255 + 0.5).astype(np.uint8)
    codec = Codec.load(BUNDLE)
    files = [codec.compress(digit) for digit in digits]
    rebuilt = np.stack([codec.decompress(file) for file in files])
    moved = drawn(images.test[:TEST], np.random.default_rng(1))
    moved = np.floor(moved * 255 + 0.5).astype(np.uint8)
    again = [codec.compress(digit) for digit in moved]
    back = np.stack([codec.decompress(file) for file in again])
    return {
        "images": TEST,
        "mean_bytes": float(np.mean([len(file) for file in files])),
        "psnr": pooled_psnr(digits / 255, rebuilt / 255),
        "moved": {
            "mean_bytes": float(np.mean([len(file) for file in again])),
            "psnr": pooled_psnr(moved / 255, back / 255),
        },
        "model_bytes": {
            name: (BUNDLE / f"{name}.tflite").stat().st_size for name in ("encoder", "decoder")
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", action="store_true")
    if parser.parse_args().measure:
        result = json.loads(RESULT.read_text(encoding="utf-8"))
    else:
        result = {"command": "python benchmarks/front_digits.py"} | make()
    result |= measure()
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
