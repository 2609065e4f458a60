"""Where `kae` writes: inside `--out`, under names of any length, never over another's file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kerasae_export import Codec
from kerasae_export.files.batch import compress_files, decompress_files, write_png
from kerasae_export.photo.codec import PhotoCodec

BUNDLE = Path(__file__).parent / "golden" / "bundles" / "blocks-int8-both" / "bundle"


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec.load(BUNDLE)


@pytest.fixture
def picture(codec, rng) -> np.ndarray:
    return rng.integers(0, 256, (16, 16, codec.manifest.codec.channels), np.uint8)


@pytest.mark.parametrize("name", ["...kae", "..kae", "....kae", ".kae", "a..kae", "kae.kae"])
@pytest.mark.parametrize("many", [False, True])
def test_no_name_leads_out_of_the_folder(codec, picture, tmp_path, name, many):
    source, out = tmp_path / "in" / name, tmp_path / "deep" / "out"
    source.parent.mkdir()
    source.write_bytes(codec.compress_many([picture] * 2) if many else codec.compress(picture))
    (outcome,) = decompress_files([source], codec, out)
    assert outcome.error is None
    assert outcome.target.parent == out
    assert outcome.target.name not in ("", ".", "..")
    assert outcome.target.is_dir() == many
    assert {path.name for path in tmp_path.iterdir()} == {"in", "deep"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
    (again,) = decompress_files([source], codec, out)
    assert again.error is not None
    assert "exists and would be overwritten" in again.error


def test_a_name_of_the_full_length_is_written(codec, picture, tmp_path):
    stem = "\U0001f4f7" * 62
    write_png(tmp_path / f"{stem}.png", picture)
    (packed,) = compress_files([tmp_path / f"{stem}.png"], codec, tmp_path / "kae")
    assert packed.error is None
    (rebuilt,) = decompress_files([packed.target], codec, tmp_path / "png")
    assert rebuilt.error is None
    assert rebuilt.target.stem == stem


def test_force_keeps_what_is_no_image_of_the_older_stream(codec, picture, tmp_path):
    source, folder = tmp_path / "many.kae", tmp_path / "out" / "many"
    source.write_bytes(codec.compress_many([picture] * 3))
    assert [o.error for o in decompress_files([source], codec, tmp_path / "out")] == [None]
    (folder / "notes").mkdir()
    (folder / "notes" / "mine.txt").write_text("mine")
    (folder / "link").symlink_to("notes")
    source.write_bytes(codec.compress_many([picture] * 2))
    for force, wrong in ((False, True), (True, False)):
        (outcome,) = decompress_files([source], codec, tmp_path / "out", force=force)
        assert (outcome.error is not None) == wrong
    assert sorted(p.name for p in folder.iterdir()) == ["00000.png", "00001.png", "link", "notes"]
    assert (folder / "link" / "mine.txt").read_text() == "mine"


RACE = """
import sys
from pathlib import Path
from kerasae_export.files.batch import compress_files, decompress_files
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export import Codec
bundle, source, out = map(Path, sys.argv[1:])
codec = Codec.load(bundle)
print("ready", flush=True)
sys.stdin.readline()
for outcome in decompress_files([source], codec, out):
    print(outcome.error or "done")
"""


@pytest.mark.parametrize("many", [False, True])
def test_of_runs_in_parallel_one_writes(codec, picture, tmp_path, many):
    source = tmp_path / "in.kae"
    source.write_bytes(codec.compress_many([picture] * 40) if many else codec.compress(picture))
    command = [sys.executable, "-c", RACE, str(BUNDLE), str(source), str(tmp_path / "out")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    runs = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for run in runs:
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        run.stdin.write("go\n")
        run.stdin.flush()
    said = [run.communicate()[0].strip() for run in runs]
    assert said.count("done") == 1
    assert sum("exists and would be overwritten" in text for text in said) == 3
    assert len(os.listdir(tmp_path / "out")) == 1  # noqa: PTH208 - hidden ones too


def test_a_planted_link_is_not_followed(picture, tmp_path):
    """The old names of scratch files could be told: `.NAME.PID`."""
    victim = tmp_path / "victim"
    victim.write_text("keep")
    out = tmp_path / "out"
    out.mkdir()
    (out / f".a.kae.{os.getpid()}").symlink_to(victim)
    (out / "a.kae").symlink_to(victim)
    colour = np.broadcast_to(picture[..., :1], (16, 16, 3)).copy()
    write_png(tmp_path / "a.png", colour)
    codec = PhotoCodec.load()
    (refused,) = compress_files([tmp_path / "a.png"], codec, out)
    assert refused.error is not None
    (done,) = compress_files([tmp_path / "a.png"], codec, out, force=True)
    assert done.error is None
    assert victim.read_text() == "keep"
    assert not (out / "a.kae").is_symlink()
