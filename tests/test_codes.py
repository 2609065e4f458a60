"""New axes for a code: the same model, uncorrelated channels, equal harm; PCA for linear nets."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

import kerasae
from kerasae.applications import principal_axes as codes
from kerasae.applications.principal_axes import decorrelate_code


@pytest.mark.parametrize("which", ["digit", "photo"])
def test_the_model_stays_and_its_channels_are_uncorrelated(which, request):
    images = request.getfixturevalue(f"{which}s").train[:200]
    trained = request.getfixturevalue(f"{which}_model")
    model = keras.models.clone_model(trained)  # the fixture is shared
    model.set_weights(trained.get_weights())
    before = model.predict(images, verbose=0)
    variances = decorrelate_code(model, images)
    np.testing.assert_allclose(model.predict(images, verbose=0), before, atol=1e-4)

    code = codes._run(model.get_layer("encoder"), images)
    covariance = np.cov(code.reshape(-1, code.shape[-1]).T, ddof=0)
    np.testing.assert_allclose(np.diag(covariance), variances, rtol=1e-2, atol=1e-7)
    off = covariance - np.diag(np.diag(covariance))
    assert np.abs(off).max() < 1e-3 * variances.max()
    assert (np.diff(variances) <= 0).all()

    gain = codes._gain(model.get_layer("decoder"), code[: codes._PROBES])
    np.testing.assert_allclose(gain, np.eye(len(gain)), atol=0.1)


def test_a_linear_autoencoder_gets_the_axes_of_pca(rng):
    """Closed form: weights of PCA, mixed by any invertible matrix, come back as PCA."""
    data = rng.normal(size=(500, 16)) @ np.diag(0.7 ** np.arange(16)) + 0.5
    pca = PCA(4).fit(data)
    model = kerasae.build_undercomplete(input_shape=(4, 4, 1), code_size=4, hidden=(), loss="mse")
    mix = rng.normal(size=(4, 4))
    mean = pca.mean_
    model.get_layer("encoder").get_layer("code").set_weights(
        [pca.components_.T @ mix, -mean @ pca.components_.T @ mix]
    )
    model.get_layer("decoder").get_layer("pixels").set_weights(
        [np.linalg.inv(mix) @ pca.components_, mean]
    )
    variances = decorrelate_code(model, data.reshape(-1, 4, 4, 1))
    kernel = model.get_layer("encoder").get_layer("code").get_weights()[0]
    axes = kernel / np.linalg.norm(kernel, axis=0)
    np.testing.assert_allclose(np.abs(axes.T @ pca.components_.T), np.eye(4), atol=1e-3)
    expected = np.var(pca.transform(data), axis=0) / 16  # per pixel
    np.testing.assert_allclose(variances, expected, rtol=1e-3)


def test_a_code_that_is_not_linear_is_refused():
    image = keras.Input((8,))
    encoder = keras.Model(image, keras.layers.Dense(3, "relu", name="code")(image), name="encoder")
    code = keras.Input((3,))
    decoder = keras.Model(code, keras.layers.Dense(8)(code), name="decoder")
    model = keras.Model(image, decoder(encoder(image)))
    with pytest.raises(ValueError, match=r"without an activation. Received: 'code' \(Dense\)"):
        decorrelate_code(model, np.zeros((4, 8)))


@pytest.mark.parametrize("name", ["variational", "rate_distortion"])
def test_a_code_whose_axes_mean_something_is_refused(name):
    model = kerasae.build(name, input_shape=(8, 8, 1), network="dense", hidden=(16,))
    with pytest.raises(ValueError, match="deterministic code, not quantised"):
        decorrelate_code(model, np.zeros((4, 8, 8, 1)))


def test_images_must_differ(digit_model, digits):
    with pytest.raises(ValueError, match="must hold images with different codes"):
        decorrelate_code(digit_model, digits.train[:1])
    with pytest.raises(ValueError, match="must hold at least one image"):
        decorrelate_code(digit_model, digits.train[:0])
