"""The runs of a search: one after the other here, or side by side in processes of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kerasae.runs import Run
from kerasae.sweeps.memory import free_megabytes, megabytes_of
from kerasae.sweeps.results import ERROR
from kerasae.sweeps.settings import is_of_training
from kerasae.training import TrainConfig
from kerasae.training.run_folder import SUMMARY
from kerasae_export.atomic import write_file
from kerasae_export.format.numbers import plain

__all__ = ["Job", "fail", "run_apart", "run_here", "run_job", "sentence"]

JOB, LOG = "job.json", "log.txt"
_PAUSE = 0.1  # seconds between two looks at the processes
_MARGIN = 1.15  # more memory than the largest run had so far


@dataclasses.dataclass(frozen=True)
class Job:
    """A run to be done.

    Attributes:
        run: What is built, of which data.
        config: How it is trained.
        folder: Its run folder.
    """

    run: Run
    config: TrainConfig
    folder: Path

    @classmethod
    def of(cls, run: Run, config: TrainConfig, setting: Mapping[str, Any], folder: Path) -> Job:
        """The job of a setting.

        Raises:
            ValueError: If a value breaks the rule of `TrainConfig`.
        """
        training = {name: value for name, value in setting.items() if is_of_training(name)}
        own = {name: value for name, value in setting.items() if name not in training}
        config = dataclasses.replace(config, **training)
        split = run.seed if run.split_seed is None else run.split_seed
        run = dataclasses.replace(
            run,
            hyperparameters={**run.hyperparameters, **own},
            seed=config.seed,
            split_seed=split,
        )
        return cls(run, config, folder)

    def to_json(self) -> str:
        """The text of `job.json`."""
        run = plain(dataclasses.asdict(self.run))
        return json.dumps({"run": run, "config": json.loads(self.config.to_json())}, indent=1)

    @classmethod
    def from_folder(cls, folder: Path) -> Job:
        """The job that lies in a folder."""
        content = json.loads((folder / JOB).read_text(encoding="utf-8"))
        return cls(Run(**content["run"]), TrainConfig(**content["config"]), folder)


def run_job(job: Job, images: Any) -> None:
    """Train, or go on where an earlier try was interrupted."""
    (job.folder / ERROR).unlink(missing_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what has collapsed is in the run's report
        job.run.train(images, job.config, job.folder, resume=True, progress=False)


def run_here(jobs: Sequence[Job], images: Any, told: Callable[[], None]) -> None:
    """One after the other in this process.

    Args:
        jobs: The jobs.
        images: Those of all runs.
        told: Called after each.
    """
    for job in jobs:
        job.folder.mkdir(parents=True, exist_ok=True)
        try:
            run_job(job, images)
        except Exception as error:  # noqa: BLE001 a run may fail in any way, and the others go on
            fail(job.folder, sentence(error))
        told()


def run_apart(jobs: Sequence[Job], count: int, told: Callable[[], None]) -> None:
    """Side by side, as many as the memory has room for.

    The first run goes alone and tells how much memory one takes. Where the system does not tell
    what is free, `count` alone decides.

    Args:
        jobs: The jobs.
        count: The most processes at a time.
        told: Called after each run.
    """
    waiting, peak = list(jobs), 0.0
    running: dict[subprocess.Popen[bytes], Job] = {}
    with _ended(running):
        while waiting or running:
            for process in [p for p in running if p.poll() is not None]:
                job = running.pop(process)
                _judge(process, job)
                peak = max(peak, _peak_of(job.folder))
                told()
            alone = not running
            if waiting and len(running) < count and (alone or _fits(peak, running)):
                job = waiting.pop(0)
                running[_start(job, count)] = job
                continue
            time.sleep(_PAUSE)


@contextlib.contextmanager
def _ended(running: Mapping[subprocess.Popen[bytes], Job]) -> Iterator[None]:
    """See that no process stays, whatever happens; one that is killed goes on at a resume."""
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
            process.stdin.close()  # type: ignore[union-attr]


def _start(job: Job, count: int) -> subprocess.Popen[bytes]:
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / ERROR).unlink(missing_ok=True)
    write_file(job.folder / JOB, job.to_json().encode(), durable=False)
    threads = str(max(1, (os.cpu_count() or 1) // count))
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        **os.environ,
    }
    with (job.folder / LOG).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "kerasae.sweeps.worker", os.fspath(job.folder)],
            stdin=subprocess.PIPE,  # whose end tells it that this process is gone
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
        )


def _judge(process: subprocess.Popen[bytes], job: Job) -> None:
    """Note why a process has failed, where it could not do so itself."""
    process.stdin.close()  # type: ignore[union-attr]
    if process.returncode == 0 or (job.folder / ERROR).exists():
        return
    if process.returncode < 0:
        how = f"its process was ended by signal {-process.returncode}"
        how += ", as happens when memory runs out" if process.returncode == -9 else ""
        fail(job.folder, how)
        return
    lines = (job.folder / LOG).read_text("utf-8", errors="replace").strip().splitlines()
    last = " ".join(lines[-1:]) or "no reason given"
    fail(job.folder, f"its process ended with status {process.returncode}: {last}")


def _fits(peak: float, running: Mapping[subprocess.Popen[bytes], Job]) -> bool:
    """Whether the memory has room for one more beside those that still grow."""
    free = free_megabytes()
    if not peak:  # the first run has not ended yet
        return free is None
    if free is None:
        return True
    still = sum(max(0.0, peak - megabytes_of(process.pid)) for process in running)
    return free - still > _MARGIN * peak


def _peak_of(folder: Path) -> float:
    with contextlib.suppress(OSError, ValueError, TypeError):
        found = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["peak_megabytes"]
        return float(found)
    return 0.0


def fail(folder: Path, reason: str) -> None:
    """Note in a run folder why the run has failed."""
    write_file(folder / ERROR, f"{reason}\n".encode(), durable=False)


def sentence(error: Exception) -> str:
    """The first line of what an error says."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
