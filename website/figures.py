"""The figures of the front page, read from what the benchmarks wrote."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from kerasae.builders import BUILDERS

__all__ = ["fill"]

_DIGIT = """<figure class="journey">
<div>
<img src="assets/digit.png" alt="A handwritten {label}, {pixels} pixels" width="28" height="28">
<span>{pixels} bytes</span>
</div>
<div class="half"><b>encoder.tflite</b><span>{encoder:.0f} kB, int8</span></div>
<div class="file"><code>{file}</code><span>{bytes} bytes, the whole file</span></div>
<div class="half"><b>decoder.tflite</b><span>{decoder:.0f} kB, int8</span></div>
<div>
<img src="assets/digit-rebuilt.png" alt="The {label} again, a little softer" width="28" height="28">
<span>{psnr:.1f} dB</span>
</div>
<figcaption>A digit that training has not seen, and its file, byte by byte: {pixels} bytes become
{bytes}, {gain:.0f} times fewer. As PNG it has {png}. {images} such files have {mean:.1f} bytes on
average, at {psnr_of_all:.1f} dB. The model is the larger one of
<a href="docs/compression.html">Compression</a>; those of the figures below are others.</figcaption>
</figure>"""


def fill(page: str, root: Path, chapters: int) -> str:
    """Put each figure where its mark is."""

    def result(name: str) -> Any:
        path = root / "benchmarks" / "results" / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8"))

    quickstart, fidelity, fuzz = result("quickstart"), result("fidelity"), result("fuzz")
    photos = quickstart["data"]["photos"]
    files = {entry["codec"]: entry for entry in photos["files"]}
    parity = photos["measurements"]["parity"]
    digits = {entry["codec"]: entry for entry in quickstart["data"]["mnist"]["together"]}
    ours, webp = digits["kerasae"], digits["WebP"]
    verdicts = Counter(row["verdict"] for row in fidelity.values())
    crashes = sum(target["crashes"] for target in fuzz["targets"].values())
    size = sum(photos["measurements"]["bytes"].values())
    measured = "manual.md#what-was-measured"
    cards = [
        (
            f"{ours['bytes'] / ours['images']:.1f} B",
            f"for a digit of MNIST at {ours['psnr']:.1f} dB, {ours['images']:,} in one stream, by "
            f"the model of the quickstart; WebP {webp['bytes'] / webp['images']:.1f} B at "
            f"{webp['psnr']:.1f} dB, its coarsest setting that is as good",
            measured,
        ),
        (
            f"{parity['psnr_keras'] - parity['psnr_tflite']:.2f} dB",
            f"is what int8 costs the quickstart's model of photographs, whose encoder and decoder "
            f"have {size / 1000:.0f} kB together",
            measured,
        ),
        (
            f"{verdicts['match']} of {len(fidelity)}",
            "comparisons with the literature or a baseline match; "
            f"{verdicts['pass']} pass a lower mark, {verdicts['missed'] or 'none'} missed",
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
        f"On photographs a general codec is better: the cat below takes {files['WebP']['bytes']:,} "
        f"bytes in WebP, {files['kerasae']['bytes']:,} with kerasae. A codec of your own pays "
        f"where images are small or all of one kind. Machine: {quickstart['machine']}. "
        f"The [manual]({measured}) has these comparisons, [Compression](docs/compression.md) those "
        "of digits with more codecs, and where ours loses.",
    ]
    marks = {
        "digit": _digit(result("one_digit")),
        "architectures": str(len(BUILDERS)),
        "chapters": str(chapters),
        "figures": "\n".join(lines),
    }
    for mark, text in marks.items():
        page = page.replace(f"<!-- {mark} -->", text)
    return page


def _digit(result: dict[str, Any]) -> str:
    data = bytes.fromhex(result["file"])
    return _DIGIT.format(
        **result,
        encoder=result["model_bytes"]["encoder"] / 1000,
        decoder=result["model_bytes"]["decoder"] / 1000,
        bytes=len(data),
        png=result["png_bytes"],
        mean=result["mean_bytes"],
        gain=result["pixels"] / len(data),
    ).replace(result["file"], data.hex(" "))
