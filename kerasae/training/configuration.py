"""`TrainConfig`: how to train, checked, and kept as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np

from kerasae import _arguments

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
        learning_rate: Step size of the model's optimizer, at the start of the schedule.
        schedule: `"constant"`, or `"cosine"`, which falls to zero at the end of the last epoch
            (Loshchilov & Hutter 2017).
        seed: Seed of the order of the images and of random layers. (Initial weights are drawn
            by the builder: call `keras.utils.set_random_seed` before it.)
        patience: Stop after this many epochs without a lower `val_loss`; None never stops.
        jit_compile: Whether XLA compiles the step. `"auto"` says no for convolutions and for
            random layers with TensorFlow on a CPU, where it was measured to halve the speed or
            worse, else yes.
        steps_per_execution: Steps that run between two returns to Python. `"auto"` is 20 with
            TensorFlow on a CPU, where it was measured to help all models, else 1.
        keep: Weights that the model is left with: those of the `"best"` epoch, by `val_loss`, or
            the `"last"`.
        flip: Mirror half of the training images left to right, and label maps with them; each
            epoch draws the half anew.

    Raises:
        ValueError: If a value breaks its rule.

    Example:
        >>> TrainConfig(epochs=5).batch_size
        128
    """

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    seed: int = 0
    patience: int | None = None
    jit_compile: bool | Literal["auto"] = "auto"
    steps_per_execution: int | Literal["auto"] = "auto"
    keep: Literal["best", "last"] = "best"
    flip: bool = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # numbers as NumPy gives them, which JSON has not
            object.__setattr__(self, field.name, _plain(getattr(self, field.name)))
        for name in ("epochs", "batch_size"):
            _arguments.positive_int(name, getattr(self, name))
        if self.patience is not None:
            _arguments.positive_int("patience", self.patience)
        if not _is_auto(self.steps_per_execution):
            _arguments.positive_int("steps_per_execution", self.steps_per_execution)
        whole = isinstance(self.seed, Integral) and not isinstance(self.seed, bool)
        if not whole or not 0 <= self.seed < 2**32:
            raise ValueError(
                f"`seed` must be an integer from 0 to 2**32 - 1. Received: seed={self.seed!r}"
            )
        _arguments.number("learning_rate", self.learning_rate, low=0.0)
        _arguments.one_of("schedule", self.schedule, ("constant", "cosine"))
        _arguments.one_of("keep", self.keep, ("best", "last"))
        if not _is_auto(self.jit_compile) and not isinstance(self.jit_compile, bool):
            raise ValueError(
                "`jit_compile` must be True, False or 'auto'. "
                f"Received: jit_compile={self.jit_compile!r}"
            )
        _arguments.boolean("flip", self.flip)

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
        unknown = sorted(set(content) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise ValueError(f"`text` must hold fields of TrainConfig. Received: {unknown}")
        return cls(**content)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _plain(value: Any) -> Any:
    """A NumPy number or truth value as Python's own."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value
