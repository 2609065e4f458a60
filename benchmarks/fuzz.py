"""Damage bitstreams, manifests and bundles a million times, and see what comes of it.

    python benchmarks/fuzz.py                          # all cores, about a quarter of an hour
    python benchmarks/fuzz.py --inputs 10000           # a taste
    python benchmarks/fuzz.py --case "file" 123        # one input again, with its traceback

Two tiny bundles are trained and exported first, one coded in blocks, one as a grid; photographs
are those of the codec that ships. Half of the
bitstreams get a valid CRC after the damage, and half of the damaged bundles valid hashes. Each
input is judged by itself: CPU time; the growth of resident memory at its peak; and a limit of
the address space, 64 MiB above what the process held, on which an allocation fails. What kills
a process is run again alone, to name it. Writes results/fuzz.json and docs/fuzz.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuzzing.targets import MAX_PIXELS, SHARES, Bench, Violation
from rich.progress import Progress
from tiny import make_bundles

from kerasae_export.files.pool import cores, spread
from kerasae_export.quiet import silence_native

HERE = Path(__file__).parent
CHUNK = 250
MEMORY = 64 * 2**20
SECONDS = 1.0  # of CPU time, since other work on the machine may stop a process for longer
WATCHDOG = 20.0  # seconds of the clock, after which a case is killed
EXAMPLES = 20

Case = tuple[str, int]
Chunk = tuple[str, int, int]  # target, first case, number of cases


@dataclass
class Findings:
    """What came of some inputs of a target."""

    target: str
    words: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    slowest: float = 0.0
    largest: int = 0
    slow: list[int] = field(default_factory=list)
    greedy: list[int] = field(default_factory=list)
    failures: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        """Take over what another part of the run found."""
        self.words += other.words
        self.seconds += other.seconds
        self.slowest = max(self.slowest, other.slowest)
        self.largest = max(self.largest, other.largest)
        self.slow += other.slow
        self.greedy += other.greedy
        self.failures += other.failures


@dataclass(frozen=True)
class Work:
    """Run a chunk of cases; each process makes a bench of its own once."""

    folder: Path
    limited: bool = True

    def __call__(self, chunk: Chunk) -> Findings:
        """Run the cases of a target from one number on, so many of them."""
        target, first, count = chunk
        bench = _bench(self.folder)
        findings = Findings(target)
        if self.limited:
            top = int(_status()["VmSize"]) * 1024 + MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (top, resource.RLIM_INFINITY))
        with _mark(self.folder, chunk).open("w") as mark:
            for number in range(first, first + count):
                mark.seek(0)
                mark.write(f"{number}\n")
                mark.flush()
                self._one(bench, number, findings)
        return findings

    def _one(self, bench: Bench, number: int, findings: Findings) -> None:
        # 5 resets the peak of the resident memory to what it is now.
        Path("/proc/self/clear_refs").write_text("5")
        before, start = int(_status()["VmRSS"]), time.process_time()
        signal.setitimer(signal.ITIMER_REAL, WATCHDOG)  # nobody handles it: the process dies
        try:
            word = bench.run(findings.target, number)
        except MemoryError:
            word = "MemoryError"
            findings.greedy.append(number)
        except Violation as error:
            word = f"VIOLATION: {error}"
            findings.failures.append((number, str(error)))
        except Exception as error:  # noqa: BLE001 - what is looked for
            word = f"CRASH: {type(error).__name__}"
            findings.failures.append((number, f"{type(error).__name__}: {error}"[:300]))
        signal.setitimer(signal.ITIMER_REAL, 0)
        seconds = time.process_time() - start
        size = (int(_status()["VmHWM"]) - before) * 1024
        findings.words[word] += 1
        findings.seconds += seconds
        findings.slowest = max(findings.slowest, seconds)
        findings.largest = max(findings.largest, size)
        if seconds > SECONDS:
            findings.slow.append(number)
        if size > MEMORY:
            findings.greedy.append(number)


def _mark(folder: Path, chunk: Chunk) -> Path:
    """A file that tells which case of a chunk was begun last."""
    return folder / f"{list(SHARES).index(chunk[0])}-{chunk[1]}"


_BENCHES: dict[Path, Bench] = {}


def _bench(folder: Path) -> Bench:
    if folder not in _BENCHES:
        silence_native()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        scratch = Path(tempfile.mkdtemp(dir=folder))
        bundles = [folder / "blocks", folder / "grid"]
        _BENCHES[folder] = Bench(bundles, scratch)
        for target in SHARES:  # what is loaded or cached on first use is no case's fault
            for number in range(-20, 0):
                try:
                    _BENCHES[folder].run(target, number)
                except Exception:  # noqa: BLE001 - found again in earnest
                    continue
    return _BENCHES[folder]


def _status() -> dict[str, str]:
    text = Path("/proc/self/status").read_text()
    return dict(re.findall(r"^(VmSize|VmRSS|VmHWM):\s+(\d+) kB", text, re.MULTILINE))


def chunks(inputs: int, only: str | None) -> list[Chunk]:
    found = []
    for target, share in SHARES.items():
        count = inputs if only == target else 0 if only else round(inputs * share)
        found += [(target, i, min(CHUNK, count - i)) for i in range(0, count, CHUNK)]
    # Slow targets are spread over the run, so that its progress is even.
    return sorted(found, key=lambda chunk: chunk[1] / (inputs * SHARES[chunk[0]]))


def hunt(folder: Path, work: list[Chunk], minutes: float) -> tuple[dict[str, Findings], list[Case]]:
    """What came of the chunks, as many as there is time for; and what killed a process."""
    end = time.monotonic() + 60 * minutes
    total = {target: Findings(target) for target in SHARES}
    dead: list[Case] = []
    with Progress(transient=True) as progress:
        bar = progress.add_task("inputs", total=sum(count for _, _, count in work))
        while work:
            rest: list[Chunk] = []
            results = run(folder, work)
            for chunk, findings in zip(work, results, strict=True):
                if time.monotonic() > end:
                    results.close()
                    return total, dead
                target, first, count = chunk
                if findings is None:  # again without the case that killed the process
                    number = int(_mark(folder, chunk).read_text())
                    dead.append((target, number))
                    rest += [(target, first, number - first)]
                    rest += [(target, number + 1, first + count - number - 1)]
                    progress.advance(bar)
                else:
                    total[target].add(findings)
                    progress.advance(bar, count)
            work = [chunk for chunk in rest if chunk[2]]
    return total, dead


def run(folder: Path, work: list[Chunk]) -> Generator[Findings | None, None, None]:
    """Chunks on all cores, never in this process."""
    return spread(Work(folder), work, jobs=max(2, cores()), alone=0)


def autopsy(folder: Path, case: Case) -> str:
    """Why a case kills its process: by itself, or by the limit on memory only."""
    codes = []
    for limited in (True, False):
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=Work(folder, limited), args=((*case, 1),))
        process.start()
        process.join()
        codes.append(process.exitcode or 0)
    if codes[1] == -signal.SIGALRM:
        return "hang"
    if codes[1] < 0:
        return f"killed by {signal.Signals(-codes[1]).name}"
    if codes[0] < 0:
        return "allocation over the limit in native code"
    return "died once, not again"


def report(result: dict[str, Any]) -> str:
    lines = [
        "# Mutated inputs",
        "",
        f"{result['inputs']:,} inputs, seeded, in {result['minutes']:.1f} minutes on "
        f"{result['machine']}. `python benchmarks/fuzz.py` makes this page.",
        "",
        "| input | number | refused | accepted | crashes | over 1 s of CPU | over 64 MB "
        "| slowest, ms | largest growth, MB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for target, row in result["targets"].items():
        lines.append(
            f"| {target} | {row['inputs']:,} | {row['refused']:,} | {row['accepted']:,} "
            f"| {row['crashes']} | {row['slow']} | {row['greedy']} "
            f"| {1e3 * row['slowest_seconds']:.0f} | {row['largest_growth'] / 1e6:.1f} |"
        )
    wrong = sum(row["wrong_images"] for row in result["targets"].values())
    bitstreams = sum(
        row["inputs"]
        for name, row in result["targets"].items()
        if name in ("file", "photograph", "stream")
    )
    lines += [
        "",
        f"Wrong images that passed without a repaired CRC: {wrong} of {bitstreams:,}; a CRC-32 "
        "lets one in about 4 billion pass. "
        f"Crashes: {sum(row['crashes'] for row in result['targets'].values())}. "
        "With a valid CRC or valid hashes a mutated input may be sound, and is then accepted. "
        '"Largest growth" is that of the resident memory while one '
        "input is handled; an allocation beyond 64 MB fails and is counted, touched or not.",
        "",
        f"The reader allows {result['max_pixels']:,} pixels, so that whatever it accepts is a "
        "small image. Changes are bits, bytes, cuts, copies, splices, inflated numbers and foreign "
        "magics; of well-formed blocks the sizes, counts and payloads; of photographs, which are "
        "files of version 2, sizes, quality, lanes and payloads; of a manifest also values "
        "of other types, extreme and nested ones, duplicate names, other encodings; of a bundle "
        "files that are changed, swapped, missing or links. With repaired hashes the models "
        "themselves are damaged or exchanged.",
        "",
    ]
    for failure in result["failures"][:EXAMPLES]:
        lines.append(f'- `--case "{failure["target"]}" {failure["case"]}`: {failure["what"]}')
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=90, help="stop after that time")
    parser.add_argument("--only", choices=list(SHARES), help="one kind of input")
    parser.add_argument("--case", nargs=2, metavar=("KIND", "NUMBER"), help="run one input again")
    parser.add_argument("--bundles", type=Path, help="a folder with bundles blocks and grid")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "fuzz.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kerasae-fuzz-", dir=_memory()) as name:
        folder = Path(name)
        if options.bundles:
            for bundle in ("blocks", "grid"):
                (folder / bundle).symlink_to((options.bundles / bundle).resolve())
        else:
            make_bundles(folder)
        if options.case:
            target, number = options.case
            print(_bench(folder).run(target, int(number)))
            return
        start = time.monotonic()
        work = chunks(options.inputs, options.only)
        total, dead = hunt(folder, work, options.minutes)
        minutes = (time.monotonic() - start) / 60
        causes = {case: autopsy(folder, case) for case in dead}
    result = summary(total, causes, minutes)
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    text = report(result)
    if options.out.parent == HERE / "results":
        (HERE.parent / "docs" / "fuzz.md").write_text(text, encoding="utf-8")
    print(text)
    sys.exit(1 if result["failures"] else 0)


def summary(total: dict[str, Findings], causes: dict[Case, str], minutes: float) -> dict[str, Any]:
    targets, failures = {}, []
    for target, found in total.items():
        died = {number: why for (kind, number), why in causes.items() if kind == target}
        wrong = [what for _, what in found.failures if "passed" in what or "loaded" in what]
        targets[target] = {
            "inputs": found.words.total() + len(died),
            "refused": sum(n for word, n in found.words.items() if "Error" in word),
            "accepted": found.words["accepted"],
            "wrong_images": len(wrong),
            "crashes": len(found.failures)
            - len(wrong)
            + sum(why.startswith(("killed", "died")) for why in died.values()),
            "slow": len(found.slow) + sum(why == "hang" for why in died.values()),
            "greedy": len(set(found.greedy)) + sum("allocation" in why for why in died.values()),
            "slowest_seconds": round(found.slowest, 4),
            "largest_growth": found.largest,
            "cpu_seconds": round(found.seconds, 1),
            "outcomes": dict(found.words.most_common()),
        }
        for number, what in [
            *found.failures,
            *((n, "over 1 s of CPU time") for n in found.slow),
            *((n, "over 64 MB") for n in sorted(set(found.greedy))),
            *died.items(),
        ]:
            failures.append({"target": target, "case": number, "what": what})
    return {
        "inputs": sum(row["inputs"] for row in targets.values()),
        "minutes": round(minutes, 2),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
        "max_pixels": MAX_PIXELS,
        "targets": targets,
        "failures": failures,
    }


def _memory() -> str | None:
    """A file system in memory, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


if __name__ == "__main__":
    main()
