"""What a masked transformer has learned of images without labels: row 19."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np

import kerasae
from kerasae import evaluation
from kerasae.data import Images
from kerasae.training import TrainConfig
from rows import SEED, Row, trained

LABELS, SEEDS, EPOCHS = 1000, (0, 1, 2), 6
PENALTIES = (1e-3, 1e-2, 1e-1)
TUNING, BATCH = 10, 50  # epochs of the labelled images and their mirror images


@functools.cache
def cifar() -> Images:
    """The copies of CIFAR-10 with a tenth of the training images for validation."""
    return kerasae.load_images("cifar10", seed=SEED)


def build() -> keras.Model:
    """4x4 pixels a patch, 16 of 64 seen; four blocks of 96 values."""
    return kerasae.build_masked_transformer(input_shape=(32, 32, 3))


def features(encoder: keras.Model, images: np.ndarray) -> np.ndarray:
    """The mean of the codes of all patches."""
    return encoder.predict(images, batch_size=250, verbose=0).mean(axis=1)


def probe(encoder: keras.Model) -> float:
    """Test accuracy in percent of a linear classifier on the features of 10,000 images."""
    images = cifar()
    few = slice(0, 10_000)
    error = evaluation.linear_probe(
        features(encoder, images.train[few]),
        images.train_labels[few],
        features(encoder, images.test),
        images.test_labels,
        validation_codes=features(encoder, images.validation),
        validation_labels=images.validation_labels,
        l2=PENALTIES,
    )
    return 100 * (1 - error)


def fine_tuned(encoder: keras.Model, seed: int) -> float:
    """Test accuracy in percent after training all of it on a few labels."""
    images = cifar()
    chosen = np.random.default_rng(seed).permutation(len(images.train))[:LABELS]
    keras.utils.set_random_seed(seed)
    model = kerasae.build_classifier(encoder, classes=10)
    steps = 2 * LABELS // BATCH  # of an epoch
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, (TUNING - 1) * steps, warmup_target=5e-4, warmup_steps=steps
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.05),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    x, y = images.train[chosen], images.train_labels[chosen]
    x, y = np.concatenate([x, x[:, :, ::-1]]), np.concatenate([y, y])  # and their mirror images
    model.fit(x, y, epochs=TUNING, batch_size=BATCH, verbose=0)
    return 100 * model.evaluate(images.test, images.test_labels, batch_size=250, verbose=0)[1]


def masked_transformer() -> dict[str, Any]:
    """Features before and after, and a start for training on few labels."""
    keras.utils.set_random_seed(SEED)
    random = kerasae.encoder(build())
    config = TrainConfig(
        epochs=EPOCHS, batch_size=128, learning_rate=1e-3, warmup_epochs=1, seed=SEED
    )
    model, seconds = trained("masked-transformer", build, cifar(), config)
    learned = kerasae.encoder(model)
    before, after = probe(random), probe(learned)
    print(f"probe: {before:.2f} random, {after:.2f} trained")
    from_scratch, from_learned = [], []
    for seed in SEEDS:
        keras.utils.set_random_seed(seed)
        from_scratch.append(fine_tuned(kerasae.encoder(build()), seed))
        from_learned.append(fine_tuned(learned, seed))
        print(f"seed {seed}: {from_scratch[-1]:.2f} from scratch, {from_learned[-1]:.2f}")
    gain = float(np.mean(from_learned) - np.mean(from_scratch))
    return {
        "figure": after - before,
        "probe_of_a_random_encoder": before,
        "probe": after,
        "from_scratch": float(np.mean(from_scratch)),
        "scratch_spread": float(np.ptp(from_scratch)),
        "fine-tuned": float(np.mean(from_learned)),
        "tuned_spread": float(np.ptp(from_learned)),
        "matches": bool(gain >= 3.0),
        "training_seconds": seconds,
    }


ROWS = {
    "masked_transformer": Row(
        title="19. masked autoencoder, transformer (He 2022)",
        protocol="copies of CIFAR-10, lossy; patches of 4x4, 16 of 64 seen, four blocks of 96 "
        f"values, {EPOCHS} epochs without labels; accuracy of a linear probe on the mean code, of "
        "10,000 labelled images, beside that of the same encoder before training; for a match "
        f"also all of it fine-tuned on {LABELS:,} labels and their mirror images, mean of three "
        "seeds, three points above the same from scratch",
        published="no comparable figure",
        unit="points",
        passes=10.0,
        matches=10.0,
        better="higher",
        run=masked_transformer,
        remark="the paper trains for 800 epochs",
    )
}
