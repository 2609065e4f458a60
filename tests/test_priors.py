"""Priors over codes: what they may see, what they cost, and what they draw."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import kerasae
from kerasae import priors
from kerasae.data import Images
from kerasae.layers import AffineCoupling, CausalBlock
from kerasae.losses.diffusion import cosine_schedule, ddim_step, velocity
from kerasae.priors.drawing import _as_a_whole, _with_cache
from kerasae.training import TrainConfig, train

FEW = TrainConfig(epochs=1, jit_compile=False, steps_per_execution=1, batch_size=16)
SMALL = {
    "pixelcnn": {"filters": 8, "blocks": 3, "kernel_size": 3},
    "transformer": {"width": 16, "blocks": 2},
    "flow": {"couplings": 3, "hidden": (16,)},
    "diffusion": {"width": 16, "blocks": 2},
}
INDEX, VALUES = ("pixelcnn", "transformer"), ("flow", "diffusion")


def index_codes(count: int = 96, size: int = 6) -> priors.Codes:
    """Maps whose rows count upwards from where the label says, so that an index tells the next."""
    labels = np.arange(count) % 2
    start = np.random.default_rng(0).integers(0, 3, (count, 3, 1)) + 3 * labels[:, None, None]
    maps = (start + np.arange(4)) % size
    n = count // 2
    return priors.Codes(
        maps[:n].astype(np.float32),
        maps[n:].astype(np.float32),
        maps[n:].astype(np.float32),
        labels[:n],
        labels[n:],
        labels[n:],
        ("low", "high"),
        codebook_size=size,
    )


def value_codes(count: int = 400) -> priors.Codes:
    """Codes around two centres, by class, far from the standard normal."""
    labels = np.arange(count) % 2
    noise = np.random.default_rng(0).standard_normal((count, 3)) * [0.1, 0.2, 0.3]
    values = (noise + np.where(labels, 2.0, -1.0)[:, None]).astype(np.float32)
    n = count // 2
    return priors.Codes(
        values[:n], values[n:], values[n:], labels[:n], labels[n:], labels[n:], ("a", "b")
    )


def built(name: str, seed: int = 0, **options) -> keras.Model:
    keras.utils.set_random_seed(seed)
    codes = index_codes() if name in INDEX else value_codes()
    prior = priors.build(name, codes, **{**SMALL[name], **options})
    if keras.backend.backend() == "tensorflow":
        prior.jit_compile = False
    return prior


def moved(prior: keras.Model, seed: int = 3) -> keras.Model:
    """With weights that are not those it starts with, some of which are zeros."""
    rng = np.random.default_rng(seed)
    for variable in prior.trainable_variables:
        variable.assign(variable + 0.1 * rng.standard_normal(variable.shape))
    return prior


def learn(name: str, epochs: int = 4, **options) -> keras.Model:
    """Trained in a few epochs of many steps."""
    codes = index_codes() if name in INDEX else value_codes()
    prior = built(name, **options)
    prior.optimizer.learning_rate = 1e-2
    values = np.concatenate([codes.train] * 30)
    inputs = values
    if prior.get_layer("condition") if len(prior.inputs) > 1 else None:
        told = np.eye(2, dtype=np.float32)[np.concatenate([codes.train_labels] * 30)]
        inputs = (values, told)
    prior.fit(inputs, values, epochs=epochs, batch_size=48, verbose=0)
    return prior


@pytest.mark.parametrize("name", INDEX)
@pytest.mark.parametrize("classes", [2, None])
def test_an_index_sees_all_before_it_and_none_after(name, classes):
    prior = moved(built(name, classes=classes, dropout=0.0))
    maps = np.random.default_rng(0).integers(0, 6, (1, 3, 4))
    told = [] if classes is None else [np.array([[0.0, 1.0]], np.float32)]

    def scores(values: np.ndarray) -> np.ndarray:
        outputs = prior([values, *told] if told else values, training=False)
        return ops.convert_to_numpy(outputs).reshape(12, -1)

    before = scores(maps)
    for place in range(12):
        other = maps.copy().reshape(-1)
        other[place] = (other[place] + 1) % 6
        changed = np.abs(scores(other.reshape(maps.shape)) - before).max(axis=-1) > 1e-7
        assert not changed[: place + 1].any()
        assert changed[place + 1 :].all() or name == "pixelcnn"
    if told:
        assert np.abs(scores(maps) - _with_label(prior, maps, 0)).min(axis=-1).max() > 1e-4


def _with_label(prior: keras.Model, maps: np.ndarray, label: int) -> np.ndarray:
    told = np.eye(2, dtype=np.float32)[[label]]
    return ops.convert_to_numpy(prior([maps, told], training=False)).reshape(12, -1)


def test_a_pixelcnn_has_no_blind_spot():
    """Deep enough, each index depends on all before it, which with one stack it would not."""
    keras.utils.set_random_seed(0)
    prior = moved(
        priors.build_pixelcnn(
            code_shape=(4, 5), codebook_size=4, filters=6, blocks=6, kernel_size=3, dropout=0.0
        )
    )
    maps = np.zeros((1, 4, 5), np.int32)
    before = ops.convert_to_numpy(prior(maps, training=False)).reshape(20, -1)
    for place in range(20):
        other = maps.copy().reshape(-1)
        other[place] = 3
        after = ops.convert_to_numpy(prior(other.reshape(maps.shape), training=False))
        changed = np.abs(after.reshape(20, -1) - before).max(axis=-1) > 1e-9
        assert changed[place + 1 :].all()


@pytest.mark.parametrize("name", INDEX)
def test_the_probabilities_of_all_codes_add_up_to_one(name):
    keras.utils.set_random_seed(0)
    build = priors.PRIORS[name]
    prior = moved(build(code_shape=(2, 2), codebook_size=3, **SMALL[name]))
    every = np.array(list(itertools.product(range(3), repeat=4))).reshape(-1, 2, 2)
    assert np.exp2(-priors.bits(prior, every)).sum() == pytest.approx(1.0, abs=1e-5)


def test_the_cache_gives_the_scores_of_the_whole_network():
    prior = moved(built("transformer"))
    maps = np.random.default_rng(1).integers(0, 6, (3, 12)).astype(np.int32)
    told = np.eye(2, dtype=np.float32)[[0, 1, 0]]
    by_step = [s for _, s in _with_cache(prior, maps, told, (3, 4), 1, 0)]
    at_once = [s for _, s in _as_a_whole(prior, maps, told, (3, 4), 1, 0)]
    np.testing.assert_allclose(by_step, at_once, atol=2e-5)


def test_attention_is_that_of_numpy():
    keras.utils.set_random_seed(0)
    block = CausalBlock(heads=2)
    x = np.random.default_rng(0).standard_normal((1, 5, 4)).astype(np.float32)
    block.build(x.shape)
    query, key, value = (ops.convert_to_numpy(v)[0] for v in block._projected(x))
    wanted = np.zeros((5, 4))
    for head in range(2):
        scores = query[head] @ key[head].T / np.sqrt(2)
        scores[np.triu_indices(5, 1)] = -np.inf
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        wanted[:, 2 * head : 2 * head + 2] = weights @ value[head]
    expected = ops.convert_to_numpy(block.attended(wanted[None].astype(np.float32)))
    seen = np.tril(np.ones((5, 5), bool))
    found = block._attend(*(v[None] for v in (query, key, value)), seen)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", INDEX)
def test_an_index_prior_learns_what_tables_cannot_and_draws_by_label(name):
    codes, prior = index_codes(), learn(name, label_dropout=0.2)
    static = priors.static_bits(codes.train, codes.test, 6).mean()
    told = priors.bits(prior, codes.test, labels=codes.test_labels).mean()
    alone = priors.bits(prior, codes.test).mean()
    # Of 12 indices 3 are free, each one of 3 with the label, and one bit says which label.
    assert 3 * np.log2(3) - 0.5 < told < 3 * np.log2(3) + 3
    assert told < alone < 0.5 * static
    drawn = priors.sample_codes(prior, 40, labels=[0, 1] * 20, temperature=0.5)
    assert ((drawn[:, :, 1:] - drawn[:, :, :-1]) % 6 == 1).mean() > 0.9
    assert (drawn[::2, :, 0] < 3).mean() > 0.9
    assert (drawn[1::2, :, 0] >= 3).mean() > 0.9


@pytest.mark.parametrize("name", INDEX)
def test_temperature_zero_takes_the_likeliest_and_guidance_sharpens(name):
    prior = moved(built(name))
    one, other = (priors.sample_codes(prior, 3, labels=1, temperature=0, seed=s) for s in (1, 2))
    np.testing.assert_array_equal(one, other)
    seeded = [priors.sample_codes(prior, 3, labels=1, seed=s) for s in (1, 1, 2)]
    np.testing.assert_array_equal(seeded[0], seeded[1])
    assert (seeded[0] != seeded[2]).any()
    free = priors.sample_codes(prior, 4, labels=1, guidance=0.0, seed=5)
    np.testing.assert_array_equal(free, priors.sample_codes(prior, 4, seed=5))
    assert (priors.sample_codes(prior, 4, labels=1, guidance=30.0, seed=5) != free).any()


def test_draws_follow_the_probabilities():
    prior = moved(priors.build_transformer(code_shape=(1,), codebook_size=3, width=8, blocks=1))
    share = np.bincount(priors.sample_codes(prior, 5000)[:, 0], minlength=3) / 5000
    expected = np.exp2(-priors.bits(prior, [[0], [1], [2]]))
    np.testing.assert_allclose(share, expected, atol=0.03)


def test_the_static_tables_are_those_of_counting():
    train_, test = np.array([[[0, 1]], [[0, 2]], [[1, 1]]]), np.array([[[0, 2]], [[2, 0]]])
    found = priors.static_bits(train_, test, 3, pseudocount=0.5)
    p = [(2.5 / 4.5) * (1.5 / 4.5), (0.5 / 4.5) * (0.5 / 4.5)]
    np.testing.assert_allclose(found, -np.log2(p))


def test_a_coupling_is_inverted_and_its_volume_is_that_of_the_jacobian():
    keras.utils.set_random_seed(0)
    layer = AffineCoupling((8,), seed=4)
    rng = np.random.default_rng(0)
    code, label = (rng.standard_normal((2, n)).astype(np.float32) for n in (5, 2))
    layer.build(code.shape, label.shape)
    for variable in layer.trainable_variables:
        variable.assign(0.5 * rng.standard_normal(variable.shape))
    given, log = layer(code, label)
    np.testing.assert_allclose(layer.inverse(given, label), code, atol=1e-5)
    assert np.abs(ops.convert_to_numpy(given) - code).max() > 0.1
    for row in range(2):
        jacobian, step = np.zeros((5, 5)), 1e-2
        for i in range(5):
            ends = np.repeat(code[row : row + 1], 2, axis=0)
            ends[:, i] += [step, -step]
            moved_ = ops.convert_to_numpy(
                layer(ends, np.repeat(label[row : row + 1], 2, axis=0))[0]
            )
            jacobian[:, i] = (moved_[0] - moved_[1]) / (2 * step)
        assert np.log(abs(np.linalg.det(jacobian))) == pytest.approx(float(log[row]), abs=2e-3)


def test_the_density_of_a_flow_integrates_to_one_in_units_of_the_codes():
    keras.utils.set_random_seed(0)
    prior = moved(
        priors.build_flow(
            code_shape=(2,), mean=[1.0, -2.0], deviation=[0.5, 2.0], couplings=2, hidden=(8,)
        )
    )
    x, y = np.meshgrid(np.linspace(-4, 6, 160), np.linspace(-22, 18, 160))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    density = np.exp(priors.log_likelihood(prior, grid))
    cell = (10 / 159) * (40 / 159)
    assert density.sum() * cell == pytest.approx(1.0, abs=0.01)


def test_an_untrained_flow_is_the_normal_distribution_of_its_scale():
    prior = priors.build_flow(code_shape=(3,), mean=1.0, deviation=2.0)
    codes = np.random.default_rng(0).normal(1.0, 2.0, (6, 3))
    expected = (-0.5 * ((codes - 1) / 2) ** 2 - 0.5 * np.log(2 * np.pi * 4)).sum(axis=1)
    np.testing.assert_allclose(priors.log_likelihood(prior, codes), expected, rtol=1e-5)


@pytest.mark.parametrize("name", VALUES)
def test_a_prior_over_values_draws_what_it_learned(name):
    codes = value_codes()
    prior = learn(name, epochs=6 if name == "flow" else 20)
    drawn = priors.sample_codes(prior, 400, labels=[0, 1] * 200, steps=30)
    for label in (0, 1):
        wanted, found = codes.train[codes.train_labels == label], drawn[label::2]
        np.testing.assert_allclose(found.mean(axis=0), wanted.mean(axis=0), atol=0.2)
        np.testing.assert_allclose(found.std(axis=0), wanted.std(axis=0), atol=0.15)
    if name == "flow":
        told = priors.log_likelihood(prior, codes.test, labels=codes.test_labels).mean()
        normal = -np.log(codes.train.std(axis=0)).sum() - 1.5 * np.log(2 * np.pi * np.e)
        truth = -np.log([0.1, 0.2, 0.3]).sum() - 1.5 * np.log(2 * np.pi * np.e)
        assert normal < told < truth + 0.1
        assert told > truth - 1.0


def test_code_and_noise_make_each_other():
    rng = np.random.default_rng(0)
    code, noise = rng.standard_normal((2, 7, 3))
    time, before = rng.random((2, 7, 1))
    a, s = (ops.convert_to_numpy(v) for v in cosine_schedule(time))
    np.testing.assert_allclose(a**2 + s**2, 1)
    v = ops.convert_to_numpy(velocity(code, noise, time))
    earlier, found = ddim_step(a * code + s * noise, v, time, before)
    np.testing.assert_allclose(found, code, atol=1e-6)
    a, s = (ops.convert_to_numpy(part) for part in cosine_schedule(before))
    np.testing.assert_allclose(earlier, a * code + s * noise, atol=1e-6)


def test_the_steps_follow_the_ideal_denoiser_back_to_a_gaussian(monkeypatch):
    """Of codes N(0, 2^2) the best v is linear in z: what the steps end in must be N(0, 2^2)."""
    prior = built("diffusion", classes=None)

    def ideal(network, z, time, labels, guidance):
        a, s = np.cos(np.pi * time / 2), np.sin(np.pi * time / 2)
        return z * ((a * s - 4 * a * s) / (4 * a * a + s * s))

    monkeypatch.setattr("kerasae.priors.drawing._velocity", ideal)
    monkeypatch.setattr("kerasae.priors._scaling.unscaled", lambda model, codes: codes)
    drawn = priors.sample_codes(prior, 4000, steps=200)
    assert drawn.std() == pytest.approx(2.0, abs=0.06)


def test_guidance_of_a_diffusion_goes_beyond_the_label():
    prior = moved(built("diffusion"))
    plain, without, guided = (
        priors.sample_codes(prior, 4, labels=label, guidance=w, steps=1, seed=1)
        for label, w in ((1, 1.0), (None, 1.0), (1, 3.0))
    )
    np.testing.assert_allclose(guided, without + 3 * (plain - without), atol=1e-4)


@pytest.mark.parametrize("name", priors.PRIORS)
def test_each_saves_reloads_and_trains_by_train(name, eager, tmp_path):
    codes = index_codes() if name in INDEX else value_codes(96)
    prior = built(name)
    history = train(prior, codes, FEW, progress=False, out=tmp_path / "run").history
    assert np.isfinite(history["loss"] + history["val_loss"]).all()
    again = keras.saving.load_model(tmp_path / "run" / "model.keras", safe_mode=True)
    options = {"labels": [0, 1, -1], "steps": 4, "seed": 2}
    np.testing.assert_array_equal(
        priors.sample_codes(prior, 3, **options), priors.sample_codes(again, 3, **options)
    )
    again.fit(
        (codes.train, np.eye(2, dtype=np.float32)[codes.train_labels]), codes.train, verbose=0
    )
    plain = built(name, classes=None)
    assert len(plain.inputs) == 1
    train(plain, codes, FEW, progress=False)
    assert priors.sample_codes(plain, 2, steps=2).shape[1:] == codes.code_shape


@pytest.mark.parametrize("name", priors.PRIORS)
def test_each_trains_in_half_precision(name, eager):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        prior = built(name)
        codes = index_codes() if name in INDEX else value_codes(96)
        history = train(prior, codes, FEW, progress=False).history
        assert np.isfinite(history["loss"] + history["val_loss"]).all()
    finally:
        keras.config.set_dtype_policy(before)


def test_a_prior_is_stored_beside_the_autoencoder_that_its_card_names(tmp_path):
    prior = moved(built("diffusion"))
    card = {"summary": "Codes of nothing.", "autoencoder": "mnist-variational"}
    kerasae.save_pretrained(prior, tmp_path / "mine", card=card)
    again = kerasae.load_pretrained(tmp_path / "mine")
    options = {"labels": 1, "steps": 3}
    np.testing.assert_allclose(
        priors.sample_codes(again, 2, **options),
        priors.sample_codes(prior, 2, **options),
        atol=0.05,
    )
    assert "A prior over the codes of mnist-variational." in (
        tmp_path / "mine" / "README.md"
    ).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def digits() -> Images:
    return kerasae.load_images("digits", limit=80)


@pytest.fixture(scope="module")
def quantized() -> keras.Model:
    keras.utils.set_random_seed(0)
    return kerasae.build_vector_quantized(
        input_shape=(8, 8, 1), hidden=(8,), code_size=4, codebook_size=6
    )


def test_codes_of_images_are_those_of_the_encoder(digits, quantized):
    codes = priors.encode(quantized, digits)
    indices = ops.convert_to_numpy(kerasae.encoder(quantized)(digits.train))
    np.testing.assert_array_equal(codes.train, indices)
    assert codes.codebook_size == 6
    assert codes.hyperparameters == {"code_shape": (4, 4), "codebook_size": 6, "classes": 10}
    np.testing.assert_array_equal(codes.test_labels, digits.test_labels)
    np.testing.assert_array_equal(priors.encode(quantized, digits.test), codes.test)
    model = kerasae.build_variational(input_shape=(8, 8, 1), code_size=3, hidden=(8,))
    values = priors.encode(model, digits)
    np.testing.assert_allclose(values.train, kerasae.encoder(model)(digits.train), atol=1e-6)
    assert values.hyperparameters["mean"] == pytest.approx(values.train.mean(axis=0), abs=1e-5)


@pytest.mark.parametrize("name", INDEX)
def test_a_completed_image_keeps_its_upper_indices(name, digits, quantized):
    prior = moved(priors.PRIORS[name](code_shape=(4, 4), codebook_size=6, **SMALL[name]))
    images = digits.test[:5]
    indices = ops.convert_to_numpy(kerasae.encoder(quantized)(images))
    whole = priors.complete(prior, quantized, images, keep=1.0)
    np.testing.assert_allclose(whole, _decoded(quantized, indices), atol=1e-6)
    completions = [priors.complete(prior, quantized, images, keep=0.5, seed=s) for s in (1, 1, 2)]
    np.testing.assert_array_equal(completions[0], completions[1])
    assert (completions[0] != completions[2]).any()
    # What an index says reaches one pixel beyond its own: the first rows are as they were.
    np.testing.assert_allclose(completions[0][:, :2], whole[:, :2], atol=1e-6)


def _decoded(model: keras.Model, indices: np.ndarray) -> np.ndarray:
    return ops.convert_to_numpy(kerasae.decoder(model)(indices)).clip(0, 1)


def test_samples_are_the_decoded_codes(digits, quantized):
    prior = moved(priors.build_pixelcnn(code_shape=(4, 4), codebook_size=6, **SMALL["pixelcnn"]))
    codes = priors.sample_codes(prior, 3, seed=4)
    images = priors.sample(prior, quantized, 3, seed=4)
    np.testing.assert_allclose(images, _decoded(quantized, codes), atol=1e-6)


def test_a_prior_of_other_codes_is_refused(quantized):
    other = priors.build_pixelcnn(code_shape=(4, 4), codebook_size=7, **SMALL["pixelcnn"])
    with pytest.raises(ValueError, match="`prior` must be one of the codes of `model`"):
        priors.sample(other, quantized, 1)
    with pytest.raises(ValueError, match="`prior` must be one of the codes of `model`"):
        priors.sample(built("flow"), quantized, 1)
    with pytest.raises(ValueError, match="`prior` must be a model of `kerasae.priors`"):
        priors.sample(quantized, quantized, 1)


def test_wrong_calls_are_refused(quantized):
    codes, values = index_codes(), value_codes()
    pixelcnn, flow, plain = built("pixelcnn"), built("flow"), built("flow", classes=None)
    wrong = [
        ("`name` must be 'pixelcnn' or 'transformer'", lambda: priors.build("flow", codes)),
        ("`name` must be 'flow' or 'diffusion'", lambda: priors.build("pixelcnn", values)),
        ("`name` must be one of", lambda: priors.build("gan", codes)),
        ("`codes` must be `Codes`", lambda: priors.build("flow", values.train)),
        ("`labels` must be None", lambda: priors.sample_codes(plain, 1, labels=1)),
        ("`labels` must be below the 2", lambda: priors.sample_codes(flow, 1, labels=2)),
        ("`guidance` must be 1 for a flow", lambda: priors.sample_codes(flow, 1, guidance=2)),
        ("`guidance` must be", lambda: priors.sample_codes(pixelcnn, 1, guidance=-1.0)),
        ("`temperature` must be", lambda: priors.sample_codes(pixelcnn, 1, temperature=-1)),
        ("`count` must be", lambda: priors.sample_codes(pixelcnn, 0)),
        ("`steps` must be", lambda: priors.sample_codes(flow, 1, steps=0)),
        ("`codes` must hold whole numbers", lambda: priors.bits(pixelcnn, np.full((1, 3, 4), 6))),
        ("`codes` must be finite values", lambda: priors.bits(pixelcnn, np.zeros((1, 4, 3)))),
        ("`prior` must be one over indices", lambda: priors.bits(flow, values.test)),
        (
            "`prior` must be a PixelCNN, a transformer or a flow",
            lambda: priors.log_likelihood(built("diffusion"), values.test),
        ),
        ("`train` must hold whole", lambda: priors.static_bits([[0.5]], [[0]], 2)),
        ("`train` and `codes` must be", lambda: priors.static_bits([[0]], [[0, 1]], 2)),
        ("`kernel_size` must be odd", lambda: priors.build_pixelcnn(kernel_size=4)),
        ("`heads` must divide", lambda: priors.build_transformer(width=10, heads=4)),
        ("`deviation` must be above 0", lambda: priors.build_flow(deviation=0.0)),
        ("`mean` must be a finite number", lambda: priors.build_flow(mean=[1.0, 2.0])),
        ("`code_shape` must be that of at least", lambda: priors.build_flow(code_shape=(1,))),
        (
            "`code_shape` must be .rows, columns, channels.",
            lambda: priors.build_diffusion(network="convolutional"),
        ),
        (
            "`attributes` must be None where",
            lambda: priors.build_flow(classes=2, attributes=3),
        ),
        ("`train` must hold whole", lambda: priors.Codes(np.ones((2, 2)), codebook_size=1)),
        (
            "`prior` must be one of the codes|over maps",
            lambda: priors.complete(flow, quantized, np.zeros((1, 8, 8, 1), np.float32)),
        ),
    ]
    for message, call in wrong:
        with pytest.raises(ValueError, match=message) as refused:
            call()
        assert "Received: " in str(refused.value)


def test_a_diffusion_of_maps_uses_convolutions(eager):
    codes = priors.Codes(
        np.random.default_rng(0).normal(size=(32, 4, 4, 2)).astype(np.float32),
        np.zeros((8, 4, 4, 2), np.float32),
    )
    prior = priors.build("diffusion", codes, network="convolutional", width=8, blocks=1)
    train(prior, codes, FEW, progress=False)
    assert priors.sample_codes(prior, 2, steps=2).shape == (2, 4, 4, 2)
