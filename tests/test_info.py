"""`kae info` and `--bundles`: what files say of themselves, and which bundle each needs."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerasae_export import BitstreamError, BundleError, Codec, errors
from kerasae_export.cli import run
from kerasae_export.files.batch import decompress_files
from kerasae_export.files.bundles import Bundles
from kerasae_export.files.info import bundle_info, file_info
from kerasae_export.format.manifest import Manifest

GOLDEN = Path(__file__).parent / "golden"
SET = Path(__file__).parents[1] / "export" / "ports" / "conformance"
INDEX = json.loads((SET / "index.json").read_text())
ERRORS = {
    "corrupt": errors.CorruptBitstreamError,
    "version": errors.BitstreamVersionError,
    "bundle": errors.BitstreamBundleError,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A photograph, an image of each of two bundles, and a stream."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (20, 33, 3), np.uint8)
    (folder / "photo.kae").write_bytes(Codec.load().compress(colours, quality=60))
    grid, blocks = (Codec.load(GOLDEN / name / "bundle") for name in ("grid", "blocks"))
    (folder / "grid.kae").write_bytes(grid.compress(colours, quality=1))
    grey = [rng.integers(0, 256, (8 + i % 2, 9, 1), np.uint8) for i in range(5)]
    (folder / "blocks.kae").write_bytes(blocks.compress(grey[0]))
    (folder / "many.kae").write_bytes(blocks.compress_many(grey))
    return folder


@pytest.fixture(scope="module")
def bundles() -> Bundles:
    return Bundles.below(GOLDEN)


def test_a_photograph_tells_all_and_others_their_bundle(files):
    found = file_info(files / "photo.kae")
    size = (files / "photo.kae").stat().st_size
    assert (found.kind, found.version, found.bundle) == ("photograph", 2, "photo-2")
    assert (found.quality, found.sizes, found.intact) == (60, ((20, 33, 1),), True)
    made = found.made_with
    assert str(found) == (
        f"photograph, 33x20, version 2, family {made} (photo-2), quality 60, {size:,} bytes, intact"
    )
    bare = file_info(files / "grid.kae")
    manifest = Manifest.from_json((GOLDEN / "grid" / "bundle" / "manifest.json").read_bytes())
    assert (bare.made_with, bare.sizes, bare.intact) == (manifest.bundle_hash[:4], None, None)
    assert str(bare).endswith("bytes, not checked")


def test_with_its_bundle_a_file_tells_all(files, bundles):
    image, stream = (file_info(files / f"{name}.kae", bundles) for name in ("grid", "many"))
    assert (image.kind, image.quality, image.sizes) == ("image", 1, ((20, 33, 1),))
    assert image.bundle == str(GOLDEN / "grid" / "bundle")
    assert (stream.kind, stream.quality, stream.intact) == ("stream", None, True)
    assert sorted(stream.sizes) == [(8, 9, 3), (9, 9, 2)]
    assert "stream, 5 images: 3 of 9x8, 2 of 9x9, version 1" in str(stream)


def test_of_bundles_with_one_id_that_of_the_checksum_is_taken(files, tmp_path):
    for name in ("blocks", "grid"):
        own, other = tmp_path / "b" / name, tmp_path / "a" / name
        shutil.copytree(GOLDEN / name / "bundle", own)
        shutil.copytree(own, other)
        manifest = Manifest.from_json((other / "manifest.json").read_bytes())
        alike = manifest.bundle_hash[:4] + 60 * "0"
        (other / "manifest.json").write_text(
            dataclasses.replace(manifest, bundle_hash=alike).to_json()
        )
    found = Bundles.below(tmp_path)
    assert len(found.manifests) == 4
    for name, bundle in {"grid": "grid", "blocks": "blocks", "many": "blocks"}.items():
        data = (files / f"{name}.kae").read_bytes()
        assert found.find(data) == tmp_path / "b" / bundle
        assert found.find(data[:-1]) is not None  # damaged: its codec says so
    assert found.find((files / "photo.kae").read_bytes()) is None


def test_a_folder_is_rebuilt_by_each_file_s_own_bundle(files, bundles, tmp_path):
    outcomes = list(decompress_files([files], bundles, tmp_path))
    assert [o.error for o in outcomes] == [None] * 4
    blocks = Codec.load(GOLDEN / "blocks" / "bundle")
    expected = blocks.decompress_many((files / "many.kae").read_bytes())
    for number, image in enumerate(expected):
        with Image.open(tmp_path / "many" / f"{number:05d}.png") as opened:
            found = np.asarray(opened)
        np.testing.assert_array_equal(found, image[..., 0])
    with Image.open(tmp_path / "photo.png") as photograph:
        assert photograph.size == (33, 20)
    (one,) = decompress_files(
        [files / "grid.kae"], Bundles.below(GOLDEN / "blocks"), tmp_path / "n"
    )
    assert "which is none of the 1 below" in one.error
    assert not (tmp_path / "n").exists()


@pytest.mark.parametrize("case", INDEX["files"], ids=lambda case: case["file"])
def test_every_file_of_the_conformance_set_is_told_or_refused(case):
    bundles = Bundles.below(SET / "bundles" / case["bundle"])
    path = SET / case["file"]
    error = case.get("error")
    if error == "bundle":
        assert file_info(path, bundles).intact is None
        return
    try:
        found, refused = file_info(path, bundles), None
    except BitstreamError as raised:
        found, refused = None, type(raised)
    if found is None:
        assert refused is ERRORS[error]
    elif found.kind == "photograph":  # with another version in its head, and of no family
        assert (error, found.intact) == ("version", None)
    else:  # the container is whole; what is wrong with some lies in the payload
        assert found.intact


def test_a_bundle_is_told_in_a_line_and_one_that_is_damaged_refused(tmp_path):
    folder = shutil.copytree(GOLDEN / "grid" / "bundle", tmp_path / "b")
    assert "int8, tiles of 32x32x3, a grid" in bundle_info(folder)
    (folder / "README.md").write_text("other")
    with pytest.raises(BundleError, match=r"README.md is not the file"):
        bundle_info(folder)


def test_the_command_prints_a_line_for_each(files, tmp_path, capsys):
    broken = tmp_path / "broken.kae"
    broken.write_bytes((files / "photo.kae").read_bytes()[:-1])
    assert run(["info", str(files), str(GOLDEN / "grid" / "bundle")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith(f"{files / 'blocks.kae'}: image, version 1, bundle")
    assert lines[3].endswith("intact")
    assert ": bundle " in lines[4]
    arguments = ["info", str(files), str(broken), "--bundles", str(GOLDEN), "--json"]
    assert run(arguments) == 1
    told = capsys.readouterr()
    rows = [json.loads(line) for line in told.out.splitlines()]
    assert [row["intact"] for row in rows] == [True] * 4
    assert "broken.kae: The bitstream is damaged" in told.err
    assert run(["info", str(files), "--bundles", str(tmp_path)]) == 1
    assert "`--bundles` must be a folder with bundles below it" in capsys.readouterr().err
    assert run(["info", str(tmp_path / "none")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_the_command_rebuilds_with_bundles(files, tmp_path, capsys):
    arguments = [str(files), "--out", str(tmp_path / "o"), "--jobs", "2"]
    assert run(["decompress", "--bundles", str(GOLDEN), *arguments]) == 0
    assert capsys.readouterr().out.count("->") == 9
    with pytest.raises(SystemExit):
        run(["decompress", "--bundles", str(GOLDEN), "--bundle", str(GOLDEN), *arguments])
