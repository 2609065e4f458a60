"""The run folder: its files, whether a run may start in it, and writes that a kill cannot tear."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kerasae.training.configuration import TrainConfig

__all__ = [
    "CHECKPOINT",
    "CONFIG",
    "CURVE",
    "HISTORY",
    "MODEL",
    "open_run",
    "save_atomically",
    "write_atomically",
]

CONFIG, MODEL, CHECKPOINT, HISTORY, CURVE = (
    "config.json",
    "model.keras",
    "checkpoint.npz",
    "history.csv",
    "curve.png",
)


def open_run(folder: Path | None, config: TrainConfig, resume: bool) -> Path | None:
    """Prepare the run folder; return the checkpoint to resume from, if there is one."""
    if folder is None:
        if resume:
            raise ValueError("`resume` needs the run folder `out`. Received: out=None")
        return None
    checkpoint = folder / CHECKPOINT
    if checkpoint.exists():  # without one there is nothing that could be lost or continued
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
            if old != new and not (field.name == "epochs" and new > old):
                raise ValueError(
                    f"`config` must be that of the run in `out`, where {field.name} is {old!r}. "
                    f"Received: {field.name}={new!r}"
                )
    folder.mkdir(parents=True, exist_ok=True)
    return checkpoint if checkpoint.exists() else None


def write_atomically(path: Path, content: bytes) -> None:
    """Write bytes as `save_atomically` does."""
    save_atomically(path, lambda scratch: scratch.write_bytes(content))


def save_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file whole or not at all: beside its place first, then moved there."""
    scratch = path.with_name(f".partial-{path.name}")  # the suffix tells writers the format
    try:
        write(scratch)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
