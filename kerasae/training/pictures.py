"""Pictures while training, as files, and as a filmstrip in the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from PIL import Image

from kerasae.data import DataSet
from kerasae.plots.progress import plot_progress
from kerasae.training.averages import averaged
from kerasae.training.configuration import TrainConfig
from kerasae.training.looks import look_at
from kerasae.training.run_folder import FILMSTRIP, PICTURES
from kerasae_export.atomic import save_file

__all__ = ["Pictures", "write_filmstrip"]

_FRAME, _LAST = 500, 2500  # milliseconds
_DPI = 100


class Pictures(keras.callbacks.Callback):
    """Draws what a model does before the first epoch, and after every so many."""

    def __init__(
        self,
        model: keras.Model,
        watched: Callable[[], DataSet],
        config: TrainConfig,
        folder: Path,
    ) -> None:
        super().__init__()
        self._watched, self._config, self._folder = watched, config, folder / PICTURES
        self._pictured = model
        self._images: DataSet | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Take the images before a stream begins its first epoch."""
        self._images = self._watched()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Draw the untrained model."""
        if epoch == 0:
            self._draw(0, "before the training")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Draw the model every so many epochs, and after the last one."""
        every, done = self._config.pictures_every, epoch + 1
        assert every is not None
        if done % every == 0 or done == self._config.epochs or self._pictured.stop_training:
            measured = (logs or {}).get(self._config.monitor)
            shown = "" if measured is None else f", {self._config.monitor} {float(measured):.4g}"
            self._draw(done, f"epoch {done}{shown}")

    def _draw(self, epoch: int, title: str) -> None:
        assert self._images is not None
        with averaged(self._pictured):
            look = look_at(self._pictured, self._images, seed=self._config.seed)
        figure = plot_progress(
            look.originals,
            look.rebuilt,
            samples=look.samples,
            points=look.points,
            labels=look.labels,
            title=title,
        )
        self._folder.mkdir(exist_ok=True)
        file = self._folder / f"epoch-{epoch:05d}.png"
        save_file(file, lambda path: figure.savefig(path, dpi=_DPI))


def write_filmstrip(folder: Path) -> None:
    """Join the pictures of a run folder to an animation, if there are any."""
    files = sorted((folder / PICTURES).glob("epoch-*.png"))
    if not files:
        return
    frames = []
    for file in files:
        with Image.open(file) as picture:
            frames.append(picture.convert("RGB"))
    frames = [
        frame if frame.size == frames[0].size else frame.resize(frames[0].size) for frame in frames
    ]

    def write(path: Path) -> None:
        frames[0].save(
            path,
            save_all=True,
            append_images=frames[1:],
            duration=[_FRAME] * (len(frames) - 1) + [_LAST],
            loop=0,
            quality=80,
        )

    save_file(folder / FILMSTRIP, write)
