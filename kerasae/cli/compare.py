"""`kerasae compare`: runs side by side, as a table and as a page."""

from __future__ import annotations

from pathlib import Path

import click

from kerasae.cli.command import command
from kerasae.cli.options import EXISTING
from kerasae.cli.output import open_console, shown

__all__ = ["compare"]


@command
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=EXISTING)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="HTML file to write, with the table and the curves.",
)
def compare(runs: tuple[Path, ...], out: Path | None) -> None:
    """Compare runs: what they differ by, what they reached, and what they took.

    Runs that were interrupted or still train are compared by what their folders hold.
    """
    from rich.table import Table

    from kerasae.run_comparison import compare_runs, comparison_page, rows
    from kerasae_export.atomic import write_file

    entries = compare_runs(runs)
    head, body = rows(entries)
    table = Table(title=f"{len(entries)} runs", title_justify="left")
    for name in head:
        table.add_column(name, justify="right" if name in ("best", "PSNR, dB") else "left")
    for row in body:
        table.add_row(*map(shown, row))
    console = open_console()
    console.print(table)
    if out is not None:
        write_file(out, comparison_page(entries).encode())
        console.print(f"table and curves are in {shown(out)}", soft_wrap=True)
