"""What a conversion may be asked for: the path, the scheme, the edges of its file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from kerasae_export.conversion.onnx_files import missing
from kerasae_export.errors import ConversionError
from kerasae_export.format.arguments import check_path
from kerasae_export.format.manifest import ALL_SCHEMES

__all__ = ["CONVERSIONS", "FORMATS", "check_boolean", "check_edges", "check_onnx", "check_target"]

CONVERSIONS = tuple(ALL_SCHEMES)
"""The schemes of a file, and of a bundle."""

FORMATS = ("tflite", "onnx")
"""What `convert` writes."""

_EDGES = ("uint8", "int8", "float32")


def check_edges(edges: str | None, scheme: str) -> str:
    """The type of inputs and outputs."""
    if edges is None:
        return _EDGES[0] if scheme == "int8" else "float32"
    if not isinstance(edges, str) or edges not in _EDGES:
        raise ValueError(f"`edges` must be one of {', '.join(_EDGES)}. Received: edges={edges!r}")
    if scheme != "int8" and edges != "float32":
        raise ValueError(
            f"`edges` must be float32 with the scheme {scheme!r}, whose activations are floats. "
            f"Received: edges={edges!r}"
        )
    return edges


def check_boolean(name: str, value: Any) -> bool:
    """True or False, and no other value that would do."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return bool(value)


def check_onnx(scheme: str, edges: str | None) -> None:
    """Refuse what an ONNX file is not; the default of `scheme` is that of TF Lite."""
    if scheme not in ("float32", "int8"):
        raise ValueError(
            '`scheme` must be "float32", or left out, with `format="onnx"`. '
            f"Received: scheme={scheme!r}"
        )
    if edges not in (None, "float32"):
        raise ValueError(f'`edges` must be float32 with `format="onnx"`. Received: edges={edges!r}')
    lacking = missing()
    if lacking:
        raise ConversionError(f"{lacking}.")


def check_target(
    path: str | os.PathLike[str],
    scheme: str,
    format: str = "tflite",
) -> Path:
    """The file to write, if path and scheme are what they may be."""
    target = check_path("path", path)
    if target.suffix != f".{format}":
        raise ValueError(f"`path` must end in .{format}. Received: path={os.fspath(path)!r}")
    if not target.parent.is_dir():
        raise ValueError(f"`path` must lie in an existing folder. Received: path={path!r}")
    if not isinstance(scheme, str) or scheme not in CONVERSIONS:
        raise ValueError(
            f"`scheme` must be one of {', '.join(CONVERSIONS)}. Received: scheme={scheme!r}"
        )
    return target
