"""The families that ship with the package: each that ever did, the newest first."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kerasae_export.format.family import Family

__all__ = ["shipped_families", "shipped_files"]

_FOLDER = Path(__file__).parent / "families"
_NAMES = ("photo-2", "photo-1")
"""Folders, the newest first. None is ever taken away: files name the family they need."""


@cache
def shipped_families() -> tuple[Family, ...]:
    """All families, the one that writes first."""
    return tuple(Family.from_json(_content(name)) for name in _NAMES)


def shipped_files() -> dict[str, bytes]:
    """The content of each `family.json` by the family's id, the one that writes first."""
    pairs = zip(_NAMES, shipped_families(), strict=True)
    return {family.digest[:2].hex(): _content(name) for name, family in pairs}


def _content(name: str) -> bytes:
    return (_FOLDER / name / "family.json").read_bytes()
