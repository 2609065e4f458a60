"""Codes of two values that keep neighbours together: row 11."""

from __future__ import annotations

from sklearn.decomposition import PCA

import kerasae
from kerasae import evaluation
from kerasae.training import TrainConfig
from rows import SEED, Row, mnist, trained

CONFIG = TrainConfig(epochs=20, learning_rate=1e-3, seed=SEED)


def neighbours() -> dict:
    """A deep autoencoder with a code of two values, and PCA beside it (van der Maaten 2009)."""
    images = mnist()
    model, seconds = trained(
        "neighbours",
        lambda: kerasae.build_undercomplete(code_size=2, hidden=(1000, 500, 250)),
        images,
        CONFIG,
    )
    encoder = kerasae.encoder(model)

    def measure(split: str) -> tuple[float, float]:
        pictures = getattr(images, split)
        codes = encoder.predict(pictures, batch_size=500, verbose=0)
        return (
            evaluation.trustworthiness(pictures, codes, n_neighbors=12),
            evaluation.neighbourhood_accuracy(codes, getattr(images, f"{split}_labels")),
        )

    validation, _ = measure("validation")
    print(f"trustworthiness on the {len(images.validation):,} validation images: {validation:.4f}")
    figure, accuracy = measure("test")
    flat = [pictures.reshape(len(pictures), -1) for pictures in (images.train, images.test)]
    linear = PCA(2, svd_solver="covariance_eigh").fit(flat[0]).transform(flat[1])
    pca = evaluation.trustworthiness(flat[1], linear, n_neighbors=12)
    return {
        "figure": figure,
        "pca": pca,
        "neighbourhood_accuracy": accuracy,
        "training_seconds": seconds,
        "passes": abs(pca - 0.7437) <= 0.001,
    }


ROWS = {
    "neighbours": Row(
        "11. two-dimensional codes (van der Maaten 2009)",
        "trustworthiness, k = 12, on the 10,000 test images of MNIST; an autoencoder "
        "784-1000-500-250-2 without any loss on neighbours; PCA must come to .7437 ± .001",
        "PCA .7437 (measured), autoencoder .729, parametric t-SNE .926 (from memory)",
        "",
        0.85,
        0.926,
        "higher",
        neighbours,
        remark="pixels are compared by their Euclidean distance; neighbourhood accuracy is that of "
        "one nearest neighbour in the code, leave-one-out; time of training only",
    ),
}
