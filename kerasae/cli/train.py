"""`kerasae train`: an architecture and data in, a run folder out."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerasae.cli.command import command
from kerasae.cli.invocation import called
from kerasae.cli.options import FOLDER
from kerasae.cli.output import open_console, shown
from kerasae.cli.training import (
    config_of,
    data_options,
    hyperparameters_of,
    model_options,
    training_options,
)

if TYPE_CHECKING:
    import keras
    from rich.console import Console

    from kerasae.training import TrainConfig

__all__ = ["train"]


@command
@click.argument("architecture", metavar="ARCH")
@click.option("--out", type=FOLDER, required=True, help="Run folder to write.")
@data_options
@model_options
@training_options
@click.option(
    "--stream/--in-memory",
    "stream",
    default=None,
    help="Read images as they are needed, or all at once. Default: as needed for shards, and for a "
    "folder that takes more than 2 GiB.",
)
@click.option("--label", help="Of a table: the column that is the label of a row, and no input.")
@click.option("--normal", help="Of a table: the label of the rows to train on, for anomalies.")
@click.option(
    "--categorical", metavar="NAME[,NAME...]", help="Of a table: numbers that are categories."
)
@click.option("--drop", metavar="NAME[,NAME...]", help="Of a table: columns to leave out.")
@click.option("--decorrelate", is_flag=True, help="Afterwards turn the code to its principal axes.")
@click.option(
    "--tracker",
    "trackers",
    multiple=True,
    metavar="NAME",
    help="Tell tensorboard, mlflow or wandb of the run; each is installed by itself.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted run.")
@click.option(
    "--distributed",
    is_flag=True,
    help="Train together with the other processes of this job, or on all devices of this machine; "
    "with Keras on JAX.",
)
def train(
    architecture: str,
    out: Path,
    data: str,
    image_size: int | None,
    channels: str | None,
    limit: int | None,
    stream: bool | None,
    label: str | None,
    normal: str | None,
    categorical: str | None,
    drop: str | None,
    decorrelate: bool,
    trackers: tuple[str, ...],
    resume: bool,
    distributed: bool,
    **options: Any,
) -> None:
    """Train an architecture on images, sequences or a table and leave the model in a run folder.

    ARCH is a name that `kerasae list` gives, such as convolutional.
    """
    hyperparameters = hyperparameters_of(architecture, options)
    config = config_of(options)
    if distributed:
        _train_together(decorrelate, trackers)
    from kerasae.builders import BUILDERS
    from kerasae.runs import Run, portable

    run = Run(
        architecture,
        hyperparameters,
        portable(data),
        image_size=image_size,
        channels=None if channels is None else int(channels),
        limit=limit,
        seed=config.seed,
        decorrelate=decorrelate,
        stream=stream,
        table=_of_a_table(label, normal, categorical, drop),
    )
    from kerasae.training.hosts import hosts_of_training, on_one_device

    hosts = hosts_of_training()
    console = open_console()
    console.quiet = not hosts.writes
    images = run.images()
    console.print(shown(images.summary()))
    with _telling_of_a_checkpoint(out), _tracked(trackers, out, config) as callbacks:
        model = run.train(images, config, out, resume=resume, callbacks=callbacks)
    if not hosts.writes:
        return
    with on_one_device(hosts, model) as alone:
        _show(console, alone, images, out, BUILDERS[architecture].kind)


def _show(console: Console, model: keras.Model, images: Any, out: Path, kind: str) -> None:
    """How well it does on test data, and what to do next."""
    if kind == "segmentation":
        _show_segmentation(console, model, images)
        console.print(f"model, history and report are in {shown(out)}", soft_wrap=True)
        return
    are_images = images.train.ndim == 4
    if kind == "conditional":
        _show_conditional(console, model, images)
    else:
        loss_on_test = _loss(model, images.test)
        what = {2: "rows", 3: "sequences", 5: "volumes"}.get(images.train.ndim, "images")
        console.print(f"loss on the test {what} ({len(images.test):,}): {loss_on_test:.4g}")
    next_step = f"; next: {called('kerasae')} export {shlex.quote(str(out))} --out BUNDLE"
    console.print(
        shown(f"model, history and report are in {out}{next_step if are_images else ''}"),
        soft_wrap=True,
    )


def _show_conditional(console: Console, model: keras.Model, images: Any) -> None:
    from keras.utils import to_categorical

    test = images.test, to_categorical(images.test_labels, len(images.label_names))
    found = model.evaluate(test, images.test, verbose=0, return_dict=True)["loss"]
    console.print(f"loss on the test images ({len(images.test):,}): {found:.4g}")


def _train_together(decorrelate: bool, trackers: Sequence[str]) -> None:
    """Find the other processes, or all devices of this machine.

    Raises:
        ValueError: If an option is of one process only.
    """
    from kerasae.training import connect_hosts

    hosts = connect_hosts()
    if hosts.processes > 1 and (decorrelate or trackers):
        name = "decorrelate" if decorrelate else "trackers"
        raise ValueError(
            f"`{name}` must not be given where {hosts.processes} processes train together. "
            f"Received: {'--decorrelate' if decorrelate else '--tracker ' + trackers[0]}"
        )


def _of_a_table(
    label: str | None, normal: str | None, categorical: str | None, drop: str | None
) -> dict[str, Any]:
    """What `load_table` is told, of what was given."""
    lists = {"categorical": categorical, "drop": drop}
    names = {
        option: [part.strip() for part in text.split(",") if part.strip()]
        for option, text in lists.items()
        if text is not None
    }
    alone = {"label": label, "normal": normal}
    return {option: text for option, text in alone.items() if text is not None} | names


@contextlib.contextmanager
def _tracked(
    names: Sequence[str], folder: Path, config: TrainConfig
) -> Iterator[list[keras.callbacks.Callback]]:
    """The callbacks of trackers, each with a run that begins and ends with the block."""
    from kerasae.training.trackers import tracker

    parameters = dataclasses.asdict(config)
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(tracker(n, folder, config=parameters)) for n in names]


def _loss(model: Any, test: Any) -> float:
    """Of an array, or of a stream in one pass."""
    if not hasattr(test, "batches"):
        return float(model.evaluate(test, test, verbose=0, return_dict=True)["loss"])
    total = count = 0.0
    for batch in test.batches():
        found = model.evaluate(batch, batch, verbose=0, return_dict=True, batch_size=len(batch))
        total, count = total + found["loss"] * len(batch), count + len(batch)
    return total / max(count, 1)


@contextlib.contextmanager
def _telling_of_a_checkpoint(out: Path) -> Iterator[None]:
    """Say how a run that is interrupted can be continued, if it can."""
    from kerasae.training.run_folder import checkpoints

    try:
        yield
    except KeyboardInterrupt:
        if checkpoints(out):
            way = "the same command with --resume continues after the last whole epoch."
        else:
            way = "no epoch was finished, so there is nothing to continue."
        raise KeyboardInterrupt(f"interrupted; {way}") from None


def _show_segmentation(console: Console, model: Any, images: Any) -> None:
    """How well the pixels of the test images are classified."""
    from rich.table import Table

    from kerasae.evaluation import segmentation_scores

    found = model.predict(images.test, batch_size=16, verbose=0).argmax(-1)
    classes, ignored = model.output_shape[-1], model.loss.ignored_class
    assert images.test_labels is not None  # or it would not have been trained
    scores = segmentation_scores(images.test_labels, found, classes, ignored)
    table = Table("class", title="Intersection over union, test images", title_justify="left")
    table.add_column("%", justify="right")
    for name, iou in zip(images.label_names, scores.iou, strict=False):  # the ignored one is last
        table.add_row(name, "absent" if math.isnan(iou) else f"{100 * iou:.1f}")
    table.add_row("mean", f"{100 * scores.mean_iou:.1f}", style="bold")
    console.print(table)
    console.print(f"{scores.global_accuracy:.1%} of the pixels are in the right class")
