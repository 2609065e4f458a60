"""Keras layers of kerasae: corruption, penalties and ties, registered for safe reloading."""

from kerasae.layers.corruption import GaussianCorruption, MaskingCorruption, SaltAndPepper
from kerasae.layers.penalties import KLSparsity, L1Sparsity
from kerasae.layers.tying import TransposedDense

__all__ = [
    "GaussianCorruption",
    "KLSparsity",
    "L1Sparsity",
    "MaskingCorruption",
    "SaltAndPepper",
    "TransposedDense",
]
