"""Verification: passes what is right and refuses each kind of wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.tools import flatbuffer_utils
from PIL import Image

from kerasae_export import BundleError, export_bundle, verification, verify_bundle
from kerasae_export.format.manifest import Manifest
from kerasae_export.runtime.graph import Graph
from kerasae_export.verification import TOLERANCES, VerificationError, checks, kernels
from kerasae_export.verification.measuring import peak_bytes
from kerasae_export.verification.outcome import tolerance
from kerasae_export.verification.parity import _codec_limit, check_parity
from kerasae_export.verification.parts import Side, sides

REPOSITORY = Path(__file__).resolve().parents[1]


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


def verify(folder, **options):
    """Without what takes its time."""
    return verify_bundle(folder, report=False, **options)


def edit(folder, name, change):
    """Change the graph of a model, and make the hashes right again."""
    path = folder / name
    model = flatbuffer_utils.read_model_from_bytearray(path.read_bytes())
    change(model)
    path.write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    reseal(folder)


KERNEL_CHECKS = ("optimised kernels", "reference kernels")


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
    found = verify(folder, model=model, images=images.test[:64])
    assert found.passed
    assert len(found.checks) == 21
    assert (folder / "manifest.json").read_bytes() == before
    assert json.loads((folder / "verification.json").read_text()) == json.loads(found.to_json())
    parity = found.measurements["parity"]
    assert parity["psnr_keras"] - parity["psnr_tflite"] < 0.3
    assert abs(parity["ssim_keras"] - parity["ssim_tflite"]) < 0.01
    assert 0 < parity["code_difference_mean"] < 0.02
    assert set(found.measurements["kernels"]) == {
        f"{images}, {kernels}"
        for images in ("golden sample", "images")
        for kernels in ("optimised", "reference")
    }
    latency = found.measurements["latency_ms"]
    assert all(t["quartile_1"] <= t["median"] <= t["quartile_3"] for t in latency.values())
    assert set(latency) == {
        f"{p}, {t}" for p in ("encoder", "decoder") for t in ("1 thread", "2 threads")
    }


@pytest.mark.slow
def test_without_a_model_the_bundle_is_enough(copy):
    found = verify_bundle(copy)
    assert found.passed
    assert not {"parity", "layers"} & set(found.measurements)
    costs = found.measurements["costs"]["encoder"]
    assert costs["macs"] == sum(o["macs"] for o in costs["operators"]) > 0
    assert costs["macs_per_pixel"] == costs["macs"] / 64
    assert f"all {len(found.checks)} checks passed" in (copy / "verification.html").read_text()
    verify(copy)  # its own files do not disturb it
    assert not (copy / "verification.html").exists()  # nor does an old report stay


@pytest.mark.slow
@pytest.mark.parametrize("which", ["digit", "photo"])
def test_a_full_verification_names_the_worst_layer(which, request, tmp_path):
    images = request.getfixturevalue(f"{which}s")
    model = request.getfixturevalue(f"{which}_model")
    folder = shutil.copytree(request.getfixturevalue(f"{which}_bundle"), tmp_path / "b")
    found = verify_bundle(folder, model=model, images=images.test[:64]).measurements
    layers = found["layers"]
    for part in ("encoder", "decoder"):
        assert layers[part]["unmatched"] == 0
        assert all(20 < layer["total"] <= 120 for layer in layers[part]["layers"])
    own = [x["own"] for p in ("encoder", "decoder") for x in layers[p]["layers"]]
    assert layers["largest_error"]["own"] == min(own)
    assert layers["largest_error"]["layer"] in {
        layer.name for half in ("encoder", "decoder") for layer in model.get_layer(half).layers
    } | {"input"}
    report = (folder / "verification.html").read_text()
    assert report.count("<img ") == 7
    assert f"Largest error: {layers['largest_error']['layer']}" in report


def test_a_changed_file_is_refused(copy):
    file = copy / "encoder.tflite"
    file.write_bytes(file.read_bytes()[:-4] + b"oops")
    with pytest.raises(BundleError, match=r"check of its files: encoder.tflite is not the file"):
        verify(copy)
    assert failed(copy) == ["files"]


def test_a_wrong_step_is_refused(copy):
    codec = Manifest.from_json((copy / "manifest.json").read_bytes()).codec
    (quality,) = codec.qualities
    halved = tuple(m // 2 for m in quality.step_mantissas)
    quality = dataclasses.replace(quality, step_mantissas=halved)
    wrong = dataclasses.replace(codec, qualities=(quality,))
    reseal(copy, codec=wrong)
    with pytest.raises(BundleError, match="golden"):
        verify(copy)
    assert "golden symbols" in failed(copy)


def test_another_encoder_is_refused(copy, photo_bundle):
    shutil.copy(photo_bundle / "encoder.tflite", copy / "encoder.tflite")
    reseal(copy)
    with pytest.raises(BundleError, match="`encoder.input` does not match"):
        verify(copy)


def test_a_golden_picture_that_does_not_match_is_refused(copy):
    path = copy / "golden" / "reconstruction.png"
    picture = np.asarray(Image.open(path)).copy()
    picture[3, 3] = np.uint8((int(picture[3, 3]) + 128) % 256)
    Image.fromarray(picture).save(path)
    reseal(copy)
    with pytest.raises(BundleError, match="pixels differ by up to 128"):
        verify(copy)
    assert failed(copy) == ["golden reconstruction", *KERNEL_CHECKS]


def test_a_golden_bitstream_of_other_tables_is_refused(copy):
    codec = Manifest.from_json((copy / "manifest.json").read_bytes()).codec
    quality = dataclasses.replace(codec.best, tables=codec.best.tables[::-1])
    reseal(copy, codec=dataclasses.replace(codec, qualities=(quality,)))
    with pytest.raises(BundleError, match="golden bitstream"):
        verify(copy)


def test_a_broken_golden_sample_is_refused(copy):
    (copy / "golden" / "symbols.json").write_text('{"symbols": [1], "shape": [2, 2]}')
    reseal(copy)
    with pytest.raises(BundleError, match="golden sample cannot be read"):
        verify(copy)


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
        verify(copy)
    assert failed(copy) == ["golden sample"]


def test_a_folder_that_is_no_bundle_stays_as_it_is(tmp_path):
    (tmp_path / "my.txt").write_text("mine")
    with pytest.raises(BundleError, match="`folder` must be a bundle's folder"):
        verify(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["my.txt"]


@pytest.mark.parametrize(
    "images", [np.zeros((3, 9, 8, 1)), np.zeros((0, 8, 8, 1)), np.full((3, 8, 8, 1), 255.0)]
)
def test_images_must_fit_the_bundle(copy, digit_model, images):
    with pytest.raises(ValueError, match="`images` must"):
        verify(copy, model=digit_model, images=images)


def test_the_model_must_be_that_of_the_bundle(copy, photo_model, digits):
    with pytest.raises(ValueError, match="`model` must be the one that the bundle was exported"):
        verify(copy, model=photo_model, images=digits.test[:4])


@pytest.mark.slow
def test_a_bundle_that_is_worse_than_the_model_is_refused(digit_model, digits, tmp_path):
    keras.utils.set_random_seed(0)
    untrained = keras.models.clone_model(digit_model)
    export_bundle(untrained, tmp_path / "b", calibration=digits.train)
    with pytest.raises(BundleError, match=r"check of its \w+.*: .* may be"):
        verify(tmp_path / "b", model=digit_model, images=digits.test[:32])
    assert {"quality", "similarity", "quality of the codec"} <= set(failed(tmp_path / "b"))


def test_arguments_are_checked(copy, digit_model, tmp_path):
    with pytest.raises(ValueError, match="`model` and `images` must be given together"):
        verify(copy, model=digit_model)
    with pytest.raises(BundleError, match="`folder` must be a bundle's folder"):
        verify(tmp_path / "nowhere")


def test_changed_weights_with_right_hashes_are_refused(copy):
    def change(model):
        largest = max(model.buffers, key=lambda b: 0 if b.data is None else len(b.data))
        largest.data = np.roll(np.array(largest.data), 7)

    edit(copy, "encoder.tflite", change)
    with pytest.raises(BundleError, match="golden symbols"):
        verify(copy)
    assert failed(copy)[0] == "golden symbols"


def test_changed_weights_of_the_decoder_are_refused(copy):
    def change(model):
        largest = max(model.buffers, key=lambda b: 0 if b.data is None else len(b.data))
        largest.data = np.roll(np.array(largest.data), 7)

    edit(copy, "decoder.tflite", change)
    with pytest.raises(BundleError, match=r"golden (bitstream|reconstruction)"):
        verify(copy)
    assert "golden reconstruction" in failed(copy)


def test_a_custom_operator_is_refused_by_name(copy):
    def change(model):
        code = model.operatorCodes[0]
        code.builtinCode = code.deprecatedBuiltinCode = 32
        code.customCode = b"FlexErf"

    edit(copy, "encoder.tflite", change)
    with pytest.raises(BundleError, match=r"encoder operators: .*not built in: CUSTOM \(FlexErf\)"):
        verify(copy)
    assert failed(copy) == ["encoder operators"]


@pytest.mark.parametrize("part", ["encoder", "decoder"])
@pytest.mark.parametrize("change", [{"scale": 0.02}, {"zero_point": 7}])
def test_a_wrong_scale_in_the_manifest_is_refused(copy, part, change):
    held = getattr(Manifest.from_json((copy / "manifest.json").read_bytes()), part)
    wrong = dataclasses.replace(held, output=dataclasses.replace(held.output, **change))
    reseal(copy, **{part: wrong})
    with pytest.raises(BundleError, match=rf"check of its files: .*`{part}.output` does not match"):
        verify(copy)


@pytest.mark.parametrize("wrong", ["optimised", "reference"])
def test_kernels_that_disagree_are_refused(copy, monkeypatch, wrong):
    """Kernels that are off, as on a device with a bug."""
    load = Side.load

    class Off:
        def __init__(self, model):
            self.input, self.output, self._model = model.input, model.output, model

        def __call__(self, values):
            return np.minimum(self._model(values), 225) + np.uint8(30)

    def broken(side, *, kernels="xnnpack", **options):
        model = load(side, kernels=kernels, **options)
        return Off(model) if kernels == wrong else model

    monkeypatch.setattr(Side, "load", broken)
    with pytest.raises(BundleError, match=f"check of its {wrong} kernels"):
        verify(copy)
    assert failed(copy) == [
        f"{wrong} kernels",
        "pixels of all kernels",
        f"kernels' symbols, golden sample, {wrong}",
        f"kernels mixed, golden sample, {wrong}",
    ]


def test_symbols_may_move_by_one_step_and_indices_anywhere():
    assert checks.moved(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 6])) == (0.25, 2)
    verdicts = {
        (0.1, 1): (True, True),
        (0.11, 1): (False, False),
        (0.01, 2): (False, True),
        (0.0, 0): (True, True),
    }
    for (share, largest), expected in verdicts.items():
        found = [checks.check_symbols("x", share, largest, indices=i).passed for i in (False, True)]
        assert tuple(found) == expected


@pytest.mark.parametrize(
    ("scheme", "change", "expected"),
    [
        ("int8", {}, []),
        ("int8", {"psnr_tflite": 29.69}, ["quality"]),
        ("int8", {"psnr_tflite": 29.71}, []),
        ("float32", {"psnr_tflite": 29.98}, ["quality"]),
        ("float16", {"psnr_tflite": 29.94}, ["quality"]),
        ("dynamic", {"psnr_tflite": 29.71}, []),
        ("int8", {"ssim_tflite": 0.889}, ["similarity"]),
        ("float32", {"ssim_tflite": 0.898}, ["similarity"]),
        ("int8", {"psnr_codec": 28.99}, ["quality of the codec"]),
        ("int8", {"psnr_codec": 29.01}, []),
        ("int8", {"code_difference_mean": 0.06}, ["parity with Keras"]),
        ("int8", {"pixel_difference_mean": 0.06}, ["parity with Keras"]),
        ("int8", {"code_difference_max": 0.9}, []),
        ("float32", {"code_difference_max": 0.002}, ["parity with Keras"]),
        ("float16", {"pixel_difference_max": 0.02}, ["parity with Keras"]),
    ],
)
def test_what_is_beyond_a_tolerance_fails(digit_bundle, scheme, change, expected):
    manifest = Manifest.from_json((digit_bundle / "manifest.json").read_bytes())
    manifest = dataclasses.replace(manifest, scheme=scheme, facts={"step_loss_db": 0.2})
    parity = {
        **{f"{p}_difference_{k}": 0.0 for p in ("code", "pixel") for k in ("mean", "max")},
        **{f"psnr_{way}": 30.0 for way in ("keras", "tflite", "codec")},
        **{f"ssim_{way}": 0.9 for way in ("keras", "tflite", "codec")},
        **change,
    }
    found = [c.name for c in check_parity(parity, manifest) if not c.passed]
    assert found == expected


def test_of_several_qualities_the_best_is_judged(digit_bundle):
    manifest = Manifest.from_json((digit_bundle / "manifest.json").read_bytes())
    manifest = dataclasses.replace(manifest, facts={"step_loss_db": [0.1, 1.0]})
    assert _codec_limit(manifest) == pytest.approx(0.1 + 0.3 + 0.5)


@pytest.mark.parametrize("stated", [None, "much", 1e9, -3, []])
def test_odd_facts_of_a_manifest_allow_nothing(digit_bundle, stated):
    manifest = Manifest.from_json((digit_bundle / "manifest.json").read_bytes())
    manifest = dataclasses.replace(manifest, facts={"step_loss_db": stated})
    assert _codec_limit(manifest) == tolerance("psnr_loss", "int8") + 0.5


def test_decoding_is_judged_by_the_worst_pair_of_kernels():
    psnr = {"XNNPACK to XNNPACK": 30.0, "XNNPACK to other": 29.95, "other to XNNPACK": 29.89}
    compared = {"moved": 0.0, "largest": 0, "psnr": psnr}
    symbols, mixed = kernels.check_kernels("images", compared)
    assert symbols.passed
    assert not mixed.passed
    assert "other to XNNPACK loses 0.110 dB; 0.1 dB may be lost" in mixed.detail


def test_an_error_carries_all_that_was_found(copy):
    (copy / "golden" / "symbols.json").write_text("{}")
    reseal(copy)
    with pytest.raises(VerificationError) as caught:
        verify(copy)
    assert [c.name for c in caught.value.verification.checks if not c.passed] == ["golden sample"]


def test_every_tolerance_is_documented():
    text = (REPOSITORY / "export" / "README.md").read_text()
    for name, value in TOLERANCES.items():
        row = next(line for line in text.splitlines() if f"`{name}`" in line and "|" in line)
        limits = value.limit.values() if isinstance(value.limit, dict) else [value.limit]
        for limit in limits:
            assert f"{limit:g}" in row or f"{100 * limit:g} %" in row, (name, limit)


def test_peak_memory_grows_with_the_model(digit_bundle, tmp_path):
    """A model with eight megabytes more of weights takes about that much more."""
    if not verification.measuring._proc():
        pytest.skip("this system does not tell the peak of a process")
    manifest = Manifest.from_json((digit_bundle / "manifest.json").read_bytes())
    files = {n: (digit_bundle / n).read_bytes() for n in manifest.files}
    encoder, _ = sides(manifest, files)
    small = peak_bytes(encoder, digit_bundle)
    model = flatbuffer_utils.read_model_from_bytearray(encoder.content)
    ballast = max(model.buffers, key=lambda b: 0 if b.data is None else len(b.data))
    extra = type(ballast)()
    extra.data = np.ones(2**23, np.uint8)
    model.buffers.append(extra)
    content = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    (tmp_path / manifest.encoder.file).write_bytes(content)
    heavy = Side("encoder", manifest.encoder, content, Graph(content))
    large = peak_bytes(heavy, tmp_path)
    assert 0 < small < 2**24
    assert 0.9 * 2**23 < large - small < 3.5 * 2**23


def test_golden_symbols_that_no_decoder_takes_are_refused(copy, monkeypatch):
    def refuse(*args, **options):
        raise BundleError("`symbols` must be indices.")

    monkeypatch.setattr("kerasae_export.runtime.codec.Codec.decode", refuse)
    with pytest.raises(BundleError, match="golden reconstruction: `symbols` must be indices"):
        verify(copy)
    assert failed(copy) == ["golden reconstruction", *KERNEL_CHECKS, "models"]
