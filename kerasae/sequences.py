"""Sequences to learn from: melodies and time series, drawn by rule from a seed.

Both sets are procedural: no composer wrote these melodies and no heart beat in these series.
They have what an autoencoder of sequences can find, so that architectures can be compared and
taught without a download. Your own sequences go into `Sequences` directly.

    >>> melodies = load_sequences("melodies", limit=100)
    >>> melodies
    Sequences('melodies', train=90, validation=10, test=100, sequence_shape=(32, 27))
    >>> bool((melodies.train.sum(axis=-1) == 1).all())
    True
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kerasae.builders import _arguments

__all__ = ["SEQUENCES", "Sequences", "load_sequences", "pitch_name"]

SEQUENCES: dict[str, str] = {
    "melodies": "procedural melodies, one-hot over 25 pitches, hold and rest at each quaver, in "
    "12 keys, two modes and two metres.",
    "series": "procedural heartbeats, one channel; the test set holds three kinds of anomalies, "
    "training and validation none.",
}
"""Name and one-sentence description of the sets of `load_sequences`."""

_TEST_FRACTION = 0.2
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

Values = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Sequences:
    """Sequences of one length in three splits.

    Attributes:
        train: float32 array of shape (sequences, length, features), values in [0, 1].
        validation: the same, for choosing hyperparameters and stopping early.
        test: the same, for the final number only.
        train_labels: int64 array of shape (sequences,), or None where the set has no labels.
        validation_labels: the same for `validation`.
        test_labels: the same for `test`.
        label_names: the name of each label; empty where there are none.
        feature_names: the name of each feature; empty where they have none.
        loss: the loss of a builder that suits the values: `"categorical_crossentropy"` where each
            step is one-hot, else `"mse"` or `"binary_crossentropy"`.
        name: name of the set.
    """

    train: Values
    validation: Values
    test: Values
    train_labels: Integers | None = None
    validation_labels: Integers | None = None
    test_labels: Integers | None = None
    label_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    loss: str = "mse"
    name: str = "sequences"

    @property
    def sequence_shape(self) -> tuple[int, int]:
        """(length, features), what a builder takes as `input_shape`."""
        length, features = self.train.shape[1:]
        return length, features

    def summary(self) -> str:
        """Return the facts of the set in one line."""
        length, features = self.sequence_shape
        splits = ("train", "validation", "test")
        counts = ", ".join(f"{len(getattr(self, split)):,} {split}" for split in splits)
        text = f"{self.name}: {length} steps of {features}, {counts} sequences"
        return f"{text}, {len(self.label_names)} labels" if self.label_names else text

    def __repr__(self) -> str:
        counts = ", ".join(f"{s}={len(getattr(self, s))}" for s in ("train", "validation", "test"))
        return f"Sequences({self.name!r}, {counts}, sequence_shape={self.sequence_shape})"


def load_sequences(
    source: str,
    *,
    length: int | None = None,
    limit: int | None = None,
    validation_fraction: float = 0.1,
    seed: int = 0,
) -> Sequences:
    """Draw a procedural set of sequences, split into train, validation and test.

    The same arguments give the same arrays.

    **"melodies"**, by default 10,000 of 32 steps of a quaver: a step is one-hot over the 25 pitches
    from A3 to A5, `hold` (the note goes on) and `rest`, the usual form of a symbolic melody. A
    melody has a key, a mode (major or natural minor) and a metre (4/4 or 3/4), of which mode and
    metre are its label. Each bar has a chord, by a short grammar of tonic, subdominant and
    dominant, and is one of two motifs (a a b a): durations, from halving the bar at random, and
    moves along the scale. It starts on a tone of its chord near the bar before, as does the
    second strong beat of 4/4, and the melody ends on the tonic. No melody occurs twice.

    **"series"**, by default 3,000 of 128 steps of 1/64 s: heartbeats, each the sum of five bumps
    (P, Q, R, S, T, in the manner of the dynamical model of McSharry, Clifford, Tarassenko & Smith
    2003), of a pace, form and height of its own, with a slow drift and noise, cut about 0.3 s
    before a beat. Training and validation are normal; every other test series has one of three
    anomalies, which its label names: an `early` beat that is broad, a `missing` beat (after the
    first), or a `burst` of noise.

    Args:
        source: `"melodies"` or `"series"`.
        length: Steps of a sequence, at least 8. Default: see above.
        limit: At most this many sequences in train and validation together (at least 2), and at
            most this many in test.
        validation_fraction: Fraction, in (0, 1), of the sequences outside the test set that are
            the validation set; at least one.
        seed: Seed of every random choice.

    Returns:
        The sequences, as a `Sequences` object.

    Raises:
        ValueError: An argument is out of range, or the name is unknown.

    Example:
        >>> series = load_sequences("series", limit=50)
        >>> series.train.shape, series.label_names
        ((45, 128, 1), ('normal', 'early', 'missing', 'burst'))
    """
    make, steps, count = _MAKERS[_arguments.one_of("source", source, SEQUENCES)]
    fraction = _arguments.number("validation_fraction", validation_fraction, low=0.0, high=1.0)
    seed = _arguments.non_negative_int("seed", seed)
    if length is not None and _arguments.positive_int("length", length) < 8:
        raise ValueError(f"`length` must be at least 8. Received: length={length}")
    if limit is not None and _arguments.positive_int("limit", limit) < 2:
        raise ValueError(f"`limit` must be at least 2. Received: limit={limit}")
    test = round(_TEST_FRACTION * count)
    pool = count - test
    if limit is not None:
        pool, test = min(limit, pool), min(limit, test)
    return make(length or steps, (pool, test), fraction, seed)


def pitch_name(midi: int) -> str:
    """The name of a MIDI note: 60 is C4, 69 is A4, 440 Hz.

    Raises:
        ValueError: If `midi` is not from 0 to 127.

    Example:
        >>> pitch_name(69)
        'A4'
    """
    if _arguments.non_negative_int("midi", midi) > 127:
        raise ValueError(f"`midi` must be an integer from 0 to 127. Received: midi={midi}")
    return f"{_NAMES[midi % 12]}{midi // 12 - 1}"


# --- Melodies ---------------------------------------------------------------------------------

_LOWEST, _HIGHEST = 57, 81  # A3 to A5
_PITCHES = _HIGHEST - _LOWEST + 1
_HOLD, _REST = _PITCHES, _PITCHES + 1
_MODES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_BARS = {"4/4": 8, "3/4": 6}  # quavers
_MELODIES = tuple(f"{mode}, {metre}" for mode in _MODES for metre in _BARS)
# The degree of a chord's root -> those that may follow: tonic, subdominant, dominant.
_FOLLOWS = {0: (0, 3, 4, 5), 5: (1, 3), 3: (0, 4), 1: (4,), 4: (0, 5)}


def _melodies(length: int, counts: tuple[int, int], fraction: float, seed: int) -> Sequences:
    rng = random.Random(seed)
    seen: dict[tuple[int, ...], int] = {}
    while len(seen) < sum(counts):
        label = rng.randrange(len(_MELODIES))
        mode, metre = _MELODIES[label].split(", ")
        seen.setdefault(_melody(length, _MODES[mode], _BARS[metre], rng), label)
    sequences = np.eye(_PITCHES + 2, dtype=np.float32)[np.array(list(seen))]
    names = (*map(pitch_name, range(_LOWEST, _HIGHEST + 1)), "hold", "rest")
    return _split(
        "melodies",
        sequences,
        np.array(list(seen.values())),
        counts[0],
        fraction,
        label_names=_MELODIES,
        feature_names=names,
        loss="categorical_crossentropy",
    )


def _melody(length: int, scale: tuple[int, ...], bar: int, rng: random.Random) -> tuple[int, ...]:
    """The symbols of one melody."""
    tonic = rng.randrange(12)
    notes = [
        (pitch, scale.index((pitch - tonic) % 12))  # pitch and degree, in ascending order
        for pitch in range(_LOWEST, _HIGHEST + 1)
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
                steps += [notes[at][0] - _LOWEST] + [_HOLD] * (duration - 1)
            start += duration
    steps = steps[:length]
    end = max(i for i, symbol in enumerate(steps) if symbol < _HOLD)
    home = [pitch - _LOWEST for pitch, degree in notes if degree == 0]
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
_ANOMALIES = ("normal", "early", "missing", "burst")
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


def _series(length: int, counts: tuple[int, int], fraction: float, seed: int) -> Sequences:
    rng = np.random.default_rng(seed)
    kinds = np.zeros(sum(counts), np.int64)
    odd = np.arange(counts[0] + 1, sum(counts), 2)  # every other one of the test set
    kinds[odd] = 1 + np.arange(len(odd)) % 3
    signals = np.stack([_heartbeats(length, _ANOMALIES[kind], rng) for kind in kinds])
    return _split("series", signals, kinds, counts[0], fraction, label_names=_ANOMALIES)


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
        width = max(4, length // 6)
        begin = rng.integers(0, length - width + 1)
        signal[begin : begin + width] += rng.normal(0, 0.08, width)
    return np.clip(0.3 + 0.55 * signal, 0, 1).astype(np.float32)[:, None]


# --- Both -------------------------------------------------------------------------------------


def _split(
    name: str, values: Values, labels: Integers, pool: int, fraction: float, **facts: object
) -> Sequences:
    """The first of `pool` are validation, the rest of it train, and what follows is test."""
    validation = min(max(1, round(fraction * pool)), pool - 1)
    parts = (slice(validation, pool), slice(validation), slice(pool, None))
    return Sequences(
        *(values[part] for part in parts),
        *(labels[part] for part in parts),
        name=name,
        **facts,  # type: ignore[arg-type]
    )


_Maker = Callable[[int, tuple[int, int], float, int], Sequences]
_MAKERS: dict[str, tuple[_Maker, int, int]] = {
    "melodies": (_melodies, 32, 10000),
    "series": (_series, 128, 3000),
}
