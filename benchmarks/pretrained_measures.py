"""What is measured of a trained model as it is stored, for its card."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

import kerasae
from kerasae import Images, Sequences, evaluation, priors, samplers
from kerasae.applications import anomaly
from kerasae.applications.masks import draw_masks

Measure = Callable[[keras.Model, Any], dict[str, float]]


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


def anomalies(model: keras.Model, heartbeats: Sequences) -> dict[str, float]:
    """How well the reconstruction error tells each kind of anomaly from normal beats."""
    scores = anomaly.reconstruction_scores(model, heartbeats.test)
    normal = scores[heartbeats.test_labels == 0]
    return {
        f"AUROC of {name!r}, %": 100
        * float(evaluation.auroc(normal, scores[heartbeats.test_labels == i]))
        for i, name in enumerate(heartbeats.label_names)
        if i
    }


def told_bound(model: keras.Model, images: Images) -> dict[str, float]:
    """The bound of a conditional model with the label, and how its draws are read."""
    total = 0.0
    for label in range(10):
        chosen = images.test[images.test_labels == label]
        found = evaluation.elbo(kerasae.at_label(model, label), chosen, seed=0)
        total += len(chosen) * found.elbo
    labels = np.arange(2000) % 10
    drawn = samplers.sample_prior(model, len(labels), labels=labels, seed=0)
    return {
        "ELBO with the label, test images, nats": float(total / len(images.test)),
        **read(drawn, labels, images),
    }


def index_bits(model: str) -> Measure:
    """Bits a test image of a prior over the indices of a trained model, and its draws."""

    def measure(prior: keras.Model, images: Images) -> dict[str, float]:
        autoencoder = kerasae.load_pretrained(model)
        codes = priors.encode(autoencoder, images)
        static = priors.static_bits(codes.train, codes.test, codes.codebook_size)
        told = priors.bits(prior, codes.test, labels=images.test_labels)
        return {
            "bits a test image with the label": float(told.mean()),
            "bits a test image without it": float(priors.bits(prior, codes.test).mean()),
            "the same of a table for each position": float(static.mean()),
            **drawn_right(model)(prior, images),
        }

    return measure


def drawn_right(model: str, guidance: float = 1.0) -> Measure:
    """How images are read that a prior draws by class."""

    def measure(prior: keras.Model, images: Images) -> dict[str, float]:
        labels = np.arange(2000) % len(images.label_names)
        autoencoder = kerasae.load_pretrained(model)
        drawn = priors.sample(
            prior, autoencoder, len(labels), labels=labels, guidance=guidance, seed=0
        )
        return read(drawn, labels, images)

    return measure


def read(drawn: np.ndarray, labels: np.ndarray, images: Images) -> dict[str, float]:
    """The share of images of the class that was asked for, by their three nearest digits."""
    judge = KNeighborsClassifier(3)
    train, test, flat = (
        values.reshape(len(values), -1)
        for values in (images.train[:10_000], images.test[:2000], drawn)
    )
    judge.fit(train, images.train_labels[:10_000])
    return {
        "draws that three nearest neighbours read as asked, %": 100
        * float((judge.predict(flat) == labels).mean()),
        "test images that they read right, %": 100
        * float((judge.predict(test) == images.test_labels[:2000]).mean()),
    }
