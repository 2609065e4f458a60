"""The `kerasae` command: one file a command, except those of `kae`, which are in `kae`.

Imports nothing heavy until a command runs, so that `kerasae --help` answers at once.
"""

from kerasae.cli.group import entry, main

__all__ = ["entry", "main"]
