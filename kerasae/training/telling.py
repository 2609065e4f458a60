"""What stays of a training in its folder: the summary, the filmstrip and the report."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from kerasae.data import DataSet
from kerasae.reports.run import Story, report
from kerasae.training.checkpoint import TrainingState
from kerasae.training.configuration import TrainConfig
from kerasae.training.feeds import Feed
from kerasae.training.looks import look_at
from kerasae.training.pictures import write_filmstrip
from kerasae.training.run_folder import FILMSTRIP, OPTIONS, REPORT, SUMMARY
from kerasae.training.summary import summarise
from kerasae_export.atomic import write_file

__all__ = ["tell"]


def tell(
    folder: Path,
    model: keras.Model,
    feed: Feed,
    watched: DataSet,
    run: TrainingState,
    config: TrainConfig,
    findings: Sequence[str],
) -> None:
    """Write `summary.json`, the filmstrip if there are pictures, and `report.html`."""
    look = look_at(model, watched, seed=config.seed, measure=True)
    summary = summarise(
        model, feed, watched, config, run.rows, run.progress, run.best_epoch, look, findings
    )
    write_file(folder / SUMMARY, (json.dumps(summary, indent=1) + "\n").encode())
    write_filmstrip(folder)
    story = Story(
        folder=folder.name or str(folder),
        summary=summary,
        config=dataclasses.asdict(config),
        defaults=dataclasses.asdict(TrainConfig()),
        options=_options(folder),
        history=run.history,
        progress=run.progress,
        originals=look.originals,
        rebuilt=look.rebuilt,
        samples=look.samples,
        points=look.points,
        labels=look.labels,
        filmstrip=_content(folder / FILMSTRIP),
    )
    write_file(folder / REPORT, report(story).encode())


def _options(folder: Path) -> dict[str, Any] | None:
    """What the command line was called with, if it was."""
    content = _content(folder / OPTIONS)
    return None if content is None else json.loads(content)


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None
