"""The models of a bundle for several tiles at once, used where they are the faster ones."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.manifest import Edge, Manifest, Part
from kerasae_export.runtime.bundle_files import check_part
from kerasae_export.runtime.engines import Model
from kerasae_export.runtime.litemodel import LiteModel
from kerasae_export.runtime.operators import check_program

__all__ = ["BatchModel", "Runner", "batch_models"]


class BatchModel:
    """A TF Lite model for several tiles at once, which is opened when it is first run.

    Args:
        size: How many tiles, exactly.
        name: `"encoder"` or `"decoder"`.
        part: File and edges of the model for one tile, under the signature of this one.
        source: The bytes of its file; or another model of the same file, which is open.
        threads: Threads that the kernels may use.
    """

    def __init__(
        self, size: int, name: str, part: Part, source: bytes | LiteModel, threads: int
    ) -> None:
        self.size = size
        self._name, self._part, self._source, self._threads = name, part, source, threads
        self._opened: LiteModel | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Run on exactly `size` inputs.

        Raises:
            BundleError: If the file has no such model.
        """
        if self._opened is None:
            self._opened = self._open()
        return self._opened(values)

    def _open(self) -> LiteModel:
        signature = self._part.signature
        if isinstance(self._source, LiteModel):
            assert signature is not None
            model = self._source.sibling(signature)
        else:
            check_program(self._source)
            model = LiteModel(self._source, signature=signature, threads=self._threads)
        check_part(self._name, self._part, model)
        return model


def batch_models(
    manifest: Manifest,
    files: Mapping[str, bytes],
    models: tuple[Model, Model],
    *,
    threads: int = 1,
) -> tuple[BatchModel, BatchModel] | None:
    """Encoder and decoder for several tiles at once, where a bundle has them.

    Args:
        manifest: The manifest of the bundle.
        files: The contents of its files.
        models: Its models for one tile.
        threads: Threads that the kernels may use.
    """
    batch = manifest.batch
    if batch is None:
        return None

    def edge(of: Edge) -> Edge:
        return dataclasses.replace(of, shape=(batch.size, *of.shape[1:]))

    found = []
    for name, where, part, model in zip(
        ("encoder", "decoder"),
        (batch.encoder, batch.decoder),
        (manifest.encoder, manifest.decoder),
        models,
        strict=True,
    ):
        same = where.file == part.file and isinstance(model, LiteModel)
        source = model if same else files[where.file]
        wide = Part(where.file, edge(part.input), edge(part.output), where.signature)
        assert isinstance(source, (bytes, LiteModel))
        found.append(BatchModel(batch.size, name, wide, source, threads))
    return found[0], found[1]


class Runner:
    """Runs a model on many tiles, several at once if that is faster here.

    Both ways give the same values: the export has compared them. Which is faster depends on the
    model and the machine, so that both are timed on the first tiles.

    Args:
        one: The model for one tile.
        several: The same for several tiles at once, where there is one.
    """

    def __init__(self, one: Model, several: BatchModel | None = None) -> None:
        self.one, self.several = one, several
        self.faster: bool | None = None  # whether several at once are; None: not timed yet

    def __call__(self, tiles: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """The output for each input, one by one; no more than a batch is held.

        Args:
            tiles: Inputs without the axis of the batch.
        """
        if self.several is None or not self._worth_it():
            yield from (self.one(tile[None])[0] for tile in tiles)
            return
        rest = iter(tiles)
        while batch := list(itertools.islice(rest, self.several.size)):
            if len(batch) < self.several.size or not self._worth_it():
                yield from (self.one(tile[None])[0] for tile in batch)
            else:
                yield from self._at_once(batch)

    def _worth_it(self) -> bool:
        return self.faster is not False

    def _at_once(self, batch: list[NDArray[Any]]) -> NDArray[Any]:
        assert self.several is not None
        values = np.stack(batch)
        results = self.several(values)
        if self.faster is None:
            self.one(values[:1])  # the first run of a model takes longer
            start = time.perf_counter()
            self.several(values)
            middle = time.perf_counter()
            for tile in batch:
                self.one(tile[None])
            self.faster = middle - start < time.perf_counter() - middle
        return results
