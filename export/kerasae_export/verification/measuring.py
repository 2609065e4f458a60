"""What a model costs on this machine: bytes, multiply-accumulates, time and memory."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from kerasae_export.format.manifest import Manifest
from kerasae_export.format.numbers import plain
from kerasae_export.verification.parts import Side

__all__ = ["latency", "machine", "peak_bytes", "static_costs"]

_RUNS, _SECONDS, _MOST_RUNS = 50, 0.05, 2000  # at least, for so long, at most
_TIMEOUT = 300  # seconds that a model may take to be loaded and run three times


def machine() -> str:
    """The machine and the runtime, in words."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, ai-edge-litert {version('ai-edge-litert')}"
    )


def static_costs(side: Side, manifest: Manifest) -> dict[str, Any]:
    """Costs independent of the machine: operators, multiply-accumulates, working memory."""
    macs = side.graph.macs
    pixels = math.prod(manifest.codec.tile)
    per_pixel = None if macs is None else macs / pixels
    return {
        "operators": [
            {
                "operator": operator.name,
                "layer": operator.layer,
                "shape": list(operator.shape),
                "macs": operator.macs,
            }
            for operator in side.graph.operators
        ],
        "macs": macs,
        "macs_per_pixel": per_pixel,
        # Overlapping tiles compute their margins more than once.
        "macs_per_pixel_tiled": None if per_pixel is None else per_pixel * _overlap(manifest),
        "working_bytes": side.graph.working_bytes,
    }


def latency(side: Side, threads: int) -> dict[str, float]:
    """Milliseconds of a run on an image of zeros, which takes as long as any other."""
    model = side.load(threads=threads)
    value = np.zeros(model.input.shape, model.input.dtype)
    model(value)  # the first run prepares the kernels
    times: list[float] = []
    while len(times) < _RUNS or (sum(times) < 1e3 * _SECONDS and len(times) < _MOST_RUNS):
        start = time.perf_counter()
        model(value)
        times.append(1e3 * (time.perf_counter() - start))
    low, median, high = statistics.quantiles(times, n=4)
    return {"median": round(median, 4), "quartile_1": round(low, 4), "quartile_3": round(high, 4)}


def peak_bytes(side: Side, folder: Path) -> int | None:
    """Peak memory of a process that loads and runs the model, above one that imported LiteRT.

    That is the model's file, its weights as the kernels pack them, the arena of its activations,
    and the pages of LiteRT's own code that it touches. None where the system does not report the
    peak of a process.
    """
    if not _proc():
        return None
    job = json.dumps(plain({"file": str(folder / side.part.file), "options": side.options}))
    done = subprocess.run(
        [sys.executable, "-m", "kerasae_export.verification.memory"],
        input=job,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip().isdigit() else None


def _proc() -> bool:
    """Whether this system reports, and resets, the peak of a process."""
    return Path("/proc/self/clear_refs").exists()


def _overlap(manifest: Manifest) -> float:
    """Pixels of tiles for each pixel of a large image."""
    spec = manifest.codec
    if spec.layout != "grid":
        return 1.0
    rows, columns = spec.code_shape[0], spec.code_shape[1]
    margin = 2 * spec.margin
    return rows * columns / ((rows - margin) * (columns - margin))
