"""Bulk compression on Apache Beam, with faults injected, beside `kae compress`.

    python benchmarks/beam.py FOLDER [--beam PYTHON] [--limit 200]

FOLDER holds photographs; PYTHON is that of an environment with `kerasae-export[beam]`, by default
the one that tests/test_beam.py has made. A copy of the photographs gets faults: files cut short,
empty ones, text named .jpg. Then, on Beam's local runner,

1. an undisturbed run;
2. a run of several worker processes, one of which is killed, and then the whole run, in the middle;
3. that run repeated, whose archive must be the first one's, byte for byte;
4. a run on the finished archive, which must change nothing;
5. every picture read back by name, compared with what the codec writes of it.

Seconds of processor time of each, and of `kae compress` on the same pictures. Writes
results/beam.json and the table of docs/beam.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kerasae_export.files import Archive, read_image

HERE = Path(__file__).parent
RESULT, PAGE = HERE / "results" / "beam.json", HERE.parent / "docs" / "beam.md"
QUALITY, SHARDS, FAULTS = 50, 16, 5
SETTINGS = ["--quality", str(QUALITY), "--effort", "0"]
SEVERAL = ["--direct_running_mode", "multi_processing", "--direct_num_workers", "2"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--beam", type=Path, help="Python of an environment with Beam")
    parser.add_argument("--limit", type=int, default=200, help="photographs (200)")
    options = parser.parse_args()
    python = options.beam or newest_environment()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        faulty = prepare(options.folder, root / "photos", options.limit)
        found = measure(root, python) | {"faulty": len(faulty)}
        found["failed"] = check(root, faulty)
    RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    write_table(found)
    print(json.dumps(found, indent=1))


def newest_environment() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kerasae"
    found = [path for path in cache.glob("beam-*/bin/python") if ".new" not in str(path)]
    if not found:
        sys.exit("No environment with Apache Beam: give `--beam`, or run test_beam.py once")
    return max(found, key=lambda path: path.lstat().st_mtime)


def prepare(source: Path, target: Path, limit: int) -> set[str]:
    """Copy photographs, some of them into folders, and spoil some; the names of the spoilt."""
    chosen = sorted(source.rglob("*.jpg"))[:limit]
    rng = random.Random(0)
    faulty = set()
    for i, path in enumerate(chosen):
        folder = target / f"{i % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.name)
    for fault in range(3 * FAULTS):
        path = target / f"{fault % 7}" / f"fault {fault}.jpg"
        content = rng.choice(chosen).read_bytes()
        path.write_bytes((content[: len(content) // 3], b"", b"no picture")[fault % 3])
        faulty.add(str(path.relative_to(target)))
    return faulty


def measure(root: Path, python: Path) -> dict[str, Any]:
    seconds: dict[str, float] = {}

    def timed(name: str, words: list[Any]) -> str:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(words, cwd=root, env=environment(), capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds[name] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert done.returncode == 1, done.stderr  # there are broken pictures
        return done.stdout

    said = timed("one run", beam(python, "whole"))
    pictures = int(re.match(r"([\d,]+) pictures", said)[1].replace(",", ""))
    killed_after = kill_in_the_middle(root, beam(python, "sent", *SEVERAL), pictures)
    timed("repeated after the kill", beam(python, "sent", *SEVERAL))
    assert tree(root / "sent") == tree(root / "whole"), "another archive after the kill"
    before = tree(root / "whole")
    again = timed("nothing new", beam(python, "whole"))
    assert again.startswith("0 pictures"), again
    assert tree(root / "whole") == before, "a run without anything new changed the archive"
    kae = [sys.executable, "-m", "kerasae_export.cli", "compress", "photos", "--out", "files"]
    timed("kae compress", [*kae, *SETTINGS, "--jobs", "2"])
    return {
        "pictures": pictures,
        "shards_when_killed": killed_after,
        "processor_seconds": {name: round(value, 1) for name, value in seconds.items()},
        "megabytes": round(sum(p.stat().st_size for p in root.glob("photos/**/*.jpg")) / 1e6, 1),
        "archive_megabytes": round(sum(map(len, tree(root / "whole").values())) / 1e6, 2),
    }


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(HERE.parent / "export")}


def beam(python: Path, out: str, *more: str) -> list[Any]:
    line = [python, "-m", "kerasae_export.beam", "compress", "photos/**", "--out", out]
    return [*line, "--shards", str(SHARDS), *SETTINGS, *more]


def kill_in_the_middle(root: Path, words: list[Any], pictures: int) -> int:
    """Kill a worker, and then the rest, about half way; how many shards were written by then."""
    process = subprocess.Popen(
        words, cwd=root, env=environment(), start_new_session=True, stderr=subprocess.DEVNULL
    )
    time.sleep(10 + pictures / 100)
    found = subprocess.run(["pgrep", "-f", "sdk_worker_main"], capture_output=True, text=True)
    workers = [p for p in map(int, found.stdout.split()) if os.getsid(p) == process.pid]
    assert workers, "the run was over before it could be killed"
    os.kill(workers[0], signal.SIGKILL)
    time.sleep(2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return len(list(root.glob("sent/*.tar")))


def check(root: Path, faulty: set[str]) -> dict[str, int]:
    """Nothing lost, nothing twice: each picture by name, and each failure."""
    archive = Archive(root / "sent")
    photos = root / "photos"
    names = {str(path.relative_to(photos)) for path in photos.rglob("*.jpg")}
    assert set(archive) == names - faulty
    assert len(list(archive)) == len(names - faulty)
    assert set(archive.failed()) == faulty
    for name in archive:
        image = read_image(photos / name, 3)
        assert archive[name] == archive.codec.compress(image, quality=QUALITY, effort=0), name
        assert archive.image(name).shape == image.shape
    reasons: dict[str, int] = {}
    for reason in archive.failed().values():
        kind = reason.partition(":")[0].partition(" (")[0]
        reasons[kind] = reasons.get(kind, 0) + 1
    return reasons


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).digest()
        if path.suffix != ".tar"
        else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def write_table(found: dict[str, Any]) -> None:
    lines = ["| run | processor seconds |", "|---|--:|"]
    lines += [f"| {name} | {value:.1f} |" for name, value in found["processor_seconds"].items()]
    table = "\n".join(lines)
    page = PAGE.read_text(encoding="utf-8")
    page = re.sub(
        r"(<!-- beam -->\n).*(\n<!-- /beam -->)", rf"\g<1>{table}\g<2>", page, flags=re.DOTALL
    )
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
