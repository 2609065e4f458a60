"""Whether a saved model will have its loss again."""

from __future__ import annotations

import warnings
from typing import Any

import keras

from kerasae.losses.huber import Huber
from kerasae.losses.mixed import named_loss

__all__ = ["known_loss"]


def known_loss(loss: Any) -> Any:
    """The object or function that is meant by a loss, `Huber` in place of Keras's own.

    Returns:
        None if it is no loss, or a reload would lose it.
    """
    try:
        known = named_loss(loss) if isinstance(loss, str) else keras.losses.get(loss)
        if type(known) is keras.losses.Huber:
            known = Huber(known)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a lambda, which a reload loses
            again = keras.losses.deserialize(keras.losses.serialize(known))
    except (AttributeError, NotImplementedError, OSError, TypeError, ValueError):
        return None
    is_loss = callable(known) and not isinstance(known, type)
    return known if is_loss and type(again) is type(known) else None
