"""Samples of each generative model, and how far they are from real images.

    python benchmarks/priors.py                      # all of it
    python benchmarks/priors.py mnist/transformer    # or some; the names are in MODELS
    python benchmarks/priors.py --page               # write docs/samples.md from the results

Needs MNIST and CIFAR-10 through TensorFlow Datasets (offline: set TFDS_DATA_DIR). Models are
trained in `benchmarks/runs`, where a run that was cut off goes on. Each model draws 10,000 images,
1,000 of each class where it takes labels, with a fixed seed; the first 64 are on the page, none
chosen. The Frechet distance is that of the features of a classifier of our own, of the 10,000 test
images to the 10,000 drawn ones; beside it stands the distance of the test images to as many
training images, and to the reconstructions of the test images, below which no prior comes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from PIL import Image
from rows import SEED, mnist, trained
from rows.generation import (
    SETS,
    classes_of,
    classifier,
    features_of,
    index_prior,
    ready,
    variational,
)
from samples_page import page

import kerasae
from kerasae import priors, samplers
from kerasae.evaluation import frechet_distance, sample_scores
from kerasae.training import TrainConfig

RESULT = Path(__file__).parent / "results" / "priors.json"
DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "samples.md"

COUNT = 10_000
SHOWN = 8  # rows and columns of a sheet
SCORED = 2_000  # images whose precision and recall are measured
Floats = NDArray = np.ndarray


class Drawn(NamedTuple):
    """What a model made.

    Attributes:
        images: 10,000 of them.
        rebuilt: The reconstructions of the test images by the autoencoder.
        by_class: Whether each was asked to show a class, in turn.
        seconds: Of all trainings.
    """

    images: Floats
    rebuilt: Floats
    by_class: bool
    seconds: float


class Model(NamedTuple):
    """A line of the table: how it is called, and what draws."""

    title: str
    snippet: str
    draw: Callable[[], Drawn]


def labels_of(data: str) -> NDArray:
    """The class of each image that is drawn."""
    return np.arange(COUNT) % len(SETS[data]().label_names)


AUTOENCODERS = {"mnist": "mnist-variational", "letters": "letters-convolutional"}
"""Those whose codes mixture, flow and diffusion learn."""


def latent(data: str = "mnist") -> tuple[keras.Model, float]:
    """One of them, and the seconds of its training."""
    return ready(AUTOENCODERS[data])


def of_letters() -> tuple[keras.Model, float]:
    """A variational autoencoder of letters, with the network of the one that comes trained."""
    return trained(
        "priors-variational-letters",
        lambda: kerasae.build_variational(
            input_shape=(28, 28, 1),
            code_size=32,
            network="convolutional",
            hidden=(32, 64),
            likelihood="bernoulli",
        ),
        SETS["letters"](),
        TrainConfig(epochs=40, batch_size=64, learning_rate=2e-3, warmup_epochs=1, seed=SEED),
    )


def learned_variance() -> tuple[keras.Model, float]:
    """Another one, of the default likelihood, whose codes say more."""
    size = {"input_shape": (28, 28, 1), "code_size": 16, "hidden": (256, 128)}
    return trained(
        "priors-variational-mnist",
        lambda: kerasae.build_variational(**size),
        mnist(),
        TrainConfig(epochs=12, batch_size=256, learning_rate=2e-3, warmup_epochs=1, seed=SEED),
    )


def of_a_vae(
    make: Callable[[], tuple[keras.Model, float]], data: str = "mnist"
) -> Callable[[], Drawn]:
    def draw() -> Drawn:
        model, seconds = make()
        drawn = samplers.sample_prior(model, COUNT, seed=SEED)
        return Drawn(drawn, rebuilt(model, data), False, seconds)

    return draw


def of_the_conditional() -> Drawn:
    model, seconds = variational("conditional-binary-mnist", classes=10)
    images = mnist()
    drawn = samplers.sample_prior(model, COUNT, labels=labels_of("mnist"), seed=SEED)
    again = samplers.change_label(model, images.test, images.test_labels, images.test_labels)
    return Drawn(drawn, again, True, seconds)


def of_the_mixture(data: str) -> Callable[[], Drawn]:
    def draw() -> Drawn:
        model, seconds = latent(data)
        codes = priors.encode(model, SETS[data]())
        start = time.time()
        mixture = samplers.fit_mixture(codes.train[:20_000], 30, seed=SEED)
        seconds += time.time() - start
        drawn = samplers.sample_mixture(model, mixture, COUNT, seed=SEED)
        return Drawn(drawn, rebuilt(model, data), False, seconds)

    return draw


def value_prior(data: str, kind: str) -> tuple[keras.Model, keras.Model, float]:
    """The autoencoder, a prior over its codes, and the seconds of both."""
    model, seconds = latent(data)
    if kind == "diffusion":
        prior, more = ready(f"{AUTOENCODERS[data]}-prior")
        return model, prior, seconds + more
    codes = priors.encode(model, SETS[data]())
    prior, more = trained(
        f"priors-{kind}-{data}",
        lambda: priors.build(kind, codes, couplings=6, hidden=(96, 96)),
        codes,
        TrainConfig(epochs=8, batch_size=256, learning_rate=2e-3, warmup_epochs=0.5, seed=SEED),
    )
    return model, prior, seconds + more


def of_values(data: str, kind: str, **options) -> Callable[[], Drawn]:
    def draw() -> Drawn:
        model, prior, seconds = value_prior(data, kind)
        drawn = priors.sample(prior, model, COUNT, labels=labels_of(data), seed=SEED, **options)
        return Drawn(drawn, rebuilt(model, data), True, seconds)

    return draw


def of_indices(name: str, kind: str, **options) -> Callable[[], Drawn]:
    def draw() -> Drawn:
        model, prior, seconds = index_prior(name, kind)
        drawn = priors.sample(prior, model, COUNT, labels=labels_of(name), seed=SEED, **options)
        return Drawn(drawn, rebuilt(model, name), True, seconds)

    return draw


def rebuilt(model: keras.Model, name: str = "mnist") -> Floats:
    """The test images, rebuilt without noise."""
    return model.predict(SETS[name]().test, batch_size=500, verbose=0).clip(0, 1)


PRIOR = "priors.sample(prior, model, 64, labels=np.arange(64) % 10{})"
MODELS = {
    "mnist/variational-binary": Model(
        "VAE, Bernoulli on binary pixels",
        "samplers.sample_prior(model, 64)",
        of_a_vae(lambda: variational("variational-binary-mnist")),
    ),
    "mnist/variational": Model(
        "VAE that comes trained",
        "samplers.sample_prior(model, 64)",
        of_a_vae(latent),
    ),
    "mnist/variational-learned": Model(
        "VAE, learned variance", "samplers.sample_prior(model, 64)", of_a_vae(learned_variance)
    ),
    "mnist/conditional": Model(
        "conditional VAE, Bernoulli on binary pixels",
        "samplers.sample_prior(model, 64, labels=np.arange(64) % 10)",
        of_the_conditional,
    ),
    "mnist/mixture": Model(
        "VAE that comes trained, and a mixture of 30 Gaussians",
        "samplers.sample_mixture(model, mixture, 64)",
        of_the_mixture("mnist"),
    ),
    "mnist/flow": Model(
        "VAE that comes trained, and a flow", PRIOR.format(""), of_values("mnist", "flow")
    ),
    "mnist/diffusion": Model(
        "VAE that comes trained, and a diffusion model",
        PRIOR.format(""),
        of_values("mnist", "diffusion"),
    ),
    "mnist/diffusion-guided": Model(
        "the same diffusion model, guided by 2",
        PRIOR.format(", guidance=2"),
        of_values("mnist", "diffusion", guidance=2.0),
    ),
    "mnist/transformer": Model(
        "VQ-VAE and a transformer", PRIOR.format(""), of_indices("mnist", "transformer")
    ),
    "mnist/pixelcnn": Model(
        "VQ-VAE and a PixelCNN", PRIOR.format(""), of_indices("mnist", "pixelcnn")
    ),
    "letters/variational": Model(
        "VAE, Bernoulli",
        "samplers.sample_prior(model, 64)",
        of_a_vae(of_letters, "letters"),
    ),
    "letters/mixture": Model(
        "convolutional one that comes trained, and a mixture of 30 Gaussians",
        "samplers.sample_mixture(model, mixture, 64)",
        of_the_mixture("letters"),
    ),
    "letters/diffusion": Model(
        "convolutional one that comes trained, and a diffusion model",
        PRIOR.format("").replace("10", "26"),
        of_values("letters", "diffusion"),
    ),
    "letters/diffusion-guided": Model(
        "the same diffusion model, guided by 2",
        PRIOR.format(", guidance=2").replace("10", "26"),
        of_values("letters", "diffusion", guidance=2.0),
    ),
    "cifar/transformer": Model(
        "VQ-VAE and a transformer", PRIOR.format(""), of_indices("cifar", "transformer")
    ),
}


def sheet(images: Floats, path: Path) -> None:
    """The first 64 images, eight a row, each pixel twice as large."""
    few = (255 * images[: SHOWN**2]).round().astype(np.uint8)
    height, width, channels = few.shape[1:]
    rows = few.reshape(SHOWN, SHOWN, height, width, channels).transpose(0, 2, 1, 3, 4)
    picture = rows.reshape(SHOWN * height, SHOWN * width, channels).repeat(2, 0).repeat(2, 1)
    Image.fromarray(picture.squeeze()).save(path, optimize=True)


def measured(name: str, drawn: Drawn) -> dict[str, float]:
    """Distances, scores, and how many show their class."""
    data = name.partition("/")[0]
    images = SETS[data]()
    judge, accuracy = classifier(data)
    real, made = features_of(judge, images.test), features_of(judge, drawn.images)
    few = sample_scores(real[:SCORED], made[:SCORED])
    order = np.random.default_rng(SEED).permutation(len(images.train))[: len(images.test)]
    found = {
        "distance": frechet_distance(real, made),
        "distance of training images": frechet_distance(
            real, features_of(judge, images.train[order])
        ),
        "distance of reconstructions": frechet_distance(real, features_of(judge, drawn.rebuilt)),
        "precision": few.precision,
        "recall": few.recall,
        "accuracy of the classifier": accuracy,
        "seconds": drawn.seconds,
    }
    if drawn.by_class:
        found["right class"] = float((classes_of(judge, drawn.images) == labels_of(data)).mean())
    return found


def main() -> None:
    names = sys.argv[1:] or list(MODELS)
    results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    if names == ["--page"]:
        PAGE.write_text(page(results, MODELS), encoding="utf-8")
        return
    unknown = sorted(set(names) - set(MODELS))
    if unknown:
        sys.exit(f"models must be among {', '.join(MODELS)}. Received: {', '.join(unknown)}")
    (DOCS / "samples").mkdir(exist_ok=True)
    for name in names:
        drawn = MODELS[name].draw()
        sheet(drawn.images, DOCS / "samples" / f"{name.replace('/', '-')}.png")
        found = {key: round(value, 4) for key, value in measured(name, drawn).items()}
        print(name, found, flush=True)
        # Read again: another model may have been written meanwhile.
        results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        results = {n: {**results, name: found}[n] for n in MODELS if n in {**results, name: found}}
        RESULT.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.write_text(page(results, MODELS), encoding="utf-8")


if __name__ == "__main__":
    main()
