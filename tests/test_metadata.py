"""What the distributions say about themselves, without building them."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import kerasae
import kerasae_export

ROOT = Path(__file__).parents[1]
PROJECTS = {"kerasae": ROOT, "kerasae-export": ROOT / "export"}
RUN_ON = {"kerasae": (11, 12, 13), "kerasae-export": (10, 11, 12, 13)}
"""Minor versions of Python 3."""
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Homepage"]


@pytest.fixture(params=PROJECTS)
def project(request: pytest.FixtureRequest) -> dict:
    return tomllib.loads((PROJECTS[request.param] / "pyproject.toml").read_text())["project"]


def test_both_projects_say_the_same(project):
    package = {"kerasae": kerasae, "kerasae-export": kerasae_export}[project["name"]]
    assert project["version"] == package.__version__
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]
    first, *between, last = RUN_ON[project["name"]]
    assert project["requires-python"] == f">=3.{first},<3.{last + 1}"
    assert project["readme"] == "README.md"
    assert project["keywords"]
    named = [line for line in project["classifiers"] if ":: Python :: 3." in line]
    assert named == [
        f"Programming Language :: Python :: 3.{minor}" for minor in (first, *between, last)
    ]


def test_the_address_is_the_same_everywhere(project):
    assert all(url.startswith(ADDRESS) for url in project["urls"].values())
    assert json.loads((ROOT / "export/ports/js/package.json").read_text())["homepage"] == ADDRESS


@pytest.mark.parametrize("folder", ["export", "export/ports/js"])
def test_each_package_has_the_licence(folder):
    """Builders take only what lies in a package's own folder."""
    assert (ROOT / folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_kerasae_alone_brings_no_notebooks_and_no_website():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}
    extras = project["optional-dependencies"]
    for extra, some in (("notebooks", "jupyterlab ipywidgets"), ("docs", "mkdocs-material")):
        brought = {re.match(r"[\w-]+", line)[0] for line in extras[extra]}
        assert set(some.split()) <= brought
        assert not brought & names


@pytest.mark.slow
def test_kerasae_runs_without_notebooks():
    """Every public name loads where no part of Jupyter is installed."""
    program = (
        "import sys\n"
        "for name in ('IPython', 'ipywidgets', 'jupyterlab', 'nbclient', 'nbformat', 'jupytext'):\n"
        "    sys.modules[name] = None\n"
        "import kerasae, kerasae_export, kerasae.cli, kerasae.quickstart, kerasae.plots\n"
        "for package in (kerasae, kerasae_export):\n"
        "    for name in package.__all__: getattr(package, name)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_receiver_has_the_syntax_of_its_oldest_python():
    oldest = (3, RUN_ON["kerasae-export"][0])
    for path in (ROOT / "export" / "kerasae_export").rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=oldest)


def test_one_release_of_kerasae_needs_that_of_kerasae_export():
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert "kerasae-export[convert]>=0.1,<0.2" in needed
    assert kerasae_export.__version__.startswith("0.1.")
