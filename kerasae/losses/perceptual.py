"""Errors of what another model sees in an image, in place of its pixels."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasae import _arguments

__all__ = ["Perceptual"]

_MOST = 2**24  # bytes of weights that go into the configuration of a model


@keras.saving.register_keras_serializable("kerasae")
class Perceptual(keras.losses.Loss):
    """Mean squared error between features of image and reconstruction.

    `sum_l w_l mean((f_l(x) - f_l(y))^2)` over the outputs `f_l` of a model that is not trained
    (Johnson, Alahi & Fei-Fei 2016, Perceptual Losses for Real-Time Style Transfer): layers of a
    classifier, say, or the encoder of an autoencoder. The pixels alone are `WeightedSum`'s part:
    `WeightedSum([("mse", 1.0), (Perceptual(features), 0.1)])`.

    Args:
        features: A Keras model of images with one output or several, or the path of a `.keras` file
            that holds one. What it wants of pixels, other than values in [0, 1], is a layer of its
            own. A saved autoencoder holds the path; or the model, weights and all, of up to 16 MiB.
        weights: A weight for each output; None weighs them alike, with 1.
        name: Name of the loss.
        **options: What a Keras loss takes: `reduction` and `dtype`.

    Raises:
        ValueError: If `features` is no such model or file, or a weight is no number above 0.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((8, 8, 1))
        >>> edges = keras.layers.Conv2D(4, 3, use_bias=False)(image)
        >>> loss = Perceptual(keras.Model(image, edges))
        >>> images = np.ones((2, 8, 8, 1), np.float32)
        >>> float(loss(images, images))
        0.0
    """

    def __init__(
        self,
        features: keras.Model | str | os.PathLike[str],
        *,
        weights: Sequence[float] | None = None,
        name: str = "perceptual",
        **options: Any,
    ) -> None:
        super().__init__(name=name, **options)
        self.path = os.fspath(features) if isinstance(features, (str, os.PathLike)) else None
        self.features = _model(features)
        outputs = len(self.features.outputs)
        if weights is not None and (np.ndim(weights) != 1 or len(weights) != outputs):
            raise ValueError(
                f"`weights` must have one for each of the {outputs} outputs of `features`. "
                f"Received: weights={weights!r}"
            )
        self.weights = [
            _arguments.number("weights", weight, low=0.0)
            for weight in (weights if weights is not None else [1.0] * outputs)
        ]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image, (batch,)."""
        total = 0.0
        for weight, true, found in zip(
            self.weights, self._seen(ops.stop_gradient(y_true)), self._seen(y_pred), strict=True
        ):
            places = tuple(range(1, len(found.shape)))
            total = total + weight * ops.mean(ops.square(true - found), axis=places)
        return total

    def _seen(self, images: Any) -> list[Any]:
        outputs = self.features(images, training=False)
        return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]

    def get_config(self) -> dict[str, Any]:
        """What a reload needs.

        Raises:
            ValueError: If `features` is a model with weights of more than 16 MiB.
        """
        return {
            **super().get_config(),
            "features": self.path if self.path is not None else _packed(self.features),
            "weights": self.weights,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Perceptual:
        """Make the loss of a configuration, which holds a path or the model."""
        features = config["features"]
        if isinstance(features, dict):
            features = _unpacked(features)
        return cls(**{**config, "features": features})


def _model(features: Any) -> keras.Model:
    if isinstance(features, (str, os.PathLike)):
        if not Path(features).is_file():
            raise ValueError(f"`features` must be a file that exists. Received: {str(features)!r}")
        features = keras.saving.load_model(features, compile=False)
    if not isinstance(features, keras.Model) or len(getattr(features, "inputs", None) or ()) != 1:
        raise ValueError(
            "`features` must be a Keras model with one input, functional or `Sequential`, or the "
            f"path of one. Received: {type(features).__name__}"
        )
    return features


def _packed(model: keras.Model) -> dict[str, Any]:
    """The model as JSON, its weights too."""
    arrays = model.get_weights()
    size = sum(array.nbytes for array in arrays)
    if size > _MOST:
        raise ValueError(
            "`features` must be the path of a `.keras` file where its weights have more than "
            f"16 MiB, so that they are not in every model that is saved. Received: {size:,} bytes"
        )
    buffer = io.BytesIO()
    np.savez_compressed(buffer, *arrays)
    return {
        "model": keras.saving.serialize_keras_object(model),
        "weights": base64.b64encode(buffer.getvalue()).decode("ascii"),
    }


def _unpacked(packed: dict[str, Any]) -> keras.Model:
    model = keras.saving.deserialize_keras_object(packed["model"])
    with np.load(io.BytesIO(base64.b64decode(packed["weights"])), allow_pickle=False) as data:
        model.set_weights([data[f"arr_{i}"] for i in range(len(data.files))])
    return model
