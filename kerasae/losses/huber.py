"""Keras's loss of Huber, in a form that a reload keeps."""

from __future__ import annotations

from typing import Any

import keras

from kerasae import _arguments

__all__ = ["Huber"]


@keras.saving.register_keras_serializable("kerasae")
class Huber(keras.losses.Huber):
    """Keras's loss of Huber, which saves its `delta`, as that of Keras 3.15 does not.

    Args:
        like: A loss of Huber, to be like it; by default `delta` and the others say what it is.
        delta: Where the squared error becomes the absolute one, above 0.
        **options: What a Keras loss takes: `name`, `reduction` and `dtype`.

    Raises:
        ValueError: If `like` is no such loss, or `delta` no such number.

    Example:
        >>> import keras
        >>> Huber(keras.losses.Huber(delta=0.25)).get_config()["delta"]
        0.25
    """

    def __init__(
        self, like: keras.losses.Huber | None = None, *, delta: float = 1.0, **options: Any
    ) -> None:
        if like is not None:
            if not isinstance(like, keras.losses.Huber):
                raise ValueError(
                    "`like` must be a `keras.losses.Huber`. "
                    f"Received: like={getattr(like, 'name', like)!r}"
                )
            delta, options = like._fn_kwargs["delta"], {**like.get_config(), **options}
            options.pop("delta", None)
        self.delta = _arguments.number("delta", delta, low=0.0)
        super().__init__(delta=self.delta, **options)

    def get_config(self) -> dict[str, Any]:
        """What a reload needs."""
        return {**super().get_config(), "delta": self.delta}
