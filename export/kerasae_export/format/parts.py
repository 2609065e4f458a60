"""The models of a bundle as its manifest states them: a file, and what goes in and comes out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from kerasae_export.errors import BundleError
from kerasae_export.format.spec import MAX_VALUES, CodecSpec
from kerasae_export.format.validation import MANIFEST, Fields, short

__all__ = ["Edge", "Part", "check_edges", "read_edge", "read_part"]

_DTYPES = ("float32", "uint8", "int32")


@dataclass(frozen=True)
class Edge:
    """An input or output of a TF Lite file.

    Attributes:
        shape: Shape, batch of 1 first.
        dtype: `"float32"` or `"uint8"`, or for indices `"int32"`.
        scale: For uint8, value = scale * (q - zero_point); else 1.
        zero_point: See `scale`; else 0.
    """

    shape: tuple[int, ...]
    dtype: str
    scale: float = 1.0
    zero_point: int = 0


@dataclass(frozen=True)
class Part:
    """A TF Lite file and its edges.

    Attributes:
        file: Name in the bundle.
        input: The image or the code.
        output: The code or the image.
        signature: `"encode"` or `"decode"` where one file holds both models; else None.
    """

    file: str
    input: Edge
    output: Edge
    signature: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; a file with one model needs no signature."""
        content = asdict(self)
        if self.signature is None:
            del content["signature"]
        return content


def read_part(fields: Fields, signature: str) -> Part:
    """A part of a manifest.

    Raises:
        BundleError: If a field breaks its rule.
    """
    both = "signature" in fields.content
    return Part(
        file=fields.filename("file"),
        input=read_edge(fields.object("input")),
        output=read_edge(fields.object("output")),
        signature=fields.choice("signature", [signature]) if both else None,
    )


def read_edge(fields: Fields) -> Edge:
    """An edge of a part.

    Raises:
        BundleError: If a field breaks its rule.
    """
    return Edge(
        shape=fields.integers("shape", 1, MAX_VALUES),
        dtype=fields.choice("dtype", _DTYPES),
        scale=fields.positive("scale"),
        zero_point=fields.integer("zero_point", 0, 255),
    )


def check_edges(encoder: Any, decoder: Any, codec: CodecSpec, where: str = "") -> None:
    """Refuse models that do not take and give the images and the codes of the codec part.

    Args:
        encoder: The encoder, with `input` and `output`.
        decoder: The decoder, likewise.
        codec: The codec part of the manifest.
        where: What stands before the names of their fields.

    Raises:
        BundleError: If one of them does not.
    """
    image, code = (1, *codec.tile, codec.channels), codec.code_edge
    for name, edge, shape in (
        ("encoder.input", encoder.input, image),
        ("encoder.output", encoder.output, code),
        ("decoder.input", decoder.input, code),
        ("decoder.output", decoder.output, image),
    ):
        if edge.shape != shape:
            raise BundleError(
                f"{MANIFEST}: `{where}{name}.shape` must be {list(shape)}, as `codec` says. "
                f"Received: {short(list(edge.shape))}"
            )
        indices = codec.codebook > 0 and name in ("encoder.output", "decoder.input")
        if (edge.dtype == "int32") != indices:
            rule = "int32" if indices else "float32 or uint8"
            raise BundleError(
                f"{MANIFEST}: `{where}{name}.dtype` must be {rule}, as `codec` says. "
                f"Received: {edge.dtype!r}"
            )
