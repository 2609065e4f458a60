"""Checked access to the fields of `manifest.json` and `family.json`, which are untrusted input."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Callable, Iterable
from typing import Any

from kerasae_export.errors import BundleError

__all__ = ["MANIFEST", "Fields", "parse_json", "short"]

MANIFEST = "manifest.json"
_MAX_DEPTH = 64


class Fields:
    """Typed access to the fields of a JSON object, with errors that name the file and the field."""

    def __init__(self, content: Any, path: str, file: str = MANIFEST) -> None:
        if not isinstance(content, dict):
            where = f"`{path[:-1]}`" if path else "the content"
            raise BundleError(f"{file}: {where} must be an object. Received: {short(content)}")
        self.content: dict[str, Any] = content
        self.path = path
        self.file = file

    def error(self, name: str, rule: str, value: Any) -> BundleError:
        """The error that says what a field must be, and what it is."""
        return BundleError(
            f"{self.file}: `{self.path}{name}` must be {rule}. Received: {short(value)}"
        )

    def _get(self, name: str, rule: str, accept: Callable[[Any], bool]) -> Any:
        if name not in self.content:
            raise BundleError(f"{self.file}: `{self.path}{name}` is missing.")
        value = self.content[name]
        if not accept(value):
            raise self.error(name, rule, value)
        return value

    def only(self, names: str) -> None:
        """Refuse unknown fields, in objects that the bundle hash covers as a whole."""
        unknown = sorted(set(self.content) - set(names.split()))
        if unknown:
            field = f"{self.path}{short(unknown[0])}"
            raise BundleError(f"{self.file}: `{field}` is not a known field.")

    def object(self, name: str) -> Fields:
        """An object inside."""
        return Fields(
            self._get(name, "an object", lambda v: isinstance(v, dict)),
            f"{self.path}{name}.",
            self.file,
        )

    def items(self, name: str, least: int, most: int) -> list[Any]:
        """A list of any items within bounds of length."""
        rule = f"a list of {least}" + (f" to {most}" if most > least else "")
        return self._get(name, rule, lambda v: isinstance(v, list) and least <= len(v) <= most)

    def text(self, name: str) -> str:
        """A string."""
        return self._get(name, "a string", lambda v: isinstance(v, str))

    def choice(self, name: str, choices: Iterable[str]) -> str:
        """One of some strings."""
        return self._get(
            name, f"one of {', '.join(choices)}", lambda v: isinstance(v, str) and v in choices
        )

    def integer(self, name: str, low: int, high: int) -> int:
        """An integer within bounds."""
        return self._get(name, f"an integer from {low} to {high}", lambda v: _is_int(v, low, high))

    def integers(
        self, name: str, low: int, high: int, length: int | None = None
    ) -> tuple[int, ...]:
        """A list of integers within bounds."""
        rule = f"{'' if length is None else f'{length} '}integers from {low} to {high}"
        value = self._get(
            name,
            rule,
            lambda v: (
                isinstance(v, list)
                and length in (None, len(v))
                and all(_is_int(x, low, high) for x in v)
            ),
        )
        return tuple(value)

    def positive(self, name: str) -> float:
        """A positive number."""
        return float(
            self._get(
                name,
                "a positive number",
                lambda v: (
                    isinstance(v, (int, float)) and not isinstance(v, bool) and 1e-30 < v < 1e30
                ),
            )
        )

    def digest(self, name: str) -> str:
        """A SHA-256 as hex."""
        return self._get(
            name,
            "64 lower-case hexadecimal digits",
            lambda v: isinstance(v, str) and len(v) == 64 and set(v) <= set("0123456789abcdef"),
        )

    def filename(self, name: str) -> str:
        """The name of a file of the bundle."""
        value = self.text(name)
        self.check_filename(value)
        return value

    def check_filename(self, name: str) -> None:
        """Refuse names that could leave the bundle: plain characters, at most one folder deep."""
        parts = name.split("/")
        plain = all(p and p[0] != "." and set(p) <= _NAME_CHARACTERS for p in parts)
        if not plain or len(parts) > 2 or len(name) > 120:
            raise BundleError(
                f"{self.file}: `{self.path[:-1]}` must name files inside the bundle. "
                f"Received: {short(name)}"
            )


_NAME_CHARACTERS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def _is_int(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def parse_json(text: bytes | str) -> Any:
    """Parse JSON strictly: UTF-8, finite numbers, no name twice in an object, at most 64 levels.

    Raises:
        ValueError: If it is anything else.
        RecursionError: If it is nested far deeper.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            raise ValueError("a name occurs twice in an object")
        return content

    def finite(number: str) -> float:
        value = float(number)
        if not math.isfinite(value):
            raise ValueError(f"{number[:20]} is not a finite number")
        return value

    def whole(number: str) -> int:
        finite(number)
        return int(number)

    content = json.loads(
        text if isinstance(text, str) else text.decode("utf-8"),
        object_pairs_hook=unique,
        parse_float=finite,
        parse_int=whole,
        parse_constant=finite,
    )
    level = [content] if isinstance(content, (dict, list)) else []
    for _ in range(_MAX_DEPTH):
        inside = [x.values() if isinstance(x, dict) else x for x in level]
        level = [x for some in inside for x in some if isinstance(x, (dict, list))]
        if not level:
            break
    else:
        raise ValueError(f"it has more than {_MAX_DEPTH} levels")
    return content


def short(value: Any) -> str:
    """A value as an error message shows it."""
    text = _REPR.repr(value)  # `repr` itself fails where lists are nested deeply
    return text if len(text) <= 80 else text[:77] + "..."


_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 78
