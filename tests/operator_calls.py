"""Operators of a TF Lite file by their operands alone, for the tests of the rules about these."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from kerasae_export.errors import BundleError
from kerasae_export.runtime.calls import Call, Operand


def options(kind: str, **values: Any) -> Any:
    """The options of a kind of operator."""
    made = getattr(schema, f"{kind}OptionsT")()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def operand(given: Any, dtype: str = "float32", scales: tuple[float, ...] = ()) -> Operand | None:
    """A tuple is the shape of a tensor, numbers are a constant of int32, None is missing."""
    if given is None or isinstance(given, Operand):
        return given
    if isinstance(given, tuple):
        return Operand(given, dtype, scales, None)
    values = np.array(given, "<i4")
    return Operand(values.shape, "int32", (), values.reshape(-1).view(np.uint8))


def call(name: str, operands: Iterable[Any], table: Any, stated: Sequence[Any]) -> Call:
    """An operator whose results have the stated shapes."""
    results = [operand(result) for result in stated]
    return Call(name, tuple(map(operand, operands)), tuple(r for r in results if r), table)


def refused(check: Callable[[Call], None], which: Call, rule: str, received: object) -> None:
    """Check that an operator is refused in one sentence."""
    sentence = f"A model's operator {which.name} must {rule}. Received: {received}"
    with pytest.raises(BundleError, match=f"^{re.escape(sentence)}$"):
        check(which)
