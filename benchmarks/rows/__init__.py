"""The rows of the fidelity table, a module for each family; what they share is here."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

import kerasae
from kerasae.data import Images
from kerasae.training import TrainConfig, train

RUNS = Path(__file__).parents[1] / "runs"  # not committed
SEED = 0


@dataclass(frozen=True)
class Row:
    """A row of the table: what to run, and what is asked for.

    Attributes:
        title: Architecture and source.
        protocol: Data, measure and net.
        published: The figure of the literature or of a baseline; a name in braces stands for what
            `run` has measured under it.
        unit: Unit of the figure.
        passes: Threshold of a short run; `better` says which side of it is good.
        matches: Threshold of a full match.
        better: `"lower"` or `"higher"`.
        run: Trains, and returns the figure, as `"figure"`, and other measurements; truth values
            under `"passes"` and `"matches"` are what the row asks for beside its thresholds.
        remark: What a reader must know to judge the figure.
    """

    title: str
    protocol: str
    published: str
    unit: str
    passes: float
    matches: float
    better: str
    run: Callable[[], dict]
    remark: str = ""


@functools.cache
def mnist() -> Images:
    """MNIST with a tenth of the training images for validation."""
    return kerasae.load_images("mnist", seed=SEED)


def squared_error(images: np.ndarray, reconstructions: np.ndarray) -> float:
    """Squared error summed over the pixels, mean over the images."""
    flat = (len(images), -1)
    return float(np.square(images.reshape(flat) - reconstructions.reshape(flat)).sum(1).mean())


def gpu() -> str | None:
    """The kind of the graphics card that JAX uses, if there is one."""
    if keras.backend.backend() != "jax":
        return None
    import jax

    device = jax.devices()[0]
    return device.device_kind if device.platform == "gpu" else None


def trained(
    name: str, build: Callable[[], keras.Model], images: Images, config: TrainConfig
) -> tuple[keras.Model, float]:
    """A model trained in a folder, where a run that was cut off goes on, and its seconds."""
    folder = RUNS / f"{name}-{keras.backend.backend()}"
    clock, checkpoint = folder / "clock.json", folder / "checkpoint.npz"
    times = json.loads(clock.read_text()) if clock.exists() else {"before": 0.0}
    if "total" not in times:
        if checkpoint.exists():
            times["before"] += checkpoint.stat().st_mtime - times["start"]
        folder.mkdir(parents=True, exist_ok=True)
        clock.write_text(json.dumps({**times, "start": time.time()}))
    start = time.time()
    keras.utils.set_random_seed(SEED)
    model = build()
    train(model, images, config, out=folder, resume=True)
    times.setdefault("total", times["before"] + time.time() - start)
    clock.write_text(json.dumps(times))
    return model, times["total"]


def trained_on_device(
    build: Callable[[], keras.Model], pixels: np.ndarray, config: TrainConfig
) -> tuple[keras.Model, float]:
    """A model after all epochs, each of them one compiled program, and its seconds.

    For small nets with JAX on a GPU, where a step takes less time than its way there. Of the
    configuration it takes epochs, batch size, rate and seed; the rate falls along a cosine, what
    is left over of a last batch is left out, and the last weights are kept.
    """
    import jax

    steps = len(pixels) // config.batch_size
    keras.utils.set_random_seed(config.seed)
    model = build()
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.epochs * steps)
    model.compile(keras.optimizers.Adam(rate), loss=model.loss)
    model.test_on_batch(pixels[: config.batch_size], pixels[: config.batch_size])  # builds it
    model.optimizer.build(model.trainable_variables)
    variables = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    data = jax.numpy.asarray(pixels)

    @jax.jit
    def epoch(state: tuple, key: jax.Array) -> tuple[tuple, jax.Array]:
        order = jax.random.permutation(key, len(pixels))[: steps * config.batch_size]

        def step(state: tuple, chosen: jax.Array) -> tuple[tuple, jax.Array]:
            logs, state = model.train_step(state, (data[chosen], data[chosen]))
            return state, logs["loss"]

        state, losses = jax.lax.scan(step, state, order.reshape(steps, config.batch_size))
        return state, losses[-1]

    state = tuple([jax.numpy.array(v.value) for v in group] for group in variables)
    key, start = jax.random.key(config.seed), time.time()
    for number in range(config.epochs):
        state, loss = epoch(state, jax.random.fold_in(key, number))
        if number % 20 == 0:
            print(f"{model.name}: epoch {number}, loss {loss:.4f}, {time.time() - start:.1f} s")
    for group, values in zip(variables, state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)
    return model, time.time() - start
