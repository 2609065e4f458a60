"""The process that measures how much memory a model takes; it imports LiteRT only."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from kerasae_export.runtime.litemodel import LiteModel

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main() -> None:
    """Load and run the model that standard input describes; print the bytes that it took."""
    job = json.loads(sys.stdin.readline())
    before = _kilobytes("VmRSS")
    # The peak so far is that of the imports, or of the process that this one was forked from.
    _RESET.write_text("5")
    model = LiteModel(Path(job["file"]).read_bytes(), **job["options"])
    value = np.zeros(model.input.shape, model.input.dtype)
    for _ in range(3):
        model(value)
    sys.stdout.write(f"{1024 * (_kilobytes('VmHWM') - before)}\n")


def _kilobytes(name: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise OSError(f"{_STATUS} has no {name}.")


if __name__ == "__main__":
    main()
