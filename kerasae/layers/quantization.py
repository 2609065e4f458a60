"""Learned compression: a rounded code with an entropy model, and the distortion beside it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasae import _arguments
from kerasae.layers.objective import LossLayer
from kerasae.losses.likelihoods import interval_log_probability

__all__ = ["Distortion", "EntropyBottleneck"]


@keras.saving.register_keras_serializable("kerasae")
class EntropyBottleneck(LossLayer):
    """Round a code to multiples of a step, and add the bits that it takes to the loss.

    In training uniform noise of the width of a step stands for the rounding, which has no
    gradient (Ballé, Laparra & Simoncelli 2017); at inference values are rounded, halves up. The
    bits are `-log2 p`, where p is the mass that a learned density of the channel has within
    half a step of the value, the factorised prior of Ballé, Minnen, Singh, Hwang & Johnston
    (2018, Variational Image Compression with a Scale Hyperprior, appendix 6.1): its cumulative
    is a monotone network of the layers `filters`. They are summed over the code and averaged
    over the batch.

    The layer is not the identity at inference, so that it says what its halves do in stock
    layers, as `encoder_tail`; the step is `code_step`.

    Args:
        step: Distance between two values of the code. A network's code begins with values
            around 1, so that a step far below it leaves a signal above the noise from the
            first batch on.
        filters: Widths of the hidden layers of the cumulative.
        spread: How wide the initial density is, in steps.
        seed: Seed of the noise; by default drawn from Keras's global seed.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    part_names = ("rate",)

    def __init__(
        self,
        step: float = 0.125,
        filters: Sequence[int] = (3, 3, 3),
        spread: float = 10.0,
        *,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.code_step = _arguments.number("step", step, low=0.0)
        self.seed = _arguments.seed_or_none(seed)
        self.filters = _arguments.positive_ints("filters", filters)
        self.spread = _arguments.number("spread", spread, low=0.0)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def build(self, input_shape: Any) -> None:
        """Make the weights of the cumulative of each channel."""
        widths = (1, *self.filters, 1)
        scale = self.spread ** (1 / (len(self.filters) + 1))
        self._code_shape = tuple(input_shape[1:])
        channels = input_shape[-1]
        self.matrices, self.biases, self.factors = [], [], []
        for i, (before, after) in enumerate(itertools.pairwise(widths)):
            start = keras.initializers.Constant(math.log(math.expm1(1 / (scale * after))))
            around = keras.initializers.RandomUniform(-0.5, 0.5, seed=self.seed)
            self.matrices.append(
                self.add_weight(
                    shape=(channels, after, before), initializer=start, name=f"matrix_{i}"
                )
            )
            self.biases.append(
                self.add_weight(shape=(channels, after, 1), initializer=around, name=f"bias_{i}")
            )
            if i < len(self.filters):
                self.factors.append(
                    self.add_weight(
                        shape=(channels, after, 1), initializer="zeros", name=f"factor_{i}"
                    )
                )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Round a code (batch, ..., channels), or add noise if `training`."""
        if training:
            half = 0.5 * self.code_step
            code = inputs + keras.random.uniform(
                ops.shape(inputs), -half, half, dtype=inputs.dtype, seed=self.seed_generator
            )
        else:
            code = self._round(inputs)
        bits = self.bits(code)

        def objective(average: Any) -> Any:
            rate = average(bits)
            return rate, {"rate": rate}

        self.add_objective(objective)
        return code

    def bits(self, codes: Any) -> Any:
        """Bits of each code under the learned densities.

        Args:
            codes: (batch, ..., channels), rounded, or with noise in place of the rounding.

        Returns:
            A tensor (batch,).
        """
        codes = ops.convert_to_tensor(codes)
        channels = codes.shape[-1]
        flat = ops.reshape(codes, (-1, channels)) / self.code_step
        values = ops.expand_dims(ops.transpose(flat), 1)  # (channels, 1, batch * positions)
        log_p = interval_log_probability(
            self.cumulative(values - 0.5), self.cumulative(values + 0.5)
        )
        each = ops.reshape(log_p, (channels, -1, int(np.prod(codes.shape[1:-1]))))
        return -ops.sum(each, axis=(0, 2)) / math.log(2)

    def cumulative(self, values: Any) -> Any:
        """Logits of the cumulative distribution at values in steps, (channels, 1, n)."""
        x = values
        for i, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            x = ops.matmul(ops.softplus(matrix), x) + bias
            if i < len(self.factors):
                x = x + ops.tanh(self.factors[i]) * ops.tanh(x)  # a slope of 0 to 2
        return x

    def encoder_tail(self) -> keras.Model:
        """The rounding, as a stock model that follows the encoder."""
        code = keras.Input(self._code_shape, name="code")
        return keras.Model(code, self._round(code), name="rounding")

    def _round(self, code: Any) -> Any:
        return ops.floor(code / self.code_step + 0.5) * self.code_step

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        own = {
            "step": self.code_step,
            "filters": self.filters,
            "spread": self.spread,
            "seed": self.seed,
        }
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("kerasae")
class Distortion(LossLayer):
    """Add `lmbda * 255^2 * squared error` to the loss, and pass the reconstruction on.

    The squared error is the mean over the channels, summed over the pixels, and averaged over
    the batch: pixels times the mean squared error on the scale of 0 to 255. A value below 0 where
    the pixel is 0, or above 1 where it is 1, is no error, as a viewer clips it: a linear output
    then need not hit black and white exactly, which drawings and letters consist of.

    Args:
        lmbda: Bits a pixel that a unit of the mean squared error is worth.

    Raises:
        ValueError: If an argument breaks its rule.
    """

    part_names = ("distortion",)
    unit_range = "the distortion, which clips as a viewer does"

    def __init__(self, lmbda: float = 0.01, **options: Any) -> None:
        super().__init__(**options)
        self.lmbda = _arguments.number("lmbda", lmbda, low=0.0, closed=True)

    def call(self, image: Any, reconstruction: Any) -> Any:
        """Compare (batch, height, width, channels) with the same shape."""
        error = reconstruction - image
        error = ops.where(image <= 0.0, ops.maximum(error, 0.0), error)
        error = ops.where(image >= 1.0, ops.minimum(error, 0.0), error)
        error = ops.mean(ops.square(255.0 * error), axis=(1, 2, 3))  # (B,)

        def objective(average: Any) -> Any:
            distortion = math.prod(image.shape[1:3]) * average(error)
            return self.lmbda * distortion, {"distortion": distortion}

        self.add_objective(objective)
        return reconstruction

    def get_config(self) -> dict[str, Any]:
        """The factor."""
        return {**super().get_config(), "lmbda": self.lmbda}
