"""Images of any number from files, read and decoded by several workers while a model trains."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import math
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from kerasae import _arguments
from kerasae.data.augmentation import Augment
from kerasae.data.images import DataError, Integers
from kerasae.data.ordered import in_order, leave_with_parent
from kerasae.data.pixels import to_eight_bits, to_unit_range
from kerasae.data.shards import Index, read_bytes
from kerasae.data.sources import Source

__all__ = ["ImageSplit", "ImageStream", "Reader", "decoded", "usable_cores"]

_BROKEN = 0.01  # share of the files that may be unreadable
_NAMED = 20
_AHEAD = 2  # batches for each worker that are made before they are asked for

Decoded = tuple[NDArray[np.uint8], list[tuple[str, str]]]


@dataclasses.dataclass(frozen=True)
class Reader:
    """How the images of an index are read.

    Attributes:
        index: Where they are.
        size: (height, width) that they are scaled to.
        channels: 1 or 3.
        seed: Of order and augmentation.
        workers: Threads or processes that decode.
        processes: Whether they are processes.
        buffer: Images among which those of shards are shuffled.
    """

    index: Index
    size: tuple[int, int]
    channels: int
    seed: int
    workers: int
    processes: bool
    buffer: int


@dataclasses.dataclass(eq=False, repr=False)
class ImageSplit:
    """The images of one split: a stream that may be read any number of times.

    Attributes:
        reader: How they are read.
        members: int64 (images,): which of the index belong to it.
        augment: What is changed at random.
        skipped: Why files could not be read, by their names, so far.
    """

    reader: Reader
    members: NDArray[np.int64]
    augment: Augment = dataclasses.field(default_factory=Augment)
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.members)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels), what a builder takes as `input_shape`."""
        return (*self.reader.size, self.reader.channels)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(images, height, width, channels), that of an array of all."""
        return (len(self), *self.image_shape)

    @property
    def ndim(self) -> int:
        """The number of axes of such an array."""
        return 4

    def batches(self, batch_size: int = 128) -> Iterator[NDArray[np.float32]]:
        """All images once, as they lie on the disk and without augmentation.

        Args:
            batch_size: Images of a batch; unreadable ones are left out of theirs.

        Yields:
            float32 (images, height, width, channels) in [0, 1].

        Raises:
            DataError: If more than 1 % of the files cannot be read.
        """
        _arguments.positive_int("batch_size", batch_size)
        read = self._read(self.members, Augment(), batch_size, 0, 0)
        return (pixels for pixels in read if len(pixels))

    def sample(self, count: int, seed: int = 0) -> NDArray[np.float32]:
        """Images that a seed chooses, without augmentation.

        Args:
            count: How many, or all if there are fewer.
            seed: Chooses them.

        Returns:
            float32 (count, height, width, channels) in [0, 1].

        Raises:
            DataError: If more than 1 % of the files cannot be read.
        """
        return np.concatenate([*self._read(self.chosen(count, seed), Augment(), 128, 0, 0)])

    def chosen(self, count: int, seed: int = 0) -> Integers:
        """The members that `sample` reads, in the order in which they lie."""
        count = min(_arguments.positive_int("count", count), len(self))
        rng = np.random.default_rng(_arguments.seed(seed))
        return self.members[np.sort(rng.choice(len(self), count, replace=False))]

    def as_source(self, batch_size: int) -> Source:
        """Shuffled and augmented batches for `train`, by pass and position."""

        def every(number: int, start: int, distance: int) -> Iterator[NDArray[np.float32]]:
            order = self._order(number)
            return self._read(order, self.augment, batch_size, number, start, distance)

        def read(number: int, start: int) -> Iterator[NDArray[np.float32]]:
            return every(number, start, 1)

        if not len(self):
            return Source("stream of images", lambda number, start: iter(()), 0)
        length = math.ceil(len(self) / batch_size)
        return Source(
            "stream of images",
            read,
            length,
            exact=self._description(batch_size),
            batched=True,
            skipped=self.skipped,
            every=every,
        )

    def _order(self, number: int) -> Integers:
        """The images of a pass: of a folder in any order, of shards in that of a shuffling buffer.

        Shards come in random order, and each image moves by less than the buffer: what would wait
        in a buffer is known before it is read.
        """
        rng = np.random.default_rng([self.reader.seed, number])
        index, members = self.reader.index, self.members
        if len(index.files) == len(index):
            return members[rng.permutation(len(members))]
        rank = rng.permutation(len(index.files))[index.file[members]]
        arranged = members[np.argsort(rank, kind="stable")]
        moved = np.arange(len(members)) + rng.random(len(members)) * self.reader.buffer
        return arranged[np.argsort(moved, kind="stable")]

    def _read(
        self,
        order: Integers,
        augment: Augment,
        batch_size: int,
        number: int,
        start: int,
        distance: int = 1,
    ) -> Iterator[NDArray[np.float32]]:
        """Every batch of an order, or each so manyth; empty where no file of it can be read."""
        reader, job = self.reader, (self.reader, augment)
        pieces = (
            (order[first : first + batch_size], (reader.seed, number, first // batch_size))
            for first in range(start * batch_size, len(order), distance * batch_size)
        )
        pool: Executor
        if reader.processes:
            spawn = get_context("spawn")
            pool = ProcessPoolExecutor(reader.workers, spawn, initializer=_begin, initargs=job)
            results = in_order(pool, _decoded_here, pieces, _AHEAD * reader.workers)
        else:
            pool = ThreadPoolExecutor(reader.workers)
            calls = ((*job, *piece) for piece in pieces)
            results = in_order(pool, decoded, calls, _AHEAD * reader.workers)
        with contextlib.closing(results):
            for pixels, failures in results:
                self._note(failures)
                yield to_unit_range(pixels)

    def _note(self, failures: list[tuple[str, str]]) -> None:
        """Remember what could not be read.

        Raises:
            DataError: If it is too much.
        """
        self.skipped.update(failures)
        if len(self.skipped) > _BROKEN * len(self):
            names = sorted(self.skipped)
            named = ", ".join(f"{name} ({self.skipped[name]})" for name in names[:_NAMED])
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            raise DataError(
                f"`source` must hold no more than {_BROKEN:.0%} of unreadable files. "
                f"Received: {len(names)} of {len(self):,} so far: {named}{more}"
            )

    def _description(self, batch_size: int) -> str:
        """What the batches follow from, as a text that tells this stream from others."""
        reader, index = self.reader, self.reader.index
        digest = hashlib.sha256("\n".join(index.files).encode("utf-8", "surrogateescape"))
        for column in (index.file, index.offset, index.size, self.members):
            digest.update(column.tobytes())
        facts = (*self.image_shape, reader.seed, reader.buffer, batch_size, self.augment.describe())
        digest.update(repr(facts).encode())
        return f"{len(self):,} images, stream {digest.hexdigest()[:16]}"


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ImageStream:
    """Images in three splits that are read as they are needed; what `stream_images` makes.

    Attributes:
        train: A split that is shuffled anew in each pass, and augmented.
        validation: The same images in each pass.
        test: The same, for the final number only.
        name: Name of the folder or set.
    """

    train: ImageSplit
    validation: ImageSplit
    test: ImageSplit
    name: str = "images"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels), what a builder takes as `input_shape`."""
        return self.train.image_shape

    @property
    def skipped(self) -> dict[str, str]:
        """Why files could not be read, by their names, so far."""
        return {**self.train.skipped, **self.validation.skipped, **self.test.skipped}

    def summary(self) -> str:
        """Return the facts of the set in one line."""
        height, width, channels = self.image_shape
        counts = ", ".join(
            f"{len(getattr(self, split)):,} {split}" for split in ("train", "validation", "test")
        )
        return f"{self.name}: {height}x{width}x{channels}, {counts} images, read as needed"

    def __repr__(self) -> str:
        return f"ImageStream({self.summary()!r})"


def decoded(
    reader: Reader, augment: Augment, images: Integers, key: tuple[int, int, int]
) -> Decoded:
    """Images of an index as uint8 (n, height, width, channels), and why others are none.

    Args:
        reader: How they are read.
        augment: What is changed at random.
        images: Which of the index.
        key: Of the random numbers of this batch: seed, pass and number.
    """
    rng = np.random.default_rng([*key, 1])
    found: list[NDArray[np.uint8]] = []
    failures: list[tuple[str, str]] = []
    for image in images:
        own = np.random.default_rng(rng.integers(2**63)) if augment != Augment() else rng
        try:
            content = read_bytes(reader.index, int(image))
            with Image.open(io.BytesIO(content)) as picture:
                if math.prod(picture.size) > (Image.MAX_IMAGE_PIXELS or math.inf):
                    raise ValueError(f"{picture.width} x {picture.height} pixels are too many")
                whole = to_eight_bits(ImageOps.exif_transpose(picture))
            found.append(augment.window(whole, reader.size, reader.channels, own))
        except Exception as error:  # noqa: BLE001 - damaged files raise all kinds of errors
            reason = (str(error) or type(error).__name__).splitlines()[0]
            failures.append((reader.index.name(int(image)), reason))
    if not found:
        return np.empty((0, *reader.size, reader.channels), np.uint8), failures
    return augment.colours(np.stack(found), rng), failures


_job: tuple[Reader, Augment] | None = None  # of a worker process


def _begin(reader: Reader, augment: Augment) -> None:
    global _job
    leave_with_parent()
    _job = reader, augment


def _decoded_here(images: Integers, key: tuple[int, int, int]) -> Decoded:
    assert _job is not None
    return decoded(*_job, images, key)


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
