"""Arrays of any shape in three splits: rows without columns of their own, and volumes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae import _arguments
from kerasae.data.images import SPLITS, no_values
from kerasae_export.images import check_images

__all__ = ["Examples", "Volumes"]

Values = NDArray[np.float32]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Examples:
    """Arrays of one shape in three splits.

    Attributes:
        train: float32 array of shape (n, ...), finite or NaN for what is missing.
        validation: The same, for choosing hyperparameters and stopping early.
        test: The same, for the final number only.
        train_labels: An integer for each, or for each position; None where there are none.
        validation_labels: The same for `validation`.
        test_labels: The same for `test`.
        label_names: The name of each label; empty where there are none.
        name: Name of the set.

    Raises:
        ValueError: If a split holds no numbers, infinities, or other shapes than `train`.
    """

    train: Values
    validation: Values = dataclasses.field(default_factory=no_values)
    test: Values = dataclasses.field(default_factory=no_values)
    train_labels: NDArray[Any] | None = None
    validation_labels: NDArray[Any] | None = None
    test_labels: NDArray[Any] | None = None
    label_names: tuple[str, ...] = ()
    name: str = "examples"

    def __post_init__(self) -> None:
        shape = self._shape(_arguments.array("train", self.train).shape[1:])
        for split in SPLITS:
            given = getattr(self, split)
            if split != "train" and _arguments.array(split, given).shape == (0,):
                given = np.empty((0, *shape), np.float32)
            values = check_images(split, given, shape=shape, allow_empty=True, missing=True)
            object.__setattr__(self, split, values)

    def _shape(self, given: tuple[int, ...]) -> tuple[int, ...]:
        return given

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one of them, what a builder takes as `input_shape`."""
        return self.train.shape[1:]

    def summary(self) -> str:
        """Return the facts of the set in one line."""
        counts = ", ".join(f"{len(getattr(self, split)):,} {split}" for split in SPLITS)
        text = f"{self.name}: {'x'.join(map(str, self.input_shape))}, {counts}"
        return f"{text}, {len(self.label_names)} labels" if self.label_names else text

    def __repr__(self) -> str:
        counts = ", ".join(f"{split}={len(getattr(self, split))}" for split in SPLITS)
        return f"{type(self).__name__}({self.name!r}, {counts}, input_shape={self.input_shape})"


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Volumes(Examples):
    """Volumes (n, depth, height, width, channels) in three splits.

    Attributes:
        train_labels: int64 (n,), or for segmentation a label of each voxel, uint8
            (n, depth, height, width).
        ignored_class: Label of the voxels that belong to no class, where there are such.

    All others are as of `Examples`.

    Raises:
        ValueError: If a split holds no volumes.
    """

    name: str = "volumes"
    ignored_class: int | None = None

    def _shape(self, given: tuple[int, ...]) -> tuple[int, ...]:
        if len(given) != 4:
            raise ValueError(
                "`train` must have the shape (n, depth, height, width, channels); `x[..., None]` "
                f"gives volumes of one channel. Received: shape {np.shape(self.train)}"
            )
        return given

    @property
    def segmented(self) -> bool:
        """Whether each voxel has a label, as segmentation needs it."""
        return self.train_labels is not None and self.train_labels.ndim == 4

    @property
    def classes(self) -> int:
        """Number of classes, the ignored one not among them; 0 where there are no labels."""
        return len(self.label_names) - (self.ignored_class is not None)
