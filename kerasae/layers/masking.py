"""What is missing: holes in images, written as -1, and gaps in rows and signals, as NaN."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.applications.masks import KINDS, draw_masks
from kerasae.layers.objective import RandomLayer, full_precision

__all__ = ["GAPS", "HOLE", "RandomGaps", "RandomHoles"]

HOLE = -1.0
"""What is written into every channel of a pixel that is missing."""


GAPS = ("values", "gap", "suffix")
"""What `RandomGaps` takes away."""

_LARGEST_FRACTION = 0.9


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


@keras.saving.register_keras_serializable("kerasae")
class RandomGaps(RandomLayer):
    """Take values away from each row or signal in training; at inference leave them as they come.

    What is missing is NaN, since any number may be a value, and what is NaN already stays so. After
    a call `holes` is 1 where the layer or the caller has a gap, else 0: for each value of rows
    (batch, values), and for each step of signals (batch, length).

    Args:
        kind: `"values"`, each by itself with the probability `fraction`; or of signals `"gap"`, a
            run of `fraction` of the steps that begins anywhere, or `"suffix"`, the last steps, of
            which there are from 1 to twice that fraction, each number as likely.
        fraction: Share that is missing, above 0 and at most 0.9; on average, of a suffix.
        hole_weight: Weight of what is missing in the loss of the model.
        seed: Seed of the draws; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> import numpy as np
        >>> gaps = RandomGaps("gap", fraction=0.5, seed=0)
        >>> gaps.cut_holes(np.zeros((1, 4, 1)), seed=1).ravel().tolist()
        [0.0, nan, nan, 0.0]
    """

    takes_missing = True

    def __init__(
        self,
        kind: str = "values",
        *,
        fraction: float = 0.25,
        hole_weight: float = 1.0,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.kind = _arguments.one_of("kind", kind, GAPS)
        self.fraction = _arguments.number("fraction", fraction, low=0.0)
        if self.fraction > _LARGEST_FRACTION:
            raise ValueError(
                f"`fraction` must be at most {_LARGEST_FRACTION:g}. Received: fraction={fraction!r}"
            )
        self.hole_weight = _arguments.number("hole_weight", hole_weight, low=0.0)
        self.seed = _arguments.seed_or_none(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.holes: Any = None

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Write NaN into rows (batch, values) or signals (batch, length, features)."""
        outputs = inputs
        if self.draws(training):
            chance = keras.random.uniform(
                self._drawn(ops.shape(inputs)), dtype="float32", seed=self.seed_generator
            )
            missing = self._missing(chance, inputs.shape[1])
            while len(missing.shape) < len(inputs.shape):
                missing = ops.expand_dims(missing, -1)
            outputs = ops.where(missing, float("nan"), inputs)
        absent = ops.isnan(outputs)
        if len(inputs.shape) > 2:
            absent = ops.any(absent, axis=-1)
        self.holes = ops.cast(absent, self.compute_dtype)
        return outputs

    def cut_holes(self, values: ArrayLike, *, seed: int = 0) -> NDArray[np.float32]:
        """Rows or signals with gaps that are the same each time, such as those to validate on."""
        array = np.asarray(values, np.float32)
        chance = np.random.default_rng(seed).random(self._drawn(array.shape), np.float32)
        missing = ops.convert_to_numpy(self._missing(ops.convert_to_tensor(chance), array.shape[1]))
        missing = missing.reshape(missing.shape + (1,) * (array.ndim - missing.ndim))
        return np.where(missing, np.float32(np.nan), array)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("kind", "fraction", "hole_weight", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _drawn(self, shape: Any) -> tuple[Any, ...]:
        """A number for each value, or step; one for each signal where the steps hang together."""
        return tuple(shape[:2]) if self.kind == "values" else (shape[0], 1)

    def _missing(self, chance: Any, length: int) -> Any:
        """Truth values (batch, length), from numbers in [0, 1)."""
        if self.kind == "values":
            return chance < self.fraction
        steps = ops.arange(length, dtype="float32")[None]
        if self.kind == "suffix":
            most = min(max(round(2 * self.fraction * length), 1), max(length - 1, 1))
            return steps >= length - 1 - ops.floor(chance * most)
        size = min(max(round(self.fraction * length), 1), length)
        first = ops.floor(chance * (length - size + 1))
        return ops.logical_and(steps >= first, steps < first + size)
