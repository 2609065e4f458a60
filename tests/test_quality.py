"""Multi-scale SSIM, against TensorFlow's and against what it must be."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kerasae.data import photograph
from kerasae_export.evaluation.quality import MS_SSIM_SIDE, mean_ms_ssim


@pytest.fixture(scope="module")
def pair():
    """A photograph, and the same with noise, of sides that are halved with a rest."""
    image = photograph("coffee")[:180, 20:207] / 255
    noise = np.random.default_rng(0).normal(scale=0.08, size=image.shape)
    return image[None], np.clip(image + noise, 0, 1)[None]


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_that_of_tensorflow(pair, channels):
    a, b = (x[..., :channels] for x in pair)
    expected = tf.image.ssim_multiscale(tf.constant(a), tf.constant(b), max_val=1.0).numpy()
    assert mean_ms_ssim(a, b) == pytest.approx(float(expected[0]), abs=2e-5)


def test_images_are_averaged_and_equal_ones_are_1(pair):
    a, b = pair
    assert mean_ms_ssim(a, a) == pytest.approx(1)
    both = mean_ms_ssim(np.concatenate([a, a]), np.concatenate([a, b]))
    assert both == pytest.approx((1 + mean_ms_ssim(a, b)) / 2)
    assert 0 <= mean_ms_ssim(a, 1 - a) < mean_ms_ssim(a, b)


def test_images_must_be_large_enough(rng):
    assert MS_SSIM_SIDE == 176
    with pytest.raises(ValueError, match="sides of 176 or more. Received: shapes"):
        mean_ms_ssim(rng.random((1, 175, 300, 1)), rng.random((1, 175, 300, 1)))
