"""The layer of `vector_quantized` that makes indices of a code, from its hyperparameters."""

from __future__ import annotations

from typing import Any

import keras

from kerasae import _arguments
from kerasae.layers import (
    FiniteScalarQuantizer,
    GroupedVectorQuantizer,
    LookupFreeQuantizer,
    ResidualVectorQuantizer,
    TwoLevelQuantizer,
    VectorQuantizer,
)
from kerasae.layers.codebooks.entries import GRADIENTS
from kerasae.layers.codebooks.lookup_free import MOST_BITS
from kerasae.layers.codebooks.vector import SIMILARITIES

_CODE_SIZE = {"euclidean": 64, "cosine": 16}
_FEWEST_LEVELS = 3


def make(kind: Any, code_size: Any, **given: Any) -> tuple[keras.layers.Layer, int]:
    """Check the hyperparameters, used or not; return the layer and the number of channels.

    Raises:
        ValueError: If one of them breaks its rule, or is not of this kind of quantiser.
    """
    kind = _arguments.one_of("quantizer", kind, ("vq", "fsq", "lfq"))
    checked = _check(**given)
    if kind != "vq":
        _refuse_other_kinds(kind, checked)
    if kind == "lfq":
        return _lookup_free(code_size, checked)
    levels = checked["levels"]
    default = len(levels) if kind == "fsq" else _CODE_SIZE[checked["similarity"]]
    size = _arguments.positive_int("code_size", default if code_size is None else code_size)
    if kind == "fsq":
        if size != default:
            raise ValueError(
                f"`code_size` must be the number of `levels`, here {default}, or None. "
                f"Received: code_size={code_size!r}"
            )
        return FiniteScalarQuantizer(levels, name="quantizer"), size
    if size % checked["groups"]:
        raise ValueError(
            f"`groups` must divide `code_size`, here {size}. Received: groups={checked['groups']}"
        )
    return _learned(checked), size


def _check(
    *,
    codebook_size: Any,
    residual_levels: Any,
    groups: Any,
    hierarchical: bool,
    similarity: Any,
    gradient: Any,
    commitment: Any,
    decay: Any,
    restart: Any,
    levels: Any,
    entropy_weight: Any,
) -> dict[str, Any]:
    """All of them in canonical types."""
    checked: dict[str, Any] = {
        "codebook_size": _arguments.positive_int("codebook_size", codebook_size),
        "residual_levels": _arguments.positive_int("residual_levels", residual_levels),
        "groups": _arguments.positive_int("groups", groups),
        "hierarchical": hierarchical,
        "similarity": _arguments.one_of("similarity", similarity, SIMILARITIES),
        "gradient": _arguments.one_of("gradient", gradient, GRADIENTS),
        "commitment": _arguments.number("commitment", commitment, low=0.0, closed=True),
        "decay": _arguments.number("decay", decay, low=0.0, high=1.0, closed=True),
        "restart": _arguments.number("restart", restart, low=0.0, high=1.0, closed=True),
        "levels": _arguments.positive_ints("levels", levels),
        "entropy_weight": _arguments.number("entropy_weight", entropy_weight, low=0.0, closed=True),
    }
    if not checked["levels"] or min(checked["levels"]) < _FEWEST_LEVELS:
        raise ValueError(
            f"`levels` must hold integers above {_FEWEST_LEVELS - 1}. "
            f"Received: levels={checked['levels']}"
        )
    if checked["similarity"] == "cosine" and checked["residual_levels"] > 1:
        raise ValueError(
            "`similarity` must be 'euclidean' where `residual_levels` is above 1, since what a "
            "level leaves over has no length of 1. Received: similarity='cosine'"
        )
    return checked


def _refuse_other_kinds(kind: str, checked: dict[str, Any]) -> None:
    """Say that an option is one of learned codebooks."""
    plain = {
        "residual_levels": 1,
        "groups": 1,
        "hierarchical": False,
        "similarity": "euclidean",
        "gradient": "straight_through",
    }
    for name, value in plain.items():
        if checked[name] != value:
            raise ValueError(
                f"`{name}` must be {value!r} with quantizer={kind!r}, which has no learned "
                f"codebook. Received: {name}={checked[name]!r}"
            )


def _lookup_free(code_size: Any, checked: dict[str, Any]) -> tuple[keras.layers.Layer, int]:
    entries = checked["codebook_size"]
    bits = entries.bit_length() - 1
    if entries != 2**bits or not 1 <= bits <= MOST_BITS:
        raise ValueError(
            f"`codebook_size` must be a power of two from 2 to {2**MOST_BITS} with "
            f"quantizer='lfq'. Received: codebook_size={entries}"
        )
    size = _arguments.positive_int("code_size", bits if code_size is None else code_size)
    if size != bits:
        raise ValueError(
            f"`code_size` must be the bits of an index, here {bits}, or None. "
            f"Received: code_size={code_size!r}"
        )
    layer = LookupFreeQuantizer(
        bits, checked["commitment"], checked["entropy_weight"], name="quantizer"
    )
    return layer, bits


def _learned(options: dict[str, Any]) -> keras.layers.Layer:
    """Codebooks, one after another within groups, these side by side, on one map or on two."""

    def one(name: str) -> Any:
        return VectorQuantizer(
            options["codebook_size"],
            options["commitment"],
            options["decay"],
            options["restart"],
            similarity=options["similarity"],
            gradient=options["gradient"],
            name=name,
        )

    def levels(name: str) -> Any:
        count = options["residual_levels"]
        if count == 1:
            return one(name)
        parts = [one(f"level_{i}") for i in range(1, count + 1)]
        return ResidualVectorQuantizer(parts, name=name)

    def groups(name: str) -> Any:
        count = options["groups"]
        if count == 1:
            return levels(name)
        parts = [levels(f"group_{i}") for i in range(1, count + 1)]
        return GroupedVectorQuantizer(parts, name=name)

    if options["hierarchical"]:
        return TwoLevelQuantizer([groups("upper"), groups("lower")], name="quantizer")
    return groups("quantizer")
