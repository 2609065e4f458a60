"""What each loss of images buys: the same net, trained on each, measured by every measure.

    python benchmarks/losses.py           # those that are not in the results yet, some minutes
    python benchmarks/losses.py ssim mse  # these again
    python benchmarks/losses.py --table   # write the table of docs/losses.md from the results

Small photographs; a convolutional net with a spatial code of 384 values for 3,072; two seeds; the
same epochs and rate for all. The losses have no measure in common to choose an epoch by, so the
last one's weights are taken. Measured on the test images: PSNR, SSIM with a Gaussian window, and
the fine detail kept: the energy of the upper half of the frequencies over that in the images.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from numpy.typing import NDArray

import kerasae
from kerasae import losses
from kerasae.training import TrainConfig, train
from kerasae_export.conversion.split import predict
from kerasae_export.evaluation.quality import pooled_psnr

RESULT = Path(__file__).parent / "results" / "losses.json"
PAGE = Path(__file__).parents[1] / "docs" / "losses.md"
SEEDS = (0, 1)
EPOCHS = 12
TRIED = (
    "mse",
    "mae",
    "binary_crossentropy",
    "charbonnier",
    "log_cosh",
    "ssim",
    "ms_ssim",
    "mse + 0.02*ssim",
    "mse + 0.1*ssim",
    "mae + 0.5*ms_ssim",
    "mse + focal_frequency",
)


def fine(images: NDArray[Any]) -> float:
    """Energy in the upper half of the frequencies, the mean over images."""
    side = images.shape[1]
    power = np.abs(np.fft.fft2(images, axes=(1, 2), norm="ortho")) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    return float(power[:, frequency > 0.25].sum() / len(images))


def measure(loss: str, images: kerasae.Images, seed: int) -> dict[str, float]:
    keras.utils.set_random_seed(seed)
    model = kerasae.build_convolutional(
        input_shape=images.image_shape, code_size=6, hidden=(32, 64), code="spatial", loss=loss
    )
    config = TrainConfig(
        epochs=EPOCHS, batch_size=32, learning_rate=2e-3, seed=seed, keep="last", jit_compile=False
    )
    start = time.process_time()
    train(model, images, config, progress=False)
    seconds = time.process_time() - start
    rebuilt = np.clip(predict(model, images.test), 0, 1)
    similar = keras.ops.convert_to_numpy(losses.ssim(images.test, rebuilt))
    return {
        "psnr": pooled_psnr(images.test, rebuilt),
        "ssim": float(similar.mean()),
        "fine": fine(rebuilt) / fine(images.test),
        "cpu_seconds": seconds,
    }


def table(found: dict[str, Any]) -> str:
    lines = [
        "| loss | PSNR, dB | SSIM | fine detail kept | CPU time |",
        "|---|---:|---:|---:|---:|",
    ]
    base = np.mean([run["cpu_seconds"] for run in found["runs"]["mse"]])
    for loss in TRIED:
        runs = found["runs"][loss]
        mean = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
        lines.append(
            f"| `{loss}` | {mean['psnr']:.2f} | {mean['ssim']:.4f} | {100 * mean['fine']:.0f} % | "
            f"{mean['cpu_seconds'] / base:.2f} x |"
        )
    spread = max(np.ptp([run["psnr"] for run in found["runs"][loss]]) for loss in TRIED)
    lines += [
        "",
        f"Means of {len(SEEDS)} seeds, which differ by up to {spread:.2f} dB; {EPOCHS} epochs of "
        f"{found['images']:,} photographs of 32 x 32; CPU time beside that of `mse`, on "
        f"{found['machine']}.",
    ]
    return "\n".join(lines)


def main() -> None:
    found = json.loads(RESULT.read_text()) if RESULT.exists() else {"runs": {}}
    if sys.argv[1:] != ["--table"]:
        again = [name for name in TRIED if name in sys.argv[1:]]
        images = kerasae.load_images("photos", image_size=32)
        for loss in again or [name for name in TRIED if name not in found["runs"]]:
            found["runs"][loss] = [measure(loss, images, seed) for seed in SEEDS]
            machine = f"{os.cpu_count()} cores, {platform.machine()}, Keras {version('keras')}"
            found |= {"images": len(images.train), "machine": machine}
            RESULT.write_text(json.dumps(found, indent=1) + "\n")
            print(loss, found["runs"][loss], flush=True)
    if all(name in found["runs"] for name in TRIED):
        head, rest = PAGE.read_text(encoding="utf-8").split("<!-- table -->\n", 1)
        tail = rest.split("<!-- end -->", 1)[1]
        PAGE.write_text(
            f"{head}<!-- table -->\n{table(found)}\n<!-- end -->{tail}", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
