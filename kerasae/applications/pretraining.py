"""Greedy layer-wise pretraining: a deep autoencoder as a stack of shallow ones."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import keras
import numpy as np
from keras import layers
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments, _inference
from kerasae.data import Images
from kerasae.layers import GaussianCorruption, MaskingCorruption, TransposedDense
from kerasae.training import TrainConfig, train
from kerasae.training.inputs import check_inputs

__all__ = ["pretrain_layerwise"]

_CORRUPTIONS = ("gaussian", "masking")


def pretrain_layerwise(
    model: keras.Model,
    images: Images | ArrayLike,
    config: TrainConfig = TrainConfig(),
    *,
    corruption: Literal["gaussian", "masking"] | None = None,
    level: float = 0.3,
    progress: bool = True,
) -> list[keras.callbacks.History]:
    """Train each layer of a deep dense autoencoder, with its mirror, as a shallow one.

    Layer `i` of the encoder and the layer of the decoder that mirrors it learn
    `min loss(h, g_i(f_i(corrupt(h))))`, where `h` is the image for the first pair, and for the
    others its code after the layers below, already trained (Hinton & Salakhutdinov 2006, with
    autoencoders in place of restricted Boltzmann machines as in Bengio, Lamblin, Popovici &
    Larochelle 2007, Greedy Layer-Wise Training of Deep Networks; with `corruption`, the
    stacked denoising autoencoders of Vincent et al. 2010). The layers are the model's own and
    keep what they learn; call `train` afterwards to fine-tune all of them together.

    Args:
        model: A compiled model of `build_undercomplete`, `build_sparse` or `build_overcomplete`,
            or of `build_denoising` around one of them; tied or not. The last pair is trained
            with the penalty of the model, if it has one. A layer in front of the encoder takes
            no part: name its `corruption` here.
        images: Training and validation images, float32 (n, height, width, channels), or one array
            of them, as for `train`.
        config: How to train each pair; `epochs` is for each.
        corruption: How `h` is corrupted in training. `"masking"` sets a fraction `level` of the
            pixels, or of the values of a code, to 0. `"gaussian"` adds noise of standard
            deviation `level` to an image and clips it to [0, 1]; to a code, which has no fixed
            range, it adds `level` times the standard deviation of the code. None leaves `h` as it
            is.
        level: Strength, see `corruption`; above 0, a fraction at most 1.
        progress: Show a progress bar for each pair.

    Returns:
        The history of each pair, from the images inwards. The first pair is measured by the
        loss of the model, the others by the mean squared error of `h`.

    Raises:
        ValueError: If the model is not a dense autoencoder whose decoder mirrors its encoder, or
            an argument breaks its rule.
        FloatingPointError: If a loss is no longer finite.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=64)
        >>> model = kerasae.build_undercomplete(
        ...     input_shape=images.image_shape, code_size=8, hidden=(32, 16)
        ... )
        >>> histories = pretrain_layerwise(model, images, TrainConfig(epochs=2), progress=False)
        >>> len(histories)
        3
    """
    if corruption is not None:
        _arguments.one_of("corruption", corruption, _CORRUPTIONS)
    level = _arguments.number("level", level, low=0.0)
    if corruption == "masking" and level > 1:
        raise ValueError(f"`level` must be a fraction of the values. Received: level={level}")
    _inference.check_model(model)
    stages = _stages(model)
    compiled = model.get_compile_config() if model.compiled else None
    if not compiled or not compiled.get("loss"):
        raise ValueError(
            f"`model` must be compiled with a loss. Received: model={model.name!r} without one"
        )
    data = check_inputs(model, images, config)

    histories = []
    for i, stage in enumerate(stages):
        if i:
            below = stages[i - 1].encoder
            data = Images(
                train=_codes(below, data.train),
                validation=_codes(below, data.validation),
                test=_codes(below, data.train[:0]),
            )
        shallow = stage.autoencoder(f"pretrain_{i + 1}", data.train, corruption, level)
        optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(model.optimizer))
        shallow.compile(optimizer, loss=compiled["loss"] if i == 0 else "mse")
        histories.append(train(shallow, data, config, progress=progress))
    return histories


class _Stage(NamedTuple):
    """A pair of mirrored layers as models that share them, and the layers between the two."""

    encoder: keras.Model
    between: list[keras.layers.Layer]
    decoder: keras.Model

    def autoencoder(
        self, name: str, inputs: NDArray[np.float32], corruption: str | None, level: float
    ) -> keras.Model:
        """The shallow autoencoder of images, or of codes in the form of images."""
        is_image = len(self.encoder.input_shape) == 4
        entry = keras.Input(inputs.shape[1:], name="image")
        x = entry
        if corruption == "masking":
            x = MaskingCorruption(level, name="corruption")(x)
        elif corruption == "gaussian":
            scale = level if is_image else level * float(inputs.std())
            x = GaussianCorruption(scale, clip=is_image, name="corruption")(x)
        if not is_image:
            x = layers.Flatten(name="flatten")(x)
        for part in (self.encoder, *self.between, self.decoder):
            x = part(x)
        if not is_image:
            x = layers.Reshape(inputs.shape[1:], name="reconstruction")(x)
        return keras.Model(entry, x, name=name)


def _stages(model: keras.Model) -> list[_Stage]:
    """The pairs of mirrored layers, from the images inwards."""
    parts = [layer for layer in model.layers if layer.name in ("encoder", "decoder")]
    weighted = [
        [layer for layer in part.layers if layer.weights]
        for part in parts
        if isinstance(part, keras.Model) and len(part.outputs) == 1
    ]
    inward, outward = (weighted[0], weighted[1][::-1]) if len(weighted) == 2 else ([], [])
    dense = all(isinstance(layer, layers.Dense) for layer in inward) and all(
        isinstance(layer, layers.Dense | TransposedDense) for layer in outward
    )
    reads = [(layer.input.shape[-1], layer.output.shape[-1]) for layer in inward]
    gives = [(layer.output.shape[-1], layer.input.shape[-1]) for layer in outward]
    if not (inward and dense and reads == gives):
        found = ", ".join(f"{x.name!r} ({type(x).__name__})" for x in [*inward, *outward[::-1]])
        raise ValueError(
            "`model` must be an autoencoder of Dense layers whose decoder mirrors its encoder. "
            f"Received: model={model.name!r} with "
            + (f"the layers {found}" if found else "no nested encoder and decoder of one output")
        )
    encoder, decoder = parts
    order = [layer.name for layer in model.layers]
    between = model.layers[order.index("encoder") + 1 : order.index("decoder")]
    borders = [encoder.input, *(layer.input for layer in inward[1:]), encoder.output]
    mirrored = [decoder.output, *(layer.input for layer in outward)]
    return [
        _Stage(
            keras.Model(borders[i], borders[i + 1], name=f"encoder_{i + 1}"),
            between if i == len(inward) - 1 else [],
            keras.Model(mirrored[i + 1], mirrored[i], name=f"decoder_{i + 1}"),
        )
        for i in range(len(inward))
    ]


def _codes(encoder: keras.Model, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a stage makes of images, as float32 (n, units, 1, 1): as images of one column."""
    if len(encoder.input_shape) == 2:
        inputs = inputs.reshape(len(inputs), encoder.input_shape[-1])
    codes = np.empty((len(inputs), encoder.output_shape[-1], 1, 1), np.float32)
    for first in range(0, len(inputs), 512):
        batch: Any = encoder(inputs[first : first + 512], training=False)
        codes[first : first + 512, :, 0, 0] = keras.ops.convert_to_numpy(batch)
    return codes
