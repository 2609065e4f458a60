"""Every rename, write and fsync fails once, in each job that replaces something: no loss."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerasae
from kerasae.runs import Run
from kerasae.training import TrainConfig
from kerasae_export import Codec, atomic
from kerasae_export.bundling.writing import replacing
from kerasae_export.files.batch import compress_files, decompress_files, write_png
from kerasae_export.page.site import write_site

BUNDLE = Path(__file__).parent / "golden" / "bundles" / "blocks-int8-both" / "bundle"
OPERATIONS = [(os, name) for name in ("rename", "replace", "link", "fsync", "mkdir")]
OPERATIONS += [(atomic, "exchange"), (Path, "write_bytes"), (os, "fdopen")]


class Faults:
    """Counts operations, and lets the one with a number fail, before or after its work."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.count, self.number, self.after = 0, number, after

    def around(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            mine = self.count == self.number
            self.count += 1
            if mine and not self.after:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            result = operation(*args, **kwargs)
            if mine:
                if hasattr(result, "close"):
                    result.close()
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return result

        return call


@contextmanager
def faults(number: int, *, after: bool, swap: bool) -> Iterator[Faults]:
    counter = Faults(number, after=after)
    with pytest.MonkeyPatch.context() as patch:
        if not swap:
            patch.setattr(atomic, "exchange", lambda first, second: False)
        for owner, name in OPERATIONS:
            patch.setattr(owner, name, counter.around(getattr(owner, name)))
        yield counter


def state(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def hold(job: Callable[[Path, str], bool], root: Path) -> int:
    """Run a job over its older result, with each operation failing; returns how many there are.

    `job(folder, version)` writes a version into a folder, and says whether it believes that it has.
    """
    versions = {}
    for version in ("old", "new"):
        (root / version).mkdir()
        assert job(root / version, version)
        versions[version] = state(root / version)
    assert versions["old"] != versions["new"]
    runs = 0
    for swap in (True, False):
        for after in (False, True):
            number = 0
            while True:
                folder = root / f"{swap}-{after}-{number}"
                shutil.copytree(root / "old", folder)
                with faults(number, after=after, swap=swap) as counter:
                    try:
                        done = job(folder, "new")
                    except (OSError, ValueError, RuntimeError):
                        done = False
                found = state(folder)
                assert found in versions.values(), f"{counter.number}: {sorted(found)}"
                assert not done or found == versions["new"]
                assert job(folder, "new")
                assert state(folder) == versions["new"]
                runs += 1
                if counter.count <= number:
                    break
                number += 1
    return runs


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec.load(BUNDLE)


def picture(version: str, channels: int) -> np.ndarray:
    return np.random.default_rng(len(version) + ord(version[0])).integers(
        0, 256, (16, 16, channels), np.uint8
    )


def test_compress_loses_nothing(codec, tmp_path):
    channels = codec.manifest.codec.channels
    for version in ("old", "new"):
        (tmp_path / "in" / version).mkdir(parents=True)
        write_png(tmp_path / "in" / version / "a.png", picture(version, channels))

    def job(folder: Path, version: str) -> bool:
        outcomes = compress_files([tmp_path / "in" / version], codec, folder / "out", force=True)
        return all(outcome.error is None for outcome in outcomes)

    (tmp_path / "work").mkdir()
    assert hold(job, tmp_path / "work") > 8


@pytest.mark.parametrize("many", [False, True])
def test_decompress_loses_nothing(codec, tmp_path, many):
    channels = codec.manifest.codec.channels
    for version, count in (("old", 3), ("new", 2)):
        image = picture(version, channels)
        data = codec.compress_many([image] * count) if many else codec.compress(image)
        (tmp_path / "in" / version).mkdir(parents=True)
        (tmp_path / "in" / version / "a.kae").write_bytes(data)

    def job(folder: Path, version: str) -> bool:
        outcomes = decompress_files([tmp_path / "in" / version], codec, folder / "out", force=True)
        return all(outcome.error is None for outcome in outcomes)

    (tmp_path / "work").mkdir()
    assert hold(job, tmp_path / "work") > 8


def test_a_site_loses_nothing(tmp_path):
    def job(folder: Path, version: str) -> bool:
        site = {"sw.js": version.encode(), "index.html": b"page", f"a/{version}.js": b"x"}
        write_site(site, folder / "site")
        return True

    assert hold(job, tmp_path) > 20


def test_a_bundle_loses_nothing(tmp_path):
    """The last step of an export: the folder is complete, and takes its place."""

    def job(folder: Path, version: str) -> bool:
        with replacing(folder / "bundle") as target:
            (target / "golden").mkdir()
            (target / "golden" / "image.png").write_bytes(version.encode())
            (target / "manifest.json").write_bytes(b"{}" + version.encode())
        return True

    assert hold(job, tmp_path) > 20


@pytest.mark.weekly
@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_training_loses_nothing(tmp_path):
    """Whatever fails, `--resume` ends with the history of a run in which nothing did."""
    run = Run("undercomplete", {"code_size": 2, "hidden": (4,)}, "digits", limit=40)
    images = run.images()
    config = TrainConfig(epochs=2, batch_size=40, schedule="constant")
    run.train(images, config, tmp_path / "whole")
    expected = (tmp_path / "whole" / "history.csv").read_bytes()
    names = {path.name for path in (tmp_path / "whole").iterdir()}
    number, failed = 0, 0
    while True:
        folder = tmp_path / f"run-{number}"
        with faults(number, after=False, swap=True) as counter:
            try:
                run.train(images, config, folder)
            except OSError:
                failed += 1
        run.train(images, config, folder, resume=True)
        assert (folder / "history.csv").read_bytes() == expected
        assert {path.name for path in folder.iterdir()} == names
        assert kerasae.runs.load_model(folder).count_params()
        if counter.count <= number:
            break
        number += 1
    assert failed > 10
