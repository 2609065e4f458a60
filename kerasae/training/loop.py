"""`train`: a compiled model and images in, the model with its best weights and a history out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae.data import Images
from kerasae.data.sequences import Sequences
from kerasae.training.batches import Batches
from kerasae.training.checkpoint import TrainingState
from kerasae.training.collapse import warn_of_collapse
from kerasae.training.compilation import (
    recompile,
    seed_random_layers,
    set_steps_per_execution,
)
from kerasae.training.configuration import TrainConfig
from kerasae.training.inputs import check_inputs, check_trainable
from kerasae.training.lock import locked
from kerasae.training.progress import progress_bar
from kerasae.training.run_folder import CONFIG, open_run
from kerasae.training.validation import drawing_in_validation
from kerasae_export.atomic import write_file

__all__ = ["train"]


def train(
    model: keras.Model,
    images: Images | Sequences | ArrayLike,
    config: TrainConfig = TrainConfig(),
    *,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    finish: Callable[[], Any] | None = None,
) -> keras.callbacks.History:
    """Train a compiled model on images or sequences, and leave it with its best weights.

    The best are those of the epoch with the lowest `val_loss`, unless `config` says to keep the
    last. `val_loss` is the objective that is trained: codes are drawn, images corrupted, and holes
    cut as in training, by the seed and so alike in each epoch, and schedules have their final
    value. What only helps to minimise it rests: dropout, and the noise that stands for rounding.
    (`fit` and `evaluate` are Keras's own: there, nothing is drawn in validation.)

    With `out`, a run folder holds the configuration, the model, the checkpoints of the last two
    epochs, the history as CSV and the loss curve. A killed run resumes from its last epoch, or from
    the one before if that checkpoint is damaged: on the same machine it ends with the same bits as
    one that was not killed. At the end a few hundred images pass through the model, and a
    `CollapseWarning` says what it does not use.

    Args:
        model: A compiled model. It learns to reproduce its inputs, or their labels if its loss has
            an attribute `target` of "labels", as the loss of a segmentation model does.
        images: Training and validation images, float32 (n, height, width, channels), with labels
            where the model takes them, or sequences, float32 (n, length, features). Of one array
            of images or of sequences, the seed chooses a tenth for validation. Their values
            are looked at, which `model.fit` of Keras does not do: cross-entropies, the Bernoulli
            likelihood, rates, holes and clipped noise need [0, 1]; squared errors and Gaussian
            likelihoods take any finite range.
        config: How to train.
        out: Run folder, created if missing. Without it nothing is written.
        resume: Continue the run in `out` from its checkpoint, if it has one. The configuration
            must be that of the run, except that `epochs` may be larger.
        progress: Show a progress bar.
        finish: Called when the model has the weights to keep, before it is saved.

    Returns:
        The history of all epochs, those before a resume included.

    Raises:
        ValueError: If another training runs in `out`, `out` holds a run and `resume` is False, or a
            run that was configured differently, the images, their values or their labels do not
            fit the model, or an argument is of another type.
        FloatingPointError: If the loss is no longer finite.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=64)
        >>> model = kerasae.build_undercomplete(input_shape=images.image_shape, code_size=8)
        >>> history = train(model, images, TrainConfig(epochs=2), progress=False)
        >>> len(history.history["val_loss"])
        2
    """
    check_trainable(model)
    data = check_inputs(model, images, config)
    folder = None if out is None else _folder(out)
    with locked(folder):
        return _train(model, data, config, folder, resume, progress, finish)


def _train(
    model: keras.Model,
    data: Images | Sequences,
    config: TrainConfig,
    folder: Path | None,
    resume: bool,
    progress: bool,
    finish: Callable[[], Any] | None,
) -> keras.callbacks.History:
    targets, held_out = _targets(model, data)
    batches = Batches(data.train, targets, config)
    checkpoints = open_run(folder, config, resume)

    steps = recompile(model, config, len(batches))
    seed_random_layers(model, config.seed)
    run = TrainingState(model, config, folder, batches)
    if checkpoints:
        run.restore(checkpoints)
    if folder is not None:
        write_file(folder / CONFIG, config.to_json().encode())
    callbacks: list[keras.callbacks.Callback] = [run]
    with contextlib.ExitStack() as stack:
        callbacks.append(stack.enter_context(drawing_in_validation(model, config.seed)))
        if progress and not run.finished:
            # A validation goes forwards only, a third of what a step computes for an image.
            share = len(data.validation) / len(data.train) / 3
            bar = progress_bar(config.epochs, len(batches), share)
            callbacks.append(stack.enter_context(bar))
        if not run.finished:
            stack.enter_context(set_steps_per_execution(model, steps))
            model.fit(
                batches,
                validation_data=(_validation_inputs(model, data, config), held_out),
                validation_batch_size=config.batch_size,
                epochs=config.epochs,
                initial_epoch=len(run.rows),
                shuffle=False,  # the batches shuffle themselves
                callbacks=callbacks,
                verbose=0,
            )
    history = run.finish(finish)
    warn_of_collapse(model, data, seed=config.seed)
    return history


def _folder(out: Any) -> Path:
    if not isinstance(out, (str, os.PathLike)) or "\0" in os.fspath(out):
        raise ValueError(f"`out` must be the path of a folder. Received: out={out!r}")
    return Path(out)


def _validation_inputs(
    model: keras.Model, images: Images | Sequences, config: TrainConfig
) -> NDArray[np.float32]:
    """The validation images; for a model that fills holes, with the same holes in each epoch."""
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
