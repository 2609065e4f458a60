"""TensorFlow Datasets: any set with images, with its own splits, prepared here or downloaded."""

from __future__ import annotations

import contextlib
import difflib
import errno
import logging
import os
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae.data.embedded import EMBEDDED
from kerasae.data.images import SPLITS, DataError, Images, Integers, LabelMaps, last_if_ignored
from kerasae.data.options import (
    DEFAULT_SIZE,
    LARGEST_COMMON,
    SPLIT_NAMES,
    Options,
    draw_splits,
    images_needed,
)
from kerasae.data.pixels import fit_image, fit_labels, image_from_array, to_unit_range

__all__ = ["load_tfds", "record_files"]


def load_tfds(name: str, options: Options) -> Images:
    """The images of a set by its name, downloaded if it is not prepared on this machine.

    Raises:
        ValueError: If there is no such set, or it has no images of 8 or 16 bits.
        DataError: If it cannot be downloaded or read here.
    """
    with _errors_only("absl"):
        tfds, builder = _prepared(name)
        try:
            return _read_tfds(tfds, builder, name, options)
        except ValueError:  # an argument that does not fit the set
            raise
        except Exception as error:
            raise DataError(
                f"The data set {name!r} is prepared in {builder.data_dir} but cannot be read "
                f"({_reason(error)}): remove that folder, and it will be prepared anew."
            ) from error


def record_files(name: str) -> tuple[str, Path, dict[str, list[str]]]:
    """The feature that holds the images of a set, its folder, and the files of its splits.

    Raises:
        ValueError: If there is no such set, it has no images of 8 or 16 bits, or it is not kept in
            TFRecord files.
        DataError: If it cannot be downloaded or read here.
    """
    with _errors_only("absl"):
        tfds, builder = _prepared(name)
        alone = Options(None, None, 0.1, None, 0)
        feature = _Reader(tfds, builder, name, alone).key
    kind = str(getattr(builder.info.file_format, "value", builder.info.file_format))
    if kind != "tfrecord":
        raise ValueError(
            "`source` must be a set in TFRecord files to be a stream; `load_images` reads others. "
            f"Received: source={name!r} in {kind} files"
        )
    stored, counts = _splits(builder)
    files = {split: sorted(builder.info.splits[stored[split]].filenames) for split in counts}
    return feature, Path(str(builder.data_dir)), files


def _prepared(name: str) -> tuple[Any, Any]:
    """The library and the builder of a set, whose files are here afterwards."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported, or never
    import tensorflow_datasets as tfds

    # Read here, because TFDS reads the variable once, when it is imported.
    folder = os.environ.get("TFDS_DATA_DIR")
    try:
        builder = tfds.builder(name, data_dir=folder)
    except ValueError:  # no such set, version or configuration, or a mistyped folder
        raise ValueError(_unknown(name, tfds.list_builders())) from None
    except Exception as error:  # every set has its own code, which may raise anything
        raise DataError(_unavailable(name, error)) from error
    if not builder.info.splits:
        try:
            _check_reachable(builder.url_infos)
            builder.download_and_prepare()
        except Exception as error:
            raise DataError(_unavailable(name, error)) from error
    return tfds, builder


def _read_tfds(tfds: Any, builder: Any, name: str, options: Options) -> Images:
    reader = _Reader(tfds, builder, name, options)
    stored, counts = _splits(builder)
    pool = counts.pop("train")
    parts = draw_splits(min(pool, images_needed(options, counts) or pool), counts, options)
    arrays: dict[str, Any] = {}
    sources: dict[str, Integers] = {}
    own = [split for split in ("validation", "test") if split in counts]
    offset = 0
    for split in ("train", *own):
        takers = [split] if split in own else [s for s in SPLITS if s not in own]
        count = 1 + max(int(parts[taker].max()) for taker in takers)
        pixels, labels = reader.read(stored[split], count)
        for taker in takers:
            arrays[taker] = to_unit_range(pixels[parts[taker]])
            arrays[f"{taker}_labels"] = None if labels is None else labels[parts[taker]]
            sources[taker] = parts[taker] + offset
        offset += pool if split == "train" else counts[split]
    label = reader.label
    names = tuple(getattr(reader.features[label], "names", None) or ()) if label else ()
    ignored = None
    if reader.mapped:
        highest = max(int(arrays[f"{split}_labels"].max()) for split in SPLITS)
        names = names or tuple(str(one) for one in range(highest + 1))
        ignored = last_if_ignored(names)
    return Images(**arrays, label_names=names, sources=sources, name=name, ignored_class=ignored)


def _splits(builder: Any) -> tuple[dict[str, str], dict[str, int]]:
    """What the set calls each of our splits, and how many examples those have that it has."""
    stored = {SPLIT_NAMES.get(split, split): split for split in builder.info.splits}
    if "train" not in stored:
        stored["train"] = next(s for s in builder.info.splits if s != "test" or len(stored) == 1)
    counts = {
        split: builder.info.splits[stored[split]].num_examples
        for split in SPLITS
        if split in stored and (split == "train" or stored[split] != stored["train"])
    }
    return stored, counts


class _Reader:
    """Reads images and labels of a set, brought to one size."""

    def __init__(self, tfds: Any, builder: Any, name: str, options: Options) -> None:
        self.tfds, self.name = tfds, name
        self.features = features = builder.info.features
        keys = [key for key, value in features.items() if isinstance(value, tfds.features.Image)]
        if not keys:
            raise ValueError(f"`source` must be a data set with images. Received: source={name!r}")
        self.key = "image" if "image" in keys else keys[0]
        dtype, shape = features[self.key].np_dtype, features[self.key].shape
        if dtype not in (np.uint8, np.uint16):
            raise ValueError(
                f"`source` must hold 8 or 16-bit images. Received: source={name!r} with "
                f"{np.dtype(dtype).name} pixels"
            )
        self.label: str | None = None
        if "segmentation_mask" in features:
            self.label = "segmentation_mask"
        elif "label" in features and features["label"].shape == ():
            self.label = "label"
        self.mapped = self.label == "segmentation_mask"
        self.fixed = all(shape)
        self.size = options.size or DEFAULT_SIZE
        if options.size is None and self.fixed and max(shape[:2]) <= LARGEST_COMMON:
            self.size = shape[:2]
        self.channels = options.channels or (1 if shape[-1] == 1 else 3)
        self.as_is = dtype == np.uint8 and (*self.size, self.channels) == shape

    def read(self, split: str, count: int) -> tuple[NDArray[np.uint8], Integers | LabelMaps | None]:
        """The first images of a split, and their labels where the set has some."""
        pixels = np.empty((count, *self.size, self.channels), np.uint8)
        labels: Any = None
        if self.label is not None:
            maps = np.empty((count, *self.size), np.uint8)
            labels = maps if self.mapped else np.empty(count, np.int64)
        start = 0
        for batch in self._batches(split, count):
            found = batch[self.key] if self.fixed else batch[self.key][np.newaxis]
            here = slice(start, start + len(found))
            start += len(found)
            pixels[here] = found if self.as_is else [self._fitted(image) for image in found]
            if self.mapped:
                maps = batch[self.label] if self.fixed else batch[self.label][np.newaxis]
                labels[here] = [fit_labels(one[..., 0], self.size) for one in maps]
            elif labels is not None:
                labels[here] = batch[self.label]
        return pixels, labels

    def _batches(self, split: str, count: int) -> Any:
        wanted = dict.fromkeys(filter(None, (self.key, self.label)), True)
        batches = self.tfds.load(
            self.name,
            split=f"{split}[:{count}]",
            data_dir=os.environ.get("TFDS_DATA_DIR"),
            batch_size=min(256, count) if self.fixed else None,
            shuffle_files=False,
            decoders=self.tfds.decode.PartialDecoding(wanted),
            read_config=self.tfds.ReadConfig(try_autocache=False),
        )
        return self.tfds.as_numpy(batches)

    def _fitted(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        return fit_image(image_from_array(image), self.size, self.channels)


@contextlib.contextmanager
def _errors_only(logger_name: str) -> Iterator[None]:
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _check_reachable(urls: Mapping[str, Any]) -> None:
    """Raise OSError without a network: TFDS itself would retry for minutes."""
    if urllib.request.getproxies():
        return  # names are resolved by the proxy
    url = urllib.parse.urlsplit(next(iter(urls), "https://storage.googleapis.com"))
    port = url.port or (443 if url.scheme == "https" else 80)
    if url.hostname and url.scheme in ("http", "https"):
        socket.create_connection((url.hostname, port), timeout=10).close()


_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _unavailable(name: str, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in _DISK:
        return (
            f"The data set {name!r} could not be written here ({_reason(error)}): free some space, "
            "or set the environment variable TFDS_DATA_DIR to a folder that may be written to."
        )
    return (
        f"The data set {name!r} is not prepared on this machine and could not be downloaded "
        f"({_reason(error)}): set the environment variable TFDS_DATA_DIR to a folder that holds "
        "it, or connect to the internet."
    )


def _unknown(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, sorted({*EMBEDDED, *names}), n=3)
    hint = f" (did you mean {' or '.join(close)}?)" if close else ""
    return (
        f"`source` must be an embedded set ({', '.join(EMBEDDED)}), an existing folder, or the "
        f"name of a set in TensorFlow Datasets, such as mnist or cifar10{hint}. "
        f"Received: source={name!r}"
    )
