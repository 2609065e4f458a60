"""Try mutants, one after the other: collect the tests once, and fork a process for each mutant.

Called by mutation.py in the folder of the mutants. In the folder that is its argument,
`wanted.json` names the mutants to try, `reach.json` keeps which functions each test calls and the
CPU time that it takes, and each verdict is a line of `verdicts.jsonl`,
written as soon as it is known.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

QUICK = 1.0  # seconds of CPU time; longer tests are not asked
BUDGET = 2.0  # seconds of CPU time of the tests that a mutant is tried with
CLOCK = 600  # seconds after which a process that waits for itself is killed


class Runner:
    """A pytest plugin that tries mutants in place of running the tests."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember that a test has failed."""
        self.failed |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every mutant that is wanted."""
        if session.testsfailed:
            raise session.Interrupted("the tests of a room cannot be collected")
        items = {item.nodeid: item for item in session.items}
        gc.collect()
        gc.freeze()
        if self.forked(partial(self.find_reach, items), None) != "survived":
            raise session.Interrupted("a test of the room fails without a mutant")
        known = json.loads((self.work / "reach.json").read_text())
        tests = defaultdict(list)
        for test in sorted(items, key=lambda test: known[test]["seconds"]):
            for function in known[test]["functions"]:
                tests[function].append(test)
        wanted = json.loads((self.work / "wanted.json").read_text())
        with (self.work / "verdicts.jsonl").open("a") as verdicts:
            for number, (mutant, source) in enumerate(wanted.items(), 1):
                chosen = [
                    items[test] for test in within(tests[mutant.partition("__mutmut_")[0]], known)
                ]
                outcome = "no test"
                if chosen:
                    seconds = sum(known[item.nodeid]["seconds"] for item in chosen)
                    outcome = self.forked(partial(self.run, mutant, chosen), int(3 + 5 * seconds))
                line = {"mutant": mutant, "hash": source, "outcome": outcome}
                verdicts.write(json.dumps(line, ensure_ascii=False) + "\n")
                verdicts.flush()
                if number % 50 == 0 or number == len(wanted):
                    print(f"{number} of {len(wanted)}", flush=True)
        return True

    def forked(self, work: Callable[[], None], seconds: int | None) -> str:
        """What comes of work that ends its own process, which may take so much CPU time."""
        pid = os.fork()
        if pid == 0:
            if seconds is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                signal.alarm(CLOCK)
                silent = os.open(os.devnull, os.O_WRONLY)
                os.dup2(silent, 1)
                os.dup2(silent, 2)
            try:
                work()
            finally:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code in (-signal.SIGXCPU, -signal.SIGALRM, -signal.SIGKILL):
            return "timed out"
        return "survived" if code == 0 else "killed" if code > 0 else "crashed"

    def run(self, mutant: str, items: list[pytest.Item]) -> None:
        """End the process with 1 at the first test that fails, or else with 0."""
        set_mutant_under_test(mutant)
        for item, after in zip(items, [*items[1:], None], strict=True):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
            if self.failed:
                os._exit(1)
        os._exit(0)

    def find_reach(self, items: dict[str, pytest.Item]) -> None:
        """Write which functions each test calls, of the tests in files that are new or changed."""
        path = self.work / "reach.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        set_mutant_under_test("stats")
        digests = {
            item.path: hashlib.sha256(item.path.read_bytes()).hexdigest() for item in items.values()
        }
        for test, item in items.items():
            if test in known and known[test]["file"] == digests[item.path]:
                continue
            state()._stats.clear()
            start = time.process_time()
            # Without a next test its fixtures end with each, so that each test makes its own.
            item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
            if self.failed:
                print(f"{test} fails without a mutant", flush=True)
                os._exit(1)
            known[test] = {
                "file": digests[item.path],
                "seconds": round(time.process_time() - start, 3),
                "functions": sorted(state()._stats),
            }
        path.write_text(json.dumps({test: known[test] for test in items}, indent=0))
        os._exit(0)


def within(tests: list[str], known: dict[str, dict[str, Any]]) -> list[str]:
    """The quickest tests, as many as take the time that there is."""
    chosen, total = [], 0.0
    for test in tests:
        total += known[test]["seconds"]
        if total > BUDGET or known[test]["seconds"] > QUICK:
            break
        chosen.append(test)
    return chosen or tests[:1]


def main() -> None:
    work = Path(sys.argv[1])
    sys.argv[1:] = []
    arguments = [
        "tests",
        "-s",
        "-q",
        "-o",
        "addopts=",
        "-o",
        "testpaths=",
        "-p",
        "no:cacheprovider",
    ]
    arguments += ["-m", "not slow and not weekly and not browser", "--assert=plain"]
    arguments += [f"--basetemp={work / 'tmp'}", "--rootdir=.", "-p", "no:randomly"]
    arguments += ["-k", "not caller_of"]  # between a mutant and its caller are frames of mutmut
    sys.exit(pytest.main(arguments, plugins=[Runner(work)]))


if __name__ == "__main__":
    main()
