"""The rows of the fidelity table, a module for each family; what they share is here."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

import kerasae
from kerasae.data import Images
from kerasae.training import TrainConfig, train

RUNS = Path(__file__).parents[1] / "runs"  # not committed
SEED = 0


@dataclass(frozen=True)
class Row:
    """A row of the table: what to run, and what is asked for.

    Attributes:
        title: Architecture and source.
        protocol: Data, measure and net.
        published: The figure of the literature or of a baseline.
        unit: Unit of the figure.
        passes: Threshold of a short run; `better` says which side of it is good.
        matches: Threshold of a full match.
        better: `"lower"` or `"higher"`.
        run: Trains, and returns the figure, as `"figure"`, and other measurements; truth values
            under `"passes"` and `"matches"` are what the row asks for beside its thresholds.
        remark: What a reader must know to judge the figure.
    """

    title: str
    protocol: str
    published: str
    unit: str
    passes: float
    matches: float
    better: str
    run: Callable[[], dict]
    remark: str = ""


@functools.cache
def mnist() -> Images:
    """MNIST with a tenth of the training images for validation."""
    return kerasae.load_images("mnist", seed=SEED)


def squared_error(images: np.ndarray, reconstructions: np.ndarray) -> float:
    """Squared error summed over the pixels, mean over the images."""
    flat = (len(images), -1)
    return float(np.square(images.reshape(flat) - reconstructions.reshape(flat)).sum(1).mean())


def trained(
    name: str, build: Callable[[], keras.Model], images: Images, config: TrainConfig
) -> tuple[keras.Model, float]:
    """A model trained in a folder, where a run that was cut off goes on, and its seconds."""
    folder = RUNS / f"{name}-{keras.backend.backend()}"
    clock, checkpoint = folder / "clock.json", folder / "checkpoint.npz"
    times = json.loads(clock.read_text()) if clock.exists() else {"before": 0.0}
    if "total" not in times:
        if checkpoint.exists():
            times["before"] += checkpoint.stat().st_mtime - times["start"]
        folder.mkdir(parents=True, exist_ok=True)
        clock.write_text(json.dumps({**times, "start": time.time()}))
    start = time.time()
    keras.utils.set_random_seed(SEED)
    model = build()
    train(model, images, config, out=folder, resume=True)
    times.setdefault("total", times["before"] + time.time() - start)
    clock.write_text(json.dumps(times))
    return model, times["total"]
