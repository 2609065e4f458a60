"""Losses by name, and sums of several with weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import keras
from keras import ops

from kerasae import _arguments
from kerasae.losses.frequency import FocalFrequency
from kerasae.losses.huber import Huber
from kerasae.losses.robust import Charbonnier
from kerasae.losses.structural import SSIM, MultiScaleSSIM

__all__ = ["NAMED", "WeightedSum", "named_loss"]

NAMED: dict[str, type[keras.losses.Loss]] = {
    "charbonnier": Charbonnier,
    "focal_frequency": FocalFrequency,
    "ms_ssim": MultiScaleSSIM,
    "ssim": SSIM,
}
"""Losses that Keras does not have, by the names that builders take beside its own."""

_TERM = re.compile(r"(?:([0-9.]+) *\* *)?(\w+)", re.ASCII)


def named_loss(name: str) -> Any:
    """The loss of a name: of Keras, of `NAMED`, or a sum such as `"mse + 0.1*ssim"`.

    Raises:
        ValueError: If there is none.
    """
    terms = [_TERM.fullmatch(term.strip()) for term in name.split("+")]
    pairs = [(term[2], float(term[1] or 1)) for term in terms if term]
    if len(pairs) == len(terms) and (len(terms) > 1 or "*" in name):
        return WeightedSum(pairs)
    return NAMED[name]() if name in NAMED else keras.losses.get(name)


@keras.saving.register_keras_serializable("kerasae")
class WeightedSum(keras.losses.Loss):
    """The sum of several losses, each times its weight.

    Where each gives a value for each pixel, so does the sum; else it is that of the means over each
    image. A builder takes it as an object, or as words: `loss="mse + 0.1*ssim"`.

    Args:
        losses: What losses and how much of each: a mapping, or pairs. A loss is a name of Keras or
            of kerasae, an object of `keras.losses`, or a function or object that is registered
            with Keras.
        name: Name of the loss.
        **options: What a Keras loss takes: `reduction` and `dtype`.

    Raises:
        ValueError: If there is no loss, one is unknown, or a weight is no finite number above 0.

    Example:
        >>> import numpy as np
        >>> loss = WeightedSum({"mse": 1.0, "mae": 0.5})
        >>> zeros = np.zeros((1, 4, 4, 1), np.float32)
        >>> float(loss(zeros, zeros + 1))
        1.5
    """

    def __init__(
        self,
        losses: Mapping[Any, float] | Iterable[tuple[Any, float]],
        *,
        name: str = "weighted_sum",
        **options: Any,
    ) -> None:
        super().__init__(name=name, **options)
        pairs = _pairs(losses)
        self.losses = [_known(loss) for loss, _ in pairs]
        self.weights = [_arguments.number("losses", weight, low=0.0) for _, weight in pairs]

    @property
    def of_values(self) -> list[Any]:
        """The parts that decide which values a pixel may have: all but similarities, if any."""
        return [x for x in self.losses if not isinstance(x, (SSIM, MultiScaleSSIM))] or self.losses

    @property
    def unit_range(self) -> str | None:
        """Why the images must be in [0, 1]; None if no part wants that."""
        words = (getattr(loss, "unit_range", None) for loss in self.of_values)
        return next((each for each in words if isinstance(each, str)), None)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The weighted sum, of each pixel or of each image."""
        values = [_values(loss, y_true, y_pred) for loss in self.losses]
        if len({len(value.shape) for value in values}) > 1:
            values = [ops.mean(ops.reshape(v, (ops.shape(v)[0], -1)), axis=-1) for v in values]
        total = 0.0
        for value, weight in zip(values, self.weights, strict=True):
            total = total + weight * value
        return total

    def get_config(self) -> dict[str, Any]:
        """What a reload needs."""
        losses = [keras.losses.serialize(loss) for loss in self.losses]
        return {
            **super().get_config(),
            "losses": [list(pair) for pair in zip(losses, self.weights, strict=True)],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WeightedSum:
        """Make the loss of a configuration, which holds its parts serialised."""
        losses = [(keras.losses.deserialize(loss), weight) for loss, weight in config["losses"]]
        return cls(**{**config, "losses": losses})


def _values(loss: Any, y_true: Any, y_pred: Any) -> Any:
    return (loss.call if isinstance(loss, keras.losses.Loss) else loss)(y_true, y_pred)


def _pairs(losses: Any) -> list[tuple[Any, float]]:
    given = losses.items() if isinstance(losses, Mapping) else losses
    pairs = list(given) if isinstance(given, Iterable) else []
    if not pairs or any(not isinstance(pair, (tuple, list)) or len(pair) != 2 for pair in pairs):
        raise ValueError(
            "`losses` must be a mapping of losses to weights, such as {'mse': 1, 'ssim': 0.1}, or "
            f"pairs of them. Received: losses={losses!r}"
        )
    return pairs


def _known(loss: Any) -> Any:
    try:
        found = named_loss(loss) if isinstance(loss, str) else keras.losses.get(loss)
        if not callable(found):
            raise ValueError(loss)
    except (AttributeError, TypeError, ValueError):
        raise ValueError(
            "`losses` must hold names of losses of Keras, charbonnier, focal_frequency, ms_ssim or "
            f"ssim, objects of `keras.losses`, or registered functions. Received: {loss!r}"
        ) from None
    return Huber(found) if type(found) is keras.losses.Huber else found
