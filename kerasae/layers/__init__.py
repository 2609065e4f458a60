"""Keras layers of kerasae: corruption and penalties, registered for safe reloading."""

from kerasae.layers.corruption import GaussianCorruption, MaskingCorruption, SaltAndPepper
from kerasae.layers.penalties import KLSparsity, L1Sparsity

__all__ = [
    "GaussianCorruption",
    "KLSparsity",
    "L1Sparsity",
    "MaskingCorruption",
    "SaltAndPepper",
]
