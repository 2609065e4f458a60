"""The run folder: its files, and whether a run may start in it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from kerasae.training.configuration import TrainConfig

__all__ = [
    "CHECKPOINT",
    "CONFIG",
    "CURVE",
    "FILMSTRIP",
    "HISTORY",
    "MODEL",
    "OPTIONS",
    "PICTURES",
    "PREVIOUS",
    "PROGRESS",
    "REPORT",
    "SUMMARY",
    "checkpoints",
    "open_run",
]

CONFIG, MODEL, CHECKPOINT, PREVIOUS, HISTORY, CURVE = (
    "config.json",
    "model.keras",
    "checkpoint.npz",
    "previous.npz",
    "history.csv",
    "curve.png",
)
OPTIONS = "run.json"
"""Of a run of the command line."""

PROGRESS, SUMMARY, REPORT, PICTURES, FILMSTRIP = (
    "progress.csv",
    "summary.json",
    "report.html",
    "pictures",
    "filmstrip.webp",
)


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints that there are, the last one first."""
    return [folder / name for name in (CHECKPOINT, PREVIOUS) if (folder / name).exists()]


def open_run(folder: Path | None, config: TrainConfig, resume: bool) -> list[Path]:
    """Prepare the run folder; return the checkpoints to resume from, the last one first."""
    if folder is None:
        if resume:
            raise ValueError("`resume` needs the run folder `out`. Received: out=None")
        return []
    if checkpoints(folder):  # without one there is nothing that could be lost or continued
        if not resume:
            raise ValueError(
                "`out` must not hold a run already, unless `resume` is set to continue it. "
                f"Received: out={os.fspath(folder)!r}"
            )
        try:
            before = TrainConfig.from_json((folder / CONFIG).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(
                f"`out` must hold a sound {CONFIG} beside its checkpoint. Received: {error}"
            ) from None
        for field in dataclasses.fields(TrainConfig):
            old, new = getattr(before, field.name), getattr(config, field.name)
            longer = field.name == "epochs" and new > old
            if old != new and not longer and field.name != "pictures_every":
                raise ValueError(
                    f"`config` must be that of the run in `out`, where {field.name} is {old!r}. "
                    f"Received: {field.name}={new!r}"
                )
    folder.mkdir(parents=True, exist_ok=True)
    return checkpoints(folder)
