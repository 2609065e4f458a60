"""The state of a run: history, best weights, and the checkpoint from which it resumes."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae import plots
from kerasae.training.averages import averaged, settle
from kerasae.training.batches import Batches
from kerasae.training.configuration import TrainConfig
from kerasae.training.hosts import Hosts, on_one_device
from kerasae.training.rates import current_rate, rate_on_plateau
from kerasae.training.resources import Watch
from kerasae.training.run_folder import (
    CHECKPOINT,
    CURVE,
    HISTORY,
    MODEL,
    PREVIOUS,
    PROGRESS,
)
from kerasae.training.streams import StreamBatches
from kerasae_export.atomic import PREFIX, save_file, write_file

__all__ = ["TrainingState"]

_LARGE = 10.0  # beyond what standardised images reach


class _DamagedError(ValueError):
    """A checkpoint cannot be read."""


class TrainingState(keras.callbacks.Callback):
    """Order of images, history, best weights, early stopping, and checkpoints of all of it."""

    def __init__(
        self,
        model: keras.Model,
        config: TrainConfig,
        folder: Path | None,
        batches: Batches | StreamBatches,
        held_out: Any = None,
    ) -> None:
        super().__init__()
        self._held_out = held_out if isinstance(held_out, StreamBatches) else None
        if keras.backend.backend() == "tensorflow":  # others fetch two batches ahead, or none
            if isinstance(batches, StreamBatches):
                self.on_train_batch_end = lambda batch, logs=None: batches.trained(batch + 1)
            if isinstance(held_out, StreamBatches):
                self.on_test_batch_end = lambda batch, logs=None: held_out.trained(batch + 1)
        self._trained, self._config, self._folder, self._batches = model, config, folder, batches
        self.rows: list[dict[str, float]] = []
        self.progress: list[dict[str, float]] = []
        self._watch = Watch()
        self._best: list[NDArray[Any]] = []
        self.best_epoch = -1

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        patience = self._config.patience
        waited = len(self.rows) - 1 - self.best_epoch
        return len(self.rows) >= self._config.epochs or (
            patience is not None and bool(self.rows) and waited >= patience
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Draw the order of the images."""
        self._batches.start(epoch)
        self._watch.start()

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Begin the stream of a validation again."""
        if self._held_out is not None:
            self._held_out.start(len(self.rows))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the losses, and the weights if they are the best; stop, or save what there is.

        Raises:
            FloatingPointError: If a loss is no longer finite.
            ValueError: If what decides is not measured.
        """
        row = {name: float(value) for name, value in (logs or {}).items() if _is_number(value)}
        bad = [name for name, value in row.items() if not math.isfinite(value)]
        if bad:
            raise FloatingPointError(
                f"{bad[0]} is no longer finite in epoch {epoch + 1}; {self._way_out()}"
            )
        monitor = self._config.monitor
        if monitor not in row:
            raise ValueError(
                f"`monitor` must be one of the measures of an epoch, {', '.join(row)}. "
                f"Received: monitor={monitor!r}"
            )
        if not self.rows or self._config.better(row[monitor], self._best_value):
            self.best_epoch = len(self.rows)
            with averaged(self._trained):
                self._best = self._trained.get_weights()
        self.rows.append(row)
        self.progress.append({"learning_rate": current_rate(self._trained), **self._watch.stop()})
        if self._config.schedule == "plateau":
            values = [row[monitor] for row in self.rows]
            self._trained.optimizer.learning_rate = rate_on_plateau(values, self._config)
        if self._folder is not None:
            self._save(self._folder)
        if self.finished:
            self._trained.stop_training = True

    @property
    def _best_value(self) -> float:
        return self.rows[self.best_epoch][self._config.monitor]

    def restore(self, checkpoints: Sequence[Path]) -> None:
        """Put everything back to where a checkpoint was written: the first one that is sound."""
        for i, checkpoint in enumerate(checkpoints):
            try:
                self._restore(checkpoint)
            except _DamagedError as error:
                if i == len(checkpoints) - 1:
                    raise
                warnings.warn(f"{error} The one before it is taken.", stacklevel=2)
            else:
                break
        for damaged in checkpoints[:i]:  # which must not take the place of the sound one
            damaged.unlink()

    def _restore(self, checkpoint: Path) -> None:
        variables = self._variables()
        try:
            with checkpoint.open("rb") as file, np.load(file) as data:
                story = json.loads(str(data["story"]))
                arrays = [data[f"variable_{i}"] for i in range(story["variables"])]
                self._best = [data[f"best_{i}"] for i in range(story["best"])]
            rows, best_epoch = list(story["rows"]), int(story["best_epoch"])
            progress = list(story.get("progress", ()))
            position = story.get("position")
        except (OSError, KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise _DamagedError(
                f"`out` must hold a sound {checkpoint.name} to resume from. Received: {error}"
            ) from None
        shapes = [tuple(v.shape) for v in variables]
        if shapes != [a.shape for a in arrays]:
            raise ValueError(
                "`model` must be the one that the run in `out` trains: build it with the same "
                f"hyperparameters. Received: model={self._trained.name!r}"
            )
        self._batches.restore(position)
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        self.rows, self.best_epoch = rows, best_epoch
        # Of epochs that an earlier version trained nothing is known but their losses.
        self.progress = [{} for _ in rows[len(progress) :]] + progress

    def finish(
        self, last: Callable[[], Any] | None, hosts: Hosts = Hosts()
    ) -> keras.callbacks.History:
        """Give the model the weights to keep, write what remains, and return the history."""
        if self._config.keep == "best":
            self._trained.set_weights(self._best)
        else:
            settle(self._trained)
        if last is not None:
            last()
        history = keras.callbacks.History()
        history.set_model(self._trained)
        history.epoch = list(range(len(self.rows)))
        history.history = self.history | self._rates
        if self._folder is not None:
            self._write_history(self._folder)  # it may lack what the last checkpoint holds
            with on_one_device(hosts, self._trained) as alone:
                save_file(self._folder / MODEL, alone.save)
            figure = plots.plot_history(history.history)
            save_file(self._folder / CURVE, lambda path: figure.savefig(path, dpi=120))
        return history

    @property
    def history(self) -> dict[str, list[float]]:
        """The measures of all epochs."""
        return {name: [row.get(name, math.nan) for row in self.rows] for name in self._columns}

    @property
    def _rates(self) -> dict[str, list[float]]:
        """The learning rate at the end of each epoch, if it is known of all of them."""
        rates = [each["learning_rate"] for each in self.progress if "learning_rate" in each]
        if len(rates) < len(self.rows) or "learning_rate" in self._columns:  # a callback's own
            return {}
        return {"learning_rate": rates}

    @property
    def _columns(self) -> list[str]:
        """The measures of all epochs; a callback may have added some to a few of them."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def _way_out(self) -> str:
        """What to do about a loss that is not finite: large values, or else large steps."""
        low, high = self._batches.limits()
        if not math.isfinite(low + high):
            return "the images have been changed. Received: images with NaN or infinity"
        if max(-low, high) > _LARGE:
            return (
                "values near 1, such as pixels divided by 255, train with the usual rates. "
                f"Received: images from {low:g} to {high:g}"
            )
        rate = self._config.learning_rate
        return f"a smaller `learning_rate` may help. Received: learning_rate={rate}"

    def _variables(self) -> list[Any]:
        """Weights, states of random layers, and the optimizer's memory."""
        optimizer = self._trained.optimizer
        if not optimizer.built:
            optimizer.build(self._trained.trainable_variables)
        return [*self._trained.variables, *optimizer.variables]

    def _save(self, folder: Path) -> None:
        variables = [keras.ops.convert_to_numpy(v.value) for v in self._variables()]
        story = {
            "rows": self.rows,
            "progress": self.progress,
            "best_epoch": self.best_epoch,
            "variables": len(variables),
            "best": len(self._best),
            "position": self._batches.position,
        }
        buffer = io.BytesIO()
        arrays = {"story": np.array(json.dumps(story))}
        arrays.update((f"variable_{i}", array) for i, array in enumerate(variables))
        arrays.update((f"best_{i}", array) for i, array in enumerate(self._best))
        np.savez(buffer, allow_pickle=False, **arrays)
        _keep(folder / CHECKPOINT, folder / PREVIOUS)
        write_file(folder / CHECKPOINT, buffer.getvalue())
        self._write_history(folder)

    def _write_history(self, folder: Path) -> None:
        write_file(folder / HISTORY, _table(self._columns, self.rows))
        write_file(folder / PROGRESS, _table(["learning_rate", *Watch.measures], self.progress))


def _is_number(value: Any) -> bool:
    """Whether CSV can keep it: a callback may have put anything into the logs."""
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "biuf"


def _table(columns: Sequence[str], rows: Sequence[dict[str, float]]) -> bytes:
    """CSV with an epoch a line."""
    text = io.StringIO()
    table = csv.DictWriter(text, ["epoch", *columns], lineterminator="\n")
    table.writeheader()
    table.writerows({"epoch": i, **row} for i, row in enumerate(rows, start=1))
    return text.getvalue().encode()


def _keep(checkpoint: Path, previous: Path) -> None:
    """Give a checkpoint a second name, under which it stays when the next one takes its place."""
    if not checkpoint.exists():
        return
    with tempfile.TemporaryDirectory(dir=checkpoint.parent, prefix=PREFIX) as scratch:
        second = Path(scratch) / previous.name
        try:
            os.link(checkpoint, second)
        except OSError:  # no links on this disk
            shutil.copyfile(checkpoint, second)
        second.replace(previous)
