"""Measures of images, likelihoods, codes and rates, NumPy in and out."""

from kerasae.evaluation.codes import code_rate, codebook_perplexity, linear_probe
from kerasae.evaluation.compression import RateDistortion, rate_distortion
from kerasae.evaluation.images import psnr, ssim
from kerasae.evaluation.jacobian import jacobian_norm
from kerasae.evaluation.likelihood import Elbo, active_units, elbo, negative_log_likelihood

__all__ = [
    "Elbo",
    "RateDistortion",
    "active_units",
    "code_rate",
    "codebook_perplexity",
    "elbo",
    "jacobian_norm",
    "linear_probe",
    "negative_log_likelihood",
    "psnr",
    "rate_distortion",
    "ssim",
]
