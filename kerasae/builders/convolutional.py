"""The convolutional autoencoder: strided convolutions around a dense or a spatial code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras

from kerasae import _arguments
from kerasae.builders import _backbone, _convolutional, _dense, _losses
from kerasae.builders._losses import Loss

__all__ = ["build_convolutional"]


def build_convolutional(
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    code_size: int = 32,
    hidden: Sequence[int] = (32, 64),
    activation: str = "relu",
    loss: Loss = "binary_crossentropy",
    code: Literal["dense", "spatial"] = "dense",
    kernel_size: int = 3,
    learning_rate: float = 1e-3,
    upsampling: Literal["transposed", "resize"] = "transposed",
    residual: int = 0,
    normalization: Literal["batch"] | None = None,
    backbone: keras.Model | None = None,
) -> keras.Model:
    """Build a convolutional autoencoder for images, signals or volumes of any size.

    Each layer of the encoder is a convolution of stride 2, each layer of the decoder its
    transpose, so that `n` layers change the side of an image by `2**n` (Masci et al. 2011;
    strides in place of pooling after Springenberg et al. 2015). A side that `2**n` does not
    divide is rounded up inside and cropped at the end.

    With a `backbone` the encoder is a model of yours, such as one of `keras.applications` without
    its top, with the weights that it has, and a linear layer behind it that makes the code. What
    it wants done to pixels first is left to you, as a layer in front of it: a model for values in
    [-1, 1] is `keras.Sequential([keras.layers.Rescaling(2.0, -1.0), model])`. It learns on with
    `model.fit`, itself and no copy of it, unless you have set its `trainable` to False.

    Args:
        input_shape: (height, width, channels) of an image, (length, features) of a signal, or
            (depth, height, width, channels) of a volume.
        code_size: Number of values in a dense code, or of channels at each position of a
            spatial code.
        hidden: Filters of each layer of the encoder, at least one; the decoder mirrors it.
        activation: Activation of the hidden layers; the code itself is linear.
        loss: `"binary_crossentropy"`, with a sigmoid output, for pixels in [0, 1], or
            `"mse"`, with a linear output. Both are means over pixels and batch.
            Any other loss of Keras does, by name, object or function; a function or class of your
            own must be registered with Keras. Its output is a sigmoid if it takes probabilities or
            has an attribute `unit_range`, else linear.
        code: `"dense"` flattens the last feature map into one vector, `"spatial"` keeps a
            map of `ceil(side / 2**n)` positions. A model with a spatial code treats every
            part of an image alike, so that a codec can run it tile by tile.
        kernel_size: Side of every kernel.
        learning_rate: Step size of Adam.
        upsampling: `"transposed"` for transposed convolutions of stride 2, or `"resize"` to
            repeat each pixel before a convolution of stride 1, which leaves no checkerboard
            pattern (Odena, Dumoulin & Olah 2016, Deconvolution and Checkerboard Artifacts).
        residual: Residual blocks at each size of the feature maps, in encoder and decoder:
            `x + convolution(activation(convolution(x)))` (He, Zhang, Ren & Sun 2016, Deep
            Residual Learning for Image Recognition; their skip, with no activation after it).
        normalization: `"batch"` for batch normalisation between each convolution and its
            activation, except at the code and the pixels (Ioffe & Szegedy 2015), or None. An
            export folds it into the convolutions, which it could not with other kinds.
        backbone: A model for the encoder, from images of `input_shape` to a map (rows, columns,
            channels), or, for a dense code, to a vector; or None. `hidden` is then the decoder's
            alone. A spatial code has the rows and columns of the map, and the decoder doubles them
            as often as it takes; where `hidden` has too few numbers for that, the last is repeated.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape. Its
        nested models are `encoder`, image to code, and `decoder`, code to image; a code is
        (batch, code_size) or (batch, rows, columns, code_size).

    Raises:
        ValueError: If a hyperparameter breaks its rule.

    Example:
        >>> model = build_convolutional(input_shape=(30, 21, 3), code_size=4, code="spatial")
        >>> model.get_layer("encoder").output_shape
        (None, 8, 6, 4)
        >>> model.output_shape
        (None, 30, 21, 3)
    """
    shape = _arguments.input_shape(input_shape, (2, 3, 4))
    code_size = _arguments.positive_int("code_size", code_size)
    loss = _losses.check_loss(loss)
    output_activation = _losses.output_activation(loss)
    hidden, encoder_options, decoder_options = _convolutional.check(
        hidden,
        code=code,
        kernel_size=kernel_size,
        upsampling=upsampling,
        residual=residual,
        normalization=normalization,
    )
    if backbone is None:
        encoder = _convolutional.encoder(shape, code_size, hidden, activation, **encoder_options)
    else:
        model = _backbone.check(backbone, shape, code)
        encoder = _backbone.encoder(model, shape, code_size, code)
        if code == "spatial":
            hidden = _backbone.stages(model, shape, hidden)
    return _dense.assemble(
        "convolutional",
        encoder,
        _convolutional.decoder(
            shape, code_size, hidden, activation, output_activation, **decoder_options
        ),
        loss=loss,
        learning_rate=learning_rate,
    )
