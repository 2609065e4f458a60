"""The contractive autoencoder: a penalty on how much the code answers to the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from kerasae import _arguments
from kerasae.builders import _convolutional, _dense, _losses
from kerasae.builders._losses import Loss
from kerasae.layers import ExactContraction, Perturbation, StochasticContraction
from kerasae.models import Autoencoder, TiedAutoencoder

__all__ = ["build_contractive"]

_CODE = "sigmoid"
_OPTIONS = ("kernel_size", "upsampling", "residual")


def build_contractive(
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    code_size: int = 256,
    hidden: Sequence[int] = (),
    activation: str = "sigmoid",
    loss: Loss = "binary_crossentropy",
    penalty: Literal["exact", "stochastic"] = "exact",
    weight: float = 1e-4,
    sigma: float = 0.01,
    tied: bool = True,
    network: Literal["dense", "convolutional"] = "dense",
    learning_rate: float = 1e-3,
    **network_options: Any,
) -> keras.Model:
    """Build an autoencoder whose code changes little where the image does.

    Training minimises

        mean over pixels of loss(x, g(f(x))) + weight * |J_f(x)|_F^2

    where `J_f` is the Jacobian of the code with respect to the pixels, and its squared Frobenius
    norm a sum over both (Rifai, Vincent, Muller, Glorot & Bengio 2011, Contractive Auto-Encoders).
    The paper sums the loss over the pixels: its lambda is `weight` times their number. The
    reconstruction needs a code that moves along what tells images apart; the penalty makes it
    flat in all other directions.

    The history has `jacobian`, the mean of `|J_f(x)|_F^2`; `kerasae.evaluation.jacobian_norm`
    measures the norm itself. Units of the code are sigmoids, whose range is fixed: a linear code
    could shrink as a whole, and the decoder undo it, at no cost. Tied weights close the same way
    out for a code that stays in the linear middle of its sigmoids.

    Args:
        input_shape: (height, width, channels) of an image, (length, features) of a signal,
            (values,) of a row, or (depth, height, width, channels) of a volume.
        code_size: Number of units in the code.
        hidden: Units of each hidden layer of the encoder, or filters of its convolutions of
            stride 2; the decoder mirrors it.
        activation: Activation of the hidden layers; smooth ones have a Jacobian that does not jump.
        loss: `"binary_crossentropy"`, with a sigmoid output, for pixels in [0, 1], or `"mse"`,
            with a linear output. Both are means over pixels and batch.
            Any other loss of Keras does, by name, object or function; a function or class of your
            own must be registered with Keras. Its output is a sigmoid if it takes probabilities or
            has an attribute `unit_range`, else linear.
        penalty: `"exact"`: in closed form, of a dense encoder without hidden layers.
            `"stochastic"`: the mean of `|f(x + sigma e) - f(x)|^2 / sigma^2`, e from the standard
            normal, of any encoder, at the price of encoding twice.
        weight: Factor of the penalty.
        sigma: Of `"stochastic"`: standard deviation of the noise, small against that of pixels.
        tied: Whether each kernel of the decoder is the transpose of its mirror in the encoder, as
            in the paper; of a dense network only.
        network: `"dense"` or `"convolutional"` layers around the dense code.
        learning_rate: Step size of Adam.
        **network_options: `kernel_size`, `upsampling` and `residual` of the convolutional network,
            as in `build_convolutional`. (Batch normalisation would let the code of an image depend
            on the others.)

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape. Its nested
        models are `encoder`, image to code (batch, code_size), and `decoder`, code to image.

    Raises:
        ValueError: If a hyperparameter breaks its rule.
        TypeError: If the network knows no such option.

    Example:
        >>> model = build_contractive(input_shape=(8, 8, 1), code_size=100)
        >>> [layer.name for layer in model.layers]
        ['image', 'encoder', 'contraction', 'decoder']
    """
    shape = _arguments.input_shape(input_shape)
    code_size = _arguments.positive_int("code_size", code_size)
    hidden = _arguments.positive_ints("hidden", hidden)
    loss = _losses.check_loss(loss)
    pixels = _losses.output_activation(loss)
    weight = _arguments.number("weight", weight, low=0.0, closed=True)
    sigma = _arguments.number("sigma", sigma, low=0.0)
    tied = _arguments.boolean("tied", tied)
    dense = _arguments.one_of("network", network, ("dense", "convolutional")) == "dense"
    exact = _arguments.one_of("penalty", penalty, ("exact", "stochastic")) == "exact"
    if exact and (hidden or not dense):
        raise ValueError(
            "`penalty` must be 'stochastic' for an encoder of more than one dense layer. "
            f"Received: penalty='exact', hidden={hidden}, network={network!r}"
        )
    if tied and not dense:
        raise ValueError("`tied` must be False for a convolutional network. Received: tied=True")
    unknown = sorted(set(network_options) - set(() if dense else _OPTIONS))
    if unknown:
        rule = "be empty" if dense else f"be among {', '.join(_OPTIONS)}"
        raise TypeError(
            f"`network_options` of a {network} network must {rule}. Received: {', '.join(unknown)}"
        )
    if dense:
        size = (shape, code_size, hidden, activation)
        encoder = _dense.encoder(*size, code_activation=_CODE)
        decoder = _dense.decoder(*size, pixels, tied=tied)
    else:
        hidden, encoding, decoding = _convolutional.check(hidden, **network_options)
        size = (shape, code_size, hidden, activation)
        encoder = _convolutional.encoder(*size, code_activation=_CODE, **encoding)
        decoder = _convolutional.decoder(*size, pixels, **decoding)

    image = keras.Input(shape, name="image")
    if exact:
        code = ExactContraction(weight, name="contraction")(encoder(image))
    else:
        moved = encoder(Perturbation(sigma, name="perturbation")(image))
        contraction = StochasticContraction(weight, sigma, name="contraction")
        code = contraction(encoder(image), moved)
    kind = TiedAutoencoder if tied or exact else Autoencoder
    model = kind(image, decoder(code), name="contractive")
    rate = _arguments.number("learning_rate", learning_rate, low=0.0)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)
    return model
