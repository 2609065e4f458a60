"""Sequences to learn from: melodies, sounds and time series, drawn by rule from a seed.

All are procedural: no composer wrote these melodies and no heart beat in these series.
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
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae import _arguments, _padding
from kerasae.data import beats as _beats
from kerasae.data import procedural as _procedural
from kerasae.data import sounds as _sounds
from kerasae.data.arrays import is_array
from kerasae.data.images import SPLITS, check_splits, no_values
from kerasae.data.melody_sound import melody_wave
from kerasae.data.options import Options, draw_splits
from kerasae.data.sequence_reading import cut, read_sequences

__all__ = ["SEQUENCES", "Sequences", "load_sequences", "melody_wave"]

SEQUENCES: dict[str, str] = {
    "beats": "procedural single heartbeats on two leads, of several lengths; the test set holds "
    "three kinds of anomalies, training and validation none.",
    "melodies": "procedural melodies, one-hot over 25 pitches, hold and rest at each quaver, in "
    "12 keys, two modes and two metres.",
    "series": "procedural heartbeats, one channel; the test set holds three kinds of anomalies, "
    "training and validation none.",
    "sounds": "procedural notes of eight instruments over three octaves, as spectrograms of 128 "
    "bands; `kerasae.data.sound_wave` plays them.",
}
"""Name and one-sentence description of the sets of `load_sequences`."""

_TEST_FRACTION = 0.2
# Name -> steps and sequences by default.
_SIZES: dict[str, tuple[int | None, int]] = {
    "beats": (None, 3000),
    "melodies": (32, 10000),
    "series": (128, 3000),
    "sounds": (64, 4000),
}

Values = NDArray[np.float32]
Integers = NDArray[np.int64]


def _has_padding(values: Any) -> bool:
    """Whether one of some padded sequences is shorter than the array."""
    array = values if isinstance(values, np.ndarray) else np.empty(0)
    return (
        array.ndim == 3 and array.size > 0 and bool((array[:, -1] == _padding.PADDING).all(1).any())
    )


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Sequences:
    """Sequences in three splits, of one length or of several.

    Arrays of any type of numbers are kept as float32; what is not finite is refused. A split may be
    a list of arrays (length, features) of several lengths: it is kept as one array, each sequence
    padded behind its end with `kerasae.PADDING`, and `sequence_shape` is (None, features).

    Attributes:
        train: float32 array of shape (sequences, length, features), values in [0, 1].
        validation: The same, for choosing hyperparameters and stopping early. By default, and for
            an empty list, no sequences.
        test: The same, for the final number only.
        train_labels: int64 array of shape (sequences,), or None where the set has no labels.
        validation_labels: The same for `validation`.
        test_labels: The same for `test`.
        label_names: The name of each label; empty where there are none.
        feature_names: The name of each feature; empty where they have none.
        loss: The loss of a builder that suits the values: `"categorical_crossentropy"` where each
            step is one-hot, else `"mse"` or `"binary_crossentropy"`.
        name: Name of the set.

    Arrays may be given in any type of numbers, and are kept as float32. What is not finite, or no
    array of sequences, is refused. `train` decides by the model's loss whether values outside of
    [0, 1] will do.

    Raises:
        ValueError: If a split holds no sequences of finite values, or other shapes than `train`.
    """

    train: Values
    validation: Values = dataclasses.field(default_factory=no_values)
    test: Values = dataclasses.field(default_factory=no_values)
    train_labels: Integers | None = None
    validation_labels: Integers | None = None
    test_labels: Integers | None = None
    label_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    loss: str = "mse"
    name: str = "sequences"

    def __post_init__(self) -> None:
        for split in SPLITS:
            given = getattr(self, split)
            if _padding.is_ragged(given) or _has_padding(given):
                object.__setattr__(self, split, _padding.padded(split, given))
        check_splits(self, (None, None))
        for split in ("validation", "test"):
            shape = getattr(self, split).shape[1:]
            if self.ragged and shape[1:] == self.sequence_shape[1:]:
                continue
            if shape != self.sequence_shape:
                raise ValueError(
                    f"`{split}` must hold sequences of the shape of `train`, "
                    f"{self.sequence_shape}. Received: {getattr(self, split).shape[1:]}"
                )

    @property
    def ragged(self) -> bool:
        """Whether the sequences have several lengths."""
        return any(_has_padding(getattr(self, split)) for split in SPLITS)

    @property
    def sequence_shape(self) -> tuple[int | None, int]:
        """(length, features), what a builder takes as `input_shape`; None for several lengths."""
        length, features = self.train.shape[1:]
        return None if self.ragged else length, features

    def lengths(self, split: str = "train") -> Integers:
        """The number of steps of each sequence of a split, int64 (sequences,)."""
        return _padding.lengths_of(getattr(self, _arguments.one_of("split", split, SPLITS)))

    def unpadded(self, split: str = "train") -> list[Values]:
        """The sequences of a split, each of its own length, as views."""
        return _padding.unpad(getattr(self, _arguments.one_of("split", split, SPLITS)))

    def summary(self) -> str:
        """Return the facts of the set in one line."""
        length, features = self.sequence_shape
        counts = ", ".join(f"{len(getattr(self, split)):,} {split}" for split in SPLITS)
        steps = f"{length}"
        if length is None:
            several = np.concatenate([self.lengths(split) for split in SPLITS])
            steps = f"{several.min()} to {several.max()}"
        text = f"{self.name}: {steps} steps of {features}, {counts} sequences"
        return f"{text}, {len(self.label_names)} labels" if self.label_names else text

    def __repr__(self) -> str:
        counts = ", ".join(f"{s}={len(getattr(self, s))}" for s in ("train", "validation", "test"))
        return f"Sequences({self.name!r}, {counts}, sequence_shape={self.sequence_shape})"


def load_sequences(
    source: str | os.PathLike[str] | Any,
    *,
    length: int | None = None,
    limit: int | None = None,
    validation_fraction: float = 0.1,
    seed: int = 0,
    group: str | None = None,
    window: int | None = None,
    stride: int | None = None,
) -> Sequences:
    """Load sequences, or draw a procedural set of them, split into train, validation and test.

    The same arguments give the same arrays.

    **Your own**: a folder of files, each of which is a sequence, or several; a CSV or Parquet file,
    whose rows are steps and whose columns are features, of one sequence, or of several that the
    column `group` tells apart; NumPy's `.npy` (n, length, features) and `.npz`, each array of which
    is a sequence; a `.wav` file, samples in [-1, 1] with a feature for each channel; an array; or a
    list of arrays of several lengths. With `window` each is cut into windows. Values stay as they
    are: a fifth, chosen by `seed`, is the test set.

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

    **"beats"**, by default 3,000 of 77 to 154 steps of 1/128 s on two leads, single heartbeats as
    long as the time to the next: P, QRS and T as bumps whose heights vary together on both leads,
    with a slow drift and noise. With `length` all have that many steps. Training and validation are
    normal; every other test beat has a `wide` QRS, an `inverted` T, or a `missing` P.

    **"sounds"**, by default 4,000 of 64 steps of 16 ms: single notes from C3 to B5 of a plucked
    string (Karplus & Strong 1983), a bell and brass (Chowning 1973), a clarinet, a flute, an organ,
    a marimba and a voice, which the label names. The features are 128 bands up to 4 kHz, from 0,
    70 dB below the loudest, to 1. `kerasae.data.sound_wave` makes them audible, and what a model
    makes of them.

    Args:
        source: `"melodies"`, `"series"`, `"beats"` or `"sounds"`, or your own, see above.
        length: Of what is drawn: steps of a sequence, at least 8. Default: see above.
        limit: At most this many sequences in train and validation together (at least 2), and at
            most this many in test.
        validation_fraction: Fraction, in (0, 1), of the sequences outside the test set that are
            the validation set; at least one.
        seed: Seed of every random choice.
        group: Of a file with columns: the column that tells which rows are one sequence.
        window: Of your own: steps of a window that sequences are cut into.
        stride: Steps from one window to the next; by default as many as a window has.

    Returns:
        The sequences, as a `Sequences` object; its `sequence_shape` is (None, features) where they
        have several lengths.

    Raises:
        ValueError: If an argument is out of range, the name is unknown, or a sequence has no step,
            other features than the first, or a value that is missing or infinite.
        DataError: If a file cannot be read.

    Example:
        >>> series = load_sequences("series", limit=50)
        >>> series.train.shape, series.label_names
        ((45, 128, 1), ('normal', 'early', 'missing', 'burst'))
    """
    if not isinstance(source, str) or source not in SEQUENCES:
        options = Options(None, None, validation_fraction, limit, seed)
        if length is not None:
            raise ValueError(
                "`length` is for sets that are drawn; `window` cuts your own into windows. "
                f"Received: length={length!r}"
            )
        return _own(source, options, group, window, stride)
    given = {"group": group, "window": window, "stride": stride}
    if any(value is not None for value in given.values()):
        name = next(name for name, value in given.items() if value is not None)
        raise ValueError(f"`{name}` is for sequences of your own. Received: source={source!r}")
    steps, count = _SIZES[_arguments.one_of("source", source, SEQUENCES)]
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
    validation = min(max(1, round(fraction * pool)), pool - 1)
    parts = (slice(validation, pool), slice(validation), slice(pool, None))
    facts: dict[str, Any]
    values: Any
    if source == "melodies":
        assert steps is not None
        symbols, labels = _procedural.melodies(length or steps, pool + test, seed)
        values = np.eye(_procedural.SYMBOLS, dtype=np.float32)[symbols]
        pitches = range(_procedural.LOWEST, _procedural.HIGHEST + 1)
        facts = {
            "name": source,
            "label_names": _procedural.MELODIES,
            "feature_names": (*map(_procedural.pitch_name, pitches), "hold", "rest"),
            "loss": "categorical_crossentropy",
        }
    elif source == "sounds":
        assert steps is not None
        values, labels = _sounds.sounds(length or steps, pool + test, seed)
        names = {"label_names": _sounds.INSTRUMENTS, "feature_names": _sounds.BANDS}
        facts = {"name": source, **names}
    else:
        labels = np.zeros(pool + test, np.int64)
        odd = np.arange(pool + 1, pool + test, 2)  # every other one of the test set
        labels[odd] = 1 + np.arange(len(odd)) % 3
        facts = {"name": source}
        if source == "beats":
            values = _beats.beats(labels, length, seed)
            facts |= {"label_names": _beats.BEATS, "feature_names": _beats.FEATURES}
        else:
            assert steps is not None
            values = _procedural.heartbeats(length or steps, labels, seed)
            facts["label_names"] = _procedural.HEARTBEATS
    train, held_out, tested = (values[part] for part in parts)
    return Sequences(
        train,
        held_out,
        tested,
        train_labels=labels[parts[0]],
        validation_labels=labels[parts[1]],
        test_labels=labels[parts[2]],
        **facts,
    )


def _own(
    source: Any, options: Options, group: str | None, window: int | None, stride: int | None
) -> Sequences:
    """Sequences of files, arrays and lists."""
    named = isinstance(source, (str, os.PathLike))
    if isinstance(source, str) and not Path(source).exists():
        raise ValueError(
            f"`source` must be one of {', '.join(SEQUENCES)}, a file or a folder that exists, an "
            f"array or a list of arrays. Received: source={source!r}"
        )
    if not named and not is_array(source) and not isinstance(source, tuple):
        raise ValueError(
            f"`source` must be one of {', '.join(SEQUENCES)}, a file or a folder that exists, an "
            f"array or a list of arrays. Received: {type(source).__name__}"
        )
    found, names = read_sequences(source, group=group)
    checked = _padding.padded("source", found)
    each = _padding.unpad(checked)
    if window is not None:
        window = _arguments.positive_int("window", window)
        step = window if stride is None else _arguments.positive_int("stride", stride)
        each = cut(each, window, step)
    elif stride is not None:
        raise ValueError(f"`stride` needs a `window`. Received: stride={stride!r}")
    if len(each) < 3:
        raise ValueError(
            "`source` must hold at least 3 sequences, one for each of train, validation and test; "
            f"`window` cuts long ones into several. Received: {len(each)}"
        )
    parts = draw_splits(len(each), {}, options, "sequences")
    splits: dict[str, Any] = {s: [each[i] for i in parts[s]] for s in SPLITS}
    name = Path(source).name if named else "sequences"
    return Sequences(**splits, feature_names=names, name=name)
