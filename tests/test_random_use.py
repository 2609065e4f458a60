"""`benchmarks/random_use.py` knows all public names, and a few of its calls find nothing."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import random_use

CHEAP = [
    name
    for name in random_use.TARGETS
    if name.startswith(("kerasae.layers.", "kerasae.losses.", "kerasae.masks"))
    or name in ("kerasae.TrainConfig", "kerasae.Images", "kerasae.Sequences")
]


def test_every_public_function_is_called():
    assert random_use.uncovered() == []


@pytest.mark.parametrize("name", CHEAP)
def test_some_calls_find_nothing(name):
    target = dataclasses.replace(random_use.TARGETS[name], batch=3)
    tally = random_use.Tally()
    random_use.run_batch(target, 0, tally)
    assert tally.calls[name]
    assert list(tally.findings.values()) == []
