"""The picture of docs/architectures.md: what small models make of digits.

    KERAS_BACKEND=jax python benchmarks/gallery.py

Trains five models one after the other and writes docs/gallery.png. The digits are those of MNIST
if TFDS_DATA_DIR names a folder that holds it, else the embedded ones. Some two minutes on two
quiet cores with JAX, more with TensorFlow.
"""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import kerasae
from kerasae import plots, samplers
from kerasae.data import Images
from kerasae.training import TrainConfig, train

PICTURE = Path(__file__).parents[1] / "docs" / "gallery.png"
SEED = 4
DIGITS = 10  # images in a strip
COLOURS = 40  # of the file, nearly all of them greys
WALKS = ((0, 6), (7, 9))  # from one digit to another


def data() -> Images:
    folder = os.environ.get("TFDS_DATA_DIR")
    if folder and (Path(folder) / "mnist").is_dir():
        return kerasae.load_images("mnist", limit=20_000)
    return kerasae.load_images("digits")


def trained(images: Images, name: str, epochs: int, rate: float, **options: Any) -> keras.Model:
    """A model of that architecture; more epochs for the few embedded digits, to as many steps."""
    keras.utils.set_random_seed(SEED)
    model = kerasae.build(name, input_shape=images.image_shape, **options)
    few = len(images.train) < 5000
    size = 32 if few else 128
    epochs = 4 * epochs if few else epochs
    train(model, images, TrainConfig(epochs, size, rate, seed=SEED))
    return model


def one_of_each(images: Images) -> NDArray[np.float32]:
    """The first test image of each class."""
    firsts = [np.flatnonzero(images.test_labels == label)[0] for label in range(DIGITS)]
    return images.test[firsts]


def picture(figure: plots.Figure) -> NDArray[Any]:
    """The mosaic of a figure that holds one."""
    return np.asarray(figure.axes[0].images[0].get_array())


def panels(images: Images) -> dict[str, tuple[str, NDArray[Any]]]:
    """Title -> what is shown, picture; the first three are strips of two rows."""
    pixels = math.prod(images.image_shape)
    digits = one_of_each(images)
    rng = np.random.default_rng(SEED)
    found: dict[str, tuple[str, NDArray[Any]]] = {}

    code = max(8, pixels // 32)
    model = trained(images, "undercomplete", 12, 2e-3, code_size=code, hidden=(256,))
    strip = np.stack([digits, model.predict(digits, verbose=0)])
    found["Reconstruct"] = (
        f"undercomplete: {pixels} pixels from {code} values",
        picture(plots.plot_samples(strip)),
    )

    model = trained(images, "denoising", 7, 2e-3, level=0.5, code_size=2 * code, hidden=(16, 32))
    noisy = np.clip(digits + 0.5 * rng.normal(size=digits.shape), 0, 1).astype(np.float32)
    strip = np.stack([noisy, model.predict(noisy, verbose=0)])
    found["Denoise"] = (
        "denoising, convolutional: Gaussian noise of 0.5",
        picture(plots.plot_samples(strip)),
    )

    model = trained(
        images, "variational", 20, 2e-3, code_size=10, hidden=(400,), likelihood="bernoulli"
    )
    walks = np.stack(
        [samplers.interpolate(model, digits[a], digits[b], steps=DIGITS) for a, b in WALKS]
    )
    found["Interpolate"] = (
        "variational: from the code of one digit to another's",
        picture(plots.plot_samples(walks)),
    )
    samples = samplers.sample_prior(model, 144, seed=SEED)
    found["Generate"] = (
        "variational: codes drawn from the prior",
        picture(plots.plot_samples(samples, columns=12)),
    )

    model = trained(
        images, "variational", 25, 2e-3, code_size=2, hidden=(400, 100), likelihood="bernoulli"
    )
    found["Map"] = (
        "variational: the plane of a code of two values",
        picture(plots.plot_manifold(samplers.manifold(model, size=16))),
    )

    model = trained(images, "sparse", 8, 5e-3, code_size=100, penalty="topk", k=10, tied=True)
    found["Look inside"] = (
        "sparse: what each of 100 units responds to",
        picture(plots.plot_filters(model, count=100, columns=10)),
    )
    return found


def main() -> None:
    figure = plots.Figure(figsize=(11.4, 5.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.06)
    grid = figure.add_gridspec(2, 3, height_ratios=(1, 3.4))
    for place, (title, (what, image)) in zip(grid, panels(data()).items(), strict=True):
        axes = figure.add_subplot(place)
        plots.show_image(axes, image)
        axes.set_title(title, loc="left", fontsize=12, weight="bold", color=plots.INK)
        axes.set_xlabel(what, loc="left", fontsize=9, color=plots.MUTED)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110)
    small = Image.open(buffer).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(PICTURE, optimize=True)
    print(f"{PICTURE.name}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
