"""The undercomplete autoencoder: dense layers around a code smaller than the input."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras

from kerasae import _arguments
from kerasae.builders import _dense
from kerasae.builders._losses import Loss

__all__ = ["build_undercomplete"]


def build_undercomplete(
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    code_size: int = 32,
    hidden: Sequence[int] = (128, 64),
    activation: str = "relu",
    loss: Loss = "binary_crossentropy",
    learning_rate: float = 1e-3,
    tied: bool = False,
    code_activation: str = "linear",
) -> keras.Model:
    """Build a dense autoencoder whose code is smaller than its input.

    The encoder is `code = f(x)`, the decoder `reconstruction = g(code)`, and training
    minimises `mean over pixels of loss(x, g(f(x)))`. With fewer values in the code than
    in the input the identity is out of reach, so no regulariser is needed against copying (Hinton
    & Salakhutdinov 2006; Goodfellow, Bengio & Courville 2016, section 14.1). A decoder with many
    weights can still learn few training images by heart: watch the validation loss.

    Args:
        input_shape: (height, width, channels) of an image, (length, features) of a signal,
            (values,) of a row, or (depth, height, width, channels) of a volume.
        code_size: Number of values in the code, smaller than the number in the image.
        hidden: Units of each hidden layer of the encoder; the decoder mirrors it. `()`
            gives a single linear layer on each side.
        activation: Activation of the hidden layers. With `"linear"`, here and for the code, and
            `loss="mse"` the optimum is PCA (Baldi & Hornik 1989).
        loss: `"binary_crossentropy"`, with a sigmoid output, for pixels in [0, 1], or
            `"mse"`, with a linear output. Both are means over pixels and batch.
            Any other loss of Keras does, by name, object or function; a function or class of your
            own must be registered with Keras. Its output is a sigmoid if it takes probabilities or
            has an attribute `unit_range`, else linear.
        learning_rate: Step size of Adam.
        tied: Whether each kernel of the decoder is the transpose of its mirror in the encoder,
            which halves the number of weights (Vincent et al. 2010); biases are never shared.
        code_activation: Activation of the code, such as `"sigmoid"` where the encoder becomes a
            stack of like layers under a classifier.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape. Its
        nested models are `encoder`, image to code (batch, code_size), and `decoder`,
        code to image.

    Raises:
        ValueError: If a hyperparameter breaks its rule.

    Example:
        >>> model = build_undercomplete(input_shape=(8, 8, 1), code_size=8, hidden=(32,))
        >>> model.get_layer("decoder").output_shape
        (None, 8, 8, 1)
    """
    shape = _arguments.input_shape(input_shape)
    code_size = _arguments.positive_int("code_size", code_size)
    if code_size >= math.prod(shape):
        raise ValueError(
            f"`code_size` must be smaller than the {math.prod(shape)} values of an input of shape "
            f"{shape}. Received: code_size={code_size}"
        )
    return _dense.autoencoder(
        "undercomplete",
        input_shape=shape,
        code_size=code_size,
        hidden=hidden,
        activation=activation,
        loss=loss,
        learning_rate=learning_rate,
        tied=tied,
        code_activation=code_activation,
    )
