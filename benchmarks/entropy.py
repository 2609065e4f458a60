"""How fast the entropy coder is, and how near to the ideal length, beside `constriction`.

    pip install constriction
    python benchmarks/entropy.py
    python benchmarks/entropy.py --table    # write the table of docs/codec.md from the results

Symbols are discretised Laplacians of sixteen channels, as codes are, from a small image's number
to a large one's. Both coders use the same table for each channel; `constriction` codes channel by
channel, as its Python interface takes one model for many symbols, and is given its models
ready-made. Single thread; runs alternate between the coders and the best of each counts, since
other work on the machine only ever slows a run down. `entropy` is the information content under
the tables, which no coder beats. Node runs `export/ports/js/entropy.js` on the same symbols.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kerasae_export.bundling.fitting import fit_classes, fit_tables
from kerasae_export.format.entropy import TOTAL, Tables, cheapest_class
from kerasae_export.format.rans import lane_count

RESULT = Path(__file__).parent / "results" / "entropy.json"
PAGE = Path(__file__).parents[1] / "docs" / "codec.md"
MARKS = ("<!-- speed -->", "<!-- /speed -->")
SCRIPT = Path(__file__).with_suffix(".mjs")
CHANNELS = 16
SIZES = (2**12, 2**16, 2**18, 2**20, 2**22, 2**24)
ROUNDS = 7


def main() -> None:
    if sys.argv[1:] == ["--table"]:
        write_table()
        return
    rows = []
    for size in SIZES:
        row = measure(size)
        rows.append(row)
        print(json.dumps(row))
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "constriction": constriction_version(),
        "unit": "millions of symbols a second, best of the runs",
        "channels": CHANNELS,
        "rows": rows,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    write_table()


def write_table() -> None:
    """Put the table into the page, between its marks."""
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    section = table(json.loads(RESULT.read_text(encoding="utf-8")))
    PAGE.write_text(f"{before}{MARKS[0]}\n{section}\n{MARKS[1]}{after}", encoding="utf-8")


def table(result: dict[str, Any]) -> str:
    """Speeds to encode and to decode, and what the code is longer than its ideal."""
    lines = [
        "| symbols | lanes | Python | JavaScript | `constriction` | above entropy |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for row in result["rows"]:
        cells = [
            " / ".join(_speed(row["speed"].get(f"{coder}{way}")) for way in ("encode", "decode"))
            for coder in ("", "javascript_", "constriction_")
        ]
        longer = row["bytes"] / row["entropy_bytes"] - 1
        lines.append(
            f"| {row['symbols']:,} | {row['lanes']:,} | {' | '.join(cells)} | {longer:.2%} |"
        )
    return "\n".join(lines).replace("%", " %")


def _speed(value: float | None) -> str:
    if value is None:
        return "not run"
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def measure(size: int) -> dict[str, Any]:
    rng = np.random.default_rng(size)
    scale = np.linspace(0.3, 4, CHANNELS)
    symbols = np.round(rng.laplace(size=(size // CHANNELS, CHANNELS)) * scale).astype(np.int32)
    tables = fit_tables(symbols)
    data = tables.encode(symbols)
    assert np.array_equal(tables.decode(data, len(symbols)), symbols)
    theirs = Constriction(tables, symbols)
    jobs = {
        "encode": lambda: tables.encode(symbols),
        "decode": lambda: tables.decode(data, len(symbols)),
        "constriction_encode": theirs.encode,
        "constriction_decode": theirs.decode,
    }
    if size >= 2**16:
        jobs["choose_classes"] = classes_job(symbols)
    rounds = max(2, min(ROUNDS, 2**24 // size))
    speeds = {name: size / seconds / 1e6 for name, seconds in fastest(jobs, rounds).items()}
    speeds |= in_node(tables, symbols, rounds)
    return {
        "symbols": size,
        "lanes": lane_count(size),
        "bytes": len(data),
        "constriction_bytes": theirs.bytes,
        "entropy_bytes": round(float(tables.bits(symbols).sum()) / 8, 1),
        "speed": {name: round(value, 2) for name, value in speeds.items()},
        "ratio_to_constriction": {
            name: round(speeds[name] / speeds[f"constriction_{name}"], 2)
            for name in ("encode", "decode")
        },
    }


def fastest(jobs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds of each job's best run, in turns."""
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def classes_job(symbols: np.ndarray) -> Callable[[], Any]:
    """What a grid's encoder does beside: eight classes of content, a choice for each 4 x 4."""
    group = np.repeat(np.arange(len(symbols) // 16), 16)
    busy = np.random.default_rng(0).choice([1, 2, 4, 8], len(symbols) // 16)  # times as wide
    whole = symbols[: len(group)] * busy[group, None]
    tables = fit_classes(whole[:16000].reshape(-1, 16, CHANNELS), 8)
    assert tables.classes > 3
    return lambda: cheapest_class(tables, whole, group)


class Constriction:
    """Range coding by `constriction` with the same tables, channel by channel."""

    def __init__(self, tables: Tables, symbols: np.ndarray) -> None:
        import constriction

        self.stream = constriction.stream
        model = constriction.stream.model.Categorical
        self.models, self.columns = [], []
        for table, column in zip(tables.tables, symbols.T, strict=True):
            share = np.array(table.frequencies, np.float32) / TOTAL
            self.models.append(model(share, perfect=False))
            relative = column - table.offset
            # Its models have no escapes: the very rare outlier takes the escape's own entry.
            outside = (relative < 0) | (relative >= len(share))
            relative = np.where(outside, len(share) - 1, relative)
            self.columns.append(np.ascontiguousarray(relative.astype(np.int32)))
        self.words = self.encode()
        self.bytes = 4 * len(self.words)
        for decoded, column in zip(self.decode(), self.columns, strict=True):
            assert np.array_equal(decoded, column)

    def encode(self) -> np.ndarray:
        """All channels."""
        encoder = self.stream.queue.RangeEncoder()
        for column, model in zip(self.columns, self.models, strict=True):
            encoder.encode(column, model)
        return encoder.get_compressed()

    def decode(self) -> list[np.ndarray]:
        """All channels."""
        decoder = self.stream.queue.RangeDecoder(self.words)
        return [
            decoder.decode(model, len(column))
            for column, model in zip(self.columns, self.models, strict=True)
        ]


def in_node(tables: Tables, symbols: np.ndarray, rounds: int) -> dict[str, float]:
    """The same by the JavaScript coder."""
    node = shutil.which("node")
    if node is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tables.json"
        content = [{"offset": t.offset, "frequencies": t.frequencies} for t in tables.tables]
        file.write_text(json.dumps({"tables": content, "rounds": rounds}))
        symbols.astype("<i4").tofile(Path(folder) / "symbols.bin")
        output = subprocess.run(
            [node, str(SCRIPT), folder], capture_output=True, text=True, check=True
        )
    seconds = json.loads(output.stdout)
    return {f"javascript_{name}": symbols.size / value / 1e6 for name, value in seconds.items()}


def constriction_version() -> str:
    from importlib.metadata import version

    return version("constriction")


if __name__ == "__main__":
    main()
