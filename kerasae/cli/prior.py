"""`kerasae prior`: from the run of an autoencoder to a prior over its codes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from kerasae.cli.command import command
from kerasae.cli.invocation import called
from kerasae.cli.options import EXISTING, FOLDER
from kerasae.cli.output import open_console, shown
from kerasae.cli.training import assignment, config_of, training_options

__all__ = ["prior"]


@command
@click.argument("run", type=EXISTING)
@click.option("--out", type=FOLDER, required=True, help="Run folder of the prior to write.")
@click.option(
    "--kind",
    help="transformer or pixelcnn for indices, diffusion or flow for values. Default: "
    "transformer or diffusion.",
)
@click.option(
    "--set",
    "extra",
    multiple=True,
    metavar="NAME=VALUE",
    help="Hyperparameters of the prior, such as width=128, blocks=4 or classes=null.",
)
@training_options
@click.option("--resume", is_flag=True, help="Continue an interrupted run.")
def prior(
    run: Path, out: Path, kind: str | None, extra: tuple[str, ...], resume: bool, **options: Any
) -> None:
    """Train a prior over the codes of a trained run, to draw new images with `kerasae sample`.

    RUN is the folder that `kerasae train` wrote.
    """
    hyperparameters = dict(map(assignment, extra))
    config = config_of(options)
    from kerasae import priors
    from kerasae.data import Images
    from kerasae.prior_runs import PriorRun
    from kerasae.runs import Run, load_model

    loaded = Run.load(run)
    console = open_console()
    images = loaded.images()
    if not isinstance(images, Images):
        raise ValueError(
            "`RUN` must be of images that are in memory, whose codes a prior learns. "
            f"Received: {run}, of {images.summary()}"
        )
    model = load_model(run)
    with console.status("encoding the images"):
        codes = priors.encode(model, images)
    assert isinstance(codes, priors.Codes)  # of a set, which `images` is
    what = f"of {codes.codebook_size} indices" if codes.codebook_size else "of values"
    shape = " x ".join(map(str, codes.code_shape))
    console.print(f"codes {what}, {shape}: {len(codes.train):,} to train on")
    mine = PriorRun.of(model, codes, kind, hyperparameters, config.seed)
    mine.train(codes, config, out, resume=resume)
    ask = f" --label {shlex.quote(mine.label_names[-1])}" if mine.label_names else ""
    following = (
        f"{called('kerasae')} sample {shlex.quote(str(run))} --prior {shlex.quote(str(out))}"
        f"{ask} --out samples.png"
    )
    console.print(shown(f"prior and report are in {out}; next: {following}"), soft_wrap=True)
