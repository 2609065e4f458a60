"""Batches of images and their targets, in an order that a resumed run repeats."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae._padding import PADDING, buckets_of, lengths_of
from kerasae.training.configuration import TrainConfig
from kerasae.training.hosts import Hosts
from kerasae_export.images import limits

__all__ = ["Batches", "BucketedBatches", "HeldOut"]


class Batches(keras.utils.PyDataset):
    """Batches (images, targets) in an order that depends on the seed and the epoch only.

    With labels, for a conditional model, they are ((images, labels), targets). Where several
    processes train together, each has its part of every batch.
    """

    def __init__(
        self,
        images: NDArray[np.float32],
        targets: NDArray[Any],
        config: TrainConfig,
        labels: NDArray[np.float32] | None = None,
        hosts: Hosts = Hosts(),
    ) -> None:
        super().__init__()
        hosts.check_batch_size(config.batch_size)
        self._hosts = hosts
        if config.flip and images.ndim != 4:
            raise ValueError(
                f"`flip` needs images (n, height, width, channels). Received: shape {images.shape}"
            )
        self._images, self._targets, self._config = images, targets, config
        self._labels = labels
        self._missing = bool(np.isnan(limits(images)[0]))  # values, as tables have them
        self.start(0)

    position = None  # the number of the epoch tells all

    def restore(self, position: object) -> None:
        """Nothing: each epoch has its own order."""

    def limits(self) -> tuple[float, float]:
        """The smallest and the largest value; both NaN where one has become NaN."""
        low, high = limits(self._images)
        if self._missing and np.isnan(low):
            low, high = float(np.nanmin(self._images)), float(np.nanmax(self._images))
        return low, high

    def start(self, epoch: int) -> None:
        """Shuffle for an epoch, and choose which images are mirrored."""
        rng = np.random.default_rng([self._config.seed, epoch])
        self._order = rng.permutation(len(self._images))
        self._mirrored = rng.random(len(self._images)) < (0.5 if self._config.flip else 0.0)

    def __len__(self) -> int:
        return self._hosts.count(len(self._images), self._config.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, NDArray[Any]]:
        size = self._config.batch_size
        chosen = self._hosts.part(self._order[index * size : (index + 1) * size])
        images = self._batch(self._images, chosen)
        # Never the same array twice: TensorFlow takes its memory for a tensor's own, and with
        # several replicas computes in that of the targets while it still reads the images.
        targets = self._batch(self._targets, chosen)
        return images if self._labels is None else (images, self._labels[chosen]), targets

    def _batch(self, values: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any]:
        batch, mirrored = values[chosen], self._mirrored[chosen]
        if mirrored.any():
            batch[mirrored] = batch[mirrored, :, ::-1]
        return batch


class HeldOut(keras.utils.PyDataset):
    """Batches (inputs, targets) that validate where several devices share them."""

    def __init__(self, inputs: Any, targets: NDArray[Any], batch_size: int, hosts: Hosts) -> None:
        super().__init__()
        if len(targets) < hosts.devices:
            raise ValueError(
                f"`validation_data` must have an example for each of the {hosts.devices} devices. "
                f"Received: {len(targets)}"
            )
        self._parts, self._batch_size, self._hosts = (inputs, targets), batch_size, hosts

    def __len__(self) -> int:
        return self._hosts.count(len(self._parts[1]), self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, NDArray[Any]]:
        first = index * self._batch_size
        places = np.arange(first, min(first + self._batch_size, len(self._parts[1])))
        chosen = self._hosts.part(places)
        inputs, targets = keras.tree.map_structure(lambda values: values[chosen], self._parts)
        return inputs, targets


class BucketedBatches(Batches):
    """Batches of sequences of like lengths, each padded to the end of its bucket and no further.

    A sequence belongs to the first bucket that it fits in (see `buckets_of`); a batch has
    sequences of one bucket. Their order, and that of the batches, depends on the seed and the epoch
    only. As many batches make an epoch each time.
    """

    def __init__(
        self,
        sequences: NDArray[np.float32],
        targets: NDArray[Any],
        config: TrainConfig,
        hosts: Hosts = Hosts(),
    ) -> None:
        if hosts.devices > 1:
            raise ValueError(
                "`data` must be sequences of one length where several devices share each batch. "
                f"Received: sequences of several lengths and {hosts.devices} devices"
            )
        lengths = lengths_of(sequences)
        self.buckets = buckets_of(lengths)
        self._bucket = np.searchsorted(self.buckets, lengths)
        super().__init__(sequences, targets, config)

    def start(self, epoch: int) -> None:
        """Shuffle the sequences within their buckets, and the batches."""
        super().start(epoch)
        rng = np.random.default_rng([self._config.seed, epoch, 1])
        size, batches = self._config.batch_size, []
        for bucket in range(len(self.buckets)):
            chosen = self._order[self._bucket[self._order] == bucket]
            batches += [chosen[i : i + size] for i in range(0, len(chosen), size)]
        self._batches = [batches[i] for i in rng.permutation(len(batches))]
        self._begin_with_two_lengths()

    def _begin_with_two_lengths(self) -> None:
        """Keras takes the shape of all batches from the first two: what differs there is free."""
        first = self._length(self._batches[0])
        for i, batch in enumerate(self._batches[1:], start=1):
            if self._length(batch) != first:
                self._batches[1], self._batches[i] = batch, self._batches[1]
                return

    def _length(self, chosen: NDArray[np.int64]) -> int:
        return self.buckets[self._bucket[chosen[0]]]

    def limits(self) -> tuple[float, float]:
        """The smallest and the largest value of the steps."""
        steps = self._images[(self._images != PADDING).any(axis=-1)]
        return limits(steps)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Any, NDArray[Any]]:
        chosen = self._batches[index]
        length = self._length(chosen)
        return self._images[chosen, :length], self._targets[chosen, :length]
