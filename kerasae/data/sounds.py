"""Sounds of eight instruments by rule, as spectrograms, and spectrograms as sounds again."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae_export.images import check_numbers

__all__ = ["BANDS", "INSTRUMENTS", "RATE", "sound_wave", "sounds", "spectrogram", "tone"]

RATE = 8000  # samples a second
_WINDOW, _HOP = 256, 128  # samples of a frame, and from one to the next
BANDS = tuple(f"{RATE / _WINDOW * (k + 1):.0f} Hz" for k in range(_WINDOW // 2))
_RANGE = 70.0  # dB below the loudest that are still heard
_LOWEST, _HIGHEST = 48, 83  # MIDI notes, C3 to B5
_HANN = np.sqrt(np.hanning(_WINDOW + 1)[:-1])
_OVERTONES = (1.0, 0.4, 0.2, 0.1)  # strength of each multiple of a melody's tone
_EDGE, _DECAY = 0.008, 1.5  # seconds of its first and last swell, and how fast it fades

Wave = NDArray[np.float64]
Values = NDArray[np.float32]
Integers = NDArray[np.int64]


def sounds(frames: int, count: int, seed: int) -> tuple[Values, Integers]:
    """Spectrograms (count, frames, 128) of notes, and the instrument of each."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(len(INSTRUMENTS), size=count)
    values = np.empty((count, frames, len(BANDS)), np.float32)
    for i, label in enumerate(labels):
        values[i] = spectrogram(note(INSTRUMENTS[label], int(frames * _HOP), rng))
    return values, labels


def note(instrument: str, samples: int, rng: np.random.Generator, midi: int | None = None) -> Wave:
    """One note, at most 1: a pitch of its own, hardly out of tune, after a short silence."""
    midi = int(rng.integers(_LOWEST, _HIGHEST + 1)) if midi is None else midi
    frequency = 440 * 2 ** ((midi - 69 + rng.normal(0, 0.05)) / 12)
    start = int(rng.uniform(0.0, 0.12) * samples)
    time = np.arange(samples - start) / RATE
    played = _PLAYED[instrument](frequency, time, rng)
    release = rng.uniform(0.55, 0.95) * time[-1]
    played *= np.where(time < release, 1.0, np.exp(-25 * (time - release)))
    return np.concatenate([np.zeros(start), played / np.abs(played).max()])


def spectrogram(wave: Wave) -> Values:
    """Loudness from 0, 70 dB below the loudest, to 1, of 128 bands in frames of 16 ms."""
    size = np.abs(_frames(wave))[:, 1:]  # no constant part
    decibels = 20 * np.log10(np.maximum(size / max(size.max(), 1e-9), 1e-9))
    return np.clip(1 + decibels / _RANGE, 0, 1).astype(np.float32)


def sound_wave(values: ArrayLike, *, rounds: int = 60, seed: int = 0) -> Values:
    """Make a sound of a spectrogram, such as one of `load_sequences("sounds")` or of a model.

    A spectrogram has no phases; those of Griffin & Lim (1984) are found by turns, starting from
    noise: a sound with these loudnesses, then its phases again.

    Args:
        values: (frames, 128), from 0 to 1; what is beyond is clipped.
        rounds: Turns; more of them sound clearer.
        seed: Seed of the first phases.

    Returns:
        float32 (128 * frames,) samples between -1 and 1, 8,000 a second.

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> from kerasae.data import load_sequences
        >>> sounds = load_sequences("sounds", limit=2)
        >>> wave = sound_wave(sounds.train[0])
        >>> wave.shape, bool(abs(wave).max() <= 1)
        ((8192,), True)
    """
    loudness = check_numbers("values", values)
    shaped = loudness.ndim == 2 and loudness.shape[1] == len(BANDS) and len(loudness) > 0
    if not shaped or not np.isfinite(loudness).all():
        raise ValueError(
            f"`values` must be a spectrogram (frames, {len(BANDS)}) of finite values. Received: "
            f"{'values that are not finite' if shaped else f'values of shape {loudness.shape}'}"
        )
    rounds = _arguments.positive_int("rounds", rounds)
    rng = np.random.default_rng(_arguments.non_negative_int("seed", seed))
    loudness = np.clip(loudness, 0, 1)
    size = np.where(loudness > 0, 10 ** ((loudness - 1) * _RANGE / 20), 0.0)
    size = np.pad(size, ((0, 0), (1, 0)))
    phases = np.exp(2j * np.pi * rng.random(size.shape))
    for _ in range(rounds):
        again = _frames(_overlapped(size * phases))
        phases = again / np.maximum(np.abs(again), 1e-12)
    wave = _overlapped(size * phases)
    return (wave / max(float(np.abs(wave).max()), 1e-9)).astype(np.float32)


def tone(frequency: float, samples: int, rate: int) -> Wave:
    """A fading tone of a melody, with soft ends, at most 1."""
    time = np.arange(samples) / rate
    heard = [(k, a) for k, a in enumerate(_OVERTONES, 1) if k * frequency < rate / 2]
    wave = np.zeros(samples)
    for multiple, strength in heard:
        wave += strength * np.sin(2 * np.pi * multiple * frequency * time)
    swell = np.minimum(1.0, np.minimum(time, time[::-1]) / _EDGE)
    return wave * swell * np.exp(-_DECAY * time) / sum(_OVERTONES)


def _frames(wave: Wave) -> NDArray[np.complex128]:
    """The spectra (frames, 129) of windows that overlap by half, one for every 128 samples."""
    padded = np.pad(wave, (_WINDOW - _HOP) // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    return np.fft.rfft(windows * _HANN)


def _overlapped(spectra: NDArray[np.complex128]) -> Wave:
    """The sound that has these spectra, or the nearest one: the inverse of `_frames`."""
    windows = np.fft.irfft(spectra, _WINDOW) * _HANN  # the squares of both add up to 1
    padded = np.zeros(_HOP * (len(spectra) - 1) + _WINDOW)
    for i, window in enumerate(windows):
        padded[i * _HOP : i * _HOP + _WINDOW] += window
    edge = (_WINDOW - _HOP) // 2
    return padded[edge:-edge]


# --- Instruments ------------------------------------------------------------------------------
# Each: frequency in Hz, times in s, a source of chance -> samples of any size.


def _harmonics(frequency: float, time: Wave, strengths: list[float], wobble: float = 0.0) -> Wave:
    """Multiples of a frequency, those that 8,000 samples a second can hold, with a vibrato."""
    phase = 2 * np.pi * frequency * time + wobble * np.sin(2 * np.pi * 5.5 * time)
    heard = [(k, a) for k, a in enumerate(strengths, 1) if k * frequency < RATE / 2]
    return np.sum([a * np.sin(k * phase) for k, a in heard], axis=0)


def _attack(time: Wave, seconds: float) -> Wave:
    return np.minimum(1.0, time / seconds)


def _string(frequency: float, time: Wave, rng: np.random.Generator) -> Wave:
    """A plucked string: noise goes round in a delay as long as a period (Karplus & Strong 1983).

    Each round averages two neighbours, so that high parts fade first. An all-pass filter makes up
    the part of a sample that a period has (Jaffe & Smith 1983).
    """
    from scipy.signal import lfilter

    period = RATE / frequency - 0.5  # the average takes half a sample
    whole = int(period - 0.1)
    part = period - whole
    turn = (1 - part) / (1 + part)
    loss = 0.5 * rng.uniform(0.988, 0.997)
    pluck = np.zeros(len(time))
    pluck[: whole + 1] = rng.uniform(-1, 1, whole + 1)
    back = np.zeros(whole + 3)
    back[:2] = 1, turn
    back[whole : whole + 3] -= loss * np.array([turn, 1 + turn, 1])
    wave: Wave = lfilter([1, turn], back, pluck)
    return wave


def _bell(frequency: float, time: Wave, rng: np.random.Generator) -> Wave:
    """Frequency modulation at 1.4 times the frequency, less and less of it (Chowning 1973)."""
    index = rng.uniform(2, 5) * np.exp(-3 * time)
    phase = 2 * np.pi * frequency * time + index * np.sin(2 * np.pi * 1.4 * frequency * time)
    return np.sin(phase) * np.exp(-rng.uniform(2, 4) * time)


def _brass(frequency: float, time: Wave, rng: np.random.Generator) -> Wave:
    """Frequency modulation at the frequency itself: the louder, the brighter (Chowning 1973)."""
    loudness = _attack(time, rng.uniform(0.05, 0.12)) * (0.7 + 0.3 * np.exp(-4 * time))
    turn = 2 * np.pi * frequency * time
    return loudness * np.sin(turn + rng.uniform(1.5, 3.5) * loudness * np.sin(turn))


def _clarinet(frequency: float, time: Wave, rng: np.random.Generator) -> Wave:
    """Odd multiples: a pipe that is closed at one end."""
    strengths = [(k % 2) / k ** rng.uniform(0.9, 1.3) for k in range(1, 20)]
    return _harmonics(frequency, time, strengths) * _attack(time, rng.uniform(0.02, 0.06))


def _organ(frequency: float, time: Wave, rng: np.random.Generator) -> Wave:
    """Pipes an octave, two octaves and a fifth apart, of a strength that stays."""
    strengths = [1.0, rng.uniform(0.4, 0.9), rng.uniform(0.2, 0.6), rng.uniform(0.3, 0.7)]
    return _harmonics(frequency, time, [*strengths, 0, 0, 0, 0.3]) * _attack(time, 0.02)


def _flute(frequency: float, time: Wave, rng: np.random.Generator) -> Wave:
    """Nearly a sine, with vibrato and breath."""
    breath = np.convolve(rng.normal(0, 1, len(time)), [0.5, -0.5], "same") * 0.03
    pure = _harmonics(frequency, time, [1, rng.uniform(0.05, 0.25), 0.04], wobble=0.25)
    return (pure + breath) * _attack(time, rng.uniform(0.06, 0.14))


def _marimba(frequency: float, time: Wave, rng: np.random.Generator) -> Wave:
    """A wooden bar: its modes lie at 1, 3.9 and 9.2 times the frequency, and fade quickly."""
    modes = [(1.0, 1.0, 6.0), (3.93, rng.uniform(0.2, 0.6), 18.0), (9.24, 0.15, 40.0)]
    heard = [mode for mode in modes if mode[0] * frequency < RATE / 2]
    turn = 2 * np.pi * frequency * time
    return np.sum([a * np.sin(m * turn) * np.exp(-d * time) for m, a, d in heard], axis=0)


def _voice(frequency: float, time: Wave, rng: np.random.Generator) -> Wave:
    """A sung vowel: many multiples, loud where the mouth resonates (Peterson & Barney 1952)."""
    peaks = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240))[int(rng.integers(3))]
    multiples = frequency * np.arange(1, max(2, math.ceil(RATE / 2 / frequency)))
    shape = np.sum([np.exp(-(((multiples - p) / 160) ** 2)) for p in peaks], axis=0) + 0.03
    strengths = list(shape / np.arange(1, len(shape) + 1) ** 0.5)
    return _harmonics(frequency, time, strengths, wobble=0.3) * _attack(time, 0.08)


_PLAYED: dict[str, Callable[[float, Wave, np.random.Generator], Wave]] = {
    "bell": _bell,
    "brass": _brass,
    "clarinet": _clarinet,
    "flute": _flute,
    "marimba": _marimba,
    "organ": _organ,
    "string": _string,
    "voice": _voice,
}
INSTRUMENTS = tuple(_PLAYED)
