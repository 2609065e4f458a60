"""The models of a bundle that are told what an image shows (FORMAT.md, 1.3).

A reader that does not know this field of the manifest ignores it, and decodes the same files: the
encoder and the decoder of every bundle do without a label.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kerasae_export.errors import BundleError
from kerasae_export.format.numbers import plain
from kerasae_export.format.parts import Edge, Part, check_edges, read_edge
from kerasae_export.format.spec import CodecSpec
from kerasae_export.format.validation import MANIFEST, Fields

__all__ = [
    "MOST_CLASSES",
    "NAMES_RULE",
    "LabelPart",
    "Labels",
    "are_names",
    "check_label",
    "read_labels",
]

MOST_CLASSES = 4096
_MOST_LETTERS = 64
NAMES_RULE = (
    f"1 to {MOST_CLASSES} names of classes, all different, of 1 to {_MOST_LETTERS} characters "
    "without control characters"
)
"""What the names of the classes are."""


@dataclass(frozen=True)
class LabelPart:
    """A TF Lite file with two inputs.

    Attributes:
        file: Name in the bundle.
        input: The image or the code; the input `image` or `code` of the file.
        label: The class, one-hot; the input `label` of the file.
        output: The code or the image.
    """

    file: str
    input: Edge
    label: Edge
    output: Edge

    @property
    def told(self) -> Part:
        """What is left where the label is fixed."""
        return Part(self.file, self.input, self.output)


@dataclass(frozen=True)
class Labels:
    """The models that take a label, and what labels there are.

    Attributes:
        names: The names of the classes.
        pixel_tolerance: How far two correct decoders that are told the same class may differ, in
            levels of 255.
        encoder: The encoder's file and edges.
        decoder: The decoder's file and edges.
    """

    names: tuple[str, ...]
    pixel_tolerance: int
    encoder: LabelPart
    decoder: LabelPart

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {**asdict(self), "names": list(self.names)}


def read_labels(root: Fields, files: Collection[str], codec: CodecSpec) -> Labels | None:
    """The field `labels` of a manifest, where there is one.

    Raises:
        BundleError: If it breaks a rule.
    """
    if "labels" not in root.content:
        return None
    fields = root.object("labels")
    names = fields.items("names", 1, MOST_CLASSES)
    if not are_names(names):
        raise fields.error("names", NAMES_RULE, names)
    found = Labels(
        tuple(names),
        fields.integer("pixel_tolerance", 0, 255),
        _part(fields.object("encoder")),
        _part(fields.object("decoder")),
    )
    check_edges(found.encoder, found.decoder, codec, fields.path)
    for side, part in (("encoder", found.encoder), ("decoder", found.decoder)):
        shape = (1, len(names))
        if part.label.shape != shape or part.label.dtype == "int32":
            raise BundleError(
                f"{MANIFEST}: `{fields.path}{side}.label` must be float32 or uint8 of shape "
                f"{list(shape)}. Received: {part.label.dtype} of shape {list(part.label.shape)}"
            )
        if part.file not in files:
            raise BundleError(f"{MANIFEST}: `files` must list {part.file!r}.")
    return found


def are_names(names: Sequence[Any]) -> bool:
    """Whether all are names of classes, and different."""
    return all(map(_is_name, names)) and len(set(names)) == len(names)


def check_label(label: Any, names: Sequence[str]) -> int | None:
    """The number of a class, given by its number or its name; None for a label that is missing.

    Raises:
        ValueError: If there is no such class.
    """
    if label is None:
        return None
    if not names:
        raise ValueError(
            f"`label` must be left out: the bundle has no classes. Received: label={label!r}"
        )
    number: Any
    if isinstance(label, str):
        if label in names:
            return names.index(label)
        number = int(label) if label.isascii() and label.isdigit() and len(label) < 9 else None
    else:
        number = plain(label)
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(names):
        return number
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    raise ValueError(
        f"`label` must be one of the classes of the bundle ({shown}) or a number from 0 to "
        f"{len(names) - 1}. Received: label={label!r}"
    )


def _part(fields: Fields) -> LabelPart:
    edges = {name: read_edge(fields.object(name)) for name in ("input", "label", "output")}
    return LabelPart(fields.filename("file"), **edges)


def _is_name(name: Any) -> bool:
    return (
        isinstance(name, str)
        and 1 <= len(name) <= _MOST_LETTERS
        and not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
    )
