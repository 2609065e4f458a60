"""`kerasae list`: architectures, data sets, export schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerasae.cli.command import command
from kerasae.cli.output import open_console

if TYPE_CHECKING:
    from kerasae.builders import Builder

__all__ = ["list"]


@command
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

    console = open_console()
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
