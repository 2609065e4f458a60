"""The commands with their options, as `--help` gives them."""

from __future__ import annotations

import os
from unittest.mock import patch

from click.testing import CliRunner

from kerasae.cli import main

__all__ = ["fill"]

MARK = "<!-- commands -->"


def fill(page: str) -> str:
    """Put the help of every command where the mark is."""
    parts = []
    for name in main.commands:
        with patch.dict(os.environ, COLUMNS="92"):
            shown = CliRunner().invoke(
                main, [name, "--help"], prog_name="kerasae", terminal_width=92
            )
        parts.append(f"## kerasae {name}\n\n```text\n{shown.output.rstrip()}\n```")
    return page.replace(MARK, "\n\n".join(parts))
