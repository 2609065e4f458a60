"""One ONNX model, run by ONNX Runtime, with the edges and the calls of a `LiteModel`."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BundleError
from kerasae_export.format.manifest import Edge

__all__ = ["OnnxModel", "check_installed"]

_DTYPES = {"tensor(float)": "float32", "tensor(int32)": "int32"}


def check_installed() -> None:
    """Refuse to go on without ONNX Runtime.

    Raises:
        BundleError: If the package is missing.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        raise BundleError(
            "`engine` 'onnx' needs ONNX Runtime: `pip install onnxruntime`, or take the default, "
            "'litert'."
        )


class OnnxModel:
    """An ONNX model of one input and one output, a batch of any size; threads may share it.

    Args:
        content: The bytes of the `.onnx` file, which must hold its weights.
        threads: Threads that the kernels may use.

    Raises:
        BundleError: If ONNX Runtime is missing or cannot load the bytes, or the model has more than
            one input or output, or one of another type than float32 or, for indices, int32.
    """

    def __init__(self, content: bytes, *, threads: int = 1) -> None:
        check_installed()
        import onnxruntime

        self._made_of = (content, threads)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised
        # A model that keeps weights in other files would read what it names.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", "/nowhere"
        )
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - it has a class for each of its codes
            raise BundleError(f"ONNX Runtime cannot load the model: {_reason(error)}.") from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise BundleError(
                "A codec's model must have one input and one output. "
                f"Received: {len(inputs)} and {len(outputs)}"
            )
        self._names = inputs[0].name, outputs[0].name
        self.input, self.output = _edge_of(inputs[0]), _edge_of(outputs[0])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the bytes of the file, so that each process can have a model of its own."""
        return _remake, self._made_of

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Run on inputs of the model's shape and dtype, a batch of any size first."""
        try:
            result: NDArray[Any] = self._session.run([self._names[1]], {self._names[0]: values})[0]
        except Exception as error:  # noqa: BLE001 - as above
            raise BundleError(f"ONNX Runtime cannot run the model: {_reason(error)}.") from None
        return result

    def run(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Real values of shape (n, ...) through the model one by one, as a `LiteModel` does."""
        dtype = self.input.dtype
        return np.concatenate([self(np.asarray(v[None], dtype)).astype(float) for v in values])


def _remake(content: bytes, threads: int) -> OnnxModel:
    return OnnxModel(content, threads=threads)


def _edge_of(details: Any) -> Edge:
    dtype = _DTYPES.get(details.type)
    if dtype is None:
        raise BundleError(
            f"An ONNX model's edge must be float32 or int32. Received: {details.type}"
        )
    # The batch has a name and no size.
    return Edge((1, *(n if isinstance(n, int) else 0 for n in details.shape[1:])), dtype)


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")[:300]
