"""What else a stream is good for: the command line, calibration, verification, measures, scores."""

from __future__ import annotations

import json
import time

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import kerasae
from kerasae import anomaly, evaluation
from kerasae.cli import main
from kerasae.data import streaming
from kerasae.data.sampling import load_sample
from kerasae.runs import Run
from kerasae_export.images import check_images


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits):
    root = tmp_path_factory.mktemp("digits")
    pixels = np.uint8(np.round(255 * digits.train[:150, ..., 0]))
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(root / f"{i:03d}.png")
    return root


@pytest.fixture(scope="module")
def stream(folder):
    return kerasae.stream_images(folder, image_size=8)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4, hidden=(), loss="mse")


def test_measures_and_scores_are_those_of_an_array(stream, model):
    images = np.concatenate([*stream.test.batches(7)])
    assert len(images) == 30
    found = evaluation.reconstruction_quality(model, stream.test)
    rebuilt = np.clip(model.predict(images, verbose=0), 0, 1)
    assert found.images == 30
    assert found.psnr == pytest.approx(evaluation.psnr(images, rebuilt), abs=1e-4)
    assert found.ssim == pytest.approx(evaluation.ssim(images, rebuilt), abs=1e-5)
    assert evaluation.reconstruction_quality(model, images, batch_size=9) == pytest.approx(found)

    scores = anomaly.reconstruction_scores(model, stream.test)
    np.testing.assert_allclose(scores, anomaly.reconstruction_scores(model, images), rtol=1e-5)
    scorer = anomaly.scorer(model, "likelihood", images=stream.validation)
    np.testing.assert_allclose(
        anomaly.scores(scorer, stream.test), anomaly.scores(scorer, images), rtol=1e-4
    )
    limit = anomaly.threshold(scores, false_alarm_rate=0.1)
    assert limit in scores


def test_where_an_array_is_taken_a_fixed_sample_of_a_stream_is(stream, model, monkeypatch):
    monkeypatch.setattr("kerasae_export.images._SAMPLE", 20)
    taken = check_images("images", stream.train)
    np.testing.assert_array_equal(taken, stream.train.sample(20))
    variances = kerasae.decorrelate_code(model, stream.train)
    np.testing.assert_allclose(
        variances, kerasae.decorrelate_code(model, stream.train.sample(20)), rtol=1e-3
    )
    with pytest.raises(ValueError, match="`images.test` is one of its splits"):
        check_images("images", stream)


@pytest.mark.slow
def test_a_stream_calibrates_and_verifies_a_bundle(stream, model, tmp_path):
    from kerasae_export import export_bundle, verify_bundle

    export_bundle(model, tmp_path / "bundle", calibration=stream.train)
    verify_bundle(tmp_path / "bundle", model=model, images=stream.test, report=False)
    export_bundle(model, tmp_path / "same", calibration=stream.train.sample(1000))
    files = [tmp_path / name / "encoder.tflite" for name in ("bundle", "same")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="this system fetches two")
def test_few_batches_wait_in_memory(model, digits, monkeypatch):
    """However uneven the source is."""
    drawn, lead = [], []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            lead.append(len(drawn) - batch)
            if batch % 8 == 0:
                time.sleep(0.02)

    def uneven():
        for i in range(60):
            if i % 7 == 0:
                time.sleep(0.005)
            drawn.append(i)
            yield digits.train[:20]

    fit = model.fit
    monkeypatch.setattr(
        model, "fit", lambda *a, callbacks, **k: fit(*a, callbacks=[*callbacks, Watch()], **k)
    )
    config = kerasae.TrainConfig(epochs=1)
    kerasae.train(
        model, uneven, config, validation_data=digits.validation, steps_per_epoch=60, progress=False
    )
    assert 1 < max(lead) <= 4


def invoke(*arguments: object):
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return done.exit_code, done.output


def test_a_folder_is_packed_once(folder, tmp_path):
    assert invoke("shards", folder, "--out", tmp_path / "s")[0] == 0
    status, output = invoke("shards", folder, "--out", tmp_path / "s")
    assert status == 2
    assert "`--out` must not hold shards already" in output
    status, output = invoke("shards", tmp_path / "s", "--out", tmp_path / "t")
    assert status == 2
    assert "must be a folder with images" in output


def test_size_decides_between_memory_and_stream(folder, tmp_path, monkeypatch):
    run = Run("undercomplete", {}, str(folder))
    assert isinstance(run.images(), kerasae.Images)
    forced = Run("undercomplete", {}, str(folder), stream=True).images()
    assert isinstance(forced, kerasae.ImageStream)
    assert forced.image_shape == (8, 8, 1)
    monkeypatch.setattr(streaming, "IN_MEMORY", 50_000)
    assert isinstance(run.images(), kerasae.ImageStream)
    small = Run("undercomplete", {}, str(folder), image_size=4)
    assert isinstance(small.images(), kerasae.Images)
    assert isinstance(Run("undercomplete", {}, str(folder), stream=False).images(), kerasae.Images)
    invoke("shards", folder, "--out", tmp_path)
    assert isinstance(Run("undercomplete", {}, str(tmp_path)).images(), kerasae.ImageStream)
    assert isinstance(Run("undercomplete", {}, "digits").images(), kerasae.Images)


def test_what_needs_arrays_takes_a_sample_of_what_is_too_large(folder, tmp_path, monkeypatch):
    """Held out are images that a run on the whole set held out; the files keep their names."""
    whole = load_sample(folder)
    assert len(whole.train) + len(whole.validation) + len(whole.test) == 150
    monkeypatch.setattr(streaming, "IN_MEMORY", 150 * 8 * 8 * 4 // 3)
    some, stream = load_sample(folder), kerasae.stream_images(folder, image_size=8)
    assert (len(some.train), len(some.validation), len(some.test)) == (36, 4, 10)
    for split in ("train", "validation", "test"):
        known = {image.tobytes() for image in next(getattr(stream, split).batches(150))}
        assert {image.tobytes() for image in getattr(some, split)} <= known
    for image, source in zip(some.test, some.sources["test"], strict=True):
        picture = np.asarray(Image.open(folder / some.source_names[int(source)])) / 255
        np.testing.assert_allclose(image[..., 0], picture, atol=1e-6)
    invoke("shards", folder, "--out", tmp_path)
    packed = load_sample(tmp_path)
    assert (len(packed.train), packed.source_names) == (36, {})


@pytest.mark.usefixtures("eager")
def test_the_command_line_trains_on_shards(folder, tmp_path):
    invoke("shards", folder, "--out", tmp_path / "shards")
    train = ("train", "undercomplete", "--data", tmp_path / "shards", "--out", tmp_path / "run",
             "--code-size", 2, "--hidden", "4", "--epochs", 1, "--decorrelate")  # fmt: skip
    status, output = invoke(*train)
    assert status == 0, output
    assert "108 train, 12 validation, 30 test images, read as needed" in output
    assert "loss on the test images (30)" in output
    assert json.loads((tmp_path / "run" / "run.json").read_text())["stream"] is None
    loaded = Run.load(tmp_path / "run")
    assert loaded.facts(tmp_path / "run", loaded.images())["training_images"] == 108


@pytest.mark.parametrize(
    ("given", "message"),
    [({"batch_size": 0}, "`batch_size` must be"), ({"model": 3}, "`model` must be a Keras model")],
)
def test_one_pass_checks_its_arguments(given, message, model):
    arguments = {"model": model, "images": np.zeros((2, 8, 8, 1)), **given}
    with pytest.raises(ValueError, match=message):
        evaluation.reconstruction_quality(**arguments)
