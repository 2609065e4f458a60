"""What a reader of a model card asks first, measured while a bundle is exported."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.manifest import Manifest, Part
from kerasae_export.format.values import quantise
from kerasae_export.runtime.codec import Codec
from kerasae_export.runtime.delegates import delegate_coverage
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.litemodel import LiteModel

__all__ = ["MICRO", "arena_bytes", "at_a_glance"]

MICRO = "tflite-micro"
"""The package that runs a model as a microcontroller would; Python 3.10 and 3.11 have it."""

_RUNS, _SECONDS = 20, 0.2
_FEWEST, _MACS = 4, 2 * 10**10  # images, and multiply-accumulates that more of them may take
# In a process of its own: its allocations are printed by native code, and it aborts on some models.
_ARENA = (
    "import sys; from tflite_micro import runtime; "
    "runtime.Interpreter.from_file(sys.argv[1]).print_allocations()"
)
_TOTAL = re.compile(r"Arena allocation total (\d+) bytes")


def at_a_glance(
    target: Path, manifest: Manifest, models: tuple[LiteModel, LiteModel], images: NDArray[Any]
) -> dict[str, Any]:
    """Sizes, quality, bytes, milliseconds and memory, and what delegates and microcontrollers take.

    Args:
        target: The folder that holds the models.
        manifest: The manifest of the bundle.
        models: Encoder and decoder.
        images: Some of the calibration images, of the size of a tile, in [0, 1].
    """
    codec = Codec(manifest, *models)
    parts = {"encoder": manifest.encoder, "decoder": manifest.decoder}
    contents = {name: (target / part.file).read_bytes() for name, part in parts.items()}
    graphs = {n: Graph(contents[n], part.signature) for n, part in parts.items()}
    macs = sum(graph.macs or 0 for graph in graphs.values()) * codec.qualities
    few = np.asarray(images)[: max(_FEWEST, _MACS // max(macs, 1))]
    whole = list(np.floor(few * 255 + 0.5).astype(np.uint8))
    return {
        "images": len(whole),
        "file_bytes": {part.file: len(contents[n]) for n, part in parts.items()},
        "qualities": [_quality(codec, whole, q + 1) for q in range(codec.qualities)],
        "ms": {n: _milliseconds(model) for n, model in zip(parts, models, strict=True)},
        "activation_bytes": {name: graph.working_bytes for name, graph in graphs.items()},
        "delegates": {n: _delegates(contents[n], part) for n, part in parts.items()},
        **_arenas(target, parts),
    }


def _quality(codec: Codec, images: Sequence[NDArray[np.uint8]], quality: int) -> dict[str, float]:
    files = [codec.compress(image, quality=quality) for image in images]
    errors = [
        np.square(np.subtract(codec.decompress(data), image, dtype=float)).mean()
        for data, image in zip(files, images, strict=True)
    ]
    psnr = 10 * np.log10(255**2 / max(float(np.mean(errors)), 1e-9))
    each = statistics.fmean(map(len, files))
    pixels = images[0].shape[0] * images[0].shape[1]
    return {
        "psnr": round(float(psnr), 2),
        "bytes": round(each, 1),
        "bits_per_pixel": round(8 * each / pixels, 3),
    }


def _milliseconds(model: LiteModel) -> float:
    """The median of some runs on one thread."""
    value = quantise(np.zeros(model.input.shape), model.input)
    model(value)
    times: list[float] = []
    while len(times) < _RUNS and sum(times) < 1e3 * _SECONDS:
        start = time.perf_counter()
        model(value)
        times.append(1e3 * (time.perf_counter() - start))
    return float(f"{statistics.median(times):.2g}")


def _delegates(content: bytes, part: Part) -> dict[str, Any]:
    return {
        name: {
            "taken": found.taken,
            "operators": found.operators,
            "macs": None if found.macs is None else round(found.macs, 4),
            "refused": {n: [why, count] for n, (why, count) in found.refused.items()},
        }
        for name, found in delegate_coverage(content, signature=part.signature).items()
    }


def _arenas(target: Path, parts: Mapping[str, Part]) -> dict[str, Any]:
    """The arenas of TFLite Micro, where that is installed and each model is a file of its own."""
    if find_spec("tflite_micro") is None or any(part.signature for part in parts.values()):
        return {}
    return {"arena_bytes": {name: arena_bytes(target / part.file) for name, part in parts.items()}}


def arena_bytes(path: Path) -> int | None:
    """Bytes of the arena that TFLite Micro takes for a model; None if it does not run it.

    Args:
        path: A `.tflite` file of one model.
    """
    done = subprocess.run(
        [sys.executable, "-c", _ARENA, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = _TOTAL.search(done.stdout + done.stderr)
    return int(found[1]) if done.returncode == 0 and found else None
