"""`train`: a compiled model and images in, the model with its best weights and a history out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
from numpy.typing import ArrayLike

from kerasae.data import Images
from kerasae.data.sequences import Sequences
from kerasae.training.averages import averages_in_validation
from kerasae.training.checkpoint import TrainingState
from kerasae.training.collapse import findings, warn_of_collapse
from kerasae.training.compilation import (
    recompile,
    seed_random_layers,
    set_steps_per_execution,
)
from kerasae.training.configuration import TrainConfig
from kerasae.training.feeds import Feed, Limits, open_feed
from kerasae.training.hosts import Hosts, hosts_of_training, on_one_device, telling_of_others
from kerasae.training.inputs import check_trainable
from kerasae.training.lock import locked
from kerasae.training.pictures import Pictures
from kerasae.training.precision import mixed_precision
from kerasae.training.progress import progress_bar
from kerasae.training.run_folder import CONFIG, open_run
from kerasae.training.telling import tell
from kerasae.training.validation import drawing_in_validation
from kerasae_export.atomic import write_file

__all__ = ["train"]


def train(
    model: keras.Model,
    data: Images | Sequences | ArrayLike | Any,
    config: TrainConfig = TrainConfig(),
    *,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    finish: Callable[[], Any] | None = None,
    validation_data: Any = None,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] | keras.callbacks.Callback = (),
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
    one that was not killed. So does a run on a `datasets.Dataset`, whose order follows from the
    seed; other streams cannot tell where they were, and a resumed run begins a new pass. At the
    end a few hundred images pass through the model, and a `CollapseWarning` says what it does not
    use.

    Several processes or devices train together after `connect_hosts`, or under
    `keras.distribution.DataParallel`: the batch size is that of all together, each process reads
    its part of every batch, and process 0 writes. Every process must see `out`.

    Args:
        model: A compiled model. It learns to reproduce its inputs, or their labels if its loss has
            an attribute `target` of "labels", as the loss of a segmentation model does.
        data: Training and validation images, float32 (n, height, width, channels), with labels
            where the model takes them, or sequences, float32 (n, length, features). Of one array
            of images or of sequences, the seed chooses a tenth for validation. Their values
            are looked at, which `model.fit` of Keras does not do: cross-entropies, the Bernoulli
            likelihood, rates, holes and clipped noise need [0, 1]; squared errors and Gaussian
            likelihoods take any finite range. Data of any size come as a stream, beside
            `validation_data`: a `tf.data.Dataset`, a `keras.utils.PyDataset`, a `DataLoader` of
            PyTorch, a `Dataset` or `IterableDataset` of Hugging Face's `datasets`, any other
            iterable that can be repeated, or a function that makes a generator. It gives batches,
            or single examples, which are collected: `x`, `(x, y)`, or a mapping with a column such
            as "image". `y` is used where the loss compares with labels, or where it has the shape
            of the output; other labels are not looked at. Each batch is checked as arrays are.
        config: How to train.
        out: Run folder, created if missing. Without it nothing is written.
        resume: Continue the run in `out` from its checkpoint, if it has one. The configuration
            must be that of the run, except that `epochs` may be larger.
        progress: Show a progress bar.
        finish: Called when the model has the weights to keep, before it is saved.
        validation_data: For a stream, or for an array in place of the tenth: an array, or another
            stream, of which each epoch sees the first pass from its beginning.
        steps_per_epoch: Batches of an epoch, for a stream that has no end or does not tell its
            length; the next epoch goes on where it ended. Without it an epoch is a pass, and where
            nothing tells its length, one pass counts up to 20,000 batches.
        validation_steps: The same for `validation_data`.
        callbacks: Callbacks of Keras, called in this order before the epoch's checkpoint is
            written, so that a rate or weights that they change are in it, and what they add to the
            logs is in the history. After a resume they are called for the epochs that are left;
            what they remember of the ones before is theirs to keep. If one raises an error, the
            checkpoints of the epochs before stay, and `resume` trains that epoch again.

    Returns:
        The history of all epochs, those before a resume included. It has the measures, and as
        `learning_rate` the rate at the end of each epoch, which `kerasae.plots.plot_history` draws.

    Raises:
        ValueError: If another training runs in `out`, `out` holds a run and `resume` is False, or a
            run that was configured differently, the images, their values or their labels do not
            fit the model, or an argument is of another type; if a stream is empty, or endless
            without `steps_per_epoch`.
        DataError: If a stream fails, or a worker of it dies; the checkpoints of the epochs before
            stay.
        FloatingPointError: If the loss is no longer finite.
        HostsError: If another process of the training has died, or trains something else.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=64)
        >>> model = kerasae.build_undercomplete(input_shape=images.image_shape, code_size=8)
        >>> history = train(model, images, TrainConfig(epochs=2), progress=False)
        >>> len(history.history["val_loss"])
        2
    """
    check_trainable(model)
    given, hosts = _callbacks(callbacks), hosts_of_training()
    limits = Limits(steps_per_epoch, validation_steps)
    feed = open_feed(model, data, validation_data, config, limits, hosts)
    _check_hosts(hosts, config, finish)
    try:
        folder = None if out is None else _folder(out)
        with locked(folder if hosts.writes else None), telling_of_others(hosts):
            return _train(model, feed, config, folder, resume, progress, finish, given, hosts)
    finally:
        feed.close()


def _train(
    model: keras.Model,
    feed: Feed,
    config: TrainConfig,
    folder: Path | None,
    resume: bool,
    progress: bool,
    finish: Callable[[], Any] | None,
    given: list[keras.callbacks.Callback],
    hosts: Hosts,
) -> keras.callbacks.History:
    checkpoints = open_run(folder, config, resume)
    with mixed_precision(model, config):
        run = _fit(model, feed, config, folder, checkpoints, progress, given, hosts)
    history = run.finish(finish, hosts)
    feed.warn_of_skipped()
    if not hosts.writes:
        return history
    watched = feed.watched()
    with on_one_device(hosts, model) as alone:
        found = findings(alone, watched, seed=config.seed)
        if folder is not None:
            tell(folder, alone, feed, watched, run, config, found)
    warn_of_collapse(found)
    return history


def _fit(
    model: keras.Model,
    feed: Feed,
    config: TrainConfig,
    folder: Path | None,
    checkpoints: list[Path],
    progress: bool,
    given: list[keras.callbacks.Callback],
    hosts: Hosts,
) -> TrainingState:
    batches = feed.batches
    steps = recompile(model, config, len(batches))
    steps = feed.fetch(steps, fixed=config.steps_per_execution != "auto")
    seed_random_layers(model, config.seed)
    run = TrainingState(model, config, folder if hosts.writes else None, batches, feed.validation)
    if checkpoints:
        run.restore(checkpoints)
    hosts.agree("data", "give every process as many batches", len(batches))
    hosts.agree("out", "be a folder that every process sees", len(run.rows))
    if folder is not None and hosts.writes:
        write_file(folder / CONFIG, config.to_json().encode())
    callbacks = [*given, run]
    if config.pictures_every is not None and folder is not None:
        callbacks.append(Pictures(model, feed.watched, config, folder))
    with contextlib.ExitStack() as stack:
        callbacks.insert(0, stack.enter_context(averages_in_validation()))
        callbacks.append(stack.enter_context(drawing_in_validation(model, config.seed)))
        if progress and hosts.writes and not run.finished:
            bar = progress_bar(config.epochs, len(batches), feed.share)
            callbacks.append(stack.enter_context(bar))
        if not run.finished:
            stack.enter_context(set_steps_per_execution(model, steps))
            try:
                model.fit(
                    batches,
                    validation_data=feed.validation,
                    validation_batch_size=config.batch_size,
                    epochs=config.epochs,
                    initial_epoch=len(run.rows),
                    shuffle=False,  # the batches shuffle themselves
                    callbacks=callbacks,
                    verbose=0,
                )
            except Exception as error:
                failure = feed.failure_behind(error)
                if failure is error:
                    raise
                raise failure from failure.__cause__
    return run


def _check_hosts(hosts: Hosts, config: TrainConfig, finish: Callable[[], Any] | None) -> None:
    """Refuse what one process of several would have to compute alone."""
    if hosts.processes > 1 and config.pictures_every is not None:
        raise ValueError(
            f"`pictures_every` must be None where {hosts.processes} processes train together. "
            f"Received: pictures_every={config.pictures_every}"
        )
    if hosts.processes > 1 and finish is not None:
        raise ValueError(
            f"`finish` must be None where {hosts.processes} processes train together; what it does "
            f"can be done with the saved model. Received: finish={finish!r}"
        )


def _callbacks(given: Any) -> list[keras.callbacks.Callback]:
    """The callbacks as a list.

    Raises:
        ValueError: If one is none of Keras.
    """
    chosen = [given] if isinstance(given, keras.callbacks.Callback) else given
    try:
        found = list(chosen)
    except TypeError:
        found = [chosen]
    for each in found:
        if not isinstance(each, keras.callbacks.Callback):
            kind = each.__name__ if isinstance(each, type) else type(each).__name__
            raise ValueError(
                "`callbacks` must hold callbacks of Keras, such as "
                f"`keras.callbacks.TensorBoard(folder)`. Received: {kind}"
            )
    return found


def _folder(out: Any) -> Path:
    if not isinstance(out, (str, os.PathLike)) or "\0" in os.fspath(out):
        raise ValueError(f"`out` must be the path of a folder. Received: out={out!r}")
    return Path(out)
