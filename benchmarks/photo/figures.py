"""The tables and the plot of docs/photo_codec.md, of what `photo_codec.py report` found."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt

TITLES = {
    "bsds": "The test part of BSDS500, 481 x 321",
    "large": "Large photographs, up to 1280 x 960",
}
COLOURS = {
    "kerasae": "#0f766e",
    "kerasae, effort 0": "#7fbab3",
    "JPEG": "#8a8f98",
    "WebP": "#b45309",
    "AVIF": "#1d4ed8",
    "AVIF 4:4:4": "#7c9ce8",
    "AVIF slowest": "#172f7a",
    "JPEG 2000": "#a3a05c",
}
COLUMNS = (
    "codec",
    "photographs",
    "BD-rate, PSNR",
    "BD-rate, MS-SSIM",
    "encode, MP/s",
    "decode, MP/s",
)
DRAWN = ("JPEG 2000", "JPEG", "WebP", "AVIF", "kerasae")


def write_tables(page: Path, sets: dict[str, dict]) -> None:
    """Put a table of each set between its marks in a page."""
    text = page.read_text(encoding="utf-8")
    for which, found in sets.items():
        lines = [f"| {' | '.join(COLUMNS)} |", "|---|" + "--:|" * (len(COLUMNS) - 1)]
        for name, own in sorted(found.items(), key=lambda item: item[1]["bd_rate_psnr"]):
            encode, decode = (1 / max(p[part] for p in own["curve"]) for part in (3, 4))
            lines.append(
                f"| {name} | {own['photographs']} | {own['bd_rate_psnr']:.1f} % | "
                f"{own['bd_rate_ms_ssim']:.1f} % | {encode:.2f} | {decode:.2f} |"
            )
        marks = (f"<!-- {which} -->", f"<!-- /{which} -->")
        text = re.sub(
            f"{marks[0]}.*?{marks[1]}",
            "\n".join([marks[0], *lines, marks[1]]),
            text,
            flags=re.DOTALL,
        )
    page.write_text(text, encoding="utf-8")


def draw(path: Path, sets: dict[str, dict]) -> None:
    """Rate against PSNR, one panel a set."""
    figure, panels = plt.subplots(1, len(sets), figsize=(9.5, 4.2), layout="constrained")
    for axes, (which, found) in zip(panels, sets.items(), strict=True):
        whole = found["JPEG"]["photographs"]
        for name in DRAWN:
            if name in found and found[name]["photographs"] == whole:  # others are not comparable
                rate, psnr = zip(*(p[:2] for p in found[name]["curve"]), strict=True)
                wide = 2.4 if name == "kerasae" else 1.5
                axes.plot(rate, psnr, "o-", color=COLOURS[name], lw=wide, ms=3, label=name)
        axes.set(xscale="log", xlim=(0.05, 1.6), xlabel="bits a pixel", title=TITLES[which])
        shown = [y for line in axes.lines for x, y in line.get_xydata() if 0.05 <= x <= 1.6]
        axes.set_ylim(min(shown) - 0.5, max(shown) + 0.5)
        axes.set_xticks([0.05, 0.1, 0.2, 0.5, 1, 1.5], ["0.05", "0.1", "0.2", "0.5", "1", "1.5"])
        axes.minorticks_off()
        axes.grid(color="#e5e7eb")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("PSNR, dB")
    panels[0].legend(frameon=False, reverse=True)
    figure.savefig(path, dpi=110)
