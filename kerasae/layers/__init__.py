"""Keras layers of kerasae, registered for safe reloading."""

from kerasae.layers.codebooks import (
    FiniteScalarQuantizer,
    GroupedVectorQuantizer,
    LookupFreeQuantizer,
    ResidualVectorQuantizer,
    TwoLevelQuantizer,
    VectorQuantizer,
)
from kerasae.layers.corruption import (
    GaussianCorruption,
    MaskingCorruption,
    Perturbation,
    SaltAndPepper,
)
from kerasae.layers.masking import RandomGaps, RandomHoles
from kerasae.layers.objective import LossLayer, RandomLayer, full_precision
from kerasae.layers.patches import HiddenPatches, RandomPatches
from kerasae.layers.penalties import (
    ExactContraction,
    KLSparsity,
    L1Sparsity,
    StochasticContraction,
)
from kerasae.layers.quantization import Distortion, EntropyBottleneck
from kerasae.layers.recurrent import GRU, LSTM
from kerasae.layers.tables import TableBound, TableLoss
from kerasae.layers.tying import TransposedDense
from kerasae.layers.variational import Binarization, Sampling, VariationalBound

__all__ = [
    "GRU",
    "LSTM",
    "Binarization",
    "Distortion",
    "EntropyBottleneck",
    "ExactContraction",
    "FiniteScalarQuantizer",
    "GaussianCorruption",
    "GroupedVectorQuantizer",
    "HiddenPatches",
    "KLSparsity",
    "L1Sparsity",
    "LookupFreeQuantizer",
    "LossLayer",
    "MaskingCorruption",
    "Perturbation",
    "RandomGaps",
    "RandomHoles",
    "RandomLayer",
    "RandomPatches",
    "ResidualVectorQuantizer",
    "SaltAndPepper",
    "Sampling",
    "StochasticContraction",
    "TableBound",
    "TableLoss",
    "TransposedDense",
    "TwoLevelQuantizer",
    "VariationalBound",
    "VectorQuantizer",
    "full_precision",
]
