"""Every open, write, rename and fsync fails once, in each job that replaces something: no loss."""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure

import kerasae
from kerasae import plots
from kerasae.runs import Run
from kerasae.training import TrainConfig
from kerasae_export import Codec, ConversionError, atomic, export_bundle
from kerasae_export.bundling.writing import replacing
from kerasae_export.conversion import worker
from kerasae_export.files.batch import compress_files, decompress_files, write_png
from kerasae_export.page.site import write_site

resource = pytest.importorskip("resource")  # of systems that are not Windows
BUNDLE = Path(__file__).parent / "golden" / "bundles" / "blocks-int8-both" / "bundle"
OPERATIONS = [(os, name) for name in ("rename", "replace", "link", "fsync", "mkdir")]
OPERATIONS += [(atomic, "exchange")]
OPENERS = [(io, "open"), (builtins, "open")]  # the first is what os.fdopen and Path call


class Written:
    """A file of which each `write` is an operation; one that fails late has written a half."""

    def __init__(self, file: Any, faults: Faults) -> None:
        self._file, self._faults = file, faults

    def write(self, content: Any) -> int:
        return self._faults.write(self._file, content)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Written:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class Faults:
    """Counts operations, and lets the one with a number fail, before or after its work."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.count, self.number, self.after = 0, number, after

    def opener(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        """What opens files, with files whose writing can fail."""
        counted = self.around(operation)

        def call(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            pipe = isinstance(file, int) and not stat.S_ISREG(os.fstat(file).st_mode)
            if pipe or not set(mode) & set("wax+"):
                return operation(file, mode, *args, **kwargs)
            return Written(counted(file, mode, *args, **kwargs), self)

        return call

    def write(self, file: Any, content: Any) -> int:
        mine = self.count == self.number
        self.count += 1
        if not mine:
            return int(file.write(content))
        if self.after:
            file.write(content[: len(content) // 2])
            file.flush()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

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
        for owner, name in OPENERS:
            patch.setattr(owner, name, counter.opener(getattr(owner, name)))
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
    operations, runs = 0, 0
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
            operations += number
    print(f"{operations} operations failed one by one, {runs} runs")  # noqa: T201
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


@pytest.fixture
def quick_converter(monkeypatch):
    """The converter's process answers each question once; then it is remembered."""
    answers: dict[bytes, bytes] = {}
    ask = worker.Worker.run

    def run(self: worker.Worker, job: dict[str, Any]) -> str | None:
        folder, question = Path(job["folder"]), job["scheme"].encode()
        for key in sorted(job["signatures"]):
            with zipfile.ZipFile(folder / f"{key}.keras") as archive:
                question += archive.read("config.json") + archive.read("model.weights.h5")
        if question not in answers:
            error = ask(self, job)
            assert error is None
            answers[question] = (folder / "model.tflite").read_bytes()
        (folder / "model.tflite").write_bytes(answers[question])
        return None

    monkeypatch.setattr(worker.Worker, "run", run)


@pytest.mark.weekly
@pytest.mark.usefixtures("quick_converter")
@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_an_export_loses_nothing(scheme, tmp_path, monkeypatch):
    """All of it, from the calibration images to the bundle that takes its place."""
    (tmp_path / "scratch").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    images = np.random.default_rng(0).random((24, 8, 8, 1), np.float32)
    models = {}
    for seed, version in enumerate(("old", "new")):
        keras.utils.set_random_seed(seed)
        models[version] = kerasae.build(
            "undercomplete", input_shape=(8, 8, 1), code_size=2, hidden=(4,)
        )

    def job(folder: Path, version: str) -> bool:
        model = models[version]
        export_bundle(model, folder / "bundle", scheme=scheme, calibration=images)
        return True

    assert hold(job, tmp_path / "work") > 80
    left = [path.name for path in (tmp_path / "scratch").rglob("*") if path.is_file()]
    assert left == ["lock"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="this system limits no other process")
@pytest.mark.parametrize("most", [0, 1000, 5000])
def test_a_converter_that_cannot_write_leaves_the_former_file(most, converter, tmp_path):
    """The write itself fails, in the system, when a file of that process has so many bytes."""
    model = kerasae.encoder(kerasae.build("undercomplete", input_shape=(8, 8, 1), code_size=2))
    path = tmp_path / "m.tflite"
    converter.convert(model, path, scheme="float32")
    former = path.read_bytes()
    process = converter._worker.process.pid
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        with pytest.raises(ConversionError, match="no scheme would change that"):
            converter.convert(model, path, scheme="float32")
        assert path.read_bytes() == former
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)
    converter.convert(model, path, scheme="float32")
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.tflite"]


@pytest.mark.usefixtures("eager")
def test_a_run_interrupted_after_its_last_checkpoint_gets_its_history(tmp_path):
    """The history is written after the checkpoint; found by letting that write fail."""
    run = Run("undercomplete", {"code_size": 2, "hidden": (4,)}, "digits", limit=40)
    images, folder = run.images(), tmp_path / "run"
    config = TrainConfig(epochs=2, batch_size=40, schedule="constant")
    run.train(images, config, folder)
    whole = (folder / "history.csv").read_bytes()
    (folder / "history.csv").write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    run.train(images, config, folder, resume=True)
    assert (folder / "history.csv").read_bytes() == whole


@pytest.mark.weekly
@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_training_loses_nothing(after, tmp_path, monkeypatch):
    """Whatever fails, `--resume` ends with the history of a run in which nothing did."""
    # To draw the curve takes as long as the training.
    monkeypatch.setattr(plots, "plot_history", lambda history: Figure(figsize=(0.2, 0.2)))
    run = Run("undercomplete", {"code_size": 2, "hidden": (4,)}, "digits", limit=40)
    images = run.images()
    config = TrainConfig(epochs=2, batch_size=40, schedule="constant")
    run.train(images, config, tmp_path / "whole")
    expected = (tmp_path / "whole" / "history.csv").read_bytes()
    names = state(tmp_path / "whole").keys()
    number, failed = 0, 0
    while True:
        folder = tmp_path / f"run-{number}"
        with faults(number, after=after, swap=True) as counter:
            try:
                run.train(images, config, folder)
            except OSError:
                failed += 1
        if (folder / "history.csv").exists():
            assert expected.startswith((folder / "history.csv").read_bytes())
        run.train(images, config, folder, resume=True)
        assert (folder / "history.csv").read_bytes() == expected
        assert state(folder).keys() == names
        assert kerasae.runs.load_model(folder).count_params()
        if counter.count <= number:
            break
        number += 1
    print(f"{number} operations, {failed} runs in which one was reported")  # noqa: T201
    assert failed > 10
