"""Draw the sheets of samples in docs/data.md: one picture for each set that needs no download.

    python benchmarks/data_sheets.py [NAME ...]

Writes docs/data_NAME.png. Sets whose licence is not stated get no sheet, and neither does the
photograph without one among the others: pictures of them are not published.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import kerasae
from kerasae import plots
from kerasae.data import EMBEDDED, SEQUENCES, TABLES, VOLUMES

DOCS = Path(__file__).resolve().parents[1] / "docs"
UNPUBLISHED = ("faces", "nonfaces")
NOT_SHOWN = "motorcycle_left"  # among the photographs
ACROSS = {"digits": (16, 4), "letters": (26, 8), "emoji": (20, 6), "streets": (4, 3)}
FONTS = (
    *("Bajaderka Regular", "Blankenburg_UNZ1A Regular", "Cabin Sketch Regular", "Havana Regular"),
    *("Cherry Bomb Regular", "Dancing Script Regular", "Fantasma Bold", "Kristi Medium"),
    *("Gamaliel Medium", "Le Murmure Regular", "Lobster Two Bold Italic", "Roboto Slab Bold"),
)
COARSE = ("photos", "streets", "textures")  # shown as large as they are


def images(name: str) -> Figure:
    """Images side by side: of letters a font a row, of the others at random."""
    data = kerasae.load_images(name)
    across, down = ACROSS.get(name, (8, 4))
    rng = np.random.default_rng(0)
    pixels, sources = data.train, data.sources["train"]
    if name == "letters":
        fonts = [i for i, each in data.source_names.items() if each in FONTS]
        pixels, sources = np.concatenate([pixels, data.validation, data.test]), every(data)
        chosen = np.concatenate([np.flatnonzero(sources == font) for font in fonts])
    else:
        hidden = [i for i, each in data.source_names.items() if each == NOT_SHOWN]
        free = np.flatnonzero(~np.isin(sources, hidden))
        chosen = rng.permutation(free)[: across * down]
    return grid([pixels[i] for i in chosen], across)


def every(data: kerasae.Images) -> np.ndarray:
    """The sources of all images, in the order of the splits."""
    return np.concatenate([data.sources[split] for split in ("train", "validation", "test")])


def grid(pictures: list[np.ndarray], across: int) -> Figure:
    """Pictures with a gap of a few pixels between them."""
    height, width = pictures[0].shape[:2]
    gap = 1 if height < 40 else 3
    down = -(-len(pictures) // across)
    sheet = np.ones((down * (height + gap) - gap, across * (width + gap) - gap, 3))
    for number, picture in enumerate(pictures):
        top, left = (number // across) * (height + gap), (number % across) * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    inches = 8.0
    figure = Figure(figsize=(inches, inches * sheet.shape[0] / sheet.shape[1]))
    axes = figure.add_axes((0, 0, 1, 1))
    plots.show_image(axes, sheet)
    axes.set_axis_off()
    return figure


def melodies() -> Figure:
    data = kerasae.load_sequences("melodies", limit=200)
    return plots.plot_piano_roll(data.test[:4], feature_names=data.feature_names)


def waves(name: str) -> Figure:
    """A series of each kind, the anomalies among them."""
    data = kerasae.load_sequences(name, limit=200)
    figure = Figure(figsize=(8, 2.2), layout="constrained")
    row = figure.subplots(1, len(data.label_names), sharey=True)
    for label, axes in enumerate(row):
        one = data.unpadded("test")[int(np.flatnonzero(data.test_labels == label)[0])]
        for channel, colour in zip(one.T, (plots.BLUE, plots.ORANGE), strict=False):
            axes.plot(channel, color=colour, linewidth=1.2)
        axes.set_title(data.label_names[label], fontsize=10)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def sounds() -> Figure:
    """Three notes of each instrument."""
    data = kerasae.load_sequences("sounds", limit=400)
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    rows = figure.subplots(3, len(data.label_names))
    for label, name in enumerate(data.label_names):
        found = np.flatnonzero(data.train_labels == label)[:3]
        for row, index in enumerate(found):
            axes = rows[row, label]
            axes.imshow(
                data.train[index].T, origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=1
            )
            axes.set(xticks=[], yticks=[])
        rows[0, label].set_title(name, fontsize=10)
    rows[2, 0].set_xlabel("1 s", fontsize=8)
    rows[2, 0].set_ylabel("4 kHz", fontsize=8)
    return figure


def volumes(name: str) -> Figure:
    return plots.plot_slices(kerasae.load_volumes(name, limit=8).train[:3])


def table(name: str) -> Figure:
    """Sixteen rows as squares: dark is low in its column, light is high, white is missing."""
    data = kerasae.load_table(name)
    names, rows = [column.name for column in data.columns], data.train
    low, high = np.nanpercentile(rows, [2, 98], axis=0)
    scaled = (rows[:16] - low) / np.where(high > low, high - low, 1)
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.imshow(np.ma.masked_invalid(scaled), cmap="cividis", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7)
    axes.set_ylabel("16 rows", fontsize=8)
    axes.set_yticks([])
    return figure


def sheet(name: str) -> Figure:
    if name in EMBEDDED:
        return images(name)
    if name in VOLUMES:
        return volumes(name)
    if name in TABLES:
        return table(name)
    return {"melodies": melodies, "sounds": sounds}.get(name, lambda: waves(name))()


NAMES = tuple(
    name for name in (*EMBEDDED, *SEQUENCES, *TABLES, *VOLUMES) if name not in UNPUBLISHED
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="sets; all by default")
    for name in parser.parse_args().names or NAMES:
        path = DOCS / f"data_{name}.png"
        sheet(name).savefig(path, dpi=75 if name in COARSE else 110)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
