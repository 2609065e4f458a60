"""What many tests share: small trained models and bundles, made once, and quick training."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERASAE_CONVERTER_IDLE", "900")  # to start it takes longer than to convert
if "PYTEST_XDIST_WORKER" in os.environ:  # a process for each core, which more threads would delay
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")

import keras
import numpy as np
import pytest
from filelock import FileLock

import kerasae
import kerasae_export
from kerasae.training import TrainConfig, train
from kerasae_export import Codec, export_bundle
from kerasae_export.conversion import worker
from kerasae_export.conversion.convert import Converter

gc.collect()
gc.freeze()  # what was imported stays; to look through it again and again takes a tenth of the time

pytest_plugins = ["browser", "built_site"]  # fixtures of the page and of the website

REPOSITORY = Path(__file__).resolve().parents[1]

# With KERASAE_CI a test that is skipped for any other reason has failed: a tool is missing. On the
# other backend what is skipped has run on the first.
MAY_BE_SKIPPED = ("no prepared ", "this system ")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    report = yield
    strict = "KERASAE_CI" in os.environ and keras.backend.backend() == "tensorflow"
    if strict and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if not reason.startswith(MAY_BE_SKIPPED):
            report.outcome = "failed"
            report.longrepr = f"skipped, which CI does not allow: {reason}"
    return report


@pytest.fixture(scope="session", autouse=True)
def without_xla() -> Iterator[None]:
    """To compile a tiny net takes XLA longer than to train it; `fast_settings` has it again."""
    with pytest.MonkeyPatch.context() as patch:
        turn_xla_off(patch)
        yield


def turn_xla_off(patch: pytest.MonkeyPatch) -> None:
    if keras.backend.backend() == "tensorflow":
        patch.setattr("kerasae.training.compilation._fast_settings", lambda model: (False, 1))
        patch.setattr(f"{AUTO_XLA[0]}.{AUTO_XLA[1]}", lambda model: False)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow runs a few steps op by op in less time than it takes to trace a graph of them."""
    if keras.backend.backend() == "tensorflow":
        always = property(lambda model: True, lambda model, value: None)
        monkeypatch.setattr(keras.src.trainers.trainer.Trainer, "run_eagerly", always)


@pytest.fixture
def fast_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that a user gets, for the tests of these."""
    monkeypatch.setattr("kerasae.training.compilation._fast_settings", FAST_SETTINGS)
    monkeypatch.setattr(f"{AUTO_XLA[0]}.{AUTO_XLA[1]}", RESOLVE_AUTO_XLA)


FAST_SETTINGS = kerasae.training.compilation._fast_settings
AUTO_XLA = "keras.src.trainers.trainer.Trainer", "_resolve_auto_jit_compile"
RESOLVE_AUTO_XLA = getattr(keras.src.trainers.trainer.Trainer, AUTO_XLA[1])

Made = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """`made(name, make)` is a copy of what `make` has written, once for all workers and runs.

    The original lies in pytest's cache, under a name that changes with the source of both packages
    and of the file that `make` stands in; what an earlier source left is removed.
    """
    backend = keras.backend.backend()
    digest = hashlib.sha256(keras.__version__.encode())
    for package in (kerasae, kerasae_export):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            digest.update(path.read_bytes())
    root = request.config.cache.mkdir("kerasae")
    current = root / f"{backend}-{digest.hexdigest()[:16]}"

    def path_of(name: str, make: Callable[[Path], object]) -> Path:
        with FileLock(root / "lock"):
            for old in root.glob(f"{backend}-*/"):
                if old != current:
                    shutil.rmtree(old, ignore_errors=True)
            current.mkdir(exist_ok=True)
        recipe = hashlib.sha256(Path(make.__code__.co_filename).read_bytes()).hexdigest()[:8]
        target, scratch = current / f"{recipe}-{name}", current / f"new-{recipe}-{name}"
        with FileLock(f"{target}.lock"):
            if not target.exists():
                shutil.rmtree(scratch, ignore_errors=True)
                make(scratch)
                scratch.rename(target)
        copy = tmp_path_factory.mktemp("made") / name
        return Path(shutil.copytree(target, copy) if target.is_dir() else shutil.copy(target, copy))

    return path_of


@pytest.fixture(scope="session")
def digits() -> kerasae.Images:
    return kerasae.load_images("digits")


@pytest.fixture(scope="session")
def photos() -> kerasae.Images:
    return kerasae.load_images("photos", image_size=32, limit=240)


@pytest.fixture(scope="session")
def digit_model(digits: kerasae.Images, made: Made) -> keras.Model:
    """A dense code, coded in blocks."""

    def make(path: Path) -> None:
        keras.utils.set_random_seed(0)
        model = kerasae.build_convolutional(
            input_shape=digits.image_shape, code_size=8, hidden=(16, 32), loss="mse"
        )
        train(model, digits, TrainConfig(epochs=30, learning_rate=3e-3), progress=False)
        model.save(path)

    return keras.saving.load_model(made("digits.keras", make))


@pytest.fixture(scope="session")
def photo_model(photos: kerasae.Images, made: Made) -> keras.Model:
    """A spatial code, coded as a grid."""

    def make(path: Path) -> None:
        keras.utils.set_random_seed(0)
        model = kerasae.build_convolutional(
            input_shape=photos.image_shape,
            code_size=4,
            hidden=(16, 16),
            loss="mse",
            code="spatial",
        )
        config = TrainConfig(epochs=30, batch_size=16, learning_rate=3e-3)
        train(model, photos, config, progress=False)
        model.save(path)

    return keras.saving.load_model(made("photos.keras", make))


@pytest.fixture(scope="session", autouse=True)
def measured_converter() -> Iterator[None]:
    """What is killed leaves no coverage: let the process that is idle end by itself."""
    yield
    if "COVERAGE_PROCESS_CONFIG" in os.environ:
        for idle in worker._idle:
            assert idle.process.stdin is not None
            idle.process.stdin.close()
            idle.process.wait()


@pytest.fixture
def converter() -> Iterator[Converter]:
    """The TensorFlow process that all conversions of a test process share."""
    with Converter() as converter:
        yield converter


@pytest.fixture(scope="session")
def digit_bundle(digit_model: keras.Model, digits: kerasae.Images, made: Made) -> Path:
    return made(
        "digit-bundle", lambda path: export_bundle(digit_model, path, calibration=digits.train)
    )


@pytest.fixture(scope="session")
def joint_bundle(digit_model: keras.Model, digits: kerasae.Images, made: Made) -> Path:
    """As `digit_bundle`, with both models in one file."""
    return made(
        "joint-bundle",
        lambda path: export_bundle(digit_model, path, signatures="both", calibration=digits.train),
    )


@pytest.fixture(scope="session")
def photo_bundle(photo_model: keras.Model, photos: kerasae.Images, made: Made) -> Path:
    return made(
        "photo-bundle", lambda path: export_bundle(photo_model, path, calibration=photos.train)
    )


def dense_model(digits: kerasae.Images) -> keras.Model:
    """Untrained, and always the same."""
    keras.utils.set_random_seed(0)
    return kerasae.build_undercomplete(
        input_shape=digits.image_shape, code_size=6, hidden=(16,), loss="mse"
    )


@pytest.fixture(scope="session")
def onnx_bundle(digits: kerasae.Images, made: Made) -> Path:
    """A bundle with ONNX files beside those of TF Lite in int8."""

    def write(path: Path) -> None:
        export_bundle(dense_model(digits), path, calibration=digits.train[:60], also="onnx")

    return made("onnx", write)


@pytest.fixture(scope="session")
def digit_codec(digit_bundle: Path) -> Codec:
    return Codec.load(digit_bundle)


@pytest.fixture(scope="session")
def photo_codec(photo_bundle: Path) -> Codec:
    return Codec.load(photo_bundle)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def tfds_folder() -> Path:
    """The folder of prepared TensorFlow Datasets, where there is one."""
    beside = REPOSITORY.parent / "shared" / "data" / "tfds"
    folder = Path(os.environ.get("TFDS_DATA_DIR", beside))
    if not (folder / "mnist").is_dir():
        pytest.skip("no prepared MNIST: set TFDS_DATA_DIR to a folder that holds it")
    return folder
