"""How soon a receiver has its first image: a fresh environment, without TensorFlow.

    python benchmarks/receiver.py                     # trains a tiny bundle for it
    python benchmarks/receiver.py --bundle FOLDER     # or takes one

Makes a virtual environment, installs `./export` and nothing else, and starts each command as a
process of its own, all of them in turn, so that other work on the machine meets all alike. The
median counts. Writes results/receiver.json and docs/receiver.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tiny import make_bundles

HERE = Path(__file__).parent
ROUNDS = 15
LIMIT = 0.6  # seconds
BARE = "import numpy, ai_edge_litert"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
"""What is measured is what was installed, not this checkout."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kerasae-receiver-") as name:
        folder = Path(name)
        if options.bundle is None:
            make_bundles(folder)
            options.bundle = folder / "grid"
        result = measure(folder, options.bundle.resolve(), options.rounds)
    (HERE / "results" / "receiver.json").write_text(json.dumps(result, indent=1) + "\n")
    text = report(result)
    (HERE.parent / "docs" / "receiver.md").write_text(text, encoding="utf-8")
    print(text)
    slowest = max(row["median"] for row in result["commands"].values())
    sys.exit(0 if slowest < LIMIT else 1)


def measure(folder: Path, bundle: Path, rounds: int) -> dict[str, Any]:
    binaries = install(folder / "venv")
    python, kae = str(binaries / "python"), str(binaries / "kae")
    golden, out = bundle / "golden", str(folder / "out")
    commands = {
        "python -c pass": [python, "-c", "pass"],
        BARE: [python, "-c", BARE],
        "import kerasae_export.cli": [python, "-c", "import kerasae_export.cli"],
        "kae --help": [kae, "--help"],
    }
    for verb, file in (("compress", golden / "image.png"), ("decompress", golden / "image.kae")):
        commands[f"kae {verb}"] = [kae, verb, str(file), "--bundle", str(bundle), "--out", out]
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            shutil.rmtree(out, ignore_errors=True)
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT)
            times[name].append(time.perf_counter() - start)
    bare = statistics.median(times[BARE])
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
        "rounds": rounds,
        "packages": packages(python),
        "bundle_bytes": sum(f.stat().st_size for f in bundle.rglob("*") if f.is_file()),
        "environment_bytes": sum(
            f.stat().st_size for f in (folder / "venv").rglob("*") if f.is_file()
        ),
        "commands": {
            name: {
                "median": round(statistics.median(found), 4),
                "least": round(min(found), 4),
                "most": round(max(found), 4),
                "ratio": round(statistics.median(found) / bare, 2),
            }
            for name, found in times.items()
        },
    }


def install(environment: Path) -> Path:
    """A fresh environment that holds `./export` and what it needs; returns its binaries."""
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run(
        [str(binaries / "pip"), "install", "--quiet", str(HERE.parent / "export")], check=True
    )
    return binaries


def packages(python: str) -> list[str]:
    command = [python, "-m", "pip", "list", "--format", "json"]
    listed = json.loads(
        subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT).stdout
    )
    return sorted(p["name"] for p in listed if p["name"] not in ("pip", "setuptools"))


def report(result: dict[str, Any]) -> str:
    lines = [
        "# Start-up of a receiver",
        "",
        "How long the commands of a receiver take, from their start to their end, and what of that "
        "the imports are. Each is a process of its own; the figures are the median, the least and "
        f"the most of {result['rounds']} runs on {result['machine']}. The load of the machine was "
        f"{result['load']}, so the ratios say more than the seconds.",
        "",
        "A fresh virtual environment with `pip install ./export` and nothing else: "
        f"{', '.join(result['packages'])}; {result['environment_bytes'] / 2**20:.0f} MB. "
        f"The bundle has {result['bundle_bytes']:,} bytes. `python benchmarks/receiver.py` makes "
        "this page.",
        "",
        "| process | median, s | least | most | times the bare imports |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, row in result["commands"].items():
        lines.append(
            f"| `{name}` | {row['median']:.3f} | {row['least']:.3f} | {row['most']:.3f} "
            f"| {row['ratio']:.2f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
