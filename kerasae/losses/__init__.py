"""Losses, likelihoods and divergences as pure functions of tensors, on any backend.

Those that a model is compiled with are registered classes, thin over the functions.
"""

from __future__ import annotations

from kerasae.losses.huber import Huber
from kerasae.losses.likelihoods import (
    bernoulli_log_likelihood,
    bounded_log_variance,
    gaussian_kl,
    gaussian_log_likelihood,
    importance_weighted_bound,
    interval_log_probability,
)
from kerasae.losses.penalties import (
    bernoulli_kl,
    contractive_norm,
    perplexity,
    scheduled,
    sensitivity,
)
from kerasae.losses.segmentation import SegmentationLoss, pixel_cross_entropy, soft_dice

__all__ = [
    "Huber",
    "SegmentationLoss",
    "bernoulli_kl",
    "bernoulli_log_likelihood",
    "bounded_log_variance",
    "contractive_norm",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "importance_weighted_bound",
    "interval_log_probability",
    "perplexity",
    "pixel_cross_entropy",
    "scheduled",
    "sensitivity",
    "soft_dice",
]
