"""`kerasae list`: architectures, data sets, pretrained models, export schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerasae.cli.command import command
from kerasae.cli.output import open_console

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from kerasae.builders import Builder

__all__ = ["list"]


@command
def list() -> None:
    """List architectures with papers and hyperparameters, data sets, trained models, schemes."""
    from rich.markup import escape
    from rich.table import Table

    from kerasae.builders import BUILDERS
    from kerasae.data import EMBEDDED
    from kerasae.data.sequences import SEQUENCES
    from kerasae.data.tables import TABLES
    from kerasae.data.volumes import VOLUMES
    from kerasae.pretrained.cards import figure_text, pretrained_cards
    from kerasae_export.format.manifest import ALL_SCHEMES

    def describe(builder: Builder) -> str:
        names = [f"{name}={value!r}" for name, value in builder.hyperparameters.items()]
        if builder.passes_on:
            names.append(f"**{builder.passes_on}")
        return f"{builder.summary}\n[dim]{builder.paper}[/dim]\n{escape(', '.join(names))}\n"

    def describe_card(card: Mapping[str, Any]) -> str:
        figures = ", ".join(f"{what} {figure_text(v)}" for what, v in card["figures"].items())
        trained = f"{card['data']} ({card['data_licence']}); weights: {card['licence']}"
        return f"{escape(card['summary'])}\n[dim]{escape(trained)}[/dim]\n{escape(figures)}\n"

    groups = dict.fromkeys(b.group for b in BUILDERS.values())
    console = open_console()
    for title, rows in (
        *(
            (
                f"Architectures: {group}",
                [(b.name, describe(b)) for b in BUILDERS.values() if b.group == group],
            )
            for group in groups
        ),
        (
            "Data sets",
            [
                *EMBEDDED.items(),
                *SEQUENCES.items(),
                *TABLES.items(),
                *VOLUMES.items(),
                ("NAME", "any TensorFlow Datasets image set"),
                ("FOLDER", "any folder of images"),
                ("FILE", "any table in .csv, .parquet, .npy or .npz"),
            ],
        ),
        ("Pretrained models", [(n, describe_card(c)) for n, c in pretrained_cards().items()]),
        ("Export schemes", [*ALL_SCHEMES.items()]),
    ):
        table = Table("name", "what", title=title, title_justify="left", show_edge=False)
        for row in rows:
            table.add_row(*row)
        console.print(table, "")
    console.print(
        "Set a hyperparameter with `kerasae train ARCH ... --set NAME=VALUE`; each is explained "
        "by `help(kerasae.build_ARCH)`. `kerasae.load_pretrained(NAME)` loads a trained model.",
        soft_wrap=True,
    )
