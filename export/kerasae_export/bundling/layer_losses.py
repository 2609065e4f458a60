"""What each layer of a model costs in int8, in dB of the images that are rebuilt."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae_export.conversion.float_layers import SINGLE
from kerasae_export.conversion.mixing import Mixer
from kerasae_export.conversion.split import evenly, predict
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.litemodel import LiteModel

__all__ = ["MIXED_LOSS", "Losses", "choose_float", "losses_alone"]

MIXED_LOSS = 0.05
"""PSNR in dB that the encoder may lose, and the decoder, where layers in float32 are found."""

_FEWEST, _MACS = 8, 2 * 10**11  # images, and multiply-accumulates that more of them may take


class Losses:
    """The loss in PSNR of a stored model, the other side being Keras, on average over the images.

    Not of the pooled PSNR, in which images that are rebuilt badly hide what happens to good ones.

    Args:
        encoder: The encoder in Keras.
        decoder: The decoder in Keras.
        images: Of the encoder's shape, (n, height, width, channels) in [0, 1].
    """

    def __init__(
        self, encoder: keras.Model, decoder: keras.Model, images: NDArray[np.float32]
    ) -> None:
        self._encoder, self._decoder = encoder, decoder
        self._use(images)

    def _use(self, images: NDArray[np.float32]) -> None:
        self._images = images
        self._codes = predict(self._encoder, images)
        self._errors = self._of_each(predict(self._decoder, self._codes))

    def at_most(self, runs: int, content: bytes, key: str) -> None:
        """Take fewer images where the model is large and runs often."""
        macs = Graph(content, key).macs or 0
        count = max(_FEWEST, _MACS // max(macs * runs, 1))
        if count < len(self._images):
            self._use(evenly(self._images, count))

    def of(self, side: str, content: bytes, key: str) -> float:
        """PSNR in dB that a file loses as the encoder or as the decoder.

        Args:
            side: `"encoder"` or `"decoder"`.
            content: The bytes of the file.
            key: Its signature.
        """
        model = LiteModel(content, signature=None if key == SINGLE else key)
        if side == "encoder":
            pixels = predict(self._decoder, model.run(self._images))
        else:
            pixels = model.run(self._codes)
        return float(10 * np.log10(self._of_each(pixels) / self._errors).mean())

    def _of_each(self, pixels: NDArray[Any]) -> NDArray[np.float64]:
        """The mean squared error of each image, that of rounding to 255 levels at least."""
        squares = np.square(np.subtract(self._images, np.clip(pixels, 0, 1), dtype=float))
        return np.asarray(np.maximum(squares.mean(axis=(1, 2, 3)), 1 / 255**2 / 12))


def losses_alone(mixer: Mixer, key: str, measured: Losses, side: str) -> dict[str, float]:
    """For each layer, the PSNR in dB that it costs to have it in int8, and all others in float32.

    Args:
        mixer: The model in both ways.
        key: Its signature.
        measured: What tells the loss.
        side: `"encoder"` or `"decoder"`.
    """
    layers = mixer.layers(key)
    measured.at_most(2 * len(layers), mixer.mixed({}), key)

    def loss(chosen: Collection[str]) -> float:
        return measured.of(side, mixer.mixed({key: chosen}), key)

    return {name: round(loss({*layers} - {name}), 4) for name in layers}


def choose_float(
    mixer: Mixer, key: str, measured: Losses, side: str
) -> tuple[list[str], dict[str, float]]:
    """The layers to keep in float32 so that a model loses at most `MIXED_LOSS`.

    Returns:
        Their names, the one that costs most first; and what each layer costs alone.
    """
    alone = losses_alone(mixer, key, measured, side)
    chosen: list[str] = []
    for name in sorted(alone, key=lambda name: -alone[name]):
        if measured.of(side, mixer.mixed({key: chosen}), key) <= MIXED_LOSS:
            break
        chosen.append(name)
    return chosen, alone
