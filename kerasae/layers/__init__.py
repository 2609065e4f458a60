"""Keras layers of kerasae, registered for safe reloading."""

from kerasae.layers.causal import CausalBlock, LearnedPositions
from kerasae.layers.codebooks import (
    FiniteScalarQuantizer,
    GroupedVectorQuantizer,
    LookupFreeQuantizer,
    ResidualVectorQuantizer,
    TwoLevelQuantizer,
    VectorQuantizer,
)
from kerasae.layers.conditioning import Condition, RepeatedLabels
from kerasae.layers.corruption import (
    GaussianCorruption,
    MaskingCorruption,
    Perturbation,
    SaltAndPepper,
)
from kerasae.layers.coupling import AffineCoupling
from kerasae.layers.diffusion import Noising, TimeFeatures
from kerasae.layers.likelihood import ExampleLoss, IndexLikelihood
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
    "AffineCoupling",
    "Binarization",
    "CausalBlock",
    "Condition",
    "Distortion",
    "EntropyBottleneck",
    "ExactContraction",
    "ExampleLoss",
    "FiniteScalarQuantizer",
    "GaussianCorruption",
    "GroupedVectorQuantizer",
    "HiddenPatches",
    "IndexLikelihood",
    "KLSparsity",
    "L1Sparsity",
    "LearnedPositions",
    "LookupFreeQuantizer",
    "LossLayer",
    "MaskingCorruption",
    "Noising",
    "Perturbation",
    "RandomGaps",
    "RandomHoles",
    "RandomLayer",
    "RandomPatches",
    "RepeatedLabels",
    "ResidualVectorQuantizer",
    "SaltAndPepper",
    "Sampling",
    "StochasticContraction",
    "TableBound",
    "TableLoss",
    "TimeFeatures",
    "TransposedDense",
    "TwoLevelQuantizer",
    "VariationalBound",
    "VectorQuantizer",
    "full_precision",
]
