"""A search over hyperparameters: what it tries, what it survives, what it shows."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from typing import ClassVar

import numpy as np
import pytest
from click.testing import CliRunner
from test_run_report import read

import kerasae
import kerasae.cli
from kerasae.cli.sweep import _choices
from kerasae.runs import Run
from kerasae.sweeps import Between, memory, running, sweep
from kerasae.sweeps.results import Result
from kerasae.sweeps.settings import choices_of, settings_of
from kerasae.training import TrainConfig

QUICK = TrainConfig(epochs=1, batch_size=40, jit_compile=False)


def tiny(out, vary, **options):
    given = {"hyperparameters": {"hidden": [4]}, "config": QUICK, "limit": 60, "progress": False}
    return sweep("undercomplete", "digits", out, vary, **{**given, **options})


@pytest.mark.usefixtures("eager")
def test_all_combinations_are_tried_and_ranked(tmp_path):
    found = tiny(tmp_path, {"code_size": [2, 4], "learning_rate": np.array([1e-4, 1e-2])})
    assert [tuple(r.setting.values()) for r in found.results] == [
        (2, 1e-4), (2, 1e-2), (4, 1e-4), (4, 1e-2),
    ]  # fmt: skip
    assert {r.status for r in found.results} == {"done"}
    losses = [r.val_loss for r in found.ranked]
    assert losses == sorted(losses)
    assert found.best.setting["learning_rate"] == 1e-2
    with (tmp_path / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == [r.val_loss for r in found.results]
    page = read((tmp_path / "sweep.html").read_text())
    assert "4 of 4" in page.text
    assert "runs/003/report.html" in page.links
    saved = json.loads((tmp_path / "runs" / "003" / "run.json").read_text())
    assert (saved["hyperparameters"]["code_size"], saved["split_seed"]) == (4, 0)
    assert Run.load(tmp_path / "runs" / "003").hyperparameters["hidden"] == [4]


@pytest.mark.usefixtures("eager")
def test_runs_of_other_seeds_have_the_same_split(tmp_path):
    found = tiny(tmp_path, {"seed": [3, 4]}, hyperparameters={"hidden": [4], "code_size": 2})
    assert len({r.val_loss for r in found.results}) == 2
    images = [Run.load(r.folder).images() for r in found.results]
    np.testing.assert_array_equal(images[0].validation, images[1].validation)
    prints = {
        json.loads((r.folder / "summary.json").read_text())["data"]["fingerprint"]
        for r in found.results
    }
    assert len(prints) == 1


@pytest.mark.usefixtures("eager")
def test_a_run_that_fails_is_shown_and_the_others_go_on(tmp_path):
    found = tiny(tmp_path, {"code_size": [2, 64, 4]})
    assert [r.status for r in found.results] == ["done", "failed", "done"]
    assert "must be smaller than the 64 values" in found.results[1].error
    assert [r.setting["code_size"] for r in found.ranked] != []
    head, table = found.rows()
    assert table[-1][0] == "001"
    assert "failed: `code_size`" in table[-1][head.index("status")]
    assert "failed: `code_size`" in read((tmp_path / "sweep.html").read_text()).text


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_search_goes_on_where_it_was(tmp_path, monkeypatch):
    job, done = running.run_job, []

    def interrupted(job_, images):
        if len(done) == 2:
            raise KeyboardInterrupt
        job(job_, images)
        done.append(job_.folder.name)

    monkeypatch.setattr(running, "run_job", interrupted)
    vary = {"code_size": [2, 3, 4, 5]}
    with pytest.raises(KeyboardInterrupt):
        tiny(tmp_path, vary)
    assert "2 of 4" in read((tmp_path / "sweep.html").read_text()).text
    before = {name: (tmp_path / "runs" / name / "model.keras").stat().st_mtime_ns for name in done}
    with pytest.raises(ValueError, match="`out` must not hold a sweep already"):
        tiny(tmp_path, vary)
    with pytest.raises(ValueError, match="whose vary is another"):
        tiny(tmp_path, {"code_size": [2, 3]}, resume=True)
    done.clear()
    monkeypatch.setattr(running, "run_job", lambda j, i: (job(j, i), done.append(j.folder.name)))
    found = tiny(tmp_path, vary, resume=True)
    assert done == ["002", "003"]
    assert {r.status for r in found.results} == {"done"}
    for name, when in before.items():
        assert (tmp_path / "runs" / name / "model.keras").stat().st_mtime_ns == when


VICTIM = """
import sys, time, kerasae
from kerasae.training import TrainConfig, checkpoint
save = checkpoint.TrainingState._save
def save_slowly(self, folder):
    time.sleep(0.3)
    save(self, folder)
if __name__ == "__main__":
    checkpoint.TrainingState._save = save_slowly
    kerasae.sweep("undercomplete", "digits", sys.argv[1], {"code_size": [2, 3]}, limit=60,
                  hyperparameters={"hidden": [4]}, progress=False, resume=True,
                  config=TrainConfig(epochs=3, batch_size=40, jit_compile=False))
"""


@pytest.mark.slow
def test_a_killed_search_ends_as_one_that_was_not(tmp_path):
    def start(folder):
        return subprocess.Popen([sys.executable, "-c", VICTIM, str(folder)])

    process = start(tmp_path / "a")
    while not (tmp_path / "a" / "runs" / "001" / "checkpoint.npz").exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert "1 of 2" in (tmp_path / "a" / "sweep.html").read_text()
    for folder in ("a", "b"):
        assert start(tmp_path / folder).wait() == 0
    for name in ("000", "001"):
        texts = [(tmp_path / f / "runs" / name / "history.csv").read_text() for f in "ab"]
        assert texts[0] == texts[1]


@pytest.mark.slow
def test_several_jobs_end_as_one_does(tmp_path):
    """In processes of their own, of which one fails."""
    vary = {"code_size": [2, 64, 4]}
    apart = tiny(tmp_path / "apart", vary, jobs=2)
    here = tiny(tmp_path / "here", vary)
    assert [r.status for r in apart.results] == ["done", "failed", "done"]
    assert "must be smaller than the 64 values" in apart.results[1].error
    for a, b in zip(apart.results, here.results, strict=True):
        assert a.val_loss == (None if b.val_loss is None else pytest.approx(b.val_loss, rel=1e-4))
    assert apart.results[0].peak_megabytes > 50


class Process:
    """Ends after some looks, and never more at a time than the memory has room for."""

    alive: ClassVar[list[Process]] = []
    most: ClassVar[int] = 0

    def __init__(self, job: running.Job) -> None:
        self.job, self.looks, self.returncode, self.pid = job, 6, 0, -1
        self.stdin = self
        Process.alive.append(self)
        Process.most = max(Process.most, len(Process.alive))

    def close(self) -> None:
        pass

    def poll(self) -> int | None:
        self.looks -= 1
        if self.looks:
            return None
        Process.alive.remove(self)
        return 0


@pytest.mark.parametrize(("free", "most"), [(10_000, 4), (2_500, 2), (100, 1), (None, 4)])
def test_as_many_run_as_the_memory_has_room_for(free, most, tmp_path, monkeypatch):
    Process.most = 0
    monkeypatch.setattr(running, "_PAUSE", 0)
    monkeypatch.setattr(running, "_start", lambda job, count: Process(job))
    monkeypatch.setattr(running, "_peak_of", lambda folder: 1000.0)
    monkeypatch.setattr(running, "megabytes_of", lambda pid: 0.0)
    monkeypatch.setattr(running, "free_megabytes", lambda: free)
    run = Run("undercomplete", {}, "digits")
    jobs = [running.Job(run, QUICK, tmp_path / f"{i}") for i in range(9)]
    told = []
    running.run_apart(jobs, 4, lambda: told.append(1))
    assert len(told) == 9
    assert Process.most == most


def test_the_system_tells_what_is_free():
    free = memory.free_megabytes()
    assert free is None or 0 < free < 1e8
    assert memory.megabytes_of(os.getpid()) >= 0
    assert memory.megabytes_of(2**30) == 0


def test_random_settings_follow_from_the_seed_and_keep_to_their_range():
    vary = {
        "learning_rate": Between(1e-4, 1e-1, log=True),
        "code_size": Between(2, 5),
        "activation": ["relu", "tanh"],
    }
    first = settings_of(choices_of(vary), 200, 1)
    assert first == settings_of(choices_of(vary), 200, 1)
    assert first != settings_of(choices_of(vary), 200, 2)
    assert {s["code_size"] for s in first} == {2, 3, 4, 5}
    rates = np.array([s["learning_rate"] for s in first])
    assert 1e-4 <= rates.min() <= rates.max() <= 1e-1
    assert abs(np.mean(rates < 10**-2.5) - 0.5) < 0.12
    few = settings_of(choices_of({"code_size": [1, 2]}), 50, 0)
    assert sorted(s["code_size"] for s in few) == [1, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("code_size=4,8", [4, 8]),
        ("hidden=[64],[64,32]", [[64], [64, 32]]),
        ("activation=relu,tanh", ["relu", "tanh"]),
        ("tied=True,False", [True, False]),
        ("learning_rate=1e-3", [1e-3]),
        ("learning_rate=log:1e-4..1e-2", Between(1e-4, 1e-2, log=True)),
        ("level=0.1..0.5", Between(0.1, 0.5)),
        ("code_size=4..64", Between(4, 64)),
        ("loss=mse", ["mse"]),
    ],
)
def test_values_are_read_as_people_write_them(text, expected):
    assert _choices(text) == (text.partition("=")[0], expected)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"vary": {}}, "`vary` must name at least one hyperparameter"),
        (
            {"vary": {"depth": [1]}},
            r"must name hyperparameters of undercomplete \(code_size.*depth",
        ),
        ({"vary": {"input_shape": [1]}}, "Received: input_shape"),
        ({"vary": {"code_size": "4"}}, "`vary` must hold lists of values"),
        ({"vary": {"code_size": []}}, "must hold at least one value each"),
        ({"vary": {"code_size": [object()]}}, "`vary` must hold numbers, texts"),
        ({"vary": {"code_size": Between(2, 4)}}, "`samples` must be given where"),
        ({"vary": {"code_size": range(1, 2000)}}, "must make 1000 settings at most"),
        ({"vary": {"hidden": [[4]]}}, "must not name a hyperparameter that is fixed"),
        ({"vary": {"batch_size": [0]}}, "`batch_size` must be a positive integer"),
        ({"measure": "ssim"}, "`measure` must be one of 'val_loss', 'psnr'"),
        ({"jobs": 0}, "`jobs` must be a positive integer"),
        ({"samples": 0}, "`samples` must be a positive integer"),
        ({"samples": 5000}, "`samples` must be 1000 at most"),
        ({"config": {"epochs": 1}}, "`config` must be a `TrainConfig`"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_written(wrong, message, tmp_path):
    options = {"vary": {"code_size": [2]}, **wrong}
    with pytest.raises(ValueError, match=message):
        tiny(tmp_path / "out", options.pop("vary"), **options)
    assert not (tmp_path / "out").exists()


def test_other_things_are_refused_too(tmp_path):
    with pytest.raises(ValueError, match="`architecture` must be one of undercomplete"):
        sweep("cnn", "digits", tmp_path / "out", {"code_size": [2]})
    with pytest.raises(ValueError, match="`source` must be"):
        sweep("undercomplete", "./nowhere", tmp_path / "out", {"code_size": [2]})
    (tmp_path / "runs").mkdir()
    with pytest.raises(ValueError, match="which has runs and no sweep.json"):
        tiny(tmp_path, {"code_size": [2]})
    for low, high, log in ((2, 1, False), (0, 1, True), (1, 1, False)):
        with pytest.raises(ValueError, match="`low` must be"):
            Between(low, high, log)


@pytest.mark.usefixtures("eager")
def test_the_command_shows_the_table(tmp_path):
    command = [
        "sweep", "undercomplete", "--data", "digits", "--limit", "60", "--out", str(tmp_path / "s"),
        "--vary", "code_size=2,64", "--hidden", "4", "--epochs", "1", "--batch-size", "40",
    ]  # fmt: skip
    done = CliRunner().invoke(kerasae.cli.main, command)
    assert done.exit_code == 0, done.output
    assert "Sweep: undercomplete on digits" in done.output
    assert "failed" in done.output
    again = CliRunner().invoke(kerasae.cli.main, command)
    assert again.exit_code == 2
    assert "`--out` must not hold a sweep already, unless `--resume`" in again.stderr
    twice = CliRunner().invoke(kerasae.cli.main, [*command, "--vary", "code_size=3"])
    assert "`--vary` must name each hyperparameter once" in twice.stderr


def test_ranks_follow_the_measure(tmp_path):
    results = [
        Result({"code_size": i}, tmp_path / str(i), "done", val_loss=loss, psnr=psnr)
        for i, (loss, psnr) in enumerate([(0.3, 20.0), (0.1, None), (0.2, 25.0)])
    ]
    by_loss = kerasae.sweeps.Sweep("x", "val_loss", results)
    assert [r.setting["code_size"] for r in by_loss.ranked] == [1, 2, 0]
    by_psnr = kerasae.sweeps.Sweep("x", "psnr", results)
    assert [r.setting["code_size"] for r in by_psnr.ranked] == [2, 0]
    assert by_psnr.plot().axes[0].lines
