"""The model of the chapter on segmentation, which takes longer to train than a chapter may.

    python benchmarks/street_scenes.py      # about an hour on 2 cores; goes on where it was cut off

Trains a small U-Net on CamVid at half size (through TensorFlow Datasets; offline: set
TFDS_DATA_DIR, or CAMVID_DIR to a folder with train, trainannot and so on), reports its scores on
the validation and on the test images, and writes `notebooks/models/street_scenes.keras`. The file
in the repository was trained with JAX on an NVIDIA H100, in 272 s beside other runs: mIoU 58.19 on
the validation images, 49.55 on the test images.
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import keras
from rows import segmentation, trained

MODEL = Path(__file__).parents[1] / "notebooks" / "models" / "street_scenes.keras"
NET = segmentation.NETS["concat"]
NET = dataclasses.replace(NET, config=dataclasses.replace(NET.config, epochs=60))


def main() -> None:
    images = segmentation.camvid(segmentation.HALF)
    model, seconds = trained(
        "street_scenes", functools.partial(NET.build, images), images, NET.config
    )
    print(f"{model.count_params():,} weights, {seconds:,.0f} s, {keras.backend.backend()}")
    for name in ("validation", "test"):
        pixels, labels = getattr(images, name), getattr(images, f"{name}_labels")
        found = segmentation.scores(model, pixels, labels, images)
        print(
            f"{name}: mIoU {100 * found.mean_iou:.2f}, global {100 * found.global_accuracy:.2f}, "
            f"class average {100 * found.class_average:.2f}"
        )
    # Without the optimizer, whose memory is twice as large as the model.
    plain = keras.Model(model.input, model.output, name=model.name)
    MODEL.parent.mkdir(exist_ok=True)
    plain.save(MODEL)
    print(f"{MODEL.name}: {MODEL.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
