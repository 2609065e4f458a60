"""`TrainConfig`: how to train, checked, and kept as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Literal

import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from kerasae import _arguments
from kerasae.training.optimizers import check_optimizer, check_schedule, plain_options

__all__ = ["TrainConfig"]


@dataclass(frozen=True)
class TrainConfig:
    """How to train; saved as `config.json` beside the model.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images per step. Few images want a few of them a step, or there are few steps:
            20 epochs of the 1,294 digits are 220 steps of 128, after which the reconstructions of
            a variational model are 4.3 dB above the mean image, or 3,240 of 8, after which they
            are 8.1 (`benchmarks/variational_defaults.py`).
        learning_rate: Step size of the optimizer, at the start of the schedule or, with
            `warmup_epochs`, at the end of the warm-up.
        schedule: `"constant"`; `"cosine"`, which falls to zero at the end of the last epoch
            (Loshchilov & Hutter 2017); `"plateau"`, which multiplies the rate by `plateau_factor`
            when `monitor` has not become better for `plateau_patience` epochs; or a schedule of
            `keras.optimizers.schedules`, or another one that Keras can serialise, which then
            stands in for `learning_rate`. It counts updates of the weights.
        seed: Seed of the order of the images and of random layers. (Initial weights are drawn
            by the builder: call `keras.utils.set_random_seed` before it.)
        patience: Stop after this many epochs without a better `monitor`; None never stops.
        jit_compile: Whether XLA compiles the step. `"auto"` says no for convolutions and for
            random layers with TensorFlow on a CPU, where it was measured to halve the speed or
            worse, else yes.
        steps_per_execution: Steps that run between two returns to Python. `"auto"` is 20 with
            TensorFlow on a CPU, where it was measured to help all models, else 1.
        keep: Weights that the model is left with: those of the `"best"` epoch, by `monitor`, or
            the `"last"`.
        flip: Mirror half of the training images left to right, and label maps with them; each
            epoch draws the half anew.
        optimizer: Name of an optimizer of Keras, such as `"adamw"`; None takes that of the model.
        optimizer_options: Options of the optimizer by the names that they have in Keras, such as
            `{"weight_decay": 1e-4, "global_clipnorm": 1.0}`; they go over those of the model's own
            optimizer where `optimizer` is None. With `"use_ema"`, the running mean of the weights
            is what is validated, kept and saved.
        gradient_accumulation_steps: Steps whose mean gradient makes one update of the weights,
            which acts as a batch so many times as large.
        warmup_epochs: Epochs, or parts of one, in which the rate of `"constant"` or `"cosine"`
            first rises in equal steps to `learning_rate`.
        plateau_factor: Below 1; see `schedule`.
        plateau_patience: See `schedule`.
        monitor: The logged measure that decides which epoch is best, when to stop early and where
            a plateau is: a column of the history, such as `"val_loss"` or `"val_kl"`.
        mode: Whether a better `monitor` is lower, `"min"`, or higher, `"max"`.
        mixed_precision: `"float16"` or `"bfloat16"` to compute in, while weights, losses and
            outputs stay float32; None for float32 throughout. The trained model computes in
            float32. It helps on GPUs that have units for it, and slows CPUs down.
        pictures_every: Epochs between two pictures of what the model does, which need a run
            folder; None for no pictures. A run may be resumed with another value.

    Raises:
        ValueError: If a value breaks its rule.

    Example:
        >>> TrainConfig(epochs=5).batch_size
        128
    """

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: (
        Literal["constant", "cosine", "plateau"] | LearningRateSchedule | Mapping[str, Any]
    ) = "cosine"
    seed: int = 0
    patience: int | None = None
    jit_compile: bool | Literal["auto"] = "auto"
    steps_per_execution: int | Literal["auto"] = "auto"
    keep: Literal["best", "last"] = "best"
    flip: bool = False
    optimizer: str | None = None
    optimizer_options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    gradient_accumulation_steps: int = 1
    warmup_epochs: float = 0
    plateau_factor: float = 0.5
    plateau_patience: int = 5
    monitor: str = "val_loss"
    mode: Literal["min", "max"] = "min"
    mixed_precision: Literal["float16", "bfloat16"] | None = None
    pictures_every: int | None = None

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):  # numbers as NumPy gives them, which JSON has not
            object.__setattr__(self, each.name, _plain(getattr(self, each.name)))
        for name in ("epochs", "batch_size", "gradient_accumulation_steps", "plateau_patience"):
            _arguments.positive_int(name, getattr(self, name))
        for name in ("patience", "pictures_every"):
            if getattr(self, name) is not None:
                _arguments.positive_int(name, getattr(self, name))
        if not _is_auto(self.steps_per_execution):
            _arguments.positive_int("steps_per_execution", self.steps_per_execution)
        whole = isinstance(self.seed, Integral) and not isinstance(self.seed, bool)
        if not whole or not 0 <= self.seed < 2**32:
            raise ValueError(
                f"`seed` must be an integer from 0 to 2**32 - 1. Received: seed={self.seed!r}"
            )
        _arguments.number("learning_rate", self.learning_rate, low=0.0)
        object.__setattr__(self, "schedule", check_schedule(self.schedule))
        options = plain_options(self.optimizer_options)
        check_optimizer(self.optimizer, options)
        object.__setattr__(self, "optimizer_options", options)
        self._check_warmup()
        _arguments.number("plateau_factor", self.plateau_factor, low=0.0, high=1.0)
        _arguments.text("monitor", self.monitor)
        _arguments.one_of("mode", self.mode, ("min", "max"))
        if self.mixed_precision is not None:
            _arguments.one_of("mixed_precision", self.mixed_precision, ("float16", "bfloat16"))
        _arguments.one_of("keep", self.keep, ("best", "last"))
        if not _is_auto(self.jit_compile) and not isinstance(self.jit_compile, bool):
            raise ValueError(
                "`jit_compile` must be True, False or 'auto'. "
                f"Received: jit_compile={self.jit_compile!r}"
            )
        _arguments.boolean("flip", self.flip)

    def _check_warmup(self) -> None:
        warmup = _arguments.number("warmup_epochs", self.warmup_epochs, low=0.0, closed=True)
        if warmup and self.schedule not in ("constant", "cosine"):
            raise ValueError(
                "`warmup_epochs` must be 0 unless `schedule` is 'constant' or 'cosine'. "
                f"Received: warmup_epochs={warmup:g}"
            )
        if warmup >= self.epochs and self.schedule == "cosine":
            raise ValueError(
                f"`warmup_epochs` must be fewer than the {self.epochs} `epochs`. "
                f"Received: warmup_epochs={warmup:g}"
            )

    def better(self, value: float, other: float) -> bool:
        """Whether a value of `monitor` is better than another."""
        return value < other if self.mode == "min" else value > other

    def to_json(self) -> str:
        """The text of `config.json`."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> TrainConfig:
        """The configuration that `to_json` wrote.

        Raises:
            ValueError: If it is no such text, a key is unknown or a value breaks its rule.
        """
        try:
            content = json.loads(text)
        except (TypeError, ValueError):
            content = None
        if not isinstance(content, dict):
            raise ValueError(f"`text` must be what `to_json` writes. Received: {text!r}")
        unknown = sorted(set(content) - {each.name for each in dataclasses.fields(cls)})
        if unknown:
            raise ValueError(f"`text` must hold fields of TrainConfig. Received: {unknown}")
        return cls(**content)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _plain(value: Any) -> Any:
    """A NumPy number or truth value as Python's own."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value
