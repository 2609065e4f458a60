"""The commands with their options, as `--help` gives them, for a page of any width."""

from __future__ import annotations

import os
import re
from unittest.mock import patch

from click.testing import CliRunner

from kerasae.cli import main

__all__ = ["fill"]

MARK = "<!-- commands -->"
_WIDE = 1000  # columns, in which no sentence is broken
_HEADING = re.compile(r"^[\w ]+:\n", flags=re.MULTILINE)
_OPTION = re.compile(r"^  (\S+(?: \S+)*)(?: {2,}|\n {3,})(\S.*)$", flags=re.MULTILINE)
_NOTE = re.compile(r"(?:^|  )\[([^]]*)\]$")  # such as [default: 20]


def fill(page: str) -> str:
    """Put every command where the mark is."""
    return page.replace(MARK, "\n\n".join(map(_command, main.commands)))


def _command(name: str) -> str:
    with patch.dict(os.environ, COLUMNS=f"{_WIDE}"):
        shown = CliRunner().invoke(
            main, [name, "--help"], prog_name="kerasae", terminal_width=_WIDE
        )
    head, *sections = _HEADING.split(shown.output)
    usage, *paragraphs = re.split(r"\n\n+", head.strip())
    entries = [
        f"`{option}`\n:   {_sentence(what)}"
        for option, what in _OPTION.findall("\n".join(sections))
        if "--help" not in option
    ]
    parts = [
        f"## kerasae {name}",
        f"```text\n{usage.partition(' ')[2]}\n```",
        *(paragraph.strip() for paragraph in paragraphs),
        *entries,
    ]
    return "\n\n".join(parts)


def _sentence(what: str) -> str:
    """What an option means, and what it is by default set apart."""
    note = _NOTE.search(what)
    text = _NOTE.sub("", what).rstrip(".")
    sentence = f"{text[:1].upper()}{text[1:]}."
    return f"{sentence} *{note[1].capitalize()}.*" if note else sentence
