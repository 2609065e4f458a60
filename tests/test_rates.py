"""Bjontegaard differences and fronts, against closed forms and another implementation."""

from __future__ import annotations

import numpy as np
import pytest

from kerasae_export.evaluation import bd_rate, front, rate_at

# A well-known pair of curves (kbit/s, dB) that implementations of the measure are tried on.
ANCHOR = [686.76, 309.58, 157.11, 85.95], [40.28, 37.18, 34.24, 31.42]
OTHER = [893.34, 407.8, 204.93, 112.75], [40.39, 37.21, 34.17, 31.24]


def test_it_agrees_with_another_implementation():
    """The package bjontegaard 1.3.0, method "pchip", gives 31.3799 %."""
    assert bd_rate(*ANCHOR, *OTHER) == pytest.approx(31.3799, abs=2e-3)


def test_the_difference_of_straight_curves_is_known_in_closed_form():
    """log r = q / 6 against log r = q / 5: the mean log ratio over q in [0, 30] is 15 / 30."""
    quality = np.linspace(0, 30, 7)
    difference = bd_rate(np.exp(quality / 6), quality, np.exp(quality / 5), quality)
    assert difference == pytest.approx(100 * np.expm1(15 * (1 / 5 - 1 / 6)), rel=1e-9)


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.7])
def test_a_constant_ratio_is_found_whatever_the_shape_and_the_order(rng, factor):
    rates = np.cumsum(rng.random(6) + 0.1)
    quality = np.cumsum(rng.random(6) + 0.1)
    order = rng.permutation(6)
    found = bd_rate(rates, quality, factor * rates[order], quality[order])
    assert found == pytest.approx(100 * (factor - 1), abs=1e-9)
    inverse = bd_rate(factor * rates, quality, rates, quality)
    assert (1 + found / 100) * (1 + inverse / 100) == pytest.approx(1)


def test_only_the_common_range_counts():
    low, high = ([1, 2, 4], [20, 22, 24]), ([30, 60], [30, 33])
    assert bd_rate(*low, *high) is None
    assert bd_rate([8], [30], [1, 2], [29, 31]) is None
    assert bd_rate([], [], [1, 2], [29, 31]) is None
    # Outside [30, 33] the second curve is absurd, and nobody asks.
    assert bd_rate([10, 20, 40], [30, 33, 36], [5, 10, 1e6], [27, 33, 33.0001]) < 0


def test_points_that_are_larger_and_worse_are_left_out():
    rates, quality = [10, 12, 20, 20, 40], [30, 29, 35, 33, 35]
    np.testing.assert_array_equal(front(rates, quality), [[10, 30], [20, 35]])
    assert bd_rate([10, 20], [30, 35], rates, quality) == pytest.approx(0)


def test_a_rate_is_interpolated_between_points_only():
    rates, quality = [10.0, 20.0, 40.0], [30.0, 33.0, 36.0]
    assert rate_at(rates, quality, 34.5) == pytest.approx(20 * 2**0.5)
    assert rate_at(rates, quality, 33.0) == pytest.approx(20)
    assert rate_at(rates, quality, 12.0) == 10
    assert rate_at(rates, quality, 36.001) is None
    assert rate_at([7.0], [30.0], 29.0) == 7
    assert rate_at([], [], 29.0) is None


@pytest.mark.parametrize(
    ("rates", "quality"), [([1, 2], [30]), ([0, 2], [30, 31]), ([1, np.nan], [30, 31])]
)
def test_nonsense_is_refused(rates, quality):
    with pytest.raises(ValueError, match="`rates` and `quality` must be as many finite numbers"):
        front(rates, quality)
