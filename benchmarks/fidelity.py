"""Are the architectures right? Figures from the literature, reached by training.

    python benchmarks/fidelity.py linear deep denoising     # or fewer, or none for all
    python benchmarks/fidelity.py --table       # write docs/fidelity.md and the README's summary

Needs the data sets of its rows through TensorFlow Datasets (offline: set TFDS_DATA_DIR). Every
row trains with a fixed seed, keeps the epoch that is best on validation images, and looks at the
test images once. Results go to `results/fidelity.json`, row by row. Rows that take long are
trained in `benchmarks/runs`, where a run that was cut off goes on. `vae` and `iwae` are several
times faster with `KERAS_BACKEND=jax`.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from rows import (
    SEED,
    Row,
    applications,
    classics,
    codes,
    gpu,
    neighbours,
    photos,
    segmentation,
    stacked,
)

RESULT = Path(__file__).parent / "results" / "fidelity.json"
PAGE = Path(__file__).parents[1] / "docs" / "fidelity.md"
README = Path(__file__).parents[1] / "README.md"

FAMILIES = (applications, classics, codes, neighbours, photos, segmentation, stacked)
ROWS: dict[str, Row] = dict(
    sorted(
        (item for family in FAMILIES for item in family.ROWS.items()),
        key=lambda item: int(item[1].title.partition(".")[0]),
    )
)


def judge(row: Row, result: dict) -> str:
    """`match`, `pass` or `missed`."""
    sign = 1 if row.better == "higher" else -1
    matches, passes = (sign * result["figure"] >= sign * x for x in (row.matches, row.passes))
    if not (passes and result.get("passes", True)):
        return "missed"
    return "match" if matches and result.get("matches", True) else "pass"


def number(value: float) -> str:
    """Two decimals, or three digits of what is below 1."""
    return f"{value:.3g}" if abs(value) < 1 else f"{value:,.2f}".removesuffix(".00")


def table(results: dict) -> str:
    """All rows, with everything that was measured."""
    lines = [
        "| architecture | protocol | published or baseline | asked: pass / match | ours | | time |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in ROWS.items():
        sign = "<=" if row.better == "lower" else ">="
        asked = " / ".join(
            "see protocol" if math.isinf(limit) else f"{sign} {limit:g}"
            for limit in (row.passes, row.matches)
        )
        ours = "not run | | "
        if name in results:
            result = results[name]
            more = [
                f"{key.replace('_', ' ')} {number(value)}"
                for key, value in result["measured"].items()
                if key not in ("figure", "passes", "matches", "training_seconds")
            ]
            text = f"{number(result['measured']['figure'])} {row.unit}"
            text += f" ({', '.join(more)})" if more else ""
            text += f"; {row.remark}" if row.remark else ""
            ours = (
                f"{text} | {result['verdict']} | {result['seconds']:,.0f} s, "
                f"{result['machine']}, {result['backend']}"
            )
        lines.append(f"| {row.title} | {row.protocol} | {row.published} | {asked} | {ours} |")
    return "\n".join(lines)


def summary(results: dict) -> str:
    """The rows that were run, in a line each, for the README."""
    lines = ["| architecture | published or baseline | ours | |", "|---|---|---:|---|"]
    for name, row in ROWS.items():
        if name in results:
            ours = f"{number(results[name]['measured']['figure'])} {row.unit}".rstrip()
            verdict = results[name]["verdict"]
            lines.append(f"| {row.title} | {row.published} | {ours} | {verdict} |")
    return "\n".join(lines)


def write_pages(results: dict) -> None:
    """`docs/fidelity.md`, and the summary in the README."""
    PAGE.write_text(
        "# Fidelity\n\nWhat the literature reports, and what ours reaches. Each row is one "
        "command: `python benchmarks/fidelity.py NAME`. Every choice was made on validation "
        "images; test images were looked at once, unless a row says otherwise. "
        "*Pass* is what a short run must reach, *match* "
        "what says that the architecture is the published one; a miss is shown as a miss. "
        '"(read)": found in the paper; "(from memory)": not verified; "(measured)": computed on '
        f"the data.\n\nNames: {', '.join(f'`{name}`' for name in ROWS)}.\n\n{table(results)}\n"
    )
    before, mark, rest = README.read_text().partition("<!-- fidelity -->\n")
    after = rest[rest.index("<!-- /fidelity -->") :]
    README.write_text(f"{before}{mark}{summary(results)}\n{after}")


def results_so_far() -> dict:
    return json.loads(RESULT.read_text()) if RESULT.exists() else {}


def main() -> None:
    names = sys.argv[1:] or list(ROWS)
    if names == ["--table"]:
        write_pages(results_so_far())
        return
    unknown = sorted(set(names) - set(ROWS))
    if unknown:
        sys.exit(f"rows must be among {', '.join(ROWS)}. Received: {', '.join(unknown)}")
    for name in names:
        start = time.perf_counter()
        measured = ROWS[name].run()
        result = {
            "measured": measured,
            "verdict": judge(ROWS[name], measured),
            # What a run folder holds may have been trained earlier.
            "seconds": round(
                max(time.perf_counter() - start, measured.get("training_seconds", 0.0)), 1
            ),
            "backend": keras.backend.backend(),
            "machine": gpu() or f"{os.cpu_count()} cores, {platform.machine()}",
            "seed": SEED,
        }
        print(name, result)
        # Read again: another row may have been written meanwhile.
        RESULT.write_text(json.dumps({**results_so_far(), name: result}, indent=1) + "\n")


if __name__ == "__main__":
    main()
