"""Functional models that put back together what a configuration cannot say."""

from __future__ import annotations

from typing import Any

import keras

from kerasae.layers import TransposedDense

__all__ = ["TiedAutoencoder"]


@keras.saving.register_keras_serializable("kerasae")
class TiedAutoencoder(keras.Model):
    """A functional model whose decoder computes with the kernels of its encoder.

    Whenever it is made, by a builder, a reload, or `keras.models.clone_model`, it ties each
    `TransposedDense` of its nested model `decoder` to the layer of that name in `encoder`.
    """

    # Keras revives a functional subclass only if its arguments have these very names.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        encoder = self.get_layer("encoder")
        for layer in self.get_layer("decoder").layers:
            if isinstance(layer, TransposedDense):
                layer.tie(encoder.get_layer(layer.source))
