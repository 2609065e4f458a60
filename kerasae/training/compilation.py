"""Settings of a configuration that go into the compiled model: rate, schedule, speed, seed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Literal

import keras

from kerasae.training.configuration import TrainConfig
from kerasae.training.optimizers import OPTIMIZERS
from kerasae.training.rates import compiled_rate

__all__ = ["all_layers", "recompile", "seed_random_layers", "set_steps_per_execution"]


def seed_random_layers(model: keras.Model, seed: int) -> None:
    """Give each random layer a state that follows from the seed; nothing global is touched."""
    for i, variable in enumerate(model.variables):
        if "seed_generator_state" in variable.path:
            variable.assign([seed, i])


def recompile(model: keras.Model, config: TrainConfig, steps: int) -> int:
    """Compile the model again as it was, with the configured optimizer, rate and speed.

    Returns how many steps to run between two returns to Python.
    """
    jit_compile, steps_per_execution = _fast_settings(model)
    if config.jit_compile != "auto":
        jit_compile = config.jit_compile
    if config.steps_per_execution != "auto":
        steps_per_execution = config.steps_per_execution
    try:
        before = model.get_compile_config()
        optimizer = before["optimizer"]
        if "inner_optimizer" in optimizer["config"]:  # of one that scales the loss for float16
            optimizer = optimizer["config"]["inner_optimizer"]
        _configure(optimizer, config, steps)
        before["jit_compile"] = jit_compile
        model.compile_from_config(before)
    except (TypeError, ValueError) as error:
        if str(error).startswith("`optimizer_options`"):
            raise
        reason = str(error).splitlines()[0]
        raise ValueError(
            "`model` must be compiled with a loss and metrics that Keras can serialise, such as "
            f"registered functions. Received: {reason}"
        ) from None
    return min(steps_per_execution, steps)


def _configure(optimizer: dict[str, Any], config: TrainConfig, steps: int) -> None:
    """Put the name and the options of the configuration into an optimizer as Keras serialises it.

    Raises:
        ValueError: If it does not take them.
    """
    options: dict[str, Any] = dict(config.optimizer_options)
    if config.gradient_accumulation_steps > 1:
        options["gradient_accumulation_steps"] = config.gradient_accumulation_steps
    if config.optimizer is None:
        unknown = sorted(set(options) - set(optimizer["config"]))
        if unknown:
            raise ValueError(
                f"`optimizer_options` must be options of {optimizer['class_name']}, the optimizer "
                f"of `model`: {', '.join(optimizer['config'])}. Received: {', '.join(unknown)}"
            )
        optimizer["config"].update(options)
    else:
        kind = OPTIMIZERS[config.optimizer.lower()]
        try:
            chosen = keras.saving.serialize_keras_object(kind(**{"learning_rate": 1.0, **options}))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"`optimizer_options` must be values that {config.optimizer} takes. "
                f"Received: {str(error).splitlines()[0]}"
            ) from None
        optimizer.clear()
        optimizer.update(chosen)
    rate = compiled_rate(config, steps)
    optimizer["config"]["learning_rate"] = keras.saving.serialize_keras_object(rate)


@contextlib.contextmanager
def set_steps_per_execution(model: keras.Model, steps: int) -> Iterator[None]:
    """Set it for the training only: `predict` would unroll the steps, which takes longer."""
    before = model.steps_per_execution
    model.steps_per_execution = steps
    try:
        yield
    finally:
        if steps != before:
            model.steps_per_execution = before
            model.train_function = model.test_function = model.predict_function = None


def _fast_settings(model: keras.Model) -> tuple[bool | Literal["auto"], int]:
    """What was measured to be fast (benchmarks/training_speed.py): XLA, steps per execution."""
    if keras.backend.backend() != "tensorflow" or keras.distribution.list_devices("gpu"):
        return "auto", 1
    if any(isinstance(layer, keras.layers.Masking) for layer in all_layers(model)):
        return False, 1  # of several lengths, for each of which there would be a program
    slow = any(
        "Conv" in type(layer).__name__
        or hasattr(layer, "seed_generator")
        or hasattr(layer, "layout")  # a table's small net takes longer to compile than to train
        for layer in all_layers(model)
    )
    return not slow, 20


def all_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model and of the models in it, and these."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)
        yield layer
