"""Build the website into build/site, or serve it while its pages are being written.

python website/build.py            every warning is an error
python website/build.py --serve    on this machine, built anew after each change
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mkdocs.__main__ import cli

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the website of kerasae.")
    parser.add_argument("--out", type=Path, default=HERE.parent / "build" / "site")
    parser.add_argument("--serve", action="store_true", help="build after each change, and serve")
    arguments = parser.parse_args()
    # Ruff, which breaks the lines of signatures, is beside this Python.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    config = ["--config-file", str(HERE / "mkdocs.yml")]
    if arguments.serve:
        watched = [f"--watch={HERE.parent / name}" for name in ("docs", "notebooks", "website")]
        cli(["serve", *watched, *config])
    else:
        cli(["build", "--strict", "--site-dir", str(arguments.out.resolve()), *config])
