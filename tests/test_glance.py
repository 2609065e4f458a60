"""The first page of a card: sizes, quality, time, memory, delegates, microcontrollers, licences."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import pytest

import kerasae_export
from kerasae_export import BundleError, Codec, delegate_coverage, export_bundle
from kerasae_export.bundling import glance
from kerasae_export.bundling.card import model_card
from kerasae_export.bundling.summary import AT_A_GLANCE, summary
from kerasae_export.format.manifest import Manifest
from kerasae_export.runtime.delegates import DELEGATES

GOLDEN = Path(__file__).parent / "golden"


def coverage(bundle: str, side: str, delegate: str):
    folder = GOLDEN / bundle / "bundle"
    part = getattr(Manifest.from_json((folder / "manifest.json").read_bytes()), side)
    return delegate_coverage(folder / part.file, signature=part.signature)[delegate]


@pytest.mark.parametrize("delegate", DELEGATES)
@pytest.mark.parametrize("scheme", ["float32-separate", "float16-both", "dynamic-both"])
def test_a_convolutional_model_in_floats_is_taken_whole(delegate, scheme):
    """Two convolutions and their transposes are in each list; unpacked weights do not count."""
    for side in ("encoder", "decoder"):
        found = coverage(f"bundles/grid-{scheme}", side, delegate)
        assert found.whole
        assert (found.operators, found.macs, found.refused) == (2, 1.0, {})


def test_what_is_not_taken_is_named_with_its_share():
    found = coverage("grid", "decoder", "NNAPI")  # with an activation in it, of version 4
    assert (found.taken, found.operators) == (3, 5)
    assert found.macs == pytest.approx(0.02, abs=0.01)
    assert found.refused == {"TRANSPOSE_CONV": ("version 4, of which it takes 3", 2)}
    found = coverage("grid", "encoder", "Core ML")
    assert (found.taken, found.macs) == (0, 0.0)
    assert found.refused["CONV_2D"] == ("in integers, of which it takes floats", 3)
    found = coverage("bundles/blocks-float32-separate", "encoder", "Core ML")
    assert found.refused == {"RESHAPE": ("not with Core ML 3", 1)}
    found = coverage("bundles/indices-float32-separate", "encoder", "GPU")
    assert found.refused == {"TOPK_V2": ("not in its list", 1)}
    assert not found.whole


def test_any_file_can_be_asked(converter, tmp_path, rng):
    image = keras.Input((8, 8, 2))
    x = keras.layers.Conv2D(2, 3, activation="elu")(image)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    path = converter.convert(model, tmp_path / "m.tflite", scheme="float32")
    found = delegate_coverage(str(path))
    assert found == delegate_coverage(path.read_bytes())
    assert set(found["GPU"].refused) == {"ELU", "MEAN"}
    assert set(found["NNAPI"].refused) == set()
    assert found["Core ML"].macs == 1.0
    assert "delegate_coverage" in kerasae_export.__all__
    given = {"scheme": "int16x8", "calibration": rng.random((9, 8, 8, 2))}
    path = converter.convert(
        keras.Model(image, keras.layers.Conv2D(2, 3)(image)), tmp_path / "w.tflite", **given
    )
    for delegate in DELEGATES:
        assert delegate_coverage(path)[delegate].macs == 0.0


def test_a_mean_in_integers_is_not_taken_by_nnapi(converter, tmp_path, rng):
    """It wants the scale of the input for the output, which the converter chooses anew."""
    image = keras.Input((8, 8, 2))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
    given = {"scheme": "int8", "calibration": rng.random((9, 8, 8, 2))}
    found = delegate_coverage(converter.convert(model, tmp_path / "m.tflite", **given))
    assert found["NNAPI"].refused == {"MEAN": ("with another scale than its input has", 1)}


@pytest.mark.parametrize("content", [b"", b"no model", bytes(100)])
def test_what_is_no_model_is_refused(content, tmp_path):
    with pytest.raises(BundleError, match="no readable graph"):
        delegate_coverage(content)
    with pytest.raises(FileNotFoundError):
        delegate_coverage(tmp_path / "none.tflite")


@pytest.fixture(scope="session")
def shown(digits, digit_model, made):
    def write(path: Path) -> None:
        facts = {"license": "CC0-1.0", "data_license": "CC-BY-4.0"}
        export_bundle(
            digit_model,
            path,
            calibration=digits.train[:60],
            step_loss=[0.1, 2],
            facts=facts,
        )

    return made("glance", write)


def test_the_card_begins_with_what_is_asked_first(shown):
    manifest = Manifest.from_json((shown / "manifest.json").read_bytes())
    found = manifest.facts[AT_A_GLANCE]
    card = (shown / "README.md").read_text()
    first = card.split("\n## ")[1]
    assert first.startswith("At a glance")
    size = (shown / "decoder.tflite").stat().st_size
    assert f"`decoder.tflite` {size:,} bytes" in first
    assert f"{found['psnr_keras']:.2f} dB" in first
    for row in ("quality 1", "quality 2", "time", "memory", "kernels", "on GPU", "on Core ML"):
        assert f"| {row} |" in first
    assert "weights: CC0-1.0; data: CC-BY-4.0" in first
    assert "at_a_glance" not in card
    assert "pixel_differences" not in card


def test_its_figures_are_those_of_the_codec(shown, digits):
    found = Codec.load(shown).manifest.facts[AT_A_GLANCE]
    low, high = found["qualities"]
    assert low["bytes"] <= high["bytes"]
    assert low["psnr"] <= high["psnr"] <= found["psnr_keras"] + 0.1
    assert high["bits_per_pixel"] == pytest.approx(8 * high["bytes"] / 64, abs=0.01)
    assert all(milliseconds > 0 for milliseconds in found["ms"].values())
    assert found["activation_bytes"]["encoder"] >= 64


def test_a_manifest_without_figures_has_a_card_without_them(shown):
    manifest = Manifest.from_json((shown / "manifest.json").read_bytes())
    plain = dataclasses.replace(manifest, facts={"license": 3})
    assert summary(plain) == ""
    assert "At a glance" not in model_card(plain)
    partly = dataclasses.replace(manifest, facts={**manifest.facts, "license": 3})
    assert "weights: not stated" in summary(partly)


def test_the_arenas_of_tflite_micro(monkeypatch, tmp_path, shown):
    """By the package's own words where it is installed; otherwise by a stand-in that says them."""
    decoder = shown / "decoder.tflite"
    monkeypatch.setattr(
        glance, "_ARENA", "print('[RecordingMicroAllocator] Arena allocation total 12345 bytes')"
    )
    assert glance.arena_bytes(decoder) == 12345
    monkeypatch.setattr(glance, "_ARENA", "raise SystemExit('no kernel')")
    assert glance.arena_bytes(decoder) is None
    monkeypatch.setattr(glance, "_ARENA", "print('nothing')")
    assert glance.arena_bytes(decoder) is None
    manifest = Manifest.from_json((shown / "manifest.json").read_bytes())
    monkeypatch.setattr(glance, "find_spec", lambda name: name)
    parts = {"encoder": manifest.encoder, "decoder": manifest.decoder}
    monkeypatch.setattr(glance, "arena_bytes", lambda path: 2048 if "enc" in path.name else None)
    arenas = glance._arenas(shown, parts)
    assert arenas == {"arena_bytes": {"encoder": 2048, "decoder": None}}
    facts = {**manifest.facts, AT_A_GLANCE: {**manifest.facts[AT_A_GLANCE], **arenas}}
    told = summary(dataclasses.replace(manifest, facts=facts))
    assert "arenas of TFLite Micro: encoder 2,048 bytes, decoder not run" in told
