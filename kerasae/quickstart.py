"""The main job in one go: train, export, verify, compress, decompress, compare, report."""

from __future__ import annotations

import json
import math
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae import _arguments, plots
from kerasae.data import Images, photograph
from kerasae.data.embedded import picture_to_publish
from kerasae.data.sampling import load_sample
from kerasae.runs import Run, portable
from kerasae.training import TrainConfig
from kerasae.training.speed import measure_speed
from kerasae_export.bundling.bundle import export_bundle
from kerasae_export.conversion.split import evenly
from kerasae_export.evaluation.comparison import Entry, compare_files, compare_together
from kerasae_export.files.batch import write_bytes, write_png
from kerasae_export.format.numbers import plain
from kerasae_export.runtime.codec import Codec
from kerasae_export.verification import Verification, verify_bundle

__all__ = ["SLOW_LINK", "Report", "quickstart"]

SLOW_LINK = 9600
"""Bits a second of the link in the report: a satellite phone's data call."""

REPORT, PICTURE = "report.json", "report.png"

_TINY = 48  # sides up to this get a dense code, and are also sent as one stream
_FILES = 200  # tiny images that are compressed one by one
_CALIBRATION = 1000
_VERIFIED = 500
_FEW = 50
Log = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """What to train on images of a size: chosen once, by hand, for two cores and a minute."""

    hyperparameters: dict[str, Any]
    batch_size: int
    learning_rate: float
    pixels: float  # pixel values seen in the whole training
    step_loss: float


@dataclass(frozen=True)
class Report:
    """What the quickstart measured.

    Attributes:
        data: Name of the images.
        files: Each codec on single files.
        together: Each codec on all images at once; empty where images are not tiny.
        verification: The checks and measurements of the bundle.
        seconds: Time of each step.
        training: How many `epochs` were trained, and where they were chosen by `minutes`, these and
            the `seconds_per_epoch` that were expected.
    """

    data: str
    files: list[Entry]
    together: list[Entry]
    verification: Verification
    seconds: dict[str, float]
    training: dict[str, float]

    def to_json(self) -> str:
        """The text of `report.json`."""

        def row(entry: Entry) -> dict[str, Any]:
            content = {k: v for k, v in asdict(entry).items() if k != "pictures"}
            content["psnr"] = None if math.isinf(entry.psnr) else entry.psnr
            content["seconds_to_send"] = seconds_to_send(entry)
            return content

        content = {
            "data": self.data,
            "link_bits_per_second": SLOW_LINK,
            "training": self.training,
            "files": [row(entry) for entry in self.files],
            "together": [row(entry) for entry in self.together],
            "measurements": self.verification.measurements,
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
        }
        return json.dumps(plain(content), indent=1) + "\n"


def seconds_to_send(entry: Entry) -> float:
    """Seconds that all bytes of an entry take over the slow link."""
    return 8 * entry.bytes / SLOW_LINK


def quickstart(
    data: str,
    out: Path,
    *,
    seed: int = 0,
    minutes: float | None = None,
    log: Log = lambda text: None,
) -> Report:
    """Do the main job and leave run, bundle, `.kae` files, pictures and report in `out`.

    Args:
        data: A source for `load_images`, or a folder of shards. Of a set larger than 2 GiB a sample
            is used.
        out: Folder to write; it must not exist, be empty, or hold a quickstart, which is
            replaced.
        seed: Seed of the split, the weights and the training.
        minutes: How long the training should take. The speed of some steps on this machine, now,
            decides how many epochs that are, so that another run may be another. By default the
            epochs follow from the images.
        log: Called with a line about each step as it begins.

    Raises:
        ValueError: If `data` names nothing, `minutes` is no number above 0, or `out` holds
            something else.
    """
    if minutes is not None:
        minutes = _arguments.number("minutes", minutes, low=0.0)
    timer = _StepTimer(log)
    timer.start("loading images")
    size = {"photos": 64, "textures": 64}.get(data)
    images, held_out, names = _load(data, size, seed)
    if len(images.train) < _FEW:
        warnings.warn(
            f"{len(images.train)} images are few to train on; some hundred make a useful model.",
            stacklevel=2,
        )
    out = _prepare(out)
    recipe = _recipe(images)
    epochs = max(1, min(200, round(recipe.pixels / images.train.size)))
    config = TrainConfig(
        epochs=epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        seed=seed,
    )
    run = Run(
        "convolutional",
        recipe.hyperparameters,
        portable(data),
        image_size=size,
        seed=seed,
        decorrelate=True,  # fewer bytes for the same picture
    )
    training: dict[str, float] = {"epochs": epochs}
    chosen = ""
    if minutes is not None:
        timer.start("measuring how long an epoch takes")
        speed = measure_speed(run.build(images), images, config)
        epochs = speed.epochs_in(60 * minutes)
        config = replace(config, epochs=epochs)
        training = {
            "epochs": epochs,
            "minutes": minutes,
            "seconds_per_epoch": round(speed.epoch, 3),
        }
        chosen = f" of {speed.epoch:.2g} s, chosen for {minutes:g} minutes"
    plural = "" if epochs == 1 else "s"
    timer.start(f"training on {len(images.train):,} images, {epochs} epoch{plural}{chosen}")
    model = run.train(images, config, out / "run")

    timer.start("exporting encoder and decoder to int8 TF Lite")
    export_bundle(
        model,
        out / "bundle",
        calibration=evenly(images.train, _CALIBRATION),
        step_loss=recipe.step_loss,
        sample=picture_to_publish(data, images),
        facts=run.facts(out / "run", images),
    )
    timer.start("verifying the bundle")
    few = evenly(images.test, _VERIFIED)
    verification = verify_bundle(out / "bundle", model=model, images=few, report=False)

    timer.start(f"compressing and decompressing the held-out images ({len(held_out):,})")
    codec = Codec.load(out / "bundle", threads=2)
    singles = held_out[:_FILES]
    _write_files(codec, singles, names, out)
    files = compare_files(singles, codec)
    together = []
    if max(images.image_shape[:2]) <= _TINY:
        write_bytes(out / "test.kae", codec.compress_many(held_out))
        together = compare_together(held_out, codec)
    report = Report(data, files, together, verification, timer.stop(), training)
    plots.plot_comparison(files, together, link=SLOW_LINK).savefig(out / PICTURE, dpi=110)
    write_bytes(out / REPORT, report.to_json().encode())
    return report


def _load(
    data: str, size: int | None, seed: int
) -> tuple[Images, list[NDArray[np.uint8]], Sequence[str]]:
    """Images to train on, and those held out, as uint8 with a name each."""
    images = load_sample(data, image_size=size, seed=seed)
    if data == "photos":
        return images, [photograph("chelsea")], ["chelsea"]
    held_out = list(np.floor(images.test * 255 + 0.5).astype(np.uint8))
    return images, held_out, [f"{i:05d}" for i in range(len(held_out))]


def _recipe(images: Images) -> Recipe:
    height, width, channels = images.image_shape
    if max(height, width) > _TINY:
        return Recipe(
            {
                "code_size": 8,
                "hidden": [32, 48, 64],
                "loss": "mse",
                "code": "spatial",
                "kernel_size": 5,
            },
            batch_size=16,
            learning_rate=2e-3,
            pixels=3.5e8,
            step_loss=0.2,
        )
    code_size = max(8, min(128, round(height * width * channels / 24)))
    return Recipe(
        {"code_size": code_size, "hidden": [32, 64], "loss": "mse"},
        batch_size=128,
        learning_rate=2e-3,
        pixels=3e8,
        step_loss=0.2,
    )


_OWN_FOLDERS = ("run", "bundle", "kae", "reconstructed")
_OWN_FILES = (REPORT, PICTURE, "test.kae")
_MARK = ".kerasae-quickstart"


def _prepare(out: Path) -> Path:
    """An empty folder; what an earlier quickstart left there goes, anything else is an error."""
    if out.exists() and not (out.is_dir() and ((out / _MARK).exists() or not any(out.iterdir()))):
        raise ValueError(
            "`--out` must not exist, be empty, or hold a quickstart, which is replaced. "
            f"Received: {out}"
        )
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARK).touch()
    for name in _OWN_FOLDERS:
        if (out / name).is_dir():
            shutil.rmtree(out / name)
    for name in _OWN_FILES:
        (out / name).unlink(missing_ok=True)
    return out


def _write_files(
    codec: Codec, pictures: Sequence[NDArray[np.uint8]], names: Sequence[str], out: Path
) -> None:
    """A `.kae` file for each picture, and the picture that is rebuilt from that file."""
    (out / "kae").mkdir()
    (out / "reconstructed").mkdir()
    for name, picture in zip(names, pictures, strict=False):
        file = out / "kae" / f"{name}.kae"
        write_bytes(file, codec.compress(picture))
        write_png(out / "reconstructed" / f"{name}.png", codec.decompress(file.read_bytes()))


class _StepTimer:
    """Announces the steps and keeps their times."""

    def __init__(self, log: Log) -> None:
        self._log, self._name, self._start = log, "", 0.0
        self._seconds: dict[str, float] = {}

    def start(self, name: str) -> None:
        self.stop()
        self._name, self._start = name, time.perf_counter()
        self._log(name)

    def stop(self) -> dict[str, float]:
        if self._name:
            self._seconds[self._name] = time.perf_counter() - self._start
        return self._seconds
