"""`kerasae train`: an architecture and data in, a run folder out."""

from __future__ import annotations

import ast
import contextlib
import json
import math
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from kerasae.cli.command import command
from kerasae.cli.invocation import called
from kerasae.cli.options import DATA_HELP, FOLDER, seed_option
from kerasae.cli.output import open_console, shown

if TYPE_CHECKING:
    from rich.console import Console

    from kerasae.data import Images

__all__ = ["train"]


@command
@click.argument("architecture", metavar="ARCH")
@click.option(
    "--data", required=True, help=f"{DATA_HELP} For sequence architectures: melodies or series."
)
@click.option("--out", type=FOLDER, required=True, help="Run folder to write.")
@click.option("--code-size", type=int, help="Values in the code.")
@click.option("--hidden", help="Layers of the encoder, such as 128,64.")
@click.option("--activation", help="Activation of the hidden layers.")
@click.option(
    "--loss",
    help="One of binary_crossentropy and mse; for sequences also categorical_crossentropy; for "
    "segmentation cross_entropy, dice or cross_entropy+dice.",
)
@click.option(
    "--set",
    "extra",
    multiple=True,
    metavar="NAME=VALUE",
    help="Other hyperparameters, such as code=spatial or levels=8,5,5.",
)
@click.option("--image-size", type=int, help="Side to resize or crop the images to.")
@click.option("--channels", type=click.Choice(["1", "3"]), help="Grey or colour.")
@click.option("--limit", type=int, help="Use at most this many images.")
@click.option(
    "--epochs", type=int, default=20, show_default=True, help="Passes over the training images."
)
@click.option("--batch-size", type=int, default=128, show_default=True, help="Images per step.")
@click.option(
    "--learning-rate",
    type=float,
    default=1e-3,
    show_default=True,
    help="Step size of the optimizer, at the start of the schedule.",
)
@click.option(
    "--schedule",
    type=click.Choice(["cosine", "constant"]),
    default="cosine",
    show_default=True,
    help="Whether the learning rate falls to zero along a cosine, or stays.",
)
@click.option("--patience", type=int, help="Stop after this many epochs without progress.")
@click.option(
    "--keep",
    type=click.Choice(["best", "last"]),
    default="best",
    show_default=True,
    help="Weights of the epoch with the lowest val_loss, or of the last one.",
)
@click.option("--flip", is_flag=True, help="Mirror half of the images, drawn anew in each epoch.")
@seed_option()
@click.option(
    "--stream/--in-memory",
    "stream",
    default=None,
    help="Read images as they are needed, or all at once. Default: as needed for shards, and for a "
    "folder that takes more than 2 GiB.",
)
@click.option("--decorrelate", is_flag=True, help="Afterwards turn the code to its principal axes.")
@click.option("--resume", is_flag=True, help="Continue an interrupted run.")
def train(
    architecture: str,
    data: str,
    out: Path,
    code_size: int | None,
    hidden: str | None,
    activation: str | None,
    loss: str | None,
    extra: tuple[str, ...],
    image_size: int | None,
    channels: str | None,
    limit: int | None,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    schedule: str,
    patience: int | None,
    keep: str,
    flip: bool,
    seed: int,
    stream: bool | None,
    decorrelate: bool,
    resume: bool,
) -> None:
    """Train an architecture on images or sequences and leave the model in a run folder.

    ARCH is a name that `kerasae list` gives, such as convolutional.
    """
    hyperparameters: dict[str, Any] = {
        name: value
        for name, value in (
            ("code_size", code_size),
            ("hidden", None if hidden is None else _integers("--hidden", hidden)),
            ("activation", activation),
            ("loss", loss),
        )
        if value is not None
    }
    for name, value in map(_assignment, extra):
        if name in _GIVEN_ELSEWHERE:
            raise ValueError(f"`--set` cannot set {name}: {_GIVEN_ELSEWHERE[name]}.")
        if name in hyperparameters:
            raise ValueError(f"`--set` must not set {name} a second time. Received: {name}={value}")
        hyperparameters[name] = value
    from kerasae.builders import BUILDERS

    if architecture not in BUILDERS:
        raise ValueError(f"`ARCH` must be one of {', '.join(BUILDERS)}. Received: {architecture}")
    defaults = [pair for each in BUILDERS.values() for pair in each.hyperparameters.items()]
    lists = {name for name, default in defaults if isinstance(default, tuple)}
    for name in lists & hyperparameters.keys():
        if isinstance(hyperparameters[name], int):
            hyperparameters[name] = [hyperparameters[name]]  # as `--hidden 64`
    from kerasae.runs import Run, portable
    from kerasae.training import TrainConfig

    config = TrainConfig(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule,  # type: ignore[arg-type]
        seed=seed,
        patience=patience,
        keep=keep,  # type: ignore[arg-type]
        flip=flip,
    )
    run = Run(
        architecture,
        hyperparameters,
        portable(data),
        image_size=image_size,
        channels=None if channels is None else int(channels),
        limit=limit,
        seed=seed,
        decorrelate=decorrelate,
        stream=stream,
    )
    console = open_console()
    images = run.images()
    console.print(shown(images.summary()))
    with _telling_of_a_checkpoint(out):
        model = run.train(images, config, out, resume=resume)
    if BUILDERS[architecture].kind == "segmentation":
        _show_segmentation(console, model, cast("Images", images))
        console.print(f"model, history and curve are in {shown(out)}", soft_wrap=True)
        return
    loss_on_test = _loss(model, images.test)
    are_images = images.train.ndim == 4
    kind = "images" if are_images else "sequences"
    console.print(f"loss on the test {kind} ({len(images.test):,}): {loss_on_test:.4g}")
    next_step = f"; next: {called('kerasae')} export {shlex.quote(str(out))} --out BUNDLE"
    console.print(
        shown(f"model, history and curve are in {out}{next_step if are_images else ''}"),
        soft_wrap=True,
    )


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


_GIVEN_ELSEWHERE = {"input_shape": "the data give it", "learning_rate": "it has an option"}


def _integers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError(
            f"`{option}` must be integers with commas between, such as 128,64. Received: {text}"
        ) from None


def _assignment(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value as `_value` takes it."""
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise ValueError(f"`--set` must be NAME=VALUE. Received: {text}")
    return name, _value(value)


def _value(text: str) -> Any:
    """A value as JSON or as Python writes it, a list as values with commas between, else text."""
    for read in (json.loads, ast.literal_eval):
        with contextlib.suppress(ValueError, SyntaxError):
            return read(text)
    if "," in text:
        return [_value(part.strip()) for part in text.split(",") if part.strip()]
    return text


def _show_segmentation(console: Console, model: Any, images: Images) -> None:
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
