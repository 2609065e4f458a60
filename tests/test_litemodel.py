"""A bundle's files and models: what cannot be read, opened or run is said in a sentence."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from kerasae_export.errors import BundleError
from kerasae_export.format.manifest import MANIFEST
from kerasae_export.runtime.bundle_files import check_part, open_models, read_file, read_files
from kerasae_export.runtime.litemodel import LiteModel

GOLDEN = Path(__file__).parent / "golden"
BLOCKS = GOLDEN / "blocks" / "bundle"
BOTH = GOLDEN / "bundles" / "blocks-int8-both" / "bundle"


def refused(sentence, call, *arguments, **options):
    with pytest.raises(BundleError, match=f"^{re.escape(sentence)}$"):
        call(*arguments, **options)


@pytest.fixture(scope="module")
def bundle():
    manifest, files = read_files(BLOCKS)
    return manifest, files, open_models(manifest, files)


def test_a_folder_is_asked_for(tmp_path):
    where = tmp_path / "none"
    sentence = f"`folder` must be a bundle's folder. Received: {str(where)!r}"
    refused(sentence, read_files, where)


def test_a_file_that_is_missing_changed_or_too_large_is_named(tmp_path):
    folder = Path(shutil.copytree(BLOCKS, tmp_path / "bundle"))
    model = folder / "decoder.tflite"
    content = model.read_bytes()
    model.write_bytes(content[:-1])
    changed = f"decoder.tflite is not the file that {MANIFEST} lists: its hash differs."
    refused(changed, read_files, folder)
    model.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused(changed, read_files, folder)
    model.write_bytes(content + b"\0")
    most = f"decoder.tflite is larger than the {len(content)} bytes that it may have."
    refused(most, read_files, folder)
    assert read_file(folder, model.name, len(content) + 1) == content + b"\0"
    model.unlink()
    refused("decoder.tflite is missing from the bundle.", read_files, folder)
    model.mkdir()
    refused("decoder.tflite is missing from the bundle.", read_files, folder)


def test_a_file_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"x")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("kerasae_export.runtime.bundle_files.os.open", refuse)
    refused("a cannot be read: Permission denied.", read_file, tmp_path, "a", 9)


def test_what_is_no_model_is_refused(bundle):
    for content in (b"", b"no model", bundle[1]["decoder.tflite"][:100]):
        with pytest.raises(BundleError, match=r"^LiteRT cannot load the model: .+\.$"):
            LiteModel(content)


def test_a_signature_is_named_where_there_are_several(bundle):
    manifest, files = read_files(BOTH)
    content = files[manifest.encoder.file]
    refused("The model has the signatures decode, encode: name one of them.", LiteModel, content)
    sentence = "The model has no signature 'other'. Received: decode, encode"
    refused(sentence, LiteModel, content, signature="other")
    encoder, decoder = open_models(manifest, files)
    check_part("encoder", manifest.encoder, encoder)
    check_part("decoder", manifest.decoder, decoder)
    refused(sentence, encoder.sibling, "other")


def test_edges_are_compared_with_the_manifest(bundle):
    manifest, _, (encoder, decoder) = bundle
    check_part("encoder", manifest.encoder, encoder)
    check_part("decoder", manifest.decoder, decoder)
    for side in ("input", "output"):
        edge = getattr(manifest.decoder, side)
        close = dataclasses.replace(edge, scale=edge.scale * (1 + 1e-7))
        check_part("decoder", dataclasses.replace(manifest.decoder, **{side: close}), decoder)
        for changes in (
            {"shape": (*edge.shape, 1)},
            {"dtype": "int32"},
            {"scale": edge.scale * 1.001},
            {"zero_point": edge.zero_point + 1},
        ):
            wrong = dataclasses.replace(edge, **changes)
            part = dataclasses.replace(manifest.decoder, **{side: wrong})
            refused(
                f"{MANIFEST}: `decoder.{side}` does not match {part.file}. "
                f"Received: {wrong}, in the file {edge}",
                *(check_part, "decoder", part, decoder),
            )


def test_a_model_that_cannot_run_says_so(bundle):
    _, _, (encoder, _) = bundle
    with pytest.raises(BundleError, match=r"^LiteRT cannot run the model: .+"):
        encoder(np.zeros((1, 2, 3, 4), np.float32))
