"""What each part of a stored model costs the images, in dB, and which part costs most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.verification.parts import Side

if TYPE_CHECKING:
    import keras

__all__ = ["EDGES", "costs_most", "layer_losses"]

EDGES = "edges"
"""Stands for the input and the output: what is lost with all layers in float32."""

_LEAST = 0.005  # dB; nothing that costs less is named


def layer_losses(
    both: tuple[Side, Side],
    halves: tuple[keras.Model, keras.Model],
    exact: Mapping[str, bytes],
    images: NDArray[np.float32],
) -> dict[str, dict[str, float]]:
    """For each layer of encoder and decoder, the PSNR in dB that it costs as it is stored.

    All other layers then are in float32, so that a layer in float32 costs nothing. With the codes
    and pixels of Keras on the other side, on average over the images.

    Args:
        both: Encoder and decoder as they are stored.
        halves: Encoder and decoder in Keras.
        exact: The bytes of both in float32.
        images: Of the encoder's shape, in [0, 1].
    """
    # The rest of this package runs without Keras.
    from kerasae_export.bundling.layer_losses import Losses, losses_alone
    from kerasae_export.conversion.float_layers import SINGLE
    from kerasae_export.conversion.mixing import Mixer

    measured = Losses(*halves, images)
    found = {}
    for side, half in zip(both, halves, strict=True):
        key = side.part.signature or SINGLE
        mixer = Mixer(side.content, exact[side.name], {key: half}, twins={key: SINGLE})
        alone = losses_alone(mixer, key, measured, side.name)
        every = mixer.mixed({key: mixer.layers(key)})
        edges = round(measured.of(side.name, every, key), 4)
        # What the edges cost is in each of them.
        found[side.name] = {EDGES: edges} | {
            name: round(loss - edges, 4) for name, loss in alone.items()
        }
    return found


def costs_most(losses: Mapping[str, Mapping[str, float]]) -> dict[str, Any] | None:
    """The part that costs most: `part`, `layer` and `loss_db`; None if none costs anything."""
    known = [(loss, part, name) for part, each in losses.items() for name, loss in each.items()]
    loss, part, name = max(known, default=(0.0, "", ""))
    return {"part": part, "layer": name, "loss_db": loss} if loss >= _LEAST else None
