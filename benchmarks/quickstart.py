"""The figures of the README: what `kerasae quickstart` measures, and what starting up costs.

    python benchmarks/quickstart.py photos digits mnist

Runs the command for each of the named data sets, reads its `report.json`, checks the stream of
all test images against the ideal length of its tables, and writes `results/quickstart.json`,
from which `--table` prints the README's table. MNIST comes through TensorFlow Datasets.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import kerasae
from kerasae_export import Codec

RESULT = Path(__file__).parent / "results" / "quickstart.json"
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
            ideal = codec.manifest.codec.coder.bits(symbols).sum() / 8
            stream = (out / "test.kae").read_bytes()
            result["stream"] = {
                "images": len(images),
                "bytes": len(stream),
                "ideal_bytes": round(float(ideal), 1),
                "ratio": round(len(stream) / float(ideal), 5),
            }
        return result


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
    lines = [
        "| held-out images | codec | bytes an image | seconds at 9,600 bit/s | PSNR dB | SSIM |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for data, result in results["data"].items():
        for kind, name in (("files", "one file each"), ("together", "all at once")):
            entries = result[kind]
            for entry in entries:
                per_image = entry["bytes"] / entry["images"]
                lossless = entry["psnr"] is None
                head = f"{data}: {entry['images']:,}, {name}" if entry is entries[0] else ""
                quality = "exact | 1" if lossless else f"{entry['psnr']:.2f} | {entry['ssim']:.3f}"
                name_ = f"**{entry['codec']}**" if entry["codec"] == "kerasae" else entry["codec"]
                lines.append(
                    f"| {head} | {name_} | {per_image:,.1f} | "
                    f"{8 * per_image / 9600:,.3f} | {quality} |"
                )
    return "\n".join(lines)


def main() -> None:
    arguments = sys.argv[1:]
    if arguments == ["--table"]:
        print(table(json.loads(RESULT.read_text())))
        return
    results = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "startup_seconds": startup(),
        "data": {data: measure(data) for data in arguments or ["photos", "digits"]},
    }
    RESULT.write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
