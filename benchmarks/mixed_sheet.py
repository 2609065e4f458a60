"""A sheet of 64 images, half of them real and half drawn, for people to guess which are which.

    python benchmarks/mixed_sheet.py letters-convolutional-prior sheet.png key.txt

NAME is a prior that comes trained, or a conditional model. The real images are of the test set, of
the classes that are drawn; the order is random. `key.txt` says what each is, row by row.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image
from pretrained_recipes import PRIORS, RECIPES

import kerasae
from kerasae import priors, samplers

HALF, SIDE = 32, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("sheet")
    parser.add_argument("key")
    parser.add_argument("--guidance", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = kerasae.load_pretrained(options.name)
    prior = PRIORS.get(options.name)
    images = RECIPES[prior.autoencoder if prior else options.name].images()
    rng = np.random.default_rng(options.seed)
    labels = rng.integers(0, len(images.label_names), HALF)
    real = [images.test[rng.choice(np.flatnonzero(images.test_labels == x))] for x in labels]
    if prior is None:
        drawn = samplers.sample_prior(model, HALF, labels=labels, seed=options.seed)
    else:
        drawn = priors.sample(
            model,
            kerasae.load_pretrained(prior.autoencoder),
            HALF,
            labels=labels,
            guidance=options.guidance,
            seed=options.seed,
        )
    order = rng.permutation(2 * HALF)
    mixed = np.concatenate([real, drawn])[order]
    height, width = mixed.shape[1:3]
    sheet = np.full((SIDE * (height + 2), SIDE * (width + 2)), 0.5)
    for i, image in enumerate(mixed):
        row, column = divmod(i, SIDE)
        top, left = row * (height + 2) + 1, column * (width + 2) + 1
        sheet[top : top + height, left : left + width] = image[..., 0]
    picture = Image.fromarray((255 * sheet).round().astype(np.uint8))
    picture.resize((4 * picture.width, 4 * picture.height), Image.Resampling.NEAREST).save(
        options.sheet
    )
    kinds = np.where(order < HALF, "real", "drawn").reshape(SIDE, SIDE)
    Path(options.key).write_text("".join(" ".join(row) + "\n" for row in kinds))


if __name__ == "__main__":
    main()
