"""Bundles whose models may be told a class: beside Keras, in files, on the command line."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import shutil
from dataclasses import replace
from pathlib import Path

import jsonschema
import keras
import numpy as np
import pytest
from click.testing import CliRunner
from labelled import NAMES, labelled_bundle, labelled_model, pictures
from PIL import Image

import kerasae
import kerasae_export
from kerasae.cli import main
from kerasae.runs import Run
from kerasae.training import TrainConfig
from kerasae_export import BundleError, Codec, export_bundle, verify_bundle
from kerasae_export.cli import run
from kerasae_export.conversion.split import predict_all
from kerasae_export.format.labels import check_label
from kerasae_export.format.manifest import Manifest
from kerasae_export.runtime.labelled import LabelledPair
from kerasae_export.verification import VerificationError

SLOW = [pytest.param("dynamic", marks=pytest.mark.slow), pytest.param("int8")]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return labelled_model()


@pytest.fixture(scope="module")
def folder(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labelled_bundle(model, tmp_path_factory.mktemp("labelled") / "bundle")


@pytest.fixture(scope="module")
def codec(folder: Path) -> Codec:
    return Codec.load(folder)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.uint8(255 * pictures()[0][:12] + 0.5)


def of_keras(
    model: keras.Model, codec: Codec, image: np.ndarray, told: np.ndarray, shown: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The code of an image, and the pixels of its rounded code, with two vectors for labels."""
    encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
    code = predict_all(encoder, [image[None] / np.float32(255), told[None]])[0]
    steps = codec.manifest.codec.best.steps
    rounded = (np.floor(code / steps + 0.5) * steps).astype(np.float32)
    pixels = predict_all(decoder, [rounded, shown[None]])[0][0]
    return code[0], 255 * np.clip(pixels, 0, 1)


def test_codes_and_pixels_are_those_of_keras(model, codec, images):
    vectors = {None: np.zeros(3, np.float32), **dict(enumerate(np.eye(3, dtype=np.float32)))}
    steps = codec.manifest.codec.best.steps
    for told, vector in vectors.items():
        for shown, other in vectors.items():
            image = images[4]
            code, pixels = of_keras(model, codec, image, vector, other)
            symbols = codec.encode(image, label=told)
            near = np.abs(code / steps - symbols.ravel()) <= 0.5 + 1e-3
            assert near.all()
            rebuilt = codec.decode(symbols, 6, 6, label=shown)
            assert np.abs(rebuilt - pixels).max() <= 0.5 + 0.05
            data = codec.compress(image, label=told)
            np.testing.assert_array_equal(codec.decompress(data, label=shown), rebuilt)


@pytest.mark.parametrize("scheme", SLOW)
def test_quantised_models_are_near_keras(model, images, scheme, tmp_path):
    codec = Codec.load(labelled_bundle(model, tmp_path / "bundle", scheme=scheme, batch=2))
    one_hot = np.eye(3, dtype=np.float32)
    for image, k in zip(images, [0, 1, 2] * 4, strict=True):
        _, pixels = of_keras(model, codec, image, one_hot[k], one_hot[k])
        rebuilt = codec.decompress(codec.compress(image, label=k), label=k)
        assert np.abs(rebuilt - pixels).mean() < 0.03 * 255
    many = codec.compress_many(images, label=1)
    for found, image in zip(codec.decompress_many(many, label=2), images, strict=True):
        expected = codec.decompress(codec.compress(image, label=1), label=2)
        np.testing.assert_array_equal(found, expected)
    assert [i.tobytes() for i in codec.iter_decompress(many, label=2)] == [
        i.tobytes() for i in codec.decompress_many(many, label=2)
    ]
    assert codec.manifest.format_version == 1


def test_a_class_that_is_told_is_the_one_that_is_shown(codec, images):
    data = codec.compress(images[1], label="left")
    halves = {
        name: codec.decompress(data, label=name).reshape(6, 2, 3).mean(axis=(0, 2))
        for name in NAMES
    }
    assert max(halves["dark"]) < 80
    assert halves["left"][0] > 150 > 80 > halves["left"][1]
    assert halves["right"][1] > 150 > 80 > halves["right"][0]


def test_a_class_has_a_name_and_a_number(codec, images):
    assert codec.class_names == NAMES
    left = codec.compress(images[0], label="left")
    for same in ("1", 1, np.int64(1)):
        assert codec.compress(images[0], label=same) == left
    assert check_label("2", ["2", "1", "0"]) == 0  # a name comes before a number
    for wrong in ("up", 3, -1, "3", 1.0, True, [1], "١"):
        with pytest.raises(ValueError, match=r"`label` must be one of .*dark, left, right.*Rece"):
            codec.compress(images[0], label=wrong)


def test_without_labels_it_is_the_bundle_of_the_missing_label(model, folder, images, tmp_path):
    """What older readers see: other bytes nowhere but in what they ignore."""
    content = json.loads((folder / "manifest.json").read_text())
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    del content["labels"]
    for side in ("encoder", "decoder"):
        del content["files"][f"{side}_label.tflite"]
        (old / f"{side}_label.tflite").unlink()
    (old / "manifest.json").write_text(json.dumps(content))
    ours, theirs = Codec.load(folder), Codec.load(old)
    alone = kerasae.at_label(model, None)
    encoder = kerasae.encoder(alone)
    steps = theirs.manifest.codec.best.steps
    for image in images:
        data = theirs.compress(image)
        assert ours.compress(image) == data
        np.testing.assert_array_equal(ours.decompress(data), theirs.decompress(data))
        code = predict_all(encoder, [image[None] / np.float32(255)])[0]
        assert (np.abs(code / steps - theirs.encode(image)) <= 0.5 + 1e-3).all()
    told = ours.compress(images[1], label=1)  # a file of any label opens there
    np.testing.assert_array_equal(theirs.decompress(told), ours.decompress(told))
    assert theirs.class_names == ()
    with pytest.raises(ValueError, match="`label` must be left out: the bundle has no classes"):
        theirs.decompress(told, label=1)


def test_what_is_told_is_within_the_tables(codec):
    """No symbol of the calibration images is an escape, with or without their labels."""
    tables = codec.manifest.codec.best.tables
    for image, k in zip(*pictures(), strict=True):
        for label in (None, int(k)):
            symbols = codec.encode(np.uint8(255 * image + 0.5), label=label).ravel()
            for symbol, table in zip(symbols, tables, strict=True):
                assert 0 <= symbol - table.offset < len(table.frequencies) - 1


def test_a_codec_with_labels_goes_to_other_processes(codec, images):
    copy = pickle.loads(pickle.dumps(codec))
    assert copy.compress(images[0], label=2) == codec.compress(images[0], label=2)


def test_verify_checks_these_models_too(model, folder, tmp_path, monkeypatch):
    copy = tmp_path / "bundle"
    shutil.copytree(folder, copy)
    images, _ = pictures()
    found = verify_bundle(copy, model=model, images=images[:12], report=False)
    names = [check.name for check in found.checks]
    assert {"labelled encoder operators", "labelled models, parity with Keras"} <= set(names)
    weights = model.get_weights()
    try:
        model.set_weights([1.3 * w for w in weights])
        with pytest.raises(VerificationError) as caught:
            verify_bundle(copy, model=model, images=images[:12], report=False)
    finally:
        model.set_weights(weights)
    failed = [c.name for c in caught.value.verification.checks if not c.passed]
    assert "labelled models, parity with Keras" in failed
    at = LabelledPair.at
    monkeypatch.setattr(  # kernels that disagree
        LabelledPair, "at", lambda pair, k: at(pair, 2 - k if pair.kernels == "reference" else k)
    )
    with pytest.raises(VerificationError, match="labelled models, kernels"):
        verify_bundle(copy, report=False)


def change(folder: Path, edit) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    edit(content)
    (folder / "manifest.json").write_text(json.dumps(content))


def test_damaged_missing_and_exchanged_files_are_refused(folder, images, tmp_path):
    def copied(name: str) -> Path:
        return Path(shutil.copytree(folder, tmp_path / name))

    damaged = copied("damaged")
    path = damaged / "decoder_label.tflite"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(BundleError, match=r"decoder_label.tflite is not the file"):
        Codec.load(damaged)
    missing = copied("missing")
    (missing / "encoder_label.tflite").unlink()
    with pytest.raises(BundleError, match=r"encoder_label.tflite is missing"):
        Codec.load(missing)
    swapped = copied("swapped")

    def swap(content):
        labels = content["labels"]
        labels["encoder"]["file"], labels["decoder"]["file"] = (
            labels["decoder"]["file"],
            labels["encoder"]["file"],
        )

    change(swapped, swap)
    with pytest.raises(BundleError, match=r"`labels.encoder.input` does not match decoder_label"):
        Codec.load(swapped).compress(images[0], label=0)
    plain = copied("plain")  # a model without a label in the place of one with
    content = (plain / "encoder.tflite").read_bytes()
    (plain / "encoder_label.tflite").write_bytes(content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    change(plain, lambda c: c["files"].update({"encoder_label.tflite": entry}))
    codec = Codec.load(plain)
    assert codec.decompress(codec.compress(images[0])).shape == (6, 6, 1)
    with pytest.raises(BundleError, match="must have two inputs, one of them `label`"):
        codec.compress(images[0], label=0)
    with pytest.raises(VerificationError, match="labelled models"):
        verify_bundle(plain, report=False)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda x: x.update(names=[]), "`labels.names` must be a list of 1 to 4096"),
        (lambda x: x.update(names=["a", "a", "b"]), "`labels.names` must be .* all different"),
        (lambda x: x.update(names=["a", "b", "\x1b[2J"]), "`labels.names` must be"),
        (lambda x: x.update(names=["a", "b", "\ud800"]), "`labels.names` must be"),
        (lambda x: x.update(names=["a", "b", "c" * 65]), "`labels.names` must be"),
        (lambda x: x.update(names=["a", "b", 3]), "`labels.names` must be"),
        (lambda x: x.update(names=["a", "b"]), r"`labels.encoder.label` must be .*\[1, 2\]"),
        (lambda x: x.update(pixel_tolerance=256), "`labels.pixel_tolerance` must be"),
        (lambda x: x["decoder"].update(file="no.tflite"), "`files` must list 'no.tflite'"),
        (lambda x: x["decoder"].update(file="../x"), "must name files inside the bundle"),
        (lambda x: x["decoder"]["label"].update(dtype="int32"), "`labels.decoder.label` must be"),
        (lambda x: x["encoder"]["output"].update(shape=[1, 3]), "`labels.encoder.output.shape`"),
        (lambda x: x["decoder"]["output"].update(dtype="int32"), "`labels.decoder.output.dtype`"),
        (lambda x: x.pop("encoder"), "`labels.encoder` is missing"),
    ],
)
def test_a_manifest_of_other_labels_is_refused(folder, edit, message):
    content = json.loads((folder / "manifest.json").read_text())
    assert Manifest.from_json(json.dumps(content)).labels.names == NAMES
    edit(content["labels"])
    with pytest.raises(BundleError, match=message):
        Manifest.from_json(json.dumps(content))


def test_the_manifest_round_trips_and_has_its_schema(folder):
    text = (folder / "manifest.json").read_text()
    assert Manifest.from_json(text).to_json() == text
    path = Path(kerasae_export.__file__).parent / "format" / "manifest.schema.json"
    schema = jsonschema.Draft202012Validator(json.loads(path.read_text()))
    content = json.loads(text)
    assert schema.is_valid(content)
    for name in ("", "a" * 65, "\x7f", 3, "dark"):
        assert not schema.is_valid(
            {**content, "labels": {**content["labels"], "names": ["dark", name]}}
        )
    for gone in content["labels"]:
        less = {key: value for key, value in content["labels"].items() if key != gone}
        assert not schema.is_valid({**content, "labels": less})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": None}, "`labels` must be the classes of the calibration .*at_label"),
        ({"labels": [0, 1]}, "`labels` must be as many .* 2 labels for 96 images"),
        ({"labels": [3] * 96}, r"`labels` must be .* from 0 to 2.*Received: \[3\]"),
        ({"labels": np.eye(3)}, "`labels` must be .* Received: float64 of shape"),
        ({"class_names": ["a", "b"]}, "`class_names` must be 3 names"),
        ({"class_names": ["a", "b", "b"]}, "`class_names` must be 3 names"),
        ({"scheme": "mixed"}, "`scheme` must be one of float32, .* takes a label"),
        ({"tile": 12}, "`tile` must be one of None for a model that takes a label"),
    ],
)
def test_other_arguments_are_refused(model, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        labelled_bundle(model, tmp_path / "none", **options)
    assert not (tmp_path / "none").exists()


def test_other_models_are_refused(model, tmp_path):
    images, labels = pictures()
    how = {"input_shape": (6, 6, 1), "code_size": 2, "hidden": (4,)}
    told = {"calibration": images, "labels": labels}
    with pytest.raises(ValueError, match="`labels` must be left out for a model that takes no"):
        export_bundle(kerasae.at_label(model, 1), tmp_path / "none", **told)
    attributes = kerasae.build_conditional(attributes=3, **how)
    with pytest.raises(ValueError, match=r"`model` must .* no room for attributes.*at_label"):
        export_bundle(attributes, tmp_path / "none", **told)
    always = kerasae.build_conditional(classes=3, label_dropout=0.0, **how)
    with pytest.raises(ValueError, match=r"`label_dropout` above 0"):
        export_bundle(always, tmp_path / "none", **told)


def test_the_card_and_info_tell_the_classes(folder, capsys):
    card = (folder / "README.md").read_text()
    assert "3 classes: dark, left, right" in card
    assert "label='right'" in card or 'label="right"' in card
    assert "| told the class |" in card
    assert run(["info", str(folder)]) == 0
    assert ", 3 classes (dark, left, right), " in capsys.readouterr().out


def test_the_command_takes_a_label(folder, codec, images, tmp_path, capsys):
    Image.fromarray(images[1, ..., 0]).save(tmp_path / "one.png")
    bundle = ["--bundle", str(folder), "--out", str(tmp_path / "out"), "--jobs", "1", "--force"]
    kae = tmp_path / "out" / "one.kae"
    for label in ("left", "1"):
        assert run(["compress", str(tmp_path / "one.png"), *bundle, "--label", label]) == 0
        assert kae.read_bytes() == codec.compress(images[1], label=1)
    assert run(["decompress", str(kae), *bundle, "--label", "right"]) == 0
    rebuilt = np.asarray(Image.open(tmp_path / "out" / "one.png"))[..., None]
    np.testing.assert_array_equal(rebuilt, codec.decompress(kae.read_bytes(), label=2))
    capsys.readouterr()
    assert run(["decompress", str(kae), *bundle, "--label", "up"]) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(r"kae: `--label` must be one of .*dark, left, right.*'up'\.\n", said)
    photographs = ["--out", str(tmp_path / "out"), "--label", "left"]
    assert run(["compress", str(tmp_path / "one.png"), *photographs]) == 2
    assert "for bundles with classes" in capsys.readouterr().err


def test_onnx_runtime_takes_no_label(codec, images):
    """Its files do without; the codec says so before it looks for a model."""
    without = Codec(codec.manifest, *(m for m in (None, None)))
    assert without.class_names == NAMES
    with pytest.raises(ValueError, match="`label` must be left out with `engine` 'onnx'"):
        without.compress(images[0], label=0)
    assert replace(codec.manifest, labels=None).labels is None


@pytest.mark.slow
def test_a_conditional_run_is_exported_with_the_classes_of_its_data(tmp_path, eager):
    images = kerasae.load_images("digits", limit=60)
    small = {"code_size": 2, "hidden": (8,)}
    config = TrainConfig(epochs=1, batch_size=30, jit_compile=False, steps_per_execution=1)
    run_folder, bundle = tmp_path / "run", tmp_path / "bundle"
    Run("conditional", small, "digits", limit=60).train(images, config, run_folder)
    said = CliRunner().invoke(
        main, ["export", str(run_folder), "--scheme", "float32", "--out", str(bundle)]
    )
    assert said.exit_code == 0, said.output
    codec = Codec.load(bundle)
    assert codec.class_names == tuple("0123456789")
    picture = np.uint8(255 * images.test[0] + 0.5)
    three, four = (codec.decompress(codec.compress(picture), label=k) for k in (3, 4))
    assert (three != four).any()
    said = CliRunner().invoke(main, ["verify", str(bundle), "--run", str(run_folder)])
    assert said.exit_code == 0, said.output
    assert "labelled models, parity with Keras" in (bundle / "verification.json").read_text()
