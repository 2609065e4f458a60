"""Which settings a search tries: all combinations of values, or some drawn by a seed."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasae import _arguments
from kerasae.builders import BUILDERS
from kerasae.training import TrainConfig
from kerasae_export.format.numbers import plain

__all__ = ["Between", "Choices", "check_names", "choices_of", "is_of_training", "settings_of"]

_MOST = 1000  # runs of one search
_TRIES = 20  # draws for each setting, where equal ones come again


@dataclass(frozen=True)
class Between:
    """A range to draw from.

    Attributes:
        low: The least value.
        high: The largest value. Where both are integers, integers are drawn, `high` among them.
        log: Whether equal ratios are equally likely, as suits learning rates.

    Raises:
        ValueError: If the range is empty, or not above 0 with `log`.

    Example:
        >>> Between(1e-4, 1e-2, log=True)
        Between(low=0.0001, high=0.01, log=True)
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        low, high = (_arguments.finite(name, getattr(self, name)) for name in ("low", "high"))
        if low >= high or (_arguments.boolean("log", self.log) and low <= 0):
            rule = "above 0 and " if self.log else ""
            raise ValueError(
                f"`low` must be {rule}below `high`. Received: low={self.low!r}, high={self.high!r}"
            )

    def draw(self, rng: np.random.Generator) -> float | int:
        """A value of the range."""
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        low, high = float(self.low), float(self.high) + whole
        if self.log:
            value = math.exp(rng.uniform(math.log(low), math.log(high)))
        else:
            value = rng.uniform(low, high)
        return min(int(value), int(self.high)) if whole else float(f"{value:.4g}")


Choices = dict[str, list[Any] | Between]


def is_of_training(name: str) -> bool:
    """Whether a name is one of `TrainConfig`'s, or else a builder's."""
    return name in {field.name for field in dataclasses.fields(TrainConfig)}


def check_names(architecture: Any, names: Sequence[str]) -> None:
    """Refuse names that neither the builder nor the training knows.

    Raises:
        ValueError: If one is unknown.
    """
    if not isinstance(architecture, str) or architecture not in BUILDERS:
        raise ValueError(
            f"`architecture` must be one of {', '.join(BUILDERS)}. "
            f"Received: architecture={architecture!r}"
        )
    builder = BUILDERS[architecture]
    known = [name for name in builder.hyperparameters if name != "input_shape"]
    for name in names:
        if name in known or is_of_training(name) or (builder.passes_on and name.isidentifier()):
            continue
        fields = [field.name for field in dataclasses.fields(TrainConfig)]
        raise ValueError(
            f"`vary` must name hyperparameters of {architecture} ({', '.join(known)}) or settings "
            f"of the training ({', '.join(fields)}). Received: {name}"
        )


def choices_of(vary: Mapping[str, Sequence[Any] | Between]) -> Choices:
    """What is varied, lists as JSON gives them back.

    Raises:
        ValueError: If there is nothing, or values that are no list.
    """
    given = dict(_arguments.mapping("vary", vary))
    if not given:
        raise ValueError("`vary` must name at least one hyperparameter. Received: vary={}")
    choices: Choices = {}
    for name, values in given.items():
        if isinstance(values, Between):
            choices[name] = values
            continue
        if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)):
            raise ValueError(
                "`vary` must hold lists of values, or ranges `Between(low, high)`. "
                f"Received: {name}={values!r}"
            )
        if not len(values):
            raise ValueError(f"`vary` must hold at least one value each. Received: {name}=[]")
        try:
            choices[name] = json.loads(json.dumps(plain(list(values))))
        except (TypeError, ValueError):
            raise ValueError(
                "`vary` must hold numbers, texts, truth values and lists of them. "
                f"Received: {name}={values!r}"
            ) from None
    return choices


def settings_of(choices: Choices, samples: int | None, seed: int) -> list[dict[str, Any]]:
    """The settings to try, each once, in an order that follows from the seed.

    Args:
        choices: For each name the values to try, or a range.
        samples: How many settings to draw; None for all combinations.
        seed: Of the draws.

    Raises:
        ValueError: If there is a range without `samples`, or there are too many settings.
    """
    if samples is None:
        return _grid(choices)
    count, rng = _arguments.positive_int("samples", samples), np.random.default_rng(seed)
    if count > _MOST:
        raise ValueError(f"`samples` must be {_MOST} at most. Received: samples={count}")
    found: list[dict[str, Any]] = []
    for _ in range(_TRIES * count):
        setting = {name: _drawn(values, rng) for name, values in choices.items()}
        if setting not in found:
            found.append(setting)
        if len(found) == count:
            break
    return found


def _drawn(values: list[Any] | Between, rng: np.random.Generator) -> Any:
    return values.draw(rng) if isinstance(values, Between) else values[rng.integers(len(values))]


def _grid(choices: Choices) -> list[dict[str, Any]]:
    lists = {name: v for name, v in choices.items() if not isinstance(v, Between)}
    if len(lists) < len(choices):
        raise ValueError(
            "`samples` must be given where `vary` holds ranges. Received: samples=None, a range "
            f"for {', '.join(set(choices) - set(lists))}"
        )
    count = math.prod(map(len, lists.values()))
    if count > _MOST:
        raise ValueError(
            f"`vary` must make {_MOST} settings at most; `samples` draws some of them. "
            f"Received: {count:,} settings"
        )
    return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
