"""Training: bit-equal after a kill, best weights at the end, and a run folder that is whole."""

from __future__ import annotations

import csv
import math
import os
import signal
import subprocess
import sys
import time
import warnings

import keras
import numpy as np
import pytest

import kerasae
from kerasae.data import Images
from kerasae.data.arrays import split_array
from kerasae.training import TrainConfig, checkpoint, train
from kerasae.training.batches import Batches

STEEP = TrainConfig(epochs=1, learning_rate=1e38, batch_size=80)


@pytest.fixture(scope="module")
def few(digits):
    return Images(digits.train[:200], digits.validation[:40], digits.test[:40])


def noisy_model(images: Images) -> keras.Model:
    """With random layers, whose state a resume must restore too."""
    keras.utils.set_random_seed(1)
    inner = kerasae.build_undercomplete(
        input_shape=images.image_shape, code_size=4, hidden=(), loss="mse"
    )
    encoder, decoder = inner.get_layer("encoder"), inner.get_layer("decoder")
    code = keras.layers.Dropout(0.2)(encoder(inner.input))
    model = keras.Model(inner.input, decoder(keras.layers.GaussianNoise(0.1)(code)))
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    return model


def weights_equal(a: keras.Model, b: keras.Model) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


class Killed(BaseException):
    pass


@pytest.mark.usefixtures("eager")
def test_a_killed_run_resumes_to_the_same_bits(few, tmp_path, monkeypatch):
    config = TrainConfig(epochs=4, batch_size=80, learning_rate=3e-3, seed=7)
    straight = noisy_model(few)
    history = train(straight, few, config, out=tmp_path / "a", progress=False)

    save = checkpoint.TrainingState._save

    def save_and_die(self, folder):
        save(self, folder)
        if len(self.rows) == 2:
            raise Killed

    monkeypatch.setattr(checkpoint.TrainingState, "_save", save_and_die)
    with pytest.raises(Killed):
        train(noisy_model(few), few, config, out=tmp_path / "b", progress=False)
    monkeypatch.setattr(checkpoint.TrainingState, "_save", save)
    resumed = noisy_model(few)
    again = train(resumed, few, config, out=tmp_path / "b", resume=True, progress=False)
    assert again.history == history.history
    assert weights_equal(resumed, straight)
    for name in ("history.csv", "config.json"):
        assert (tmp_path / "a" / name).read_text() == (tmp_path / "b" / name).read_text()


VICTIM = """
import sys, time, keras, kerasae
from kerasae.training import checkpoint
from kerasae.training import TrainConfig, train
save, pause = checkpoint.TrainingState._save, float(sys.argv[2])
def save_slowly(self, folder):
    time.sleep(pause)
    save(self, folder)
checkpoint.TrainingState._save = save_slowly
images = kerasae.load_images("digits", limit=200)
keras.utils.set_random_seed(3)
model = kerasae.build_undercomplete(input_shape=images.image_shape, code_size=4)
train(model, images, TrainConfig(epochs=30, batch_size=80, jit_compile=False),
      out=sys.argv[1], resume=True, progress=False)
"""


@pytest.mark.slow
def test_a_real_kill_leaves_nothing_broken(tmp_path):
    def command(folder, pause=0.0):
        return [sys.executable, "-c", VICTIM, str(folder), str(pause)]

    # At 200 ms an epoch the run lasts for seconds after its first checkpoint on any machine.
    process = subprocess.Popen(command(tmp_path / "b", 0.2), stderr=subprocess.DEVNULL)
    checkpoint = tmp_path / "b" / "checkpoint.npz"
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with np.load(checkpoint) as data:  # whole, whenever the kill came
        assert data["story"].size
    assert not (tmp_path / "b" / "model.keras").exists()
    for folder in ("a", "b"):
        subprocess.run(command(tmp_path / folder), check=True, stderr=subprocess.DEVNULL)
    texts = [(tmp_path / folder / "history.csv").read_text() for folder in ("a", "b")]
    assert texts[0] == texts[1]


@pytest.mark.usefixtures("eager")
def test_an_array_is_split_by_the_seed(few, tmp_path):
    """Into a tenth to validate on and the rest, alike in a run that is continued."""
    short, longer = (TrainConfig(epochs=n, schedule="constant", seed=4) for n in (1, 2))
    straight, resumed = noisy_model(few), noisy_model(few)
    history = train(straight, np.uint8(255 * few.train), longer, progress=False).history
    pixels = few.train.tolist()
    np.testing.assert_allclose(
        train(noisy_model(few), pixels, longer, progress=False).history["loss"],
        history["loss"],
        rtol=0.02,
    )
    train(noisy_model(few), few.train, short, out=tmp_path, progress=False)
    again = train(resumed, few.train, longer, out=tmp_path, resume=True, progress=False)
    straight = noisy_model(few)
    assert train(straight, few.train, longer, progress=False).history == again.history
    assert weights_equal(straight, resumed)
    seen = split_array(few.train, 4)
    assert sorted(np.concatenate(seen)) == list(range(200))
    assert len(seen[1]) == 20
    assert not np.array_equal(seen[1], split_array(few.train, 5)[1])


@pytest.mark.usefixtures("eager")
def test_an_array_of_sequences_is_split_too(few):
    model = kerasae.build_recurrent(input_shape=(8, 8), code_size=2, hidden=(4,), cell="conv1d")
    history = train(model, few.train[..., 0], TrainConfig(epochs=1), progress=False)
    assert np.isfinite(history.history["val_loss"]).all()


@pytest.mark.usefixtures("eager")
def test_the_run_folder_tells_the_story(few, tmp_path):
    config = TrainConfig(epochs=3, batch_size=80, schedule="constant")
    model = noisy_model(few)
    history = train(model, few, config, out=tmp_path, progress=False)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint.npz",
        "config.json",
        "curve.png",
        "history.csv",
        "model.keras",
        "previous.npz",
        "progress.csv",
        "report.html",
        "summary.json",
    ]
    assert TrainConfig.from_json((tmp_path / "config.json").read_text()) == config
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == history.history["val_loss"]
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert weights_equal(keras.saving.load_model(tmp_path / "model.keras"), model)


def test_the_model_ends_with_its_best_weights(few):
    keras.utils.set_random_seed(0)
    model = kerasae.build_undercomplete(input_shape=few.image_shape, code_size=4, loss="mse")
    config = TrainConfig(epochs=12, batch_size=10, learning_rate=0.1, schedule="constant")
    history = train(model, few, config, progress=False)
    losses = history.history["val_loss"]
    assert losses[-1] > min(losses)  # at this rate it jumps about
    assert model.evaluate(few.validation, few.validation, verbose=0) == pytest.approx(
        min(losses), rel=1e-5
    )


@pytest.mark.slow
def test_the_last_weights_are_kept_on_request(few, tmp_path):
    def model() -> keras.Model:
        keras.utils.set_random_seed(0)
        return kerasae.build_undercomplete(
            input_shape=few.image_shape, code_size=4, activation="tanh"
        )

    weights = {}
    for keep in ("best", "last"):
        net = model()
        config = TrainConfig(
            epochs=8,
            learning_rate=0.1,
            schedule="constant",
            batch_size=8,
            jit_compile=False,
            keep=keep,
        )
        history = train(net, few, config, out=tmp_path / keep, progress=False).history["val_loss"]
        assert min(history) < history[-1]  # with a rate that is far too high
        weights[keep] = net.evaluate(few.validation, few.validation, verbose=0)
        assert weights[keep] == pytest.approx(min(history) if keep == "best" else history[-1])
    again = model()
    train(again, few, config, out=tmp_path / "last", resume=True, progress=False)
    assert again.evaluate(few.validation, few.validation, verbose=0) == weights["last"]


def test_patience_stops_early_also_after_a_resume(few, tmp_path):
    config = TrainConfig(epochs=50, batch_size=10, learning_rate=0.1, patience=2)
    model = kerasae.build_undercomplete(input_shape=few.image_shape, code_size=4)
    losses = train(model, few, config, out=tmp_path, progress=False).history["val_loss"]
    assert len(losses) < 50
    assert int(np.argmin(losses)) == len(losses) - 3
    again = train(model, few, config, out=tmp_path, resume=True, progress=False)
    assert again.history["val_loss"] == losses


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_a_finished_run_can_be_made_longer(few, tmp_path):
    short = TrainConfig(epochs=2, batch_size=80, schedule="constant")
    longer = TrainConfig(epochs=4, batch_size=80, schedule="constant")
    straight, resumed = noisy_model(few), noisy_model(few)
    train(straight, few, longer, progress=False)
    train(noisy_model(few), few, short, out=tmp_path, progress=False)
    history = train(resumed, few, longer, out=tmp_path, resume=True, progress=False)
    assert len(history.epoch) == 4
    assert weights_equal(straight, resumed)


def test_the_order_depends_on_seed_and_epoch_alone(few):
    batches = Batches(few.train, few.train, TrainConfig(batch_size=64, seed=5))
    first = batches[0][0].copy()
    assert len(batches) == math.ceil(200 / 64)
    batches.start(1)
    assert not np.array_equal(batches[0][0], first)
    batches.start(0)
    np.testing.assert_array_equal(batches[0][0], first)
    seen = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert sorted(map(bytes, seen)) == sorted(map(bytes, few.train))


def test_images_and_targets_share_no_memory(few):
    """TensorFlow may compute in the memory of the one while it reads the other."""
    inputs, targets = Batches(few.train, few.train, TrainConfig(batch_size=64))[0]
    np.testing.assert_array_equal(inputs, targets)
    assert not np.shares_memory(inputs, targets)


@pytest.mark.usefixtures("eager")
def test_the_cosine_schedule_ends_at_zero(few):
    model = noisy_model(few)
    train(model, few, TrainConfig(epochs=2, batch_size=80), progress=False)
    schedule = model.optimizer._learning_rate
    assert float(schedule(0)) == pytest.approx(1e-3)
    assert float(schedule(3)) == pytest.approx(0.5e-3)
    assert float(schedule(6)) == pytest.approx(0.0, abs=1e-9)
    assert int(model.optimizer.iterations.value) == 6


@pytest.mark.usefixtures("eager")
def test_the_history_holds_the_rate_at_the_end_of_each_epoch(few):
    config = TrainConfig(epochs=4, batch_size=80)
    history = train(noisy_model(few), few, config, progress=False).history
    epochs = np.arange(1, 5)
    expected = 1e-3 * (1 + np.cos(np.pi * epochs / 4)) / 2
    np.testing.assert_allclose(history["learning_rate"], expected, atol=1e-9)


@pytest.mark.usefixtures("eager")
def test_a_rate_that_a_callback_reports_is_kept(few):
    class Reporting(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["learning_rate"] = 7.0

    config = TrainConfig(epochs=2, batch_size=80)
    model = noisy_model(few)
    history = train(model, few, config, progress=False, callbacks=Reporting()).history
    assert history["learning_rate"] == [7.0, 7.0]


@pytest.mark.slow
def test_speed_follows_the_net_and_can_be_overridden(few, monkeypatch, fast_settings):
    dense = kerasae.build_undercomplete(input_shape=few.image_shape, code_size=4)
    steps = []
    fit = dense.fit
    monkeypatch.setattr(
        dense, "fit", lambda *a, **k: (steps.append(dense.steps_per_execution), fit(*a, **k))
    )
    train(dense, few, TrainConfig(epochs=1, batch_size=50), progress=False)
    assert dense.jit_compile
    # Of 20, since an epoch has no more.
    assert steps.pop() == (4 if keras.backend.backend() == "tensorflow" else 1)
    convolutional = kerasae.build_convolutional(
        input_shape=few.image_shape, code_size=4, hidden=(4, 8), loss="mse"
    )
    train(convolutional, few, TrainConfig(epochs=1, batch_size=10), progress=False)
    assert convolutional.jit_compile is (keras.backend.backend() != "tensorflow")
    random = kerasae.build_variational(input_shape=few.image_shape, code_size=4)
    train(random, few, TrainConfig(epochs=1, batch_size=50), progress=False)
    assert random.jit_compile is (keras.backend.backend() != "tensorflow")
    config = TrainConfig(epochs=1, jit_compile=False, steps_per_execution=1)
    train(dense, few, config, progress=False)
    assert dense.jit_compile is False
    assert steps == [1]


@pytest.mark.slow
def test_several_steps_at_once_are_for_training_only(few):
    model = kerasae.build_undercomplete(input_shape=few.image_shape, code_size=4)
    train(model, few, TrainConfig(epochs=1, batch_size=50, steps_per_execution=3), progress=False)
    assert model.steps_per_execution == 1
    assert model.get_compile_config()["steps_per_execution"] == 1
    before = int(model.optimizer.iterations.value)
    model.fit(few.train, few.train, batch_size=50, verbose=0)
    assert int(model.optimizer.iterations.value) == before + 4


@pytest.mark.usefixtures("eager")
def test_a_bar_shows_the_progress(few, capsys):
    train(noisy_model(few), few, TrainConfig(epochs=2, batch_size=80))
    shown = capsys.readouterr().out
    assert "epoch 2/2" in shown
    assert "val_loss" in shown


@pytest.mark.usefixtures("eager")
def test_a_loss_that_is_no_longer_finite_is_an_error(few):
    with pytest.raises(FloatingPointError, match="in epoch 1; a smaller `learning_rate` may help"):
        train(
            noisy_model(few),
            few,
            STEEP,
            progress=False,
        )


@pytest.mark.usefixtures("eager")
def test_of_images_with_large_values_the_rate_is_not_blamed(few):
    model = kerasae.build_undercomplete(input_shape=few.image_shape, code_size=4, loss="mse")
    large = Images(few.train * 1e20, few.validation * 1e20, few.test)
    with pytest.raises(FloatingPointError, match=r"divided by 255.* images from 0 to 1e\+20"):
        train(model, large, TrainConfig(epochs=1, batch_size=80), progress=False)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "`epochs` must be a positive integer. Received: epochs=0"),
        ({"batch_size": 1.5}, "`batch_size` must be a positive integer"),
        ({"patience": 0}, "`patience` must be a positive integer"),
        ({"steps_per_execution": "many"}, "`steps_per_execution` must be a positive integer"),
        ({"learning_rate": -1}, "`learning_rate` must be a number above 0"),
        ({"learning_rate": math.nan}, "`learning_rate` must be a number above 0"),
        ({"learning_rate": "1e-3"}, "`learning_rate` must be a number above 0"),
        ({"learning_rate": [1e-3]}, "`learning_rate` must be a number above 0"),
        ({"seed": True}, "`seed` must be an integer from 0"),
        ({"schedule": "linear"}, "`schedule` must be one of 'constant', 'cosine'"),
        ({"seed": -1}, "`seed` must be an integer from 0"),
        ({"keep": "first"}, "`keep` must be one of 'best', 'last'"),
        ({"jit_compile": "yes"}, "`jit_compile` must be True, False or 'auto'"),
    ],
)
def test_bad_configurations_give_one_sentence(wrong, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**wrong)
    with pytest.raises(ValueError, match=r"Received: \['momentum'\]"):
        TrainConfig.from_json('{"momentum": 0.9}')


@pytest.mark.usefixtures("eager")
def test_numbers_of_numpy_are_kept_as_those_of_python(few, tmp_path):
    config = TrainConfig(
        epochs=np.int64(1),
        batch_size=np.int32(80),
        learning_rate=np.float32(1e-3),
        seed=np.uint8(3),
        patience=np.array(2),
        jit_compile=np.bool_(False),
        steps_per_execution=np.int64(1),
        flip=np.bool_(False),
    )
    kinds = {type(value) for value in vars(config).values()}
    assert kinds == {int, float, str, bool, dict, type(None)}
    train(noisy_model(few), few, config, out=tmp_path, progress=False)
    assert TrainConfig.from_json((tmp_path / "config.json").read_text()) == config
    train(noisy_model(few), few, config, out=tmp_path, resume=True, progress=False)


@pytest.mark.usefixtures("eager")
def test_runs_are_not_overwritten_or_mixed_up(few, tmp_path):
    config = TrainConfig(epochs=1, batch_size=80)
    train(noisy_model(few), few, config, out=tmp_path, progress=False)
    with pytest.raises(ValueError, match="`out` must not hold a run already"):
        train(noisy_model(few), few, config, out=tmp_path, progress=False)
    other = TrainConfig(epochs=1, batch_size=25)
    with pytest.raises(ValueError, match="where batch_size is 80. Received: batch_size=25"):
        train(noisy_model(few), few, other, out=tmp_path, resume=True, progress=False)
    model = kerasae.build_undercomplete(input_shape=few.image_shape, code_size=4)
    with pytest.raises(ValueError, match="`model` must be the one that the run"):
        train(model, few, config, out=tmp_path, resume=True, progress=False)
    with pytest.raises(ValueError, match="`resume` needs the run folder"):
        train(noisy_model(few), few, config, resume=True)
    with pytest.raises(ValueError, match="`data` must have the model's input shape"):
        train(kerasae.build_undercomplete(), few, config)


@pytest.mark.usefixtures("eager")
def test_a_refused_resume_changes_nothing(few, tmp_path):
    short, longer = (TrainConfig(epochs=n, batch_size=80, schedule="constant") for n in (1, 2))
    train(noisy_model(few), few, short, out=tmp_path, progress=False)
    other = kerasae.build_undercomplete(input_shape=few.image_shape, code_size=4)
    with pytest.raises(ValueError, match="`model` must be the one"):
        train(other, few, longer, out=tmp_path, resume=True)
    train(noisy_model(few), few, short, out=tmp_path, resume=True, progress=False)


@pytest.mark.usefixtures("eager")
def test_a_run_that_failed_in_its_first_epoch_is_none(few, tmp_path):
    with pytest.raises(FloatingPointError):
        train(noisy_model(few), few, STEEP, out=tmp_path, progress=False)
    train(
        noisy_model(few),
        few,
        TrainConfig(epochs=1, seed=1, batch_size=80),
        out=tmp_path,
        progress=False,
    )


@pytest.mark.parametrize("name", ["checkpoint.npz", "config.json"])
@pytest.mark.usefixtures("eager")
def test_a_damaged_run_is_refused_clearly(few, tmp_path, name):
    config = TrainConfig(epochs=1, batch_size=80)
    train(noisy_model(few), few, config, out=tmp_path, progress=False)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:20])
    with pytest.raises(ValueError, match=f"must hold a sound {name}"):
        train(noisy_model(few), few, config, out=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("[1]", "what `to_json` writes. Received: '[1]'"),
        ("null", "what `to_json` writes. Received: 'null'"),
        ("{", "what `to_json` writes. Received: '{'"),
        ('{"epoch": 3}', "fields of TrainConfig. Received: ['epoch']"),
    ],
)
def test_a_configuration_is_an_object_of_its_fields(few, tmp_path, text, received):
    with pytest.raises(ValueError, match="`text` must") as caught:
        TrainConfig.from_json(text)
    assert str(caught.value).endswith(received)
    (tmp_path / "checkpoint.npz").touch()
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"must hold a sound config\.json beside its checkpoint"):
        train(noisy_model(few), few, TrainConfig(), out=tmp_path, resume=True)


@pytest.mark.parametrize("story", ["[]", "null", '{"variables": null}', '{"variables": "x"}', "{"])
def test_a_checkpoint_tells_its_story_as_an_object(few, tmp_path, story):
    config = TrainConfig(epochs=1)
    (tmp_path / "config.json").write_text(config.to_json())
    np.savez(tmp_path / "checkpoint.npz", story=np.array(story))
    model = noisy_model(few)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"must hold a sound checkpoint\.npz to resume from"):
        train(model, few, config, out=tmp_path, resume=True)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_damaged_checkpoint_leaves_the_one_before(few, tmp_path):
    """The run goes on from there, and ends with the bits of one that was not disturbed."""
    config = TrainConfig(epochs=3, batch_size=50, schedule="constant")
    train(noisy_model(few), few, config, out=tmp_path, progress=False)
    expected = (tmp_path / "history.csv").read_text()
    checkpoint = tmp_path / "checkpoint.npz"
    damaged = checkpoint.read_bytes()[:-100]
    checkpoint.write_bytes(damaged)
    with pytest.raises(UserWarning, match="sound checkpoint.npz.*The one before it is taken"):
        train(noisy_model(few), few, config, out=tmp_path, resume=True, progress=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*The one before it is taken")
        train(noisy_model(few), few, config, out=tmp_path, resume=True, progress=False)
    assert (tmp_path / "history.csv").read_text() == expected
    assert not (tmp_path / "previous.npz").read_bytes().startswith(damaged)
    checkpoint.unlink()  # a kill in the worst moment, where a disk knows no links
    with pytest.raises(ValueError, match="`out` must not hold a run already"):
        train(noisy_model(few), few, config, out=tmp_path, progress=False)
    train(noisy_model(few), few, config, out=tmp_path, resume=True, progress=False)
    assert (tmp_path / "history.csv").read_text() == expected


@pytest.mark.usefixtures("eager")
def test_training_leaves_global_random_states_alone(few):
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    train(
        noisy_model_with_state(few),
        few,
        TrainConfig(epochs=1, seed=9, batch_size=80),
        progress=False,
    )
    assert np.random.rand() == expected


def noisy_model_with_state(images):
    state = np.random.get_state()
    model = noisy_model(images)
    np.random.set_state(state)
    return model


@pytest.mark.usefixtures("eager")
def test_the_seed_decides_the_noise_of_random_layers(few):
    losses = []
    for build_seed, seed in ((1, 7), (2, 7), (1, 8)):
        model = noisy_model(few)
        model.layers[-2].seed_generator.state.assign([build_seed, 99])
        history = train(model, few, TrainConfig(epochs=1, seed=seed, batch_size=80), progress=False)
        losses.append(history.history["loss"])
    assert losses[0] == losses[1] != losses[2]


def test_what_cannot_be_trained_is_refused(few):
    plain = kerasae.build_undercomplete(input_shape=few.image_shape, code_size=4)
    uncompiled = keras.Model(plain.input, plain.output)
    with pytest.raises(ValueError, match="`model` must be compiled"):
        train(uncompiled, few)
    empty = Images(few.train, few.validation[:0], few.test)
    with pytest.raises(ValueError, match="must have validation images"):
        train(plain, empty)

    for wrong in (None, "digits", (few.train, few.validation), iter([])):
        with pytest.raises(ValueError, match="`data` must be an array, `Images`"):
            train(plain, wrong)
    with pytest.raises(ValueError, match="`config` must be a `TrainConfig`.* Received: ndarray"):
        train(plain, few.train, few.train)  # as `fit` takes them
    with pytest.raises(ValueError, match="`model` must be a Keras model"):
        train(kerasae.build_undercomplete, few)
    with pytest.raises(ValueError, match="`data` must hold at least 2"):
        train(plain, few.train[:1])
    with pytest.raises(ValueError, match=r"must have the shape \(n, 8, 8, 1\)"):
        train(plain, few.train[:, :4])

    class Odd:
        def __call__(self, a, b):
            return keras.ops.mean(a - b)

    plain.compile("adam", Odd())
    with pytest.raises(ValueError, match="that Keras can serialise"):
        train(plain, few)
