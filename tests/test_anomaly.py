"""Scores against NumPy and closed forms, thresholds, and scorers that can be deployed."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import mahalanobis

import kerasae
from kerasae import evaluation
from kerasae.applications import anomaly
from kerasae.applications.anomaly import KINDS, CodeDistance
from kerasae_export.runtime.litemodel import LiteModel


@pytest.fixture(scope="module")
def zeros(digits) -> kerasae.Images:
    """The images of one digit."""
    return kerasae.Images(
        digits.train[digits.train_labels == 0],
        digits.validation[digits.validation_labels == 0],
        digits.test[digits.test_labels == 0],
    )


@pytest.fixture(scope="module")
def others(digits) -> np.ndarray:
    return digits.test[digits.test_labels != 0]


@pytest.fixture(scope="module")
def model(zeros) -> keras.Model:
    """A linear autoencoder at its optimum, principal components."""
    flat = zeros.train.reshape(len(zeros.train), -1)
    axes = np.linalg.eigh(np.cov(flat.T))[1][:, ::-1][:, :6]
    model = kerasae.build_undercomplete(
        input_shape=zeros.image_shape, code_size=6, hidden=(), loss="mse"
    )
    model.set_weights([axes, -flat.mean(0) @ axes, axes.T, flat.mean(0)])
    return model


def test_the_reconstruction_score_is_the_mean_squared_error(model, zeros):
    rebuilt = model.predict(zeros.test, verbose=0)
    expected = np.square(rebuilt - zeros.test).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(
        anomaly.reconstruction_scores(model, zeros.test), expected, rtol=1e-5
    )


def test_the_code_distance_is_that_of_mahalanobis(rng):
    codes = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3)) + 5
    distance = CodeDistance(codes)
    inverse = np.linalg.inv(np.cov(codes.T, ddof=0))
    far = rng.normal(size=(20, 3)) * 10
    expected = [mahalanobis(code, codes.mean(0), inverse) ** 2 for code in far]
    np.testing.assert_allclose(distance(far), expected, rtol=1e-4)
    np.testing.assert_allclose(distance.whitening @ distance.whitening.T, inverse, rtol=1e-4)
    maps = codes[:195].reshape(13, 15, 3)  # of any shape, as long as there are enough
    with pytest.raises(ValueError, match="`codes` must be more than the 45 values"):
        CodeDistance(maps)


def test_the_code_distance_of_gaussian_codes_is_chi_squared(rng):
    distance = CodeDistance(rng.normal(2.0, 3.0, (20_000, 5)))
    fresh = distance(rng.normal(2.0, 3.0, (5_000, 5)))
    assert stats.kstest(fresh, stats.chi2(5).cdf).pvalue > 0.01


def test_a_unit_that_never_moves_breaks_nothing(rng):
    codes = rng.normal(size=(100, 3))
    codes[:, 1] = 0.7
    distance = CodeDistance(codes)
    assert np.isfinite(distance(codes)).all()
    assert distance(codes).mean() == pytest.approx(2, rel=1e-3)  # it counts for nothing
    moved = codes[:1] + np.array([0, 0.1, 0])
    assert distance(moved) > 100 * distance(codes).max()  # unless it moves


@pytest.mark.parametrize("kind", KINDS)
def test_scorers_compute_their_formulas(kind, model, zeros, others):
    net = anomaly.scorer(model, kind, images=zeros.validation)
    images = np.concatenate([zeros.test, others])
    errors = anomaly.reconstruction_scores(model, images)
    encoder = kerasae.encoder(model)
    distance = CodeDistance(encoder.predict(zeros.validation, verbose=0))
    distances = distance(encoder.predict(images, verbose=0))
    usual = anomaly.reconstruction_scores(model, zeros.validation).mean()
    expected = {
        "reconstruction": errors,
        "relative": errors / np.sqrt(np.square(images).mean((1, 2, 3)) + 1e-4),
        "code": distances,
        "likelihood": errors / usual + distances / 64,
    }[kind]
    scores = anomaly.scores(net, images)
    assert scores.shape == (len(images),)
    np.testing.assert_allclose(scores, expected, rtol=2e-3)
    assert evaluation.auroc(scores[: len(zeros.test)], scores[len(zeros.test) :]) > 0.8


def test_the_likelihood_is_that_of_probabilistic_pca(rng):
    """With a linear model that is PCA, up to the covariance's degrees of freedom."""
    data = rng.normal(size=(4000, 3)) @ rng.normal(size=(3, 8)) + 0.1 * rng.normal(size=(4000, 8))
    data = (data - data.mean(0)).astype(np.float32)
    values, axes = np.linalg.eigh(np.cov(data.T, ddof=0))
    axes = axes[:, ::-1][:, :3]
    model = kerasae.build_undercomplete(input_shape=(4, 2, 1), code_size=3, hidden=(), loss="mse")
    model.set_weights([axes, np.zeros(3), axes.T, np.zeros(8)])
    images = data.reshape(-1, 4, 2, 1)
    scores = anomaly.scores(anomaly.scorer(model, "likelihood", images=images), images)
    noise = values[::-1][3:].mean()  # the paper's estimate, per direction outside the subspace
    covariance = axes @ np.diag(values[::-1][:3] - noise) @ axes.T + noise * np.eye(8)
    log_likelihood = stats.multivariate_normal(np.zeros(8), covariance).logpdf(data)
    residual, inside = _split(data, axes, values[::-1][:3])
    expected = (8 * residual / residual.mean() + inside) / 8
    np.testing.assert_allclose(scores, expected, rtol=1e-3)
    assert stats.spearmanr(scores, -log_likelihood).statistic > 0.98


def _split(data: np.ndarray, axes: np.ndarray, variances: np.ndarray) -> tuple:
    codes = data @ axes
    rest = np.square(data - codes @ axes.T).mean(1)
    return rest, (np.square(codes) / variances).sum(1)


@pytest.mark.parametrize("n", [99, 137, 1000])
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
def test_the_threshold_keeps_its_rate(n, rate, rng):
    """Of fresh normal scores at most that share lies above it, on average over many draws."""
    scores = rng.gamma(2.0, size=(400, n))
    thresholds = [anomaly.threshold(row, false_alarm_rate=rate) for row in scores]
    # The exact probability of a false alarm, from the distribution itself.
    alarms = stats.gamma(2.0).sf(thresholds).mean()
    expected = np.floor(rate * (n + 1) + 1e-9) / (n + 1)
    assert alarms == pytest.approx(expected, abs=4 * np.sqrt(expected / n / 400) + 1e-4)
    assert expected <= rate
    assert np.mean(scores[0] > thresholds[0]) <= rate
    assert thresholds[0] in scores[0]


def test_the_threshold_says_how_many_scores_it_needs():
    assert anomaly.threshold(np.arange(99), false_alarm_rate=0.01) == 98
    with pytest.raises(ValueError, match="`scores` must be at least 99 for a rate of 0.01"):
        anomaly.threshold(np.arange(98), false_alarm_rate=0.01)
    with pytest.raises(ValueError, match="`false_alarm_rate` must be a number above 0 and below 1"):
        anomaly.threshold(np.arange(98), false_alarm_rate=1.0)
    with pytest.raises(ValueError, match="`scores` must be finite"):
        anomaly.threshold([1.0, np.nan])


LOAD_ALONE = """
import sys, numpy as np, keras
folder = sys.argv[1]
for kind in sys.argv[2:]:
    model = keras.saving.load_model(f"{folder}/{kind}.keras", safe_mode=True)
    scores = model(np.load(f"{folder}/images.npy"), training=False)
    np.save(f"{folder}/{kind}.npy", keras.ops.convert_to_numpy(scores))
assert not [name for name in sys.modules if name.startswith("kerasae")]
"""


@pytest.mark.slow
def test_scorers_reload_without_kerasae(model, zeros, tmp_path):
    images = zeros.test
    np.save(tmp_path / "images.npy", images)
    for kind in KINDS:
        anomaly.scorer(model, kind, images=zeros.validation).save(tmp_path / f"{kind}.keras")
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALONE, str(tmp_path), *KINDS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for kind in KINDS:
        expected = anomaly.scores(anomaly.scorer(model, kind, images=zeros.validation), images)
        np.testing.assert_allclose(np.load(tmp_path / f"{kind}.npy")[:, 0], expected, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    KINDS,
)
def test_scorers_convert_and_int8_still_tells_anomalies(
    kind, model, zeros, others, converter, tmp_path
):
    net = anomaly.scorer(model, kind, images=zeros.validation)
    images = np.concatenate([zeros.test, others])
    expected = anomaly.scores(net, images)
    lite = LiteModel(converter.convert(net, tmp_path / "f.tflite", scheme="float32").read_bytes())
    np.testing.assert_allclose(lite.run(images)[:, 0], expected, rtol=1e-3)

    calibration = np.concatenate([zeros.train, 1 - zeros.train[:20]])  # negatives are strange
    path = converter.convert(net, tmp_path / "q.tflite", scheme="int8", calibration=calibration)
    lite = LiteModel(path.read_bytes())
    assert lite.output.dtype == "uint8"
    scores = lite.run(images)[:, 0]
    n = len(zeros.test)
    step = lite.output.scale
    inside = expected < 250 * step  # what the calibration reached
    assert inside.mean() > 0.8
    assert np.abs(scores - expected)[inside].mean() < 4 * step
    before = evaluation.auroc(expected[:n], expected[n:])
    assert evaluation.auroc(scores[:n], scores[n:]) > before - 0.02


def test_masked_and_variational_models_score_too(rng):
    images = rng.random((80, 8, 8, 1)).astype(np.float32)
    for name in ("masked", "variational"):
        model = kerasae.build(name, input_shape=(8, 8, 1), code_size=3, hidden=(16,))
        for kind in KINDS:
            net = anomaly.scorer(model, kind, images=images)
            assert np.isfinite(anomaly.scores(net, images)).all()


def test_bad_arguments_give_one_sentence(model, zeros):
    with pytest.raises(ValueError, match="`kind` must be one of 'reconstruction', 'relative'"):
        anomaly.scorer(model, "distance")
    with pytest.raises(ValueError, match="`images` must be given for the kind 'code'"):
        anomaly.scorer(model, "code")
    with pytest.raises(ValueError, match="`images` must be more than the 6 values of a code"):
        anomaly.scorer(model, "likelihood", images=zeros.train[:5])
    with pytest.raises(ValueError, match="`model` must reconstruct its input"):
        anomaly.reconstruction_scores(kerasae.encoder(model), zeros.test)
    with pytest.raises(ValueError, match="`images` must have the shape"):
        anomaly.reconstruction_scores(model, np.zeros((2, 9, 8, 1)))
    with pytest.raises(ValueError, match="`codes` must have 3 values each"):
        CodeDistance(np.random.default_rng(0).random((9, 3)))(np.zeros((1, 4)))


def test_auroc_counts_pairs(rng):
    a, b = rng.integers(0, 9, 50) / 9, rng.integers(2, 12, 70) / 9
    wins = (b[:, None] > a).mean() + (b[:, None] == a).mean() / 2
    assert evaluation.auroc(a, b) == pytest.approx(wins)
    assert evaluation.auroc(b, a) == pytest.approx(1 - wins)
    with pytest.raises(ValueError, match="`anomalous_scores` must be finite"):
        evaluation.auroc(a, [])


def test_the_hole_error_looks_into_holes_only(rng):
    images = rng.random((4, 6, 5, 3))
    masks = rng.random((4, 6, 5)) < 0.3
    other = np.where(masks[..., None], images + 0.1, rng.random(images.shape))
    assert evaluation.hole_error(images, other, masks) == pytest.approx(0.01)
    one = evaluation.hole_error(images, images * 0, masks[0])
    assert one == pytest.approx(np.square(images[:, masks[0]]).mean())
    for wrong in (masks[:3], masks.astype(float), np.zeros((6, 5), bool)):
        with pytest.raises(ValueError, match="`masks` must be booleans"):
            evaluation.hole_error(images, other, wrong)
