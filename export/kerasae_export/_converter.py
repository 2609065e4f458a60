"""The process behind `kerasae_export.conversion`: a job a line in, an answer a line out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def main() -> None:
    """Serve jobs from standard input until it ends."""
    # Libraries print to standard output too; the answers get a channel of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        error = _try(json.loads(line))
        print(json.dumps({"error": error}), file=answers, flush=True)


def _try(job: dict[str, Any]) -> str | None:
    try:
        _convert(Path(job["folder"]), job["scheme"])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return f"{type(error).__name__}: {' '.join(lines)[:600] or 'no details'}"
    return None


def _convert(folder: Path, scheme: str) -> None:
    model = keras.saving.load_model(folder / "model.keras", compile=False)
    (entry,) = model.inputs
    shape = (1, *entry.shape[1:])
    options: dict[str, Any] = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    if scheme == "int8":
        samples = np.load(folder / "calibration.npy", mmap_mode="r")

        def representative() -> Iterator[list[Any]]:
            for sample in samples:
                yield [np.array(sample[None])]

        options = {
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": representative,
            # Anything but int8 built-ins fails here, not on the phone.
            "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
            "inference_input_type": tf.uint8,
            "inference_output_type": tf.uint8,
        }
    model.export(
        folder / "model.tflite",
        format="litert",
        verbose=False,
        # A batch of 1: a free batch drags shape operators along that browsers refuse.
        input_signature=[keras.InputSpec(shape=shape, dtype=entry.dtype, name="input")],
        **options,
    )


if __name__ == "__main__":
    main()
