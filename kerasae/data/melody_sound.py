"""Melodies as sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.data import procedural as _procedural
from kerasae.data import sounds as _sounds
from kerasae_export.images import check_numbers

__all__ = ["melody_wave"]


def melody_wave(
    melody: ArrayLike,
    feature_names: Sequence[str],
    *,
    step: float = 0.2,
    rate: int = 8000,
) -> NDArray[np.float32]:
    """Turn a melody into sound: a plucked tone for each note.

    The largest feature of a step is its symbol, as in `plots.plot_piano_roll`: a note sounds from
    its onset over the holds that follow, and a rest, or a hold without a note, is silent. A
    tone of frequency `f` is a sum of sines of `f`, `2 f` and so on, below half the rate, which
    fades and has soft ends. A4 is 440 Hz, with twelve equal steps in an octave.

    Args:
        melody: (length, features), such as `load_sequences("melodies").test[0]` or what a model
            made of it.
        feature_names: The name of each feature: pitches such as `"C4"` or `"F#5"`, `"hold"` and
            `"rest"`; that of a `Sequences`.
        step: Seconds of a step, above 0.
        rate: Samples a second, at least 1000.

    Returns:
        float32 of `round(length * step * rate)` samples in [-1, 1], one channel; what
        `IPython.display.Audio(wave, rate=rate, normalize=False)` plays.

    Raises:
        ValueError: If the melody is no matrix, there is not a name for each feature, a name is no
            pitch, or a number is out of range.

    Example:
        >>> from kerasae import load_sequences
        >>> melodies = load_sequences("melodies", limit=10)
        >>> wave = melody_wave(melodies.test[0], melodies.feature_names)
        >>> wave.shape, wave.dtype
        ((51200,), dtype('float32'))
    """
    values = check_numbers("melody", melody)
    step = _arguments.number("step", step, low=0.0)
    if _arguments.positive_int("rate", rate) < 1000:
        raise ValueError(f"`rate` must be at least 1000. Received: rate={rate}")
    try:
        feature_names = list(feature_names)
    except TypeError:
        raise ValueError(
            f"`feature_names` must hold a name for each feature. Received: {feature_names!r}"
        ) from None
    if values.ndim != 2 or values.shape[1] != len(feature_names):
        raise ValueError(
            "`melody` must be an array (length, features), with a name in `feature_names` for each "
            f"feature. Received: shape={values.shape} and {len(feature_names)} names"
        )
    symbols = values.argmax(axis=1)
    midi: list[int | None] = []
    for name in feature_names:
        try:
            midi.append(None if name in ("hold", "rest") else _procedural.pitch_number(name))
        except ValueError:
            raise ValueError(
                "`feature_names` must be pitches such as C4 or F#5, 'hold' and 'rest'. "
                f"Received: {name!r}"
            ) from None
    edges = np.round(np.arange(len(symbols) + 1) * step * rate).astype(int)
    wave = np.zeros(edges[-1], np.float32)
    for onset, symbol in enumerate(symbols):
        pitch = midi[symbol]
        if pitch is None:
            continue
        end = onset + 1
        while end < len(symbols) and feature_names[symbols[end]] == "hold":
            end += 1
        first, last = edges[onset], edges[end]
        wave[first:last] = _sounds.tone(440 * 2 ** ((pitch - 69) / 12), last - first, rate)
    return wave
