"""Sequences of several lengths: padding that nothing sees, batches of like lengths, and sources."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from architectures import loss_of
from keras import ops
from scipy.io import wavfile

import kerasae
from kerasae import PADDING, Sequences, _padding, anomaly
from kerasae.data import DataError, load_sequences
from kerasae.losses.padding import PaddedLoss, padded_accuracy
from kerasae.training import TrainConfig, train
from kerasae.training.batches import BucketedBatches

LENGTHS = (4, 2, 1)


def sequences(lengths=LENGTHS, features: int = 3, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.random((n, features)).astype(np.float32) for n in lengths]


def ragged(cell: str = "gru", loss: str = "mse", features: int = 3) -> keras.Model:
    keras.utils.set_random_seed(0)
    return kerasae.build_recurrent(
        input_shape=(None, features), code_size=4, hidden=(6, 5), cell=cell, loss=loss
    )


def gradients(model: keras.Model, x: np.ndarray) -> list[np.ndarray]:
    """Of the loss of a batch, by the optimizer: one step of plain descent at rate 1."""
    keep = model.get_weights()
    model.optimizer = None
    model.compile(keras.optimizers.SGD(1.0), loss=model.loss)
    model.train_on_batch(x, x)
    moved = model.get_weights()
    model.set_weights(keep)
    return [old - new for old, new in zip(keep, moved, strict=True)]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_outputs_and_codes_are_those_of_single_sequences(cell):
    model, each = ragged(cell), sequences()
    joined = _padding.pad(each, length=6)
    outputs = ops.convert_to_numpy(model(joined))
    codes = ops.convert_to_numpy(kerasae.encoder(model)(joined)[0])
    for i, alone in enumerate(each):
        single = ops.convert_to_numpy(model(alone[None]))[0]
        np.testing.assert_allclose(outputs[i, : len(alone)], single, atol=1e-6)
        assert (outputs[i, len(alone) :] == PADDING).all()
        code = ops.convert_to_numpy(kerasae.encoder(model)(alone[None])[0])[0]
        np.testing.assert_allclose(codes[i], code, atol=1e-6)


@pytest.mark.parametrize(
    ("cell", "loss"),
    [
        ("lstm", "mse"),
        ("gru", "categorical_crossentropy"),
        pytest.param("gru", "mse", marks=pytest.mark.slow),
        pytest.param("lstm", "binary_crossentropy", marks=pytest.mark.slow),
    ],
)
def test_loss_and_gradient_of_a_batch_are_the_means_of_single_sequences(cell, loss, eager):
    each = sequences()
    if loss == "categorical_crossentropy":
        each = [np.eye(3, dtype=np.float32)[x.argmax(axis=1)] for x in each]
    model = ragged(cell, loss)
    joined = _padding.pad(each, length=6)
    alone = [loss_of(model, x[None], x[None], None) for x in each]
    assert loss_of(model, joined, joined, None) == pytest.approx(np.mean(alone), rel=1e-5)
    singles = [gradients(model, x[None]) for x in each]
    for found, parts in zip(gradients(model, joined), zip(*singles, strict=True), strict=True):
        np.testing.assert_allclose(found, np.mean(parts, axis=0), atol=2e-6)


def test_the_loss_ignores_whatever_stands_behind_the_end(rng):
    truth = _padding.pad(sequences((4, 2), 2))
    guess = (1 - rng.random(truth.shape)).astype(np.float32)
    loss = PaddedLoss("mse")
    short = np.square(truth[1, :2] - guess[1, :2]).mean()
    expected = (np.square(truth[0] - guess[0]).mean() + short) / 2
    assert float(loss(truth, guess)) == pytest.approx(expected, rel=1e-5)
    guess[1, 2:] = np.inf
    assert float(loss(truth, guess)) == pytest.approx(expected, rel=1e-5)
    again = keras.losses.deserialize(keras.losses.serialize(PaddedLoss(keras.losses.Huber(0.3))))
    assert float(again(truth, guess)) < expected
    with pytest.raises(ValueError, match="`loss` must be a loss of Keras"):
        PaddedLoss("no loss")


def test_accuracy_counts_the_steps_of_each_sequence():
    truth = _padding.pad([np.eye(2)[[0, 1, 1]], np.eye(2)[[1]]])
    guess = np.zeros_like(truth)
    guess[..., 1] = 1
    found = ops.convert_to_numpy(padded_accuracy(truth, guess))
    np.testing.assert_allclose(found, [2 / 3, 1.0], rtol=1e-6)


def test_a_model_of_one_length_gives_the_same_and_is_the_one_that_converts(converter, tmp_path):
    model = ragged("lstm")
    x = np.random.default_rng(0).random((5, 4, 3)).astype(np.float32)
    fixed = kerasae.fixed_length(model, 4)
    np.testing.assert_allclose(fixed(x), model(x), atol=1e-6)
    assert kerasae.encoder(fixed).output_shape == (None, 4)
    model.optimizer.learning_rate = 0.0  # as a schedule leaves it
    kerasae.fixed_length(model, 3)
    with pytest.raises(ValueError, match="fixed shape"):
        converter.convert(kerasae.encoder(model), tmp_path / "v.tflite", scheme="float32")
    with pytest.raises(ValueError, match="`model` must be one of `build_recurrent"):
        kerasae.fixed_length(fixed, 4)
    with pytest.raises(ValueError, match="`length` must be a positive integer"):
        kerasae.fixed_length(model, 0)


def test_buckets_are_few_and_hold_all_lengths(rng):
    lengths = rng.integers(1, 500, 1000)
    buckets = _padding.buckets_of(lengths)
    assert len(buckets) == 8
    assert buckets[-1] == lengths.max()
    assert buckets == sorted(set(buckets))
    assert _padding.buckets_of([4, 4, 4]) == [4]
    share = np.bincount(np.searchsorted(buckets, lengths))
    assert share.min() > 100


def test_batches_are_padded_to_their_bucket_and_hold_each_sequence_once(rng):
    each = sequences(rng.integers(1, 40, 103).tolist(), 2)
    joined = _padding.pad(each)
    batches = BucketedBatches(joined, joined, TrainConfig(batch_size=8, seed=5))
    orders = []
    for epoch in (0, 1, 0):
        batches.start(epoch)
        taken = [batches[i][0] for i in range(len(batches))]
        orders.append(np.concatenate([_padding.lengths_of(x) for x in taken]))
        assert {x.shape[1] for x in taken} <= set(batches.buckets)
        assert taken[0].shape[1] != taken[1].shape[1]
        rows = sorted(x[0, 0] for batch in taken for x in [b[None] for b in batch] for x in x)
        assert rows == sorted(x[0, 0] for x in each)
        padding = sum(int((x == PADDING).all(axis=-1).sum()) for x in taken)
        assert padding < 0.25 * (joined == PADDING).all(axis=-1).sum()
    np.testing.assert_array_equal(orders[0], orders[2])
    assert not np.array_equal(orders[0], orders[1])
    low, high = batches.limits()
    assert (low, high) == (min(x.min() for x in each), max(x.max() for x in each))


@pytest.mark.slow
def test_training_takes_lists_and_compiled_graphs_take_every_length(tmp_path):
    each = sequences(np.random.default_rng(1).integers(2, 12, 60).tolist(), 2)
    model = ragged(features=2)
    config = TrainConfig(epochs=2, batch_size=8, jit_compile=False)
    data = Sequences(each[:50], each[50:])
    history = train(model, data, config, progress=False, out=tmp_path / "r").history
    assert history["loss"][1] < history["loss"][0]
    assert (tmp_path / "r" / "report.html").exists()
    train(model, each, TrainConfig(epochs=1, batch_size=8), progress=False)
    scores = anomaly.reconstruction_scores(model, each)
    for x, score in zip(each[:5], scores, strict=False):
        alone = np.square(ops.convert_to_numpy(model(x[None]))[0] - x).mean()
        assert score == pytest.approx(alone, rel=1e-4)
    assert anomaly.column_scores(model, each).mean(axis=1) == pytest.approx(scores)


def test_sequences_of_several_lengths_are_kept_padded():
    each = sequences()
    data = Sequences(each, each[:2], [])
    assert data.ragged
    assert data.sequence_shape == (None, 3)
    assert data.train.shape == (3, 4, 3)
    np.testing.assert_array_equal(data.lengths(), LENGTHS)
    for one, same in zip(data.unpadded(), each, strict=True):
        np.testing.assert_array_equal(one, same)
    assert "1 to 4 steps of 3" in data.summary()
    again = Sequences(data.train, data.validation)
    assert again.sequence_shape == (None, 3)
    alike = Sequences(np.stack([x[:2] for x in each if len(x) >= 2]))
    assert not alike.ragged
    assert alike.sequence_shape == (2, 3)


BAD = {
    "no step": (
        [np.zeros((3, 2)), np.zeros((0, 2))],
        r"at least one step. .*\[1\] of shape \(0, 2",
    ),
    "features": ([np.zeros((3, 2)), np.zeros((4, 3))], r"of 2 features each. .*\[1\] of 3"),
    "vectors": ([np.zeros(3), np.zeros(4)], r"`x\[:, None\]`. .*\[0\] of shape \(3,\)"),
    "infinity": ([np.full((3, 2), np.inf), np.zeros((4, 2))], "NaN or infinity in 3 of its 3"),
    "the mark itself": (
        [np.full((3, 2), PADDING), np.zeros((4, 2))],
        "no step that is -32768 in all features",
    ),
    "steps that differ": ([[[1.0], [1.0, 2.0]], [[1.0]]], r"\(length, features\)"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_are_no_sequences_is_refused_in_a_sentence(what):
    given, words = BAD[what]
    for call in (
        lambda: Sequences(given),
        lambda: train(ragged(features=2), given, progress=False),
        lambda: anomaly.reconstruction_scores(ragged(features=2), given),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_padding_in_front_and_models_of_one_length_are_refused():
    wrong = np.full((2, 4, 3), PADDING, np.float32)
    wrong[0, 2:] = 0.5
    wrong[1, :2] = 0.5
    with pytest.raises(ValueError, match="padded behind the last step.*1 that are not"):
        Sequences(wrong)
    data = Sequences(sequences(), sequences())
    fixed = kerasae.build_recurrent(input_shape=(4, 3), code_size=2, hidden=(4,))
    with pytest.raises(ValueError, match=r"build_recurrent\(input_shape=\(None, 3\)\)"):
        train(fixed, data, progress=False)
    with pytest.raises(ValueError, match="`cell` must be 'lstm' or 'gru' for sequences of several"):
        kerasae.build_recurrent(input_shape=(None, 3), cell="conv1d")


def test_sequences_come_from_files_arrays_and_lists(tmp_path):
    each = sequences((9, 4, 6, 5, 8), 2)
    text = ["run,a,b"]
    text += [f"{chr(65 + i)},{a:.9g},{b:.9g}" for i, x in enumerate(each) for a, b in x]
    (tmp_path / "runs.csv").write_text("\n".join(text))
    np.savez(tmp_path / "runs.npz", **{f"r{i}": x for i, x in enumerate(each)})
    folder = tmp_path / "folder"
    folder.mkdir()
    for i, x in enumerate(each):
        np.savetxt(folder / f"{i}.csv", x, delimiter=",", header="a,b", comments="", fmt="%.9g")
    expected = load_sequences(each)
    assert expected.sequence_shape == (None, 2)
    for found in (
        load_sequences(tmp_path / "runs.csv", group="run"),
        load_sequences(tmp_path / "runs.npz"),
        load_sequences(folder),
    ):
        np.testing.assert_allclose(found.train, expected.train, rtol=1e-6)
        np.testing.assert_allclose(found.test, expected.test, rtol=1e-6)
    assert load_sequences(folder).feature_names == ("a", "b")
    whole = np.stack([x[:4] for x in each])
    np.save(tmp_path / "whole.npy", whole)
    assert load_sequences(tmp_path / "whole.npy").sequence_shape == (4, 2)
    assert load_sequences(whole[..., 0]).sequence_shape == (4, 1)


def test_waves_are_cut_into_windows(tmp_path):
    samples = (20000 * np.sin(np.arange(2000) / 9)).astype(np.int16)
    wavfile.write(tmp_path / "tone.wav", 8000, np.stack([samples, -samples], axis=1))
    data = load_sequences(tmp_path / "tone.wav", window=100, stride=50)
    assert data.sequence_shape == (100, 2)
    assert len(data.train) + len(data.validation) + len(data.test) == 39
    assert np.abs(data.train).max() == pytest.approx(20000 / 32768, rel=1e-3)
    np.testing.assert_allclose(data.train[..., 0], -data.train[..., 1], atol=1e-4)
    for options, words in (
        ({}, "at least 3 sequences.*`window` cuts"),
        ({"window": 3000}, "`window` must be at most the 2000 steps"),
        ({"stride": 5}, "`stride` needs a `window`"),
        ({"group": "a"}, "`group` is for files with columns"),
        ({"length": 20}, "`length` is for sets that are drawn"),
    ):
        with pytest.raises(ValueError, match=words):
            load_sequences(tmp_path / "tone.wav", **options)
    (tmp_path / "noise.wav").write_bytes(b"no wave")
    with pytest.raises(DataError, match=r"noise\.wav cannot be read"):
        load_sequences(tmp_path / "noise.wav")
    with pytest.raises(ValueError, match="`window` is for sequences of your own"):
        load_sequences("beats", window=8)


def test_beats_follow_their_rule():
    data, same = load_sequences("beats", limit=60), load_sequences("beats", limit=60)
    np.testing.assert_array_equal(data.train, same.train)
    assert data.sequence_shape == (None, 2)
    lengths = data.lengths()
    assert lengths.min() >= 76
    assert lengths.max() <= 154
    assert (data.train_labels == 0).all()
    assert set(data.test_labels) == {0, 1, 2, 3}
    fixed = load_sequences("beats", limit=60, length=140)
    assert fixed.sequence_shape == (140, 2)
    values = fixed.test[fixed.test_labels == 2]  # T upside down
    usual = fixed.test[fixed.test_labels == 0]
    assert values.mean(axis=0).min() < usual.mean(axis=0).min()


def test_forecasts_and_gaps_of_signals():
    keras.utils.set_random_seed(0)
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, (256, 1, 1))
    x = np.sin(2 * np.pi * np.arange(24)[:, None] / 12 + phase).astype(np.float32)
    model = kerasae.build_masked(
        input_shape=(24, 1), code_size=16, hidden=(24, 24), loss="mse", mask="suffix"
    )
    model.jit_compile = False
    repeated = np.concatenate([x] * 20)
    model.compile(keras.optimizers.Adam(5e-3), loss="mse")
    model.fit(repeated, repeated, epochs=2, batch_size=64, verbose=0)
    rest = kerasae.forecast(model, x[:20, :16])
    assert rest.shape == (20, 8, 1)
    assert np.square(rest - x[:20, 16:]).mean() < 0.1 * np.square(x[:20, 16:]).mean()
    several = kerasae.forecast(model, [x[0, :16], x[1, :20]])
    assert [r.shape for r in several] == [(8, 1), (4, 1)]
    np.testing.assert_allclose(several[0], rest[0], atol=1e-5)
    gone = x[:20].copy()
    gone[:, 18:22] = np.nan
    filled = kerasae.impute(model, gone)
    np.testing.assert_array_equal(filled[:, :18], x[:20, :18])
    assert not np.isnan(filled).any()
    for bad in (x[:, :24], x[:, :0], x[0], [x[0, :3], np.zeros((3, 2))]):
        with pytest.raises(ValueError, match="`prefixes` must be finite signals of 1 to 23 steps"):
            kerasae.forecast(model, bad)
    rows = kerasae.build_masked(input_shape=(6,), code_size=4, loss="mse")
    with pytest.raises(ValueError, match=r"`model` must take signals"):
        kerasae.forecast(rows, x)
