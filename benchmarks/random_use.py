"""Call the public functions with random arguments, valid and invalid, and see what comes of it.

    python benchmarks/random_use.py                          # an hour
    python benchmarks/random_use.py --minutes 5 --seed 3
    python benchmarks/random_use.py --only kerasae.evaluation.psnr --minutes 1
    python benchmarks/random_use.py --again kerasae.evaluation.psnr 17    # a batch again

Every second call has valid arguments only, in all forms in which they may come; in the others
an argument of three may be anything. A finding is an exception that the docstring does not name, a
message that names no argument, a warning of another library, a result that is not finite, and
valid arguments that are refused. All functions get the same time. Writes
results/random_use.json.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import re
import sys
import tempfile
import time
import types
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib as mpl
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisDeprecationWarning

mpl.use("agg")

from random_calls import (
    building,
    exporting,
    formulas,
    generating,
    measures,
    plotting,
    streams,
    tables,
    training,
)
from random_calls.arguments import Drawing
from random_calls.judging import Verdict, judge
from random_calls.registry import TARGETS, Target, scratch

import kerasae
import kerasae_export

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "random_use.json"
ROOMS = (building, exporting, formulas, measures, plotting, streams, tables, training)
REPORT = 60.0  # seconds between two lines of progress


class Tally:
    """Calls, outcomes and findings of all functions."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.slowest: defaultdict[str, float] = defaultdict(float)
        self.findings: dict[tuple[str, str, str], dict[str, Any]] = {}

    def add(self, target: Target, verdict: Verdict, number: int, seconds: float) -> None:
        """Count a call; print a finding when it comes for the first time."""
        self.calls[target.name] += 1
        self.outcomes[target.name][verdict.outcome] += 1
        self.slowest[target.name] = max(self.slowest[target.name], seconds)
        for kind, words in verdict.findings:
            key = (target.name, kind, re.sub(r"[\d.]+|'[^']*'|=.*", "#", words)[:120])
            if key in self.findings:
                self.findings[key]["times"] += 1
                continue
            self.findings[key] = {
                "function": target.name,
                "kind": kind,
                "words": words[:500],
                "call": verdict.call,
                "again": f"--again {target.name!r} {number}",
                "times": 1,
            }
            print(f"\n{kind}: {words[:500]}\n  {verdict.call}\n  {self.findings[key]['again']}")
            print("".join(f"    {line}\n" for line in verdict.trace.splitlines()[-8:]), flush=True)


def run_batch(target: Target, number: int, tally: Tally, *, loud: bool = False) -> None:
    """Some calls of a function; the same number gives the same calls."""
    keras.utils.set_random_seed(number % 2**32)

    @seed(number)
    @settings(
        max_examples=target.batch,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def calls(data: Any) -> None:
        draw = Drawing(data)
        start = time.perf_counter()
        try:
            call = target.draw(draw)
        except Exception as error:  # noqa: BLE001 - one function must not end the hour
            verdict = Verdict("not drawn", [("not drawn", repr(error))], target.name)
        else:
            start = time.perf_counter()
            verdict = judge(target, call, valid=draw.valid)
        tally.add(target, verdict, number, time.perf_counter() - start)
        if loud:
            print(f"{verdict.outcome}: {verdict.call}", flush=True)

    calls()
    mpl.pyplot.close("all")


def run(targets: list[Target], minutes: float, first: int, tally: Tally) -> Iterator[float]:
    """Give each function the same time, until the minutes are over; now and then, how many are."""
    begin = report = time.monotonic()
    number = first
    while (now := time.monotonic()) - begin < 60 * minutes:
        target = min(targets, key=lambda one: tally.seconds[one.name])
        run_batch(target, number, tally)
        tally.seconds[target.name] += time.monotonic() - now
        number += 1
        if time.monotonic() - report > REPORT:
            report = time.monotonic()
            gc.collect()
            yield (report - begin) / 60
    yield (time.monotonic() - begin) / 60


def uncovered() -> list[str]:
    """Public names that can be called and are not."""
    called = " ".join(TARGETS)
    rooms = {
        "kerasae": kerasae,
        "kerasae_export": kerasae_export,
        "kerasae.evaluation": kerasae.evaluation,
        "kerasae.samplers": kerasae.samplers,
        "kerasae.priors": generating.priors,
        "kerasae.anomaly": kerasae.anomaly,
        "kerasae.masks": kerasae.masks,
        "kerasae.plots": kerasae.plots,
        "kerasae.losses": formulas.losses,
        "kerasae.data": training.data,
    }
    missing = []
    for room, module in rooms.items():
        for name in module.__all__:
            thing = getattr(module, name)
            alias = isinstance(thing, types.GenericAlias)
            error = isinstance(thing, type) and issubclass(thing, Exception)
            if callable(thing) and not (alias or error) and not re.search(rf"\.{name}\b", called):
                missing.append(f"{room}.{name}")
    return missing


def main() -> int:
    warnings.simplefilter("ignore", HypothesisDeprecationWarning)  # of models drawn by their seeds
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first batch")
    parser.add_argument("--only", nargs="+", default=[], help="parts of names")
    parser.add_argument("--again", nargs=2, metavar=("FUNCTION", "NUMBER"))
    arguments = parser.parse_args()
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        scratch(Path(folder))
        os.chdir(folder)  # where a random text may be the name of a file
        wanted = arguments.only or (arguments.again or [""])[:1]
        if any("kerasae_export".startswith(part[:14]) for part in wanted):
            exporting.make_bundle_files()
        if arguments.again:
            name, number = arguments.again
            run_batch(TARGETS[name], int(number), tally, loud=True)
            return bool(tally.findings)
        chosen = [
            one
            for one in TARGETS.values()
            if not arguments.only or any(part in one.name for part in arguments.only)
        ]
        for took in run(chosen, arguments.minutes, arguments.seed, tally):
            print(
                f"{took:.0f} of {arguments.minutes:g} minutes, {tally.calls.total():,} calls of "
                f"{len(tally.calls)} functions, {len(tally.findings)} findings",
                flush=True,
            )
            if not arguments.only:
                write(tally, took, arguments.seed)
    return bool(tally.findings)


def write(tally: Tally, minutes: float, first: int) -> None:
    """Write the results so far."""
    findings = sorted(tally.findings.values(), key=lambda one: (one["kind"], one["function"]))
    kinds = Counter[str]()
    for one in findings:
        kinds[one["kind"]] += one["times"]
    outcomes = sum(tally.outcomes.values(), Counter[str]())
    result = {
        "minutes": round(minutes, 1),
        "seed": first,
        "calls": tally.calls.total(),
        "functions": len(tally.calls),
        "outcomes": dict(outcomes.most_common()),
        "undocumented exceptions": kinds["undocumented"],
        "results that are not finite": kinds["not finite"],
        "findings of other kinds": kinds.total() - kinds["undocumented"] - kinds["not finite"],
        "findings": findings,
        "public names that are not called": uncovered(),
        "calls by function": dict(sorted(tally.calls.items())),
        "outcomes by function": {
            name: dict(counts) for name, counts in sorted(tally.outcomes.items())
        },
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
