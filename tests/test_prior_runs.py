"""Run folders of priors, and the commands that train one and draw from it."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import kerasae
import kerasae.cli
from kerasae import priors
from kerasae.prior_runs import PRIOR, PriorRun, fingerprint
from kerasae.runs import Run, load_model
from kerasae.training import TrainConfig

QUICK = TrainConfig(epochs=1, batch_size=64)


def call(*arguments: object, status: int = 0) -> str:
    done = CliRunner().invoke(kerasae.cli.main, [str(argument) for argument in arguments])
    assert done.exit_code == status, done.output
    return done.output


def untrained(folder, architecture, data="digits", seed=0, **hyperparameters):
    """A run folder without the training, which no prior and no draw needs."""
    run = Run(architecture, hyperparameters, data, limit=150, seed=seed)
    folder.mkdir()
    (folder / "run.json").write_text(run._text())
    (folder / "config.json").write_text(QUICK.to_json())
    model = run.build(run.images())
    model.optimizer.build(model.trainable_variables)
    model.save(folder / "model.keras")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A vector-quantised run, a trained prior of its indices, and what training it printed."""
    folder = tmp_path_factory.mktemp("vq")
    untrained(folder / "run", "vector_quantized", hidden=(8,), code_size=4, codebook_size=16)
    said = call(
        "prior", folder / "run", "--out", folder / "prior", "--epochs", 1,
        "--set", "width=8", "--set", "blocks=1", "--seed", 3,
    )  # fmt: skip
    return folder / "run", folder / "prior", said


def test_a_prior_is_trained_and_kept_with_what_it_belongs_to(run):
    folder, prior, said = run
    assert "codes of 16 indices, 4 x 4: 135 to train on" in said
    assert "sample" in said
    assert "--label 9" in said
    saved = json.loads((prior / PRIOR).read_text())
    assert saved["kind"] == "transformer"
    assert saved["hyperparameters"] == {"width": 8, "blocks": 1}
    assert saved["autoencoder"] == fingerprint(load_model(folder))
    found, model = PriorRun.load(prior, load_model(folder))
    assert (found.seed, found.label_names) == (3, tuple("0123456789"))
    assert [entry.name for entry in model.inputs] == ["code", "label"]


def test_the_picture_is_what_the_library_draws(run, tmp_path):
    folder, prior, _ = run
    out = tmp_path / "new" / "samples.png"
    asked = ("--prior", prior, "--count", 5, "--label", "7,2", "--temperature", 0.5, "--seed", 4)
    said = call("sample", folder, *asked, "--out", out)
    assert "5 images are in" in said
    picture = np.asarray(Image.open(out))
    assert picture.shape == (8 + 2 + 8, 3 * 8 + 2 * 2)  # two rows of three, white between
    model = load_model(folder)
    learned = PriorRun.load(prior, model)[1]
    drawn = priors.sample(learned, model, 5, labels=[7, 2, 7, 2, 7], temperature=0.5, seed=4)
    pixels = np.round(255 * drawn.squeeze(-1)).astype(int)
    np.testing.assert_allclose(picture[:8, 10:18], pixels[1], atol=1)
    np.testing.assert_allclose(picture[10:, 10:18], pixels[4], atol=1)
    assert (picture[10:, 20:] == 255).all()  # there is no sixth


@pytest.mark.slow
def test_values_get_a_diffusion_model_and_models_of_a_prior_need_none(tmp_path):
    folder = untrained(tmp_path / "run", "variational", hidden=(16,), code_size=2)
    call("prior", folder, "--out", tmp_path / "p", "--epochs", 1, "--set", "width=8",
         "--set", "blocks=1", "--set", "classes=null")  # fmt: skip
    assert json.loads((tmp_path / "p" / PRIOR).read_text())["kind"] == "diffusion"
    call("sample", folder, "--prior", tmp_path / "p", "--steps", 3, "--count", 2, "--out",
         tmp_path / "a.png")  # fmt: skip
    call("sample", folder, "--count", 2, "--out", tmp_path / "b.png")
    own = kerasae.samplers.sample_prior(load_model(folder), 2, seed=0)[1].squeeze(-1)
    picture = np.asarray(Image.open(tmp_path / "b.png"))[:, 10:]
    np.testing.assert_allclose(picture, np.round(255 * own), atol=1)
    said = call("sample", folder, "--prior", tmp_path / "p", "--label", "3", "--out",
                tmp_path / "c.png", status=2)  # fmt: skip
    assert "`--label` needs a conditional run, or a prior of a run whose images have cl" in said


def test_a_conditional_run_is_asked_by_the_names_of_its_data(tmp_path):
    folder = untrained(tmp_path / "run", "conditional", hidden=(16,), code_size=2)
    call("sample", folder, "--label", "3", "--count", 4, "--out", tmp_path / "a.png")
    own = kerasae.samplers.sample_prior(load_model(folder), 4, labels=3, seed=0)[3].squeeze(-1)
    picture = np.asarray(Image.open(tmp_path / "a.png"))[10:, 10:]
    np.testing.assert_allclose(picture, np.round(255 * own), atol=1)
    said = call("prior", folder, "--out", tmp_path / "p", status=2)
    assert "kerasae: " in said
    assert not (tmp_path / "p" / PRIOR).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--label", "eleven"), "`--label` must be names of classes, of 0, 1, 2, 3, 4, 5, 6, 7"),
        (("--label", "10"), "or numbers from 0 to 9, with commas between. Received: 10"),
        (("--count", 0), "`--count` must be a positive integer. Received: 0"),
        (("--out", "samples.jpg"), "`--out` must be a file that ends in .png"),
        (("--prior", "nowhere"), "`--prior` must be a folder that `kerasae prior` has finished"),
        (("--temperature", -1), "temperature"),
    ],
)
def test_wrong_options_are_told_and_nothing_is_written(run, tmp_path, options, message):
    folder, prior, _ = run
    given = {"--prior": prior, "--out": tmp_path / "x.png", options[0]: options[1]}
    said = call("sample", folder, *(x for pair in given.items() for x in pair), status=2)
    assert message in said
    assert not list(tmp_path.iterdir())


def test_options_of_a_prior_need_one(run, tmp_path):
    said = call("sample", run[0], "--guidance", 2, "--out", tmp_path / "x.png", status=2)
    assert "`--guidance` needs `--prior`, to which it belongs. Received: 2.0" in said


def test_the_prior_of_another_model_is_refused(run, tmp_path):
    other = untrained(
        tmp_path / "other", "vector_quantized", hidden=(8,), code_size=4, codebook_size=16,
        seed=1,
    )  # fmt: skip
    said = call("sample", other, "--prior", run[1], "--out", tmp_path / "x.png", status=2)
    assert "`--prior` must be one of the codes of this very model" in said


@pytest.mark.slow
def test_a_run_goes_on_only_with_its_own_options(run, tmp_path):
    folder, prior, _ = run
    options = ("--set", "width=8", "--set", "blocks=1", "--seed", 3)
    again = ("prior", folder, "--out", prior, *options)
    assert "unless `--resume`" in call(*again, "--epochs", 1, status=2)
    before = PriorRun.load(prior, load_model(folder))[1].get_weights()
    said = call("prior", folder, "--out", prior, "--set", "width=16", "--resume", status=2)
    assert "`--resume` needs the options of the run in" in said
    call(*again, "--epochs", 2, "--resume")
    after = PriorRun.load(prior, load_model(folder))[1].get_weights()
    assert any((a != b).any() for a, b in zip(before, after, strict=True))


def test_damaged_options_are_told(run, tmp_path):
    folder, _, _ = run
    broken = tmp_path / "prior"
    broken.mkdir()
    (broken / PRIOR).write_text('{"kind": "unheard"}')
    (broken / "model.keras").write_bytes(b"")
    said = call("sample", folder, "--prior", broken, "--out", tmp_path / "x.png", status=2)
    assert "`--prior` must hold a sound prior.json" in said


def test_the_fingerprint_is_of_weights_alone(tmp_path):
    model = kerasae.build_undercomplete(input_shape=(4, 4, 1), code_size=2, hidden=())
    model.optimizer.build(model.trainable_variables)
    same = fingerprint(model)
    model.save(tmp_path / "model.keras")
    assert fingerprint(keras.saving.load_model(tmp_path / "model.keras")) == same
    weights = model.get_weights()
    weights[0][0, 0] += 1e-3
    model.set_weights(weights)
    assert fingerprint(model) != same


def test_sequences_have_no_prior(tmp_path):
    untrained(tmp_path / "run", "recurrent", "melodies", code_size=2, hidden=(4,))
    said = call("prior", tmp_path / "run", "--out", tmp_path / "p", status=2)
    assert "`RUN` must be of images that are in memory" in said
