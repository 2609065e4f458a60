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
import numpy as np
from sklearn.decomposition import PCA

import kerasae
from kerasae import Images, Sequences, TrainConfig, evaluation
from kerasae.applications.masks import draw_masks
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

MELODIES = {
    "data": "10,000 melodies of 16 quavers that a program draws by rule",
    "data_licence": "Apache-2.0",
    "licence": "Apache-2.0",
}

LETTERS = {
    "data": "letters, 8,008 capital letters in 308 typefaces, drawn from free fonts",
    "data_licence": "OFL-1.1, Apache-2.0, MIT or public domain, by font",
    "licence": "Apache-2.0",
}

Measure = Callable[[keras.Model, Any], dict[str, float]]


@dataclass(frozen=True)
class Recipe:
    """How a model is made, and what is said of it."""

    summary: str
    run: Run
    config: TrainConfig
    card: dict[str, str]
    measure: Measure = field(default=lambda model, images: {})
    validation_fraction: float | None = None

    def images(self) -> Images:
        """The images of the run; with another part of them for validation, if one is given."""
        if self.validation_fraction is None:
            return self.run.images()
        return kerasae.load_images(
            self.run.data, validation_fraction=self.validation_fraction, seed=self.run.seed
        )


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


def squared_error(model: keras.Model, images: Images) -> dict[str, float]:
    """The squared error of row 2 of docs/fidelity.md, and that of PCA with as many values."""
    flat = images.test.reshape(len(images.test), -1)
    size = int(np.prod(kerasae.encoder(model).output_shape[1:]))
    rebuilt = model.predict(images.test, verbose=0).reshape(flat.shape)
    pca = PCA(size, svd_solver="full").fit(images.train.reshape(len(images.train), -1))
    linear = pca.inverse_transform(pca.transform(flat))
    return {
        "squared error, test images, sum over pixels": float(
            np.square(flat - rebuilt).sum(1).mean()
        ),
        "the same of PCA": float(np.square(flat - linear).sum(1).mean()),
    }


def cleaned(model: keras.Model, images: Images) -> dict[str, float]:
    """PSNR of noisy test images and of what is made of them, as row 13 of docs/fidelity.md."""
    noise = np.random.default_rng(0).normal(size=images.test.shape).astype(np.float32)
    noisy = np.clip(images.test + 0.5 * noise, 0, 1)
    rebuilt = np.clip(model.predict(noisy, verbose=0), 0, 1)
    return {
        "PSNR with Gaussian noise of 0.5, dB": float(evaluation.psnr(images.test, noisy)),
        "PSNR after denoising, dB": float(evaluation.psnr(images.test, rebuilt)),
    }


def filled(kind: str, fraction: float) -> Measure:
    """The squared error in holes of a kind, and that of the mean image there."""

    def measure(model: keras.Model, images: Images) -> dict[str, float]:
        count, *shape = images.test.shape[:3]
        masks = draw_masks(kind, shape, count, fraction=fraction)
        mean = np.broadcast_to(images.train.mean(axis=0), images.test.shape)
        found = kerasae.inpaint(model, images.test, masks)
        return {
            "squared error in the holes": float(evaluation.hole_error(images.test, found, masks)),
            "the same of the mean image": float(evaluation.hole_error(images.test, mean, masks)),
        }

    return measure


def right_symbols(model: keras.Model, melodies: Sequences) -> dict[str, float]:
    """How many symbols of the test melodies come back."""
    rebuilt = model.predict(melodies.test, verbose=0)
    same = rebuilt.argmax(-1) == melodies.test.argmax(-1)
    return {
        "symbols right, test melodies, %": 100 * float(same.mean()),
        "melodies without an error, %": 100 * float(same.all(axis=1).mean()),
    }


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
    "letters-convolutional": Recipe(
        "A convolutional autoencoder of capital letters with a code of 32 values: it draws letters "
        "of typefaces that it has never seen, and walks from one to another.",
        Run(
            "convolutional",
            {"code_size": 32, "hidden": [32, 64], "activation": "gelu", "loss": "mse"},
            "letters",
        ),
        TrainConfig(epochs=60, batch_size=64, learning_rate=2e-3, warmup_epochs=1),
        LETTERS,
    ),
    "mnist-deep": Recipe(
        "A deep autoencoder of MNIST with a code of 30 values, 784-1000-500-250-30 and back, that "
        "rebuilds digits far better than as many principal components.",
        Run(
            "undercomplete",
            {"code_size": 30, "hidden": [1000, 500, 250], "activation": "elu"},
            "mnist",
        ),
        TrainConfig(epochs=120, learning_rate=1e-3),
        MNIST,
        squared_error,
        validation_fraction=1 / 30,
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
    "mnist-variational-plane": Recipe(
        "A variational autoencoder of MNIST whose code is a point of a plane, to draw a map of "
        "digits.",
        Run(
            "variational",
            {"code_size": 2, "hidden": [512, 256, 128], "likelihood": "bernoulli"},
            "mnist",
            seed=4,
        ),
        TrainConfig(epochs=60, batch_size=256, learning_rate=2e-3, warmup_epochs=1, seed=4),
        MNIST,
        bound,
    ),
    "mnist-denoising": Recipe(
        "A convolutional denoiser of MNIST, for Gaussian noise of a standard deviation of 0.5.",
        Run(
            "denoising",
            {
                "base": "convolutional",
                "level": 0.5,
                "code_size": 128,
                "hidden": [32, 64],
                "loss": "mse",
            },
            "mnist",
        ),
        TrainConfig(epochs=50, learning_rate=2e-3),
        MNIST,
        cleaned,
    ),
    "mnist-inpainting": Recipe(
        "A convolutional autoencoder that fills blocks of a quarter of the pixels missing from "
        "digits of MNIST.",
        Run(
            "masked",
            {"mask": "block", "hidden": [32, 64], "code_size": 128, "loss": "mse"},
            "mnist",
        ),
        TrainConfig(epochs=25, learning_rate=2e-3),
        MNIST,
        filled("block", 0.25),
    ),
    "mnist-unwriting": Recipe(
        "A convolutional autoencoder that takes writing off digits of MNIST.",
        Run(
            "masked",
            {
                "mask": "text",
                "mask_fraction": 0.2,
                "hidden": [32, 64],
                "code_size": 16,
                "code": "spatial",
                "loss": "mse",
            },
            "mnist",
        ),
        TrainConfig(epochs=20, learning_rate=2e-3),
        MNIST,
        filled("text", 0.2),
    ),
    "melodies-recurrent": Recipe(
        "An LSTM that holds a melody of 16 quavers in 48 numbers.",
        Run(
            "recurrent",
            {"cell": "lstm", "hidden": [128], "code_size": 48},
            "melodies",
            table={},
        ),
        TrainConfig(epochs=40, learning_rate=3e-3),
        MELODIES,
        right_symbols,
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
    images = recipe.images()
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
        images=images if isinstance(images, Images) else None,
        measure=lambda stored: recipe.measure(stored, images),
    )
    print(json.dumps(made["figures"]), f"{made['bytes']:,} bytes", flush=True)


if __name__ == "__main__":
    main()
