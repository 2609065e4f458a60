"""Measures of images, likelihoods, codes and rates, NumPy in and out."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from kerasae import _inference
from kerasae.builders import _arguments

__all__ = [
    "Elbo",
    "RateDistortion",
    "active_units",
    "code_rate",
    "elbo",
    "linear_probe",
    "negative_log_likelihood",
    "psnr",
    "rate_distortion",
    "ssim",
]

_PIXELS = 2**20  # decoded at once: a few megabytes, which the caches of a CPU still hold


def psnr(images: ArrayLike, reconstructions: ArrayLike) -> float:
    """Peak signal-to-noise ratio of a set of images in dB, pooled.

    `-10 log10(MSE)` for a peak of 1, where the mean squared error is taken once over all pixels
    of all images. The mean of each image's own PSNR is another, larger number (Jensen), which
    the easiest images decide: one that is equal makes it infinite.

    Args:
        images: Floating point (n, height, width, channels), values in [0, 1].
        reconstructions: The same shape.

    Returns:
        The ratio in dB; infinity if the images are equal.

    Raises:
        ValueError: If the shapes differ or are not those of images, or the values are integers.

    Example:
        >>> images = np.zeros((2, 8, 8, 1))
        >>> round(psnr(images, images + 0.1), 6)
        20.0
    """
    a, b = _image_pair(images, reconstructions)
    error = float(np.square(np.subtract(a, b, dtype=float)).mean())
    return -10 * math.log10(error) if error else math.inf


def ssim(images: ArrayLike, reconstructions: ArrayLike) -> float:
    """Structural similarity (Wang, Bovik, Sheikh & Simoncelli 2004), the mean over images.

    By scikit-image, with a uniform window of 7 x 7 pixels, or the largest odd window that fits
    into a smaller image, and the mean over channels.

    Args:
        images: Floating point (n, height, width, channels), values in [0, 1], of at least 3 x 3
            pixels.
        reconstructions: The same shape.

    Returns:
        The mean similarity, at most 1, which equal images have.

    Raises:
        ValueError: If the shapes differ or are not those of images of 3 x 3 pixels or more, or
            the values are integers.

    Example:
        >>> images = np.random.default_rng(0).random((2, 8, 8, 1))
        >>> ssim(images, images)
        1.0
    """
    from skimage.metrics import structural_similarity

    a, b = _image_pair(images, reconstructions)
    if min(a.shape[1:3]) < 3:
        raise ValueError(
            f"`images` must have at least 3 x 3 pixels. Received: shape {tuple(a.shape)}"
        )
    window = min(7, *((side - 1) // 2 * 2 + 1 for side in a.shape[1:3]))
    values = [
        structural_similarity(x, y, win_size=window, channel_axis=-1, data_range=1.0)
        for x, y in zip(a, b, strict=True)
    ]
    return float(np.mean(values))


@dataclass(frozen=True, eq=False)
class Elbo:
    """The evidence lower bound and its parts, in nats per image.

    Attributes:
        elbo: `log_likelihood - kl`, which is at most `log p(x)`.
        log_likelihood: `E_q[log p(x|z)]`, summed over pixels.
        kl: `KL(q(z|x) || p(z))`, the rate.
        kl_per_dimension: The same for each dimension of the code, (code_size,).
    """

    elbo: float
    log_likelihood: float
    kl: float
    kl_per_dimension: NDArray[np.float64]


def elbo(
    model: keras.Model,
    images: ArrayLike,
    *,
    samples: int = 1,
    seed: int = 0,
    batch_size: int | None = None,
) -> Elbo:
    """Evidence lower bound of a variational model, averaged over images.

    `E_q[log p(x|z)] - KL(q(z|x) || N(0, I))` (Kingma & Welling 2014), the first term by Monte
    Carlo over the encoder's Gaussian, the second in closed form. It is the bound itself,
    whatever `beta` or other weights the model was trained with.

    Args:
        model: A model of `build_variational`.
        images: (n, height, width, channels).
        samples: Codes drawn for each image.
        seed: Seed of the codes. The same value gives the same result on one backend.
        batch_size: Codes decoded at once, by default about a million pixels' worth; more may
            suit a GPU. It changes which codes are drawn.

    Returns:
        The bound and its parts.

    Raises:
        ValueError: If the model is not variational, or an argument breaks its rule.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=50).train
        >>> model = kerasae.build_variational(input_shape=(8, 8, 1), code_size=3, hidden=(16,))
        >>> measured = elbo(model, images, samples=10)
        >>> measured.elbo == measured.log_likelihood - measured.kl
        True
        >>> measured.kl_per_dimension.shape
        (3,)
    """
    posterior = _Posterior(model, images)
    _, log_likelihood = posterior.sample(samples, seed, batch_size)
    mean, log_variance = posterior.mean.astype(float), posterior.log_variance.astype(float)
    kl = 0.5 * (np.square(mean) + np.exp(log_variance) - 1 - log_variance).mean(axis=0)
    parts = float(log_likelihood.mean()), float(kl.sum())
    return Elbo(parts[0] - parts[1], *parts, kl)


@overload
def negative_log_likelihood(
    model: keras.Model,
    images: ArrayLike,
    *,
    samples: int = ...,
    seed: int = ...,
    batch_size: int | None = ...,
    progress: bool = ...,
    per_image: Literal[False] = ...,
) -> float: ...


@overload
def negative_log_likelihood(
    model: keras.Model,
    images: ArrayLike,
    *,
    samples: int = ...,
    seed: int = ...,
    batch_size: int | None = ...,
    progress: bool = ...,
    per_image: Literal[True],
) -> NDArray[np.float64]: ...


def negative_log_likelihood(
    model: keras.Model,
    images: ArrayLike,
    *,
    samples: int = 5000,
    seed: int = 0,
    batch_size: int | None = None,
    progress: bool = False,
    per_image: bool = False,
) -> float | NDArray[np.float64]:
    """Negative log-likelihood of images under a variational model, by importance sampling.

    `-log (1/K) sum_k p(x|z_k) p(z_k) / q(z_k|x)` with `z_k ~ q(z|x)` (Rezende, Mohamed &
    Wierstra 2014, appendix E; Burda, Grosse & Salakhutdinov 2015, section 5). Its expectation is
    above `-log p(x)` and falls to it with `K`; with one sample it is that of the negative ELBO.

    Args:
        model: A model of `build_variational`.
        images: (n, height, width, channels); binary ones if the likelihood is Bernoulli, as
            otherwise it is none.
        samples: `K`, codes drawn for each image.
        seed: Seed of the codes. The same value gives the same result on one backend.
        batch_size: Codes decoded at once, by default about a million pixels' worth; more may
            suit a GPU. It changes which codes are drawn.
        progress: Show a progress bar.
        per_image: Return the value of each image in place of the mean.

    Returns:
        Nats per image, the mean over the images; or, if asked, float64 (n,).

    Raises:
        ValueError: If the model is not variational, or an argument breaks its rule.

    Example:
        >>> import kerasae
        >>> images = (kerasae.load_images("digits", limit=50).train > 0.5).astype(np.float32)
        >>> model = kerasae.build_variational(input_shape=(8, 8, 1), code_size=3, hidden=(16,))
        >>> nats = negative_log_likelihood(model, images, samples=100)
        >>> bool(nats < -elbo(model, images, samples=100).elbo)
        True
    """
    log_weights, _ = _Posterior(model, images).sample(samples, seed, batch_size, progress)
    return -log_weights if per_image else float(-log_weights.mean())


class _Posterior:
    """The encoder's Gaussian for each image, and the importance weights of codes drawn from it."""

    def __init__(self, model: keras.Model, images: ArrayLike) -> None:
        bounds = [layer for layer in getattr(model, "layers", ()) if layer.name == "bound"]
        if not bounds or not hasattr(bounds[0], "log_likelihood"):
            raise ValueError(
                "`model` must be variational: it must have a layer named 'bound' that knows the "
                f"likelihood. Received: model={getattr(model, 'name', model)!r}"
            )
        encoder = _inference.nested(model, "encoder")
        if len(encoder.outputs) != 2 or any(len(output.shape) != 2 for output in encoder.outputs):
            raise ValueError(
                "`model` must have an encoder that gives mean and log-variance, each (batch, "
                f"code_size). Received: outputs {[tuple(o.shape) for o in encoder.outputs]}"
            )
        self.images = _inference.check_images(model, images)
        self.mean, self.log_variance = _inference.run([encoder], self.images)
        self._decoder, self._bound = _inference.nested(model, "decoder"), bounds[0]

    def sample(
        self, samples: int, seed: int, batch_size: int | None, progress: bool = False
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For each image, log of the mean weight, and mean of log p(x|z)."""
        samples, seed = _arguments.positive_int("samples", samples), _inference.check_seed(seed)
        if batch_size is None:
            batch_size = max(1, _PIXELS // math.prod(self.images.shape[1:]))
        batch_size = _arguments.positive_int("batch_size", batch_size)
        # Either several images with all their samples, or one with some of its samples.
        rounds = math.ceil(samples / batch_size)
        chunk = math.ceil(samples / rounds)
        count = min(max(1, batch_size // samples), len(self.images))
        weigh = _weigh(self._decoder, self._bound, chunk)
        weigh.noise.state.assign(keras.random.SeedGenerator(seed).state)

        log_weights = np.full(len(self.images), -np.inf)
        log_likelihoods = np.zeros(len(self.images))
        columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
        with Progress(*columns, disable=not progress) as bar:
            task = bar.add_task("sampling", total=math.ceil(len(self.images) / count) * rounds)
            for first in range(0, len(self.images), count):
                last = min(first + count, len(self.images))
                # The last image fills the batch, as another shape would be compiled anew.
                which = np.minimum(np.arange(first, first + count), last - 1)
                batch = [self.images[which], self.mean[which], self.log_variance[which]]
                here = np.s_[first:last]
                for i in range(rounds):
                    wanted = np.full(count, min(chunk, samples - i * chunk), np.int32)
                    sums = weigh.predict_on_batch([*batch, wanted])
                    log_weight, log_likelihood = (part[: last - first] for part in sums)
                    log_weights[here] = np.logaddexp(log_weights[here], log_weight)
                    log_likelihoods[here] += log_likelihood
                    bar.advance(task)
        return log_weights - math.log(samples), log_likelihoods / samples


class _Weigh(keras.Model):
    """Draw and weigh `chunk` codes for each image, as one function that the backend compiles.

    Takes images (B, H, W, C), mean and log-variance (B, D), and how many of the chunk count (B,).
    Gives `log sum_k p(x, z_k) / q(z_k|x)` and `sum_k log p(x|z_k)`, each (B,).
    """

    def __init__(self, decoder: keras.Model, bound: Any, chunk: int) -> None:
        super().__init__(name="weigh", dtype="float32")
        self.decoder, self.bound, self.chunk = decoder, bound, chunk
        self.noise = keras.random.SeedGenerator(0)

    def call(self, inputs: Any) -> Any:
        images, mean, log_variance, wanted = inputs
        batch, size = ops.shape(mean)
        shape = (batch, self.chunk, size)
        noise = keras.random.normal(shape, seed=self.noise)
        mean, log_variance = ops.expand_dims(mean, 1), ops.expand_dims(log_variance, 1)
        codes = mean + ops.exp(0.5 * log_variance) * noise  # (B, K, D)
        decoded = self.decoder(ops.reshape(codes, (-1, size)), training=False)
        log_likelihood = self.bound.log_likelihood(ops.repeat(images, self.chunk, axis=0), decoded)
        log_likelihood = ops.reshape(ops.cast(log_likelihood, "float32"), shape[:2])  # (B, K)
        # log p(z) - log q(z|x), where log(2 pi) cancels.
        log_ratio = 0.5 * ops.sum(ops.square(noise) - ops.square(codes) + log_variance, axis=-1)
        counts = ops.expand_dims(ops.arange(self.chunk), 0) < ops.expand_dims(wanted, 1)
        log_weight = ops.where(counts, log_likelihood + log_ratio, -math.inf)
        return (
            ops.logsumexp(log_weight, axis=1),
            ops.sum(ops.where(counts, log_likelihood, 0.0), axis=1),
        )


@functools.lru_cache(maxsize=4)  # a model is often measured again, as it was or trained on
def _weigh(decoder: keras.Model, bound: Any, chunk: int) -> _Weigh:
    weigh = _Weigh(decoder, bound, chunk)
    cpu = not (keras.backend.backend() == "jax" or keras.distribution.list_devices("gpu"))
    # With XLA, TensorFlow was measured to be several times slower on a CPU.
    weigh.compile(optimizer=None, jit_compile=False if cpu else "auto")
    return weigh


def active_units(
    model_or_means: keras.Model | ArrayLike,
    images: ArrayLike | None = None,
    threshold: float = 1e-2,
) -> int:
    """Number of units of a code that respond to the image.

    A unit is active if `Var_x(E_q[z|x]) > threshold` (Burda, Grosse & Salakhutdinov 2015,
    section 5): in a variational model, those that have not collapsed to the prior.

    Args:
        model_or_means: A model whose encoder's first output is the mean of the code, or these
            means, (n, code_size).
        images: (n, height, width, channels) if a model is given, else None.
        threshold: Variance in squared units of the code, 0.01 in the paper.

    Returns:
        The count.

    Raises:
        ValueError: If the shapes are wrong, or images are missing or superfluous.

    Example:
        >>> active_units([[1.0, 0.0], [-1.0, 0.01]])
        1
    """
    if isinstance(model_or_means, keras.Model) != (images is not None):
        raise ValueError(
            "`images` must be given with a model, and only then. "
            f"Received: {type(model_or_means).__name__} and images of {type(images).__name__}"
        )
    if images is None:
        means = np.asarray(model_or_means)
    else:
        means = _inference.encode(model_or_means, images)
    if means.ndim != 2 or not len(means):
        raise ValueError(f"the code must have the shape (n, code_size). Received: {means.shape}")
    return int(np.count_nonzero(means.var(axis=0, dtype=float) > threshold))


def linear_probe(
    train_codes: ArrayLike,
    train_labels: ArrayLike,
    test_codes: ArrayLike,
    test_labels: ArrayLike,
    *,
    validation_codes: ArrayLike | None = None,
    validation_labels: ArrayLike | None = None,
    l2: float | Sequence[float] = 1e-4,
) -> float:
    """Test error of a linear classifier on codes: how plainly they hold the labels.

    A multinomial logistic regression by scikit-learn on codes that are standardised with the
    mean and standard deviation of the training codes. It minimises the mean cross-entropy in
    nats plus `l2 / 2` times the sum of squared weights, a convex problem, so no seed matters.

    Args:
        train_codes: (n, ...), flattened to vectors.
        train_labels: Classes, (n,).
        test_codes: (m, ...).
        test_labels: (m,).
        validation_codes: (k, ...), on which one of several `l2` is chosen.
        validation_labels: (k,).
        l2: Weight of the penalty, or several, of which the one with the least validation error
            is taken, the larger one of equals.

    Returns:
        The share of test codes with a wrong class, from 0 to 1.

    Raises:
        ValueError: If codes and labels do not match, or several `l2` are given without
            validation codes.

    Example:
        >>> codes = np.array([[-2.0], [-1.0], [1.0], [2.0]])
        >>> linear_probe(codes, [0, 0, 1, 1], codes, [0, 0, 1, 0])
        0.25
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train = _labelled("train", train_codes, train_labels)
    test = _labelled("test", test_codes, test_labels, like=train[0])
    if len(np.unique(train[1])) < 2:
        raise ValueError("there must be at least two classes in `train_labels`. Received: one")
    given = [l2] if not isinstance(l2, Iterable) else sorted(l2, reverse=True)
    weights = [_arguments.number("l2", weight, low=0.0) for weight in given]
    if (validation_codes is None) != (validation_labels is None):
        raise ValueError(
            "`validation_codes` and `validation_labels` must be given together. Received: one"
        )
    if not weights or (len(weights) > 1 and validation_codes is None):
        raise ValueError(
            "`l2` must be one weight, or several to choose from by `validation_codes`. "
            f"Received: l2={l2!r}"
        )

    def fit(weight: float) -> Any:
        # scikit-learn's C multiplies the summed loss against half the squared weights.
        regression = LogisticRegression(C=1 / (weight * len(train[0])), max_iter=2000)
        return make_pipeline(StandardScaler(), regression).fit(*train)

    probes = [fit(weight) for weight in weights]
    best = probes[0]
    if validation_codes is not None and validation_labels is not None:
        held_out = _labelled("validation", validation_codes, validation_labels, like=train[0])
        best = max(probes, key=lambda probe: probe.score(*held_out))
    return float(np.mean(best.predict(test[0]) != test[1]))


def code_rate(codes: ArrayLike, step: ArrayLike = 1.0) -> float:
    """Bits per image of codes that are rounded to a step, by their empirical entropy.

    A symbol is `floor(code / step + 0.5)`. The entropy `-sum_s p(s) log2 p(s)` of each channel's
    symbols, over all images and positions, is summed over channels and positions. It is the
    length of an ideal code with one fixed table for each channel, measured on the very codes it
    was made from: tables themselves, files' headers and the gap to other images come on top, and
    what neighbours or channels tell of each other is not used.

    Args:
        codes: (n, ..., channels): n images, with or without positions.
        step: Positive width of a symbol in units of the code: one, or one for each channel.

    Returns:
        Bits per image.

    Raises:
        ValueError: If the codes are no such array of finite values, or a step is not positive.

    Example:
        >>> code_rate([[0.0, 3.0], [1.0, 3.0], [2.0, 3.0], [3.0, 3.0]])
        2.0
    """
    values = np.asarray(codes, float)
    if values.ndim < 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(
            "`codes` must be finite values of the shape (n, ..., channels). "
            f"Received: shape {values.shape}"
        )
    steps = np.asarray(step, float)
    if steps.shape not in ((), values.shape[-1:]) or not ((steps > 0) & np.isfinite(steps)).all():
        raise ValueError(
            f"`step` must be positive, one or one for each of {values.shape[-1]} channels. "
            f"Received: step={step!r}"
        )
    symbols = np.floor(values / steps + 0.5).reshape(-1, values.shape[-1])
    per_symbol = sum(_entropy(channel) for channel in symbols.T)
    return per_symbol * len(symbols) / len(values)


@dataclass(frozen=True)
class RateDistortion:
    """A point of a rate-distortion curve.

    Attributes:
        bits_per_image: Mean over images.
        bits_per_pixel: The same over height times width, whatever the number of channels.
        mse: Mean squared error over all values of all images, in [0, 1].
        psnr: The same in dB, see `psnr`.
    """

    bits_per_image: float
    bits_per_pixel: float
    mse: float
    psnr: float


def rate_distortion(model: keras.Model, images: ArrayLike) -> RateDistortion:
    """Rate and distortion of a model that was trained for both, at its rounded codes.

    The rate is `-log2` of the probability of the rounded code under the learned entropy model
    (Ballé, Laparra & Simoncelli 2017), which is the length of an ideal entropy coder that has
    the same tables. Reconstructions are clipped to [0, 1], as a viewer would.

    Args:
        model: A model of `build_rate_distortion`.
        images: (n, height, width, channels), values in [0, 1].

    Returns:
        Both, averaged over the images.

    Raises:
        ValueError: If the model has no entropy model, or the images do not fit it.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=50).train
        >>> model = kerasae.build_rate_distortion(
        ...     input_shape=(8, 8, 1), code_size=4, hidden=(16,), network="dense"
        ... )
        >>> measured = rate_distortion(model, images)
        >>> measured.bits_per_image == 64 * measured.bits_per_pixel
        True
    """
    layers = [layer for layer in getattr(model, "layers", ()) if layer.name == "bottleneck"]
    if not layers or not hasattr(layers[0], "bits"):
        raise ValueError(
            "`model` must have a layer named 'bottleneck' that knows the bits of a code. "
            f"Received: model={getattr(model, 'name', model)!r}"
        )
    pictures = _inference.check_images(model, images)
    codes = _inference.encode(model, pictures)
    rounding = [layers[0].encoder_tail()] if hasattr(layers[0], "encoder_tail") else []

    def count_bits(codes: Any, *, training: bool) -> Any:
        return layers[0].bits(ops.convert_to_tensor(codes))

    bits = _inference.run([*rounding, count_bits], codes)[0]
    if bits.shape != (len(pictures),):
        raise ValueError(
            "`model` must have a bottleneck that gives the bits of each image, (batch,). "
            f"Received: shape {bits.shape}"
        )
    rebuilt = _inference.decode(model, codes)
    per_image = float(bits.mean(dtype=float))
    return RateDistortion(
        bits_per_image=per_image,
        bits_per_pixel=per_image / math.prod(pictures.shape[1:3]),
        mse=float(np.square(np.subtract(pictures, rebuilt, dtype=float)).mean()),
        psnr=psnr(pictures, rebuilt),
    )


def _image_pair(images: ArrayLike, reconstructions: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    a, b = np.asarray(images), np.asarray(reconstructions)
    if a.ndim != 4 or a.shape != b.shape or not a.size:
        raise ValueError(
            "`images` and `reconstructions` must have one shape (n, height, width, channels). "
            f"Received: shapes {a.shape} and {b.shape}"
        )
    if not all(np.issubdtype(array.dtype, np.floating) for array in (a, b)):
        raise ValueError(
            "`images` and `reconstructions` must be floating point, in [0, 1]. "
            f"Received: {a.dtype} and {b.dtype}"
        )
    return a, b


def _labelled(
    name: str, codes: ArrayLike, labels: ArrayLike, *, like: NDArray[Any] | None = None
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Codes as vectors, and as many labels."""
    x, y = np.asarray(codes, float), np.asarray(labels)
    if x.ndim < 2 or not x.size or y.shape != x.shape[:1]:
        raise ValueError(
            f"`{name}_codes` must have the shape (n, ...) and `{name}_labels` (n,). "
            f"Received: shapes {x.shape} and {y.shape}"
        )
    x = x.reshape(len(x), -1)
    if like is not None and x.shape[1] != like.shape[1]:
        raise ValueError(
            f"`{name}_codes` must have the size of `train_codes`, {like.shape[1]} values. "
            f"Received: {x.shape[1]}"
        )
    return x, y


def _entropy(symbols: NDArray[Any]) -> float:
    """Empirical entropy in bits per symbol."""
    frequencies = np.unique(symbols, return_counts=True)[1] / len(symbols)
    return float(-(frequencies * np.log2(frequencies)).sum())
