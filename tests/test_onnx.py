"""ONNX: any model as a file, a bundle's files beside those of TF Lite, and the codec with them."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import pickle
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from architectures import CASES, DISTINCT, FIRST, make
from conftest import dense_model as model_of

import kerasae
from kerasae_export import (
    BundleError,
    Codec,
    ConversionError,
    convert,
    export_bundle,
    verify_bundle,
)
from kerasae_export.conversion import onnx_files
from kerasae_export.conversion.split import predict_all
from kerasae_export.format.manifest import Manifest
from kerasae_export.runtime.onnxmodel import OnnxModel
from kerasae_export.verification import ReportWarning, VerificationError

ort = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")


@pytest.fixture
def pictures(digits):
    return [np.uint8(255 * image) for image in digits.test[:20]]


def run(path: Path, *inputs: np.ndarray) -> list[np.ndarray]:
    session = ort.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


# Every architecture: quickly those that have least in common, and all variants once a week.
WEIGHED = [
    pytest.param(
        *case.values,
        id=case.id,
        marks=pytest.mark.slow
        if case in FIRST and case.values[0] in DISTINCT
        else pytest.mark.weekly,
    )
    for case in CASES
]


@pytest.mark.parametrize(("name", "variant"), WEIGHED)
def test_every_architecture_converts_and_computes_what_keras_does(
    name, variant, converter, tmp_path, rng
):
    model = make(name, variant)
    halves = kerasae.encoder(model), kerasae.decoder(model)
    given = [rng.random((4, *entry.shape[1:]), np.float32) for entry in halves[0].inputs]
    told = given[1:]
    for half in halves:
        path = converter.convert(half, tmp_path / f"{half.name}.onnx", format="onnx")
        expected = predict_all(half, given)
        for ours, theirs in zip(run(path, *given), expected, strict=True):
            if theirs.dtype.kind in "bi":
                assert (ours == theirs).mean() > 0.98
            else:
                np.testing.assert_allclose(ours, theirs, atol=1e-3 * max(1e-3, np.ptp(theirs)))
        given = [*expected, *told]


def test_a_model_with_two_inputs_keeps_their_names_and_takes_any_batch(converter, tmp_path, rng):
    left, right = keras.Input((4,), name="left"), keras.Input((3,), name="right")
    dense = keras.layers.Dense(2)(keras.layers.Concatenate()([left, right]))
    model = keras.Model([left, right], [dense, keras.layers.Activation("relu")(left)], name="two")
    path = converter.convert(model, tmp_path / "two.onnx", format="onnx", scheme="float32")
    session = ort.InferenceSession(path.read_bytes())
    assert [entry.name for entry in session.get_inputs()] == ["left", "right"]
    assert [entry.name for entry in session.get_outputs()] == ["output_0", "output_1"]
    assert session.get_inputs()[0].shape == ["batch", 4]
    for batch in (1, 5):
        given = [rng.random((batch, n), np.float32) for n in (4, 3)]
        for ours, theirs in zip(run(path, *given), model.predict(given, verbose=0), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("m.tflite", {}, r"`path` must end in \.onnx"),
        ("m.onnx", {"scheme": "float16"}, '`scheme` must be "float32", or left out'),
        ("m.onnx", {"edges": "uint8"}, "`edges` must be float32"),
        ("m.onnx", {"format": "ONNX"}, "`format` must be one of tflite, onnx. Received: format="),
        ("m.onnx", {"format": 3}, "`format` must be one of tflite, onnx. Received: format=3"),
    ],
)
def test_what_no_onnx_file_can_be_is_refused(path, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        convert(None, tmp_path / path, **{"format": "onnx", **options})
    assert not list(tmp_path.iterdir())


def test_what_is_missing_is_named_with_what_to_install(digits, monkeypatch, tmp_path):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else found(name)
    )
    said = r"ONNX files need tf2onnx: `pip install kerasae-export\[onnx\]`"
    with pytest.raises(ConversionError, match=said):
        convert(None, tmp_path / "m.onnx", format="onnx")
    with pytest.raises(ConversionError, match=said):
        export_bundle(model_of(digits), tmp_path / "b", calibration=digits.train[:9], also="onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_that_computes_something_else_is_not_written(monkeypatch, tmp_path):
    """The check after a conversion: another model than the one that was converted."""
    image = keras.Input((4,))
    one = keras.Model(image, keras.layers.Dense(2)(image))
    onnx_files.write_onnx(one, ["input"], tmp_path / "one.onnx")
    content = (tmp_path / "one.onnx").read_bytes()
    other = keras.Model(image, keras.layers.Dense(2)(image))
    with pytest.raises(ValueError, match=r"ONNX Runtime differs from Keras by .* where 0.001 may"):
        onnx_files._check(content, other, ["input"])
    longer = keras.Model(image, keras.layers.Dense(3)(image))
    with pytest.raises(ValueError, match=r"gives \(1, 2\) for a batch of 1, Keras \(1, 3\)"):
        onnx_files._check(content, longer, ["input"])


def test_a_bundle_lists_its_onnx_files_outside_of_its_hash(onnx_bundle):
    manifest = Manifest.from_json((onnx_bundle / "manifest.json").read_bytes())
    assert manifest.onnx is not None
    assert {"encoder.onnx", "decoder.onnx"} <= set(manifest.files)
    decoder = (onnx_bundle / "decoder.tflite").read_bytes()
    assert manifest.codec.hash(decoder).hex() == manifest.bundle_hash
    assert Manifest.from_json(manifest.to_json()) == manifest
    card = (onnx_bundle / "README.md").read_text()
    assert "`encoder.onnx`" in card
    assert 'engine="onnx"' in card
    assert f"{manifest.onnx.pixel_tolerance} levels" in card


def test_both_engines_read_and_write_the_same_files(onnx_bundle, pictures):
    lite, onnx = Codec.load(onnx_bundle), Codec.load(onnx_bundle, engine="onnx", threads=2)
    promise = onnx.manifest.onnx.pixel_tolerance
    for writer, reader in ((lite, onnx), (onnx, lite)):
        data = writer.compress_many(pictures)
        symbols = [coded.symbols for coded in writer.iter_unpack(data)]
        for coded, expected in zip(reader.iter_unpack(data), symbols, strict=True):
            assert np.array_equal(coded.symbols, expected)
        pairs = zip(reader.decompress_many(data), writer.decompress_many(data), strict=True)
        assert max(np.abs(a.astype(int) - b).max() for a, b in pairs) <= promise
    again = pickle.loads(pickle.dumps(onnx))
    assert again.compress(pictures[0]) == onnx.compress(pictures[0])


def test_a_larger_picture_is_cut_into_the_same_tiles(onnx_bundle, rng):
    picture = rng.integers(0, 256, (21, 13, 1), np.uint8)
    onnx = Codec.load(onnx_bundle, engine="onnx")
    data = onnx.compress(picture)
    assert onnx.decompress(data).shape == picture.shape
    promise = onnx.manifest.onnx.pixel_tolerance
    other = Codec.load(onnx_bundle).decompress(data)
    assert np.abs(other.astype(int) - onnx.decompress(data)).max() <= promise


def test_the_engine_is_checked(onnx_bundle, digit_bundle, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="`engine` must be one of litert, onnx. Received: engine="):
        Codec.load(onnx_bundle, engine="tensorrt")
    with pytest.raises(ValueError, match="`engine` must be"):
        Codec.load(engine=None)
    with pytest.raises(BundleError, match=r'no ONNX files .* export it with `also="onnx"`'):
        Codec.load(digit_bundle, engine="onnx")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BundleError, match="'onnx' needs ONNX Runtime: `pip install onnxruntime`"):
        Codec.load(onnx_bundle, engine="onnx")


def test_also_is_checked_before_anything_is_done(digits, tmp_path):
    for bad in ("ONNX", 1, ["onnx"], b"onnx", True):
        with pytest.raises(ValueError, match="`also` must be None or onnx. Received: also="):
            export_bundle(model_of(digits), tmp_path / "b", calibration=digits.train[:9], also=bad)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": "other.onnx"}, "`files` must list 'other.onnx'"),
        ({"encoder": "../x"}, "must name files inside the bundle"),
        ({"decoder": None}, "`onnx.decoder` must be a string"),
        ({"pixel_tolerance": 256}, "`onnx.pixel_tolerance` must be an integer from 0 to 255"),
        ({"pixel_tolerance": True}, "`onnx.pixel_tolerance` must be an integer"),
    ],
)
def test_a_manifest_that_names_other_files_is_refused(onnx_bundle, change, message):
    content = json.loads((onnx_bundle / "manifest.json").read_text())
    content["onnx"] |= change
    with pytest.raises(BundleError, match=message):
        Manifest.from_json(json.dumps(content))


def with_onnx_file(bundle: Path, target: Path, content: bytes) -> Path:
    """A copy of a bundle with another decoder in ONNX, whose hash is right."""
    from kerasae_export.bundling.writing import write_manifest

    shutil.copytree(bundle, target, ignore=shutil.ignore_patterns("verification.*"))
    (target / "decoder.onnx").write_bytes(content)
    manifest = Manifest.from_json((target / "manifest.json").read_bytes())
    (target / "manifest.json").unlink()
    write_manifest(target, manifest)
    return target


def test_damaged_onnx_files_are_found_before_they_run(onnx_bundle, tmp_path):
    decoder = (onnx_bundle / "decoder.onnx").read_bytes()
    for i, content in enumerate((b"", b"no model", decoder[:50], decoder[:-40])):
        bundle = with_onnx_file(onnx_bundle, tmp_path / str(i), content)
        with pytest.raises(BundleError, match=r"ONNX Runtime cannot load the model: .*\.$"):
            Codec.load(bundle, engine="onnx")
        assert Codec.load(bundle).qualities == 1  # the others are as they were
    other = (onnx_bundle / "encoder.onnx").read_bytes()
    bundle = with_onnx_file(onnx_bundle, tmp_path / "swapped", other)
    with pytest.raises(BundleError, match=r"`decoder.input` does not match decoder.onnx"):
        Codec.load(bundle, engine="onnx")
    shutil.copytree(onnx_bundle, tmp_path / "flipped")
    (tmp_path / "flipped" / "decoder.onnx").write_bytes(decoder[:-1] + b"!")
    with pytest.raises(BundleError, match=r"decoder.onnx is not the file that manifest.json lists"):
        Codec.load(tmp_path / "flipped")


def test_a_verification_checks_the_onnx_files(onnx_bundle, digits, tmp_path):
    found = verify_bundle(
        onnx_bundle, model=model_of(digits), images=digits.test[:30], report=False
    )
    names = [check.name for check in found.checks]
    assert names.count("ONNX reconstruction") == names.count("ONNX parity with Keras") == 1
    measured = json.loads((onnx_bundle / "verification.json").read_text())["measurements"]["onnx"]
    assert measured["images"] == 30
    assert measured["pixel_difference_max"] < 1e-5
    assert measured["psnr_onnx"] == pytest.approx(measured["psnr_keras"], abs=1e-3)


def test_a_verification_notices_another_model(onnx_bundle, digits, converter, tmp_path):
    keras.utils.set_random_seed(1)
    other = kerasae.build_undercomplete(
        input_shape=digits.image_shape, code_size=6, hidden=(16,), loss="mse"
    )
    path = converter.convert(kerasae.decoder(other), tmp_path / "d.onnx", format="onnx")
    bundle = with_onnx_file(onnx_bundle, tmp_path / "b", path.read_bytes())
    manifest = Manifest.from_json((bundle / "manifest.json").read_bytes())
    assert manifest.onnx is not None
    strict = dataclasses.replace(
        manifest, onnx=dataclasses.replace(manifest.onnx, pixel_tolerance=0)
    )
    (bundle / "manifest.json").write_text(strict.to_json())
    with pytest.raises(VerificationError, match="fails the check of its ONNX reconstruction"):
        verify_bundle(bundle, report=False)
    with pytest.raises(VerificationError) as told:
        verify_bundle(bundle, model=model_of(digits), images=digits.test[:9], report=False)
    failed = [check.name for check in told.value.verification.checks if not check.passed]
    assert failed == ["ONNX reconstruction", "ONNX parity with Keras"]


def test_a_verification_says_that_it_could_not_run_them(onnx_bundle, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else found(name)
    )
    with pytest.warns(ReportWarning, match="The ONNX files were not run: ONNX Runtime is not inst"):
        verification = verify_bundle(onnx_bundle, report=False)
    assert not [check for check in verification.checks if "ONNX" in check.name]
    assert "skipped" in verification.measurements["onnx"]


def test_a_model_that_is_no_codec_s_is_refused(converter, tmp_path):
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    model = keras.Model([left, right], keras.layers.Add()([left, right]))
    path = converter.convert(model, tmp_path / "two.onnx", format="onnx")
    with pytest.raises(BundleError, match=r"one input and one output. Received: 2 and 1"):
        OnnxModel(path.read_bytes())
