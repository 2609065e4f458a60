"""How the packages import: names that load on first use, and modules by their former names."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["alias_modules", "on_first_use"]


def on_first_use(
    package: str, homes: Mapping[str, str], modules: Collection[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` (PEP 562) of a package whose names load on first use.

    Args:
        package: The package's name.
        homes: The full name of the module that has it, by public name.
        modules: Names under which a module itself is public; `homes` says which.
    """
    space = sys.modules[package].__dict__

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(homes[name])
        space[name] = module if name in modules else getattr(module, name)
        return space[name]

    def names() -> list[str]:
        return sorted({*space, *homes})

    return get, names


def alias_modules(moved: Mapping[str, str], *, documented: Collection[str] = ()) -> None:
    """Let old names import the modules that have taken their place.

    Args:
        moved: The full name that a module has now, by the full name that it had.
        documented: Old names that manuals and chapters use. They stay, without a warning.
    """
    sys.meta_path.append(_Moved(dict(moved), frozenset(documented)))


class _Moved(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds old names after every other finder has failed, and loads the module that is meant."""

    def __init__(self, moved: dict[str, str], documented: frozenset[str]) -> None:
        self._moved = moved
        self._documented = documented
        self._specs: dict[str, ModuleSpec | None] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self._moved:
            return None
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        new = self._moved[spec.name]
        if spec.name not in self._documented:
            warnings.warn(
                f"{spec.name} is now {new}; the old name will go.",
                DeprecationWarning,
                stacklevel=2,
            )
        module = importlib.import_module(new)
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the spec of the old name on a module that has one.
        old = module.__spec__
        if old is not None and old.name in self._specs:
            module.__spec__ = self._specs.pop(old.name)
