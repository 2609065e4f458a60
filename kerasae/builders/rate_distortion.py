"""The rate-distortion autoencoder: a quantised code that is trained to be short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from kerasae import _arguments
from kerasae.builders import _networks
from kerasae.layers import Distortion, EntropyBottleneck
from kerasae.models import Autoencoder

__all__ = ["build_rate_distortion"]


def build_rate_distortion(
    *,
    input_shape: Sequence[int] = (64, 64, 3),
    code_size: int = 32,
    hidden: Sequence[int] = (32, 48, 64),
    activation: str = "relu",
    lmbda: float = 0.01,
    network: Literal["convolutional", "dense"] = "convolutional",
    code: Literal["spatial", "dense"] = "spatial",
    learning_rate: float = 1e-3,
    **network_options: Any,
) -> keras.Model:
    """Build an autoencoder with a quantised code, trained for few bits and a small error.

    Training minimises, averaged over the batch, `rate + lmbda * distortion`: the rate in bits per
    image under a learned, factorised entropy model of the rounded code, and the distortion as
    the squared error on the scale of 0 to 255, the mean over channels, summed over pixels, where
    what a viewer clips is no error (see `kerasae.layers.Distortion`). Divided by the pixels it
    is the usual `bits per pixel + lmbda * MSE` (Ballé, Minnen, Singh, Hwang & Johnston 2018,
    Variational Image Compression with a Scale Hyperprior, the factorised prior), where lmbda is
    between 0.0018 and 0.05 for photographs: the larger, the better the picture, and the longer
    its code. Where images are small or hard to reconstruct, the error outweighs the rate at
    these values, and a smaller lmbda is needed before bits are saved.

    In training uniform noise stands for the rounding; at inference the code is rounded, so
    that `val_loss` is what a codec with this entropy model would pay. The history has `rate` and
    `distortion`. Pixels are linear outputs; clip them to [0, 1].

    Args:
        input_shape: (height, width, channels) of an image.
        code_size: Number of channels at each position of a spatial code, or of values in a dense
            one. Channels that are not worth their bits go silent.
        hidden: Filters of the convolutions of stride 2, or units of each hidden layer of the
            encoder; the decoder mirrors it.
        activation: Activation of the hidden layers; the code is linear before it is rounded.
        lmbda: See above.
        network: `"convolutional"` or `"dense"` layers.
        code: Of a convolutional network: `"spatial"` or `"dense"`, as in `build_convolutional`.
        learning_rate: Step size of Adam.
        **network_options: `kernel_size`, `upsampling`, `residual` and `normalization` of the
            convolutional network, as in `build_convolutional`.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape, with
        nested models `encoder` and `decoder`. `kerasae.encoder` gives the rounded code, multiples
        of 1/8.

    Raises:
        ValueError: If a hyperparameter breaks its rule.
        TypeError: If the network knows no such option.

    Example:
        >>> model = build_rate_distortion(input_shape=(32, 32, 3), code_size=12, hidden=(16, 16))
        >>> [layer.name for layer in model.layers]
        ['image', 'encoder', 'bottleneck', 'decoder', 'distortion']
        >>> model.get_layer("encoder").output_shape
        (None, 8, 8, 12)
    """
    shape = _arguments.image_shape(input_shape)
    code_size = _arguments.positive_int("code_size", code_size)
    lmbda = _arguments.number("lmbda", lmbda, low=0.0)
    encoder, decoder = _networks.halves(
        network, shape, code_size, hidden, activation, network_options, code=code
    )

    image = keras.Input(shape, name="image")
    bottleneck = EntropyBottleneck(name="bottleneck")
    reconstruction = decoder(bottleneck(encoder(image)))
    output = Distortion(lmbda, name="distortion")(image, reconstruction)
    model = Autoencoder(image, output, name="rate_distortion")
    rate = _arguments.number("learning_rate", learning_rate, low=0.0)
    model.compile(optimizer=keras.optimizers.Adam(rate))
    return model
