"""Priors by name, and images from one and the autoencoder whose codes it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments, _inference
from kerasae.priors import codes as codes_
from kerasae.priors.codes import Codes
from kerasae.priors.diffusion import build_diffusion
from kerasae.priors.drawing import INDEX_PRIORS, KINDS, draw, kind_of, shape_of
from kerasae.priors.flow import build_flow
from kerasae.priors.pixelcnn import build_pixelcnn
from kerasae.priors.transformer import build_transformer

__all__ = [
    "PRIORS",
    "build",
    "complete",
    "sample",
    "sample_codes",
]

Floats = NDArray[np.float32]

PRIORS: Mapping[str, Callable[..., keras.Model]] = MappingProxyType(
    dict(
        zip(
            KINDS,
            (build_pixelcnn, build_transformer, build_flow, build_diffusion),
            strict=True,
        )
    )
)
"""The builders by name."""


def build(name: str, codes: Codes, **hyperparameters: Any) -> keras.Model:
    """Build a prior for these codes by its name.

    Args:
        name: `"pixelcnn"` or `"transformer"` for indices, `"flow"` or `"diffusion"` for values.
        codes: What it will be trained on, as `encode` gives them: their shape, the size of the
            codebook or mean and deviation, and the classes of their labels are those of the prior.
        **hyperparameters: What else its builder takes; `classes=None` for one without labels.

    Returns:
        The compiled model.

    Raises:
        ValueError: If the prior is for the other kind of codes, or a hyperparameter breaks its
            rule.
        TypeError: If the builder knows no such hyperparameter.

    Example:
        >>> import numpy as np
        >>> codes = Codes(train=np.random.default_rng(0).normal(size=(50, 4)))
        >>> build("flow", codes, couplings=2).input_shape
        (None, 4)
    """
    _arguments.one_of("name", name, KINDS)
    if not isinstance(codes, Codes):
        raise ValueError(
            "`codes` must be `Codes`, as `priors.encode` gives them. "
            f"Received: {type(codes).__name__}"
        )
    if (name in INDEX_PRIORS) != bool(codes.codebook_size):
        kind = "indices" if codes.codebook_size else "values"
        fitting = INDEX_PRIORS if codes.codebook_size else KINDS[2:]
        raise ValueError(
            f"`name` must be {' or '.join(map(repr, fitting))} for codes of {kind}. "
            f"Received: name={name!r}"
        )
    return PRIORS[name](**{**codes.hyperparameters, **hyperparameters})


def sample_codes(
    prior: keras.Model,
    count: int,
    *,
    labels: ArrayLike | None = None,
    temperature: float = 1.0,
    guidance: float = 1.0,
    steps: int = 50,
    seed: int = 0,
) -> NDArray[Any]:
    """Draw codes from a prior.

    Args:
        prior: A model of `kerasae.priors`.
        count: Number of codes.
        labels: Of a prior with labels: one class for all, classes (count,), -1 where it is missing,
            or vectors (count, classes). None draws without a label.
        temperature: Below 1, indices that are likely become likelier, and values come from a
            smaller normal distribution; 0 takes the likeliest index each time.
        guidance: w of `p(z) (p(z | label) / p(z))^w`: 1 is the prior as it was trained, above it
            codes become more typical of the label and less diverse (Ho & Salimans 2021,
            Classifier-Free Diffusion Guidance). It needs a prior that was trained with
            `label_dropout` above 0.
        steps: Steps of a diffusion model.
        seed: Seed of the draws, which are NumPy's.

    Returns:
        (count, *code_shape), int32 of indices, else float32.

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> from kerasae.priors import build_transformer
        >>> prior = build_transformer(code_shape=(3, 3), codebook_size=8, width=8, blocks=1)
        >>> sample_codes(prior, 5).shape
        (5, 3, 3)
    """
    return draw(
        prior,
        count,
        labels=labels,
        temperature=temperature,
        guidance=guidance,
        steps=steps,
        seed=seed,
    )


def sample(
    prior: keras.Model,
    model: keras.Model,
    count: int,
    *,
    labels: ArrayLike | None = None,
    temperature: float = 1.0,
    guidance: float = 1.0,
    steps: int = 50,
    seed: int = 0,
) -> Floats:
    """Draw codes from a prior, and decode them.

    Args:
        prior: A model of `kerasae.priors`.
        model: The autoencoder whose codes it was trained on.
        count: Number of images.
        labels: As of `sample_codes`.
        temperature: As of `sample_codes`.
        guidance: As of `sample_codes`.
        steps: As of `sample_codes`.
        seed: As of `sample_codes`.

    Returns:
        float32 (count, height, width, channels), values in [0, 1].

    Raises:
        ValueError: If the prior is not one of the model's codes, or an argument breaks its rule.

    Example:
        >>> import kerasae
        >>> from kerasae.priors import build_diffusion
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
        >>> sample(build_diffusion(code_shape=(4,), width=8, blocks=1), model, 3, steps=5).shape
        (3, 8, 8, 1)
    """
    check_pair(prior, model)
    drawn = sample_codes(
        prior,
        count,
        labels=labels,
        temperature=temperature,
        guidance=guidance,
        steps=steps,
        seed=seed,
    )
    return codes_.decode(model, drawn)


def complete(
    prior: keras.Model,
    model: keras.Model,
    images: ArrayLike,
    *,
    keep: float = 0.5,
    labels: ArrayLike | None = None,
    temperature: float = 1.0,
    guidance: float = 1.0,
    seed: int = 0,
) -> Floats:
    """Keep the first rows of the indices of images, draw the others, and decode.

    What is kept of an image is what its upper indices say, which see some pixels below the edge,
    too, as far as the encoder's convolutions reach.

    Args:
        prior: A prior over maps of indices (rows, columns).
        model: The vector-quantised model whose codes it was trained on.
        images: (n, height, width, channels).
        keep: Share of the rows that stay, from 0 to 1; rounded to whole rows.
        labels: As of `sample_codes`.
        temperature: As of `sample_codes`.
        guidance: As of `sample_codes`.
        seed: As of `sample_codes`.

    Returns:
        float32 (n, height, width, channels), values in [0, 1].

    Raises:
        ValueError: If the prior is over other codes, or an argument breaks its rule.

    Example:
        >>> import kerasae
        >>> from kerasae.priors import build_pixelcnn
        >>> images = kerasae.load_images("digits", limit=20).train
        >>> model = kerasae.build_vector_quantized(
        ...     input_shape=(8, 8, 1), hidden=(8,), code_size=4, codebook_size=16
        ... )
        >>> prior = build_pixelcnn(code_shape=(4, 4), codebook_size=16, filters=8, blocks=1)
        >>> complete(prior, model, images[:2]).shape
        (2, 8, 8, 1)
    """
    kind = check_pair(prior, model)
    keep = _arguments.number("keep", keep, low=0.0, closed=True)
    if kind not in INDEX_PRIORS or len(shape_of(prior)) != 2:
        raise ValueError(
            "`prior` must be one over maps of indices, such as `priors.build_transformer` makes. "
            f"Received: prior={prior.name!r} over codes of shape {shape_of(prior)}"
        )
    if keep > 1:
        raise ValueError(f"`keep` must be a share from 0 to 1. Received: keep={keep:g}")
    indices = np.asarray(codes_.encode(model, images))
    rows = round(keep * indices.shape[1])
    known = indices[:, :rows].reshape(len(indices), -1).astype(np.int64)
    drawn = draw(
        prior,
        len(indices),
        labels=labels,
        temperature=temperature,
        guidance=guidance,
        known=known,
        seed=seed,
    )
    return codes_.decode(model, drawn)


def check_pair(prior: keras.Model, model: keras.Model) -> str:
    """The kind of a prior, if it is one of the model's codes.

    Raises:
        ValueError: If it is not.
    """
    kind = kind_of(prior)
    _inference.image_decoder(model)
    size, shape = codes_.codebook_size(model), codes_.code_shape(model)
    known = int(prior.output_shape[-1]) if kind in INDEX_PRIORS else 0
    if known != size or not _inference.fits(shape_of(prior), shape):
        mine = f"{known} indices" if known else "values"
        theirs = f"{size} indices" if size else "values"
        raise ValueError(
            f"`prior` must be one of the codes of `model`, {theirs} of shape {shape}. "
            f"Received: prior={prior.name!r} of {mine} of shape {shape_of(prior)}"
        )
    return kind
