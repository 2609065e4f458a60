"""`kerasae compress`, `decompress`, `info` and `serve`: the commands of `kae`, unchanged."""

from __future__ import annotations

import sys

import click

__all__ = ["compress", "decompress", "info", "serve"]


def _forward(name: str, what: str) -> click.Command:
    """Offer a command of `kae`, which parses its own options, so that both agree."""

    @click.command(
        name,
        short_help=what,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def forward(arguments: tuple[str, ...]) -> None:
        from kerasae_export.cli import run

        try:
            sys.exit(run([name, *arguments], program="kerasae"))
        except KeyboardInterrupt:  # it has said so
            sys.exit(130)

    return forward


compress = _forward("compress", "Write a .kae file for each image.")
decompress = _forward("decompress", "Write a .png file for each .kae file.")
info = _forward("info", "Tell what .kae files and bundles are.")
serve = _forward("serve", "Open a page on which a browser or a phone runs the codec.")
