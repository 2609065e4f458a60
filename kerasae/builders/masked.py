"""The masked autoencoder for inpainting: it sees images with holes and learns what was there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from kerasae import _arguments
from kerasae.applications import masks
from kerasae.builders import _losses, _networks
from kerasae.builders._losses import Loss
from kerasae.layers import RandomGaps, RandomHoles
from kerasae.layers.masking import GAPS
from kerasae.models import InpaintingAutoencoder

__all__ = ["build_masked"]


def build_masked(
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    code_size: int = 128,
    hidden: Sequence[int] = (32, 64),
    activation: str = "relu",
    loss: Loss = "binary_crossentropy",
    mask: Literal["centre", "block", "free_form", "text", "values", "gap", "suffix"] = "block",
    mask_fraction: float = 0.25,
    hole_weight: float = 6.0,
    network: Literal["convolutional", "dense"] = "convolutional",
    code: Literal["dense", "spatial"] = "dense",
    learning_rate: float = 1e-3,
    **network_options: Any,
) -> keras.Model:
    """Build an autoencoder that fills holes in images.

    A missing pixel is written as -1, a value that no pixel has, so that one image says what is
    known and what is not. In training a layer cuts a hole of its own into each image, and the loss
    compares the reconstruction with the whole image: the mean over pixels of
    `w loss(x, g(f(holes(x))))`, with `w = hole_weight` in holes and 1 elsewhere (Pathak,
    Krähenbühl, Donahue, Darrell & Efros 2016, Context Encoders: their reconstruction loss, without
    the adversarial one). The encoder sees `max(x, 0)`, which is 0 in holes, beside `max(-x, 0)`,
    which is 1 there.

    **Rows and signals** have any values, so that what is missing in them is NaN, in `fit` and at
    inference; the encoder sees 0 beside 1 there. What is NaN in the targets, which nobody knows,
    has no loss. With `mask="suffix"` the model learns to go on: `kerasae.forecast` asks it for the
    rest of a signal, `kerasae.impute` for whatever is NaN.

    At inference the layer does nothing: write -1 into the hole, as `kerasae.inpaint` does, which
    then keeps the known pixels. `train` validates on images with holes, always the same ones; of
    `fit`, which is given whole ones, `val_loss` is that of copying.

    Args:
        input_shape: (height, width, channels) of an image, (length, features) of a signal, or
            (values,) of a row.
        code_size: Number of values in a dense code, or of channels at each position of a
            spatial code. It may be larger than a code that has to compress.
        hidden: Filters of the convolutions of stride 2, or units of each hidden layer of the
            encoder; the decoder mirrors it.
        activation: Activation of the hidden layers; the code itself is linear.
        loss: `"binary_crossentropy"`, with a sigmoid output, for pixels in [0, 1], or
            `"mse"`, with a linear output, each weighted as above.
            Any other loss of Keras does, by name, object or function; a function or class of your
            own must be registered with Keras. Its output is a sigmoid if it takes probabilities or
            has an attribute `unit_range`, else linear. It must give a value for each pixel.
        mask: What is missing in training. Of images what holes look like: `"centre"`, `"block"`, a
            rectangle anywhere, `"free_form"`, strokes of a brush, or `"text"`, words, to remove
            writing; see `kerasae.masks.draw_masks`. Of signals `"gap"`, a run of steps, which
            `"block"` is there, too; `"suffix"`, the last steps, of random number; or `"values"`,
            steps by themselves. Of rows values by themselves.
        mask_fraction: The share of the pixels in holes, above 0 and at most 0.9. Words look like
            a watermark at about 0.1.
        hole_weight: See above; 6 is the ratio in Liu, Reda, Shih, Wang, Tao & Catanzaro 2018,
            Image Inpainting for Irregular Holes Using Partial Convolutions. 1 weighs all pixels
            alike.
        network: `"convolutional"` or `"dense"` layers; rows have dense ones in any case.
        code: Of a convolutional network: `"dense"` or `"spatial"`, as in `build_convolutional`.
            With a spatial code nothing is seen beyond the kernels' reach, which must be larger
            than the hole: choose it for strokes and writing on large images.
        learning_rate: Step size of Adam.
        **network_options: `kernel_size`, `upsampling`, `residual` and `normalization` of the
            convolutional network, as in `build_convolutional`.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape, with
        nested models `stem`, `encoder` and `decoder`. `kerasae.encoder` takes images with -1 in
        their holes, too.

    Raises:
        ValueError: If a hyperparameter breaks its rule.
        TypeError: If the network knows no such option.

    Example:
        >>> model = build_masked(input_shape=(8, 8, 1), code_size=16, mask="centre")
        >>> [layer.name for layer in model.layers]
        ['image', 'mask', 'stem', 'encoder', 'decoder']
    """
    shape = _arguments.input_shape(input_shape, (1, 2, 3))
    is_image = len(shape) == 3
    code_size = _arguments.positive_int("code_size", code_size)
    loss = _losses.check_loss(loss)
    _losses.check_values_of_pixels(loss)
    output_activation = _losses.output_activation(loss)
    kinds = (
        masks.KINDS if is_image else ("block", "values") if len(shape) == 1 else (*GAPS, "block")
    )
    kind = _arguments.one_of("mask", mask, kinds)
    if not is_image and kind == "block":
        kind = "values" if len(shape) == 1 else "gap"
    _arguments.one_of("network", network, ("convolutional", "dense"))
    network = "dense" if len(shape) == 1 else network
    fraction = _arguments.number("mask_fraction", mask_fraction, low=0.0)
    if fraction > masks.LARGEST_FRACTION:
        raise ValueError(
            f"`mask_fraction` must be at most {masks.LARGEST_FRACTION:g}. "
            f"Received: mask_fraction={mask_fraction!r}"
        )
    hole_weight = _arguments.number("hole_weight", hole_weight, low=0.0)
    rate = _arguments.number("learning_rate", learning_rate, low=0.0)
    stem = _stem(shape)
    encoder, decoder = _networks.halves(
        network,
        shape,
        code_size,
        hidden,
        activation,
        network_options,
        code=code,
        output_activation=output_activation,
        seen=stem.output_shape[1:],
    )

    image = keras.Input(shape, name="image")
    holes: keras.layers.Layer
    if is_image:
        count = 1 if kind == "centre" else 256
        holes = RandomHoles(
            kind, fraction=fraction, count=count, hole_weight=hole_weight, name="mask"
        )
    else:
        holes = RandomGaps(kind, fraction=fraction, hole_weight=hole_weight, name="mask")
    model = InpaintingAutoencoder(image, decoder(encoder(stem(holes(image)))), name="masked")
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)
    return model


def _stem(shape: tuple[int, ...]) -> keras.Model:
    """What is known, with 0 in holes, and 1 where nothing is: twice the channels."""
    image = keras.Input(shape, name="image")
    if len(shape) < 3:
        known = ops.equal(image, image)  # NaN is not
        zeros = ops.zeros_like(image)
        values = ops.where(known, image, zeros)
        seen = ops.concatenate([values, ops.where(known, zeros, zeros + 1.0)], axis=-1)
        return keras.Model(image, seen, name="stem")
    opposite = -1.0 * image  # a product: TF Lite negates in float32 only
    seen = ops.concatenate([ops.relu(image), ops.relu(opposite)], axis=-1)  # (B, H, W, 2 C)
    return keras.Model(image, seen, name="stem")
