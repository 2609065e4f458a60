"""`kerasae export`: a run folder in, a bundle out."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from kerasae.cli.command import command
from kerasae.cli.invocation import called
from kerasae.cli.options import EXISTING, FOLDER
from kerasae.cli.output import open_console, shown

if TYPE_CHECKING:
    from kerasae.data import Images
    from kerasae.data.sequences import Sequences as SequenceSet
    from kerasae.data.streams import ImageStream

__all__ = ["export"]

_CALIBRATION = 1000  # images


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
    "--sample",
    metavar="FILE",
    help="Picture that goes with the bundle and that its page shows first; `calibration` takes "
    "four of the run's own images. Default: one of free licence, or drawn.",
)
@click.option(
    "--allow-float",
    is_flag=True,
    help="Let int8 leave layers in float32 that have no int8, such as ELU.",
)
@click.option(
    "--float-layers",
    metavar="NAME[,NAME...]",
    help="Layers that mixed keeps in float32; by default those that cost most.",
)
@click.option(
    "--also",
    type=click.Choice(["onnx"]),
    help="Add the models as ONNX files; needs the extra `onnx`.",
)
@click.option(
    "--batch",
    type=int,
    metavar="N",
    help="Add models for N tiles at once, such as 8, with which folders and streams go faster.",
)
@click.option("--author", help="Who made the model, for its card and its files' metadata.")
@click.option("--license", "licence", help="Of the weights, such as CC0-1.0; likewise.")
@click.option("--data-license", "data_licence", help="Of the data, for its card.")
def export(
    run: Path,
    scheme: str,
    signatures: str,
    out: Path,
    step_loss: str,
    tile: int | None,
    sample: str | None,
    allow_float: bool,
    float_layers: str | None,
    also: str | None,
    batch: int | None,
    author: str | None,
    licence: str | None,
    data_licence: str | None,
) -> None:
    """Export a trained run as a bundle: TF Lite files with a codec around them.

    RUN is the folder that `kerasae train` wrote. Of a conditional model the bundle has the classes
    of its data, which senders and receivers may tell it.
    """
    losses = _losses(step_loss)
    given = {"author": author, "license": licence, "data_license": data_licence}
    told = {name: text for name, text in given.items() if text is not None}
    from kerasae_export.format.manifest import ALL_SCHEMES

    if scheme not in ALL_SCHEMES:
        raise ValueError(f"`--scheme` must be one of {', '.join(ALL_SCHEMES)}. Received: {scheme}")
    from kerasae.runs import Run, load_model
    from kerasae_export.bundling.bundle import export_bundle
    from kerasae_export.conversion.split import evenly

    loaded = Run.load(run)
    console = open_console()
    images = loaded.images()
    if images.train.ndim == 2:
        raise ValueError(
            "`RUN` must be of images for a bundle, whose codec writes images; "
            "`kerasae_export.convert` turns the encoder and the decoder of a table into files of "
            "floats. "
            f"Received: {run}, of a table"
        )
    picture = _sample(sample, loaded.data, cast("Images | SequenceSet | ImageStream", images))
    model = load_model(run)
    with console.status("exporting encoder and decoder"):
        export_bundle(
            model,
            out,
            scheme=scheme,
            calibration=evenly(images.train, _CALIBRATION),
            signatures=signatures,
            step_loss=losses if len(losses) > 1 else losses[0],
            tile=tile,
            sample=picture,
            facts={**loaded.facts(run, images), **told},
            allow_float=allow_float,
            also=also,
            batch=batch,
            float_layers=None if float_layers is None else float_layers.split(","),
            **_classes(model, images),
        )
    for path in sorted(out.iterdir()):
        if path.is_file():
            console.print(f"{shown(path)}  {path.stat().st_size:,} bytes", soft_wrap=True)
    if picture is None:
        console.print(
            "The picture that the bundle's page shows first is drawn; `--sample` takes another.",
            soft_wrap=True,
        )
    verify = f"{called('kerasae')} verify {shlex.quote(str(out))} --run {shlex.quote(str(run))}"
    console.print(shown(f"next: {verify}"), soft_wrap=True)


def _classes(model: Any, images: Any) -> dict[str, Any]:
    """What the calibration images of a conditional model show; nothing for other models."""
    from kerasae._conditions import condition_of
    from kerasae_export.conversion.split import evenly

    condition = condition_of(model)
    if condition is None or condition.classes is None:
        return {}
    labels = evenly(images.train_labels, _CALIBRATION)
    return {"labels": labels, "class_names": images.label_names}


def _sample(asked: str | None, data: str, images: Images | SequenceSet | ImageStream) -> Any:
    """The picture that goes with a bundle, or `calibration`; None for one that is drawn."""
    if asked == "calibration" or images.train.ndim != 4:
        return asked
    from kerasae.data.embedded import picture_to_publish
    from kerasae_export.files.pictures import read_image

    if asked is None:
        return picture_to_publish(data, cast("Images", images))
    try:
        return read_image(Path(asked), images.train.shape[3], max_pixels=2**26)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"`--sample` must be an image, or `calibration`. Received: {asked}: {error}"
        ) from None


def _losses(text: str) -> Sequence[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            "`--step-loss` must be numbers with commas between, such as 0.1,0.5,2. "
            f"Received: {text}"
        ) from None
