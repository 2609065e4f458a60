"""The progress bar of a training, and how long it will take."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta

import keras
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

__all__ = ["TimeLeft", "progress_bar"]

_RECENT = 8  # epochs that tell what the next one takes
Clock = Callable[[], float]


@contextlib.contextmanager
def progress_bar(
    epochs: int, steps: int, validation: float = 0.0
) -> Iterator[keras.callbacks.Callback]:
    """One bar for the whole training, which is put away whatever happens.

    Args:
        epochs: Epochs of the training.
        steps: Steps of an epoch.
        validation: What a validation takes, as a share of the steps of an epoch.
    """
    left = TimeLeft(epochs, steps, validation)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[losses]}"),
        _TimeColumn(left),
    )
    with Progress(*columns) as bar:
        yield _ProgressCallback(bar, left)


class TimeLeft:
    """What is left of a training, from its second epoch on: the first also traces and compiles.

    While the second runs, its steps tell; then the last epochs do, with all that belongs to
    them: validation, checkpoints.
    """

    def __init__(
        self, epochs: int, steps: int, validation: float = 0.0, *, clock: Clock = time.monotonic
    ) -> None:
        self.epochs, self.steps = epochs, steps
        self._validation, self._clock = validation, clock
        self._began: list[float] = []  # each epoch of this process
        self._taken: deque[float] = deque(maxlen=_RECENT)
        self._epoch = self._step = 0

    def begin(self, epoch: int) -> None:
        """An epoch begins, and the one before it has ended with all that belongs to it."""
        self._began.append(self._clock())
        self._epoch, self._step = epoch, 0
        if len(self._began) > 2:
            self._taken.append(self._began[-1] - self._began[-2])

    def step(self, done: int) -> None:
        """So many steps of the epoch are done."""
        self._step = done

    def seconds(self) -> float | None:
        """Seconds that are left; None while nothing tells."""
        if len(self._began) < 2:
            return None
        gone = self._clock() - self._began[-1]
        if self._taken:
            each = sum(self._taken) / len(self._taken)
        elif self._step:
            each = gone * self.steps / self._step * (1 + self._validation)
        else:
            return None
        return max(0.0, each - gone) + each * (self.epochs - self._epoch - 1)


class _TimeColumn(ProgressColumn):
    """The time left, counting down; in the end what the training took."""

    def __init__(self, left: TimeLeft) -> None:
        super().__init__()
        self._left = left

    def render(self, task: Task) -> Text:
        if task.finished:
            return Text(f"in {_clock_time(task.finished_time or 0.0)}")
        seconds = self._left.seconds()
        return Text("-:--:-- left" if seconds is None else f"{_clock_time(seconds)} left")


def _clock_time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


class _ProgressCallback(keras.callbacks.Callback):
    """Moves a bar with the steps, and shows the losses of the last epoch."""

    def __init__(self, bar: Progress, left: TimeLeft) -> None:
        super().__init__()
        self._bar, self._left, self._first = bar, left, 0
        self._task = bar.add_task("training", total=left.epochs * left.steps, losses="")
        if keras.backend.backend() != "jax":  # there, a look at each batch triples its time
            self.on_train_batch_end = self._on_batch

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._left.begin(epoch)
        self._first = epoch * self._left.steps
        description = f"training, epoch {epoch + 1}/{self._left.epochs}"
        self._bar.update(self._task, completed=self._first, description=description)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        losses = "  ".join(f"{k} {logs[k]:.4g}" for k in ("loss", "val_loss") if k in logs)
        self._bar.update(self._task, completed=(epoch + 1) * self._left.steps, losses=losses)

    def _on_batch(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._left.step(batch + 1)
        self._bar.update(self._task, completed=self._first + batch + 1)
