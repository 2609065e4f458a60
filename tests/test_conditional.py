"""Conditional models: labels go in, may be missing, may be changed, and may be fixed."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from architectures import blobs
from keras import ops

import kerasae
from kerasae import evaluation, samplers
from kerasae._conditions import condition_of, label_vectors
from kerasae.data import Images
from kerasae.layers import Condition, RepeatedLabels
from kerasae.training import TrainConfig, train
from kerasae_export import convert, export_bundle


def two_kinds(count: int = 128) -> Images:
    """Dark and light images, labelled 0 and 1, each with a little of its own."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    level = np.where(labels, 0.9, 0.1)[:, None, None, None]
    images = np.clip(level + 0.05 * rng.standard_normal((count, 6, 6, 1)), 0, 1)
    n = count // 2
    images = images.astype(np.float32)
    return Images(
        images[:n], images[n:], images[n:], labels[:n], labels[n:], labels[n:], ("dark", "light")
    )


def small(**options) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = kerasae.build_conditional(
        **{"classes": 2, "input_shape": (6, 6, 1), "code_size": 3, "hidden": (16,), **options}
    )
    if keras.backend.backend() == "tensorflow":
        model.jit_compile = False
    return model


@pytest.fixture(scope="module")
def learned() -> keras.Model:
    # The codes are to cost something: then they do not say what the label says.
    model, images = small(likelihood="gaussian", sigma=0.3, beta=4.0), two_kinds()
    many = [np.concatenate([part] * 40) for part in (images.train, images.train_labels)]
    one_hot = keras.utils.to_categorical(many[1], 2)
    model.optimizer.learning_rate = 1e-2
    model.fit((many[0], one_hot), many[0], epochs=6, batch_size=32, verbose=0)
    return model


def test_what_is_drawn_shows_its_label(learned):
    drawn = samplers.sample_prior(learned, 8, labels=[0, 1] * 4, seed=1).mean(axis=(1, 2, 3))
    assert (drawn[::2] < 0.3).all()
    assert (drawn[1::2] > 0.7).all()
    vectors = samplers.sample_prior(learned, 8, labels=np.eye(2)[[0, 1] * 4], seed=1)
    np.testing.assert_allclose(vectors.mean(axis=(1, 2, 3)), drawn, atol=1e-6)


def test_an_image_gets_another_label_and_keeps_its_code(learned):
    images = two_kinds()
    changed = samplers.change_label(learned, images.test, images.test_labels, 1)
    assert (changed.mean(axis=(1, 2, 3)) > 0.7).all()
    encoder, decoder = kerasae.encoder(learned), kerasae.decoder(learned)
    own = np.eye(2, dtype=np.float32)[images.test_labels]
    code = ops.convert_to_numpy(encoder([images.test, own]))
    other = np.eye(2, dtype=np.float32)[np.ones(len(own), int)]
    expected = ops.convert_to_numpy(decoder([code, other])).clip(0, 1)
    np.testing.assert_allclose(changed, expected, atol=1e-5)


def test_a_missing_label_is_a_vector_of_zeros_and_known_to_the_model(learned):
    images = two_kinds()
    unknown = samplers.change_label(learned, images.test, None, -1)
    rebuilt = learned([images.test, np.zeros((64, 2), np.float32)], training=False)
    np.testing.assert_allclose(unknown, ops.convert_to_numpy(rebuilt).clip(0, 1), atol=1e-5)
    assert np.abs(unknown - images.test).mean() < 0.2  # a tenth of the labels were left out


def test_training_leaves_labels_out_as_often_as_it_says():
    layer = Condition(classes=3, dropout=0.25, seed=1)
    labels = np.eye(3, dtype=np.float32)[np.arange(4000) % 3]
    kept = ops.convert_to_numpy(layer(labels, training=True))
    assert set(np.unique(kept.sum(axis=1))) == {0.0, 1.0}
    assert kept.sum() / len(labels) == pytest.approx(0.75, abs=0.03)
    rows = kept.sum(axis=1) > 0
    np.testing.assert_array_equal(kept[rows], labels[rows])
    np.testing.assert_array_equal(layer(labels, training=False), labels)
    np.testing.assert_array_equal(Condition(classes=3, dropout=0)(labels, training=True), labels)


def test_labels_are_repeated_for_the_codes_of_an_image():
    layer = RepeatedLabels(3)
    labels = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    repeated = ops.convert_to_numpy(layer(labels, training=True))
    np.testing.assert_array_equal(repeated, labels[[0, 0, 0, 1, 1, 1]])
    np.testing.assert_array_equal(layer(labels, training=False), labels)


def test_labels_as_vectors():
    classes, attributes = Condition(classes=3), Condition(attributes=2)
    one_hot = label_vectors("labels", [2, -1], classes, 2)
    np.testing.assert_array_equal(one_hot, [[0, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(label_vectors("labels", 1, classes, 2), [[0, 1, 0]] * 2)
    np.testing.assert_array_equal(label_vectors("labels", None, classes, 1), [[0, 0, 0]])
    soft = [[0.5, 0.5, 0.0]]
    np.testing.assert_array_equal(label_vectors("labels", soft, classes, 1), soft)
    told = label_vectors("labels", [1.0, np.nan], attributes, 2)
    np.testing.assert_array_equal(told, [[1, 0], [1, 0]])


@pytest.mark.parametrize(
    ("labels", "condition"),
    [
        (3, {"classes": 3}),
        ([-2, 0], {"classes": 3}),
        ([0.5, 1.0], {"classes": 3}),
        ([0, 1, 2], {"classes": 3}),
        (np.zeros((2, 4)), {"classes": 3}),
        (np.full((2, 3), np.nan), {"classes": 3}),
        (["a", "b"], {"classes": 3}),
        (1.0, {"attributes": 2}),
        (np.full((2, 2), np.inf), {"attributes": 2}),
        (np.zeros((3, 2)), {"attributes": 2}),
    ],
)
def test_other_labels_are_refused(labels, condition):
    with pytest.raises(ValueError, match="`labels` must .* Received: "):
        label_vectors("labels", labels, Condition(**condition), 2)


def test_train_takes_labels_of_images(eager, tmp_path):
    images, model = two_kinds(64), small()
    config = TrainConfig(epochs=2, batch_size=16, jit_compile=False, steps_per_execution=1)
    history = train(model, images, config, progress=False, out=tmp_path / "run").history
    assert history["val_loss"][1] < history["val_loss"][0]
    assert (tmp_path / "run" / "report.html").exists()
    again = keras.saving.load_model(tmp_path / "run" / "model.keras")
    inputs = [images.test, np.eye(2, dtype=np.float32)[images.test_labels]]
    np.testing.assert_array_equal(again(inputs, training=False), model(inputs, training=False))


def test_a_resumed_run_has_the_same_bits(eager, tmp_path):
    images = two_kinds(64)

    def config(epochs: int) -> TrainConfig:
        return TrainConfig(
            epochs=epochs,
            batch_size=16,
            schedule="constant",
            jit_compile=False,
            steps_per_execution=1,
            keep="last",
        )

    whole, halves = small(), small()
    train(whole, images, config(2), progress=False)
    train(halves, images, config(1), progress=False, out=tmp_path / "run")
    halves = small()
    train(halves, images, config(2), progress=False, out=tmp_path / "run", resume=True)
    for one, other in zip(whole.get_weights(), halves.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_train_asks_for_labels():
    images = two_kinds()
    with pytest.raises(ValueError, match="`data` must have the labels that 'conditional' is told"):
        train(small(), images.train, progress=False)
    wrong = Images(images.train, images.validation, train_labels=images.train_labels + 1)
    with pytest.raises(ValueError, match=r"`data.train_labels` must be below the 2 classes"):
        train(small(), wrong, progress=False)
    with pytest.raises(ValueError, match="`data` must be `Images` or the like with labels"):
        train(small(), iter(()), validation_data=images.validation, progress=False)


def test_with_its_label_fixed_it_is_an_ordinary_variational_model(learned):
    images = two_kinds()
    light = kerasae.at_label(learned, 1)
    told = np.tile([[0.0, 1.0]], (64, 1)).astype(np.float32)
    expected = ops.convert_to_numpy(learned([images.test, told], training=False))
    np.testing.assert_allclose(light(images.test, training=False), expected, atol=1e-6)
    assert samplers.sample_prior(light, 4).mean() > 0.7
    walk = samplers.interpolate(light, images.test[1], images.test[3], steps=3)
    assert walk.shape == (3, 6, 6, 1)
    chosen = images.test[images.test_labels == 1]
    right = evaluation.elbo(light, chosen, samples=20).elbo
    assert right > evaluation.elbo(kerasae.at_label(learned, 0), chosen, samples=20).elbo
    assert kerasae.encoder(light).input_shape == (None, 6, 6, 1)


def test_the_bound_is_that_of_the_formula():
    model = small(likelihood="bernoulli", label_dropout=0.0)
    images = two_kinds(8)
    told = np.eye(2, dtype=np.float32)[images.train_labels]
    outputs = model([images.train, told], training=False)
    loss = float(ops.convert_to_numpy(model.compute_loss([images.train, told], None, outputs)))
    both = [ops.convert_to_tensor(part) for part in (images.train, told)]
    mean, log_variance = model.get_layer("encoder")(both)
    p = ops.convert_to_numpy(model.get_layer("decoder")([mean, both[1]])[0])
    x = images.train
    nats = -(x * np.log(p) + (1 - x) * np.log1p(-p)).sum(axis=(1, 2, 3))
    m, v = ops.convert_to_numpy(mean), ops.convert_to_numpy(log_variance)
    kl = 0.5 * (m**2 + np.exp(v) - 1 - v).sum(axis=1)
    assert loss == pytest.approx(float((nats + kl).mean()), rel=1e-4)


def test_a_model_of_attributes_hears_each_of_them(eager):
    keras.utils.set_random_seed(1)
    model = kerasae.build_conditional(attributes=2, input_shape=(6, 6, 1), code_size=2)
    assert condition_of(model).attributes == 2
    drawn = samplers.sample_prior(model, 3, labels=[[1.0, 0], [0, 1], [0, 0]], seed=0)
    assert len({image.tobytes() for image in drawn}) == 3
    labels = np.random.default_rng(0).standard_normal((8, 2))
    x = blobs((6, 6, 1), 8)
    data = Images(x, x, x, labels, labels, labels)
    config = TrainConfig(epochs=1, jit_compile=False, steps_per_execution=1)
    assert np.isfinite(train(model, data, config, progress=False).history["val_loss"]).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the same converter")
@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_its_halves_convert_with_two_inputs(learned, scheme, tmp_path):
    images = two_kinds()
    label = np.eye(2, dtype=np.float32)[images.train_labels]
    encoder, decoder = kerasae.encoder(learned), kerasae.decoder(learned)
    code = ops.convert_to_numpy(encoder([images.train, label]))
    for half, inputs in ((encoder, [images.train, label]), (decoder, [code, label])):
        path = convert(half, tmp_path / "half.tflite", scheme=scheme, calibration=inputs)
        lite = Interpreter(str(path))
        lite.allocate_tensors()
        entries = lite.get_input_details()
        assert len(entries) == 2
        expected = ops.convert_to_numpy(half(inputs))
        span = np.ptp(expected)
        for row in range(4):
            for entry in entries:
                (value,) = (v for v in inputs if v.shape[1:] == tuple(entry["shape"][1:]))
                lite.set_tensor(entry["index"], _as(entry, value[row : row + 1]))
            lite.invoke()
            (out,) = lite.get_output_details()
            found = _from(out, lite.get_tensor(out["index"]))[0]
            tolerance = 1e-5 if scheme == "float32" else 0.1
            assert np.abs(found - expected[row]).max() < tolerance * max(span, 1)


def _as(entry: dict, value: np.ndarray) -> np.ndarray:
    if entry["dtype"] == np.float32:
        return value
    scale, zero = entry["quantization"]
    return np.clip(np.round(value / scale + zero), 0, 255).astype(entry["dtype"])


def _from(entry: dict, value: np.ndarray) -> np.ndarray:
    if entry["dtype"] == np.float32:
        return value
    scale, zero = entry["quantization"]
    return (value.astype(np.float32) - zero) * scale


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the same converter")
def test_a_bundle_is_told_labels_or_is_of_one(learned, tmp_path):
    images = two_kinds()
    with pytest.raises(ValueError, match=r"`labels` must be the classes .*kerasae.at_label"):
        export_bundle(learned, tmp_path / "none", calibration=images.train)
    light = kerasae.at_label(learned, 1)
    folder = export_bundle(light, tmp_path / "light", scheme="float32", calibration=images.train)
    assert (folder / "manifest.json").exists()


def test_what_needs_one_input_tells_the_way(learned):
    for ask in (samplers.traverse, evaluation.elbo):
        with pytest.raises(ValueError, match=r"kerasae.at_label\(model, label\)"):
            ask(learned, two_kinds().test[:2])


def test_wrong_calls_are_refused(learned):
    plain = kerasae.build_variational(input_shape=(6, 6, 1), code_size=2)
    with pytest.raises(ValueError, match="`model` must be conditional"):
        samplers.change_label(plain, two_kinds().test, 0, 1)
    with pytest.raises(ValueError, match="`labels` must be None for a model that takes none"):
        samplers.sample_prior(plain, 2, labels=1)
    with pytest.raises(ValueError, match="`model` must be a conditional autoencoder"):
        kerasae.at_label(plain, 1)
    with pytest.raises(ValueError, match="`label` must be below the 2 classes"):
        kerasae.at_label(learned, 2)
    with pytest.raises(ValueError, match="`new_labels` must"):
        samplers.change_label(learned, two_kinds().test, 0, 5)
    with pytest.raises(ValueError, match="One of `classes` and `attributes` must be given"):
        Condition()
    with pytest.raises(TypeError, match="unknown"):
        kerasae.build_conditional(unknown=3)
