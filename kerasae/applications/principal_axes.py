"""The principal axes of a trained code: the same autoencoder in other coordinates."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _inference
from kerasae_export.images import Sampled

__all__ = ["decorrelate_code"]

_IMAGES = 512
_PROBES = 32  # images on which the decoder's gain is measured
_LEAST_GAIN = 1e-6  # relative; a direction that the decoder ignores must not blow up


def decorrelate_code(model: keras.Model, images: ArrayLike | Sampled) -> NDArray[np.float64]:
    """Turn the code of a trained model to its principal axes, as its decoder sees them.

    Training leaves a linear code in arbitrary coordinates: its channels are correlated, and a
    change of one matters more than that of another. With the covariance `S` of the code `y`
    and the decoder's mean squared gain `G = E[J^T J]` (`J` its Jacobian, pixels by channels),
    the new code is `z = Q^T G^(1/2) y`, where `Q` holds the eigenvectors of
    `G^(1/2) S G^(1/2)`. Then the channels of `z` are uncorrelated, sorted by how much of the
    image they carry, and a small error in any direction harms the image equally, which is
    what uniform rounding and entropy coding want (the Karhunen-Loeve transform of transform
    coding: Goyal 2001, Theoretical Foundations of Transform Coding, in the metric of the
    image). For a linear autoencoder with a tied decoder it gives the axes of PCA.

    The weights of the last layer of the encoder and of the first layer of the decoder change
    in place. The model computes the same as before, up to rounding in float32.

    Args:
        model: A model whose encoder ends with a Dense or Conv2D layer without an activation, and
            whose decoder begins with a Dense or Conv2D layer.
        images: float32 (n, height, width, channels), such as the training images; or a split of a
            stream.

    Returns:
        The variances of the new channels, float64 (channels,), in descending order and in
        squared pixel values. Each says how much the mean squared error would grow if its channel
        were constant.

    Raises:
        ValueError: If the code is not between two such layers.

    Example:
        >>> import kerasae, numpy as np
        >>> images = kerasae.load_images("digits")
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
        >>> variances = decorrelate_code(model, images.train)
        >>> bool((np.diff(variances) <= 0).all())
        True
    """
    encoder, decoder = (_inference.nested(model, name) for name in ("encoder", "decoder"))
    before, after = check_linear_code(model)
    pictures = _inference.check_images(model, images)
    every = max(1, len(pictures) // _IMAGES)
    codes = _run(encoder, pictures[::every][:_IMAGES])
    if not codes.reshape(-1, codes.shape[-1]).std(axis=0).any():
        raise ValueError(
            f"`images` must hold images with different codes. Received: {len(pictures)} images"
        )

    values, vectors = np.linalg.eigh(_gain(decoder, codes[:_PROBES]))
    values = np.maximum(values, _LEAST_GAIN * values.max())
    root = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    covariance = np.cov(codes.reshape(-1, codes.shape[-1]).T, ddof=0).reshape(root.shape)
    variances, axes = np.linalg.eigh(root @ covariance @ root)
    axes = axes[:, ::-1]
    forward = root @ axes  # z = y @ forward
    backward = axes.T @ np.linalg.inv(root)

    kernel, bias = before.get_weights()
    before.set_weights([kernel @ forward, bias @ forward])
    kernel, *rest = after.get_weights()
    # The code's channels are the last but one axis of the kernel, Dense and Conv2D alike.
    after.set_weights([backward @ kernel, *rest])
    return np.maximum(variances[::-1], 0.0)


def check_linear_code(model: keras.Model) -> tuple[keras.layers.Layer, keras.layers.Layer]:
    """The layers before and after the code, if new axes can be folded into them.

    Raises:
        ValueError: If the code is not between a linear and any Dense or Conv2D layer.
    """
    encoder, decoder = (_inference.nested(model, name) for name in ("encoder", "decoder"))
    if len(decoder.inputs) > 1:
        raise ValueError(
            "`model` must decode an image from its code alone. "
            f"Received: model={model.name!r}, whose decoder takes skips, too"
        )
    if len(encoder.outputs) > 1 or any(hasattr(x, "encoder_tail") for x in model.layers):
        raise ValueError(
            "`model` must have a deterministic code, not quantised, whose axes are free. "
            f"Received: model={model.name!r}"
        )
    before, after = encoder.layers[-1], decoder.layers[1]
    weighted = (keras.layers.Dense, keras.layers.Conv2D)
    linear = isinstance(before, weighted) and before.activation is keras.activations.linear
    if not (linear and before.use_bias and isinstance(after, weighted)):
        raise ValueError(
            "`model` must have its code between two Dense or Conv2D layers, the first without "
            f"an activation. Received: {before.name!r} ({type(before).__name__}) and "
            f"{after.name!r} ({type(after).__name__})"
        )
    return before, after


def _gain(decoder: keras.Model, codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """E[J^T J] per pixel, from finite differences with the same noise in each channel."""
    channels = codes.shape[-1]
    spread = codes.reshape(-1, channels).std(axis=0)
    sizes = np.maximum(0.05 * spread, 1e-3 * max(float(spread.max()), 1e-6))
    noise = np.random.default_rng(0).normal(size=codes.shape[:-1])
    noise /= np.sqrt(np.square(noise).mean())
    plain = _run(decoder, codes)
    changes = np.empty((channels, plain.size), np.float32)
    for channel in range(channels):
        moved = codes.copy()
        moved[..., channel] += sizes[channel] * noise
        changes[channel] = ((_run(decoder, moved) - plain) / sizes[channel]).ravel()
    return (changes @ changes.T).astype(float) / plain.size


def _run(model: keras.Model, values: NDArray[Any], batch: int = 64) -> NDArray[np.float64]:
    outputs = [
        keras.ops.convert_to_numpy(model(values[i : i + batch].astype(np.float32), training=False))
        for i in range(0, len(values), batch)
    ]
    return np.concatenate(outputs).astype(float)
