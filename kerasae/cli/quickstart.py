"""`kerasae quickstart`: train, export, verify, compress, decompress, report."""

from __future__ import annotations

import importlib.util
import math
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerasae import __version__
from kerasae.cli.command import command
from kerasae.cli.invocation import called, installer, source_folder
from kerasae.cli.options import DATA_HELP, FOLDER, seed_option
from kerasae.cli.output import open_console, show_measurements, shown

if TYPE_CHECKING:
    from rich.console import Console

    from kerasae.quickstart import Report
    from kerasae_export.evaluation.comparison import Entry

__all__ = ["quickstart"]


@command
@click.option("--data", default="photos", show_default=True, help=DATA_HELP)
@click.option(
    "--out",
    type=FOLDER,
    default="kerasae-quickstart",
    show_default=True,
    help="Folder for the run, the bundle, the files and the report.",
)
@seed_option(click.IntRange(0, 2**32 - 1))
@click.option(
    "--minutes",
    type=float,
    help="Train about so long; the epochs follow from the speed of some steps, and are recorded.",
)
def quickstart(data: str, out: Path, seed: int, minutes: float | None) -> None:
    """Train, export to int8, verify, compress, decompress and report, in a minute or some more."""
    console = open_console()
    console.print(
        f"kerasae {__version__}: [bold]{shown(data)}[/bold], from pixels to a phone and back"
    )
    from kerasae.quickstart import quickstart as run

    def log(text: str) -> None:
        console.print(f"[dim]-[/dim] {shown(text)}")

    report = run(data, out, seed=seed, minutes=minutes, log=log)
    _show_report(console, report)
    console.print(f"\nPicture, table, model and bundle are in [bold]{shown(out)}[/bold]. Next:")
    bundle = shlex.quote(str(out / "bundle"))
    sample = shlex.quote(str(min((out / "kae").iterdir())))
    own = called("kerasae")
    for line, what in (
        (f"{own} decompress {sample} --bundle {bundle} --out rebuilt", "as a receiver"),
        (f"{own} compress PHOTO --bundle {bundle} --out sent", "your own image"),
        (f"{own} serve {bundle}", "all of this on a page in the browser"),
        (f"{own} list", "what else can be trained, and on what"),
        _chapters(),
    ):
        console.print(f"  {shown(line)}  [dim]# {what}[/dim]", soft_wrap=True)


def _chapters() -> tuple[str, str]:
    """The command that opens the chapters, or that installs what opens them."""
    source = source_folder()
    folder = Path(os.path.relpath(source)) if source is not None else Path()
    if importlib.util.find_spec("jupyterlab") is not None:
        return f"{called('jupyter')} lab {folder / 'notebooks'}/", "how all of this works"
    what = '"kerasae[notebooks]"'
    if source is not None:
        export = "./export" if folder == Path() else shlex.quote(str(folder / "export"))
        what = f"-e {export} -e {shlex.quote(f'{folder}[notebooks]')}"
    return f"{installer()} install {what}", "JupyterLab, for the chapters in notebooks/"


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
    show_measurements(console, report.verification)
    spent = sum(report.seconds.values())
    console.print(
        f"{spent:.0f} seconds: "
        + ", ".join(f"{name} {value:.1f}" for name, value in report.seconds.items()),
        style="dim",
        soft_wrap=True,
    )


def _verdict(entries: Sequence[Entry]) -> str:
    """How the bytes of kerasae compare with those of each lossy codec."""
    ours = entries[-1]
    lossy = [entry for entry in entries[:-1] if not math.isinf(entry.psnr)]
    parts = []
    for entry in lossy:
        ratio = ours.bytes / entry.bytes
        how = f"{1 - ratio:.0%} fewer" if ratio < 1 else f"{ratio - 1:.0%} more"
        better = ", its nearest setting up" if entry.psnr > ours.psnr + 1 else ""
        parts.append(f"{how} bytes than {entry.codec} ({entry.psnr:.2f} dB{better})")
    return f"kerasae at {ours.psnr:.2f} dB: {', '.join(parts)}."
