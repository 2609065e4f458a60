"""The models that come with the package: trained, stored, and measured as they are stored.

    python benchmarks/pretrained.py                       # all, some minutes on two cores
    python benchmarks/pretrained.py mnist-variational     # one of them
    python benchmarks/pretrained.py --again NAME          # though it is there

Interrupted, it goes on: what is stored stays, and a training resumes from its checkpoint in
build/pretrained. Each model has its own seed, and its card the minutes that it took. MNIST comes
through TensorFlow Datasets.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import kerasae
from kerasae import Images, TrainConfig, evaluation
from kerasae.pretrained import save_pretrained
from kerasae.pretrained.cards import MODELS
from kerasae.runs import Run

BUILD = Path(__file__).resolve().parents[1] / "build" / "pretrained"

DIGITS = {
    "data": "1,797 handwritten digits of 8x8 pixels, the test part of the UCI set Optical "
    "Recognition of Handwritten Digits by E. Alpaydin and C. Kaynak, as shipped with scikit-learn",
    "data_licence": "CC BY 4.0",
    "licence": "Apache-2.0",
}
MNIST = {
    "data": "MNIST, 70,000 handwritten digits of 28x28 pixels by Y. LeCun, C. Cortes and C. Burges",
    "data_licence": "CC BY-SA 3.0",
    "licence": "CC BY-SA 3.0, as the data",
}

Measure = Callable[[keras.Model, Images], dict[str, float]]


@dataclass(frozen=True)
class Recipe:
    """How a model is made, and what is said of it."""

    summary: str
    run: Run
    config: TrainConfig
    card: dict[str, str]
    measure: Measure = field(default=lambda model, images: {})


def probe(model: keras.Model, images: Images) -> dict[str, float]:
    """How often a linear classifier takes the code for another digit."""
    encoder = kerasae.encoder(model)
    codes = [encoder.predict(x, verbose=0) for x in (images.train[:5000], images.test)]
    found = evaluation.linear_probe(
        codes[0], images.train_labels[:5000], codes[1], images.test_labels
    )
    return {"test error of a linear classifier on the code, %": 100 * found}


def bound(model: keras.Model, images: Images) -> dict[str, float]:
    """The parts of the bound, in nats an image."""
    found = evaluation.elbo(model, images.test, seed=0)
    return {"ELBO, test images, nats": float(found.elbo), "KL, test images, nats": float(found.kl)}


RECIPES = {
    "digits-convolutional": Recipe(
        "A small convolutional autoencoder of 8x8 digits with a code of 8 values, for first steps "
        "and tests.",
        Run(
            "convolutional",
            {"code_size": 8, "hidden": [16, 32], "loss": "mse"},
            "digits",
            seed=1,
            split_seed=0,  # the test set that `load_images("digits")` gives
        ),
        TrainConfig(epochs=120, batch_size=32, learning_rate=3e-3, seed=1),
        DIGITS,
        probe,
    ),
    "mnist-undercomplete": Recipe(
        "A dense autoencoder of MNIST with a code of 32 values, for compression, search and as the "
        "start of a classifier.",
        Run(
            "undercomplete",
            {"code_size": 32, "hidden": [256, 128], "loss": "mse"},
            "mnist",
            seed=2,
        ),
        TrainConfig(epochs=25, batch_size=128, learning_rate=2e-3, warmup_epochs=1, seed=2),
        MNIST,
        probe,
    ),
    "mnist-variational": Recipe(
        "A dense variational autoencoder of MNIST with a code of 16 values, to draw new digits and "
        "walk between them.",
        Run(
            "variational",
            {"code_size": 16, "hidden": [256, 128], "likelihood": "bernoulli"},
            "mnist",
            seed=3,
        ),
        TrainConfig(epochs=12, batch_size=256, learning_rate=3e-3, warmup_epochs=1, seed=3),
        MNIST,
        bound,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}")
    parser.add_argument("--again", action="store_true", help="train what is there, too")
    options = parser.parse_args()
    for name in options.names or RECIPES:
        if name not in RECIPES:
            parser.error(f"NAME must be one of {', '.join(RECIPES)}. Received: {name}")
        if (MODELS / name).exists() and not options.again:
            print(f"{name} is there")
            continue
        make(name, RECIPES[name], options.again)


def make(name: str, recipe: Recipe, again: bool) -> None:
    folder = BUILD / name
    if again and (folder / "model.keras").exists():
        shutil.rmtree(folder)
    print(f"{name}: {recipe.summary}", flush=True)
    images = recipe.run.images()
    model = recipe.run.train(images, recipe.config, folder, resume=True)
    summary = json.loads((folder / "summary.json").read_text())
    card: dict[str, Any] = {
        "summary": recipe.summary,
        **recipe.card,
        "architecture": recipe.run.architecture,
        "hyperparameters": dict(recipe.run.hyperparameters),
        "training": {
            "seed": recipe.config.seed,
            "epochs": recipe.config.epochs,
            "batch_size": recipe.config.batch_size,
            "learning_rate": recipe.config.learning_rate,
            "minutes": round(summary["seconds"] / 60, 2),
        },
    }
    MODELS.mkdir(exist_ok=True)
    made = save_pretrained(
        model,
        MODELS / name,
        card=card,
        images=images,
        measure=lambda stored: recipe.measure(stored, images),
    )
    print(json.dumps(made["figures"]), f"{made['bytes']:,} bytes", flush=True)


if __name__ == "__main__":
    main()
