"""The report of a run: what was trained on what, how it went, what came out, how to go on."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae.plots.codes import plot_codes
from kerasae.plots.history import part_figures, plot_history
from kerasae.reports import page as parts
from kerasae.reports.figures import animation, drawn, mosaic

__all__ = ["Story", "duration", "number", "report"]

_LARGEST_FILMSTRIP = 4_000_000  # bytes that a page carries along

Array = NDArray[Any]


@dataclass(frozen=True)
class Story:
    """What a report tells.

    Attributes:
        folder: The run folder, as it was given.
        summary: The content of `summary.json`.
        config: The configuration, and what it is by default.
        defaults: The configuration by default.
        options: The content of `run.json`, of a run of the command line; else None.
        history: The measures of each epoch.
        progress: Rate, time and memory of each epoch.
        originals: Images, (n, height, width, 1 or 3).
        rebuilt: What the model makes of them.
        samples: New images, or None.
        points: Codes in a plane, (m, 2), or None.
        labels: Classes of these, or None.
        filmstrip: An animated WebP, or None.
    """

    folder: str
    summary: Mapping[str, Any]
    config: Mapping[str, Any]
    defaults: Mapping[str, Any]
    options: Mapping[str, Any] | None
    history: Mapping[str, Sequence[float]]
    progress: Sequence[Mapping[str, float]]
    originals: Array
    rebuilt: Array
    samples: Array | None = None
    points: Array | None = None
    labels: Array | None = None
    filmstrip: bytes | None = None


def report(story: Story) -> str:
    """The text of `report.html`."""
    summary = story.summary
    model, data = summary["model"], summary["data"]
    name = (story.options or {}).get("architecture", model["name"])
    lead = f"{_data_name(story)}, {model['parameters']:,} parameters, {summary['finished'][:10]}"
    findings = "".join(
        f"<p class='warning'>{escape(text)}</p>" for text in summary["result"]["findings"]
    )
    return parts.page(
        f"{name}: {story.folder}",
        lead,
        [
            _tiles(summary),
            parts.card("What to look at", findings, wide=True),
            parts.card("Curves", _curves(story), wide=True),
            parts.card("Validation images, rebuilt", _pairs(story)),
            parts.card("Codes in their plane", _codes(story), tall=story.samples is not None),
            parts.card("Samples", _samples(story)),
            parts.card("Filmstrip", _filmstrip(story), wide=True),
            parts.card("Configuration", _configuration(story)),
            parts.card("Data", parts.facts(_data(data))),
            parts.card("Machine and versions", parts.facts(_machine(summary))),
            parts.card("How to go on", _next(story)),
        ],
    )


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, in two figures or so."""
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def number(value: Any) -> str:
    """A measure to four figures; "?" where there is none."""
    return "?" if value is None else f"{value:.4g}"


def _tiles(summary: Mapping[str, Any]) -> str:
    result = summary["result"]
    values = {f"{result['monitor']}, epoch {result['kept_epoch']}": number(result["value"])}
    if result["psnr"] is not None:
        values["PSNR, validation"] = f"{result['psnr']:.2f} dB"
    values["epochs"] = f"{result['epochs']}"
    values["time"] = duration(summary["seconds"])
    if summary["peak_megabytes"]:
        values["peak memory"] = f"{summary['peak_megabytes'] / 1000:.2f} GB"
    return parts.tiles(values)


def _curves(story: Story) -> str:
    columns = dict(story.history)
    rates = [row.get("learning_rate", math.nan) for row in story.progress]
    if np.isfinite(rates).all() and len(rates) == len(columns["loss"]):
        columns["learning_rate"] = rates
    finite = {name: values for name, values in columns.items() if np.isfinite(values).all()}
    loss = {name: values for name, values in finite.items() if name in ("loss", "val_loss")}
    small = [
        drawn(figure, f"{name} of each epoch", prefix=f"part{i}")
        for i, (name, figure) in enumerate(part_figures(finite).items())
    ]
    return drawn(plot_history(loss), "the loss of each epoch", prefix="loss") + parts.panels(small)


def _pairs(story: Story) -> str:
    rebuilt = story.rebuilt
    if rebuilt.shape != story.originals.shape:
        channels = max(rebuilt.shape[-1], story.originals.shape[-1])
        shape = (*story.originals.shape[:3], channels)
        pair = [np.broadcast_to(part, shape) for part in (story.originals, rebuilt)]
    else:
        pair = [story.originals, rebuilt]
    measured = story.summary["result"]["psnr_images"]
    psnr = story.summary["result"]["psnr"]
    text = "Originals above, what the model makes of them below."
    if psnr is not None:
        text += f" {psnr:.2f} dB over {measured:,} validation images."
    return mosaic(np.stack(pair), "originals and reconstructions") + parts.note(text)


def _samples(story: Story) -> str:
    if story.samples is None:
        return ""
    columns = min(8, len(story.samples))
    kept = story.samples[: len(story.samples) // columns * columns]
    rows = kept.reshape(-1, columns, *kept.shape[1:])
    return mosaic(rows, "samples") + parts.note(
        "New images: codes of the prior, or of the normal distribution that fits the codes of the "
        "validation images, decoded."
    )


def _codes(story: Story) -> str:
    if story.points is None:
        return ""
    figure = plot_codes(story.points, labels=story.labels, method=None)
    figure.axes[0].set(xlabel="", ylabel="")
    return drawn(figure, "codes of validation images in a plane", prefix="codes")


def _filmstrip(story: Story) -> str:
    if story.filmstrip is None:
        return ""
    if len(story.filmstrip) > _LARGEST_FILMSTRIP:
        return parts.note("It is too large for this page: see filmstrip.webp in the run folder.")
    return animation(story.filmstrip, "what the model did from epoch to epoch")


def _configuration(story: Story) -> str:
    chosen: dict[str, object] = {}
    options = story.options
    if options is not None:
        chosen["architecture"] = options["architecture"]
        chosen |= {name: _shown(value) for name, value in options["hyperparameters"].items()}
    changed = {k: v for k, v in story.config.items() if v != story.defaults.get(k)}
    kept = [k for k in ("epochs", "batch_size", "learning_rate", "schedule") if k not in changed]
    chosen |= {name: _shown(story.config[name]) for name in (*changed, *kept)}
    chosen.setdefault("seed", story.config["seed"])
    return parts.facts(chosen) + parts.note(
        "Everything else is as it is by default; config.json and run.json have it all."
        if options is not None
        else "Everything else is as it is by default; config.json has it all."
    )


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        if "class_name" in value:
            value = {value["class_name"]: value.get("config", {})}
        return ", ".join(f"{k}={_shown(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value)) or "none"
    return str(value)


def _data_name(story: Story) -> str:
    options = story.options
    return str(options["data"] if options is not None else story.summary["data"]["name"])


def _data(data: Mapping[str, Any]) -> dict[str, object]:
    found: dict[str, object] = {"shape": " x ".join(map(str, data["shape"]))}
    if "train" in data:
        found["images"] = f"{data['train']:,} to train, {data['validation']:,} to validate"
    else:
        found["batches"] = f"{data['batches']:,} an epoch"
    low, high = data["range"]
    found["values"] = f"{low:.4g} to {high:.4g}"
    found["fingerprint"] = f"SHA-256 {data['fingerprint'][:16]}, of the {data['fingerprint_of']}"
    return found


def _machine(summary: Mapping[str, Any]) -> dict[str, object]:
    machine, versions = summary["machine"], summary["versions"]
    return {
        "system": f"{machine['system']}, {machine['cores']} cores",
        "devices": ", ".join(machine["devices"]),
        **versions,
    }


def _next(story: Story) -> str:
    folder = shlex.quote(story.folder)
    if story.options is None:
        lines = [
            "import keras, kerasae",
            f'model = keras.saving.load_model("{story.folder}/model.keras")',
            "",
            "# longer: the same call with more epochs",
            f'kerasae.train(model, data, config, out="{story.folder}", resume=True)',
            "",
            "# to TF Lite",
            "from kerasae_export import export_bundle",
            'export_bundle(model, "bundle", calibration=images)',
        ]
        return parts.code(lines)
    again = [f"kerasae train {story.options['architecture']} --data ... --resume"]
    return (
        parts.note("Longer: the command that made it, with more epochs and --resume.")
        + parts.code(again)
        + parts.note("To TF Lite, and beside other runs.")
        + parts.code(
            [
                f"kerasae export {folder} --out BUNDLE",
                f"kerasae verify BUNDLE --run {folder}",
                f"kerasae compare {folder} OTHER_RUN",
            ]
        )
        + parts.note("In Python.")
        + parts.code(
            [
                "import keras, kerasae",
                f'model = keras.saving.load_model("{story.folder}/model.keras")',
            ]
        )
    )
