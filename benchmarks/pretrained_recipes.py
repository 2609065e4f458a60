"""How each model is made that comes with the package: data, architecture, training, licences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pretrained_measures import (
    Measure,
    anomalies,
    bound,
    cleaned,
    drawn_right,
    filled,
    index_bits,
    probe,
    right_symbols,
    squared_error,
    told_bound,
)

import kerasae
from kerasae import Images, TrainConfig
from kerasae.runs import Run

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

HEARTBEATS = {
    "data": "2,400 normal heartbeats of 128 steps that a program draws by rule",
    "data_licence": "Apache-2.0",
    "licence": "Apache-2.0",
}


@dataclass(frozen=True)
class Recipe:
    """How a model is made, and what is said of it."""

    summary: str
    run: Run
    config: TrainConfig
    card: dict[str, str]
    measure: Measure = field(default=lambda model, images: {})
    validation_fraction: float | None = None
    precision: str = "float16"

    def images(self) -> Images:
        """The images of the run; with another part of them for validation, if one is given."""
        if self.validation_fraction is None:
            return self.run.images()
        return kerasae.load_images(
            self.run.data, validation_fraction=self.validation_fraction, seed=self.run.seed
        )


@dataclass(frozen=True)
class PriorRecipe:
    """How a prior over the codes of a trained model is made."""

    summary: str
    autoencoder: str
    kind: str
    hyperparameters: dict[str, Any]
    config: TrainConfig
    card: dict[str, str]
    measure: Measure
    precision: str = "float16"


RECIPES: dict[str, Recipe] = {
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
        precision="int8",
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
        precision="int8",
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
    "mnist-conditional": Recipe(
        "A variational autoencoder of MNIST that is told the digit: it draws what it is asked for, "
        "and shows a digit as another one in the same hand.",
        Run(
            "conditional",
            {
                "code_size": 8,
                "hidden": [512, 256],
                "likelihood": "bernoulli",
                "binarize": True,
                "label_dropout": 0.02,
            },
            "mnist",
        ),
        TrainConfig(epochs=40, batch_size=256, learning_rate=2e-3, warmup_epochs=1),
        MNIST,
        told_bound,
        precision="int8",
    ),
    "mnist-vector-quantized": Recipe(
        "A vector-quantised autoencoder of MNIST: 7 x 7 indices into a codebook of 128.",
        Run(
            "vector_quantized",
            {"codebook_size": 128, "code_size": 16, "hidden": [32, 64]},
            "mnist",
            seed=6,
        ),
        TrainConfig(epochs=8, batch_size=128, learning_rate=2e-3, seed=6),
        MNIST,
    ),
    "heartbeats-undercomplete": Recipe(
        "A dense autoencoder of normal heartbeats, whose error tells an odd one.",
        Run("undercomplete", {"code_size": 8, "hidden": [64, 32]}, "series", seed=7),
        TrainConfig(epochs=150, batch_size=64, learning_rate=2e-3, warmup_epochs=1, seed=7),
        HEARTBEATS,
        anomalies,
    ),
}

PRIORS: dict[str, PriorRecipe] = {
    "mnist-vector-quantized-prior": PriorRecipe(
        "A transformer over the indices of mnist-vector-quantized: it draws digits by class, and "
        "completes the lower half of one.",
        "mnist-vector-quantized",
        "transformer",
        {"width": 64, "blocks": 3},
        TrainConfig(epochs=5, batch_size=128, learning_rate=3e-3, warmup_epochs=0.2, seed=8),
        MNIST,
        index_bits("mnist-vector-quantized"),
    ),
    "mnist-variational-prior": PriorRecipe(
        "A diffusion model over the codes of mnist-variational, which draws better digits than the "
        "normal distribution does, by class.",
        "mnist-variational",
        "diffusion",
        {"width": 192, "blocks": 3},
        TrainConfig(epochs=20, batch_size=256, learning_rate=2e-3, warmup_epochs=0.5, seed=9),
        MNIST,
        drawn_right("mnist-variational"),
    ),
    "letters-convolutional-prior": PriorRecipe(
        "A diffusion model over the codes of letters-convolutional: it draws letters of typefaces "
        "that nobody has made.",
        "letters-convolutional",
        "diffusion",
        {"width": 256, "blocks": 3},
        TrainConfig(epochs=80, batch_size=128, learning_rate=2e-3, warmup_epochs=1, seed=10),
        LETTERS,
        drawn_right("letters-convolutional", guidance=2.0),
    ),
}
