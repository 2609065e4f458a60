"""Losses, likelihoods and divergences as pure functions of tensors, on any backend.

Those that a model is compiled with are registered classes, thin over the functions.
"""

from __future__ import annotations

from kerasae.losses.frequency import FocalFrequency, focal_frequency
from kerasae.losses.huber import Huber
from kerasae.losses.likelihoods import (
    bernoulli_log_likelihood,
    bounded_log_variance,
    gaussian_kl,
    gaussian_log_likelihood,
    importance_weighted_bound,
    interval_log_probability,
)
from kerasae.losses.mixed import WeightedSum
from kerasae.losses.padding import PaddedLoss, padded_accuracy
from kerasae.losses.penalties import (
    bernoulli_kl,
    contractive_norm,
    perplexity,
    scheduled,
    sensitivity,
)
from kerasae.losses.perceptual import Perceptual
from kerasae.losses.robust import Charbonnier, charbonnier
from kerasae.losses.segmentation import SegmentationLoss, pixel_cross_entropy, soft_dice
from kerasae.losses.structural import SSIM, MultiScaleSSIM, ms_ssim, ssim
from kerasae.losses.tables import column_losses, row_losses

__all__ = [
    "SSIM",
    "Charbonnier",
    "FocalFrequency",
    "Huber",
    "MultiScaleSSIM",
    "PaddedLoss",
    "Perceptual",
    "SegmentationLoss",
    "WeightedSum",
    "bernoulli_kl",
    "bernoulli_log_likelihood",
    "bounded_log_variance",
    "charbonnier",
    "column_losses",
    "contractive_norm",
    "focal_frequency",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "importance_weighted_bound",
    "interval_log_probability",
    "ms_ssim",
    "padded_accuracy",
    "perplexity",
    "pixel_cross_entropy",
    "row_losses",
    "scheduled",
    "sensitivity",
    "soft_dice",
    "ssim",
]
