"""What is no image: tables and sequences of several lengths, rows 20 and 21."""

from __future__ import annotations

import math
import time

import keras
import numpy as np
from sklearn.decomposition import PCA

import kerasae
from kerasae import _padding, anomaly, evaluation
from kerasae.training import TrainConfig, train
from kerasae.training.batches import BucketedBatches
from rows import SEED, Row

SEEDS = range(5)
MODEL = {"base": "variational", "code_size": 4, "hidden": (32,)}
CONFIG = {"epochs": 10, "batch_size": 32, "learning_rate": 1e-3}
PYOD = {"autoencoder": 95.02, "isolation forest": 95.57}  # results/tables.json
STEPS = 12


def split(seed: int) -> tuple[kerasae.Table, np.ndarray, np.ndarray]:
    """The table, its normal rows, and which test rows are malignant."""
    table = kerasae.load_table("breast_cancer", normal="benign", seed=seed)
    normal = np.concatenate([table.train, table.validation])
    return table, normal, table.test_labels != table.label_names.index("benign")


def area(scores: np.ndarray, strange: np.ndarray) -> float:
    return 100 * evaluation.auroc(scores[~strange], scores[strange])


def residuals(normal: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Squared error of PCA with 95 % of the variance, on scaled columns."""
    mean, deviation = normal.mean(0), normal.std(0)
    pca = PCA(0.95, svd_solver="full").fit((normal - mean) / deviation)
    scaled = (test - mean) / deviation
    return np.square(scaled - pca.inverse_transform(pca.transform(scaled))).mean(axis=1)


def detect(seed: int) -> dict[str, float]:
    """AUROC of a variational model of normal rows, and the seconds to train and score."""
    table, normal, strange = split(seed)
    keras.utils.set_random_seed(seed)
    begun, worked = time.perf_counter(), time.process_time()
    model = kerasae.build_tabular(columns=table.columns, **MODEL)
    train(model, table, TrainConfig(**CONFIG, seed=seed), progress=False)
    scorer = anomaly.scorer(model, "likelihood", images=normal)
    scores = anomaly.scores(scorer, table.test)
    return {
        "auroc": area(scores, strange),
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": time.process_time() - worked,
        "pca": area(residuals(normal, table.test), strange),
    }


def tables() -> dict:
    found = [detect(seed) for seed in SEEDS]
    figure, pca = (float(np.mean([each[name] for each in found])) for name in ("auroc", "pca"))
    return {
        "figure": figure,
        "lowest_of_five": float(min(each["auroc"] for each in found)),
        "pca_95": pca,
        "passes": figure >= pca,
        "matches": figure >= max(PYOD.values()),
    }


def cut_melodies() -> tuple[kerasae.Sequences, list[np.ndarray]]:
    """Melodies, each cut behind a step from 16 to 32 that the seed draws, and the test ones."""
    whole = kerasae.load_sequences("melodies", limit=1500, seed=SEED)
    rng = np.random.default_rng(SEED)

    def cut(melodies: np.ndarray) -> list[np.ndarray]:
        return [melody[: rng.integers(16, 33)] for melody in melodies]

    train_, validation, test = (cut(x) for x in (whole.train, whole.validation, whole.test))
    data = kerasae.Sequences(
        train_, validation, test, loss=whole.loss, feature_names=whole.feature_names
    )
    return data, test


def by_hand(model: keras.Model, batches: list[np.ndarray]) -> list[float]:
    """The losses of a loop of plain Keras: each sequence alone, without padding, and their mean."""
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(1e-3)
    losses = []
    for batch in batches:
        with tf.GradientTape() as tape:
            each = []
            for melody in _padding.unpad(batch):
                outputs = model(melody[None], training=True)
                step = keras.losses.categorical_crossentropy(melody[None], outputs)
                each.append(tf.reduce_mean(step))
            loss = tf.reduce_mean(tf.stack(each))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        losses.append(float(loss))
    return losses


def accuracy(model: keras.Model, melodies: list[np.ndarray], length: int | None = None) -> float:
    """Share of the steps of the melodies, in percent, that come back."""
    padded = _padding.pad(melodies)
    inputs = padded if length is None else rests(padded)
    found = model.predict(inputs, verbose=0).argmax(-1)
    steps = _padding.steps_of(padded)
    return 100 * float((found == padded.argmax(-1))[steps].mean())


def rests(padded: np.ndarray) -> np.ndarray:
    """Padding as rests, as a model of one length needs it."""
    rest = np.eye(padded.shape[2], dtype=np.float32)[-1]
    return np.where(_padding.steps_of(padded)[..., None], padded, rest)


def several_lengths() -> dict:
    data, test = cut_melodies()
    options = {"code_size": 48, "hidden": (96,), "cell": "gru", "loss": data.loss}

    def build(length: int | None) -> keras.Model:
        keras.utils.set_random_seed(SEED)
        return kerasae.build_recurrent(input_shape=(length, data.train.shape[2]), **options)

    # The same batches by `train_on_batch` and by hand.
    config = TrainConfig(epochs=20, batch_size=16, learning_rate=3e-3, seed=SEED)
    source = BucketedBatches(data.train, data.train, config)
    batches = [source[i][0] for i in range(STEPS)]
    model, plain = build(None), build(None)
    model.jit_compile = False
    model.compile(keras.optimizers.Adam(1e-3), loss=model.loss)
    ours = []
    for batch in batches:
        model.reset_metrics()
        ours.append(float(model.train_on_batch(batch, batch, return_dict=True)["loss"]))
    apart = float(np.abs(np.array(ours) / np.array(by_hand(plain, batches)) - 1).max())

    model = build(None)
    train(model, data, config, progress=False)
    joined = _padding.pad(test[:200])
    longer = _padding.pad(test[:200], length=64)
    losses = [model.evaluate(x, x, verbose=0, return_dict=True)["loss"] for x in (joined, longer)]
    codes = [np.asarray(kerasae.encoder(model)(x)[0]) for x in (joined, longer)]
    fixed = build(32)
    whole = [
        rests(_padding.pad(_padding.unpad(x), length=32)) for x in (data.train, data.validation)
    ]
    train(fixed, kerasae.Sequences(*whole), config, progress=False)
    difference = max(abs(losses[0] - losses[1]), float(np.abs(codes[0] - codes[1]).max()))
    any_length, one_length = accuracy(model, test), accuracy(fixed, test, 32)
    return {
        "figure": difference,
        "loss_beside_a_loop_by_hand": apart,
        "notes_right": any_length,
        "notes_right_padded_with_rests": one_length,
        "passes": difference <= 1e-5 and apart <= 1e-4,
        "matches": any_length >= one_length,
    }


ROWS = {
    "tables": Row(
        "20. anomalies in a table (Hawkins et al. 2002)",
        "breast cancer (scikit-learn), benign rows are normal, five splits, mean AUROC; a "
        "variational model of 30-32-4 and back, the likelihood of errors and code, trained as long "
        "as PyOD's autoencoder is by default (10 epochs, batches of 32)",
        "residual of PCA with 95 % of the variance {pca_95:.2f} (measured); PyOD 3.6.7: "
        f"autoencoder {PYOD['autoencoder']:.2f}, isolation forest {PYOD['isolation forest']:.2f} "
        "(measured, same splits)",
        "%",
        -math.inf,
        max(PYOD.values()),
        "higher",
        tables,
        remark="base, code and kind of score were chosen on five other splits (95.50 there); "
        "PyOD's settings are its defaults. Errors alone, and longer training, are worse: malignant "
        "rows are far out, and a model that follows such rows well does not see them. Beside each "
        "other: `benchmarks/tables.py`",
    ),
    "several_lengths": Row(
        "21. sequences of several lengths",
        "1,350 melodies, each cut behind step 16 to 32; a GRU of 96 and a code of 48, 20 epochs; "
        "the largest difference of loss and codes with padding to 64 steps from those without",
        "notes right of the same net with rests for padding {notes_right_padded_with_rests:.2f} % "
        "(measured)",
        "",
        1e-5,
        1e-5,
        "lower",
        several_lengths,
        remark="the loss of twelve steps is that of a loop by hand over single sequences",
    ),
}
