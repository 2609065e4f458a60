"""How long a training will take: shown while it runs, and measured before it begins."""

from __future__ import annotations

import io
import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.progress import Progress

import kerasae
import kerasae.cli
import kerasae.quickstart
from kerasae.training import TrainConfig, train
from kerasae.training.progress import TimeLeft, _ProgressCallback, _TimeColumn
from kerasae.training.speed import Speed, measure_speed

TRACING, STEP, VALIDATION, SAVING = 9.0, 0.1, 0.3, 0.2


def left_of(epochs: int, steps: int, start: int = 0, *, looks: bool = True):
    """(epoch, step, seconds shown, seconds really left) at each step of a simulated training."""
    now = [0.0]
    left = TimeLeft(epochs, steps, VALIDATION / (STEP * steps), clock=lambda: now[0])
    seen = []
    for epoch in range(start, epochs):
        left.begin(epoch)
        for step in range(steps):
            now[0] += STEP + (TRACING if epoch == start and step == 0 else 0)
            if looks:
                left.step(step + 1)
            seen.append((epoch, step, left.seconds(), now[0]))
        now[0] += VALIDATION + SAVING
    return [(epoch, step, shown, now[0] - at) for epoch, step, shown, at in seen]


@pytest.mark.parametrize("start", [0, 4])
def test_the_time_left_is_true_from_the_second_epoch_on(start):
    for epoch, _, shown, really in left_of(12, 20, start):
        if epoch == start:
            assert shown is None
        elif epoch == start + 1:  # of which no checkpoint is known yet
            assert shown == pytest.approx(really, rel=0.1)
        else:
            assert shown == pytest.approx(really, abs=1e-6)


def test_where_steps_are_not_seen_whole_epochs_tell():
    """With JAX a look at each step would triple its time."""
    for epoch, _, shown, really in left_of(6, 10, looks=False):
        assert (shown is None) == (epoch < 2)
        if epoch >= 2:
            assert shown == pytest.approx(really, abs=1e-6)


def test_the_speed_of_late_counts():
    now = [0.0]
    left = TimeLeft(40, 1, clock=lambda: now[0])
    for epoch in range(31):
        left.begin(epoch)
        now[0] += 1.0 if epoch < 20 else 5.0  # another program has begun
    left.begin(31)
    assert left.seconds() == pytest.approx(9 * 5.0)


def test_an_epoch_that_takes_longer_than_the_others_leaves_no_less_than_what_follows():
    now = [0.0]
    left = TimeLeft(4, 1, clock=lambda: now[0])
    for epoch in range(3):
        left.begin(epoch)
        now[0] += 1.0
    now[0] += 100.0
    assert left.seconds() == pytest.approx(1.0)


def test_the_bar_counts_down_and_ends_with_what_it_took():
    now = [0.0]
    left = TimeLeft(4, 1, clock=lambda: now[0])
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Progress(_TimeColumn(left), console=console, auto_refresh=False) as bar:
        task = bar.add_task("training", total=4)
        column = bar.columns[0]
        left.begin(0)
        assert str(column.render(bar.tasks[0])) == "-:--:-- left"
        now[0] += 5.0
        left.begin(1)
        now[0] += 100.0
        left.begin(2)
        assert str(column.render(bar.tasks[0])) == "0:03:20 left"
        now[0] += 40.0
        assert str(column.render(bar.tasks[0])) == "0:02:40 left"
        bar.update(task, completed=4)
        assert str(column.render(bar.tasks[0])).startswith("in 0:00:0")


def test_the_bar_stands_where_the_training_does():
    with Progress(disable=True) as bar:
        callback = _ProgressCallback(bar, TimeLeft(3, 10))
        (task,) = bar.tasks
        assert (task.total, task.completed, task.fields["losses"]) == (30, 0, "")
        callback.on_epoch_begin(1)
        assert (task.completed, task.description) == (10, "training, epoch 2/3")
        callback._on_batch(3)
        assert task.completed == 14
        callback.on_epoch_end(1, {"loss": 0.125, "mae": 3.0, "val_loss": 0.25})
        assert (task.completed, task.fields["losses"]) == (20, "loss 0.125  val_loss 0.25")
        callback.on_epoch_end(2)
        assert (task.completed, task.fields["losses"]) == (30, "")


@pytest.mark.usefixtures("eager")
def test_train_tells_the_bar_of_its_epochs(digits, monkeypatch):
    begun = []
    begin = TimeLeft.begin
    monkeypatch.setattr(TimeLeft, "begin", lambda left, e: (begun.append(e), begin(left, e)))
    few = digits.train[:40]
    model = kerasae.build_undercomplete(input_shape=few.shape[1:], code_size=2, hidden=())
    train(model, few, TrainConfig(epochs=3))
    assert begun == [0, 1, 2]


@pytest.mark.usefixtures("eager")
def test_the_speed_is_that_of_a_training(digits, monkeypatch):
    """Of steps, validations and checkpoints that take known times, on a clock of their own."""
    now = [0.0]
    monkeypatch.setattr("kerasae.training.speed.time.perf_counter", lambda: now[0])
    monkeypatch.setattr("kerasae.training.speed._STEPS", 4)  # a tenth of an epoch
    model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=2, hidden=())
    step, test, save = model.train_step, model.test_step, kerasae.training.speed.TrainingState._save

    def slow(function, seconds):
        def slowed(*args):
            now[0] += seconds
            return function(*args)

        return slowed

    monkeypatch.setattr(model, "train_step", slow(step, 0.5))
    monkeypatch.setattr(model, "test_step", slow(test, 0.25))
    monkeypatch.setattr(kerasae.training.speed.TrainingState, "_save", slow(save, 2.0))
    images = kerasae.Images(digits.train[:200], digits.validation[:100], digits.test[:5])
    config = TrainConfig(epochs=500, batch_size=5, steps_per_execution=1, jit_compile=False)
    speed = measure_speed(model, images, config)
    assert speed.epoch == pytest.approx(0.5 * 40 + 0.25 * 20 + 2.0)
    assert speed.start == pytest.approx(0.0, abs=1e-6)


def test_as_many_epochs_as_fit():
    assert Speed(start=10.0, epoch=2.0).epochs_in(60.0) == 25
    assert Speed(start=10.0, epoch=2.0).epochs_in(11.0) == 1
    assert Speed(start=100.0, epoch=200.0).epochs_in(60.0) == 1


class StoppedError(Exception):
    """What follows the training is not looked at."""


@pytest.fixture
def chosen(monkeypatch, tmp_path):
    """What quickstart says and trains when it is given some arguments."""

    def stop(*_, **__):
        raise StoppedError

    monkeypatch.setattr(kerasae.quickstart, "export_bundle", stop)
    monkeypatch.setattr(kerasae.quickstart.Run, "train", lambda run, images, config, out: config)
    monkeypatch.setattr(kerasae.quickstart, "measure_speed", lambda *_: Speed(3.0, 0.7))
    monkeypatch.setattr(kerasae.quickstart.Run, "build", lambda run, images: None)
    monkeypatch.setattr(kerasae.quickstart.Run, "facts", lambda *_: {})

    def run(**options):
        said, configs = [], []
        train = kerasae.quickstart.Run.train
        monkeypatch.setattr(
            kerasae.quickstart.Run, "train", lambda *a: (configs.append(a[2]), train(*a))[1]
        )
        with pytest.raises(StoppedError):
            kerasae.quickstart.quickstart("digits", tmp_path / "out", log=said.append, **options)
        return configs[0], said

    return run


def test_minutes_choose_the_epochs_and_nothing_else(chosen):
    usual, said = chosen()
    assert not any("measuring" in line for line in said)
    timed, said = chosen(minutes=0.5)
    assert timed.epochs == int((30 - 3) / 0.7)
    assert TrainConfig(**{**vars(timed), "epochs": usual.epochs}) == usual
    assert any(f"{timed.epochs} epochs of 0.7 s, chosen for 0.5 minutes" in line for line in said)


def test_few_images_are_told_of(chosen, monkeypatch):
    monkeypatch.setattr(kerasae.quickstart, "_FEW", 10**6)
    with pytest.warns(UserWarning, match="images are few to train on; some hundred make a useful"):
        chosen()


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "soon"])
def test_minutes_are_a_number_above_0(minutes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(kerasae.cli.main, ["quickstart", "--minutes", minutes])
    assert done.exit_code == 2
    assert "`--minutes` must be a number above 0" in done.stderr or "'soon'" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_report_says_what_was_chosen():
    training = {"epochs": 38, "minutes": 0.5, "seconds_per_epoch": 0.7}
    outcome = type("Outcome", (), {"measurements": {"loss": np.float32(1)}})
    report = kerasae.quickstart.Report("digits", [], [], outcome, {}, training)
    assert json.loads(report.to_json())["training"] == training


def test_a_model_that_was_measured_is_not_the_one_that_is_trained(digits):
    """Or `--minutes` could not be repeated with the epochs that it chose."""
    run = kerasae.quickstart.Run("undercomplete", {"code_size": 2, "hidden": ()}, "digits", seed=3)
    first, again = run.build(digits), run.build(digits)
    first.set_weights([0 * w for w in first.get_weights()])
    assert isinstance(again, keras.Model)
    assert np.any(again.get_weights()[0])
