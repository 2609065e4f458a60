"""The models of a bundle for several tiles at once: written, and proven to give the same values."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.bundling.batching import at_batch, with_batch
from kerasae_export.errors import ConversionError
from kerasae_export.format.manifest import DECODE, ENCODE, Manifest
from kerasae_export.format.numbers import plain
from kerasae_export.format.values import quantise
from kerasae_export.format.variants import BATCH_SIGNATURES, MOST_BATCH, Batch, BatchPart
from kerasae_export.runtime.batches import BatchModel, batch_models
from kerasae_export.runtime.bundle_files import open_models
from kerasae_export.runtime.engines import Model

__all__ = ["add_batch", "check_batch", "with_batch_parts"]

_FILES = ("encoder_batch.tflite", "decoder_batch.tflite")


def check_batch(batch: Any) -> int | None:
    """None, or how many tiles.

    Raises:
        ValueError: If it is anything else.
    """
    batch = plain(batch)
    whole = isinstance(batch, int) and not isinstance(batch, bool)
    if batch is not None and not (whole and 2 <= batch <= MOST_BATCH):
        raise ValueError(
            f"`batch` must be None or an integer from 2 to {MOST_BATCH}. Received: batch={batch!r}"
        )
    return batch


def add_batch(target: Path, paths: tuple[Path, Path], size: int) -> None:
    """Write the models for several tiles into a bundle's folder.

    Args:
        target: The folder.
        paths: The files of encoder and decoder, which may be one.
        size: How many tiles.

    Raises:
        ConversionError: If an operator does not work on several images alike.
    """
    if paths[0] == paths[1]:
        names = dict(zip((ENCODE, DECODE), BATCH_SIGNATURES, strict=True))
        paths[0].write_bytes(with_batch(paths[0].read_bytes(), size, names))
        return
    for path, name in zip(paths, _FILES, strict=True):
        (target / name).write_bytes(at_batch(path.read_bytes(), size))


def with_batch_parts(
    manifest: Manifest,
    target: Path,
    size: int,
    images: NDArray[np.float32],
    codes: NDArray[np.float64],
) -> Manifest:
    """The manifest with these models, if they give what those for one tile give, to the bit.

    Args:
        manifest: The manifest without them.
        target: The folder that holds all models.
        size: How many tiles.
        images: Of the size of a tile.
        codes: Of such images, rounded to the steps.

    Raises:
        ConversionError: If a value differs.
    """
    if manifest.encoder.file == manifest.decoder.file:
        parts = [BatchPart(manifest.encoder.file, name) for name in BATCH_SIGNATURES]
    else:
        parts = [BatchPart(name) for name in _FILES]
    manifest = dataclasses.replace(manifest, batch=Batch(size, *parts))
    files = {path.name: path.read_bytes() for path in target.glob("*.tflite")}
    models = open_models(manifest, files)
    several = batch_models(manifest, files, models)
    assert several is not None
    given: tuple[NDArray[Any], NDArray[Any]] = images, codes
    for name, one, many, values in zip(("encoder", "decoder"), models, several, given, strict=True):
        differs = _share(one, many, values)
        if differs:
            raise ConversionError(
                f"The {name} gives {differs:.2%} other values in a batch of {size} than one by "
                "one: export without `batch`."
            )
    return manifest


def _share(one: Model, many: BatchModel, values: NDArray[Any]) -> float:
    """The share of the values of the output that differ, on whole batches."""
    count = -(-len(values) // many.size) * many.size
    given = quantise(np.resize(values, (count, *values.shape[1:])), one.input)
    singly = np.concatenate([one(value[None]) for value in given])
    at_once = np.concatenate(
        [many(part) for part in given.reshape(-1, many.size, *given.shape[1:])]
    )
    return float((singly != at_once).mean())
