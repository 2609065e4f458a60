"""One TF Lite model, run by LiteRT; needs neither Keras nor TensorFlow."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from kerasae_export.errors import BundleError
from kerasae_export.format.manifest import Edge
from kerasae_export.format.values import dequantise, quantise
from kerasae_export.quiet import native_notes_hidden
from kerasae_export.runtime.model_validation import check_graphs, check_tensors

__all__ = ["KERNELS", "LiteModel", "dequantise", "edge_of", "quantise"]

KERNELS = ("xnnpack", "optimised", "reference")
"""The sets of kernels that LiteRT has for a CPU, what phones use first."""

_RESOLVERS = {
    "xnnpack": OpResolverType.AUTO,
    "optimised": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": OpResolverType.BUILTIN_REF,
}


class LiteModel:
    """A TF Lite model of one input and one output, batch 1; threads may share it.

    Args:
        content: The bytes of the `.tflite` file.
        signature: The signature to run, where the file has several.
        threads: Threads that the kernels may use.
        kernels: One of `KERNELS`: XNNPACK; LiteRT's own optimised kernels, which apps use that
            switch XNNPACK off or build without it; or the plain reference kernels. Where LiteRT
            has none of the last for an operator of the model, such as ELU, the optimised ones.

    Raises:
        BundleError: If LiteRT cannot load the bytes, the file lacks the signature or has several
            and none is named, the model has more than one input or output, or one of these is of
            another type than float32, uint8 or, for indices, int32.
    """

    def __init__(
        self,
        content: bytes,
        *,
        signature: str | None = None,
        threads: int = 1,
        kernels: str = "xnnpack",
    ) -> None:
        self._lock = threading.Lock()
        self._made_of = (content, threads, kernels)
        try:
            with native_notes_hidden():
                self._interpreter = _interpreter(content, threads, kernels)
                check_graphs(content)
                for subgraph in range(self._interpreter.num_subgraphs()):
                    check_tensors(self._interpreter.get_tensor_details(subgraph))
                self._interpreter.allocate_tensors()
        except BundleError:
            raise
        except (RuntimeError, ValueError) as error:
            raise BundleError(f"LiteRT cannot load the model: {error}.") from None
        self._open(signature)

    def sibling(self, signature: str) -> LiteModel:
        """Another signature of the same file, which is not loaded again."""
        other = LiteModel.__new__(LiteModel)
        other._interpreter, other._lock = self._interpreter, self._lock
        other._made_of = self._made_of
        other._open(signature)
        return other

    def _open(self, signature: str | None) -> None:
        names = sorted(self._interpreter.get_signature_list())
        if signature is None and len(names) > 1:
            raise BundleError(f"The model has the signatures {', '.join(names)}: name one of them.")
        if signature is not None and signature not in names:
            raise BundleError(
                f"The model has no signature {signature!r}. Received: {', '.join(names) or 'none'}"
            )
        self._runner: Any = None
        if signature is None:
            inputs = self._interpreter.get_input_details()
            outputs = self._interpreter.get_output_details()
        else:
            self._runner = self._interpreter.get_signature_runner(signature)
            self._names = [*self._runner.get_input_details(), *self._runner.get_output_details()]
            inputs = [*self._runner.get_input_details().values()]
            outputs = [*self._runner.get_output_details().values()]
        if len(inputs) != 1 or len(outputs) != 1:
            raise BundleError(
                "A codec's model must have one input and one output. "
                f"Received: {len(inputs)} and {len(outputs)}"
            )
        self._in, self._out = inputs[0]["index"], outputs[0]["index"]
        self.input, self.output = edge_of(inputs[0]), edge_of(outputs[0])
        self._signature = signature

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the bytes of the file, so that each process can have a model of its own."""
        return _remake, (*self._made_of, self._signature)

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Run on one input of exactly the model's shape (batch 1 included) and dtype."""
        with self._lock:
            try:
                if self._runner is not None:
                    return self._runner(**{self._names[0]: values})[self._names[1]]
                self._interpreter.set_tensor(self._in, values)
                self._interpreter.invoke()
                return self._interpreter.get_tensor(self._out)
            except (RuntimeError, ValueError) as error:  # such as an output that nothing computes
                raise BundleError(f"LiteRT cannot run the model: {error}.") from None

    def run(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Real values of shape (n, ...) through the model one by one."""
        return np.concatenate(
            [dequantise(self(quantise(v[None], self.input)), self.output) for v in values]
        )


def _interpreter(content: bytes, threads: int, kernels: str) -> Interpreter:
    def of(resolver: OpResolverType) -> Interpreter:
        return Interpreter(
            model_content=content, num_threads=threads, experimental_op_resolver_type=resolver
        )

    if kernels != "reference":
        return of(_RESOLVERS[kernels])
    try:
        return of(_RESOLVERS[kernels])
    except (RuntimeError, ValueError) as error:
        if "Didn't find op" not in str(error):
            raise
        return of(_RESOLVERS["optimised"])


def _remake(content: bytes, threads: int, kernels: str, signature: str | None) -> LiteModel:
    return LiteModel(content, signature=signature, threads=threads, kernels=kernels)


def edge_of(details: dict[str, Any]) -> Edge:
    """The edge that LiteRT describes.

    Raises:
        BundleError: If it is of another type than float32, uint8 or int32.
    """
    dtype = np.dtype(details["dtype"]).name
    shape = tuple(int(n) for n in details["shape"])
    if dtype in ("float32", "int32"):
        return Edge(shape, dtype)
    scale, zero_point = details["quantization"]
    if dtype != "uint8" or not scale > 0:
        raise BundleError(f"A model's edge must be float32, uint8 or int32. Received: {dtype}")
    return Edge(shape, dtype, float(scale), int(zero_point))
