"""The pipelines on Apache Beam, as commands in an environment of its own; read without Beam.

The environment is made from `.ci/beam.txt` once, and kept in the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import venv
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from kerasae_export import Codec
from kerasae_export.files import Archive, read_codes, read_image

ROOT = Path(__file__).parents[1]
LOCK = ROOT / ".ci" / "beam.txt"
BUNDLES = ROOT / "tests" / "golden"
PATTERN, SHARDS = "photos/**", 3

pytestmark = pytest.mark.weekly


@pytest.fixture(scope="session")
def python() -> Path:
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kerasae"
    folder = cache / f"beam-{digest}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            new = cache / f"beam-{digest}.new"
            venv.create(new, clear=True)
            pip = [sys.executable, "-m", "pip", "--python", new / "bin" / "python"]
            words = ["install", "--quiet", "--require-hashes", "-r", LOCK]
            subprocess.run([*pip, *words], check=True, timeout=900)
            new.rename(folder)
    return folder / "bin" / "python"


@pytest.fixture
def command(python: Path, pictures: Path):
    """The words of a command that runs beside the pictures, and its environment."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment["PYTHONPATH"] = str(ROOT / "export")
    told = {"cwd": pictures, "env": environment, "text": True}

    def words(what: str, out: str, *more: str) -> dict:
        line = [python, "-m", "kerasae_export.beam", what, PATTERN, "--out", out]
        return {"args": [*map(str, line), "--shards", str(SHARDS), *more], **told}

    return words


@pytest.fixture
def run(command):
    def run(what: str, out: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(**command(what, out, *more), capture_output=True, timeout=600)

    return run


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder `photos`: twelve pieces of photographs, and what may be among such."""
    import skimage.data

    photographs = {"cat": skimage.data.chelsea(), "coffee": skimage.data.coffee()}
    photos = tmp_path / "photos"
    (photos / "deep" / "er").mkdir(parents=True)
    for name, photograph in photographs.items():
        for i in range(6):
            piece = photograph[30 * i : 30 * i + 60 + i, 40 * i : 40 * i + 80]
            folder = photos if i % 2 else photos / "deep" / "er"
            Image.fromarray(piece).save(folder / f"{name} {i}é.png")
    (photos / "notes.txt").write_text("no picture")
    (photos / ".hidden.png").write_bytes(b"")
    whole = (photos / "cat 1é.png").read_bytes()
    (photos / "deep" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (photos / "empty.jpg").write_bytes(b"")
    return tmp_path


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_archive_holds_each_picture_as_its_codec_writes_it(run, pictures):
    done = run("compress", "sent", "--quality", "40", "--effort", "0")
    assert done.returncode == 1, done.stderr  # two pictures are broken
    assert "12 pictures compressed" in done.stdout
    assert "0 were there, 2 files are no pictures" in done.stdout
    assert "2 failed" in done.stderr
    archive, codec = Archive(pictures / "sent"), Codec.load()
    photos = pictures / "photos"
    sources = {str(p.relative_to(photos)): p for p in photos.rglob("*é.png")}
    assert set(archive) == set(sources)
    assert len(archive) == 12
    for name, path in sources.items():
        image = read_image(path, 3)
        assert archive[name] == codec.compress(image, quality=40, effort=0)
        np.testing.assert_array_equal(archive.image(name), codec.decompress(archive[name]))
    failed = archive.failed()
    assert set(failed) == {"deep/cut.png", "empty.jpg"}
    assert failed["empty.jpg"] == "it is empty"
    assert "another.png" not in archive
    with pytest.raises(KeyError, match=r"another\.png"):
        archive["another.png"]
    inside = []
    for path in (pictures / "sent").glob("*.tar"):  # as any other program reads it
        with tarfile.open(path) as tar:
            inside += [member.name for member in tar]
    assert sorted(inside) == sorted(f"{name}.kae" for name in sources)


def test_a_second_run_changes_nothing_and_a_third_adds_what_is_new(run, pictures):
    run("compress", "sent", "--effort", "0")
    first = tree(pictures / "sent")
    again = run("compress", "sent", "--effort", "0")
    assert "0 pictures compressed" in again.stdout
    assert "12 were there" in again.stdout
    assert tree(pictures / "sent") == first
    photos = pictures / "photos"
    (photos / "coffee 1é.png").unlink()  # its compressed picture stays
    shutil.copy(photos / "cat 3é.png", photos / "new.png")
    Image.fromarray(np.full((9, 9, 3), 80, np.uint8)).save(photos / "cat 5é.png")  # changed
    shutil.copy(photos / "cat 3é.png", photos / "deep" / "cut.png")  # mended
    (photos / "empty.jpg").unlink()
    third = run("compress", "sent", "--effort", "0")
    assert third.returncode == 0, third.stderr
    assert "3 pictures compressed" in third.stdout
    archive = Archive(pictures / "sent")
    assert len(archive) == 14
    assert "coffee 1é.png" in archive
    assert archive["new.png"] == archive["cat 3é.png"] == archive["deep/cut.png"]
    assert archive.image("cat 5é.png").shape == (9, 9, 3)
    assert "deep/cut.png" not in archive.failed()
    tars = list((pictures / "sent").glob("*.tar"))
    assert len(tars) == len({path.name[:23] for path in tars})  # no tar file of an earlier run


@pytest.mark.parametrize("seconds", [0.0, 0.3, 1.0])
def test_killed_and_run_again_it_leaves_what_one_run_would(command, run, pictures, seconds):
    run("compress", "whole", "--effort", "1")
    process = subprocess.Popen(
        **command("compress", "sent", "--effort", "1"), start_new_session=True
    )
    while not list(pictures.glob("sent/*.json")) and process.poll() is None:
        time.sleep(0.02)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (pictures / "sent" / "pictures-00001-of-00003.part-0123").write_bytes(b"half a shard")
    assert run("compress", "sent", "--effort", "1").returncode == 1
    done, whole = tree(pictures / "sent"), tree(pictures / "whole")
    assert done == whole


def test_a_worker_that_is_killed_ends_the_run_and_loses_nothing(command, run, pictures):
    """Two worker processes, of which the machine takes one away, and then the run."""
    run("compress", "whole", "--effort", "1")
    several = ["--direct_running_mode", "multi_processing", "--direct_num_workers", "2"]
    words = command("compress", "sent", "--effort", "1", *several)
    process = subprocess.Popen(**words, start_new_session=True, stderr=subprocess.DEVNULL)
    workers: list[int] = []
    while not workers and process.poll() is None:
        time.sleep(0.05)
        found = subprocess.run(["pgrep", "-f", "sdk_worker_main"], capture_output=True, text=True)
        workers = [p for p in map(int, found.stdout.split()) if os.getsid(p) == process.pid]
    os.kill(workers[0], signal.SIGKILL)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGKILL)  # Beam's local runner waits for the worker for ever
    process.wait()
    run("compress", "sent", "--effort", "1", *several)
    assert tree(pictures / "sent") == tree(pictures / "whole")


@pytest.mark.parametrize("bundle", ["blocks", "indices"])
def test_an_archive_carries_its_bundle(run, pictures, bundle):
    done = run("compress", "sent", "--bundle", str(BUNDLES / bundle / "bundle"))
    assert done.returncode == 1, done.stderr
    archive, codec = Archive(pictures / "sent"), Codec.load(BUNDLES / bundle / "bundle")
    channels = codec.manifest.codec.channels
    for name in archive:
        image = read_image(pictures / "photos" / name, channels)
        assert archive[name] == codec.compress(image)
    name = "cat 1é.png"
    np.testing.assert_array_equal(archive.image(name), codec.decompress(archive[name]))


def test_codes_are_those_of_the_encoder(run, pictures):
    bundle = BUNDLES / "blocks" / "bundle"
    done = run("codes", "codes", "--bundle", str(bundle))
    assert done.returncode == 1, done.stderr
    names, codes = read_codes(pictures / "codes")
    codec = Codec.load(bundle)
    spec = codec.manifest.codec
    assert codes.dtype == np.float32
    assert codes.shape == (12, np.prod(spec.code_shape))
    assert len(set(names)) == 12
    for name, code in zip(names, codes, strict=True):
        image = read_image(pictures / "photos" / name, spec.channels)
        picture = Image.fromarray(image[..., 0] if spec.channels == 1 else image)
        fitted = np.asarray(picture.resize(spec.tile[::-1], Image.Resampling.BICUBIC))
        symbols = codec.encode(fitted.reshape(*spec.tile, spec.channels))
        wanted = (symbols * spec.qualities[-1].steps).astype(np.float32)
        np.testing.assert_array_equal(code, wanted.ravel())


def test_what_does_not_fit_is_one_sentence(run, pictures):
    run("compress", "sent", "--quality", "40", "--effort", "0")
    for words, sentence in (
        (["compress", "sent", "--quality", "50", "--effort", "0"], "quality=40.*quality=50"),
        (["compress", "other", "--quality", "101"], "`quality` must be"),
        (["compress", "other", "--shards", "0"], "`shards` must be a positive integer"),
        (["compress", "other", "--bundle", "nowhere"], "`folder` must be a bundle's folder"),
        (["codes", "other", "--bundle", str(BUNDLES / "indices" / "bundle")], "indices"),
    ):
        done = run(*words)
        assert done.returncode == 2, done.stderr
        (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
        assert re.search(sentence, line), line
    assert not (pictures / "other").exists()
