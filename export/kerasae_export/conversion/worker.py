"""The converter's process: started once, kept for the next conversion, ended when not needed.

Starting TensorFlow takes seconds, most of the time of converting a small model. The process ends
with the program that started it, or after 60 seconds without a job, or as many as the environment
variable KERASAE_CONVERTER_IDLE says.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

__all__ = [
    "RETIRED",
    "MachineError",
    "Worker",
    "WorkerError",
    "borrow",
    "end_with",
    "give_back",
    "stop_idle",
]

RETIRED = 0  # exit status of a process that had been idle for too long or had grown too large
_LOG_LINE = re.compile(r"[IW]\d{4} |WARNING: All log|INFO: ")
_idle: list[Worker] = []  # at most one: conversions of one program rarely overlap


class WorkerError(Exception):
    """The process ended in the middle of a job, with this status and these last messages."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"status {status}: {words}")
        self.status, self.words = status, words


class MachineError(Exception):
    """The process could not do a job for want of disk, memory or permission, and says of what."""


class Worker:
    """A TensorFlow process that takes jobs, one after the other."""

    def __init__(self) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop
        self._scratch = tempfile.mkdtemp(prefix="kerasae-")  # where TensorFlow leaves files
        self._said = 0  # bytes of the errors of earlier jobs
        environment = {
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TMPDIR": self._scratch,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kerasae_export.conversion.process", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            text=True,
        )
        self.busy = False

    def run(self, job: dict[str, Any]) -> str | None:
        """Do a job, and return what went wrong, if anything did.

        Raises:
            WorkerError: If the process ended before it answered.
            MachineError: If the machine, and not the model, was the reason.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.busy = True
        self._said = os.fstat(self._errors.fileno()).st_size
        try:
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise WorkerError(self.process.wait(), self._last_words())
        self.busy = False
        told = json.loads(answer)
        if told.get("machine"):
            raise MachineError(told["error"])
        error: str | None = told["error"]
        return error

    def stop(self) -> None:
        """End the process, which holds nothing worth keeping."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):  # a job that a dead process never read
            self.process.stdin.close()
        self.process.stdout.close()
        self._errors.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _last_words(self) -> str:
        self._errors.seek(self._said)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        said = [line.strip() for line in lines if line.strip() and not _LOG_LINE.match(line)]
        return said[-1] if said else "it said nothing."


def end_with(parent: int) -> None:
    """End this process as soon as its parent has ended, even if a sibling keeps the pipe open."""

    def wait() -> None:
        try:
            descriptor = os.pidfd_open(parent)
        except (AttributeError, OSError):  # no Linux, or an old one, or the parent has ended
            while os.getppid() == parent:
                time.sleep(0.2)
        else:
            if os.getppid() == parent:  # and no other process has its number
                select.select([descriptor], [], [])
        os._exit(RETIRED)

    if hasattr(os, "getppid"):
        threading.Thread(target=wait, daemon=True).start()


def borrow() -> Worker:
    """The process that is idle, or a new one."""
    while True:
        try:
            worker = _idle.pop()
        except IndexError:
            return Worker()
        if worker.process.poll() is None:
            return worker
        worker.stop()


def give_back(worker: Worker) -> None:
    """Keep a process for the next conversion, unless one is kept already or this one is busy."""
    if worker.busy or _idle or worker.process.poll() is not None:
        worker.stop()
    else:
        _idle.append(worker)


def stop_idle() -> None:
    """End the process that is kept, if one is."""
    while _idle:
        _idle.pop().stop()


atexit.register(stop_idle)
if hasattr(os, "register_at_fork"):  # a forked process must not talk to its parent's
    os.register_at_fork(after_in_child=_idle.clear)
