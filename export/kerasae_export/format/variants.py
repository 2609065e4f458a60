"""The same models in other ways: as ONNX files, and for several images at once (FORMAT.md, 1.3).

A reader that does not know these fields of the manifest ignores them, and decodes the same files.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from kerasae_export.errors import BundleError
from kerasae_export.format.validation import MANIFEST, Fields

__all__ = [
    "BATCH_SIGNATURES",
    "MOST_BATCH",
    "Batch",
    "BatchPart",
    "Onnx",
    "read_batch",
    "read_onnx",
]

BATCH_SIGNATURES = ("encode_batch", "decode_batch")
"""The signatures for several images, in a file that holds both models."""

MOST_BATCH = 64
"""Most tiles that a model takes at once."""


@dataclass(frozen=True)
class Onnx:
    """The models as ONNX files, in float32 with a batch of any size.

    Attributes:
        encoder: Name of the encoder's file.
        decoder: Name of the decoder's file.
        pixel_tolerance: How far the pixels of this decoder may be from those of any other of the
            bundle, in levels of 255.
    """

    encoder: str
    decoder: str
    pixel_tolerance: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class BatchPart:
    """A TF Lite model that takes several images at once.

    Attributes:
        file: Name in the bundle.
        signature: One of `BATCH_SIGNATURES` where the file holds other models, too; else None.
    """

    file: str
    signature: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        named = {} if self.signature is None else {"signature": self.signature}
        return {"file": self.file, **named}


@dataclass(frozen=True)
class Batch:
    """The models for several images at once; types and scales are those for one.

    Attributes:
        size: How many, exactly.
        encoder: Where the encoder is.
        decoder: Where the decoder is.
    """

    size: int
    encoder: BatchPart
    decoder: BatchPart

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "size": self.size,
            "encoder": self.encoder.to_dict(),
            "decoder": self.decoder.to_dict(),
        }


def read_onnx(root: Fields, files: Collection[str]) -> Onnx | None:
    """The field `onnx` of a manifest, where there is one.

    Raises:
        BundleError: If it breaks a rule.
    """
    if "onnx" not in root.content:
        return None
    fields = root.object("onnx")
    found = Onnx(
        fields.filename("encoder"),
        fields.filename("decoder"),
        fields.integer("pixel_tolerance", 0, 255),
    )
    for name in (found.encoder, found.decoder):
        _listed(name, files)
    return found


def read_batch(root: Fields, files: Collection[str]) -> Batch | None:
    """The field `batch` of a manifest, where there is one.

    Raises:
        BundleError: If it breaks a rule.
    """
    if "batch" not in root.content:
        return None
    fields = root.object("batch")
    size = fields.integer("size", 2, MOST_BATCH)
    parts = []
    for name, signature in zip(("encoder", "decoder"), BATCH_SIGNATURES, strict=True):
        part = fields.object(name)
        named = part.choice("signature", [signature]) if "signature" in part.content else None
        parts.append(BatchPart(part.filename("file"), named))
        _listed(parts[-1].file, files)
    return Batch(size, *parts)


def _listed(name: str, files: Collection[str]) -> None:
    if name not in files:
        raise BundleError(f"{MANIFEST}: `files` must list {name!r}.")
