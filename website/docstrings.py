"""How the docstrings of this project are read for the API reference."""

from __future__ import annotations

from typing import Any

import griffe

__all__ = ["Examples"]


class Examples(griffe.Extension):
    """Let `Example:` be a section of code, as `Examples:` is, instead of a note."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section before it is parsed."""
        if obj.docstring is not None:
            text = f"\n{obj.docstring.value}".replace("\nExample:\n", "\nExamples:\n")
            obj.docstring.value = text[1:]
