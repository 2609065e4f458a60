"""Keras models to TF Lite files, in a TensorFlow process of its own.

The other process makes the backend irrelevant (LiteRT export exists on TensorFlow only),
keeps the converter's memory leak out of the caller, turns a crash of the converter into an
error message, and proves each time that the model reloads in safe mode from stock layers. It is
kept for the next conversion and ends after a minute without one.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae_export.atomic import write_file
from kerasae_export.conversion import worker as _worker
from kerasae_export.conversion.checks import (
    STATIC,
    Calibration,
    check_float_layers,
    check_model,
    check_samples,
    file_names,
)
from kerasae_export.conversion.float_layers import SINGLE, check_integers
from kerasae_export.conversion.mixing import Mixer
from kerasae_export.conversion.options import (
    CONVERSIONS,
    FORMATS,
    check_boolean,
    check_edges,
    check_onnx,
    check_target,
)
from kerasae_export.conversion.scratch import private_folder
from kerasae_export.conversion.split import predict_all
from kerasae_export.errors import ConversionError
from kerasae_export.format.manifest import DECODE, ENCODE

__all__ = ["CONVERSIONS", "FORMATS", "Calibration", "Converter", "convert", "convert_both"]

_ADVICE = '; `scheme="dynamic"` quantises the weights only and may do.'
_MEMORY = "; it ends so where no memory is left: free some, or give `calibration` fewer samples."


def convert(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    scheme: str = "int8",
    calibration: Calibration = None,
    allow_float: bool = False,
    edges: str | None = None,
    dynamic_batch: bool = False,
    format: str = "tflite",
    float_layers: Sequence[str] | None = None,
) -> Path:
    """Convert any Keras model to a TF Lite or an ONNX file: functional, `Sequential` or subclassed.

    The file takes a batch of 1, unless `dynamic_batch` is given, and uses TF Lite's built-in
    operators only. With `"int8"` the inputs and outputs are uint8, which both phones and browsers
    accept, unless `edges` says otherwise; with the other schemes they are float32. Indices stay
    int32. A single input is called `input` in the file's signature, several keep the names that
    they have in the model; outputs are `output_0`, `output_1` and so on, in the model's order.

    Args:
        model: The model, such as `kerasae.encoder(model)`, with inputs of fixed shape, of stock
            layers and of custom ones that have `to_stock()`, which gives a stock layer, or a
            functional model of such, that does the same at inference. A subclassed model must have
            been called or fitted once.
        path: File to write, ending in `.tflite`; replaced as a whole or not at all.
        scheme: `"float32"`; `"float16"`, for weights; `"dynamic"`, int8 weights in tensors of 1024
            values or more, where kernels exist for it; `"int8"`, static quantisation of weights
            and activations; `"int16x8"`, int8 weights and activations in 16 bits, which lose
            hardly anything, with edges in float32 and kernels that are slower than those of int8;
            or `"mixed"`, int8 but for `float_layers`, with edges in float32. See
            `kerasae_export.format.manifest.ALL_SCHEMES`.
        calibration: For `"int8"`, `"int16x8"` and `"mixed"`, real inputs of shape
            (n, *model input), of the range that the model was trained on; 100 to 500 are enough.
            Images may be uint8 from 0 to 255, which
            become values in [0, 1] unless the model begins with a `Rescaling` of its own. For a
            model with several inputs, a list in their order or a dict by their names, with
            equally many samples each. The other schemes ignore it.
        allow_float: Whether `"int8"` may leave operators in float32 that the converter has no
            int8 for, such as ELU or three-dimensional convolutions. The other schemes ignore it.
        edges: Type of the inputs and outputs with `"int8"`: `"uint8"`, the default; `"int8"`, which
            TF Lite Micro wants and browsers refuse; or `"float32"`, which the file quantises and
            dequantises itself. With the other schemes they are float32.
        dynamic_batch: Whether the file takes a batch of any size, for which a program resizes the
            input. The file then computes shapes when it runs, which LiteRT.js and delegates refuse.
            Height and width are free, whatever this says, where those of the model are, None. The
            file is run in other sizes before it is written.
        format: `"tflite"`; or `"onnx"`, for ONNX Runtime and what else reads ONNX: `path` then ends
            in `.onnx`, and all of it is float32 with a batch of any size. `scheme` may say
            `"float32"` or be left out, `calibration` is ignored, and inputs and outputs have the
            same names. The file is run by ONNX Runtime in two sizes of batch, beside Keras, before
            it is written. It needs the extra `onnx`.
        float_layers: For `"mixed"`, names of layers, or of nested models with all their layers,
            that compute in float32 as if nothing were quantised. A value is rounded only where it
            goes into a layer that is not named, or comes out of one.

    Returns:
        The path.

    Raises:
        ValueError: If an argument breaks its rule.
        ConversionError: If a package is missing that ONNX needs, the scheme does not fit the model,
            the file does not compute in other
            sizes what Keras does, or the converter refuses it or
            crashes. `"int8"` is refused for recurrent layers that are not unrolled, on which the
            converter crashes, or have more than 64 steps; for attention, whose activations do not
            fit in 8 bits; and without `allow_float` for layers that stay in float32. The message
            names them.

    Example:
        >>> import kerasae
        >>> from kerasae_export import convert
        >>> images = kerasae.load_images("digits")
        >>> model = kerasae.build_undercomplete(input_shape=images.image_shape, code_size=8)
        >>> path = convert(                                                 # doctest: +SKIP
        ...     kerasae.encoder(model), "encoder.tflite", calibration=images.train[:200]
        ... )
    """
    with Converter() as converter:
        return converter.convert(
            model,
            path,
            scheme=scheme,
            calibration=calibration,
            allow_float=allow_float,
            edges=edges,
            dynamic_batch=dynamic_batch,
            format=format,
            float_layers=float_layers,
        )


def convert_both(
    encoder: keras.Model,
    decoder: keras.Model,
    path: str | os.PathLike[str],
    *,
    scheme: str = "int8",
    calibration: Calibration = None,
    code_calibration: Calibration = None,
    allow_float: bool = False,
) -> Path:
    """Convert an encoder and its decoder to one TF Lite file with two signatures.

    The signatures are `encode` and `decode`; a program names the one that it runs. Everything
    else is as for `convert`.

    Args:
        encoder: The encoder, such as `kerasae.encoder(model)`.
        decoder: The decoder, which takes all outputs of the encoder, in their order.
        path: File to write, ending in `.tflite`; replaced as a whole or not at all.
        scheme: As for `convert`; the same for both.
        calibration: For `"int8"` and `"int16x8"`, real inputs of the encoder; see `convert`.
        code_calibration: Likewise, inputs of the decoder; by default what the encoder gives
            for `calibration`.
        allow_float: As for `convert`.

    Returns:
        The path.

    Raises:
        ValueError: If an argument breaks its rule.
        ConversionError: If the scheme does not fit one of the models, or the converter refuses
            them or crashes.

    Example:
        >>> import kerasae
        >>> from kerasae_export import convert_both
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=8)
        >>> encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
        >>> path = convert_both(                                            # doctest: +SKIP
        ...     encoder, decoder, "model.tflite", scheme="float16"
        ... )
    """
    with Converter() as converter:
        return converter.convert_both(
            encoder,
            decoder,
            path,
            scheme=scheme,
            calibration=calibration,
            code_calibration=code_calibration,
            allow_float=allow_float,
        )


class Converter:
    """A TensorFlow process that converts one model after another; a new one after a crash.

    The process starts in the background with the first converter of a program. A converter that
    is done leaves it to the next one.
    """

    def __init__(self) -> None:
        self._worker = _worker.borrow()

    def __enter__(self) -> Converter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _worker.give_back(self._worker)

    def convert(
        self,
        model: keras.Model,
        path: str | os.PathLike[str],
        *,
        scheme: str = "int8",
        calibration: Calibration = None,
        allow_float: bool = False,
        edges: str | None = None,
        dynamic_batch: bool = False,
        format: str = "tflite",
        float_layers: Sequence[str] | None = None,
    ) -> Path:
        """Convert one model; see the function `convert`."""
        if not isinstance(format, str) or format not in FORMATS:
            raise ValueError(
                f"`format` must be one of {', '.join(FORMATS)}. Received: format={format!r}"
            )
        target = check_target(path, scheme, format)
        names = check_float_layers(float_layers, scheme, needed=True)
        if format == "onnx":
            check_onnx(scheme, edges)
            model = check_model("model", model, "float32", free_sides=True)
            return self._write(target, "float32", {SINGLE: (model, [])}, True, {"format": format})
        options = {
            "edges": check_edges(edges, scheme),
            "dynamic_batch": check_boolean("dynamic_batch", dynamic_batch),
        }
        model = check_model("model", model, scheme, free_sides=True)
        if names is not None:
            if dynamic_batch:
                raise ValueError(
                    "`dynamic_batch` must be False with the scheme 'mixed'. "
                    f"Received: dynamic_batch={dynamic_batch!r}"
                )
            mixer = self.mixer({SINGLE: (model, calibration)})
            write_file(target, mixer.mixed({SINGLE: mixer.check(names)}))
            return target
        samples = check_samples(model, calibration, scheme=scheme) if scheme in STATIC else []
        return self._write(target, scheme, {SINGLE: (model, samples)}, allow_float, options)

    def mixer(self, models: Mapping[str, tuple[keras.Model, Calibration]]) -> Mixer:
        """What makes files of which some layers are in int8 and the others in float32.

        Args:
            models: For each signature, the model and real inputs of it; see `convert`.
        """
        parts = {}
        for key, (model, calibration) in models.items():
            checked = check_model("model", model, "mixed")
            parts[key] = checked, check_samples(checked, calibration, scheme="mixed")
        stored = self._content("int8", parts, {"edges": "float32", "islands": True})
        exact = self._content("float32", {key: (m, []) for key, (m, _) in parts.items()})
        return Mixer(stored, exact, {key: m for key, (m, _) in parts.items()})

    def convert_both(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        path: str | os.PathLike[str],
        *,
        scheme: str = "int8",
        calibration: Calibration = None,
        code_calibration: Calibration = None,
        allow_float: bool = False,
    ) -> Path:
        """Convert a pair of models; see the function `convert_both`."""
        target = check_target(path, scheme)
        encoder = check_model("encoder", encoder, scheme)
        decoder = check_model("decoder", decoder, scheme)
        images: list[NDArray[Any]] = []
        codes: list[NDArray[Any]] = []
        if scheme == "mixed":
            raise ValueError(
                "`scheme` must be another than 'mixed' for two models in one file; "
                '`export_bundle(..., scheme="mixed", signatures="both")` writes one. '
                f"Received: scheme={scheme!r}"
            )
        if scheme in STATIC:
            images = check_samples(encoder, calibration, followed_by=decoder)
            if code_calibration is None:
                results = predict_all(encoder, images)
                code_calibration = results if len(decoder.inputs) > 1 else results[0]
            codes = check_samples(decoder, code_calibration, "code_calibration")
        parts = {ENCODE: (encoder, images), DECODE: (decoder, codes)}
        return self._write(target, scheme, parts, allow_float)

    def _write(
        self,
        target: Path,
        scheme: str,
        parts: Mapping[str, tuple[keras.Model, Sequence[NDArray[Any]]]],
        allow_float: bool,
        options: Mapping[str, Any] | None = None,
    ) -> Path:
        content = self._content(scheme, parts, options)
        if scheme == "int8" and not allow_float:
            check_integers(content, {key: model for key, (model, _) in parts.items()})
        write_file(target, content)
        return target

    def _content(
        self,
        scheme: str,
        parts: Mapping[str, tuple[keras.Model, Sequence[NDArray[Any]]]],
        options: Mapping[str, Any] | None = None,
    ) -> bytes:
        names = " and ".join(repr(model.name) for model, _ in parts.values())
        with private_folder() as folder, _telling_of_the_machine(names, folder):
            for key, (model, samples) in parts.items():
                model.save(folder / f"{key}.keras")
                for i, values in enumerate(samples):
                    np.save(folder / f"{key}-{i}.npy", values)
            signatures = {key: file_names(model) for key, (model, _) in parts.items()}
            job = {
                "scheme": scheme,
                "folder": str(folder),
                "signatures": signatures,
                **(options or {}),
            }
            self._run(job, names)
            return (folder / f"model.{job.get('format', 'tflite')}").read_bytes()

    def _run(self, job: dict[str, Any], names: str) -> None:
        advice = _ADVICE if job["scheme"] == "int8" else ""
        try:
            error = self._answer(job)
        except _worker.WorkerError as death:
            self._renew()  # the next model may do better
            if death.status == -signal.SIGKILL or "bad_alloc" in death.words:
                advice = _MEMORY
            how = f"signal {-death.status}" if death.status < 0 else f"exit status {death.status}"
            to = "to ONNX" if "format" in job else f"in the scheme {job['scheme']!r}"
            raise ConversionError(
                f"The {'ONNX' if 'format' in job else 'TF Lite'} converter died on model {names} "
                f"with {how} {to}: {death.words}{advice}"
            ) from None
        if error:
            to = "to ONNX" if "format" in job else f"with the scheme {job['scheme']!r}"
            raise ConversionError(
                f"Model {names} cannot be converted {to}: {error.rstrip('.')}{advice or '.'}"
            )

    def _answer(self, job: dict[str, Any]) -> str | None:
        try:
            return self._worker.run(job)
        except _worker.WorkerError as death:
            if death.status != _worker.RETIRED:
                raise
        self._renew()  # it left before it saw the job
        return self._worker.run(job)

    def _renew(self) -> None:
        self._worker.stop()
        self._worker = _worker.Worker()


@contextlib.contextmanager
def _telling_of_the_machine(names: str, folder: Path) -> Iterator[None]:
    """Tell what the machine lacks, the disk most of all, from what is wrong with a model."""
    try:
        yield
    except (OSError, _worker.MachineError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConversionError(
            f"Model {names} could not be converted, and no scheme would change that: {reason}, "
            f"in {folder}."
        ) from None
