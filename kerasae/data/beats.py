"""Single heartbeats drawn by rule, of several lengths, on two leads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BEATS", "beats"]

BEATS = ("normal", "wide", "inverted", "missing")
"""What a beat is: as most, with a broad QRS, with T upside down, without P."""

RATE = 128  # steps a second
FEATURES = ("lead I", "lead II")

_REST, _SCALE = 0.3, 0.55  # of the signal in [0, 1]
# Of P, Q, R, S and T: place in the beat, width in seconds, height on each lead.
_BUMPS = np.array(
    [
        (0.20, 0.035, 0.10, 0.16),
        (0.37, 0.014, -0.06, -0.10),
        (0.40, 0.016, 0.70, 1.00),
        (0.43, 0.016, -0.20, -0.12),
        (0.70, 0.060, 0.22, 0.34),
    ]
)


def beats(kinds: NDArray[np.int64], length: int | None, seed: int) -> list[NDArray[np.float32]]:
    """Beats (steps, 2), each of the kind that is named by a position in `BEATS`.

    A beat is as long as the time to the next one, from 0.6 to 1.2 s, and its waves stand closer the
    shorter it is: P, QRS and T are bumps on both leads, of heights that vary together. With a
    `length` a beat of any pace has that many steps from the same place on, the rest at its end.
    """
    rng = np.random.default_rng(seed)
    return [_beat(BEATS[kind], length, rng) for kind in kinds]


def _beat(kind: str, length: int | None, rng: np.random.Generator) -> NDArray[np.float32]:
    period = rng.uniform(0.6, 1.2)
    steps = round(period * RATE) if length is None else length
    time = np.arange(steps) / RATE
    bumps = _BUMPS * rng.normal(1, (0.02, 0.06, 0.08, 0.08), (5, 4))
    if kind == "wide":
        bumps[1:4, 1] *= rng.uniform(1.8, 2.6)
    elif kind == "inverted":
        bumps[4, 2:] *= -rng.uniform(0.7, 1.0)
    elif kind == "missing":
        bumps[0, 2:] = 0
    signal = np.zeros((steps, 2))
    for place, width, *heights in bumps:
        distance = (time - place * period**0.5 * 0.9) / width
        signal += np.exp(-0.5 * distance**2)[:, None] * np.array(heights)
    drift = 0.05 * np.sin(2 * np.pi * (rng.uniform(0.1, 0.4) * time + rng.random()))
    signal += drift[:, None] + rng.normal(0, 0.012, signal.shape)
    return np.clip(_REST + _SCALE * signal, 0, 1).astype(np.float32)
