"""Pictures that are drawn by rule for models of photographs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from kerasae import load_images
from kerasae_export.bundling.golden import choose_sample
from kerasae_export.bundling.scenes import draw_faces, draw_landscape


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 3), (13, 17, 1), (97, 129, 3), (520, 510, 3)])
def test_a_landscape_has_any_size_and_is_always_the_same(shape):
    picture = draw_landscape(*shape)
    assert (picture.shape, picture.dtype) == (shape, np.uint8)
    np.testing.assert_array_equal(picture, draw_landscape(*shape))


def test_a_landscape_has_a_blue_sky_above_green_grass_and_a_sun():
    picture = draw_landscape(96, 128, 3).astype(int)
    red, green, blue = picture[:8, :16].mean(axis=(0, 1))
    assert blue > green > red
    red, green, blue = picture[-8:].mean(axis=(0, 1))
    assert green > red > blue
    assert picture[29, 84].min() > 200  # the sun
    grey = draw_landscape(96, 128, 1)[..., 0]
    np.testing.assert_allclose(grey, picture @ [0.299, 0.587, 0.114], atol=1.5)
    steps = np.abs(np.diff(picture, axis=0))
    assert np.median(steps) <= 4  # soft shades, unlike a pattern's
    assert len(np.unique(grey)) > 100


@pytest.fixture(scope="module")
def faces():
    return load_images("faces").train


def test_faces_are_drawn_where_others_stand(faces):
    picture = draw_faces(faces)
    assert (picture.shape, picture.dtype) == ((50, 50, 1), np.uint8)
    four = picture.reshape(2, 25, 2, 25).mean(axis=(0, 2))
    assert np.corrcoef(four.ravel(), faces.mean(axis=0).ravel())[0, 1] > 0.8
    moved = draw_faces(np.roll(faces, 2, axis=2)).astype(float)  # to the right
    left, right = (one[:25, :25, 0].mean(axis=0) @ np.arange(25) for one in (picture, moved))
    assert right > left


def test_faces_are_large_and_in_colour_where_images_are(faces):
    large = np.repeat(np.kron(faces, np.ones((1, 4, 4, 1), np.float32)), 3, axis=3)
    picture = draw_faces(large)
    assert picture.shape == (200, 200, 3)
    red, green, blue = picture.mean(axis=(0, 1))
    assert red > green > blue


def test_no_face_is_drawn_where_images_have_none_in_common(faces, rng):
    for name, size in (("nonfaces", None), ("photos", 32), ("textures", 32), ("streets", None)):
        assert draw_faces(load_images(name, image_size=size).train) is None
    assert draw_faces(faces[:19]) is None  # too few to say
    assert draw_faces(1 - faces) is None  # a negative
    assert draw_faces(np.full((30, 8, 8, 1), 0.5, np.float32)) is None
    assert draw_faces(rng.random((30, 8, 8, 3), np.float32)) is None


def test_the_sample_follows_the_images(faces):
    codec = SimpleNamespace(manifest=SimpleNamespace(codec=SimpleNamespace(tile=(32, 40))))
    np.testing.assert_array_equal(choose_sample(None, faces, codec), draw_faces(faces))
    photos = load_images("photos", image_size=32).train
    picture = choose_sample(None, photos, codec)  # of more than a tile, and uneven
    np.testing.assert_array_equal(picture, draw_landscape(49, 81, 3))
