"""Keras layers of kerasae, registered for safe reloading."""

from kerasae.layers.causal import CausalBlock, LearnedPositions
from kerasae.layers.codebooks import FiniteScalarQuantizer, VectorQuantizer
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
    "IndexLikelihood",
    "KLSparsity",
    "L1Sparsity",
    "LearnedPositions",
    "LossLayer",
    "MaskingCorruption",
    "Noising",
    "Perturbation",
    "RandomGaps",
    "RandomHoles",
    "RandomLayer",
    "RepeatedLabels",
    "SaltAndPepper",
    "Sampling",
    "StochasticContraction",
    "TableBound",
    "TableLoss",
    "TimeFeatures",
    "TransposedDense",
    "VariationalBound",
    "VectorQuantizer",
    "full_precision",
]
