"""Keras's loss of Huber, in a form that a reload keeps."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["Huber"]


@keras.saving.register_keras_serializable("kerasae")
class Huber(keras.losses.Huber):
    """Keras's loss of Huber, which saves its `delta`, as that of Keras 3.15 does not.

    Args:
        like: A loss of Huber, to be like it; by default `delta` and the others say what it is.
        delta: Where the squared error becomes the absolute one.
        **options: What a Keras loss takes: `name`, `reduction` and `dtype`.

    Example:
        >>> import keras
        >>> Huber(keras.losses.Huber(delta=0.25)).get_config()["delta"]
        0.25
    """

    def __init__(
        self, like: keras.losses.Huber | None = None, *, delta: float = 1.0, **options: Any
    ) -> None:
        if like is not None:
            delta, options = like._fn_kwargs["delta"], {**like.get_config(), **options}
        super().__init__(delta=delta, **options)
        self.delta = float(delta)

    def get_config(self) -> dict[str, Any]:
        """What a reload needs."""
        return {**super().get_config(), "delta": self.delta}
