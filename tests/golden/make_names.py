"""How the list of public names was made: once, before modules moved into rooms.

    python tests/golden/make_names.py FOLDER

`tests/test_public_names.py` holds later code to it. A name that comes later is not added: the list
is what code from before may rely on.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import importlib
import inspect
import io
import json
import pkgutil
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click

import kerasae
import kerasae_export
from kerasae.cli import main as kerasae_command
from kerasae_export import Codec
from kerasae_export.cli import run as kae_command

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (kerasae, kerasae_export)
FIXED = {  # those of DESIGN.md
    "kerasae": ("load_images", "load_sequences", "train", "build", "encoder", "decoder"),
    "kerasae_export": ("convert", "convert_both", "export_bundle", "verify_bundle"),
}


def main(folder: Path) -> None:
    content = {
        "modules": {module.__name__: public_names(module) for module in modules()},
        "documented": documented(),
        "identical": {module.__name__: of_package(module) for module in modules()},
        "commands": {"kerasae": click_commands(), "kae": argparse_commands()},
        "signatures": {
            f"{package}.{name}": signature(getattr(importlib.import_module(package), name))
            for package, names in FIXED.items()
            for name in names
        },
        "train_config": {f.name: f.default for f in dataclasses.fields(kerasae.TrainConfig)},
        "builders": {
            name: dict(builder.hyperparameters) for name, builder in kerasae.BUILDERS.items()
        },
        "codec": {
            name: signature(member) if callable(member) else None
            for name, member in inspect.getmembers(Codec)
            if not name.startswith("_")
        },
    }
    sections = []
    for key, values in content.items():
        keys = values if key == "train_config" else sorted(values)
        lines = ",\n".join(
            f"{json.dumps(k)}: {json.dumps(v)}"
            for k, v in zip(keys, map(values.get, keys), strict=True)
        )
        sections.append(f'"{key}": {{\n{lines}\n}}')
    (folder / "public_names.json").write_text("{\n" + ",\n".join(sections) + "\n}\n")


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        yield package
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not any(part.startswith("_") for part in info.name.split(".")):
                yield importlib.import_module(info.name)


def public_names(module: ModuleType) -> list[str]:
    """Of `__all__`, or else what is defined there; and the modules that load on first use."""
    names = set(getattr(module, "__all__", ())) | set(getattr(module, "_MODULES", ()))
    return sorted(names or defined(module))


def of_package(module: ModuleType) -> list[str]:
    """The names under which a module has the very object that its package gives."""
    package = sys.modules[module.__name__.partition(".")[0]]
    return [
        name
        for name in public_names(module)
        if name in package.__all__ and getattr(module, name) is getattr(package, name)
    ]


def defined(module: ModuleType) -> set[str]:
    """The functions, classes and constants that a module's own source assigns."""
    found = set()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            targets = [n for target in node.targets for n in ast.walk(target)]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return {name for name in found if not name.startswith("_")}


def documented() -> dict[str, list[str]]:
    """What guides, chapters and the pages of the website import, or have as an attribute."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in [ROOT / "README.md", ROOT / "export" / "README.md", *ROOT.glob("docs/*.md")]:
        for block in re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL):
            add_code(found, block)
    for path in ROOT.glob("notebooks/src/*.py"):
        add_code(found, path.read_text())
    for path in ROOT.glob("website/pages/**/*.md"):
        text = path.read_text()
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            add_code(found, block)
        for statement in re.findall(r"`((?:from|import) kerasae.*?)`", text):
            add_code(found, statement)
        for name in re.findall(r"^::: (kerasae\S+)", text, re.MULTILINE):
            module, _, attribute = resolved(name)
            found[module] |= {attribute} - {""}
    return {module: sorted(names) for module, names in found.items()}


def add_code(found: dict[str, set[str]], text: str) -> None:
    """The imports of kerasae in a piece of code, and `kerasae.X` where it is used."""
    text = "\n".join("" if line.startswith(("%", "!")) else line for line in text.splitlines())
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kerasae"):
            found[str(node.module)] |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("kerasae"):
                    found.setdefault(alias.name, set())
        elif isinstance(node, ast.Attribute) and re.match(r"kerasae\w*\.", ast.unparse(node)):
            module, _, attribute = resolved(ast.unparse(node))
            found[module] |= {attribute} - {""}
    for node in ast.walk(ast.parse(text)):  # modules of kerasae by their own name
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.value.id
            if name in found["kerasae"] and name in (*kerasae._MODULES, "layers", "losses"):
                found[f"kerasae.{name}"].add(node.attr)


def resolved(name: str) -> tuple[str, str, str]:
    """Module, dot and attribute of a dotted name, as far as there are modules."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(".".join(parts[:end]))
            return ".".join(parts[:end]), ".", parts[end] if end < len(parts) else ""
    raise SystemExit(f"there is no {name}")


def click_commands() -> dict[str, list[str]]:
    context = click.Context(kerasae_command)
    return {
        name: sorted(
            option
            for parameter in kerasae_command.get_command(context, name).params
            for option in parameter.opts
        )
        for name in kerasae_command.list_commands(context)
    }


def argparse_commands() -> dict[str, list[str]]:
    """By their help, since the parser is the command's own affair."""
    commands = re.findall(r"^    (\w+)", help_of(), re.MULTILINE)
    return {
        name: sorted(set(re.findall(r"(?<!\w)--[a-z-]+", help_of(name))) - {"--help"})
        for name in commands
    }


def help_of(*command: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as text, contextlib.suppress(SystemExit):
        kae_command([*command, "--help"])
    return text.getvalue()


def signature(function: Any) -> list[list[Any]]:
    """Name, kind and default of each parameter; those without a default have two of them."""
    return [
        [p.name, p.kind.name, *([] if p.default is p.empty else [described(p.default)])]
        for p in inspect.signature(function).parameters.values()
        if p.name != "self"
    ]


def described(default: Any) -> Any:
    plain = isinstance(default, str | int | float | None)
    return default if plain else f"a {type(default).__name__}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
