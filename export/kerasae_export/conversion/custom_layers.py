"""Layers that the converter cannot load, and how to write their stock twins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from kerasae_export.errors import ConversionError
from kerasae_export.functional import operations

__all__ = ["check_stock"]


def check_stock(model: keras.Model) -> None:
    """Refuse a model with something of a class that is not Keras's own.

    The converter runs in another process, which loads the model without the program's classes.

    Args:
        model: What `stock_model` gave.

    Raises:
        ConversionError: If there is such a layer; the message shows how to write its `to_stock()`.
    """
    for operation in operations(model):
        kind = type(operation)
        if isinstance(operation, keras.layers.Lambda):
            raise ConversionError(
                f"Model {model.name!r} cannot be converted, because a saved `Lambda` such as layer "
                f"{operation.name!r} is code that nobody should load: call its function of "
                "`keras.ops` on the layer's input instead, or make it a layer with `to_stock()`."
            )
        if not _is_keras(kind.__module__):
            raise ConversionError(
                f"Model {model.name!r} cannot be converted, because layer {operation.name!r} is of "
                f"a custom class, which the converter does not have: give {kind.__name__} a method "
                "that returns stock layers with the same result at inference, such as\n\n"
                f"{_example(operation)}{_way_around(model)}"
            )
        for key, name in _foreign(operation.get_config() if _has_config(operation) else {}):
            raise ConversionError(
                f"Model {model.name!r} cannot be converted, because layer {operation.name!r} has "
                f"{name!r} as its {key}, which the converter does not have: leave it out there; "
                "what matters at inference can be written with `keras.ops` behind the layer."
            )


def _is_keras(module: str | None) -> bool:
    return (module or "").partition(".")[0] in ("keras", "builtins")


def _has_config(operation: Any) -> bool:
    return isinstance(operation, keras.Layer)


def _foreign(config: Any, key: str = "part") -> Iterator[tuple[str, str]]:
    """What of a configuration is not Keras's own: under which key, and its name."""
    if isinstance(config, dict):
        if "class_name" in config and "config" in config:
            name = str(config["class_name"])
            if name == "function":
                name = str(config["config"])
            if not _is_keras(config.get("module")) or config.get("registered_name") == "function":
                yield key, name
                return
        for inner, value in config.items():
            yield from _foreign(value, key if inner == "config" else str(inner))
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from _foreign(value, key)


def _example(layer: Any) -> str:
    """Lines of a `to_stock()` for the inputs that the layer has in its model."""
    entries = keras.tree.flatten(layer.input)
    made = [f"keras.Input({tuple(entry.shape[1:])})" for entry in entries]
    several = len(made) > 1
    return (
        "    def to_stock(self):\n"
        f"        x = {'[' + ', '.join(made) + ']' if several else made[0]}\n"
        f"        y = {'x[0]' if several else 'x'}"
        "  # what `call` does at inference, with keras.layers and keras.ops\n"
        "        return keras.Model(x, y, name=self.name)"
    )


def _way_around(model: keras.Model) -> str:
    if {"encoder", "decoder"} <= {layer.name for layer in model.layers}:
        return "\n\nA layer that only trains is left out by `kerasae.inference_model(model)`."
    if len(model.outputs) > 1:
        return (
            "\n\nAn output that is not needed can be left out: `keras.Model(model.input, output)`."
        )
    return ""
