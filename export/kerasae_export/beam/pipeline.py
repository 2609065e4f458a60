"""The transforms: patterns of files in, shards of records out."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared
from numpy.typing import NDArray
from PIL import Image

from kerasae_export.beam.shards import Made, Picture, Shards, Summary
from kerasae_export.files.archive import shard_of
from kerasae_export.files.pictures import IMAGE_SUFFIXES, UNREAD_SUFFIXES, image_of
from kerasae_export.format.arguments import check_count
from kerasae_export.format.manifest import MANIFEST, Manifest
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.runtime.bundle_files import read_files
from kerasae_export.runtime.codec import Codec

__all__ = ["CompressPictures", "EncodePictures"]

AnyCodec = Codec | PhotoCodec
METRICS = "kerasae"


class _Work(beam.PTransform):
    """From patterns to the summary of each shard that had something to do."""

    kind: str

    def __init__(
        self, out: str | os.PathLike[str], bundle: str | os.PathLike[str] | None, shards: int
    ) -> None:
        super().__init__()
        self.shards = Shards(os.fspath(out).rstrip("/"), self.kind, check_count("shards", shards))
        self.bundle = None if bundle is None else os.fspath(bundle)
        self.codec = Codec.load(self.bundle)

    def settings(self) -> dict[str, Any]:
        """What must be alike in all runs on one archive."""
        if self.bundle is None:
            return {"bundle": None}
        manifest = (Path(self.bundle) / MANIFEST).read_bytes()  # has the hashes of all files
        return {"bundle": hashlib.sha256(manifest).hexdigest()[:16]}

    def work(self, loader: _Loader) -> beam.DoFn:
        """What makes a record of each picture."""
        raise NotImplementedError

    def expand(self, patterns: beam.PCollection[str]) -> beam.PCollection[Summary]:
        """Put the steps together."""
        settings = self.settings()
        self.shards.prepare(settings)
        place = None
        if self.bundle is not None:
            place = f"{self.shards.out}/bundles/{settings['bundle']}"
            _send_bundle(self.bundle, place)
        return (
            patterns
            | "match" >> beam.ParDo(_Match(self.shards.count))
            | "by shard" >> beam.GroupByKey()
            | "what is new" >> beam.ParDo(_Pending(self.shards))
            | "spread" >> beam.Reshuffle()
            | self.kind >> beam.ParDo(self.work(_Loader(place)))
            | "of a shard" >> beam.GroupByKey()
            | "write" >> beam.ParDo(_Write(self.shards))
        )


class CompressPictures(_Work):
    """Compress the pictures that patterns of files match into an archive.

    Takes a collection of patterns, such as `photos/**.jpg`, and gives the `Summary` of each shard
    that changed. A picture has the name that its path has below the fixed part of the pattern.
    Files whose suffix is not that of a picture, and hidden ones, are passed over. A picture that
    cannot be read is counted, and named in the archive's `failed-*` files; each run tries it again.

    A run on an archive that is there adds what is new or has changed, and never removes a picture;
    without anything new it changes nothing. Killed and run again, it leaves what one run would.

    Args:
        out: Folder of the archive, on any store that Beam knows.
        bundle: A bundle's folder here, which is copied into the archive; None for the codec of
            photographs that ships with the package.
        shards: Number of tar files. The worker that writes one has its new records in memory: about
            10,000 pictures a shard are reasonable.
        quality: As for the codec's `compress`.
        **options: Its other arguments.

    Raises:
        BundleError: If the bundle is incomplete or damaged.
        ValueError: If an argument is out of its range, or `out` holds an archive with other
            settings.

    Example:
        >>> import apache_beam as beam                                       # doctest: +SKIP
        >>> from kerasae_export.beam import CompressPictures                 # doctest: +SKIP
        >>> with beam.Pipeline("FnApiRunner") as pipeline:                   # doctest: +SKIP
        ...     patterns = pipeline | beam.Create(["photos/**"])
        ...     patterns | CompressPictures("sent", shards=64) | beam.Map(print)
    """

    kind = "pictures"

    def __init__(
        self,
        out: str | os.PathLike[str],
        *,
        bundle: str | os.PathLike[str] | None = None,
        shards: int = 16,
        quality: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(out, bundle, shards)
        self.options = {"quality": quality, **options}
        blank = np.zeros((16, 16, _channels(self.codec)), np.uint8)
        self.codec.compress(blank, **self.options)  # raises what is wrong with them

    def settings(self) -> dict[str, Any]:  # noqa: D102
        return super().settings() | self.options

    def work(self, loader: _Loader) -> beam.DoFn:  # noqa: D102
        return _Compress(loader, self.options)


class EncodePictures(_Work):
    """The codes of the pictures that patterns of files match, for a search by likeness.

    As `CompressPictures`, with a `.npy` file of float32 for each shard. A picture is brought to the
    size that the bundle's models take, and its code is the rounded one of the best quality.
    `kerasae_export.files.read_codes` reads them all.

    Args:
        out: As for `CompressPictures`; both may write to one folder.
        bundle: A bundle's folder here, whose code is of values, not of indices.
        shards: As for `CompressPictures`.

    Raises:
        BundleError: If the bundle is incomplete or damaged.
        ValueError: If its code is of indices, or as for `CompressPictures`.
    """

    kind = "codes"

    def __init__(
        self, out: str | os.PathLike[str], *, bundle: str | os.PathLike[str], shards: int = 16
    ) -> None:
        super().__init__(out, bundle, shards)
        if isinstance(self.codec, PhotoCodec):
            raise ValueError("`bundle` must be the folder of a bundle. Received: None")
        if self.codec.manifest.codec.codebook:
            raise ValueError(
                "`bundle` must have a code of values, since indices have no distances. "
                f"Received: a codebook of {self.codec.manifest.codec.codebook}"
            )

    def work(self, loader: _Loader) -> beam.DoFn:  # noqa: D102
        return _Encode(loader)


class _Match(beam.DoFn):
    """The pictures that a pattern matches, by the shards that they belong to."""

    def __init__(self, shards: int) -> None:
        self.count = shards
        self.passed_over = Metrics.counter(METRICS, "passed_over")

    def process(self, pattern: str) -> Iterator[tuple[int, Picture]]:
        fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0]
        found = [one for matched in FileSystems.match([pattern]) for one in matched.metadata_list]
        if not found:
            raise ValueError(f"`patterns` must match files. Received: {pattern!r}")
        for one in found:
            name = one.path.removeprefix(fixed).lstrip("/")
            parts = name.split("/")
            if any(part.startswith(".") for part in parts) or not _is_picture(parts[-1]):
                self.passed_over.inc()
                continue
            stamp = (one.size_in_bytes, float(one.last_updated_in_seconds or 0))
            yield shard_of(name, self.count), Picture(name, one.path, stamp)


def _is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in IMAGE_SUFFIXES | UNREAD_SUFFIXES


class _Pending(beam.DoFn):
    """The pictures of a shard that its index does not have as they are now."""

    def __init__(self, shards: Shards) -> None:
        self.shards = shards
        self.unchanged = Metrics.counter(METRICS, "unchanged")

    def process(
        self, matched: tuple[int, Iterable[Picture]]
    ) -> Iterator[tuple[int, tuple[Picture, str | None]]]:
        shard, pictures = matched
        done = {entry.name: entry.source for entry in self.shards.index(shard).entries}
        paths: dict[str, str] = {}
        for picture in sorted(set(pictures), key=lambda one: (one.name, one.path)):
            first = paths.setdefault(picture.name, picture.path)
            if first != picture.path:
                yield shard, (picture, f"{first} has the same name in the archive")
            elif done.get(picture.name) == picture.stamp:
                self.unchanged.inc()
            else:
                yield shard, (picture, None)


def _channels(codec: AnyCodec) -> int:
    return 3 if isinstance(codec, PhotoCodec) else codec.manifest.codec.channels


class _EachPicture(beam.DoFn):
    """Makes a record of a picture, or says why not."""

    def __init__(self, loader: _Loader) -> None:
        self.loader = loader
        self.done = Metrics.counter(METRICS, "made")
        self.failed = Metrics.counter(METRICS, "failed")
        self.taken = Metrics.counter(METRICS, "bytes_read")
        self.given = Metrics.counter(METRICS, "bytes_made")

    def setup(self) -> None:
        self.codec: Any = self.loader()

    def process(self, todo: tuple[int, tuple[Picture, str | None]]) -> Iterator[tuple[int, Made]]:
        shard, (picture, problem) = todo
        made = self._made(picture, problem)
        if made.error is None:
            self.done.inc()
            self.taken.inc(picture.stamp[0])
            self.given.inc(len(made.content))
        else:
            self.failed.inc()
        yield shard, made

    def _made(self, picture: Picture, problem: str | None) -> Made:
        if problem is not None:
            return Made(picture, error=problem)
        try:
            kind = CompressionTypes.UNCOMPRESSED
            with closing(FileSystems.open(picture.path, compression_type=kind)) as file:
                content = file.read()
            image = image_of(content, _channels(self.codec), max_pixels=self.codec.max_pixels)
            return Made(picture, self.record(image), (image.shape[0], image.shape[1]))
        except MemoryError:
            raise  # a worker that is too small is no fault of the picture
        except Exception as error:  # noqa: BLE001 - one bad picture must not end a run of millions
            return Made(picture, error=str(error).rstrip(".") or type(error).__name__)

    def record(self, image: NDArray[np.uint8]) -> bytes:
        raise NotImplementedError


class _Compress(_EachPicture):
    def __init__(self, loader: _Loader, options: dict[str, Any]) -> None:
        super().__init__(loader)
        self.options = options

    def record(self, image: NDArray[np.uint8]) -> bytes:
        return self.codec.compress(image, **self.options)


class _Encode(_EachPicture):
    codec: Codec

    def record(self, image: NDArray[np.uint8]) -> bytes:
        spec = self.codec.manifest.codec
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        fitted = np.asarray(picture.resize(spec.tile[::-1], Image.Resampling.BICUBIC))
        symbols = self.codec.encode(fitted.reshape(*spec.tile, spec.channels))
        return (symbols * spec.qualities[-1].steps).astype("<f4").tobytes()


class _Write(beam.DoFn):
    def __init__(self, shards: Shards) -> None:
        self.shards = shards

    def process(self, group: tuple[int, Iterable[Made]]) -> Iterator[Summary]:
        shard, made = group
        yield self.shards.write(shard, list(made))


class _Loader:
    """Loads the codec, once for all threads of a worker process."""

    def __init__(self, place: str | None) -> None:
        self.place = place
        self.handle = Shared()

    def __call__(self) -> AnyCodec:
        return self.handle.acquire(self._load)

    def _load(self) -> AnyCodec:
        if self.place is None:
            return PhotoCodec.load()
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            manifest = _read(f"{self.place}/{MANIFEST}")
            (root / MANIFEST).write_bytes(manifest)
            for name in Manifest.from_json(manifest).files:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(_read(f"{self.place}/{name}"))
            return Codec.load(root)


def _send_bundle(bundle: str, place: str) -> None:
    """Copy the files of a bundle that its codec needs to where workers and readers find them."""
    _, files = read_files(bundle)
    files[MANIFEST] = (Path(bundle) / MANIFEST).read_bytes()  # last, as the sign of a whole copy
    if not FileSystems.exists(f"{place}/{MANIFEST}"):
        for name, content in files.items():
            with closing(_create(f"{place}/{name}")) as file:
                file.write(content)


def _create(path: str) -> BinaryIO:
    return FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)


def _read(path: str) -> bytes:
    with closing(FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)) as file:
        return file.read()
