"""Where a conversion keeps models and calibration images: out of sight of others, and not for long.

The images may be somebody's own. They lie in a folder that only this user can enter, far from where
the result goes; it is removed in the end, and one that a killed process has left is removed by the
next conversion.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kerasae_export.locks import lock

__all__ = ["private_folder"]


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A new folder, which is removed in the end, or by the next call after a kill."""
    root = _root()
    if root is None:
        with tempfile.TemporaryDirectory(prefix="kerasae-") as name:
            yield Path(name)
        return
    with (root / "lock").open("a") as common:
        lock(common, wait=True)
        _clear(root)
        folder = Path(tempfile.mkdtemp(dir=root))
        own = folder.with_suffix(".lock").open("a")
        lock(own)
    with own:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            folder.with_suffix(".lock").unlink(missing_ok=True)


def _root() -> Path | None:
    """The folder of this user among temporary files; None where it cannot be trusted."""
    if not hasattr(os, "getuid"):
        return None
    root = Path(tempfile.gettempdir()) / f"kerasae-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        root.mkdir(mode=0o700)
    status = root.lstat()
    own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    return root if own and not status.st_mode & 0o077 else None


def _clear(root: Path) -> None:
    """Remove the folders of processes that have ended."""
    for path in root.iterdir():
        if path.suffix or path.name == "lock":
            continue
        keeper = path.with_suffix(".lock")
        with contextlib.suppress(OSError), keeper.open("a") as file:
            if lock(file):
                shutil.rmtree(path, ignore_errors=True)
                keeper.unlink(missing_ok=True)
