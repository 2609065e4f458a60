"""What int8 costs an anomaly detector: AUROC of the model and of its TF Lite files.

    python benchmarks/conversion_anomaly.py

One digit of MNIST is normal, all others are anomalies. The threshold is taken from each file's own
scores of normal validation images. Needs MNIST through TensorFlow Datasets (offline: set
TFDS_DATA_DIR).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import kerasae
from kerasae import anomaly, evaluation
from kerasae.data import Images
from kerasae.training import TrainConfig, train
from kerasae_export.conversion import Converter
from kerasae_export.runtime import LiteModel

DIGIT, KIND, RATE = 3, "relative", 0.05
SEED = 0


def measure() -> dict:
    """AUROC, detection and false alarms of the Keras model, its float32 and its int8 file."""
    images = kerasae.load_images("mnist", seed=SEED)
    normal = Images(
        images.train[images.train_labels == DIGIT],
        images.validation[images.validation_labels == DIGIT],
        images.test[images.test_labels == DIGIT],
    )
    strange = images.test[images.test_labels != DIGIT]
    keras.utils.set_random_seed(SEED)
    model = kerasae.build_undercomplete(code_size=16, hidden=(256,), loss="mse")
    train(model, normal, TrainConfig(epochs=15, batch_size=64, learning_rate=2e-3, seed=SEED))
    scorer = anomaly.scorer(model, KIND)
    groups = (normal.validation, normal.test, strange)
    result = {"keras": judge([anomaly.scores(scorer, group) for group in groups])}
    # Normal images upside down or cut up are strange, and known before any anomaly is.
    shifted = np.roll(normal.train[50:100], 14, axis=1)
    calibration = np.concatenate([normal.train[:200], normal.train[:50, ::-1], shifted])
    with Converter() as converter, tempfile.TemporaryDirectory() as folder:
        for scheme in ("float32", "int8"):
            path = Path(folder) / f"{scheme}.tflite"
            converter.convert(scorer, path, scheme=scheme, calibration=calibration)
            lite = LiteModel(path.read_bytes())
            scores = [lite.run(group)[:, 0] for group in groups]
            result[scheme] = {**judge(scores), "kilobytes": path.stat().st_size / 1000}
    return {"digit": DIGIT, "kind": KIND, "seed": SEED, **result}


def judge(scores: list[np.ndarray]) -> dict:
    """From the scores of normal validation images, normal test images, and anomalies."""
    held_out, normal, strange = scores
    limit = anomaly.threshold(held_out, false_alarm_rate=RATE)
    return {
        "auroc_percent": 100 * evaluation.auroc(normal, strange),
        "detected_percent": 100 * float((strange > limit).mean()),
        "false_alarm_percent": 100 * float((normal > limit).mean()),
    }


def main() -> None:
    result = measure()
    print(f"MNIST, {result['digit']} is normal; false alarms asked for: {100 * RATE:g} %")
    for name in ("keras", "float32", "int8"):
        facts = ", ".join(f"{key.replace('_', ' ')} {v:.2f}" for key, v in result[name].items())
        print(f"{name}: {facts}")


if __name__ == "__main__":
    main()
