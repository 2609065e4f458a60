"""The `kerasae` command.

Imports nothing heavy until a command runs, so that `kerasae --help` answers at once.
"""

from __future__ import annotations

import functools
import json
import math
import os
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from kerasae import __version__

if TYPE_CHECKING:
    from rich.console import Console

    from kerasae.builders import Builder
    from kerasae.data import Images
    from kerasae.quickstart import Report
    from kerasae_export.evaluation import Evaluation
    from kerasae_export.evaluation.comparison import Entry
    from kerasae_export.verification import Verification

__all__ = ["entry", "main"]

FOLDER = click.Path(file_okay=False, path_type=Path)
EXISTING = click.Path(exists=True, path_type=Path)
DATA_HELP = "An embedded set, a TensorFlow Datasets image set, or a folder of images."
TRAIN_DATA_HELP = f"{DATA_HELP} For sequence architectures: melodies or series."


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="kerasae")
def main() -> None:
    """Autoencoders in Keras 3, from the first equation to a phone."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def entry() -> None:
    """The console script: `main`, without the notes that native libraries print."""
    from kerasae_export.quiet import silence_native

    silence_native()
    warnings.showwarning = lambda message, *_: click.echo(f"kerasae: {message}", err=True)
    main()


def _command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn errors that have a sentence for people into that sentence and an exit status."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        from kerasae.data import DataError
        from kerasae_export.errors import BitstreamError, BundleError, ConversionError

        try:
            return function(*args, **kwargs)
        except (BundleError, BitstreamError, ConversionError, DataError, FloatingPointError) as e:
            _fail(str(e), 1)
        except (ValueError, TypeError) as error:
            if os.environ.get("KERASAE_DEBUG"):
                raise
            _fail(_as_options(str(error)), 2)
        except OSError as error:
            _fail(f"{error.filename or ''}: {error.strerror or error}", 1)
        except KeyboardInterrupt:
            _fail("interrupted; a run can be continued with --resume.", 130)

    return main.command()(guarded)


def _as_options(message: str) -> str:
    """Call arguments by the names that they have on the command line."""
    names = {p.name: max(p.opts, key=len) for p in click.get_current_context().command.params}
    names["source"] = "--data"
    return re.sub(r"`(\w+)`", lambda found: f"`{names.get(found[1], found[1])}`", message)


def _fail(message: str, status: int) -> None:
    click.echo(f"kerasae: {message}", err=True)
    sys.exit(status)


def _console() -> Console:
    from rich.console import Console

    # A pipe has no width; 80 columns would break the table.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 110)


@_command
@click.option("--data", default="photos", show_default=True, help=DATA_HELP)
@click.option(
    "--out",
    type=FOLDER,
    default="kerasae-quickstart",
    show_default=True,
    help="Folder for the run, the bundle, the files and the report.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the split, the weights and the training.",
)
def quickstart(data: str, out: Path, seed: int) -> None:
    """Train, export to int8, verify, compress, decompress and report: all in a minute."""
    console = _console()
    console.print(f"kerasae {__version__}: [bold]{data}[/bold], from pixels to a phone and back")
    from kerasae.quickstart import quickstart as run

    report = run(data, out, seed=seed, log=lambda text: console.print(f"[dim]-[/dim] {text}"))
    _show_report(console, report)
    console.print(f"\nPicture, table, model and bundle are in [bold]{out}[/bold]. Next:")
    bundle = shlex.quote(str(out / "bundle"))
    sample = shlex.quote(str(min((out / "kae").iterdir())))
    for command, what in (
        (f"kerasae decompress {sample} --bundle {bundle} --out rebuilt", "as a receiver"),
        (f"kerasae compress PHOTO --bundle {bundle} --out sent", "your own image"),
        (f"kerasae serve {bundle}", "all of this on a page in the browser"),
        ("kerasae list", "what else can be trained, and on what"),
        ("jupyter lab notebooks/", "how all of this works"),
    ):
        console.print(f"  {command}  [dim]# {what}[/dim]", soft_wrap=True)


@_command
def list() -> None:
    """List architectures with their papers and hyperparameters, data sets, export schemes."""
    from rich.markup import escape
    from rich.table import Table

    from kerasae.builders import BUILDERS
    from kerasae.data import EMBEDDED
    from kerasae.data.sequences import SEQUENCES
    from kerasae_export.format.manifest import SCHEMES

    def describe(builder: Builder) -> str:
        names = [f"{name}={value!r}" for name, value in builder.hyperparameters.items()]
        if builder.passes_on:
            names.append(f"**{builder.passes_on}")
        return f"{builder.summary}\n[dim]{builder.paper}[/dim]\n{escape(', '.join(names))}\n"

    console = _console()
    for title, rows in (
        ("Architectures", [(b.name, describe(b)) for b in BUILDERS.values()]),
        (
            "Data sets",
            [
                *EMBEDDED.items(),
                *SEQUENCES.items(),
                ("NAME", "any TensorFlow Datasets image set"),
                ("FOLDER", "any folder of images"),
            ],
        ),
        ("Export schemes", [*SCHEMES.items()]),
    ):
        table = Table("name", "what", title=title, title_justify="left", show_edge=False)
        for row in rows:
            table.add_row(*row)
        console.print(table, "")
    console.print(
        "Set a hyperparameter with `kerasae train ARCH ... --set NAME=VALUE`; each is explained "
        "by `help(kerasae.build_ARCH)`.",
        soft_wrap=True,
    )


@_command
@click.argument("architecture", metavar="ARCH")
@click.option("--data", required=True, help=TRAIN_DATA_HELP)
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
    help="Other hyperparameters, such as code=spatial.",
)
@click.option("--image-size", type=int, help="Side to resize or crop the images to.")
@click.option("--channels", type=click.Choice(["1", "3"]), help="Grey or colour.")
@click.option("--limit", type=int, help="Use at most so many images.")
@click.option(
    "--epochs", type=int, default=20, show_default=True, help="Passes over the training images."
)
@click.option("--batch-size", type=int, default=128, show_default=True, help="Images in a step.")
@click.option(
    "--learning-rate",
    type=float,
    default=1e-3,
    show_default=True,
    help="Step size of the optimizer, the first one of a schedule.",
)
@click.option(
    "--schedule",
    type=click.Choice(["cosine", "constant"]),
    default="cosine",
    show_default=True,
    help="Whether the learning rate falls to zero along a cosine, or stays.",
)
@click.option("--patience", type=int, help="Stop after so many epochs without progress.")
@click.option(
    "--keep",
    type=click.Choice(["best", "last"]),
    default="best",
    show_default=True,
    help="Weights of the epoch with the lowest val_loss, or of the last one.",
)
@click.option("--flip", is_flag=True, help="Mirror half of the images, others in each epoch.")
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Seed of the split, the weights and the training.",
)
@click.option("--decorrelate", is_flag=True, help="Then turn the code to its principal axes.")
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
    hyperparameters.update(map(_assignment, extra))
    for name, how in (("input_shape", "the data give it"), ("learning_rate", "it has an option")):
        if name in hyperparameters:
            raise ValueError(f"`--set` cannot set {name}: {how}. Received: {name}")
    from kerasae.builders import BUILDERS

    if architecture not in BUILDERS:
        raise ValueError(f"`ARCH` must be one of {', '.join(BUILDERS)}. Received: {architecture}")
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
    )
    console = _console()
    images = run.images()
    console.print(images.summary())
    model = run.train(images, config, out, resume=resume)
    if BUILDERS[architecture].kind == "segmentation":
        _show_segmentation(console, model, cast("Images", images))
        console.print(f"model, history and curve are in {out}", soft_wrap=True)
        return
    loss_on_test = model.evaluate(images.test, images.test, verbose=0, return_dict=True)["loss"]
    are_images = images.train.ndim == 4
    kind = "images" if are_images else "sequences"
    console.print(f"loss on the test {kind} ({len(images.test):,}): {loss_on_test:.4g}")
    next_step = f"; next: kerasae export {shlex.quote(str(out))} --out BUNDLE"
    console.print(
        f"model, history and curve are in {out}{next_step if are_images else ''}", soft_wrap=True
    )


@_command
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
def export(
    run: Path, scheme: str, signatures: str, out: Path, step_loss: str, tile: int | None
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
    console = _console()
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
        )
    for path in sorted(out.iterdir()):
        if path.is_file():
            console.print(f"{path}  {path.stat().st_size:,} bytes", soft_wrap=True)
    console.print(
        f"next: kerasae verify {shlex.quote(str(out))} --run {shlex.quote(str(run))}",
        soft_wrap=True,
    )


@_command
@click.argument("bundle", type=FOLDER)
@click.option("--run", type=EXISTING, help="The run it was exported from, to compare with Keras.")
@click.option("--data", help="With --run: other images than the run's own. " + DATA_HELP)
def verify(bundle: Path, run: Path | None, data: str | None) -> None:
    """Check a bundle, leave verification.json and .html in it, and fail if it is off."""
    if data is not None and run is None:
        raise ValueError("`--data` needs the model of `--run`. Received: --data alone")
    from kerasae_export.verification import REPORT, VerificationError, verify_bundle

    console = _console()
    known: dict[str, Any] = {}
    if run is not None:
        from kerasae.runs import Run, load_model
        from kerasae_export.conversion.split import evenly

        images = evenly(Run.load(run).images(data).test, 500)
        known = {"model": load_model(run), "images": images}
    try:
        with console.status("verifying: some seconds, half a minute with --run"):
            verification = verify_bundle(bundle, **known)
    except VerificationError as error:
        _show_checks(console, error.verification)
        console.print(f"\nreport: {bundle / REPORT}", soft_wrap=True)
        raise
    _show_checks(console, verification)
    _show_measurements(console, verification)
    console.print(f"\nreport: {bundle / REPORT}", soft_wrap=True)


@_command
@click.argument("bundles", metavar="BUNDLE...", type=FOLDER, nargs=-1, required=True)
@click.option("--data", required=True, help=DATA_HELP)
@click.option("--out", type=FOLDER, required=True, help="Folder for the table, JSON and plot.")
@click.option("--limit", type=int, default=2500, show_default=True, help="Most test images.")
@click.option(
    "--files",
    type=int,
    default=200,
    show_default=True,
    help="Most of them that become files of their own.",
)
@click.option(
    "--codecs",
    default=None,
    help="Codecs to compare with, such as JPEG,WebP,AVIF,PCA,PNG; by default all that there are.",
)
@click.option(
    "--threads", type=int, default=1, show_default=True, help="Threads of a bundle's models."
)
def evaluate(
    bundles: tuple[Path, ...],
    data: str,
    out: Path,
    limit: int,
    files: int,
    codecs: str | None,
    threads: int,
) -> None:
    """Measure bundles beside JPEG, WebP, AVIF, JPEG 2000, PCA and lossless codecs.

    Several bundles, trained for different rates, make one curve.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from kerasae.codec_comparison import CSV, JSON, PLOT, compare_bundles, write_evaluation
    from kerasae_export.evaluation import OTHERS

    if out.exists() and not out.is_dir():
        raise ValueError(f"`--out` must be a folder. Received: {out}")
    known = {name.lower(): name for name in OTHERS}
    asked = [part.strip() for part in (codecs or ",".join(OTHERS)).split(",") if part.strip()]
    unknown = [name for name in asked if name.lower() not in known]
    if unknown:
        raise ValueError(f"`--codecs` must be among {', '.join(OTHERS)}. Received: {unknown[0]}")
    console = _console()
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("loading images", total=None)
        evaluation = compare_bundles(
            bundles,
            data,
            limit=limit,
            files=files,
            others=[known[name.lower()] for name in asked],
            threads=threads,
            progress=lambda what, done, total: bar.update(
                task, description=f"measuring {what}", completed=done, total=total
            ),
        )
    _show_evaluation(console, evaluation)
    write_evaluation(evaluation, out)
    console.print(f"\n{PLOT}, {CSV} and {JSON} are in {out}", soft_wrap=True)


def _forward(name: str, what: str) -> None:
    """Offer a command of `kae`, which parses its own options, so that both agree."""

    @main.command(
        name,
        short_help=what,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def forward(arguments: tuple[str, ...]) -> None:
        from kerasae_export.cli import run

        sys.exit(run([name, *arguments], program="kerasae"))


_forward("compress", "Write a .kae file for each image.")
_forward("decompress", "Write a .png file for each .kae file.")
_forward("serve", "Open a page on which a browser or a phone runs a bundle.")


def _integers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError(
            f"`{option}` must be integers with commas between, such as 128,64. Received: {text}"
        ) from None


def _losses(text: str) -> Sequence[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            "`--step-loss` must be numbers with commas between, such as 0.1,0.5,2. "
            f"Received: {text}"
        ) from None


def _assignment(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value as JSON where it is JSON, else as text."""
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise ValueError(f"`--set` must be NAME=VALUE. Received: {text}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


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


def _show_report(console: Console, report: Report) -> None:
    from rich.table import Table

    from kerasae.quickstart import SLOW_LINK, seconds_to_send

    def show(title: str, entries: Sequence[Entry]) -> None:
        table = Table(title=title, title_justify="left")
        table.add_column("codec")
        names = ("bytes", "bytes/image", f"seconds at {SLOW_LINK} bit/s", "PSNR dB", "SSIM")
        for name in names:
            table.add_column(name, justify="right")
        table.add_column("setting")
        for entry in entries:
            lossless = math.isinf(entry.psnr)
            table.add_row(
                entry.codec,
                f"{entry.bytes:,}",
                f"{entry.bytes / entry.images:,.1f}",
                f"{seconds_to_send(entry):,.2f}",
                "exact" if lossless else f"{entry.psnr:.2f}",
                "1" if lossless else f"{entry.ssim:.4f}",
                entry.setting,
                style="bold" if entry.codec == "kerasae" else None,
            )
        console.print("", table)
        console.print(_verdict(entries), soft_wrap=True)

    count = report.files[0].images
    plural = "s" if count > 1 else ""
    show(f"{count:,} held-out image{plural}, one file each, at like quality", report.files)
    if report.together:
        count = report.together[0].images
        show(f"{count:,} held-out images together: a mosaic, or one stream", report.together)
    _show_measurements(console, report.verification)
    spent = sum(report.seconds.values())
    console.print(
        f"{spent:.0f} seconds: "
        + ", ".join(f"{name} {value:.1f}" for name, value in report.seconds.items()),
        style="dim",
        soft_wrap=True,
    )


def _verdict(entries: Sequence[Entry]) -> str:
    """Who needs the fewest bytes, whoever it is."""
    ours = entries[-1]
    lossy = [entry for entry in entries[:-1] if not math.isinf(entry.psnr)]
    parts = []
    for entry in lossy:
        ratio = ours.bytes / entry.bytes
        how = f"{1 - ratio:.0%} fewer" if ratio < 1 else f"{ratio - 1:.0%} more"
        better = ", its nearest setting up" if entry.psnr > ours.psnr + 1 else ""
        parts.append(f"{how} bytes than {entry.codec} ({entry.psnr:.2f} dB{better})")
    return f"kerasae at {ours.psnr:.2f} dB: {', '.join(parts)}."


def _show_checks(console: Console, verification: Verification) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "check", "measured, and what was allowed", show_edge=False)
    for check in verification.checks:
        mark = "[green]ok[/green]" if check.passed else "[red]FAILED[/red]"
        table.add_row(mark, check.name, escape(check.detail))
    console.print(table)


def _show_evaluation(console: Console, evaluation: Evaluation) -> None:
    """Of each codec the best points near ours in quality, and what follows, in words."""
    from rich.table import Table

    from kerasae_export.evaluation import ARRANGEMENTS, OURS

    for arrangement, how in ARRANGEMENTS.items():
        points = evaluation.of(arrangement)
        if not points:
            continue
        own = [p.psnr for p in points if p.codec == OURS and p.psnr is not None]
        low, high = (min(own) - 2, max(own) + 4) if own else (0.0, math.inf)
        title = f"{points[0].images:,} images, {how}"
        table = Table("codec", "setting", title=title, title_justify="left")
        for name in ("bytes/image", "PSNR dB", "SSIM", "MS-SSIM", "encode ms", "decode ms"):
            table.add_column(name, justify="right")
        for codec in evaluation.codecs(arrangement):
            near = [p for p in evaluation.best(arrangement, codec) if low <= (p.psnr or 0) <= high]
            exact = [p for p in evaluation.of(arrangement, codec) if p.lossless]
            for p in [*near, *exact]:
                table.add_row(
                    p.codec,
                    p.setting,
                    f"{p.bytes_per_image:,.1f}",
                    "exact" if p.psnr is None else f"{p.psnr:.2f}",
                    f"{p.ssim:.4f}",
                    "-" if p.ms_ssim is None else f"{p.ms_ssim:.4f}",
                    f"{p.encode_ms:.3g}",
                    f"{p.decode_ms:.3g}",
                    style="bold" if p.codec == OURS else None,
                )
        console.print(table, "")
    for sentence in evaluation.sentences():
        console.print(f"- {sentence}", soft_wrap=True)


def _show_measurements(console: Console, verification: Verification) -> None:
    from rich.table import Table

    measured = verification.measurements
    peak = measured.get("peak_bytes", {})
    table = Table(title="The bundle, measured on this machine", title_justify="left")
    table.add_column("part")
    for name in ("parameters", "file bytes", "MAC per pixel", "1 thread, ms", "2 threads, ms"):
        table.add_column(name, justify="right")
    if peak:
        table.add_column("peak memory", justify="right")
    for part in ("encoder", "decoder"):
        latency = [measured["latency_ms"][f"{part}, {n}"] for n in ("1 thread", "2 threads")]
        parameters = (measured["parameters"] or {}).get(part)
        macs = measured["costs"][part]["macs_per_pixel"]
        row = [
            part,
            "?" if parameters is None else f"{parameters:,}",
            f"{measured['bytes'][part]:,}",
            "?" if macs is None else f"{macs:,.0f}",
            *(f"{t['median']:.3g}" for t in latency),
        ]
        if peak:
            row.append("?" if peak[part] is None else f"{peak[part] / 1e6:.1f} MB")
        table.add_row(*row)
    console.print("", table)
    worst = measured.get("layers", {}).get("largest_error")
    if worst:
        console.print(
            f"Largest error of a layer: {worst['layer']} ({worst['operator']}) of the "
            f"{worst['part']}, {worst['own']:.1f} dB below its signal.",
            soft_wrap=True,
        )
    parity = measured.get("parity")
    if parity:
        console.print(
            f"Keras against TF Lite on {parity['images']} images: code differs by "
            f"{parity['code_difference_mean']:.2%} of its range on average, pixels by "
            f"{parity['pixel_difference_mean'] * 255:.2f} of 255; "
            f"PSNR {parity['psnr_keras']:.2f} dB in Keras, {parity['psnr_tflite']:.2f} in TF Lite, "
            f"{parity['psnr_codec']:.2f} with the code rounded for the bitstream; "
            f"SSIM {parity['ssim_keras']:.4f}, {parity['ssim_tflite']:.4f}, "
            f"{parity['ssim_codec']:.4f}.",
            soft_wrap=True,
        )
