"""Batches of images and their targets, in an order that a resumed run repeats."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae.training.configuration import TrainConfig
from kerasae_export.images import limits

__all__ = ["Batches"]


class Batches(keras.utils.PyDataset):
    """Batches (images, targets) in an order that depends on the seed and the epoch only."""

    def __init__(
        self, images: NDArray[np.float32], targets: NDArray[Any], config: TrainConfig
    ) -> None:
        super().__init__()
        if config.flip and images.ndim != 4:
            raise ValueError(
                f"`flip` needs images (n, height, width, channels). Received: shape {images.shape}"
            )
        self._images, self._targets, self._config = images, targets, config
        self.start(0)

    position = None  # the number of the epoch tells all

    def restore(self, position: object) -> None:
        """Nothing: each epoch has its own order."""

    def limits(self) -> tuple[float, float]:
        """The smallest and the largest value, both NaN where one is."""
        low, high = limits(self._images)
        if np.isnan(low):  # of what is missing
            low, high = float(np.nanmin(self._images)), float(np.nanmax(self._images))
        return low, high

    def start(self, epoch: int) -> None:
        """Shuffle for an epoch, and choose which images are mirrored."""
        rng = np.random.default_rng([self._config.seed, epoch])
        self._order = rng.permutation(len(self._images))
        self._mirrored = rng.random(len(self._images)) < (0.5 if self._config.flip else 0.0)

    def __len__(self) -> int:
        return math.ceil(len(self._images) / self._config.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        size = self._config.batch_size
        chosen = self._order[index * size : (index + 1) * size]
        images = self._batch(self._images, chosen)
        # Never the same array twice: TensorFlow takes its memory for a tensor's own, and with
        # several replicas computes in that of the targets while it still reads the images.
        return images, self._batch(self._targets, chosen)

    def _batch(self, values: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any]:
        batch, mirrored = values[chosen], self._mirrored[chosen]
        if mirrored.any():
            batch[mirrored] = batch[mirrored, :, ::-1]
        return batch
