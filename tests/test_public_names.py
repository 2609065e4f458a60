"""What earlier code imports and calls is still there, in golden/public_names.json."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

import kerasae
from kerasae.builders import BUILDERS
from kerasae.cli import main as kerasae_command
from kerasae_export import Codec
from kerasae_export.cli import run as kae_command

GOLDEN = json.loads((Path(__file__).parent / "golden" / "public_names.json").read_text())
RENAMED = {("kerasae.train", "images"): "data"}  # as the design has it


def imported(path: str) -> ModuleType:
    """The module; one that has moved may say so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(path)


def attribute(module: ModuleType, name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return getattr(module, name)


def test_the_list_is_whole():
    assert len(GOLDEN["modules"]) >= 100
    assert set(GOLDEN["documented"]) <= set(GOLDEN["modules"])
    assert len(GOLDEN["documented"]) >= 25
    assert set(GOLDEN["commands"]["kae"]) == {"compress", "decompress", "serve"}


@pytest.mark.parametrize("path", GOLDEN["modules"])
def test_a_module_has_its_names(path):
    module = imported(path)
    for name in GOLDEN["modules"][path]:
        assert attribute(module, name) is not None, name
    package = imported(path.partition(".")[0])
    for name in GOLDEN["identical"][path]:  # not a second copy of a module that has moved
        assert attribute(module, name) is getattr(package, name), name


DOCUMENTED = """
import importlib, json, sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for path, names in json.loads(sys.argv[1]).items():
        module = importlib.import_module(path)
        for name in names:
            exec(f"from {path} import {name}", {})
print(json.dumps([str(w.message) for w in caught if issubclass(w.category, DeprecationWarning)]))
"""


@pytest.mark.slow
def test_what_the_documents_import_comes_without_a_warning():
    """In a process of its own, where each module is imported for the first time."""
    packages = {name: GOLDEN["modules"][name] for name in ("kerasae", "kerasae_export")}
    done = subprocess.run(
        [sys.executable, "-c", DOCUMENTED, json.dumps({**GOLDEN["documented"], **packages})],
        env={**os.environ, "KERAS_BACKEND": "numpy"},  # which starts in no time
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    messages = json.loads(done.stdout.splitlines()[-1])
    assert not [message for message in messages if "kerasae" in message]


def check_signature(name: str, function: Any) -> None:
    """Every call that the old signature allows means the same."""
    new = inspect.signature(function).parameters
    order = [key for key in new if key != "self"]
    for i, (parameter, kind, *default) in enumerate(GOLDEN_SIGNATURES[name]):
        key = parameter if parameter in new else RENAMED.get((name, parameter), parameter)
        assert key in new, f"{name} has lost {parameter}"
        if kind == "KEYWORD_ONLY":
            assert new[key].kind in (inspect.Parameter.KEYWORD_ONLY, new[key].POSITIONAL_OR_KEYWORD)
        else:
            assert new[key].kind.name == kind
            assert order[i] == key, f"{name} has {parameter} in another place"
        if default:
            assert [described(new[key].default)] == default, f"{name}: {parameter}"
    for key in set(new) - {"self"} - {p for p, *_ in GOLDEN_SIGNATURES[name]}:
        added = new[key]
        optional = added.default is not added.empty or added.kind.name.startswith("VAR_")
        assert optional or key in RENAMED.values(), f"{name} now needs {key}"


def described(default: Any) -> Any:
    plain = isinstance(default, str | int | float | None)
    return default if plain else f"a {type(default).__name__}"


GOLDEN_SIGNATURES = {
    **GOLDEN["signatures"],
    **{f"Codec.{name}": found for name, found in GOLDEN["codec"].items() if found is not None},
}


@pytest.mark.parametrize("name", GOLDEN["signatures"])
def test_a_function_takes_what_it_took(name):
    package, _, function = name.partition(".")
    check_signature(name, getattr(imported(package), function))


@pytest.mark.parametrize("name", GOLDEN["codec"])
def test_the_codec_has_its_methods(name):
    if GOLDEN["codec"][name] is None:
        assert isinstance(inspect.getattr_static(Codec, name), property)
    else:
        check_signature(f"Codec.{name}", getattr(Codec, name))


def test_a_changed_signature_is_noticed(monkeypatch):
    old = [["a", "POSITIONAL_OR_KEYWORD"], ["b", "KEYWORD_ONLY", 1]]
    monkeypatch.setitem(GOLDEN_SIGNATURES, "f", old)
    check_signature("f", lambda a, *, b=1, c=2: None)
    check_signature("f", lambda a=None, *, b=1, **more: None)
    for changed in (
        lambda b=1: None,
        lambda z, a, *, b=1: None,
        lambda a, *, b=2: None,
        lambda a, *, b=1, c: None,
        lambda a, *, b: None,
        lambda *, a, b=1: None,
    ):
        with pytest.raises(AssertionError):
            check_signature("f", changed)


def test_a_training_is_configured_as_it_was():
    now = {field.name: field.default for field in dataclasses.fields(kerasae.TrainConfig)}
    assert GOLDEN["train_config"].items() <= now.items()
    order = [name for name in now if name in GOLDEN["train_config"]]
    assert order == list(GOLDEN["train_config"])
    assert list(now)[: len(order)] == order


@pytest.mark.parametrize("name", GOLDEN["builders"])
def test_a_builder_has_its_hyperparameters(name):
    now = json.loads(json.dumps(dict(BUILDERS[name].hyperparameters)))
    for hyperparameter, default in GOLDEN["builders"][name].items():
        assert now[hyperparameter] == default, hyperparameter


def test_the_kerasae_command_has_its_commands_and_options():
    context = click.Context(kerasae_command)
    for name, options in GOLDEN["commands"]["kerasae"].items():
        command = kerasae_command.get_command(context, name)
        assert command is not None, name
        found = {option for parameter in command.params for option in parameter.opts}
        assert set(options) <= found, name


def test_the_kae_command_has_its_commands_and_options(capsys):
    for name, options in GOLDEN["commands"]["kae"].items():
        with pytest.raises(SystemExit, match="0"):
            kae_command([name, "--help"])
        assert set(options) <= set(re.findall(r"(?<!\w)--[a-z-]+", capsys.readouterr().out)), name
