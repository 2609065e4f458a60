"""The manifest of a bundle: everything that a decoder in another language must know.

`manifest.json` is untrusted input: `Manifest.from_json` checks every field that the
runtime uses and refuses the rest with one sentence that names the field. What a single field
may be, `manifest.schema.json` says as well, for other languages; the parser here also
checks how fields agree, and needs no library. A test holds both together.
"""

from __future__ import annotations

import hashlib
import json
import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kerasae_export.entropy import TABLE_BITS, Table, Tables
from kerasae_export.errors import BundleError

__all__ = [
    "FORMAT_VERSION",
    "GOLDEN",
    "MANIFEST",
    "SCHEMES",
    "CodecSpec",
    "Edge",
    "Manifest",
    "Part",
    "steps_of",
]

MANIFEST = "manifest.json"
FORMAT = "kerasae-bundle"
FORMAT_VERSION = 1
MAX_MANIFEST_BYTES = 16 * 2**20

SCHEMES = {
    "float32": "weights, activations and edges in float32: exact, four times as large",
    "int8": "weights and activations in int8, edges in uint8: small and fast, for phones",
}
"""How the models of a bundle may be stored."""

GOLDEN = {
    "image": "golden/image.png",
    "symbols": "golden/symbols.json",
    "bitstream": "golden/image.kae",
    "reconstruction": "golden/reconstruction.png",
}
"""The files of the golden sample, by which a decoder in another language is checked."""

_MAX_SIDE = 8192
_MAX_VALUES = 2**24  # of an image or a code that a model takes at once
_MANTISSA_BITS = 24  # a float32 holds every step exactly
_MAX_CLASSES = 64
_MAX_TABLES = 2**16
_MAX_FILES = 64
_MAX_BUNDLE_BYTES = 2**30  # all files are read, and their hashes checked, before any is used
_LAYOUTS = ("grid", "blocks")
_DTYPES = ("float32", "uint8")

T = TypeVar("T")


@dataclass(frozen=True)
class Edge:
    """An input or output of a TF Lite file.

    Attributes:
        shape: Shape, batch of 1 first.
        dtype: `"float32"` or `"uint8"`; of a model outside a bundle also `"int32"`.
        scale: For uint8, value = scale * (q - zero_point); else 1.
        zero_point: See `scale`; else 0.
    """

    shape: tuple[int, ...]
    dtype: str
    scale: float = 1.0
    zero_point: int = 0


@dataclass(frozen=True)
class Part:
    """A TF Lite file and its edges."""

    file: str
    input: Edge
    output: Edge


@dataclass(frozen=True)
class CodecSpec:
    """What the meaning of a bitstream rests on; integers and strings only.

    Attributes:
        channels: Colour channels of an image, 1 or 3.
        tile: Height and width in pixels that the models take.
        layout: `"grid"` or `"blocks"`, see `kerasae_export.tiling`.
        stride: Pixels per cell of a grid along each side; 1 for blocks.
        margin: Cells at the edge of a tile that its surroundings influence; 0 for blocks.
        code_shape: Shape of the code of one tile, channels last.
        step_mantissas: For each channel of the code, its step is mantissa * 2**exponent.
        step_exponent: See `step_mantissas`.
        classes: Number of classes of content, each with tables of its own; 1 for blocks.
        group: Cells along each side of the squares that share a class; 1 for blocks.
        tables: For each class, for each channel of the code, its entropy table.
    """

    channels: int
    tile: tuple[int, int]
    layout: str
    stride: int
    margin: int
    code_shape: tuple[int, ...]
    step_mantissas: tuple[int, ...]
    step_exponent: int
    classes: int
    group: int
    tables: tuple[Table, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the manifest's codec part."""
        return {
            "channels": self.channels,
            "classes": self.classes,
            "code_shape": list(self.code_shape),
            "group": self.group,
            "layout": self.layout,
            "margin": self.margin,
            "step": {"exponent": self.step_exponent, "mantissas": list(self.step_mantissas)},
            "stride": self.stride,
            "table_bits": TABLE_BITS,
            "tables": [
                {"frequencies": list(t.frequencies), "offset": t.offset} for t in self.tables
            ],
            "tile": list(self.tile),
        }

    @property
    def steps(self) -> NDArray[np.float64]:
        """The step of each channel of the code."""
        return np.ldexp(np.array(self.step_mantissas, float), self.step_exponent)

    @cached_property
    def coder(self) -> Tables:
        """The entropy coder with this bundle's tables."""
        return Tables(self.tables, self.code_shape[-1])

    def hash(self, decoder: bytes) -> bytes:
        """SHA-256 over the SHA-256 of decoder.tflite and the canonical JSON of this part."""
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


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`.

    Attributes:
        scheme: How the models are stored, such as `"int8"`.
        codec: What the bitstream rests on.
        encoder: The encoder's file and edges.
        decoder: The decoder's file and edges.
        bundle_hash: SHA-256 that names the bundle in a bitstream, as hex.
        pixel_tolerance: How far two correct decoders may differ, in levels of 255.
        files: For each other file of the bundle, its SHA-256 as hex and its size in bytes.
        facts: What the models are and how they were trained; for people, not for decoding.
    """

    scheme: str
    codec: CodecSpec
    encoder: Part
    decoder: Part
    bundle_hash: str
    pixel_tolerance: int
    files: Mapping[str, tuple[str, int]]
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def to_json(self) -> str:
        """The text of `manifest.json`."""
        content = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "scheme": self.scheme,
            "bundle_hash": self.bundle_hash,
            "pixel_tolerance": self.pixel_tolerance,
            "encoder": asdict(self.encoder),
            "decoder": asdict(self.decoder),
            "codec": self.codec.to_dict(),
            "files": {
                name: {"sha256": digest, "bytes": size}
                for name, (digest, size) in sorted(self.files.items())
            },
            "facts": dict(self.facts),
        }
        return json.dumps(content, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: bytes | str) -> Manifest:
        """Parse and check a manifest.

        Raises:
            BundleError: If it is not JSON, of another version, or a field breaks its rule.
        """
        if len(text) > MAX_MANIFEST_BYTES:
            raise BundleError(
                f"{MANIFEST} must have at most {MAX_MANIFEST_BYTES} bytes. Received: {len(text)}"
            )
        try:
            content = _parse(text)
        except (ValueError, RecursionError) as error:
            raise BundleError(f"{MANIFEST} is not valid JSON: {error}.") from None
        root = _Fields(content, "")
        if root.text("format") != FORMAT:
            raise BundleError(
                f"{MANIFEST}: `format` must be {FORMAT!r}. Received: {_short(content['format'])}"
            )
        version = root.integer("format_version", 0, 2**31)
        if version != FORMAT_VERSION:
            raise BundleError(
                f"{MANIFEST} is of format version {version}; this code reads {FORMAT_VERSION}."
            )
        manifest = cls(
            scheme=root.choice("scheme", SCHEMES),
            codec=_codec(root.object("codec")),
            encoder=_part(root.object("encoder")),
            decoder=_part(root.object("decoder")),
            bundle_hash=root.digest("bundle_hash"),
            pixel_tolerance=root.integer("pixel_tolerance", 0, 255),
            files=_files(root.object("files")),
            facts=root.object("facts").content,
        )
        manifest._check_edges()
        return manifest

    def _check_edges(self) -> None:
        image = (1, *self.codec.tile, self.codec.channels)
        code = (1, *self.codec.code_shape)
        for name, edge, shape in (
            ("encoder.input", self.encoder.input, image),
            ("encoder.output", self.encoder.output, code),
            ("decoder.input", self.decoder.input, code),
            ("decoder.output", self.decoder.output, image),
        ):
            if edge.shape != shape:
                raise BundleError(
                    f"{MANIFEST}: `{name}.shape` must be {list(shape)}, as `codec` says. "
                    f"Received: {_short(list(edge.shape))}"
                )
        for part in (self.encoder, self.decoder):
            if part.file not in self.files:
                raise BundleError(f"{MANIFEST}: `files` must list {part.file!r}.")


def _codec(fields: _Fields) -> CodecSpec:
    fields.only(
        "channels classes code_shape group layout margin step stride table_bits tables tile"
    )
    channels = fields.integer("channels", 1, 3)
    if channels == 2:
        raise fields.error("channels", "1 or 3", channels)
    tile = fields.integers("tile", 1, _MAX_SIDE, length=2)
    code_shape = fields.integers("code_shape", 1, _MAX_VALUES)
    layout = fields.choice("layout", _LAYOUTS)
    stride = fields.integer("stride", 1, _MAX_SIDE)
    margin = fields.integer("margin", 0, _MAX_SIDE)
    if not 1 <= len(code_shape) <= 4 or math.prod(code_shape) > _MAX_VALUES:
        raise fields.error("code_shape", "1 to 4 sizes of at most 2**24 values", list(code_shape))
    if layout == "grid" and (
        len(code_shape) != 3
        or tile != (code_shape[0] * stride, code_shape[1] * stride)
        or min(code_shape[:2]) <= 2 * margin
    ):
        raise fields.error(
            "layout", "`grid` only where `tile`, `code_shape`, `stride` and `margin` agree", layout
        )
    classes = fields.integer("classes", 1, _MAX_CLASSES)
    group = fields.integer("group", 1, _MAX_SIDE)
    if layout == "blocks" and (stride, margin, classes, group) != (1, 0, 1, 1):
        rule = "`blocks` only with a `margin` of 0 and a `stride`, `classes` and `group` of 1"
        raise fields.error("layout", rule, layout)
    if fields.integer("table_bits", 0, 32) != TABLE_BITS:
        raise fields.error("table_bits", str(TABLE_BITS), fields.content["table_bits"])
    step = fields.object("step")
    step.only("exponent mantissas")
    mantissas = step.integers("mantissas", 1, 2**_MANTISSA_BITS - 1, length=code_shape[-1])
    if classes * code_shape[-1] > _MAX_TABLES:
        raise fields.error("classes", f"such that there are at most {_MAX_TABLES} tables", classes)
    tables = []
    for i, item in enumerate(fields.list("tables", classes * code_shape[-1])):
        entry = _Fields(item, f"{fields.path}tables[{i}].")
        entry.only("frequencies offset")
        frequencies = entry.integers("frequencies", 1, 2**TABLE_BITS)
        try:
            tables.append(Table(entry.integer("offset", -(2**30), 2**30), frequencies))
        except ValueError as error:
            raise BundleError(f"{MANIFEST}: `{entry.path[:-1]}` is off: {error}") from None
    return CodecSpec(
        channels=channels,
        tile=(tile[0], tile[1]),
        layout=layout,
        stride=stride,
        margin=margin,
        code_shape=code_shape,
        step_mantissas=mantissas,
        step_exponent=step.integer("exponent", -149, 104),
        classes=classes,
        group=group,
        tables=tuple(tables),
    )


def _part(fields: _Fields) -> Part:
    return Part(
        file=fields.filename("file"),
        input=_edge(fields.object("input")),
        output=_edge(fields.object("output")),
    )


def _edge(fields: _Fields) -> Edge:
    return Edge(
        shape=fields.integers("shape", 1, _MAX_VALUES),
        dtype=fields.choice("dtype", _DTYPES),
        scale=fields.positive("scale"),
        zero_point=fields.integer("zero_point", 0, 255),
    )


def _files(fields: _Fields) -> dict[str, tuple[str, int]]:
    files: dict[str, tuple[str, int]] = {}
    if len(fields.content) > _MAX_FILES:
        raise BundleError(
            f"{MANIFEST}: `files` must list at most {_MAX_FILES} files. "
            f"Received: {len(fields.content)}"
        )
    for name in fields.content:
        fields.check_filename(name)
        entry = fields.object(name)
        files[name] = (entry.digest("sha256"), entry.integer("bytes", 0, _MAX_BUNDLE_BYTES))
    total = sum(size for _, size in files.values())
    if total > _MAX_BUNDLE_BYTES:
        raise BundleError(
            f"{MANIFEST}: `files` must have at most {_MAX_BUNDLE_BYTES} bytes in all. "
            f"Received: {total}"
        )
    return files


class _Fields:
    """Typed access to the fields of a JSON object, with errors that name the field."""

    def __init__(self, content: Any, path: str) -> None:
        if not isinstance(content, dict):
            where = f"`{path[:-1]}`" if path else "the content"
            raise BundleError(f"{MANIFEST}: {where} must be an object. Received: {_short(content)}")
        self.content: dict[str, Any] = content
        self.path = path

    def error(self, name: str, rule: str, value: Any) -> BundleError:
        return BundleError(
            f"{MANIFEST}: `{self.path}{name}` must be {rule}. Received: {_short(value)}"
        )

    def _get(self, name: str, rule: str, accept: Callable[[Any], bool]) -> Any:
        if name not in self.content:
            raise BundleError(f"{MANIFEST}: `{self.path}{name}` is missing.")
        value = self.content[name]
        if not accept(value):
            raise self.error(name, rule, value)
        return value

    def only(self, names: str) -> None:
        """Refuse fields that this code does not know, where the bundle hash covers all of them."""
        unknown = sorted(set(self.content) - set(names.split()))
        if unknown:
            raise BundleError(
                f"{MANIFEST}: `{self.path}{_short(unknown[0])}` is not a known field."
            )

    def object(self, name: str) -> _Fields:
        return _Fields(
            self._get(name, "an object", lambda v: isinstance(v, dict)), f"{self.path}{name}."
        )

    def list(self, name: str, length: int) -> list[Any]:
        rule = f"a list of {length}"
        return self._get(name, rule, lambda v: isinstance(v, list) and len(v) == length)

    def text(self, name: str) -> str:
        return self._get(name, "a string", lambda v: isinstance(v, str))

    def choice(self, name: str, choices: Iterable[str]) -> str:
        return self._get(
            name, f"one of {', '.join(choices)}", lambda v: isinstance(v, str) and v in choices
        )

    def integer(self, name: str, low: int, high: int) -> int:
        return self._get(name, f"an integer from {low} to {high}", lambda v: _is_int(v, low, high))

    def integers(
        self, name: str, low: int, high: int, length: int | None = None
    ) -> tuple[int, ...]:
        rule = f"{'' if length is None else f'{length} '}integers from {low} to {high}"
        value = self._get(
            name,
            rule,
            lambda v: (
                isinstance(v, list)
                and length in (None, len(v))
                and all(_is_int(x, low, high) for x in v)
            ),
        )
        return tuple(value)

    def positive(self, name: str) -> float:
        return float(
            self._get(
                name,
                "a positive number",
                lambda v: (
                    isinstance(v, (int, float)) and not isinstance(v, bool) and 1e-30 < v < 1e30
                ),
            )
        )

    def digest(self, name: str) -> str:
        return self._get(
            name,
            "64 lower-case hexadecimal digits",
            lambda v: isinstance(v, str) and len(v) == 64 and set(v) <= set("0123456789abcdef"),
        )

    def filename(self, name: str) -> str:
        value = self.text(name)
        self.check_filename(value)
        return value

    def check_filename(self, name: str) -> None:
        """Names stay inside the bundle: plain characters, at most one folder deep."""
        parts = name.split("/")
        plain = all(p and p[0] != "." and set(p) <= _NAME_CHARACTERS for p in parts)
        if not plain or len(parts) > 2 or len(name) > 120:
            raise BundleError(
                f"{MANIFEST}: `{self.path[:-1]}` must name files inside the bundle. "
                f"Received: {_short(name)}"
            )


_NAME_CHARACTERS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def _is_int(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _parse(text: bytes | str) -> Any:
    """JSON as its standard has it: UTF-8, finite numbers, no name twice in an object."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            raise ValueError("a name occurs twice in an object")
        return content

    def finite(number: str) -> float:
        value = float(number)
        if not math.isfinite(value):
            raise ValueError(f"{number[:20]} is not a finite number")
        return value

    return json.loads(
        text if isinstance(text, str) else text.decode("utf-8"),
        object_pairs_hook=unique,
        parse_float=finite,
        parse_constant=finite,
    )


def _short(value: Any) -> str:
    text = _REPR.repr(value)  # `repr` itself fails where lists are nested deeply
    return text if len(text) <= 80 else text[:77] + "..."


_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 78
