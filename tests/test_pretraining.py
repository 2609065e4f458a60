"""Layer-wise pretraining: what it learns, that it stays in the model, and what it refuses."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kerasae
from kerasae.layers import GaussianCorruption
from kerasae.training import TrainConfig, train

JIT = keras.backend.backend() == "jax"  # which crawls without; TensorFlow starts sooner
CONFIG = TrainConfig(epochs=8, learning_rate=1e-2, batch_size=32, jit_compile=JIT)
QUICK = TrainConfig(epochs=2, learning_rate=3e-3, batch_size=64, jit_compile=JIT)
DEEP = {"input_shape": (8, 8, 1), "code_size": 12, "hidden": (48, 24), "loss": "mse"}


def make(build=kerasae.build_undercomplete, **options) -> keras.Model:
    keras.utils.set_random_seed(0)
    return build(**{**DEEP, **options})


def error(model: keras.Model, images: np.ndarray) -> float:
    return float(np.square(model.predict(images, verbose=0) - images).mean())


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.slow
def test_pretraining_alone_makes_a_deep_net_reconstruct(tied, digits):
    model = make(tied=tied)
    untrained = error(model, digits.test)
    histories = kerasae.pretrain_layerwise(model, digits, CONFIG, progress=False)
    assert len(histories) == 3
    for history in histories:
        losses = history.history["val_loss"]
        assert len(losses) == CONFIG.epochs
        assert min(losses) < 0.7 * losses[0]  # the first epoch already learned something
    assert error(model, digits.test) < 0.5 * untrained
    mean = np.square(digits.test - digits.train.mean(axis=0)).mean()
    assert error(model, digits.test) < mean


def stock(layer: keras.layers.Layer, like: keras.layers.Layer) -> keras.layers.Layer:
    layer.build(like.input.shape)
    layer.set_weights(like.get_weights())
    return layer


@pytest.mark.slow
def test_each_pair_learns_what_a_shallow_net_of_stock_layers_learns(digits):
    """The same steps by hand, which shows that what is learned arrives in the model."""
    model = make(hidden=(20,), code_size=6)
    few = kerasae.load_images("digits", limit=300)
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    pairs = [
        (encoder.get_layer("encode_1"), decoder.get_layer("pixels"), "relu", "linear"),
        (encoder.get_layer("code"), decoder.get_layer("decode_1"), "linear", "relu"),
    ]
    data, expected = few, []
    for inward, outward, first, second in pairs:
        shape = data.train.shape[1:]
        image = keras.Input(shape)
        f = stock(keras.layers.Dense(inward.units, activation=first), inward)
        g = stock(keras.layers.Dense(outward.units, activation=second), outward)
        h = f(keras.layers.Flatten()(image))
        shallow = keras.Model(image, keras.layers.Reshape(shape)(g(h)))
        shallow.compile("adam", loss="mse")
        train(shallow, data, QUICK, progress=False)
        expected += [*f.get_weights(), *g.get_weights()]
        below = {
            split: keras.ops.convert_to_numpy(f(getattr(data, split).reshape(-1, np.prod(shape))))
            for split in ("train", "validation")
        }
        below = {split: codes[:, :, None, None] for split, codes in below.items()}
        data = kerasae.Images(**below, test=below["train"][:0])
    kerasae.pretrain_layerwise(model, few, QUICK, progress=False)
    found = [w for pair in pairs for layer in pair[:2] for w in layer.get_weights()]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("corruption", [None, "gaussian"])
@pytest.mark.slow
def test_the_seed_decides(corruption):
    few = kerasae.load_images("digits", limit=200)
    options = {"corruption": corruption, "progress": False}
    results = []
    for seed in (0, 0, 1):
        model = make(hidden=(16,))
        config = TrainConfig(epochs=1, seed=seed, jit_compile=JIT)
        kerasae.pretrain_layerwise(model, few, config, **options)
        results.append(model.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(results[0], results[1], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(results[0], results[2], strict=True))


@pytest.mark.parametrize(
    ("corruption", "hidden"),
    [("masking", (100,)), ("gaussian", ())],
)
@pytest.mark.slow
def test_corrupted_pretraining_makes_each_layer_robust(corruption, hidden, digits):
    """A stack that has seen corruption undoes more of it than one that has not."""
    rng = np.random.default_rng(0)
    if corruption == "masking":
        noisy = np.where(rng.random(digits.test.shape) < 0.3, 0, digits.test)
    else:
        noisy = np.clip(digits.test + 0.3 * rng.normal(size=digits.test.shape), 0, 1)
    errors = {}
    for kind in (None, corruption):
        model = make(hidden=hidden, code_size=48)
        kerasae.pretrain_layerwise(
            model, digits, CONFIG, corruption=kind, level=0.3, progress=False
        )
        cleaned = model.predict(noisy.astype(np.float32), verbose=0)
        errors[kind] = np.square(cleaned - digits.test).mean()
    assert errors[corruption] < 0.85 * errors[None]


def test_codes_get_noise_that_is_not_clipped():
    codes = np.full((200, 40, 1, 1), 7.0, np.float32)
    layer = GaussianCorruption(2.0, clip=False, seed=0)
    noisy = keras.ops.convert_to_numpy(layer(codes, training=True))
    assert noisy.mean() == pytest.approx(7.0, abs=0.1)
    assert noisy.std() == pytest.approx(2.0, rel=0.05)
    assert GaussianCorruption.from_config(layer.get_config()).clip is False


@pytest.mark.parametrize(
    "options",
    [
        {"build": kerasae.build_sparse, "penalty": "topk", "k": 3, "tied": True},
        {"build": kerasae.build_sparse, "penalty": "dropout", "rate": 0.2},
        {"build": kerasae.build_denoising, "base": "undercomplete", "level": 0.2},
    ],
    ids=["topk", "dropout", "denoising"],
)
@pytest.mark.slow
def test_other_dense_architectures_are_pretrained_and_trained_on(options, tmp_path):
    few = kerasae.load_images("digits", limit=300)
    model = make(**{"hidden": (32,), **options})
    errors = [error(model, few.test)]
    kerasae.pretrain_layerwise(model, few, CONFIG, progress=False)
    errors.append(error(model, few.test))
    train(model, few, CONFIG, progress=False)
    errors.append(error(model, few.test))
    assert errors[0] > 1.2 * errors[1] > 1.2 * errors[2]
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_array_equal(
        again.predict(few.test, verbose=0), model.predict(few.test, verbose=0)
    )


@pytest.mark.slow
def test_the_penalty_takes_part_in_the_last_pair_and_a_second_round_goes_on():
    """With a strong one the units of the code are quiet after the pretraining."""
    few = kerasae.load_images("digits", limit=300)
    means = []
    for beta in (1e-6, 1.0):
        model = make(build=kerasae.build_sparse, penalty="kl", beta=beta, hidden=(32,))
        first, _ = kerasae.pretrain_layerwise(model, few, CONFIG, progress=False)
        means.append(float(np.mean(kerasae.encoder(model)(few.test))))
    assert means[1] < 0.5 * means[0]
    second, _ = kerasae.pretrain_layerwise(model, few, QUICK, progress=False)
    assert second.history["val_loss"][-1] < first.history["val_loss"][0]


def test_convolutional_models_are_refused(digits):
    message = (
        "`model` must be an autoencoder of Dense layers whose decoder mirrors its encoder. "
        "Received: model='convolutional' with the layers 'encode_1' \\(Conv2D\\)"
    )
    with pytest.raises(ValueError, match=message):
        kerasae.pretrain_layerwise(make(kerasae.build_convolutional), digits)


def test_a_decoder_that_is_no_mirror_is_refused(digits):
    one, other = make(hidden=(32,)), make(hidden=(24,))
    image = keras.Input((8, 8, 1))
    model = keras.Model(image, other.get_layer("decoder")(one.get_layer("encoder")(image)))
    with pytest.raises(ValueError, match="whose decoder mirrors its encoder"):
        kerasae.pretrain_layerwise(model, digits)
    with pytest.raises(ValueError, match="with no nested encoder and decoder of one output"):
        kerasae.pretrain_layerwise(one.get_layer("encoder"), digits)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"corruption": "blur"}, "`corruption` must be one of 'gaussian', 'masking'. Received"),
        ({"level": 0}, "`level` must be a number above 0"),
        ({"corruption": "masking", "level": 1.5}, "`level` must be a fraction of the values"),
    ],
)
def test_bad_arguments_give_one_sentence(wrong, message, digits):
    with pytest.raises(ValueError, match=message):
        kerasae.pretrain_layerwise(make(), digits, **wrong)


def test_a_model_without_a_loss_is_refused(digits):
    model = make()
    model.compile("adam", loss=None)
    with pytest.raises(ValueError, match="`model` must be compiled with a loss"):
        kerasae.pretrain_layerwise(model, digits)


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.slow
def test_a_classifier_is_a_softmax_on_a_copy_of_the_encoder():
    few = kerasae.load_images("digits", limit=200)
    model = make(code_activation="sigmoid")
    encoder = kerasae.encoder(model)
    before = [w.copy() for w in encoder.get_weights()]
    classifier = kerasae.build_classifier(encoder, classes=10, learning_rate=1e-2)
    assert classifier.output_shape == (None, 10)
    kernel, bias = classifier.get_layer("probabilities").get_weights()
    expected = softmax(encoder.predict(few.test, verbose=0) @ kernel + bias)
    found = classifier.predict(few.test, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    loss = classifier.evaluate(few.test, few.test_labels, verbose=0, return_dict=True)["loss"]
    of_labels = found[np.arange(len(found)), few.test_labels]
    assert loss == pytest.approx(-np.log(of_labels).mean(), rel=1e-4)

    layers = [*classifier.layers, *classifier.get_layer("encoder").layers]
    assert all(type(layer).__module__.startswith("keras.") for layer in layers)
    classifier.fit(few.train, few.train_labels, verbose=0)
    tuned = classifier.get_weights()[: len(before)]
    for old, same, new in zip(before, encoder.get_weights(), tuned, strict=True):
        np.testing.assert_array_equal(old, same)
        assert not np.array_equal(old, new)


@pytest.mark.slow
def test_a_frozen_encoder_keeps_its_weights_and_the_head_learns(digits):
    encoder = kerasae.encoder(make(hidden=(), code_size=32))
    classifier = kerasae.build_classifier(encoder, classes=10, frozen=True, learning_rate=3e-2)
    assert len(classifier.trainable_weights) == 2
    labelled = (digits.train, digits.train_labels)
    before = classifier.evaluate(*labelled, verbose=0, return_dict=True)
    classifier.fit(*labelled, epochs=5, verbose=0)
    after = classifier.evaluate(*labelled, verbose=0, return_dict=True)
    assert after["loss"] < 0.7 * before["loss"]
    np.testing.assert_array_equal(
        classifier.get_layer("encoder").predict(digits.test, verbose=0),
        encoder.predict(digits.test, verbose=0),
    )


@pytest.mark.slow
def test_a_stacked_denoising_autoencoder_becomes_a_stock_classifier(digits, tmp_path):
    """Pretrained with noise, tuned with labels, saved, and loaded."""
    model = make(
        build=kerasae.build_overcomplete,
        code_size=64,
        hidden=(64,),
        activation="sigmoid",
        code_activation="sigmoid",
        regularizer=None,
        tied=True,
    )
    kerasae.pretrain_layerwise(model, digits, CONFIG, corruption="masking", progress=False)
    classifier = kerasae.build_classifier(kerasae.encoder(model), classes=10, learning_rate=1e-2)
    classifier.fit(
        digits.train,
        digits.train_labels,
        validation_data=(digits.validation, digits.validation_labels),
        epochs=5,
        verbose=0,
    )
    score = classifier.evaluate(digits.test, digits.test_labels, verbose=0, return_dict=True)
    assert score["accuracy"] > 0.9
    classifier.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_array_equal(
        again.predict(digits.test, verbose=0), classifier.predict(digits.test, verbose=0)
    )


@pytest.mark.parametrize(
    ("build", "options"),
    [
        (kerasae.build_convolutional, {"hidden": (4,), "code": "spatial", "code_size": 3}),
        (kerasae.build_variational, {"hidden": (8,), "loss": None}),
        (kerasae.build_sparse, {"hidden": (), "penalty": "topk", "k": 3}),
    ],
    ids=["spatial", "variational", "topk"],
)
def test_any_float_code_can_be_classified(build, options, digits):
    options = {**DEEP, **options}
    if options["loss"] is None:
        del options["loss"]
    classifier = kerasae.build_classifier(kerasae.encoder(build(**options)), classes=4)
    assert classifier.predict(digits.test[:3], verbose=0).shape == (3, 4)


def test_what_cannot_be_classified_is_refused():
    encoder = kerasae.encoder(make())
    for wrong, message in (
        ({"classes": 0}, "`classes` must be a positive integer"),
        ({"classes": 3, "frozen": 1}, "`frozen` must be True or False"),
        ({"classes": 3, "learning_rate": 0}, "`learning_rate` must be a number above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            kerasae.build_classifier(encoder, **wrong)
    image = keras.Input((8, 8, 1))
    whole = keras.Model(image, keras.ops.cast(encoder(image), "int32"))
    with pytest.raises(ValueError, match="`encoder` must be a model of one input that gives float"):
        kerasae.build_classifier(whole, classes=3)


@pytest.mark.parametrize(
    ("regularizer", "default"),
    [
        (None, "linear"),
        ("l1", "relu"),
        ("kl", "sigmoid"),
        ("topk", "linear"),
        ("dropout", "linear"),
    ],
)
def test_a_code_has_the_activation_asked_for_or_that_of_its_penalty(regularizer, default):
    shape = {"input_shape": (4, 4, 1), "code_size": 32}
    builds = [lambda **o: kerasae.build_overcomplete(**shape, regularizer=regularizer, **o)]
    if regularizer is not None:
        builds.append(lambda **o: kerasae.build_sparse(**shape, penalty=regularizer, **o))
    x = np.random.default_rng(0).random((3, 4, 4, 1), dtype=np.float32)
    for build in builds:
        code = kerasae.encoder(build()).get_layer("code")
        assert code.activation is getattr(keras.activations, default)
        if regularizer == "kl":
            with pytest.raises(ValueError, match="`code_activation` must be 'sigmoid' for 'kl'"):
                build(code_activation="relu")
            continue
        encoder = kerasae.encoder(build(code_activation="tanh"))
        kernel, bias = encoder.get_layer("code").get_weights()
        expected = np.tanh(x.reshape(3, 16) @ kernel + bias)
        if regularizer == "topk":
            expected[expected < np.sort(expected, axis=1)[:, [-25]]] = 0
        np.testing.assert_allclose(encoder(x), expected, atol=1e-5)
