"""The metadata of the models in a bundle: read by others, and no change to what they compute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from kerasae_export.bundling.metadata import NAME, add_metadata, with_metadata
from kerasae_export.runtime.bundle_files import read_files
from kerasae_export.runtime.litemodel import KERNELS, LiteModel
from kerasae_export.runtime.operators import check_program

GOLDEN = Path(__file__).parent / "golden"
VIEWERS = os.environ.get("KERASAE_VIEWERS")  # a folder with tflite-support and tflite-micro

READ = """
import sys
from tensorflow_lite_support.metadata.python.metadata import MetadataDisplayer
print(MetadataDisplayer.with_model_file(sys.argv[1]).get_metadata_json())
"""
RUN = """
import sys, numpy as np
from tflite_micro.python.tflite_micro import runtime
model = runtime.Interpreter.from_file(sys.argv[1])
model.set_input(np.load(sys.argv[2]), 0)
model.invoke()
np.save(sys.argv[3], model.get_output(0))
"""


def metadata_of(content: bytes) -> bytes:
    model = schema.Model.GetRootAs(content)
    entries = {model.Metadata(i).Name(): model.Metadata(i) for i in range(model.MetadataLength())}
    buffer = model.Buffers(entries[NAME].Buffer())
    return bytes(buffer.Data(i) for i in range(buffer.DataLength()))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Bundles with metadata, and the files that they had without."""

    def made(name: str):
        manifest, files = read_files(GOLDEN / name / "bundle")
        folder = tmp_path_factory.mktemp(name)
        for part in (manifest.encoder, manifest.decoder):
            (folder / part.file).write_bytes(files[part.file])
        facts = {**manifest.facts, "author": "A. Author", "license": "CC0-1.0"}
        add_metadata(folder, manifest.encoder, manifest.decoder, manifest.scheme, facts)
        return folder, manifest, files

    return made


@pytest.mark.parametrize("name", ["grid", "blocks", "indices"])
def test_a_model_computes_what_it_did(name, bundle):
    folder, manifest, files = bundle(name)
    for part in (manifest.encoder, manifest.decoder):
        old, new = files[part.file], (folder / part.file).read_bytes()
        assert new.endswith(old)
        assert (len(new) - len(old)) % 16 == 0  # the weights lie as they did
        assert new[4:8] == b"TFL3"
        check_program(new)
        value = np.random.default_rng(0).integers(0, 9, part.input.shape)
        for kernels in KERNELS:
            one, two = (
                LiteModel(content, signature=part.signature, kernels=kernels)
                for content in (old, new)
            )
            assert (one.input, one.output) == (two.input, two.output)
            values = value.astype(part.input.dtype)
            np.testing.assert_array_equal(one(values), two(values))


def test_what_a_file_held_stays_in_it(bundle):
    folder, _, files = bundle("grid")
    old, new = (
        schema.Model.GetRootAs(content)
        for content in (files["encoder.tflite"], (folder / "encoder.tflite").read_bytes())
    )
    assert new.Version() == old.Version()
    assert new.Description() == old.Description()
    assert new.BuffersLength() == old.BuffersLength() + 1
    assert new.MetadataLength() == old.MetadataLength() + 1
    names = [old.Metadata(i).Name() for i in range(old.MetadataLength())]
    assert b"min_runtime_version" in names
    assert [new.Metadata(i).Name() for i in range(new.MetadataLength())] == [*names, NAME]
    for i in range(old.BuffersLength()):
        one, two = old.Buffers(i), new.Buffers(i)
        assert one.DataLength() == two.DataLength()
        if one.DataLength():
            np.testing.assert_array_equal(one.DataAsNumpy(), two.DataAsNumpy())
    assert metadata_of((folder / "encoder.tflite").read_bytes())[4:8] == b"M001"


def test_metadata_may_be_of_any_size():
    _, files = read_files(GOLDEN / "blocks" / "bundle")
    for size in range(40):
        content = with_metadata(files["decoder.tflite"], bytes(range(size)))
        assert metadata_of(content) == bytes(range(size))
        LiteModel(content)


def test_an_exported_bundle_has_it(digit_bundle):
    manifest, files = read_files(digit_bundle)
    for part in (manifest.encoder, manifest.decoder):
        assert b"A pixel p stands for p / 255." in metadata_of(files[part.file])


def run(program: str, *arguments: object) -> str:
    """In a process that sees the viewers, and not what the tests see."""
    environment = {**os.environ, "PYTHONPATH": str(VIEWERS)}
    command = [sys.executable, "-c", program, *(str(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


needs_viewers = pytest.mark.skipif(
    VIEWERS is None or sys.version_info >= (3, 12), reason="KERASAE_VIEWERS names no folder"
)


@pytest.mark.weekly
@needs_viewers
@pytest.mark.parametrize("name", ["grid", "blocks", "indices"])
def test_tensorflow_s_own_reader_shows_it(name, bundle):
    folder, manifest, _ = bundle(name)
    _, height, width, channels = manifest.encoder.input.shape
    found = json.loads(run(READ, folder / manifest.encoder.file))
    assert (found["author"], found["license"]) == ("A. Author", "CC0-1.0")
    (graph,) = found["subgraph_metadata"]
    (image,), (code,) = graph["input_tensor_metadata"], graph["output_tensor_metadata"]
    shown = image["content"]["content_properties"]
    assert shown["default_size"] == {"width": width, "height": height}
    assert shown["color_space"] == ("RGB" if channels == 3 else "GRAYSCALE")
    assert image["process_units"][0]["options"] == {"mean": [0.0], "std": [255.0]}
    assert (image["stats"]["min"], image["stats"]["max"]) == ([0.0], [255.0])
    assert (image["name"], code["name"]) == ("image", "code")
    assert len(code["dimension_names"]) == len(manifest.encoder.output.shape)
    (rebuilt,) = json.loads(run(READ, folder / manifest.decoder.file))["subgraph_metadata"]
    (pixels,) = rebuilt["output_tensor_metadata"]
    assert pixels["process_units"][0]["options"]["std"] == [pytest.approx(1 / 255, abs=1e-6)]


@pytest.mark.weekly
@needs_viewers
def test_tflite_micro_runs_it(bundle, tmp_path):
    folder, manifest, files = bundle("blocks")
    value = np.random.default_rng(0).integers(0, 256, manifest.encoder.input.shape, np.uint8)
    np.save(tmp_path / "value.npy", value)
    run(RUN, folder / "encoder.tflite", tmp_path / "value.npy", tmp_path / "code.npy")
    expected = LiteModel(files["encoder.tflite"], kernels="reference")(value)
    np.testing.assert_array_equal(np.load(tmp_path / "code.npy"), expected)
