"""Bundles of format version 2: int16x8, and int8 around layers that stay exact."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from kerasae_export import BundleError, Codec, export_bundle, verify_bundle
from kerasae_export.bundling.layer_losses import MIXED_LOSS
from kerasae_export.bundling.summary import AT_A_GLANCE
from kerasae_export.format.manifest import LATER_SCHEMES, SCHEMES, Manifest
from kerasae_export.runtime.bundle_files import read_files
from kerasae_export.runtime.graph import Graph

pytestmark = pytest.mark.slow


def images(count: int) -> np.ndarray:
    """Smooth pictures, sums of a few waves, with a little noise, which no code holds."""
    rng = np.random.default_rng(count)
    y, x = np.mgrid[:16, :16] / 16
    waves = rng.uniform(0, 3, (count, 2, 4)), rng.uniform(0, 6, (count, 4))
    phases = waves[0][:, 0, :, None, None] * y + waves[0][:, 1, :, None, None] * x
    values = np.sin(phases + waves[1][..., None, None]).mean(axis=1)
    noise = rng.normal(0, 0.008, values.shape)
    return np.float32(np.clip(0.5 + 0.45 * values + noise, 0, 1))[..., None]


@pytest.fixture(scope="module")
def transform() -> keras.Model:
    """Six principal axes of blocks of 4 x 4, beside which nets do hardly anything."""
    keras.utils.set_random_seed(0)
    blocks = images(200).reshape(-1, 4, 4, 4, 4).transpose(0, 1, 3, 2, 4).reshape(-1, 16)
    mean = float(blocks.mean())
    basis = np.linalg.svd(blocks - mean, full_matrices=False)[2][:6].reshape(6, 4, 4)

    def net(features, name: str):
        inner = keras.Input(features.shape[1:])
        x = layers.Conv2D(8, 3, padding="same", activation="relu", name=f"{name}_in")(inner)
        small = keras.initializers.RandomNormal(stddev=1e-4, seed=1)
        x = layers.Conv2D(
            features.shape[-1], 3, padding="same", kernel_initializer=small, name=f"{name}_out"
        )(x)
        nested = keras.Model(inner, x, name=name)
        return layers.Add(name=f"{name}_sum")([features, nested(features)])

    image, code = keras.Input((16, 16, 1)), keras.Input((4, 4, 6))
    analysis = layers.Conv2D(6, 4, strides=4, name="analysis")
    synthesis = layers.Conv2DTranspose(1, 4, strides=4, name="synthesis")
    encoder = keras.Model(image, net(analysis(image), "encoder_net"), name="encoder")
    decoder = keras.Model(code, net(synthesis(code), "decoder_net"), name="decoder")
    kernel = basis.transpose(1, 2, 0)[:, :, None]
    analysis.set_weights([kernel, -mean * kernel.sum(axis=(0, 1, 2))])
    synthesis.set_weights([kernel, np.array([mean])])
    return keras.Model(image, decoder(encoder(image)), name="transform")


def exported(model: keras.Model, folder: Path, **options) -> tuple[Path, Manifest]:
    options = {"scheme": "mixed", "calibration": images(60), "step_loss": 0.05, **options}
    path = export_bundle(model, folder, **options)
    return path, read_files(path)[0]


@pytest.fixture(scope="module")
def mixed(transform, tmp_path_factory) -> Path:
    return exported(transform, tmp_path_factory.mktemp("mixed") / "b")[0]


def psnr(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(np.clip(ours, 0, 1) - theirs).mean()))


def lost(folder: Path, model: keras.Model) -> float:
    """PSNR in dB that the stored models lose against Keras on images new to the export."""
    codec, held_out = Codec.load(folder), images(30)
    rebuilt = codec._models.decoder.run(codec._models.encoder.run(held_out))
    return psnr(model.predict(held_out, verbose=0), held_out) - psnr(rebuilt, held_out)


@pytest.mark.filterwarnings("ignore:The scheme 'int8' loses")
def test_layers_are_found_that_int8_would_harm(transform, mixed, tmp_path):
    """At 40 dB and more int8 costs a dB, and mixed a tenth of that, with the nets still in int8."""
    manifest, files = read_files(mixed)
    assert (manifest.format_version, manifest.scheme) == (2, "mixed")
    plain, _ = exported(transform, tmp_path / "int8", scheme="int8")
    assert lost(plain, transform) > 1
    assert lost(mixed, transform) < 4 * MIXED_LOSS
    alone = manifest.facts["layer_losses_db"]
    assert max(alone["decoder"].values()) > 0.5
    for side, part in (("encoder", manifest.encoder), ("decoder", manifest.decoder)):
        kinds = {o.name: 0 for o in Graph(files[part.file]).operators}
        assert {"QUANTIZE", "DEQUANTIZE"} <= set(kinds)
        named = " ".join(manifest.facts["float_layers"][side])
        dearest = max(alone[side], key=lambda name: alone[side][name])
        assert f"'{dearest}'" in named
        assert f"'{side}_net_in'" not in named
        for edge in (part.input, part.output):
            assert (edge.dtype, edge.scale, edge.zero_point) == ("float32", 1.0, 0)


def test_files_are_of_version_1_and_the_codec_reads_its_own(mixed):
    codec = Codec.load(mixed)
    pictures = [np.uint8(np.round(255 * image)) for image in images(5)]
    for picture in pictures:
        data = codec.compress(picture)
        assert data[2] == 1
        symbols = codec.encode(picture)
        np.testing.assert_array_equal(codec.unpack(data).symbols, symbols)
        assert psnr(codec.decompress(data) / 255, picture / 255) > 35
    assert len(codec.decompress_many(codec.compress_many(pictures))) == 5


def test_verify_names_the_part_that_costs_most(mixed, transform):
    verification = verify_bundle(mixed, model=transform, images=images(20))
    assert verification.passed
    found = verification.measurements["layers"]
    manifest, _ = read_files(mixed)
    chosen = json.dumps(manifest.facts["float_layers"])
    every = {(p, name): x for p, each in found["losses"].items() for name, x in each.items()}
    for (_, name), loss in every.items():  # what is in float32 costs nothing
        assert f"'{name}'" not in chosen or abs(loss) < 1e-3
    most = found["costs_most"]
    if most is not None:
        assert most["loss_db"] == max(every.values()) == every[most["part"], most["layer"]]
        assert f"Costs most: {most['layer']}" in (mixed / "verification.html").read_text()
    assert "all layers" in (mixed / "verification.html").read_text()


@pytest.mark.filterwarnings("ignore:The scheme 'int8' loses")
@pytest.mark.parametrize("signatures", ["separate", "both"])
def test_verify_names_it_of_int8_too(signatures, transform, tmp_path):
    folder, _ = exported(transform, tmp_path / "b", scheme="int8", signatures=signatures)
    with pytest.raises(BundleError) as error:
        verify_bundle(folder, model=transform, images=images(20))
    found = error.value.verification.measurements["layers"]
    most = found["costs_most"]
    assert (most["part"], most["layer"]) in {
        ("decoder", "edges"), ("decoder", "decoder_net_sum"), ("decoder", "synthesis"),
    }  # fmt: skip
    assert most["loss_db"] > 0.5


def test_one_file_holds_both_and_a_batch(transform, tmp_path):
    """With layers that are named: a nested model, and a whole side."""
    folder, manifest = exported(
        transform,
        tmp_path / "b",
        signatures="both",
        batch=4,
        float_layers=["decoder", "analysis", "encoder_net_sum"],
    )
    content = (folder / "model.tflite").read_bytes()
    kinds = {key: [o.name for o in Graph(content, key).operators] for key in ("encode", "decode")}
    assert kinds["encode"].count("QUANTIZE") == kinds["encode"].count("DEQUANTIZE") == 1
    assert not {"QUANTIZE", "DEQUANTIZE"} & set(kinds["decode"])
    assert "layer_losses_db" not in manifest.facts
    assert "encoder_net_in" not in json.dumps(manifest.facts["float_layers"])
    verify_bundle(folder, report=False)


def test_int16x8_is_a_scheme_of_bundles(transform, tmp_path):
    folder, manifest = exported(transform, tmp_path / "b", scheme="int16x8", signatures="both")
    assert (manifest.format_version, manifest.scheme) == (2, "int16x8")
    graph = Graph((folder / "model.tflite").read_bytes(), "decode")
    assert "INT16" in {graph.kind(o.outputs[0]) for o in graph.operators}
    assert lost(folder, transform) < 0.3
    assert verify_bundle(folder, model=transform, images=images(20), report=False).passed


def test_the_card_says_what_the_scheme_loses_and_which_to_take(mixed):
    manifest, _ = read_files(mixed)
    card, found = (mixed / "README.md").read_text(), manifest.facts[AT_A_GLANCE]
    row = next(line for line in card.splitlines() if line.startswith("| scheme |"))
    gap = max(found["psnr_keras"] - found["psnr_models"], 0)
    assert f"`mixed` loses {gap:.2f} dB" in row
    assert "above 35 dB" in row
    assert "These layers compute in float32" in card


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"float_layers": ["synthesis", "sinthesis"]}, "a whole side: .*Received: 'sinthesis'"),
        ({"float_layers": "synthesis"}, "`float_layers` must be a list of names"),
        ({"scheme": "int8", "float_layers": []}, "must be left out with the scheme 'int8'"),
    ],
)
def test_bad_names_are_refused_and_nothing_is_written(options, message, transform, tmp_path):
    with pytest.raises(ValueError, match=message):
        exported(transform, tmp_path / "b", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scheme", [*SCHEMES, *LATER_SCHEMES])
def test_a_scheme_is_of_one_version_of_the_format(scheme, mixed):
    content = json.loads((mixed / "manifest.json").read_text())
    for version in (0, 1, 2, 3):
        text = json.dumps({**content, "format_version": version, "scheme": scheme})
        if version == (1 if scheme in SCHEMES else 2):
            assert Manifest.from_json(text).format_version == version
        else:
            with pytest.raises(BundleError, match="format version|`scheme` must be one of"):
                Manifest.from_json(text)
