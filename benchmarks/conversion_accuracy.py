"""What conversion to TF Lite costs, in the measure that a user of the model cares for.

    python benchmarks/conversion_accuracy.py                # all subjects, or their names

A subject is a trained model with inputs that it has not seen and its measure on them. Each is
measured in Keras, as a float32 file and as an int8 file with uint8 edges, calibrated on
training inputs. Those of "streets" and "anomalies" are trained here, a minute each; that of
"camvid" is taken from the run of `python benchmarks/fidelity.py segmentation`, if there is one.
Needs MNIST and CamVid through TensorFlow Datasets (offline: set TFDS_DATA_DIR).
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from rows import RUNS, SEED
from rows import segmentation as camvid_row

import kerasae
from kerasae.applications import anomaly
from kerasae.data import Images
from kerasae.evaluation import auroc, segmentation_scores
from kerasae.training import TrainConfig, train
from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.split import evenly, predict
from kerasae_export.runtime.litemodel import LiteModel

RESULT = Path(__file__).parent / "results" / "conversion_accuracy.json"
SCHEMES = ("float32", "int8")


@dataclass(frozen=True)
class Subject:
    """A trained model, and how good it is.

    Attributes:
        name: What it is and was trained on.
        measure: Name and unit of what `score` gives.
        model: The deployed model, of one input.
        calibration: Inputs that the model was trained on.
        inputs: Inputs that it was not.
        score: The measure, from the outputs for `inputs`.
    """

    name: str
    measure: str
    model: keras.Model
    calibration: np.ndarray
    inputs: np.ndarray
    score: Callable[[np.ndarray], float]


def segmentation(name: str, model: keras.Model, images: Images, split: str) -> Subject:
    """A segmentation model, measured by its intersection over union."""
    labels = getattr(images, f"{split}_labels")

    def score(logits: np.ndarray) -> float:
        found = logits.argmax(-1)
        scores = segmentation_scores(labels, found, images.classes, images.ignored_class)
        return 100 * scores.mean_iou

    return Subject(
        f"{name}, {len(labels)} {split} images",
        "mIoU, %",
        kerasae.inference_model(model),
        evenly(images.train, 100),
        getattr(images, split),
        score,
    )


def streets() -> Iterator[Subject]:
    """The two ways to skip, trained alike on procedural street scenes."""
    images = kerasae.load_images("streets", seed=SEED)
    config = TrainConfig(epochs=12, batch_size=8, learning_rate=3e-3, seed=SEED, flip=True)
    for name, options in {
        "SegNet-style": {"skips": "pooling"},
        "U-Net-style": {"skips": "concat", "code_size": 64},
    }.items():
        keras.utils.set_random_seed(SEED)
        model = kerasae.build_segmentation(
            input_shape=images.image_shape,
            classes=images.classes,
            ignored_class=images.ignored_class,
            hidden=(16, 32, 48),
            convolutions=1,
            **options,
        )
        train(model, images, config, progress=False)
        yield segmentation(f"{name}, streets", model, images, "test")


def camvid() -> Iterator[Subject]:
    """The models of row 9; its test images are left alone, since nothing is chosen by them."""
    for skips in camvid_row.NETS:
        file = RUNS / f"segmentation-{skips}-tensorflow" / "model.keras"
        if file.exists():
            model = keras.saving.load_model(file)
            images = camvid_row.camvid()
            yield segmentation(f"row 9 ({skips}), CamVid", model, images, "validation")


def anomalies() -> Iterator[Subject]:
    """An anomaly score: one digit of MNIST is normal, all others are not."""
    images, digit = kerasae.load_images("mnist", seed=SEED), 3
    normal = Images(
        images.train[images.train_labels == digit],
        images.validation[images.validation_labels == digit],
        images.test[images.test_labels == digit],
    )
    keras.utils.set_random_seed(SEED)
    model = kerasae.build_undercomplete(code_size=16, hidden=(256,), loss="mse")
    config = TrainConfig(epochs=15, batch_size=64, learning_rate=2e-3, seed=SEED)
    train(model, normal, config, progress=False)
    # Normal images upside down or cut up are strange, and known before any anomaly is.
    shifted = np.roll(normal.train[50:100], 14, axis=1)

    def score(scores: np.ndarray) -> float:
        usual, strange = np.split(scores.ravel(), [len(normal.test)])
        return 100 * auroc(usual, strange)

    yield Subject(
        f"anomaly score, MNIST, {digit} is normal",
        "AUROC, %",
        anomaly.scorer(model, "relative"),
        np.concatenate([normal.train[:200], normal.train[:50, ::-1], shifted]),
        np.concatenate([normal.test, images.test[images.test_labels != digit]]),
        score,
    )


SUBJECTS = {"streets": streets, "camvid": camvid, "anomalies": anomalies}


def measure(subject: Subject, converter: Converter) -> dict:
    """The measure before and after, and the size of the files."""
    result: dict = {
        "measure": subject.measure,
        "keras": subject.score(predict(subject.model, subject.inputs, batch_size=8)),
    }
    with tempfile.TemporaryDirectory() as folder:
        for scheme in SCHEMES:
            path = converter.convert(
                subject.model,
                Path(folder) / f"{scheme}.tflite",
                scheme=scheme,
                calibration=subject.calibration,
            )
            lite = LiteModel(path.read_bytes(), threads=2)
            result[scheme] = subject.score(lite.run(subject.inputs))
            result[f"{scheme}_bytes"] = path.stat().st_size
    return result


def main() -> None:
    names = sys.argv[1:] or list(SUBJECTS)
    unknown = sorted(set(names) - set(SUBJECTS))
    if unknown:
        sys.exit(f"subjects must be among {', '.join(SUBJECTS)}. Received: {', '.join(unknown)}")
    results = json.loads(RESULT.read_text())["models"] if RESULT.exists() else {}
    print("| model | measure | Keras | float32 file | int8 file | bytes | int8 bytes |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name in names:
        for subject in SUBJECTS[name]():
            with Converter() as converter:
                row = measure(subject, converter)
            results[subject.name] = row
            figures = " | ".join(f"{row[key]:.2f}" for key in ("keras", *SCHEMES))
            sizes = " | ".join(f"{row[f'{scheme}_bytes']:,}" for scheme in SCHEMES)
            print(f"| {subject.name} | {row['measure']} | {figures} | {sizes} |", flush=True)
            content = {
                "machine": f"{os.cpu_count()} cores, {platform.machine()}",
                "backend": keras.backend.backend(),
                "seed": SEED,
                "models": results,
            }
            RESULT.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
