"""Calls of builders and layers, and of what takes a model to pieces."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
from hypothesis import strategies as st

import kerasae
from kerasae import layers
from kerasae.builders import BUILDERS, Builder
from random_calls.arguments import ANYTHING, Drawing
from random_calls.models import RECIPES
from random_calls.registry import Call, target

_NUMBER = itertools.count()

HYPERPARAMETERS: dict[str, Any] = {
    "code_size": [1, 3, np.int64(8), 70],
    "hidden": [(), (4,), [5, 4], (np.int32(3),), np.array([4, 3])],
    "activation": ["relu", "elu", "sigmoid", "tanh", "gelu", "linear"],
    "loss": ["binary_crossentropy", "mse"],
    "learning_rate": [1e-3, np.float32(0.01), 1, np.float64(1e-4)],
    "tied": [True, False, np.True_],
    "code_activation": ["linear", "relu", "sigmoid"],
    "kernel_size": [1, 3, np.int64(2)],
    "code": ["dense", "spatial"],
    "upsampling": ["transposed", "resize"],
    "residual": [0, 1, np.int64(1)],
    "normalization": [None, "batch"],
    "network": ["dense", "convolutional"],
    "regularizer": [None, "l1", "kl", "topk", "dropout"],
    "penalty": ["l1", "kl", "topk", "dropout", "exact", "stochastic"],
    "weight": [1e-3, np.float32(0.1)],
    "rho": [0.05, np.float16(0.1)],
    "k": [1, 2, np.int64(3)],
    "rate": [0.1, np.float32(0.5)],
    "base": ["convolutional", "undercomplete", "sparse", "overcomplete"],
    "corruption": ["gaussian", "masking", "salt_and_pepper"],
    "level": [0.1, np.float32(0.3)],
    "clip": [True, False],
    "sigma": [0.1, np.float32(0.01)],
    "likelihood": [None, "bernoulli", "gaussian", "gaussian_learned"],
    "beta": [1.0, 0.5, np.float32(2), 3],
    "capacity": [None, 2.0, np.float32(3)],
    "warmup_epochs": [0, 2, np.int64(1), 0.5],
    "free_bits": [0.0, 0.5, np.float32(0.1)],
    "importance_samples": [1, 3, np.int64(2)],
    "binarize": [True, False],
    "quantizer": ["vq", "fsq", "lfq"],
    "codebook_size": [2, 8, np.int64(16)],
    "residual_levels": [1, 2, np.int64(3)],
    "groups": [1, 2, np.int64(4)],
    "hierarchical": [False, True, np.True_],
    "similarity": ["euclidean", "cosine"],
    "gradient": ["straight_through", "rotation"],
    "entropy_weight": [0.1, 0, np.float32(0.5)],
    "patch_size": [1, 2, np.int64(4)],
    "heads": [1, 2, np.int64(3)],
    "decoder_size": [2, 6, np.int64(8)],
    "decoder_hidden": [(4,), [5, 4], ()],
    "backbone": [None],
    "commitment": [0.25, np.float32(1)],
    "decay": [0.9, np.float32(0.5)],
    "restart": [0.1, 0.0, np.float32(0.2)],
    "levels": [(3, 3), [2, 5], np.array([4, 4])],
    "lmbda": [0.01, np.float32(1)],
    "mask": ["centre", "block", "free_form", "text"],
    "mask_fraction": [0.25, np.float32(0.1)],
    "hole_weight": [1.0, 6, np.float32(2)],
    "classes": [2, 3, np.int64(4)],
    "attributes": [None, 2, np.int64(3)],
    "label_dropout": [0.0, 0.1, np.float32(0.5)],
    "skips": [None, "concat", "pooling"],
    "class_weights": [None, (1.0, 2.0), (1.0, 2.0, 3.0), np.ones(3)],
    "ignored_class": [None, 2, np.int64(3)],
    "convolutions": [1, 2, np.int64(1)],
    "cell": ["lstm", "gru", "conv1d"],
}
SHAPES = [(8, 8, 1), [5, 7, 3], (np.int64(6), 6, 1), (1, 1, 1), (9, 2, 2), np.array([4, 4, 1])]
LENGTHS = [(4, 2), [1, 1], (np.int64(5), 3)]


def _hyperparameters(draw: Drawing, builder: Builder) -> dict[str, Any]:
    names = [name for name in builder.hyperparameters if name != "input_shape"]
    if builder.passes_on:
        names += draw.sure(st.lists(st.sampled_from(sorted(HYPERPARAMETERS)), max_size=1))
    chosen = draw.sure(st.lists(st.sampled_from(sorted(set(names))), max_size=5, unique=True))
    options = {name: draw(HYPERPARAMETERS.get(name, ANYTHING)) for name in chosen}
    if builder.name in (
        "rate_distortion",
        "masked",
        "masked_transformer",
        "vector_quantized",
        "segmentation",
    ):
        options.setdefault("hidden", (4,))  # the defaults are slow
    options["input_shape"] = draw(LENGTHS if builder.kind == "sequence" else SHAPES)
    return options


def _forward(model: keras.Model) -> Any:
    """What the model makes of random inputs, and what its encoder makes of them."""
    rng = np.random.default_rng(0)
    parts = [rng.random((2, *entry.shape[1:])).astype(np.float32) for entry in model.inputs]
    values = parts if len(parts) > 1 else parts[0]
    return (
        model(values, training=False),
        kerasae.encoder(model)(values),
        model(values, training=True),
    )


def _builder(builder: Builder) -> None:
    known = (*HYPERPARAMETERS, "input_shape", "strengths", "network_options", *BUILDERS)

    @target(f"kerasae.build_{builder.name}", batch=5, strict=False, names=known)
    def _(draw: Drawing) -> Call:
        function = getattr(kerasae, f"build_{builder.name}")
        return Call(function, (), _hyperparameters(draw, builder), _forward)


for _each in BUILDERS.values():
    _builder(_each)


@target("kerasae.build", batch=5, strict=False, names=(*HYPERPARAMETERS, "input_shape", *BUILDERS))
def _(draw: Drawing) -> Call:
    name = draw(sorted(BUILDERS))
    builder = BUILDERS.get(name) if isinstance(name, str) else None
    options = _hyperparameters(draw, builder or BUILDERS["undercomplete"])
    return Call(kerasae.build, (name,), options, _forward)


@target("kerasae.Builder")
def _(draw: Drawing) -> Call:
    builder = draw.sure(list(BUILDERS.values()))
    return Call(
        lambda: (builder.hyperparameters, builder.passes_on, builder.summary), then=lambda _: 0
    )


@target("kerasae.encoder", batch=5)
def _(draw: Drawing) -> Call:
    return Call(
        kerasae.encoder,
        (draw.model(*RECIPES),),
        draw.some(tail=draw.flag),
        lambda m: m.count_params(),
    )


@target("kerasae.decoder", batch=5)
def _(draw: Drawing) -> Call:
    return Call(kerasae.decoder, (draw.model(*RECIPES),), {}, lambda m: m.count_params())


@target("kerasae.inference_model", batch=5)
def _(draw: Drawing) -> Call:
    return Call(kerasae.inference_model, (draw.model(*RECIPES),), {}, lambda m: m.count_params())


@target("kerasae.build_classifier", batch=4)
def _(draw: Drawing) -> Call:
    names = [n for n in RECIPES if n.split()[0] not in ("vector_quantized", "segmentation")]
    from random_calls.models import model as pool_model

    good = st.builds(lambda n: kerasae.encoder(pool_model(n)), st.sampled_from(names))
    options = {"classes": draw.whole()} | draw.some(frozen=draw.flag, learning_rate=draw.number)
    return Call(kerasae.build_classifier, (draw(good),), options, lambda m: m.count_params())


@target("kerasae.decorrelate_code", batch=4, strict=False)
def _(draw: Drawing) -> Call:
    built = draw(
        st.builds(
            lambda name: kerasae.build(name.split()[0], input_shape=(8, 8, 1), **RECIPES[name]),
            st.sampled_from(
                [
                    "undercomplete",
                    "convolutional",
                    "convolutional spatial",
                    "variational",
                    "rate_distortion",
                    "sparse",
                ]
            ),
        )
    )
    return Call(kerasae.decorrelate_code, (built, draw.images((2, 30))))


QUANTIZERS = [
    [layers.VectorQuantizer(4), layers.VectorQuantizer(4)],
    (layers.VectorQuantizer(3), layers.VectorQuantizer(3), layers.VectorQuantizer(3)),
]
LAYERS: dict[str, dict[str, Any]] = {
    "AffineCoupling": {
        "hidden": [(3,), [2, 2], ()],
        "bound": [2.0, np.float32(1)],
        "seed": [0, np.int64(3)],
    },
    "Binarization": {"seed": [None, 3, np.int64(1)]},
    "CausalBlock": {"heads": [1, np.int64(2)], "dropout": [0.0, np.float32(0.1)]},
    "Condition": {
        "classes": [None, 3, np.int64(4)],
        "attributes": [None, 2],
        "dropout": [0.0, np.float32(0.1)],
        "seed": [None, 3],
    },
    "Distortion": {"lmbda": [0.1, np.float32(1)]},
    "EntropyBottleneck": {
        "step": [0.1, np.float32(1)],
        "filters": [(3,), [2, 2]],
        "spread": [10.0, 1],
        "seed": [None, 2],
    },
    "ExampleLoss": {},
    "ExactContraction": {"weight": [0.1], "source": ["code"]},
    "FiniteScalarQuantizer": {"levels": [(3, 4), [3], np.array([5, 5])]},
    "GaussianCorruption": {
        "level": [0.1, np.float32(0.3)],
        "clip": [True, False],
        "seed": [None, 1],
    },
    "GroupedVectorQuantizer": {"quantizers": QUANTIZERS},
    "HiddenPatches": {"tokens": [4, np.int64(9)], "visible": [1, np.int64(4)]},
    "KLSparsity": {"rho": [0.1, np.float32(0.2)], "beta": [0.1]},
    "L1Sparsity": {"weight": [0.1, np.float32(0.2)]},
    "LookupFreeQuantizer": {
        "bits": [1, np.int64(3)],
        "commitment": [0.2],
        "entropy_weight": [0, np.float32(0.1)],
    },
    "IndexLikelihood": {},
    "LearnedPositions": {},
    "MaskingCorruption": {"level": [0.1, np.float32(0.3)], "seed": [None, 1]},
    "Noising": {"seed": [None, 1, np.int64(2)]},
    "Perturbation": {"level": [0.1, np.float32(0.3)], "seed": [None, 1]},
    "RandomPatches": {
        "grid": [(2, 2), [3, np.int64(2)]],
        "patch_size": [1, np.int64(2)],
        "fraction": [0.5, np.float32(0.75)],
        "hole_weight": [2.0],
        "seed": [None, 1],
    },
    "ResidualVectorQuantizer": {"quantizers": QUANTIZERS},
    "RandomHoles": {
        "kind": ["block", "text"],
        "fraction": [0.2],
        "count": [3, np.int64(2)],
        "hole_weight": [2.0],
        "seed": [0, np.int64(3)],
    },
    "RepeatedLabels": {"samples": [1, np.int64(3)]},
    "SaltAndPepper": {"level": [0.1, np.float32(0.3)], "seed": [None, 1]},
    "Sampling": {"samples": [1, np.int64(2)], "seed": [None, 1]},
    "TimeFeatures": {"size": [2, np.int64(8)]},
    "StochasticContraction": {"weight": [0.1], "sigma": [0.1, np.float32(0.01)]},
    "TransposedDense": {
        "units": [3, np.int64(2)],
        "source": ["dense"],
        "activation": [None, "relu"],
    },
    "VariationalBound": {
        "likelihood": ["bernoulli", "gaussian", "gaussian_learned"],
        "sigma": [0.1],
        "beta": [1, np.float32(2)],
        "capacity": [None, 2.0],
        "warmup_epochs": [0, 1],
        "free_bits": [0.0, 0.1],
        "samples": [1, 2],
    },
    "TwoLevelQuantizer": {"quantizers": QUANTIZERS},
    "VectorQuantizer": {
        "similarity": ["euclidean", "cosine"],
        "gradient": ["straight_through", "rotation"],
        "codebook_size": [4, np.int64(8)],
        "commitment": [0.2],
        "decay": [0.9],
        "restart": [0.1, 0],
        "seed": [None, 1],
    },
}
_REQUIRED = {
    "level",
    "units",
    "source",
    "quantizers",
    "tokens",
    "visible",
    "grid",
    "patch_size",
}  # without a default


def _layer(name: str) -> None:
    kind = getattr(layers, name)

    def again(layer: keras.layers.Layer) -> int:
        """From its configuration, twice, as Keras saves it."""
        config = keras.saving.serialize_keras_object(layer)
        keras.saving.deserialize_keras_object(config)
        return 0

    @target(f"kerasae.layers.{name}", strict=False)
    def _(draw: Drawing) -> Call:
        options = {
            n: draw(g)
            for n, g in LAYERS[name].items()
            if n in _REQUIRED or draw.sure(st.booleans())
        }
        return Call(kind, (), options, again)


for _name in LAYERS:
    _layer(_name)
