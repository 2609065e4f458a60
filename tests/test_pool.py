"""Work on all cores: results in order, a process that dies costs one result, Ctrl-C is clean."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from kerasae_export.files.pool import cores, spread


def work(item):
    """In a process of its own: what to do depends on the item."""
    if item == "die":
        os._exit(3)
    if item == "unsendable":
        return lambda: None
    if item == "who":
        return os.getpid()
    time.sleep(item)
    return item


def test_results_come_in_the_order_of_the_items():
    items = [0.2, 0.0, 0.1, 0.0, 0.05, 0.0]
    assert list(spread(work, items, jobs=3, alone=0)) == items
    assert list(spread(work, items, jobs=1)) == items
    assert list(spread(work, [], jobs=3)) == []


def test_a_process_that_dies_costs_its_own_result_only():
    items = [0.0, "die", 0.01, "die", "unsendable", 0.02]
    assert list(spread(work, items, jobs=2, alone=0)) == [0.0, None, 0.01, None, None, 0.02]


def test_short_work_needs_no_other_process_and_long_work_gets_them():
    assert set(spread(work, ["who"] * 9, jobs=3, alone=60)) == {os.getpid()}
    alone, *others = spread(work, [0.05, *["who"] * 6], jobs=2, alone=0.02)
    assert alone == 0.05
    assert os.getpid() not in others
    assert 1 <= len(set(others)) <= 2


@pytest.mark.slow
def test_closing_finishes_what_was_begun_and_begins_no_more(tmp_path):
    results = spread(_Touch(tmp_path), [f"{i}" for i in range(40)], jobs=2, alone=0)
    next(results)
    results.close()
    done = len(list(tmp_path.iterdir()))
    assert 1 <= done < 40
    assert all(file.read_text() == "whole" for file in tmp_path.iterdir())
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) == done  # nobody goes on


class _Touch:
    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name):
        with (self.folder / name).open("w") as file:
            file.write("who")
            time.sleep(0.05)
            file.seek(0)
            file.write("whole")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="not known here")
def test_cores_are_those_that_may_be_used():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert cores() == len(before)


@pytest.mark.slow
def test_processes_end_when_their_parent_is_killed(tmp_path):
    """No worker waits for ever for one that is gone."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import os\n"
        "from kerasae_export.files.pool import spread\n"
        "def work(item):\n"
        "    return os.getpid()\n"
        "if __name__ == '__main__':\n"
        "    results = spread(work, range(100), jobs=2, alone=0)\n"
        "    print(next(results), flush=True)\n"
        "    import time\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    assert worker != parent.pid
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=30)  # the end of an output that the workers hold as well
