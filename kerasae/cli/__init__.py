"""The `kerasae` command."""

from kerasae.cli.cli import entry, main

__all__ = ["entry", "main"]
