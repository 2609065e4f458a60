"""Makes one call and says what is wrong with it, if anything is."""

from __future__ import annotations

import dataclasses
import inspect
import re
import traceback
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from random_calls.arguments import describe
from random_calls.registry import Call, Target

__all__ = ["Verdict", "judge"]

_OWN_WARNINGS = re.compile(
    r"(has collapsed|uses|spends|gives|has a code|rebuilds no better)|loses .* dB|has values from"
    r"|Glyph|skipped|could not be read|are few to train on|left out"
)
_THEIRS = re.compile(r"site-packages[/\\\\](keras|tensorflow)")


@dataclasses.dataclass
class Verdict:
    """What came of a call.

    Attributes:
        outcome: "returned", or the name of the exception.
        findings: What is wrong: kind and words.
        call: The call, in words.
        trace: Of the exception, its last lines.
    """

    outcome: str
    findings: list[tuple[str, str]]
    call: str
    trace: str = ""


def judge(target: Target, call: Call, *, valid: bool) -> Verdict:
    """Make the call.

    Args:
        target: What is called.
        call: Function and arguments.
        valid: Whether all arguments are valid by themselves.
    """
    words = [describe(value) for value in call.args]
    words += [f"{name}={describe(value)}" for name, value in call.kwargs.items()]
    verdict = Verdict("returned", [], f"{target.name}({', '.join(words)})")
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        try:
            result = call.function(*call.args, **call.kwargs)
        except Exception as error:  # noqa: BLE001 - what is looked for
            verdict.outcome = type(error).__name__
            verdict.trace = "".join(traceback.format_exception(error)[-4:])
            verdict.findings += _of_error(target, call, error, valid)
        else:
            try:
                numbers = call.then(result)
                if not _finite(numbers, infinite=target.infinite):
                    verdict.findings.append(("not finite", describe(numbers)))
            except Exception as error:  # noqa: BLE001 - of a result that should be usable
                verdict.trace = "".join(traceback.format_exception(error)[-4:])
                verdict.findings.append(("unusable", f"{type(error).__name__}: {error}"))
    for warning in raised:
        text = str(warning.message)
        if issubclass(warning.category, DeprecationWarning) and _THEIRS.search(warning.filename):
            continue  # what Keras calls of NumPy is not ours to change
        if not (warning.category.__mro__.count(UserWarning) and _OWN_WARNINGS.search(text)):
            verdict.findings.append(("warning", f"{warning.category.__name__}: {text}"))
    return verdict


def _of_error(target: Target, call: Call, error: Exception, valid: bool) -> list[tuple[str, str]]:
    words = f"{type(error).__name__}: {error}"
    documented = _documented(call.function)
    if not documented & {kind.__name__ for kind in type(error).__mro__}:
        return [("undocumented", words)]
    if type(error) in (ValueError, TypeError):
        named = {re.split(r"[.\[]", name)[0] for name in re.findall(r"`([^`]+)`", str(error))}
        known = {*_parameters(call.function), *target.names, *call.kwargs}
        if not named & known:
            return [("unnamed", words)]
    return [("refused", words)] if valid and target.strict else []


def _documented(function: Any) -> set[str]:
    """The exceptions that the docstring names; of a method without any, its class's."""
    for one in (function, type(function).__call__):
        text = inspect.getdoc(one) or ""
        part = re.search(r"^Raises:\n((?:    .*\n?|\n)+)", text, re.M)
        if part:
            return set(re.findall(r"^    (\w+):", part[1], re.M))
    return set()


def _parameters(function: Any) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


def _finite(value: Any, *, infinite: bool) -> bool:
    """Whether all numbers in it are finite, or at least numbers."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = vars(value) if hasattr(value, "__dict__") else dataclasses.astuple(value)
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return all(_finite(one, infinite=infinite) for one in value)
    if value is None or isinstance(value, (str, bytes)):
        return True
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        return True
    return not np.isnan(array).any() if infinite else bool(np.isfinite(array).all())
