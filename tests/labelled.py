"""A small conditional model, and a bundle of it whose models are told a class."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

import kerasae
from kerasae_export import export_bundle

NAMES = ("dark", "left", "right")


def pictures(count: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Images (count, 6, 6, 1) of three classes, by where they are light, and their labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    light = np.zeros((3, 6, 6, 1))
    light[1, :, :3] = light[2, :, 3:] = 0.8
    images = light[labels] + 0.1 + 0.05 * rng.standard_normal((count, 6, 6, 1))
    return images.clip(0, 1).astype(np.float32), labels


def labelled_model(**options: object) -> keras.Model:
    """A model of some hundred weights that has seen these pictures."""
    keras.utils.set_random_seed(0)
    how = {"input_shape": (6, 6, 1), "code_size": 2, "hidden": (8,), "label_dropout": 0.3}
    model = kerasae.build_conditional(
        **{"classes": 3, "likelihood": "gaussian", "sigma": 0.3, **how, **options}
    )
    model.jit_compile = False
    images, labels = pictures()
    many, one_hot = np.tile(images, (20, 1, 1, 1)), np.tile(np.eye(3)[labels], (20, 1))
    model.optimizer.learning_rate = 2e-2
    model.fit((many, one_hot), many, epochs=4, batch_size=32, verbose=0)
    return model


def labelled_bundle(model: keras.Model, folder: Path, **options: object) -> Path:
    """Its bundle, with names of the classes."""
    images, labels = pictures()
    how = {"labels": labels, "class_names": NAMES, "scheme": "float32", **options}
    return export_bundle(model, folder, calibration=images, **how)
