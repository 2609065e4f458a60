"""The two layers of a variational autoencoder: draw a code, and bound the likelihood."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from kerasae import _arguments
from kerasae.layers.objective import LossLayer, RandomLayer
from kerasae.losses.likelihoods import (
    bernoulli_log_likelihood,
    gaussian_kl,
    gaussian_log_likelihood,
    importance_weighted_bound,
)
from kerasae.losses.penalties import scheduled

__all__ = ["LIKELIHOODS", "Binarization", "Sampling", "VariationalBound"]

LIKELIHOODS = ("bernoulli", "gaussian", "gaussian_learned")
_LOG_SIGMAS = -6.0, 6.0  # the first is below a grey level of 256, so that no density runs away


@keras.saving.register_keras_serializable("kerasae")
class Binarization(RandomLayer):
    """Draw binary pixels in training, each 1 with the probability that its grey value gives.

    A new draw for each image and step (dynamic binarisation: Salakhutdinov & Murray 2008);
    the identity at inference. `train` draws in validation too, the same pixels each time.

    Args:
        seed: Seed of the draws; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(self, *, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.seed = _arguments.seed_or_none(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Binarise float images in [0, 1] (batch, height, width, channels) if `training`."""
        if not self.draws(training):
            return inputs
        chance = keras.random.uniform(ops.shape(inputs), dtype="float32", seed=self.seed_generator)
        return ops.cast(chance < inputs, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The seed."""
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("kerasae")
class Sampling(RandomLayer):
    """Draw codes from N(mean, variance) in training; pass the mean on at inference.

    `z = mean + exp(log_variance / 2) * e`, e from the standard normal (the reparameterisation
    of Kingma & Welling 2014). `train` draws in validation too, the same e each time.

    Args:
        samples: Codes drawn for each image; those of an image follow one another in the batch.
        seed: Seed of the draws; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(self, samples: int = 1, *, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.samples = _arguments.positive_int("samples", samples)
        self.seed = _arguments.seed_or_none(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, mean: Any, log_variance: Any, training: bool = False) -> Any:
        """(batch, code_size), twice, to (batch * samples, code_size), or (batch, code_size)."""
        if not self.draws(training):
            return mean
        if self.samples > 1:
            mean = ops.repeat(mean, self.samples, axis=0)
            log_variance = ops.repeat(log_variance, self.samples, axis=0)
        noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise

    def get_config(self) -> dict[str, Any]:
        """Samples and seed."""
        return {**super().get_config(), "samples": self.samples, "seed": self.seed}


def _between_log_sigmas(value: Any) -> Any:
    return ops.clip(value, *_LOG_SIGMAS)


@keras.saving.register_keras_serializable("kerasae")
class VariationalBound(LossLayer, RandomLayer):
    """Add the negative bound on log p(x) to the loss, and pass the reconstruction on.

    In nats for each image, summed over its values and averaged over the batch:

    - `-E[log p(x | z)] + beta * KL`, KL of q(z | x) from the standard normal (Kingma & Welling
      2014; beta: Higgins et al. 2017, beta-VAE);
    - with `capacity` C: `-E[log p(x | z)] + beta * |KL - C|` (Burgess et al. 2018);
    - with `free_bits` f: each dimension costs at least f nats on average over the batch
      (Kingma et al. 2016, Improving Variational Inference with Inverse Autoregressive Flow);
    - with `samples` above 1: the importance weighted bound (Burda et al. 2016), whose
      `log p(z) - log q(z | x)` beta multiplies.

    In training beta, or C if there is one, grows over the first `warmup_epochs` from 0; otherwise
    both have their final value. `train` validates with codes that are drawn, the same each time:
    its `val_loss` is the bound, and compares epochs. At inference z is the mean, and the loss, such
    as that of `evaluate`, is no bound. The parts of the loss are in `parts` after each call.

    Args:
        likelihood: p(x | z): `"bernoulli"` on logits; `"gaussian"` of fixed `sigma`;
            `"gaussian_learned"`, where one sigma for all values is learned with the weights
            (Rybkin, Daniilidis & Levine 2021), in training between e^-6 and e^6.
        sigma: Standard deviation of the Gaussian, or where it starts.
        beta: Factor of the divergence.
        capacity: C in nats, or None.
        warmup_epochs: See above.
        free_bits: f in nats a dimension.
        samples: Codes for each image in training, as drawn by `Sampling`.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    def __init__(
        self,
        likelihood: str = "bernoulli",
        *,
        sigma: float = 0.1,
        beta: float = 1.0,
        capacity: float | None = None,
        warmup_epochs: float = 0,
        free_bits: float = 0.0,
        samples: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.likelihood = _arguments.one_of("likelihood", likelihood, LIKELIHOODS)
        self.sigma = _arguments.number("sigma", sigma, low=0.0)
        self.beta = _arguments.number("beta", beta, low=0.0, closed=True)
        self.capacity = None
        if capacity is not None:
            self.capacity = _arguments.number("capacity", capacity, low=0.0, closed=True)
        self.warmup_epochs = _arguments.number("warmup_epochs", warmup_epochs, low=0.0, closed=True)
        self.free_bits = _arguments.number("free_bits", free_bits, low=0.0, closed=True)
        self.samples = _arguments.positive_int("samples", samples)
        names = ["reconstruction", "kl", "beta"] + ["capacity"] * (capacity is not None)
        self.part_names = (*names, *["sigma"] * (likelihood == "gaussian_learned"))
        self.steps = self._counter("steps", 0)
        self.steps_per_epoch = self._counter("steps_per_epoch", np.inf)  # `fit` says how many
        self.log_sigma = None
        if likelihood == "gaussian_learned":
            self.log_sigma = self.add_weight(
                shape=(),
                initializer=keras.initializers.Constant(np.log(self.sigma)),
                constraint=_between_log_sigmas,
                name="log_sigma",
            )

    def _counter(self, name: str, value: float) -> Any:
        initializer = keras.initializers.Constant(value)
        return self.add_weight(
            shape=(),
            dtype="float32",
            initializer=initializer,
            trainable=False,
            aggregation="only_first_replica",
            name=name,
        )

    def call(
        self,
        image: Any,
        mean: Any,
        log_variance: Any,
        code: Any,
        reconstruction: Any,
        logits: Any = None,
        training: bool = False,
    ) -> Any:
        """Bound log p(image).

        Args:
            image: What is to be explained, (batch, height, width, channels).
            mean: Of q(z | x), (batch, code_size).
            log_variance: Of q(z | x), (batch, code_size).
            code: z as `Sampling` gave it, (batch * samples, code_size).
            reconstruction: First output of the decoder, (batch * samples, height, width, channels).
            logits: Second output, which only `"bernoulli"` needs.
            training: Whether codes were drawn and schedules move on.

        Returns:
            A reconstruction for each image, the one of its first code.
        """
        samples = self.samples if self.draws(training) else 1
        seen = self.steps / self.steps_per_epoch if training else self.warmup_epochs
        if training:
            # By the batch, not by 1: TensorFlow would count the attempt that finds no more data.
            self.steps.assign_add(ops.cast(ops.minimum(ops.shape(mean)[0], 1), "float32"))
        rising = ops.cast(scheduled(1.0, seen, self.warmup_epochs), self.compute_dtype)
        beta = self.beta * (rising if self.capacity is None else 1.0)

        parameters = reconstruction if logits is None else logits
        log_likelihood = self._log_likelihood(image, parameters, samples)  # (B, samples)
        divergence = gaussian_kl(mean, log_variance)  # (B, code_size)
        bound = None
        if samples > 1:
            ratio = self._log_ratio(mean, log_variance, code, samples)  # (B, samples)
            bound = importance_weighted_bound(log_likelihood + beta * ratio)  # (B,)

        def objective(average: Any) -> Any:
            kl, distortion = average(divergence), -average(ops.mean(log_likelihood, axis=1))
            if bound is not None:
                loss = -average(bound)
            elif self.capacity is not None:
                loss = distortion + beta * ops.abs(ops.sum(kl) - rising * self.capacity)
            else:
                loss = distortion + beta * ops.sum(ops.maximum(kl, self.free_bits))
            parts = {"reconstruction": distortion, "kl": ops.sum(kl), "beta": beta}
            if self.capacity is not None:
                parts["capacity"] = rising * self.capacity
            if self.log_sigma is not None:
                parts["sigma"] = ops.exp(self.log_sigma)
            return loss, parts

        self.add_objective(objective)
        if samples > 1:
            shape = (-1, samples, *reconstruction.shape[1:])
            reconstruction = ops.reshape(reconstruction, shape)[:, 0]
        return reconstruction

    def log_likelihood(self, images: Any, decoder_outputs: Any) -> Any:
        """Give log p(x | z) in nats, summed over the values of each image.

        Args:
            images: (batch, height, width, channels).
            decoder_outputs: What the decoder makes of one code for each image.

        Returns:
            A tensor (batch,).
        """
        several = isinstance(decoder_outputs, (list, tuple))
        parameters = decoder_outputs[-1] if several else decoder_outputs
        return self._log_likelihood(images, parameters)[:, 0]

    def _log_likelihood(self, images: Any, parameters: Any, samples: int = 1) -> Any:
        """(B, samples) from images (B, ...) and decoder outputs (B * samples, ...)."""
        size = int(np.prod(images.shape[1:]))
        x = ops.reshape(images, (-1, 1, size))
        parameters = ops.reshape(parameters, (-1, samples, size))
        if self.likelihood == "bernoulli":
            each = bernoulli_log_likelihood(x, parameters)
        else:
            log_sigma = float(np.log(self.sigma)) if self.log_sigma is None else self.log_sigma
            each = gaussian_log_likelihood(x, parameters, log_sigma)
        return ops.sum(each, axis=-1)

    def _log_ratio(self, mean: Any, log_variance: Any, code: Any, samples: int) -> Any:
        """(B, samples) of log p(z) - log q(z | x); the constants cancel."""
        z = ops.reshape(code, (-1, samples, mean.shape[-1]))
        mean, log_variance = ops.expand_dims(mean, 1), ops.expand_dims(log_variance, 1)
        scaled = ops.square(z - mean) * ops.exp(-log_variance)
        return 0.5 * ops.sum(scaled + log_variance - ops.square(z), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("likelihood", "sigma", "beta", "capacity", "warmup_epochs", "free_bits", "samples")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
