"""The masked autoencoder of patches: a transformer that sees a quarter of an image."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from kerasae import _arguments
from kerasae.builders import _losses, _transformer
from kerasae.builders._losses import Loss
from kerasae.layers import HiddenPatches, RandomPatches
from kerasae.layers.patches import hidden_fraction
from kerasae.models import InpaintingAutoencoder

__all__ = ["build_masked_transformer"]


def build_masked_transformer(
    *,
    input_shape: Sequence[int] = (32, 32, 3),
    code_size: int = 96,
    hidden: Sequence[int] = (384, 384, 384, 384),
    activation: str = "gelu",
    loss: Loss = "mse",
    patch_size: int = 4,
    mask_fraction: float = 0.75,
    hole_weight: float = 6.0,
    heads: int = 4,
    decoder_size: int = 64,
    decoder_hidden: Sequence[int] = (256,),
    learning_rate: float = 1e-3,
) -> keras.Model:
    """Build a transformer that learns to see from a few patches of each image.

    An image is cut into patches, each of which a linear layer makes a token of `code_size` values,
    with a bias for its place. In training most tokens are hidden, other ones in each image; the
    encoder sees the rest only, which makes it cheap, and a smaller decoder gets its codes with one
    learned token in all hidden places, and rebuilds the image (He, Chen, Xie, Li, Dollar &
    Girshick 2022, Masked Autoencoders Are Scalable Vision Learners, CVPR; blocks with the
    normalisation in front after Dosovitskiy et al. 2021). The loss is the mean over pixels of
    `w loss(x, g(f(seen x)))`, with `w = hole_weight` in hidden patches and 1 elsewhere. In the
    paper it is 0 elsewhere; here the decoder must know patches that are seen, too, since at
    inference all are.

    At inference nothing is hidden: the code is one of all patches. For features take the mean of
    its tokens; `kerasae.build_classifier(kerasae.encoder(model), ...)` fine-tunes. `train`
    validates with patches hidden, always the same; of `fit` alone `val_loss` is that of copying.

    Attention loses too much in 8 bits, so that `"int8"` is refused by an export; `"float32"`,
    `"float16"` and `"dynamic"`, which has int8 weights, are exact to about a percent.

    Args:
        input_shape: (height, width, channels) of an image, of which the first two are multiples of
            `patch_size`.
        code_size: Number of values of a token, a multiple of `heads`.
        hidden: Units of the dense layer of each block of the encoder, at least one; the paper has
            four times `code_size`.
        activation: Activation of these layers.
        loss: `"binary_crossentropy"`, with a sigmoid output, for pixels in [0, 1], or `"mse"`, with
            a linear output, each weighted as above.
            Any other loss of Keras does, by name, object or function; a function or class of your
            own must be registered with Keras. Its output is a sigmoid if it takes probabilities or
            has an attribute `unit_range`, else linear. It must give a value for each pixel.
        patch_size: Side of a patch in pixels.
        mask_fraction: Share of the patches that are hidden, above 0 and at most 0.95.
        hole_weight: See above.
        heads: Number of heads of each attention.
        decoder_size: Number of values of a token in the decoder, a multiple of `heads`.
        decoder_hidden: As `hidden`, of the decoder.
        learning_rate: Step size of Adam.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape, with nested
        models `stem`, `encoder` and `decoder`. `kerasae.encoder` gives codes (batch, patches,
        code_size).

    Raises:
        ValueError: If a hyperparameter breaks its rule.

    Example:
        >>> import kerasae
        >>> model = build_masked_transformer(
        ...     input_shape=(8, 8, 1), code_size=16, hidden=(32,), patch_size=2
        ... )
        >>> kerasae.encoder(model).output_shape
        (None, 16, 16)
    """
    shape = _arguments.input_shape(input_shape, (3,))
    heads = _arguments.positive_int("heads", heads)
    size = _of_heads("code_size", code_size, heads)
    inner = _of_heads("decoder_size", decoder_size, heads)
    depths = [
        _blocks(name, units)
        for name, units in (("hidden", hidden), ("decoder_hidden", decoder_hidden))
    ]
    activation = _arguments.activation("activation", activation)
    loss = _losses.check_loss(loss)
    _losses.check_values_of_pixels(loss)
    patch_size = _arguments.positive_int("patch_size", patch_size)
    if any(side % patch_size for side in shape[:2]) or max(shape[:2]) == patch_size:
        raise ValueError(
            f"`patch_size` must divide height and width of `input_shape`, here {shape[0]} and "
            f"{shape[1]}, into more than one patch. Received: patch_size={patch_size}"
        )
    fraction = hidden_fraction("mask_fraction", mask_fraction)
    hole_weight = _arguments.number("hole_weight", hole_weight, low=0.0)
    rate = _arguments.number("learning_rate", learning_rate, low=0.0)

    grid = (shape[0] // patch_size, shape[1] // patch_size)
    stem = _transformer.stem(shape, patch_size, size)
    encoder = _transformer.encoder(size, depths[0], activation, heads)
    decoder = _transformer.decoder(
        shape,
        patch_size,
        size,
        inner,
        depths[1],
        activation,
        heads,
        _losses.output_activation(loss),
    )
    mask = RandomPatches(
        grid, patch_size=patch_size, fraction=fraction, hole_weight=hole_weight, name="mask"
    )
    place = HiddenPatches(grid[0] * grid[1], mask.visible, name="hidden_patches")

    image = keras.Input(shape, name="image")
    seen, order = mask(stem(image))
    model = InpaintingAutoencoder(
        image, decoder(place(encoder(seen), order)), name="masked_transformer"
    )
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)
    return model


def _of_heads(name: str, value: int, heads: int) -> int:
    """A number of values that the heads share."""
    size = _arguments.positive_int(name, value)
    if size % heads:
        raise ValueError(f"`{name}` must be a multiple of heads={heads}. Received: {name}={value}")
    return size


def _blocks(name: str, units: Sequence[int]) -> tuple[int, ...]:
    """The units of at least one block."""
    sizes = _arguments.positive_ints(name, units)
    if not sizes:
        raise ValueError(f"`{name}` must name the units of at least one block. Received: {name}=()")
    return sizes
