"""Old models and runs stay readable: the committed ones load, predict, train on and resume."""

from __future__ import annotations

import csv
import json
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import kerasae
from kerasae.cli import main
from kerasae.data import Images
from kerasae.runs import Run, load_model
from kerasae.training import TrainConfig, train
from kerasae_export import Codec

FOLDER = Path(__file__).parent / "golden"
MODELS, RUNS = FOLDER / "models", FOLDER / "runs"
INDEX = json.loads((MODELS / "index.json").read_text())
TENSORFLOW = keras.backend.backend() == "tensorflow"
# One of each architecture trains by default, all by -m ""; JAX, which compiles each for seconds,
# has these alone.
FIRST = list({name.partition("-")[0]: name for name in reversed(INDEX)}.values())
LOADED = list(INDEX) if TENSORFLOW else FIRST
TRAINED = [pytest.param(n, marks=[] if n in FIRST else pytest.mark.slow) for n in LOADED]
EXACT = 1e-6  # of the scale of a value: the order of float32 sums is the machine's


@lru_cache
def values(file: Path) -> dict[str, np.ndarray]:
    with np.load(file) as data:
        return dict(data)


def loaded(name: str) -> keras.Model:
    model = keras.saving.load_model(MODELS / f"{name}.keras", safe_mode=True)
    model.run_eagerly = TENSORFLOW  # to trace a function for one step takes longer there
    return model


def predicted(model: keras.Model, x: Any) -> Any:
    """In the way that is quick: TensorFlow op by op, JAX all at once."""
    if TENSORFLOW:
        outputs = model(x, training=False)
        return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)
    return model.predict_on_batch(x)


def assert_close(got: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    """Within the tolerance of the scale of each value, which is 1 at least."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    np.testing.assert_array_less(
        np.abs(got - expected), tolerance * np.maximum(1.0, np.abs(expected))
    )


def test_every_builder_and_registered_class_of_then_is_among_the_models():
    names = {name.partition("-")[0].replace("_", "-") for name in INDEX}
    assert len(INDEX) == len(list(MODELS.glob("*.keras"))) == 34
    builders = {"undercomplete", "overcomplete", "sparse", "convolutional", "denoising"}
    builders |= {"contractive", "variational", "masked", "segmentation", "recurrent"}
    assert builders <= names
    assert {"vector-quantized", "rate-distortion"} <= set(INDEX)
    assert builders | {"vector_quantized", "rate_distortion"} <= set(kerasae.BUILDERS)
    registered = {name for facts in INDEX.values() for name in facts["registered"]}
    assert len(registered) == 23
    assert registered <= set(keras.saving.get_custom_objects())


@pytest.mark.parametrize("name", LOADED)
def test_a_model_predicts_as_it_did_whole_and_in_halves(name):
    facts, data = INDEX[name], values(MODELS / f"{name}.npz")
    model = loaded(name)
    assert_close(predicted(model, data["x"]), data["prediction"], EXACT)
    if name != "classifier":
        code = predicted(kerasae.encoder(model), data["x"])
        assert_close(predicted(kerasae.decoder(model), code), data["prediction"], EXACT)
    assert int(model.optimizer.iterations.value) == facts["steps"]
    measured = model.test_on_batch(data["x"], data["y"], return_dict=True)
    assert float(measured["loss"]) == pytest.approx(facts["loss"], rel=1e-5)


@pytest.mark.parametrize("name", TRAINED)
def test_a_model_trains_on_with_the_state_of_its_optimizer(name):
    facts, data = INDEX[name], values(MODELS / f"{name}.npz")
    model = loaded(name)
    for variable in model.variables:
        if "seed_generator_state" in variable.path:  # Keras does not save these
            variable.assign([7, 7])
    model.train_on_batch(data["x"], data["y"])
    assert int(model.optimizer.iterations.value) == facts["steps"] + 1
    after = predicted(model, data["x"])
    assert not np.array_equal(after, data["prediction"])
    if TENSORFLOW or not facts["random"]:  # backends draw different noise
        assert_close(after, data["after"], 1e-4)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open() as text:
        return list(csv.DictReader(text))


@pytest.mark.slow
def test_an_interrupted_run_resumes_to_what_it_would_have_become(tmp_path):
    folder = shutil.copytree(RUNS / "interrupted", tmp_path / "run")
    old = rows(folder / "history.csv")
    assert len(old) == 2
    config = TrainConfig.from_json((folder / "config.json").read_text())
    images = Images(**values(RUNS / "interrupted.npz"))
    keras.utils.set_random_seed(9)  # other weights than the run's, until these are restored
    model = kerasae.build_variational(  # the default likelihood is another since
        input_shape=(6, 6, 1), hidden=(8,), code_size=3, warmup_epochs=3, likelihood="bernoulli"
    )
    history = train(model, images, config, out=folder, resume=True, progress=False)

    new = rows(folder / "history.csv")
    assert history.epoch == [0, 1, 2, 3]
    assert [row["epoch"] for row in new] == ["1", "2", "3", "4"]
    assert new[:2] == old
    assert int(model.optimizer.iterations.value) == 4 * 3
    assert np.isfinite(history.history["val_loss"]).all()
    assert (folder / "model.keras").exists()
    if TENSORFLOW:  # backends draw different noise
        for row, expected in zip(new, rows(RUNS / "interrupted-history.csv"), strict=True):
            for name, value in expected.items():
                if name.startswith("val_"):  # of the mean then, of drawn codes since
                    continue
                assert float(row[name]) == pytest.approx(float(value), rel=1e-4), name
        expected = np.load(RUNS / "interrupted-prediction.npy")
        assert_close(predicted(model, images.test), expected, 1e-4)


def test_a_finished_run_of_the_command_line_is_read():
    folder = RUNS / "finished"
    run = Run.load(folder)
    assert run == Run(
        "undercomplete",
        {"code_size": 4, "hidden": [12], "loss": "mse"},
        "digits",
        limit=60,
        seed=2,
        decorrelate=True,
        version=1,
    )
    images, data = run.images(), values(folder.with_name("finished.npz"))
    np.testing.assert_array_equal(images.test[:4], data["x"])
    assert_close(predicted(load_model(folder), data["x"]), data["prediction"], EXACT)
    facts = run.facts(folder, images)
    assert facts["training"]["epochs_run"] == facts["training"]["epochs"] == 2
    assert facts["training"]["keep"] == "last"
    last = float(rows(folder / "history.csv")[-1]["val_loss"])
    assert facts["training"]["val_loss"] == pytest.approx(last)


@pytest.mark.slow
def test_a_finished_run_is_exported_by_the_command_line(tmp_path):
    target = tmp_path / "bundle"
    arguments = ["export", str(RUNS / "finished"), "--out", str(target), "--scheme", "float32"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    facts = Codec.load(target).manifest.facts
    assert facts["architecture"] == "undercomplete"
    assert facts["training"]["epochs_run"] == 2


def test_a_finished_run_is_resumed_with_nothing_left_to_train(tmp_path):
    folder = shutil.copytree(RUNS / "finished", tmp_path / "run")
    run = Run.load(folder)
    images = run.images()
    config = TrainConfig.from_json((folder / "config.json").read_text())
    model = run.train(images, config, folder, resume=True)
    assert_close(
        predicted(model, values(RUNS / "finished.npz")["x"]),
        values(RUNS / "finished.npz")["prediction"],
        1e-4,
    )
    assert rows(folder / "history.csv") == rows(RUNS / "finished" / "history.csv")
