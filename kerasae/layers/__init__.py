"""Keras layers of kerasae, registered for safe reloading."""

from kerasae.layers.corruption import GaussianCorruption, MaskingCorruption, SaltAndPepper
from kerasae.layers.masking import RandomHoles
from kerasae.layers.penalties import KLSparsity, L1Sparsity
from kerasae.layers.quantization import Distortion, EntropyBottleneck
from kerasae.layers.recurrent import GRU, LSTM
from kerasae.layers.tying import TransposedDense
from kerasae.layers.variational import Binarization, Sampling, VariationalBound

__all__ = [
    "GRU",
    "LSTM",
    "Binarization",
    "Distortion",
    "EntropyBottleneck",
    "GaussianCorruption",
    "KLSparsity",
    "L1Sparsity",
    "MaskingCorruption",
    "RandomHoles",
    "SaltAndPepper",
    "Sampling",
    "TransposedDense",
    "VariationalBound",
]
