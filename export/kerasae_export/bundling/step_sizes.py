"""Quantisation step sizes of a code, from the loss in PSNR that they may cause."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae_export.conversion.split import evenly, predict

__all__ = ["choose_multiples", "choose_steps"]

_FINEST = 1e-9  # step size, reached only where rounding may cost nothing at all
_PROBES = 16  # images on which the gains are measured
_LARGEST_MULTIPLE = 2**12

Codes = NDArray[np.float64]
Error = Callable[[Codes], float]


def choose_steps(
    decoder: keras.Model,
    codes: Codes,
    images: NDArray[np.float32],
    losses: Sequence[float],
    floor: float,
) -> list[Codes]:
    """For each loss, the step size of each channel: equal errors, which together cost the loss.

    Rounding to a step s adds s^2 / 12 of noise to a channel, which the decoder turns into
    s^2 / 12 times the channel's gain; equal errors mean s = t / sqrt(gain) with one t.

    Args:
        decoder: Codes to images.
        codes: (n, ..., channels), as the deployed encoder gives them.
        images: The images of these codes, (n, height, width, channels).
        losses: PSNR in dB that rounding may cost.
        floor: The smallest step size to use.
    """
    channels = codes.shape[-1]
    spread = codes.reshape(-1, channels).std(axis=0)
    # Where a channel hardly moves on these images, its probe must still be felt in float32.
    least_size = 1e-3 * max(float(np.abs(codes).max()), 1e-3)
    gains = _gains(decoder, evenly(codes, _PROBES), np.maximum(0.05 * spread, least_size))
    # A step beyond what a channel was seen to do would leave nothing of it on other images.
    cap = np.maximum(4 * spread, 50 * least_size)
    lowest = max(floor, _FINEST)
    error = _error_of(decoder, images)
    least = max(error(codes), 1 / 255**2 / 12)

    def steps_for(loss: float) -> Codes:
        most = least * 10 ** (loss / 10)

        def steps_at(t: float) -> Codes:
            return np.maximum(np.minimum(t / np.sqrt(gains), cap), lowest)

        def allowed(t: float) -> bool:
            return error(_rounded(codes, steps_at(t))) <= most

        low = high = math.sqrt(12 * (most - least) / channels)
        while not allowed(low) and (steps_at(low) > lowest).any():
            high, low = low, low / 4
        while high <= low * 4 and allowed(high) and (steps_at(high) < cap).any():
            low, high = high, high * 4
        for _ in range(10):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if allowed(middle) else (low, middle)
        return steps_at(low)

    return [steps_for(loss) for loss in losses]


def choose_multiples(
    decoder: keras.Model,
    codes: Codes,
    images: NDArray[np.float32],
    losses: Sequence[float],
    step: float,
) -> list[Codes]:
    """For each loss, the largest multiple of a model's own step size that costs at most that.

    The loss counts from the model's own rounding; see `choose_steps` for the arguments.
    """
    error = _error_of(decoder, images)
    least = max(error(_rounded(codes, step)), 1 / 255**2 / 12)

    def multiple(loss: float) -> int:
        low, high = 1, 2
        while high < _LARGEST_MULTIPLE and allowed(high, loss):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if allowed(middle, loss) else (low, middle)
        return low

    def allowed(count: int, loss: float) -> bool:
        return error(_rounded(codes, count * step)) <= least * 10 ** (loss / 10)

    return [np.full(codes.shape[-1], multiple(loss) * step) for loss in losses]


def _gains(decoder: keras.Model, codes: Codes, size: Codes) -> Codes:
    """The squared error in the image for unit noise in a channel, for each channel."""
    plain = predict(decoder, codes)
    noise = np.random.default_rng(0).normal(size=codes.shape[:-1])
    noise /= np.sqrt(np.square(noise).mean())
    gains = np.empty(codes.shape[-1])
    for channel in range(len(gains)):
        noisy = codes.copy()
        noisy[..., channel] += size[channel] * noise
        harm = np.square(predict(decoder, noisy) - plain, dtype=float).mean()
        gains[channel] = harm / size[channel] ** 2
    return np.maximum(gains, max(1e-8 * gains.max(), 1e-30))


def _error_of(decoder: keras.Model, images: NDArray[np.float32]) -> Error:
    def error(values: Codes) -> float:
        output = np.clip(predict(decoder, values), 0, 1)
        return float(np.square(output - images, dtype=float).mean())

    return error


def _rounded(codes: Codes, steps: Codes | float) -> Codes:
    return np.floor(codes / steps + 0.5) * steps
