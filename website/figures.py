"""The figures of the front page, read from what the benchmarks wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["fill"]

MARK = "<!-- figures -->"


def fill(page: str, root: Path) -> str:
    """Put the figures where the mark is."""

    def result(name: str) -> Any:
        path = root / "benchmarks" / "results" / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8"))

    quickstart, fidelity, fuzz = result("quickstart"), result("fidelity"), result("fuzz")
    photos = quickstart["data"]["photos"]
    files = {entry["codec"]: entry for entry in photos["files"]}
    parity = photos["measurements"]["parity"]
    digits = {entry["codec"]: entry for entry in quickstart["data"]["mnist"]["together"]}
    ours, webp = digits["kerasae"], digits["WebP"]
    missed = sum(row["verdict"] == "missed" for row in fidelity.values())
    crashes = sum(target["crashes"] for target in fuzz["targets"].values())
    size = sum(photos["measurements"]["bytes"].values())
    cards = [
        (
            f"{ours['bytes'] / ours['images']:.1f} B",
            f"for a digit of MNIST at {ours['psnr']:.1f} dB, {ours['images']:,} in one stream; "
            f"WebP {webp['bytes'] / webp['images']:.1f} B at {webp['psnr']:.1f} dB",
            "docs/compression.md",
        ),
        (
            f"{parity['psnr_keras'] - parity['psnr_tflite']:.2f} dB",
            f"is what int8 costs on photographs; encoder and decoder together have "
            f"{size / 1000:.0f} kB",
            "docs/schemes.md",
        ),
        (
            f"{len(fidelity) - missed} of {len(fidelity)}",
            "comparisons with the literature or a baseline come out as they should",
            "docs/fidelity.md",
        ),
        (
            f"{fuzz['inputs']:,}",
            f"damaged files and bundles were read, with {crashes} crashes",
            "docs/fuzz.md",
        ),
    ]
    lines = ['<div class="figures" markdown>', ""]
    for figure, text, link in cards:
        lines += [f"- __[{figure}]({link})__ {text}", ""]
    lines += [
        "</div>",
        "",
        f"On photographs a general codec is better: the cat above takes {files['WebP']['bytes']:,} "
        f"bytes in WebP, {files['kerasae']['bytes']:,} with kerasae. A codec of your own pays "
        f"where images are small or all of one kind. Machine: {quickstart['machine']}. "
        "[Compression](docs/compression.md) has every comparison, those that are lost included.",
    ]
    return page.replace(MARK, "\n".join(lines))
