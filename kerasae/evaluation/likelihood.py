"""Bounds on log p(x), estimates of it, and what a variational code uses."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Literal, overload

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from kerasae import _arguments, _inference
from kerasae_export.images import check_numbers

__all__ = ["Elbo", "active_units", "elbo", "negative_log_likelihood"]


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
        images: (n, height, width, channels); binary ones if the likelihood is Bernoulli, since
            for grey ones it is no likelihood.
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
        >>> import kerasae, numpy as np
        >>> images = (kerasae.load_images("digits", limit=50).train > 0.5).astype(np.float32)
        >>> model = kerasae.build_variational(input_shape=(8, 8, 1), code_size=3, hidden=(16,))
        >>> nats = negative_log_likelihood(model, images, samples=100)
        >>> bool(nats < -elbo(model, images, samples=100).elbo)
        True
    """
    log_weights, _ = _Posterior(model, images).sample(samples, seed, batch_size, progress)
    return -log_weights if per_image else float(-log_weights.mean())


_PIXELS = 2**20  # decoded at once: a few megabytes, which the caches of a CPU still hold


class _Posterior:
    """The encoder's Gaussian for each image, and the importance weights of codes drawn from it."""

    def __init__(self, model: keras.Model, images: ArrayLike) -> None:
        bound = _inference.bound(model)
        if bound is None:
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
        self._decoder, self._bound = _inference.nested(model, "decoder"), bound

    def sample(
        self, samples: int, seed: int, batch_size: int | None, progress: bool = False
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For each image, log of the mean weight, and mean of log p(x|z)."""
        samples, seed = _arguments.positive_int("samples", samples), _arguments.seed(seed)
        if batch_size is None:
            batch_size = max(1, _PIXELS // math.prod(self.images.shape[1:]))
        batch_size = _arguments.positive_int("batch_size", batch_size)
        # Either several images with all their samples, or one with some of its samples.
        rounds = math.ceil(samples / batch_size)
        chunk = math.ceil(samples / rounds)
        count = min(max(1, batch_size // samples), len(self.images))
        weigh = _importance_weights(self._decoder, self._bound, chunk)
        weigh.noise.state.assign(keras.random.SeedGenerator(int(seed)).state)

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


class _ImportanceWeights(keras.Model):
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
def _importance_weights(decoder: keras.Model, bound: Any, chunk: int) -> _ImportanceWeights:
    weigh = _ImportanceWeights(decoder, bound, chunk)
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
        means = check_numbers("model_or_means", model_or_means)
    else:
        means = _inference.encode(model_or_means, images, "model_or_means").astype(float)
    threshold = _arguments.number("threshold", threshold, low=0.0, closed=True)
    if means.ndim != 2 or not means.size or not _arguments.moderate(means):
        raise ValueError(
            "`model_or_means` must be a model whose code is a vector, or finite codes (n, "
            f"code_size). Received: codes of shape {means.shape}"
        )
    return int(np.count_nonzero(means.var(axis=0, dtype=float) > threshold))
