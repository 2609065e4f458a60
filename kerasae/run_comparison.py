"""Runs side by side: one table, one plot, one page."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasae.plots.curves import plot_curves
from kerasae.plots.history import plot_history
from kerasae.reports import page as parts
from kerasae.reports.figures import drawn
from kerasae.reports.run import duration, number
from kerasae.training import CONFIG, HISTORY, TrainConfig
from kerasae.training.run_folder import OPTIONS, SUMMARY, checkpoints

__all__ = ["Entry", "compare_runs", "comparison_page", "differing", "read_run", "rows", "shown"]

_DETAILS = 6  # runs that get a card of their own
_MARKED = 30  # epochs up to which each has a dot

_DEFAULT = dataclasses.asdict(TrainConfig())


@dataclass(frozen=True)
class Entry:
    """A run folder, as a table shows it.

    Attributes:
        folder: Where it is.
        name: What tells it from the others.
        settings: What was chosen for it: hyperparameters, and what is not as by default.
        history: The measures of each epoch.
        summary: The content of `summary.json`; empty for a run that has not ended, or that an
            earlier version made.
        config: How it was trained.
    """

    folder: Path
    name: str
    settings: Mapping[str, Any]
    history: Mapping[str, Sequence[float]]
    summary: Mapping[str, Any]
    config: TrainConfig

    @property
    def best_epoch(self) -> int | None:
        """The epoch, from 1, with the best `monitor`; None where it was not measured."""
        values = self.history.get(self.config.monitor)
        if not values:
            return None
        choose = min if self.config.mode == "min" else max
        return choose(range(len(values)), key=values.__getitem__) + 1

    @property
    def best(self) -> float | None:
        """The best `monitor`."""
        epoch = self.best_epoch
        return None if epoch is None else self.history[self.config.monitor][epoch - 1]

    def setting(self, name: str) -> Any:
        """A setting, or what it is by default; None where the run knows none of that name."""
        return self.settings.get(name, _DEFAULT.get(name))


def compare_runs(folders: Sequence[str | os.PathLike[str]]) -> list[Entry]:
    """Read runs, the best one first where all were judged by the same measure.

    Args:
        folders: Run folders, whether the runs have ended or not.

    Raises:
        ValueError: If one is no run folder, or its files are damaged.
    """
    entries = [read_run(Path(folder)) for folder in folders]
    names = [entry.name for entry in entries]
    if len(set(names)) < len(names):  # such as a/run and b/run
        entries = [dataclasses.replace(entry, name=str(entry.folder)) for entry in entries]
    judged = {(entry.config.monitor, entry.config.mode) for entry in entries}
    if len(judged) == 1:
        sign = 1 if judged.pop()[1] == "min" else -1
        entries.sort(key=lambda entry: math.inf if entry.best is None else sign * entry.best)
    return entries


def read_run(folder: Path) -> Entry:
    """One run folder.

    Raises:
        ValueError: If it is none, or its files are damaged.
    """
    for name in (CONFIG, HISTORY):
        if not (folder / name).is_file():
            begun = ", whose first epoch has not ended" if checkpoints(folder) else ""
            raise ValueError(
                "`RUN` must be the folder of a run that has trained for an epoch at least. "
                f"Received: {folder}, without {name}{begun}"
            )
    try:
        config = TrainConfig.from_json((folder / CONFIG).read_text(encoding="utf-8"))
        options, summary = _json(folder / OPTIONS), _json(folder / SUMMARY)
        with (folder / HISTORY).open(encoding="utf-8", newline="") as lines:
            table = list(csv.DictReader(lines))
        history = {
            name: [float(row[name] or "nan") for row in table]
            for name in table[0]
            if name != "epoch"
        }
        settings = {"architecture": options.get("architecture") or summary["model"]["name"]}
        settings |= {name: options[name] for name in ("data",) if name in options}
        settings |= options.get("hyperparameters", {})
    except (ValueError, TypeError, IndexError, KeyError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"`RUN` must hold sound files, and one is damaged. Received: {folder}: {reason}"
        ) from None
    given = dataclasses.asdict(config)
    settings |= {name: value for name, value in given.items() if value != _DEFAULT[name]}
    return Entry(folder, folder.resolve().name, settings, history, summary, config)


def differing(entries: Sequence[Entry]) -> list[str]:
    """The settings by which runs differ."""
    names = dict.fromkeys(name for entry in entries for name in entry.settings)
    return [name for name in names if len({repr(entry.setting(name)) for entry in entries}) > 1]


def rows(entries: Sequence[Entry]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table."""
    names = differing(entries)
    head = ["run", *names, "best", "of", "epoch", "PSNR, dB", "parameters", "time", "memory"]
    table = []
    for entry in entries:
        psnr = entry.summary.get("result", {}).get("psnr")
        peak, seconds = (entry.summary.get(name) for name in ("peak_megabytes", "seconds"))
        epochs = len(next(iter(entry.history.values())))
        state = f"{entry.best_epoch or '?'} of {epochs}"
        table.append(
            [
                entry.name,
                *(shown(entry.setting(name)) for name in names),
                number(entry.best),
                entry.config.monitor,
                state if entry.summary else f"{state}, not ended",
                "" if psnr is None else f"{psnr:.2f}",
                f"{entry.summary['model']['parameters']:,}" if entry.summary else "",
                "" if seconds is None else duration(seconds),
                "" if not peak else f"{peak / 1000:.2f} GB",
            ]
        )
    return head, table


def shown(value: Any) -> str:
    """A setting as a table has room for it."""
    if isinstance(value, Mapping):
        if "class_name" in value:
            return str(value["class_name"])
        return ", ".join(f"{k}={shown(v)}" for k, v in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return ",".join(map(shown, value)) or "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "-" if value is None else str(value)


def comparison_page(entries: Sequence[Entry]) -> str:
    """The text of an HTML file with the table and the curves."""
    head, table = rows(entries)
    numbers = [i for i, name in enumerate(head) if name in ("best", "PSNR, dB", "parameters")]
    one = len({(entry.config.monitor, entry.config.mode) for entry in entries}) == 1
    notes = "" if one else "The runs were judged by different measures, so none is marked as best. "
    kinds = {(repr(entry.setting("loss")), entry.settings["architecture"]) for entry in entries}
    if len(kinds) > 1:
        notes += "Losses of different kinds of models may not compare; PSNR does."
    marked = [0] if one and len(kinds) == 1 and entries[0].best is not None else []
    shown_table = parts.table(head, table, numbers=numbers, marked=marked)
    cards = [
        parts.card("Table", shown_table + (parts.note(notes) if notes else ""), wide=True),
        parts.card("Curves", _curves(entries), wide=True),
    ]
    if len(entries) <= _DETAILS:
        cards += [parts.card(entry.name, _own(entry, i)) for i, entry in enumerate(entries)]
    names = ", ".join(differing(entries)) or "nothing that was set"
    return parts.page(f"{len(entries)} runs", f"They differ by {names}.", cards)


def _curves(entries: Sequence[Entry]) -> str:
    """`monitor` of each run over its epochs."""
    lines: dict[str, dict[float, float]] = {}
    for entry in entries:
        values = entry.history.get(entry.config.monitor, ())
        points = {float(i): v for i, v in enumerate(values, start=1) if math.isfinite(v)}
        if points:
            lines[entry.name] = points
    if not lines:
        return ""
    measures = " or ".join(dict.fromkeys(entry.config.monitor for entry in entries))
    every = [v for points in lines.values() for v in points.values()]
    figure = plot_curves(
        lines,
        xlabel="epoch",
        ylabel=measures,
        log_y=min(every) > 0 and max(every) > 8 * min(every),
    )
    for line in figure.axes[0].lines:
        if np.size(line.get_xdata()) > _MARKED:
            line.set_marker("")
    return drawn(figure, f"{measures} of each run over its epochs", prefix="runs")


def _own(entry: Entry, i: int) -> str:
    kept = {name: entry.history[name] for name in ("loss", "val_loss") if name in entry.history}
    if "loss" not in kept:
        return ""
    figure = plot_history(kept)
    figure.set_size_inches(5.6, 3.0)
    return drawn(figure, f"loss of {entry.name}", prefix=f"run{i}")


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    content = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{file.name} holds no object")
    return content
