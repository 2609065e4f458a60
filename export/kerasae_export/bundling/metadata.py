"""What a `.tflite` file says of itself to viewers and app builders (TensorFlow Lite metadata).

The schema is that of TensorFlow Lite Support, metadata_schema.fbs, file identifier M001. LiteRT,
LiteRT.js and TFLite Micro pass over it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from kerasae_export import __version__
from kerasae_export.format.manifest import Edge, Part

__all__ = ["add_metadata", "with_metadata"]

NAME = b"TFLITE_METADATA"
_IDENTIFIER = b"M001"
_MORE = "The bundle's manifest.json tells how codes become the symbols of a .kae file."
_PARSER = "1.0.0"  # the oldest that knows all fields that are written here
_FEATURE, _IMAGE, _NORMALISATION = 1, 2, 1  # of the schema's unions
_COLOUR = {3: 1, 1: 2}  # by channels: RGB, grey
_ALIGNED = 16  # bytes; weights must stay so
_BUFFERS, _ENTRIES = 3, 5  # of the fields of a model that follow its version


def add_metadata(
    folder: Path, encoder: Part, decoder: Part, scheme: str, facts: Mapping[str, Any]
) -> None:
    """Add metadata to the models in a bundle's folder: edges, ranges, normalisation, licence.

    Args:
        folder: The folder with the models' files.
        encoder: The encoder's file and edges.
        decoder: The decoder's file and edges.
        scheme: How the models are stored.
        facts: Those of the manifest; `model`, `author` and `license`, where they are texts, are
            told as such.
    """
    sides = {"encoder": encoder, "decoder": decoder}
    what = f"A part of a kerasae bundle, {scheme}. {_MORE}"
    for file in {part.file for part in sides.values()}:
        path = folder / file
        content = path.read_bytes()
        model = schema.Model.GetRootAs(content)
        graphs = [_subgraph("", "", [], []) for _ in range(model.SubgraphsLength())]
        for name, part in sides.items():
            if part.file == file:
                graphs[_index(model, part.signature)] = _side(name, part.input, part.output)
        path.write_bytes(with_metadata(content, _packed(_model(facts, what, graphs))))


def with_metadata(content: bytes, metadata: bytes) -> bytes:
    """A TF Lite file with metadata, and everything that it held at the same alignment.

    A new root is put in front of the file, which names all that the old one did, and a buffer more.

    Args:
        content: The bytes of the file.
        metadata: The bytes of a flatbuffer of the schema's root, `ModelMetadata`.
    """
    model = schema.Model.GetRootAs(content)
    table = model._tab
    old: list[int | None] = []  # where the fields lie that are objects, from the old beginning
    for field in range(1, 8):
        at = table.Offset(4 + 2 * field)
        old.append(table.Indirect(table.Pos + at) if at else None)
    buffers = [_element(table, old[_BUFFERS], i) for i in range(model.BuffersLength())]
    entries = [_element(table, old[_ENTRIES], i) for i in range(model.MetadataLength())]
    front = _Front()
    front.root(model.Version(), old, buffers, entries, metadata)
    return front.before(content)


class _Front:
    """Bytes that are put before a file, with references into it."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._outside: list[tuple[int, int]] = []

    def root(
        self,
        version: int,
        old: Sequence[int | None],
        buffers: Sequence[int],
        entries: Sequence[int],
        metadata: bytes,
    ) -> None:
        """A model of the fields of an old one, but for its lists of buffers and of metadata."""
        self._bytes += struct.pack("<I4s", 0, b"TFL3")
        kept = {i: target for i, target in enumerate(old) if target is not None}
        kept |= dict.fromkeys((_BUFFERS, _ENTRIES), 0)
        at = self._table([4, *(4 if i in kept else 0 for i in range(len(old)))])
        struct.pack_into("<I", self._bytes, 0, at)
        struct.pack_into("<I", self._bytes, at + 4, version)
        places = {i: at + 8 + 4 * number for number, i in enumerate(sorted(kept))}
        self._outside = [(places[i], kept[i]) for i in kept if i not in (_BUFFERS, _ENTRIES)]
        new_buffer = self._append_list(places[_BUFFERS], buffers)
        new_entry = self._append_list(places[_ENTRIES], entries)
        buffer = self._table([4])
        self._refer(new_buffer, buffer)
        entry = self._table([4, 4])
        self._refer(new_entry, entry)
        struct.pack_into("<I", self._bytes, entry + 8, len(buffers))
        self._refer(entry + 4, self._data(NAME + b"\0", len(NAME), 4))
        self._refer(buffer + 4, self._data(metadata, len(metadata), _ALIGNED))

    def before(self, content: bytes) -> bytes:
        """These bytes and those."""
        self._pad(_ALIGNED)
        for place, target in self._outside:
            struct.pack_into("<I", self._bytes, place, len(self._bytes) + target - place)
        return bytes(self._bytes) + content

    def _append_list(self, place: int, targets: Sequence[int]) -> int:
        """A list of old objects and a new one; returns where the latter is to be referred to."""
        at = self._list(len(targets) + 1)
        self._refer(place, at)
        self._outside += [(at + 4 + 4 * i, target) for i, target in enumerate(targets)]
        return at + 4 + 4 * len(targets)

    def _list(self, length: int) -> int:
        self._pad(4)
        at = len(self._bytes)
        self._bytes += struct.pack("<I", length) + bytes(4 * length)
        return at

    def _table(self, sizes: Sequence[int]) -> int:
        """A table behind its own description; returns where it begins. A size of 0: no field."""
        self._pad(4)
        head, offset = len(self._bytes), 4
        self._bytes += struct.pack("<HH", 4 + 2 * len(sizes), 4 + sum(sizes))
        for size in sizes:
            self._bytes += struct.pack("<H", offset if size else 0)
            offset += size
        self._pad(4)
        at = len(self._bytes)
        self._bytes += struct.pack("<i", at - head) + bytes(sum(sizes))
        return at

    def _data(self, content: bytes, length: int, alignment: int) -> int:
        while (len(self._bytes) + 4) % alignment:
            self._bytes.append(0)
        at = len(self._bytes)
        self._bytes += struct.pack("<I", length) + content
        return at

    def _refer(self, place: int, target: int) -> None:
        struct.pack_into("<I", self._bytes, place, target - place)

    def _pad(self, alignment: int) -> None:
        self._bytes += bytes(-len(self._bytes) % alignment)


def _element(table: Any, place: int | None, index: int) -> int:
    """Where an element of a list of tables begins."""
    assert place is not None
    return int(table.Indirect(place + 4 + 4 * index))


def _index(model: Any, signature: str | None) -> int:
    """The subgraph of a signature; the first of a file of one model."""
    for i in range(model.SignatureDefsLength()):
        found = model.SignatureDefs(i)
        if signature is not None and found.SignatureKey() == signature.encode():
            return int(found.SubgraphIndex())
    return 0


# A table of the schema: what its fields are, by their numbers.
_Fields = Mapping[int, Any]


def _model(facts: Mapping[str, Any], what: str, graphs: Sequence[_Fields]) -> _Fields:
    texts = {0: facts.get("model"), 4: facts.get("author"), 5: facts.get("license")}
    return {
        1: what,
        2: f"kerasae-export {__version__}",
        3: list(graphs),
        **{field: text for field, text in texts.items() if isinstance(text, str)},
        7: _PARSER,
    }


def _side(name: str, given: Edge, gives: Edge) -> _Fields:
    if name == "encoder":
        edges = (_image(given, "the pixels", 255.0), _code(gives))
    else:
        edges = (_code(given), _image(gives, "the rebuilt pixels", 1 / 255))
    what = "Image to code." if name == "encoder" else "Code to image."
    return _subgraph(name, what, [edges[0]], [edges[1]])


def _subgraph(
    name: str, what: str, inputs: Sequence[_Fields], outputs: Sequence[_Fields]
) -> _Fields:
    return {0: name, 1: what, 2: list(inputs), 3: list(outputs)}


def _image(edge: Edge, what: str, divisor: float) -> _Fields:
    """Of pixels that go in, divided by 255, or of values that come out, by 1/255."""
    _, height, width, channels = edge.shape
    size = {0: _Number("Uint32", width), 1: _Number("Uint32", height)}
    properties = {0: _Number("Int8", _COLOUR[channels]), 1: size}
    return {
        0: "image",
        1: f"{what}, rows from the top; {_meaning(edge)} A pixel p stands for p / 255.",
        2: ["batch", "height", "width", "channels"],
        3: {0: _Number("Uint8", _IMAGE), 1: properties},
        # (x - mean) / std; what the scale of the type makes of the value is in the tensor.
        4: [{0: _Number("Uint8", _NORMALISATION), 1: {0: [0.0], 1: [divisor]}}],
        5: _range(edge, 0.0, 1.0),
    }


def _code(edge: Edge) -> _Fields:
    kind = "indices into the codebook" if edge.dtype == "int32" else "the code"
    spatial = ["rows", "columns"] if len(edge.shape) - (edge.dtype != "int32") == 3 else []
    channels = [] if edge.dtype == "int32" else ["channels"]
    axes = ["batch", *spatial, *channels]
    axes = axes if len(axes) == len(edge.shape) else [f"axis {i}" for i in range(len(edge.shape))]
    fields = {
        0: "code",
        1: f"{kind}; {_meaning(edge)}",
        2: axes,
        3: {0: _Number("Uint8", _FEATURE), 1: {}},
    }
    return {**fields, 5: _range(edge, 0.0, 0.0)} if edge.dtype == "uint8" else fields


def _meaning(edge: Edge) -> str:
    if edge.dtype == "uint8":
        return f"uint8 q, value = {edge.scale:.8g} * (q - {edge.zero_point})."
    return f"{edge.dtype}."


def _range(edge: Edge, low: float, high: float) -> _Fields:
    """The smallest and the largest number of a tensor, in its own type."""
    if edge.dtype == "uint8":
        low, high = 0.0, 255.0
    return {0: [high], 1: [low]}


class _Number:
    """A number of one of flatbuffers' types, such as `Uint8`."""

    def __init__(self, kind: str, value: int) -> None:
        self.kind, self.value = kind, value


def _packed(fields: _Fields) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(_table(builder, fields), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def _table(builder: Any, fields: _Fields) -> int:
    """Write a table behind all that it refers to."""
    written: dict[int, Any] = {}
    for field, value in fields.items():
        written[field] = value if isinstance(value, _Number) else _object(builder, value)
    builder.StartObject(max(written, default=-1) + 1)
    for field, value in written.items():
        if isinstance(value, _Number):
            getattr(builder, f"Prepend{value.kind}Slot")(field, value.value, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(field, value, 0)
    return int(builder.EndObject())


def _object(builder: Any, value: Any) -> int:
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, Mapping):
        return _table(builder, value)
    if value and isinstance(value[0], float):
        builder.StartVector(4, len(value), 4)
        for number in reversed(value):
            builder.PrependFloat32(number)
        return int(builder.EndVector())
    offsets = [_object(builder, one) for one in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
