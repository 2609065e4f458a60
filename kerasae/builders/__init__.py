"""One architecture, one file, one public builder; `BUILDERS` lists them all.

The registry holds names and facts only, so that listing the architectures imports no
Keras. An entry called `x` finds its builder as `kerasae.builders.x.build_x`.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import keras

__all__ = ["BUILDERS", "Builder", "build"]

Kind = Literal["image", "sequence", "masked", "segmentation", "table", "conditional"]
Group = Literal[
    "codes of few values",
    "features",
    "new images",
    "small files",
    "what is missing or in the way",
    "classes of pixels",
    "tables and sequences",
    "other",
]


@dataclass(frozen=True)
class Builder:
    """An architecture: its builder, and what a user and the contract tests must know.

    Attributes:
        name: Name in `BUILDERS`, of the module, and of the function `build_<name>`.
        kind: What `fit` takes: `fit(x, x)` for `"image"`, `"sequence"` and `"masked"`,
            `fit(rows, rows)` for `"table"`, `fit(x, labels)` for `"segmentation"`,
            `fit((x, labels), x)` for `"conditional"`.
        summary: One line for people.
        paper: The source of the equations.
        variants: Small hyperparameter sets, one per branch of the builder, that the
            contract tests build, train, save and export.
        group: What it is for, by which `kerasae list` sorts.
    """

    name: str
    kind: Kind
    summary: str
    paper: str
    variants: tuple[Mapping[str, Any], ...] = field(default=({},), repr=False)
    group: Group = "other"

    @property
    def function(self) -> Callable[..., keras.Model]:
        """The public builder; importing it imports Keras."""
        module = importlib.import_module(f"kerasae.builders.{self.name}")
        return getattr(module, f"build_{self.name}")

    @property
    def hyperparameters(self) -> Mapping[str, Any]:
        """Names and default values of the builder's own hyperparameters, in order."""
        arguments = self._arguments
        return MappingProxyType(
            {
                argument.arg: ast.literal_eval(default)
                for argument, default in zip(
                    arguments.kwonlyargs, arguments.kw_defaults, strict=True
                )
                if default is not None
            }
        )

    @property
    def passes_on(self) -> str | None:
        """What the hyperparameters are called that it passes on without naming them, if any."""
        rest = self._arguments.kwarg
        return None if rest is None else rest.arg

    @property
    def _arguments(self) -> ast.arguments:
        """The builder's signature, from its source, since importing it would import Keras."""
        source = Path(__file__).with_name(f"{self.name}.py").read_text(encoding="utf-8")
        functions = {n.name: n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)}
        return functions[f"build_{self.name}"].args

    def __call__(self, **hyperparameters: Any) -> keras.Model:
        """Build the compiled model; see the builder's own docstring."""
        return self.function(**hyperparameters)


_NUMBERS: tuple[Mapping[str, Any], ...] = (
    {"name": "pressure", "mean": 1e5, "deviation": 2e3},
    {"name": "speed", "mean": 0.02, "deviation": 0.005},
    {"name": "heat", "mean": -40.0, "deviation": 12.0},
)
"""Columns of the contract tests, of ranges that differ."""

_MIXED = (
    *_NUMBERS[:1],
    {"name": "state", "categories": ("on", "off", "idle")},
    *_NUMBERS[1:],
    {"name": "side", "categories": ("left", "right")},
)

BUILDERS: Mapping[str, Builder] = MappingProxyType(
    {
        builder.name: builder
        for builder in (
            Builder(
                name="undercomplete",
                kind="image",
                group="codes of few values",
                summary="dense layers around a code smaller than the input",
                paper="Hinton & Salakhutdinov (2006), Reducing the Dimensionality of Data "
                "with Neural Networks, Science 313",
                variants=(
                    {"input_shape": (9, 7, 1), "code_size": 8, "hidden": (32, 16)},
                    {"input_shape": (8, 8, 3), "code_size": 6, "hidden": (), "loss": "mse"},
                    {"input_shape": (9, 7, 1), "code_size": 8, "hidden": (32, 16), "tied": True},
                    {"input_shape": (12,), "code_size": 4, "hidden": (24,), "loss": "mse"},
                ),
            ),
            Builder(
                name="overcomplete",
                kind="image",
                group="features",
                summary="a code at least as large as the input, with a regulariser",
                paper="Goodfellow, Bengio & Courville (2016), Deep Learning, section 14.2",
                variants=(
                    {"input_shape": (6, 6, 1), "code_size": 40, "regularizer": None},
                    {"input_shape": (6, 6, 1), "code_size": 36, "regularizer": "l1"},
                    {"input_shape": (10,), "code_size": 12, "regularizer": "l1", "loss": "mse"},
                ),
            ),
            Builder(
                name="sparse",
                kind="image",
                group="features",
                summary="many units, few of them active: L1, KL, top-k or dropout",
                paper="Makhzani & Frey (2013), k-Sparse Autoencoders; Ng (2011), CS294A Lecture "
                "Notes: Sparse Autoencoder",
                variants=(
                    {"input_shape": (8, 8, 1), "code_size": 80, "penalty": "l1"},
                    {"input_shape": (8, 8, 1), "code_size": 80, "penalty": "kl", "beta": 1e-3},
                    {"input_shape": (8, 8, 1), "code_size": 40, "penalty": "topk", "k": 12},
                    {
                        "input_shape": (8, 8, 1),
                        "code_size": 80,
                        "hidden": (64,),
                        "penalty": "dropout",
                        "rate": 0.1,
                    },
                ),
            ),
            Builder(
                name="convolutional",
                kind="image",
                group="codes of few values",
                summary="strided convolutions around a dense or a spatial code",
                paper="Masci, Meier, Ciresan & Schmidhuber (2011), Stacked Convolutional "
                "Auto-Encoders for Hierarchical Feature Extraction, ICANN",
                variants=(
                    {"input_shape": (13, 10, 1), "code_size": 8, "hidden": (8, 8)},
                    {
                        "input_shape": (16, 16, 3),
                        "code_size": 4,
                        "hidden": (8, 8),
                        "loss": "mse",
                        "code": "spatial",
                    },
                    {
                        "input_shape": (11, 14, 1),
                        "code_size": 4,
                        "hidden": (8, 8),
                        "code": "spatial",
                        "upsampling": "resize",
                        "residual": 1,
                        "normalization": "batch",
                    },
                    {"input_shape": (29, 2), "code_size": 4, "hidden": (12, 12), "loss": "mse"},
                    {
                        "input_shape": (7, 9, 8, 1),
                        "code_size": 6,
                        "hidden": (8, 8),
                        "loss": "mse",
                        "upsampling": "resize",
                    },
                ),
            ),
            Builder(
                name="denoising",
                kind="image",
                group="what is missing or in the way",
                summary="learns to undo Gaussian, masking or salt-and-pepper corruption",
                paper="Vincent, Larochelle, Lajoie, Bengio & Manzagol (2010), Stacked Denoising "
                "Autoencoders, JMLR 11",
                variants=(
                    {"input_shape": (12, 12, 1), "code_size": 16, "hidden": (16, 16), "level": 0.2},
                    {
                        "input_shape": (8, 8, 1),
                        "base": "undercomplete",
                        "corruption": "masking",
                        "level": 0.2,
                        "code_size": 12,
                    },
                    {
                        "input_shape": (8, 8, 1),
                        "base": "sparse",
                        "corruption": "salt_and_pepper",
                        "level": 0.1,
                        "code_size": 64,
                    },
                ),
            ),
            Builder(
                name="contractive",
                kind="image",
                group="features",
                summary="a code that hardly answers to small changes of the image",
                paper="Rifai, Vincent, Muller, Glorot & Bengio (2011), Contractive Auto-Encoders: "
                "Explicit Invariance During Feature Extraction, ICML",
                variants=(
                    {"input_shape": (8, 8, 1), "code_size": 40, "weight": 1e-3},
                    {
                        "input_shape": (9, 8, 1),
                        "code_size": 12,
                        "hidden": (32,),
                        "activation": "relu",
                        "loss": "mse",
                        "penalty": "stochastic",
                        "weight": 1e-5,
                    },
                    {
                        "input_shape": (10, 8, 3),
                        "code_size": 16,
                        "hidden": (12, 16),
                        "activation": "relu",
                        "penalty": "stochastic",
                        "network": "convolutional",
                        "tied": False,
                        "weight": 1e-5,
                    },
                ),
            ),
            Builder(
                name="variational",
                kind="image",
                group="new images",
                summary="codes with a distribution: beta, capacity, free bits, or IWAE",
                paper="Kingma & Welling (2014), Auto-Encoding Variational Bayes, ICLR; Burda, "
                "Grosse & Salakhutdinov (2016), Importance Weighted Autoencoders, ICLR",
                variants=(
                    {
                        "input_shape": (8, 8, 1),
                        "code_size": 4,
                        "hidden": (48,),
                        "likelihood": "bernoulli",
                        "warmup_epochs": 2,
                    },
                    {
                        "input_shape": (10, 12, 1),
                        "code_size": 4,
                        "hidden": (8, 16),
                        "likelihood": "gaussian_learned",
                        "capacity": 4.0,
                        "network": "convolutional",
                    },
                    {
                        "input_shape": (8, 8, 3),
                        "code_size": 4,
                        "hidden": (48,),
                        "likelihood": "gaussian",
                        "importance_samples": 3,
                    },
                    {
                        "input_shape": (29, 2),
                        "code_size": 3,
                        "hidden": (12, 12),
                        "network": "convolutional",
                    },
                    {"input_shape": (12,), "code_size": 2, "hidden": (24,)},
                    {
                        "input_shape": (7, 9, 8, 1),
                        "code_size": 4,
                        "hidden": (8, 8),
                        "network": "convolutional",
                    },
                ),
            ),
            Builder(
                name="conditional",
                kind="conditional",
                summary="a variational autoencoder that is told a label: a class, or attributes",
                paper="Sohn, Lee & Yan (2015), Learning Structured Output Representation using "
                "Deep Conditional Generative Models, NeurIPS",
                variants=(
                    {
                        "classes": 3,
                        "input_shape": (10, 8, 1),
                        "code_size": 4,
                        "hidden": (64,),
                        "likelihood": "bernoulli",
                    },
                    {
                        "attributes": 2,
                        "input_shape": (10, 12, 1),
                        "code_size": 4,
                        "hidden": (8, 16),
                        "network": "convolutional",
                    },
                    {
                        "classes": 4,
                        "label_dropout": 0.0,
                        "input_shape": (8, 8, 3),
                        "code_size": 4,
                        "hidden": (48,),
                        "likelihood": "gaussian",
                        "importance_samples": 3,
                    },
                    {"classes": 3, "input_shape": (12,), "code_size": 2, "hidden": (24,)},
                ),
                group="new images",
            ),
            Builder(
                name="vector_quantized",
                kind="image",
                group="new images",
                summary="each position of the code is an index: VQ-VAE, VQ-VAE-2, RQ-VAE, FSQ, LFQ",
                paper="van den Oord, Vinyals & Kavukcuoglu (2017), Neural Discrete Representation "
                "Learning, NeurIPS; Mentzer, Minnen, Agustsson & Tschannen (2024), Finite Scalar "
                "Quantization: VQ-VAE Made Simple, ICLR",
                variants=(
                    {
                        "input_shape": (8, 8, 1),
                        "code_size": 6,
                        "hidden": (16,),
                        "codebook_size": 24,
                    },
                    {
                        "input_shape": (10, 8, 3),
                        "hidden": (12, 16),
                        "quantizer": "fsq",
                        "levels": (5, 4, 7),
                        "upsampling": "resize",
                    },
                    {"input_shape": (12,), "code_size": 6, "hidden": (24,), "codebook_size": 12},
                    {
                        "input_shape": (8, 8, 1),
                        "code_size": 8,
                        "hidden": (16,),
                        "codebook_size": 16,
                        "residual_levels": 2,
                        "gradient": "rotation",
                    },
                    {
                        "input_shape": (8, 8, 1),
                        "code_size": 8,
                        "hidden": (16,),
                        "codebook_size": 16,
                        "groups": 2,
                        "similarity": "cosine",
                    },
                    {
                        "input_shape": (8, 8, 1),
                        "code_size": 6,
                        "hidden": (16,),
                        "codebook_size": 16,
                        "hierarchical": True,
                    },
                    {
                        "input_shape": (8, 8, 1),
                        "hidden": (16,),
                        "quantizer": "lfq",
                        "codebook_size": 64,
                    },
                ),
            ),
            Builder(
                name="rate_distortion",
                kind="image",
                group="small files",
                summary="a quantised code, trained for few bits under an entropy model",
                paper="Ballé, Minnen, Singh, Hwang & Johnston (2018), Variational Image "
                "Compression with a Scale Hyperprior, ICLR",
                variants=(
                    {"input_shape": (16, 16, 3), "code_size": 6, "hidden": (12, 12)},
                    {
                        "input_shape": (8, 8, 1),
                        "code_size": 12,
                        "hidden": (48,),
                        "network": "dense",
                        "lmbda": 0.1,
                    },
                ),
            ),
            Builder(
                name="masked",
                kind="masked",
                group="what is missing or in the way",
                summary="fills holes: rectangles, brush strokes, or writing over the image",
                paper="Pathak, Krähenbühl, Donahue, Darrell & Efros (2016), Context Encoders: "
                "Feature Learning by Inpainting, CVPR",
                variants=(
                    {"input_shape": (12, 10, 1), "code_size": 16, "hidden": (16, 16)},
                    {
                        "input_shape": (8, 8, 3),
                        "code_size": 24,
                        "hidden": (48,),
                        "loss": "mse",
                        "mask": "free_form",
                        "mask_fraction": 0.2,
                        "network": "dense",
                    },
                    {"input_shape": (12,), "code_size": 12, "hidden": (32,), "loss": "mse"},
                    {
                        "input_shape": (29, 2),
                        "code_size": 8,
                        "hidden": (12, 12),
                        "loss": "mse",
                        "mask": "suffix",
                    },
                ),
            ),
            Builder(
                name="masked_transformer",
                kind="masked",
                group="features",
                summary="a transformer that sees a quarter of an image's patches: features by MAE",
                paper="He, Chen, Xie, Li, Dollár & Girshick (2022), Masked Autoencoders Are "
                "Scalable Vision Learners, CVPR",
                variants=(
                    {
                        "input_shape": (8, 8, 1),
                        "code_size": 16,
                        "hidden": (32, 32),
                        "patch_size": 2,
                        "decoder_size": 16,
                        "decoder_hidden": (32,),
                        "mask_fraction": 0.5,
                    },
                    {
                        "input_shape": (6, 9, 3),
                        "code_size": 18,
                        "hidden": (32,),
                        "activation": "relu",
                        "loss": "binary_crossentropy",
                        "patch_size": 3,
                        "heads": 2,
                        "decoder_size": 16,
                        "decoder_hidden": (32, 16),
                        "mask_fraction": 0.5,
                    },
                ),
            ),
            Builder(
                name="segmentation",
                kind="segmentation",
                group="classes of pixels",
                summary="the class of each pixel, by an encoder and decoder with skips between",
                paper="Ronneberger, Fischer & Brox (2015), U-Net, MICCAI; Badrinarayanan, Kendall "
                "& Cipolla (2017), SegNet, IEEE TPAMI 39",
                variants=(
                    {
                        "input_shape": (13, 10, 1),
                        "classes": 3,
                        "hidden": (8, 8),
                        "skips": "pooling",
                        "convolutions": 1,
                    },
                    {
                        "input_shape": (13, 10, 1),
                        "classes": 3,
                        "hidden": (8, 8),
                        "code_size": 12,
                        "loss": "cross_entropy+dice",
                    },
                    {
                        "input_shape": (12, 12, 1),
                        "classes": 3,
                        "hidden": (8,),
                        "skips": None,
                        "normalization": None,
                        "loss": "dice",
                    },
                    {"input_shape": (7, 9, 8, 1), "classes": 3, "hidden": (8,), "convolutions": 1},
                ),
            ),
            Builder(
                name="tabular",
                kind="table",
                group="tables and sequences",
                summary="rows of a table, numbers and categories, on any of the dense ones",
                paper="Hawkins, He, Williams & Baxter (2002), Outlier Detection Using Replicator "
                "Neural Networks, DaWaK; Nazabal, Olmos, Ghahramani & Valera (2020), Handling "
                "Incomplete Heterogeneous Data using VAEs, Pattern Recognition 107",
                variants=(
                    {"columns": _MIXED, "code_size": 4, "hidden": (24,)},
                    {"columns": _NUMBERS, "base": "variational", "code_size": 2, "hidden": (24,)},
                    {"columns": _MIXED, "base": "masked", "code_size": 12, "hidden": (32,)},
                    {
                        "columns": _MIXED,
                        "base": "vector_quantized",
                        "code_size": 8,
                        "hidden": (24,),
                        "codebook_size": 12,
                    },
                    {"columns": _MIXED, "base": "sparse", "code_size": 24, "weight": 1e-3},
                    {"columns": _MIXED, "base": "contractive", "code_size": 12, "weight": 1e-4},
                    {
                        "columns": _MIXED,
                        "base": "denoising",
                        "code_size": 6,
                        "hidden": (24,),
                        "level": 0.1,
                    },
                    {
                        "columns": _MIXED,
                        "base": "variational",
                        "code_size": 3,
                        "hidden": (24,),
                        "importance_samples": 2,
                    },
                ),
            ),
            Builder(
                name="recurrent",
                kind="sequence",
                group="tables and sequences",
                summary="LSTM, GRU or 1-D convolutions around one code for a whole sequence",
                paper="Srivastava, Mansimov & Salakhutdinov (2015), Unsupervised Learning of Video "
                "Representations using LSTMs, ICML; Cho et al. (2014), Learning Phrase "
                "Representations using RNN Encoder-Decoder, EMNLP",
                variants=(
                    {"input_shape": (13, 2), "code_size": 4, "hidden": (12, 12), "cell": "conv1d"},
                    {"input_shape": (8, 1), "code_size": 4, "hidden": (16,), "cell": "lstm"},
                    {"input_shape": (None, 2), "code_size": 4, "hidden": (16, 12), "cell": "gru"},
                    {
                        "input_shape": (8, 2),
                        "code_size": 4,
                        "hidden": (16, 12),
                        "cell": "gru",
                        "loss": "binary_crossentropy",
                    },
                ),
            ),
        )
    }
)
"""Name -> architecture, for all that there are; `kerasae list` shows them with their papers."""


def build(name: str, **hyperparameters: Any) -> keras.Model:
    """Build an architecture by name: `build("undercomplete", ...)` is `build_undercomplete(...)`.

    Args:
        name: A key of `BUILDERS`.
        **hyperparameters: What the builder of that name takes.

    Returns:
        The compiled model, with nested models named `encoder` and `decoder`.

    Raises:
        ValueError: If the name is unknown, or a hyperparameter breaks its rule.
        TypeError: If the builder knows no such hyperparameter.

    Example:
        >>> model = build("undercomplete", input_shape=(8, 8, 1), code_size=4, hidden=(16,))
        >>> model.get_layer("encoder").output_shape
        (None, 4)
    """
    if not isinstance(name, str) or name not in BUILDERS:
        raise ValueError(f"`name` must be one of {', '.join(BUILDERS)}. Received: name={name!r}")
    builder = BUILDERS[name]
    unknown = sorted(set(hyperparameters) - set(builder.hyperparameters))
    if unknown and not builder.passes_on:
        raise TypeError(
            f"`{name}` takes the hyperparameters {', '.join(builder.hyperparameters)}. "
            f"Received: {', '.join(unknown)}"
        )
    return builder(**hyperparameters)
