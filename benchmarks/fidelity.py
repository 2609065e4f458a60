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
import re
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
    generation,
    gpu,
    neighbours,
    photos,
    quantised,
    segmentation,
    shapes,
    stacked,
    transformers,
)

RESULT = Path(__file__).parent / "results" / "fidelity.json"
PAGE = Path(__file__).parents[1] / "docs" / "fidelity.md"
README = Path(__file__).parents[1] / "README.md"

FAMILIES = (
    applications,
    classics,
    codes,
    generation,
    neighbours,
    photos,
    quantised,
    segmentation,
    shapes,
    stacked,
    transformers,
)
ROWS: dict[str, Row] = dict(
    sorted(
        (item for family in FAMILIES for item in family.ROWS.items()),
        key=lambda item: int(item[1].title.partition(".")[0]),
    )
)

BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow"}
WORDS = {  # what a measurement is called where its name does not say it
    "pca": "PCA",
    "pca_32": "PCA with 32 components",
    "largest_angle_degrees": "largest angle between the subspaces in degrees",
    "k=10": "k = 10",
    "k=40": "k = 40",
    "elbo": "ELBO",
    "nll_1": "k = 1",
    "nll_5": "k = 5",
    "nll_50": "k = 50",
    "bm3d": "BM3D",
    "gain": "gain over BM3D",
    "noisy": "noisy photos in dB",
    "noisy_psnr": "noisy images in dB",
    "small_validation": "small net on validation photos",
    "deep_validation": "deep net on validation photos",
    "small_test": "small net on test photos",
    "deep_test": "deep net on test photos",
    "small_weights": "weights of the small net",
    "deep_weights": "weights of the deep net",
    "global": "global accuracy",
    "pooling_validation": "pooling masks on validation images",
    "concat_validation": "U-Net's maps on validation images",
    "pooling_test": "pooling masks on test images",
    "concat_test": "U-Net's maps on test images",
    "validation": "mIoU on validation images",
    "lowest_of_ten": "lowest of the ten digits",
    "error_not_divided": "error that is not divided",
    "norm_without": "norm without the penalty",
    "norm": "norm with it",
    "cross-entropy_without": "cross-entropy without it",
    "cross-entropy": "cross-entropy with it",
    "squared_error_without": "squared error without it",
    "squared_error": "squared error with it",
    "mean_fill": "filled with the mean",
    "denoising_spread": "range",
    "plain_error": "pretrained without noise",
    "plain_spread": "range",
    "none_error": "not pretrained",
    "none_spread": "range",
    "lowest_of_five": "lowest of the five splits",
    "pca_95": "residual of PCA with 95 % of the variance",
    "loss_beside_a_loop_by_hand": "largest relative difference of the loss from a loop by hand",
    "one_codebook": "error of one codebook",
    "four_levels": "error of four levels",
    "one_codebook_of_4096": "at 768 bits, one codebook of 4,096 entries",
    "two_levels_of_64": "two levels of 64",
    "probe_of_a_random_encoder": "probe of a random encoder in percent",
    "probe": "of the trained one",
    "from_scratch": "1,000 labels from scratch in percent",
    "scratch_spread": "range",
    "fine-tuned": "fine-tuned",
    "tuned_spread": "range",
    "notes_right": "notes right in percent",
    "notes_right_padded_with_rests": "notes right with rests for padding, in percent",
}


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


def published(row: Row, measured: dict) -> str:
    """The figures to compare with, those that were measured filled in."""
    return row.published.format_map(measured) if measured else re.sub(r"{.*?}", "?", row.published)


def asked(row: Row) -> tuple[str, str]:
    """What it takes to pass and to match."""
    sign = "≤" if row.better == "lower" else "≥"
    passes, matches = (
        "see protocol" if math.isinf(limit) else f"{sign}\u00a0{limit:g}"
        for limit in (row.passes, row.matches)
    )
    return passes, matches


def reached(row: Row, result: dict) -> str:
    return f"{number(result['measured']['figure'])} {row.unit}".rstrip()


def table(results: dict) -> str:
    """A line for each row: what was reached, what was asked for, and what others reach."""
    lines = [
        "| architecture | ours | verdict | to pass / to match | published or baseline |",
        "|---|---|---|---|---|",
    ]
    for name, row in ROWS.items():
        result = results.get(name, {})
        limits = " / ".join(dict.fromkeys(asked(row)))
        ours = f"{reached(row, result)} | {result['verdict']}" if result else "not run | "
        other = published(row, result.get("measured", {}))
        lines.append(f"| [{row.title}](#{name}) | {ours} | {limits} | {other} |")
    return "\n".join(lines)


def section(name: str, row: Row, result: dict) -> str:
    """All that is known of a row."""
    lines = [
        f"## {name}",
        "",
        f"{_capital(row.title.partition('. ')[2])}: `python benchmarks/fidelity.py {name}`",
        "",
        f"- **Protocol.** {_sentences(row.protocol)}",
    ]
    if result:
        lines.append(
            f"- **Ours.** {reached(row, result)}: {result['verdict']}. {result['seconds']:,.0f} s "
            f"on {result['machine']}, with {BACKENDS[result['backend']]}."
        )
        more = [
            f"{WORDS.get(key, key.replace('_', ' '))}: {number(value)}"
            for key, value in result["measured"].items()
            if key not in ("figure", "passes", "matches", "training_seconds")
        ]
        if more:
            lines.append(f"- **Also measured.** {_capital('; '.join(more))}.")
    if row.remark:
        lines.append(f"- **Remarks.** {_sentences(row.remark)}")
    return "\n".join(lines)


def _sentences(text: str) -> str:
    """Clauses that are parted by semicolons, outside of brackets, as sentences."""
    clauses = re.split(r"; (?![^(]*\))", text)
    return " ".join(f"{_capital(clause)}." for clause in clauses)


def _capital(text: str) -> str:
    """With a capital in front, unless it begins with a symbol."""
    return text[:1].upper() + text[1:] if re.match(r"(a|[a-z]{2,})\b(?! =)", text) else text


def summary(results: dict) -> str:
    """The rows that were run, in a line each, for the README."""
    lines = ["| architecture | published or baseline | ours | |", "|---|---|---:|---|"]
    for name, row in ROWS.items():
        if name in results:
            result = results[name]
            lines.append(
                f"| {row.title} | {published(row, result['measured'])} | {reached(row, result)} | "
                f"{result['verdict']} |"
            )
    return "\n".join(lines)


def write_pages(results: dict) -> None:
    """`docs/fidelity.md`, and the summary in the README."""
    sections = [section(name, row, results.get(name, {})) for name, row in ROWS.items()]
    text = (
        "# Fidelity\n\nWhat the literature reports, and what ours reaches. Each row is one "
        "command, `python benchmarks/fidelity.py NAME`; its name heads the section below that says "
        "what was done. Every choice was made on validation "
        "images; test images were looked at once, unless a row says otherwise. "
        "*Pass* is what a short run must reach, *match* "
        "what says that the architecture is the published one; where no published figure is "
        "comparable, both are marks of our own. A miss is shown as a miss. "
        '"(read)": found in the paper; "(from memory)": not verified; "(measured)": computed on '
        f"the data.\n\n{table(results)}\n\n"
    )
    PAGE.write_text(text + "\n\n".join(sections) + "\n")
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
