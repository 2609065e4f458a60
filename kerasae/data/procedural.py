"""Melodies and heartbeats drawn by rule; `kerasae.data.sequences` says what they are."""

from __future__ import annotations

import math
import random

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Integers = NDArray[np.int64]

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
LOWEST, HIGHEST = 57, 81  # A3 to A5
_HOLD = HIGHEST - LOWEST + 1
_REST = _HOLD + 1
SYMBOLS = _REST + 1
_MODES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_BARS = {"4/4": 8, "3/4": 6}  # quavers
MELODIES = tuple(f"{mode}, {metre}" for mode in _MODES for metre in _BARS)
# The degree of a chord's root -> those that may follow: tonic, subdominant, dominant.
_FOLLOWS = {0: (0, 3, 4, 5), 5: (1, 3), 3: (0, 4), 1: (4,), 4: (0, 5)}


def pitch_name(midi: int) -> str:
    """The name of a MIDI note: 60 is C4, 69 is A4, 440 Hz."""
    return f"{_NAMES[midi % 12]}{midi // 12 - 1}"


def pitch_number(name: str) -> int:
    """The MIDI note of a name: the inverse of `pitch_name`.

    Raises:
        ValueError: If it is no name of a pitch.
    """
    tone, octave = (name[:-1], name[-1:]) if isinstance(name, str) else ("", "")
    if tone not in _NAMES or not octave.isdecimal():
        raise ValueError(f"`name` must be that of a pitch, such as C4 or F#5. Received: {name!r}")
    return _NAMES.index(tone) + 12 * (int(octave) + 1)


def melodies(length: int, count: int, seed: int) -> tuple[Integers, Integers]:
    """Different melodies as symbols (count, length), and the label of each."""
    rng = random.Random(seed)
    seen: dict[tuple[int, ...], int] = {}
    while len(seen) < count:
        label = rng.randrange(len(MELODIES))
        mode, metre = MELODIES[label].split(", ")
        seen.setdefault(_melody(length, _MODES[mode], _BARS[metre], rng), label)
    return np.array(list(seen), np.int64), np.array(list(seen.values()), np.int64)


def _melody(length: int, scale: tuple[int, ...], bar: int, rng: random.Random) -> tuple[int, ...]:
    """The symbols of one melody."""
    tonic = rng.randrange(12)
    notes = [
        (pitch, scale.index((pitch - tonic) % 12))  # pitch and degree, in ascending order
        for pitch in range(LOWEST, HIGHEST + 1)
        if (pitch - tonic) % 12 in scale
    ]
    bars = math.ceil(length / bar)
    usual, other = (_motif(bar, rng) for _ in range(2))
    chord = 0
    steps: list[int] = []
    at = rng.randrange(len(notes))
    for number in range(bars):
        last = number == bars - 1
        if number:
            chord = 4 if number == bars - 2 else 0 if last else rng.choice(_FOLLOWS[chord])
        tones = [i for i, (_, degree) in enumerate(notes) if (degree - chord) % 7 in (0, 2, 4)]
        at, start = _nearest(tones, at + rng.choice((-2, 0, 2))), 0
        for duration, move in other if number % 4 == 2 and not last else usual:
            if move is None:
                steps.append(_REST)
            else:
                if start:
                    at = min(max(at + move, 0), len(notes) - 1)
                    at = at if start % 4 else _nearest(tones, at)
                steps += [notes[at][0] - LOWEST] + [_HOLD] * (duration - 1)
            start += duration
    steps = steps[:length]
    end = max(i for i, symbol in enumerate(steps) if symbol < _HOLD)
    home = [pitch - LOWEST for pitch, degree in notes if degree == 0]
    steps[end] = _nearest(home, steps[end])
    return tuple(steps)


def _nearest(choices: list[int], value: int) -> int:
    return min(choices, key=lambda choice: abs(choice - value))


def _motif(bar: int, rng: random.Random) -> list[tuple[int, int | None]]:
    """Duration of each note of a bar and how far along the scale it moves; None is a rest."""
    moves = (-2, -1, -1, 0, 1, 1, 2)
    return [
        (duration, None if i and duration == 1 and rng.random() < 0.1 else rng.choice(moves))
        for i, duration in enumerate(_rhythm(bar, rng))
    ]


def _rhythm(span: int, rng: random.Random) -> list[int]:
    """Durations in quavers: a span is one note, or is cut and each part goes on alike."""
    if span == 1 or rng.random() < {1: 1.0, 2: 0.6, 3: 0.5, 4: 0.25}.get(span, 0.05):
        return [span]
    cut = {2: (1,), 3: (1, 2), 4: (2, 2, 2, 3), 6: (2, 4), 8: (4,)}[span]
    first = rng.choice(cut)
    return [*_rhythm(first, rng), *_rhythm(span - first, rng)]


# --- Series -----------------------------------------------------------------------------------

_RATE = 64  # steps a second
HEARTBEATS = ("normal", "early", "missing", "burst")
# Of P, Q, R, S and T: seconds from R, width in seconds, height.
_BUMPS = np.array(
    [
        (-0.17, 0.035, 0.15),
        (-0.07, 0.025, -0.15),
        (0.0, 0.03, 1.0),
        (0.07, 0.025, -0.25),
        (0.25, 0.06, 0.35),
    ]
)


def heartbeats(length: int, kinds: Integers, seed: int) -> Values:
    """Series (n, length, 1), each of the kind that is named by a position in `HEARTBEATS`."""
    rng = np.random.default_rng(seed)
    return np.stack([_heartbeats(length, HEARTBEATS[kind], rng) for kind in kinds])


def _heartbeats(length: int, kind: str, rng: np.random.Generator) -> Values:
    """One series (length, 1), about 0.3 at rest and at most 1."""
    time = np.arange(length) / _RATE
    period = rng.uniform(0.7, 0.9)
    first = rng.normal(0.3, 0.01)
    beats = first + period * np.arange(-1, math.ceil(time[-1] / period) + 1)
    bumps = _BUMPS * rng.normal(1, (0.02, 0.05, 0.1), (5, 3))
    widths = np.ones(len(beats))
    inside = np.flatnonzero((beats > 0.5) & (beats < time[-1] - 0.1))
    struck = int(rng.choice(inside)) if len(inside) else 1  # in a short series, the first beat
    if kind == "missing":
        beats, widths = np.delete(beats, struck), np.delete(widths, struck)
    elif kind == "early":
        beats[struck] -= rng.uniform(0.12, 0.3) * period
        widths[struck] = rng.uniform(1.2, 2.0)
    signal = np.zeros(length)
    for beat, width in zip(beats, widths, strict=True):
        for offset, spread, height in bumps:
            distance = (time - beat - offset) / (spread * width)
            signal += height * np.exp(-0.5 * distance**2)
    signal += 0.06 * np.sin(2 * np.pi * (rng.uniform(0.1, 0.4) * time + rng.random()))
    signal += rng.normal(0, 0.015, length)
    if kind == "burst":
        steps = max(4, length // 6)
        begin = int(rng.integers(0, length - steps + 1))
        signal[begin : begin + steps] += rng.normal(0, 0.08, steps)
    return np.clip(0.3 + 0.55 * signal, 0, 1).astype(np.float32)[:, None]
