"""The checks that need nothing but the bundle: operators and the golden sample."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage

from kerasae_export.errors import BundleError
from kerasae_export.format.manifest import GOLDEN, Manifest
from kerasae_export.runtime.codec import Codec
from kerasae_export.verification.outcome import Check, tolerance
from kerasae_export.verification.parts import Side

__all__ = [
    "Golden",
    "check_bitstream",
    "check_operators",
    "check_pixels",
    "check_symbols",
    "moved",
    "of_indices",
    "read_golden",
]


@dataclass(frozen=True)
class Golden:
    """The golden sample of a bundle.

    Attributes:
        image: uint8 (height, width, channels).
        reconstruction: Of the same shape.
        symbols: Integers (positions, channels of the code).
        bitstream: The `.kae` file.
    """

    image: NDArray[np.uint8]
    reconstruction: NDArray[np.uint8]
    symbols: NDArray[np.int64]
    bitstream: bytes

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.image.shape[0], self.image.shape[1]


def read_golden(files: Mapping[str, bytes], codec: Codec) -> Golden:
    """The golden sample of a bundle's files.

    Raises:
        BundleError: If it is missing, cannot be read, or does not fit the bundle.
    """
    try:
        image = _picture(files[GOLDEN["image"]])
        reconstruction = _picture(files[GOLDEN["reconstruction"]])
        bitstream = files[GOLDEN["bitstream"]]
        content = json.loads(files[GOLDEN["symbols"]])
        symbols = np.array(content["symbols"]).reshape(content["shape"])
    except Exception as error:  # noqa: BLE001 - a damaged picture makes Pillow raise anything
        why = f"{type(error).__name__}: {error}"
        raise BundleError(f"The golden sample cannot be read: {why}.") from None
    if (
        image.dtype != np.uint8
        or reconstruction.dtype != np.uint8
        or image.shape != reconstruction.shape
        or image.shape[2:] != (codec.manifest.codec.channels,)
        or symbols.dtype.kind != "i"
        or symbols.shape != codec.encode(image).shape
    ):
        raise BundleError("The golden sample does not fit the bundle: its shapes or types differ.")
    return Golden(image, reconstruction, symbols, bitstream)


def check_operators(side: Side, manifest: Manifest) -> Check:
    """Whether LiteRT alone can run the model and, in int8, every operator is in integers.

    Floats are no fault where the export allowed them.
    """
    used = sorted({operator.name for operator in side.graph.operators})
    foreign = side.graph.foreign
    only = f"not built in: {', '.join(foreign)}" if foreign else "built-in ones only"
    floats: list[str] = []
    if manifest.scheme in ("int8", "mixed"):
        operators = side.graph.float_operators
        floats = [f"{o.name} of {o.layer!r}" if o.layer else o.name for o in operators]
        only += f"; in float32: {', '.join(dict.fromkeys(floats))}" if floats else "; in integers"
    allowed = manifest.scheme == "mixed" or manifest.facts.get("allow_float") is True
    passed = not foreign and (allowed or not floats)
    return Check(f"{side.name} operators", passed, f"{', '.join(used)}; {only}.")


def moved(symbols: NDArray[Any], expected: NDArray[Any]) -> tuple[float, int]:
    """The share of symbols that differ, and by how much at most."""
    differs = np.abs(symbols - expected)
    return float((differs > 0).mean()), int(differs.max())


def check_symbols(name: str, share: float, largest: int, *, indices: bool = False) -> Check:
    """Check symbols: another kernel may move one by a single step, or an index to any other."""
    most, distance = tolerance("symbols_moved"), int(tolerance("symbol_distance"))
    if indices:
        return Check(name, share <= most, f"{share:.2%} of them differ; {most:.0%} may.")
    detail = f"{share:.2%} of them differ, by up to {largest}; {most:.0%} may, by {distance}."
    return Check(name, largest <= distance and share <= most, detail)


def of_indices(manifest: Manifest) -> bool:
    """Whether the code holds indices, between which there is no distance."""
    return manifest.encoder.output.dtype == "int32"


def check_bitstream(codec: Codec, golden: Golden) -> Check:
    """Check the bitstream: it is exact on every machine, like the symbols that it holds."""
    name, stored = "golden bitstream", golden.bitstream
    try:
        read = codec.unpack(stored)
        again = codec.unpack(codec.pack(golden.symbols, *golden.size))
    except ValueError as error:
        return Check(name, False, str(error))
    same = all(
        found[1:3] == golden.size and np.array_equal(found[0], golden.symbols)
        for found in (read, again)
    )
    detail = f"{len(stored)} bytes {'give' if same else 'do not give'} the golden symbols."
    return Check(name, same, detail)


def check_pixels(name: str, codec: Codec, golden: Golden) -> Check:
    """Whether the golden symbols decode to the golden reconstruction."""
    limit = codec.manifest.pixel_tolerance
    try:
        pixels = codec.decode(golden.symbols, *golden.size)
    except ValueError as error:
        return Check(name, False, str(error))
    worst = int(np.abs(pixels.astype(int) - golden.reconstruction).max())
    return Check(name, worst <= limit, f"pixels differ by up to {worst}; {limit} levels may.")


def _picture(content: bytes) -> NDArray[Any]:
    picture = np.asarray(PILImage.open(io.BytesIO(content)))
    return picture[..., None] if picture.ndim == 2 else picture
