"""Measures of images, samples, likelihoods, codes and rates, NumPy in and out."""

from kerasae.evaluation.codes import code_rate, codebook_perplexity, linear_probe
from kerasae.evaluation.compression import RateDistortion, rate_distortion
from kerasae.evaluation.detection import auroc
from kerasae.evaluation.generation import SampleScores, frechet_distance, sample_scores
from kerasae.evaluation.images import hole_error, psnr, ssim
from kerasae.evaluation.jacobian import jacobian_norm
from kerasae.evaluation.likelihood import Elbo, active_units, elbo, negative_log_likelihood
from kerasae.evaluation.neighbours import neighbourhood_accuracy, trustworthiness
from kerasae.evaluation.reconstruction import Reconstruction, reconstruction_quality
from kerasae.evaluation.segmentation import (
    SegmentationScores,
    confusion_matrix,
    median_frequency_weights,
    segmentation_scores,
)

__all__ = [
    "Elbo",
    "RateDistortion",
    "Reconstruction",
    "SampleScores",
    "SegmentationScores",
    "active_units",
    "auroc",
    "code_rate",
    "codebook_perplexity",
    "confusion_matrix",
    "elbo",
    "frechet_distance",
    "hole_error",
    "jacobian_norm",
    "linear_probe",
    "median_frequency_weights",
    "negative_log_likelihood",
    "neighbourhood_accuracy",
    "psnr",
    "rate_distortion",
    "reconstruction_quality",
    "sample_scores",
    "segmentation_scores",
    "ssim",
    "trustworthiness",
]
