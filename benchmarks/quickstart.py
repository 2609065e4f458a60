"""The figures of the README: what `kerasae quickstart` measures, and what starting up costs.

    python benchmarks/quickstart.py photos digits mnist

Runs the command for each of the named data sets, reads its `report.json`, checks the stream of
all test images against the ideal length of its tables, and writes `results/quickstart.json`,
from which the README's section is written; `--table` does only that. MNIST comes through
TensorFlow Datasets.
"""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import kerasae
from kerasae_export import Codec
from kerasae_export.evaluation.quality import pooled_psnr

RESULT = Path(__file__).parent / "results" / "quickstart.json"
README = Path(__file__).parents[1] / "README.md"
MARKS = ("<!-- figures -->", "<!-- /figures -->")
BIN = Path(sys.executable).parent


def measure(data: str) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "quickstart"
        start = time.perf_counter()
        subprocess.run([BIN / "kerasae", "quickstart", "--data", data, "--out", out], check=True)
        seconds = time.perf_counter() - start
        report = json.loads((out / "report.json").read_text())
        result = {"seconds_in_all": round(seconds, 1), **report}
        if report["together"]:
            codec = Codec.load(out / "bundle")
            images = np.floor(kerasae.load_images(data).test * 255 + 0.5).astype(np.uint8)
            symbols = np.concatenate([codec.encode(image) for image in images])
            ideal = codec.manifest.codec.best.coder.bits(symbols).sum() / 8
            stream = (out / "test.kae").read_bytes()
            result["stream"] = {
                "images": len(images),
                "bytes": len(stream),
                "ideal_bytes": round(float(ideal), 1),
                "ratio": round(len(stream) / float(ideal), 5),
            }
            result["webp_lowest"] = webp_lowest(images[: report["files"][0]["images"]])
        return result


def webp_lowest(images: np.ndarray) -> dict[str, float]:
    """One file each at WebP's lowest quality, which is below ours: the other side of the match."""
    files, decoded = [], []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image.squeeze()).save(buffer, "WebP", quality=0, method=6)
        files.append(len(buffer.getvalue()))
        decoded.append(np.asarray(Image.open(buffer).convert("L"))[..., None])
    psnr = pooled_psnr(images / 255, np.stack(decoded) / 255)
    return {"bytes_per_image": round(float(np.mean(files)), 2), "psnr": round(psnr, 2)}


def startup() -> dict[str, float]:
    """Best of five, in seconds."""
    commands = {
        "import kerasae": [sys.executable, "-c", "import kerasae"],
        "kerasae --help": [BIN / "kerasae", "--help"],
        "kae --help": [BIN / "kae", "--help"],
    }
    result = {}
    for name, command in commands.items():
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
        result[name] = round(min(times), 3)
    return result


def table(results: dict) -> str:
    """The README's section, in Markdown."""
    lines = [
        "| held-out images | PNG | JPEG | WebP | kerasae |",
        "|---|---:|---:|---:|---:|",
    ]
    for data, result in results["data"].items():
        for kind, how in (("files", "one file each"), ("together", "all at once")):
            if not result[kind]:
                continue
            cells = []
            for entry in result[kind][1:]:
                quality = "exact" if entry["psnr"] is None else f"{entry['psnr']:.1f} dB"
                decimals = 0 if entry["images"] == 1 else 1
                cells.append(f"{entry['bytes'] / entry['images']:,.{decimals}f} B, {quality}")
            count = result[kind][0]["images"]
            lines.append(f"| {data}: {count:,}, {how} | {' | '.join(cells)} |")
    head = ("int8 bundle", "images", "Keras", "TF Lite", "with the code rounded", "files")
    lines += ["", f"| {' | '.join(head)} | whole run |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    for data, result in results["data"].items():
        parity, sizes = result["measurements"]["parity"], result["measurements"]["bytes"]
        lines.append(
            f"| {data} | {parity['images']} | {parity['psnr_keras']:.2f} dB | "
            f"{parity['psnr_tflite']:.2f} dB | "
            f"{parity['psnr_codec']:.2f} dB | {sizes['encoder']:,} + {sizes['decoder']:,} B | "
            f"{result['seconds_in_all']:.0f} s |"
        )
    streams = {k: v["stream"] for k, v in results["data"].items() if "stream" in v}
    for data, stream in streams.items():
        lines += [
            "",
            f"All {stream['images']:,} test images of {data} make one stream of "
            f"{stream['bytes']:,} bytes, {stream['ratio'] - 1:.1%} above the ideal length of its "
            "tables.",
        ]
    for data, result in results["data"].items():
        if "webp_lowest" in result:
            lowest = result["webp_lowest"]
            lines += [
                "",
                f"WebP at its lowest quality needs {lowest['bytes_per_image']:.1f} bytes for an "
                f"image of {data}, at {lowest['psnr']:.1f} dB.",
            ]
    startup = ", ".join(f"`{k}` {v:.2f} s" for k, v in results["startup_seconds"].items())
    lines += ["", f"Starting up: {startup}. Machine: {results['machine']}."]
    return "\n".join(lines)


def write_table() -> None:
    """Put the section into the README, between its marks."""
    before, rest = README.read_text(encoding="utf-8").split(MARKS[0])
    section = table(json.loads(RESULT.read_text(encoding="utf-8")))
    after = rest.split(MARKS[1])[1]
    README.write_text(f"{before}{MARKS[0]}\n{section}\n{MARKS[1]}{after}", encoding="utf-8")


def main() -> None:
    arguments = sys.argv[1:]
    if arguments != ["--table"]:
        results = {
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
            "startup_seconds": startup(),
            "data": {data: measure(data) for data in arguments or ["photos", "digits"]},
        }
        RESULT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_table()


if __name__ == "__main__":
    main()
