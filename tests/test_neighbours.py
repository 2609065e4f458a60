"""Measures of neighbourhoods, against scikit-learn and against the definition by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn import manifold
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from kerasae.evaluation import neighbourhood_accuracy, neighbours, trustworthiness


@pytest.mark.parametrize("k", [1, 5, 29])
def test_trustworthiness_is_that_of_scikit_learn_in_any_number_of_blocks(k, rng, monkeypatch):
    images = rng.random((60, 4, 3, 1))
    codes = images.reshape(60, -1)[:, :2] + rng.normal(0, 0.1, (60, 2))
    expected = manifold.trustworthiness(images.reshape(60, -1), codes, n_neighbors=k)
    assert 0.5 < expected < 1
    for rows in (500, 60, 7):
        monkeypatch.setattr(neighbours, "_ROWS", rows)
        assert trustworthiness(images, codes, n_neighbors=k) == pytest.approx(expected, abs=1e-12)


def test_trustworthiness_is_its_definition_where_neighbours_are_false():
    """On a line, points 0 to 9; in the code the first and the last change places."""
    x = np.arange(10.0)[:, None]
    z = np.concatenate([[[9.0]], x[1:9] + 0.01 * x[1:9] ** 2, [[0.0]]])
    n, k = 10, 2
    penalty = 0
    for i in range(n):
        by_image = np.argsort(cdist(x, x)[i], kind="stable")
        by_code = np.argsort(cdist(z, z)[i], kind="stable")
        for j in [j for j in by_code if j != i][:k]:
            distance = abs(x[:, 0] - x[i, 0])
            rank = 1 + sum(distance[m] < distance[j] for m in by_image if m != i)
            penalty += max(0, rank - k)
    assert penalty > 0
    expected = 1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1))
    assert trustworthiness(x, z, n_neighbors=k) == pytest.approx(expected, abs=1e-12)


def test_missed_neighbours_cost_nothing_and_unrelated_codes_give_a_half(rng):
    images = rng.random((200, 5))
    apart = np.concatenate([images[:100], images[100:] + 100])  # two halves, each intact
    assert trustworthiness(apart, apart) == 1
    assert trustworthiness(images, rng.random((200, 2))) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("k", [1, 4])
def test_neighbourhood_accuracy_is_leave_one_out(k, rng):
    labels = rng.integers(3, size=50)
    codes = labels[:, None] + rng.normal(0, 0.7, (50, 2))
    expected = cross_val_score(
        KNeighborsClassifier(k, algorithm="brute"), codes, labels, cv=LeaveOneOut()
    ).mean()
    assert 0.4 < expected < 0.95
    named = np.array(["ant", "bee", "cow"])[labels]
    for values in (codes, codes[:, None, :, None]):
        assert neighbourhood_accuracy(values, named, n_neighbors=k) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: trustworthiness(np.ones((9, 2)), np.ones((8, 2))), "one code for each of the 9"),
        (lambda: trustworthiness(np.ones((9, 2)), np.ones((9, 2))), "`n_neighbors` must be below"),
        (lambda: trustworthiness(np.ones(9), np.ones((9, 2))), "`images` must be finite values"),
        (
            lambda: trustworthiness(np.ones((9, 2)), np.full((9, 2), np.nan)),
            "`codes` must be finite values",
        ),
        (
            lambda: trustworthiness(np.ones((9, 2)), np.ones((9, 2)), n_neighbors=0),
            "`n_neighbors` must be a positive integer",
        ),
        (lambda: neighbourhood_accuracy(np.ones((9, 2)), [1, 2]), "`labels` must hold one label"),
        (
            lambda: neighbourhood_accuracy(np.ones((2, 2)), [1, 2], n_neighbors=2),
            "`n_neighbors` must be below the number of codes, 2",
        ),
    ],
)
def test_bad_arguments_give_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
