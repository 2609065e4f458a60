"""How the golden models and runs were made: once, and never again.

    python tests/golden/make_models.py FOLDER

They stay as they are, whatever the code becomes: `tests/test_golden_models.py` loads them.
A builder or a registered class that comes later gets files of its own.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kerasae
from kerasae import training
from kerasae.cli import main as kerasae_command
from kerasae.data import Images
from kerasae.sequences import Sequences
from kerasae.training import TrainConfig, train

SCHEDULE_STEPS = 40  # of which 6 are done
DENSE: dict[str, Any] = {"input_shape": (6, 6, 1), "hidden": (8,), "code_size": 3}
FLAT: dict[str, Any] = {"input_shape": (6, 6, 1), "code_size": 40}
CONV: dict[str, Any] = {"input_shape": (8, 8, 1), "hidden": (4,), "code_size": 2}
CELLS: dict[str, Any] = {"input_shape": (6, 2), "hidden": (5,), "code_size": 3}
CLASSES: dict[str, Any] = {"input_shape": (8, 8, 1), "classes": 3, "hidden": (4,)}
COARSE: dict[str, Any] = {"input_shape": (8, 8, 1), "hidden": (4, 4), "code_size": 3}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "undercomplete": ("undercomplete", {**DENSE, "loss": "mse", "code_activation": "tanh"}),
    "undercomplete-tied": ("undercomplete", {**DENSE, "tied": True}),
    "overcomplete": ("overcomplete", {**FLAT, "regularizer": None}),
    "overcomplete-tied": ("overcomplete", {**FLAT, "regularizer": "l1", "tied": True}),
    "sparse-l1": ("sparse", {**FLAT, "penalty": "l1"}),
    "sparse-kl": ("sparse", {**FLAT, "penalty": "kl"}),
    "sparse-topk": ("sparse", {**FLAT, "penalty": "topk", "k": 6}),
    "sparse-dropout": ("sparse", {**FLAT, "penalty": "dropout", "rate": 0.2}),
    "convolutional": ("convolutional", {**CONV, "input_shape": (9, 7, 3)}),
    "convolutional-spatial": (
        "convolutional",
        {
            **CONV,
            "loss": "mse",
            "code": "spatial",
            "upsampling": "resize",
            "residual": 1,
            "normalization": "batch",
        },
    ),
    "denoising-gaussian": ("denoising", {**CONV, "level": 0.2}),
    "denoising-masking": (
        "denoising",
        {**DENSE, "base": "undercomplete", "corruption": "masking", "level": 0.2, "tied": True},
    ),
    "denoising-salt-and-pepper": (
        "denoising",
        {**FLAT, "base": "sparse", "corruption": "salt_and_pepper", "level": 0.1},
    ),
    "contractive": ("contractive", {**FLAT, "code_size": 12, "weight": 1e-3}),
    "contractive-untied": ("contractive", {**FLAT, "code_size": 12, "tied": False}),
    "contractive-stochastic": ("contractive", {**DENSE, "penalty": "stochastic", "weight": 1e-5}),
    "contractive-convolutional": (
        "contractive",
        {**CONV, "penalty": "stochastic", "network": "convolutional", "tied": False},
    ),
    "variational": ("variational", {**DENSE, "warmup_epochs": 3, "binarize": True}),
    "variational-free-bits": ("variational", {**DENSE, "beta": 0.5, "free_bits": 0.1}),
    "variational-capacity": (
        "variational",
        {
            **CONV,
            "likelihood": "gaussian_learned",
            "capacity": 4.0,
            "warmup_epochs": 4,
            "network": "convolutional",
        },
    ),
    "variational-importance": (
        "variational",
        {**DENSE, "likelihood": "gaussian", "importance_samples": 3},
    ),
    "vector-quantized": ("vector_quantized", {**COARSE, "codebook_size": 12}),
    "vector-quantized-fsq": (
        "vector_quantized",
        {**COARSE, "quantizer": "fsq", "levels": (5, 4, 7)},
    ),
    "rate-distortion": ("rate_distortion", {**COARSE, "lmbda": 0.1}),
    "rate-distortion-dense": ("rate_distortion", {**DENSE, "network": "dense"}),
    "masked-block": ("masked", {**CONV}),
    "masked-free-form": (
        "masked",
        {**DENSE, "mask": "free_form", "mask_fraction": 0.2, "network": "dense", "loss": "mse"},
    ),
    "segmentation-concat": (
        "segmentation",
        {
            **CLASSES,
            "code_size": 6,
            "loss": "cross_entropy+dice",
            "ignored_class": 3,
            "class_weights": (0.5, 1.0, 2.0),
        },
    ),
    "segmentation-pooling": ("segmentation", {**CLASSES, "skips": "pooling", "convolutions": 1}),
    "segmentation-plain": (
        "segmentation",
        {**CLASSES, "skips": None, "normalization": None, "loss": "dice"},
    ),
    "recurrent-lstm": ("recurrent", {**CELLS, "cell": "lstm"}),
    "recurrent-gru": ("recurrent", {**CELLS, "cell": "gru", "loss": "binary_crossentropy"}),
    "recurrent-conv1d": ("recurrent", {**CELLS, "cell": "conv1d"}),
}


def main(folder: Path) -> None:
    models = folder / "models"
    models.mkdir(parents=True)
    index = {}
    for name, (builder, hyperparameters) in MODELS.items():
        keras.utils.set_random_seed(0)
        model = kerasae.build(builder, **hyperparameters)
        data = examples(builder, hyperparameters)
        begin(model, *pairs(data))
        index[name] = write(models, name, model, *pairs(data))
    keras.utils.set_random_seed(0)
    encoder = kerasae.encoder(keras.saving.load_model(models / "undercomplete-tied.keras"))
    classifier = kerasae.build_classifier(encoder, classes=3, learning_rate=3e-3)
    x = blobs((6, 6, 1), 40)
    y = (np.arange(40) % 3).astype(np.int64)
    begin(classifier, x, y)
    index["classifier"] = write(models, "classifier", classifier, x, y)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in index.items())
    (models / "index.json").write_text("{\n" + lines + "\n}\n")
    of_kerasae = {n for n in keras.saving.get_custom_objects() if n.startswith("kerasae>")}
    missing = of_kerasae - {c for facts in index.values() for c in facts["registered"]}
    if missing:
        raise SystemExit(f"no model holds {sorted(missing)}")
    interrupted(folder / "runs" / "interrupted")
    finished(folder / "runs" / "finished")


def blobs(shape: tuple[int, ...], count: int) -> np.ndarray:
    """Images of one soft blob each."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[: shape[0], : shape[1]]
    cy, cx = rng.uniform(0, shape[0], (count, 1, 1)), rng.uniform(0, shape[1], (count, 1, 1))
    blob = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (0.1 * shape[0] * shape[1]))
    return np.repeat(blob[..., None], shape[2], axis=-1).astype(np.float32)


def waves(shape: tuple[int, ...], count: int) -> np.ndarray:
    """Sequences of a sine each."""
    phase = np.random.default_rng(5).uniform(0, 2 * np.pi, (count, 1, 1))
    time = np.arange(shape[0])[:, None] + np.arange(shape[1])
    return (0.5 + 0.5 * np.sin(2 * np.pi * time / shape[0] + phase)).astype(np.float32)


def examples(builder: str, hyperparameters: dict[str, Any]) -> Images | Sequences:
    shape, kind = hyperparameters["input_shape"], kerasae.BUILDERS[builder].kind
    if kind == "sequence":
        values = waves(shape, 48)
        return Sequences(values[:40], values[40:44], values[44:])
    values = blobs(shape, 48)
    splits = values[:40], values[40:44], values[44:]
    if kind != "segmentation":
        return Images(*splits)
    labels = np.floor(values[..., 0] * 2.999).astype(np.uint8)
    if hyperparameters.get("ignored_class") is not None:
        labels[:, 0] = hyperparameters["ignored_class"]
    return Images(*splits, labels[:40], labels[40:44], labels[44:])


def begin(model: keras.Model, x: np.ndarray, y: np.ndarray) -> None:
    """Two epochs of a schedule that goes on, as `train` compiles it."""
    config = model.get_compile_config()
    schedule = keras.optimizers.schedules.CosineDecay(3e-3, SCHEDULE_STEPS)
    config["optimizer"]["config"]["learning_rate"] = keras.saving.serialize_keras_object(schedule)
    model.compile_from_config(config)
    model.run_eagerly = True
    model.fit(x, y, batch_size=16, epochs=2, verbose=0)


def pairs(data: Images | Sequences) -> tuple[np.ndarray, np.ndarray]:
    labels = data.train_labels
    return data.train, data.train if labels is None else labels


def write(folder: Path, name: str, model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """The model, and what it gives as it is loaded again; returns what else is known of it."""
    file = folder / f"{name}.keras"
    model.save(file)
    deflate(file)
    return describe(file, x[:4], y[:4])


def describe(file: Path, x: np.ndarray, y: np.ndarray) -> dict:
    model = keras.saving.load_model(file)
    model.run_eagerly = True
    steps = int(model.optimizer.iterations.value)
    prediction = keras.ops.convert_to_numpy(model(x, training=False))
    loss = float(model.test_on_batch(x, y, return_dict=True)["loss"])
    seeds = [v for v in model.variables if "seed_generator_state" in v.path]
    for seed in seeds:  # Keras does not save them
        seed.assign([7, 7])
    model.train_on_batch(x, y)
    after = keras.ops.convert_to_numpy(model(x, training=False))
    np.savez_compressed(file.with_suffix(".npz"), x=x, y=y, prediction=prediction, after=after)
    return {
        "steps": steps,
        "loss": loss,
        "random": bool(seeds),
        "registered": registered(file),
    }


def deflate(file: Path) -> None:
    """Pack the members of a `.keras` file, mostly zeros of HDF5, to a fifth; they stay the same."""
    with zipfile.ZipFile(file) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for info, content in members:
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)


def registered(file: Path) -> list[str]:
    """The names of kerasae's own classes in a `.keras` file."""
    found = set()

    def visit(value: Any) -> None:
        if isinstance(value, dict):
            if str(value.get("registered_name")).startswith("kerasae>"):
                found.add(value["registered_name"])
            for entry in value.values():
                visit(entry)
        elif isinstance(value, list):
            for entry in value:
                visit(entry)

    with zipfile.ZipFile(file) as archive:
        visit(json.loads(archive.read("config.json")))
    return sorted(found)


class Killed(BaseException):
    """Ends a training as a kill would."""


def interrupted(folder: Path) -> None:
    """A run that ended after 2 epochs of 4, and what it would have become."""
    data = examples("variational", DENSE)
    config = TrainConfig(
        epochs=4,
        batch_size=16,
        learning_rate=3e-3,
        seed=7,
        jit_compile=False,
        steps_per_execution=1,
    )

    def model() -> keras.Model:
        keras.utils.set_random_seed(3)
        return kerasae.build_variational(**DENSE, warmup_epochs=3)

    save = training._Run._save

    def save_and_die(self: Any, target: Path) -> None:
        save(self, target)
        if len(self.rows) == 2:
            raise Killed

    training._Run._save = save_and_die
    try:
        with contextlib.suppress(Killed):
            train(model(), data, config, out=folder, progress=False)
    finally:
        training._Run._save = save
    np.savez_compressed(
        folder.with_name("interrupted.npz"),
        train=data.train,
        validation=data.validation,
        test=data.test,
    )
    with tempfile.TemporaryDirectory() as scratch:
        straight = model()
        train(straight, data, config, out=scratch, progress=False)
        shutil.copy(Path(scratch) / "history.csv", folder.with_name("interrupted-history.csv"))
    prediction = keras.ops.convert_to_numpy(straight(data.test, training=False))
    np.save(folder.with_name("interrupted-prediction.npy"), prediction)


def finished(folder: Path) -> None:
    """What the command line leaves behind."""
    options = "--data digits --limit 60 --hidden 12 --code-size 4 --epochs 2 --batch-size 20"
    options += " --loss mse --seed 2 --keep last --decorrelate"
    kerasae_command(
        ["train", "undercomplete", *options.split(), "--out", str(folder)], standalone_mode=False
    )
    model = keras.saving.load_model(folder / "model.keras")
    x = kerasae.load_images("digits", limit=60, seed=2).test[:4]
    prediction = keras.ops.convert_to_numpy(model(x, training=False))
    np.savez_compressed(folder.with_name("finished.npz"), x=x, prediction=prediction)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
