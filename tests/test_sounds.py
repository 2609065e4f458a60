"""Sounds by rule: their pitch, their instruments, and the way from a spectrogram back."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

import kerasae
from kerasae.data import sound_wave, sounds


@pytest.mark.parametrize("instrument", sounds.INSTRUMENTS)
@pytest.mark.parametrize("midi", [50, 69, 82])
def test_a_note_has_its_pitch_and_survives_the_way_there_and_back(instrument, midi):
    wave = sounds.note(instrument, 8192, np.random.default_rng(0), midi)
    assert np.abs(wave).max() == pytest.approx(1)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 65536))
    hertz = np.fft.rfftfreq(65536, 1 / sounds.RATE)
    expected = 440 * 2 ** ((midi - 69) / 12)
    near = np.abs(np.log2(hertz.clip(1) / expected)) < 1 / 12
    found = hertz[near][spectrum[near].argmax()]
    assert abs(1200 * np.log2(found / expected)) < 20  # cents
    values = sounds.spectrogram(wave)
    again = sounds.spectrogram(sound_wave(values).astype(float))
    assert np.abs(again - values).mean() < 0.05
    assert values.max() == 1


def test_frames_and_overlap_are_inverse():
    wave = np.random.default_rng(0).normal(size=128 * 10)
    again = sounds._overlapped(sounds._frames(wave))
    np.testing.assert_allclose(again[64:-64], wave[64:-64], atol=1e-12)


def test_the_set_is_drawn_by_its_seed_and_labels_can_be_heard():
    heard = kerasae.load_sequences("sounds", limit=300)
    assert heard.sequence_shape == (64, 128)
    assert heard.label_names == sounds.INSTRUMENTS
    assert heard.feature_names[0] == "31 Hz"
    assert len(heard.feature_names) == 128
    assert 0 <= heard.train.min() < heard.train.max() <= 1
    again = kerasae.load_sequences("sounds", limit=300)
    np.testing.assert_array_equal(heard.train, again.train)
    assert not np.array_equal(
        heard.train, kerasae.load_sequences("sounds", limit=300, seed=1).train
    )
    flat = [x.reshape(len(x), -1) for x in (heard.train, heard.test)]
    reader = KNeighborsClassifier(1).fit(flat[0], heard.train_labels)
    assert reader.score(flat[1], heard.test_labels) > 0.5  # guessing gives 0.125


def test_length_is_frames():
    assert kerasae.load_sequences("sounds", limit=4, length=20).train.shape[1:] == (20, 128)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (np.zeros((4, 127)), {}, r"`values` must be a spectrogram \(frames, 128\).*\(4, 127\)"),
        (np.zeros(128), {}, r"`values` must be a spectrogram"),
        (np.zeros((0, 128)), {}, r"`values`"),
        (np.zeros((4, 128)), {"rounds": 0}, "`rounds` must be a positive integer"),
        (np.zeros((4, 128)), {"seed": -1}, "`seed` must be"),
        (np.full((4, 128), np.nan), {}, "`values`"),
    ],
)
def test_bad_input_is_named(values, options, message):
    with pytest.raises(ValueError, match=message):
        sound_wave(values, **options)


def test_silence_stays_silent():
    assert not sound_wave(np.zeros((8, 128))).any()
