"""The noise of a diffusion model in training, and times as features of a network."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasae import _arguments
from kerasae.layers.objective import RandomLayer
from kerasae.losses.diffusion import cosine_schedule, velocity

__all__ = ["Noising", "TimeFeatures"]


@keras.saving.register_keras_serializable("kerasae")
class Noising(RandomLayer):
    """Mix codes with noise, each at a time of its own; at inference at time 1/2 without noise.

    The times of a batch are spread evenly over [0, 1], from a common random start (Kingma,
    Salimans, Poole & Ho 2021, Variational Diffusion Models), which makes the loss less noisy than
    times that are drawn apart. `train` draws in validation too, the same each time.

    Args:
        seed: Seed of the draws; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(self, *, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.seed = _arguments.seed_or_none(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, code: Any, training: bool = False) -> tuple[Any, Any, Any]:
        """Codes (batch, ...) to noisy codes, times (batch, 1), and velocities (batch, ...)."""
        code = ops.cast(code, self.compute_dtype)
        count = ops.shape(code)[0]
        one = ops.ones((count, 1), self.compute_dtype)
        noise = ops.zeros_like(code)
        time = 0.5 * one
        if self.draws(training):
            draw = {"dtype": self.compute_dtype, "seed": self.seed_generator}
            noise = keras.random.normal(ops.shape(code), **draw)
            start = keras.random.uniform((1, 1), **draw)
            place = (ops.cumsum(one, axis=0) - 1) / ops.sum(one)
            time = ops.mod(start + place, 1.0)
        wide = ops.reshape(time, (-1, *(1 for _ in code.shape[1:])))
        a, s = cosine_schedule(wide)
        return a * code + s * noise, time, velocity(code, noise, wide)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Those of codes, times and codes."""
        return input_shape, (input_shape[0], 1), input_shape

    def get_config(self) -> dict[str, Any]:
        """The seed."""
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("kerasae")
class TimeFeatures(keras.layers.Layer):
    """Sines and cosines of a time in [0, 1], from half a turn to many turns.

    Args:
        size: Number of features, even.

    Raises:
        ValueError: If it is no even positive integer.
    """

    def __init__(self, size: int = 32, **options: Any) -> None:
        super().__init__(**options)
        self.size = _arguments.positive_int("size", size)
        if self.size % 2:
            raise ValueError(f"`size` must be even. Received: size={size}")
        self._rates = np.geomspace(0.5, 100.0, self.size // 2).astype(np.float32)

    def call(self, time: Any) -> Any:
        """(batch, 1) to (batch, size)."""
        angles = 2 * math.pi * ops.cast(time, self.compute_dtype) * self._rates
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, size)."""
        return (*input_shape[:-1], self.size)

    def get_config(self) -> dict[str, Any]:
        """The size."""
        return {**super().get_config(), "size": self.size}
