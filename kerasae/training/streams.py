"""Batches of a stream, checked one by one, epoch after epoch."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae.data import DataError
from kerasae.data.sources import Source, as_array, close, part_of, parts_of
from kerasae.training.hosts import Hosts
from kerasae.training.inputs import Rules

__all__ = ["StreamBatches"]

_PATIENCE = 10.0  # seconds

Batch = tuple[NDArray[np.float32], NDArray[Any]]


class StreamBatches(keras.utils.PyDataset):
    """Batches (inputs, targets) of a source, an epoch of a fixed number of them at a time.

    Args:
        source: Where they come from.
        rules: What the model takes.
        batch_size: Of single examples, which are collected.
        steps: Batches of an epoch, after which it goes on where it was; None for those of a pass,
            of which each epoch begins one.
        seed: Of the images that are mirrored, and of holes.
        flip: Mirror half of the images.
        validation: Whether each epoch is the first pass again, with the same holes.
        hosts: The processes, of which each reads every so manyth item. A batch that is short, since
            a pass ends or files are broken, is completed with its own examples, so that all have
            equal parts.

    Raises:
        ValueError: If the source is empty, has no end, or its first batch does not fit.
        DataError: If it raises.
    """

    def __init__(
        self,
        source: Source,
        rules: Rules,
        *,
        batch_size: int,
        steps: int | None,
        seed: int,
        flip: bool = False,
        validation: bool = False,
        hosts: Hosts = Hosts(),
    ) -> None:
        super().__init__()
        source = part_of(source, hosts.index, hosts.processes)
        self._source, self._rules, self._batch_size = source, rules, batch_size
        self._equal: int | None = None  # examples of each batch, where it is shared
        self._seed, self._flip, self._validation = seed, flip, validation
        self._anew = steps is None or validation
        self._pixels = self._started = False
        self._pass, self._done, self._epoch, self._next = 0, 0, 0, 0
        self.low, self.high = 0.0, 0.0
        self.failure: Exception | None = None
        self._items: Iterator[Any] = iter(())
        self._room = threading.Condition()
        self._ahead: int | None = None
        self._trained = 0
        self._single: bool | None = None  # whether the items are examples; the first one tells
        self._begin(0, 0)
        self._first = self._draw()
        self._items, self._done = _followed(_Checked(self._first), self._items), self._done - 1
        if steps is None:
            count = self._guarded(source.count)
            steps = math.ceil(count / batch_size) if self._single else count
        self._steps = steps
        if hosts.devices > 1:
            own = not (self._single or source.exact)
            self._equal = len(self._first[0]) if own else batch_size
            hosts.check_batch_size(self._equal * hosts.processes)
            self._first = self._completed(*self._first)

    def __len__(self) -> int:
        return self._steps

    @property
    def batch_bytes(self) -> int:
        """Of the first batch, inputs and targets."""
        return sum(part.nbytes for part in self._first)

    @property
    def position(self) -> dict[str, Any] | None:
        """Where the next batch is, for a source that can go on there; else None."""
        if not self._source.exact or self._single:
            return None
        return {"source": self._source.exact, "pass": self._pass, "batch": self._done}

    def restore(self, position: dict[str, Any] | None) -> None:
        """Go on from a position; without one, from the beginning of a pass.

        Raises:
            ValueError: If it is that of another source.
        """
        if position is None or self.position is None:
            return
        if position["source"] != self._source.exact:
            raise ValueError(
                "`data` must be the stream that the run in `out` was trained on. "
                f"Received: {self._source.exact}; the run has {position['source']}"
            )
        self._begin(position["pass"], position["batch"])

    def start(self, epoch: int) -> None:
        """Begin an epoch."""
        self._epoch, self._next, self._started = epoch, 0, True
        self.trained(0)
        if self._anew:
            number = 0 if self._validation else epoch
            if (self._pass, self._done) != (number, 0):
                self._begin(number, 0)

    def limit(self, batches: int) -> None:
        """Let TensorFlow have no more than so many batches that `trained` has not told of.

        By itself it fetches ahead, the more the more uneven the source is: dozens of batches.
        """
        self._ahead = batches

    def trained(self, steps: int) -> None:
        """So many batches of the epoch are done with."""
        with self._room:
            self._trained = steps
            self._room.notify_all()

    def _wait_for_room(self, index: int) -> None:
        def free() -> bool:
            return self._ahead is None or index < self._trained + self._ahead

        with self._room:
            if not self._room.wait_for(free, timeout=_PATIENCE):
                self._ahead = None  # some replicas may need more before their first step

    def sample(self, count: int) -> NDArray[np.float32]:
        """The first inputs of a pass, without holes."""
        self._begin(0, 0)
        found: list[NDArray[np.float32]] = []
        while sum(map(len, found)) < count and len(found) < self._steps:
            found.append(self._draw()[0])
        self.close()
        return np.concatenate(found)[:count]

    @property
    def skipped(self) -> Mapping[str, str]:
        """Why files could not be read, by their names."""
        return self._source.skipped

    def limits(self) -> tuple[float, float]:
        """The smallest and the largest value so far."""
        return self.low, self.high

    def close(self) -> None:
        """End the pass, and the workers of its source with it."""
        with self._room:
            self._ahead = None
            self._room.notify_all()
        close(self._items)
        self._items, self._pass = iter(()), -1

    def __getitem__(self, index: int) -> Batch:
        if not self._started:  # Keras looks at the types before the first epoch
            return self._first
        self._wait_for_room(index)
        try:
            inputs, targets = self._draw()
        except Exception as error:
            self.failure = error  # TensorFlow would pass on a text of it only
            raise
        self._next += 1
        inputs, targets = self._completed(inputs, targets)
        if self._flip:
            rng = np.random.default_rng([self._seed, self._epoch, index])
            mirrored = rng.random(len(inputs)) < 0.5
            same = targets is inputs
            inputs = _mirror(inputs, mirrored)
            targets = inputs if same else _mirror(targets, mirrored)
        if targets is inputs:
            # Never the same array twice: TensorFlow takes its memory for a tensor's own.
            targets = inputs.copy()
        if self._validation and self._rules.cut_holes is not None:
            inputs = self._rules.cut_holes(inputs, seed=self._seed + index)
        return inputs, targets

    def _completed(self, inputs: NDArray[np.float32], targets: NDArray[Any]) -> Batch:
        """A batch of the size that all processes have."""
        if self._equal is None or len(inputs) == self._equal:
            return inputs, targets
        places = np.arange(self._equal) % len(inputs)
        return inputs[places], targets[places]

    def _draw(self) -> Batch:
        """The next batch; where a pass ends, the next one begins."""
        ends = 0
        while ends < 2:
            item = self._guarded(lambda: next(self._items, None))
            if item is None:
                ends += 1
                self._begin(self._pass + 1, 0)
                continue
            self._done += 1
            if isinstance(item, np.ndarray) and not len(item):
                continue  # all its files are broken, but it has its place in the pass
            return self._checked(item)
        raise ValueError(
            f"`{self._rules.argument}` must hold at least one batch. "
            f"Received: an empty {self._source.kind}"
        )

    def _begin(self, number: int, done: int) -> None:
        close(self._items)
        self._pass, self._done = number, done
        self._items = self._guarded(lambda: iter(self._source.read(number, done)))
        if self._single is None:
            first = self._guarded(lambda: next(self._items, None))
            if first is not None:
                self._single = self._is_single(first)
                self._items = _followed(first, self._items)
        if self._single:
            self._items = _collected(self._items, self._batch_size)

    def _is_single(self, item: Any) -> bool:
        if self._source.batched:
            return False
        inputs, _ = parts_of(item)
        return np.ndim(as_array(inputs, self._rules.shape)) == len(self._rules.shape)

    def _guarded(self, call: Any) -> Any:
        try:
            return call()
        except (ValueError, DataError) as error:
            if str(error).startswith("`"):  # a sentence of this package
                raise
            raise self.failed(error) from error
        except Exception as error:  # a source of somebody else may raise anything
            raise self.failed(error) from error

    def failed(self, error: Exception) -> DataError:
        """The sentence for what a source has raised, or what a worker of it died of."""
        reason = (str(error).strip() or "no reason given").splitlines()[-1]
        return DataError(
            f"`{self._rules.argument}` must give all its batches, and its {self._source.kind} "
            f"failed {self._where()}; the checkpoints of earlier epochs stay. "
            f"Received: {type(error).__name__}: {reason}"
        )

    def _where(self) -> str:
        return f"at batch {self._next + 1} of epoch {self._epoch + 1}"

    def _checked(self, item: Any) -> Batch:
        if isinstance(item, _Checked):
            return item.batch
        rules = self._rules
        try:
            given, other = parts_of(item)
            array = as_array(given, rules.shape, self._source.rows)
            if array.dtype == np.uint8 and len(rules.shape) == 3:
                # One that is nearly black is no binary image if others were not.
                self._pixels = self._pixels or bool(array.size and array.max() > 1)
                if self._pixels:
                    array = np.divide(array, np.float32(255), dtype=np.float32)
            inputs = rules.check(rules.argument, array)
            if np.may_share_memory(inputs, array):  # which is its owner's, and may be used again
                inputs = inputs.copy()
            targets = rules.targets(inputs, other)
        except ValueError as error:
            where = f", {self._where()}" if self._started else ", in the first batch"
            raise ValueError(f"{str(error).rstrip('.')}{where}") from None
        self.low = min(self.low, float(inputs.min()))
        self.high = max(self.high, float(inputs.max()))
        return inputs, targets


class _Checked:
    """A batch that was drawn and put back."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch


def _followed(first: Any, items: Iterator[Any]) -> Iterator[Any]:
    """An item before others, which end with this iterator."""
    try:
        yield first
        yield from items
    finally:
        close(items)


def _collected(items: Iterator[Any], size: int) -> Iterator[Any]:
    """Single examples as batches."""
    try:
        while examples := list(itertools.islice(items, size)):
            pairs = [parts_of(example) for example in examples]
            inputs = [x.detach().cpu().numpy() if hasattr(x, "detach") else x for x, _ in pairs]
            labels = [y for _, y in pairs]
            yield np.stack(inputs), None if labels[0] is None else np.stack(labels)
    finally:
        close(items)


def _mirror(values: NDArray[Any], mirrored: NDArray[np.bool_]) -> NDArray[Any]:
    values = values.copy()
    values[mirrored] = values[mirrored, :, ::-1]
    return values
