"""Pure functions against scipy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.special import rel_entr

from kerasae.losses import bernoulli_kl


@pytest.mark.parametrize("rho", [0.05, 0.5, 0.9])
def test_bernoulli_kl_is_that_of_scipy(rho):
    q = np.linspace(0.01, 0.99, 37, dtype=np.float32)
    expected = rel_entr(rho, q) + rel_entr(1 - rho, 1 - q)
    np.testing.assert_allclose(bernoulli_kl(rho, q), expected, rtol=1e-4, atol=1e-6)


def test_bernoulli_kl_is_finite_at_the_ends():
    assert np.isfinite(keras.ops.convert_to_numpy(bernoulli_kl(0.05, [0.0, 1.0]))).all()
