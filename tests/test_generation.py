"""Measures of generated images, against closed forms and the definition by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from kerasae.evaluation import frechet_distance, generation, sample_scores


def test_the_distance_is_the_formula_of_two_normal_distributions(rng):
    a = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))
    b = 1.0 + rng.normal(size=(150, 5)) @ rng.normal(size=(5, 5))
    s, t = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(s + t - 2 * sqrtm(s @ t).real)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-8)


def test_the_distance_copes_with_features_that_never_move(rng):
    a = rng.normal(size=(50, 2, 2))
    a[:, 0, 0] = 3.0
    assert frechet_distance(a, a + 1.0) == pytest.approx(4.0)
    assert frechet_distance(a[:, :1, 1], a[:, :1, 1] - 2.0) == pytest.approx(4.0)


def test_scores_are_their_definition_in_any_number_of_blocks(rng, monkeypatch):
    real, made = rng.normal(size=(60, 3)), rng.normal(0.5, 1.5, size=(40, 3))
    k = 3
    radii = [np.sort(cdist(x, x), axis=1)[:, k] for x in (real, made)]  # the first is the point
    between = cdist(real, made)
    precision = (between <= radii[0][:, None]).any(axis=0).mean()
    recall = (between <= radii[1][None]).any(axis=1).mean()
    assert 0 < precision < 1
    assert 0 < recall < 1
    for rows in (1000, 40, 7):
        monkeypatch.setattr(generation, "_ROWS", rows)
        scores = sample_scores(real, made, n_neighbors=k)
        assert (scores.precision, scores.recall) == pytest.approx((precision, recall))


def test_quality_and_diversity_are_told_apart(rng):
    real = np.concatenate([rng.normal(0, 1, (100, 2)), rng.normal(50, 1, (100, 2))])
    half = rng.normal(0, 0.3, (200, 2))  # good, and only one of two kinds
    scores = sample_scores(real, half)
    assert scores.precision > 0.95
    assert scores.recall < 0.55
    far = sample_scores(real, half + 1000)
    assert (far.precision, far.recall) == (0.0, 0.0)


@pytest.mark.parametrize("measure", [frechet_distance, sample_scores])
@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ((np.zeros(5), np.zeros((5, 2))), "`real` must be finite values"),
        ((np.zeros((5, 2)), np.full((5, 2), np.nan)), "`generated` must be finite values"),
        ((np.zeros((5, 2)), np.zeros((1, 2))), "n at least 2"),
        ((np.zeros((5, 2)), np.zeros((5, 3))), "size of `real`, 2 values. Received: 3"),
    ],
)
def test_bad_features_give_one_sentence(measure, sets, message):
    with pytest.raises(ValueError, match=message):
        measure(*sets)


def test_too_few_features_for_the_neighbours_are_refused(rng):
    with pytest.raises(ValueError, match="below the numbers of features, 5 and 3"):
        sample_scores(rng.random((5, 2)), rng.random((3, 2)))
