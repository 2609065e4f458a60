"""What of a model stays in floating point in a file of int8, by the names of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from kerasae_export.errors import ConversionError
from kerasae_export.format.manifest import DECODE, ENCODE
from kerasae_export.runtime.graph import PLUMBING, Graph, Operator

__all__ = ["SINGLE", "check_integers", "float_facts", "float_layers", "scopes"]

SINGLE = "serving_default"
"""The signature of a file with one model."""

_UNNAMED = "an operation outside of layers"


def float_layers(content: bytes, signature: str, model: keras.Model) -> list[str]:
    """The layers of a model whose operators compute in floating point.

    Args:
        content: The bytes of the `.tflite` file.
        signature: The signature that is the model.
        model: The model that was converted.

    Returns:
        Each layer once, with its operators, such as `"'swell' (ELU)"`; empty if all is in
        integers. Operators that only lie between floats and integers do not count.
    """
    graph = Graph(content, signature)
    ends = _ends(graph)
    found: dict[str, list[str]] = {}
    for operator in graph.float_operators:
        layer = _named(graph, operator, model) or "".join(_last(operator, ends, model)[:1])
        found.setdefault(repr(layer) if layer else _UNNAMED, []).append(operator.name)
    return [f"{layer} ({', '.join(dict.fromkeys(kinds))})" for layer, kinds in found.items()]


def check_integers(content: bytes, models: Mapping[str, keras.Model]) -> None:
    """Refuse a file of int8 that computes in floating point.

    Args:
        content: The bytes of the `.tflite` file.
        models: The model of each signature.

    Raises:
        ConversionError: If an operator takes or gives floats.
    """
    found = {key: float_layers(content, key, model) for key, model in models.items()}
    layers = list(dict.fromkeys(layer for each in found.values() for layer in each))
    if not layers:
        return
    names = " and ".join(repr(models[key].name) for key, each in found.items() if each)
    raise ConversionError(
        f"The scheme 'int8' does not fit model {names}, because {_listed(layers)} "
        f"{'stay' if len(layers) > 1 else 'stays'} in float32: use "
        '`scheme="dynamic"`, which quantises the weights only, or let them pass with '
        "`allow_float=True`."
    )


def float_facts(folder: Path, encoder: keras.Model, decoder: keras.Model) -> dict[str, Any]:
    """What the manifest of a bundle in int8 says of layers in floating point: nothing of none.

    Args:
        folder: Where the `.tflite` files of the bundle are.
        encoder: The encoder that was converted.
        decoder: The decoder that was converted.

    Returns:
        `{}`, or the facts `allow_float`, true, and `float_layers`, of each model with any.
    """
    together = folder / "model.tflite"
    found = {}
    for name, key, model in (("encoder", ENCODE, encoder), ("decoder", DECODE, decoder)):
        path = together if together.exists() else folder / f"{name}.tflite"
        key = key if together.exists() else SINGLE
        layers = float_layers(path.read_bytes(), key, model)
        if layers:
            found[name] = layers
    return {"allow_float": True, "float_layers": found} if found else {}


def scopes(graph: Graph, operator: Operator, model: keras.Model) -> list[str]:
    """The layers that an operator computes, as far as names tell, and the nested models around.

    Args:
        graph: The file's graph.
        operator: One of its operators.
        model: The model that was converted.

    Returns:
        Names, that of the last layer that was fused into the operator first.
    """
    names: list[str] = []
    for path in graph.paths(operator, fused=True):
        first, *inner = path.split("/")
        if first.startswith(model.name):
            names += _along(model, inner, first.removeprefix(model.name))[::-1]
    return list(dict.fromkeys(names)) or _last(operator, _ends(graph), model)


def _along(model: keras.Model, parts: list[str], suffix: str) -> list[str]:
    """The nested models, from the outermost, and the layer that scopes lead to."""
    layers = {layer.name: layer for layer in model.layers}
    for i, part in enumerate(parts):
        layer = layers.get(part.removesuffix(suffix))
        if layer is not None:
            deeper = isinstance(layer, keras.Model)
            return [layer.name, *(_along(layer, parts[i + 1 :], suffix) if deeper else [])]
    return []


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _named(graph: Graph, operator: Operator, model: keras.Model) -> str:
    """The layer in whose scope the operator was traced; empty if names do not tell."""
    for path in graph.paths(operator):
        first, *scopes = path.split("/")
        if first.startswith(model.name):
            # One suffix marks all scopes of a trace, as in encoder_1/conv_1_1/Relu.
            layer = _inside(model, scopes, first.removeprefix(model.name))
            if layer:
                return layer
    return ""


def _inside(model: keras.Model, scopes: list[str], suffix: str) -> str:
    layers = {layer.name: layer for layer in model.layers}
    for i, scope in enumerate(scopes):
        layer = layers.get(scope.removesuffix(suffix))
        if isinstance(layer, keras.Model):
            return _inside(layer, scopes[i + 1 :], suffix) or str(layer.name)
        if layer is not None:
            return str(layer.name)
    return ""


def _ends(graph: Graph) -> dict[int, int]:
    """The tensors that become outputs without being changed, and which outputs."""
    ends = {t: int(name.removeprefix("output_")) for name, t in graph.named_outputs.items()}
    for operator in reversed(graph.operators):
        if operator.name in PLUMBING and operator.outputs[0] in ends:
            ends[operator.inputs[0]] = ends[operator.outputs[0]]
    return ends


def _last(operator: Operator, ends: Mapping[int, int], model: keras.Model) -> list[str]:
    """The layer that makes an output, as the converter gives outputs names of its own.

    Returns:
        Its name, then those of the nested models around it; empty if it is no layer.
    """
    places = [ends[t] for t in operator.outputs if t in ends]
    around: list[str] = []
    while places:
        layer, _, place = model.outputs[places[0]]._keras_history
        if not isinstance(layer, keras.Layer):
            break
        around.insert(0, str(layer.name))
        if not isinstance(layer, keras.Model):
            break
        model, places = layer, [place]
    return around
