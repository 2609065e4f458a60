"""Segmentation: row 9."""

from __future__ import annotations

import functools

import keras
import numpy as np

import kerasae
from kerasae import evaluation
from kerasae.data import Images
from kerasae.training import TrainConfig
from rows import SEED, Row, trained

SIZE = (180, 240)
CONFIG = TrainConfig(epochs=40, batch_size=4, learning_rate=2e-3, seed=SEED, flip=True, keep="last")
NETS = {
    "pooling": {"kernel_size": 5},
    "concat": {"code_size": 96},
}
CHOSEN = "pooling"


@functools.cache
def camvid() -> Images:
    """CamVid at half size, with the 367, 101 and 233 images of the SegNet split."""
    return kerasae.load_images("camvid", image_size=SIZE, seed=SEED)


def net(images: Images, skips: str) -> keras.Model:
    """SegNet-Basic or a small U-Net: four stages of a convolution each."""
    return kerasae.build_segmentation(
        input_shape=images.image_shape,
        classes=images.classes,
        hidden=(16, 32, 48, 64),
        skips=skips,
        convolutions=1,
        **NETS[skips],
        class_weights=evaluation.median_frequency_weights(
            images.train_labels, images.classes, images.ignored_class
        ),
        ignored_class=images.ignored_class,
    )


def scores(
    model: keras.Model, pixels: np.ndarray, labels: np.ndarray, images: Images
) -> evaluation.SegmentationScores:
    found = model.predict(pixels, batch_size=8, verbose=0).argmax(-1)
    return evaluation.segmentation_scores(labels, found, images.classes, images.ignored_class)


def segmentation() -> dict:
    """The classes of CamVid's pixels."""
    images = camvid()
    model, seconds = trained(f"segmentation-{CHOSEN}", lambda: net(images, CHOSEN), images, CONFIG)
    held_out = scores(model, images.validation, images.validation_labels, images)
    print(f"mIoU on validation images: {100 * held_out.mean_iou:.1f}")
    test = scores(model, images.test, images.test_labels, images)
    return {
        "figure": 100 * test.mean_iou,
        "global": 100 * test.global_accuracy,
        "class_average": 100 * test.class_average,
        "validation_mIoU": 100 * held_out.mean_iou,
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
        remark="filters 16, 32, 48, 64 of 5 x 5 in place of 64 of 7 x 7; match asks for the full "
        "size and a GPU: not run",
    ),
}
