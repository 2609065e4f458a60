"""The noise of a diffusion model: how much at which time, and how image and noise make each other.

Time runs from 0, the code itself, to 1, nothing but noise. With `a` and `s` of `cosine_schedule`
a noisy code is `z = a x + s e`, e from the standard normal, and the network predicts
`v = a e - s x` (Salimans & Ho 2022, Progressive Distillation for Fast Sampling of Diffusion
Models).
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops

__all__ = ["cosine_schedule", "ddim_step", "velocity"]


def cosine_schedule(time: Any) -> tuple[Any, Any]:
    """Share of the code and of the noise at a time.

    `a = cos(pi t / 2)` and `s = sin(pi t / 2)`, so that `a^2 + s^2 = 1` (Nichol & Dhariwal 2021,
    Improved Denoising Diffusion Probabilistic Models, without its offset).

    Args:
        time: Tensor of values in [0, 1], of any shape.

    Returns:
        Two tensors of that shape.

    Example:
        >>> import numpy as np
        >>> code, noise = cosine_schedule(np.array([0.0, 1.0]))
        >>> np.round(np.array(code), 6).tolist(), np.round(np.array(noise), 6).tolist()
        ([1.0, 0.0], [0.0, 1.0])
    """
    angle = ops.multiply(time, math.pi / 2)
    return ops.cos(angle), ops.sin(angle)


def velocity(code: Any, noise: Any, time: Any) -> Any:
    """What the network learns to predict, `v = a e - s x`.

    Args:
        code: x, (batch, ...).
        noise: e, of the same shape.
        time: t, of a shape that broadcasts with them.

    Returns:
        A tensor of the shape of the code.

    Example:
        >>> import numpy as np
        >>> np.array(velocity(np.ones((1, 2)), np.zeros((1, 2)), np.ones((1, 1)))).tolist()
        [[-1.0, -1.0]]
    """
    a, s = cosine_schedule(time)
    return a * noise - s * code


def ddim_step(noisy: Any, predicted: Any, time: Any, before: Any) -> tuple[Any, Any]:
    """Go from one time to an earlier one, without noise of its own.

    `x = a z - s v` and `e = s z + a v` are the code and the noise that the prediction v stands for;
    at the earlier time they make `a' x + s' e` (Song, Meng & Ermon 2021, Denoising Diffusion
    Implicit Models, eta = 0).

    Args:
        noisy: z at `time`, (batch, ...).
        predicted: v there, of the same shape.
        time: t, of a shape that broadcasts with them.
        before: The earlier time.

    Returns:
        z at the earlier time, and x.

    Example:
        >>> import numpy as np
        >>> code, noise = np.array([[2.0]]), np.array([[-1.0]])
        >>> a, s = cosine_schedule(np.array([[0.5]]))
        >>> z, v = a * code + s * noise, velocity(code, noise, np.array([[0.5]]))
        >>> np.round(np.array(ddim_step(z, v, np.array([[0.5]]), np.zeros((1, 1)))[0]), 6).tolist()
        [[2.0]]
    """
    a, s = cosine_schedule(time)
    code, noise = a * noisy - s * predicted, s * noisy + a * predicted
    a, s = cosine_schedule(before)
    return a * code + s * noise, code
