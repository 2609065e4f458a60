"""`kerasae sample`: new images of a trained run, as one picture."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerasae.cli.command import command
from kerasae.cli.options import EXISTING, FOLDER
from kerasae.cli.output import open_console, shown

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from kerasae.runs import Run

__all__ = ["sample"]


@command
@click.argument("run", type=EXISTING)
@click.option(
    "--prior", type=FOLDER, help="Run folder of a prior that `kerasae prior` has trained for RUN."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="PNG file to write, with all images in rows.",
)
@click.option("--count", type=int, default=64, show_default=True, help="Images to draw.")
@click.option(
    "--label",
    metavar="NAME[,NAME...]",
    help="What they are to show, names or numbers of classes in turn, for a conditional run or a "
    "prior with labels.",
)
@click.option("--temperature", type=float, help="Of a prior: below 1, what is likely. Default: 1.")
@click.option(
    "--guidance", type=float, help="Of a prior: above 1, more typical of the label. Default: 1."
)
@click.option("--steps", type=int, help="Of a diffusion prior. Default: 50.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draws.")
def sample(
    run: Path,
    prior: Path | None,
    out: Path,
    count: int,
    label: str | None,
    temperature: float | None,
    guidance: float | None,
    steps: int | None,
    seed: int,
) -> None:
    """Draw new images from a trained run, by the prior of a variational one or a learned one.

    RUN is the folder that `kerasae train` wrote.
    """
    if out.suffix.lower() != ".png":
        raise ValueError(f"`out` must be a file that ends in .png. Received: {out}")
    if count < 1:
        raise ValueError(f"`count` must be a positive integer. Received: {count}")
    given = {"temperature": temperature, "guidance": guidance, "steps": steps}
    chosen: dict[str, Any] = {name: x for name, x in given.items() if x is not None}
    if chosen and prior is None:
        name, value = next(iter(chosen.items()))
        raise ValueError(f"`{name}` needs `--prior`, to which it belongs. Received: {value}")
    from kerasae import priors, samplers
    from kerasae.prior_runs import PriorRun
    from kerasae.runs import Run, load_model
    from kerasae_export.atomic import write_file

    loaded = Run.load(run)
    model = load_model(run)
    if prior is not None:
        found, learned = PriorRun.load(prior, model)
        labels = _labels(label, found.label_names, count)
        drawn = priors.sample(learned, model, count, labels=labels, seed=seed, **chosen)
    else:
        labels = None if label is None else _labels(label, _names(loaded, model), count)
        drawn = samplers.sample_prior(model, count, labels=labels, seed=seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_file(out, _picture(drawn))
    open_console().print(shown(f"{count} images are in {out}"), soft_wrap=True)


def _names(run: Run, model: keras.Model) -> Sequence[str]:
    """Names of the classes that a conditional run is told; none of another."""
    if len(model.inputs) < 2:
        return ()
    return [str(name) for name in getattr(run.images(), "label_names", ())]


def _labels(text: str | None, names: Sequence[str], count: int) -> list[int] | None:
    """The class of each image: those asked for, in turn."""
    if text is None:
        return None
    if not names:
        raise ValueError(
            "`label` needs a conditional run, or a prior of a run whose images have classes. "
            f"Received: {text}"
        )
    asked = []
    for part in (part.strip() for part in text.split(",")):
        number = int(part) if part.isdecimal() else -1
        if part in names:
            asked.append(list(names).index(part))
        elif 0 <= number < len(names):
            asked.append(number)
        else:
            known = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
            raise ValueError(
                f"`label` must be names of classes, of {known}, or numbers from 0 to "
                f"{len(names) - 1}, with commas between. Received: {part or text}"
            )
    return [asked[i % len(asked)] for i in range(count)]


def _picture(images: NDArray[np.float32]) -> bytes:
    """A PNG file with the images in rows of one length, white between them."""
    import numpy as np
    from PIL import Image

    from kerasae.plots._style import mosaic

    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    grid: Any = np.ones((rows * columns, *images.shape[1:]))
    grid[: len(images)] = images
    whole = mosaic(grid.reshape(rows, columns, *images.shape[1:]), 2)
    pixels = np.round(255 * whole).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, "PNG", optimize=True)
    return file.getvalue()
