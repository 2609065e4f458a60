"""The transformer that sees few patches: what is hidden, what comes back, and what it is for."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

import kerasae
from kerasae.builders._transformer import places
from kerasae.layers import HiddenPatches, RandomPatches
from kerasae_export import ConversionError, convert

SMALL = {
    "input_shape": (8, 12, 1),
    "code_size": 16,
    "hidden": (32, 32),
    "patch_size": 4,
    "decoder_size": 16,
    "decoder_hidden": (32,),
}


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def test_a_quarter_of_the_tokens_is_seen_and_all_come_back_to_their_places(rng):
    tokens = rng.normal(size=(5, 24, 3)).astype(np.float32)
    mask = RandomPatches((4, 6), patch_size=2, fraction=0.75, seed=1)
    place = HiddenPatches(24, mask.visible)
    seen, order = mask(tokens, training=True)
    assert seen.shape == (5, 6, 3)
    back = numpy(place(seen, order, training=True))
    place.token.assign(np.full((1, 1, 3), 7.0))
    back = numpy(place(seen, order, training=True))
    hidden = (back == 7).all(axis=-1)
    assert (hidden.sum(axis=1) == 18).all()
    np.testing.assert_array_equal(back[~hidden], tokens[~hidden])
    holes = numpy(mask.holes)
    assert holes.shape == (5, 8, 12)
    grid = hidden.reshape(5, 4, 6)
    np.testing.assert_array_equal(holes, grid.repeat(2, axis=1).repeat(2, axis=2))
    assert len({row.tobytes() for row in hidden}) == 5  # other ones in each image
    again, _ = mask(tokens, training=True)
    assert not np.array_equal(numpy(again), numpy(seen))


def test_all_patches_are_as_likely():
    mask = RandomPatches((2, 3), patch_size=1, fraction=0.5, seed=0)
    mask(np.zeros((6000, 6, 1), np.float32), training=True)
    share = numpy(mask.holes).mean(axis=0)
    np.testing.assert_allclose(share, 0.5, atol=0.03)


def test_nothing_is_hidden_at_inference(rng):
    tokens = rng.normal(size=(2, 6, 4)).astype(np.float32)
    mask, place = RandomPatches((2, 3), patch_size=2), HiddenPatches(6, 2)
    seen, order = mask(tokens)
    np.testing.assert_array_equal(numpy(seen), tokens)
    np.testing.assert_array_equal(numpy(place(seen, order)), tokens)
    assert not numpy(mask.holes).any()


def test_the_encoder_of_a_training_step_sees_the_visible_patches_only(rng):
    model = kerasae.build_masked_transformer(**SMALL, mask_fraction=0.5)
    mask = model.get_layer("mask")
    images = rng.random((3, 8, 12, 1)).astype(np.float32)
    state = numpy(mask.seed_generator.state)
    before = numpy(model(images, training=True))
    holes = numpy(mask.holes)[..., None] > 0
    assert holes.mean() == 0.5
    other = np.where(holes, rng.random(images.shape), images).astype(np.float32)
    mask.seed_generator.state.assign(state)
    np.testing.assert_allclose(numpy(model(other, training=True)), before, atol=1e-6)
    mask.seed_generator.state.assign(state)
    other = np.where(holes, images, rng.random(images.shape)).astype(np.float32)
    assert np.abs(numpy(model(other, training=True)) - before).max() > 1e-3


def test_the_loss_weighs_hidden_patches(rng):
    model = kerasae.build_masked_transformer(**SMALL, hole_weight=4.0)
    images = rng.random((4, 8, 12, 1)).astype(np.float32)
    outputs = model(images, training=True)
    holes = numpy(model.get_layer("mask").holes)
    loss = float(model.compute_loss(images, ops.convert_to_tensor(images), outputs))
    squares = np.square(numpy(outputs) - images)[..., 0]
    assert loss == pytest.approx(((1 + 3 * holes) * squares).mean(), rel=1e-5)


def test_places_are_sines_and_cosines_of_row_and_column():
    table = places((3, 5), 18).reshape(3, 5, 18)
    speed = 1e4 ** (-np.arange(4) / 4)
    for row, column in ((0, 0), (2, 1), (1, 4)):
        angles = [f(at * speed) for at in (row, column) for f in (np.sin, np.cos)]
        np.testing.assert_allclose(table[row, column], [*np.concatenate(angles), 0, 0], atol=1e-6)


@pytest.mark.slow
def test_it_rebuilds_the_patches_that_it_sees_and_then_whole_images(digits):
    keras.utils.set_random_seed(0)
    model = kerasae.build_masked_transformer(
        input_shape=(8, 8, 1),
        code_size=32,
        hidden=(64, 64),
        patch_size=2,
        mask_fraction=0.5,
        decoder_size=32,
        decoder_hidden=(64,),
    )
    model.fit(digits.train, digits.train, epochs=30, batch_size=64, verbose=0)
    mean = np.square(digits.train.mean(axis=0) - digits.test).mean()
    squares = np.square(numpy(model(digits.test, training=True)) - digits.test)
    seen = numpy(model.get_layer("mask").holes)[..., None] == 0
    assert squares[seen].mean() < 0.4 * mean
    assert squares[~seen].mean() < 1.1 * mean  # these take far more epochs


def test_a_classifier_fine_tunes_the_encoder(rng):
    model = kerasae.build_masked_transformer(**SMALL)
    images, labels = rng.random((16, 8, 12, 1)).astype(np.float32), rng.integers(0, 3, 16)
    for frozen in (False, True):
        classifier = kerasae.build_classifier(kerasae.encoder(model), classes=3, frozen=frozen)
        before = [numpy(w) for w in classifier.trainable_weights]
        classifier.fit(images, labels, epochs=1, verbose=0)
        assert (len(before) == 2) == frozen
        changed = [
            not np.array_equal(old, numpy(new))
            for old, new in zip(before, classifier.trainable_weights, strict=True)
        ]
        assert sum(changed) >= len(changed) - 2  # the bias of a key has no gradient


def test_static_int8_is_refused_in_a_sentence(rng, tmp_path):
    model = kerasae.build_masked_transformer(**SMALL)
    images = rng.random((8, 8, 12, 1)).astype(np.float32)
    with pytest.raises(
        ConversionError,
        match=r"'int8' does not fit model 'encoder', because activations around the attention "
        r"'encode_attend_\d' lose too much in 8 bits: use `scheme=\"dynamic\"`",
    ):
        convert(kerasae.encoder(model), tmp_path / "m.tflite", calibration=images)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"input_shape": (8, 10, 1)}, "`patch_size` must divide height and width"),
        ({"input_shape": (4, 4, 1)}, "into more than one patch"),
        ({"input_shape": (8, 12)}, "`input_shape` must"),
        ({"code_size": 18}, "`code_size` must be a multiple of heads=4. Received: code_size=18"),
        ({"decoder_size": 6}, "`decoder_size` must be a multiple of heads=4"),
        ({"hidden": ()}, "`hidden` must name the units of at least one block"),
        ({"decoder_hidden": ()}, "`decoder_hidden` must name the units of at least one block"),
        ({"mask_fraction": 0.99}, "`mask_fraction` must be at most 0.95. Received"),
        ({"mask_fraction": 0.0}, "`mask_fraction` must be"),
        ({"loss": "dice"}, "`loss` must"),
    ],
)
def test_bad_hyperparameters_give_one_sentence(wrong, message):
    with pytest.raises(ValueError, match=message):
        kerasae.build_masked_transformer(**{**SMALL, **wrong})


def test_more_cannot_be_seen_than_there_are():
    with pytest.raises(ValueError, match="`visible` must be at most `tokens`, here 4"):
        HiddenPatches(4, 5)
