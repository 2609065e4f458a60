"""The codec part of a manifest: everything that the meaning of a bitstream depends on."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BundleError
from kerasae_export.format.entropy import TABLE_BITS, Table, Tables
from kerasae_export.format.validation import MANIFEST, Fields

__all__ = [
    "MAX_QUALITIES",
    "MAX_SIDE",
    "MAX_VALUES",
    "CodecSpec",
    "Quality",
    "read_spec",
    "steps_of",
]

MAX_SIDE = 8192
MAX_VALUES = 2**24  # of an image or a code that a model takes at once

_MANTISSA_BITS = 24  # a float32 holds every step exactly
_MAX_CODEBOOK = 2**24
MAX_QUALITIES = 64
_MAX_CLASSES = 64
_MAX_TABLES = 2**16
_LAYOUTS = ("grid", "blocks")


@dataclass(frozen=True)
class Quality:
    """How finely a code is rounded, and how its symbols are coded.

    Attributes:
        step_mantissas: For each channel of the code, its step is mantissa * 2**exponent.
        step_exponent: See `step_mantissas`.
        classes: Number of classes of content, each with tables of its own; 1 for blocks.
        tables: For each class, for each channel of the code, its entropy table.
    """

    step_mantissas: tuple[int, ...]
    step_exponent: int
    classes: int
    tables: tuple[Table, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of a quality."""
        return {
            "classes": self.classes,
            "step": {"exponent": self.step_exponent, "mantissas": list(self.step_mantissas)},
            "tables": [
                {"frequencies": list(t.frequencies), "offset": t.offset} for t in self.tables
            ],
        }

    @property
    def steps(self) -> NDArray[np.float64]:
        """The step of each channel of the code."""
        return np.ldexp(np.array(self.step_mantissas, float), self.step_exponent)

    @cached_property
    def coder(self) -> Tables:
        """The entropy coder with this quality's tables."""
        return Tables(self.tables, len(self.step_mantissas))


@dataclass(frozen=True)
class CodecSpec:
    """What the meaning of a bitstream depends on; integers and strings only.

    Attributes:
        channels: Colour channels of an image, 1 or 3.
        tile: Height and width in pixels that the models take.
        layout: `"grid"` or `"blocks"`, see `kerasae_export.format.tiling`.
        stride: Side of a cell of a grid in pixels; 1 for blocks.
        margin: Cells at the edge of a tile that depend on its surroundings; 0 for blocks.
        code_shape: Shape of the code of one tile, channels last; indices have one channel for each
            index of a position.
        codebook: Size of the codebook for a code of indices; 0 for a code of values.
        group: Side in cells of the squares that share a class; 1 for blocks.
        qualities: From the coarsest, quality 1, to the finest; one for indices.
    """

    channels: int
    tile: tuple[int, int]
    layout: str
    stride: int
    margin: int
    code_shape: tuple[int, ...]
    codebook: int
    group: int
    qualities: tuple[Quality, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the manifest's codec part."""
        return {
            "channels": self.channels,
            "code_shape": list(self.code_shape),
            "codebook": self.codebook,
            "group": self.group,
            "layout": self.layout,
            "margin": self.margin,
            "qualities": [quality.to_dict() for quality in self.qualities],
            "stride": self.stride,
            "table_bits": TABLE_BITS,
            "tile": list(self.tile),
        }

    @property
    def code_edge(self) -> tuple[int, ...]:
        """Shape of the code at the edges of the models, batch of 1 first."""
        single = self.codebook and self.code_shape[-1] == 1
        return (1, *(self.code_shape[:-1] if single else self.code_shape))

    @property
    def best(self) -> Quality:
        """The finest quality, which is the default."""
        return self.qualities[-1]

    def hash(self, decoder: bytes) -> bytes:
        """SHA-256 over the SHA-256 of the decoder's file and the canonical JSON of this part."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(hashlib.sha256(decoder).digest() + canonical.encode()).digest()


def steps_of(values: NDArray[Any]) -> tuple[tuple[int, ...], int]:
    """Round positive steps to 24-bit mantissas with one exponent.

    Returns:
        The mantissas, each at least 1, and the exponent.
    """
    values = np.asarray(values, float)
    exponent = math.frexp(float(values.max()))[1] - _MANTISSA_BITS
    mantissas = np.maximum(1, np.floor(np.ldexp(values, -exponent))).astype(int)
    return tuple(mantissas.tolist()), exponent


def read_spec(fields: Fields) -> CodecSpec:
    """Check the codec part of a manifest.

    Raises:
        BundleError: If a field breaks its rule, is missing, or is not known.
    """
    fields.only("channels code_shape codebook group layout margin qualities stride table_bits tile")
    channels = fields.integer("channels", 1, 3)
    if channels == 2:
        raise fields.error("channels", "1 or 3", channels)
    if fields.integer("table_bits", 0, 32) != TABLE_BITS:
        raise fields.error("table_bits", str(TABLE_BITS), fields.content["table_bits"])
    tile = fields.integers("tile", 1, MAX_SIDE, length=2)
    code_shape = fields.integers("code_shape", 1, MAX_VALUES)
    if not 1 <= len(code_shape) <= 4 or math.prod(code_shape) > MAX_VALUES:
        raise fields.error("code_shape", "1 to 4 sizes of at most 2**24 values", list(code_shape))
    codebook = fields.integer("codebook", 0, _MAX_CODEBOOK)
    layout = fields.choice("layout", _LAYOUTS)
    stride = fields.integer("stride", 1, MAX_SIDE)
    margin = fields.integer("margin", 0, MAX_SIDE)
    group = fields.integer("group", 1, MAX_SIDE)
    if layout == "grid" and (
        len(code_shape) != 3
        or tile != (code_shape[0] * stride, code_shape[1] * stride)
        or min(code_shape[:2]) <= 2 * margin
    ):
        raise fields.error(
            "layout", "`grid` only where `tile`, `code_shape`, `stride` and `margin` agree", layout
        )
    if layout == "blocks" and (stride, margin, group) != (1, 0, 1):
        rule = "`blocks` only with a `margin` of 0 and a `stride` and `group` of 1"
        raise fields.error("layout", rule, layout)
    return CodecSpec(
        channels=channels,
        tile=(tile[0], tile[1]),
        layout=layout,
        stride=stride,
        margin=margin,
        code_shape=code_shape,
        codebook=codebook,
        group=group,
        qualities=_qualities(fields, code_shape[-1], layout, codebook),
    )


def _qualities(fields: Fields, channels: int, layout: str, codebook: int) -> tuple[Quality, ...]:
    items = fields.items("qualities", 1, MAX_QUALITIES)
    if codebook and len(items) > 1:
        raise fields.error("qualities", "a list of 1 where there is a codebook", len(items))
    qualities = tuple(
        _quality(Fields(item, f"{fields.path}qualities[{i}]."), channels, layout)
        for i, item in enumerate(items)
    )
    ones = (1,) * channels
    if codebook and (qualities[0].step_mantissas, qualities[0].step_exponent) != (ones, 0):
        raise fields.error("qualities", "of a step of 1 where there is a codebook", items[0])
    if sum(len(quality.tables) for quality in qualities) > _MAX_TABLES:
        raise fields.error("qualities", f"of at most {_MAX_TABLES} tables", len(items))
    return qualities


def _quality(fields: Fields, channels: int, layout: str) -> Quality:
    fields.only("classes step tables")
    classes = fields.integer("classes", 1, _MAX_CLASSES if layout == "grid" else 1)
    if classes * channels > _MAX_TABLES:
        raise fields.error("classes", f"such that there are at most {_MAX_TABLES} tables", classes)
    step = fields.object("step")
    step.only("exponent mantissas")
    tables = []
    for i, item in enumerate(fields.items("tables", classes * channels, classes * channels)):
        entry = Fields(item, f"{fields.path}tables[{i}].")
        entry.only("frequencies offset")
        offset = entry.integer("offset", -(2**30), 2**30)
        frequencies = entry.integers("frequencies", 1, 2**TABLE_BITS)
        try:
            tables.append(Table(offset, frequencies))
        except ValueError as error:
            raise BundleError(f"{MANIFEST}: `{entry.path[:-1]}` is off: {error}") from None
    return Quality(
        step_mantissas=step.integers("mantissas", 1, 2**_MANTISSA_BITS - 1, length=channels),
        step_exponent=step.integer("exponent", -149, 104),
        classes=classes,
        tables=tuple(tables),
    )
