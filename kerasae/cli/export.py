"""`kerasae export`: a run folder in, a bundle out."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from kerasae.cli.command import command
from kerasae.cli.options import EXISTING, FOLDER
from kerasae.cli.output import open_console, shown

__all__ = ["export"]


@command
@click.argument("run", type=EXISTING)
@click.option("--scheme", default="int8", show_default=True, help="See `kerasae list`.")
@click.option(
    "--signatures",
    type=click.Choice(["separate", "both"]),
    default="separate",
    show_default=True,
    help="A file for each of encoder and decoder, or one for both.",
)
@click.option("--out", type=FOLDER, required=True, help="Bundle to write.")
@click.option(
    "--step-loss",
    default="0.2",
    show_default=True,
    metavar="DB[,DB...]",
    help="PSNR in dB that rounding the code may cost; more means fewer bytes. Several, such as "
    "0.1,0.5,2, make a bundle of as many qualities.",
)
@click.option(
    "--tile", type=int, help="Side in pixels of the tiles, for fully convolutional models."
)
@click.option(
    "--allow-float",
    is_flag=True,
    help="Let int8 leave layers in float32 that have no int8, such as ELU.",
)
def export(
    run: Path,
    scheme: str,
    signatures: str,
    out: Path,
    step_loss: str,
    tile: int | None,
    allow_float: bool,
) -> None:
    """Export a trained run as a bundle: TF Lite files with a codec around them.

    RUN is the folder that `kerasae train` wrote.
    """
    losses = _losses(step_loss)
    from kerasae_export.format.manifest import SCHEMES

    if scheme not in SCHEMES:
        raise ValueError(f"`--scheme` must be one of {', '.join(SCHEMES)}. Received: {scheme}")
    from kerasae.runs import Run, load_model
    from kerasae_export.bundling.bundle import export_bundle
    from kerasae_export.conversion.split import evenly

    loaded = Run.load(run)
    console = open_console()
    images = loaded.images()
    with console.status("exporting encoder and decoder"):
        export_bundle(
            load_model(run),
            out,
            scheme=scheme,
            calibration=evenly(images.train, 1000),
            signatures=signatures,
            step_loss=losses if len(losses) > 1 else losses[0],
            tile=tile,
            facts=loaded.facts(run, images),
            allow_float=allow_float,
        )
    for path in sorted(out.iterdir()):
        if path.is_file():
            console.print(f"{shown(path)}  {path.stat().st_size:,} bytes", soft_wrap=True)
    console.print(
        shown(f"next: kerasae verify {shlex.quote(str(out))} --run {shlex.quote(str(run))}"),
        soft_wrap=True,
    )


def _losses(text: str) -> Sequence[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            "`--step-loss` must be numbers with commas between, such as 0.1,0.5,2. "
            f"Received: {text}"
        ) from None
