"""`kerasae evaluate`: bundles beside other codecs, as table, JSON and plot."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerasae.cli.command import command
from kerasae.cli.options import DATA_HELP, FOLDER
from kerasae.cli.output import open_console, shown

if TYPE_CHECKING:
    from rich.console import Console

    from kerasae_export.evaluation import Evaluation

__all__ = ["evaluate"]


@command
@click.argument("bundles", metavar="BUNDLE...", type=FOLDER, nargs=-1, required=True)
@click.option("--data", required=True, help=DATA_HELP)
@click.option("--out", type=FOLDER, required=True, help="Folder for the table, JSON and plot.")
@click.option(
    "--limit", type=int, default=2500, show_default=True, help="At most this many test images."
)
@click.option(
    "--files",
    type=int,
    default=200,
    show_default=True,
    help="At most this many of them become files of their own.",
)
@click.option(
    "--codecs",
    default=None,
    help="Codecs to compare with, such as JPEG,WebP,AVIF,PCA,PNG; all by default.",
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
    console = open_console()
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
    console.print(f"\n{PLOT}, {CSV} and {JSON} are in {shown(out)}", soft_wrap=True)


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
