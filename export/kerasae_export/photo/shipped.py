"""The families that ship with the package: each that ever did, the newest first."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kerasae_export.format.family import Family

__all__ = ["named_families", "shipped_families", "shipped_files"]

_FOLDER = Path(__file__).parent / "families"
_NAMES = ("photo-2", "photo-1")
"""Folders, the newest first. None is ever taken away: files name the family they need."""


@cache
def named_families() -> dict[str, Family]:
    """All families by their names, the one that writes first."""
    return {name: Family.from_json(_content(name)) for name in _NAMES}


def shipped_families() -> tuple[Family, ...]:
    """All families, the one that writes first."""
    return tuple(named_families().values())


def shipped_files() -> dict[str, bytes]:
    """The content of each `family.json` by the family's id, the one that writes first."""
    return {f.digest[:2].hex(): _content(name) for name, f in named_families().items()}


def _content(name: str) -> bytes:
    return (_FOLDER / name / "family.json").read_bytes()
