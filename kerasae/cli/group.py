"""The command group, with its commands in the order of the manual, and the console script."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from typing import NoReturn

import click

from kerasae import __version__
from kerasae.cli.compare import compare
from kerasae.cli.evaluate import evaluate
from kerasae.cli.export import export
from kerasae.cli.kae import compress, decompress, info, serve
from kerasae.cli.list import list as list_all
from kerasae.cli.prior import prior
from kerasae.cli.quickstart import quickstart
from kerasae.cli.sample import sample
from kerasae.cli.shards import shards
from kerasae.cli.sweep import sweep
from kerasae.cli.train import train
from kerasae.cli.verify import verify

__all__ = ["entry", "main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="kerasae")
def main() -> None:
    """Autoencoders in Keras 3, from the first equation to a phone."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


for _command in (
    quickstart,
    list_all,
    train,
    compare,
    sweep,
    prior,
    sample,
    shards,
    export,
    verify,
    evaluate,
    compress,
    decompress,
    info,
    serve,
):
    main.add_command(_command)


def entry() -> None:
    """The console script: `main`, without the notes that native libraries print."""
    from kerasae_export.console import open_streams, printable

    def show(message: Warning | str, *_: object, **__: object) -> None:
        click.echo(f"kerasae: {printable(message)}", err=True)

    def terminated(*_: object) -> NoReturn:
        """End as after an error, so that nothing is left behind."""
        sys.exit(128 + signal.SIGTERM)

    open_streams()
    warnings.showwarning = show
    signal.signal(signal.SIGTERM, terminated)
    main()
