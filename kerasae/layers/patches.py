"""Patches of an image as tokens: some of them are hidden in training, and put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kerasae import _arguments
from kerasae.layers.objective import RandomLayer

__all__ = ["HiddenPatches", "RandomPatches"]

_LARGEST_FRACTION = 0.95


@keras.saving.register_keras_serializable("kerasae")
class RandomPatches(RandomLayer):
    """Let only some of the tokens of an image through in training; at inference all of them.

    Which ones is drawn anew for each image, all sets of that size being as likely (He, Chen, Xie,
    Li, Dollar & Girshick 2022, Masked Autoencoders Are Scalable Vision Learners). After a call
    `holes` is 1 at the pixels of hidden patches, else 0: (batch, height, width).

    Args:
        grid: Rows and columns of patches, row by row the tokens.
        patch_size: Side of a patch in pixels.
        fraction: Share of the tokens that are hidden, above 0 and at most 0.95; at least one token
            stays, and at least one is hidden.
        hole_weight: Weight of the pixels of hidden patches in the loss of
            `InpaintingAutoencoder`.
        seed: Seed of the draws; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> import numpy as np
        >>> layer = RandomPatches((4, 4), patch_size=2, fraction=0.75, seed=0)
        >>> tokens, order = layer(np.zeros((1, 16, 3), np.float32), training=True)
        >>> tuple(tokens.shape), float(np.mean(np.array(layer.holes)))
        ((1, 4, 3), 0.75)
    """

    def __init__(
        self,
        grid: Sequence[int],
        *,
        patch_size: int,
        fraction: float = 0.75,
        hole_weight: float = 1.0,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.grid = _arguments.positive_ints("grid", grid, length=2)
        self.patch_size = _arguments.positive_int("patch_size", patch_size)
        self.fraction = hidden_fraction("fraction", fraction)
        self.hole_weight = _arguments.number("hole_weight", hole_weight, low=0.0)
        self.seed = _arguments.seed_or_none(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.visible = visible_tokens(self.grid, self.fraction)
        self.holes: Any = None

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Tokens (batch, tokens, size) to those that are seen, and the order that says which.

        Returns:
            The tokens that are seen, and the numbers of all tokens, int32 (batch, tokens), those
            first that are seen.
        """
        count, batch = self.grid[0] * self.grid[1], ops.shape(inputs)[0]
        if not self.draws(training):
            numbers = ops.expand_dims(ops.arange(count, dtype="int32"), 0)
            order = ops.broadcast_to(numbers, (batch, count))
            self.holes = ops.zeros(
                (batch, *(side * self.patch_size for side in self.grid)), self.compute_dtype
            )
            return inputs, order
        chance = keras.random.uniform((batch, count), dtype="float32", seed=self.seed_generator)
        order = ops.cast(ops.argsort(chance, axis=1), "int32")
        place = ops.argsort(order, axis=1)
        hidden = ops.reshape(ops.cast(place >= self.visible, self.compute_dtype), (-1, *self.grid))
        for axis in (1, 2):
            hidden = ops.repeat(hidden, self.patch_size, axis=axis)
        self.holes = hidden
        return chosen(inputs, order[:, : self.visible]), order

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("grid", "patch_size", "fraction", "hole_weight", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("kerasae")
class HiddenPatches(RandomLayer):
    """Put a learned token wherever `RandomPatches` has hidden one; at inference do nothing.

    Args:
        tokens: Number of tokens of a whole image.
        visible: Number of those that are seen in training.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(self, tokens: int, visible: int, **options: Any) -> None:
        super().__init__(**options)
        self.tokens = _arguments.positive_int("tokens", tokens)
        self.visible = _arguments.positive_int("visible", visible)
        if self.visible > self.tokens:
            raise ValueError(
                f"`visible` must be at most `tokens`, here {self.tokens}. "
                f"Received: visible={self.visible}"
            )

    def build(self, code_shape: Any, order_shape: Any = None) -> None:
        """Make the token that stands for what is hidden."""
        self.token = self.add_weight(
            shape=(1, 1, code_shape[-1]), initializer="zeros", name="hidden_token"
        )

    def call(self, code: Any, order: Any, training: bool = False) -> Any:
        """Codes of the tokens seen (batch, visible, size) to those of all, each in its place."""
        if not self.draws(training):
            return code
        shape = (ops.shape(code)[0], self.tokens - self.visible, code.shape[-1])
        hidden = ops.broadcast_to(ops.cast(self.token, code.dtype), shape)
        return chosen(ops.concatenate([code, hidden], axis=1), ops.argsort(order, axis=1))

    def compute_output_shape(self, code_shape: Any, order_shape: Any) -> Any:
        """All tokens."""
        return (code_shape[0], self.tokens, code_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {**super().get_config(), "tokens": self.tokens, "visible": self.visible}


def hidden_fraction(name: str, value: Any) -> float:
    """A share of tokens that may be hidden.

    Raises:
        ValueError: If it is none.
    """
    fraction = _arguments.number(name, value, low=0.0)
    if fraction > _LARGEST_FRACTION:
        raise ValueError(
            f"`{name}` must be at most {_LARGEST_FRACTION:g}. Received: {name}={value!r}"
        )
    return fraction


def visible_tokens(grid: Sequence[int], fraction: float) -> int:
    """How many tokens are seen."""
    count = grid[0] * grid[1]
    return min(max(round((1.0 - fraction) * count), 1), max(count - 1, 1))


def chosen(tokens: Any, numbers: Any) -> Any:
    """The tokens (batch, n, size) of these numbers (batch, m)."""
    return ops.take_along_axis(tokens, ops.expand_dims(numbers, -1), axis=1)
