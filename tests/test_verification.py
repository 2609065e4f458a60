"""Verification: passes what is right and refuses each kind of wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from kerasae_export import BundleError, export_bundle, verify_bundle
from kerasae_export.manifest import Manifest


@pytest.fixture
def copy(digit_bundle, tmp_path):
    return shutil.copytree(digit_bundle, tmp_path / "bundle")


def reseal(folder, **changes):
    """Make hashes right again after a change: what an attacker or a bug could do."""
    manifest = Manifest.from_json((folder / "manifest.json").read_bytes())
    files = {}
    for name in manifest.files:
        content = (folder / name).read_bytes()
        files[name] = (hashlib.sha256(content).hexdigest(), len(content))
    codec = changes.pop("codec", manifest.codec)
    digest = codec.hash((folder / manifest.decoder.file).read_bytes()).hex()
    manifest = dataclasses.replace(
        manifest, files=files, codec=codec, bundle_hash=digest, **changes
    )
    (folder / "manifest.json").write_text(manifest.to_json())


def failed(folder):
    report = json.loads((folder / "verification.json").read_text())
    assert report["passed"] is False
    return [check["name"] for check in report["checks"] if not check["passed"]]


@pytest.mark.parametrize("which", ["digit", "photo"])
def test_a_sound_bundle_passes_with_its_model(which, request, tmp_path):
    images = request.getfixturevalue(f"{which}s")
    model = request.getfixturevalue(f"{which}_model")
    folder = shutil.copytree(request.getfixturevalue(f"{which}_bundle"), tmp_path / "b")
    before = (folder / "manifest.json").read_bytes()
    verification = verify_bundle(folder, model=model, images=images.test[:64])
    assert verification.passed
    assert len(verification.checks) >= 8
    assert (folder / "manifest.json").read_bytes() == before
    assert json.loads((folder / "verification.json").read_text()) == json.loads(
        verification.to_json()
    )
    parity = verification.measurements["parity"]
    assert parity["psnr_keras"] - parity["psnr_tflite"] < 0.3
    assert 0 < parity["code_difference_mean"] < 0.02
    latency = verification.measurements["latency_ms"]
    assert all(t["quartile_1"] <= t["median"] <= t["quartile_3"] for t in latency.values())
    assert set(latency) == {
        f"{p}, {t}" for p in ("encoder", "decoder") for t in ("1 thread", "2 threads")
    }


def test_without_a_model_the_bundle_is_enough(copy):
    verification = verify_bundle(copy)
    assert verification.passed
    assert "parity" not in verification.measurements
    verify_bundle(copy)  # its own report does not disturb it


def test_a_changed_file_is_refused(copy):
    file = copy / "encoder.tflite"
    file.write_bytes(file.read_bytes()[:-4] + b"oops")
    with pytest.raises(BundleError, match=r"check of its files: encoder.tflite is not the file"):
        verify_bundle(copy)
    assert failed(copy) == ["files"]


def test_a_wrong_step_is_refused(copy):
    codec = Manifest.from_json((copy / "manifest.json").read_bytes()).codec
    (quality,) = codec.qualities
    halved = tuple(m // 2 for m in quality.step_mantissas)
    quality = dataclasses.replace(quality, step_mantissas=halved)
    wrong = dataclasses.replace(codec, qualities=(quality,))
    reseal(copy, codec=wrong)
    with pytest.raises(BundleError, match="golden"):
        verify_bundle(copy)
    assert "golden symbols" in failed(copy)


def test_another_encoder_is_refused(copy, photo_bundle):
    shutil.copy(photo_bundle / "encoder.tflite", copy / "encoder.tflite")
    reseal(copy)
    with pytest.raises(BundleError, match="`encoder.input` does not match"):
        verify_bundle(copy)


def test_a_golden_picture_that_does_not_match_is_refused(copy):
    path = copy / "golden" / "reconstruction.png"
    picture = np.asarray(Image.open(path)).copy()
    picture[3, 3] = np.uint8((int(picture[3, 3]) + 128) % 256)
    Image.fromarray(picture).save(path)
    reseal(copy)
    with pytest.raises(BundleError, match="pixels differ by up to 128"):
        verify_bundle(copy)
    assert failed(copy) == ["golden reconstruction", "reference kernels"]


def test_a_golden_bitstream_of_other_tables_is_refused(copy):
    codec = Manifest.from_json((copy / "manifest.json").read_bytes()).codec
    quality = dataclasses.replace(codec.best, tables=codec.best.tables[::-1])
    reseal(copy, codec=dataclasses.replace(codec, qualities=(quality,)))
    with pytest.raises(BundleError, match="golden bitstream"):
        verify_bundle(copy)


def test_a_broken_golden_sample_is_refused(copy):
    (copy / "golden" / "symbols.json").write_text('{"symbols": [1], "shape": [2, 2]}')
    reseal(copy)
    with pytest.raises(BundleError, match="golden sample cannot be read"):
        verify_bundle(copy)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("symbols.json", b"[]"),
        ("symbols.json", b"[" * 100_000),
        ("symbols.json", b'{"symbols": [1.5], "shape": [1, 1]}'),
        ("symbols.json", b'{"symbols": [1], "shape": [1, 1]}'),
        ("image.png", "RGB"),
        ("image.png", "I;16"),
        ("reconstruction.png", b"no picture"),
    ],
)
def test_an_odd_golden_sample_is_refused(copy, name, content):
    if isinstance(content, str):
        Image.new(content, (13, 13)).save(copy / "golden" / name)
    else:
        (copy / "golden" / name).write_bytes(content)
    reseal(copy)
    with pytest.raises(BundleError, match="golden sample"):
        verify_bundle(copy)
    assert failed(copy) == ["golden sample"]


def test_a_folder_that_is_no_bundle_stays_as_it_is(tmp_path):
    (tmp_path / "my.txt").write_text("mine")
    with pytest.raises(BundleError, match="`folder` must be a bundle's folder"):
        verify_bundle(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["my.txt"]


@pytest.mark.parametrize(
    "images", [np.zeros((3, 9, 8, 1)), np.zeros((0, 8, 8, 1)), np.full((3, 8, 8, 1), 255.0)]
)
def test_images_must_fit_the_bundle(copy, digit_model, images):
    with pytest.raises(ValueError, match="`images` must be"):
        verify_bundle(copy, model=digit_model, images=images)


def test_a_bundle_that_is_worse_than_the_model_is_refused(digit_model, digits, tmp_path):
    keras.utils.set_random_seed(0)
    untrained = keras.models.clone_model(digit_model)
    export_bundle(untrained, tmp_path / "b", calibration=digits.train)
    with pytest.raises(BundleError, match=r"check of its quality: .* 0\.30 dB may be lost"):
        verify_bundle(tmp_path / "b", model=digit_model, images=digits.test[:32])
    assert failed(tmp_path / "b") == ["quality"]


def test_arguments_are_checked(copy, digit_model, tmp_path):
    with pytest.raises(ValueError, match="`model` and `images` must be given together"):
        verify_bundle(copy, model=digit_model)
    with pytest.raises(BundleError, match="`folder` must be a bundle's folder"):
        verify_bundle(tmp_path / "nowhere")
