"""`kerasae verify`: a bundle in, its checks and a report out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerasae.cli.command import command
from kerasae.cli.options import DATA_HELP, EXISTING, FOLDER
from kerasae.cli.output import open_console, show_measurements, shown

if TYPE_CHECKING:
    from rich.console import Console

    from kerasae_export.verification import Verification

__all__ = ["verify"]


@command
@click.argument("bundle", type=FOLDER)
@click.option("--run", type=EXISTING, help="The run it was exported from, to compare with Keras.")
@click.option("--data", help="With --run: other images than the run's own. " + DATA_HELP)
@click.option(
    "--report",
    type=FOLDER,
    metavar="DIR",
    help="Folder for verification.json and .html; default: the bundle, if it can be written.",
)
def verify(bundle: Path, run: Path | None, data: str | None, report: Path | None) -> None:
    """Check a bundle, leave verification.json and .html in it, and fail if a check does."""
    if data is not None and run is None:
        raise ValueError("`--data` needs the model of `--run`. Received: --data alone")
    from kerasae_export.verification import (
        REPORT,
        ReportWarning,
        VerificationError,
        verify_bundle,
    )

    console = open_console()
    folder = bundle if report is None else report
    known: dict[str, Any] = {}
    if run is not None:
        from kerasae.runs import Run, load_model
        from kerasae_export.conversion.split import evenly

        images = evenly(Run.load(run).images(data).test, 500)
        known = {"model": load_model(run), "images": images}
    try:
        with (
            warnings.catch_warnings(record=True) as unwritten,
            console.status("verifying: some seconds, half a minute with --run"),
        ):
            warnings.simplefilter("always", ReportWarning)
            verification = verify_bundle(bundle, report_folder=folder, **known)
    except VerificationError as error:
        _show_checks(console, error.verification)
        _show_report(console, folder / REPORT, unwritten)
        raise
    _show_checks(console, verification)
    show_measurements(console, verification)
    _show_report(console, folder / REPORT, unwritten)


def _show_report(console: Console, file: Path, caught: Sequence[warnings.WarningMessage]) -> None:
    from kerasae_export.verification import ReportWarning

    reasons = [w.message for w in caught if issubclass(w.category, ReportWarning)]
    for other in caught:
        if not issubclass(other.category, ReportWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    console.print("")
    if reasons:
        console.print(shown(reasons[0]), shown("; name a folder with `--report DIR`"), sep="")
    else:
        console.print(f"report: {shown(file)}", soft_wrap=True)


def _show_checks(console: Console, verification: Verification) -> None:
    from rich.table import Table

    table = Table("", "check", "measured, and what was allowed", show_edge=False)
    for check in verification.checks:
        mark = "[green]ok[/green]" if check.passed else "[red]FAILED[/red]"
        table.add_row(mark, check.name, shown(check.detail))
    console.print(table)
