"""How long the chapters take: each from start to end, one at a time.

    python benchmarks/chapters.py fast           # on embedded data, then the solutions
    python benchmarks/chapters.py full 11 12     # on real data; set TFDS_DATA_DIR without a network

A run starts a kernel of its own in an empty folder; imports count. Writes results/chapters.json and
the time and size of what was run into notebooks/README.md. `--cells` prints the slowest cells, too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))
from test_notebooks import CHAPTERS, script_of, solutions  # noqa: E402

RESULTS = HERE / "results" / "chapters.json"
TABLE = HERE.parent / "notebooks" / "README.md"
COLUMNS = {"full": -4, "fast": -3}  # counted from the end of a line of the table
SIZE = -2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=COLUMNS)
    parser.add_argument("chapters", nargs="*", help="their numbers; all by default")
    parser.add_argument("--cells", type=int, default=0, help="how many of the slowest to print")
    options = parser.parse_args()
    os.environ["KERASAE_FAST"] = "1" if options.mode == "fast" else ""
    chosen = [c for c in CHAPTERS if not options.chapters or c[:2] in options.chapters]
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for chapter in chosen:
        result = measure(chapter, options.mode, options.cells)
        results.setdefault(chapter, {})[options.mode] = result
        print(f"{chapter}: {result}", flush=True)
        RESULTS.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n")
        write(chapter, options.mode, result["seconds"])
    seconds = [results[chapter][options.mode]["seconds"] for chapter in chosen]
    print(
        f"{len(seconds)} chapters, {sum(seconds) / len(seconds):.1f} s on average, "
        f"{max(seconds):.1f} s at most"
    )


def measure(chapter: str, mode: str, slowest: int) -> dict[str, Any]:
    """Seconds of the chapter and, in fast mode, of the solutions after it."""
    notebook = script_of(chapter)
    last = len(notebook.cells)
    if mode == "fast":
        notebook.cells += [nbformat.v4.new_code_cell(code) for code in solutions(notebook)]
    load = os.getloadavg()[0]
    before, clock = cpu_seconds(), time.time()
    with tempfile.TemporaryDirectory(prefix="kerasae-chapter-") as folder:
        NotebookClient(
            notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": folder}}
        ).execute()
    whole = time.time() - clock
    spans = [span(cell) for cell in notebook.cells]
    for length, cell in sorted(zip(spans, notebook.cells, strict=True), key=lambda s: -s[0])[
        :slowest
    ]:
        print(f"  {length:6.1f} s  {cell.source.strip().splitlines()[0]}", flush=True)
    result = {"seconds": round(whole - sum(spans[last:]), 1)}
    if mode == "fast":
        result["with_solutions"] = round(whole, 1)
    return {
        **result,
        "cpu_seconds": round(cpu_seconds() - before, 1),
        "load_before": round(load, 1),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }


def span(cell: nbformat.NotebookNode) -> float:
    """Seconds from a cell's start to its reply."""
    marks = cell.metadata.get("execution", {})
    try:
        start, end = marks["iopub.execute_input"], marks["shell.execute_reply"]
    except KeyError:
        return 0.0
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def cpu_seconds() -> float:
    """Of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write(chapter: str, mode: str, seconds: float) -> None:
    """Put the seconds and the notebook's size into the chapter's line of the table."""
    size = (TABLE.parent / f"{chapter}.ipynb").stat().st_size
    lines = TABLE.read_text(encoding="utf-8").splitlines(keepends=True)
    for index, line in enumerate(lines):
        if re.search(rf"\]\({chapter}\.ipynb\)", line):
            parts = line.split("|")
            parts[COLUMNS[mode]] = f" {seconds:.0f} s "
            parts[SIZE] = f" {size / 1e6:.1f} MB "
            lines[index] = "|".join(parts)
            break
    TABLE.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
