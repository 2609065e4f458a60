"""The `kerasae` command."""

from kerasae.cli.group import entry, main

__all__ = ["entry", "main"]
