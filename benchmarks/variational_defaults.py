"""The default variational model, trained by default, on every embedded data set.

    python benchmarks/variational_defaults.py                       # two minutes or three
    python benchmarks/variational_defaults.py --batch-size 16       # with another batch size

Three seeds each. Measured on the test images: how many dB the reconstructions are above the mean
of the training images, beside a principal component analysis of as many values, the best that a
linear code can do on the training images; and how many units of the code are active. Writes
results/variational_defaults.json, unless an option changes what the default is.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.decomposition import PCA

import kerasae
from kerasae import Images, TrainConfig, evaluation, train
from kerasae.data import EMBEDDED

RESULT = Path(__file__).parent / "results" / "variational_defaults.json"
SEEDS = (0, 1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int)
    options = parser.parse_args()
    changed = {} if options.batch_size is None else {"batch_size": options.batch_size}
    rows = {}
    for name in EMBEDDED:
        images = kerasae.load_images(name)
        runs = [measure(images, seed, changed) for seed in SEEDS]
        rows[name] = {
            "training images": len(images.train),
            "steps": runs[0]["steps"],
            "principal components": round(of_components(images, runs[0]["units"]), 2),
            **{key: [run[key] for run in runs] for key in ("above the mean", "active", "seconds")},
            "units": runs[0]["units"],
        }
        print(name, json.dumps(rows[name]), flush=True)
    if not changed:
        RESULT.write_text(json.dumps(rows, indent=1) + "\n")


def measure(images: Images, seed: int, changed: dict[str, int]) -> dict[str, float]:
    keras.utils.set_random_seed(seed)
    model = kerasae.build_variational(input_shape=images.image_shape)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a collapse, which is what is measured
        train(model, images, TrainConfig(seed=seed, **changed), progress=False)
    seconds = time.process_time() - start
    rebuilt = model.predict(images.test, verbose=0).clip(0, 1)
    gain = evaluation.psnr(images.test, rebuilt) - of_mean(images)
    return {
        "above the mean": round(gain, 2),
        "active": evaluation.active_units(model, images.test),
        "units": kerasae.encoder(model).outputs[0].shape[-1],
        "steps": int(model.optimizer.iterations.value),
        "seconds": round(seconds, 1),
    }


def of_mean(images: Images) -> float:
    mean = np.broadcast_to(images.train.mean(axis=0), images.test.shape)
    return evaluation.psnr(images.test, mean)


def of_components(images: Images, count: int) -> float:
    flat = images.test.reshape(len(images.test), -1)
    pca = PCA(count, random_state=0).fit(images.train.reshape(len(images.train), -1))
    rebuilt = pca.inverse_transform(pca.transform(flat)).reshape(images.test.shape)
    return evaluation.psnr(images.test, rebuilt) - of_mean(images)


if __name__ == "__main__":
    main()
