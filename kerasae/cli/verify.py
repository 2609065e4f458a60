"""`kerasae verify`: a bundle in, its checks and a report out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerasae.cli.command import command
from kerasae.cli.options import DATA_HELP, EXISTING, FOLDER
from kerasae.cli.output import open_console, show_measurements

if TYPE_CHECKING:
    from rich.console import Console

    from kerasae_export.verification import Verification

__all__ = ["verify"]


@command
@click.argument("bundle", type=FOLDER)
@click.option("--run", type=EXISTING, help="The run it was exported from, to compare with Keras.")
@click.option("--data", help="With --run: other images than the run's own. " + DATA_HELP)
def verify(bundle: Path, run: Path | None, data: str | None) -> None:
    """Check a bundle, leave verification.json and .html in it, and fail if a check does."""
    if data is not None and run is None:
        raise ValueError("`--data` needs the model of `--run`. Received: --data alone")
    from kerasae_export.verification import REPORT, VerificationError, verify_bundle

    console = open_console()
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
    show_measurements(console, verification)
    console.print(f"\nreport: {bundle / REPORT}", soft_wrap=True)


def _show_checks(console: Console, verification: Verification) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "check", "measured, and what was allowed", show_edge=False)
    for check in verification.checks:
        mark = "[green]ok[/green]" if check.passed else "[red]FAILED[/red]"
        table.add_row(mark, check.name, escape(check.detail))
    console.print(table)
