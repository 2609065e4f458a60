"""The models of a bundle that are told a class, and such a model with its class fixed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BundleError
from kerasae_export.format.labels import LabelPart, Labels
from kerasae_export.format.manifest import Manifest
from kerasae_export.format.tiling import Layout
from kerasae_export.format.values import dequantise, quantise
from kerasae_export.runtime.bundle_files import check_part
from kerasae_export.runtime.litemodel import LiteModel, edge_of
from kerasae_export.runtime.operators import check_program
from kerasae_export.runtime.tiled import TiledModels

__all__ = ["AtLabel", "LabelledModel", "LabelledPair", "labelled_models", "open_labelled"]

_LABEL = "label"


class LabelledModel(LiteModel):
    """A TF Lite model of two inputs, of which one is named `label`; batch 1, threads may share it.

    Args: as of `LiteModel`.

    Raises:
        BundleError: As of `LiteModel`, or if the inputs are others.
    """

    def _open(self, signature: str | None) -> None:
        names = sorted(self._interpreter.get_signature_list())
        if len(names) != 1:
            raise BundleError(
                f"A model of a label must have one signature. Received: {', '.join(names)}"
            )
        self._runner = self._interpreter.get_signature_runner(names[0])
        inputs, outputs = self._runner.get_input_details(), self._runner.get_output_details()
        others = [name for name in inputs if name != _LABEL]
        if len(others) != 1 or len(inputs) != 2 or len(outputs) != 1:
            raise BundleError(
                "A model of a label must have two inputs, one of them `label`, and one output. "
                f"Received: {', '.join(inputs)}, and {len(outputs)}"
            )
        self._names = [*others, *outputs]
        self.input, self.label = edge_of(inputs[others[0]]), edge_of(inputs[_LABEL])
        (output,) = outputs.values()
        self.output = edge_of(output)
        self._signature = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, self._made_of

    def told(self, values: NDArray[Any], label: NDArray[Any]) -> NDArray[Any]:
        """Run on one input and one label, each of exactly the model's shape and dtype."""
        with self._lock:
            try:
                return self._runner(**{self._names[0]: values, _LABEL: label})[self._names[1]]
            except (RuntimeError, ValueError) as error:
                raise BundleError(f"LiteRT cannot run the model: {error}.") from None

    def at(self, label: int) -> AtLabel:
        """The model with its class fixed."""
        return AtLabel(self, label)


def _remake(content: bytes, threads: int, kernels: str) -> LabelledModel:
    return LabelledModel(content, threads=threads, kernels=kernels)


class AtLabel:
    """A model that is always told the same class, with the edges and the calls of a `LiteModel`.

    Args:
        model: The model of two inputs.
        label: The number of the class.
    """

    def __init__(self, model: LabelledModel, label: int) -> None:
        self.input, self.output = model.input, model.output
        self._model, self._label = model, label

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Run on one input of exactly the model's shape (batch 1 included) and dtype."""
        edge = self._model.label
        one_hot = np.zeros(edge.shape)
        one_hot[0, self._label] = 1.0
        return self._model.told(values, quantise(one_hot, edge))

    def run(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Real values of shape (n, ...) through the model one by one."""
        return np.concatenate(
            [dequantise(self(quantise(v[None], self.input)), self.output) for v in values]
        )


def open_labelled(
    name: str, part: LabelPart, content: bytes, *, threads: int = 1, kernels: str = "xnnpack"
) -> LabelledModel:
    """Open a model that takes a label, if it is what the manifest says.

    Args:
        name: `"encoder"` or `"decoder"`.
        part: Its entry in the manifest.
        content: The bytes of its file.
        threads: As of `LiteModel`.
        kernels: As of `LiteModel`.

    Raises:
        BundleError: If it is not, or cannot be run.
    """
    check_program(content)
    model = LabelledModel(content, threads=threads, kernels=kernels)
    check_part(f"labels.{name}", part.told, model)
    said, found = part.label, model.label
    same = (said.shape, said.dtype, said.zero_point) == (found.shape, found.dtype, found.zero_point)
    if not same or not math.isclose(said.scale, found.scale, rel_tol=1e-6):
        raise BundleError(
            f"manifest.json: `labels.{name}.label` does not match {part.file}. "
            f"Received: {said}, in the file {found}"
        )
    return model


@dataclass
class LabelledPair:
    """Encoder and decoder that take a label, opened when the first label is told.

    Attributes:
        labels: What the manifest says of them.
        contents: The bytes of both files.
        threads: Threads that the kernels may use.
        kernels: As of `LiteModel`.
    """

    labels: Labels
    contents: tuple[bytes, bytes]
    threads: int = 1
    kernels: str = "xnnpack"
    _opened: tuple[LabelledModel, LabelledModel] | None = None
    _tiled: dict[int, TiledModels] = field(default_factory=dict)

    def at(self, label: int) -> tuple[AtLabel, AtLabel]:
        """Encoder and decoder that are told this class.

        Raises:
            BundleError: If a file is not what the manifest says, or cannot be run.
        """
        if self._opened is None:
            how: dict[str, Any] = {"threads": self.threads, "kernels": self.kernels}
            parts = self.labels.encoder, self.labels.decoder
            encoder, decoder = (
                open_labelled(name, part, content, **how)
                for name, part, content in zip(
                    ("encoder", "decoder"), parts, self.contents, strict=True
                )
            )
            self._opened = encoder, decoder
        return self._opened[0].at(label), self._opened[1].at(label)

    def tiled(self, label: int, manifest: Manifest, layout: Layout) -> TiledModels:
        """The same on images of any size.

        Args:
            label: The number of the class.
            manifest: The manifest of the bundle.
            layout: The layout of its codec part.

        Raises:
            BundleError: As of `at`.
        """
        if label not in self._tiled:
            labels = self.labels
            told = replace(manifest, encoder=labels.encoder.told, decoder=labels.decoder.told)
            self._tiled[label] = TiledModels(told, layout, *self.at(label))
        return self._tiled[label]


def labelled_models(
    manifest: Manifest, files: Mapping[str, bytes], *, threads: int = 1, kernels: str = "xnnpack"
) -> LabelledPair | None:
    """The models of a bundle that take a label, where it has them.

    Args:
        manifest: The manifest of the bundle.
        files: The contents of its files.
        threads: As of `LiteModel`.
        kernels: As of `LiteModel`.
    """
    labels = manifest.labels
    if labels is None:
        return None
    contents = files[labels.encoder.file], files[labels.decoder.file]
    return LabelledPair(labels, contents, threads, kernels)
