"""What a search has found: a table, a plot, and a page of both."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasae.plots import Figure
from kerasae.plots.parallel import plot_parallel
from kerasae.reports import page as parts
from kerasae.reports.figures import drawn
from kerasae.reports.run import duration, number
from kerasae.run_comparison import shown
from kerasae.training.run_folder import MODEL, REPORT, SUMMARY, checkpoints
from kerasae_export.atomic import write_file

__all__ = ["ERROR", "MEASURES", "Result", "Sweep", "read_results", "write_results"]

ERROR = "error.txt"
CSV, HTML = "sweep.csv", "sweep.html"

MEASURES = {"val_loss": "min", "psnr": "max"}
"""By what settings may be ranked, and which values are better."""

_MEASURED = ("val_loss", "psnr", "parameters", "epochs", "seconds", "status", "error")


@dataclass(frozen=True)
class Result:
    """One setting and what came of it.

    Attributes:
        setting: The values that were tried.
        folder: The run folder.
        status: "done", "failed", "interrupted" or "waiting".
        error: Why it failed, in one line.
        val_loss: Of the weights that were kept.
        psnr: Of reconstructions of validation images, in dB.
        parameters: Weights of the model.
        epochs: How many were trained.
        seconds: How long that took.
        peak_megabytes: The most memory that its process has had.
    """

    setting: Mapping[str, Any]
    folder: Path
    status: str
    error: str = ""
    val_loss: float | None = None
    psnr: float | None = None
    parameters: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    peak_megabytes: float | None = None


@dataclass(frozen=True)
class Sweep:
    """The results of a search.

    Attributes:
        name: Of the architecture and the data.
        measure: By which the settings are ranked: `"val_loss"` or `"psnr"`.
        results: One for each setting, in the order in which they were tried.
    """

    name: str
    measure: str
    results: Sequence[Result]

    @property
    def ranked(self) -> list[Result]:
        """The results of the runs that have ended, the best first."""
        done = [r for r in self.results if getattr(r, self.measure) is not None]
        reverse = MEASURES[self.measure] == "max"
        return sorted(done, key=lambda r: getattr(r, self.measure), reverse=reverse)

    @property
    def best(self) -> Result | None:
        """The best result; None where no run has ended."""
        return next(iter(self.ranked), None)

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """Head and rows of the table, the best first, what failed last."""
        names = list(self.results[0].setting)
        head = ["run", *names, "val_loss", "PSNR, dB", "parameters", "epochs", "time", "status"]
        ranked = self.ranked
        others = [r for r in self.results if r not in ranked]
        return head, [_row(r, names) for r in (*ranked, *others)]

    def plot(self) -> Figure:
        """Parallel coordinates of the runs that have ended.

        Raises:
            ValueError: If there are none.
        """
        done = self.ranked
        return plot_parallel(
            [r.setting for r in done],
            [getattr(r, self.measure) for r in done],
            measure="PSNR, dB" if self.measure == "psnr" else self.measure,
            lower_is_better=MEASURES[self.measure] == "min",
        )


def read_results(folder: Path, settings: Sequence[Mapping[str, Any]]) -> list[Result]:
    """What the run folders of a search say, `runs/000` and so on."""
    return [_read(setting, folder / "runs" / f"{i:03d}") for i, setting in enumerate(settings)]


def _read(setting: Mapping[str, Any], folder: Path) -> Result:
    if (folder / SUMMARY).is_file() and (folder / MODEL).is_file():
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        result = summary["result"]
        return Result(
            setting,
            folder,
            "done",
            val_loss=result["val_loss"],
            psnr=result["psnr"],
            parameters=summary["model"]["parameters"],
            epochs=result["epochs"],
            seconds=summary["seconds"],
            peak_megabytes=summary["peak_megabytes"],
        )
    if (folder / ERROR).is_file():
        return Result(setting, folder, "failed", (folder / ERROR).read_text("utf-8").strip())
    return Result(setting, folder, "interrupted" if checkpoints(folder) else "waiting")


def write_results(found: Sweep, folder: Path) -> None:
    """Write `sweep.csv` and `sweep.html`."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["run", *found.results[0].setting, *_MEASURED])
    for r in found.results:
        values = (json.dumps(v) if isinstance(v, (list, dict)) else v for v in r.setting.values())
        table.writerow([r.folder.name, *values, *(getattr(r, name) for name in _MEASURED)])
    write_file(folder / CSV, text.getvalue().encode(), durable=False)
    write_file(folder / HTML, _page(found).encode(), durable=False)


def _row(r: Result, names: Sequence[str]) -> list[str]:
    return [
        r.folder.name,
        *(shown(r.setting[name]) for name in names),
        "" if r.val_loss is None else number(r.val_loss),
        "" if r.psnr is None else f"{r.psnr:.2f}",
        "" if r.parameters is None else f"{r.parameters:,}",
        "" if r.epochs is None else f"{r.epochs}",
        "" if r.seconds is None else duration(r.seconds),
        f"{r.status}: {r.error}" if r.error else r.status,
    ]


def _page(found: Sweep) -> str:
    head, table = found.rows()
    failed = sum(r.status == "failed" for r in found.results)
    best = found.best
    ended = sum(r.status == "done" for r in found.results)
    tiles = {"runs that have ended": f"{ended} of {len(found.results)}"}
    if failed:
        tiles["failed"] = f"{failed}"
    if best is not None:
        unit = " dB" if found.measure == "psnr" else ""
        value = number(getattr(best, found.measure))
        tiles[f"best {found.measure}, run {best.folder.name}"] = f"{value}{unit}"
    tiles["time of all"] = duration(sum(r.seconds or 0.0 for r in found.results))
    linked = [
        [parts.Link(f"runs/{row[0]}/{REPORT}", row[0]) if row[-1] == "done" else row[0], *row[1:]]
        for row in table
    ]
    shown_table = parts.table(
        head,
        linked,
        numbers=[i for i, name in enumerate(head) if name not in ("run", "status")],
        marked=[0] if best is not None else [],
        failed=[i for i, row in enumerate(table) if row[-1].startswith("failed")],
    )
    names = ", ".join(found.results[0].setting)
    return parts.page(
        f"Sweep: {found.name}",
        f"Varied: {names}. Ranked by {found.measure} on validation images.",
        [
            parts.tiles(tiles),
            parts.card("Parallel coordinates", _plot(found), wide=True),
            parts.card("Table", shown_table, wide=True),
        ],
    )


def _plot(found: Sweep) -> str:
    if len(found.ranked) < 2:
        return ""
    alt = f"each run as a line through its settings to its {found.measure}"
    return drawn(found.plot(), alt, prefix="parallel", broad=True) + parts.note(
        "A line is a run, from its settings on the left to its result on the right. The bold one "
        "is the best; the darker a line, the worse."
    )
