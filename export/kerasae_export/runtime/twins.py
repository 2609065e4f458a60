"""Operators of a stored model and of the same model in float32 that compute the same."""

from __future__ import annotations

from difflib import SequenceMatcher

from kerasae_export.runtime.graph import PLUMBING, Graph, Operator

__all__ = ["match", "working"]


def match(stored: Graph, exact: Graph) -> list[tuple[Operator, Operator]]:
    """Operators that compute the same real numbers, in order of execution.

    Both graphs come from one Keras model, so their operators are matched by order, kind, fused
    activation and shape: names change from one conversion to the next.
    """
    ours, theirs = working(stored), working(exact)
    keys = [[(o.name, o.activation, o.shape) for o in side] for side in (ours, theirs)]
    matcher = SequenceMatcher(a=keys[0], b=keys[1], autojunk=False)
    blocks = matcher.get_matching_blocks()
    pairs = [(ours[b.a + i], theirs[b.b + i]) for b in blocks for i in range(b.size)]
    return [
        (a, b)
        for a, b in pairs
        if stored.is_real(a.outputs[0]) and exact.is_real(b.outputs[0])  # no indices
    ]


def working(graph: Graph) -> list[Operator]:
    """The operators that compute, and do not only move or recode values."""
    return [operator for operator in graph.operators if operator.name not in PLUMBING]
