"""How long an epoch takes on this machine, from a few steps of it."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import keras

from kerasae.data import Images
from kerasae.training.batches import Batches
from kerasae.training.checkpoint import TrainingState
from kerasae.training.compilation import recompile, set_steps_per_execution
from kerasae.training.configuration import TrainConfig

__all__ = ["Speed", "measure_speed"]

_STEPS = 40  # twice as many as run between two returns to Python
_EPOCHS = 3  # of so many steps; the first is for tracing


class Speed(NamedTuple):
    """Seconds of a training on this machine.

    Attributes:
        start: Of tracing and compiling.
        epoch: Of an epoch, with its validation and its checkpoint.
    """

    start: float
    epoch: float

    def epochs_in(self, seconds: float) -> int:
        """How many epochs fit, at least one."""
        return max(1, int((seconds - self.start) / self.epoch))


def measure_speed(model: keras.Model, images: Images, config: TrainConfig) -> Speed:
    """Train a model that reproduces its images for some steps, and tell how long `train` will take.

    The model is not as it was afterwards: measure with one that nobody needs.
    """
    count = min(len(images.train), _STEPS * config.batch_size)
    part = count / len(images.train)
    few = images.train[:count]
    held_out = images.validation[: max(1, round(part * len(images.validation)))]
    config = dataclasses.replace(config, epochs=_EPOCHS)
    batches = Batches(few, few, config)
    steps = recompile(model, config, len(batches))
    watch = _Watch()
    with tempfile.TemporaryDirectory() as folder, set_steps_per_execution(model, steps):
        model.fit(
            batches,
            validation_data=(held_out, held_out),
            validation_batch_size=config.batch_size,
            epochs=_EPOCHS,
            shuffle=False,
            callbacks=[watch, TrainingState(model, config, Path(folder), batches)],
            verbose=0,
        )
    first, *others = (end - begin for begin, end in zip(watch.begins, watch.ends, strict=True))
    kept = [begin - end for begin, end in zip(watch.begins[1:], watch.ends, strict=False)]
    usual = sum(others) / len(others)
    return Speed(max(0.0, first - usual), usual / part + sum(kept) / len(kept))


class _Watch(keras.callbacks.Callback):
    """When epochs begin and end; what the callbacks after it do at an end is not in them."""

    def __init__(self) -> None:
        super().__init__()
        self.begins: list[float] = []
        self.ends: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.begins.append(time.perf_counter())

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.ends.append(time.perf_counter())
