"""Archives of compressed pictures, as `kerasae_export.beam` lays them out; that is in test_beam."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from kerasae_export import Codec
from kerasae_export.files import Archive, read_codes
from kerasae_export.files.archive import Entry, Index, shard_of, stem_of, write_records

SHARDS = 3
NAMES = [f"deep/{name}.jpg" for name in ("a", "b", "é" * 90, "with space", "x" * 150)]
STAMP = (100, 1.5)


def write(folder: Path, kind: str, records: dict[str, bytes]) -> Path:
    """An archive of records, whose shards are chosen by their names."""
    settings = {"bundle": None, "quality": 30}
    root = {"format": 1, "settings": settings, "shards": SHARDS}
    (folder / f"{kind}.json").write_text(json.dumps(root))
    for shard in {shard_of(name, SHARDS) for name in records}:
        mine = [(n, records[n]) for n in sorted(records) if shard_of(n, SHARDS) == shard]
        stem = stem_of(kind, shard, SHARDS)
        file = f"{stem}-01234567{'.tar' if kind == 'pictures' else '.npy'}"
        with (folder / file).open("wb") as sink:
            offsets = list(write_records(sink, kind, iter(mine), len(mine)))
        entries = [
            Entry(name, offset, len(content), 20, 30, STAMP)
            for (name, content), offset in zip(mine, offsets, strict=True)
        ]
        (folder / f"{stem}.jsonl").write_bytes(Index(file, tuple(entries)).to_bytes())
    return folder


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return {name: rng.integers(0, 256, (20, 30, 3), np.uint8) for name in NAMES}


@pytest.fixture
def folder(tmp_path, images):
    codec = Codec.load()
    records = {name: codec.compress(image, quality=30) for name, image in images.items()}
    return write(tmp_path, "pictures", records)


def test_pictures_are_read_by_name(folder, images):
    archive, codec = Archive(folder), Codec.load()
    assert sorted(archive) == sorted(NAMES)
    assert len(archive) == len(NAMES)
    assert archive.settings["quality"] == 30
    for name, image in images.items():
        assert name in archive
        assert archive[name] == codec.compress(image, quality=30)
        np.testing.assert_array_equal(archive.image(name), codec.decompress(archive[name]))
    for absent in ("a.jpg", 3):
        assert absent not in archive
    with pytest.raises(KeyError, match=r"a\.jpg"):
        archive["a.jpg"]
    assert archive.failed() == {}
    (folder / f"{stem_of('failed', 1, SHARDS)}.jsonl").write_text('["é.png", "it is empty"]\n')
    assert archive.failed() == {"é.png": "it is empty"}


def test_any_program_reads_the_tar_files(folder):
    archive, found = Archive(folder), {}
    for path in folder.glob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                found[member.name.removesuffix(".kae")] = tar.extractfile(member).read()
    assert found == {name: archive[name] for name in NAMES}


def test_one_picture_is_read_without_the_rest(folder):
    asked = []

    class Counting(io.FileIO):
        def read(self, size=-1):
            content = super().read(size)
            asked.append((Path(self.name).suffix, len(content)))
            return content

    archive = Archive(folder, open=Counting)
    content = archive[NAMES[0]]
    assert [suffix for suffix, _ in asked] == [".json", ".jsonl", ".tar"]
    assert asked[-1][1] == len(content)


def test_codes_are_one_array(tmp_path):
    codes = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    write(tmp_path, "codes", dict(zip(NAMES, (code.tobytes() for code in codes), strict=True)))
    names, found = read_codes(tmp_path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, codes[[NAMES.index(name) for name in names]])


def test_an_archive_without_shards_is_empty(tmp_path):
    assert len(Archive(write(tmp_path, "pictures", {}))) == 0
    names, codes = read_codes(write(tmp_path, "codes", {}))
    assert (names, codes.shape) == ([], (0, 0))


def test_what_is_no_archive_is_one_sentence(tmp_path, folder):
    with pytest.raises(ValueError, match=r"`folder` must be that of an archive.*codes\.json"):
        read_codes(tmp_path)
    with pytest.raises(ValueError, match=r"`folder` must be that of an archive.*pictures\.json"):
        Archive(tmp_path / "nothing")
    (index,) = folder.glob(f"pictures-{shard_of(NAMES[0], SHARDS):05d}*.jsonl")
    for damaged in (
        b"",
        b"[1, 2]\n",
        b"\xff",
        b'{"format": 1}\n',
        b'{"format": 1, "file": "a"}\n[]',
    ):
        index.write_bytes(damaged)
        with pytest.raises(ValueError, match="it is not the index of a shard"):
            Archive(folder)[NAMES[0]]
    index.write_bytes(b'{"format": 2}\n')
    with pytest.raises(ValueError, match="its format is 2, and only 1 is known"):
        Archive(folder)[NAMES[0]]
    root = json.loads((folder / "pictures.json").read_text())
    (folder / "pictures.json").write_text(json.dumps(root | {"format": 2}))
    with pytest.raises(ValueError, match=r"of format 1\. Received: 2"):
        Archive(folder)


def test_without_beam_one_sentence_says_what_to_install():
    code = "import sys; sys.modules['apache_beam'] = None; import kerasae_export.beam"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'kerasae-export[beam]'" in done.stderr.splitlines()[-1]
