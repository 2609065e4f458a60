"""The two models of a bundle, however its files hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kerasae_export.format.manifest import Manifest, Part
from kerasae_export.runtime.codec import Codec
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.litemodel import LiteModel

__all__ = ["Side", "codec_of", "sides"]


@dataclass(frozen=True)
class Side:
    """The encoder or the decoder of a bundle.

    Attributes:
        name: `"encoder"` or `"decoder"`.
        part: Its entry in the manifest.
        content: The bytes of its file, which may hold the other model too.
        graph: Its operators.
    """

    name: str
    part: Part
    content: bytes
    graph: Graph

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of `LiteModel` besides the bytes."""
        signature = self.part.signature
        return {} if signature is None else {"signature": signature}

    def load(self, *, threads: int = 1, kernels: str = "xnnpack") -> LiteModel:
        """The model, ready to run."""
        return LiteModel(self.content, threads=threads, kernels=kernels, **self.options)


def sides(manifest: Manifest, files: Mapping[str, bytes]) -> tuple[Side, Side]:
    """Encoder and decoder of a bundle whose files were read.

    Raises:
        BundleError: If one of them has no readable graph.
    """

    def side(name: str, part: Part) -> Side:
        content = files[part.file]
        return Side(name, part, content, Graph(content, part.signature))

    return side("encoder", manifest.encoder), side("decoder", manifest.decoder)


def codec_of(manifest: Manifest, both: tuple[Side, Side], *, kernels: str) -> Codec:
    """The codec of both sides with one of `KERNELS`."""
    return Codec(manifest, *(side.load(kernels=kernels) for side in both))
