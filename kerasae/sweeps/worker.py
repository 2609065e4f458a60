"""One run of a search in a process of its own: `python -m kerasae.sweeps.worker FOLDER`.

It ends with the process that started it, which holds the other end of its standard input.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from kerasae.sweeps.running import Job, fail, run_job, sentence

__all__ = ["main"]


def main(folder: Path) -> int:
    """Do the job of a folder; the exit status is 1 if it fails, and `error.txt` says why."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        job = Job.from_folder(folder)
        run_job(job, job.run.images())
    except Exception as error:  # noqa: BLE001 which is told, in the folder
        fail(folder, sentence(error))
        return 1
    return 0


def _end_with_the_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
