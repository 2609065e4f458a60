"""The models that come with the package: trained, stored, and measured as they are stored.

    python benchmarks/pretrained.py                       # all that are not there yet
    python benchmarks/pretrained.py mnist-variational     # one of them
    python benchmarks/pretrained.py --again NAME          # though it is there

Interrupted, it goes on: what is stored stays, and a training resumes from its checkpoint in
build/pretrained. Each model has its own seed, and its card the minutes that it took. MNIST comes
through TensorFlow Datasets. Priors, and models of dense layers alone, are several times faster with
`KERAS_BACKEND=jax`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from pretrained_recipes import PRIORS, RECIPES, PriorRecipe, Recipe

import kerasae
from kerasae import Images, TrainConfig, priors
from kerasae.pretrained import save_pretrained
from kerasae.pretrained.cards import MODELS

BUILD = Path(__file__).resolve().parents[1] / "build" / "pretrained"


def main() -> None:
    every = {**RECIPES, **PRIORS}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(every)}")
    parser.add_argument("--again", action="store_true", help="train what is there, too")
    options = parser.parse_args()
    for name in options.names or every:
        if name not in every:
            parser.error(f"NAME must be one of {', '.join(every)}. Received: {name}")
        if (MODELS / name).exists() and not options.again:
            print(f"{name} is there")
            continue
        folder = BUILD / name
        if options.again and (folder / "model.keras").exists():
            shutil.rmtree(folder)
        print(f"{name}: {every[name].summary}", flush=True)
        if name in RECIPES:
            make(name, RECIPES[name], folder)
        else:
            make_prior(name, PRIORS[name], folder)


def make(name: str, recipe: Recipe, folder: Path) -> None:
    images = recipe.images()
    model = recipe.run.train(images, recipe.config, folder, resume=True)
    alone = len(model.inputs) == 1
    store(
        name,
        model,
        recipe,
        {
            "architecture": recipe.run.architecture,
            "hyperparameters": dict(recipe.run.hyperparameters),
            "training": facts_of(recipe.config, folder),
        },
        images,
        rebuilt=images if isinstance(images, Images) and alone else None,
    )


def make_prior(name: str, recipe: PriorRecipe, folder: Path) -> None:
    images = RECIPES[recipe.autoencoder].images()
    codes = priors.encode(kerasae.load_pretrained(recipe.autoencoder), images)
    keras.utils.set_random_seed(recipe.config.seed)
    prior = priors.build(recipe.kind, codes, **recipe.hyperparameters)
    kerasae.train(prior, codes, recipe.config, out=folder, resume=True)
    about = {
        "architecture": recipe.kind,
        "autoencoder": recipe.autoencoder,
        "hyperparameters": recipe.hyperparameters,
        "training": facts_of(recipe.config, folder),
    }
    store(name, prior, recipe, about, images, rebuilt=None)


def facts_of(config: TrainConfig, folder: Path) -> dict[str, Any]:
    """What the card says of a training."""
    summary = json.loads((folder / "summary.json").read_text())
    return {
        "seed": config.seed,
        "epochs": config.epochs,
        "batch_size": config.batch_size,
        "learning_rate": config.learning_rate,
        "minutes": round(summary["seconds"] / 60, 2),
    }


def store(
    name: str,
    model: keras.Model,
    recipe: Recipe | PriorRecipe,
    about: dict[str, Any],
    images: Any,
    rebuilt: Images | None,
) -> None:
    MODELS.mkdir(exist_ok=True)
    made = save_pretrained(
        model,
        MODELS / name,
        card={"summary": recipe.summary, **recipe.card, **about},
        images=rebuilt,
        measure=lambda stored: recipe.measure(stored, images),
    )
    print(json.dumps(made["figures"]), f"{made['bytes']:,} bytes", flush=True)


if __name__ == "__main__":
    main()
