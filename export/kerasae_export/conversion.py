"""Keras models to TF Lite files, in a TensorFlow process of its own.

The other process makes the backend irrelevant (LiteRT export exists on TensorFlow only),
keeps the converter's memory leak out of the caller, turns a crash of the converter into an
error message, and proves each time that the model reloads in safe mode from stock layers.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae_export.errors import ConversionError
from kerasae_export.manifest import SCHEMES

__all__ = ["Converter", "convert"]


def convert(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    scheme: str = "int8",
    calibration: ArrayLike | None = None,
) -> Path:
    """Convert any Keras model of stock layers with one input to a TF Lite file.

    The file takes a batch of 1 and uses TF Lite's built-in operators only. With `"int8"` the
    edges are uint8, which phones and browsers take alike; those of indices stay int32.

    Args:
        model: The model, such as `kerasae.encoder(model)`.
        path: File to write, ending in `.tflite`; replaced as a whole or not at all.
        scheme: `"float32"`, or `"int8"` for static quantisation of weights and activations.
        calibration: For `"int8"`, real inputs of shape (n, *model input), float32 or, for a
            model of indices, int32; 100 to 500 are enough.

    Returns:
        The path.

    Raises:
        ValueError: If an argument breaks its rule.
        ConversionError: If the converter refuses the model or crashes.

    Example:
        >>> convert(kerasae.encoder(model), "encoder.tflite", calibration=images.train[:200])
        ... # doctest: +SKIP
    """
    with Converter() as converter:
        return converter.convert(model, path, scheme=scheme, calibration=calibration)


class Converter:
    """A running TensorFlow process that converts one model after another."""

    def __init__(self) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        environment = {
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kerasae_export._converter"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            text=True,
        )

    def __enter__(self) -> Converter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()  # it holds nothing worth keeping between jobs
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):  # a job that a dead process never read
            self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()

    def convert(
        self,
        model: keras.Model,
        path: str | os.PathLike[str],
        *,
        scheme: str = "int8",
        calibration: ArrayLike | None = None,
    ) -> Path:
        """Convert one model; see the function `convert`."""
        target = Path(path)
        if target.suffix != ".tflite":
            raise ValueError(f"`path` must end in .tflite. Received: path={os.fspath(path)!r}")
        if not target.parent.is_dir():
            raise ValueError(f"`path` must lie in an existing folder. Received: path={path!r}")
        if scheme not in SCHEMES:
            raise ValueError(
                f"`scheme` must be one of {', '.join(SCHEMES)}. Received: scheme={scheme!r}"
            )
        if len(model.inputs) != 1:
            raise ValueError(
                f"`model` must have one input. Received: {len(model.inputs)} in {model.name!r}"
            )
        samples = _check_calibration(model, calibration) if scheme == "int8" else None
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".convert-") as folder:
            job: dict[str, Any] = {"scheme": scheme, "folder": folder}
            model.save(Path(folder) / "model.keras")
            if samples is not None:
                np.save(Path(folder) / "calibration.npy", samples)
            self._run(job, model.name)
            (Path(folder) / "model.tflite").replace(target)
        return target

    def _run(self, job: dict[str, Any], name: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            status = self._process.wait()
            how = f"signal {-status}" if status < 0 else f"exit status {status}"
            raise ConversionError(
                f"The TF Lite converter died on model {name!r} with {how}: {self._last_words()}"
            )
        error = json.loads(answer)["error"]
        if error:
            raise ConversionError(f"Model {name!r} cannot be converted: {error}")

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing."


def _check_calibration(model: keras.Model, calibration: ArrayLike | None) -> NDArray[Any]:
    shape: Sequence[int | None] = model.inputs[0].shape[1:]
    rule = f"`calibration` must hold real inputs of shape (n, {', '.join(map(str, shape))})"
    if calibration is None:
        raise ValueError(f"{rule} for the scheme int8. Received: calibration=None")
    samples = np.asarray(calibration, model.inputs[0].dtype)
    if samples.ndim != len(shape) + 1 or not len(samples) or samples.shape[1:] != tuple(shape):
        raise ValueError(f"{rule}. Received: shape {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError(f"{rule} that are finite. Received: NaN or infinity")
    return samples
