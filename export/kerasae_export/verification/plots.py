"""The figures of a verification's report. Needs matplotlib, which the extra `convert` brings."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from kerasae_export.verification.layers import EXACT
from kerasae_export.verification.outcome import tolerance

__all__ = [
    "plot_golden",
    "plot_kernels",
    "plot_latency",
    "plot_layers",
    "plot_losses",
    "plot_pictures",
    "plot_products",
    "svg",
]

_INK, _MUTED, _PALE = "#1f2933", "#7b8794", "#dfe3e8"
_BLUE, _ORANGE, _GREEN = "#2f6fde", "#e8710a", "#1e8e5a"
_WIDTH = 10.0  # inches, the width of the report's text
_MOST_ROWS = 24
_STYLE: Any = {
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.size": 9,
    "legend.frameon": False,
    "svg.hashsalt": "kerasae",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


P = ParamSpec("P")


def _styled(plot: Callable[P, Figure]) -> Callable[P, Figure]:
    @functools.wraps(plot)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(_STYLE):
            return plot(*args, **kwargs)

    return styled


def svg(figure: Figure) -> bytes:
    """A figure as an SVG file that needs no fonts."""
    buffer = io.BytesIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


@_styled
def plot_golden(image: NDArray[np.uint8], rebuilt: NDArray[np.uint8]) -> Figure:
    """The golden image, what it decodes to, and the difference."""
    error = np.abs(image.astype(int) - rebuilt) / 255
    gain = _gain(error)
    pictures = {
        "golden image": image / 255,
        "decoded": rebuilt / 255,
        _times("difference", gain): gain * error,
    }
    height, width = image.shape[:2]
    side = _WIDTH / 3
    figure = _figure(_WIDTH, min(side * height / width, 3.3) + 0.3)
    for axes, (name, picture) in zip(figure.subplots(1, 3), pictures.items(), strict=True):
        _show(axes, picture)
        axes.set_title(name, loc="center")
    return figure


@_styled
def plot_pictures(rows: Mapping[str, NDArray[Any]]) -> Figure:
    """Images in columns, with a row for each way of coding them.

    Args:
        rows: Name to images (n, height, width, channels) in [0, 1], originals first; a row with
            the differences of the last from the originals is added.
    """
    originals, last = next(iter(rows.values())), list(rows.values())[-1]
    error = np.abs(originals - last)
    gain = _gain(error)
    shown = {**rows, _times("codec's\ndifference", gain, "\n"): gain * error}
    columns = len(originals)
    side = (_WIDTH - 0.9) / columns
    height, width = originals.shape[1:3]
    figure = _figure(_WIDTH, len(shown) * (side * height / width + 0.04))
    grid = figure.subplots(len(shown), columns, squeeze=False)
    for line, (name, pictures) in zip(grid, shown.items(), strict=True):
        for axes, picture in zip(line, pictures, strict=True):
            _show(axes, picture)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=6)
    return figure


@_styled
def plot_layers(parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """The layers of each part by the error that storing each one alone causes, worst first.

    Layers without any error are left out.

    Args:
        parts: Name to layers with `layer`, `operator`, `own` and `total`.
    """
    ranked = {name: _ranked(layers) for name, layers in parts.items()}
    lengths = [max(len(layers), 1) for layers in ranked.values()]
    figure = _figure(_WIDTH, 0.27 * sum(lengths) + 0.95 * len(ranked) + 0.2)
    panels = figure.subplots(len(ranked), 1, squeeze=False, height_ratios=lengths, sharex=True)
    worst = min((layers[0]["own"] for layers in ranked.values() if layers), default=0)
    for axes, (name, layers) in zip(panels[:, 0], ranked.items(), strict=True):
        places = np.arange(len(layers))
        own = [layer["own"] for layer in layers]
        colours = [_ORANGE if value == worst else _BLUE for value in own]
        axes.barh(places, own, color=colours, height=0.62)
        axes.plot(
            [layer["total"] for layer in layers],
            places,
            "D",
            color=_INK,
            markersize=4.5,
        )
        for place, value in zip(places, own, strict=True):
            axes.annotate(
                f"{value:.1f}",
                (value, place),
                (8, 0),
                textcoords="offset points",
                va="center",
                color=_MUTED,
                fontsize=8,
            )
        axes.set_yticks(places, [_label(layer) for layer in layers])
        axes.invert_yaxis()
        axes.set_title(f"{name}, largest error first")
        axes.set_xlabel("signal-to-noise ratio against float32, dB (more is better)")
        axes.grid(axis="x", color=_PALE)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelbottom=True)
    figure.legend(
        handles=[
            Patch(color=_BLUE, label="this layer alone"),
            Patch(color=_ORANGE, label="the largest error of all"),
            Line2D([], [], marker="D", color=_INK, ls="", ms=4.5, label="all layers up to here"),
        ],
        loc="outside upper right",
        ncols=3,
    )
    return figure


@_styled
def plot_latency(latency: Mapping[str, Mapping[str, float]]) -> Figure:
    """Median and quartiles of the latencies."""
    figure = _figure(_WIDTH, 0.36 * len(latency) + 0.6)
    axes = figure.subplots()
    places = list(range(len(latency)))
    median = np.array([t["median"] for t in latency.values()])
    low = np.array([t["quartile_1"] for t in latency.values()])
    high = np.array([t["quartile_3"] for t in latency.values()])
    colours = [_BLUE if name.startswith("encoder") else _GREEN for name in latency]
    axes.barh(places, median, color=colours, height=0.6)
    whiskers = np.maximum([median - low, high - median], 0)
    axes.errorbar(median, places, xerr=whiskers, fmt="none", color=_INK, capsize=3, lw=1)
    for place, value, end in zip(places, median, high, strict=True):
        axes.text(end + 0.012 * high.max(), place, f"{value:.3g} ms", va="center", fontsize=8)
    axes.set_yticks(places, list(latency))
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds a run, median and quartiles")
    axes.set_xlim(0, 1.12 * high.max())
    axes.grid(axis="x", color=_PALE)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    return figure


@_styled
def plot_products(parts: Mapping[str, Sequence[Mapping[str, Any]]], pixels: int) -> Figure:
    """Multiply-accumulates per pixel of each operator that has some, in order of execution.

    Args:
        parts: Name to operators with `operator`, `layer` and `macs`.
        pixels: Pixels of a tile.
    """
    rows = [
        (name, _label(operator), operator["macs"] / pixels)
        for name, operators in parts.items()
        for operator in operators
        if operator["macs"]
    ]
    shown = sorted(sorted(range(len(rows)), key=lambda i: -rows[i][2])[:_MOST_ROWS])
    rows = [rows[i] for i in shown]
    figure = _figure(_WIDTH, 0.27 * len(rows) + 0.7)
    axes = figure.subplots()
    values = [value for _, _, value in rows]
    colours = [_BLUE if name == "encoder" else _GREEN for name, _, _ in rows]
    axes.barh(range(len(rows)), values, color=colours, height=0.62)
    for place, value in enumerate(values):
        text = f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
        axes.text(value + 0.01 * max(values), place, text, va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [f"{name}: {label}" for name, label, _ in rows])
    axes.invert_yaxis()
    axes.set_xlabel("multiply-accumulates per pixel")
    axes.set_xlim(0, 1.12 * max(values))
    axes.grid(axis="x", color=_PALE)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    return figure


@_styled
def plot_kernels(compared: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Symbols that differ between kernels, and the change in PSNR."""
    figure = _figure(_WIDTH, 2.9)
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.3])
    names, colours = list(compared), (_BLUE, _GREEN, _ORANGE, _MUTED)
    steps = sorted({int(s) for values in compared.values() for s in values["counts"]} | {-1, 1})
    steps = [step for step in steps if step]
    width = 0.8 / len(names)
    for i, (name, values) in enumerate(compared.items()):
        share = [100 * values["counts"].get(str(s), 0) / values["symbols"] for s in steps]
        places = np.arange(len(steps)) + (i - (len(names) - 1) / 2) * width
        bars = left.bar(places, share, width=0.9 * width, color=colours[i], label=name)
        left.bar_label(bars, [f"{value:.2g} %" for value in share], padding=1, fontsize=8)
    left.set_xticks(range(len(steps)), [f"{step:+d}" for step in steps])
    left.set(title="symbols moved by other kernels", xlabel="steps", ylabel="% of symbols")
    left.margins(y=0.2)
    left.set_ylim(bottom=0)
    if all(values["moved"] == 0 for values in compared.values()):
        left.set(ylim=(0, 1), yticks=[0])

    ways = [way for way in compared[names[0]]["psnr"] if way != "XNNPACK to XNNPACK"]
    limit = tolerance("cross_kernel_loss")
    for i, (name, values) in enumerate(compared.items()):
        change = [values["psnr"][way] - values["psnr"]["XNNPACK to XNNPACK"] for way in ways]
        places = np.arange(len(ways)) + (i - (len(names) - 1) / 2) * 0.18
        right.plot(change, places, "o", color=colours[i], label=name, markersize=7)
        for place, value in zip(places, change, strict=True):
            right.annotate(
                f"{round(value, 3) + 0.0:+.3f}",
                (value, place),
                (6, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=_MUTED,
            )
    right.axvline(0, color=_MUTED, lw=1)
    right.axvline(-limit, color=_ORANGE, lw=1.2, ls="--")
    right.annotate(
        "limit", (-limit, 1), (4, -4), xycoords=("data", "axes fraction"),
        textcoords="offset points", va="top", color=_ORANGE, fontsize=8,
    )  # fmt: skip
    low, high = right.get_xlim()
    right.set_xlim(min(low, -1.15 * limit), max(high, 0.6 * limit))
    right.set_yticks(range(len(ways)), [way.replace(" to ", " → ") for way in ways])
    right.set_ylim(len(ways) - 0.5, -0.5)
    right.tick_params(axis="y", length=0)
    right.set(title="PSNR against XNNPACK alone", xlabel="dB")
    right.xaxis.set_major_locator(MaxNLocator(5))
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


@_styled
def plot_losses(
    originals: NDArray[Any], keras: NDArray[Any], ways: Mapping[str, NDArray[Any]]
) -> Figure:
    """How the PSNR of single images changes from Keras to each way, as histograms."""
    figure = _figure(_WIDTH, 2.6)
    axes = figure.subplots()
    before = _psnr_each(originals, keras)
    changes = {name: _psnr_each(originals, rebuilt) - before for name, rebuilt in ways.items()}
    values = np.concatenate(list(changes.values()))
    low, high = np.quantile(values, [0.005, 0.995])
    edges = np.linspace(min(low, -0.05), max(high, 0.05), 41)
    for (name, change), colour in zip(changes.items(), (_BLUE, _ORANGE), strict=False):
        axes.hist(np.clip(change, edges[0], edges[-1]), edges.tolist(), color=colour, alpha=0.55)
        median = round(float(np.median(change)), 2) + 0.0  # no negative zero
        axes.axvline(median, color=colour, lw=1.5, label=f"{name}, median {median:+.2f} dB")
    axes.axvline(0, color=_MUTED, lw=1)
    axes.set(xlabel="PSNR of an image against Keras, dB", ylabel="images")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.legend(loc="upper left")
    return figure


def _gain(error: NDArray[Any]) -> int:
    """The factor that makes differences visible and clips hardly any."""
    most = float(np.quantile(error, 0.99))
    return next((gain for gain in (16, 8, 4, 2) if gain * most <= 1), 1)


def _times(name: str, gain: int, space: str = " ") -> str:
    return f"{name}{space}x {gain}" if gain > 1 else name


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _show(axes: Any, picture: NDArray[Any]) -> None:
    axes.imshow(
        np.clip(picture, 0, 1).squeeze(-1) if picture.shape[-1] == 1 else np.clip(picture, 0, 1),
        cmap="gray",
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _ranked(layers: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    known = [x for x in layers if x["own"] is not None and x["own"] < EXACT]
    return sorted(known, key=lambda layer: layer["own"])[:_MOST_ROWS]


def _label(operator: Mapping[str, Any]) -> str:
    kind = operator["operator"].lower()
    return f"{operator['layer']} ({kind})" if operator["layer"] else kind


def _psnr_each(originals: NDArray[Any], rebuilt: NDArray[Any]) -> NDArray[np.float64]:
    axes = tuple(range(1, originals.ndim))
    error = np.square(np.subtract(originals, rebuilt, dtype=float)).mean(axis=axes)
    return np.asarray(-10 * np.log10(np.maximum(error, 1e-12)))
