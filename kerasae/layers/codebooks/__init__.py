"""Discrete codes: each position of a code becomes the index, or indices, of codebook entries."""

from kerasae.layers.codebooks.composed import (
    GroupedVectorQuantizer,
    ResidualVectorQuantizer,
    TwoLevelQuantizer,
)
from kerasae.layers.codebooks.entries import nearest_entries, pass_gradient
from kerasae.layers.codebooks.lookup_free import LookupFreeQuantizer
from kerasae.layers.codebooks.scalar import FiniteScalarQuantizer
from kerasae.layers.codebooks.vector import VectorQuantizer

__all__ = [
    "FiniteScalarQuantizer",
    "GroupedVectorQuantizer",
    "LookupFreeQuantizer",
    "ResidualVectorQuantizer",
    "TwoLevelQuantizer",
    "VectorQuantizer",
    "nearest_entries",
    "pass_gradient",
]
