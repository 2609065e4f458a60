"""The loss of a builder: any of Keras, by name, object or registered function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import keras
import numpy as np

from kerasae.losses.mixed import WeightedSum
from kerasae.losses.reloading import known_loss

__all__ = ["OUTPUTS", "Loss", "check_loss", "check_values_of_pixels", "output_activation"]

Loss: TypeAlias = str | keras.losses.Loss | Callable[[Any, Any], Any]
"""A name that Keras or kerasae knows, an object, or a function of Keras or registered with it."""

OUTPUTS = {"binary_crossentropy": "sigmoid", "mse": "linear"}
"""The losses that are the likelihood of a pixel, and the activation of the output for them."""

# Keras's other losses of values that must not be negative, or must be probabilities.
_OF_UNIT_RANGE = frozenset(
    {
        "bce",
        "binary_focal_crossentropy",
        "dice",
        "kl_divergence",
        "kld",
        "kullback_leibler_divergence",
        "mean_squared_logarithmic_error",
        "msle",
        "poisson",
        "tversky",
    }
)
_OF_CLASSES = frozenset(
    {
        "categorical_crossentropy",
        "categorical_focal_crossentropy",
        "categorical_generalized_cross_entropy",
    }
)


def check_loss(loss: Any) -> Loss:
    """Return the loss, which a saved model will have again.

    Raises:
        ValueError: If Keras does not know it, a reload would lose it, or it takes logits, while
            the outputs are values of pixels or steps.
    """
    known = known_loss(loss)
    if known is None:
        raise ValueError(
            "`loss` must be the name of a loss of Keras, charbonnier, focal_frequency, ms_ssim or "
            "ssim, a sum such as 'mse + 0.1*ssim', an object of `keras.losses`, or a "
            "function or an object of a class under "
            "`@keras.saving.register_keras_serializable()`, so that "
            f"a saved model has it again. Received: loss={_shown(loss)}"
        )
    if getattr(known, "from_logits", False) or _options(known).get("from_logits"):
        raise ValueError(
            "`loss` must have `from_logits=False`: the outputs are values, to which the sigmoid or "
            f"softmax has been applied. Received: loss={_shown(loss)} of logits"
        )
    by_keras = isinstance(loss, str) and not type(known).__module__.startswith("kerasae.")
    return loss if by_keras else known


def output_activation(loss: Loss) -> str:
    """The activation of the output that gives what a loss takes.

    That is the softmax for a cross-entropy of classes; the sigmoid for a loss of probabilities or
    of values that must not be negative, and for one of your own that says by an attribute
    `unit_range`, in words, that it needs images in [0, 1]; else none, `"linear"`. A sum has that of
    its parts, of which a similarity beside an error of pixels has no say.
    """
    if isinstance(loss, WeightedSum):
        found = {output_activation(part) for part in loss.of_values}
        return next((name for name in ("softmax", "sigmoid") if name in found), "linear")
    name = _name(loss)
    if name in _OF_CLASSES:
        return "softmax"
    unit = name in _OF_UNIT_RANGE or isinstance(getattr(loss, "unit_range", None), str)
    return OUTPUTS.get(name, "sigmoid" if unit else "linear")


def check_values_of_pixels(loss: Loss) -> None:
    """Refuse a loss that gives no value for each pixel, which could be weighed.

    Raises:
        ValueError: If it gives something else for images.
    """
    images = np.full((2, 3, 4, 1), 0.5, np.float32)
    known = keras.losses.get(loss)
    compute = known.call if isinstance(known, keras.losses.Loss) else known
    found = tuple(compute(images, images).shape)
    if found != images.shape[:3]:
        raise ValueError(
            "`loss` must give a value for each pixel, as 'mse' does, since those in holes are "
            f"weighed. Received: loss={_shown(loss)}, which gives {found} for {images.shape}"
        )


def _options(known: Any) -> Mapping[str, Any]:
    options = getattr(known, "_fn_kwargs", None)
    return options if isinstance(options, Mapping) else {}


def _name(loss: Loss) -> str:
    """As Keras names the function of a loss: of the class `BinaryCrossentropy`, say."""
    known = keras.losses.get(loss)
    function = getattr(known, "fn", known)
    name = getattr(function, "__name__", type(known).__name__)
    return {"mean_squared_error": "mse"}.get(name, name)


def _shown(loss: Any) -> str:
    name = getattr(loss, "__name__", None)
    return repr(name or loss) if name or isinstance(loss, str) else type(loss).__name__
