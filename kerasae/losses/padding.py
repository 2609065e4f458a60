"""Losses of sequences of several lengths, which ignore the padding behind their end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kerasae._padding import PADDING
from kerasae.losses.reloading import known_loss

__all__ = ["PaddedLoss", "padded_accuracy", "real_steps"]


def real_steps(sequences: Any) -> Any:
    """Truth values (batch, length), False at the steps that are padding in all features.

    Example:
        >>> [bool(step) for step in real_steps([[[1.0], [PADDING]]])[0]]
        [True, False]
    """
    sequences = ops.convert_to_tensor(sequences)
    return ops.any(ops.not_equal(sequences, PADDING), axis=-1)


@keras.saving.register_keras_serializable("kerasae")
class PaddedLoss(keras.losses.Loss):
    """A loss of sequences, each the mean over its own steps.

    So a sequence counts like any other however long it is, and costs the same in whatever batch it
    is and however far that is padded. (Keras's own masks weigh each step alike: there a long
    sequence counts for more, and the loss of one depends on its batch.)

    Args:
        loss: A loss of Keras that gives a value for each step, by name, object or registered
            function.
        name: Name of the loss.
        **options: What a Keras loss takes: `reduction` and `dtype`.

    Raises:
        ValueError: If there is no such loss.

    Example:
        >>> loss = PaddedLoss("mse")
        >>> float(loss([[[1.0], [3.0], [PADDING]]], [[[1.0], [1.0], [99.0]]]))
        2.0
    """

    ignores_padding = True

    def __init__(
        self, loss: str | Callable[[Any, Any], Any] = "mse", *, name: str = "padded", **options: Any
    ) -> None:
        super().__init__(name=name, **options)
        known = known_loss(loss)
        if known is None:
            raise ValueError(
                "`loss` must be a loss of Keras, or a registered one. "
                f"Received: loss={getattr(loss, '__name__', loss)!r}"
            )
        self.loss = loss if isinstance(loss, str) else known
        self.fn = getattr(known, "fn", known)  # by whose name others know what values it needs
        self._compute = known.call if isinstance(known, keras.losses.Loss) else known

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each sequence of a batch, (batch,)."""
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(ops.convert_to_tensor(y_true), y_pred.dtype)
        steps = real_steps(y_true)
        inside = ops.expand_dims(steps, -1)
        # Something harmless on both sides: what has no part in the loss must have no gradient.
        half = ops.full_like(y_pred, 0.5)
        values = self._compute(ops.where(inside, y_true, half), ops.where(inside, y_pred, half))
        counted = ops.cast(steps, values.dtype)
        count = ops.maximum(ops.sum(counted, axis=1), 1.0)
        return ops.sum(values * counted, axis=1) / count

    def get_config(self) -> dict[str, Any]:
        """What a reload needs."""
        loss = self.loss if isinstance(self.loss, str) else keras.losses.serialize(self.loss)
        return {**super().get_config(), "loss": loss}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PaddedLoss:
        """Make the loss of a configuration, in which `loss` may be one of its own."""
        loss = config["loss"]
        own = keras.losses.deserialize(loss) if isinstance(loss, dict) else loss
        return cls(**{**config, "loss": own})


@keras.saving.register_keras_serializable("kerasae")  # type: ignore[untyped-decorator]
def padded_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Share of the steps of each sequence whose largest feature is the right one, (batch,).

    Example:
        >>> truth = [[[0.0, 1.0], [1.0, 0.0], [PADDING, PADDING]]]
        >>> float(padded_accuracy(truth, [[[0.2, 0.8], [0.4, 0.6], [0.0, 1.0]]])[0])
        0.5
    """
    y_pred = ops.convert_to_tensor(y_pred)
    steps = ops.cast(real_steps(y_true), y_pred.dtype)
    right = ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1))
    count = ops.maximum(ops.sum(steps, axis=1), 1.0)
    return ops.sum(ops.cast(right, y_pred.dtype) * steps, axis=1) / count
