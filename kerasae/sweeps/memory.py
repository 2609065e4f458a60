"""How much memory is free, and how much a process has."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["free_megabytes", "megabytes_of"]

_GROUP = Path("/sys/fs/cgroup")


def free_megabytes() -> float | None:
    """What new processes can have, in 10**6 bytes; None where the system does not tell."""
    found = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        (line,) = [line for line in lines if line.startswith("MemAvailable:")]
        found.append(int(line.split()[1]) * 1024 / 1e6)
    with contextlib.suppress(OSError, ValueError):  # a container may have less than the machine
        limit = int((_GROUP / "memory.max").read_text())
        found.append((limit - int((_GROUP / "memory.current").read_text())) / 1e6)
    return min(found) if found else None


def megabytes_of(process: int) -> float:
    """What a process has now; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return 0.0
