"""Losses, likelihoods and divergences as pure functions of tensors, on any backend.

Those that a model is compiled with are registered classes, thin over the functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

__all__ = [
    "Huber",
    "SegmentationLoss",
    "bernoulli_kl",
    "bernoulli_log_likelihood",
    "bounded_log_variance",
    "contractive_norm",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "importance_weighted_bound",
    "interval_log_probability",
    "perplexity",
    "pixel_cross_entropy",
    "scheduled",
    "sensitivity",
    "soft_dice",
]

SEGMENTATION_LOSSES = ("cross_entropy", "dice", "cross_entropy+dice")

_LOG_2PI = math.log(2 * math.pi)
_LOG_VARIANCES = -10.0, 4.0  # far beyond what a posterior near a standard normal needs


def bernoulli_kl(rho: float, observed: Any, *, epsilon: float = 1e-7) -> Any:
    """KL divergence in nats of Bernoulli(rho) from Bernoulli(observed), elementwise.

    `rho log(rho / observed) + (1 - rho) log((1 - rho) / (1 - observed))`, the sparsity term of
    Ng (2011), CS294A Lecture Notes: Sparse Autoencoder, section 3.

    Args:
        rho: Wanted mean, in (0, 1).
        observed: Tensor of means in [0, 1]; clipped to [epsilon, 1 - epsilon].
        epsilon: See `observed`.

    Returns:
        A tensor of the shape of `observed`, zero where it equals `rho`.

    Example:
        >>> round(float(bernoulli_kl(0.5, [0.25])[0]), 4)
        0.1438
    """
    observed = ops.convert_to_tensor(observed)
    wide = keras.backend.result_type(observed.dtype, "float32")  # float16 has no such epsilon
    q = ops.clip(ops.cast(observed, wide), epsilon, 1 - epsilon)
    return rho * ops.log(rho / q) + (1 - rho) * ops.log((1 - rho) / (1 - q))


def gaussian_kl(mean: Any, log_variance: Any) -> Any:
    """KL divergence in nats of N(mean, variance) from N(0, 1), elementwise.

    `(variance + mean^2 - 1 - log variance) / 2` (Kingma & Welling 2014, Auto-Encoding
    Variational Bayes, appendix B).

    Args:
        mean: Tensor of any shape.
        log_variance: Tensor of the same shape.

    Returns:
        A tensor of the same shape, never negative.

    Example:
        >>> float(gaussian_kl(1.0, 0.0))
        0.5
    """
    mean, log_variance = ops.convert_to_tensor(mean), ops.convert_to_tensor(log_variance)
    return 0.5 * (ops.exp(log_variance) + ops.square(mean) - 1.0 - log_variance)


@keras.saving.register_keras_serializable("kerasae")  # type: ignore[untyped-decorator]
def bounded_log_variance(values: Any) -> Any:
    """Keep a log variance that a network gives between -10 and 4, softly.

    The identity for values, of any shape, from -9 to 3; beyond, `4 - exp(3 - x)` and
    `-10 + exp(x + 9)` flatten out. Else the exponential of one large value ends a training (Chua
    et al. 2018, Deep Reinforcement Learning in a Handful of Trials, appendix A.1, bound alike).

    Example:
        >>> [round(float(bounded_log_variance(x)), 1) for x in (-100.0, -3.0, 100.0)]
        [-10.0, -3.0, 4.0]
    """
    values = ops.convert_to_tensor(values)
    low, high = _LOG_VARIANCES[0] + 1, _LOG_VARIANCES[1] - 1
    below, above = ops.relu(low - values), ops.relu(values - high)
    return ops.clip(values, low, high) + ops.exp(-below) - ops.exp(-above)


def bernoulli_log_likelihood(x: Any, logits: Any) -> Any:
    """Log probability in nats of x under Bernoulli(sigmoid(logits)), elementwise.

    `x * logits - log(1 + exp(logits))`, minus the binary cross-entropy. For x between 0 and 1 it
    is the mean over all binary images whose pixels are 1 with probability x.

    Args:
        x: Tensor of values in [0, 1].
        logits: Tensor of a shape that broadcasts with it.

    Returns:
        A tensor of the common shape.

    Example:
        >>> round(float(bernoulli_log_likelihood(1.0, 0.0)), 4)
        -0.6931
    """
    logits = ops.convert_to_tensor(logits)
    return x * logits - ops.softplus(logits)


def gaussian_log_likelihood(x: Any, mean: Any, log_sigma: Any) -> Any:
    """Log density in nats of x under N(mean, sigma^2), elementwise.

    `-((x - mean) / sigma)^2 / 2 - log sigma - log(2 pi) / 2`.

    Args:
        x: Tensor.
        mean: Tensor of a shape that broadcasts with it.
        log_sigma: Logarithm of the standard deviation, a tensor that broadcasts too.

    Returns:
        A tensor of the common shape.

    Example:
        >>> round(float(gaussian_log_likelihood(0.0, 0.0, 0.0)), 4)
        -0.9189
    """
    mean = ops.convert_to_tensor(mean)
    log_sigma = ops.cast(ops.convert_to_tensor(log_sigma), mean.dtype)
    return -0.5 * ops.square((x - mean) * ops.exp(-log_sigma)) - log_sigma - 0.5 * _LOG_2PI


def importance_weighted_bound(log_weights: Any) -> Any:
    """The bound `log(1/k sum_i w_i)` on log p(x) in nats, over the last axis.

    With `w_i = p(x, z_i) / q(z_i | x)` and `z_i` drawn from q its expectation grows with k from
    the ELBO to log p(x) (Burda, Grosse & Salakhutdinov 2016, Importance Weighted Autoencoders).

    Args:
        log_weights: Tensor (..., k) of `log w_i`.

    Returns:
        A tensor (...).

    Example:
        >>> round(float(importance_weighted_bound([[0.0, 0.0, 0.0]])[0]), 4)
        0.0
    """
    log_weights = ops.convert_to_tensor(log_weights)
    return ops.logsumexp(log_weights, axis=-1) - math.log(log_weights.shape[-1])


def interval_log_probability(lower: Any, upper: Any) -> Any:
    """Logarithm of `sigmoid(upper) - sigmoid(lower)`, elementwise, exact in the tails.

    The mass between two values of which the logits of the cumulative distribution are given,
    as `log sigmoid(upper) + log sigmoid(-lower) + log(1 - exp(lower - upper))`.

    Args:
        lower: Tensor of logits.
        upper: Tensor of the same shape, larger everywhere.

    Returns:
        A tensor of the same shape, below 0.

    Example:
        >>> round(float(interval_log_probability(-200.0, -199.0)), 3)
        -199.459
    """
    width = ops.maximum(ops.convert_to_tensor(upper) - lower, 1e-6)
    inside = ops.log(-ops.expm1(-width))
    return inside - ops.softplus(-ops.convert_to_tensor(upper)) - ops.softplus(lower)


def scheduled(final: float, epochs_seen: Any, epochs: float) -> Any:
    """A value that grows linearly from 0 to `final` over `epochs`, and stays there.

    Args:
        final: Where it ends.
        epochs_seen: Scalar tensor, epochs of training so far, fractions included.
        epochs: How long it takes; 0 begins at `final`.

    Returns:
        A scalar tensor, float32.

    Example:
        >>> float(scheduled(4.0, 2.5, 10))
        1.0
    """
    seen = ops.cast(epochs_seen, "float32")
    return final * (ops.clip(seen / epochs, 0.0, 1.0) if epochs else ops.ones_like(seen))


def pixel_cross_entropy(
    labels: Any,
    logits: Any,
    *,
    class_weights: Sequence[float] | None = None,
    ignored_class: int | None = None,
) -> Any:
    """Cross-entropy in nats of the class of each pixel, the mean over the pixels of each image.

    `sum_p w[y_p] (-log softmax(logits_p)[y_p]) / n` over the `n` pixels whose class is not
    ignored. It is divided by their number and not by the sum of their weights, so that an
    image of rare classes counts for more (Badrinarayanan, Kendall & Cipolla 2017, SegNet).

    Args:
        labels: Tensor (batch, height, width) of whole numbers below `classes`, or `ignored_class`.
        logits: Tensor (batch, height, width, classes).
        class_weights: The weight `w` of each class; None weighs them alike.
        ignored_class: Label of the pixels that do not count.

    Returns:
        A tensor (batch,); 0 for an image without a pixel that counts.

    Example:
        >>> round(float(pixel_cross_entropy([[[1]]], [[[[0.0, 0.0]]]])[0]), 4)
        0.6931
    """
    logits = ops.convert_to_tensor(logits)
    truth, counted = _counted(labels, logits, ignored_class)
    surprise = -ops.sum(truth * ops.log_softmax(logits, axis=-1), axis=-1)
    if class_weights is not None:
        surprise = surprise * ops.sum(truth * ops.convert_to_tensor(class_weights), axis=-1)
    pixels = ops.sum(counted, axis=(1, 2))
    return ops.sum(surprise, axis=(1, 2)) / ops.maximum(pixels, 1.0)


def soft_dice(
    labels: Any, logits: Any, *, ignored_class: int | None = None, smoothing: float = 1.0
) -> Any:
    """One minus the soft Dice coefficient of each image, the mean over the classes.

    `1 - (2 sum_p t_p q_p + s) / (sum_p t_p^2 + sum_p q_p^2 + s)` for each class, with `t` its
    truth, 0 or 1, `q` its softmax, and `s` the smoothing (Milletari, Navab & Ahmadi 2016, V-Net).
    It weighs a small class like a large one; one that an image lacks costs what the model sees
    of it.

    Args:
        labels: Tensor (batch, height, width) of whole numbers below `classes`, or `ignored_class`.
        logits: Tensor (batch, height, width, classes).
        ignored_class: Label of the pixels that do not count.
        smoothing: See above, in pixels, above 0.

    Returns:
        A tensor (batch,) in [0, 1).

    Example:
        >>> certain = [[[[-50.0, 50.0]]]]
        >>> float(soft_dice([[[1]]], certain)[0])
        0.0
    """
    logits = ops.convert_to_tensor(logits)
    truth, counted = _counted(labels, logits, ignored_class)
    found = ops.softmax(logits, axis=-1) * ops.expand_dims(counted, -1)
    overlap = 2 * ops.sum(truth * found, axis=(1, 2))  # (B, classes)
    size = ops.sum(truth + ops.square(found), axis=(1, 2))
    return ops.mean(1 - (overlap + smoothing) / (size + smoothing), axis=-1)


def _counted(labels: Any, logits: Any, ignored_class: int | None) -> tuple[Any, Any]:
    """The classes as one-hot vectors, all 0 where ignored, and 1 for each pixel that counts."""
    labels = ops.cast(labels, "int32")
    counted = ops.ones_like(labels, dtype=logits.dtype)
    if ignored_class is not None:
        counted = ops.cast(ops.not_equal(labels, ignored_class), logits.dtype)
    truth = ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    return truth * ops.expand_dims(counted, -1), counted


@keras.saving.register_keras_serializable("kerasae")
class Huber(keras.losses.Huber):
    """Keras's loss of Huber, which saves its `delta`, as that of Keras 3.15 does not.

    Args:
        like: A loss of Huber, to be like it; by default `delta` and the others say what it is.
        delta: Where the squared error becomes the absolute one.
        **options: What a Keras loss takes: `name`, `reduction` and `dtype`.

    Example:
        >>> import keras
        >>> Huber(keras.losses.Huber(delta=0.25)).get_config()["delta"]
        0.25
    """

    def __init__(
        self, like: keras.losses.Huber | None = None, *, delta: float = 1.0, **options: Any
    ) -> None:
        if like is not None:
            delta, options = like._fn_kwargs["delta"], {**like.get_config(), **options}
        super().__init__(delta=delta, **options)
        self.delta = float(delta)

    def get_config(self) -> dict[str, Any]:
        """What a reload needs."""
        return {**super().get_config(), "delta": self.delta}


@keras.saving.register_keras_serializable("kerasae")
class SegmentationLoss(keras.losses.Loss):
    """What a segmentation model minimises: `pixel_cross_entropy`, `soft_dice`, or another loss.

    Labels are whole numbers (batch, height, width), of any dtype; outputs are logits
    (batch, height, width, classes). The value is a mean over the images of the batch.

    Args:
        kind: `"cross_entropy"`, `"dice"` or `"cross_entropy+dice"`; or a loss of Keras, which
            compares the classes of the pixels, one-hot, with the softmax of the logits.
        class_weights: Of the cross-entropy, see `pixel_cross_entropy`, or likewise of the values
            that the other loss gives for each pixel.
        ignored_class: Label of the pixels that do not count.
        name: Name of the loss.
        **options: What a Keras loss takes: `reduction` and `dtype`.

    Raises:
        ValueError: If there is no such kind.

    Example:
        >>> loss = SegmentationLoss(ignored_class=2)
        >>> round(float(loss([[[1, 2]]], [[[[0.0, 0.0], [9.0, 0.0]]]])), 4)
        0.6931
    """

    target = "labels"  # `kerasae.train` gives it the labels of the images, not the images

    def __init__(
        self,
        kind: str | Callable[[Any, Any], Any] = "cross_entropy",
        *,
        class_weights: Sequence[float] | None = None,
        ignored_class: int | None = None,
        name: str = "segmentation_loss",
        **options: Any,
    ) -> None:
        super().__init__(name=name, **options)
        if kind not in SEGMENTATION_LOSSES and not _is_loss(kind):
            raise ValueError(
                "`kind` must be 'cross_entropy', 'dice' or 'cross_entropy+dice', or a loss of "
                f"Keras. Received: kind={kind!r}"
            )
        self.kind = kind
        self.ignored_class = None if ignored_class is None else int(ignored_class)
        self.class_weights = None if class_weights is None else [float(w) for w in class_weights]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image of a batch."""
        logits, value = ops.convert_to_tensor(y_pred), 0.0
        if self.kind not in SEGMENTATION_LOSSES:
            return self._compare(y_true, logits)
        if "cross_entropy" in self.kind:
            value = value + pixel_cross_entropy(
                y_true, logits, class_weights=self.class_weights, ignored_class=self.ignored_class
            )
        if "dice" in self.kind:
            value = value + soft_dice(y_true, logits, ignored_class=self.ignored_class)
        return value

    def _compare(self, labels: Any, logits: Any) -> Any:
        other = keras.losses.get(self.kind)
        truth, counted = _counted(labels, logits, self.ignored_class)
        values = (other.call if isinstance(other, keras.losses.Loss) else other)(
            truth, ops.softmax(logits, axis=-1)
        )
        if self.class_weights is not None:
            weights = ops.sum(truth * ops.convert_to_tensor(self.class_weights), axis=-1)
            values = values * weights
        if len(values.shape) != len(counted.shape):
            return values  # of an image, or of all
        pixels = ops.maximum(ops.sum(counted, axis=(1, 2)), 1.0)
        return ops.sum(values * counted, axis=(1, 2)) / pixels

    def get_config(self) -> dict[str, Any]:
        """What a reload needs."""
        return {
            **super().get_config(),
            "kind": self.kind if isinstance(self.kind, str) else keras.losses.serialize(self.kind),
            "class_weights": self.class_weights,
            "ignored_class": self.ignored_class,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SegmentationLoss:
        """Make the loss of a configuration, in which `kind` may be one of its own."""
        kind = config["kind"]
        return cls(
            **{**config, "kind": keras.losses.deserialize(kind) if isinstance(kind, dict) else kind}
        )


def _is_loss(kind: Any) -> bool:
    try:
        return callable(keras.losses.get(kind))
    except (TypeError, ValueError):
        return False


def contractive_norm(kernel: Any, code: Any) -> Any:
    """Squared Frobenius norm of the Jacobian of a layer `code = sigmoid(x W + b)`, in closed form.

    `sum_j (h_j (1 - h_j))^2 sum_i W_ij^2` (Rifai, Vincent, Muller, Glorot & Bengio 2011,
    Contractive Auto-Encoders, section 4).

    Args:
        kernel: W, (inputs, code_size).
        code: h, (batch, code_size), the outputs of the layer.

    Returns:
        A tensor (batch,).

    Example:
        >>> float(contractive_norm([[4.0]], [[0.5]])[0])
        1.0
    """
    slopes = ops.square(code * (1.0 - ops.convert_to_tensor(code)))
    return ops.matmul(slopes, ops.sum(ops.square(ops.convert_to_tensor(kernel)), axis=0))


def sensitivity(code: Any, moved: Any, sigma: float) -> Any:
    """Estimate of the squared Frobenius norm of an encoder's Jacobian, from one perturbation.

    `|f(x + sigma e) - f(x)|^2 / sigma^2` with e from the standard normal, whose expectation is
    `|J|_F^2` up to terms in sigma^2 (Rifai et al. 2011, Higher Order Contractive Auto-Encoder,
    use such differences for the next order).

    Args:
        code: f(x), (batch, ...).
        moved: f(x + sigma e), of the same shape.
        sigma: See above.

    Returns:
        A tensor (batch,).

    Example:
        >>> round(float(sensitivity([[1.0, 2.0]], [[1.1, 2.0]], 0.1)[0]), 4)
        1.0
    """
    difference = (ops.convert_to_tensor(moved) - code) / sigma
    return ops.sum(ops.square(difference), axis=tuple(range(1, len(difference.shape))))


def perplexity(counts: Any) -> Any:
    """Exponential of the entropy of a distribution given by counts.

    `exp(-sum_k p_k log p_k)`: the number of values that, used evenly, would be as hard to guess.

    Args:
        counts: Tensor (values,), none negative, their sum above 0.

    Returns:
        A scalar tensor, from 1 to the number of values.

    Example:
        >>> round(float(perplexity([3.0, 3.0, 0.0])), 4)
        2.0
    """
    counts = ops.convert_to_tensor(counts)
    shares = counts / ops.sum(counts)
    return ops.exp(-ops.sum(shares * ops.log(ops.maximum(shares, 1e-12))))
