"""The tiny models that functions get, each built once."""

from __future__ import annotations

from functools import cache
from typing import Any

import keras

import kerasae

__all__ = ["IMAGE_MODELS", "OTHERS", "RECIPES", "SHAPE", "model", "other_model"]

RECIPES: dict[str, dict[str, Any]] = {
    "undercomplete": {"hidden": (8,), "code_size": 4},
    "undercomplete mse": {"hidden": (), "code_size": 2, "loss": "mse"},
    "undercomplete tied": {"hidden": (8,), "code_size": 4, "tied": True},
    "overcomplete": {"code_size": 70, "regularizer": "l1"},
    "sparse": {"code_size": 20, "penalty": "topk", "k": 3},
    "sparse kl": {"code_size": 20, "penalty": "kl"},
    "convolutional": {"hidden": (4,), "code_size": 2},
    "convolutional spatial": {"hidden": (4, 4), "code_size": 2, "code": "spatial", "loss": "mse"},
    "denoising": {"hidden": (4,), "code_size": 4},
    "contractive": {"code_size": 6},
    "variational": {"hidden": (8,), "code_size": 2, "likelihood": "bernoulli"},
    "variational learned": {"hidden": (8,), "code_size": 2},
    "variational gaussian": {
        "hidden": (4,),
        "code_size": 3,
        "likelihood": "gaussian",
        "network": "convolutional",
    },
    "vector_quantized": {"hidden": (4,), "code_size": 3, "codebook_size": 8},
    "vector_quantized fsq": {"hidden": (4,), "quantizer": "fsq", "levels": (3, 4)},
    "rate_distortion": {"hidden": (8,), "code_size": 4, "network": "dense"},
    "masked": {"hidden": (8,), "code_size": 4, "network": "dense"},
    "segmentation": {"hidden": (4,), "classes": 3, "convolutions": 1},
    "recurrent": {"input_shape": (6, 2), "hidden": (4,), "code_size": 2, "cell": "conv1d"},
}
"""Name -> what the builder gets; all others have images of 8 x 8 x 1."""

SHAPE = (8, 8, 1)


@cache
def model(name: str) -> keras.Model:
    """The tiny model of that name, built once."""
    keras.utils.set_random_seed(0)
    built = kerasae.build(name.split()[0], **{"input_shape": SHAPE, **RECIPES[name]})
    built.trained_for_test = name
    return built


@cache
def other_model(name: str) -> keras.Model:
    """A Keras model that kerasae has not built."""
    entry = keras.Input((8, 8, 1), name="x")
    flat = keras.layers.Flatten()(entry)
    if name == "two inputs":
        second = keras.Input((3,), name="y")
        return keras.Model([entry, second], keras.layers.Concatenate()([flat, second]))
    if name == "two outputs":
        return keras.Model(entry, [flat, keras.layers.Dense(2)(flat)])
    if name == "dense":
        return keras.Sequential([keras.Input((5,)), keras.layers.Dense(5)])
    if name == "unbuilt":
        return keras.Sequential([keras.layers.Dense(5)])
    if name == "encoder":
        return kerasae.encoder(model("undercomplete"))
    if name == "decoder":
        return kerasae.decoder(model("undercomplete"))
    if name == "infinite":
        return keras.Model(entry, keras.layers.Rescaling(1e38)(entry))
    return keras.Model(entry, keras.layers.Conv2D(1, 1, name=name)(entry))


OTHERS = ("two inputs", "two outputs", "dense", "unbuilt", "encoder", "decoder", "plain")

IMAGE_MODELS = tuple(
    name for name in RECIPES if name.split()[0] not in ("segmentation", "recurrent")
)
"""Those that make images of a code alone."""
