"""How the user's shell calls the programs of this environment, for the commands that are shown."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

__all__ = ["called", "installer", "source_folder"]

_OWN = ("kerasae", "kae")


def called(name: str) -> str:
    """A program as a shell finds it: by its name, or where it is not on the path, by its file.

    Args:
        name: One of the programs that lie beside `kerasae`, such as "kerasae" or "jupyter".
    """
    own = Path(sys.argv[0])
    if own.stem not in _OWN:  # called from Python
        return name
    program = own.with_name(name + own.suffix)
    found = shutil.which(name)
    if not program.exists() or (found is not None and program.samefile(found)):
        return name
    return shlex.quote(str(program))


def installer() -> str:
    """What installs into this environment: its pip, or uv, which makes environments without one."""
    here = Path(sys.executable).parent
    return called("pip") if any(here.glob("pip*")) else "uv pip"


def source_folder() -> Path | None:
    """The checkout that this package is imported from, or None where it is installed as a copy."""
    folder = Path(__file__).resolve().parents[2]
    return folder if (folder / "pyproject.toml").is_file() else None
