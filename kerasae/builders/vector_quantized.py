"""The vector-quantised autoencoder: a code of indices into a codebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from kerasae import _arguments
from kerasae.builders import _networks, _quantizers, _two_maps
from kerasae.models import Autoencoder

__all__ = ["build_vector_quantized"]


def build_vector_quantized(
    *,
    input_shape: Sequence[int] = (32, 32, 3),
    code_size: int | None = None,
    hidden: Sequence[int] = (64, 64),
    activation: str = "relu",
    quantizer: Literal["vq", "fsq", "lfq"] = "vq",
    codebook_size: int = 512,
    residual_levels: int = 1,
    groups: int = 1,
    hierarchical: bool = False,
    similarity: Literal["euclidean", "cosine"] = "euclidean",
    gradient: Literal["straight_through", "rotation"] = "straight_through",
    commitment: float = 0.25,
    decay: float = 0.99,
    restart: float = 0.1,
    levels: Sequence[int] = (8, 5, 5, 5),
    entropy_weight: float = 0.1,
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
    combinations, nothing about it is learned, and the second term falls away. `"lfq"` takes the
    sign of each channel (Yu et al. 2024, Language Model Beats Diffusion), and adds a term that has
    each vector decide and all of them use all indices, see `LookupFreeQuantizer`.

    One codebook of `K` entries has `log2 K` bits to say what is at a position. Three options of
    `"vq"` say more with several codebooks; they go together, and each position then has as many
    indices:

    - `residual_levels`: each level quantises what the one before has left over (Zeghidour et al.
      2021, SoundStream; Lee et al. 2022, RQ-VAE);
    - `groups`: each group of channels has a codebook of its own (Jegou, Douze & Schmid 2011,
      product quantisation);
    - `hierarchical`: a map of half the resolution comes first, and the fine one adds to it (Razavi
      et al. 2019, VQ-VAE-2).

    Both terms are means, over pixels and over the values of the code. The paper's own code divides
    the first by the variance of the pixels: a commitment of .25 there is one of .25 times that
    variance here. The history has `perplexity`, the number of entries in use, as the exponential of
    the entropy of those in a batch, and of `"vq"` `commitment`, the second mean without its factor.

    Args:
        input_shape: (height, width, channels) of an image, (length, features) of a signal,
            (depth, height, width, channels) of a volume, or (values,) of a row, for which dense
            layers take the place of convolutions.
        code_size: Number of channels of the code before it is quantised: of `"vq"` any number, by
            default 64, with `similarity="cosine"` 16; of `"fsq"` the number of `levels`, and of
            `"lfq"` the bits of an index, which are also the defaults.
        hidden: Filters of the convolutions of stride 2; the decoder mirrors it. `n` of them make a
            map of `ceil(side / 2**n)` indices.
        activation: Activation of the hidden layers; the code is linear before it is quantised.
        quantizer: `"vq"`, `"fsq"` or `"lfq"`, see above.
        codebook_size: Of `"vq"`: number of entries of each codebook. Of `"lfq"`: number of indices,
            a power of two.
        residual_levels: Of `"vq"`: number of codebooks one after another; 1 for one alone.
        groups: Of `"vq"`: number of groups of channels, which must divide `code_size`.
        hierarchical: Of `"vq"`: whether there are two maps. The fine one is that of `hidden`, the
            coarse one has half its sides, which must be even; images only.
        similarity: Of `"vq"`: `"euclidean"`, or `"cosine"`, by which vectors and entries have the
            length 1 (Yu et al. 2022, ViT-VQGAN); best with a small `code_size`. Not with
            `residual_levels`.
        gradient: Of `"vq"`: `"straight_through"`, or `"rotation"`, which turns the gradient as the
            vector was turned (Fifty et al. 2024, the rotation trick).
        commitment: Of `"vq"` and `"lfq"`: factor of the second term.
        decay: Of `"vq"`: decay of the running means at each step, in [0, 1).
        restart: Of `"vq"`: an entry starts anew, at a vector of the batch, when the running mean of
            its uses falls below this fraction of what it would be if all were used evenly; 0
            never restarts.
        levels: Of `"fsq"`: number of levels of each channel, at least 3, better 5. There are as
            many entries as their product.
        entropy_weight: Of `"lfq"`: factor of the third term.
        learning_rate: Step size of Adam.
        positions: Of a row: how many vectors, and so indices, its code is. The code of all else is
            a map, whose size follows from `hidden`.
        **network_options: `kernel_size`, `upsampling`, `residual` and `normalization`, as in
            `build_convolutional`.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape, with nested
        models `encoder` and `decoder`. `kerasae.encoder` gives int32 indices (batch, rows,
        columns), and `kerasae.decoder` takes them; both hold a copy of the codebook. Several
        codebooks have a last axis: (batch, rows, columns, groups * residual_levels), of one group
        after the other. With two maps it has five times as many, at the positions of the coarse
        one: its index, and those of the four fine ones within, row by row.

    Raises:
        ValueError: If a hyperparameter breaks its rule.
        TypeError: If the network knows no such option.

    Example:
        >>> import kerasae
        >>> model = build_vector_quantized(input_shape=(16, 16, 1), hidden=(8, 8), codebook_size=32)
        >>> kerasae.encoder(model).output_shape
        (None, 4, 4)
        >>> model = build_vector_quantized(
        ...     input_shape=(16, 16, 1), hidden=(8, 8), codebook_size=32, residual_levels=3
        ... )
        >>> kerasae.encoder(model).output_shape
        (None, 4, 4, 3)
    """
    shape = _arguments.input_shape(input_shape)
    positions = _arguments.positive_int("positions", positions)
    hierarchical = _arguments.boolean("hierarchical", hierarchical)
    layer, size = _quantizers.make(
        quantizer,
        code_size,
        codebook_size=codebook_size,
        residual_levels=residual_levels,
        groups=groups,
        hierarchical=hierarchical,
        similarity=similarity,
        gradient=gradient,
        commitment=commitment,
        decay=decay,
        restart=restart,
        levels=levels,
        entropy_weight=entropy_weight,
    )
    flat = len(shape) == 1
    if hierarchical:
        encoder, decoder = _two_maps.halves(shape, size, hidden, activation, network_options)
    else:
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
