"""Autoencoders that constrain their codes: rows 7 and 12."""

from __future__ import annotations

import functools

import keras
import numpy as np

import kerasae
from kerasae import evaluation
from kerasae.data import Images
from kerasae.training import TrainConfig
from rows import SEED, Row, trained

ENTRIES = 512


@functools.cache
def cifar() -> Images:
    """The copies of CIFAR-10 with a tenth of the training images for validation."""
    return kerasae.load_images("cifar10", seed=SEED)


def vector_quantized() -> dict:
    """8x8 codes of 512 entries for colour images of 32x32 (van den Oord et al. 2017)."""
    images = cifar()
    variance = float(images.train.var(dtype=float))

    def build() -> keras.Model:
        return kerasae.build_vector_quantized(
            input_shape=images.image_shape,
            code_size=64,
            hidden=(32, 64),
            residual=2,
            upsampling="resize",
            codebook_size=ENTRIES,
            commitment=0.25 * variance,  # the paper's, beside an error that is not divided by it
        )

    config = TrainConfig(epochs=12, batch_size=64, learning_rate=1e-3, seed=SEED)
    model, seconds = trained("vq", build, images, config)
    indices = kerasae.encoder(model).predict(images.test, batch_size=250, verbose=0)
    perplexity = evaluation.codebook_perplexity(indices, ENTRIES)
    rebuilt = model.predict(images.test, batch_size=250, verbose=0)
    return {
        "figure": float(np.square(rebuilt - images.test, dtype=float).mean()) / variance,
        "perplexity": perplexity,
        "entries_in_use": len(np.unique(indices)),
        "passes": bool(perplexity >= 100),
        "matches": bool(perplexity >= 200),
        "training_seconds": seconds,
    }


ROWS = {
    "vq": Row(
        title="7. VQ-VAE (van den Oord et al. 2017)",
        protocol="lossy JPEG copies of CIFAR-10, 8x8 codes of 512 entries (576 bits an image), "
        "32-64 filters and two residual blocks at each size: squared error on test divided by the "
        "variance of the training pixels; perplexity of the test indices at least 100 to pass, 200 "
        "to match",
        published="no comparable published figure",
        unit="of the variance",
        passes=0.10,
        matches=0.07,
        better="lower",
        run=vector_quantized,
        remark="on lossy JPEG copies, which may be easier to code than CIFAR-10 itself",
    ),
}
