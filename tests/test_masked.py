"""Inpainting: where holes are, what the loss weighs, and that the known stays known."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

import kerasae
from kerasae import evaluation
from kerasae.applications.masks import draw_masks
from kerasae.layers import RandomHoles
from kerasae.training import TrainConfig, train
from kerasae_export.runtime.litemodel import LiteModel

SHAPE = (12, 10, 1)


def small(**options) -> keras.Model:
    keras.utils.set_random_seed(0)
    options = {"input_shape": SHAPE, "code_size": 8, "hidden": (16,), **options}
    return kerasae.build_masked(network="dense", **options)


def in_training(layer: RandomHoles, images: np.ndarray) -> np.ndarray:
    return ops.convert_to_numpy(layer(images, training=True))


@pytest.mark.parametrize("kind", ["centre", "block", "free_form", "text"])
def test_training_cuts_holes_from_the_bank(kind, rng):
    images = rng.random((40, 16, 12, 3)).astype(np.float32)
    layer = RandomHoles(kind, fraction=0.2, count=8, seed=5)
    outputs = in_training(layer, images)
    holes = (outputs == -1).all(-1)
    np.testing.assert_array_equal(outputs[~holes], images[~holes])
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.holes), holes.astype(np.float32))
    bank = draw_masks(kind, (16, 12), 8, fraction=0.2, seed=5)
    if kind in ("block", "free_form"):  # writing is never mirrored, nor is what lies in the centre
        bank = np.concatenate([bank, bank[:, ::-1], bank[:, :, ::-1], bank[:, ::-1, ::-1]])
    allowed = {mask.tobytes() for mask in bank}
    drawn = {mask.tobytes() for mask in holes}
    assert drawn <= allowed
    if kind == "centre":
        assert len(drawn) == 1
    else:
        assert len(drawn) > 4
        assert (in_training(layer, images) != outputs).any()  # other holes the next time


def test_inference_leaves_images_and_the_holes_of_the_caller(rng):
    images = rng.random((3, 8, 8, 1)).astype(np.float32)
    images[0, 2, 3] = -1
    layer = RandomHoles("block")
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(images)), images)
    expected = np.zeros((3, 8, 8))
    expected[0, 2, 3] = 1
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.holes), expected)


@pytest.mark.parametrize("loss", ["mse", "binary_crossentropy"])
def test_the_loss_is_the_weighted_mean_over_pixels(loss, rng):
    """Against NumPy, on images with holes, as validation gives them."""
    model = small(loss=loss, hole_weight=4.0, input_shape=(6, 5, 2))
    images = rng.random((8, 6, 5, 2)).astype(np.float32)
    holes = draw_masks("block", (6, 5), 8)
    inputs = np.where(holes[..., None], np.float32(-1), images)
    rebuilt = model.predict(inputs, verbose=0).astype(float)
    if loss == "mse":
        each = np.square(rebuilt - images)
    else:
        each = -images * np.log(rebuilt) - (1 - images) * np.log(1 - rebuilt)
    weights = np.where(holes, 4.0, 1.0)
    expected = (weights[..., None] * each).mean()
    got = model.evaluate(inputs, images, verbose=0)
    assert got == pytest.approx(expected, rel=1e-4)
    assert got != pytest.approx(each.mean(), rel=1e-2)

    per_image = np.arange(8.0)
    got = model.evaluate(inputs, images, sample_weight=per_image, batch_size=8, verbose=0)
    expected = (per_image[:, None, None, None] * weights[..., None] * each).mean()
    assert got == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_training_weighs_the_holes_that_it_cut(rng):
    """With a huge weight the loss in training is that of the hole, which is always the centre."""
    images = rng.random((16, *SHAPE)).astype(np.float32)
    model = small(mask="centre", hole_weight=1e6, loss="mse", learning_rate=1e-12)
    (mask,) = draw_masks("centre", SHAPE[:2], 1)
    rebuilt = model.predict(np.where(mask[..., None], np.float32(-1), images), verbose=0)
    expected = 1e6 * mask.mean() * evaluation.hole_error(images, rebuilt, mask)
    history = model.fit(images, images, batch_size=16, verbose=0)
    assert history.history["loss"][0] == pytest.approx(expected, rel=1e-3)


def test_the_encoder_sees_what_is_known_and_what_is_not(rng):
    model = small(input_shape=(4, 4, 3))
    images = rng.random((2, 4, 4, 3)).astype(np.float32)
    images[0, 1, 2] = -1
    seen = ops.convert_to_numpy(model.get_layer("stem")(images))
    np.testing.assert_array_equal(seen[..., :3], np.where(images < 0, 0, images))
    np.testing.assert_array_equal(seen[..., 3:], images < 0)
    assert kerasae.encoder(model).input_shape == (None, 4, 4, 3)


@pytest.mark.slow
def test_a_saved_model_holds_no_masks_and_draws_them_again(tmp_path, rng):
    images = rng.random((8, *SHAPE)).astype(np.float32)
    model = small(mask="text", mask_fraction=0.1, hole_weight=3.0)
    model.fit(images, images, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    assert sum(v.size for v in again.non_trainable_variables if "seed" not in v.path) == 0
    first, second = model.get_layer("mask"), again.get_layer("mask")
    assert first.get_config() == second.get_config()
    bank = draw_masks("text", SHAPE[:2], first.count, fraction=0.1)
    holes = (in_training(second, images) == -1).all(-1)
    assert {mask.tobytes() for mask in holes} <= {mask.tobytes() for mask in bank}


def test_train_validates_on_images_with_the_same_holes_each_time(digits):
    shape = digits.image_shape
    model = small(input_shape=shape, mask="block", hidden=(64,), code_size=32)
    history = train(
        model, digits, TrainConfig(epochs=3, learning_rate=3e-3, seed=7), progress=False
    )
    mask = draw_masks("block", shape[:2], len(digits.validation), seed=7)
    holed = np.where(mask[..., None], np.float32(-1), digits.validation)
    np.testing.assert_array_equal(
        model.get_layer("mask").cut_holes(digits.validation, seed=7), holed
    )
    best = min(history.history["val_loss"])
    assert model.evaluate(holed, digits.validation, verbose=0) == pytest.approx(best, rel=1e-4)
    whole = model.evaluate(digits.validation, digits.validation, verbose=0)
    assert whole < 0.9 * best  # which says nothing about filling


@pytest.fixture(scope="module")
def filler(digits) -> keras.Model:
    model = small(
        input_shape=digits.image_shape, mask="centre", hidden=(128,), code_size=64, loss="mse"
    )
    train(model, digits, TrainConfig(epochs=15, learning_rate=5e-3), progress=False)
    return model


@pytest.mark.slow
def test_inpainting_beats_the_mean_and_keeps_what_is_known(filler, digits):
    (mask,) = draw_masks("centre", (8, 8), 1)
    filled = kerasae.inpaint(filler, digits.test, mask)
    np.testing.assert_array_equal(filled[:, ~mask], digits.test[:, ~mask])
    assert filled.dtype == np.float32
    assert filled.min() >= 0
    assert filled.max() <= 1
    mean = np.broadcast_to(digits.train.mean(axis=0), digits.test.shape)
    error = evaluation.hole_error(digits.test, filled, mask)
    assert error < 0.6 * evaluation.hole_error(digits.test, mean, mask)


@pytest.mark.slow
def test_inpainting_never_sees_what_is_missing(filler, digits, rng):
    images = digits.test[:5].copy()
    masks = draw_masks("block", (8, 8), 5)
    filled = kerasae.inpaint(filler, images, masks)
    images[masks] = rng.random((int(masks.sum()), 1))
    np.testing.assert_array_equal(kerasae.inpaint(filler, images, masks), filled)
    none = np.zeros((8, 8), bool)
    np.testing.assert_array_equal(kerasae.inpaint(filler, images, none), images)


@pytest.mark.slow
def test_an_int8_file_that_was_calibrated_with_holes_fills_them(
    filler, digits, converter, tmp_path
):
    (mask,) = draw_masks("centre", (8, 8), 1)
    holed = filler.get_layer("mask").cut_holes(digits.train[:200])
    net = kerasae.inference_model(filler)
    path = converter.convert(net, tmp_path / "f.tflite", scheme="int8", calibration=holed)
    inputs = np.where(mask[..., None], np.float32(-1), digits.test)
    filled = LiteModel(path.read_bytes()).run(inputs)
    expected = evaluation.hole_error(digits.test, filler.predict(inputs, verbose=0), mask)
    assert evaluation.hole_error(digits.test, filled, mask) < 1.05 * expected


@pytest.mark.parametrize(
    ("images", "masks", "message"),
    [
        (np.zeros((2, 8, 8, 1)), np.zeros((2, 8, 8)), "`masks` must be booleans of the shape"),
        (np.zeros((2, 8, 8, 1)), np.zeros((3, 8, 8), bool), "`masks` must be booleans"),
        (np.zeros((2, 8, 8, 1)) - 1, np.zeros((8, 8), bool), "`images` must have values in"),
        (np.full((2, 8, 8, 1), np.nan), np.zeros((8, 8), bool), "`images` must be finite"),
        (np.zeros((2, 9, 8, 1)), np.zeros((9, 8), bool), "`images` must have the shape"),
    ],
)
def test_bad_arguments_of_inpaint(images, masks, message):
    with pytest.raises(ValueError, match=message):
        kerasae.inpaint(small(input_shape=(8, 8, 1)), images, masks)


def test_inpaint_refuses_a_model_that_knows_no_holes():
    model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
    with pytest.raises(ValueError, match="`model` must be of the kind 'masked'"):
        kerasae.inpaint(model, np.zeros((1, 8, 8, 1)), np.zeros((8, 8), bool))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mask": "round"}, "`mask` must be one of 'centre', 'block', 'free_form', 'text'"),
        ({"mask_fraction": 0.0}, "`mask_fraction` must be a number above 0"),
        ({"mask_fraction": 0.95}, "`mask_fraction` must be at most 0.9. Received"),
        ({"hole_weight": 0}, "`hole_weight` must be a number above 0"),
        ({"loss": "none"}, "`loss` must be the name of a loss of Keras"),
    ],
)
def test_bad_hyperparameters(wrong, message):
    with pytest.raises(ValueError, match=message):
        kerasae.build_masked(**wrong)
