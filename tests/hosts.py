"""What each process of a training runs in tests/test_hosts.py: a model, data, and what came out.

python tests/hosts.py OUT ARCHITECTURE memory|stream PROCESSES PROCESS [PORT] [EPOCHS] [RESUME]
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import keras
import numpy as np

import kerasae
from kerasae import TrainConfig

TINY = {
    "undercomplete": {"code_size": 4, "hidden": (16,)},
    "variational": {"code_size": 4, "hidden": (16,)},
    "vector_quantized": {"hidden": (8,), "codebook_size": 8, "code_size": 4},
}


class Slowly(keras.callbacks.Callback):
    """Leaves time for a process to be killed in."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        time.sleep(0.2)


def main() -> None:
    out, architecture, kind, processes, process, *more = sys.argv[1:]
    port, epochs, resume = [*more, *("0", "2", "")[len(more) :]]
    if int(processes) > 1:
        kerasae.connect_hosts(f"127.0.0.1:{port}", int(processes), int(process))
    elif process == "devices":
        kerasae.connect_hosts()
    keras.utils.set_random_seed(3)
    model = kerasae.build(architecture, input_shape=(8, 8, 1), **TINY[architecture])
    images = kerasae.load_images("digits", limit=400)
    data, validation, limits = images, None, {}
    if kind == "stream":
        size = 64 // int(processes)
        data = lambda: (images.train[i : i + size] for i in range(0, 256, size))  # noqa: E731
        validation = images.validation[:32]
    folder = Path(out)
    history = kerasae.train(
        model,
        data,
        TrainConfig(epochs=int(epochs), batch_size=64, seed=5),
        out=folder / "run",
        resume=bool(resume),
        progress=False,
        validation_data=validation,
        callbacks=[Slowly()] if int(epochs) > 10 else [],
        **limits,
    )
    weights = np.concatenate([np.ravel(w) for w in model.get_weights()]).tolist()
    result = {"history": history.history, "weights": weights}
    (folder / f"{process}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
