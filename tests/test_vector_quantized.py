"""Codebooks: nearest entries, running means, restarts and levels, against NumPy and SciPy."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import ops
from scipy.spatial.distance import cdist
from scipy.stats import entropy

import kerasae
from kerasae import evaluation, losses, plots, samplers
from kerasae.layers import FiniteScalarQuantizer, VectorQuantizer
from kerasae.layers.codebooks import nearest_entries
from kerasae_export import Codec, export_bundle
from kerasae_export.evaluation.quality import pooled_psnr

SHAPE = (2, 3, 4)  # rows, columns and channels of a code


class Bias(keras.layers.Layer):
    """Adds a weight to each value."""

    def build(self, input_shape):
        self.values = self.add_weight(shape=input_shape[1:], initializer="zeros", name="values")

    def call(self, inputs):
        return inputs + self.values


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def quantizer(entries=12, **options) -> VectorQuantizer:
    layer = VectorQuantizer(entries, **{"restart": 0.0, "seed": 0, **options})
    layer.build((None, *SHAPE))
    return layer


def codes(rng, count=40) -> np.ndarray:
    return rng.normal(size=(count, *SHAPE)).astype(np.float32)


def set_entries(layer: VectorQuantizer, codebook: np.ndarray, counts: np.ndarray) -> None:
    layer.codebook.assign(codebook)
    layer.counts.assign(counts)
    layer.totals.assign(codebook * counts[:, None])


def test_the_nearest_entry_is_that_of_scipy(rng):
    vectors, codebook = rng.normal(size=(500, 5)), rng.normal(size=(30, 5))
    found = numpy(nearest_entries(vectors.astype("float32"), codebook.astype("float32")))
    np.testing.assert_array_equal(found, cdist(vectors, codebook).argmin(axis=1))


def test_inference_gives_entries_and_changes_nothing(rng):
    layer, values = quantizer(), codes(rng)
    before = [numpy(w) for w in layer.weights]
    code = numpy(layer(values, training=False))
    codebook = numpy(layer.codebook)
    nearest = cdist(values.reshape(-1, 4), codebook).argmin(axis=1)
    np.testing.assert_array_equal(code, codebook[nearest].reshape(values.shape))
    for old, new in zip(before, layer.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    assert not layer.trainable_weights
    distance = np.square(values - code).mean()
    assert float(layer.losses[0]) == pytest.approx(0.25 * distance, rel=1e-5)
    assert float(layer.parts["commitment"]) == pytest.approx(distance, rel=1e-5)
    shares = np.bincount(nearest, minlength=12) / len(nearest)
    assert float(layer.parts["perplexity"]) == pytest.approx(np.exp(entropy(shares)), rel=1e-4)


def test_the_running_means_are_those_of_the_paper(rng):
    layer = quantizer(decay=0.9)
    codebook = rng.normal(size=(12, 4)).astype(np.float32)
    counts = rng.uniform(1, 5, 12).astype(np.float32)
    set_entries(layer, codebook, counts)
    totals = codebook * counts[:, None]
    for _ in range(3):
        values = codes(rng)
        vectors = values.reshape(-1, 4)
        nearest = cdist(vectors, codebook).argmin(axis=1)
        chosen = np.eye(12)[nearest]
        passed = numpy(layer(values, training=True))  # the entries of before the step
        np.testing.assert_allclose(passed, codebook[nearest].reshape(values.shape), atol=1e-5)
        counts = 0.9 * counts + 0.1 * chosen.sum(axis=0)
        totals = 0.9 * totals + 0.1 * chosen.T @ vectors
        codebook = totals / counts[:, None]
        np.testing.assert_allclose(layer.counts, counts, rtol=1e-4)
        np.testing.assert_allclose(layer.codebook, codebook, rtol=1e-4, atol=1e-5)


def test_an_entry_that_is_never_used_stays_where_it_is(rng):
    layer = quantizer(decay=0.1)
    codebook = rng.normal(size=(12, 4)).astype(np.float32)
    codebook[3] = 1e3
    set_entries(layer, codebook, np.ones(12, np.float32))
    for _ in range(60):  # its count is no number that float32 could hold
        layer(codes(rng), training=True)
    np.testing.assert_allclose(numpy(layer.codebook)[3], codebook[3], rtol=1e-4)
    assert np.isfinite(numpy(layer.codebook)).all()


def test_the_first_batch_makes_the_codebook(rng):
    layer, values = quantizer(), codes(rng) + 50
    layer(values, training=True)
    distances = cdist(numpy(layer.codebook), values.reshape(-1, 4))
    assert distances.min(axis=1).max() < 1e-4
    layer(values, training=True)
    assert np.unique(numpy(nearest_entries(values.reshape(-1, 4), layer.codebook))).size > 6


@pytest.mark.parametrize("restart", [0.0, 0.2])
def test_restarts_revive_dead_entries(restart, rng):
    """Two clusters far apart, and a codebook of which one entry at first takes all of them."""
    layer = quantizer(8, decay=0.8, restart=restart)
    values = codes(rng)
    values[::2] += 20
    set_entries(layer, np.full((8, 4), 1e3, np.float32), np.full(8, 30.0, np.float32))
    layer.codebook.assign(np.r_[np.zeros((1, 4)), np.full((7, 4), 1e3)].astype(np.float32))
    for _ in range(40):
        layer(values, training=True)
    used = np.unique(numpy(nearest_entries(values.reshape(-1, 4), layer.codebook)))
    error = float(layer.parts["commitment"])
    if restart:
        assert len(used) == 8
        assert error < 2
    else:
        assert len(used) == 1
        assert error > 50


def test_the_gradient_passes_straight_through(rng):
    """The input of the quantiser gets the gradient of its output, and that of the commitment."""
    values = codes(rng, 1)
    target = rng.normal(size=values.shape).astype(np.float32)
    entries = rng.normal(size=(12, 4)).astype(np.float32)

    def gradient(between) -> np.ndarray:
        """Of the mean squared error with respect to a bias in front of `between`."""
        inputs, bias = keras.Input(SHAPE), Bias()
        model = keras.Model(inputs, between(bias(inputs)))
        model.compile(keras.optimizers.SGD(1.0), loss="mse", jit_compile=False)
        if isinstance(between, VectorQuantizer):
            set_entries(between, entries, np.ones(12, np.float32))
        before = numpy(bias.values)
        model.fit(values, target, verbose=0)
        return before - numpy(bias.values)

    code = entries[cdist(values.reshape(-1, 4), entries).argmin(axis=1)].reshape(values.shape)
    layer = VectorQuantizer(12, commitment=0.5, restart=0.0, seed=0)
    expected = 2 * (code - target) + 0.5 * 2 * (values - code)
    np.testing.assert_allclose(gradient(layer), expected[0] / values.size, rtol=1e-3, atol=1e-6)

    levels = FiniteScalarQuantizer((5, 5, 7, 3))
    code = numpy(levels(values, training=False))
    half = np.array([2, 2, 3, 1])
    slope = 1.001 * (1 - np.tanh(values) ** 2)  # half * (1 + margin) / half, odd levels
    expected = 2 * (code - target) * slope
    np.testing.assert_allclose(gradient(levels), expected[0] / values.size, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(code, np.round(half * 1.001 * np.tanh(values)) / half, atol=1e-6)


@pytest.mark.parametrize("count", [3, 4, 5, 8])
def test_levels_are_as_many_as_asked_and_bounded(count):
    layer = FiniteScalarQuantizer((count,))
    values = np.linspace(-9, 9, 2001, dtype=np.float32)[:, None]
    code = numpy(layer(values, training=False))[:, 0]
    expected = (np.arange(count) - count // 2) / (count // 2)
    np.testing.assert_allclose(np.unique(code), expected, atol=1e-6)
    assert (np.diff(code) >= 0).all()
    assert code[1000] == 0
    passed = numpy(layer(values, training=True))[:, 0]
    np.testing.assert_allclose(passed, code, atol=1e-6)


def test_indices_number_all_combinations(rng):
    layer = FiniteScalarQuantizer((3, 4, 5))
    layer.build((None, 2, 2, 3))
    table = numpy(layer.decoder_head()(np.arange(60, dtype=np.int32).reshape(15, 2, 2)))
    axes = [(np.arange(n) - n // 2) / (n // 2) for n in (5, 4, 3)]
    combinations = np.array([c[::-1] for c in itertools.product(*axes)])
    np.testing.assert_allclose(table.reshape(60, 3), combinations, atol=1e-6)
    values = rng.normal(size=(200, 2, 2, 3), scale=2).astype(np.float32)
    indices = numpy(layer.encoder_tail()(values))
    assert indices.dtype == np.int32
    np.testing.assert_array_equal(
        combinations[indices].astype(np.float32), layer(values, training=False)
    )
    perplexity = evaluation.codebook_perplexity(indices, 60)
    assert float(layer.parts["perplexity"]) == pytest.approx(perplexity, rel=1e-4)


def test_the_two_halves_are_the_layer(rng):
    layer, values = quantizer(), codes(rng)
    indices = numpy(layer.encoder_tail()(values))
    assert indices.shape == (40, 2, 3)
    assert indices.dtype == np.int32
    np.testing.assert_array_equal(
        numpy(layer.decoder_head()(indices)), numpy(layer(values, training=False))
    )


def test_perplexity_is_that_of_scipy(rng):
    counts = rng.integers(0, 9, 30)
    expected = np.exp(entropy(counts))
    assert float(losses.perplexity(counts.astype("float32"))) == pytest.approx(expected, rel=1e-5)
    indices = np.repeat(np.arange(30), counts)
    assert evaluation.codebook_perplexity(indices, 64) == pytest.approx(expected)
    with pytest.raises(ValueError, match="`indices` must be from 0 to 9. Received: 0 to 29"):
        evaluation.codebook_perplexity(np.arange(30), 10)
    with pytest.raises(ValueError, match="`indices` must be integers. Received: float64"):
        evaluation.codebook_perplexity(np.zeros(3), 10)


@pytest.fixture(scope="module")
def trained(digits) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = kerasae.build_vector_quantized(
        input_shape=digits.image_shape,
        code_size=8,
        hidden=(16,),
        codebook_size=32,
        decay=0.95,
        learning_rate=5e-3,
    )
    model.jit_compile = False if keras.backend.backend() == "tensorflow" else "auto"
    few = digits.train[:640]
    model.history = model.fit(few, few, epochs=8, batch_size=64, verbose=0)
    return model


@pytest.mark.slow
def test_the_history_tells_how_the_codebook_is_used(trained, digits):
    history = trained.history.history
    assert history["perplexity"][-1] > 8
    assert history["commitment"][-1] > 0
    indices = numpy(kerasae.encoder(trained)(digits.test))
    assert evaluation.codebook_perplexity(indices, 32) > 8
    error = np.square(numpy(trained(digits.test, training=False)) - digits.test).mean()
    assert error < 0.5 * digits.test.var()


def test_samplers_quantise_what_they_decode(trained, digits):
    ends = digits.test[:2]
    walk = samplers.interpolate(trained, *ends, steps=3)
    rebuilt = numpy(trained(ends, training=False)).clip(0, 1)
    np.testing.assert_allclose(walk[[0, -1]], rebuilt, atol=1e-5)
    encoder, decoder = kerasae.encoder(trained), kerasae.decoder(trained)
    mixture = samplers.fit_mixture(numpy(encoder(digits.test)), components=1)
    with pytest.raises(ValueError, match="`mixture` must be one of codes of 128 values"):
        samplers.sample_mixture(trained, mixture, 2)
    assert decoder(np.zeros((1, 4, 4), np.int32)).shape == (1, 8, 8, 1)


@pytest.mark.slow
@pytest.mark.parametrize("quantizer", ["vq", "fsq"])
@pytest.mark.parametrize("scheme", ["int8", "float32"])
def test_indices_are_sent_by_a_codec(quantizer, scheme, digits, tmp_path):
    keras.utils.set_random_seed(0)
    options = {"codebook_size": 64, "code_size": 8} if quantizer == "vq" else {"levels": (8, 5, 5)}
    model = kerasae.build_vector_quantized(
        input_shape=digits.image_shape,
        hidden=(24,),
        quantizer=quantizer,
        learning_rate=5e-3,
        **options,
    )
    model.fit(digits.train, digits.train, epochs=15, batch_size=64, verbose=0)
    codec = Codec.load(
        export_bundle(model, tmp_path / "b", scheme=scheme, calibration=digits.train)
    )
    spec = codec.manifest.codec
    size = 64 if quantizer == "vq" else 200
    assert (spec.codebook, codec.qualities, spec.code_shape[-1]) == (size, 1, 1)
    assert codec.manifest.encoder.output.dtype == codec.manifest.decoder.input.dtype == "int32"

    images = np.floor(digits.test * 255 + 0.5).astype(np.uint8)
    stream = codec.compress_many(images)
    rebuilt = np.stack(codec.decompress_many(stream)) / 255
    plain = numpy(model(images / np.float32(255), training=False)).clip(0, 1)
    loss = pooled_psnr(digits.test, plain) - pooled_psnr(digits.test, rebuilt)
    assert abs(loss) < (0.02 if scheme == "float32" else 0.3)
    bits = np.log2(size) * np.prod(spec.code_shape) * len(images)
    assert len(stream) < 0.95 * bits / 8  # entropy coding beats a fixed length


def test_indices_have_no_qualities(trained, digits, tmp_path):
    with pytest.raises(ValueError, match="`step_loss` must be one number for a code of indices"):
        export_bundle(trained, tmp_path / "b", calibration=digits.train[:20], step_loss=[0.1, 1])


def test_what_indices_cannot_do_is_refused(trained, digits):
    with pytest.raises(ValueError, match="`model` must have a deterministic code, not quantised"):
        kerasae.decorrelate_code(trained, digits.train[:20])


def test_code_maps_show_each_index_and_its_use(rng):
    images, indices = rng.random((5, 8, 8, 3)), rng.integers(0, 6, (5, 2, 2))
    figure = plots.plot_code_maps(images, indices, size=10, count=3)
    assert len(figure.axes) == 7
    colours = {}
    for column in range(3):
        shown = figure.axes[2 * column + 1].images[0].get_array()
        assert shown.shape == (2, 2, 3)
        for index, colour in zip(indices[column].ravel(), shown.reshape(-1, 3), strict=True):
            assert colours.setdefault(index, tuple(colour)) == tuple(colour)
    assert len(set(colours.values())) == len(colours)
    heights = [bar.get_height() for bar in figure.axes[-1].patches]
    np.testing.assert_allclose(sum(heights), 1)
    assert heights == sorted(heights, reverse=True)
    shares = np.bincount(indices.ravel()) / indices.size
    expected = (
        f"{(shares > 0).sum()} of 10 entries in use, perplexity {np.exp(entropy(shares)):.3g}"
    )
    assert figure.axes[-1].get_title(loc="left") == expected
    assert len(plots.plot_code_maps(images, indices).axes) == 10
    with pytest.raises(ValueError, match="`indices` must be from 0 to 4. Received: 0 to 5"):
        plots.plot_code_maps(images, indices, size=5)
    with pytest.raises(ValueError, match=r"integers \(n, rows, columns\) of the 5 images"):
        plots.plot_code_maps(images, indices[:4])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantizer": "rvq"}, "`quantizer` must be one of 'vq', 'fsq'"),
        ({"codebook_size": 0}, "`codebook_size` must be a positive integer"),
        ({"decay": 1.0}, "`decay` must be a number at least 0 and below 1"),
        ({"restart": -0.1}, "`restart` must be a number at least 0"),
        ({"commitment": -1}, "`commitment` must be a number at least 0"),
        ({"quantizer": "fsq", "levels": (5, 2)}, "`levels` must hold integers above 2"),
        ({"quantizer": "fsq", "levels": ()}, "`levels` must hold integers above 2"),
        (
            {"quantizer": "fsq", "code_size": 8},
            "`code_size` must be the number of `levels`, here 4, or None. Received: code_size=8",
        ),
    ],
)
def test_bad_hyperparameters_give_one_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        kerasae.build_vector_quantized(input_shape=(8, 8, 1), hidden=(8,), **options)


def test_the_channels_follow_the_levels():
    model = kerasae.build_vector_quantized(
        input_shape=(8, 8, 1), hidden=(8,), quantizer="fsq", levels=(7, 5, 5)
    )
    assert model.get_layer("encoder").output_shape == (None, 4, 4, 3)
    layer = FiniteScalarQuantizer((5, 5))
    with pytest.raises(ValueError, match="`levels` must hold one number for each of the 3"):
        layer.build((None, 4, 4, 3))
