"""Models for several tiles at once: the same weights and values, and readers that ignore them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import dense_model

import kerasae
from kerasae_export import BundleError, Codec, ConversionError, export_bundle, verify_bundle
from kerasae_export.bundling import batches
from kerasae_export.bundling.batching import at_batch, with_batch
from kerasae_export.cli import run as kae
from kerasae_export.conversion.convert import Converter
from kerasae_export.files import compress_files
from kerasae_export.files.pictures import png_bytes
from kerasae_export.format.manifest import Manifest
from kerasae_export.format.variants import Batch, BatchPart
from kerasae_export.runtime.batches import Runner
from kerasae_export.runtime.litemodel import LiteModel, quantise
from kerasae_export.runtime.operators import check_program
from kerasae_export.verification import VerificationError

GOLDEN = Path(__file__).parent / "golden"
BUNDLES = sorted(path.parent for path in GOLDEN.rglob("bundle/manifest.json"))


@pytest.fixture(scope="session", params=["separate", "both"])
def pair(request, digits, made):
    """A bundle without and one with models for several tiles, of one model."""

    def write(path: Path) -> None:
        for name, size in (("plain", None), ("batch", 4)):
            export_bundle(
                dense_model(digits),
                path / name,
                calibration=digits.train[:40],
                signatures=request.param,
                batch=size,
            )

    folder = made(f"batch-{request.param}", write)
    return folder / "plain", folder / "batch"


@pytest.fixture
def pictures(digits):
    return [np.uint8(255 * image) for image in digits.test[:23]]


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.parent.name)
def test_golden_models_give_the_same_values_in_a_batch(bundle, rng):
    """Grids, blocks and indices in every scheme; weights are stored once."""
    manifest = Manifest.from_json((bundle / "manifest.json").read_bytes())
    for part in (manifest.encoder, manifest.decoder):
        content = (bundle / part.file).read_bytes()
        one = LiteModel(content, signature=part.signature)
        wide, name = at_batch(content, 3), None
        if part.signature is not None:
            name = f"{part.signature}_batch"
            wide = with_batch(content, 3, {part.signature: name})
            assert len(wide) < len(content) + 10_000
            LiteModel(wide, signature=part.signature)  # as it was
        check_program(wide)
        high = manifest.codec.codebook or 2
        values = rng.integers(0, high, (3, *part.input.shape[1:]))
        if not manifest.codec.codebook or part is manifest.encoder:
            values = rng.random(values.shape)
        given = quantise(values, part.input)
        assert np.array_equal(
            LiteModel(wide, signature=name)(given),
            np.concatenate([one(value[None]) for value in given]),
        )


def test_a_file_is_the_same_bytes_whether_or_not_tiles_run_at_once(pair, pictures, rng):
    plain, wide = (Codec.load(folder) for folder in pair)
    symbols = [
        [c.symbols.tolist() for c in x.iter_unpack(x.compress_many(pictures))]
        for x in (plain, wide)
    ]
    assert symbols[0] == symbols[1]
    large = rng.integers(0, 256, (37, 50, 1), np.uint8)  # 35 tiles
    assert np.array_equal(plain.encode(large), wide.encode(large))
    for faster in (True, False):
        for runner in (wide._models._run_encoder, wide._models._run_decoder):
            runner.faster = faster
        again = Codec.load(pair[1]).compress_many(pictures)
        assert wide.compress_many(pictures) == again
        assert np.array_equal(wide.decompress_many(again), [*wide.iter_decompress(again)])
        assert np.array_equal(
            wide.decompress_many(again), plain.decompress_many(plain.compress_many(pictures))
        )
        data = wide.compress(large)
        assert np.array_equal(wide.decompress(data), plain.decompress(plain.compress(large)))
    if plain.manifest.encoder.signature is None:  # the decoder's file, and so the hash, is the same
        assert plain.compress_many(pictures) == again
        assert np.array_equal(plain.decompress(data), wide.decompress(data))


def test_other_readers_ignore_them(pair, pictures):
    """As a reader from before reads it: without the field, and by the names that it knows."""
    content = json.loads((pair[1] / "manifest.json").read_text())
    size = content.pop("batch")["size"]
    assert size == 4
    old = Manifest.from_json(json.dumps(content))
    assert old.batch is None
    assert old.bundle_hash == Codec.load(pair[1]).manifest.bundle_hash
    for part in (old.encoder, old.decoder):
        model = LiteModel((pair[1] / part.file).read_bytes(), signature=part.signature)
        assert model.input.shape == part.input.shape
    card = (pair[1] / "README.md").read_text()
    assert "the same for 4 tiles at once" in card
    assert "at once" not in (pair[0] / "README.md").read_text()


def test_a_codec_with_them_can_be_sent_to_a_process(pair, pictures):
    codec = Codec.load(pair[1])
    data = codec.compress_many(pictures)
    again = pickle.loads(pickle.dumps(codec))
    assert again.compress_many(pictures) == data


def test_folders_are_the_same_files(pair, pictures, tmp_path):
    (tmp_path / "in").mkdir()
    for i, picture in enumerate(pictures[:6]):
        (tmp_path / "in" / f"{i}.png").write_bytes(png_bytes(picture))
    codec = Codec.load(pair[1])
    done = list(compress_files([tmp_path / "in"], codec, tmp_path / "one", jobs=1))
    assert [outcome.error for outcome in done] == [None] * 6
    written = [outcome.target.read_bytes() for outcome in done]
    assert written == [codec.compress(picture) for picture in pictures[:6]]
    words = ["decompress", str(tmp_path / "one"), "--bundle", str(pair[1]), "--out"]
    assert kae([*words, str(tmp_path / "back"), "--jobs", "1"]) in (0, None)
    assert len(list((tmp_path / "back").glob("*.png"))) == 6


class Counting:
    """In place of a model: counts its runs, and takes as long as it is told."""

    def __init__(self, size: int, seconds: float) -> None:
        self.size, self.seconds, self.runs = size, seconds, 0

    def __call__(self, values):
        import time

        self.runs += 1
        time.sleep(self.seconds)
        return values + 1


@pytest.mark.parametrize("faster", [True, False])
def test_the_faster_way_is_taken_and_nothing_is_lost(faster):
    one = Counting(1, 2e-3 if faster else 0)
    several = Counting(4, 0 if faster else 30e-3)
    runner = Runner(one, several)
    tiles = [np.full((2,), i) for i in range(18)]
    assert np.array_equal([*runner(tiles)], np.add(tiles, 1))
    assert runner.faster is faster
    before = one.runs, several.runs
    assert np.array_equal([*runner(tiles)], np.add(tiles, 1))
    runs = one.runs - before[0], several.runs - before[1]
    assert runs == ((2, 4) if faster else (18, 0))
    assert [*runner([])] == []
    few = Runner(one, several)
    assert len([*few(tiles[:3])]) == 3
    assert few.faster is None  # too few to tell


@pytest.mark.parametrize("bad", [0, 1, 65, -8, 8.0, "8", True, [8], np.array([8, 8])])
def test_the_size_is_checked_before_anything_is_done(bad, digits, tmp_path):
    with pytest.raises(
        ValueError, match="`batch` must be None or an integer from 2 to 64. Received"
    ):
        export_bundle(dense_model(digits), tmp_path / "b", calibration=digits.train[:9], batch=bad)
    assert not list(tmp_path.iterdir())
    assert batches.check_batch(np.int64(8)) == 8


def test_a_model_that_mixes_images_is_noticed(converter: Converter, tmp_path):
    """By the shapes of its operators, or by the values, as the export compares them."""
    image = keras.Input((4, 3))
    mixing = keras.ops.reshape(keras.ops.transpose(image, (2, 0, 1)), (-1, 4, 3))
    path = converter.convert(keras.Model(image, mixing), tmp_path / "m.tflite", scheme="float32")
    with pytest.raises(ConversionError, match=r"not work on several images alike: export without"):
        at_batch(path.read_bytes(), 2)


def test_an_export_refuses_values_that_differ(pair, monkeypatch):
    manifest = Manifest.from_json((pair[0] / "manifest.json").read_bytes())
    monkeypatch.setattr(batches, "_share", lambda *_: 0.25)
    monkeypatch.setattr(batches, "batch_models", lambda *_: (None, None))
    with pytest.raises(ConversionError, match=r"encoder gives 25.00% other values in a batch of 4"):
        batches.with_batch_parts(manifest, pair[0], 4, np.zeros((1, 8, 8, 1)), np.zeros((1, 6)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 1}, "`batch.size` must be an integer from 2 to 64"),
        ({"encoder": {"file": "x.tflite"}}, "`files` must list 'x.tflite'"),
        ({"encoder": None}, "`batch.encoder` must be an object"),
        (
            {"decoder": {"file": "manifest.json", "signature": "decode"}},
            "must be one of decode_batch",
        ),
    ],
)
def test_a_manifest_of_other_batches_is_refused(pair, change, message):
    content = json.loads((pair[1] / "manifest.json").read_text())
    content["batch"] |= change
    with pytest.raises(BundleError, match=message):
        Manifest.from_json(json.dumps(content))


def test_a_file_that_is_not_what_the_manifest_says_is_refused_when_it_runs(pair, pictures):
    folder = pair[1]
    content = json.loads((folder / "manifest.json").read_text())
    content["batch"]["size"] = 3
    (folder / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(BundleError, match=r"`encoder.input` does not match"):
        Codec.load(folder).compress_many(pictures)
    content["batch"]["size"] = 4
    (folder / "manifest.json").write_text(json.dumps(content))


def test_a_verification_compares_them_with_the_others(pair, monkeypatch):
    names = [check.name for check in verify_bundle(pair[0], report=False).checks]
    assert "batch" not in names
    (found,) = [c for c in verify_bundle(pair[1], report=False).checks if c.name == "batch"]
    assert found.passed
    assert found.detail.startswith(
        "4 tiles at once move 0.00% of the symbols and pixels by up to 0;"
    )
    whole = Codec.at_once

    def other(codec, images, symbols):
        codes, pixels = whole(codec, images, symbols)
        return [code + 2 for code in codes], pixels

    monkeypatch.setattr(Codec, "at_once", other)
    with pytest.raises(
        VerificationError, match="fails the check of its batch: 4 tiles at once move"
    ):
        verify_bundle(pair[1], report=False)


def test_a_manifest_is_read_as_it_was_written(pair):
    manifest = Manifest.from_json((pair[1] / "manifest.json").read_bytes())
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert Batch(8, BatchPart("a"), BatchPart("b", "decode_batch")).to_dict() == {
        "size": 8,
        "encoder": {"file": "a"},
        "decoder": {"file": "b", "signature": "decode_batch"},
    }


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["convolutional", "vector_quantized"])
def test_spatial_codes_in_a_batch(builder, photos, tmp_path):
    keras.utils.set_random_seed(0)
    options = {"code": "spatial", "code_size": 4} if builder == "convolutional" else {}
    model = kerasae.build(builder, input_shape=photos.image_shape, hidden=(8, 8), **options)
    folder = export_bundle(
        model, tmp_path / "b", calibration=photos.train[:30], batch=8, signatures="both"
    )
    codec = Codec.load(folder)
    picture = np.tile(np.uint8(255 * photos.test[0]), (5, 5, 1))
    coded = codec.encode(picture)
    codec._models._run_encoder.faster = codec._models._run_decoder.faster = False
    assert np.array_equal(codec.encode(picture), coded)
