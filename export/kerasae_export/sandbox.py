"""A command in a process of its own that may die: limits on memory, time, files; no privileges.

A bundle is a program. This keeps one that crashes, hangs or grows from taking more with it than
that process; it does not hide the user's files from it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

__all__ = ["MAX_MEMORY", "MAX_SECONDS", "run_limited", "why_it_ended"]

MAX_MEMORY = 2**32
"""Bytes of address space of each process."""

MAX_SECONDS = 600
"""Of processor time of each process."""

_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "TERM", "VIRTUAL_ENV")
_KEPT_PREFIXES = ("LC_", "PYTHON", "KERASAE_")


def run_limited(
    command: Sequence[str], *, memory: int = MAX_MEMORY, seconds: int = MAX_SECONDS
) -> int:
    """Run a command with limits; its exit status, or the negative number of the signal it died of.

    Args:
        command: The program and its arguments.
        memory: Bytes of address space.
        seconds: Of processor time.

    Raises:
        ValueError: If this system has no such limits.
    """
    try:
        import resource
    except ImportError:
        raise ValueError(
            f"`sandbox` needs a system with limits of processes. Received: {sys.platform}"
        ) from None

    def limit() -> None:
        for kind, most in (
            (resource.RLIMIT_AS, memory),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, 2**31),
            (resource.RLIMIT_NOFILE, 256),
        ):
            hard = resource.getrlimit(kind)[1]
            value = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (value, value))
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)

    environment = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=_messages(),
        env=environment,
        preexec_fn=limit,
    ) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


def _messages() -> int | None:
    """Where messages go: standard error itself may have been silenced for native libraries."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # none, or one in memory
        return None


def why_it_ended(status: int) -> str | None:
    """A sentence about a process that did not end by itself; None for one that did."""
    if status >= 0:
        return None
    if -status == signal.SIGXCPU or -status == signal.SIGKILL:
        return "the process in the sandbox took too long, or too much memory, and was ended."
    name = signal.Signals(-status).name
    return f"the process in the sandbox died ({name}): do not trust the bundle."
