"""Several codebooks, codebooks of angles, signs and the rotation trick, against NumPy."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import softmax

import kerasae
from kerasae.layers import (
    FiniteScalarQuantizer,
    GroupedVectorQuantizer,
    LookupFreeQuantizer,
    ResidualVectorQuantizer,
    TwoLevelQuantizer,
    VectorQuantizer,
)
from kerasae.layers.codebooks import pass_gradient
from kerasae.models import Autoencoder
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


def one(entries=6, **options) -> VectorQuantizer:
    return VectorQuantizer(entries, **{"restart": 0.0, "seed": 0, **options})


def codes(rng, count=20, shape=SHAPE) -> np.ndarray:
    return rng.normal(size=(count, *shape)).astype(np.float32)


def fill(layer: VectorQuantizer, rng) -> np.ndarray:
    """Entries drawn anew, as if each had been used."""
    entries = rng.normal(size=layer.codebook.shape).astype(np.float32)
    layer.codebook.assign(entries)
    layer.counts.assign(np.ones(len(entries), np.float32))
    layer.totals.assign(entries)
    return entries


def nearest(vectors: np.ndarray, entries: np.ndarray) -> np.ndarray:
    return np.square(vectors[..., None, :] - entries).sum(-1).argmin(-1)


def halves(layer, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices, and the code that comes back."""
    indices = numpy(layer.encoder_tail()(values))
    assert indices.dtype == np.int32
    return indices, numpy(layer.decoder_head()(indices))


def test_each_level_takes_what_is_left_over(rng):
    layer, values = ResidualVectorQuantizer([one() for _ in range(3)]), codes(rng)
    layer.build((None, *SHAPE))
    books = [fill(q, rng) / 2**i for i, q in enumerate(layer.quantizers)]
    for quantizer, entries in zip(layer.quantizers, books, strict=True):
        quantizer.codebook.assign(entries)
    left, expected, commitment = values, [], 0.0
    for entries in books:
        expected.append(nearest(left, entries))
        left = left - entries[expected[-1]]
        commitment += np.square(left).mean()
    indices, code = halves(layer, values)
    np.testing.assert_array_equal(indices, np.stack(expected, axis=-1))
    np.testing.assert_allclose(code, values - left, atol=1e-5)
    np.testing.assert_allclose(numpy(layer(values, training=False)), code, atol=1e-6)
    assert float(layer.parts["commitment"]) == pytest.approx(commitment, rel=1e-5)
    assert float(layer.losses[0]) == pytest.approx(0.25 * commitment, rel=1e-5)


def test_more_levels_are_nearer(rng):
    values = codes(rng, 400)
    errors = []
    for count in (1, 2, 4):
        parts = [one(8, decay=0.8, seed=i) for i in range(count)]
        layer = ResidualVectorQuantizer(parts)
        for _ in range(30):
            layer(values, training=True)
        errors.append(np.square(numpy(layer(values, training=False)) - values).mean())
    assert errors[0] > 1.3 * errors[1] > 1.3 * 1.3 * errors[2]


def test_the_second_level_begins_with_what_the_first_left_over(rng):
    """At the first batch, too, when the first level has no entries yet."""
    layer = ResidualVectorQuantizer([one(30), one(30, seed=1)])
    values = 100 + codes(rng, 200)  # far from where a codebook starts
    layer(values, training=True)
    assert np.abs(numpy(layer.quantizers[1].codebook)).max() < 20


def test_groups_are_codebooks_side_by_side(rng):
    layer, values = GroupedVectorQuantizer([one(), one(seed=1)]), codes(rng)
    layer.build((None, *SHAPE))
    books = [fill(q, rng) for q in layer.quantizers]
    parts = [values[..., :2], values[..., 2:]]
    expected = [nearest(part, book) for part, book in zip(parts, books, strict=True)]
    indices, code = halves(layer, values)
    np.testing.assert_array_equal(indices, np.stack(expected, axis=-1))
    wanted = np.concatenate([b[i] for b, i in zip(books, expected, strict=True)], axis=-1)
    np.testing.assert_allclose(code, wanted, atol=1e-6)
    np.testing.assert_allclose(numpy(layer(values, training=False)), wanted, atol=1e-6)
    distance = np.square(values - wanted).mean()
    assert float(layer.parts["commitment"]) == pytest.approx(distance, rel=1e-5)


def test_the_lower_level_is_told_of_the_upper(rng):
    layer, values = TwoLevelQuantizer([one(), one(seed=1)]), codes(rng, 20, (2, 3, 15))
    layer.build((None, 2, 3, 15))
    upper, lower = (fill(q, rng) for q in layer.quantizers)
    kernel, bias = rng.normal(size=(3, 12)), rng.normal(size=12)
    layer.condition.set_weights([kernel, bias])
    above = nearest(values[..., :3], upper)
    below = values[..., 3:] + upper[above] @ kernel + bias
    below = below.reshape(20, 2, 3, 4, 3)
    found = nearest(below, lower)
    indices, code = halves(layer, values)
    np.testing.assert_array_equal(indices, np.concatenate([above[..., None], found], axis=-1))
    wanted = np.concatenate([upper[above], lower[found].reshape(20, 2, 3, 12)], axis=-1)
    np.testing.assert_allclose(code, wanted, atol=1e-5)
    np.testing.assert_allclose(numpy(layer(values, training=False)), wanted, atol=1e-5)


def test_compositions_nest(rng):
    """Two maps of two groups of two levels each."""

    def group():
        return GroupedVectorQuantizer(
            [ResidualVectorQuantizer([one(), one(seed=1)]) for _ in range(2)]
        )

    layer, values = TwoLevelQuantizer([group(), group()]), codes(rng, 8, (2, 3, 20))
    layer.build((None, 2, 3, 20))
    indices, code = halves(layer, values)
    assert layer.codebooks == 4 + 4 * 4 == indices.shape[-1]
    np.testing.assert_allclose(numpy(layer(values, training=False)), code, atol=1e-5)
    config = TwoLevelQuantizer.from_config(layer.get_config())
    assert config.codebooks == 20


@pytest.mark.parametrize("kind", ["residual", "grouped", "cosine"])
def test_images_that_count_twice_teach_as_two_do(kind, rng):
    def model():
        keras.utils.set_random_seed(0)
        layer = {
            "residual": lambda: ResidualVectorQuantizer([one(), one(seed=1)]),
            "grouped": lambda: GroupedVectorQuantizer([one(), one(seed=1)]),
            "cosine": lambda: one(similarity="cosine"),
        }[kind]()
        image = keras.Input(SHAPE)
        net = Autoencoder(image, layer(Bias(name="encoder")(image)))
        draws = np.random.default_rng(0)
        for quantizer in getattr(layer, "quantizers", [layer]):
            fill(quantizer, draws)
        net.compile(keras.optimizers.SGD(0.1), loss="mse", jit_compile=False)
        return net, layer

    values = codes(rng, 8)
    often = np.array([2, 0, 1, 1, 0, 3, 1, 0])
    weighted, layer = model()
    weighted.fit(values, values, sample_weight=often.astype("float32"), batch_size=8, verbose=0)
    repeated, other = model()
    again = np.repeat(values, often, axis=0)
    repeated.fit(again, again, batch_size=8, verbose=0)
    for old, new in zip(layer.non_trainable_variables, other.non_trainable_variables, strict=True):
        if "seed" not in old.path:
            np.testing.assert_allclose(numpy(old), numpy(new), rtol=1e-4, atol=1e-5)


def test_angles_decide_and_entries_have_the_length_one(rng):
    layer, values = one(similarity="cosine"), codes(rng)
    layer.build((None, *SHAPE))
    fill(layer, rng)
    for _ in range(3):
        layer(values, training=True)
    entries = numpy(layer.codebook)
    np.testing.assert_allclose(np.linalg.norm(entries, axis=1), 1, rtol=1e-5)
    unit = values / np.linalg.norm(values, axis=-1, keepdims=True)
    expected = (unit @ entries.T).argmax(-1)
    indices, code = halves(layer, values)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_array_equal(numpy(layer.encoder_tail()(7 * values)), expected)
    np.testing.assert_allclose(code, entries[expected], atol=1e-6)
    np.testing.assert_allclose(numpy(layer(values, training=False)), code, atol=1e-6)
    distance = np.square(unit - code).mean()
    assert float(layer.parts["commitment"]) == pytest.approx(distance, rel=1e-4)


def rotation(x: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The rotation in the plane of both that turns x to q, from an orthonormal basis of it."""
    u = x / np.linalg.norm(x)
    v = q - (q @ u) * u
    v /= np.linalg.norm(v)
    cosine, sine = q @ u / np.linalg.norm(q), q @ v / np.linalg.norm(q)
    plane = np.stack([u, v], axis=1)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.eye(len(x)) - plane @ plane.T + plane @ turn @ plane.T


def test_the_gradient_turns_with_the_vector(rng):
    """Through a layer, of a loss whose gradient at the code is known."""
    values, target = codes(rng, 1), codes(rng, 1)
    entries = rng.normal(size=(6, 4)).astype(np.float32)
    layer = one(commitment=0.0, gradient="rotation")
    inputs, bias = keras.Input(SHAPE), Bias()
    model = keras.Model(inputs, layer(bias(inputs)))
    model.compile(keras.optimizers.SGD(1.0), loss="mse", jit_compile=False)
    layer.codebook.assign(entries)
    layer.counts.assign(np.ones(6, np.float32))
    layer.totals.assign(entries)
    before = numpy(bias.values)
    model.fit(values, target, verbose=0)
    found = before - numpy(bias.values)

    code = entries[nearest(values, entries)]
    at_code = 2 * (code - target) / values.size
    for x, q, g, gradient in zip(
        *(a.reshape(-1, 4) for a in (values, code, at_code, found)), strict=True
    ):
        r = rotation(x.astype(float), q.astype(float))
        np.testing.assert_allclose(r @ x * np.linalg.norm(q) / np.linalg.norm(x), q, atol=1e-5)
        scale = np.linalg.norm(q) / np.linalg.norm(x)
        np.testing.assert_allclose(gradient, scale * r.T @ g, rtol=1e-3, atol=1e-5)


def test_the_values_are_those_of_the_code_whatever_the_gradient(rng):
    values = codes(rng)
    code = codes(rng)
    code[0, 0, 0], code[0, 0, 1] = 0, -values[0, 0, 1]  # no direction, and the opposite one
    for gradient in ("straight_through", "rotation"):
        passed = numpy(pass_gradient(values, code, gradient))
        np.testing.assert_allclose(passed, code, atol=1e-5)


def all_codes(bits: int) -> np.ndarray:
    """-1 and 1, the first bit the lowest: (2**bits, bits)."""
    return np.array(list(itertools.product((-1.0, 1.0), repeat=bits)))[:, ::-1]


@pytest.mark.parametrize("bits", [1, 3, 4])
def test_signs_are_an_index_and_the_entropies_are_those_of_all_distances(bits, rng):
    layer = LookupFreeQuantizer(bits, commitment=0.5, entropy_weight=0.3)
    values = (0.5 * rng.normal(size=(7, 2, 3, bits))).astype(np.float32)
    code = numpy(layer(values, training=False))
    np.testing.assert_array_equal(code, np.where(values >= 0, 1.0, -1.0))
    table = all_codes(bits)
    expected = nearest(values, table)
    indices, back = halves(layer, values)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_array_equal(back, code)

    distances = np.square(values.reshape(-1, 1, bits) - table).sum(-1)
    chance = softmax(-distances, axis=1)
    sure = -(chance * np.log(chance)).sum(1).mean()
    mean = chance.mean(0)
    spread = -(mean * np.log(mean)).sum()
    assert float(layer.parts["entropy"]) == pytest.approx(sure - spread, rel=1e-3, abs=1e-5)
    loss = 0.5 * np.square(values - code).mean() + 0.3 * (sure - spread)
    assert float(layer.losses[0]) == pytest.approx(loss, rel=1e-4)
    assert not layer.weights


SMALL = {"input_shape": (8, 8, 1), "hidden": (8,), "codebook_size": 16}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"residual_levels": 0}, "`residual_levels` must be a positive integer"),
        ({"groups": 3, "code_size": 8}, "`groups` must divide `code_size`, here 8"),
        ({"similarity": "cosine", "residual_levels": 2}, "`similarity` must be 'euclidean' where"),
        ({"quantizer": "fsq", "groups": 2}, "`groups` must be 1 with quantizer='fsq'"),
        ({"quantizer": "lfq", "gradient": "rotation"}, "`gradient` must be 'straight_through' wit"),
        ({"quantizer": "lfq", "codebook_size": 48}, "`codebook_size` must be a power of two"),
        ({"quantizer": "lfq", "code_size": 5}, "`code_size` must be the bits of an index, here 4"),
        (
            {"hierarchical": True, "input_shape": (10, 8, 1)},
            "`hierarchical` must be False where the map of `hidden` has odd sides",
        ),
        (
            {"hierarchical": True, "input_shape": (12,)},
            r"`hierarchical` must be False but for images",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        kerasae.build_vector_quantized(**{**SMALL, **options})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ResidualVectorQuantizer([]), "`quantizers` must be quantisers"),
        (lambda: ResidualVectorQuantizer([one(4), one(5)]), "`quantizers` must be quantisers"),
        (lambda: GroupedVectorQuantizer([FiniteScalarQuantizer()]), "`quantizers` must be quanti"),
        (
            lambda: ResidualVectorQuantizer([one(similarity="cosine")] * 2),
            "`quantizers` must be of euclidean similarity",
        ),
        (lambda: TwoLevelQuantizer([one()]), "`quantizers` must be two"),
        (lambda: TwoLevelQuantizer([one(), one()]).build((None, 2, 2, 4)), "multiple of 5"),
        (lambda: GroupedVectorQuantizer([one(), one()]).build((None, 3)), "evenly among 2 groups"),
        (lambda: LookupFreeQuantizer(19), "`bits` must be at most 18"),
        (lambda: LookupFreeQuantizer(3).build((None, 4)), "`bits` must be the number of channels"),
    ],
)
def test_layers_refuse_what_they_cannot_do(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"residual_levels": 3}, (4, 4, 3)),
        ({"groups": 2, "similarity": "cosine"}, (4, 4, 2)),
        ({"hierarchical": True}, (2, 2, 5)),
        ({"quantizer": "lfq", "codebook_size": 32}, (4, 4, 1)),
    ],
)
def test_a_codec_sends_the_indices_of_all_codebooks(options, shape, digits, tmp_path):
    keras.utils.set_random_seed(0)
    model = kerasae.build_vector_quantized(
        **{
            "input_shape": digits.image_shape,
            "hidden": (16,),
            "codebook_size": 32,
            "learning_rate": 5e-3,
            **options,
        }
    )
    model.fit(digits.train, digits.train, epochs=8, batch_size=64, verbose=0)
    codec = Codec.load(
        export_bundle(model, tmp_path / "b", scheme="int8", calibration=digits.train)
    )
    spec = codec.manifest.codec
    assert (spec.code_shape, spec.codebook) == (shape, 32)
    tables = spec.best.tables[: shape[-1]]  # of the first class
    if shape[-1] > 1:
        assert len({table.frequencies for table in tables}) == shape[-1]
    assert spec.code_edge == ((1, *shape) if shape[-1] > 1 else (1, *shape[:-1]))

    images = np.floor(digits.test * 255 + 0.5).astype(np.uint8)
    stream = codec.compress_many(images)
    rebuilt = np.stack(codec.decompress_many(stream)) / 255
    plain = numpy(model(images / np.float32(255), training=False)).clip(0, 1)
    loss = pooled_psnr(digits.test, plain) - pooled_psnr(digits.test, rebuilt)
    assert abs(loss) < 0.5
    bits = 5 * np.prod(shape) * len(images)
    assert len(stream) < 0.98 * bits / 8
