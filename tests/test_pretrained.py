"""Trained models in small folders, and those that come with the package."""

from __future__ import annotations

import json
import math
import re

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import kerasae
import kerasae.cli
from kerasae.evaluation import psnr
from kerasae.pretrained import load_pretrained, pretrained_cards, save_pretrained
from kerasae.pretrained.cards import MODELS, figure_text
from kerasae.training import TrainConfig, train

NAMES = sorted(pretrained_cards())


def test_the_models_that_come_with_the_package_are_small():
    assert {"digits-convolutional", "mnist-deep", "mnist-undercomplete"} <= set(NAMES)
    assert sum(file.stat().st_size for file in MODELS.rglob("*") if file.is_file()) < 16e6


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_the_model_is(name):
    card = pretrained_cards()[name]
    for part in ("summary", "data", "data_licence", "licence", "architecture"):
        assert len(card[part]) > 3
    assert all(math.isfinite(value) for value in card["figures"].values())
    assert card["training"]["seed"] >= 0
    assert card["training"]["minutes"] > 0
    model = load_pretrained(name)
    assert model.count_params() == card["parameters"]
    assert (MODELS / name / "weights.npz").stat().st_size == card["bytes"]
    assert card["bytes"] < 2.2 * card["parameters"]
    text = (MODELS / name / "README.md").read_text()
    assert f'kerasae.load_pretrained("{name}")' in text
    assert card["data"] in text


def test_the_figures_of_a_card_are_those_of_what_is_stored(digits):
    card = pretrained_cards()["digits-convolutional"]
    model = load_pretrained("digits-convolutional")
    rebuilt = model.predict(digits.test, verbose=0).clip(0, 1)
    assert psnr(digits.test, rebuilt) == pytest.approx(
        card["figures"]["PSNR, 359 test images, dB"], abs=0.01
    )


@pytest.mark.slow
def test_the_figures_of_mnist_are_those_of_what_is_stored(tfds_folder):
    images = kerasae.load_images("mnist")
    for name in NAMES:
        figure = pretrained_cards()[name]["figures"].get("PSNR, 10,000 test images, dB")
        if figure is None:
            continue
        rebuilt = load_pretrained(name).predict(images.test, verbose=0).clip(0, 1)
        assert psnr(images.test, rebuilt) == pytest.approx(figure, abs=0.01)


@pytest.mark.usefixtures("eager")
def test_a_loaded_model_trains_on_and_saves_as_any_other(digits, tmp_path):
    model = load_pretrained("digits-convolutional")
    before = model.evaluate(digits.validation, digits.validation, verbose=0)
    few = kerasae.Images(digits.train[:128], digits.validation)
    history = train(model, few, TrainConfig(epochs=1, learning_rate=1e-5), progress=False).history
    assert history["val_loss"][0] == pytest.approx(before, rel=0.05)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = digits.test[:4]
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert kerasae.encoder(model)(x).shape == (4, 8)


def test_what_is_stored_is_what_is_measured(digits, tmp_path):
    """Halves of the weights, the rest as it is."""
    keras.utils.set_random_seed(0)
    model = kerasae.build_convolutional(
        input_shape=(8, 8, 1), code_size=4, hidden=(8,), normalization="batch", loss="mse"
    )
    moving = [v for v in model.variables if "moving_variance" in v.path]
    moving[0].assign(np.full(moving[0].shape, 1e6))  # beyond float16
    seen = []

    def measure(stored: keras.Model) -> dict[str, float]:
        seen.append(stored)
        return {"first weight": float(stored.trainable_variables[0].numpy().ravel()[0])}

    card = save_pretrained(
        model,
        tmp_path / "mine",
        card={"summary": "A net for tests.", "training": {"epochs": np.int64(0)}},
        images=digits,
        measure=measure,
    )
    stored = load_pretrained(tmp_path / "mine")
    assert card == json.loads((tmp_path / "mine" / "card.json").read_text())
    assert len(seen) == 1
    for a, b in zip(model.variables, stored.variables, strict=True):
        expected = np.asarray(a.value)
        if a.trainable:
            expected = expected.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(np.asarray(b.value), expected)
    assert card["figures"]["first weight"] == float(seen[0].get_weights()[0].ravel()[0])
    assert "PSNR, 359 test images, dB" in card["figures"]
    assert stored.compiled
    save_pretrained(model, tmp_path / "mine")  # which replaces it
    assert load_pretrained(tmp_path / "mine").name == "convolutional"


def test_int8_takes_a_quarter_and_rounds_each_output_by_its_own_scale(tmp_path):
    keras.utils.set_random_seed(0)
    model = kerasae.build_convolutional(input_shape=(16, 16, 1), code_size=16, hidden=(32, 64))
    large = [v for v in model.trainable_variables if len(v.shape) > 1 and math.prod(v.shape) > 4e3]
    assert {len(v.shape) for v in large} == {2, 4}
    value = keras.ops.convert_to_numpy(large[0].value).copy()
    value[..., 0], value[..., 1] = 0, 1000 * value[..., 1]
    large[0].assign(value)
    half = save_pretrained(model, tmp_path / "half")
    quarter = save_pretrained(model, tmp_path / "quarter", precision="int8")
    assert (half["precision"], quarter["precision"]) == ("float16", "int8")
    assert quarter["bytes"] < 0.62 * half["bytes"]
    stored = load_pretrained(tmp_path / "quarter")
    for a, b in zip(model.variables, stored.variables, strict=True):
        expected, got = np.asarray(a.value), np.asarray(b.value)
        if a.path not in {v.path for v in large}:
            np.testing.assert_array_equal(got, expected.astype(np.float16).astype(np.float32))
            continue
        largest = np.abs(expected).max(axis=tuple(range(expected.ndim - 1)))
        assert (np.abs(got - expected) <= largest / 254 * 1.001).all()
        np.testing.assert_allclose(np.abs(got).max(axis=(*range(got.ndim - 1),)), largest, 1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"precision": "int4"}, "`precision` must be .*float16.*int8.*Received: .*int4"),
        ({"card": {"size": 3}}, "`card` must hold some of summary, data,.*Received: size"),
        ({"card": {"summary": 3}}, "must be a name"),
        ({"card": {"training": {"x": object()}}}, "`card` must hold texts, finite numbers"),
        ({"card": [1]}, "`card` must be a dict"),
        ({"images": np.zeros((2, 8, 8, 1))}, "`images` must be `Images`"),
        ({"measure": 3}, "`measure` must be a function"),
        ({"measure": lambda model: 3}, r"`measure\(model\)` must be a dict"),
        ({"model": 3}, "`model` must be a Keras model"),
    ],
)
def test_what_cannot_be_stored_leaves_nothing(wrong, message, tmp_path):
    model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=2, hidden=())
    given = {"model": model, "folder": tmp_path / "mine", **wrong}
    with pytest.raises(ValueError, match=message):
        save_pretrained(**given)
    assert not list(tmp_path.iterdir())


def test_folders_of_others_and_large_weights_are_refused(tmp_path):
    model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=2, hidden=())
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="`folder` must not exist, be empty, or hold a model"):
        save_pretrained(model, tmp_path)
    model.trainable_variables[0].assign(np.full(model.trainable_variables[0].shape, 1e5))
    with pytest.raises(ValueError, match="must have weights below 65504"):
        save_pretrained(model, tmp_path / "mine")


def test_unknown_names_list_what_there_is(tmp_path):
    with pytest.raises(ValueError, match=f"`name` must be one of {', '.join(NAMES)}, or a folder"):
        load_pretrained("resnet")
    for wrong in (None, 3, ["x"], "a\0b"):
        with pytest.raises(ValueError, match="`name` must be a name or a folder"):
            load_pretrained(wrong)
    model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=2, hidden=())
    for name in ("card.json", "weights.npz", "model.json"):
        save_pretrained(model, tmp_path / name)
        file = tmp_path / name / name
        file.write_bytes(file.read_bytes()[:-20])
        with pytest.raises(ValueError, match="`name` must name a"):
            load_pretrained(tmp_path / name)
    assert "pretrained" in dir(kerasae) or load_pretrained is kerasae.load_pretrained


def test_the_list_shows_them_with_figures():
    done = CliRunner().invoke(kerasae.cli.main, ["list"])
    for name in (*NAMES, "PSNR, 359 test images, dB", "CC BY-SA 3.0"):
        assert name in done.output


def test_the_page_lists_every_model_as_its_card_does():
    page = (MODELS.parents[2] / "docs" / "pretrained.md").read_text(encoding="utf-8")
    assert re.findall("^## (.*)", page, re.MULTILINE) == NAMES
    for name, card in pretrained_cards().items():
        part = " ".join(page.partition(f"## {name}\n")[2].partition("\n## ")[0].split())
        assert card["summary"] in part
        assert f"{card['parameters']:,} parameters" in part
        for what, value in card["figures"].items():
            assert f"| {what} | {figure_text(value)} |" in part
