"""`stream_images`: folders, shards and sets of any size as streams in three splits."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from kerasae import _arguments
from kerasae.data.augmentation import Augment, as_augment
from kerasae.data.images import SPLITS, Integers
from kerasae.data.options import (
    DEFAULT_SIZE,
    LARGEST_COMMON,
    SPLIT_NAMES,
    Options,
    checked_size,
    draw_splits,
)
from kerasae.data.shards import Index, index_folder, index_records, index_shards, read_bytes
from kerasae.data.streams import ImageSplit, ImageStream, Reader, decoded, usable_cores
from kerasae.data.tfds import record_files

__all__ = ["IN_MEMORY", "shard_names", "stream_images", "too_large", "usual_size"]

IN_MEMORY = 2**31
"""Bytes of float32 images, above which they are streamed."""

_LOOKED_AT = 32  # images that tell whether all are grey


def stream_images(
    source: str | os.PathLike[str],
    *,
    image_size: int | tuple[int, int],
    channels: int | None = None,
    augment: Augment | Mapping[str, Any] | None = None,
    validation_fraction: float = 0.1,
    limit: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    processes: bool = False,
    shuffle_buffer: int = 4096,
) -> ImageStream:
    """Read images as they are needed, so that any number of them can be trained on.

    `train` takes the stream as it is, and its splits go wherever images are looked at in one pass:
    calibration, measures, scores. Several workers read, decode, scale and augment a few batches
    ahead. What each batch holds follows from the seed, the pass and its number, whatever the number
    of workers; a run folder keeps the position, so that a killed run resumes to the same bits.

    **Folders** are searched as `load_images` does, with "train", "val" or "validation", and "test"
    as splits; an epoch is in random order. **Shards** are tar files in a folder, as WebDataset
    writes them and `kerasae shards` does; folders or names that begin with these words are splits.
    An epoch takes the shards in random order, and the images through a buffer. **TensorFlow
    Datasets** are read from their files by name, once prepared. Missing splits are drawn by the
    seed. Unlike `load_images` nothing looks for copies of a file in several splits, and labels
    are not read.

    A file that cannot be read is left out and named in `skipped`; more than 1 % of them is an
    error.

    Args:
        source: A folder, one tar file, or the name of a set in TensorFlow Datasets.
        image_size: (height, width), or one integer for a square; scaled and cropped as
            `load_images` does.
        channels: 1 (grey) or 3 (RGB). Default: 1 if the first of some images are all grey.
        augment: What is changed at random in training images; an `Augment`, or a mapping of its
            attributes.
        validation_fraction: See `load_images`.
        limit: See `load_images`.
        seed: Seed of splits, order and augmentation.
        workers: Threads or processes that decode. Default: as many as there are cores.
        processes: Whether they are processes, which start anew: a script needs
            `if __name__ == "__main__":` then.
        shuffle_buffer: Images among which those of shards are shuffled.

    Returns:
        The stream, in three splits.

    Raises:
        ValueError: If an argument is out of range, or the source is unknown or holds too few
            images.
        DataError: If a set cannot be downloaded or read here.

    Example:
        >>> import tempfile, pathlib, numpy as np
        >>> from PIL import Image
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for i in range(30):
        ...     Image.fromarray(np.full((9, 9), 8 * i, np.uint8)).save(folder / f"{i}.png")
        >>> stream = stream_images(folder, image_size=8, augment={"flip": True})
        >>> stream.image_shape, len(stream.train), len(stream.validation), len(stream.test)
        ((8, 8, 1), 22, 2, 6)
    """
    size = checked_size(image_size)
    if size is None:
        raise ValueError("`image_size` must be given for a stream. Received: image_size=None")
    options = Options(size, channels, validation_fraction, limit, seed)
    seed = _arguments.seed(seed)
    changes = as_augment(augment)
    cores = usable_cores() if workers is None else _arguments.positive_int("workers", workers)
    _arguments.boolean("processes", processes)
    buffer = _arguments.positive_int("shuffle_buffer", shuffle_buffer)
    found, name = _indices(source)
    try:
        own = {split: len(members) for split, (_, members) in found.items() if split != "train"}
        drawn = draw_splits(len(found["train"][1]), own, options)
    except ValueError as error:
        raise ValueError(f"{error} in {os.fspath(source)!r}") from None
    if channels is None:
        channels = _channels(*found["train"], size)
    splits = {}
    for split in SPLITS:
        index, members = found.get(split, found["train"])
        reader = Reader(index, size, channels, seed, cores, processes, buffer)
        kept = changes if split == "train" else Augment()
        splits[split] = ImageSplit(reader, members[drawn[split]], kept)
    return ImageStream(**splits, name=name)


def shard_names(folder: Path) -> list[str]:
    """The tar files in a folder and below it."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.tar")
        if path.is_file() and not path.name.startswith(".")
    )


def too_large(folder: Path, size: tuple[int, int] | None, channels: int | None) -> bool:
    """Whether the images of a folder are shards, or take more than 2 GiB in memory.

    Args:
        folder: A folder, or one tar file.
        size: (height, width) of the images; by default those of `usual_size`.
        channels: Of the images; by default 3.
    """
    if folder.is_file() or shard_names(folder):
        return True
    index = index_folder(folder)
    height, width = size or (DEFAULT_SIZE if len(index) < 1 else usual_size(folder))
    return len(index) * height * width * (channels or 3) * 4 > IN_MEMORY


def usual_size(folder: Path) -> tuple[int, int]:
    """The size that some images of a folder share, as `load_images` takes it, else 128x128."""
    found, _ = _indices(folder)
    index, members = found["train"]
    sizes = set()
    for image in members[:: max(1, len(members) // _LOOKED_AT)][:_LOOKED_AT]:
        with contextlib.suppress(Exception):  # what cannot be opened is reported when it is read
            picture = Image.open(io.BytesIO(read_bytes(index, int(image))))
            sizes.add(ImageOps.exif_transpose(picture).size[::-1])
    if len(sizes) == 1 and max(size := sizes.pop()) <= LARGEST_COMMON:
        return size
    return DEFAULT_SIZE


Found = dict[str, tuple[Index, Integers]]


def _indices(source: Any) -> tuple[Found, str]:
    """For each split that the source has the index and which images of it; and its name."""
    if not isinstance(source, str | os.PathLike) or not os.fspath(source):
        kind = type(source).__name__
        raise ValueError(
            "`source` must be a folder, a tar file, or the name of a set in TensorFlow Datasets. "
            f"Received: {kind}"
        )
    path = Path(source)
    if path.is_file() and path.suffix == ".tar":
        index = index_shards(path.parent, [path.name])
        return _nonempty({"train": (index, np.arange(len(index)))}, source), path.stem
    if path.is_dir():
        shards = shard_names(path)
        if shards:
            index = index_shards(path, shards)
            words = [_split_word(shard) for shard in shards]
            return _nonempty(_by_words(index, words), source), path.resolve().name
        index = index_folder(path)
        words = [name.split("/")[0] if "/" in name else "" for name in index.files]
        return _nonempty(_by_words(index, words), source), path.resolve().name
    if path.exists() or not isinstance(source, str) or source.startswith((".", "~", "/")):
        raise ValueError(
            f"`source` must be an existing folder or tar file. Received: source={str(source)!r}"
        )
    feature, folder, files = record_files(source)
    found = {}
    for split, names in files.items():
        index = index_records(folder, names, feature)
        found[split] = (index, np.arange(len(index)))
    return found, source


def _split_word(shard: str) -> str:
    """The word that may name the split of a shard: of its folder, or the first of its name."""
    first, *rest = shard.split("/")
    word = re.match("[A-Za-z]*", first)
    return first if rest else word.group() if word else ""


def _by_words(index: Index, words: Sequence[str]) -> Found:
    """The images of each split, by the word of their file; all are "train" where none is."""
    if "train" not in words:
        return {"train": (index, np.arange(len(index)))}
    numbers = np.array([_NUMBERS.get(SPLIT_NAMES.get(word, ""), -1) for word in words])
    of_image = numbers[index.file]
    found = {split: np.flatnonzero(of_image == number) for split, number in _NUMBERS.items()}
    return {s: (index, members) for s, members in found.items() if s == "train" or len(members)}


_NUMBERS = {split: number for number, split in enumerate(SPLITS)}


def _nonempty(found: Found, source: Any) -> Found:
    if not len(found["train"][1]):
        raise ValueError(
            f"`source` must be a folder with images. Received: source={os.fspath(source)!r}"
        )
    return found


def _channels(index: Index, members: Integers, size: tuple[int, int]) -> int:
    """1 if some images, spread over all, are grey."""
    some = members[:: max(1, len(members) // _LOOKED_AT)][:_LOOKED_AT]
    pixels, _ = decoded(Reader(index, size, 3, 0, 1, False, 1), Augment(), some, (0, 0, 0))
    return 1 if len(pixels) and np.all(pixels == pixels[..., :1]) else 3
