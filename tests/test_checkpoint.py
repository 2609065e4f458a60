"""The state of a run, without a training: which weights are kept, and what is said of a loss."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest

import kerasae
from kerasae.training import TrainConfig, compilation, train
from kerasae.training.batches import Batches
from kerasae.training.checkpoint import TrainingState
from kerasae.training.run_folder import open_run


def line() -> keras.Model:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def state(model: keras.Model, values: list[float], **options) -> TrainingState:
    config, inputs = TrainConfig(**options), np.array(values, np.float32)[:, None]
    return TrainingState(model, config, None, Batches(inputs, inputs, config))


@pytest.mark.parametrize(("keep", "kept"), [("best", 1.0), ("last", 3.0)])
def test_the_weights_of_the_best_or_the_last_epoch_are_kept(keep, kept):
    model = line()
    run = state(model, [0.0, 1.0], keep=keep)
    called = []
    for epoch, loss in enumerate([3.0, 1.0, 1.0, 2.0]):
        model.set_weights([np.full((1, 1), epoch), np.full(1, epoch)])
        run.on_epoch_end(epoch, {"loss": 0.0, "val_loss": loss})
    history = run.finish(lambda: called.append(float(model.get_weights()[1][0])))
    assert called == [kept]
    assert history.epoch == [0, 1, 2, 3]
    assert history.history["val_loss"] == [3.0, 1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("values", "way_out"),
    [
        ([0.0, 10.0], "a smaller `learning_rate` may help. Received: learning_rate=0.001"),
        (
            [-11.0, 1.0],
            "values near 1, such as pixels divided by 255, train with the usual rates. "
            "Received: images from -11 to 1",
        ),
        (
            [0.0, np.nan],
            "the images have been changed. Received: images with NaN or infinity",
        ),
    ],
)
def test_what_to_do_about_a_loss_that_is_not_finite_is_said(values, way_out):
    run = state(line(), [0.0, 0.0])
    run._batches._images[:, 0] = values
    sentence = f"val_loss is no longer finite in epoch 3; {way_out}"
    with pytest.raises(FloatingPointError, match=f"^{re.escape(sentence)}$"):
        run.on_epoch_end(2, {"loss": 0.0, "val_loss": np.inf})


@pytest.mark.parametrize("patience", [None, 2])
def test_a_run_ends_by_its_epochs_or_its_patience(patience):
    model = line()
    run = state(model, [0.0, 1.0], epochs=4, patience=patience)
    ended = []
    for epoch, loss in enumerate([1.0, 2.0, 3.0]):
        run.on_epoch_end(epoch, {"loss": loss, "val_loss": loss})
        ended.append(run.finished)
    assert ended == [False, False, patience == 2]
    assert model.stop_training == run.finished
    run.on_epoch_end(3, {"loss": 0.0, "val_loss": 0.0})
    assert run.finished


def test_a_run_folder_is_made_with_those_above_it(tmp_path):
    folder = tmp_path / "runs" / "first"
    assert open_run(folder, TrainConfig(), resume=True) == []
    assert folder.is_dir()
    assert open_run(folder, TrainConfig(), resume=False) == []


@pytest.mark.usefixtures("fast_settings")
def test_settings_are_those_that_were_measured_to_be_fast(monkeypatch):
    dense = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=2)
    spatial = {"input_shape": (8, 8, 1), "code_size": 2, "hidden": (2,)}
    others = kerasae.build_convolutional(**spatial), kerasae.build_variational(**spatial)

    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: [])
    assert compilation._fast_settings(dense) == (True, 20)
    for model in others:
        assert compilation._fast_settings(model) == (False, 20)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: [kind])
    assert compilation._fast_settings(dense) == ("auto", 1)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: [])
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert compilation._fast_settings(dense) == ("auto", 1)


@pytest.mark.usefixtures("eager")
def test_training_asks_no_global_generator(digits, tmp_path):
    """The order of the batches is that of the seed, whatever else has drawn."""
    histories, called = [], []
    for seed in (1, 2):
        keras.utils.set_random_seed(0)
        model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=2, hidden=())
        np.random.seed(seed)
        history = train(
            model,
            digits.train[:40],
            TrainConfig(epochs=1, batch_size=4),
            out=tmp_path / str(seed),
            progress=False,
            finish=lambda: called.append(True),
        )
        histories.append(history.history)
    assert histories[0] == histories[1]
    assert len(called) == 2
