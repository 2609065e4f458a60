"""What version 2 of the format knows without a model: the family of its integer tables.

FORMAT.md specifies the file. Its SHA-256 names the family: bitstreams carry the first two
bytes, and every decoder of the family reads them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BundleError
from kerasae_export.format.entropy import Table, Tables
from kerasae_export.format.rans import TABLE_BITS, TOTAL, Slots
from kerasae_export.format.validation import Fields, parse_json

__all__ = [
    "BUCKETS",
    "CELL",
    "CHANNELS",
    "CONTEXTS",
    "FIXED_POINT",
    "INVERSE_UNIT",
    "MAX_FAMILY_BYTES",
    "QUALITIES",
    "STEP_UNIT",
    "Family",
    "bucket",
    "integer_inverse",
]

CELL = 16
"""Pixels along each side of a cell."""

PLANES = 3
CHANNELS = PLANES * CELL * CELL
QUALITIES = 100
FIXED_POINT = 1 << 14
"""Matrices are stored as integers, in this fraction of one."""

INVERSE_UNIT = 1 << 16
"""The encoder takes the inverses of the matrices as integers, in this fraction of one."""

STEP_UNIT = 64
"""Steps are stored as integers, in this fraction of a level of 255."""

REBUILD_UNIT = 256
"""Offsets of rebuilt symbols are stored as integers, in this fraction of a step."""

CONTEXTS = 10
"""Number of contexts that what is decoded already may give."""

BUCKETS = 8
"""Magnitudes of symbols that the encoder's choice of classes tells apart."""

MAX_FAMILY_BYTES = 2**22
_MAX_GAIN = 2.0**11  # of an encoder, so that coefficients fit in 32 bits
_NEAREST_HALF = 2.0**-20
_FILE = "family.json"
_MAX_CLASSES = _MAX_LEVELS = _MAX_TABLES = 64
_NAMES = (
    "format format_version colour block overlap steps classes levels costs tables groups "
    "neighbours bands class_frequencies"
)


def bucket(magnitudes: NDArray[Any]) -> NDArray[np.int64]:
    """Which of the magnitudes 0, 1, 2, 3-4, 5-8, 9-16, 17-32, 33 and more a symbol has.

    Example:
        >>> import numpy as np
        >>> bucket(np.array([0, 1, 2, 4, 5, 100])).tolist()
        [0, 1, 2, 3, 4, 7]
    """
    return np.searchsorted(np.array([0, 1, 2, 4, 8, 16, 32]), magnitudes, "left")


def integer_inverse(matrix: NDArray[Any]) -> NDArray[np.float64]:
    """The inverse of a matrix in `INVERSE_UNIT`ths, rounded to integers.

    Example:
        >>> import numpy as np
        >>> integer_inverse(np.array([[2.0, 0.0], [0.0, 3.0]])).tolist()
        [[32768.0, 0.0], [0.0, 21845.0]]
    """
    return np.floor(np.linalg.inv(matrix) * INVERSE_UNIT + 0.5)


@dataclass(frozen=True, eq=False)
class Family:
    """The content of `family.json`; see FORMAT.md, section 9.

    Attributes:
        content: The bytes of the file.
        colour: float64 (3, 3); red, green and blue of the three planes.
        block: float64 (16, 16); samples of the coefficients of a block.
        overlap: float64 (16, 16); applied across each boundary of two blocks.
        steps: The step of each quality, in levels of 255.
        classes: uint8 (classes, 768); the level of each channel, 0 if it is not coded.
        levels: uint8 (levels + 1, 10); the table of each level in each context.
        costs: int64 (levels + 1, 8); what the encoder's choice reckons with.
        tables: The tables.
        rebuild: float64 (tables, 2); added to magnitude 1, and to larger ones, when rebuilt.
        groups: int64 (classes,); what a class tells of its neighbours.
        neighbours: Number of groups.
        bands: Number of ranges of qualities with class tables of their own.
        class_frequencies: int64 (bands * (neighbours + 1)**2, classes); each row sums to 4096.
    """

    content: bytes
    colour: NDArray[np.float64]
    block: NDArray[np.float64]
    overlap: NDArray[np.float64]
    steps: tuple[float, ...]
    classes: NDArray[np.uint8]
    levels: NDArray[np.uint8]
    costs: NDArray[np.int64]
    tables: tuple[Table, ...]
    rebuild: NDArray[np.float64]
    groups: NDArray[np.int64]
    neighbours: int
    bands: int
    class_frequencies: NDArray[np.int64]

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the file."""
        return hashlib.sha256(self.content).digest()

    @cached_property
    def coder(self) -> Tables:
        """The tables as the entropy coder takes them."""
        return Tables(self.tables)

    @cached_property
    def class_intervals(self) -> NDArray[np.uint32]:
        """What the coder takes for each class in each class table, of their shape."""
        frequency = self.class_frequencies
        return (frequency << TABLE_BITS | np.cumsum(frequency, 1) - frequency).astype(np.uint32)

    @cached_property
    def class_slots(self) -> Slots:
        """Which class owns which slot of each class table."""
        rows, classes = self.class_frequencies.shape
        return Slots(self.class_frequencies.ravel(), np.tile(np.arange(classes), rows))

    def with_classes(self, classes: NDArray[np.uint8]) -> Family:
        """The family with other levels of its classes; not one to write files with."""
        return replace(self, classes=classes)

    def band(self, quality: int) -> int:
        """The range of qualities in which one lies."""
        return (quality - 1) * self.bands // QUALITIES

    @classmethod
    def from_json(cls, content: bytes) -> Family:
        """Read and check `family.json`.

        Raises:
            BundleError: If a field is missing, unknown or out of its bounds.
        """
        if len(content) > MAX_FAMILY_BYTES:
            raise BundleError(f"{_FILE} is larger than the {MAX_FAMILY_BYTES} bytes allowed.")
        try:
            fields = Fields(parse_json(content), "", _FILE)
        except (ValueError, RecursionError) as error:
            if isinstance(error, BundleError):
                raise
            raise BundleError(f"{_FILE} is not JSON as it must be: {error}.") from None
        fields.only(_NAMES)
        fields.choice("format", ["kerasae-family"])
        fields.integer("format_version", 2, 2)
        steps = fields.integers("steps", 1, 2**20, QUALITIES)
        if any(a <= b for a, b in pairwise(steps)):
            raise fields.error("steps", "falling", steps)
        classes = _bytes(fields, "classes", CHANNELS)
        levels = _bytes(fields, "levels", CONTEXTS)
        costs = fields.integers("costs", 0, 2**13, len(levels) * BUCKETS)
        tables, rebuild = _tables(fields)
        dc = classes[:, :: CELL * CELL]
        if not 1 <= len(classes) <= _MAX_CLASSES or classes.max() >= len(levels) or not dc.all():
            raise fields.error(
                "classes", "1 to 64 rows of levels, not 0 for lowest coefficients", classes.shape
            )
        if not 2 <= len(levels) <= _MAX_LEVELS + 1 or levels.max() >= len(tables):
            raise fields.error("levels", "2 to 65 rows of tables", levels.shape)
        neighbours = fields.integer("neighbours", 1, 64)
        bands = fields.integer("bands", 1, QUALITIES)
        groups = fields.integers("groups", 0, neighbours - 1, len(classes))
        rows = bands * (neighbours + 1) ** 2
        if rows > 2**14:
            raise fields.error("bands", "at most 16384 class tables in all", rows)
        frequencies = _bytes(fields, "class_frequencies", 2 * len(classes)).view("<u2")
        frequencies = frequencies.astype(np.int64)
        bad = frequencies.shape[0] != rows or frequencies.min() < 1
        if bad or (frequencies.sum(1) != TOTAL).any():
            raise fields.error(
                "class_frequencies", f"{rows} rows of positive numbers of sum 4096", "other"
            )

        colour, block, overlap = _matrices(fields)
        return cls(
            content,
            colour,
            block,
            overlap,
            tuple(step / STEP_UNIT for step in steps),
            classes,
            levels,
            np.reshape(costs, (-1, BUCKETS)),
            tables,
            rebuild,
            np.array(groups),
            neighbours,
            bands,
            frequencies,
        )

    @staticmethod
    def to_json(
        *,
        colour: NDArray[Any],
        block: NDArray[Any],
        overlap: NDArray[Any],
        steps: NDArray[Any],
        classes: NDArray[Any],
        levels: NDArray[Any],
        costs: NDArray[Any],
        tables: list[Table],
        rebuild: NDArray[Any],
        groups: NDArray[Any],
        neighbours: int,
        bands: int,
        class_frequencies: NDArray[Any],
    ) -> bytes:
        """The bytes of `family.json` of a family; arguments as the attributes, steps in levels."""

        def fixed(values: NDArray[Any], unit: int) -> list[int]:
            return np.floor(np.asarray(values, float) * unit + 0.5).astype(int).ravel().tolist()

        def packed(values: NDArray[Any], dtype: str) -> str:
            return base64.b64encode(np.ascontiguousarray(values, dtype).tobytes()).decode()

        content = {
            "format": "kerasae-family",
            "format_version": 2,
            "colour": fixed(colour, FIXED_POINT),
            "block": fixed(block, FIXED_POINT),
            "overlap": fixed(overlap, FIXED_POINT),
            "steps": fixed(steps, STEP_UNIT),
            "classes": packed(classes, "u1"),
            "levels": packed(levels, "u1"),
            "costs": np.asarray(costs).ravel().tolist(),
            "tables": [
                {
                    "offset": table.offset,
                    "frequencies": list(table.frequencies),
                    "rebuild": fixed(offsets, REBUILD_UNIT),
                }
                for table, offsets in zip(tables, rebuild, strict=True)
            ],
            "groups": np.asarray(groups).tolist(),
            "neighbours": neighbours,
            "bands": bands,
            "class_frequencies": packed(class_frequencies, "<u2"),
        }
        return (json.dumps(content, separators=(",", ":")) + "\n").encode("ascii")


def _bytes(fields: Fields, name: str, width: int) -> NDArray[np.uint8]:
    """Rows of bytes, written in base64."""
    try:
        raw = base64.b64decode(fields.text(name), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw or len(raw) % width:
        raise fields.error(name, f"base64 of rows of {width} bytes", fields.text(name))
    return np.frombuffer(raw, np.uint8).reshape(-1, width)


def _matrices(fields: Fields) -> list[NDArray[np.float64]]:
    """Colour, block and overlap."""
    matrices = []
    for name, size in (("colour", PLANES), ("block", CELL), ("overlap", CELL)):
        values = fields.integers(name, -(2**17), 2**17, size * size)
        matrices.append(np.reshape(values, (size, size)) / FIXED_POINT)
    if not _invertible(*matrices):
        raise fields.error("block", "invertible, as are `colour` and `overlap`", "other")
    return matrices


def _invertible(
    colour: NDArray[np.float64], block: NDArray[np.float64], overlap: NDArray[np.float64]
) -> bool:
    """Whether an encoder's integers are certain, and its coefficients fit in 32 bits."""
    gains = []
    for matrix in (colour, block, overlap):
        try:
            inverse = np.linalg.inv(matrix)
        except np.linalg.LinAlgError:
            return False
        scaled = inverse * INVERSE_UNIT
        # Not below is not above: what is not a number fails too.
        if not np.abs(scaled - np.floor(scaled) - 0.5).min() >= _NEAREST_HALF:
            return False
        gains.append(float(np.abs(inverse).sum(1).max()))
    return bool(gains[0] * (gains[1] * max(1.0, gains[2])) ** 2 <= _MAX_GAIN)


def _tables(fields: Fields) -> tuple[tuple[Table, ...], NDArray[np.float64]]:
    tables, rebuild = [], []
    for i, item in enumerate(fields.items("tables", 1, _MAX_TABLES)):
        entry = Fields(item, f"tables[{i}].", _FILE)
        entry.only("offset frequencies rebuild")
        offset = entry.integer("offset", 1 - 2**15, 2**15 - 1)
        frequencies = entry.integers("frequencies", 1, TOTAL)
        try:
            table = Table(offset, frequencies)
        except ValueError as error:
            raise BundleError(f"{_FILE}: `tables[{i}]` is off: {error}") from None
        if offset + len(frequencies) - 2 >= 2**15:
            raise entry.error("offset", "such that symbols fit in 16 bits", offset)
        tables.append(table)
        rebuild.append(entry.integers("rebuild", -REBUILD_UNIT, REBUILD_UNIT, 2))
    return tuple(tables), np.array(rebuild) / REBUILD_UNIT
