"""What a conditional model does with its labels: leave some out, and repeat them for the draws."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerasae import _arguments
from kerasae.layers.objective import RandomLayer, full_precision

__all__ = ["Condition", "RepeatedLabels"]


@keras.saving.register_keras_serializable("kerasae")
class Condition(keras.layers.Layer):
    """Pass label vectors on, and in training replace some by zeros, which say nothing.

    A label is a vector: one-hot for a class, or the values of attributes. A vector of zeros stands
    for a label that is missing. A model that has seen such vectors knows what to do without a
    label, and can be guided (Ho & Salimans 2021, Classifier-Free Diffusion Guidance).

    Args:
        classes: Number of classes, if labels are classes.
        attributes: Number of attributes, if they are such; one of the two must be given.
        dropout: Chance that a label is left out in training, in [0, 1).
        seed: Seed of the draws; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> import numpy as np
        >>> tuple(Condition(classes=3)(np.eye(3)[:2]).shape)
        (2, 3)
    """

    def __init__(
        self,
        classes: int | None = None,
        attributes: int | None = None,
        *,
        dropout: float = 0.1,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**{"dtype": full_precision(), **options})
        if (classes is None) == (attributes is None):
            raise ValueError(
                "One of `classes` and `attributes` must be given. "
                f"Received: classes={classes!r}, attributes={attributes!r}"
            )
        name, given = ("classes", classes) if attributes is None else ("attributes", attributes)
        self.size = _arguments.positive_int(name, given)
        self.classes = self.size if attributes is None else None
        self.attributes = None if attributes is None else self.size
        self.dropout = _arguments.number("dropout", dropout, low=0.0, high=1.0, closed=True)
        self.seed = _arguments.seed_or_none(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, label: Any, training: bool = False) -> Any:
        """Labels (batch, size) to the same, some of them zeros if `training`."""
        label = ops.cast(label, self.compute_dtype)
        if not training or not self.dropout:
            return label
        chance = keras.random.uniform((ops.shape(label)[0], 1), seed=self.seed_generator)
        return label * ops.cast(chance >= self.dropout, label.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("classes", "attributes", "dropout", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("kerasae")
class RepeatedLabels(RandomLayer):
    """Repeat each label for the codes that `Sampling` draws of one image.

    Args:
        samples: Codes drawn for each image in training, as of `Sampling`.

    Raises:
        ValueError: If it is no positive integer.
    """

    def __init__(self, samples: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.samples = _arguments.positive_int("samples", samples)

    def call(self, label: Any, training: bool = False) -> Any:
        """Labels (batch, size) to (batch * samples, size), or as they are at inference."""
        if self.samples == 1 or not self.draws(training):
            return label
        return ops.repeat(label, self.samples, axis=0)

    def get_config(self) -> dict[str, Any]:
        """The number of codes."""
        return {**super().get_config(), "samples": self.samples}
