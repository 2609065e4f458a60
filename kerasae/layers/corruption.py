"""Corruption of images in training, the identity at inference.

`train` validates on corrupted images too, always the same ones. Each layer draws new noise for each
image and step from a seed generator of its own, whose state is saved with the model, so that a
resumed training goes on with the same noise.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerasae import _arguments
from kerasae.layers.objective import RandomLayer

__all__ = [
    "Corruption",
    "GaussianCorruption",
    "MaskingCorruption",
    "Perturbation",
    "SaltAndPepper",
]


_RANK_OF_ROWS = 2


class Corruption(RandomLayer):
    """Base of the corruptions; a subclass says what `corrupt` does.

    Args:
        level: How strong, as the subclass says.
        seed: Seed of the noise; by default drawn from Keras's global seed.
    """

    def __init__(self, level: float, *, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.level = _arguments.number("level", level, low=0.0, closed=True)
        self.seed = _arguments.seed_or_none(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Corrupt float images (batch, height, width, channels) if `training`."""
        return self.corrupt(inputs) if self.draws(training) else inputs

    def corrupt(self, images: Any) -> Any:
        """The corrupted images, of the same shape."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Level and seed."""
        return {**super().get_config(), "level": self.level, "seed": self.seed}

    def _uniform(self, images: Any) -> Any:
        """A number in [0, 1) for each position, shared by its channels; for each value of a row."""
        shape = ops.shape(images)
        if len(shape) > _RANK_OF_ROWS:
            shape = (*shape[:-1], 1)
        return keras.random.uniform(shape, dtype=images.dtype, seed=self.seed_generator)


@keras.saving.register_keras_serializable("kerasae")
class GaussianCorruption(Corruption):
    """Add normal noise of standard deviation `level` to each value, and clip to [0, 1].

    Args:
        level: Standard deviation.
        clip: Whether to clip; values that are not those of pixels may lie anywhere.
        seed: Seed of the noise; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(
        self, level: float, *, clip: bool = True, seed: int | None = None, **options: Any
    ) -> None:
        super().__init__(level, seed=seed, **options)
        self.clip = _arguments.boolean("clip", clip)

    @property
    def unit_range(self) -> str | None:
        """What needs images in [0, 1]."""
        return "noise that is clipped to it" if self.clip else None

    def corrupt(self, images: Any) -> Any:
        """`clip(x + level * n, 0, 1)`, n from the standard normal."""
        noise = keras.random.normal(ops.shape(images), dtype=images.dtype, seed=self.seed_generator)
        noisy = images + self.level * noise
        return ops.clip(noisy, 0.0, 1.0) if self.clip else noisy

    def get_config(self) -> dict[str, Any]:
        """Level, seed, and whether to clip."""
        return {**super().get_config(), "clip": self.clip}


@keras.saving.register_keras_serializable("kerasae")
class MaskingCorruption(Corruption):
    """Set a fraction `level` of the pixels to zero (Vincent et al. 2010, section 3.3).

    Args:
        level: Probability of a pixel to be set, all its channels together.
        seed: Seed of the choice; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def corrupt(self, images: Any) -> Any:
        """Each pixel is zero with probability `level`."""
        return ops.where(self._uniform(images) < self.level, 0.0, images)


@keras.saving.register_keras_serializable("kerasae")
class SaltAndPepper(Corruption):
    """Set a fraction `level` of the pixels to black or white, half each (Vincent et al. 2010).

    Args:
        level: Probability of a pixel to be set, all its channels together.
        seed: Seed of the choice; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    unit_range = "noise of black and white"

    def corrupt(self, images: Any) -> Any:
        """Each pixel is 0 with probability `level / 2`, and 1 with the same."""
        chance = self._uniform(images)
        peppered = ops.where(chance < self.level / 2, 0.0, images)
        return ops.where(chance > 1 - self.level / 2, 1.0, peppered)


@keras.saving.register_keras_serializable("kerasae")
class Perturbation(Corruption):
    """Add normal noise of standard deviation `level`, always the same at inference.

    Not for the way of an image through a model, but beside it, to see how a code answers.

    Args:
        level: Standard deviation.
        seed: Seed of the noise in training; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """`x + level * n`, n from the standard normal."""
        seed = self.seed_generator if self.draws(training) else 0
        return inputs + self.level * keras.random.normal(
            ops.shape(inputs), dtype=inputs.dtype, seed=seed
        )
