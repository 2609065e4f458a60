"""Generation: codes from a prior, a fitted mixture, a line or a grid, decoded to images.

What decodes returns float32 images, the decoder's first output clipped to [0, 1]; `fit_mixture`
and `slerp` work on codes alone. Random codes are drawn by NumPy: one seed gives the same codes on
every backend.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from numbers import Integral
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments, _conditions, _inference
from kerasae_export.images import check_images, check_numbers, why_unit_range

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

__all__ = [
    "change_label",
    "fit_mixture",
    "interpolate",
    "manifold",
    "sample_mixture",
    "sample_prior",
    "slerp",
    "traverse",
]

Floats = NDArray[np.float32]

_BATCH = 128
_REGULARIZATION = 1e-6  # of the mean variance, added to each; keeps covariances invertible


def sample_prior(
    model: keras.Model, count: int, *, seed: int = 0, labels: ArrayLike | None = None
) -> Floats:
    """Decode codes from the standard normal, the prior of a variational autoencoder.

    The codes of any other model have a distribution of their own: see `fit_mixture`, and
    `kerasae.priors`.

    Args:
        model: A model of `build_variational` or `build_conditional`, or another with its layer
            `bound`.
        count: Number of images.
        seed: Seed of the codes.
        labels: Of a conditional model: what the images are to show, one class for all, classes
            (count,), -1 where the label is missing, vectors (count, classes), or attributes. None
            draws without a label.

    Returns:
        float32 (count, height, width, channels), values in [0, 1].

    Raises:
        ValueError: If the model has no prior or takes no labels, or an argument breaks its rule.

    Example:
        >>> import kerasae
        >>> model = kerasae.build_variational(input_shape=(8, 8, 1), code_size=4)
        >>> sample_prior(model, 3).shape
        (3, 8, 8, 1)
    """
    count, seed = _arguments.positive_int("count", count), _arguments.seed(seed)
    condition = _conditions.condition_of(model)
    if condition is not None:
        vectors = _conditions.label_vectors("labels", labels, condition, count)
        shape = tuple(_half(model, "decoder").inputs[0].shape[1:])
        return _told(model, np.random.default_rng(seed).standard_normal((count, *shape)), vectors)
    if labels is not None:
        raise ValueError(
            "`labels` must be None for a model that takes none; `build_conditional` makes one that "
            f"does. Received: model={getattr(model, 'name', model)!r}"
        )
    rng, shape = np.random.default_rng(seed), _fixed_code_shape(model)
    _check_prior(model, "fit the codes with `fit_mixture` and draw with `sample_mixture`")
    return _inference.decode(model, rng.standard_normal((count, *shape)))


def change_label(
    model: keras.Model, images: ArrayLike, labels: ArrayLike | None, new_labels: ArrayLike
) -> Floats:
    """Show images with another label: the code of each stays, and what it is told changes.

    Each image is encoded with its own label, and the code is decoded with the new one, so that a
    digit 3 becomes the 8 of the same hand.

    Args:
        model: A model of `build_conditional`.
        images: (n, height, width, channels).
        labels: What they show, as of `sample_prior`; None where that is not known.
        new_labels: What they are to show, in the same way.

    Returns:
        float32 (n, height, width, channels), values in [0, 1].

    Raises:
        ValueError: If the model is not conditional, or an argument breaks its rule.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=20)
        >>> model = kerasae.build_conditional(classes=10, input_shape=(8, 8, 1), code_size=2)
        >>> change_label(model, images.train, images.train_labels, 8).shape
        (18, 8, 8, 1)
    """
    condition = _conditions.condition_of(model)
    if condition is None:
        raise ValueError(
            "`model` must be conditional, as `build_conditional` makes it. "
            f"Received: model={getattr(model, 'name', type(model).__name__)!r}"
        )
    encoder, argument = _half(model, "encoder"), "images"
    unit = why_unit_range(model)
    values = check_images(argument, images, shape=tuple(encoder.inputs[0].shape[1:]), unit=unit)
    known = _conditions.label_vectors("labels", labels, condition, len(values))
    wanted = _conditions.label_vectors("new_labels", new_labels, condition, len(values))
    codes = [
        keras.ops.convert_to_numpy(encoder([values[part], known[part]], training=False)[0])
        for part in _parts(len(values))
    ]
    return _told(model, np.concatenate(codes), wanted)


def _told(model: keras.Model, codes: NDArray[Any], labels: Floats) -> Floats:
    """Images of codes and label vectors."""
    decoder, made = _half(model, "decoder"), []
    for part in _parts(len(codes)):
        outputs = decoder([codes[part].astype(np.float32), labels[part]], training=False)
        made.append(keras.ops.convert_to_numpy(keras.tree.flatten(outputs)[0]))
    return np.clip(np.concatenate(made), 0, 1)


def _half(model: keras.Model, name: str) -> keras.Model:
    if name not in {layer.name for layer in model.layers}:
        raise ValueError(
            f"`model` must be an autoencoder; of a prior `kerasae.priors.sample` draws. "
            f"Received: model={model.name!r}"
        )
    return model.get_layer(name)


def _parts(count: int) -> list[slice]:
    """Batches."""
    return [slice(first, first + _BATCH) for first in range(0, count, _BATCH)]


def fit_mixture(codes: ArrayLike, components: int = 10, *, seed: int = 0) -> GaussianMixture:
    """Fit a mixture of Gaussians with full covariances to codes.

    Ex-post density estimation (Ghosh, Sajjadi, Vergari, Black & Schölkopf 2020, From Variational
    to Deterministic Autoencoders; 10 components there): it lets a deterministic
    autoencoder generate, and helps a variational one whose codes differ from their prior.

    Args:
        codes: (n, ...), such as those of the training images, flattened to vectors.
        components: Number of Gaussians.
        seed: Seed of the initial components.

    Returns:
        The fitted mixture of scikit-learn.

    Raises:
        ValueError: If there are fewer codes than components, or an argument breaks its rule.

    Example:
        >>> import numpy as np
        >>> codes = np.random.default_rng(0).normal(5.0, 2.0, (1000, 1))
        >>> mixture = fit_mixture(codes, components=1)
        >>> bool(abs(mixture.means_[0, 0] - codes.mean()) < 1e-6)
        True
    """
    from sklearn.mixture import GaussianMixture

    components = _arguments.positive_int("components", components)
    vectors = _arguments.vectors("codes", codes)
    if len(vectors) < max(components, 2):
        raise ValueError(
            f"`codes` must be at least as many as the {components} components, and two. "
            f"Received: {len(vectors)} codes"
        )
    different = len(np.unique(vectors, axis=0))
    if different < components:
        raise ValueError(
            f"`codes` must hold at least as many different ones as the {components} components. "
            f"Received: {different} different codes"
        )
    floor = _REGULARIZATION * float(vectors.var(axis=0).mean())
    mixture = GaussianMixture(
        components,
        covariance_type="full",
        reg_covar=max(floor, 1e-12),
        max_iter=500,
        random_state=_arguments.seed(seed),
    )
    return mixture.fit(vectors)


def sample_mixture(
    model: keras.Model, mixture: GaussianMixture, count: int, *, seed: int = 0
) -> Floats:
    """Decode codes from a mixture that `fit_mixture` made.

    Args:
        model: The model whose codes were fitted.
        mixture: The mixture.
        count: Number of images.
        seed: Seed of the codes; the mixture itself is left as it is.

    Returns:
        float32 (count, height, width, channels), values in [0, 1], components in random order.

    Raises:
        ValueError: If the mixture is not one of the model's codes, or an argument breaks its rule.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=200).train
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
        >>> codes = kerasae.encoder(model).predict(images, verbose=0)
        >>> sample_mixture(model, fit_mixture(codes, 3), 5).shape
        (5, 8, 8, 1)
    """
    count, seed = _arguments.positive_int("count", count), _arguments.seed(seed)
    shape = _fixed_code_shape(model)
    means: Any = getattr(mixture, "means_", ())
    if not hasattr(mixture, "sample") or np.ndim(means) != 2:
        raise ValueError(
            "`mixture` must be a fitted mixture, such as `fit_mixture` makes. "
            f"Received: {type(mixture).__name__}"
        )
    size = np.shape(means)[1]
    if size != math.prod(shape):
        raise ValueError(
            f"`mixture` must be one of codes of {math.prod(shape)} values, which `model` makes. "
            f"Received: a mixture of {size} values"
        )
    source = copy.copy(mixture)
    source.random_state = seed
    codes = source.sample(count)[0]  # sorted by component
    codes = np.random.default_rng(seed).permutation(codes)
    return _inference.decode(model, codes.reshape(count, *shape), "`mixture`")


def interpolate(
    model: keras.Model,
    first: ArrayLike,
    second: ArrayLike,
    *,
    steps: int = 8,
    kind: Literal["linear", "spherical"] = "linear",
) -> Floats:
    """Walk from the code of one image to that of another, and decode each step.

    Args:
        model: A model whose decoder takes nothing but the code.
        first: Image (height, width, channels) to start from.
        second: Image of the same shape to arrive at.
        steps: Number of images, both ends included, at least 2.
        kind: `"linear"`, or `"spherical"`, along a great circle (see `slerp`), which stays at
            the radius where a Gaussian in many dimensions has its mass.

    Returns:
        float32 (steps, height, width, channels); the ends are the reconstructions.

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=20).train
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
        >>> interpolate(model, images[0], images[1], steps=5).shape
        (5, 8, 8, 1)
    """
    steps = _at_least_two("steps", steps)
    _arguments.one_of("kind", kind, ("linear", "spherical"))
    ends = [_inference.check_image(model, x, n) for n, x in (("first", first), ("second", second))]
    a, b = _inference.encode_values(model, np.stack(ends)).astype(float)
    fractions = np.linspace(0, 1, steps)
    walk = slerp if kind == "spherical" else _lerp
    return _inference.decode(model, np.stack([walk(a, b, t) for t in fractions]))


def slerp(first: ArrayLike, second: ArrayLike, fraction: float) -> NDArray[np.float64]:
    """Interpolate two codes along the great circle through their directions.

    `sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b` with `w` the angle between `a` and `b`
    (Shoemake 1985; White 2016, Sampling Generative Networks, section 2.1). Two codes of one norm
    have only codes of that norm between them. Parallel, opposite and zero codes, which lie on no
    single great circle, are interpolated linearly.

    Args:
        first: Code `a` of any shape, taken as one vector.
        second: Code `b` of the same shape.
        fraction: `t`, from 0 at `a` to 1 at `b`.

    Returns:
        float64 of the same shape.

    Raises:
        ValueError: If the shapes differ, or an argument breaks its rule.

    Example:
        >>> slerp([1.0, 0.0], [0.0, 1.0], 0.5).round(4).tolist()
        [0.7071, 0.7071]
    """
    a, b = check_numbers("first", first), check_numbers("second", second)
    fraction = _arguments.finite("fraction", fraction)
    if a.shape != b.shape:
        raise ValueError(
            f"`first` and `second` must have one shape. Received: {a.shape} and {b.shape}"
        )
    if not all(_arguments.moderate(values) for values in (a, b, np.array([fraction]))):
        raise ValueError(
            "`first`, `second` and `fraction` must be finite, below "
            f"{_arguments.LARGEST:g} in size. "
            f"Received: {a.tolist()!r:.80}, {b.tolist()!r:.80} and {fraction:g}"
        )
    norms = np.linalg.norm(a), np.linalg.norm(b)
    cosine = float((a / norms[0] * (b / norms[1])).sum()) if all(norms) else 1.0
    angle = math.acos(min(1.0, max(-1.0, cosine)))
    if math.sin(angle) < 1e-6:
        return _lerp(a, b, fraction)
    weights = np.sin([(1 - fraction) * angle, fraction * angle]) / math.sin(angle)
    return weights[0] * a + weights[1] * b


def traverse(
    model: keras.Model,
    image_or_code: ArrayLike,
    *,
    dimensions: Sequence[int] | None = None,
    steps: int = 7,
    span: float = 3.0,
    deviations: ArrayLike | None = None,
) -> Floats:
    """Vary one dimension of a code at a time: what does each of them mean?

    Dimension `d` takes `steps` values from `z_d - span * s_d` to `z_d + span * s_d`, while the
    others keep those of the code `z` (as in figure 1 of Higgins et al. 2017, beta-VAE). A
    dimension of a spatial code is a channel, moved at all positions.

    Args:
        model: A model whose decoder takes nothing but the code.
        image_or_code: An image (height, width, channels), or a code of the shape that the encoder
            gives; where both shapes are equal it is taken as an image.
        dimensions: Those to vary, from 0; all by default.
        steps: Values of each dimension, at least 2; if odd, the middle one is `z` itself.
        span: How far to go either way, in units of `deviations`, above 0.
        deviations: `s`, (code_size,), such as the standard deviations of the training codes; 1 by
            default, that of the prior.

    Returns:
        float32 (dimensions, steps, height, width, channels).

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> import kerasae, numpy as np
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
        >>> traverse(model, np.zeros(4), dimensions=(0, 2), steps=5).shape
        (2, 5, 8, 8, 1)
    """
    steps = _at_least_two("steps", steps)
    span = _arguments.number("span", span, low=0.0)
    model = _inference.prepared(model)
    given, shape = _arguments.array("image_or_code", image_or_code), _inference.code_shape(model)
    if _inference.fits(given.shape, model.input_shape[1:]):
        image = _inference.check_image(model, given, "image_or_code")
        code = _inference.encode_values(model, image[None])[0]
    elif _inference.fits(given.shape, shape):
        code = check_numbers("image_or_code", given)
    else:
        raise ValueError(
            f"`image_or_code` must be an image {tuple(model.input_shape[1:])} or a code {shape}. "
            f"Received: shape {given.shape}"
        )
    size = code.shape[-1]
    scale = np.ones(size) if deviations is None else check_numbers("deviations", deviations)
    if scale.shape != (size,) or not (np.isfinite(scale) & (scale >= 0)).all():
        raise ValueError(
            f"`deviations` must be {size} finite values, none negative. "
            f"Received: deviations={deviations!r}"
        )
    chosen = _arguments.dimensions("dimensions", dimensions, size)
    shifts = np.zeros((len(chosen), steps, size))
    for row, dimension in enumerate(chosen):
        with np.errstate(over="ignore", invalid="ignore"):  # refused before they are decoded
            shifts[row, :, dimension] = np.linspace(-span, span, steps) * scale[dimension]
    between = (1,) * (code.ndim - 1)  # positions of a spatial code
    codes = code + shifts.reshape(-1, *between, size)
    images = _inference.decode(model, codes, "`image_or_code`, `span` and `deviations`")
    return images.reshape(len(chosen), steps, *images.shape[1:])


def manifold(model: keras.Model, *, size: int = 20, codes: ArrayLike | None = None) -> Floats:
    """Decode a grid over the plane of a code of two values.

    By default the grid is even in probability under the standard normal: coordinate `i` is its
    quantile `(i + 1/2) / size` (Kingma & Welling 2014, figure 4), which is the prior of a
    variational model. With `codes` it is even in space, over their bounding box, for any model.

    Args:
        model: A model with a code of two values.
        size: Images along each side, at least 2.
        codes: (n, 2), such as those of the training images; None for a variational model only.

    Returns:
        float32 (size, size, height, width, channels), laid out like a plot. The first value of
        the code grows from left to right, along the second axis, and the second value from
        bottom to top, against the first axis.

    Raises:
        ValueError: If the code is no pair, there are neither codes nor a prior, or an argument
            breaks its rule.

    Example:
        >>> import kerasae
        >>> model = kerasae.build_variational(input_shape=(8, 8, 1), code_size=2)
        >>> manifold(model, size=5).shape
        (5, 5, 8, 8, 1)
    """
    size, shape = _at_least_two("size", size), _inference.code_shape(model)
    if shape != (2,):
        raise ValueError(
            f"`model` must have a code of two values. Received: codes of shape {shape}"
        )
    if codes is None:
        _check_prior(model, "the grid needs `codes`, such as those of the training images")
        quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / size) for i in range(size)])
        across, up = quantiles, quantiles
    else:
        known = check_numbers("codes", codes)
        if (
            known.ndim != 2
            or known.shape[1] != 2
            or not len(known)
            or not _arguments.moderate(known)
        ):
            raise ValueError(
                f"`codes` must be finite values of the shape (n, 2). Received: shape {known.shape}"
            )
        across, up = np.linspace(known.min(axis=0), known.max(axis=0), size).T
    grid = np.stack(np.meshgrid(across, up[::-1]), axis=-1)  # (size, size, 2)
    images = _inference.decode(model, grid.reshape(-1, 2), "`codes`")
    return images.reshape(size, size, *images.shape[1:])


def _check_prior(model: keras.Model, instead: str) -> None:
    _inference.image_decoder(model)  # what is no autoencoder is told so first
    if _inference.bound(model) is None:
        raise ValueError(
            "`model` must be variational, as no other has a prior to draw codes from; of others "
            f"{instead}. Received: model={model.name!r}"
        )


def _fixed_code_shape(model: keras.Model) -> tuple[int, ...]:
    shape = _inference.code_shape(model)
    if None in shape:
        raise ValueError(f"`model` must have codes of a fixed shape. Received: {shape}")
    return tuple(side for side in shape if side is not None)


def _at_least_two(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 2:
        raise ValueError(f"`{name}` must be an integer above 1. Received: {name}={value!r}")
    return int(value)


def _lerp(
    first: NDArray[np.float64], second: NDArray[np.float64], fraction: float
) -> NDArray[np.float64]:
    return (1 - fraction) * first + fraction * second
