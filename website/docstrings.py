"""How the docstrings and signatures of this project are read for the API reference."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import griffe

__all__ = ["Examples", "Types"]


class Examples(griffe.Extension):
    """Let `Example:` be a section of code, as `Examples:` is, instead of a note."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section before it is parsed."""
        if obj.docstring is not None:
            text = f"\n{obj.docstring.value}".replace("\nExample:\n", "\nExamples:\n")
            obj.docstring.value = text[1:]


class Types(griffe.Extension):
    """Write a module's own names of types out, such as `Pixels`: no page would explain them."""

    def on_function(self, *, func: griffe.Function, loader: griffe.GriffeLoader, **_: Any) -> None:
        """In the parameters and in what comes back."""
        for parameter in func.parameters:
            parameter.annotation = _written_out(parameter.annotation, loader)
        func.returns = _written_out(func.returns, loader)

    def on_attribute(
        self, *, attr: griffe.Attribute, loader: griffe.GriffeLoader, **_: Any
    ) -> None:
        """In the attribute of a class, or in a property."""
        attr.annotation = _written_out(attr.annotation, loader)


def _written_out(annotation: Any, loader: griffe.GriffeLoader) -> Any:
    if isinstance(annotation, griffe.ExprName):
        meaning = _meaning(annotation, loader)
        return annotation if meaning is None else _written_out(meaning, loader)
    if isinstance(annotation, griffe.Expr):
        for field in fields(annotation):
            part = getattr(annotation, field.name)
            new = [_written_out(each, loader) for each in part] if isinstance(part, list) else None
            setattr(annotation, field.name, new or _written_out(part, loader))
    return annotation


def _meaning(name: griffe.ExprName, loader: griffe.GriffeLoader) -> griffe.Expr | None:
    """What a name of a type stands for; None for a class, and for what is not of this project."""
    try:
        found = loader.modules_collection[name.canonical_path]
    except (KeyError, griffe.AliasResolutionError):
        return None
    if not found.is_attribute or found.annotation is not None:
        return None
    return found.value if isinstance(found.value, griffe.ExprSubscript | griffe.ExprBinOp) else None
