"""Volumes: bodies by rule, the type that holds them, pooling in three dimensions, and slices."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kerasae
from kerasae import Volumes, plots
from kerasae.builders._pixelwise import pool, unpool
from kerasae.data import Examples, load_volumes


def test_bodies_follow_their_seed_and_their_labels():
    one, same = (load_volumes("bodies", size=12, limit=6, labels="voxels") for _ in range(2))
    np.testing.assert_array_equal(one.train, same.train)
    assert one.input_shape == (12, 12, 12, 1)
    assert one.segmented
    assert one.classes == 4
    greys = [one.test[..., 0][one.test_labels == label].mean() for label in range(4)]
    np.testing.assert_allclose(greys, [0.1, 0.45, 0.65, 0.85], atol=0.03)
    whole = load_volumes("bodies", size=12, limit=6)
    np.testing.assert_array_equal(whole.train, one.train)
    counts = [np.bincount(x.ravel(), minlength=4)[1:] for x in one.test_labels]
    np.testing.assert_array_equal(whole.test_labels, np.argmax(counts, axis=1))


def test_what_are_no_volumes_is_refused():
    with pytest.raises(ValueError, match=r"`x\[..., None\]` gives volumes of one channel"):
        Volumes(np.zeros((2, 8, 8, 8)))
    with pytest.raises(ValueError, match="`validation` must have the shape"):
        Examples(np.zeros((2, 5)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="`size` must be at least 8"):
        load_volumes("bodies", size=4)
    with pytest.raises(ValueError, match="`source` must be one of 'bodies'"):
        load_volumes("brains")


def test_pooling_of_volumes_is_undone_at_the_maximum(rng):
    x = rng.random((2, 5, 4, 7, 3)).astype(np.float32)
    maxima, places = pool(keras.ops.convert_to_tensor(x))
    assert tuple(maxima.shape) == (2, 3, 2, 4, 3)
    back = keras.ops.convert_to_numpy(unpool(maxima, places, (5, 4, 7)))
    kept = back != 0
    np.testing.assert_array_equal(back[kept], x[kept])
    assert kept.sum() == np.prod(maxima.shape)
    expected = x[:, :2, :2, :2].max(axis=(1, 2, 3))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(maxima)[:, 0, 0, 0], expected)


def test_slices_lie_evenly_along_an_axis(rng):
    volumes = rng.random((2, 8, 6, 5, 1))
    figure = plots.plot_slices(volumes, volumes, axis="width", count=3)
    assert len(figure.axes) == 12
    assert [a.get_title() for a in figure.axes[:3]] == ["width 0", "width 2", "width 4"]
    np.testing.assert_allclose(figure.axes[1].images[0].get_array(), volumes[0, :, :, 2, 0])
    assert len(plots.plot_slices(np.zeros((1, 4, 4, 4), int)).axes) == 4
    for bad in (volumes[..., 0], rng.random((2, 8, 6, 5, 2))):
        with pytest.raises(ValueError, match="`volumes` must be volumes"):
            plots.plot_slices(bad)


def test_segmentation_takes_volumes_with_either_skips():
    for skips in ("concat", "pooling", None):
        model = kerasae.build_segmentation(
            input_shape=(7, 6, 5, 1), classes=3, hidden=(4,), skips=skips, convolutions=1
        )
        assert model.output_shape == (None, 7, 6, 5, 3)
