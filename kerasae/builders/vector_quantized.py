"""The vector-quantised autoencoder: a code of indices into a codebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from kerasae import _arguments
from kerasae.builders import _networks
from kerasae.layers import FiniteScalarQuantizer, VectorQuantizer
from kerasae.models import Autoencoder

__all__ = ["build_vector_quantized"]

_CODE_SIZE = 64
_FEWEST_LEVELS = 3


def build_vector_quantized(
    *,
    input_shape: Sequence[int] = (32, 32, 3),
    code_size: int | None = None,
    hidden: Sequence[int] = (64, 64),
    activation: str = "relu",
    quantizer: Literal["vq", "fsq"] = "vq",
    codebook_size: int = 512,
    commitment: float = 0.25,
    decay: float = 0.99,
    restart: float = 0.1,
    levels: Sequence[int] = (8, 5, 5, 5),
    learning_rate: float = 1e-3,
    positions: int = 4,
    **network_options: Any,
) -> keras.Model:
    """Build a convolutional autoencoder whose code is a map of indices into a codebook.

    Each vector of the spatial code is replaced by an entry of a codebook, and training minimises

        mean over pixels of (x - g(entries))^2 + commitment * mean of |f(x) - sg(entries)|^2

    where the gradient passes straight through from the entries to f(x), and sg lets none through
    (van den Oord, Vinyals & Kavukcuoglu 2017, Neural Discrete Representation Learning). `"vq"`
    takes the nearest entry of a learned codebook, whose entries are running means of the vectors
    that they stand for (appendix A.1 there; Razavi, van den Oord & Vinyals 2019), and start anew
    where they are hardly ever used. `"fsq"` rounds each channel to one of a few levels (Mentzer,
    Minnen, Agustsson & Tschannen 2024, Finite Scalar Quantization): the codebook is then all their
    combinations, nothing about it is learned, and the second term falls away.

    Both terms are means, over pixels and over the values of the code. The paper's own code divides
    the first by the variance of the pixels: a commitment of .25 there is one of .25 times that
    variance here. The history has `perplexity`, the number of entries in use, as the exponential of
    the entropy of those in a batch, and of `"vq"` `commitment`, the second mean without its factor.

    Args:
        input_shape: (height, width, channels) of an image, (length, features) of a signal,
            (depth, height, width, channels) of a volume, or (values,) of a row, for which dense
            layers take the place of convolutions.
        code_size: Number of channels of the code before it is quantised: of `"vq"` any number, by
            default 64; of `"fsq"` the number of `levels`, which is also the default.
        hidden: Filters of the convolutions of stride 2; the decoder mirrors it. `n` of them make a
            map of `ceil(side / 2**n)` indices.
        activation: Activation of the hidden layers; the code is linear before it is quantised.
        quantizer: `"vq"` or `"fsq"`, see above.
        codebook_size: Of `"vq"`: number of entries.
        commitment: Of `"vq"`: factor of the second term.
        decay: Of `"vq"`: decay of the running means at each step, in [0, 1).
        restart: Of `"vq"`: an entry starts anew, at a vector of the batch, when the running mean of
            its uses falls below this fraction of what it would be if all were used evenly; 0
            never restarts.
        levels: Of `"fsq"`: number of levels of each channel, at least 3, better 5. There are as
            many entries as their product.
        learning_rate: Step size of Adam.
        positions: Of a row: how many vectors, and so indices, its code is. The code of all else is
            a map, whose size follows from `hidden`.
        **network_options: `kernel_size`, `upsampling`, `residual` and `normalization`, as in
            `build_convolutional`.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape, with nested
        models `encoder` and `decoder`. `kerasae.encoder` gives int32 indices (batch, rows,
        columns), and `kerasae.decoder` takes them; both hold a copy of the codebook.

    Raises:
        ValueError: If a hyperparameter breaks its rule.
        TypeError: If the network knows no such option.

    Example:
        >>> import kerasae
        >>> model = build_vector_quantized(input_shape=(16, 16, 1), hidden=(8, 8), codebook_size=32)
        >>> kerasae.encoder(model).output_shape
        (None, 4, 4)
    """
    shape = _arguments.input_shape(input_shape)
    positions = _arguments.positive_int("positions", positions)
    kind = _arguments.one_of("quantizer", quantizer, ("vq", "fsq"))
    codebook_size = _arguments.positive_int("codebook_size", codebook_size)
    commitment = _arguments.number("commitment", commitment, low=0.0, closed=True)
    decay = _arguments.number("decay", decay, low=0.0, high=1.0, closed=True)
    restart = _arguments.number("restart", restart, low=0.0, high=1.0, closed=True)
    levels = _arguments.positive_ints("levels", levels)
    if not levels or min(levels) < _FEWEST_LEVELS:
        raise ValueError(
            f"`levels` must hold integers above {_FEWEST_LEVELS - 1}. Received: levels={levels}"
        )
    default = _CODE_SIZE if kind == "vq" else len(levels)
    size = _arguments.positive_int("code_size", default if code_size is None else code_size)
    layer: keras.layers.Layer
    if kind == "vq":
        layer = VectorQuantizer(codebook_size, commitment, decay, restart, name="quantizer")
    else:
        if size != default:
            raise ValueError(
                f"`code_size` must be the number of `levels`, here {default}, or None. "
                f"Received: code_size={code_size!r}"
            )
        layer = FiniteScalarQuantizer(levels, name="quantizer")
    flat = len(shape) == 1
    encoder, decoder = _networks.halves(
        "dense" if flat else "convolutional",
        shape,
        size,
        hidden,
        activation,
        network_options,
        code="dense" if flat else "spatial",
        positions=positions if flat else None,
    )

    image = keras.Input(shape, name="image")
    model = Autoencoder(image, decoder(layer(encoder(image))), name="vector_quantized")
    rate = _arguments.number("learning_rate", learning_rate, low=0.0)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="mse")
    return model
