"""Procedural sequences: reproducible, valid by the grammar that their docstring states."""

from __future__ import annotations

import numpy as np
import pytest

import kerasae
from kerasae.data.procedural import pitch_name, pitch_number
from kerasae.data.sequences import SEQUENCES, melody_wave

SCALES = {"major": {0, 2, 4, 5, 7, 9, 11}, "minor": {0, 2, 3, 5, 7, 8, 10}}


@pytest.fixture(scope="module")
def melodies() -> kerasae.Sequences:
    return kerasae.load_sequences("melodies", limit=400)


@pytest.fixture(scope="module")
def series() -> kerasae.Sequences:
    return kerasae.load_sequences("series", limit=200)


def splits(sequences: kerasae.Sequences) -> np.ndarray:
    return np.concatenate([sequences.train, sequences.validation, sequences.test])


@pytest.mark.parametrize("name", SEQUENCES)
def test_shapes_ranges_and_the_seed(name):
    one, same, other = (kerasae.load_sequences(name, limit=50, seed=s) for s in (1, 1, 2))
    assert (len(one.train), len(one.validation), len(one.test)) == (45, 5, 50)
    if name == "beats":  # of several lengths
        assert one.sequence_shape == (None, one.train.shape[2])
        one, same, other = (
            kerasae.load_sequences(name, length=140, limit=50, seed=s) for s in (1, 1, 2)
        )
    assert one.sequence_shape == one.train.shape[1:] == one.test.shape[1:]
    values = splits(one)
    assert values.dtype == np.float32
    assert values.min() >= 0
    assert values.max() <= 1
    np.testing.assert_array_equal(values, splits(same))
    np.testing.assert_array_equal(one.train_labels, same.train_labels)
    assert not np.array_equal(values, splits(other))
    assert len(kerasae.load_sequences(name, length=20, limit=4).test[0]) == 20
    assert one.summary().startswith(f"{name}: {one.sequence_shape[0]} steps of")


def test_ones_own_sequences_are_checked():
    values = np.zeros((3, 8, 2), np.int64)
    own = kerasae.Sequences(values.tolist(), values)
    assert (own.train.dtype, own.test.shape) == (np.float32, (0, 8, 2))
    for wrong, message in (
        ((np.zeros((3, 8, 2, 1)),), "`train` must have the shape"),
        ((values, values[:, :4]), r"`validation` must hold .* `train`, \(8, 2\)"),
        ((values, values, np.full((1, 8, 2), np.nan)), "`test` must be finite"),
        ((None,), "`train` must be an array of numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            kerasae.Sequences(*wrong)
    assert kerasae.load_sequences(values).sequence_shape == (8, 2)


def test_melodies_are_one_hot_and_never_repeat(melodies):
    values = splits(melodies)
    assert set(np.unique(values)) == {0, 1}
    assert (values.sum(axis=-1) == 1).all()
    assert len(np.unique(values.argmax(-1), axis=0)) == len(values)
    assert melodies.feature_names[0] == "A3"
    assert melodies.feature_names[-3:] == ("A5", "hold", "rest")
    assert len(melodies.feature_names) == values.shape[-1] == 27
    assert set(melodies.train_labels) == set(range(len(melodies.label_names)))


def test_melodies_obey_their_grammar(melodies):
    """A scale that ends on its tonic, notes on the first beat, motifs in the order a a b a."""
    hold, rest = (melodies.feature_names.index(name) for name in ("hold", "rest"))
    tonics = set()
    for values, label in zip(melodies.train, melodies.train_labels, strict=True):
        mode, metre = melodies.label_names[label].split(", ")
        symbols = values.argmax(-1)
        notes = symbols[symbols < hold]
        bar = {"4/4": 8, "3/4": 6}[metre]
        assert (symbols[::bar] < hold).all()
        assert {(note - notes[-1]) % 12 for note in notes} <= SCALES[mode]
        rhythm = np.where(symbols < hold, 0, symbols)
        np.testing.assert_array_equal(rhythm[:bar], rhythm[bar : 2 * bar])
        np.testing.assert_array_equal(rhythm[:bar], rhythm[3 * bar : 4 * bar])
        for t in np.flatnonzero(symbols == rest):
            assert t == len(symbols) - 1 or symbols[t + 1] != hold
        tonics.add(notes[-1] % 12)
    assert tonics == set(range(12))


def test_only_the_test_set_of_the_series_is_anomalous(series):
    assert not series.train_labels.any()
    assert not series.validation_labels.any()
    counts = np.bincount(series.test_labels)
    assert counts[0] == len(series.test) // 2
    assert counts[1:].min() >= counts[1:].max() - 1 > 10


def test_the_anomalies_are_what_they_are_called(series):
    """Peaks above .7 are beats: there are fewer where one is missing, broader where one is early;
    a burst makes the signal rough."""
    x, kind = series.test[..., 0], series.test_labels
    peaks = ((x > 0.7) & (x >= np.roll(x, 1, 1)) & (x > np.roll(x, -1, 1))).sum(1)
    roughness = np.abs(np.diff(x, n=3, axis=1)).mean(1)
    names = list(series.label_names)
    mean = {name: peaks[kind == names.index(name)].mean() for name in names}
    assert mean["missing"] < mean["normal"] - 0.6
    wide = (x > 0.6).sum(1) / np.maximum(peaks, 1)
    assert wide[kind == names.index("early")].mean() > 1.1 * wide[kind == 0].mean()
    rough = roughness[kind == names.index("burst")].mean()
    assert rough > 1.5 * roughness[kind == 0].mean()


def test_pitches_have_the_names_of_midi():
    names = {0: "C-1", 57: "A3", 60: "C4", 61: "C#4", 69: "A4", 127: "G9"}
    assert {number: pitch_name(number) for number in names} == names
    assert [pitch_number(pitch_name(number)) for number in range(12, 128)] == [*range(12, 128)]


def test_a_melody_sounds_as_it_is_written():
    """A4 for two steps, a rest, C5: the strongest frequency, silence, and the length."""
    names, rate = ("A4", "C5", "hold", "rest"), 8000
    wave = melody_wave(np.eye(4)[[0, 2, 3, 1]], names, step=0.25, rate=rate)
    assert wave.dtype == np.float32
    assert wave.shape == (rate,)
    assert 0.5 < np.abs(wave).max() <= 1
    for part, hertz in ((slice(0, 4000), 440.0), (slice(6000, 8000), 523.25)):
        spectrum = np.abs(np.fft.rfft(wave[part], 8 * rate))
        assert spectrum.argmax() / 8 == pytest.approx(hertz, abs=2)
    assert not wave[4000:6000].any()
    assert np.abs(np.diff(wave)).max() < 0.8  # no click where a note ends
    assert np.abs(wave[3990:4000]).max() < 0.05


def test_holds_without_a_note_are_silent_and_high_overtones_are_left_out():
    names = ("A5", "hold", "rest")
    assert not melody_wave(np.eye(3)[[1, 1, 2, 1]], names).any()
    low, high = (melody_wave(np.eye(3)[[0, 1]], names, rate=rate) for rate in (2000, 16000))
    assert len(high) == 8 * len(low)
    spectrum = np.abs(np.fft.rfft(low))
    assert spectrum.argmax() * 2000 / len(low) == pytest.approx(880, abs=3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"source": "songs"},
            "`source` must be one of beats, melodies, series, sounds, a file or a folder",
        ),
        ({"length": 7}, "`length` must be at least 8. Received: length=7"),
        ({"length": 9.5}, "`length` must be a positive integer"),
        ({"limit": 1}, "`limit` must be at least 2. Received: limit=1"),
        ({"validation_fraction": 1.0}, "`validation_fraction` must be a number above 0 and below"),
        ({"seed": -1}, "`seed` must be an integer of 0 or more"),
    ],
)
def test_bad_arguments_give_one_sentence(wrong, message):
    with pytest.raises(ValueError, match=message):
        kerasae.load_sequences(**{"source": "melodies", **wrong})


@pytest.mark.parametrize(
    ("melody", "names", "options", "message"),
    [
        (np.eye(3), ("C4", "hold"), {}, r"`melody` must be an array \(length, features\)"),
        (np.zeros(3), ("C4", "hold", "rest"), {}, "Received: shape=\\(3,\\) and 3 names"),
        (
            np.eye(2),
            ("H4", "hold"),
            {},
            "must be pitches such as C4 or F#5, 'hold' and 'rest'. Received: 'H4'",
        ),
        (np.eye(2), ("C4", "hold"), {"step": 0}, "`step` must be a number above 0"),
        (np.eye(2), ("C4", "hold"), {"rate": 999}, "`rate` must be at least 1000. Received: rate="),
    ],
)
def test_what_is_no_melody_is_refused(melody, names, options, message):
    with pytest.raises(ValueError, match=message):
        melody_wave(melody, names, **options)
