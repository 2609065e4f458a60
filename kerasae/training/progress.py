"""The progress bar of a training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["progress_bar"]


@contextlib.contextmanager
def progress_bar(epochs: int, steps: int) -> Iterator[keras.callbacks.Callback]:
    """One bar for the whole training, which is put away whatever happens."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bar:
        yield _ProgressCallback(bar, epochs, steps)


class _ProgressCallback(keras.callbacks.Callback):
    """Moves a bar with the steps, and shows the losses of the last epoch."""

    def __init__(self, bar: Progress, epochs: int, steps: int) -> None:
        super().__init__()
        self._bar, self._epochs, self._steps, self._first = bar, epochs, steps, 0
        self._task = bar.add_task("training", total=epochs * steps, losses="")
        if keras.backend.backend() != "jax":  # there, a look at each batch triples its time
            self.on_train_batch_end = self._on_batch

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._first = epoch * self._steps
        description = f"training, epoch {epoch + 1}/{self._epochs}"
        self._bar.update(self._task, completed=self._first, description=description)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        losses = "  ".join(f"{k} {logs[k]:.4g}" for k in ("loss", "val_loss") if k in logs)
        self._bar.update(self._task, completed=(epoch + 1) * self._steps, losses=losses)

    def _on_batch(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._bar.update(self._task, completed=self._first + batch + 1)
