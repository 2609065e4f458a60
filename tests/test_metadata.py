"""What the distributions say about themselves, without building them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

import kerasae
import kerasae_export

ROOT = Path(__file__).parents[1]
PROJECTS = {"kerasae": ROOT, "kerasae-export": ROOT / "export"}
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Homepage"]


@pytest.fixture(params=PROJECTS)
def project(request: pytest.FixtureRequest) -> dict:
    return tomllib.loads((PROJECTS[request.param] / "pyproject.toml").read_text())["project"]


def test_both_projects_say_the_same(project):
    package = {"kerasae": kerasae, "kerasae-export": kerasae_export}[project["name"]]
    assert project["version"] == package.__version__
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert project["readme"] == "README.md"
    assert project["keywords"]
    for version in ("3.11", "3.12", "3.13"):
        assert f"Programming Language :: Python :: {version}" in project["classifiers"]


def test_the_address_is_the_same_everywhere(project):
    assert all(url.startswith(ADDRESS) for url in project["urls"].values())
    assert json.loads((ROOT / "export/ports/js/package.json").read_text())["homepage"] == ADDRESS


@pytest.mark.parametrize("folder", ["export", "export/ports/js"])
def test_each_package_has_the_licence(folder):
    """Builders take only what lies in a package's own folder."""
    assert (ROOT / folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_one_release_of_kerasae_needs_that_of_kerasae_export():
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert "kerasae-export[convert]>=0.1,<0.2" in needed
    assert kerasae_export.__version__.startswith("0.1.")
