"""The process behind `kerasae_export.conversion.convert`: one line in per job, one line out.

It ends by itself, between two jobs, when it has been idle for long or the converter's leaks have
added up, and at once when the program that started it has ended, in whatever way.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from kerasae_export.conversion.integers import in_integers
from kerasae_export.conversion.onnx_files import write_onnx
from kerasae_export.conversion.resizing import check_resized
from kerasae_export.conversion.worker import RETIRED, end_with

_IDLE = float(os.environ.get("KERASAE_CONVERTER_IDLE", "60"))  # seconds
_JOBS = 40  # each leaks some 22 MB where the net is large


def main() -> None:
    """Serve jobs from standard input until that ends, or none comes for long."""
    if len(sys.argv) > 1:
        end_with(int(sys.argv[1]))
    # Libraries print to standard output too; the answers get a channel of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for _ in range(_JOBS):
        retire = threading.Timer(_IDLE, os._exit, [RETIRED])
        retire.daemon = True
        retire.start()
        line = sys.stdin.readline()
        retire.cancel()
        if not line:
            os._exit(RETIRED)
        print(json.dumps(_try(json.loads(line))), file=answers, flush=True)
        keras.utils.clear_session()
        gc.collect()


# What no other scheme would help: the disk, the memory, or a permission.
_MACHINE = (
    OSError,
    MemoryError,
    tf.errors.DataLossError,
    tf.errors.OutOfRangeError,  # a file that is larger than it may be
    tf.errors.PermissionDeniedError,
    tf.errors.ResourceExhaustedError,
)


def _try(job: dict[str, Any]) -> dict[str, Any]:
    """What went wrong, if anything did, and whether that was the machine and not the model."""
    try:
        if job.get("format") == "onnx":
            ((key, names),) = job["signatures"].items()
            folder = Path(job["folder"])
            model = keras.saving.load_model(folder / f"{key}.keras", compile=False)
            write_onnx(model, names, folder / "model.onnx")
            return {"error": None}
        _convert(
            Path(job["folder"]),
            job["scheme"],
            job["signatures"],
            edges=job.get("edges", "uint8"),
            dynamic_batch=job.get("dynamic_batch", False),
            islands=job.get("islands", False),
        )
    except _MACHINE as error:
        reason = getattr(error, "strerror", None) or str(error).rpartition("; ")[2]
        reason = reason.partition(" [Op:")[0] or type(error).__name__
        return {"error": reason, "machine": True}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return {"error": f"{type(error).__name__}: {' '.join(lines)[:600] or 'no details'}"}
    return {"error": None}


def _convert(
    folder: Path,
    scheme: str,
    signatures: dict[str, list[str]],
    *,
    edges: str,
    dynamic_batch: bool,
    islands: bool,
) -> None:
    """Write `model.tflite` from `KEY.keras` and, for int8, `KEY-0.npy`, ... of each signature.

    `signatures` holds for each key the names that the file gives to the model's inputs. With
    `islands`, float operators stay that integers could do, for `Mixer` to find their twins.
    """
    archive = keras.export.ExportArchive()
    resized: dict[str, keras.Model] = {}
    batch = None if dynamic_batch else 1
    for key, names in signatures.items():
        model = keras.saving.load_model(folder / f"{key}.keras", compile=False)
        specs = [
            # A batch of 1: a free batch drags shape operators along that browsers refuse.
            keras.InputSpec(shape=(batch, *entry.shape[1:]), dtype=entry.dtype, name=name)
            for name, entry in zip(names, model.inputs, strict=True)
        ]
        if any(None in spec.shape for spec in specs):
            resized[key] = model
        archive.track(model)
        archive.add_endpoint(
            key, _endpoint(model), input_signature=specs if len(specs) == 1 else [specs]
        )
    archive.write_out(folder / "saved", verbose=False)

    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(folder / "saved"), signature_keys=[*signatures]
    )
    converter.experimental_enable_resource_variables = True
    # Anything but built-in operators fails here, not on the phone.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if scheme != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if scheme == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: _samples(folder, signatures)
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(edges)
    if scheme == "int16x8":
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
        converter.representative_dataset = lambda: _samples(folder, signatures)
    content = converter.convert()
    if scheme == "int8":
        if edges != "float32":
            _check_edges(content, signatures)
        content = content if islands else in_integers(content)
    for key, model in resized.items():
        check_resized(
            content,
            key,
            model,
            signatures[key],
            dynamic_batch=dynamic_batch,
            exact=scheme not in ("int8", "int16x8"),
        )
    (folder / "model.tflite").write_bytes(content)


def _endpoint(model: keras.Model) -> Callable[[Any], Any]:
    def run(inputs: Any) -> Any:
        # Models may take a dictionary, whose values Keras keeps in the order of `inputs`.
        return model(keras.tree.pack_sequence_as(model.input, keras.tree.flatten(inputs)))

    return run


def _samples(
    folder: Path, signatures: dict[str, list[str]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    # By name: in a list, inputs would follow an order of the converter's own.
    for key, names in signatures.items():
        inputs = [np.load(folder / f"{key}-{i}.npy", mmap_mode="r") for i in range(len(names))]
        for sample in zip(*inputs, strict=True):
            yield key, {name: np.array(v[None]) for name, v in zip(names, sample, strict=True)}


def _check_edges(content: bytes, signatures: dict[str, list[str]]) -> None:
    """Refuse a file with float edges: the converter leaves those that it cannot quantise."""
    interpreter = Interpreter(model_content=content)
    for key in signatures:
        runner = interpreter.get_signature_runner(key)
        for name, details in {**runner.get_input_details(), **runner.get_output_details()}.items():
            if np.issubdtype(details["dtype"], np.floating):
                raise ValueError(f"the converter left {name!r} of {key!r} in floating point.")


if __name__ == "__main__":
    main()
