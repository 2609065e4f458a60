"""An operator of a TF Lite file with its operands, as the rules of shapes look at it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.errors import BundleError

__all__ = ["Call", "Operand", "Shape"]

Shape = tuple[int, ...]

_MOST_INTEGERS = 1024


@dataclass(frozen=True)
class Operand:
    """A tensor of an operator: its shape, type and scales, and its bytes if it is a constant."""

    shape: Shape
    dtype: str
    scales: tuple[float, ...]
    content: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Call:
    """One operator, its operands, its results as the file states them, and its options."""

    name: str
    operands: tuple[Operand | None, ...]
    results: tuple[Operand, ...]
    table: Any

    @property
    def stated(self) -> list[Shape]:
        """The shapes that the file states for the results."""
        return [result.shape for result in self.results]

    def fails(self, rule: str, received: object) -> BundleError:
        """The error to raise where the operator breaks a rule, which completes "must"."""
        text = str(received)
        text = text if len(text) <= 80 else f"{text[:77]}..."
        return BundleError(f"A model's operator {self.name} must {rule}. Received: {text}")

    def has(self, place: int) -> bool:
        """Whether there is an operand in a place."""
        return place < len(self.operands) and self.operands[place] is not None

    def operand(self, place: int) -> Operand:
        """The operand in a place."""
        found = self.operands[place] if place < len(self.operands) else None
        if found is None:
            raise self.fails(f"have an input in place {place}", f"{len(self.operands)} inputs")
        return found

    def shape(self, place: int, rank: int | None = None) -> Shape:
        """The shape of an operand, which must have as many axes as `rank` says."""
        shape = self.operand(place).shape
        if rank is not None and len(shape) != rank:
            raise self.fails(f"have an input {place} of {rank} axes", f"shape {shape}")
        return shape

    def integers(self, place: int, count: int | None = None) -> list[int]:
        """The values of an operand, which must be a constant of a few integers."""
        operand = self.operand(place)
        if operand.content is None:
            raise self.fails("have a constant size of its output", f"a computed input {place}")
        if operand.dtype not in ("int32", "int64") or math.prod(operand.shape) > _MOST_INTEGERS:
            raise self.fails(
                "have a few integers where it is told sizes", f"{operand.dtype}, {operand.shape}"
            )
        kind = np.dtype(operand.dtype).newbyteorder("<")
        values: list[int] = np.frombuffer(operand.content.tobytes(), kind).tolist()
        if count is not None and len(values) != count:
            raise self.fails(f"have {count} integers as input {place}", values)
        return values

    def options(self, kind: str) -> Any:
        """The options, which must be those of the operator."""
        if type(self.table).__name__ != f"{kind}OptionsT":
            raise self.fails("have its options", type(self.table).__name__)
        return self.table

    def axis(self, axis: int, rank: int) -> int:
        """An axis from 0 on, where the file may count from behind."""
        if not -rank <= axis < rank:
            raise self.fails(f"name one of {rank} axes", axis)
        return int(axis) % rank

    def between(self, what: str, value: int, least: int, most: int) -> int:
        """A number of the options, in its range."""
        if not least <= value <= most:
            raise self.fails(f"have {what} from {least} to {most}", value)
        return int(value)
