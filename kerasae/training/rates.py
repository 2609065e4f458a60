"""The learning rate of a training: what the optimizer is compiled with, and where a plateau is."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras.optimizers import schedules

from kerasae.training.configuration import TrainConfig

__all__ = ["compiled_rate", "current_rate", "rate_on_plateau"]


def compiled_rate(config: TrainConfig, steps: int) -> float | schedules.LearningRateSchedule:
    """The rate that the optimizer is given: a number, or a schedule of Keras over its updates.

    A saved model has it again without this package.

    Args:
        config: The configuration.
        steps: Batches of an epoch.
    """
    rate, every = float(config.learning_rate), config.gradient_accumulation_steps
    if not isinstance(config.schedule, str):
        return keras.saving.deserialize_keras_object(dict(config.schedule))
    updates = max(1, config.epochs * steps // every)
    warmup = round(config.warmup_epochs * steps / every)
    if config.schedule == "cosine" and warmup:
        return schedules.CosineDecay(
            rate / warmup, max(1, updates - warmup), warmup_target=rate, warmup_steps=warmup
        )
    if config.schedule == "cosine":
        return schedules.CosineDecay(rate, updates)
    if warmup:
        return schedules.PolynomialDecay(rate / warmup, warmup, end_learning_rate=rate, power=1.0)
    return rate


def current_rate(model: keras.Model) -> float:
    """The learning rate of the next update."""
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


def rate_on_plateau(values: Sequence[float], config: TrainConfig) -> float:
    """The rate after these values of `monitor`, an epoch each.

    It follows from the values alone, so that a run that was killed has it again.
    """
    rate, best, waited = float(config.learning_rate), values[0], 0
    for value in values[1:]:
        if config.better(value, best):
            best, waited = value, 0
            continue
        waited += 1
        if waited == config.plateau_patience:
            rate, waited = rate * config.plateau_factor, 0
    return rate
