"""How a training is configured beyond the basics: optimizers, rates, what decides, precision."""

from __future__ import annotations

import json
import math

import keras
import numpy as np
import pytest

import kerasae
from kerasae.data import Images
from kerasae.training import TrainConfig, checkpoint, train
from kerasae.training.averages import averaged
from kerasae.training.optimizers import OPTIMIZERS
from kerasae.training.precision import mixed_precision
from kerasae.training.rates import compiled_rate, rate_on_plateau

DECAY = keras.optimizers.schedules.ExponentialDecay(1e-2, 3, 0.5)
CONFIGS = {
    "adamw, decay, clipping": {
        "optimizer": "adamw",
        "optimizer_options": {"weight_decay": 0.1, "global_clipnorm": 0.5},
    },
    "mean of the weights": {"optimizer_options": {"use_ema": True, "ema_momentum": 0.8}},
    "plateau": {"schedule": "plateau", "plateau_patience": 1, "learning_rate": 0.3},
    "warm-up": {"warmup_epochs": 1.5},
    "constant after a warm-up": {"warmup_epochs": 1, "schedule": "constant"},
    "own schedule": {"schedule": DECAY},
    "accumulation": {"gradient_accumulation_steps": 2},
    "float16": {"mixed_precision": "float16"},
    "highest": {"monitor": "val_mae", "mode": "max", "optimizer": "sgd"},
}

QUICK = ("mean of the weights", "plateau")  # whose state is kept in two ways


@pytest.fixture(scope="module")
def few(digits):
    return Images(digits.train[:200], digits.validation[:40], digits.test[:40])


def dense(images: Images, metrics: tuple[str, ...] = ("mae",)) -> keras.Model:
    keras.utils.set_random_seed(1)
    model = kerasae.build_undercomplete(
        input_shape=images.image_shape, code_size=4, hidden=(16,), loss="mse"
    )
    model.compile("adam", "mse", metrics=list(metrics))
    return model


def weights_equal(a: keras.Model, b: keras.Model) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


class Killed(BaseException):
    pass


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(given, id=name, marks=[] if name in QUICK else pytest.mark.slow)
        for name, given in CONFIGS.items()
    ],
)
def test_a_killed_run_resumes_to_the_same_bits(options, few, tmp_path, monkeypatch):
    config = TrainConfig(
        **{"epochs": 4, "batch_size": 80, "learning_rate": 3e-3, "seed": 7, **options}
    )
    straight = dense(few)
    history = train(straight, few, config, progress=False)
    save = checkpoint.TrainingState._save

    def save_and_die(self, folder):
        save(self, folder)
        if len(self.rows) == 2:
            raise Killed

    monkeypatch.setattr(checkpoint.TrainingState, "_save", save_and_die)
    with pytest.raises(Killed):
        train(dense(few), few, config, out=tmp_path, progress=False)
    monkeypatch.setattr(checkpoint.TrainingState, "_save", save)
    monkeypatch.setattr("kerasae.training.loop.tell", lambda *given: None)
    assert TrainConfig.from_json((tmp_path / "config.json").read_text()) == config
    resumed = dense(few)
    again = train(resumed, few, config, out=tmp_path, resume=True, progress=False)
    assert again.history == history.history
    assert weights_equal(resumed, straight)
    saved = keras.saving.load_model(tmp_path / "model.keras")
    assert weights_equal(saved, straight)
    assert {layer.compute_dtype for layer in saved.layers} == {"float32"}


@pytest.mark.usefixtures("eager")
def test_the_optimizer_is_the_one_that_was_named(few):
    options = {"momentum": 0.5, "nesterov": True, "clipvalue": np.float32(0.25)}
    model = dense(few)
    config = TrainConfig(
        epochs=1, batch_size=80, optimizer="SGD", optimizer_options=options, schedule="constant"
    )
    train(model, few, config, progress=False)
    found = model.optimizer.get_config()
    assert type(model.optimizer) is keras.optimizers.SGD
    assert (found["momentum"], found["nesterov"], found["clipvalue"]) == (0.5, True, 0.25)
    own = dense(few)
    config = TrainConfig(epochs=1, batch_size=80, optimizer_options={"beta_1": 0.5})
    train(own, few, config, progress=False)
    assert type(own.optimizer) is keras.optimizers.Adam
    assert own.optimizer.beta_1 == 0.5


def test_every_optimizer_of_keras_has_a_name():
    assert {"adam", "adamw", "sgd", "lion", "rmsprop", "nadam", "adafactor"} <= set(OPTIMIZERS)
    for name in OPTIMIZERS:
        assert TrainConfig(optimizer=name).optimizer == name


def at(schedule, step: int) -> float:
    return schedule if isinstance(schedule, float) else float(schedule(step))


def test_rates_follow_their_schedules():
    cosine = compiled_rate(TrainConfig(epochs=10, learning_rate=0.1, warmup_epochs=2), 10)
    assert at(cosine, 0) == pytest.approx(0.1 / 20)
    assert at(cosine, 20) == pytest.approx(0.1)
    assert at(cosine, 60) == pytest.approx(0.05)
    assert at(cosine, 100) == pytest.approx(0, abs=1e-8)
    constant = compiled_rate(
        TrainConfig(epochs=10, learning_rate=0.1, warmup_epochs=0.5, schedule="constant"), 10
    )
    assert [at(constant, step) for step in (0, 5, 99)] == pytest.approx([0.02, 0.1, 0.1])
    half = compiled_rate(
        TrainConfig(epochs=10, learning_rate=0.1, gradient_accumulation_steps=2), 10
    )
    assert at(half, 25) == pytest.approx(0.05)  # of 50 updates
    assert at(compiled_rate(TrainConfig(schedule=DECAY), 10), 3) == pytest.approx(5e-3)
    assert compiled_rate(TrainConfig(schedule="plateau", learning_rate=0.1), 10) == 0.1


def test_a_plateau_lowers_the_rate_each_time():
    config = TrainConfig(
        schedule="plateau", learning_rate=1.0, plateau_factor=0.5, plateau_patience=2
    )
    values = [5, 4, 4, 4, 3, 3.5, 3.5, 3.2, 3.1]
    rates = [rate_on_plateau(values[: i + 1], config) for i in range(len(values))]
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
    higher = TrainConfig(schedule="plateau", learning_rate=1.0, plateau_patience=1, mode="max")
    assert rate_on_plateau([1, 2, 2], higher) == 0.5


@pytest.mark.usefixtures("eager")
def test_a_plateau_is_seen_in_the_rates_of_a_run(few, tmp_path):
    config = TrainConfig(
        epochs=4, batch_size=80, schedule="plateau", plateau_patience=1, mode="max"
    )
    history = train(dense(few), few, config, out=tmp_path, progress=False).history["val_loss"]
    lines = (tmp_path / "progress.csv").read_text().splitlines()
    rates = [float(line.split(",")[1]) for line in lines[1:]]
    assert lines[0] == "epoch,learning_rate,seconds,peak_megabytes"
    expected = [rate_on_plateau(history[: i + 1], config) for i in range(3)]
    assert rates == pytest.approx([1e-3, *expected])
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 2.5e-4])  # a loss that falls is not higher


@pytest.mark.usefixtures("eager")
def test_accumulated_gradients_are_those_of_a_larger_batch(few):
    """With plain gradient descent: the mean of two halves is the whole."""
    models = []
    for batch, steps in ((40, 2), (80, 1)):
        model = dense(few)
        config = TrainConfig(
            epochs=1,
            batch_size=batch,
            optimizer="sgd",
            learning_rate=0.1,
            schedule="constant",
            gradient_accumulation_steps=steps,
            keep="last",
        )
        train(model, Images(few.train[:160], few.validation), config, progress=False)
        models.append(model)
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("keep", [pytest.param("best", marks=pytest.mark.slow), "last"])
def test_the_mean_of_the_weights_is_validated_and_kept(keep, few):
    options = {"use_ema": True, "ema_momentum": 0.5}
    config = TrainConfig(
        epochs=2, batch_size=80, optimizer_options=options, keep=keep, schedule="constant"
    )
    model = dense(few)
    losses = train(model, few, config, progress=False).history["val_loss"]
    found = model.evaluate(few.validation, few.validation, verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(losses[-1], rel=1e-5)
    plain = dense(few)
    raw = train(
        plain, few, TrainConfig(epochs=2, batch_size=80, schedule="constant"), progress=False
    )
    assert raw.history["loss"] == pytest.approx(model_losses(few, config), rel=1e-5)
    assert raw.history["val_loss"][-1] != pytest.approx(losses[-1], rel=1e-3)


def model_losses(few: Images, config: TrainConfig) -> list[float]:
    """The mean is looked at, and does not train."""
    return train(dense(few), few, config, progress=False).history["loss"]


@pytest.mark.usefixtures("eager")
def test_a_look_at_the_mean_changes_no_bit(few):
    model = dense(few)
    model.compile(keras.optimizers.Adam(use_ema=True), "mse")
    model.fit(few.train, few.train, batch_size=100, verbose=0)
    model.train_on_batch(few.train[:50], few.train[:50])
    before = model.get_weights()
    with averaged(model):
        assert not np.array_equal(model.get_weights()[0], before[0])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.usefixtures("eager")
def test_any_measure_decides(few):
    """Here the highest error, which the first epoch has."""
    config = TrainConfig(epochs=9, batch_size=80, monitor="val_mae", mode="max", patience=2)
    model = dense(few)
    history = train(model, few, config, progress=False).history
    assert len(history["val_mae"]) == 3
    found = model.evaluate(few.validation, few.validation, verbose=0, return_dict=True)
    assert found["mae"] == pytest.approx(max(history["val_mae"]), rel=1e-5)
    wrong = TrainConfig(epochs=2, batch_size=80, monitor="val_kl")
    with pytest.raises(
        ValueError, match="`monitor` must be one of the measures of an epoch, loss,"
    ):
        train(dense(few), few, wrong, progress=False)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_layers_compute_in_half_precision_while_they_train(half, few):
    model = dense(few)
    seen = []

    class Look(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            decoder = self.model.get_layer("decoder")
            seen.append({layer.name: layer.compute_dtype for layer in decoder.layers})
            seen.append(type(self.model.optimizer).__name__)

    config = TrainConfig(epochs=2, batch_size=80, mixed_precision=half)
    history = train(model, few, config, progress=False, callbacks=Look()).history
    exact = train(dense(few), few, TrainConfig(epochs=2, batch_size=80), progress=False).history
    np.testing.assert_allclose(history["val_loss"], exact["val_loss"], rtol=3e-2)
    assert history["loss"] != exact["loss"]
    computed = seen[0]
    assert half in computed.values()
    assert computed[list(computed)[-1]] == "float32"  # what makes the outputs
    assert (seen[1] == "LossScaleOptimizer") is (half == "float16")
    assert type(model.optimizer) is keras.optimizers.Adam
    assert {layer.compute_dtype for layer in model.get_layer("decoder").layers} == {"float32"}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(kerasae.BUILDERS))
def test_every_builder_has_layers_for_half_precision(name):
    builder = kerasae.BUILDERS[name]
    model = kerasae.build(name, **builder.variants[0])
    rng = np.random.default_rng(0)
    parts = [rng.random((2, *t.shape[1:])).astype(np.float32) for t in model.inputs]
    x = parts if len(parts) > 1 else parts[0]
    before = keras.ops.convert_to_numpy(model(x))
    with mixed_precision(model, TrainConfig(mixed_precision="bfloat16")):
        half = model(x)
        assert keras.backend.standardize_dtype(half.dtype) == "float32"
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(x)), before)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"optimizer": "adamm"}, "`optimizer` must be one of adadelta, .*optimizer='adamm'"),
        ({"optimizer": 3}, "`optimizer` must be one of"),
        ({"optimizer_options": [1]}, "`optimizer_options` must be a dict"),
        ({"optimizer_options": {"decay": object()}}, "`optimizer_options` must hold numbers"),
        ({"optimizer_options": {"clipnorm": math.nan}}, "`optimizer_options` must hold numbers"),
        (
            {"optimizer": "sgd", "optimizer_options": {"beta": 1}},
            "must be options of sgd: .*momentum",
        ),
        ({"optimizer_options": {"learning_rate": 1}}, "must not hold 'learning_rate', which"),
        (
            {"optimizer_options": {"gradient_accumulation_steps": 2}},
            "which `gradient_accumulation_steps` of the configuration decides",
        ),
        ({"schedule": "linear"}, "or a schedule of `keras.optimizers.schedules`"),
        ({"schedule": {"class_name": "Nothing"}}, "`schedule` must be one of 'constant'"),
        ({"schedule": 3}, "`schedule` must be one of 'constant'"),
        ({"warmup_epochs": -1}, "`warmup_epochs` must be a number at least 0"),
        ({"warmup_epochs": 20}, "`warmup_epochs` must be fewer than the 20 `epochs`"),
        ({"warmup_epochs": 1, "schedule": "plateau"}, "`warmup_epochs` must be 0 unless"),
        ({"gradient_accumulation_steps": 0}, "must be a positive integer"),
        ({"plateau_factor": 1}, "`plateau_factor` must be a number above 0 and below 1"),
        ({"plateau_patience": 0}, "`plateau_patience` must be a positive integer"),
        ({"monitor": None}, "`monitor` must be a name"),
        ({"mode": "low"}, "`mode` must be one of 'min', 'max'"),
        ({"mixed_precision": "float8"}, "`mixed_precision` must be one of 'float16'"),
        ({"pictures_every": 0}, "`pictures_every` must be a positive integer"),
    ],
)
def test_what_cannot_be_configured_is_said_in_one_sentence(wrong, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**wrong)


def test_options_of_the_models_own_optimizer_are_checked_too(few):
    config = TrainConfig(optimizer_options={"momentum": 0.9})
    with pytest.raises(ValueError, match="must be options of Adam, the optimizer of `model`"):
        train(dense(few), few, config)
    config = TrainConfig(optimizer="adam", optimizer_options={"clipnorm": 1.0, "clipvalue": 1.0})
    with pytest.raises(ValueError, match="`optimizer_options` must be values that adam takes"):
        train(dense(few), few, config)


def test_a_schedule_that_keras_cannot_serialise_is_refused():
    class Own(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 1e-3

    with pytest.raises(ValueError, match="`schedule` must be one that Keras can serialise.*Own"):
        TrainConfig(schedule=Own())


def test_a_configuration_from_before_loads():
    old = {"epochs": 4, "batch_size": 16, "learning_rate": 0.003, "schedule": "cosine", "seed": 7}
    config = TrainConfig.from_json(json.dumps(old))
    assert config == TrainConfig(**old)
    assert TrainConfig.from_json(config.to_json()) == config
    own = TrainConfig(schedule=DECAY)
    assert TrainConfig.from_json(own.to_json()) == own
    assert isinstance(hash(TrainConfig(optimizer_options={"use_ema": True})), int)
