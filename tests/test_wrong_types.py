"""What is of another type altogether is refused in a sentence that names the argument.

`benchmarks/random_use.py` tries far more, of all public functions.
"""

from __future__ import annotations

import decimal
from functools import partial

import keras
import numpy as np
import pytest
from PIL import Image

import kerasae
from kerasae import anomaly, evaluation, layers, plots, samplers
from kerasae.data import melody_wave
from kerasae_export import convert, export_bundle, verify_bundle
from kerasae_export.evaluation import bd_rate

IMAGES = np.full((3, 8, 8, 1), 0.5)
CODES = np.arange(12.0).reshape(6, 2)
SHAPE = {"input_shape": (8, 8, 1)}


class Elsewhere:
    """An array on a device, which NumPy cannot have."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert a device tensor to numpy")


NO_MODEL = [None, "model", 3, np.zeros(2), [1]]
NO_ARRAY = ["x", {}, object(), [[1.0, 2.0], [3.0]], np.array([None]), np.array([1j]), Elsewhere()]
NO_NUMBER = ["1", None, [1.0], np.array([1.0, 2.0]), 1j, decimal.Decimal(1), True, 10**400]
NO_INTEGER = ["1", [1], 1.0, np.array([1, 2]), True, decimal.Decimal(1)]
NO_PATH = [None, 3, b"x", "a\0b", np.array(["x"])]
NO_NAME = [3, ["relu"], np.array(["relu", "elu"]), b"relu", {}]

MODELS = {
    "encoder": kerasae.encoder,
    "decoder": kerasae.decoder,
    "inference_model": kerasae.inference_model,
    "train": lambda bad: kerasae.train(bad, kerasae.Images(IMAGES, IMAGES, IMAGES)),
    "pretrain_layerwise": lambda bad: kerasae.pretrain_layerwise(bad, None),
    "decorrelate_code": lambda bad: kerasae.decorrelate_code(bad, IMAGES),
    "inpaint": lambda bad: kerasae.inpaint(bad, IMAGES, IMAGES > 1),
    "elbo": lambda bad: evaluation.elbo(bad, IMAGES),
    "rate_distortion": lambda bad: evaluation.rate_distortion(bad, IMAGES),
    "jacobian_norm": lambda bad: evaluation.jacobian_norm(bad, IMAGES),
    "sample_prior": lambda bad: samplers.sample_prior(bad, 1),
    "interpolate": lambda bad: samplers.interpolate(bad, IMAGES[0], IMAGES[0]),
    "traverse": lambda bad: samplers.traverse(bad, np.zeros(2)),
    "reconstruction_scores": lambda bad: anomaly.reconstruction_scores(bad, IMAGES),
    "scorer": anomaly.scorer,
    "plot_architecture": plots.plot_architecture,
    "latent_sliders": plots.latent_sliders,
    "convert": lambda bad: convert(bad, "x.tflite", scheme="float32"),
    "export_bundle": lambda bad: export_bundle(bad, "x", calibration=IMAGES),
}
ARRAYS = {
    "psnr images": lambda bad: evaluation.psnr(bad, IMAGES),
    "psnr reconstructions": lambda bad: evaluation.psnr(IMAGES, bad),
    "hole_error masks": lambda bad: evaluation.hole_error(IMAGES, IMAGES, bad),
    "active_units model_or_means": evaluation.active_units,
    "auroc normal_scores": lambda bad: evaluation.auroc(bad, [1.0]),
    "code_rate codes": evaluation.code_rate,
    "code_rate step": lambda bad: evaluation.code_rate(CODES, bad),
    "codebook_perplexity indices": lambda bad: evaluation.codebook_perplexity(bad, 3),
    "confusion_matrix labels": lambda bad: evaluation.confusion_matrix(bad, [0], 2),
    "frechet_distance real": lambda bad: evaluation.frechet_distance(bad, CODES),
    "linear_probe train_codes": lambda bad: evaluation.linear_probe(bad, [0, 1], CODES, [0] * 6),
    "neighbourhood_accuracy labels": lambda bad: evaluation.neighbourhood_accuracy(CODES, bad),
    "trustworthiness codes": lambda bad: evaluation.trustworthiness(CODES, bad),
    "fit_mixture codes": samplers.fit_mixture,
    "slerp first": lambda bad: samplers.slerp(bad, [1.0], 0.5),
    "threshold scores": anomaly.threshold,
    "CodeDistance codes": anomaly.CodeDistance,
    "Images train": lambda bad: kerasae.Images(bad, IMAGES, IMAGES),
    "Sequences validation": lambda bad: kerasae.Sequences(np.zeros((1, 4, 2)), bad, bad),
    "melody_wave melody": lambda bad: melody_wave(bad, ["C4"]),
    "plot_samples images": plots.plot_samples,
    "plot_codes codes": plots.plot_codes,
    "plot_scores normal": plots.plot_scores,
    "plot_series series": plots.plot_series,
    "plot_history history": lambda bad: plots.plot_history({"loss": bad}),
    "plot_curves curves": lambda bad: plots.plot_curves({"a": {1: bad}}, xlabel="x", ylabel="y"),
    "bd_rate rates": lambda bad: bd_rate(bad, [1.0, 2.0], [1.0, 2.0], [1.0, 2.0]),
}
NUMBERS = {
    "learning_rate": lambda bad: kerasae.build_undercomplete(**SHAPE, learning_rate=bad),
    "beta": lambda bad: kerasae.build_variational(**SHAPE, beta=bad),
    "lmbda": lambda bad: layers.Distortion(bad),
    "level": lambda bad: layers.MaskingCorruption(bad),
    "sigma": lambda bad: layers.VariationalBound("gaussian", sigma=bad),
    "commitment": lambda bad: layers.VectorQuantizer(8, bad),
    "fraction": lambda bad: samplers.slerp([1.0, 0.0], [0.0, 1.0], bad),
    "gain": lambda bad: plots.plot_reconstructions(IMAGES, IMAGES, gain=bad),
}
INTEGERS = {
    "code_size": lambda bad: kerasae.build_undercomplete(**SHAPE, code_size=bad),
    "count": lambda bad: plots.plot_reconstructions(IMAGES, IMAGES, count=bad),
    "columns": lambda bad: plots.plot_samples(IMAGES, columns=bad),
    "classes": lambda bad: evaluation.confusion_matrix([0], [0], bad),
    "samples": layers.Sampling,
    "seed": lambda bad: samplers.fit_mixture(CODES, 1, seed=bad),
    "steps_per_execution": lambda bad: kerasae.TrainConfig(steps_per_execution=bad),
}
PATHS = {
    "path": lambda bad: convert(None, bad),
    "folder": lambda bad: export_bundle(None, bad, calibration=IMAGES),
    "folder ": verify_bundle,
    "source": kerasae.load_images,
}
NAMES = {
    "activation": lambda bad: kerasae.build_convolutional(**SHAPE, activation=bad),
    "activation ": lambda bad: kerasae.build_recurrent(activation=bad),
    "activation  ": lambda bad: layers.TransposedDense(2, "dense", activation=bad),
    "code_activation": lambda bad: kerasae.build_undercomplete(**SHAPE, code_activation=bad),
    "loss": lambda bad: kerasae.build_undercomplete(**SHAPE, loss=bad),
    "normalization": lambda bad: kerasae.build_convolutional(**SHAPE, normalization=bad),
    "regularizer": lambda bad: kerasae.build_overcomplete(**SHAPE, code_size=64, regularizer=bad),
    "name": kerasae.build,
    "kind": lambda bad: layers.RandomHoles(bad),
    "scheme": lambda bad: convert(None, "x.tflite", scheme=bad),
}


class Unreadable:
    """As a tensor of another device."""

    def __array__(self, *_, **__):
        raise TypeError("can't convert a device tensor to numpy")


def table(entries, wrong):
    return [
        pytest.param(entry, bad, id=f"{name}-{i}")
        for name, entry in entries.items()
        for i, bad in enumerate(wrong)
    ]


@pytest.mark.parametrize(("call", "bad"), table(MODELS, NO_MODEL))
def test_what_is_no_model_is_refused(call, bad):
    with pytest.raises(ValueError, match="`model` must "):
        call(bad)


@pytest.mark.parametrize(("name", "bad"), [(n, b) for n in ARRAYS for b in NO_ARRAY])
def test_what_is_no_array_of_numbers_is_refused(name, bad):
    argument = name.split()[1]
    with pytest.raises(ValueError, match=rf"`{argument}|`\w+` and `{argument}`"):
        ARRAYS[name](bad)


@pytest.mark.parametrize(("name", "bad"), [(n, b) for n in NUMBERS for b in NO_NUMBER])
def test_what_is_no_number_is_refused(name, bad):
    with pytest.raises(ValueError, match=f"`{name}` must be a (finite )?number"):
        NUMBERS[name](bad)


@pytest.mark.parametrize(("name", "bad"), [(n, b) for n in INTEGERS for b in NO_INTEGER])
def test_what_is_no_integer_is_refused(name, bad):
    with pytest.raises(ValueError, match=f"`{name}` must be an? (positive )?integer"):
        INTEGERS[name](bad)


@pytest.mark.parametrize(("name", "bad"), [(n, b) for n in PATHS for b in NO_PATH])
def test_what_is_no_path_is_refused(name, bad):
    with pytest.raises(ValueError, match=f"`{name.strip()}` must be "):
        PATHS[name](bad)


@pytest.mark.parametrize(("name", "bad"), [(n, b) for n in NAMES for b in NO_NAME])
def test_what_is_no_name_is_refused(name, bad):
    with pytest.raises(ValueError, match=f"`{name.strip()}` must be "):
        NAMES[name](bad)


@pytest.mark.parametrize("bad", [len, lambda x: x, keras.layers.ReLU, {"a": 1}, str, np.tanh])
def test_an_activation_that_no_saved_model_has_again_is_refused(bad):
    for call in (kerasae.build_recurrent, partial(layers.TransposedDense, 2, "dense")):
        with pytest.raises(ValueError, match="`activation` must be the name of an activation of"):
            call(activation=bad)


def test_a_journey_names_the_picture_that_is_none():
    picture, symbols = np.zeros((4, 4, 1), np.uint8), np.zeros((2, 2), int)
    for bad in (None, "picture", picture.astype(float), Unreadable()):
        with pytest.raises(ValueError, match="`original` must be an image"):
            plots.plot_journey(bad, symbols, b"x", picture, link=1.0)
        with pytest.raises(ValueError, match="`received` must be an image"):
            plots.plot_journey(picture, symbols, b"x", bad, link=1.0)


@pytest.mark.parametrize("bad", [(), (2,), (5, 1), "5", [2.5]])
def test_a_level_alone_tells_nothing(bad):
    with pytest.raises(ValueError, match="`levels` must hold"):
        layers.FiniteScalarQuantizer(bad)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{", None, 3.5, b"\xff"])
def test_a_configuration_is_read_from_its_own_text_only(text):
    with pytest.raises(ValueError, match="`text` must be what `to_json` writes"):
        kerasae.TrainConfig.from_json(text)


def test_pictures_of_pillow_in_other_modes_are_no_numbers():
    with pytest.raises(ValueError, match="`codes` must be grey or RGB"):
        evaluation.code_rate(Image.new("P", (8, 8)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_set_of_sequences_is_finite_and_of_one_shape(bad):
    values = np.zeros((2, 4, 3))
    with pytest.raises(ValueError, match="`test` must be finite"):
        kerasae.Sequences(values, values, np.full_like(values, bad))
    with pytest.raises(ValueError, match="`validation` must hold sequences of the shape of"):
        kerasae.Sequences(values, values[:, :2], values)
    kept = kerasae.Sequences(values.astype(int), values.astype(">f4"), values.tolist())
    assert {getattr(kept, split).dtype for split in ("train", "validation", "test")} == {
        np.dtype(np.float32)
    }


@pytest.mark.parametrize(
    "bad", [np.ma.array([1.0, 2.0], mask=[1, 0]), [None, 1], [1j, 2], [[1], 2]]
)
def test_labels_are_texts_or_numbers(bad):
    grid = np.zeros((2, 3, 4, 4, 1), np.float32)
    with pytest.raises(ValueError, match="`labels` must hold texts or numbers"):
        plots.plot_traversals(grid, labels=bad)


def test_labels_may_be_tensors():
    grid = np.zeros((2, 3, 4, 4, 1), np.float32)
    figure = plots.plot_traversals(grid, labels=keras.ops.array([1.5, -2.0]))
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["1.5", "\N{MINUS SIGN}2"]


def test_plots_look_at_images_as_everybody_does():
    pixels = np.full((2, 8, 8, 1), 128, np.uint8)
    shown = plots.plot_reconstructions(pixels, pixels / 255).axes[0].images[0].get_array()
    np.testing.assert_allclose(shown, 128 / 255, rtol=1e-6)
    with pytest.raises(ValueError, match="`images` must be finite"):
        plots.plot_samples(np.full((1, 8, 8, 1), np.nan))


def test_classes_in_a_narrow_type_count_as_in_a_wide_one():
    labels = np.array([0, 120, 120])
    wide = evaluation.confusion_matrix(labels, labels, 121)
    narrow = evaluation.confusion_matrix(
        labels.astype(np.uint8), labels.astype(np.uint64), np.int8(121)
    )
    np.testing.assert_array_equal(narrow, wide)


@pytest.mark.parametrize("bad", [np.inf, np.nan, 1e300])
def test_codes_whose_squares_are_infinite_are_refused(bad):
    codes = np.where(np.eye(6, 2), bad, CODES)
    for measure, argument in (
        (evaluation.active_units, "model_or_means"),
        (anomaly.CodeDistance, "codes"),
        (lambda x: evaluation.frechet_distance(CODES, x), "generated"),
        (lambda x: samplers.fit_mixture(x, 2), "codes"),
    ):
        with pytest.raises(ValueError, match=f"`{argument}` must be .*finite"):
            measure(codes)
