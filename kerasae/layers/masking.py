"""Holes in images, written as the value -1, which no pixel has."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.applications.masks import KINDS, draw_masks
from kerasae.layers.objective import full_precision

__all__ = ["HOLE", "RandomHoles"]

HOLE = -1.0
"""What is written into every channel of a pixel that is missing."""


@keras.saving.register_keras_serializable("kerasae")
class RandomHoles(keras.layers.Layer):
    """Cut a hole into each image in training; at inference leave images as they come.

    The masks are a bank of `count` that the first training draws from `seed`, so that a saved
    model holds none of them. For each image one of them is chosen and, if it is a `"block"` or
    `"free_form"`, mirrored or not in both directions at random. After a call, `holes` is 1 at the
    pixels that are missing, whether the layer or the caller removed them, else 0: (batch, height,
    width).

    Args:
        kind: As in `kerasae.masks.draw_masks`.
        fraction: Share of the pixels in holes.
        count: Number of masks; one is enough if they are all equal.
        hole_weight: Weight of the missing pixels in the loss of `InpaintingAutoencoder`.
        seed: Seed of the bank; what is chosen from it follows Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    unit_range = f"holes, which are marked by {HOLE:g}"

    def __init__(
        self,
        kind: str = "block",
        *,
        fraction: float = 0.25,
        count: int = 256,
        hole_weight: float = 1.0,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**{"dtype": full_precision(), **options})
        self.kind = _arguments.one_of("kind", kind, KINDS)
        self.count = _arguments.positive_int("count", count)
        self.seed = _arguments.non_negative_int("seed", seed)
        self.fraction = _arguments.number("fraction", fraction, low=0.0, high=1.0)
        self.hole_weight = _arguments.number("hole_weight", hole_weight, low=0.0)
        self.seed_generator = keras.random.SeedGenerator()
        self.holes: Any = None
        self._bank: NDArray[np.uint8] | None = None

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Write -1 into holes of float images (batch, height, width, channels) if `training`."""
        outputs = ops.where(self._draw(inputs), HOLE, inputs) if training else inputs
        self.holes = ops.cast(ops.any(outputs < 0, axis=-1), self.compute_dtype)
        return outputs

    def cut_holes(self, images: ArrayLike, *, seed: int = 0) -> NDArray[np.float32]:
        """Images with holes that are the same each time, such as those to validate on."""
        values = np.asarray(images, np.float32)
        masks = draw_masks(
            self.kind, values.shape[1:3], len(values), fraction=self.fraction, seed=seed
        )
        return np.where(masks[..., None], np.float32(HOLE), values)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What the masks are drawn from."""
        return {
            **super().get_config(),
            "kind": self.kind,
            "fraction": self.fraction,
            "count": self.count,
            "hole_weight": self.hole_weight,
            "seed": self.seed,
        }

    def _draw(self, images: Any) -> Any:
        """True where a hole is to be, (batch, height, width, 1)."""
        if self._bank is None:  # NumPy, so that no backend keeps it from one graph to the next
            self._bank = draw_masks(
                self.kind,
                tuple(images.shape[1:3]),
                self.count,
                fraction=self.fraction,
                seed=self.seed,
            ).astype(np.uint8)
        number = ops.shape(images)[0]
        chosen = keras.random.randint((number,), 0, self.count, seed=self.seed_generator)
        masks = ops.expand_dims(ops.take(self._bank, chosen, axis=0), -1) > 0
        if self.kind in ("centre", "text"):
            return masks
        mirror = keras.random.uniform((2, number, 1, 1, 1), seed=self.seed_generator) < 0.5
        masks = ops.where(mirror[0], ops.flip(masks, axis=1), masks)
        return ops.where(mirror[1], ops.flip(masks, axis=2), masks)
