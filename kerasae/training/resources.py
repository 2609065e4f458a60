"""What a training takes of the machine: time and memory."""

from __future__ import annotations

import sys
import time

__all__ = ["Watch", "peak_megabytes"]


class Watch:
    """Measures an epoch, from its beginning to the moment at which its results are there."""

    measures = ("seconds", "peak_megabytes")

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def start(self) -> None:
        """The epoch begins."""
        self._began = time.perf_counter()

    def stop(self) -> dict[str, float]:
        """The measures by their names; memory where the system tells."""
        found = {"seconds": round(time.perf_counter() - self._began, 4)}
        peak = peak_megabytes()
        return found if peak is None else {**found, "peak_megabytes": peak}


def peak_megabytes() -> float | None:
    """The most memory that this process has had, in 10**6 bytes; None where nothing tells."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)
