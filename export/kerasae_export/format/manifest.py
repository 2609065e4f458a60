"""The manifest of a bundle: everything that a decoder in another language must know.

`manifest.json` is untrusted input: `Manifest.from_json` checks every field that the
runtime uses and reports the first that breaks its rule in one sentence. For other languages,
`manifest.schema.json` states the rules of single fields as well; the parser here also checks
that fields agree, and needs no library. A test compares the two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kerasae_export.errors import BundleError
from kerasae_export.format.labels import Labels, read_labels
from kerasae_export.format.numbers import plain
from kerasae_export.format.parts import Edge, Part, check_edges, read_part
from kerasae_export.format.spec import CodecSpec, read_spec
from kerasae_export.format.validation import MANIFEST, Fields, parse_json, short
from kerasae_export.format.variants import Batch, Onnx, read_batch, read_onnx

__all__ = [
    "ALL_SCHEMES",
    "DECODE",
    "ENCODE",
    "FORMAT_VERSION",
    "GOLDEN",
    "LATER_SCHEMES",
    "MANIFEST",
    "SCHEMES",
    "Edge",
    "Manifest",
    "Part",
]

FORMAT = "kerasae-bundle"
FORMAT_VERSION = 1
"""Of a manifest with one of `SCHEMES`, which every reader knows."""
LATER_VERSION = 2
"""Of a manifest with one of `LATER_SCHEMES`."""

MAX_MANIFEST_BYTES = 16 * 2**20

SCHEMES = {
    "float32": "weights, activations and edges in float32: exact, four times as large",
    "float16": "weights in float16, the rest in float32: half of that, hardly a difference",
    "dynamic": "large weights in int8, activations and edges in float32: small, not calibrated",
    "int8": "weights and activations in int8, edges in uint8: small and fast, for phones",
}
"""Name -> what it is, of the schemes of a bundle of format version 1, which all readers know."""

LATER_SCHEMES = {
    "int16x8": "weights in int8, activations in int16, edges in float32: hardly a difference, slow "
    "without an accelerator",
    "mixed": "weights and activations in int8, but for the layers that this would cost most, which "
    "are in float32, as the edges are: for good images",
}
"""Name -> what it is, of the schemes of bundles of format version 2, which older readers refuse."""

ALL_SCHEMES = {**SCHEMES, **LATER_SCHEMES}
"""Name -> what it is, of the schemes in which the models of a bundle may be stored."""

_SCHEMES_OF = {FORMAT_VERSION: SCHEMES, LATER_VERSION: LATER_SCHEMES}

ENCODE, DECODE = "encode", "decode"
"""The signatures of a file that holds both models."""

GOLDEN = {
    "image": "golden/image.png",
    "symbols": "golden/symbols.json",
    "bitstream": "golden/image.kae",
    "reconstruction": "golden/reconstruction.png",
}
"""The files of the golden sample, by which a decoder in another language is checked."""

_MAX_FILES = 64
_MAX_BUNDLE_BYTES = 2**30  # all files are read, and their hashes checked, before any is used
_NUMBERS = re.compile(r"\[\n([^][{}\"]*)\]")  # a list of numbers, which needs no line for each


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`.

    Attributes:
        scheme: How the models are stored, such as `"int8"`.
        codec: What a bitstream depends on.
        encoder: The encoder's file and edges.
        decoder: The decoder's file and edges.
        bundle_hash: SHA-256 that identifies the bundle in a bitstream, as hex.
        pixel_tolerance: How far two correct decoders may differ, in levels of 255.
        files: For each other file of the bundle, its SHA-256 as hex and its size in bytes.
        facts: What the models are and how they were trained; for people, not for decoding.
        onnx: The models as ONNX files, where the bundle has them.
        batch: The models for several images at once, where the bundle has them.
        labels: The models that are told a class, where the bundle has them.
    """

    scheme: str
    codec: CodecSpec
    encoder: Part
    decoder: Part
    bundle_hash: str
    pixel_tolerance: int
    files: Mapping[str, tuple[str, int]]
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    onnx: Onnx | None = None
    batch: Batch | None = None
    labels: Labels | None = None

    @property
    def format_version(self) -> int:
        """The version of the manifest's format: the lowest that has its scheme."""
        return LATER_VERSION if self.scheme in LATER_SCHEMES else FORMAT_VERSION

    def to_json(self) -> str:
        """The text of `manifest.json`."""
        content = {
            "format": FORMAT,
            "format_version": self.format_version,
            "scheme": self.scheme,
            "bundle_hash": self.bundle_hash,
            "pixel_tolerance": self.pixel_tolerance,
            "encoder": self.encoder.to_dict(),
            "decoder": self.decoder.to_dict(),
            **({} if self.onnx is None else {"onnx": self.onnx.to_dict()}),
            **({} if self.batch is None else {"batch": self.batch.to_dict()}),
            **({} if self.labels is None else {"labels": self.labels.to_dict()}),
            "codec": self.codec.to_dict(),
            "files": {
                name: {"sha256": digest, "bytes": size}
                for name, (digest, size) in sorted(self.files.items())
            },
            "facts": plain(dict(self.facts)),
        }
        text = json.dumps(content, indent=1, allow_nan=False)
        return _NUMBERS.sub(lambda numbers: f"[{' '.join(numbers[1].split())}]", text) + "\n"

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
            content = parse_json(text)
        except (ValueError, RecursionError) as error:
            raise BundleError(f"{MANIFEST} is not valid JSON: {error}.") from None
        root = Fields(content, "")
        if root.text("format") != FORMAT:
            raise BundleError(
                f"{MANIFEST}: `format` must be {FORMAT!r}. Received: {short(content['format'])}"
            )
        version = root.integer("format_version", 0, 2**31)
        if version not in _SCHEMES_OF:
            known = " and ".join(map(str, _SCHEMES_OF))
            raise BundleError(
                f"{MANIFEST} is of format version {version}; this code reads {known}."
            )
        files = _files(root.object("files"))
        codec = read_spec(root.object("codec"))
        manifest = cls(
            scheme=root.choice("scheme", _SCHEMES_OF[version]),
            codec=codec,
            encoder=read_part(root.object("encoder"), ENCODE),
            decoder=read_part(root.object("decoder"), DECODE),
            bundle_hash=root.digest("bundle_hash"),
            pixel_tolerance=root.integer("pixel_tolerance", 0, 255),
            files=files,
            facts=root.object("facts").content,
            onnx=read_onnx(root, files),
            batch=read_batch(root, files),
            labels=read_labels(root, files, codec),
        )
        manifest._check_edges()
        return manifest

    def _check_edges(self) -> None:
        check_edges(self.encoder, self.decoder, self.codec)
        for part in (self.encoder, self.decoder):
            if part.file not in self.files:
                raise BundleError(f"{MANIFEST}: `files` must list {part.file!r}.")
        same = self.encoder.file == self.decoder.file
        if any((part.signature is not None) != same for part in (self.encoder, self.decoder)):
            raise BundleError(
                f"{MANIFEST}: `encoder` and `decoder` must name a `signature` each if they are of "
                f"one file, and only then. Received: {self.encoder.file!r}, {self.decoder.file!r}"
            )


def _files(fields: Fields) -> dict[str, tuple[str, int]]:
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
