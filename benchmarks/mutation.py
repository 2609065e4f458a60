"""Change the code a little, thousands of times, and see whether the tests notice.

    pip install mutmut==3.8.1                          # not a dependency of the project
    python benchmarks/mutation.py format               # every mutant; interrupted, it goes on
    python benchmarks/mutation.py losses training runtime
    python benchmarks/mutation.py format --again       # those without a reason, after new tests
    python benchmarks/mutation.py --report             # the results so far; tries nothing

A mutant is a function with one change: `<` became `<=`, a number is one more, an argument is
missing. It is killed if a test fails that calls the function, if it crashes, or if it takes far
longer. mutmut makes the mutants, except of decorated functions such as properties, and
`mutation_runner.py` tries them. Both packages and the tests that are about a room are copied to
build/mutation/ROOM. Of `format` and `losses` all mutants are tried, of `training` and `runtime` 200
each, drawn by seed. The tests of `format` and `runtime` take the committed bundles in place of
trained ones and never import TensorFlow. Writes results/mutation.json and docs/mutation.md. The
first holds every verdict, so that a run on another machine goes on from there, and what is said by
hand in "why" of a survivor stays as long as the survivor does.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib.metadata
import json
import os
import platform
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
WORK = ROOT / "build" / "mutation"
RESULTS = HERE / "results" / "mutation.json"
REPORT = ROOT / "docs" / "mutation.md"
SEED = 0
DRAWN = 200
KILLED = ("killed", "crashed", "timed out")

# mutmut's own steps, without its runner, which starts pytest anew for every mutant.
GENERATE = """
from multiprocessing import set_start_method
from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants
copy_src_dir()
copy_also_copy_files()
create_mutants(1)
"""


@dataclass(frozen=True)
class Room:
    """What is changed, the tests that should notice, and how many mutants are tried.

    Attributes:
        source: Of the files, relative to the folder of the package.
        tests: Names of files of tests.
        trains: Whether they want Keras and trained models.
        draw: How many mutants are drawn; None is all.
    """

    source: str
    tests: tuple[str, ...]
    trains: bool = False
    draw: int | None = None


ROOMS = {
    "format": Room(
        "kerasae_export/format/*.py",
        (
            *("arguments", "bitstream", "entropy", "family", "format", "golden", "golden_photo"),
            *("limits", "manifest", "payload", "photo_format", "photo_payload", "rans", "spec"),
            *("tiling", "validation", "values"),
        ),
    ),
    "losses": Room("kerasae/losses/*.py", ("losses",), trains=True),
    "training": Room(
        "kerasae/training/*.py",
        ("checkpoint", "collapse", "lock", "objective", "progress", "streams", "training"),
        trains=True,
        draw=DRAWN,
    ),
    "runtime": Room(
        "kerasae_export/runtime/*.py",
        (
            *("checks", "format", "golden", "graph", "hostile_models", "litemodel"),
            *("operand_rules", "operators", "shape_rules", "structure", "window_rules"),
        ),
        draw=DRAWN,
    ),
}

# What the tests import from their own folder.
HELPERS = (
    *("flatbuffer_models", "hostile_models", "hostile_tensors", "image_sets", "operator_calls"),
    "photo",
)

WITHOUT_TRAINING = '''
"""The committed bundles in place of trained ones."""

import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from kerasae_export import Codec

GOLDEN = Path(__file__).parent / "golden"

# What a change makes allocate without bounds is stopped.
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, resource.getrlimit(resource.RLIMIT_AS)[1]))
settings.register_profile("mutation", max_examples=20, derandomize=True, database=None)
settings.load_profile("mutation")


def bundle(source):
    @pytest.fixture(scope="session")
    def copy(tmp_path_factory):
        folder = tmp_path_factory.mktemp("bundle") / "bundle"
        return Path(shutil.copytree(GOLDEN / source / "bundle", folder))

    return copy


digit_bundle = bundle("blocks")
photo_bundle = bundle("grid")
joint_bundle = bundle("bundles/blocks-int8-both")


@pytest.fixture(scope="session")
def digit_codec(digit_bundle):
    return Codec.load(digit_bundle)


@pytest.fixture(scope="session")
def photo_codec(photo_bundle):
    return Codec.load(photo_bundle)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=", ".join(ROOMS))
    parser.add_argument(
        "--again", action="store_true", help="also try those that survived without a reason"
    )
    parser.add_argument("--report", action="store_true", help="write what is known; try nothing")
    options = parser.parse_args()
    if unknown := set(options.rooms) - set(ROOMS):
        parser.error(f"`ROOM` must be one of {', '.join(ROOMS)}. Received: {', '.join(unknown)}")
    try:
        if not options.report:
            for name in options.rooms or ROOMS:
                hunt(name, again=options.again)
    finally:
        write_results()


def hunt(name: str, *, again: bool) -> None:
    """Try the mutants of a room that have no verdict yet."""
    prepare(name)
    hashes = functions(name)
    known = verdicts(name, hashes)
    wanted = drawn(name, list(hashes))
    left = [key for key in wanted if key not in known]
    if again:
        alive = [key for key in wanted if known.get(key, "killed") not in KILLED]
        said = reasons()
        rows = changes(name, alive)
        left = [*(key for key in alive if identity(rows[key]) not in said), *left]
    print(f"{name}: {len(left)} of {len(wanted)} mutants to try", flush=True)
    (WORK / name / "wanted.json").write_text(json.dumps({key: hashes[key] for key in left}))
    if left:
        command = [sys.executable, HERE / "mutation_runner.py", WORK / name]
        subprocess.run(command, cwd=WORK / name / "mutants", env=environment(name), check=True)


def prepare(name: str) -> None:
    """Copy the packages and the tests of a room, and make the mutants of what has changed."""
    room, folder = ROOMS[name], WORK / name
    package = room.source.split("/")[0]
    (other,) = {"kerasae", "kerasae_export"} - {package}
    for source in (ROOT / "kerasae", ROOT / "export" / "kerasae_export"):
        copy_changed(source, folder / source.name)
    tests = folder / "mutants" / "tests"
    shutil.rmtree(tests, ignore_errors=True)
    tests.mkdir(parents=True)
    helpers = [*HELPERS, *(["architectures", "browser", "conftest"] if room.trains else [])]
    for file in (*helpers, *(f"test_{test}" for test in room.tests)):
        shutil.copy2(ROOT / "tests" / f"{file}.py", tests)
    shutil.copytree(ROOT / "tests" / "golden", tests / "golden")
    if not room.trains:
        (tests / "conftest.py").write_text(WITHOUT_TRAINING.lstrip())
    settings = (
        "[tool.mutmut]\n"
        f'source_paths = ["{package}"]\nonly_mutate = ["{room.source}"]\n'
        f'also_copy = ["{other}"]\n'
    )
    (folder / "pyproject.toml").write_text(settings)
    subprocess.run(
        [sys.executable, "-c", GENERATE], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    project = (ROOT / "pyproject.toml").read_text()  # how its tests are run
    (folder / "mutants" / "pyproject.toml").write_text(f"{project}\n{settings}")


def copy_changed(source: Path, target: Path) -> None:
    """Copy the files that differ; mutmut makes mutants anew of files that are newer than these."""
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        if not copy.exists() or copy.read_bytes() != path.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def environment(name: str) -> dict[str, str]:
    """What the tests of a room run in."""
    own = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONHASHSEED": "0",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    # mutmut itself may be found by the path that is set already.
    path = os.pathsep.join([str(WORK / name / "mutants"), os.environ.get("PYTHONPATH", "")])
    return os.environ | own | {"PYTHONPATH": path.rstrip(os.pathsep)}


def metas(name: str) -> dict[Path, dict[str, Any]]:
    """What mutmut has written down of each file of a room, by its path in the work folder."""
    folder = WORK / name
    return {
        path.relative_to(folder): json.loads(meta.read_text())
        for path in sorted(folder.glob(ROOMS[name].source))
        if (meta := folder / "mutants" / f"{path.relative_to(folder)}.meta").exists()
    }


def functions(name: str) -> dict[str, str]:
    """The mutants of a room, and for each the hash of the function that it is of."""
    return {
        key: meta["hash_by_function_name"][key.partition("__mutmut_")[0].rpartition(".")[2]][:12]
        for meta in metas(name).values()
        for key in meta["exit_code_by_key"]
    }


def drawn(name: str, keys: list[str]) -> list[str]:
    """The mutants of a room that are tried."""
    draw = ROOMS[name].draw
    return keys if draw is None else random.Random(SEED).sample(sorted(keys), draw)


def verdicts(name: str, hashes: dict[str, str]) -> dict[str, str]:
    """What became of the mutants of functions that are still as they were; the last try counts."""
    path = WORK / name / "verdicts.jsonl"
    lines = map(json.loads, path.read_text().splitlines() if path.exists() else [])
    tries = [*told(name), *((line["mutant"], line["hash"], line["outcome"]) for line in lines)]
    return {mutant: outcome for mutant, source, outcome in tries if hashes.get(mutant) == source}


def told(name: str) -> Iterator[tuple[str, str, str]]:
    """Mutant, hash and outcome of what the results hold of other runs, of mutmut as it is now."""
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"tool": None}
    if before["tool"] != tool():
        return
    for function, text in before["rooms"].get(name, {}).get("tried", {}).items():
        source, *outcomes = text.split("; ")
        for outcome, _, numbers in (part.partition(": ") for part in outcomes):
            for run in numbers.split():
                first, _, last = run.partition("-")
                for number in range(int(first), int(last or first) + 1):
                    yield f"{function}__mutmut_{number}", source, outcome


def tried(known: dict[str, str], hashes: dict[str, str]) -> dict[str, str]:
    """For each function its hash, and the numbers of its mutants by outcome, as `told` reads it."""
    numbers: dict[str, dict[str, list[int]]] = {}
    for mutant, outcome in known.items():
        function, _, number = mutant.partition("__mutmut_")
        numbers.setdefault(function, {}).setdefault(outcome, []).append(int(number))
    return {
        function: "; ".join(
            [
                hashes[f"{function}__mutmut_{min(map(min, outcomes.values()))}"],
                *(f"{outcome}: {runs(found)}" for outcome, found in sorted(outcomes.items())),
            ]
        )
        for function, outcomes in sorted(numbers.items())
    }


def runs(numbers: list[int]) -> str:
    """Numbers in short, as in "1-5 8"."""
    edges: list[list[int]] = []
    for number in sorted(numbers):
        if edges and number == edges[-1][1] + 1:
            edges[-1][1] = number
        else:
            edges.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in edges)


def tool() -> str:
    return f"mutmut {importlib.metadata.version('mutmut')}"


def changes(name: str, keys: list[str]) -> dict[str, dict[str, Any]]:
    """The change that each of some mutants is."""
    rows = {}
    for path, meta in metas(name).items():
        wanted = [key for key in meta["exit_code_by_key"] if key in keys]
        text = (WORK / name / "mutants" / path).read_text(encoding="utf-8") if wanted else ""
        lines = text.splitlines()
        found = {
            node.name: lines[node.lineno - 1 : node.end_lineno]
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name
        }
        for key in wanted:
            function, _, number = key.rpartition(".")[2].partition("__mutmut_")
            before, after = (
                [
                    line.replace(f"{function}__mutmut_{which}(", f"{function}(").strip()
                    for line in found[f"{function}__mutmut_{which}"]
                ]
                for which in ("orig", number)
            )
            lines_of = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
            rows[key] = {
                "file": path.as_posix(),
                "function": function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", "."),
                "was": [line[1:] for line in lines_of if line[0] == "-"],
                "is": [line[1:] for line in lines_of if line[0] == "+"],
            }
    return rows


def write_results() -> None:
    """Put what is known of each room into the results, with what was said of its survivors."""
    before = json.loads(RESULTS.read_text())["rooms"] if RESULTS.exists() else {}
    said, rooms = reasons(), {}
    for name, room in ROOMS.items():
        hashes = functions(name)
        if not hashes:
            rooms |= {name: before[name]} if name in before else {}
            continue
        known = verdicts(name, hashes)
        wanted = drawn(name, list(hashes))
        count = Counter(known.get(key, "not tried") for key in wanted)
        alive = [key for key in wanted if known.get(key, "killed") not in KILLED]
        rooms[name] = {
            "mutants": len(hashes),
            "drawn": len(wanted) if room.draw else None,
            "outcomes": dict(sorted(count.items())),
            "tried": tried(known, hashes),
            "survivors": [
                row | {"why": said.get(identity(row), "")} for row in changes(name, alive).values()
            ],
        }
    result = {
        "tool": tool(),
        "seed": SEED,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "rooms": rooms,
    }
    RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    REPORT.write_text(report(result), encoding="utf-8")


def reasons() -> dict[str, str]:
    """What is said by hand of survivors, by their identity."""
    rooms = json.loads(RESULTS.read_text())["rooms"] if RESULTS.exists() else {}
    rows = [row for room in rooms.values() for row in room["survivors"]]
    return {identity(row): row["why"] for row in rows if row["why"]}


def identity(row: dict[str, Any]) -> str:
    """Tells a change from every other, whatever its number."""
    return json.dumps([row["file"], row["function"], row["was"], row["is"]])


def report(result: dict[str, Any]) -> str:
    """The results as a page."""
    lines = [
        "# Do the tests notice a change?",
        "",
        "Mutation testing changes one thing in a function, such as `<` to `<=`, and runs the tests",
        "that call the function. If one fails, the mutant is killed; if none does, a test is",
        "missing, or the change makes no difference that could be tested. `benchmarks/mutation.py`",
        f"does that with the mutants of {result['tool']}, one after the other. A mutant is tried",
        "with the quickest tests that reach it, up to two seconds of them. What has no",
        "reason beside it is to be tried again with the tests written since, or to be explained.",
        "",
        "| room | mutants | tried | killed | crashed | timed out | survived | no test |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, room in result["rooms"].items():
        count = Counter(room["outcomes"])
        tried = count.total() - count["not tried"]
        cells = [name, room["mutants"], tried]
        cells += [count[word] for word in (*KILLED, "survived", "no test")]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", "## Survivors"]
    for name, room in result["rooms"].items():
        if room["survivors"]:
            lines += [
                "",
                f"### {name}",
                "",
                "| function | was, and became | why it stays |",
                "|---|---|---|",
            ]
        for row in room["survivors"]:
            file = row["file"].rpartition("/")[2].removesuffix(".py")
            change = f"{code(row['was'])}<br>{code(row['is'])}"
            cells = [f"`{file}.{row['function']}`", change, row["why"]]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def code(lines: list[str]) -> str:
    """Lines of code in a cell of a table."""
    text = " ".join(lines).replace("|", "\\|")
    return f"`{text}`" if "`" not in text else f"`` {text} ``"


if __name__ == "__main__":
    main()
