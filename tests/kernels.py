"""Kernels that have nothing to import: forked from a process that imported what chapters use."""

from __future__ import annotations

import multiprocessing
import os
import time
from multiprocessing.context import ForkServerProcess
from typing import Any

import pytest

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["conftest", "ipykernel.kernelapp", "keras", "kerasae", "matplotlib.pyplot", __name__]
)


class ForkedKernel:
    """A kernel's process with the methods of `subprocess.Popen` that Jupyter calls."""

    stdin = stdout = stderr = None

    def __init__(self, cmd: list[str], cwd: str, env: dict[str, str], **_: Any) -> None:
        self.process = ForkServerProcess(target=run, args=(cmd[3:], cwd, env))
        self.process.start()
        self.pid = self.process.pid
        while self.process.is_alive() and os.getpgid(self.pid) != self.pid:
            time.sleep(0.01)  # signals go to the group, which must not be that of the tests

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self) -> int | None:
        self.process.join()
        return self.process.exitcode

    def send_signal(self, signum: int) -> None:
        os.kill(self.pid, signum)

    def kill(self) -> None:
        self.process.kill()

    def terminate(self) -> None:
        self.process.terminate()


def run(arguments: list[str], cwd: str, env: dict[str, str]) -> None:
    """`python -m ipykernel_launcher` with what follows it."""
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    from conftest import turn_xla_off
    from ipykernel.kernelapp import IPKernelApp

    turn_xla_off(pytest.MonkeyPatch())
    IPKernelApp.launch_instance(arguments)
