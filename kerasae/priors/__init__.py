"""Priors: what codes are likely, learned from the codes of a trained autoencoder.

A prior makes a generator of an autoencoder. It is a Keras model of its own, which `train` trains on
`encode(model, images)`, and which saves and reloads like any other. Over indices, as of
`build_vector_quantized`, there are a PixelCNN and a transformer; over values a flow and a diffusion
model, and the mixture of `kerasae.samplers.fit_mixture`.
"""

from kerasae.priors.codes import Codes, encode
from kerasae.priors.diffusion import build_diffusion
from kerasae.priors.flow import build_flow
from kerasae.priors.likelihoods import bits, log_likelihood, static_bits
from kerasae.priors.pixelcnn import build_pixelcnn
from kerasae.priors.sampling import PRIORS, build, complete, sample, sample_codes
from kerasae.priors.transformer import build_transformer

__all__ = [
    "PRIORS",
    "Codes",
    "bits",
    "build",
    "build_diffusion",
    "build_flow",
    "build_pixelcnn",
    "build_transformer",
    "complete",
    "encode",
    "log_likelihood",
    "sample",
    "sample_codes",
    "static_bits",
]
