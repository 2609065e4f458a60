"""The codec: a bundle's TF Lite models, tiling and entropy coder in one object.

Needs numpy and ai-edge-litert only; neither Keras nor TensorFlow.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, overload

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BundleError
from kerasae_export.format import bitstream
from kerasae_export.format.labels import check_label
from kerasae_export.format.limits import MAX_IMAGES, MAX_PIXELS, Limits
from kerasae_export.format.manifest import MANIFEST, Manifest
from kerasae_export.format.payload import check_indices
from kerasae_export.format.received import Data
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.runtime.batches import BatchModel, batch_models
from kerasae_export.runtime.blocks import Coded, encoded_blocks
from kerasae_export.runtime.bundle_files import read_files
from kerasae_export.runtime.checks import (
    check_bytes,
    check_count,
    check_image,
    check_one_by_one,
    check_quality,
    check_symbols,
)
from kerasae_export.runtime.engines import Model, check_engine, open_engine
from kerasae_export.runtime.labelled import LabelledPair, labelled_models
from kerasae_export.runtime.symbols import SymbolCodec
from kerasae_export.runtime.tiled import TiledModels

__all__ = ["Codec", "Coded"]

Image = NDArray[np.uint8]


class Codec(SymbolCodec):
    """Compresses images to bytes and back with the models of a bundle.

    A bundle may offer several qualities, from 1, the smallest files, to `qualities`, the best
    images and the default. Threads may share a codec, but each run of a model waits for the one
    before it: to use several cores, make several codecs.

    Use `Codec.load` to make one.

    Where a bundle has `class_names`, its models may be told a class: `label`, its name or number.
    Told what the image shows, the encoder needs to say less; told another class, the decoder shows
    that one. A file does not hold the label, and opens with any or none.

    Attributes:
        manifest: The content of the bundle's `manifest.json`.
        max_pixels: Most pixels of an image.
        layout: How images are cut into tiles, cells and groups.

    Example:
        >>> from kerasae_export import Codec
        >>> codec = Codec.load("bundle")            # doctest: +SKIP
        >>> data = codec.compress(image)            # doctest: +SKIP
        >>> image = codec.decompress(data)          # doctest: +SKIP
    """

    def __init__(
        self,
        manifest: Manifest,
        encoder: Model,
        decoder: Model,
        *,
        max_pixels: int = MAX_PIXELS,
        max_images: int = MAX_IMAGES,
        max_expansion: int = 1,
        batches: tuple[BatchModel, BatchModel] | None = None,
        labelled: LabelledPair | None = None,
    ) -> None:
        super().__init__(
            manifest, max_pixels=max_pixels, max_images=max_images, max_expansion=max_expansion
        )
        self._models = TiledModels(manifest, self.layout, encoder, decoder, batches)
        self._labelled = labelled

    @overload
    @classmethod
    def load(
        cls,
        folder: None = None,
        *,
        threads: int = 1,
        max_pixels: int = MAX_PIXELS,
        max_images: int = MAX_IMAGES,
        max_expansion: int = 1,
        engine: str = "litert",
    ) -> PhotoCodec: ...

    @overload
    @classmethod
    def load(
        cls,
        folder: str | os.PathLike[str],
        *,
        threads: int = 1,
        max_pixels: int = MAX_PIXELS,
        max_images: int = MAX_IMAGES,
        max_expansion: int = 1,
        engine: str = "litert",
    ) -> Codec: ...

    @classmethod
    def load(
        cls,
        folder: str | os.PathLike[str] | None = None,
        *,
        threads: int = 1,
        max_pixels: int = MAX_PIXELS,
        max_images: int = MAX_IMAGES,
        max_expansion: int = 1,
        engine: str = "litert",
    ) -> Codec | PhotoCodec:
        """Load a bundle; every hash is checked before a model is loaded.

        Args:
            folder: The folder that `export_bundle` wrote; None for the codec of photographs that
                ships with the package.
            threads: Threads that the models may use, or that a photograph is compressed by.
            max_pixels: Most pixels of an image to compress or decompress, and of all images of a
                stream.
            max_images: Most images of a stream to decompress.
            max_expansion: How many times the images, pixels and runs of the decoder that
                FORMAT.md allows for each byte received a bitstream may ask for. Blank images
                take so few bytes that many of them need more than 1.
            engine: `"litert"`; or `"onnx"`, for the ONNX files of a bundle that was exported with
                `also="onnx"`, which the package `onnxruntime` runs. Both read and write the same
                files: symbols are exact, pixels are as near as the manifest's `onnx` says. What an
                encoder in float32 makes of an image can be other symbols than that of the scheme
                makes. The codec of photographs needs neither.

        Returns:
            The codec. `manifest` then has the edges of the models that run.

        Raises:
            BundleError: If the bundle is incomplete, damaged or inconsistent, or lacks what the
                engine needs, or that is not installed.
            ValueError: If `threads` or a limit is not a positive integer, or the engine unknown.

        Example:
            >>> from kerasae_export import Codec
            >>> codec = Codec.load("bundle", threads=2)                     # doctest: +SKIP
        """
        threads = check_count("threads", threads)
        Limits(max_pixels, max_images, max_expansion)
        engine = check_engine(engine)
        if folder is None:
            return PhotoCodec.load(
                max_pixels=max_pixels, max_expansion=max_expansion, threads=threads
            )
        manifest, files = read_files(folder)
        decoder_bytes = files[manifest.decoder.file]
        if manifest.codec.hash(decoder_bytes).hex() != manifest.bundle_hash:
            raise BundleError(
                f"{MANIFEST}: `bundle_hash` does not match the decoder and the codec part."
            )
        manifest, encoder, decoder = open_engine(manifest, files, engine, threads=threads)
        batches = labelled = None
        if engine == "litert":
            batches = batch_models(manifest, files, (encoder, decoder), threads=threads)
            labelled = labelled_models(manifest, files, threads=threads)
        return cls(
            manifest,
            encoder,
            decoder,
            max_pixels=max_pixels,
            max_images=max_images,
            max_expansion=max_expansion,
            batches=batches,
            labelled=labelled,
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes that the models may be told; none for most bundles."""
        return () if self.manifest.labels is None else self.manifest.labels.names

    def compress(
        self,
        image: NDArray[Any],
        *,
        quality: int | None = None,
        label: str | int | None = None,
    ) -> bytes:
        """Compress one image to a `.kae` file.

        Args:
            image: uint8 of shape (height, width, channels) with the channels of the bundle;
                (height, width) is accepted for a grey one.
            quality: 1 (the smallest file) to `qualities` (the best image), which is the default.
            label: What the image shows: one of `class_names`, or its number; by default nothing
                is told.

        Returns:
            The bytes of the file.

        Raises:
            ValueError: If the image has another shape or dtype or more than `max_pixels` pixels, or
                there is no such quality or class.
        """
        models = self._models_at(label)
        image = check_image(image, self.layout, self._limits)
        symbols = models.encode(image, check_quality(quality, self.qualities))
        return self.pack(symbols, image.shape[0], image.shape[1], quality=quality)

    def decompress(self, data: Data, *, label: str | int | None = None) -> Image:
        """Rebuild the image of a `.kae` file.

        Args:
            data: The bytes of the file, made with the same bundle.
            label: What the result is to show, as for `compress`; by default nothing is told.

        Returns:
            uint8 of shape (height, width, channels).

        Raises:
            BitstreamError: If the bytes are damaged, of another bundle or another version, claim
                more than `max_pixels` pixels, or far more work than so few bytes are worth; see
                its subclasses.
            ValueError: If there is no such class.
        """
        return self.decode(*self.unpack(data), label=label)

    def compress_many(
        self,
        images: Iterable[NDArray[Any]],
        *,
        quality: int | None = None,
        label: str | int | None = None,
    ) -> bytes:
        """Compress images to one stream, far smaller than as many files where images are small.

        Args:
            images: As for `compress`; their sizes may differ.
            quality: As for `compress`; the same for all images.
            label: As for `compress`; the same for all images.

        Returns:
            The bytes of the stream.

        Raises:
            ValueError: As for `compress`.
        """
        images = check_one_by_one(images, self.layout)
        quality = check_quality(quality, self.qualities)
        encode = self._models_at(label).encode_many
        blocks = encoded_blocks(images, self.layout, self._limits, encode, quality)
        return bitstream.write_stream(blocks, self._hash, qualities=self.qualities)

    def decompress_many(self, data: Data, *, label: str | int | None = None) -> list[Image]:
        """Rebuild the images of a stream, in order.

        Args:
            data: The bytes of the stream, made with the same bundle.
            label: As for `decompress`; the same for all images.

        Returns:
            The images, each uint8 of shape (height, width, channels).

        Raises:
            BitstreamError: As for `decompress`; `max_pixels` limits all images together.
        """
        images: list[Image] = []
        for block in bitstream.read_stream(check_bytes(data), self._hash, **self._allowed(data)):
            images.extend(self._rebuilt([*self._coded(block)], label))
        return images

    def iter_decompress(
        self, source: bytes | BinaryIO, *, label: str | int | None = None
    ) -> Iterator[Image]:
        """Rebuild the images of a stream one by one as it arrives, or that of a `.kae` file.

        No more is read than the next block takes, and no more is kept than a block: at most 256
        images of one size, of which each is decoded when it is asked for, or where the bundle has
        models for several images, so many at once.

        Args:
            source: The bytes, or what they are read from: a file, a pipe, or anything else with
                `read(n)` that gives bytes, and none at the end. It is not closed.
            label: As for `decompress`; the same for all images.

        Yields:
            Each image, uint8 of shape (height, width, channels).

        Raises:
            BitstreamError: As for `decompress_many`, when the damaged block is reached.
            ValueError: If `source` is something else.

        Example:
            >>> with open("many.kae", "rb") as file:                        # doctest: +SKIP
            ...     for image in codec.iter_decompress(file):
            ...         show(image)
        """
        coded = self.iter_unpack(source)
        while few := list(itertools.islice(coded, self._models_at(label).batch)):
            yield from self._rebuilt(few, label)

    def _rebuilt(self, coded: Sequence[Coded], label: str | int | None) -> Iterator[Image]:
        models = self._models_at(label)
        if models.batch == 1:
            return (self.decode(*one, label=label) for one in coded)
        return models.decode_many(coded)

    def _models_at(self, label: str | int | None) -> TiledModels:
        """The models that are told this label; with ONNX Runtime there are none."""
        known = check_label(label, self.class_names)
        if known is None:
            return self._models
        if self._labelled is None:
            raise ValueError(
                "`label` must be left out with `engine` 'onnx', whose files take none. "
                f"Received: label={label!r}"
            )
        return self._labelled.tiled(known, self.manifest, self.layout)

    def encode(
        self, image: Image, *, quality: int | None = None, label: str | int | None = None
    ) -> NDArray[np.int64]:
        """Compute the symbols of an image by running the encoder tile by tile.

        Args:
            image: As for `compress`.
            quality: As for `compress`; its step sizes quantise the code.
            label: As for `compress`.

        Returns:
            int64 of shape (positions, channels of the code). A symbol is a value of the code as
            a multiple of the step size, or an index into the codebook; positions go row by row.

        Raises:
            ValueError: As for `compress`.
        """
        models = self._models_at(label)
        picture = check_image(image, self.layout, self._limits)
        return models.encode(picture, check_quality(quality, self.qualities))

    def decode(
        self,
        symbols: NDArray[Any],
        height: int,
        width: int,
        quality: int | None = None,
        *,
        label: str | int | None = None,
    ) -> Image:
        """Rebuild an image from its symbols by running the decoder tile by tile.

        Args:
            symbols: Integers of shape (positions, channels of the code), as `encode` gave them for
                an image of this size.
            height: Of the image, in pixels.
            width: Of the image, in pixels.
            quality: The quality given to `encode`.
            label: As for `decompress`; it may be another than that given to `encode`.

        Returns:
            uint8 of shape (height, width, channels).

        Raises:
            ValueError: If the symbols are not those of such an image, a symbol is not an index into
                the codebook, or there is no such quality or class.
        """
        models = self._models_at(label)
        quality = check_quality(quality, self.qualities)
        symbols, height, width = check_symbols(symbols, self.layout, height, width)
        check_indices(self.manifest.codec, symbols, ValueError)
        return models.decode(symbols, height, width, quality)

    def at_once(
        self, images: Sequence[Image], symbols: NDArray[Any]
    ) -> tuple[list[NDArray[np.int64]], list[Image]]:
        """Run the models for several tiles at once, whether or not they are the faster ones here.

        Args:
            images: Of one size, checked.
            symbols: Of an image of that size, which are decoded once for each of them.

        Returns:
            The symbols of each image and the image of each symbols, in the best quality; what is
            left over of a batch runs one by one.
        """
        height, width = images[0].shape[:2]
        coded = [(symbols, height, width, self.qualities)] * len(images)
        with self._models.at_once():
            return (
                [*self._models.encode_many(images, self.qualities)],
                [*self._models.decode_many(coded)],
            )
