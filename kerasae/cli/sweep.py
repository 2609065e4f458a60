"""`kerasae sweep`: a small search over hyperparameters."""

from __future__ import annotations

import ast
import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerasae.cli.command import command
from kerasae.cli.options import FOLDER
from kerasae.cli.output import open_console, shown
from kerasae.cli.training import (
    config_of,
    data_options,
    hyperparameters_of,
    model_options,
    training_options,
    value_of,
)

if TYPE_CHECKING:
    from kerasae.sweeps import Between

__all__ = ["sweep"]

_RANGE = re.compile(r"(?P<log>log:)?(?P<low>[^.,]+(?:\.\d[^.,]*)?)\.\.(?P<high>.+)")


@command
@click.argument("architecture", metavar="ARCH")
@click.option("--out", type=FOLDER, required=True, help="Folder for the runs and the table.")
@click.option(
    "--vary",
    multiple=True,
    required=True,
    metavar="NAME=VALUES",
    help="What to try: values with commas between, such as code_size=4,8 or hidden=[64],[64,32]; "
    "with --samples also a range, such as code_size=4..64 or learning_rate=log:1e-4..1e-2.",
)
@click.option("--samples", type=int, help="Settings to draw at random. Default: all combinations.")
@click.option(
    "--measure",
    type=click.Choice(["val_loss", "psnr"]),
    default="val_loss",
    show_default=True,
    help="By what to rank; psnr where losses of different kinds are varied.",
)
@click.option(
    "--jobs",
    type=int,
    default=1,
    show_default=True,
    help="Runs at a time; fewer where the memory has no room for them.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted sweep.")
@data_options
@model_options
@training_options
def sweep(
    architecture: str,
    out: Path,
    vary: tuple[str, ...],
    samples: int | None,
    measure: str,
    jobs: int,
    resume: bool,
    data: str,
    image_size: int | None,
    channels: str | None,
    limit: int | None,
    **options: Any,
) -> None:
    """Train an architecture with several settings and rank them on validation images.

    ARCH is a name that `kerasae list` gives. `--vary` names hyperparameters of it, as `--set` does,
    or options of the training as `TrainConfig` calls them, such as batch_size.
    """
    hyperparameters = hyperparameters_of(architecture, options)
    config = config_of(options)
    choices = dict(map(_choices, vary))
    if len(choices) < len(vary):
        raise ValueError(f"`--vary` must name each hyperparameter once. Received: {' '.join(vary)}")
    from rich.table import Table

    from kerasae.sweeps import sweep as run_sweep

    try:
        found = run_sweep(
            architecture,
            data,
            out,
            choices,
            hyperparameters=hyperparameters,
            config=config,
            image_size=image_size,
            channels=None if channels is None else int(channels),
            limit=limit,
            samples=samples,
            measure=measure,
            seed=config.seed,
            jobs=jobs,
            resume=resume,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "interrupted; the same command with --resume goes on where it was."
        ) from None
    head, body = found.rows()
    table = Table(title=f"Sweep: {shown(found.name)}", title_justify="left")
    for name in head:
        table.add_column(name, justify="left" if name in ("run", "status") else "right")
    for i, row in enumerate(body):
        style = "bold" if i == 0 and found.best is not None else None
        *cells, status = row
        table.add_row(*map(shown, cells), status.partition(":")[0], style=style)
    console = open_console()
    console.print(table)
    reasons: dict[str, list[str]] = {}
    for result in found.results:
        if result.error:
            reasons.setdefault(result.error, []).append(result.folder.name)
    for reason, names in reasons.items():
        console.print(f"failed: {', '.join(names)}: {shown(reason)}", soft_wrap=True)
    console.print(f"runs, table and plot are in {shown(out)}; see sweep.html", soft_wrap=True)


def _choices(text: str) -> tuple[str, list[Any] | Between]:
    """NAME=VALUES or NAME=LOW..HIGH."""
    name, sign, values = text.partition("=")
    if not sign or not name.isidentifier() or not values.strip():
        raise ValueError(f"`--vary` must be NAME=VALUES. Received: {text}")
    from kerasae.sweeps import Between

    found = _RANGE.fullmatch(values.strip())
    if found is not None:
        ends = [value_of(found["low"]), value_of(found["high"])]
        if all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in ends):
            return name, Between(ends[0], ends[1], log=found["log"] is not None)
    with contextlib.suppress(ValueError, SyntaxError):
        return name, list(ast.literal_eval(f"[{values}]"))
    return name, [value_of(part.strip()) for part in values.split(",") if part.strip()]
