"""A small diffusion model over continuous codes, which draws them by removing noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import layers, ops

from kerasae import _arguments
from kerasae.layers import ExampleLoss, Noising, TimeFeatures
from kerasae.priors import _assembly, _scaling

__all__ = ["build_diffusion"]

_FEATURES = 64  # of a time
_RANK_OF_MAPS = 3  # (rows, columns, channels)


def build_diffusion(
    *,
    code_shape: Sequence[int] = (16,),
    classes: int | None = None,
    attributes: int | None = None,
    label_dropout: float = 0.1,
    mean: float | Sequence[float] = 0.0,
    deviation: float | Sequence[float] = 1.0,
    network: Literal["dense", "convolutional"] = "dense",
    width: int = 256,
    blocks: int = 4,
    learning_rate: float = 1e-3,
) -> keras.Model:
    """Build a diffusion model over codes of values, such as those of an autoencoder.

    A network sees codes mixed with noise, `z = cos(pi t/2) x + sin(pi t/2) e`, and the time t, and
    learns to tell them apart. Training minimises the mean over the values of a code of

        (v(z, t, label) - (cos(pi t/2) e - sin(pi t/2) x))^2

    (Ho, Jain & Abbeel 2020, Denoising Diffusion Probabilistic Models; in a latent space: Rombach,
    Blattmann, Lorenz, Esser & Ommer 2022, High-Resolution Image Synthesis with Latent Diffusion
    Models; the velocity v: Salimans & Ho 2022). `priors.sample` starts with noise and removes it in
    a few dozen steps (Song, Meng & Ermon 2021); labels that training leaves out let it guide the
    steps towards a label (Ho & Salimans 2021).

    Args:
        code_shape: Shape of a code.
        classes: Number of classes of a label; None for none.
        attributes: Number of values of a label that is no class; None for none.
        label_dropout: Chance that a label is left out in training, from 0 to below 1.
        mean: Mean of the codes, one number or one for each entry of their last dimension.
        deviation: Their standard deviation, in the same way, above 0.
        network: `"dense"`, of the code as one vector, or `"convolutional"`, for a code
            (rows, columns, channels).
        width: Units or filters of each layer.
        blocks: Number of blocks of two layers with a way past them.
        learning_rate: Step size of Adam.

    Returns:
        A compiled model, float32 (batch, *code_shape), and with labels a second input (batch,
        classes), to the error of each code, (batch,). Its nested model `network` takes noisy
        codes that are scaled, times (batch, 1), and labels, and gives v.

    Raises:
        ValueError: If a hyperparameter breaks its rule.

    Example:
        >>> prior = build_diffusion(code_shape=(4,), width=16, blocks=1)
        >>> prior.get_layer("network").output_shape
        (None, 4)
    """
    shape = _arguments.positive_ints("code_shape", code_shape)
    kind = _arguments.one_of("network", network, ("dense", "convolutional"))
    width = _arguments.positive_int("width", width)
    blocks = _arguments.positive_int("blocks", blocks)
    if not shape or (kind == "convolutional" and len(shape) != _RANK_OF_MAPS):
        rule = "(rows, columns, channels) for convolutions" if shape else "positive integers"
        raise ValueError(f"`code_shape` must be {rule}. Received: code_shape={code_shape!r}")
    condition = _assembly.condition(classes, attributes, label_dropout)
    scaling = _scaling.layer(shape, mean, deviation)

    code, given = _assembly.inputs(shape, condition)
    labels = _assembly.told(condition, given)[1:]
    noisy, time, wanted = Noising(name="noising")(scaling(code))
    net = _network(shape, condition, kind == "convolutional", width, blocks)
    found = net([noisy, time, *labels])
    axes = tuple(range(1, len(shape) + 1))
    error = ops.mean(ops.square(ops.cast(found, "float32") - wanted), axis=axes)
    outputs = ExampleLoss(name="likelihood")(error)
    return _assembly.compiled("diffusion", given, outputs, learning_rate)


def _network(
    shape: tuple[int, ...], condition: Any, convolutional: bool, width: int, blocks: int
) -> keras.Model:
    """Noisy codes, times and labels to velocities."""
    noisy, given = _assembly.inputs(shape, condition)
    time = keras.Input((1,), name="time")
    told = layers.Dense(width, activation="silu", name="time_1")(
        TimeFeatures(_FEATURES, name="time_features")(time)
    )
    told = layers.Dense(width, name="time_2")(told)
    for label in given[1:]:
        shown = layers.Dense(width, use_bias=False, name="label_embedding")(label)
        told = layers.Add(name="time_and_label")([told, shown])
    told = layers.Activation("silu", name="told")(told)

    def layer(units: int, name: str, **options: Any) -> keras.layers.Layer:
        if convolutional:
            return layers.Conv2D(units, 3, padding="same", name=name, **options)
        return layers.Dense(units, name=name, **options)

    x = noisy if convolutional else layers.Flatten(name="vector")(noisy)
    size = x.shape[-1]
    x = layer(width, "first")(x)
    wide = (1,) * (len(x.shape) - 2)
    for i in range(1, blocks + 1):
        before = x
        x = layers.LayerNormalization(center=False, scale=False, name=f"norm_{i}")(x)
        film = layers.Dense(2 * width, name=f"scale_and_shift_{i}")(told)
        scale, shift = ops.split(ops.reshape(film, (-1, *wide, 2 * width)), 2, axis=-1)
        x = x * (1 + scale) + shift
        x = layer(width, f"inner_{i}", activation="silu")(x)
        x = layer(width, f"outer_{i}", kernel_initializer="zeros")(x)
        x = layers.Add(name=f"way_past_{i}")([before, x])
    x = layers.LayerNormalization(name="norm")(x)
    x = layer(size, "velocity_values", kernel_initializer="zeros")(x)
    outputs = x if convolutional else layers.Reshape(shape, name="velocity")(x)
    return keras.Model([given[0], time, *given[1:]], outputs, name=_assembly.NETWORK)
