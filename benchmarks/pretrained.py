"""The models that come with the package: trained, stored, and measured as they are stored.

    python benchmarks/pretrained.py                       # all that are not there yet
    python benchmarks/pretrained.py mnist-variational     # one of them
    python benchmarks/pretrained.py --again NAME          # though it is there
    python benchmarks/pretrained.py --page                # only write docs/pretrained.md

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
import textwrap
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from pretrained_recipes import PRIORS, RECIPES, PriorRecipe, Recipe

import kerasae
from kerasae import Images, TrainConfig, priors
from kerasae.pretrained import save_pretrained
from kerasae.pretrained.cards import MODELS, figure_text

ROOT = Path(__file__).resolve().parents[1]
BUILD, PAGE = ROOT / "build" / "pretrained", ROOT / "docs" / "pretrained.md"


def main() -> None:
    every = {**RECIPES, **PRIORS}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(every)}")
    parser.add_argument("--again", action="store_true", help="train what is there, too")
    parser.add_argument("--page", action="store_true", help="only write the page of all cards")
    options = parser.parse_args()
    if options.page:
        PAGE.write_text(page(kerasae.pretrained_cards()), encoding="utf-8")
        return
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
    PAGE.write_text(page(kerasae.pretrained_cards()), encoding="utf-8")


def page(cards: dict[str, dict[str, Any]]) -> str:
    """docs/pretrained.md: what each model is, what it was trained on, and its figures."""
    total = sum(card["bytes"] for card in cards.values())
    lines = [
        "# Models that come trained",
        "",
        f"`kerasae.load_pretrained(name)` gives each of these {len(cards)} models at once, without "
        f"a download: {total / 1e6:.1f} MB together, in float16 or with the larger kernels in "
        "int8. The figures are measured on the "
        "weights as they are stored, by `python benchmarks/pretrained.py`, which trains them; "
        "minutes are those of two cores, often busy ones. A *prior* draws codes for the model that "
        "it names ([Conditions and priors](generation.md)).",
        "",
        "```python",
        "import kerasae",
        "from kerasae import priors",
        "",
        'model = kerasae.load_pretrained("letters-convolutional")',
        'prior = kerasae.load_pretrained("letters-convolutional-prior")',
        "drawn = priors.sample(prior, model, 26, labels=range(26), guidance=2)",
        "```",
    ]
    for name, card in cards.items():
        stored = f"{card['bytes'] / 1e3:,.0f} kB in {card['precision']}"
        sizes = f"{card['parameters']:,} parameters, {stored}"
        training = card.get("training", {})
        lines += [
            "",
            f"## {name}",
            "",
            card["summary"],
            "",
            f"Trained on {card['data']} ({card['data_licence']}); the weights: {card['licence']}. "
            f"`{card['architecture']}`, {sizes}, {training.get('epochs', '?')} epochs in "
            f"{training.get('minutes', 0):.3g} minutes.",
            "",
        ]
        if figures := card.get("figures"):
            lines += ["| measured | |", "|---|---:|"]
            lines += [f"| {what} | {figure_text(value)} |" for what, value in figures.items()]
    wrapped = [
        line if line.startswith(("|", "#", "drawn", "model", "prior")) else fill(line)
        for line in lines
    ]
    return "\n".join(wrapped).rstrip() + "\n"


def fill(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


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
        precision=recipe.precision,
    )
    print(json.dumps(made["figures"]), f"{made['bytes']:,} bytes", flush=True)


if __name__ == "__main__":
    main()
