"""The look at a trained model: each kind of collapse is seen, and no healthy model is blamed."""

from __future__ import annotations

import re
import warnings

import keras
import numpy as np
import pytest
from keras import ops

import kerasae
from kerasae import evaluation
from kerasae.training import CollapseWarning, TrainConfig, collapse, train
from kerasae.training.collapse import findings

SIZE = {"input_shape": (8, 8, 1), "hidden": (24,), "code_size": 8}
SPATIAL = {"input_shape": (8, 8, 1), "hidden": (8, 8), "code_size": 4}
VARIATIONAL = {**SIZE, "likelihood": "gaussian_learned"}
QUANTIZED = {**SPATIAL, "codebook_size": 32}
FSQ = {"input_shape": (8, 8, 1), "quantizer": "fsq"}
CONTRACTIVE = {"input_shape": (8, 8, 1), "code_size": 40}
SPARSE = {"input_shape": (8, 8, 1), "code_size": 40, "hidden": ()}
RATE = {**SIZE, "network": "dense"}
MASKED = {**SIZE, "network": "dense", "loss": "mse"}


def trained(
    name: str, options: dict, images: kerasae.Images, *, epochs: int = 15, rate: float = 1e-2
) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = kerasae.build(name, **options, learning_rate=rate)
    often = np.concatenate([images.train[:640]] * epochs)  # one epoch, since each costs a start
    model.fit(often, often, batch_size=64, verbose=0)
    return model


def sampled(cases: dict) -> list:
    """Those that are quickest to train by default, all of them by -m slow."""
    quick = ("beta", "contraction", "contractive", "l1", "undercomplete")
    return [
        pytest.param(*case, marks=[] if name in quick else pytest.mark.slow)
        for name, case in cases.items()
    ]


HEALTHY = {
    "undercomplete": ("undercomplete", SIZE),
    "variational": ("variational", VARIATIONAL),
    "vq": ("vector_quantized", QUANTIZED),
    "fsq": ("vector_quantized", {**FSQ, "hidden": (16,), "levels": (5, 4, 4)}),
    "contractive": ("contractive", CONTRACTIVE),
    "l1": ("sparse", {**SPARSE, "penalty": "l1"}),
    "kl": ("sparse", {**SPARSE, "penalty": "kl", "beta": 1e-3}),
    "topk": ("sparse", {**SPARSE, "penalty": "topk", "k": 12}),
    "rate_distortion": ("rate_distortion", {**RATE, "lmbda": 0.1}),
    "masked": ("masked", MASKED),
    "denoising": ("denoising", {**SIZE, "base": "undercomplete", "level": 0.1}),
}


@pytest.mark.parametrize(("name", "options"), sampled(HEALTHY), ids=HEALTHY)
def test_no_healthy_model_is_blamed(name, options, digits):
    assert findings(trained(name, options, digits), digits) == []


COLLAPSED = {
    "beta": ("variational", {**VARIATIONAL, "beta": 200.0}, r"0 of 8 units.*smaller `beta`"),
    "capacity": (
        "variational",
        {**VARIATIONAL, "capacity": 0.0, "beta": 200.0},
        "0 of 8 units.*larger `capacity`",
    ),
    "sigma": (
        "variational",
        {**SIZE, "likelihood": "gaussian", "sigma": 3.0},
        "KL is .* nats.*smaller `sigma`",
    ),
    "single levels": (
        "vector_quantized",
        {**FSQ, "hidden": (8, 8), "levels": (5, 4)},
        "single level in 2 of 2 channels.*`levels`",
    ),
    "contraction": ("contractive", {**CONTRACTIVE, "weight": 1e3}, "one code.*smaller `weight`"),
    "l1": (
        "sparse",
        {**SPARSE, "penalty": "l1", "weight": 10.0},
        "40 units, of which 40 never fire.*smaller `weight`",
    ),
    "kl": (
        "sparse",
        {**SPARSE, "penalty": "kl", "beta": 10.0, "rho": 1e-3},
        "never fire.*smaller `beta`",
    ),
    "rate": (
        "rate_distortion",
        {**RATE, "lmbda": 1e-9},
        "bits on an image.*larger `lmbda`",
    ),
}


@pytest.mark.parametrize(("name", "options", "message"), sampled(COLLAPSED), ids=COLLAPSED)
def test_a_collapse_is_seen_with_the_knob_to_turn(name, options, message, digits):
    (finding,) = findings(trained(name, options, digits, epochs=25), digits)
    assert re.search(message, finding), finding


# What an encoder says whose weights are all 0: the same of all images.
DEAD = {
    "beta": (
        "variational",
        {**VARIATIONAL, "beta": 2.0},
        "'variational' has collapsed to its prior: 0 of 8 units of the code are active, and KL is "
        "0 nats an image. Try a smaller `beta` (now 2).",
    ),
    "capacity": ("variational", {**VARIATIONAL, "capacity": 0.5}, "a larger `capacity` (now 0.5)."),
    "large capacity": ("variational", {**VARIATIONAL, "capacity": 1.0}, "or `free_bits`."),
    "bernoulli": (
        "variational",
        {**SIZE, "likelihood": "bernoulli"},
        "Try more epochs, `warmup_epochs`, or `likelihood='gaussian_learned'` for grey pixels.",
    ),
    "gaussian": (
        "variational",
        {**SIZE, "likelihood": "gaussian", "sigma": 0.5},
        "Try a smaller `sigma` (now 0.5) or `likelihood='gaussian_learned'`.",
    ),
    "learned": (
        "variational",
        VARIATIONAL,
        "Try more epochs, `warmup_epochs` or `free_bits`.",
    ),
    "codebook": (
        "vector_quantized",
        {**QUANTIZED, "restart": 0.1},
        "uses 1 of the 32 entries of its codebook for 576 vectors; the others are dead. "
        "Try a smaller `codebook_size`, or more epochs.",
    ),
    "without restart": (
        "vector_quantized",
        {**QUANTIZED, "restart": 0.0},
        "the others are dead. Try `restart=0.1`, which starts such entries anew.",
    ),
    "levels": (
        "vector_quantized",
        {**FSQ, "hidden": (8, 8), "levels": (5, 4)},
        "uses a single level in 2 of 2 channels of its code. Try fewer channels in `levels`, or "
        "more epochs.",
    ),
    "rate": (
        "rate_distortion",
        {**RATE, "lmbda": 0.25},
        "bits on an image, the same code on each: its rate has gone to nothing. "
        "Try a larger `lmbda` (now 0.25), or more epochs.",
    ),
    "contraction": (
        "contractive",
        {**CONTRACTIVE, "weight": 0.5},
        "'contractive' gives all images nearly one code: no unit varies by more than 0 between "
        "images. Try a smaller `weight` (now 0.5).",
    ),
    "l1": (
        "sparse",
        {**SPARSE, "penalty": "l1", "weight": 0.5},
        "has a code of 40 units, of which 40 never fire. Try a smaller `weight` (now 0.5).",
    ),
    "kl": (
        "sparse",
        {**SPARSE, "penalty": "kl", "beta": 0.5},
        "of which 40 never fire. Try a smaller `beta` (now 0.5).",
    ),
    "topk": (
        "sparse",
        {**SPARSE, "penalty": "topk", "k": 4},
        "of which 40 never fire. Try a larger `k` or fewer units (`code_size`).",
    ),
}


@pytest.fixture(scope="module")
def told(digits):
    """A conditional model of digits, trained for a moment, with the labels of `digits`."""
    keras.utils.set_random_seed(0)
    model = kerasae.build("conditional", **VARIATIONAL, learning_rate=1e-2)
    often = np.concatenate([digits.train[:640]] * 15)
    labels = keras.utils.to_categorical(np.concatenate([digits.train_labels[:640]] * 15), 10)
    model.fit((often, labels), often, batch_size=64, verbose=0)
    return model


def test_a_conditional_model_uses_code_and_label(told, digits):
    assert findings(told, digits) == []
    weights = told.get_weights()
    decoder, encoder = told.get_layer("decoder"), told.get_layer("encoder")
    try:
        first = decoder.layers[[layer.name for layer in decoder.layers].index("decode_1")]
        kernel, bias = first.get_weights()
        first.set_weights([np.concatenate([kernel[:8], 0 * kernel[8:]]), bias])  # of the label
        (found,) = findings(told, digits)
        assert re.search("takes no notice of its label: another one changes .*code_size", found)
        for name in ("mean", "log_variance"):
            head = encoder.get_layer(name)
            head.set_weights([0 * weight for weight in head.get_weights()])
        assert "has collapsed to its prior: 0 of 8 units" in findings(told, digits)[0]
    finally:
        told.set_weights(weights)


def test_a_conditional_model_is_not_judged_without_labels(told, digits):
    assert findings(told, kerasae.Images(train=digits.train)) == []
    same = kerasae.Images(train=digits.train, train_labels=np.full(len(digits.train), 3))
    assert findings(told, same) == []


@pytest.mark.parametrize(("name", "options", "end"), DEAD.values(), ids=DEAD)
def test_a_code_that_is_the_same_of_all_images_is_seen(name, options, end, digits):
    model = kerasae.build(name, **options)
    for weight in kerasae.encoder(model).weights:
        weight.assign(ops.zeros_like(weight))
    finding, *_ = findings(model, digits)  # a rate of nothing has units that are silent, too
    assert finding.startswith(f"{model.name!r} ")
    assert finding.endswith(end)


def test_a_codebook_may_be_larger_than_the_images_can_use(digits):
    """Of 1,024 entries as many as there are vectors are used, and no more could be."""
    model = kerasae.build("vector_quantized", **{**SPATIAL, "codebook_size": 1024})
    codes = model.get_layer("encoder").predict(digits.validation, verbose=0).reshape(-1, 4)
    book = np.full((1024, 4), 1e3, np.float32)
    book[: len(codes)] = codes[:1024]
    model.get_layer("quantizer").codebook.assign(book)
    assert not any("codebook" in finding for finding in findings(model, digits))


def test_of_several_codebooks_the_one_that_is_used_least_counts(digits):
    model = kerasae.build("vector_quantized", **{**SPATIAL, "codebook_size": 8, "groups": 2})
    first, second = model.get_layer("quantizer").quantizers
    codes = model.get_layer("encoder").predict(digits.validation, verbose=0).reshape(-1, 4)
    spread = codes[np.random.default_rng(0).permutation(len(codes))[:8]]
    first.codebook.assign(spread[:, :2])
    second.codebook.assign(np.r_[spread[:1, 2:], np.full((7, 2), 1e3)].astype(np.float32))
    found = [finding for finding in findings(model, digits) if "codebook" in finding]
    assert len(found) == 1
    assert "uses 1 of the 8 entries of a codebook" in found[0]


def test_as_many_images_are_looked_at_as_have_so_many_pixels(monkeypatch):
    images = kerasae.Images(*[np.zeros((81, 8, 8, 1), np.float32)] * 3)
    monkeypatch.setattr(collapse, "_VALUES", 20 * 64 + 32)
    assert len(collapse._watched(images)) == 17  # every fifth, since every fourth would be 21
    monkeypatch.setattr(collapse, "_VALUES", 64)
    assert len(collapse._watched(images)) == 8
    few = kerasae.Images(images.train[:10], images.train[:63], images.test)
    assert len(collapse._watched(few)) == 5  # of the training images


@pytest.mark.usefixtures("eager")
def test_what_is_found_is_a_warning_to_the_caller_of_train(digits, monkeypatch):
    asked = []

    def found(model, images, *, seed):
        asked.append((model, seed))
        return ["first", "second"]

    monkeypatch.setattr("kerasae.training.loop.findings", found)
    few = kerasae.Images(digits.train[:8], digits.validation[:8], digits.test[:8])
    model = kerasae.build_undercomplete(**SIZE)
    with warnings.catch_warnings(record=True) as caught:  # TensorFlow's own among them
        warnings.simplefilter("always")
        train(model, few, TrainConfig(epochs=1, seed=7), progress=False)
    ours = [warning for warning in caught if warning.category is CollapseWarning]
    assert [str(warning.message) for warning in ours] == ["first", "second"]
    assert {warning.filename for warning in ours} == {__file__}
    assert asked == [(model, 7)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("restart", "knob"),
    [
        (0.0, "`restart=0.1`"),
        (0.1, "`codebook_size`"),
    ],
)
def test_dead_entries_of_a_codebook_are_counted(restart, knob, digits):
    model = trained("vector_quantized", {**QUANTIZED, "restart": restart}, digits)
    codebook = model.get_layer("quantizer").codebook
    far = ops.convert_to_numpy(codebook)
    far[3:] = 1e3  # no vector is near them
    codebook.assign(far)
    (finding,) = findings(model, digits)
    assert re.search(rf"uses [123] of the 32 entries.* 576 vectors.*{knob}", finding)


@pytest.mark.parametrize("name", ["undercomplete", "masked"])
def test_a_reconstruction_no_better_than_the_mean_image_is_seen(name, digits):
    options = SIZE if name == "undercomplete" else MASKED
    (finding,) = findings(trained(name, options, digits, epochs=1, rate=1e-6), digits)
    assert "no better than the mean image" in finding


def test_models_of_another_make_are_looked_at_and_never_break_a_training(digits):
    image = keras.Input(digits.image_shape)
    hidden = keras.layers.Dense(32, activation="relu")(keras.layers.Flatten()(image))
    output = keras.layers.Reshape(digits.image_shape)(keras.layers.Dense(64)(hidden))
    model = keras.Model(image, output)
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(3e-3))
    assert "mean image" in findings(model, digits)[0]
    assert "Try more epochs, or another `learning_rate`." in findings(model, digits)[0]
    model.fit(digits.train, digits.train, epochs=5, verbose=0)
    assert findings(model, digits) == []


def test_images_that_are_all_alike_are_no_collapse(rng):
    one = np.repeat(rng.random((1, 8, 8, 1)), 70, axis=0).astype(np.float32)
    images = kerasae.Images(train=one, validation=one, test=one)
    assert findings(kerasae.build_undercomplete(**SIZE), images) == []


@pytest.mark.slow
def test_train_warns_at_its_end_and_leaves_the_model(digits, tmp_path):
    few = kerasae.load_images("digits", limit=400)
    keras.utils.set_random_seed(0)
    model = kerasae.build_undercomplete(**SIZE)
    config = TrainConfig(epochs=1, learning_rate=1e-6, batch_size=64)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CollapseWarning)
        train(model, few, config, out=tmp_path / "run", progress=False)
    (warning,) = (w for w in caught if w.category is CollapseWarning)
    assert "'undercomplete' rebuilds no better" in str(warning.message)
    steps = -(-len(few.train) // 64)
    assert f"Try a smaller `batch_size` or more epochs, since these were {steps} steps" in str(
        warning.message
    )
    assert warning.filename == __file__
    assert (tmp_path / "run" / "model.keras").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        train(model, few, TrainConfig(epochs=15, batch_size=16, learning_rate=1e-2), progress=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_defaults_of_a_variational_model_learn_digits(seed, digits):
    """At least 3 dB above the mean image, with at least a quarter of the units at work."""
    keras.utils.set_random_seed(seed)
    model = kerasae.build_variational(input_shape=digits.image_shape)
    train(model, digits, TrainConfig(seed=seed), progress=False)
    rebuilt = model.predict(digits.test, verbose=0).clip(0, 1)
    mean = np.repeat(digits.train.mean(axis=0)[None], len(digits.test), axis=0)
    assert evaluation.psnr(digits.test, rebuilt) > evaluation.psnr(digits.test, mean) + 3
    assert evaluation.active_units(model, digits.test) >= 32 / 4
    assert findings(model, digits) == []


@pytest.mark.parametrize(
    ("options", "likelihood"),
    [({}, "gaussian_learned"), ({"binarize": True}, "bernoulli")],
)
def test_the_default_likelihood_follows_the_pixels(options, likelihood):
    model = kerasae.build_variational(**SIZE, **options)
    assert model.get_layer("bound").likelihood == likelihood
