"""What the tests of the website share: the site, built once, and how npm's packages are found."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from filelock import FileLock

REPOSITORY = Path(__file__).resolve().parents[1]
AXE, PUPPETEER = "axe-core@4.14.1", "puppeteer-core@24.43.1"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The website, made as a reader makes it, once for all workers; it must not be changed.

    `KERASAE_SITE` names one that is built already, while a test is being written.
    """
    if built := os.environ.get("KERASAE_SITE"):
        return Path(built)
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "website"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            done = subprocess.run(
                [sys.executable, str(REPOSITORY / "website" / "build.py"), "--out", str(folder)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert "warn" not in (done.stdout + done.stderr).lower()
    return folder


def module(name: str) -> ModuleType:
    """A module of `website/`, which is no package."""
    spec = importlib.util.spec_from_file_location(
        f"website_{name}", REPOSITORY / "website" / f"{name}.py"
    )
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `node_modules` of axe-core and puppeteer-core, fetched once into the user's cache."""
    if given := os.environ.get("KERASAE_NODE_MODULES"):
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kerasae" / "site"
    found = cache / "node_modules"
    with FileLock(f"{cache}.lock"):
        if not (found / "axe-core").is_dir() or not (found / "puppeteer-core").is_dir():
            if shutil.which("npm") is None:
                pytest.skip("npm is not installed")
            quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
            command = ["npm", "install", *quiet, "--prefix", str(cache), AXE, PUPPETEER]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"npm does not give {AXE} and {PUPPETEER}: {done.stderr.strip()}")
    return found


@pytest.fixture
def served(site: Path) -> Iterator[Any]:
    """The site on a host of static files, below a path of its own."""
    with module("check").serving(site) as server:
        yield server
