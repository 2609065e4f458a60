"""The examples in docstrings do what they say, and docstrings are read as they are meant."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kerasae
import kerasae_export

MODULES = [
    info.name
    for package in (kerasae, kerasae_export)
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not info.name.endswith("._converter")
    # Apache Beam has an environment of its own; `test_beam` runs what this shows.
    and not info.name.startswith("kerasae_export.beam")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    if name.startswith("kerasae.builders.") and "._" not in name:
        assert result.attempted > 0


def docstrings() -> Iterator[tuple[str, str]]:
    """What each module, class and function of both packages says, by its name."""
    for package in (kerasae, kerasae_export):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                    name = getattr(node, "name", "the module")
                    yield f"{name} of {path.name}", ast.get_docstring(node) or ""


def test_what_comes_back_is_not_taken_for_a_type():
    """Up to a colon in its first line the API reference would read it as one."""
    found = re.compile(r"^(?:Returns|Yields):\n +(.*:.*)$", flags=re.MULTILINE)
    assert not [(name, line) for name, text in docstrings() for line in found.findall(text)]


def test_examples_import_what_they_use():
    for name, text in docstrings():
        code = "\n".join(example.source for example in doctest.DocTestParser().get_examples(text))
        imports = re.compile(r"^(?:from .*)?import .*$", flags=re.MULTILINE)
        imported, rest = " ".join(imports.findall(code)), imports.sub("", code)
        for module in ("kerasae", "kerasae_export", "keras", "np", "ops"):
            if re.search(rf"(?<![\w.\"]){module}\.", rest):
                assert re.search(rf"import .*\b{module}\b", imported), (name, module)
