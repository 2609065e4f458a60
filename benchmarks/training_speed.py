"""Images per second in training, with and without XLA and several steps per execution.

    python benchmarks/training_speed.py

The rule behind `TrainConfig(jit_compile="auto", steps_per_execution="auto")` comes from
this table. Every setting is measured twice, the settings interleaved, on random images of
28 x 28; the better of the two counts, since other work on the machine only ever slows down.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import kerasae
from kerasae.data import Images
from kerasae.training import TrainConfig, train

BATCH, STEPS = 128, 120
MODELS = {
    "dense 784-1000-500-250-30": lambda: kerasae.build_undercomplete(
        code_size=30, hidden=(1000, 500, 250)
    ),
    "dense 784-128-64-32": lambda: kerasae.build_undercomplete(),
    "convolutional (32, 64), code 32": lambda: kerasae.build_convolutional(),
    "denoising, dense 784-128-64-32": lambda: kerasae.build_denoising(base="undercomplete"),
    "variational 784-256-128-32": lambda: kerasae.build_variational(),
}
SETTINGS = [(jit, steps) for jit in (False, True) for steps in (1, 20)]


def measure(build, jit_compile: bool, steps_per_execution: int) -> float:
    """Images per second of the second epoch; the first one compiles."""
    images = np.random.default_rng(0).random((BATCH * STEPS, 28, 28, 1), np.float32)
    times: list[float] = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            times.append(time.perf_counter())

        def on_epoch_end(self, epoch, logs=None):
            times.append(time.perf_counter())

    model = build()
    fit = model.fit
    model.fit = lambda *a, callbacks, **k: fit(*a, callbacks=[*callbacks, Clock()], **k)
    config = TrainConfig(
        epochs=2,
        batch_size=BATCH,
        jit_compile=jit_compile,
        steps_per_execution=steps_per_execution,
    )
    train(model, Images(images, images[:BATCH], images[:BATCH]), config, progress=False)
    return len(images) / (times[3] - times[2])


def main() -> None:
    rates: dict[str, dict[str, float]] = {name: {} for name in MODELS}
    for _ in range(2):
        for name, build in MODELS.items():
            for jit_compile, steps in SETTINGS:
                rate = measure(build, jit_compile, steps)
                key = f"{'XLA' if jit_compile else 'no XLA'}, {steps} steps"
                rates[name][key] = max(rates[name].get(key, 0.0), round(rate))
    print("| model | " + " | ".join(next(iter(rates.values()))) + " |")
    for name, row in rates.items():
        print(f"| {name} | " + " | ".join(f"{rate:,.0f}" for rate in row.values()) + " |")
    result = {
        "unit": "images per second",
        "batch_size": BATCH,
        "backend": keras.backend.backend(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "rates": rates,
    }
    path = Path(__file__).parent / "results" / f"training_speed_{keras.backend.backend()}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
