"""The variational autoencoder: codes with a distribution, trained by a bound on log p(x)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from kerasae.builders import _variational

__all__ = ["build_variational"]


def build_variational(
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    code_size: int = 32,
    hidden: Sequence[int] = (256, 128),
    activation: str = "relu",
    likelihood: Literal["bernoulli", "gaussian", "gaussian_learned"] | None = None,
    beta: float = 1.0,
    capacity: float | None = None,
    warmup_epochs: float = 0,
    free_bits: float = 0.0,
    importance_samples: int = 1,
    sigma: float = 0.1,
    network: Literal["dense", "convolutional"] = "dense",
    binarize: bool = False,
    learning_rate: float = 1e-3,
    **network_options: Any,
) -> keras.Model:
    """Build a variational autoencoder, or with more than one sample an IWAE.

    The encoder gives the mean and the log variance of `q(z | x) = N(mean, diag(variance))`, the
    decoder `p(x | z)`, and training minimises, with z drawn from q,

        -E[log p(x | z)] + beta * KL(q(z | x), N(0, I))

    summed over the values of an image and averaged over the batch: for beta = 1 it is the
    negative ELBO in nats per image (Kingma & Welling 2014, Auto-Encoding Variational Bayes).
    With `importance_samples` k > 1 it is the negative of the tighter bound
    `log(1/k sum_i p(x, z_i) / q(z_i | x))` (Burda, Grosse & Salakhutdinov 2016, Importance
    Weighted Autoencoders).

    The history has the parts of the loss: `reconstruction`, which is -log p(x | z), and `kl`, in
    nats per image, and `beta`; also `capacity` if there is one, and `sigma` if it is learned.
    `train` validates with drawn codes, the same each time, and with the final beta or capacity, so
    that `val_loss` is the negative bound. `fit` and `evaluate`, which are Keras's own, take the
    mean, whose loss is no bound; `kerasae.evaluation` has the bound of many draws, and log p(x).

    Args:
        input_shape: (height, width, channels) of an image, (length, features) of a signal,
            (values,) of a row, or (depth, height, width, channels) of a volume.
        code_size: Number of values in the code.
        hidden: Units of each hidden layer of the encoder, or filters of its convolutions of
            stride 2; the decoder mirrors it.
        activation: Activation of the hidden layers.
        likelihood: p(x | z). `"bernoulli"` for pixels in [0, 1], exact where they are 0 or 1;
            `"gaussian"` with standard deviation `sigma`; `"gaussian_learned"`, where one
            standard deviation for all values is learned (Rybkin, Daniilidis & Levine 2021). By
            default the last, or `"bernoulli"` with `binarize`: seen through Bernoulli's noise,
            small grey images hold little that is worth a code's nats, and the code collapses.
        beta: Factor of the divergence (Higgins et al. 2017, beta-VAE).
        capacity: If given, `|KL - capacity|` in nats takes the place of KL (Burgess et al.
            2018); usually with a large beta.
        warmup_epochs: Epochs in which beta, or the capacity if there is one, grows linearly
            from 0 (Bowman et al. 2016; Sonderby et al. 2016). `fit` counts them.
        free_bits: Nats below which a dimension's KL, averaged over the batch, costs nothing
            more (Kingma et al. 2016, Improving Variational Inference with Inverse Autoregressive
            Flow). Cannot be combined with a capacity.
        importance_samples: Codes drawn for each image. More than 1 cannot be combined with a
            capacity or free bits.
        sigma: Standard deviation of the Gaussian in pixel values, or where it starts.
        network: `"dense"` or `"convolutional"` layers around the dense code.
        binarize: Whether training draws binary pixels from the grey values in each step
            (dynamic binarisation: Salakhutdinov & Murray 2008).
        learning_rate: Step size of Adam.
        **network_options: `kernel_size`, `upsampling`, `residual` and `normalization` of the
            convolutional network, as in `build_convolutional`.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape. Its nested
        models are `encoder`, image to mean and log variance (batch, code_size), and `decoder`,
        code to reconstruction; with `"bernoulli"` it has a second output, the logits of the
        reconstruction. At inference the code is the mean.

    Raises:
        ValueError: If a hyperparameter breaks its rule.
        TypeError: If the network knows no such option.

    Example:
        >>> model = build_variational(input_shape=(8, 8, 1), code_size=2, hidden=(32,))
        >>> model.get_layer("encoder").output_shape
        [(None, 2), (None, 2)]
    """
    return _variational.build(
        "variational",
        input_shape=input_shape,
        code_size=code_size,
        hidden=hidden,
        activation=activation,
        likelihood=likelihood,
        beta=beta,
        capacity=capacity,
        warmup_epochs=warmup_epochs,
        free_bits=free_bits,
        importance_samples=importance_samples,
        sigma=sigma,
        network=network,
        binarize=binarize,
        learning_rate=learning_rate,
        **network_options,
    )
