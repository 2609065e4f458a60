"""The denoising autoencoder: another architecture that sees corrupted images in training."""

from __future__ import annotations

from typing import Any, Literal

import keras

from kerasae import _arguments
from kerasae.builders import BUILDERS, build
from kerasae.layers import GaussianCorruption, MaskingCorruption, SaltAndPepper
from kerasae.layers.corruption import Corruption

__all__ = ["build_denoising"]

CORRUPTIONS = {
    "gaussian": GaussianCorruption,
    "masking": MaskingCorruption,
    "salt_and_pepper": SaltAndPepper,
}


def build_denoising(
    *,
    base: str = "convolutional",
    corruption: Literal["gaussian", "masking", "salt_and_pepper"] = "gaussian",
    level: float = 0.5,
    clip: bool = True,
    **base_hyperparameters: Any,
) -> keras.Model:
    """Build an autoencoder that learns to undo corruption, on the frame of another builder.

    In training a layer in front of the encoder corrupts each image anew, and the loss compares
    the reconstruction with the clean image: `loss(x, g(f(corrupt(x))))` (Vincent, Larochelle,
    Lajoie, Bengio & Manzagol 2010, Stacked Denoising Autoencoders, JMLR 11). At inference the
    layer does nothing: feed the noisy image. `train` validates on corrupted images, always the same
    ones; of `fit` and `evaluate`, which are Keras's own, the loss is that of copying clean ones.

    Args:
        base: An architecture of the kind `"image"` other than this one: `"undercomplete"`,
            `"overcomplete"`, `"sparse"`, `"convolutional"`, `"contractive"` with its exact penalty,
            `"variational"`, `"vector_quantized"` or `"rate_distortion"`.
        corruption: `"gaussian"` adds noise of standard deviation `level`;
            `"masking"` sets a fraction `level` of the pixels to 0; `"salt_and_pepper"` sets half of
            that fraction to 0 and half to 1.
        level: Strength, see `corruption`; above 0, a fraction at most 1.
        clip: Whether values are clipped to [0, 1] after Gaussian noise, as a camera would.
        **base_hyperparameters: What the builder of `base` takes.

    Returns:
        A compiled model, as that of the base.

    Raises:
        ValueError: If a hyperparameter breaks its rule.
        TypeError: If the base knows no such hyperparameter.

    Example:
        >>> model = build_denoising(
        ...     base="undercomplete", corruption="masking", level=0.3, input_shape=(8, 8, 1)
        ... )
        >>> [layer.name for layer in model.layers]
        ['image', 'corruption', 'encoder', 'decoder']
    """
    bases = [b.name for b in BUILDERS.values() if b.kind == "image" and b.name != "denoising"]
    _arguments.one_of("base", base, bases)
    _arguments.one_of("corruption", corruption, CORRUPTIONS)
    level = _arguments.number("level", level, low=0.0)
    if corruption != "gaussian" and level > 1:
        raise ValueError(f"`level` must be a fraction of the pixels. Received: level={level}")
    clip = _arguments.boolean("clip", clip)
    if corruption == "gaussian":
        corrupt: Corruption = GaussianCorruption(level, clip=clip, name="corruption")
    else:
        corrupt = CORRUPTIONS[corruption](level, name="corruption")
    clean = build(base, **base_hyperparameters)
    if any(part.name == "perturbation" for part in clean.layers):
        raise ValueError(
            "`base` must encode an image once, which a stochastic penalty does not. "
            f"Received: base={base!r}"
        )

    def call(part: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        if part.name == "encoder":
            args = (corrupt(args[0]), *args[1:])
        return part(*args, **kwargs)

    copy = keras.models.clone_model(clean, clone_function=lambda part: part, call_function=call)
    model = type(clean)(copy.input, copy.output, name="denoising")
    model.compile_from_config(clean.get_compile_config())
    return model
