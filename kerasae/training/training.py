"""Training with checkpoints that survive a kill, and a run folder that tells the story."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import math
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from kerasae import plots
from kerasae.data import Images
from kerasae.data.sequences import Sequences
from kerasae.training.collapse import warn_of_collapse

__all__ = ["TrainConfig", "train"]

CONFIG, MODEL, CHECKPOINT, HISTORY, CURVE = (
    "config.json",
    "model.keras",
    "checkpoint.npz",
    "history.csv",
    "curve.png",
)
_SCHEDULES = ("constant", "cosine")
_KEPT = ("best", "last")


@dataclass(frozen=True)
class TrainConfig:
    """How to train; saved as `config.json` beside the model.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images in a step.
        learning_rate: Step size of the model's optimizer, the first one of a schedule.
        schedule: `"constant"`, or `"cosine"`, which falls to zero at the end of the last epoch
            (Loshchilov & Hutter 2017).
        seed: Seed of the order of the images and of random layers. (Initial weights are drawn
            by the builder: call `keras.utils.set_random_seed` before it.)
        patience: Stop after this many epochs without a lower `val_loss`; None never stops.
        jit_compile: Whether XLA compiles the step. `"auto"` says no for convolutions and for
            random layers with TensorFlow on a CPU, where it was measured to halve the speed or
            worse, else yes.
        steps_per_execution: Steps that run between two returns to Python. `"auto"` is 20 with
            TensorFlow on a CPU, where it was measured to help all models, else 1.
        keep: Weights that the model is left with: those of the `"best"` epoch, by `val_loss`, or
            the `"last"`, for an objective that `val_loss` does not follow, such as that of an
            importance weighted autoencoder.
        flip: Mirror half of the training images left to right, and label maps with them, others
            in each epoch.

    Raises:
        ValueError: If a value breaks its rule.

    Example:
        >>> TrainConfig(epochs=5).batch_size
        128
    """

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    seed: int = 0
    patience: int | None = None
    jit_compile: bool | Literal["auto"] = "auto"
    steps_per_execution: int | Literal["auto"] = "auto"
    keep: Literal["best", "last"] = "best"
    flip: bool = False

    def __post_init__(self) -> None:
        counts = {"epochs": self.epochs, "batch_size": self.batch_size}
        if self.patience is not None:
            counts["patience"] = self.patience
        if self.steps_per_execution != "auto":
            counts["steps_per_execution"] = self.steps_per_execution
        for name, value in counts.items():
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
                raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
        if not isinstance(self.seed, Integral) or not 0 <= self.seed < 2**32:
            raise ValueError(
                f"`seed` must be an integer from 0 to 2**32 - 1. Received: seed={self.seed!r}"
            )
        if isinstance(self.learning_rate, bool) or not 0 < self.learning_rate < math.inf:
            raise ValueError(
                "`learning_rate` must be a positive number. "
                f"Received: learning_rate={self.learning_rate!r}"
            )
        if self.schedule not in _SCHEDULES:
            raise ValueError(
                f"`schedule` must be one of {', '.join(_SCHEDULES)}. "
                f"Received: schedule={self.schedule!r}"
            )
        if self.keep not in _KEPT:
            raise ValueError(
                f"`keep` must be one of {', '.join(_KEPT)}. Received: keep={self.keep!r}"
            )
        if self.jit_compile != "auto" and not isinstance(self.jit_compile, bool):
            raise ValueError(
                "`jit_compile` must be True, False or 'auto'. "
                f"Received: jit_compile={self.jit_compile!r}"
            )

        if not isinstance(self.flip, bool):
            raise ValueError(f"`flip` must be True or False. Received: flip={self.flip!r}")

    def to_json(self) -> str:
        """The text of `config.json`."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> TrainConfig:
        """The configuration that `to_json` wrote.

        Raises:
            ValueError: If a key is unknown or a value breaks its rule.
        """
        content = json.loads(text)
        unknown = sorted(set(content) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise ValueError(f"`text` must hold fields of TrainConfig. Received: {unknown}")
        return cls(**content)


def train(
    model: keras.Model,
    images: Images | Sequences,
    config: TrainConfig = TrainConfig(),
    *,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    finish: Callable[[], Any] | None = None,
) -> keras.callbacks.History:
    """Train a compiled model on images or sequences, and leave it with its best weights.

    The best are those of the epoch with the lowest `val_loss`, unless `config` says to keep the
    last. A model that fills holes is validated on images with holes, which the seed fixes. With
    `out`, a run folder holds the configuration, the model, a checkpoint after each epoch, the
    history as CSV and the loss curve. A killed run resumes from its last epoch: on the same machine
    it ends with the same bits as one that was not killed. At the end a few hundred images pass
    through the model, and a `CollapseWarning` says what it does not use.

    Args:
        model: A compiled model. It learns to give its inputs back, or, if its loss has an attribute
            `target` of "labels", as that of a segmentation model has, their labels.
        images: Training and validation images, float32 (n, height, width, channels), with labels
            where the model takes them, or sequences, float32 (n, length, features).
        config: How to train.
        out: Run folder, created if missing. Without it nothing is written.
        resume: Continue the run in `out` from its checkpoint, if it has one. The configuration
            must be that of the run, except that `epochs` may be larger.
        progress: Show a progress bar.
        finish: Called when the model has the weights to keep, before it is saved.

    Returns:
        The history of all epochs, those before a resume included.

    Raises:
        ValueError: If `out` holds a run and `resume` is False, or a run that was configured
            differently, or the images or their labels do not fit the model.
        FloatingPointError: If the loss is no longer finite.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=64)
        >>> model = kerasae.build_undercomplete(input_shape=images.image_shape, code_size=8)
        >>> history = train(model, images, TrainConfig(epochs=2), progress=False)
        >>> len(history.history["val_loss"])
        2
    """
    if not model.compiled:
        raise ValueError(f"`model` must be compiled. Received: model={model.name!r}")
    if not len(images.validation):
        raise ValueError("`images` must have validation images. Received: none")
    if model.input_shape[1:] != images.train.shape[1:]:
        raise ValueError(
            f"`images` must have the model's input shape {model.input_shape[1:]}. "
            f"Received: images of shape {images.train.shape[1:]}"
        )
    targets, held_out = _targets(model, images)
    batches = _Batches(images.train, targets, config)
    folder = None if out is None else Path(out)
    checkpoint = _open_run(folder, config, resume)

    steps = _compile(model, config, len(batches))
    _seed(model, config.seed)
    run = _Run(model, config, folder, batches)
    if checkpoint is not None:
        run.restore(checkpoint)
    if folder is not None:
        _write(folder / CONFIG, config.to_json().encode())
    callbacks: list[keras.callbacks.Callback] = [run]
    with contextlib.ExitStack() as stack:
        if progress and not run.finished:
            callbacks.append(stack.enter_context(_progress(config.epochs, len(batches))))
        if not run.finished:
            stack.enter_context(_steps_per_execution(model, steps))
            model.fit(
                batches,
                validation_data=(_to_validate(model, images, config), held_out),
                validation_batch_size=config.batch_size,
                epochs=config.epochs,
                initial_epoch=len(run.rows),
                shuffle=False,  # the batches shuffle themselves
                callbacks=callbacks,
                verbose=0,
            )
    history = run.finish(finish)
    warn_of_collapse(model, images, seed=config.seed)
    return history


def _to_validate(
    model: keras.Model, images: Images | Sequences, config: TrainConfig
) -> NDArray[np.float32]:
    """The validation images; those of a model that fills holes have the same ones each time."""
    for layer in model.layers:
        if hasattr(layer, "cut_holes"):
            return layer.cut_holes(images.validation, seed=config.seed)
    return images.validation


def _targets(model: keras.Model, images: Images | Sequences) -> tuple[NDArray[Any], NDArray[Any]]:
    """What the outputs are compared with, in training and in validation."""
    if getattr(model.loss, "target", "images") != "labels":
        return images.train, images.validation
    found = images.train_labels, images.validation_labels
    ignored = getattr(model.loss, "ignored_class", None)
    (*_, classes), counts = model.output_shape, (len(images.train), len(images.validation))
    targets = []
    for labels, count in zip(found, counts, strict=True):
        if labels is None:
            raise ValueError(
                f"`images` must have the labels that {model.name!r} learns. Received: none"
            )
        shape = (count, *model.output_shape[1:-1])
        if labels.shape != shape or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(
                f"`images` must have labels that are integers of shape {shape}. "
                f"Received: {labels.dtype} of shape {labels.shape}"
            )
        wrong = set(np.unique(labels).tolist()) - {*range(classes), ignored}
        if wrong:
            rule = f"below the {classes} classes of {model.name!r}"
            rule += "" if ignored is None else f", or {ignored}, which it ignores"
            raise ValueError(f"`images` must have labels {rule}. Received: {sorted(wrong)}")
        targets.append(labels)
    return targets[0], targets[1]


def _open_run(folder: Path | None, config: TrainConfig, resume: bool) -> Path | None:
    """Prepare the run folder; return the checkpoint to resume from, if there is one."""
    if folder is None:
        if resume:
            raise ValueError("`resume` needs the run folder `out`. Received: out=None")
        return None
    checkpoint = folder / CHECKPOINT
    if checkpoint.exists():  # without one there is nothing that could be lost or continued
        if not resume:
            raise ValueError(
                "`out` must not hold a run already, unless `resume` is set to continue it. "
                f"Received: out={os.fspath(folder)!r}"
            )
        try:
            before = TrainConfig.from_json((folder / CONFIG).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(
                f"`out` must hold a sound {CONFIG} beside its checkpoint. Received: {error}"
            ) from None
        for field in dataclasses.fields(TrainConfig):
            old, new = getattr(before, field.name), getattr(config, field.name)
            if old != new and not (field.name == "epochs" and new > old):
                raise ValueError(
                    f"`config` must be that of the run in `out`, where {field.name} is {old!r}. "
                    f"Received: {field.name}={new!r}"
                )
    folder.mkdir(parents=True, exist_ok=True)
    return checkpoint if checkpoint.exists() else None


def _seed(model: keras.Model, seed: int) -> None:
    """Give each random layer a state that follows from the seed; nothing global is touched."""
    for i, variable in enumerate(model.variables):
        if "seed_generator_state" in variable.path:
            variable.assign([seed, i])


def _compile(model: keras.Model, config: TrainConfig, steps: int) -> int:
    """Compile the model again as it was, with the configured rate, schedule and speed.

    Returns how many steps to run between two returns to Python.
    """
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, config.epochs * steps)
    jit_compile, steps_per_execution = _fast(model)
    if config.jit_compile != "auto":
        jit_compile = config.jit_compile
    if config.steps_per_execution != "auto":
        steps_per_execution = config.steps_per_execution
    try:
        before = model.get_compile_config()
        before["optimizer"]["config"]["learning_rate"] = keras.saving.serialize_keras_object(rate)
        before["jit_compile"] = jit_compile
        model.compile_from_config(before)
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            "`model` must be compiled with a loss and metrics that Keras can serialise, such as "
            f"registered functions. Received: {reason}"
        ) from None
    return min(steps_per_execution, steps)


@contextlib.contextmanager
def _steps_per_execution(model: keras.Model, steps: int) -> Iterator[None]:
    """Set it for the training only: `predict` would unroll the steps, which takes longer."""
    before = model.steps_per_execution
    model.steps_per_execution = steps
    try:
        yield
    finally:
        if steps != before:
            model.steps_per_execution = before
            model.train_function = model.test_function = model.predict_function = None


def _fast(model: keras.Model) -> tuple[bool | Literal["auto"], int]:
    """What was measured to be fast (benchmarks/training_speed.py): XLA, steps per execution."""
    if keras.backend.backend() != "tensorflow" or keras.distribution.list_devices("gpu"):
        return "auto", 1
    slow = any(
        "Conv" in type(layer).__name__ or hasattr(layer, "seed_generator")
        for layer in _all_layers(model)
    )
    return not slow, 20


def _all_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _all_layers(layer)
        yield layer


class _Batches(keras.utils.PyDataset):
    """Batches (images, targets) in an order that depends on the seed and the epoch only."""

    def __init__(
        self, images: NDArray[np.float32], targets: NDArray[Any], config: TrainConfig
    ) -> None:
        super().__init__()
        if config.flip and images.ndim != 4:
            raise ValueError(
                f"`flip` needs images (n, height, width, channels). Received: shape {images.shape}"
            )
        self._images, self._targets, self._config = images, targets, config
        self.start(0)

    def start(self, epoch: int) -> None:
        """Shuffle for an epoch, and choose which images are mirrored."""
        rng = np.random.default_rng([self._config.seed, epoch])
        self._order = rng.permutation(len(self._images))
        self._mirrored = rng.random(len(self._images)) < (0.5 if self._config.flip else 0.0)

    def __len__(self) -> int:
        return math.ceil(len(self._images) / self._config.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        size = self._config.batch_size
        chosen = self._order[index * size : (index + 1) * size]
        images = self._batch(self._images, chosen)
        same = self._targets is self._images
        return images, images if same else self._batch(self._targets, chosen)

    def _batch(self, values: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any]:
        batch, mirrored = values[chosen], self._mirrored[chosen]
        if mirrored.any():
            batch[mirrored] = batch[mirrored, :, ::-1]
        return batch


class _Run(keras.callbacks.Callback):
    """Order of images, history, best weights, early stopping, and checkpoints of all of it."""

    def __init__(
        self, model: keras.Model, config: TrainConfig, folder: Path | None, batches: _Batches
    ) -> None:
        super().__init__()
        self._trained, self._config, self._folder, self._batches = model, config, folder, batches
        self.rows: list[dict[str, float]] = []
        self._best: list[NDArray[Any]] = []
        self._best_epoch = -1

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        patience = self._config.patience
        waited = len(self.rows) - 1 - self._best_epoch
        return len(self.rows) >= self._config.epochs or (
            patience is not None and bool(self.rows) and waited >= patience
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._batches.start(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row = {name: float(value) for name, value in (logs or {}).items()}
        bad = [name for name, value in row.items() if not math.isfinite(value)]
        if bad:
            raise FloatingPointError(
                f"{bad[0]} is no longer finite in epoch {epoch + 1}; a smaller `learning_rate` "
                f"may help. Received: learning_rate={self._config.learning_rate}"
            )
        if not self.rows or row["val_loss"] < self.rows[self._best_epoch]["val_loss"]:
            self._best_epoch = len(self.rows)
            self._best = self._trained.get_weights()
        self.rows.append(row)
        if self._folder is not None:
            self._save(self._folder)
        if self.finished:
            self._trained.stop_training = True

    def restore(self, checkpoint: Path) -> None:
        """Put everything back to where the checkpoint was written."""
        variables = self._variables()
        try:
            with checkpoint.open("rb") as file, np.load(file) as data:
                story = json.loads(str(data["story"]))
                arrays = [data[f"variable_{i}"] for i in range(story["variables"])]
                self._best = [data[f"best_{i}"] for i in range(story["best"])]
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"`out` must hold a sound {CHECKPOINT} to resume from. Received: {error}"
            ) from None
        shapes = [tuple(v.shape) for v in variables]
        if shapes != [a.shape for a in arrays]:
            raise ValueError(
                "`model` must be the one that the run in `out` trains: build it with the same "
                f"hyperparameters. Received: model={self._trained.name!r}"
            )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        self.rows, self._best_epoch = story["rows"], story["best_epoch"]

    def finish(self, last: Callable[[], Any] | None) -> keras.callbacks.History:
        """Give the model the weights to keep, write what remains, and return the history."""
        if self._config.keep == "best":
            self._trained.set_weights(self._best)
        if last is not None:
            last()
        history = keras.callbacks.History()
        history.set_model(self._trained)
        history.epoch = list(range(len(self.rows)))
        history.history = {name: [row[name] for row in self.rows] for name in self.rows[0]}
        if self._folder is not None:
            _write_with(self._folder / MODEL, self._trained.save)
            figure = plots.plot_history(history.history)
            _write_with(self._folder / CURVE, lambda path: figure.savefig(path, dpi=120))
        return history

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
            "best_epoch": self._best_epoch,
            "variables": len(variables),
            "best": len(self._best),
        }
        buffer = io.BytesIO()
        arrays = {"story": np.array(json.dumps(story))}
        arrays.update((f"variable_{i}", array) for i, array in enumerate(variables))
        arrays.update((f"best_{i}", array) for i, array in enumerate(self._best))
        np.savez(buffer, allow_pickle=False, **arrays)
        _write(folder / CHECKPOINT, buffer.getvalue())
        text = io.StringIO()
        table = csv.DictWriter(text, ["epoch", *self.rows[0]], lineterminator="\n")
        table.writeheader()
        table.writerows({"epoch": i, **row} for i, row in enumerate(self.rows, start=1))
        _write(folder / HISTORY, text.getvalue().encode())


@contextlib.contextmanager
def _progress(epochs: int, steps: int) -> Iterator[keras.callbacks.Callback]:
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


def _write(path: Path, content: bytes) -> None:
    _write_with(path, lambda scratch: scratch.write_bytes(content))


def _write_with(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file whole or not at all."""
    scratch = path.with_name(f".partial-{path.name}")  # the suffix tells writers the format
    try:
        write(scratch)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
