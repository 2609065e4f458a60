"""Batches from what other libraries make: tf.data, PyDataset, DataLoader, Hugging Face, generators.

None of these libraries is imported here: whoever brings an object has imported its own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import islice
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae.data.ordered import in_order, leave_with_parent

__all__ = ["Source", "as_array", "is_source", "open_source", "part_of", "parts_of"]

_IMAGES = ("image", "images", "img", "pixel_values", "x", "inputs")
_LABELS = ("segmentation_mask", "label", "labels", "y", "targets")
_MOST = 20_000  # batches that are counted where nothing tells how many there are


@dataclasses.dataclass(frozen=True)
class Source:
    """Items of any number of passes over data, each a batch or a single example.

    Attributes:
        kind: What it is called in messages.
        read: The items of a pass, by its number, after so many that are left out.
        length: Items of a pass; None where nothing tells.
        endless: Whether a pass is known to have no end.
        exact: What a pass holds follows from its number alone, in any process; text that tells this
            source from others. Empty where it does not.
        batched: Whether an item is known to be a batch; None where its rank has to tell.
        rows: Whether grey images come without the axis of their channels.
        skipped: Why files could not be read, by their names, so far.
        every: The items of a pass from a place on, each so manyth, where those between need not
            be read: `every(number, place, distance)`.
    """

    kind: str
    read: Callable[[int, int], Iterator[Any]]
    length: int | None = None
    endless: bool = False
    exact: str = ""
    batched: bool | None = None
    rows: bool = False
    skipped: Mapping[str, str] = dataclasses.field(default_factory=dict)
    every: Callable[[int, int, int], Iterator[Any]] | None = None

    def count(self) -> int:
        """The items of a pass, counted in one where nothing tells.

        Raises:
            ValueError: If it has no end, or none within 20,000 items.
        """
        if self.length is not None:
            return self.length
        found = _MOST + 1
        if not self.endless:
            items = self.read(0, 0)
            found = sum(1 for _ in islice(items, _MOST + 1))
            close(items)
        if found > _MOST:
            known = "no end" if self.endless else f"more than {_MOST:,} batches"
            raise ValueError(
                "`steps_per_epoch`, or `validation_steps`, must say where an epoch ends, if its "
                f"data are endless or do not tell their length. Received: a {self.kind} of {known}"
            )
        return found


def is_source(data: Any) -> bool:
    """Whether something gives batches by a way that is known here."""
    return _maker(data) is not None


def open_source(argument: str, data: Any, batch_size: int, seed: int) -> Source:
    """The source that something of another library is.

    Raises:
        ValueError: If it is no such thing.
    """
    maker = _maker(data)
    if maker is None:
        way = ""
        if isinstance(data, Iterator):
            way = "; a function that makes it anew, such as `lambda: generator()`, can be repeated"
        raise ValueError(
            f"`{argument}` must be an array, `Images`, `Sequences`, `stream_images(...)`, a "
            "tf.data.Dataset, PyDataset, DataLoader or datasets.Dataset, or a function that makes "
            f"a generator{way}. Received: {type(data).__name__}"
        )
    return maker(data, batch_size, seed)


def part_of(source: Source, index: int, count: int) -> Source:
    """What one of several processes reads of a source: every so manyth item of a pass.

    All have equally many; what is left over at the end of a pass nobody reads.

    Args:
        source: The whole.
        index: Which process, from 0.
        count: How many there are.
    """
    if count == 1:
        return source

    def read(number: int, start: int) -> Iterator[Any]:
        if source.every is not None:
            items = source.every(number, start * count + index, count)
        else:
            items = islice(source.read(number, start * count), index, None, count)
        return islice(items, None if length is None else length - start)

    length = None if source.length is None else source.length // count
    exact = f"{source.exact}, one in {count}" if source.exact else ""
    return dataclasses.replace(source, read=read, length=length, exact=exact, every=None)


def parts_of(item: Any) -> tuple[Any, Any]:
    """The inputs of an item, and what else it has: targets, labels or None.

    Raises:
        ValueError: If it is neither `x` nor `(x, y)` nor a mapping with images.
    """
    if isinstance(item, Mapping):
        names = list(item)
        found = [name for name in _IMAGES if name in item] or (names if len(names) == 1 else [])
        if not found:
            raise ValueError(
                f"`data` must have a column named {', '.join(_IMAGES[:-1])} or {_IMAGES[-1]}. "
                f"Received: {', '.join(map(str, names))}"
            )
        label = next((item[name] for name in _LABELS if name in item), None)
        return item[found[0]], label
    if isinstance(item, (tuple, list)) and item and not np.isscalar(item[0]):
        if len(item) > 2:
            raise ValueError(
                f"`data` must give `x` or a pair `(x, y)`. Received: {len(item)} parts"
            )
        return item[0], item[1] if len(item) == 2 else None
    return item, None


def as_array(values: Any, shape: tuple[int | None, ...], rows: bool = False) -> NDArray[Any]:
    """An array of what a library gives; images of PyTorch with their channels at the end.

    Args:
        values: An array, a tensor, or what NumPy makes one of.
        shape: Of one input of the model.
        rows: Whether grey images may come without the axis of their channels.
    """
    array: NDArray[Any]
    if not hasattr(values, "detach"):
        array = np.asarray(values)
        grey = shape[-1] == 1 and array.shape[1:] == shape[:-1]
        return array[..., None] if grey and rows else array
    array = values.detach().cpu().numpy()
    channels_last = array.shape[-len(shape) :][-1:] == shape[-1:]
    if len(shape) == 3 and array.ndim >= 3 and array.shape[-3] == shape[-1] and not channels_last:
        return np.moveaxis(array, -3, -1)
    return array


def close(items: Any) -> None:
    """End a pass before its time, with all that its generator holds."""
    if hasattr(items, "close"):
        with contextlib.suppress(Exception):
            items.close()


Maker = Callable[[Any, int, int], Source]


def _maker(data: Any) -> Maker | None:
    ancestors = {f"{c.__module__.partition('.')[0]}.{c.__name__}" for c in type(data).__mro__}
    if hasattr(data, "as_source"):
        return lambda data, batch_size, seed: data.as_source(batch_size)
    if hasattr(data, "as_numpy_iterator") and hasattr(data, "cardinality"):
        return _of_tf_data
    if "keras.PyDataset" in ancestors:
        return _of_py_dataset
    if "datasets.Dataset" in ancestors:
        return _of_rows
    if "datasets.IterableDataset" in ancestors:
        return _of_row_stream
    if "torch.DataLoader" in ancestors:
        return _of_iterable
    if isinstance(data, (str, bytes, Mapping, Iterator, tuple, type)) or hasattr(data, "shape"):
        return None
    if hasattr(data, "compile") and hasattr(data, "fit"):  # a model in the place of data
        return None
    if callable(data):
        return _of_factory
    plain = type(data).__module__.partition(".")[0] in ("builtins", "kerasae")
    return _of_iterable if isinstance(data, Iterable) and not plain else None


def _of_tf_data(data: Any, batch_size: int, seed: int) -> Source:
    cardinality = int(data.cardinality())
    return Source(
        "tf.data.Dataset",
        lambda number, start: islice(data.as_numpy_iterator(), start, None),
        length=cardinality if cardinality >= 0 else None,
        endless=cardinality == -1,
    )


def _of_py_dataset(data: Any, batch_size: int, seed: int) -> Source:
    length = data.num_batches

    def read(number: int, start: int) -> Iterator[Any]:
        data.on_epoch_begin()
        indices = range(start, sys.maxsize if length is None else length)
        if data.workers > 1 or (data.workers > 0 and data.use_multiprocessing):
            yield from _in_parallel(data, indices)
        else:
            yield from map(data.__getitem__, indices)
        data.on_epoch_end()

    return Source("PyDataset", read, length, endless=length is None, batched=True)


_shared: Any = None  # of a worker process: the data set whose batches it makes


def _in_parallel(data: Any, indices: Iterable[int]) -> Iterator[Any]:
    """By a pool that tells when a process of it has died, where Keras's own would wait."""
    make: Callable[..., Any]
    if data.use_multiprocessing:
        pool: Executor = ProcessPoolExecutor(
            data.workers, get_context("spawn"), initializer=_share, initargs=(data,)
        )
        make = _shared_item
    else:
        pool, make = ThreadPoolExecutor(data.workers), data.__getitem__
    yield from in_order(pool, make, ((index,) for index in indices), data.max_queue_size)


def _share(data: Any) -> None:
    global _shared
    leave_with_parent()
    _shared = data


def _shared_item(index: int) -> Any:
    return _shared[index]


def _of_rows(data: Any, batch_size: int, seed: int) -> Source:
    """Rows in any order: each epoch has its own, which follows from the seed."""
    rows = _as_arrays(data)

    def every(number: int, start: int, distance: int) -> Iterator[Any]:
        order = np.random.default_rng([seed, number]).permutation(len(data))
        for first in range(start * batch_size, len(data), distance * batch_size):
            yield rows[order[first : first + batch_size].tolist()]

    def read(number: int, start: int) -> Iterator[Any]:
        return every(number, start, 1)

    # Its fingerprint is another each time where `map` took a function that cannot be hashed.
    columns = ", ".join(map(str, getattr(data, "column_names", ())))
    name = f"{len(data)} rows of {columns}, {batch_size} at a time, seed {seed}"
    length = math.ceil(len(data) / batch_size)
    return Source(
        "datasets.Dataset", read, length, exact=name, batched=True, rows=True, every=every
    )


def _of_row_stream(data: Any, batch_size: int, seed: int) -> Source:
    rows = _as_arrays(data)

    def read(number: int, start: int) -> Iterator[Any]:
        data.set_epoch(number)
        yield from islice(rows.iter(batch_size=batch_size), start, None)

    return Source("datasets.IterableDataset", read, batched=True, rows=True)


def _as_arrays(data: Any) -> Any:
    """Lists of Python's numbers do not tell of what type they were; arrays do."""
    return data.with_format("numpy")


def _of_factory(data: Any, batch_size: int, seed: int) -> Source:
    def read(number: int, start: int) -> Iterator[Any]:
        made = data()
        if not isinstance(made, Iterable):
            raise ValueError(
                "`data` must be a function that makes a generator or another iterable. "
                f"Received: a function that returns {type(made).__name__}"
            )
        items = iter(made)
        try:
            yield from islice(items, start, None)
        finally:
            close(items)

    return Source("generator", read)


def _of_iterable(data: Any, batch_size: int, seed: int) -> Source:
    try:
        length = len(data)
    except TypeError:  # a DataLoader of an IterableDataset
        length = None
    return Source(
        type(data).__name__, lambda number, start: islice(iter(data), start, None), length
    )
