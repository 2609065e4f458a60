"""The list of what is called: a name, and a function that draws the arguments of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from random_calls.arguments import Drawing

__all__ = ["TARGETS", "Call", "Target", "scratch", "target"]


@dataclass(frozen=True)
class Call:
    """One call: the function, what it gets, and what is done with its result to judge it."""

    function: Callable[..., Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    then: Callable[[Any], Any] = lambda result: result
    """What makes of the result the numbers that must be finite."""


@dataclass(frozen=True)
class Target:
    """A public function.

    Attributes:
        name: As it is imported.
        draw: Draws a call.
        batch: Calls in a row.
        strict: Whether valid arguments must be taken; otherwise they may not fit each other.
        infinite: Whether an infinite result is documented.
        names: Names of arguments that messages may use, beside those of the signature.
    """

    name: str
    draw: Callable[[Drawing], Call]
    batch: int = 20
    strict: bool = True
    infinite: bool = False
    names: tuple[str, ...] = ()


TARGETS: dict[str, Target] = {}

_SCRATCH: list[Path] = []


def target(name: str, **options: Any) -> Callable[[Callable[[Drawing], Call]], Any]:
    """Register a function that draws calls."""

    def register(draw: Callable[[Drawing], Call]) -> Any:
        TARGETS[name] = Target(name, draw, **options)
        return draw

    return register


def scratch(folder: Path | None = None) -> Path:
    """The folder for files; to be given once."""
    if folder is not None:
        _SCRATCH[:] = [folder]
    return _SCRATCH[0]
