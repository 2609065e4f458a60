"""Masks: the share they promise, the same from the same seed, and each kind what it claims."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from kerasae.applications.masks import KINDS, draw_masks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(28, 28), (20, 45), (64, 33)])
@pytest.mark.parametrize("fraction", [0.1, 0.4])
def test_holes_take_the_share_that_was_asked_for(kind, shape, fraction):
    masks = draw_masks(kind, shape, 20, fraction=fraction)
    assert masks.shape == (20, *shape)
    assert masks.dtype == np.bool_
    shares = masks.mean(axis=(1, 2))
    if kind in ("centre", "block"):  # half a row or column is what rounding may cost
        np.testing.assert_allclose(shares, fraction, atol=0.5 / min(shape))
    else:
        assert (shares >= fraction).all()
        assert (shares < fraction + 0.15).all()  # one segment or word more than was needed


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_fixes_the_masks(kind):
    first = draw_masks(kind, (24, 24), 6, seed=3)
    np.testing.assert_array_equal(first, draw_masks(kind, (24, 24), 6, seed=3))
    np.testing.assert_array_equal(first[:4], draw_masks(kind, (24, 24), 4, seed=3))
    same = (first == draw_masks(kind, (24, 24), 6, seed=4)).all()
    assert same == (kind == "centre")
    assert (len(np.unique(first, axis=0)) == 1) == (kind == "centre")


def test_the_centre_of_a_digit_is_14_by_14():
    (mask,) = draw_masks("centre", (28, 28), 1)
    expected = np.zeros((28, 28), bool)
    expected[7:21, 7:21] = True
    np.testing.assert_array_equal(mask, expected)


def test_blocks_are_rectangles_anywhere_of_many_aspects():
    masks = draw_masks("block", (30, 40), 300, fraction=0.1)
    aspects = []
    for mask in masks:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert mask.sum() == len(rows) * len(columns)  # filled, and nothing beside it
        assert rows[-1] - rows[0] + 1 == len(rows)
        aspects.append(len(columns) / len(rows) / (40 / 30))
    assert 0.4 < min(aspects) < 0.6
    assert 1.7 < max(aspects) < 2.4
    assert masks.any(axis=0).mean() > 0.9  # all but corners, which are rarely hit


def test_strokes_are_connected_and_of_brush_width():
    masks = draw_masks("free_form", (64, 64), 30, fraction=0.03)  # a single stroke, mostly
    parts = [ndimage.label(mask, np.ones((3, 3)))[1] for mask in masks]
    assert np.median(parts) == 1
    widest = max(ndimage.distance_transform_edt(np.pad(mask, 1)).max() for mask in masks)
    assert 1.0 < widest < 12  # half a brush is at most 0.06 of 64; corners are wider


def test_text_is_thin_and_in_pieces():
    """Letters are separate and narrow, where rectangles and strokes are not."""
    masks = draw_masks("text", (96, 96), 10, fraction=0.1)
    pieces = [ndimage.label(mask, np.ones((3, 3)))[1] for mask in masks]
    assert np.median(pieces) >= 5
    for mask in masks:
        depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1][mask]
        assert np.percentile(depth, 90) <= 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_images_have_holes_too(kind):
    assert draw_masks(kind, (1, 1), 2, fraction=0.5).all()
    assert draw_masks(kind, (3, 2), 2, fraction=0.9).mean() > 0.5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "round"}, "`kind` must be one of centre, block, free_form, text. Received"),
        ({"shape": (8, 8, 1)}, "`shape` must be \\(height, width\\)"),
        ({"shape": (0, 8)}, "`shape` must be \\(height, width\\)"),
        ({"count": 0}, "`count` must be a positive integer. Received: count=0"),
        ({"fraction": 0.0}, "`fraction` must be a number above 0 and at most 0.9. Received"),
        ({"fraction": 0.95}, "`fraction` must be a number above 0 and at most 0.9. Received"),
        ({"seed": -1}, "`seed` must be an integer of 0 or more. Received: seed=-1"),
    ],
)
def test_bad_arguments_give_one_sentence(wrong, message):
    with pytest.raises(ValueError, match=message):
        draw_masks(**{"kind": "block", "shape": (8, 8), "count": 1, **wrong})
