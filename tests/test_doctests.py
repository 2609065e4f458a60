"""The examples in docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import kerasae
import kerasae_export

MODULES = [
    info.name
    for package in (kerasae, kerasae_export)
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not info.name.endswith("._converter")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    if name.startswith("kerasae.builders.") and "._" not in name:
        assert result.attempted > 0
