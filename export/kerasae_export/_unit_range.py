"""Whether a Keras model needs images in [0, 1]; it is asked for its attributes only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["why_unit_range"]


def why_unit_range(model: Any, *, decoder: Any = None) -> str | None:
    """Say what in a model needs images in [0, 1]; None if any finite range will do.

    That is its loss, if it is a cross-entropy of the images; a layer, if it has an attribute
    `unit_range`, in words, or `likelihood`, and that is "bernoulli"; or the sigmoid in which
    its nested model `decoder` ends. The squared error and unknown losses take any range.

    Args:
        model: A Keras model.
        decoder: What follows the model, if that is an encoder alone.

    Example:
        >>> import kerasae
        >>> model = kerasae.build_undercomplete(loss="binary_crossentropy")
        >>> why_unit_range(model)
        'the binary cross-entropy'
        >>> why_unit_range(kerasae.build_undercomplete(loss="mse")) is None
        True
    """
    loss = getattr(model, "loss", None)
    for one in _losses(loss):
        if getattr(one, "target", "images") != "labels" and (name := _cross_entropy(one)):
            return name
    for layer in _layers(model):
        reason = getattr(layer, "unit_range", None)
        if isinstance(reason, str):
            return reason
        if getattr(layer, "likelihood", None) == "bernoulli":
            return "the Bernoulli likelihood"
    nested = [x for x in getattr(model, "layers", ()) if getattr(x, "name", "") == "decoder"]
    if any(_ends_in_sigmoid(one) for one in [*nested, decoder]):
        return "a decoder that ends in a sigmoid"
    return None


def _losses(loss: Any) -> list[Any]:
    """The losses of a compiled model, which may come in a list or a dict."""
    if isinstance(loss, dict):
        loss = list(loss.values())
    if isinstance(loss, (list, tuple)):
        return [one for part in loss for one in _losses(part)]
    return [] if loss is None else [loss]


_CROSS_ENTROPIES = {"bce": "binary"} | {
    f"{kind}{form}crossentropy": kind
    for kind in ("binary", "categorical")
    for form in ("", "focal")
}


def _cross_entropy(loss: Any) -> str | None:
    """The name of a cross-entropy, given as a string, a function or an object; else None."""
    names = [
        loss if isinstance(loss, str) else "",
        getattr(loss, "__name__", ""),
        getattr(getattr(loss, "fn", None), "__name__", ""),
        *(kind.__name__ for kind in type(loss).__mro__),
    ]
    for name in names:
        kind = _CROSS_ENTROPIES.get(re.sub("[^a-z]", "", name.lower()))
        if kind:
            return f"the {kind} cross-entropy"
    return None


def _layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)


def _ends_in_sigmoid(model: Any) -> bool:
    """Whether the last layer that has an activation has a sigmoid; layers of shape follow it."""
    activations = [x.activation for x in getattr(model, "layers", ()) if hasattr(x, "activation")]
    return bool(activations) and getattr(activations[-1], "__name__", "") == "sigmoid"
