"""The `Images` type: images in three splits, with labels and the photographs they come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.images import check_images

__all__ = ["SPLITS", "DataError", "Images"]

SPLITS = ("train", "validation", "test")
_UNLABELLED = frozenset("unlabelled unlabeled void ignore ignored".split())  # noqa: SIM905

Pixels = NDArray[np.float32]
Integers = NDArray[np.int64]
LabelMaps = NDArray[np.uint8]


class DataError(RuntimeError):
    """A data set exists but cannot be fetched or read here."""


def no_values() -> Pixels:
    """What stands for an empty split until its shape is known from another."""
    return np.empty(0, np.float32)


def check_splits(data: Any, shape: Sequence[None] | None = None) -> None:
    """Make the splits of a frozen set arrays of images, or of inputs that have another rank.

    Raises:
        ValueError: If one is no such array, or all are empty lists.
    """
    given = {split: getattr(data, split) for split in SPLITS}
    bare = [split for split, values in given.items() if _nothing(values)]
    arrays = {
        split: check_images(split, values, shape=shape, allow_empty=True)
        for split, values in given.items()
        if split not in bare or len(bare) == len(SPLITS)
    }
    like = next(iter(arrays.values())).shape[1:]
    for split in SPLITS:
        object.__setattr__(data, split, arrays.get(split, np.empty((0, *like), np.float32)))


def _nothing(values: Any) -> bool:
    if isinstance(values, list | tuple):
        return not values
    return isinstance(values, np.ndarray) and values.shape == (0,)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images in three splits that never share a source photograph.

    Arrays may be given in any floating type, and are kept as float32; uint8 from 0 to 255 is
    divided by 255. What is no array of images, or not finite, is refused; so are other integers
    and uint8 that ends at 1, which may be binary images or pixels. `train` decides by the model's
    loss whether values outside of [0, 1] will do.

    Attributes:
        train: float32 array of shape (images, height, width, channels), values in [0, 1].
        validation: The same, for choosing hyperparameters and stopping early. By default, and for
            an empty list, no images.
        test: The same, for the final number only.
        train_labels: int64 array of shape (images,); for segmentation a label of each pixel, uint8
            (images, height, width); or None where the set has no labels.
        validation_labels: The same for `validation`.
        test_labels: The same for `test`.
        label_names: The name of each label; empty where there are none.
        sources: For each of "train", "validation" and "test" an int64 array that gives, for each
            image, the id of the photograph that it came from. No id occurs in two splits.
        source_names: Id -> name of the photograph or file, where sources have names.
        skipped: Files that could not be read, relative to the folder.
        name: Name of the set, or of the folder.
        ignored_class: Label of the pixels that belong to no class, where there are such; its name
            is the last of `label_names`.

    Raises:
        ValueError: If a split holds no images, values that are not pixels, or other shapes.
    """

    train: Pixels
    validation: Pixels = dataclasses.field(default_factory=no_values)
    test: Pixels = dataclasses.field(default_factory=no_values)
    train_labels: Integers | LabelMaps | None = None
    validation_labels: Integers | LabelMaps | None = None
    test_labels: Integers | LabelMaps | None = None
    label_names: tuple[str, ...] = ()
    sources: Mapping[str, Integers] = dataclasses.field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    name: str = "images"
    source_names: Mapping[int, str] = dataclasses.field(default_factory=dict)
    ignored_class: int | None = None

    def __post_init__(self) -> None:
        check_splits(self)
        # Test images may be of another size: convolutions learn from crops.
        if self.validation.shape[1:] != self.train.shape[1:]:
            raise ValueError(
                f"`validation` must hold images of the shape of `train`, {self.image_shape}. "
                f"Received: {self.validation.shape[1:]}"
            )

    @property
    def classes(self) -> int:
        """Number of classes, the ignored one not among them; 0 where there are no labels."""
        return len(self.label_names) - (self.ignored_class is not None)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels), what a builder takes as `input_shape`."""
        height, width, channels = self.train.shape[1:]
        return height, width, channels

    @property
    def segmented(self) -> bool:
        """Whether each pixel has a label, as segmentation needs it."""
        return self.train_labels is not None and self.train_labels.ndim == 3

    def of_classes(self, classes: Sequence[str | int]) -> Images:
        """Return the images of some classes only, in the splits and the order that they had.

        Args:
            classes: Names from `label_names`, or labels, each once. The first one is label 0 of
                the result, the second label 1, and so on.

        Returns:
            The images, with their new labels, `label_names`, `sources` and the `source_names` that
            still occur. Its `name` names the classes.

        Raises:
            ValueError: If the images have no labels of their own, a class is unknown or named
                twice, or a split holds none of the classes.

        Example:
            >>> from kerasae import load_images
            >>> load_images("digits").of_classes(["8", "1"]).summary()
            'digits (8, 1): 8x8x1, 251 train, 26 validation, 79 test images, 2 labels'
        """
        if self.train_labels is None or self.segmented:
            kind = "labels of pixels" if self.segmented else "none"
            raise ValueError(f"Images of classes need one label for each. Received: {kind}")
        known: dict[Any, int] = {name: label for label, name in enumerate(self.label_names)}
        known |= {label: label for label in range(len(self.label_names))}
        try:
            chosen = [classes] if isinstance(classes, str | int) else list(classes)
            wanted = [known.get(one, -1) for one in chosen]
        except TypeError:  # neither a sequence nor of names and numbers
            wanted = []
        if not wanted or -1 in wanted or len(set(wanted)) < len(wanted):
            raise ValueError(
                f"`classes` must be different ones of {', '.join(self.label_names)}, or their "
                f"labels. Received: classes={classes!r}"
            )
        arrays: dict[str, Any] = {}
        sources: dict[str, Integers] = {}
        for split in SPLITS:
            labels = getattr(self, f"{split}_labels")
            kept = np.flatnonzero(np.isin(labels, wanted))
            if not len(kept):
                raise ValueError(
                    f"`classes` must occur in each split. Received: classes={classes!r}, of which "
                    f"{split} holds no image"
                )
            arrays[split] = getattr(self, split)[kept]
            arrays[f"{split}_labels"] = np.array([wanted.index(i) for i in labels[kept]], np.int64)
            if split in self.sources:
                sources[split] = self.sources[split][kept]
        names = tuple(self.label_names[label] for label in wanted)
        left = {int(i) for ids in sources.values() for i in ids}
        return dataclasses.replace(
            self,
            **arrays,
            label_names=names,
            sources=sources,
            source_names={i: name for i, name in self.source_names.items() if i in left},
            name=f"{self.name} ({', '.join(names)})",
        )

    def summary(self) -> str:
        """Return the facts of the set in one line."""
        height, width, channels = self.image_shape
        counts = ", ".join(f"{len(getattr(self, split)):,} {split}" for split in SPLITS)
        text = f"{self.name}: {height}x{width}x{channels}, {counts} images"
        if self.label_names:
            text += f", {self.classes} label{'s' if self.classes != 1 else ''}"
            text += " of pixels" if self.segmented else ""
        if self.skipped:
            text += f", {len(self.skipped)} file{'s' if len(self.skipped) != 1 else ''} skipped"
        return text

    def __repr__(self) -> str:
        counts = ", ".join(f"{split}={len(getattr(self, split))}" for split in SPLITS)
        return f"Images({self.name!r}, {counts}, image_shape={self.image_shape})"


def last_if_ignored(names: Sequence[str]) -> int | None:
    """The last label, if its name says that it is none."""
    return len(names) - 1 if names and names[-1].lower() in _UNLABELLED else None
