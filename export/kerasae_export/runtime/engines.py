"""What runs the models of a bundle: LiteRT, or ONNX Runtime where it has ONNX files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BundleError
from kerasae_export.format.manifest import MANIFEST, Edge, Manifest, Part
from kerasae_export.runtime.bundle_files import check_part, open_models
from kerasae_export.runtime.onnxmodel import OnnxModel, check_installed

__all__ = ["ENGINES", "Model", "check_engine", "onnx_parts", "open_engine"]

ENGINES = ("litert", "onnx")
"""What can run the models of a bundle."""


class Model(Protocol):
    """A model of one input and one output."""

    input: Edge
    output: Edge

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Run on one input of exactly the model's shape (batch 1 included) and dtype."""

    def run(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Real values of shape (n, ...) through the model one by one."""


def check_engine(engine: Any) -> str:
    """One of `ENGINES`.

    Raises:
        ValueError: If it is anything else.
    """
    if not isinstance(engine, str) or engine not in ENGINES:
        raise ValueError(
            f"`engine` must be one of {', '.join(ENGINES)}. Received: engine={engine!r}"
        )
    return engine


def onnx_parts(manifest: Manifest) -> tuple[Part, Part]:
    """The encoder's and the decoder's ONNX file and its edges: as of TF Lite, but in float32.

    Raises:
        BundleError: If the bundle has none.
    """
    if manifest.onnx is None:
        raise BundleError(
            f"{MANIFEST}: there are no ONNX files in this bundle, which `engine` 'onnx' needs: "
            'export it with `also="onnx"`.'
        )

    def floats(edge: Edge) -> Edge:
        return Edge(edge.shape, "int32" if edge.dtype == "int32" else "float32")

    return (
        Part(
            manifest.onnx.encoder, floats(manifest.encoder.input), floats(manifest.encoder.output)
        ),
        Part(
            manifest.onnx.decoder, floats(manifest.decoder.input), floats(manifest.decoder.output)
        ),
    )


def open_engine(
    manifest: Manifest, files: Mapping[str, bytes], engine: str, *, threads: int = 1
) -> tuple[Manifest, Model, Model]:
    """The models of a bundle, and the manifest with the edges that they have.

    Raises:
        BundleError: If they cannot be loaded, or are not what the manifest says.
    """
    models: tuple[Model, Model]
    if engine == "onnx":
        encoder, decoder = onnx_parts(manifest)
        check_installed()
        models = (
            OnnxModel(files[encoder.file], threads=threads),
            OnnxModel(files[decoder.file], threads=threads),
        )
        manifest = dataclasses.replace(manifest, encoder=encoder, decoder=decoder)
    else:
        models = open_models(manifest, files, threads=threads)
    check_part("encoder", manifest.encoder, models[0])
    check_part("decoder", manifest.decoder, models[1])
    return manifest, *models
